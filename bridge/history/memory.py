"""History in memory: bounded for each element and in total; gone with the process."""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from operator import itemgetter

from bridge.history.base import Row, Rows
from bridge.space import Change

_TIME = itemgetter(2)
_SLACK = 2  # an element's list is cut back when it is this many times too long: amortised, cheap appends


class MemoryHistory:
    """At most `rows_per_element` rows of each element, and `rows_total` in all: the oldest arrivals go first."""

    def __init__(self, rows_per_element: int, rows_total: int) -> None:
        self._per_element = rows_per_element
        self._total = rows_total
        self._rows: dict[str, list[Row]] = {}
        self._arrivals: deque[str] = deque()  # element of each row, in order of arrival
        self._held = 0
        self.evicted = 0

    @property
    def rows(self) -> int:
        return self._held

    def append(self, changes: Sequence[Change]) -> None:
        for change in changes:
            rows = self._rows.get(change.node.id)
            if rows is None:
                rows = self._rows[change.node.id] = []
            row = (change.value, change.quality, change.time_ns)
            if not rows or rows[-1][2] < change.time_ns:
                rows.append(row)
            elif not self._place(rows, row):
                continue
            self._arrivals.append(change.node.id)
            self._held += 1
            if len(rows) > self._per_element * _SLACK:
                self._cut(rows, len(rows) - self._per_element)
            if self._held > self._total:
                self._evict()

    @staticmethod
    def _place(rows: list[Row], row: Row) -> bool:
        """Put a late row where it belongs; False where it replaced the one at its time."""
        at = bisect_left(rows, row[2], key=_TIME)
        if at < len(rows) and rows[at][2] == row[2]:
            rows[at] = row
            return False
        rows.insert(at, row)
        return True

    def _cut(self, rows: list[Row], count: int) -> None:
        del rows[:count]
        self._held -= count
        self.evicted += count

    def _evict(self) -> None:
        """Drop the oldest row of the element whose arrival is the oldest; one already cut away costs nothing."""
        while self._arrivals and self._held > self._total:
            rows = self._rows.get(self._arrivals.popleft())
            if rows:
                self._cut(rows, 1)
        if len(self._arrivals) > 2 * self._total:
            self._arrivals = deque(ident for ident, rows in self._rows.items() for _ in rows)

    def _kept(self, element_id: str) -> tuple[list[Row], int]:
        """An element's rows, and from which index on they are within its own limit."""
        rows = self._rows.get(element_id, [])
        return rows, max(0, len(rows) - self._per_element)

    def query(self, element_id: str, start_ns: int, end_ns: int, limit: int) -> Rows:
        rows, first = self._kept(element_id)
        low = bisect_left(rows, start_ns, lo=first, key=_TIME)
        high = bisect_right(rows, end_ns, lo=low, key=_TIME)
        if high - low > limit:
            return Rows(rows[low : low + limit], rows[low + limit][2])
        return Rows(rows[low:high])

    def before(self, element_id: str, time_ns: int) -> Row | None:
        rows, first = self._kept(element_id)
        at = bisect_left(rows, time_ns, lo=first, key=_TIME)
        return rows[at - 1] if at > first else None
