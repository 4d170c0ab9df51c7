"""Aggregates: one value for each interval of a range, so that a trend over a month moves no million rows.

Intervals begin at the start of the range, each `interval_ns` after the one before; the last may be cut off by the end
of the range, which belongs to it. What is left out: intervals before the element's first reading, and those after the
last one of the range. A cut resumes where an interval begins, so that resuming gives the same intervals.

A reading without a value (Bad, GoodNoData) is not used. The quality is Good if all others are Good and none was Bad,
else Uncertain; without a value to use it is Bad if a reading was Bad, else GoodNoData. Of no readings the count is 0.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from bridge.history.base import Row, Series
from bridge.history.folds import FOLDS, Fold, Held
from bridge.uns import BAD, GOOD, NO_DATA, UNCERTAIN, Json, Quality

AggregateName: TypeAlias = Literal["avg", "min", "max", "first", "last", "count", "time-average"]
NAMES: tuple[AggregateName, ...] = get_args(AggregateName)
ANY_KIND = ("first", "last", "count")  # what can be said of values that are no numbers

_NUMERIC = {int, float, bool, type(None)}


class Aggregate(Struct, frozen=True):
    name: AggregateName
    interval_ns: int


class Unsuitable(Exception):
    """Values that have no such aggregate; the text says what they are."""


class Aggregator:
    """One element's intervals. `held` is its last row before the range, if there is one."""

    def __init__(self, aggregate: Aggregate, start_ns: int, end_ns: int, limit: int, held: Row | None) -> None:
        self._name = aggregate.name
        self._every = aggregate.interval_ns
        self._start = start_ns
        self._end = end_ns
        self._limit = limit
        self._any_kind = aggregate.name in ANY_KIND
        self._held = Held(held)
        self._known = held is not None  # there was a reading earlier on
        self._at = 0  # the interval at hand
        self._fold: Fold | None = None  # of the interval at hand, once it has readings
        self._done = Series([], [], [])

    def over(self, pieces: Iterable[Series]) -> Series:
        """The intervals of ascending pieces of rows. Raises `Unsuitable`."""
        for piece in pieces:
            for index, rows in self._parts(piece):
                if index != self._at and not self._go_to(index):
                    return self._cut()
                self._add(rows)
            if piece.resume_ns is not None:  # the interval at hand is not complete
                return self._cut()
        if self._fold is None:
            return self._done
        return self._done if self._end_interval() else self._cut()

    def _parts(self, piece: Series) -> Iterator[tuple[int, Series]]:
        """A piece cut where intervals begin."""
        times, low = piece.times, 0
        while low < len(times):
            index = (times[low] - self._start) // self._every
            high = bisect_left(times, self._begin(index + 1), low)
            part = slice(low, high)
            yield index, Series(times[part], piece.values[part], piece.qualities[part])
            low = high

    def _add(self, rows: Series) -> None:
        if not self._any_kind and not _NUMERIC.issuperset(map(type, rows.values)):
            raise Unsuitable(kinds_of(rows.values))
        if self._fold is None:
            self._fold = FOLDS[self._name](self._begin(self._at), self._held)
        self._fold.add(rows)

    def _go_to(self, index: int) -> bool:
        """End the interval at hand, and those without readings up to another one; whether there is room for it."""
        if self._fold is None and not self._known:
            self._at = index
        while self._at < index:
            if not self._end_interval():
                return False
        return True

    def _end_interval(self) -> bool:
        """Tell the interval at hand; whether there is room for it."""
        done, begin, until = self._done, self._begin(self._at), min(self._begin(self._at + 1), self._end)
        if len(done) == self._limit:
            return False
        fold = self._fold if self._fold is not None else FOLDS[self._name](begin, self._held)
        value, quality = judged(self._name, *fold.close(until))
        done.times.append(begin)
        done.values.append(value)
        done.qualities.append(quality)
        self._known, self._fold = True, None
        self._at += 1
        return True

    def _cut(self) -> Series:
        """What is done, to be resumed with the interval at hand."""
        self._done.resume_ns = self._begin(self._at)
        return self._done

    def _begin(self, index: int) -> int:
        return self._start + index * self._every


def judged(name: AggregateName, value: Json, seen: set[Quality]) -> tuple[Json, Quality]:
    """An interval's value and quality, given the qualities of its readings."""
    if not seen and name == "count":
        return 0, GOOD
    if UNCERTAIN not in seen and GOOD not in seen:
        return None, BAD if BAD in seen else NO_DATA
    return value, GOOD if seen <= {GOOD, NO_DATA} else UNCERTAIN


def kinds_of(values: Iterable[Json]) -> str:
    kinds = set(map(type, values))
    return "structured values" if bytes in kinds else "texts"
