"""Folds: the readings of one interval become one value, a slice of columns at a time, with what runs at C's speed.

A fold is told the qualities of what it has seen, too: from them comes the quality of the interval.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import fsum, isfinite
from operator import mul, sub

from bridge.history.base import Row, Series
from bridge.uns import GOOD, Json, Quality


class Held:
    """The reading that holds where an interval begins: the last one before it."""

    __slots__ = ("row",)

    def __init__(self, row: Row | None) -> None:
        self.row = row


class Fold:
    """`add` takes readings in ascending order, `close` gives the value and the qualities of all that counted."""

    __slots__ = ("_begin", "_held", "_seen")

    def __init__(self, begin_ns: int, held: Held) -> None:
        self._begin = begin_ns
        self._held = held
        self._seen: set[Quality] = set()

    def add(self, rows: Series) -> None:
        if rows.qualities.count(GOOD) == len(rows):
            self._seen.add(GOOD)
            self._use(rows.values)
            return
        self._seen.update(rows.qualities)
        if used := [value for value in rows.values if value is not None]:
            self._use(used)

    def close(self, until_ns: int) -> tuple[Json, set[Quality]]:  # noqa: ARG002 - for folds that weigh by time
        return self._value(), self._seen

    def _use(self, values: Sequence[Json]) -> None:
        """Values, none of them null; at least one."""
        raise NotImplementedError

    def _value(self) -> Json:
        raise NotImplementedError


class _Average(Fold):
    __slots__ = ("_count", "_sums")

    def __init__(self, begin_ns: int, held: Held) -> None:
        super().__init__(begin_ns, held)
        self._count = 0
        self._sums: list[Json] = []

    def _use(self, values: Sequence[Json]) -> None:
        self._count += len(values)
        self._sums += _sum(values)

    def _value(self) -> Json:
        return _quotient(self._sums, self._count) if self._count else None


class _Count(Fold):
    __slots__ = ("_count",)

    def __init__(self, begin_ns: int, held: Held) -> None:
        super().__init__(begin_ns, held)
        self._count = 0

    def _use(self, values: Sequence[Json]) -> None:
        self._count += len(values)

    def _value(self) -> Json:
        return self._count


class _Chosen(Fold):
    """One of the values itself."""

    __slots__ = ("_chosen",)

    def __init__(self, begin_ns: int, held: Held) -> None:
        super().__init__(begin_ns, held)
        self._chosen: Json = None

    def _value(self) -> Json:
        return self._chosen


class _Least(_Chosen):
    __slots__ = ()

    def _use(self, values: Sequence[Json]) -> None:
        least = min(values)
        self._chosen = least if self._chosen is None else min(self._chosen, least)


class _Most(_Chosen):
    __slots__ = ()

    def _use(self, values: Sequence[Json]) -> None:
        most = max(values)
        self._chosen = most if self._chosen is None else max(self._chosen, most)


class _First(_Chosen):
    __slots__ = ()

    def _use(self, values: Sequence[Json]) -> None:
        self._chosen = values[0] if self._chosen is None else self._chosen


class _Last(_Chosen):
    __slots__ = ()

    def _use(self, values: Sequence[Json]) -> None:
        self._chosen = values[-1]


class _TimeAverage(Fold):
    """A value holds until the next reading, and from one interval into the next; while there is none, no time counts.

    Where no time passes at all, at the very end of a range, the value is that of the last reading.
    """

    __slots__ = ("_areas", "_time")

    def __init__(self, begin_ns: int, held: Held) -> None:
        super().__init__(begin_ns, held)
        self._areas: list[Json] = []
        self._time = 0

    def add(self, rows: Series) -> None:
        self._hold(rows.times[0])
        times, values = rows.times, rows.values
        spans: Sequence[int] = list(map(sub, times[1:], times))
        if rows.qualities.count(GOOD) == len(rows):
            self._seen.add(GOOD)
        else:
            self._seen.update(rows.qualities)
            spans = [span if value is not None else 0 for span, value in zip(spans, values, strict=False)]
            values = [value or 0 for value in values]
        self._areas += _areas(values, spans)
        self._time += sum(spans)
        self._held.row = rows.values[-1], rows.qualities[-1], times[-1]

    def close(self, until_ns: int) -> tuple[Json, set[Quality]]:
        self._hold(until_ns)
        held = self._held.row
        if self._time:
            return _quotient(self._areas, self._time), self._seen
        return (held[0] if held is not None else None), self._seen

    def _hold(self, until_ns: int) -> None:
        """What holds goes on until a time."""
        if self._held.row is None:
            return
        value, quality, since_ns = self._held.row
        span = until_ns - max(since_ns, self._begin)
        if span <= 0:
            return
        self._seen.add(quality)
        if value is not None:
            self._areas += _areas([value], [span])
            self._time += span


def _areas(values: Sequence[Json], spans: Sequence[int]) -> list[Json]:
    """The sum of values, each times how long it holds."""
    try:
        total = sum(map(mul, values, spans))
        if isfinite(total):
            return [total]
    except OverflowError:
        pass  # counted in full below
    return [Fraction(value) * span for value, span in zip(values, spans, strict=False)]


def _sum(values: Sequence[Json]) -> list[Json]:
    """The sum, in one part; in many exact ones where a double cannot hold it."""
    try:
        total = sum(values)
        if isfinite(total):
            return [total]
    except OverflowError:
        pass  # counted in full below
    return list(map(Fraction, values))


def _quotient(parts: Sequence[Json], count: int) -> float:
    """The sum of parts, divided. Never infinite, which JSON does not have: beyond all doubles it is an integer."""
    try:
        found = fsum(parts) / count
        if isfinite(found):
            return found
    except OverflowError:
        pass  # the same, exactly
    exact = sum(map(Fraction, parts), Fraction(0)) / count
    try:
        return float(exact)
    except OverflowError:
        return int(exact)


FOLDS: dict[str, type[Fold]] = {
    "avg": _Average,
    "min": _Least,
    "max": _Most,
    "first": _First,
    "last": _Last,
    "count": _Count,
    "time-average": _TimeAverage,
}
