"""What is known of one file while it is open: its elements, and the rows that are not, or not only, in its blocks.

Those rows are in memory in two parts. The *head* holds what has come since the last generation began; when it is large
it is *frozen*, and a new one begins, while the writer turns the frozen one into blocks. The file's log holds the rows
of both. Rows are added in the event loop while threads copy an element's whole list: each is one step of Python's.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bridge.errors import StartError
from bridge.history.base import Row, Unreadable
from bridge.history.rows import place
from bridge.history.sqlite.database import Damaged, is_damage, open_to_read
from bridge.history.sqlite.log import decoded, decoded_row
from bridge.history.sqlite.reading import SqliteReader
from bridge.history.sqlite.work import Sealing, Tally, used_bytes
from bridge.space import Change

_UNUSED = "SELECT key, id FROM element WHERE NOT EXISTS (SELECT 1 FROM block WHERE element = key)"
_ELEMENTS = "SELECT key, id, last_ns, current_ns, late_ns FROM element"
_LOG = "SELECT generation, rows, checksum FROM log ORDER BY number"
_EVER = -(2**63)

_log = logging.getLogger("bridge.history")


class Contents:
    """`repeated` counts rows that took the place of one at the same time, `problems` what of the file cannot be used.

    `current` are elements whose last row is not their current value (an event, what a client has written, a clock that
    was put back), with the time of the row that is, and of the last one.
    """

    def __init__(self) -> None:
        self.keys: dict[str, int] = {}
        self.current: dict[int, tuple[int, int]] = {}
        self.tally = Tally()
        self.generation = 1
        self.rows = self.bytes = 0  # of the head: rows, and bytes of texts and structures
        self.repeated = 0
        self.problems = 0
        self._next_key = 1
        self._head: dict[int, list[Row]] = {}
        self._frozen: Mapping[int, Sequence[Row]] = {}
        self._frozen_rows = 0
        self._in_blocks = 0  # rows, without those of a generation on its way there
        self._ends: dict[int, tuple[int, int]] = {}
        self._last_told: dict[int, int] = {}  # last row in blocks as of the start; a crash may have left it behind them

    # --- reading the file --------------------------------------------------------------------------------------------

    def load(self, file: sqlite3.Connection) -> None:
        """Read what there is. Raises `Damaged`, and `StartError` where it cannot be read now."""
        try:
            for key, ident, last_ns, current_ns, late_ns in file.execute(_ELEMENTS):
                self.keys[ident] = key
                if last_ns is not None:
                    self._last_told[key] = last_ns
                if current_ns is not None:
                    self.current[key] = (current_ns, late_ns)
            self._next_key = max(self.keys.values(), default=0) + 1
            (self.tally.rows,) = file.execute("SELECT coalesce(sum(count), 0) FROM block").fetchone()
            self._in_blocks, self.tally.bytes = self.tally.rows, used_bytes(file)
            for generation, entry, checksum in file.execute(_LOG):
                self.generation = max(self.generation, generation)
                self._recall(entry, checksum)
        except sqlite3.Error as error:
            if is_damage(error):
                raise Damaged(str(error)) from None
            raise StartError(f"history cannot be read: {error}") from None
        self.repeated = 0
        self._forget_unused(file)

    def _forget_unused(self, file: sqlite3.Connection) -> None:
        """Elements all of whose rows have gone. Where the file cannot be written now they stay."""
        unused = [(key, ident) for key, ident in file.execute(_UNUSED) if key not in self._head]
        try:
            file.execute("BEGIN")
            file.executemany("DELETE FROM element WHERE key = ?", [(key,) for key, _ in unused])
            file.execute("COMMIT")
        except sqlite3.OperationalError:
            if file.in_transaction:
                file.execute("ROLLBACK")
            return
        for key, ident in unused:
            del self.keys[ident]
            self.current.pop(key, None)
            self._last_told.pop(key, None)

    def _recall(self, entry: bytes, checksum: int) -> None:
        """Rows of the log are in the head again."""
        try:
            rows = decoded(entry, checksum)
        except Unreadable as error:
            self.problems += 1
            _log.error("history: %s; its rows are lost", error)
            return
        for key, row in rows:
            self.keep(key, row)

    # --- rows in -----------------------------------------------------------------------------------------------------

    def number(self, ident: str) -> int:
        """The number of a new element."""
        key = self.keys[ident] = self._next_key
        self._next_key += 1
        return key

    def keep(self, key: int, row: Row) -> bool:
        """Put a row into the head; whether it is the last one of its element, as far as that is known at once."""
        rows = self._head.get(key)
        if rows is None:
            self._head[key] = [row]
            self._grow(row)
            return row[2] >= self._last_ns(key)
        if rows[-1][2] < row[2]:
            rows.append(row)
        else:
            replaced = place(rows, row)
            if replaced is not None:
                self.repeated += 1
                return rows[-1] is row
            self._grow(row)
            return False
        self._grow(row)
        return True

    def _last_ns(self, key: int) -> int:
        """The time of an element's last row before the head."""
        frozen, end = self._frozen.get(key), self._ends.get(key)
        in_blocks = end[0] if end is not None else self._last_told.get(key, _EVER)
        return max(frozen[-1][2] if frozen else _EVER, in_blocks)

    def _grow(self, row: Row) -> None:
        self.rows += 1
        if type(row[0]) in (bytes, str):
            self.bytes += len(row[0])

    def note_current(self, key: int, change: Change) -> bool:
        """Look whether an element's last row is its current value after this change; whether that is news."""
        known, node = self.current.get(key), change.node
        if change.late:
            if change.time_ns <= node.time_ns or (known is not None and change.time_ns <= known[1]):
                return False
            self.current[key] = (known[0] if known is not None else node.time_ns, change.time_ns)
            return True
        last_ns = known[1] if known is not None else max(self._head[key][-1][2], self._last_ns(key))
        if change.time_ns < last_ns:
            self.current[key] = (change.time_ns, last_ns)
            return True
        return self.current.pop(key, None) is not None

    # --- generations -------------------------------------------------------------------------------------------------

    @property
    def is_sealing(self) -> bool:
        return bool(self._frozen)

    def freeze(self) -> Sealing:
        """The head is frozen, and a new one begins; what makes it blocks."""
        self._frozen, self._frozen_rows = self._head, self.rows
        self._head, self.rows, self.bytes = {}, 0, 0
        self.generation += 1
        return Sealing(self.generation - 1, self._frozen, self._ends, self.tally)

    def sealed(self) -> None:
        """The frozen rows are in blocks."""
        self._frozen, self._frozen_rows = {}, 0
        self.settle()

    def settle(self) -> None:
        """Blocks have gone, or come: count anew, unless some of a generation are on their way."""
        if not self._frozen:
            self._in_blocks = self.tally.rows

    @property
    def oldest_ns(self) -> int:
        """The time of the first row in the head."""
        return min((rows[0][2] for rows in self._head.values()), default=2**63 - 1)

    @property
    def held(self) -> int:
        """All rows."""
        return self._in_blocks + self._frozen_rows + self.rows

    def in_memory(self) -> Iterator[tuple[str, Sequence[Row]]]:
        """The rows that are in memory, by their elements, the older ones first."""
        names = {key: ident for ident, key in self.keys.items()}
        for part in (self._frozen, self._head):
            yield from ((names[key], rows) for key, rows in part.items() if key in names)

    # --- rows out ----------------------------------------------------------------------------------------------------

    def reader(
        self,
        file: sqlite3.Connection,
        oldest_ns: Callable[[], int] = lambda: _EVER,
        on_error: Callable[[sqlite3.Error], None] = lambda _: None,
    ) -> SqliteReader:
        """`oldest_ns`: what is older is not told; `on_error` hears of what the file says when it cannot be read."""
        return SqliteReader(file, self.keys.get, self._copies, oldest_ns, on_error)

    def _copies(self, key: int) -> tuple[Sequence[Row], Sequence[Row]]:
        """The head first, because from there rows go to the frozen one and then into the file."""
        head = list(self._head.get(key, ()))
        return self._frozen.get(key, ()), head

    def latest(self, path: Path) -> dict[str, Row]:
        """The row of each element that is its current value."""
        found: dict[str, Row] = {}
        try:
            with contextlib.closing(open_to_read(path)) as file:
                for ident, row in file.execute("SELECT id, last FROM element WHERE last IS NOT NULL"):
                    found[ident] = decoded_row(row)
                for ident, rows in self.in_memory():
                    if ident not in found or found[ident][2] <= rows[-1][2]:
                        found[ident] = rows[-1]
                self._correct(found, self.reader(file))
        except (sqlite3.Error, Unreadable) as error:
            self.problems += 1
            _log.error("%s: last values cannot be read, or not all of them: %s", path, error)
        return found

    def _correct(self, found: dict[str, Row], reader: SqliteReader) -> None:
        """Where the last row is not the current value, take the one that is, if there is one."""
        names = {key: ident for ident, key in self.keys.items()}
        for key, (current_ns, _) in self.current.items():
            row = reader.before(names[key], current_ns + 1)
            found.pop(names[key], None)
            if row is not None and row[2] == current_ns:
                found[names[key]] = row
