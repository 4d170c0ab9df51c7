"""R7 to R9: the broker is absent, has forgotten us, refuses a filter, or lets a rival in."""

import asyncio
import time
from collections.abc import Callable

import pytest
from bridge_process import BridgeProcess
from known_messages import KnownPublisher, Series, everything_in, read_history, tally
from publisher import until
from scripted_broker import PUBACK, ScriptedBroker, publish_packet
from watch import Watch, imbalance

from bridge.uns import Message
from mosquitto import HOST, Mosquitto

pytestmark = pytest.mark.integration

CONNECTS_S = 31.0  # from the broker's appearance
ABSENT_S = 3.0
RIVALS_S = 60.0  # until one of two bridges with one client id has given up
NOT_STARTED = 3  # exit code
DENIED = 0x87  # reason code: not authorized


def reasons(bridge: BridgeProcess) -> str:
    return " | ".join(bridge.client.get("/readyz").json()["reasons"])


def test_r7_broker_absent(
    make_mosquitto: Callable[..., Mosquitto],
    make_bridge: Callable[..., BridgeProcess],
    figures: Callable[..., None],
) -> None:
    """Without a broker the process lives and is not ready; it connects soon after one appears."""
    broker, series = make_mosquitto(), Series()
    bridge = make_bridge(broker.url)
    bridge.start()
    with Watch(bridge.port) as watch:
        time.sleep(ABSENT_S)
        assert bridge.status("/readyz") == 503
        broker.start()
        appeared = time.monotonic()
        bridge.wait_for(bridge.ready, CONNECTS_S)
        took = time.monotonic() - appeared
        KnownPublisher(broker.port, series).publish(100)
        found = everything_in(bridge, series)
    figures(connected_s=took, sent=found.sent, lost=found.lost, duplicates=found.duplicates)
    assert [status for _, status, _ in watch.ready] == [503, 200]
    assert found.sound, found
    watch.check()


def test_r8_session_gone(
    make_mosquitto: Callable[..., Mosquitto],
    make_bridge: Callable[..., BridgeProcess],
    figures: Callable[..., None],
) -> None:
    """A broker that has forgotten our session is subscribed to again, and the gap is counted."""
    broker, series = make_mosquitto(), Series()
    broker.start()
    bridge = make_bridge(broker.url)
    bridge.start()
    bridge.wait_for(bridge.ready)
    publisher = KnownPublisher(broker.port, series)
    with Watch(bridge.port) as watch:
        publisher.publish(200)
        bridge.wait_for(lambda: bridge.received >= 200)
        broker.stop()
        bridge.wait_for(lambda: not bridge.ready())
        for file in (broker.directory / "store").iterdir():
            file.unlink()
        broker.start()
        bridge.wait_for(bridge.ready, CONNECTS_S)
        publisher.publish(200)
        found = everything_in(bridge, series)
    told = bridge.metrics()
    figures(
        sent=found.sent,
        lost=found.lost,
        duplicates=found.duplicates,
        sessions_lost=told["bridge_source_sessions_lost_total"],
    )
    assert told["bridge_source_sessions_lost_total"] == 1
    assert found.sound, found
    watch.check()


@pytest.mark.anyio
async def test_r9_filter_refused(make_bridge: Callable[..., BridgeProcess]) -> None:
    """A filter that the broker refuses is named in /readyz and in the log; the others work."""
    sent = Message("plant/a", b'{"value": 7, "timestamp": 1790000000000}', 1)
    greeting = (publish_packet(sent, mid=1),)
    async with ScriptedBroker(suback=lambda name: DENIED if "secret" in name else 1, greeting=greeting) as broker:
        bridge = make_bridge(broker.url, mqtt={"topics": ["plant/#", "secret/#"]})
        await asyncio.to_thread(bridge.start)
        await asyncio.to_thread(bridge.wait_for, lambda: "secret/#" in reasons(bridge))
        assert await asyncio.to_thread(bridge.status, "/readyz") == 503
        assert "plant/#" not in await asyncio.to_thread(reasons, bridge)
        assert "filter 'secret/#' refused" in bridge.log
        await until(lambda: broker.answers == [(PUBACK, 1)])
        ((_, found),) = await asyncio.to_thread(lambda: list(read_history(bridge.client, ["plant/a"])))
        assert [row["value"] for row in found] == [7]
        assert imbalance(await asyncio.to_thread(bridge.metrics)) is None
        assert await asyncio.to_thread(bridge.stop) == 0


@pytest.mark.long
def test_r9_rival(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """Of two bridges with one client id one stops with the reason, the other goes on; together they miss nothing."""
    series = Series()
    bridges = [make_bridge(mosquitto.url, name, mqtt={"client_id": "same"}) for name in ("first", "second")]
    publisher = KnownPublisher(mosquitto.port, series)
    bridges[0].start()
    bridges[0].wait_for(bridges[0].ready)
    publisher.start(int(RIVALS_S * 50), 50.0)
    bridges[1].spawn()
    processes = [bridge.process for bridge in bridges]
    deadline = time.monotonic() + RIVALS_S
    while all(process is not None and process.poll() is None for process in processes):
        assert time.monotonic() < deadline, "both go on"
        time.sleep(0.05)
    publisher.left = 0
    publisher.join()
    loser, winner = bridges if processes[0] is not None and processes[0].poll() is not None else bridges[::-1]
    with Watch(winner.port) as watch:
        winner.wait_for(lambda: winner.metrics()["bridge_source_connected"] == 1, CONNECTS_S)
        everything_in(winner, series, missing=3.0)
        assert loser.process is not None
        code = loser.process.returncode
        assert "client_id" in loser.log
        assert str(HOST) in loser.log
        loser.config.write_text(loser.config.read_text().replace('"same"', '"another"'))
        loser.start()
        both = [tally(bridge.client, series) for bridge in bridges]
    missed = len(series.stamps) - sum(one.found for one in both)
    figures(sent=len(series.stamps), stored_by_both=sum(one.found for one in both), exit_code=code)
    assert code == NOT_STARTED
    assert missed <= 0
    assert [one.duplicates for one in both] == [0, 0]
    watch.check()
