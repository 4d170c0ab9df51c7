"""Logging: one line an event, whatever is in it; and the throttle."""

import json
import logging
import re
import threading
import time
import warnings

import pytest

from bridge import logs
from bridge.logs import MESSAGE_CHARACTERS, OTHER, THROTTLED_REASONS, Throttle, configure, escape

HOSTILE = "a\r\n2026-01-01 00:00:00 INFO  mqtt: forged\x1b[2J\u2028\u2029\x85\x00\u202e\ud800\x7f"


@pytest.fixture(autouse=True)
def _restored(monkeypatch):
    """Logging is the process's: put it back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("bridge").setLevel(logging.NOTSET)
    logging.getLogger("uvicorn.access").disabled = False
    logging.captureWarnings(False)


def log_exception(error, cause=None):
    """An exception on its way through the log."""
    try:
        raise error from cause  # noqa: TRY301 - to give it a traceback
    except Exception:
        logging.getLogger("bridge.daemon").exception("ended")


def log_failure():
    """An exception with a cause, a group around it, and hostile text."""
    members = [ValueError("one\ntwo"), OSError("full")]
    log_exception(ExceptionGroup("two", members), KeyError(HOSTILE))


def test_text(capsys):
    """A line for a terminal: local time, level, the room of the house, the message."""
    configure("text", "info")
    logging.getLogger("bridge.sources.mqtt").info("connected to %s", "localhost")
    logging.getLogger("bridge").warning("°C is printable")
    first, second = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d INFO  mqtt: connected to localhost", first)
    assert abs(time.mktime(time.strptime(first[:19], "%Y-%m-%d %H:%M:%S")) - time.time()) < 5
    assert second[20:] == "WARN  bridge: °C is printable"


def test_json(capsys):
    """One object a line with time (UTC), level, logger and message."""
    configure("json", "info")
    logging.getLogger("bridge.sources.mqtt").error("lost %s", "20 °C")
    told = json.loads(capsys.readouterr().err)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told.pop("time"))
    assert told == {"level": "error", "logger": "bridge.sources.mqtt", "message": "lost 20 °C"}


@pytest.mark.parametrize("format_", ["text", "json"])
def test_no_second_line(capsys, format_):
    """A hostile topic in a message, or in an exception, cannot begin a line or steer the terminal."""
    configure(format_, "info")
    logging.getLogger("bridge").info("topic %s", HOSTILE)
    log_failure()
    written = capsys.readouterr().err
    assert len(written.splitlines()) == written.count("\n") == 2
    assert all(line.isprintable() for line in written.split("\n"))
    written.encode()


def test_text_tells_exceptions(capsys):
    """In text an exception is its type, its place, its members and its cause, in the same line."""
    configure("text", "info")
    log_failure()
    told = capsys.readouterr().err
    for part in (
        "ERROR daemon: ended [ExceptionGroup: two",
        "test_logs.py:",
        r"ValueError: one\ntwo",
        "OSError",
        "KeyError",
    ):
        assert part in told


def test_json_tells_the_traceback(capsys):
    """In JSON an exception comes with its whole traceback."""
    configure("json", "info")
    log_failure()
    told = json.loads(capsys.readouterr().err)
    assert "Traceback (most recent call last)" in told["exc"]
    assert "OSError: full" in told["exc"]


@pytest.mark.parametrize(
    ("level", "told"),
    [
        pytest.param(
            "debug",
            ["b-debug", "b-info", "b-warning", "b-error", "l-info", "l-warning", "l-error"],
            id="debug",
        ),
        pytest.param("info", ["b-info", "b-warning", "b-error", "l-warning", "l-error"], id="info"),
        pytest.param("warning", ["b-warning", "b-error", "l-warning", "l-error"], id="warning"),
        pytest.param("error", ["b-error", "l-error"], id="error"),
    ],
)
def test_levels(capsys, level, told):
    """This package is as talkative as configured, libraries a step less."""
    configure("text", level)
    for prefix, name in (("b", "bridge.daemon"), ("l", "uvicorn.error")):
        for word in ("debug", "info", "warning", "error"):
            logging.getLogger(name).log(logging.getLevelName(word.upper()), "%s-%s", prefix, word)
    assert [line.rpartition(" ")[2] for line in capsys.readouterr().err.splitlines()] == told


def test_uvicorn_goes_through(capsys):
    """uvicorn's handlers are gone, its errors are told once, its access log not at all."""
    for name in ("uvicorn", "uvicorn.access"):
        logging.getLogger(name).addHandler(logging.StreamHandler())
    configure("text", "info")
    configure("text", "info")
    logging.getLogger("uvicorn.error").error("bad")
    logging.getLogger("uvicorn.access").error("GET /")
    assert capsys.readouterr().err[20:] == "ERROR uvicorn: bad\n"


def test_warnings_and_threads_go_through(capsys):
    """Python's warnings and a thread's unexpected end are log lines too."""
    configure("json", "info")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old\nway", stacklevel=1)
    thread = threading.Thread(target=lambda: 1 / 0, name="writer")
    thread.start()
    thread.join()
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["logger"], "old" in first["message"]) == ("py.warnings", True)
    assert second["message"] == "thread writer ended by a fault"
    assert "ZeroDivisionError" in second["exc"]


def test_long_messages_are_cut():
    """A message is cut, and says by how much."""
    told = escape("x" * (MESSAGE_CHARACTERS + 7))
    assert told.endswith("… (7 more characters)")
    assert len(told) < MESSAGE_CHARACTERS + 30


def test_causes_are_bounded(capsys):
    """A group of many exceptions does not flood the line."""
    configure("text", "info")
    log_exception(ExceptionGroup("many", [ValueError(f"<{n}>") for n in range(100)]))
    assert capsys.readouterr().err.count("ValueError") == logs.CAUSES - 1


def test_throttle():
    """One line an interval for each reason, with the count of those left out meanwhile."""
    throttle = Throttle(60.0)
    assert throttle.admit("big", 0.0) == 0
    assert [throttle.admit("big", t) for t in (1.0, 30.0, 59.9)] == [None, None, None]
    assert throttle.admit("deep", 30.0) == 0
    assert throttle.admit("big", 60.0) == 3
    assert throttle.admit("big", 120.0) == 0


def test_throttle_tells_the_end_of_a_flood():
    """What was left out last is told an interval later, once, and counts as that reason's line."""
    throttle = Throttle(60.0)
    for at in (0.0, 1.0, 2.0):
        throttle.admit("big", at)
    assert throttle.overdue(59.0) == []
    assert throttle.overdue(60.0) == [("big", 2)]
    assert throttle.overdue(61.0) == []
    assert throttle.admit("big", 62.0) is None


def test_throttle_forgets_quiet_reasons():
    """A reason of long ago takes no place from those of today."""
    throttle = Throttle(60.0)
    for n in range(THROTTLED_REASONS):
        throttle.admit(f"old {n}", 0.0)
    throttle.overdue(60.0)
    throttle.overdue(120.0)
    assert [throttle.admit(f"new {n}", 121.0) for n in range(THROTTLED_REASONS - 1)] == [0] * (THROTTLED_REASONS - 1)


def test_throttle_is_bounded():
    """However many reasons there are, the lines of an interval are bounded and every one is counted."""
    throttle = Throttle(60.0)
    admitted = [throttle.admit(f"reason {n}", 0.0) for n in range(1000)]
    lines = [count for count in admitted if count is not None]
    assert len(lines) == THROTTLED_REASONS
    assert throttle.overdue(60.0) == [(OTHER, 1000 - THROTTLED_REASONS)]
