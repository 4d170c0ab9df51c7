"""Whether a remembered model is one of this configuration: what was decided by other words counts no more."""

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from bridge.engine import Options

# What rules say about keeping and telling values changes nothing in the model.
# fmt: off
_NOT_OF_THE_MODEL = frozenset((
    "future_tolerance", "stale_after", "on_death", "deletion", "expire_after", "zone", "time_unit", "quality_profile",
    "name", "description",
))
# fmt: on
_BYTES = 16


def fingerprint(options: Options, model_file: Path | None) -> str:
    """The same for all configurations under which the same topics make the same model. Raises `OSError` where the model
    file cannot be read.
    """
    rules = [(list(rule.topics), said) for rule in options.rules if (said := _of_the_model(rule.said))]
    told = (
        list(options.levels),
        options.namespace,
        sorted(options.aspects),
        options.guess_units,
        rules,
        model_file.read_bytes() if model_file is not None else b"",
    )
    return blake2b(msgspec.json.encode(told, order="deterministic"), digest_size=_BYTES).hexdigest()


def _of_the_model(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if key not in _NOT_OF_THE_MODEL}
