"""What the writer does with the file, each piece in one transaction: a commit of rows, a slice of sealing, a slice of
what is too old or too much.

*Sealing* turns a generation of rows into blocks. Rows that lie where blocks are already (late ones, or those of a
generation that was sealed in part before a crash) are woven into those, so blocks of an element never overlap, and
sealing again changes nothing. Few rows make small blocks; when an element ends in many of them they become one.
"""

import sqlite3
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Protocol

from msgspec import Struct

from bridge.history.base import Row, Unreadable
from bridge.history.rows import TIME, columns, merged, within
from bridge.history.sqlite.codec import ROWS, pack, unpack
from bridge.history.sqlite.log import encoded, encoded_row

SLICE_S = 0.01  # of work between two commits: who waits for one waits hardly longer
_SMALL = ROWS // 4  # rows: blocks of fewer are small
_MANY = 8  # small blocks at an element's end that become one: each row is written about twice more in the end
_ENTRIES = 64  # of the log, or blocks, deleted in one slice
_ROOM = 64  # when there is too much, one part in so many is made free: looking for the oldest stays rare
_NEVER = -(2**63)

_LAST = "SELECT end FROM block WHERE element = ? ORDER BY start DESC LIMIT 1"
_OVERLAPPING = """
    SELECT number, start FROM block
    WHERE element = :element
      AND start >= coalesce((SELECT max(start) FROM block WHERE element = :element AND start <= :start), :start)
      AND start <= max(:end, (SELECT min(start) FROM block WHERE element = :element))
    ORDER BY start"""
_TAIL = "SELECT number, count FROM block WHERE element = ? ORDER BY start DESC LIMIT ?"
_BLOCK = "SELECT start, count, data FROM block WHERE number = ?"
_INSERT = "INSERT OR REPLACE INTO block (element, start, end, count, data) VALUES (?, ?, ?, ?, ?)"
_LATEST = "UPDATE element SET last_ns = ?1, last = ?2 WHERE key = ?3 AND coalesce(last_ns, ?1) <= ?1"
_OLDEST = "SELECT number, end, count FROM block INDEXED BY block_end ORDER BY end LIMIT ?"
_ENTRIES_OF = "DELETE FROM log WHERE number IN (SELECT number FROM log WHERE generation <= ? ORDER BY number LIMIT ?)"


class Job(Protocol):
    """What is done in one transaction or several."""

    def write(self, file: sqlite3.Connection) -> None:
        """A transaction's worth. Raises `sqlite3.Error`; then it is asked again, and nothing has happened."""
        ...

    def written(self) -> bool:
        """The transaction is on the disk; whether that was all."""
        ...


class Keep(Struct, frozen=True):
    """What is kept: rows younger than `age_ns`, at most so many rows and bytes; 0 is no bound."""

    age_ns: int = 0
    rows: int = 0
    bytes: int = 0


KEEP_ALL = Keep()


class Tally(Struct):
    """What is in the file."""

    rows: int = 0  # in blocks
    bytes: int = 0  # of the file that hold something, without the log
    evicted: int = 0  # rows, so far
    damaged: int = 0  # blocks that should have been rewritten and cannot be read, so far; they stay as they are


class Commit(Struct):
    """Rows by their elements' numbers, and whom to tell when they are safe. `elements` are new. A structured value is
    wrapped as `msgspec.Raw`. `current`: elements whose last row is not their current value, with the times of the row
    that is and of the last one; None where they are one again. `size` is that of texts and structures in bytes, about.
    """

    generation: int
    elements: list[tuple[int, str]]
    rows: list[tuple[int, Row]]
    settled: list[Callable[[], None]]
    current: dict[int, tuple[int, int] | None]
    size: int = 0

    def write(self, file: sqlite3.Connection) -> None:
        file.executemany("INSERT INTO element (key, id) VALUES (?, ?)", self.elements)
        changed = [(*(times or (None, None)), key) for key, times in self.current.items()]
        file.executemany("UPDATE element SET current_ns = ?, late_ns = ? WHERE key = ?", changed)
        if self.rows:
            row = (self.generation, *encoded(self.rows))
            file.execute("INSERT INTO log (generation, rows, checksum) VALUES (?, ?, ?)", row)

    def written(self) -> bool:
        return True


class _Task(Struct):
    """Rows that become blocks, with those of the blocks that they belong to, which they replace. The last task of an
    element (`newest`) notes which its last row is.
    """

    key: int
    rows: Sequence[Row]
    touched: list[int]  # numbers of blocks
    newest: Row | None = None
    end: tuple[int, int] = (_NEVER, 0)


class Sealing:
    """One generation on its way into blocks, and then out of the log.

    An element's rows are divided among the blocks that they lie in, so that late ones touch no more than those; what is
    newer than all blocks makes new ones. Each piece is small, so that a slice ends in time.
    """

    def __init__(
        self,
        generation: int,
        rows: Mapping[int, Sequence[Row]],
        ends: dict[int, tuple[int, int]],
        tally: Tally,
    ) -> None:
        """`ends`: of elements whose blocks are known, the last time in them and how many small ones they end in."""
        self.generation = generation
        self._elements = iter(rows.items())
        self._element: tuple[int, Sequence[Row]] | None = None  # not divided yet
        self._tasks: deque[_Task] = deque()  # of an element that is
        self._slice: list[_Task] = []  # done in this transaction
        self._ends = ends
        self._tally = tally
        self._gained = self._damaged = 0
        self._sealed = self._forgotten = False

    def write(self, file: sqlite3.Connection) -> None:
        self._gained = self._damaged = 0
        if self._sealed:
            self._forgotten = file.execute(_ENTRIES_OF, (self.generation, _ENTRIES)).rowcount < _ENTRIES
            return
        for task in self._slice:  # once more
            self._seal(file, task)
        until = time.monotonic() + SLICE_S
        while not self._slice or time.monotonic() < until:
            following = self._next(file)
            if following is None:
                break
            self._slice.append(following)
            self._seal(file, following)

    def _next(self, file: sqlite3.Connection) -> _Task | None:
        if not self._tasks:
            self._element = self._element or next(self._elements, None)
            if self._element is None:
                return None
            self._tasks.extend(self._divide(file, *self._element))
            self._element = None
        return self._tasks.popleft()

    def written(self) -> bool:
        self._sealed = self._sealed or not self._slice
        for task in self._slice:
            if task.newest is not None:
                self._ends[task.key] = task.end
        self._slice = []
        self._tally.rows += self._gained
        self._tally.damaged += self._damaged
        return self._forgotten

    def _divide(self, file: sqlite3.Connection, key: int, rows: Sequence[Row]) -> list[_Task]:
        known = self._ends.get(key)
        end, small = known if known is not None else (_last(file, key), 0)
        tasks = []
        if rows[0][2] <= end:
            late = within(rows, rows[0][2], end)
            tasks, rows = list(_late_tasks(file, key, late)), rows[len(late) :]
        newest = rows[-1] if rows else late[-1]
        touched: list[int] = []
        if len(rows) >= _SMALL:
            small = 0
        elif rows:
            small += 1
            if small >= _MANY and not tasks:
                touched, small = _small_tail(file, key), 1
        pieces = [rows[at : at + ROWS] for at in range(0, len(rows), ROWS)]
        tasks += [_Task(key, piece, touched if at == 0 else []) for at, piece in enumerate(pieces)]
        tasks[-1].newest, tasks[-1].end = newest, (max(end, newest[2]), small)
        return tasks

    def _seal(self, file: sqlite3.Connection, task: _Task) -> None:
        """A block that cannot be read stays, and so do those before it: none may be made that spans it."""
        rows = task.rows
        for number in reversed(task.touched):
            start, count, data = file.execute(_BLOCK, (number,)).fetchone()
            try:
                rows = merged(list(unpack(start, data).rows()), rows)
            except Unreadable:
                self._damaged += 1
                break
            file.execute("DELETE FROM block WHERE number = ?", (number,))
            self._gained -= count
        _insert(file, task.key, rows)
        self._gained += len(rows)
        if task.newest is not None:
            file.execute(_LATEST, (task.newest[2], encoded_row(task.newest), task.key))


def _last(file: sqlite3.Connection, key: int) -> int:
    found = file.execute(_LAST, (key,)).fetchone()
    return int(found[0]) if found is not None else _NEVER


def _late_tasks(file: sqlite3.Connection, key: int, rows: Sequence[Row]) -> Iterator[_Task]:
    """Each row with the block that begins last before it, or with the first one."""
    span = {"element": key, "start": rows[0][2], "end": rows[-1][2]}
    blocks = file.execute(_OVERLAPPING, span).fetchall()
    if not blocks:  # those that there were have gone, because they were too old or too much
        yield from (_Task(key, rows[at : at + ROWS], []) for at in range(0, len(rows), ROWS))
    at = 0
    for (number, _), following in zip_longest(blocks, blocks[1:]):
        until = len(rows) if following is None else bisect_left(rows, following[1], lo=at, key=TIME)
        if until > at:
            yield _Task(key, rows[at:until], [number])
        at = until


def _small_tail(file: sqlite3.Connection, key: int) -> list[int]:
    """The small blocks that an element ends in, in order."""
    found: list[int] = []
    for number, count in file.execute(_TAIL, (key, _MANY)).fetchall():
        if count >= _SMALL:
            break
        found.append(number)
    return found[::-1]


def _insert(file: sqlite3.Connection, key: int, rows: Sequence[Row]) -> None:
    for at in range(0, len(rows), ROWS):
        series = columns(rows[at : at + ROWS])
        file.execute(_INSERT, (key, series.times[0], series.times[-1], len(series), pack(series)))


class Trimming:
    """The oldest blocks go while they are too old, or all are too much."""

    def __init__(self, keep: Keep, tally: Tally, now_ns: int) -> None:
        self._keep = keep
        self._tally = tally
        self._before_ns = now_ns - keep.age_ns if keep.age_ns else _NEVER
        self._most_rows, self._most_bytes = keep.rows, keep.bytes
        self._gone = self._bytes = 0

    def write(self, file: sqlite3.Connection) -> None:
        self._bytes = used_bytes(file)
        old = file.execute(_OLDEST, (_ENTRIES,)).fetchall()
        share = self._bytes / max(1, self._tally.rows)  # of one row
        rows, size, going = self._tally.rows, float(self._bytes), []
        for number, end, count in old:
            if end >= self._before_ns and not self._is_much(rows, size):
                break
            going.append((number,))
            rows -= count
            size -= count * share
        self._gone = self._tally.rows - rows
        file.executemany("DELETE FROM block WHERE number = ?", going)
        self._bytes = used_bytes(file)

    def written(self) -> bool:
        self._tally.rows -= self._gone
        self._tally.evicted += self._gone
        self._tally.bytes = self._bytes
        return not self._gone

    def _is_much(self, rows: int, size: float) -> bool:
        """Whether it is more than is kept; once it is, some room is made."""
        keep = self._keep
        if (self._most_rows and rows > self._most_rows) or (self._most_bytes and size > self._most_bytes):
            self._most_rows = keep.rows - keep.rows // _ROOM
            self._most_bytes = keep.bytes - keep.bytes // _ROOM
            return True
        return False


def used_bytes(file: sqlite3.Connection) -> int:
    """Bytes of the file that hold something, without the log, which comes and goes with what is not in blocks yet."""
    pages, free, size = (
        file.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    (log,) = file.execute("SELECT coalesce(sum(length(rows)), 0) FROM log").fetchone()
    return max(0, int((pages - free) * size - log))


__all__ = ["KEEP_ALL", "Commit", "Job", "Keep", "Sealing", "Tally", "Trimming", "used_bytes"]
