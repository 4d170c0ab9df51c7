"""The writer: one thread, which alone changes the file.

Jobs come through a queue, in order. Commits go first; sealing and trimming are chores, done slice by slice between
them. What fails because the disk is full, the file locked or the like is tried again for ever, and `problem` says why;
nobody is told that rows are safe before they are. A stop gives up the commit that fails and all that follows: what was
not written in order is not written. A file that is broken or gone ends the thread: whoever owns it begins anew.
"""

import contextlib
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

from msgspec import Struct

from bridge.history.sqlite.database import Damaged, is_away, is_damage, open_again
from bridge.history.sqlite.work import Commit, Job, Keep, Sealing, Tally, Trimming

RETRY_S = 1.0  # between two attempts to write what could not be written
TRIM_S = 60.0  # between two looks at what is too old or too much, and whether the file is still there
_IDLE_S = 5.0  # between two looks at the clock when nothing comes

_log = logging.getLogger("bridge.history")


class Statistics(Struct):
    """What has been done so far."""

    commits: int = 0
    commit_seconds: float = 0.0
    failures: int = 0  # attempts that failed


class Writer:
    """`done` hears of each finished job, `damaged` once that the file is broken; both in the writer's thread."""

    def __init__(
        self,
        path: Path,
        file: sqlite3.Connection,
        tally: Tally,
        keep: Keep,
        statistics: Statistics,
        done: Callable[[Job], None],
        damaged: Callable[[str], None],
    ) -> None:
        self.problem: str | None = None
        self._path = path
        self._file = file
        self._tally = tally
        self._keep = keep
        self._statistics = statistics
        self._done = done
        self._damaged = damaged
        self._jobs: SimpleQueue[Job | _Look | None] = SimpleQueue()
        self._chores: deque[Job] = deque()
        self._chores_at = 0.0  # when to go on with them, monotonic: later, after one has failed
        self._chores_fail = False
        self._trimmed = 0.0  # when, monotonic
        self._stopping = threading.Event()
        self._broken = threading.Event()  # somebody else has noticed
        self._inode = path.stat().st_ino
        self._thread = threading.Thread(target=self._run, name="history-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, job: Job) -> None:
        self._jobs.put(job)

    def stop(self) -> None:
        """End once everything that was put before is done; attempts that fail are given up."""
        self._stopping.set()
        self._jobs.put(None)

    def give_up(self) -> None:
        """The file has been found broken: end, and tell so."""
        self._broken.set()
        self._jobs.put(_LOOK)

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
        except (sqlite3.Error, Damaged) as error:
            self.problem = f"cannot be written: {error}"
            self._close()
            self._damaged(str(error))
        except Exception:  # noqa: BLE001 - a fault of ours: rows are safe no more, and whoever watches has to see it
            self.problem = "cannot be written: the writer has ended by a fault; its log says more"
            _log.exception("the writer of history has ended by a fault")
            self._close()
        else:
            self._close()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            if self._broken.is_set():
                raise Damaged("what is in it cannot be read")
            if isinstance(job, Commit):
                if not self._commit(job):
                    return
            elif not isinstance(job, _Look):
                self._chores.append(job)
            if not isinstance(job, Commit) or self._jobs.empty():
                self._do_chore()

    def _next(self) -> "Job | _Look | None":
        """The next job; None at the end. While there are chores to be done nobody waits for one."""
        patience = max(0.0, self._chores_at - time.monotonic()) if self._chores else _IDLE_S
        try:
            return self._jobs.get(block=patience > 0, timeout=patience or None)
        except Empty:
            return _LOOK

    def _commit(self, job: Commit) -> bool:
        """Try until it works; False where the end came first."""
        started = time.monotonic()
        while (error := self._attempt(job)) is not None:
            self._failed(error)
            if self._stopping.wait(RETRY_S):
                return False
        if self.problem is not None:
            _log.info("history can be written again")
            self.problem = None
        self._statistics.commits += 1
        self._statistics.commit_seconds += time.monotonic() - started
        self._done(job)
        return True

    def _failed(self, error: sqlite3.Error) -> None:
        text = f"cannot be written: {error}"
        if text != self.problem:
            _log.error("history %s; tried again every %.0f s, nothing is acknowledged meanwhile", text, RETRY_S)
        self.problem = text

    def _do_chore(self) -> None:
        now = time.monotonic()
        if not self._trimmed or now - self._trimmed >= TRIM_S:
            self._trimmed = now
            self._look_at_file()
            self._chores.append(Trimming(self._keep, self._tally, time.time_ns()))
        if not self._chores or now < self._chores_at:
            return
        job = self._chores[0]
        error = self._attempt(job)
        if error is not None:
            if not self._chores_fail:
                _log.warning("history cannot be put in order: %s; tried again every %.0f s", error, RETRY_S)
            self._chores_at, self._chores_fail = now + RETRY_S, True
            return
        self._chores_fail = False
        if job.written():
            self._chores.popleft()
            if isinstance(job, Sealing):
                self._trimmed = 0.0  # now there may be something that can go
            self._done(job)

    def _attempt(self, job: Job) -> sqlite3.Error | None:
        """One transaction; why it failed, if so. Raises `sqlite3.Error` and `Damaged` where the file is broken."""
        try:
            self._file.execute("BEGIN IMMEDIATE")
            job.write(self._file)
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            if is_damage(error):
                raise
            self._statistics.failures += 1
            with contextlib.suppress(sqlite3.Error):
                self._file.execute("ROLLBACK")
            if is_away(error):
                self._open_again()
            return error
        return None

    def _open_again(self) -> None:
        """The disk may have been away: a connection does not find it again by itself."""
        with contextlib.suppress(sqlite3.Error):
            file = open_again(self._path)
            self._file.close()
            self._file = file

    def _look_at_file(self) -> None:
        """What is written into a file that was removed is nowhere. Raises `Damaged`."""
        try:
            inode = self._path.stat().st_ino
        except FileNotFoundError:
            inode = 0
        except OSError:  # nobody can say
            return
        if inode != self._inode:
            raise Damaged("the file was removed, or replaced by another one")

    def _close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._file.execute("ROLLBACK")
        with contextlib.suppress(sqlite3.Error):
            self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with contextlib.suppress(sqlite3.Error):
            self._file.close()


class _Look:
    """Nothing came: time to look at the clock."""


_LOOK = _Look()
