"""History in memory: bounded for each element, and in total by rows and by bytes; gone with the process.

Structured values are kept as JSON text: a fifth of the memory, and nothing in it for the garbage collector to visit.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush

import msgspec

from bridge.history.base import CHUNK, Figures, Reader, Row, Series, T, is_row, weight
from bridge.history.rows import TIME, columns, place
from bridge.space import Change

_STRUCTURED = (dict, list)
_encode = msgspec.json.Encoder().encode
_SLACK = 16  # an element's list is cut back when it is one part in so many too long: appending stays cheap
_AT_ONCE = 64  # rows that go together when all are too many; of a short list fewer
_ROW = 128  # bytes: a tuple of three, its time, a number, its place in the list
_BYTES_TOTAL = 512 * 1024 * 1024  # four million rows of numbers; what a small edge computer has to spare


class MemoryHistory:
    """The newest `rows_per_element` rows of each element, at most `rows_total` rows and about `bytes_total` bytes in
    all: the oldest go first.

    The heap holds one entry for each element: the time of its oldest row, as of when it was pushed. Rows leave from the
    old end only, so an entry is never too late, unless a late row came before it; that row just stays a little longer.
    """

    def __init__(self, rows_per_element: int, rows_total: int, bytes_total: int = _BYTES_TOTAL) -> None:
        self._per_element = rows_per_element
        self._longest = rows_per_element + rows_per_element // _SLACK
        self._total = rows_total
        self._bytes_total = bytes_total
        self._elements: dict[str, list[Row]] = {}
        self._oldest: list[tuple[int, str]] = []
        self._held = 0
        self.bytes = 0  # about what the rows take
        self.evicted = 0

    @property
    def rows(self) -> int:
        return self._held

    @property
    def behind(self) -> bool:
        return False

    @property
    def full(self) -> bool:
        return False

    async def caught_up(self) -> None:
        """It always is."""

    def figures(self) -> Figures:
        return Figures(bytes=self.bytes)

    def start(self) -> None:
        """There is nothing to write."""

    async def flush(self, patience: float) -> bool:  # noqa: ARG002
        return True

    async def close(self, patience: float) -> bool:  # noqa: ARG002
        return True

    def append(
        self,
        changes: Sequence[Change],
        settled: Callable[[], None] | None = None,
        *,
        haste: bool = True,  # noqa: ARG002
    ) -> None:
        for change in changes:
            if not is_row(change):
                continue
            value = change.value
            if type(value) in _STRUCTURED:
                value = _encode(value)
            ident, row = change.node.id, (value, change.quality, change.time_ns)
            rows = self._elements.get(ident)
            self.bytes += _ROW + weight(row)
            if rows is None:
                self._elements[ident] = [row]
                heappush(self._oldest, (change.time_ns, ident))
            elif rows[-1][2] < change.time_ns:
                rows.append(row)
            elif (replaced := place(rows, row)) is not None:
                self.bytes -= _ROW + weight(replaced)
                self._held -= 1
            self._held += 1
            if rows is not None and len(rows) > self._longest:
                self._drop(rows, len(rows) - self._per_element)
            while self._held > self._total or self.bytes > self._bytes_total:
                self._drop_oldest()
        if settled is not None:
            settled()

    def _drop(self, rows: list[Row], count: int) -> None:
        self.bytes -= count * _ROW + sum(map(weight, rows[:count]))
        del rows[:count]
        self._held -= count
        self.evicted += count

    def _drop_oldest(self) -> None:
        """Drop a few rows of the element with the oldest one; an entry of the heap that is out of date is renewed."""
        time_ns, ident = heappop(self._oldest)
        rows = self._elements[ident]
        if rows[0][2] <= time_ns:
            self._drop(rows, min(_AT_ONCE, 1 + len(rows) // _SLACK))
        if rows:
            heappush(self._oldest, (rows[0][2], ident))
        else:
            del self._elements[ident]

    def _kept(self, element_id: str) -> tuple[list[Row], int]:
        """An element's rows, and from which index on they are within its own limit."""
        rows = self._elements.get(element_id, [])
        return rows, max(0, len(rows) - self._per_element)

    async def ask(self, question: Callable[[Reader], T]) -> T:
        """At once: nothing here waits for a disk."""
        return question(self)

    def chunks(self, element_id: str, start_ns: int, end_ns: int) -> Iterator[Series]:
        rows, first = self._kept(element_id)
        low = bisect_left(rows, start_ns, lo=first, key=TIME)
        high = bisect_right(rows, end_ns, lo=low, key=TIME)
        for at in range(low, high, CHUNK):
            yield columns(rows[at : min(at + CHUNK, high)])

    def before(self, element_id: str, time_ns: int) -> Row | None:
        rows, first = self._kept(element_id)
        at = bisect_left(rows, time_ns, lo=first, key=TIME)
        return rows[at - 1] if at > first else None
