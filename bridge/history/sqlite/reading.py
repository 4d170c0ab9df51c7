"""Reading: an element's blocks in order, and the rows that are not in blocks yet woven into them.

Each thread that asks has a connection of its own. A `SqliteReader` looks at memory first and at the file afterwards:
rows move from the one to the other, so none is missed; those that are found twice are equal.
"""

import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing

from bridge.history.base import Row, Series, Unreadable
from bridge.history.rows import TIME, columns, last_before, merged, pieces, within
from bridge.history.sqlite.codec import unpack

_BLOCKS = """
    SELECT start, data FROM block
    WHERE element = :element AND start <= :end
      AND start >= coalesce((SELECT max(start) FROM block WHERE element = :element AND start <= :start), :start)
    ORDER BY start"""
_BLOCK_BEFORE = "SELECT start, data FROM block WHERE element = ? AND start < ? ORDER BY start DESC LIMIT 1"


class SqliteReader:
    """`in_memory` gives the rows of an element that may not be in blocks yet, oldest generation first, as lists that
    stay as they are; `key_of` its number, None for one without rows. `on_error` hears of what the file says when it
    cannot be read.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        key_of: Callable[[str], int | None],
        in_memory: Callable[[int], Sequence[Sequence[Row]]],
        oldest_ns: Callable[[], int],
        on_error: Callable[[sqlite3.Error], None],
    ) -> None:
        self._on_error = on_error
        self._connection = connection
        self._key_of = key_of
        self._in_memory = in_memory
        self._oldest_ns = oldest_ns

    def chunks(self, element_id: str, start_ns: int, end_ns: int) -> Iterator[Series]:
        key, start_ns = self._key_of(element_id), max(start_ns, self._oldest_ns())
        if key is None or start_ns > end_ns:
            return iter(())
        rows: Sequence[Row] = ()
        for later in self._in_memory(key):
            rows = merged(rows, within(later, start_ns, end_ns))
        return woven(self._blocks(key, start_ns, end_ns), rows)

    def _blocks(self, key: int, start_ns: int, end_ns: int) -> Iterator[Series]:
        try:
            yield from blocks(self._connection, key, start_ns, end_ns)
        except sqlite3.Error as error:
            self._on_error(error)
            raise Unreadable(f"the file cannot be read: {error}") from None

    def before(self, element_id: str, time_ns: int) -> Row | None:
        key = self._key_of(element_id)
        if key is None:
            return None
        held = [row for rows in self._in_memory(key) if (row := last_before(rows, time_ns)) is not None]
        stored = self._block_before(key, time_ns)
        found = max([*([stored] if stored else []), *held], key=lambda row: row[2], default=None)
        latest = [row for row in held if found is not None and row[2] == found[2]]
        row = latest[-1] if latest else found
        return row if row is not None and row[2] >= self._oldest_ns() else None

    def _block_before(self, key: int, time_ns: int) -> Row | None:
        try:
            found = self._connection.execute(_BLOCK_BEFORE, (key, time_ns)).fetchone()
        except sqlite3.Error as error:
            self._on_error(error)
            raise Unreadable(f"the file cannot be read: {error}") from None
        return last_before(list(unpack(*found).rows()), time_ns) if found is not None else None


def blocks(file: sqlite3.Connection, key: int, start_ns: int, end_ns: int) -> Iterator[Series]:
    """The rows of a range that are in blocks, block by block. Raises `Unreadable` and `sqlite3.Error`."""
    with closing(file.execute(_BLOCKS, {"element": key, "start": start_ns, "end": end_ns})) as found:
        for start, data in found:
            series = trimmed(unpack(start, data), start_ns, end_ns)
            if series.times:
                yield series


def trimmed(series: Series, start_ns: int, end_ns: int) -> Series:
    """The rows of a range, both ends inclusive."""
    times = series.times
    if times[0] >= start_ns and times[-1] <= end_ns:
        return series
    low = bisect_left(times, start_ns)
    high = bisect_right(times, end_ns, lo=low)
    return Series(times[low:high], series.values[low:high], series.qualities[low:high])


def woven(found: Iterable[Series], rows: Sequence[Row]) -> Iterator[Series]:
    """Blocks in order with newer rows, most of which come after the last block; of equal times the row counts."""
    at = 0
    for series in found:
        low = bisect_left(rows, series.times[0], lo=at, key=TIME)
        high = bisect_right(rows, series.times[-1], lo=low, key=TIME)
        yield from pieces(rows[at:low])
        yield columns(merged(list(series.rows()), rows[low:high])) if high > low else series
        at = high
    yield from pieces(rows[at:])
