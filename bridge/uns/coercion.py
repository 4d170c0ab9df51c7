"""Texts that mean something else, where the configuration says so: numbers, booleans, numbers with a unit.

`numbers`: a decimal number as JSON writes it, also with a plus sign, a decimal comma, or nothing before or after the
point. `007` (a code), `0x1F`, `1_000` and `1,234.5` stay texts. `booleans`: true/false, on/off, yes/no in any case.
`units`: a number with a unit behind it, `23.5 °C`.
"""

import re
from collections.abc import Collection

from bridge.uns import units
from bridge.uns.message import Json

MAX_NUMBER = 40  # characters; what is longer is no measurement

_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_WITH_UNIT = re.compile(rf"({_NUMBER.pattern})\s?([^\W\d_]\S*|[°%‰Ω]\S*)")
_BOOLEANS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
_LONGEST_BOOLEAN = max(map(len, _BOOLEANS))


def number(text: str) -> int | float | None:
    """The number that a text stands for, integers exactly; None where it is none."""
    text = text.strip()
    if len(text) > MAX_NUMBER or not _NUMBER.fullmatch(text):
        return None
    return int(text) if _INTEGER.fullmatch(text) else _finite(float(text.replace(",", ".")))


def measurement(text: str) -> tuple[int | float, str] | None:
    """The number and the unit of a text such as `23.5 °C`; None where it is not a number and a unit."""
    found = _WITH_UNIT.fullmatch(text.strip()) if len(text) <= MAX_NUMBER + units.MAX_UNIT else None
    counted = number(found[1]) if found else None
    unit = units.clean(found[2]) if found else None
    return None if counted is None or unit is None else (counted, unit)


def scalar(text: str, kinds: Collection[str]) -> Json:
    """What a text stands for by the kinds asked for; else the text itself."""
    if "booleans" in kinds and len(text) <= _LONGEST_BOOLEAN + 2:
        truth = _BOOLEANS.get(text.strip().lower())
        if truth is not None:
            return truth
    counted = number(text) if "numbers" in kinds else None
    return text if counted is None else counted


def document(value: Json, kinds: Collection[str]) -> Json:
    """The same objects and arrays with all their texts coerced. Their units stay: they would be lost."""
    match value:
        case str():
            return scalar(value, kinds)
        case dict():
            return {key: document(part, kinds) for key, part in value.items()}
        case list():
            return [document(part, kinds) for part in value]
        case _:
            return value


def _finite(counted: float) -> float | None:
    return counted if abs(counted) != float("inf") else None
