"""What systemd is told, through real sockets; and the unit that is shipped for it."""

import asyncio
import configparser
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from bridge.notify import PATIENCE, STATUS_CHARACTERS, Notifier

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "systemd/bridge.service"
PID = 4711

_names = count()


class Listener:
    """systemd's end of the socket."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(1)

    def heard(self) -> str:
        """The next datagram."""
        return self._socket.recv(65_536).decode()

    def silent(self) -> bool:
        """Whether nothing waits."""
        self._socket.setblocking(False)
        try:
            return not self._socket.recv(65_536)
        except BlockingIOError:
            return True

    def close(self) -> None:
        """Nobody listens any longer."""
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Listener, dict[str, str]]]:
    """A listener, and the environment that names it."""
    if request.param == "path":
        said = address = str(tmp_path / "notify")
    else:
        said = f"@bridge-test-{os.getpid()}-{next(_names)}"
        address = f"\0{said[1:]}"
    listener = Listener(address)
    yield listener, {"NOTIFY_SOCKET": said}
    listener.close()


def test_what_is_sent(systemd: tuple[Listener, dict[str, str]]) -> None:
    """Each step is one datagram of assignments, one a line; a status is sent when it has changed."""
    listener, environ = systemd
    notifier = Notifier.from_environment(environ)
    notifier.ready("listens")
    notifier.status("listens")
    notifier.status("no broker")
    notifier.watchdog()
    notifier.stopping()
    heard = [listener.heard() for _ in range(4)]
    assert heard == ["READY=1\nSTATUS=listens", "STATUS=no broker", "WATCHDOG=1", "STOPPING=1"]
    assert listener.silent()
    assert notifier.failures == 0


def test_a_status_is_one_line(systemd: tuple[Listener, dict[str, str]]) -> None:
    """What a status says cannot become an assignment of its own, and is not longer than anybody reads."""
    listener, environ = systemd
    notifier = Notifier.from_environment(environ)
    notifier.status("broken\nREADY=1\r\n\x85MAINPID=1 \ud800")
    notifier.status("x" * 10_000)
    assert listener.heard() == "STATUS=broken READY=1 MAINPID=1 ?"
    assert len(listener.heard()) == len("STATUS=") + STATUS_CHARACTERS


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({}, id="not under systemd"),
        pytest.param({"NOTIFY_SOCKET": ""}, id="empty"),
        pytest.param({"NOTIFY_SOCKET": "@"}, id="no name"),
        pytest.param({"NOTIFY_SOCKET": "vsock:2:1234"}, id="another family"),
        pytest.param({"NOTIFY_SOCKET": "notify"}, id="relative"),
    ],
)
def test_nobody_listens(environ: dict[str, str]) -> None:
    """Without a socket that we know nothing is sent, nothing fails, and there is nothing to ping."""
    notifier = Notifier.from_environment({**environ, "WATCHDOG_USEC": "1000000"})
    notifier.ready("here")
    notifier.watchdog()
    asyncio.run(asyncio.wait_for(notifier.pulse(), 1))
    assert (notifier.failures, notifier.watchdog_interval, notifier.ping_every) == (0, None, None)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param({"WATCHDOG_USEC": "30000000"}, 30.0, id="for whoever has it"),
        pytest.param({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": str(PID)}, 1.5, id="for us"),
        pytest.param({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None, id="for another process"),
        pytest.param({"WATCHDOG_USEC": "0"}, None, id="none"),
        pytest.param({"WATCHDOG_USEC": "-1"}, None, id="negative"),
        pytest.param({"WATCHDOG_USEC": "30s"}, None, id="not a number"),
        pytest.param({"WATCHDOG_USEC": "²"}, None, id="not a digit"),
        pytest.param({}, None, id="not said"),
    ],
)
def test_watchdog_interval(environ: dict[str, str], expected: float | None) -> None:
    """The interval is in seconds and ours only where we are meant; half of it is when to ping."""
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": "/nowhere", **environ}, pid=PID)
    assert notifier.watchdog_interval == expected
    assert notifier.ping_every == (expected / 2 if expected else None)


async def _pings(listener: Listener, notifier: Notifier) -> list[str]:
    """Three pings, then the end."""
    pulse = asyncio.create_task(notifier.pulse())
    heard = [await asyncio.to_thread(listener.heard) for _ in range(3)]
    pulse.cancel()
    await asyncio.wait([pulse])
    return heard


def test_pulse(systemd: tuple[Listener, dict[str, str]]) -> None:
    """The watchdog is told again and again, for as long as the event loop goes round."""
    listener, environ = systemd
    notifier = Notifier.from_environment({**environ, "WATCHDOG_USEC": "20000"})
    assert asyncio.run(_pings(listener, notifier)) == ["WATCHDOG=1"] * 3


@pytest.mark.parametrize("said", ["/nowhere/notify", "/" + "x" * 200, "@nobody-listens-here"])
def test_failures_are_counted_and_told_once(said: str, caplog: pytest.LogCaptureFixture) -> None:
    """A listener who is not there stops nothing: each failure is counted, the first one is told."""
    caplog.set_level(logging.DEBUG, "bridge.notify")
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": said})
    notifier.ready()
    notifier.watchdog()
    notifier.stopping()
    (record,) = caplog.records
    assert (notifier.failures, record.levelname) == (3, "DEBUG")
    assert record.getMessage().startswith("$NOTIFY_SOCKET: READY=1 cannot be sent: ")


def test_a_status_that_failed_is_sent_again(tmp_path: Path) -> None:
    """What systemd has not heard is not taken as told."""
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": str(tmp_path / "notify")})
    notifier.status("no broker")
    listener = Listener(str(tmp_path / "notify"))
    notifier.status("no broker")
    assert listener.heard() == "STATUS=no broker"
    listener.close()


def test_a_full_queue_is_no_wait(systemd: tuple[Listener, dict[str, str]]) -> None:
    """A listener who does not listen holds nobody up for long."""
    _, environ = systemd
    notifier = Notifier.from_environment(environ)
    loop = asyncio.new_event_loop()
    longest = 0.0
    for _ in range(2_000):  # datagrams; the kernel keeps some tens or hundreds
        started = loop.time()
        notifier.watchdog()
        longest = max(longest, loop.time() - started)
        if notifier.failures:
            break
    loop.close()
    assert notifier.failures == 1
    assert longest < PATIENCE + 1


# --- the unit ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def unit() -> configparser.ConfigParser:
    """The shipped unit; its keys are case-sensitive and given once each."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    return parser


def test_unit_agrees_with_the_bridge(unit: configparser.ConfigParser) -> None:
    """It waits for READY, watches, starts again after faults but not after a mistake in the configuration, and keeps
    the state where the bridge looks for it.
    """
    service = unit["Service"]
    expected = {
        "Type": "notify",
        "WatchdogSec": "30",
        "Restart": "on-failure",
        "RestartPreventExitStatus": "2",
        "StateDirectory": "bridge",
        "WorkingDirectory": "%S/bridge",
        "DynamicUser": "yes",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "TimeoutStopSec": "10",
    }
    assert expected.items() <= dict(service).items()
    assert "AF_UNIX" in service["RestrictAddressFamilies"].split()  # or READY would not come through
    assert int(service["LimitNOFILE"]) > 1_000 + 1_024  # streams, and what a process has anyway


def test_unit_starts_what_there_is(unit: configparser.ConfigParser) -> None:
    """`ExecStart` is an absolute path of the program that the package installs, with a command and options it has."""
    program, command, option, path = unit["Service"]["ExecStart"].split()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert Path(program).is_absolute()
    assert Path(program).name in project["scripts"]
    assert Path(path).is_absolute()
    shown = subprocess.run([sys.executable, "-m", "bridge", command, "--help"], capture_output=True, check=True)
    assert option in shown.stdout.decode()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_unit_is_understood(tmp_path: Path) -> None:
    """systemd itself finds no fault with it, once the program is there."""
    text = re.sub(r"(?<=ExecStart=)\S+", sys.executable, UNIT.read_text(encoding="utf-8"))
    (tmp_path / UNIT.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / UNIT.name)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
