"""Texts in the form that others of their kind have: times, qualities, and scalars that are no JSON.

Each function gives forms in the order of preference; whoever asks tries which of them reads back as it should.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from bridge.uns import Json, Quality, quality
from bridge.uns.moments import SECOND
from bridge.uns.policy import QualityProfile

_BOOLEANS = (("ON", "OFF"), ("on", "off"), ("On", "Off"), ("true", "false"), ("True", "False"), ("TRUE", "FALSE"),
             ("yes", "no"), ("Yes", "No"), ("YES", "NO"))  # fmt: skip
_QUALITIES: dict[Quality, tuple[Json, ...]] = {
    "Good": ("Good", "GOOD", "good", "OK", "ok", 192, 0, 1, True, False, "192", "0", "1",
             {"Code": 0, "Symbol": "Good"}),
    "Uncertain": ("Uncertain", "UNCERTAIN", "uncertain", 64, 0x4000_0000, 500, "64",
                  {"Code": 0x4000_0000, "Symbol": "Uncertain"}),
    "Bad": ("Bad", "BAD", "bad", 0, 0x8000_0000, 1, False, True, "0", {"Code": 0x8000_0000, "Symbol": "Bad"}),
    "GoodNoData": ("GoodNoData", "goodNoData"),
}  # fmt: skip
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_ISO = re.compile(
    r"\d{4}(-?)\d\d-?\d\d([T ])\d\d(:?)\d\d(?::?\d\d)?(?:([.,])(\d+))?(\s?)(Z|z|[+-]\d\d(:?)\d\d|[+-]\d\d)?", re.ASCII
)
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": SECOND}


def moment(ns: int, like: Json, unit: str, zone: tzinfo) -> Json:
    """A time in the form of another one; `unit` is the declared one of numbers. What has no form that is known: ISO."""
    match like:
        case bool() | None:
            return _iso(ns, zone, "2026-01-01T00:00:00.000Z")
        case int() | float():
            return _number(ns, like, unit)
        case str() if like.strip().replace(".", "", 1).isdigit():
            return str(_number(ns, float(like) if "." in like else int(like), unit))
        case str():
            return _iso(ns, zone, like.strip())
        case _:
            return like


def _number(ns: int, like: float, unit: str) -> int | float:
    per = _PER_SECOND.get(unit) or next(
        (per for per in (1, 1_000, 1_000_000) if abs(like) < 5_000_000_000 * per), SECOND
    )
    return ns * per // SECOND if isinstance(like, int) else ns / SECOND * per


def _iso(ns: int, zone: tzinfo, like: str) -> str:
    found = _ISO.fullmatch(like)
    if found is None:
        return _iso(ns, UTC, "2026-01-01T00:00:00.000Z")
    dash, between, colon, point, digits, blank, offset, _ = found.groups()
    second, rest = divmod(ns, SECOND)
    there = _zone(offset, zone)
    when = datetime.fromtimestamp(second, there)
    text = when.strftime(f"%Y{dash}%m{dash}%d{between}%H{colon}%M{colon}%S")
    if point:
        text += f"{point}{rest:09d}"[: 1 + len(digits)]
    return text + (blank if offset else "") + (offset or "")


def _zone(offset: str | None, zone: tzinfo) -> tzinfo:
    """The zone that an offset is of; of a time without one the configured zone."""
    if offset is None:
        return zone
    if offset in "Zz":
        return UTC
    sign = -1 if offset[0] == "-" else 1
    digits = offset[1:].replace(":", "").ljust(4, "0")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


def qualities(said: Quality, like: Json, meaning: QualityProfile) -> Iterator[Json]:
    """Codes and words for a quality, of the kind of another one, that read as it."""
    if quality.parse(like, meaning) == said:
        yield like
    case = str.isupper if isinstance(like, str) and like.isupper() else str.islower
    forms = sorted(_QUALITIES[said], key=lambda form: not (isinstance(form, str) and case(form) and case(str(like))))
    for form in forms:
        if type(form) is type(like) and quality.parse(form, meaning) == said:
            yield form


def scalars(value: Json, like: str) -> Iterator[str]:
    """Texts for a value that is none, on a topic whose payload is a text: `23,5`, `23.5 °C`, `ON`."""
    if isinstance(value, bool):
        pairs = [pair for pair in _BOOLEANS if like in pair] or list(_BOOLEANS)
        yield from (pair[0] if value else pair[1] for pair in pairs)
        return
    plain = repr(value)
    found = _NUMBER.match(like)
    rest = like[found.end() :] if found else ""
    comma = found is not None and "," in found[0]
    yield (plain.replace(".", ",") if comma else plain) + rest
    yield plain + rest
    yield plain
