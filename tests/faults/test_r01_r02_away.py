"""R1 and R2: the bridge is killed, and away: what the broker kept for it comes, and is stored once."""

import shutil
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from bridge_process import BridgeProcess
from known_messages import KnownPublisher, Series, everything_in
from watch import Watch

from mosquitto import Mosquitto

pytestmark = pytest.mark.integration

MESSAGES, KILLS = 5_000, 5
BEFORE_KILL = 0.4  # of the messages between two kills that the broker has taken over when it comes
STOCK_QUEUE = 1_000  # mosquitto's own max_queued_messages
START_S = 30.0
DUPLICATE = 'bridge_messages_total{outcome="duplicate"}'


def integrity(store: Path, scratch: Path) -> str:
    """What SQLite says of a copy of the store as the kill left it: the bridge is to repair its own."""
    scratch.mkdir(exist_ok=True)
    for file in store.parent.glob(f"{store.name}*"):
        shutil.copy(file, scratch / file.name)
    database = sqlite3.connect(scratch / store.name)
    try:
        return str(database.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        database.close()
        shutil.rmtree(scratch)


def test_r1_killed(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], tmp_path: Path, figures: Callable[..., None]
) -> None:
    """Five kills during 5,000 messages lose none, double none, and leave a sound database each time."""
    series = Series()
    publisher = KnownPublisher(mosquitto.port, series)
    bridge = make_bridge(mosquitto.url)
    bridge.start()
    bridge.wait_for(bridge.ready)
    store = bridge.directory / "state" / "history.sqlite"
    each = MESSAGES // KILLS
    verdicts: list[str] = []
    unacknowledged: list[int] = []
    redelivered: list[int] = []
    with Watch(bridge.port) as watch:
        for number in range(KILLS):
            publisher.start(each)
            publisher.wait_for(int((number + BEFORE_KILL) * each))
            bridge.wait_for(lambda: bridge.received > 0)
            told = bridge.metrics()
            bridge.signal(signal.SIGKILL)
            unacknowledged.append(int(told["bridge_messages_unacknowledged"]))
            redelivered.append(int(told[DUPLICATE]))
            assert bridge.process is not None
            bridge.process.wait()
            publisher.join()
            verdicts.append(integrity(store, tmp_path / "copy"))
            bridge.start()
            bridge.wait_for(bridge.ready, START_S)
        found = everything_in(bridge, series)
        redelivered.append(int(bridge.metrics()[DUPLICATE]))
    figures(
        sent=found.sent,
        kills=KILLS,
        lost=found.lost,
        duplicates=found.duplicates,
        unacknowledged_before_kills=unacknowledged,
        redelivered=sum(redelivered),
    )
    assert verdicts == ["ok"] * KILLS
    assert found.sound, found
    watch.check()


def away(broker: Mosquitto, bridge: BridgeProcess, series: Series) -> None:
    """The bridge comes, goes, and comes again after all has been published."""
    bridge.start()
    bridge.wait_for(bridge.ready)
    assert bridge.stop() == 0
    KnownPublisher(broker.port, series).publish(MESSAGES)
    bridge.start()
    bridge.wait_for(bridge.ready)


def test_r2_away(mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]) -> None:
    """5,000 messages while the bridge is away arrive when it is back."""
    series, bridge = Series(), make_bridge(mosquitto.url)
    away(mosquitto, bridge, series)
    with Watch(bridge.port) as watch:
        found = everything_in(bridge, series)
    figures(sent=found.sent, lost=found.lost, duplicates=found.duplicates)
    assert found.sound, found
    watch.check()


def test_r2_stock_settings(
    make_mosquitto: Callable[..., Mosquitto],
    make_bridge: Callable[..., BridgeProcess],
    figures: Callable[..., None],
) -> None:
    """With the broker's own settings, which keep 1,000 messages, the rest is lost: the shipped ones are needed."""
    broker = make_mosquitto(
        "autosave_on_changes false", f"max_queued_messages {STOCK_QUEUE}", "max_inflight_messages 20"
    )
    broker.start()
    series, bridge = Series(), make_bridge(broker.url)
    away(broker, bridge, series)
    found = everything_in(bridge, series, missing=3.0)
    figures(sent=found.sent, lost=found.lost)
    assert MESSAGES - found.lost <= STOCK_QUEUE + 20
    assert (found.duplicates, found.strange) == (0, 0)
