"""Rows straight to JSON: a day of readings once a second is 86,400 rows, so it is done column by column.

Times of one minute share their beginning. A packed value is JSON already and goes into the answer as it is.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from bridge.history.base import Series
from bridge.uns import Json
from bridge.uns.moments import SECOND, render

_MINUTE = 60 * SECOND
_MILLISECOND = 1_000_000
_MICROSECOND = 1_000
_MILLISECONDS = tuple(f"{count:03d}Z" for count in range(1_000))
_SECONDS = tuple(f"{count:02d}." for count in range(60))
_TO_MINUTE = len("2026-01-15T12:00:")

_encode = msgspec.json.Encoder().encode


class _Vqt(Struct, gc=False):
    """As the standard writes it."""

    value: Json
    quality: str
    timestamp: str


def encoded(series: Series) -> Raw:
    """A JSON array of value-quality-timestamps."""
    values = series.values
    if bytes in set(map(type, values)):
        values = [Raw(value) if type(value) is bytes else value for value in values]
    return Raw(_encode(list(map(_Vqt, values, series.qualities, rendered(series.times)))))


def rendered(times: Sequence[int]) -> list[str]:
    """`bridge.uns.moments.render` of many times, quickest where they ascend."""
    texts = []
    since = until = 0
    minute = ""
    for time_ns in times:
        if not since <= time_ns < until:
            since = time_ns - time_ns % _MINUTE
            until = since + _MINUTE
            minute = render(since)[:_TO_MINUTE]
        second, fraction = divmod(time_ns - since, SECOND)
        if not fraction % _MILLISECOND:
            texts.append(minute + _SECONDS[second] + _MILLISECONDS[fraction // _MILLISECOND])
        elif not fraction % _MICROSECOND:
            texts.append(f"{minute}{_SECONDS[second]}{fraction // _MICROSECOND:06d}Z")
        else:
            texts.append(f"{minute}{_SECONDS[second]}{fraction:09d}Z")
    return texts
