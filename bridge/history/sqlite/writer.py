"""The writer: one thread, which alone changes the file.

Jobs come through a queue, in order. Commits go first; sealing and trimming are chores, done slice by slice between
them. What fails because the disk is full, the file locked or the like is tried again for ever, and `problem` says why;
nobody is told that rows are safe before they are. A file that is broken ends the thread: whoever owns it puts the file
aside and begins anew.
"""

import contextlib
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue

from msgspec import Struct

from bridge.history.sqlite.database import is_damage
from bridge.history.sqlite.work import Commit, Job, Keep, Sealing, Tally, Trimming

RETRY_S = 1.0  # between two attempts to write what could not be written
TRIM_S = 60.0  # between two looks at what is too old or too much
_IDLE_S = 5.0  # between two looks at the clock when nothing comes

_log = logging.getLogger("bridge.history")


class Statistics(Struct):
    """What has been done so far."""

    commits: int = 0
    commit_seconds: float = 0.0
    sealed: int = 0  # generations
    failures: int = 0  # attempts that failed


class Writer:
    """`done` hears of each finished job, `damaged` once that the file is broken; both in the writer's thread."""

    def __init__(
        self,
        file: sqlite3.Connection,
        tally: Tally,
        keep: Keep,
        done: Callable[[Job], None],
        damaged: Callable[[str], None],
    ) -> None:
        self.problem: str | None = None
        self.statistics = Statistics()
        self._file = file
        self._tally = tally
        self._keep = keep
        self._done = done
        self._damaged = damaged
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._chores: deque[Job] = deque()
        self._stopping = threading.Event()
        self._trimmed = 0.0  # when, monotonic
        self._thread = threading.Thread(target=self._run, name="history-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, job: Job) -> None:
        self._jobs.put(job)

    def stop(self) -> None:
        """End once everything that was put before is done; attempts that fail are given up."""
        self._stopping.set()
        self._jobs.put(None)

    def join(self, timeout: float) -> bool:
        """Wait for the end; whether it came."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    # --- in the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._work()
        except sqlite3.Error as error:  # broken
            _log.error("the file is broken: %s", error)
            self._close()
            self._damaged(str(error))
        except Exception:  # noqa: BLE001 - a fault of ours: rows are safe no more, and whoever watches has to see it
            self.problem = "cannot be written: the writer has ended by a fault; its log says more"
            _log.exception("the writer of history has ended by a fault")
        else:
            self._close()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            if isinstance(job, Commit):
                self._commit(job)
            elif isinstance(job, Sealing):
                self._chores.append(job)
            if not isinstance(job, Commit) or self._jobs.empty():
                self._do_chore()

    def _next(self) -> "Job | _Look | None":
        """The next job; None at the end. While there are chores nobody waits for one."""
        try:
            return self._jobs.get(block=not self._chores, timeout=_IDLE_S)
        except Empty:
            return _LOOK

    def _commit(self, job: Commit) -> None:
        started = time.monotonic()
        if self._insist(job):
            self.statistics.commits += 1
            self.statistics.commit_seconds += time.monotonic() - started
            self._done(job)

    def _do_chore(self) -> None:
        now = time.monotonic()
        if not self._trimmed or now - self._trimmed >= TRIM_S:
            self._trimmed = now
            self._chores.append(Trimming(self._keep, self._tally, time.time_ns()))
        if not self._chores:
            return
        job = self._chores[0]
        if self._attempt(job) and job.written():
            self._chores.popleft()
            self.statistics.sealed += isinstance(job, Sealing)
            self._done(job)

    def _insist(self, job: Job) -> bool:
        """Try until it works; False where the end came first."""
        while not self._attempt(job):
            if self._stopping.is_set():
                return False
        return job.written()

    def _attempt(self, job: Job) -> bool:
        """One transaction; after a failure there is a pause. Raises `sqlite3.Error` where the file is broken."""
        try:
            self._file.execute("BEGIN IMMEDIATE")
            job.write(self._file)
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            if is_damage(error):
                raise
            with contextlib.suppress(sqlite3.Error):
                self._file.execute("ROLLBACK")
            self._failed(error)
            return False
        if self.problem is not None:
            _log.info("history can be written again")
            self.problem = None
        return True

    def _failed(self, error: sqlite3.Error) -> None:
        self.statistics.failures += 1
        text = f"cannot be written: {error}"
        if text != self.problem:
            _log.error("history %s; tried again every %.0f s, nothing is acknowledged meanwhile", text, RETRY_S)
        self.problem = text
        self._stopping.wait(RETRY_S)

    def _close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with contextlib.suppress(sqlite3.Error):
            self._file.close()


class _Look:
    """Nothing came: time to look at the clock."""


_LOOK = _Look()
