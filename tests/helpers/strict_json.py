"""JSON as the standard has it: no NaN or Infinity, no halves of surrogate pairs."""

import json
from typing import Any, NoReturn


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def parse(body: bytes) -> Any:
    """Raises `ValueError` for anything that a strict reader would refuse."""
    found = json.loads(body.decode("utf-8"), parse_constant=_refuse)
    json.dumps(found, ensure_ascii=False).encode("utf-8")  # a lone surrogate cannot be encoded
    return found
