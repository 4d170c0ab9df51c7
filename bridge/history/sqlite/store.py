"""`SqliteHistory`: rows on disk, in one file, and a little in memory.

The way of a row: `append` puts it into the *head* (rows of each element in memory, found at once) and into the next
commit. Commits go to the writer one after another: as soon as it has done one, it gets what has gathered meanwhile, if
anybody waits for it; otherwise every `LAZY_S`. After a commit the rows are safe in the file's log, and those who wait
are told. When the head is large it is *frozen*, and a new one begins; the writer turns the frozen one into blocks and
deletes its part of the log. A restart reads the log back into the head. So each row is in memory, in blocks or in both.

All of this runs in the event loop but for the writer (`writer`, `work`) and those who read (`reading`). Rows of the
head are appended in the loop while threads copy whole lists of them: each is one step of the interpreter.
"""

import asyncio
import contextlib
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from bridge.errors import StartError
from bridge.history.base import Figures, Reader, Row, T, Unreadable, is_row
from bridge.history.rows import place
from bridge.history.sqlite.database import Damaged, is_damage, open_to_read, open_to_write, put_aside
from bridge.history.sqlite.log import decoded, decoded_row, told
from bridge.history.sqlite.reading import SqliteReader
from bridge.history.sqlite.work import KEEP_ALL, Commit, Job, Keep, Sealing, Tally, used_bytes
from bridge.history.sqlite.writer import RETRY_S, Writer
from bridge.space import Change
from bridge.uns.moments import render

GENERATION_ROWS = 262_144  # of a head before it is frozen: about 35 MB, and so many are read back at a start
GENERATION_BYTES = 64 * 1024 * 1024  # of structured values and texts in it
LAZY_S = 0.25  # until rows that nobody waits for are committed: what a crash may cost at QoS 0
COMMIT_ROWS = 5_000  # that nobody waits for, before they are committed without delay: 2 ms of encoding
MOST_UNWRITTEN = 200_000  # rows that wait for the writer; beyond it is `behind`
_HEADS = 4  # so many times a generation in the head: sealing does not keep up, it is `behind` as well
_READERS = 2  # threads
LEAST_S = 0.1  # for the writer to end, even where time is up

_encode = msgspec.json.Encoder().encode
_STRUCTURED = (dict, list)

_Head = dict[int, list[Row]]

_log = logging.getLogger("bridge.history")


class SqliteHistory:
    """See the module's text. To be opened with `open`, started within an event loop, and closed.

    `behind`: more rows wait than should; whoever appends rows that nobody waits for may leave them out, and whoever
    appends others had better wait for `caught_up`.
    """

    def __init__(
        self,
        path: Path,
        keep: Keep = KEEP_ALL,
        clock: Callable[[], int] = time.time_ns,
        generation_rows: int = GENERATION_ROWS,
    ) -> None:
        self.path = path
        self.generation_rows = generation_rows
        self.problems = 0  # files or parts of them that could not be used
        self.repeated = 0  # rows that took the place of one at the same time
        self._keep = keep
        self._clock = clock
        self._pool = ThreadPoolExecutor(_READERS, thread_name_prefix="history-reader")
        self._local = threading.local()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._caught_up = asyncio.Event()
        self._idle = asyncio.Event()  # nothing is in the writer's hands
        self._timer: asyncio.TimerHandle | None = None
        self._in_hand: deque[Commit] = deque()  # the writer's, in order
        self._idle.set()
        self._reset()

    def _reset(self) -> None:
        """As with an empty file."""
        self._keys: dict[str, int] = {}
        self._next_key = 1
        self._head: _Head = {}
        self._frozen: _Head = {}
        self._head_rows = self._head_bytes = self._frozen_rows = 0
        self._generation = 1
        self._ends: dict[int, tuple[int, int]] = {}
        self._current: dict[int, int] = {}  # of elements whose last row is not their current value: time of that
        self._tally = Tally()
        self._sealed_rows = 0  # rows in blocks, without those of a generation on its way there
        self._unwritten = 0
        self._pending = _commit(1)
        self._hasty = False  # somebody waits for what is pending

    # --- start and end -----------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Make or open the file, and read what is not in blocks yet. A file that cannot be used is put aside. Raises
        `StartError`.
        """
        try:
            self._load(open_to_write(self.path))
        except Damaged as error:
            self._put_aside(str(error))
            self._reset()
            self._load(open_to_write(self.path))

    def _load(self, file: sqlite3.Connection) -> None:
        try:
            self._keys = {ident: key for key, ident in file.execute("SELECT key, id FROM element")}
            self._next_key = max(self._keys.values(), default=0) + 1
            self._current = dict(file.execute("SELECT key, current_ns FROM element WHERE current_ns IS NOT NULL"))
            (self._tally.rows,) = file.execute("SELECT coalesce(sum(count), 0) FROM block").fetchone()
            self._sealed_rows, self._tally.bytes = self._tally.rows, used_bytes(file)
            for generation, entry in file.execute("SELECT generation, rows FROM log ORDER BY number"):
                self._generation = max(self._generation, generation)
                self._recall(entry)
        except sqlite3.Error as error:
            file.close()
            if is_damage(error):
                raise Damaged(str(error)) from None
            raise StartError(f"{self.path}: cannot be read: {error}") from None
        self.repeated = 0
        self._pending.generation = self._generation
        self._writer = Writer(file, self._tally, self._keep, self._on_done, self._on_damaged)

    def _recall(self, entry: bytes) -> None:
        """Rows of the log are in the head again."""
        try:
            rows = decoded(entry)
        except Unreadable as error:
            self.problems += 1
            _log.error("%s: %s; its rows are lost", self.path, error)
            return
        for key, row in rows:
            self._keep_in_head(key, row)

    def start(self) -> None:
        """Begin to write. Within the event loop that everything else is called from."""
        self._loop = asyncio.get_running_loop()
        self._writer.start()

    async def flush(self, patience: float) -> bool:
        """Not waited for while nothing can be written."""
        self._hand_over()
        with contextlib.suppress(TimeoutError):
            if self._writer.is_alive and self._writer.problem is None:
                async with asyncio.timeout(patience):
                    await self._idle.wait()
        return not self._in_hand

    async def close(self, patience: float) -> bool:
        until = time.monotonic() + patience
        await self.flush(patience)
        self._writer.stop()
        await asyncio.to_thread(self._writer.join, max(LEAST_S, until - time.monotonic()))
        await asyncio.sleep(0)  # hear what the writer has told last
        self._pool.shutdown(wait=False, cancel_futures=True)
        return not self._in_hand and not self._writer.is_alive

    # --- what is known -----------------------------------------------------------------------------------------------

    @property
    def rows(self) -> int:
        return self._sealed_rows + self._frozen_rows + self._head_rows

    @property
    def evicted(self) -> int:
        return self._tally.evicted

    def figures(self) -> Figures:
        done = self._writer.statistics
        return Figures(
            problem=self._writer.problem,
            unwritten=self._unwritten,
            bytes=self._tally.bytes,
            repeated=self.repeated,
            commits=done.commits,
            commit_seconds=done.commit_seconds,
            failures=done.failures,
            problems=self.problems + self._tally.damaged,
        )

    @property
    def behind(self) -> bool:
        return self._unwritten > MOST_UNWRITTEN or self._head_rows > _HEADS * self.generation_rows

    async def caught_up(self) -> None:
        """Wait until it is not `behind`."""
        while self.behind:
            self._caught_up.clear()
            await self._caught_up.wait()

    def latest(self) -> dict[str, Row]:
        """The last row of each element that was its current value. To be asked between `open` and `start`."""
        found: dict[str, Row] = {}
        names = {key: ident for ident, key in self._keys.items()}
        try:
            with contextlib.closing(open_to_read(self.path)) as file:
                for ident, row in file.execute("SELECT id, last FROM element WHERE last IS NOT NULL"):
                    found[ident] = decoded_row(row)
                for key, rows in self._head.items():
                    ident = names.get(key, "")
                    if ident and (ident not in found or found[ident][2] <= rows[-1][2]):
                        found[ident] = rows[-1]
                reader = self._reader(file)
                for key, time_ns in self._current.items():
                    row = reader.before(names[key], time_ns + 1)
                    found.pop(names[key], None)
                    if row is not None and row[2] == time_ns:
                        found[names[key]] = row
        except (sqlite3.Error, Unreadable) as error:
            self.problems += 1
            _log.error("%s: last values cannot be read, or not all of them: %s", self.path, error)
        return found

    # --- rows in -----------------------------------------------------------------------------------------------------

    def append(
        self, changes: Sequence[Change], settled: Callable[[], None] | None = None, *, haste: bool = True
    ) -> None:
        keys, pending = self._keys, self._pending.rows
        before = len(pending)
        for change in changes:
            if not is_row(change):
                continue
            ident, value = change.node.id, change.value
            key = keys.get(ident)
            if key is None:
                key = self._number(ident)
            if change.late or self._current:
                self._note_current(key, change)
            row: Row = (value, change.quality, change.time_ns)
            if type(value) in _STRUCTURED:
                packed = _encode(value)
                pending.append((key, (msgspec.Raw(packed), row[1], row[2])))
                row = (packed, row[1], row[2])
            else:
                pending.append((key, row))
            self._keep_in_head(key, row)
        self._unwritten += len(pending) - before
        if self._head_rows >= self.generation_rows or self._head_bytes >= GENERATION_BYTES:
            self._freeze()
        if settled is not None:
            self._tell_when_safe(settled)
        if self._pending.rows or self._pending.settled:
            self._see_to_it(haste=haste and settled is not None)

    def _number(self, ident: str) -> int:
        key = self._keys[ident] = self._next_key
        self._next_key += 1
        self._pending.elements.append((key, ident))
        return key

    def _note_current(self, key: int, change: Change) -> None:
        """A row that is newer than the current value and not it: an event, or one that a client has written."""
        if not change.late:
            if self._current.pop(key, None) is not None:
                self._pending.current[key] = None
        elif change.time_ns > change.node.time_ns and key not in self._current:
            self._current[key] = self._pending.current[key] = change.node.time_ns

    def _keep_in_head(self, key: int, row: Row) -> None:
        rows = self._head.get(key)
        if rows is None:
            self._head[key] = [row]
        elif rows[-1][2] < row[2]:
            rows.append(row)
        elif place(rows, row) is not None:
            self.repeated += 1
            return
        self._head_rows += 1
        if type(row[0]) in (bytes, str):
            self._head_bytes += len(row[0])

    def _tell_when_safe(self, settled: Callable[[], None]) -> None:
        if self._pending.rows or self._in_hand:
            self._pending.settled.append(settled)
        else:
            settled()

    def _see_to_it(self, *, haste: bool) -> None:
        """What is pending goes to the writer: now, when it has done what it is at, or in a moment."""
        if haste and not self._in_hand:
            self._hand_over()
        elif haste:
            self._hasty = True
        elif len(self._pending.rows) >= COMMIT_ROWS:
            self._hand_over()
        elif self._timer is None and self._loop is not None:
            self._timer = self._loop.call_later(LAZY_S, self._hand_over)

    def _hand_over(self) -> None:
        """What has gathered is the writer's now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._hasty = False
        job = self._pending
        if job.rows or job.settled:
            self._pending = _commit(self._generation)
            self._idle.clear()
            self._in_hand.append(job)
            self._writer.put(job)

    def _freeze(self) -> None:
        """The head becomes blocks, unless the one before is still on its way."""
        if self._frozen:
            return
        self._hand_over()
        self._frozen, self._frozen_rows = self._head, self._head_rows
        self._head, self._head_rows, self._head_bytes = {}, 0, 0
        self._writer.put(Sealing(self._generation, self._frozen, self._ends, self._tally))
        self._generation += 1
        self._pending.generation = self._generation

    # --- what the writer tells ---------------------------------------------------------------------------------------

    def _on_done(self, job: Job) -> None:
        """In the writer's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._done, job)

    def _done(self, job: Job) -> None:
        match job:
            case Commit():
                self._written(job)
            case Sealing():
                self._frozen, self._frozen_rows, self._sealed_rows = {}, 0, self._tally.rows
            case _:
                self._sealed_rows = self._tally.rows if not self._frozen else self._sealed_rows
        if not self.behind:
            self._caught_up.set()

    def _written(self, job: Commit) -> None:
        if not self._in_hand or self._in_hand[0] is not job:
            return  # of a file that was given up
        self._in_hand.popleft()
        self._unwritten -= len(job.rows)
        for settled in job.settled:
            settled()
        if self._hasty and not self._in_hand:
            self._hand_over()
        if not self._in_hand:
            self._idle.set()

    def _on_damaged(self, why: str) -> None:
        """In the writer's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._begin_anew, why)

    def _begin_anew(self, why: str) -> None:
        """The file broke while it was written: put it aside, and write what is in memory into a new one."""
        try:
            self._put_aside(why)
            file = open_to_write(self.path)
        except (StartError, Damaged, OSError) as error:
            self._writer.problem = f"cannot be written: {error}"
            asyncio.get_running_loop().call_later(RETRY_S, self._begin_anew, why)
            return
        names = {key: ident for ident, key in self._keys.items()}
        waiting = [settled for job in (*self._in_hand, self._pending) for settled in job.settled]
        memory = [*self._frozen.items(), *self._head.items()]
        self._in_hand.clear()
        self._reset()
        self._local = threading.local()
        self._load(file)
        for former, rows in memory:
            key = self._keys.get(names[former]) or self._number(names[former])
            self._pending.rows += [(key, told(row)) for row in rows]
            for row in rows:
                self._keep_in_head(key, row)
        self._unwritten = len(self._pending.rows)
        self._pending.settled += waiting
        self._writer.start()
        self._hand_over()

    def _put_aside(self, why: str) -> None:
        self.problems += 1
        now = render(self._clock())[:19].replace(":", "").replace("-", "") + "Z"
        aside = put_aside(self.path, now)
        _log.error("%s: cannot be used (%s): history begins anew; the file is kept as %s", self.path, why, aside.name)

    # --- questions ---------------------------------------------------------------------------------------------------

    def ask(self, question: Callable[[Reader], T]) -> Awaitable[T]:
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._pool, self._answer, question)

    def _answer(self, question: Callable[[Reader], T]) -> T:
        """In a thread that asks, which has a connection of its own."""
        reader = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._local.reader = self._reader(open_to_read(self.path))
        return question(reader)

    def _reader(self, file: sqlite3.Connection) -> SqliteReader:
        return SqliteReader(file, self._keys.get, self._in_memory, self._oldest_ns)

    def _in_memory(self, key: int) -> tuple[list[Row], list[Row]]:
        """Copies: the head first, because from there rows go to the frozen one and then into the file."""
        head = list(self._head.get(key, ()))
        return list(self._frozen.get(key, ())), head

    def _oldest_ns(self) -> int:
        return self._clock() - self._keep.age_ns if self._keep.age_ns else -(2**63)


def _commit(generation: int) -> Commit:
    """An empty one."""
    return Commit(generation, [], [], [], {})
