"""R12: files of the history that are damaged never prevent a start, are kept for people to look at, and are told."""

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from bridge_process import BridgeProcess
from known_messages import KnownPublisher, Series, everything_in, read_history
from watch import Watch

from mosquitto import Mosquitto

pytestmark = pytest.mark.integration

STARTS_S = 10.0
OLD = 3_000  # messages in the file before it is damaged
PAGE = 4_096
FILE = "history.sqlite"
PROBLEMS = "bridge_history_problems_total"


def garbage(file: Path) -> None:
    file.write_bytes(random.Random(1).randbytes(file.stat().st_size))


def flipped(page: int) -> Callable[[Path], None]:
    """All bits of one page are the other way round; a negative number counts from the end."""

    def damage(file: Path) -> None:
        data = bytearray(file.read_bytes())
        at = (page % (len(data) // PAGE)) * PAGE
        data[at : at + PAGE] = bytes(byte ^ 0xFF for byte in data[at : at + PAGE])
        file.write_bytes(data)

    return damage


def halved(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2 + 7])


def filled(broker: Mosquitto, bridge: BridgeProcess, how: signal.Signals) -> None:
    """A bridge that has written much and has ended in this way."""
    bridge.start()
    bridge.wait_for(bridge.ready)
    KnownPublisher(broker.port, Series("old")).publish(OLD)
    bridge.wait_for(lambda: bridge.received >= OLD)
    bridge.wait_for(lambda: bridge.metrics()["bridge_messages_unacknowledged"] == 0)
    bridge.signal(how)
    assert bridge.process is not None
    bridge.process.wait()


def started(bridge: BridgeProcess) -> float:
    """Seconds until the bridge answers."""
    before = time.monotonic()
    bridge.start()
    return time.monotonic() - before


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(garbage, id="garbage"),
        pytest.param(flipped(0), id="first page flipped", marks=pytest.mark.long),
        pytest.param(flipped(1), id="second page flipped"),
        pytest.param(halved, id="half of the file", marks=pytest.mark.long),
    ],
)
def test_r12_damaged(
    mosquitto: Mosquitto,
    make_bridge: Callable[..., BridgeProcess],
    figures: Callable[..., None],
    damage: Callable[[Path], None],
) -> None:
    """The bridge starts in time with a file that cannot be used, keeps it under another name, and counts it."""
    bridge, series = make_bridge(mosquitto.url), Series()
    filled(mosquitto, bridge, signal.SIGTERM)
    file = bridge.directory / "state" / FILE
    damage(file)
    damaged = file.read_bytes()
    took = started(bridge)
    bridge.wait_for(bridge.ready)
    with Watch(bridge.port) as watch:
        KnownPublisher(mosquitto.port, series).publish(500)
        found = everything_in(bridge, series)
    kept = [one for one in file.parent.glob(f"{FILE}.*") if one.name.removeprefix(FILE) not in ("-wal", "-shm")]
    figures(start_s=took, sent=found.sent, lost=found.lost, duplicates=found.duplicates, kept=len(kept))
    assert took <= STARTS_S
    assert found.sound, found
    assert bridge.metrics()[PROBLEMS] >= 1
    assert damaged in [one.read_bytes() for one in kept]
    assert "Traceback" not in bridge.log
    watch.check()


@pytest.mark.parametrize("page", [-1, pytest.param(-4, marks=pytest.mark.long)])
def test_r12_flipped_deep_inside(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None], page: int
) -> None:
    """A damaged page that nobody looks at when the bridge starts harms nobody else: new messages are kept and read, and
    an answer is never silently short: what cannot be read is told.
    """
    bridge, series = make_bridge(mosquitto.url), Series()
    filled(mosquitto, bridge, signal.SIGTERM)
    file = bridge.directory / "state" / FILE
    flipped(page)(file)
    took = started(bridge)
    bridge.wait_for(bridge.ready)
    with Watch(bridge.port) as watch:
        KnownPublisher(mosquitto.port, series).publish(500)
        found = everything_in(bridge, series)
        body = {"elementIds": Series("old", stamps=[0] * 10).elements, "startTime": "2000-01-01T00:00:00Z"}
        answer = bridge.client.post("/v1/objects/history", json=body | {"endTime": "2099-01-01T00:00:00Z"}).json()
    failures = [item for item in answer["results"] if not item["success"]]
    old = sum(len(item["result"]["values"]) for item in answer["results"] if item["success"])
    figures(start_s=took, sent=found.sent, lost=found.lost, old_rows=old, told=len(failures))
    assert took <= STARTS_S
    assert found.sound, found
    assert old == OLD or failures or bridge.metrics()[PROBLEMS] >= 1
    assert "Traceback" not in bridge.log
    watch.check()


@pytest.mark.parametrize(
    "cut", [pytest.param(1_000, id="1000 bytes"), pytest.param(None, id="all of it", marks=pytest.mark.long)]
)
def test_r12_truncated_wal(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None], cut: int | None
) -> None:
    """After a kill, a write-ahead log that lacks its end costs what was in it, and nothing else."""
    bridge, series = make_bridge(mosquitto.url), Series()
    filled(mosquitto, bridge, signal.SIGKILL)
    file = bridge.directory / "state" / FILE
    wal = file.with_name(f"{FILE}-wal")
    data = wal.read_bytes()
    assert len(data) > PAGE, "a kill leaves a log"
    wal.write_bytes(data[: -cut if cut else 0])
    file.with_name(f"{FILE}-shm").unlink(missing_ok=True)
    took = started(bridge)
    bridge.wait_for(bridge.ready)
    with Watch(bridge.port) as watch:
        KnownPublisher(mosquitto.port, series).publish(500)
        found = everything_in(bridge, series)
        old = sum(len(values) for _, values in read_history(bridge.client, Series("old", stamps=[0] * 10).elements))
    figures(start_s=took, sent=found.sent, lost=found.lost, duplicates=found.duplicates, old_rows=old)
    assert took <= STARTS_S
    assert found.sound, found
    assert "Traceback" not in bridge.log
    watch.check()


def test_r12_damaged_while_it_runs(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """A file that breaks under a running bridge is told as soon as anybody looks into it; what comes from then on is
    kept, and found after a restart too.
    """
    bridge, series = make_bridge(mosquitto.url), Series()
    bridge.start()
    bridge.wait_for(bridge.ready)
    KnownPublisher(mosquitto.port, Series("old")).publish(OLD)
    bridge.wait_for(lambda: bridge.received >= OLD)
    bridge.wait_for(lambda: bridge.metrics()["bridge_messages_unacknowledged"] == 0)
    file = bridge.directory / "state" / FILE
    with Watch(bridge.port) as watch:
        for broken in (file, file.with_name(f"{FILE}-wal")):
            with broken.open("r+b") as opened:
                opened.write(random.Random(1).randbytes(broken.stat().st_size))
        body = {"elementIds": Series("old", stamps=[0]).elements, "startTime": "2000-01-01T00:00:00Z"}
        bridge.client.post("/v1/objects/history", json=body | {"endTime": "2099-01-01T00:00:00Z"})
        bridge.wait_for(lambda: bridge.metrics()[PROBLEMS] >= 1)
        KnownPublisher(mosquitto.port, series).publish(500)
        found = everything_in(bridge, series)
    figures(sent=found.sent, lost=found.lost, duplicates=found.duplicates)
    assert found.sound, found
    assert "Traceback" not in bridge.log
    watch.check()
    assert bridge.stop() == 0
    bridge.start()
    again = everything_in(bridge, series)
    assert again.sound, again
