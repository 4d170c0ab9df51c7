"""Logging to standard error: one line an event, for a terminal or as JSON, and a throttle for what repeats.

Text: `2026-11-21 01:02:03 INFO  mqtt: connected to …`, local time. JSON: `{"time", "level", "logger",
"message"}` and, while a request is answered, `"request"` with its id, and with an exception, `"exc"`; UTC. A topic or
payload in a message cannot begin a second line.
"""

import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

MESSAGE_CHARACTERS = 4_000  # of one message; a payload of 256 KiB does not belong into a log
TRACE_CHARACTERS = 20_000  # of a traceback in JSON
FRAMES = 6  # innermost calls told in text
CAUSES = 5  # exceptions told in text: a group's members and causes
THROTTLED_REASONS = 50  # lines an interval at most, whatever is thrown at us; further reasons share one line
OTHER = "other"  # the reason that those share

Format = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]

REQUEST: ContextVar[str] = ContextVar("request", default="")  # the id of the request that is being answered

_QUIETER = {"debug": "INFO", "info": "WARNING", "warning": "WARNING", "error": "ERROR"}
_SHORT = {"WARNING": "WARN", "CRITICAL": "FATAL"}


def configure(format: Format, level: Level) -> None:  # noqa: A002 - named like the setting
    """Send everything to standard error: this package at `level`, libraries a step quieter, no access log."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_QUIETER[level])
    logging.getLogger("bridge").setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):  # they come with handlers of their own
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.access").disabled = True
    logging.captureWarnings(True)
    threading.excepthook = _thread_ended


def escape(text: str) -> str:
    """The text with control, separator, direction and surrogate characters escaped, and cut short."""
    over = len(text) - MESSAGE_CHARACTERS
    if over > 0:
        text = f"{text[:MESSAGE_CHARACTERS]}… ({over} more characters)"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


class TextFormatter(logging.Formatter):
    """For people. An exception becomes its type, text and innermost calls, in the same line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line without its end."""
        time = datetime.fromtimestamp(record.created).astimezone()
        level = _SHORT.get(record.levelname, record.levelname)
        message = record.getMessage()
        if error := _exception(record):
            message = f"{message} [{'; '.join(_told(error))}]"
        if request := REQUEST.get():
            message = f"{message} (request {request})"
        return escape(f"{time:%Y-%m-%d %H:%M:%S} {level:<5} {_room(record.name)}: {message}")


class JsonFormatter(logging.Formatter):
    """For machines: ASCII only, so that no reader finds a line end inside."""

    def format(self, record: logging.LogRecord) -> str:
        """One object without its line end."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": escape(record.getMessage()),
        }
        if request := REQUEST.get():
            told["request"] = request
        if error := _exception(record):
            trace = "".join(traceback.format_exception(error))[-TRACE_CHARACTERS:]
            told["exc"] = trace.encode(errors="backslashreplace").decode()
        return json.dumps(told)


class Throttle:
    """At most one line an interval for each reason, with the count of those left out. Times are seconds."""

    def __init__(self, interval: float = 60.0) -> None:
        self._interval = interval
        self._last: dict[str, float] = {}
        self._hidden: dict[str, int] = {}

    def admit(self, reason: str, now: float) -> int | None:
        """How many were left out since the last line, if it is time for one; else None, and it is counted."""
        if reason not in self._last and len(self._last) >= THROTTLED_REASONS - 1:
            reason = OTHER
        last = self._last.get(reason)
        if last is not None and now - last < self._interval:
            self._hidden[reason] = self._hidden.get(reason, 0) + 1
            return None
        self._last[reason] = now
        return self._hidden.pop(reason, 0)

    def overdue(self, now: float) -> list[tuple[str, int]]:
        """Reasons with lines left out, an interval after the last one: so the end of a flood is told too.

        Reasons that have been quiet for an interval are forgotten and make room for others.
        """
        due = [reason for reason in self._hidden if now - self._last[reason] >= self._interval]
        self._last |= dict.fromkeys(due, now)
        self._last = {reason: last for reason, last in self._last.items() if now - last < self._interval}
        return [(reason, self._hidden.pop(reason)) for reason in due]


def _room(name: str) -> str:
    """`bridge.sources.mqtt` → mqtt; a library is told by its first name."""
    first, *_, last = (name or "root").split(".") * 2
    return last if first == "bridge" else first


def _exception(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def _told(error: BaseException) -> list[str]:
    return [text for text, _ in zip(_chain(error), range(CAUSES), strict=False)]


def _chain(error: BaseException) -> Iterator[str]:
    calls = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    path = " > ".join(f"{call.filename.rpartition('/')[2]}:{call.lineno} {call.name}" for call in calls)
    yield f"{type(error).__name__}: {error}" + (f" at {path}" if path else "")
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _chain(member)
    if error.__cause__ is not None:
        yield from _chain(error.__cause__)


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    """A thread's last words belong into the log as well."""
    if ended.exc_value is not None:
        name = ended.thread.name if ended.thread else "unknown"
        logging.getLogger("bridge").error("thread %s ended by a fault", name, exc_info=ended.exc_value)
