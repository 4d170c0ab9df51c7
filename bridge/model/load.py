"""A model file → `Model`, or every mistake at once, each with its line."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge.errors import ConfigError
from bridge.model.document import FORMAT, Document
from bridge.model.lines import Lines
from bridge.model.mistakes import Mistake, said, told
from bridge.model.model import Model
from bridge.model.references import broken

_POSITION = re.compile(r"\(at line (\d+), column (\d+)\)$")


def load(path: Path) -> Model:
    """Raises `ConfigError` with one line a mistake: `FILE: line N: [[element]] 3 key = value: what is allowed`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: must be UTF-8 text: byte {error.start + 1} is not"]) from None
    return parse(text, str(path))


def parse(text: str, source: str) -> Model:
    """The model of a text; `source` is what mistakes are attributed to. Raises `ConfigError`."""
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError([f"{source}: {_syntax(str(error))}"]) from None
    found = [*_format(raw), *broken(raw)]
    try:
        document = Document.model_validate(raw)
    except ValidationError as error:
        found += told((one for one in error.errors(include_url=False) if one["loc"] != ("format",)), raw)
    if found:
        raise ConfigError([f"{source}: {line}" for line in _in_order(found, Lines(text))])
    return Model(document)


def _format(raw: Mapping[str, Any]) -> Iterable[Mistake]:
    if "format" not in raw:
        yield Mistake(("format",), f"format: must be there: format = {FORMAT}")
    elif raw["format"] != FORMAT:
        yield Mistake(("format",), f"{said(('format',), raw['format'])}: must be {FORMAT}, which this version reads")


def _in_order(found: Iterable[Mistake], lines: Lines) -> list[str]:
    """The mistakes as they stand in the file; those of the whole file first."""
    placed = sorted(((lines.of(one.place) or 0, one.text) for one in found), key=lambda row: row[0])
    return [f"line {line}: {text}" if line else text for line, text in placed]


def _syntax(problem: str) -> str:
    at = _POSITION.search(problem)
    if at is None:
        return f"not TOML: {problem.removesuffix('(at end of document)').strip()}"
    return f"line {at[1]}, column {at[2]}: not TOML: {problem[: at.start()].strip()}"
