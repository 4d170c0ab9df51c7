"""Instants: what payloads call a time, as nanoseconds since 1970 UTC, and how i3X writes one.

inference.md section C: epochs by magnitude (s, ms, µs, ns), RFC 3339 with any offset, a configured zone where none is
given; what cannot be parsed or is not plausible (1999–2100) is no time at all, and the time of receipt counts.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime

from bridge.uns.message import Json

SECOND = 1_000_000_000
EARLIEST = 915_148_800 * SECOND  # 1999-01-01: before it nothing on MQTT was measured
LATEST = 4_102_444_800 * SECOND  # 2100-01-01

_EPOCH_UNITS = (1, 1_000, 1_000_000, 1_000_000_000)  # a second, a millisecond … expressed per second
_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,12}))?)?\s?(Z|z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_DIGITS = re.compile(r"\d{9,19}(?:\.\d+)?", re.ASCII)


def plausible(ns: int) -> bool:
    return EARLIEST <= ns < LATEST


def from_epoch(number: float) -> int | None:
    """An epoch in s, ms, µs or ns, told apart by magnitude: the ranges of plausible instants do not overlap."""
    for per_second in _EPOCH_UNITS:
        if EARLIEST // SECOND <= number / per_second < LATEST // SECOND:
            if isinstance(number, int):
                return number * (SECOND // per_second)
            return (
                round(number * 1_000_000 / per_second) * 1_000
            )  # a float of seconds is good for microseconds
    return None


def _from_iso(text: str, zone: tzinfo) -> int | None:
    found = _ISO.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    leap = second == "60"  # a leap second is the last instant before the next minute
    try:
        when = datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute),
            59 if leap else int(second or 0),
            tzinfo=zone,
        )
        if offset:
            when = when.replace(tzinfo=UTC) - _offset(offset)
        whole = int(when.timestamp()) + leap
    except (ValueError, OverflowError):
        return None
    return whole * SECOND + int((fraction or "0").ljust(9, "0")[:9])


def _offset(text: str) -> timedelta:
    if text in "Zz":
        return timedelta()
    sign = -1 if text[0] == "-" else 1
    return sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:]) if len(text) > 3 else 0)


def _from_http_date(text: str) -> int | None:
    if "," not in text[:4]:
        return None
    try:
        return int(parsedate_to_datetime(text).timestamp()) * SECOND
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def parse(value: Json, zone: tzinfo = UTC) -> int | None:
    """The instant that a payload's field names, or None where it names none that is plausible."""
    kind = type(value)
    if kind is str:
        ns = _from_text(value, zone)
    elif kind is int or kind is float:
        ns = from_epoch(value)
    else:
        return None
    return ns if ns is not None and EARLIEST <= ns < LATEST else None


def _from_text(text: str, zone: tzinfo) -> int | None:
    if (
        len(text) == 24 and text[23] == "Z" and text[10] == "T"
    ):  # the commonest form, "2026-11-20T23:02:47.883Z"
        try:
            return round(datetime.fromisoformat(text).timestamp() * 1_000) * 1_000_000
        except ValueError:
            return _from_iso(text, zone)
    text = text.strip()[:64]
    if _DIGITS.fullmatch(text):
        return from_epoch(float(text) if "." in text else int(text))
    ns = _from_iso(text, zone)
    return _from_http_date(text) if ns is None else ns


def parse_request(text: str) -> int | None:
    """An instant in a request: RFC 3339 with `Z` or an offset; None for anything else (then the answer is 400)."""
    found = _ISO.fullmatch(text)
    return _from_iso(text, UTC) if found and found.group(8) and found.group(6) and text[4:5] == "-" else None


_cache: dict[int, str] = {}  # second → "YYYY-MM-DDTHH:MM:SS"; values of one moment are formatted together
_CACHED_SECONDS = 4096


def render(ns: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS.fffZ` with 3, 6 or 9 digits, as many as the instant has (i3X: UTC with a literal Z)."""
    second, rest = divmod(ns, SECOND)
    text = _cache.get(second)
    if text is None:
        if len(_cache) >= _CACHED_SECONDS:
            _cache.clear()
        text = _cache[second] = (datetime(1970, 1, 1) + timedelta(seconds=second)).isoformat()  # noqa: DTZ001 - UTC by construction
    if rest % 1_000_000 == 0:
        return f"{text}.{rest // 1_000_000:03d}Z"
    if rest % 1_000 == 0:
        return f"{text}.{rest // 1_000:06d}Z"
    return f"{text}.{rest:09d}Z"
