"""The audit log: one line of JSON for each attempt to write, in a file of its own that is kept apart.

Lines go through a queue to a thread, so that a slow disk delays nobody. Where the disk takes no more, or lines come
faster than it takes them, that is told once, counted, and shows in readiness; writing goes on: a full disk is no reason
to keep an operator from a setpoint.
"""

import logging
import os
import queue
import sys
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from bridge.uns.moments import render

SHOWN = 1_000  # characters of a value, a name or a reason in a line
WAITING = 10_000  # lines for the disk, some 30 MB at most
MODE = 0o600  # the bridge's own: who wrote what, and from where, is not for everybody

_encode = msgspec.json.Encoder().encode
_log = logging.getLogger("bridge.writes")


class Attempt(Struct, frozen=True):
    """Who wrote what; `outcome` is "ok", or why not. `topic` is where it was published, "" where nothing was."""

    at_ns: int
    principal: str
    address: str
    request_id: str
    element_id: str
    topic: str
    old: Any
    new: Any
    outcome: str
    kind: str = "value"  # or "history"

    def line(self) -> str:
        told = {
            "time": render(self.at_ns),
            "kind": self.kind,
            "principal": self.principal,
            "address": self.address,
            "requestId": self.request_id,
            "elementId": self.element_id[:SHOWN],
            "topic": self.topic[:SHOWN],
            "old": _short(self.old),
            "new": _short(self.new),
            "outcome": self.outcome[:SHOWN],
        }
        return _encode(told).decode()


def _short(value: Any) -> Any:  # noqa: ANN401 - any JSON
    text = _encode(value).decode()
    return value if len(text) <= SHOWN else f"{text[:SHOWN]}…"


class _File(RotatingFileHandler):
    """Counts what it cannot write."""

    def __init__(self, path: Path, max_bytes: int, files: int) -> None:
        super().__init__(path, maxBytes=max_bytes, backupCount=files - 1, encoding="utf-8")
        self.failures = 0
        self.problem: str | None = None

    def _open(self) -> Any:  # noqa: ANN401 - a text stream
        return open(
            self.baseFilename, self.mode, encoding=self.encoding,
            opener=lambda path, flags: os.open(path, flags, MODE),
        )  # fmt: skip

    def emit(self, record: logging.LogRecord) -> None:
        failures = self.failures
        super().emit(record)
        if self.failures == failures:
            self.problem = None

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - the base class calls it so
        self.fails(str(sys.exc_info()[1]))

    def fails(self, why: str) -> None:
        """A line is lost."""
        self.failures += 1
        if self.problem is None:
            _log.error("the audit log %s cannot be written: %s", self.baseFilename, why)
        self.problem = f"the audit log cannot be written: {why}"


class _Listener(QueueListener):
    def enqueue_sentinel(self) -> None:
        self.queue.put(self._sentinel)  # type: ignore[attr-defined]  # waits for room, unlike the base class


class Audit:
    """Opened when constructed: raises `OSError` where the file cannot be."""

    def __init__(self, path: Path, max_bytes: int, files: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = _File(path, max_bytes, files)
        self._file.setFormatter(logging.Formatter("%(message)s"))
        waiting: queue.Queue[logging.LogRecord] = queue.Queue(WAITING)
        self._handler = QueueHandler(waiting)
        self._listener = _Listener(waiting, self._file)
        self._listener.start()

    @property
    def failures(self) -> int:
        return self._file.failures

    @property
    def problem(self) -> str | None:
        """Why lines cannot be written, for readiness."""
        return self._file.problem

    def note(self, attempt: Attempt) -> None:
        try:
            self._handler.enqueue(logging.makeLogRecord({"msg": attempt.line()}))
        except queue.Full:
            self._file.fails("the disk is slower than the lines come")

    def close(self) -> None:
        """All lines are written, or cannot be."""
        self._listener.stop()
        try:
            self._file.close()
        except OSError as error:  # what the disk did not take before, it does not take now
            self._file.fails(str(error))
