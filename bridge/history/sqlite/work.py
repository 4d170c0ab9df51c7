"""What the writer does with the file, each piece in one transaction: a commit of rows, a slice of sealing, a slice of
what is too old or too much.

*Sealing* turns a generation of rows into blocks. Rows that lie where blocks are already (late ones, or those of a
generation that was sealed in part before a crash) are woven into those, so blocks of an element never overlap, and
sealing again changes nothing. Few rows make small blocks; when an element ends in many of them they become one.
"""

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from bridge.history.base import Row, Unreadable
from bridge.history.rows import columns, merged
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
    SELECT number, start, count, data FROM block
    WHERE element = :element AND start <= :end AND end >= :start
      AND start >= coalesce((SELECT max(start) FROM block WHERE element = :element AND start <= :start), :start)
    ORDER BY start"""
_TAIL = "SELECT number, start, count, data FROM block WHERE element = ? ORDER BY start DESC LIMIT ?"
_INSERT = "INSERT OR REPLACE INTO block (element, start, end, count, data) VALUES (?, ?, ?, ?, ?)"
_LATEST = "UPDATE element SET last_ns = ?1, last = ?2 WHERE key = ?3 AND coalesce(last_ns, ?1) <= ?1"
_OLDEST = "SELECT number, end, count FROM block INDEXED BY block_end ORDER BY end LIMIT ?"
_ENTRIES_OF = "DELETE FROM log WHERE number IN (SELECT number FROM log WHERE generation <= ? ORDER BY number LIMIT ?)"

_Touched = list[tuple[int, int, int, bytes]]  # blocks: number, start, rows, data


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
    bytes: int = 0  # that hold something
    evicted: int = 0  # rows, so far
    damaged: int = 0  # blocks that should have been rewritten and cannot be read, so far; they stay as they are


class Commit(Struct):
    """Rows by their elements' numbers, and whom to tell when they are safe. `elements` are new. A structured value is
    wrapped as `msgspec.Raw`. `current` are the elements whose last row is not their current value, with the time of the
    one that is, or None where it is the last one again.
    """

    generation: int
    elements: list[tuple[int, str]]
    rows: list[tuple[int, Row]]
    settled: list[Callable[[], None]]
    current: dict[int, int | None]

    def write(self, file: sqlite3.Connection) -> None:
        file.executemany("INSERT INTO element (key, id) VALUES (?, ?)", self.elements)
        file.executemany(
            "UPDATE element SET current_ns = ? WHERE key = ?", [(ns, key) for key, ns in self.current.items()]
        )
        if self.rows:
            file.execute("INSERT INTO log (generation, rows) VALUES (?, ?)", (self.generation, encoded(self.rows)))

    def written(self) -> bool:
        return True


class Sealing:
    """One generation on its way into blocks, and then out of the log."""

    def __init__(
        self,
        generation: int,
        rows: Mapping[int, Sequence[Row]],
        ends: dict[int, tuple[int, int]],
        tally: Tally,
    ) -> None:
        """`ends`: of elements whose blocks are known, the last time in them and how many small ones they end in."""
        self.generation = generation
        self._waiting = iter(rows.items())
        self._slice: list[tuple[int, Sequence[Row]]] = []
        self._ends = ends
        self._moved: dict[int, tuple[int, int]] = {}
        self._tally = tally
        self._gained = self._damaged = 0
        self._sealed = self._forgotten = False

    def write(self, file: sqlite3.Connection) -> None:
        self._moved, self._gained, self._damaged = {}, 0, 0
        if self._sealed:
            self._forgotten = file.execute(_ENTRIES_OF, (self.generation, _ENTRIES)).rowcount < _ENTRIES
            return
        until = time.monotonic() + SLICE_S
        if self._slice:  # once more
            for key, rows in self._slice:
                self._seal(file, key, rows)
            return
        for key, rows in self._waiting:
            self._slice.append((key, rows))
            self._seal(file, key, rows)
            if time.monotonic() > until:
                break

    def written(self) -> bool:
        self._sealed = self._sealed or not self._slice
        self._slice = []
        self._ends.update(self._moved)
        self._tally.rows += self._gained
        self._tally.damaged += self._damaged
        return self._forgotten

    def _seal(self, file: sqlite3.Connection, key: int, rows: Sequence[Row]) -> None:
        newest = rows[-1]
        known = self._ends.get(key)
        end, small = known if known is not None else (_last(file, key), 0)
        touched: _Touched = []
        if rows[0][2] <= end:
            span = {"element": key, "start": rows[0][2], "end": newest[2]}
            touched = file.execute(_OVERLAPPING, span).fetchall()
        elif len(rows) >= _SMALL:
            small = 0
        else:
            small += 1
            if small >= _MANY:
                touched = _small_tail(file, key)
                small = 1
        for number, start, count, data in touched:
            try:
                rows = merged(list(unpack(start, data).rows()), rows)
            except Unreadable:
                self._damaged += 1
                continue
            file.execute("DELETE FROM block WHERE number = ?", (number,))
            self._gained -= count
        _insert(file, key, rows)
        self._gained += len(rows)
        self._moved[key] = (max(end, newest[2]), small)
        file.execute(_LATEST, (newest[2], encoded_row(newest), key))


def _last(file: sqlite3.Connection, key: int) -> int:
    found = file.execute(_LAST, (key,)).fetchone()
    return int(found[0]) if found is not None else _NEVER


def _small_tail(file: sqlite3.Connection, key: int) -> _Touched:
    """The small blocks that an element ends in."""
    found: _Touched = []
    for block in file.execute(_TAIL, (key, _MANY)).fetchall():
        if block[2] >= _SMALL:
            break
        found.append(block)
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
    """Bytes of the file that hold something."""
    pages, free, size = (
        file.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


__all__ = ["KEEP_ALL", "Commit", "Job", "Keep", "Sealing", "Tally", "Trimming", "used_bytes"]
