"""R3 to R6: the broker restarts, and the network between it and the bridge fails in several ways."""

import asyncio
import gc
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from bridge_process import BridgeProcess
from known_messages import KnownPublisher, Series, everything_in
from proxy import Proxy
from publisher import until
from scripted_broker import ScriptedBroker, publish_packet
from watch import Watch

from bridge.config import MqttSettings
from bridge.sources.mqtt import MqttSource
from bridge.uns import Message
from mosquitto import Mosquitto

pytestmark = pytest.mark.integration

ROUNDS = ("stop", "kill", "stop", "kill")
EACH = 500  # messages between two ends of the broker
RATE = 250.0  # messages a second
CONSUMES_S = 5.0  # from the port's opening to messages again
AWAY_S = 0.5

HEALS_S = 35.0
UNREADY_S = 30.0  # from the first swallowed byte to 503
SLACK = 2  # descriptors and tasks more than before, at most

LATENCY_S, JITTER_S = 0.5, 0.2


def failed(log: str) -> list[str]:
    """Lines of a log that tell of something that nobody thought of."""
    return [line for line in log.splitlines() if "Traceback" in line or " ERROR " in line or "Exception" in line]


def descriptors(process: int | str = "self") -> int:
    return sum(1 for _ in Path(f"/proc/{process}/fd").iterdir())


def threads(process: int | str = "self") -> int:
    return sum(1 for _ in Path(f"/proc/{process}/task").iterdir())


def test_r3_broker_restarts(
    make_mosquitto: Callable[..., Mosquitto],
    make_bridge: Callable[..., BridgeProcess],
    figures: Callable[..., None],
) -> None:
    """A broker that is stopped twice and killed twice in mid-stream costs nothing, and data flows soon again."""
    broker = make_mosquitto()
    broker.start()
    series, bridge = Series(), make_bridge(broker.url)
    bridge.start()
    bridge.wait_for(bridge.ready)
    publisher = KnownPublisher(broker.port, series)
    slowest = 0.0
    with Watch(bridge.port) as watch:
        publisher.start(EACH * (len(ROUNDS) + 1), RATE)
        for number, how in enumerate(ROUNDS, 1):
            publisher.wait_for(number * EACH)
            getattr(broker, how)()
            time.sleep(AWAY_S)
            before = bridge.received
            broker.start()
            opened = time.monotonic()
            bridge.wait_for(lambda before=before: bridge.received > before, 6 * CONSUMES_S)
            slowest = max(slowest, time.monotonic() - opened)
        publisher.join()
        found = everything_in(bridge, series)
    figures(sent=found.sent, lost=found.lost, duplicates=found.duplicates, slowest_to_consume_s=slowest)
    assert found.sound, found
    assert slowest <= CONSUMES_S
    assert failed(bridge.log) == []
    watch.check()


@pytest.mark.parametrize(
    ("resets", "messages"),
    [pytest.param(10, 2_000, id="10"), pytest.param(100, 10_000, id="100", marks=pytest.mark.long)],
)
def test_r4_resets(
    mosquitto: Mosquitto,
    make_bridge: Callable[..., BridgeProcess],
    figures: Callable[..., None],
    resets: int,
    messages: int,
) -> None:
    """Connection resets in mid-stream lose nothing and leave no descriptor behind."""
    series, each = Series(), messages // resets
    with Proxy(mosquitto.port) as proxy:
        bridge = make_bridge(proxy.url)
        bridge.start()
        bridge.wait_for(bridge.ready)
        publisher = KnownPublisher(mosquitto.port, series)
        publisher.publish(10)
        bridge.wait_for(lambda: bridge.received >= 10)
        assert bridge.process is not None
        process = bridge.process.pid
        before = descriptors(process), threads(process)
        with Watch(bridge.port) as watch:
            for number in range(resets):
                publisher.start(each, rate=each * 4)
                publisher.wait_for(10 + number * each + each // 2)
                bridge.wait_for(lambda: proxy.reset() > 0)
                publisher.join()
                bridge.wait_for(lambda: bridge.metrics()["bridge_source_connected"] == 1, HEALS_S)
            found = everything_in(bridge, series)
        after = descriptors(process), threads(process)
    told = bridge.metrics()
    figures(
        resets=resets,
        sent=found.sent,
        lost=found.lost,
        duplicates=found.duplicates,
        reconnects=told["bridge_source_reconnects_total"],
        descriptors=f"{before[0]} -> {after[0]}",
        threads=f"{before[1]} -> {after[1]}",
    )
    assert found.sound, found
    assert told["bridge_source_reconnects_total"] >= resets
    assert after[0] <= before[0] + SLACK
    assert failed(bridge.log) == []
    watch.check()


@pytest.mark.anyio
async def test_r4_tasks(mosquitto: Mosquitto, figures: Callable[..., None]) -> None:
    """Reconnects of the source leave no task and no descriptor behind in its event loop."""
    resets, publisher = 10, KnownPublisher(mosquitto.port, Series())
    with Proxy(mosquitto.port) as proxy:
        async with MqttSource(MqttSettings(url=proxy.url, client_id="fault-tasks")) as source:
            batches = source.batches()
            await until(lambda: source.health().connected)
            gc.collect()
            before = descriptors(), len(asyncio.all_tasks())
            for number in range(1, resets + 1):
                await asyncio.to_thread(publisher.publish, 1)
                (await anext(batches)).done()
                assert await asyncio.to_thread(proxy.reset)
                await until(lambda number=number: source.health().reconnects == number, HEALS_S)
            gc.collect()
            after = descriptors(), len(asyncio.all_tasks())
    figures(resets=resets, tasks=f"{before[1]} -> {after[1]}", descriptors=f"{before[0]} -> {after[0]}")
    assert after[0] <= before[0] + SLACK
    assert after[1] <= before[1] + SLACK


@pytest.mark.anyio
async def test_r4_data_and_reset_at_once(
    make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """A reset that comes together with a message is noticed at once, not when the keep-alive is over."""
    resets, slowest = 3, 0.0
    async with ScriptedBroker() as broker:
        bridge = make_bridge(broker.url)
        await asyncio.to_thread(bridge.start)
        for number in range(1, resets + 1):
            since = time.monotonic()
            await until(lambda number=number: len(broker.levels) == number, 2 * CONSUMES_S)
            slowest = max(slowest, time.monotonic() - since)
            await asyncio.sleep(0.5)  # it has subscribed by then
            writer = broker.writers[-1]
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            broker.send(publish_packet(Message("a", b"1", 0)))
            writer.transport.abort()
        await until(lambda: len(broker.levels) == resets + 1, 2 * CONSUMES_S)
        await asyncio.to_thread(bridge.stop)
    figures(resets=resets, slowest_to_reconnect_s=slowest)
    assert failed(bridge.log) == []


@pytest.mark.parametrize(
    ("seconds", "keep_alive", "grace"),
    [
        pytest.param(8.0, 2, 1.0, id="8 s, keep-alive 2 s"),
        pytest.param(60.0, 15, 10.0, id="60 s, keep-alive 15 s", marks=pytest.mark.long),
    ],
)
def test_r5_black_hole(
    mosquitto: Mosquitto,
    make_bridge: Callable[..., BridgeProcess],
    figures: Callable[..., None],
    seconds: float,
    keep_alive: int,
    grace: float,
) -> None:
    """A network that swallows everything is noticed; meanwhile last values are served, as Uncertain; then it heals."""
    series = Series()
    publisher = KnownPublisher(mosquitto.port, series)
    with Proxy(mosquitto.port) as proxy:
        bridge = make_bridge(
            proxy.url, mqtt={"keep_alive": keep_alive}, model={"discovery_window": 1.0, "broker_grace": grace}
        )
        bridge.start()
        bridge.wait_for(bridge.ready)
        publisher.publish(100)
        bridge.wait_for(lambda: bridge.received >= 100)
        with Watch(bridge.port, series.topic(0)) as watch:
            time.sleep(1.0)
            dug = time.monotonic()
            proxy.black_hole()
            publisher.publish(1_000)
            time.sleep(max(0.0, dug + seconds - time.monotonic()))
            healed = time.monotonic()
            proxy.heal()
            bridge.wait_for(bridge.ready, 2 * HEALS_S)
            ready = time.monotonic()
            found = everything_in(bridge, series)
    unready = next(when for when, status, _ in watch.ready if status == 503) - dug
    uncertain = next(when for when, quality in watch.qualities if quality == "Uncertain") - dug
    figures(
        sent=found.sent,
        lost=found.lost,
        duplicates=found.duplicates,
        unready_s=unready,
        uncertain_s=uncertain,
        healed_s=ready - healed,
    )
    assert found.sound, found
    assert unready <= min(UNREADY_S, 2 * keep_alive + 3.0)
    assert uncertain <= seconds
    assert ready - healed <= HEALS_S
    assert failed(bridge.log) == []
    watch.check()


def test_r6_slow_and_fragmented(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """Segments of one byte and half a second of latency lose nothing and surprise nobody."""
    series = Series()
    with Proxy(mosquitto.port, latency=LATENCY_S, jitter=JITTER_S, one_byte=True) as proxy:
        bridge = make_bridge(proxy.url)
        bridge.start()
        bridge.wait_for(bridge.ready, HEALS_S)
        with Watch(bridge.port) as watch:
            KnownPublisher(mosquitto.port, series).publish(500, rate=250.0)
            found = everything_in(bridge, series)
        assert bridge.stop() == 0
    figures(sent=found.sent, lost=found.lost, duplicates=found.duplicates)
    assert found.sound, found
    assert failed(bridge.log) == []
    watch.check()
