"""Instants: what payloads call a time, as nanoseconds since 1970 UTC, and how i3X writes one.

inference.md section C: epochs by magnitude (s, ms, µs, ns), RFC 3339 with any offset, ISO 8601's basic format, HTTP
dates; a configured zone where none is given. What cannot be parsed or is not plausible (1999–2100) is no time at all,
and the time of receipt counts.

A local time that occurs twice when clocks are put back is the first of the two; one that is skipped when they are put
forward is read as if they had not been. A leap second is the first instant of the next minute.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from typing import TypeAlias

from bridge.uns.message import Json

Parser: TypeAlias = Callable[[Json, tzinfo], int | None]

SECOND = 1_000_000_000
EARLIEST = 915_148_800 * SECOND  # 1999-01-01: before it nothing on MQTT was measured
LATEST = 4_102_444_800 * SECOND  # 2100-01-01
MAX_TEXT = 64  # characters; no way to write an instant is longer

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400  # seconds
_MICROSECONDS = 1_000_000  # a second

# First and last plausible number, and how many there are in a second: ms, s, µs, ns. The ranges do not overlap.
_EPOCHS = tuple((EARLIEST // SECOND * per, LATEST // SECOND * per, per) for per in (1_000, 1, 1_000_000, 1_000_000_000))

_OFFSET = r"(?:([Zz])|([+-])([01]\d|2[0-3]){}([0-5]\d){})"
_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?(?:\s?"
    + _OFFSET.format("(?::?", ")?")
    + ")?",
    re.ASCII,
)
_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?" + _OFFSET.format(":", ""), re.ASCII)
_HTTP = re.compile(r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]\d{4})", re.ASCII)
_DIGITS = re.compile(r"\d{9,19}(?:\.\d+)?", re.ASCII)


def plausible(ns: int) -> bool:
    return EARLIEST <= ns < LATEST


def from_epoch(number: float) -> int | None:
    """An epoch in s, ms, µs or ns, told apart by magnitude."""
    for first, last, per_second in _EPOCHS:
        if first <= number < last:
            if type(number) is int:
                return number * (SECOND // per_second)
            return round(number * _MICROSECONDS / per_second) * 1_000  # a float of seconds is good for microseconds
    return None


def parse(value: Json, zone: tzinfo = UTC) -> int | None:
    """The instant that a payload's field names, or None where it names none that is plausible."""
    kind = type(value)
    if kind is str:
        ns = _from_text(value, zone)
        return ns if ns is not None and EARLIEST <= ns < LATEST else None
    return from_epoch(value) if kind is int or kind is float else None


def _counted(per_second: int) -> Parser:
    """`parse` for numbers of a declared unit; texts that are no number are read as ever."""

    def parse_counted(value: Json, zone: tzinfo = UTC) -> int | None:
        number = value
        if type(value) is str and len(value) <= MAX_TEXT and _DIGITS.fullmatch(value.strip()):
            number = float(value) if "." in value else int(value)
        if type(number) is int:
            ns = number * (SECOND // per_second)
        elif type(number) is float and abs(number) < LATEST:
            ns = round(number * _MICROSECONDS / per_second) * 1_000
        else:
            return parse(value, zone)
        return ns if plausible(ns) else None

    return parse_counted


# By the declared unit of numbers; "" tells units apart by magnitude.
PARSERS: dict[str, Parser] = {
    "": parse, "s": _counted(1), "ms": _counted(1_000), "us": _counted(1_000_000), "ns": _counted(SECOND),
}  # fmt: skip


def _from_text(text: str, zone: tzinfo) -> int | None:
    size = len(text)
    # The commonest forms, "…T23:02:47.883Z" and "…T23:02:47.883123+01:00", have a fast parser, good for microseconds.
    if 20 <= size <= 32 and ((text[-1] == "Z" and size <= 27) or text[-6] in "+-") and text[10] in "T ":
        try:
            since = datetime.fromisoformat(text) - _EPOCH
        except (ValueError, TypeError):
            return _from_rare_text(text, zone)
        return (since.days * _DAY + since.seconds) * SECOND + since.microseconds * 1_000
    return _from_rare_text(text, zone) if size <= MAX_TEXT else None


def _from_rare_text(text: str, zone: tzinfo) -> int | None:
    text = text.strip()
    if _DIGITS.fullmatch(text):
        return from_epoch(float(text) if "." in text else int(text))
    found = _ISO.fullmatch(text)
    return _from_fields(found, zone) if found else _from_http_date(text)


def _from_fields(found: re.Match[str], zone: tzinfo) -> int | None:
    year, month, day, hour, minute, second, fraction, utc, sign, offset_hours, offset_minutes = found.groups()
    leap = second == "60"
    try:
        when = datetime(
            int(year), int(month), int(day), int(hour), int(minute), 59 if leap else int(second or 0),
            tzinfo=UTC if utc or sign else zone,
        )  # fmt: skip
        since = when - _EPOCH
    except (ValueError, OverflowError):
        return None
    whole = since.days * _DAY + since.seconds + leap
    if sign:
        offset = int(offset_hours) * 3_600 + int(offset_minutes or 0) * 60
        whole += offset if sign == "-" else -offset
    return whole * SECOND + int((fraction or "0").ljust(9, "0")[:9])


def _from_http_date(text: str) -> int | None:
    if not _HTTP.fullmatch(text):
        return None
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if when.tzinfo is None:  # "-0000": UTC, of a sender who does not tell where he is (RFC 5322, section 3.3)
        when = when.replace(tzinfo=UTC)
    since = when - _EPOCH
    return (since.days * _DAY + since.seconds) * SECOND


def parse_request(text: str) -> int | None:
    """An instant in a request: RFC 3339, `Z` or an offset included; None for anything else (then the answer is 400)."""
    found = _RFC3339.fullmatch(text) if len(text) <= MAX_TEXT else None
    return _from_fields(found, UTC) if found else None


_cache: dict[int, str] = {}  # second → "YYYY-MM-DDTHH:MM:SS"; values of one moment are formatted together
_CACHED_SECONDS = 4096
_FIRST_SECOND = -62_135_596_800  # 0001-01-01; what lies outside of the calendar is shown at its edge
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59


def render(ns: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS.fffZ` with 3, 6 or 9 digits, as many as the instant has (i3X: UTC with a literal Z)."""
    second, rest = divmod(ns, SECOND)
    text = _cache.get(second)
    if text is None:
        text = _render_second(second)
    if rest % 1_000_000 == 0:
        return f"{text}.{rest // 1_000_000:03d}Z"
    if rest % 1_000 == 0:
        return f"{text}.{rest // 1_000:06d}Z"
    return f"{text}.{rest:09d}Z"


def _render_second(second: int) -> str:
    if len(_cache) >= _CACHED_SECONDS:
        _cache.clear()
    shown = max(_FIRST_SECOND, min(second, _LAST_SECOND))
    text = _cache[second] = (_EPOCH.replace(tzinfo=None) + timedelta(seconds=shown)).isoformat()
    return text
