"""Lengths of intervals as requests write them: seconds, "5m", or an ISO 8601 duration of fixed length."""

import re
from fractions import Fraction

from bridge.uns.moments import SECOND

SHORTEST = SECOND // 1_000  # ns; nothing on a broker is worth averaging within less than a millisecond
LONGEST = 36_525 * 86_400 * SECOND  # ns; a century
REMEDY = (
    'give seconds, or a text such as "30s", "5m", "1h", "1d" or "PT5M", from a millisecond to a century; '
    "months and years have no fixed length"
)

_UNITS = {
    "ms": SHORTEST,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3_600 * SECOND,
    "d": 86_400 * SECOND,
    "w": 604_800 * SECOND,
}
_MAX_TEXT = 32  # characters
# What is said of texts beforehand, as a JSON Schema says it: all that fits is taken, and some more is.
DOCUMENTED = r"^([1-9][0-9]{0,3}(ms|s|m|h|d)|[1-9][0-9]{0,2}w|PT[1-9][0-9]{0,3}[HMS])$"
_NUMBER = r"(\d+(?:\.\d+)?)"
_SHORT = re.compile(rf"{_NUMBER} ?(ms|s|m|h|d|w)", re.ASCII)
_ISO = re.compile(rf"P(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?", re.ASCII)


def parse_interval(said: object) -> int | None:
    """Nanoseconds, or None for what is no length between `SHORTEST` and `LONGEST`."""
    match said:
        case bool():
            return None
        case int():
            found: Fraction | None = Fraction(said) * SECOND
        case float() if abs(said) < LONGEST:  # not NaN, not infinite
            found = Fraction(str(said)) * SECOND
        case str() if len(said) <= _MAX_TEXT:
            found = _from_text(said.strip())
        case _:
            return None
    return int(found) if found is not None and SHORTEST <= found <= LONGEST else None


def _from_text(text: str) -> Fraction | None:
    if found := _SHORT.fullmatch(text):
        return Fraction(found[1]) * _UNITS[found[2]]
    found = _ISO.fullmatch(text)
    if found is None or text.endswith(("P", "T")):
        return None
    parts = zip(found.groups(), ("w", "d", "h", "m", "s"), strict=True)
    return sum((Fraction(number) * _UNITS[unit] for number, unit in parts if number is not None), Fraction(0))
