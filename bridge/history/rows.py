"""Rows of one element in memory: ascending lists, one row for each time, and how two lists become one."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from operator import itemgetter

from bridge.history.base import CHUNK, Row, Series

TIME = itemgetter(2)


def place(rows: list[Row], row: Row) -> Row | None:
    """Put a row where it belongs; gives the one at its time that it replaced."""
    if not rows or rows[-1][2] < row[2]:
        rows.append(row)
        return None
    at = bisect_left(rows, row[2], key=TIME)
    if at < len(rows) and rows[at][2] == row[2]:
        replaced, rows[at] = rows[at], row
        return replaced
    rows.insert(at, row)
    return None


def within(rows: Sequence[Row], start_ns: int, end_ns: int) -> Sequence[Row]:
    """The rows of a range, both ends inclusive."""
    low = bisect_left(rows, start_ns, key=TIME)
    return rows[low : bisect_right(rows, end_ns, lo=low, key=TIME)]


def last_before(rows: Sequence[Row], time_ns: int) -> Row | None:
    at = bisect_left(rows, time_ns, key=TIME)
    return rows[at - 1] if at else None


def merged(earlier: Sequence[Row], later: Sequence[Row]) -> Sequence[Row]:
    """Both in the order of time; of equal times the row that arrived later."""
    if not earlier or not later:
        return later or earlier
    if earlier[-1][2] < later[0][2]:
        return [*earlier, *later]
    by_time = {row[2]: row for row in earlier}
    by_time.update((row[2], row) for row in later)
    return [by_time[time_ns] for time_ns in sorted(by_time)]


def columns(rows: Sequence[Row]) -> Series:
    """Rows as columns."""
    return Series([row[2] for row in rows], [row[0] for row in rows], [row[1] for row in rows])


def pieces(rows: Sequence[Row], size: int = CHUNK) -> Iterator[Series]:
    """Rows as columns, so many at once."""
    for at in range(0, len(rows), size):
        yield columns(rows[at : at + size])
