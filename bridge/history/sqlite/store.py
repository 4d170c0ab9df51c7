"""`SqliteHistory`: rows on disk, in one file, and a little in memory.

The way of a row: `append` puts it into memory (`contents`), where it is found at once, and into the next commit.
Commits go to the writer one after another: as soon as it has done one it gets what has gathered meanwhile, if anybody
waits for it; otherwise every `LAZY_S`. After a commit the rows are safe in the file's log, and those who wait are told.
From time to time the writer turns rows in memory into blocks, and deletes their part of the log. A restart reads the
log back into memory. So each row is in memory, in blocks or in both.

All of this runs in the event loop but for the writer (`writer`, `work`) and those who read (`reading`).
"""

import asyncio
import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from bridge.errors import StartError
from bridge.history.base import Figures, Reader, Row, T, Unreadable, is_row, weight
from bridge.history.sqlite.contents import Contents
from bridge.history.sqlite.database import Damaged, is_damage, open_to_read, open_to_write, put_aside, tidy
from bridge.history.sqlite.log import told
from bridge.history.sqlite.outbox import Outbox
from bridge.history.sqlite.reading import SqliteReader
from bridge.history.sqlite.work import KEEP_ALL, Commit, Job, Keep, Sealing
from bridge.history.sqlite.writer import RETRY_S, Statistics, Writer
from bridge.space import Change
from bridge.uns.moments import render

GENERATION_ROWS = 262_144  # in memory before they become blocks: about 35 MB, and so many are read back at a start
GENERATION_BYTES = 64 * 1024 * 1024  # of structured values and texts in them
MOST_ROWS = 200_000  # that wait for the writer; beyond it is `behind`, and `full` beyond twice as many
MOST_BYTES = 128 * 1024 * 1024
LEAST_S = 0.1  # for the writer to end, even where time is up
_HEADS = 4  # so many times a generation in memory: sealing does not keep up, it is `behind` as well
_READERS = 2  # threads
_LOG_ROW = 40  # bytes of a row in the log, about, beside its text or structure

_encode = msgspec.json.Encoder().encode
_STRUCTURED = (dict, list)

_log = logging.getLogger("bridge.history")


class SqliteHistory:
    """See the module's text. To be opened with `open`, started within an event loop, and closed."""

    def __init__(
        self,
        path: Path,
        keep: Keep = KEEP_ALL,
        clock: Callable[[], int] = time.time_ns,
        generation_rows: int = GENERATION_ROWS,
    ) -> None:
        self.path = path
        self.generation_rows = generation_rows
        self._keep = keep
        self._clock = clock
        self._contents = Contents()
        self._statistics = Statistics()
        self._problems = self._evicted = self._repeated = 0  # of files that were given up
        self._pool = ThreadPoolExecutor(_READERS, thread_name_prefix="history-reader")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []  # by those who read
        self._loop: asyncio.AbstractEventLoop | None = None
        self._healing: asyncio.Task[None] | None = None
        self._asked: set[asyncio.Future[Any]] = set()  # questions on their way
        self._closed = False
        self._caught_up = asyncio.Event()

    # --- start and end -----------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Make or open the file, and read what is not in blocks yet. A file that cannot be used is put aside. Raises
        `StartError`.
        """
        try:
            self._load(open_to_write(self.path))
        except Damaged as error:
            self._put_aside(str(error))
            tidy(self.path)
            self._load(open_to_write(self.path))

    def _load(self, file: sqlite3.Connection) -> None:
        """Go on with the contents of a file. Raises `Damaged` and `StartError`; then nothing has changed."""
        self._go_on_with(file, _contents(file))

    def _go_on_with(self, file: sqlite3.Connection, contents: Contents) -> None:
        self._contents = contents
        self._writer = Writer(
            self.path, file, contents.tally, self._keep, self._statistics, self._on_done, self._on_damaged
        )
        self._outbox = Outbox(self._writer.put, contents.generation)

    def start(self) -> None:
        """Begin to write. Within the event loop that everything else is called from."""
        self._loop = asyncio.get_running_loop()
        self._writer.start()

    async def flush(self, patience: float) -> bool:
        """Not waited for while nothing can be written."""
        self._outbox.hand_over()
        with contextlib.suppress(TimeoutError):
            if self._writer.is_alive and self._writer.problem is None:
                async with asyncio.timeout(patience):
                    await self._outbox.idle.wait()
        return not self._outbox.in_hand

    async def close(self, patience: float) -> bool:
        until = time.monotonic() + patience
        await self.flush(patience)
        self._closed = True
        if self._healing is not None:
            self._healing.cancel()
        self._writer.stop()
        await asyncio.to_thread(self._writer.join, max(LEAST_S, until - time.monotonic()))
        await asyncio.sleep(0)  # hear what the writer has told last
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._asked:
            await asyncio.wait(self._asked, timeout=LEAST_S)
        if not self._asked:  # else a connection is in use, and goes with the process
            for connection in self._opened:
                connection.close()
        return not self._outbox.in_hand

    # --- what is known -----------------------------------------------------------------------------------------------

    @property
    def rows(self) -> int:
        return self._contents.held

    @property
    def evicted(self) -> int:
        return self._evicted + self._contents.tally.evicted

    def figures(self) -> Figures:
        contents, done = self._contents, self._statistics
        return Figures(
            problem=self._writer.problem,
            unwritten=self._outbox.rows,
            bytes=contents.tally.bytes + contents.bytes + contents.rows * _LOG_ROW,
            repeated=self._repeated + contents.repeated,
            commits=done.commits,
            commit_seconds=done.commit_seconds,
            failures=done.failures,
            problems=self._problems + contents.problems + contents.tally.damaged,
        )

    @property
    def behind(self) -> bool:
        return self._is_beyond(1)

    @property
    def full(self) -> bool:
        return self._is_beyond(2)

    def _is_beyond(self, times: int) -> bool:
        return (
            self._outbox.rows > times * MOST_ROWS
            or self._outbox.bytes > times * MOST_BYTES
            or self._contents.rows > times * _HEADS * self.generation_rows
        )

    async def caught_up(self) -> None:
        while self.full:
            self._caught_up.clear()
            await self._caught_up.wait()

    def latest(self) -> dict[str, Row]:
        """The row of each element that is its current value. To be asked between `open` and `start`."""
        return self._contents.latest(self.path)

    # --- rows in -----------------------------------------------------------------------------------------------------

    def append(
        self, changes: Sequence[Change], settled: Callable[[], None] | None = None, *, haste: bool = True
    ) -> None:
        contents, pending = self._contents, self._outbox.pending
        keys, rows, size = contents.keys, pending.rows, 0
        before = len(rows)
        for change in changes:
            if not is_row(change):
                continue
            ident, value = change.node.id, change.value
            key = keys.get(ident)
            if key is None:
                key = contents.number(ident)
                pending.elements.append((key, ident))
            row: Row = (value, change.quality, change.time_ns)
            if type(value) in _STRUCTURED:
                packed = _encode(value)
                rows.append((key, (msgspec.Raw(packed), row[1], row[2])))
                row = (packed, row[1], row[2])
                size += len(packed)
            else:
                rows.append((key, row))
                if type(value) is str:
                    size += len(value)
            is_last = contents.keep(key, row)
            if (change.late or not is_last or key in contents.current) and contents.note_current(key, change):
                pending.current[key] = contents.current.get(key)
        self._outbox.grew(len(rows) - before, size)
        self._freeze_if_large()
        self._outbox.go_on(settled, haste=haste)

    def _freeze_if_large(self) -> None:
        contents = self._contents
        if contents.rows >= self.generation_rows or contents.bytes >= GENERATION_BYTES:
            self._freeze()

    def _freeze_if_too_much(self) -> None:
        """Only blocks can go: where more is kept than should be, what is in memory becomes blocks earlier."""
        keep, contents = self._keep, self._contents
        is_old = keep.age_ns and contents.oldest_ns < self._oldest_ns()
        if is_old or (keep.rows and contents.held > keep.rows) or (keep.bytes and self.figures().bytes > keep.bytes):
            self._freeze()

    def _freeze(self) -> None:
        """What is in memory becomes blocks, unless the generation before is still on its way."""
        contents = self._contents
        if contents.rows and not contents.is_sealing:
            self._outbox.hand_over()
            self._writer.put(contents.freeze())
            self._outbox.pending.generation = contents.generation

    # --- what the writer tells ---------------------------------------------------------------------------------------

    def _on_done(self, job: Job) -> None:
        """In the writer's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._done, job)

    def _done(self, job: Job) -> None:
        match job:
            case Commit():
                self._outbox.written(job)
            case Sealing():
                self._contents.sealed()
                self._freeze_if_large()
            case _:
                self._contents.settle()
                self._freeze_if_too_much()
        if not self.full:
            self._caught_up.set()

    def _on_damaged(self, why: str) -> None:
        """In the writer's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._heal, why)

    def _heal(self, why: str) -> None:
        if not self._closed:
            self._healing = asyncio.get_running_loop().create_task(self._begin_anew(why), name="history-healing")

    async def _begin_anew(self, why: str) -> None:
        """The file broke while it was written: put it aside, and write what is in memory into a new one."""
        is_aside = False
        while True:
            try:
                if not is_aside:
                    self._put_aside(why)
                    is_aside = True
                file = await asyncio.to_thread(open_to_write, self.path)
                contents = _contents(file)
                break
            except (StartError, Damaged, OSError) as error:
                self._writer.problem = f"cannot be written: {error}"
                await asyncio.sleep(RETRY_S)
        self._change_over(file, contents)

    def _change_over(self, file: sqlite3.Connection, contents: Contents) -> None:
        """From the contents of a file that was given up to those of a new one."""
        former, waiting = self._contents, self._outbox.give_up()
        self._problems += former.problems + former.tally.damaged
        self._evicted, self._repeated = self.evicted, self._repeated + former.repeated
        self._go_on_with(file, contents)
        self._local = threading.local()
        for ident, rows in former.in_memory():
            self._take_over(former, ident, rows)
        self._outbox.pending.settled += waiting
        self._writer.start()
        self._outbox.hand_over()

    def _take_over(self, former: Contents, ident: str, rows: Sequence[Row]) -> None:
        contents, outbox = self._contents, self._outbox
        pending, key = outbox.pending, contents.keys.get(ident)
        if key is None:
            key = contents.number(ident)
            pending.elements.append((key, ident))
            if (times := former.current.get(former.keys[ident])) is not None:
                contents.current[key] = pending.current[key] = times
        for row in rows:
            contents.keep(key, row)
            pending.rows.append((key, told(row)))
        outbox.grew(len(rows), sum(map(weight, rows)))
        if outbox.is_large:
            outbox.hand_over()

    def _put_aside(self, why: str) -> None:
        """Raises `OSError`."""
        now = render(self._clock())[:19].replace(":", "").replace("-", "") + "Z"
        aside = put_aside(self.path, now)
        self._problems += 1
        _log.error("%s: cannot be used (%s): history begins anew; the file is kept as %s", self.path, why, aside.name)

    # --- questions ---------------------------------------------------------------------------------------------------

    def ask(self, question: Callable[[Reader], T]) -> Awaitable[T]:
        answer = asyncio.get_running_loop().run_in_executor(self._pool, self._answer, question)
        self._asked.add(answer)
        answer.add_done_callback(self._asked.discard)
        return answer

    def _answer(self, question: Callable[[Reader], T]) -> T:
        """In a thread that asks, which has a connection of its own."""
        reader = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._local.reader = self._new_reader()
        return question(reader)

    def _new_reader(self) -> SqliteReader:
        try:
            file = open_to_read(self.path)
        except sqlite3.Error as error:
            _on_unreadable(self._writer, error)
            raise Unreadable(f"the file cannot be opened: {error}") from None
        self._opened.append(file)
        return self._contents.reader(file, self._oldest_ns, partial(_on_unreadable, self._writer))

    def _oldest_ns(self) -> int:
        return self._clock() - self._keep.age_ns if self._keep.age_ns else -(2**63)


def _on_unreadable(writer: Writer, error: sqlite3.Error) -> None:
    """In a thread that asks: what is written into the same broken file is not safe."""
    if is_damage(error):
        writer.give_up()


def _contents(file: sqlite3.Connection) -> Contents:
    """What a file holds. Raises `Damaged` and `StartError`; then it is closed."""
    contents = Contents()
    try:
        contents.load(file)
    except (Damaged, StartError):
        file.close()
        raise
    return contents
