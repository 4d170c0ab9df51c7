"""R10 and R11: the end comes, or the disk fails, while messages are not written: none is acknowledged, none is lost."""

import contextlib
import json
import os
import resource
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from bridge_process import BridgeProcess
from known_messages import KnownPublisher, Series, everything_in
from proxy import Proxy
from raw_http import RawStream
from watch import Watch, imbalance

from mosquitto import Mosquitto

pytestmark = pytest.mark.integration

STREAMS, UNACKNOWLEDGED = 100, 200
ENDS_S, ENDS_AT_ONCE_S = 5.0, 1.0
NOTICES_S = 10.0  # from the first message that cannot be written to 503
HEALS_S = 35.0  # from a disk that works again to ready, everything being written
STALL_MS = 50.0
NOISE = 10.0  # times the mark, for a machine that does other things too
ALMOST_ALL = 0.998  # of the requests: two of a thousand may meet something else that takes the processor
TMPFS_BYTES = 24 * 1024 * 1024
LOG_ROOM = 8_192  # bytes that the log may still grow where a limit of file sizes plays the full disk

Fault = Callable[[BridgeProcess], AbstractContextManager[None]]


def store_of(bridge: BridgeProcess) -> Path:
    return bridge.directory / "state" / "history.sqlite"


@contextlib.contextmanager
def locked(bridge: BridgeProcess) -> Iterator[None]:
    """Another process holds the write lock of the history file."""
    other = sqlite3.connect(store_of(bridge), isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()


@contextlib.contextmanager
def full(bridge: BridgeProcess) -> Iterator[None]:
    """The file system of the state has no byte left."""
    ballast = store_of(bridge).parent / "ballast"
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (65_536, 4_096, 1):
            with contextlib.suppress(OSError):  # full, as it should be
                while True:
                    os.write(descriptor, b"x" * size)
        yield
    finally:
        os.close(descriptor)
        ballast.unlink()


@contextlib.contextmanager
def limited(bridge: BridgeProcess) -> Iterator[None]:
    """No file of the process may grow, but for a log that is short: what a quota does, without being root."""
    assert bridge.process is not None
    before = resource.prlimit(bridge.process.pid, resource.RLIMIT_FSIZE)
    room = len(bridge.log) + LOG_ROOM
    resource.prlimit(bridge.process.pid, resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.prlimit(bridge.process.pid, resource.RLIMIT_FSIZE, before)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes, where we may mount one."""
    mount = tmp_path / "bridge" / "state"
    mount.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES}", "tmpfs", str(mount)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount here")
    if done.returncode:
        pytest.skip(f"cannot mount a small file system: {done.stderr.strip()}")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


def running(bridge: BridgeProcess, publisher: KnownPublisher) -> BridgeProcess:
    """A bridge that has written a few messages."""
    bridge.start()
    bridge.wait_for(bridge.ready)
    publisher.publish(100)
    bridge.wait_for(lambda: bridge.received >= 100)
    bridge.wait_for(lambda: bridge.metrics()["bridge_messages_unacknowledged"] == 0)
    return bridge


def reasons(bridge: BridgeProcess) -> list[str]:
    found: list[str] = bridge.client.get("/readyz").json()["reasons"]
    return found


def through(
    bridge: BridgeProcess, publisher: KnownPublisher, series: Series, fault: Fault, seconds: float, rate: float
) -> tuple[Watch, dict[str, object], float]:
    """Publish during a fault of the history's file. What was seen, figures, and the longest stall in ms."""
    with Watch(bridge.port, series.topic(0)) as watch:
        with fault(bridge):
            began = time.monotonic()
            publisher.start(int(seconds * rate), rate)
            bridge.wait_for(lambda: bridge.status("/readyz") == 503, NOTICES_S)
            noticed = time.monotonic() - began
            told = [reason for reason in reasons(bridge) if reason.startswith("history")]
            publisher.join(seconds + NOTICES_S)
            stored = bridge.metrics()['bridge_messages_total{outcome="stored"}']
            waiting = bridge.metrics()["bridge_messages_unacknowledged"]
            time.sleep(max(0.0, began + seconds - time.monotonic()))
            assert bridge.metrics()['bridge_messages_total{outcome="stored"}'] == stored, "written to a file that fails"
            ended = time.monotonic()
        bridge.wait_for(bridge.ready, HEALS_S)
        healed = time.monotonic() - ended
        found = everything_in(bridge, series)
    assert told, f"/readyz names no reason of the history's: {watch.ready}"
    stall = watch.latency_ms(ALMOST_ALL, began, ended)
    told_of = {
        "sent": found.sent,
        "lost": found.lost,
        "duplicates": found.duplicates,
        "noticed_s": noticed,
        "healed_s": healed,
        "unacknowledged": int(waiting),
        "stall_ms": stall,
        "longest_ms": watch.latency_ms(1.0, began, ended),
        "reason": told[0],
    }
    assert waiting > 0
    assert found.sound, found
    watch.check()
    return watch, told_of, stall


LENGTHS = [pytest.param(5.0, id="5 s"), pytest.param(60.0, id="60 s", marks=pytest.mark.long)]


@pytest.mark.parametrize("seconds", LENGTHS)
def test_r11_disk_full(
    small_disk: Path,
    mosquitto: Mosquitto,
    make_bridge: Callable[..., BridgeProcess],
    figures: Callable[..., None],
    seconds: float,
) -> None:
    """On a full disk the bridge lives and says so; nothing is acknowledged, and all is written when there is room."""
    series = Series()
    publisher = KnownPublisher(mosquitto.port, series)
    bridge = running(make_bridge(mosquitto.url), publisher)
    _, told, stall = through(bridge, publisher, series, full, seconds, rate=50.0)
    figures(**told)
    assert stall <= STALL_MS * NOISE
    assert list(small_disk.glob("*broken*")) == [], "a full disk is no broken file"


@pytest.mark.parametrize("seconds", [pytest.param(3.0, id="3 s")])
def test_r11_no_growth(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None], seconds: float
) -> None:
    """The same where files must not grow, which is another error."""
    series = Series(pad=200)
    publisher = KnownPublisher(mosquitto.port, series)
    bridge = running(make_bridge(mosquitto.url), publisher)
    publisher.publish(1_000)
    bridge.wait_for(lambda: bridge.received >= 1_100)
    _, told, stall = through(bridge, publisher, series, limited, seconds, rate=50.0)
    figures(**told)
    assert stall <= STALL_MS * NOISE


@pytest.mark.parametrize(
    "seconds", [pytest.param(5.0, id="5 s"), pytest.param(30.0, id="30 s", marks=pytest.mark.long)]
)
def test_r11_locked(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None], seconds: float
) -> None:
    """While somebody else holds the database, requests and messages go on; all is written when it is free."""
    series = Series()
    publisher = KnownPublisher(mosquitto.port, series)
    bridge = running(make_bridge(mosquitto.url), publisher)
    _, told, stall = through(bridge, publisher, series, locked, seconds, rate=50.0)
    figures(**told)
    assert stall <= STALL_MS * NOISE


def test_r11_killed_while_full(
    small_disk: Path, mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """The proof that nothing was acknowledged: a bridge killed on a full disk gets everything again."""
    series = Series()
    publisher = KnownPublisher(mosquitto.port, series)
    bridge = running(make_bridge(mosquitto.url), publisher)
    with full(bridge):
        publisher.publish(UNACKNOWLEDGED)
        bridge.wait_for(lambda: bridge.metrics()["bridge_messages_unacknowledged"] > 0)
        bridge.signal(signal.SIGKILL)
        assert bridge.process is not None
        bridge.process.wait()
    bridge.start()
    with Watch(bridge.port) as watch:
        found = everything_in(bridge, series)
    figures(sent=found.sent, lost=found.lost, duplicates=found.duplicates)
    assert found.sound, found
    watch.check()


def test_r11_sent_again_while_locked(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """What the broker sends again over a new connection, while the first copy is not written, is not acknowledged
    either: a kill then costs nothing.
    """
    series = Series()
    publisher = KnownPublisher(mosquitto.port, series)
    with Proxy(mosquitto.port) as proxy:
        bridge = running(make_bridge(proxy.url), publisher)
        with locked(bridge):
            publisher.publish(UNACKNOWLEDGED)
            bridge.wait_for(lambda: bridge.metrics()["bridge_messages_unacknowledged"] == UNACKNOWLEDGED)
            received = bridge.received
            assert proxy.reset()
            bridge.wait_for(lambda: bridge.received >= received + UNACKNOWLEDGED, HEALS_S)
            time.sleep(1.0)
            assert imbalance(bridge.metrics()) is None
            bridge.signal(signal.SIGKILL)
            assert bridge.process is not None
            bridge.process.wait()
        bridge.start()
        with Watch(bridge.port) as watch:
            found = everything_in(bridge, series)
    figures(sent=found.sent, lost=found.lost, duplicates=found.duplicates)
    assert found.sound, found
    watch.check()


# --- R10 -------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def streams(bridge: BridgeProcess, element: str, count: int) -> Iterator[list[RawStream]]:
    """Open streams on subscriptions to one element that have sent their first event."""
    with contextlib.ExitStack() as stack:
        opened = []
        for number in range(count):
            client = {"clientId": f"client{number}"}
            made = bridge.client.post("/v1/subscriptions", json=client).json()["result"]
            owner = client | {"subscriptionId": made["subscriptionId"]}
            body = owner | {"elementIds": [element]}
            assert json.loads(bridge.client.post("/v1/subscriptions/register", json=body).content)["success"]
            stream = stack.enter_context(RawStream(bridge.port, owner))
            assert stream.event()
            opened.append(stream)
        yield opened


def test_r10_sigterm(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """SIGTERM in mid-stream, with 100 streams: the end is orderly and in time; streams break, which means come back."""
    series = Series()
    publisher = KnownPublisher(mosquitto.port, series)
    bridge = running(make_bridge(mosquitto.url), publisher)
    assert bridge.process is not None
    with Watch(bridge.port) as watch, streams(bridge, series.topic(0), STREAMS) as opened:
        publisher.start(2_000)
        publisher.wait_for(600)
        bridge.signal(signal.SIGTERM)
        asked = time.monotonic()
        code = bridge.process.wait(3 * ENDS_S)
        took = time.monotonic() - asked
        clean = sum(stream.ends_cleanly() for stream in opened)
        publisher.join()
    bridge.start()
    found = everything_in(bridge, series)
    figures(sent=found.sent, lost=found.lost, duplicates=found.duplicates, stop_s=took, streams=STREAMS)
    assert (code, clean) == (0, 0)
    assert took <= ENDS_S
    assert found.sound, found
    assert "Traceback" not in bridge.log
    watch.check()


def test_r10_sigterm_unwritten(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """With 200 messages that cannot be written the end is in time too: the broker keeps them."""
    series = Series()
    publisher = KnownPublisher(mosquitto.port, series)
    bridge = running(make_bridge(mosquitto.url), publisher)
    assert bridge.process is not None
    with locked(bridge), streams(bridge, series.topic(0), STREAMS) as opened:
        publisher.publish(UNACKNOWLEDGED)
        bridge.wait_for(lambda: bridge.metrics()["bridge_messages_unacknowledged"] == UNACKNOWLEDGED)
        bridge.signal(signal.SIGTERM)
        asked = time.monotonic()
        code = bridge.process.wait(3 * ENDS_S)
        took = time.monotonic() - asked
        clean = sum(stream.ends_cleanly() for stream in opened)
    bridge.start()
    with Watch(bridge.port) as watch:
        found = everything_in(bridge, series)
    figures(
        sent=found.sent,
        lost=found.lost,
        duplicates=found.duplicates,
        stop_s=took,
        unacknowledged=UNACKNOWLEDGED,
        redelivered_and_known=bridge.metrics()['bridge_messages_total{outcome="duplicate"}'],
    )
    assert (code, clean) == (0, 0)
    assert took <= ENDS_S
    assert found.sound, found
    assert "Traceback" not in bridge.log
    watch.check()


def test_r10_second_signal(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """A second signal ends at once what the first one began, and still nothing is lost."""
    series = Series()
    publisher = KnownPublisher(mosquitto.port, series)
    bridge = running(make_bridge(mosquitto.url), publisher)
    assert bridge.process is not None
    with locked(bridge), streams(bridge, series.topic(0), STREAMS):
        publisher.publish(UNACKNOWLEDGED)
        bridge.wait_for(lambda: bridge.metrics()["bridge_messages_unacknowledged"] == UNACKNOWLEDGED)
        bridge.signal(signal.SIGTERM)
        bridge.wait_for(lambda: "stopping" in bridge.log)
        bridge.signal(signal.SIGTERM)
        asked = time.monotonic()
        bridge.process.wait(ENDS_S)
        took = time.monotonic() - asked
    bridge.start()
    found = everything_in(bridge, series)
    figures(sent=found.sent, lost=found.lost, duplicates=found.duplicates, stop_s=took)
    assert took <= ENDS_AT_ONCE_S
    assert found.sound, found
