"""Thinning for charts: at most so many rows that the line still looks the same.

Rows are put into buckets of equal length in time. Of numbers a bucket keeps the least and the greatest, of other values
the first and the last, and of rows without a value the first, so that a gap stays a gap: each with its own time. The
very first and last row are kept. In one pass over the rows: where there are too many buckets, neighbours are joined,
and what is held never exceeds a few times of what is asked for.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from math import ceil
from operator import itemgetter

from msgspec import Struct

from bridge.history.base import Row, Series, weight

FEWEST = 2  # rows that can be asked for: the first and the last
_FINER = 4  # buckets held for each row that is asked for: joined at the end to come close to what is wanted

_NUMERIC = {int, float, bool}
_NUMERIC_OR_NULL = _NUMERIC | {type(None)}
_value = itemgetter(0)


class Thin(Struct, frozen=True):
    max_points: int


class Bucket(Struct):
    """What is kept of the rows of a span. `low` and `high` are None where not all values are numbers."""

    first: Row | None
    last: Row | None
    low: Row | None
    high: Row | None
    gap: Row | None

    def join(self, later: "Bucket") -> None:
        """Take in what comes after."""
        if self.first is None:
            self.first, self.low, self.high = later.first, later.low, later.high
        elif later.first is not None:
            self.low, self.high = _lesser(self.low, later.low), _greater(self.high, later.high)
        self.last = later.last or self.last
        self.gap = self.gap or later.gap

    def weight(self) -> int:
        """Bytes of what is kept; numbers are not weighed."""
        return 0 if self.low is not None else sum({row[2]: weight(row) for row in self.points()}.values())

    def points(self) -> Iterator[Row]:
        extremes = (self.low, self.high) if self.low is not None else (self.first, self.last)
        return (row for row in (*extremes, self.gap) if row is not None)


class Thinner:
    """`size`: bytes of values that may be held. `last_ns`: about when the last row lies; if that is wrong, it takes
    longer, or less is kept.
    """

    def __init__(self, max_points: int, size: int, last_ns: int = 0) -> None:
        self._max = max_points
        self._size = size
        self._last = last_ns
        self._rows = Series([], [], [])  # all of them, while they are few
        self._held = 0  # bytes of values
        self._buckets: dict[int, Bucket] = {}
        self._origin = 0
        self._length = 0  # ns of a bucket; 0 while there are none
        self._edges: list[Row] = []  # the very first and last row

    def over(self, pieces: Iterable[Series]) -> Series:
        """What is kept of ascending pieces of rows; where those were cut, it is cut there, too."""
        resume_ns = None
        for piece in pieces:
            if piece.times:
                self._add(piece)
            resume_ns = piece.resume_ns
            if not self._length and self._held > self._size:  # few, but too large
                resume_ns = resume_ns or piece.times[-1] + 1
                break
        found = self._rows if not self._length else self._chosen()
        found.resume_ns = resume_ns
        return found

    def _add(self, piece: Series) -> None:
        rows = self._rows
        if not self._length:
            rows.times += piece.times
            rows.values += piece.values
            rows.qualities += piece.qualities
            self._held += sum(map(weight, piece.rows()))
            if len(rows) <= self._max:
                return
            self._begin(rows)
            self._rows, self._held, piece = Series([], [], []), 0, rows
        self._edges[1] = piece.values[-1], piece.qualities[-1], piece.times[-1]
        self._sort(piece)
        while len(self._buckets) > self._max * _FINER or (self._held > self._size and len(self._buckets) > 1):
            self._double()

    def _begin(self, rows: Series) -> None:
        self._origin = rows.times[0]
        self._length = max(1, (max(self._last, rows.times[-1]) - self._origin) // (self._max * _FINER))
        self._edges = [(rows.values[0], rows.qualities[0], rows.times[0])] * 2

    def _sort(self, piece: Series) -> None:
        """Put rows into their buckets."""
        times, low = piece.times, 0
        while low < len(times):
            index = (times[low] - self._origin) // self._length
            high = bisect_left(times, self._origin + (index + 1) * self._length, low)
            bucket = _bucket(piece, low, high)
            known = self._buckets.get(index)
            if known is None:
                self._buckets[index] = known = bucket
            else:
                self._held -= known.weight()
                known.join(bucket)
            self._held += known.weight()
            low = high

    def _double(self) -> None:
        """Join neighbours."""
        self._length *= 2
        self._buckets = _joined(self._buckets, 2)
        self._held = sum(map(Bucket.weight, self._buckets.values()))

    def _chosen(self) -> Series:
        """The rows of as many buckets as may be."""
        together = max(1, ceil((self._count(self._buckets) - FEWEST) / self._max))
        while True:
            buckets = _joined(self._buckets, together)
            if self._count(buckets) <= self._max:
                return _series(row for bucket in (*map(Bucket.points, buckets.values()), self._edges) for row in bucket)
            if len(buckets) == 1:
                return self._fewest(next(iter(buckets.values())))
            together += max(1, together // _FINER)

    def _count(self, buckets: dict[int, Bucket]) -> int:
        times = {row[2] for bucket in buckets.values() for row in bucket.points()}
        return len(times.union(row[2] for row in self._edges))

    def _fewest(self, bucket: Bucket) -> Series:
        """Less than one bucket's rows: the first and the last, then the others."""
        kept = {row[2]: row for row in self._edges}
        for row in bucket.points():
            if len(kept) < self._max:
                kept.setdefault(row[2], row)
        return _series(kept.values())


def _joined(buckets: dict[int, Bucket], together: int) -> dict[int, Bucket]:
    """So many neighbours each become one; the buckets themselves stay as they are."""
    joined: dict[int, Bucket] = {}
    for index, bucket in buckets.items():
        known = joined.get(index // together)
        if known is None:
            joined[index // together] = Bucket(bucket.first, bucket.last, bucket.low, bucket.high, bucket.gap)
        else:
            known.join(bucket)
    return joined


def _bucket(piece: Series, low: int, high: int) -> Bucket:
    """What is kept of the rows from one index up to another one."""
    values = piece.values[low:high]
    kinds = set(map(type, values))
    if kinds <= _NUMERIC:
        least, most = low + values.index(min(values)), low + values.index(max(values))
        return Bucket(_row(piece, low), _row(piece, high - 1), _row(piece, least), _row(piece, most), None)
    some = [row for row in _rows(piece, low, high) if row[0] is not None]
    gap = next((row for row in _rows(piece, low, high) if row[0] is None), None)
    if not some:
        return Bucket(None, None, None, None, gap)
    if kinds <= _NUMERIC_OR_NULL:
        return Bucket(some[0], some[-1], min(some, key=_value), max(some, key=_value), gap)
    return Bucket(some[0], some[-1], None, None, gap)


def _rows(piece: Series, low: int, high: int) -> Iterator[Row]:
    part = slice(low, high)
    return zip(piece.values[part], piece.qualities[part], piece.times[part], strict=True)


def _row(piece: Series, at: int) -> Row:
    return piece.values[at], piece.qualities[at], piece.times[at]


def _lesser(one: Row | None, other: Row | None) -> Row | None:
    """Without a number on one side there is none for both."""
    if one is None or other is None:
        return None
    return other if other[0] < one[0] else one


def _greater(one: Row | None, other: Row | None) -> Row | None:
    if one is None or other is None:
        return None
    return other if other[0] > one[0] else one


def _series(rows: Iterable[Row]) -> Series:
    """Rows in order, each once."""
    by_time = {row[2]: row for row in rows}
    times = sorted(by_time)
    return Series(times, [by_time[at][0] for at in times], [by_time[at][1] for at in times])
