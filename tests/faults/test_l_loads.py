"""L1 to L7: loads. The marks of the table are asserted in long runs; short ones, beside other work, get some room."""

import contextlib
import json
import os
import socket
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bridge_process import BridgeProcess
from known_messages import KnownPublisher, Series, everything_in, wait_quiet
from proxy import Proxy
from raw_http import RawStream, closed_within
from recordings import Publisher
from stream_reader import StreamReader
from watch import Watch

from bridge.uns import Message
from mosquitto import Mosquitto

pytestmark = pytest.mark.integration

NOISE = 20.0  # times a mark that is a time, in short runs: they run where anything else may run too
LONG = pytest.mark.long
MINUTES = float(os.environ.get("FAULTS_MINUTES", "30"))  # of L7
STEADY_S = 600.0  # the rows that history holds in memory, 262,144 at most, are as many as ever by then
SAMPLES = 10  # of memory, for a slope
MB = 1 << 20

_SCHEDULER_CLOCK = 2  # CPUCLOCK_SCHED: user and system time of all threads (clock_getcpuclockid(3) on Linux)


def cpu_s(bridge: BridgeProcess) -> float:
    """Seconds of CPU that the process has used."""
    assert bridge.process is not None
    return time.clock_gettime((~bridge.process.pid << 3) | _SCHEDULER_CLOCK)


def memory_mb(bridge: BridgeProcess) -> float:
    """Resident memory."""
    assert bridge.process is not None
    pages = int(Path(f"/proc/{bridge.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def subscribed(bridge: BridgeProcess, name: str, ids: list[str]) -> dict[str, str]:
    """A subscription of one client to some elements."""
    client = {"clientId": name}
    made = bridge.client.post("/v1/subscriptions", json=client).json()["result"]
    owner = client | {"subscriptionId": made["subscriptionId"]}
    answer = bridge.client.post("/v1/subscriptions/register", json=owner | {"elementIds": ids})
    assert answer.json()["success"], answer.text[:500]
    return owner


def settled(bridge: BridgeProcess, publisher: KnownPublisher, series: Series) -> None:
    """A running bridge that knows all topics, and whose model is settled."""
    bridge.start()
    bridge.wait_for(bridge.ready)
    publisher.publish(series.topics)
    bridge.wait_for(lambda: bridge.received >= series.topics, 60.0)
    bridge.wait_for(lambda: bridge.metrics()["bridge_model_settled"] == 1, 30.0)


def text(topic: str, value: object) -> Message:
    return Message(topic, json.dumps({"value": value, "timestamp": time.time_ns() // 1_000}).encode(), 1)


def sync(bridge: BridgeProcess, owner: dict[str, str], number: int | None = None) -> tuple[int, dict[str, Any]]:
    more = {} if number is None else {"lastSequenceNumber": number}
    answer = bridge.client.post("/v1/subscriptions/sync", json=owner | more)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("seconds", "noise"), [pytest.param(5, NOISE, id="5 s"), pytest.param(60, 1.0, id="60 s", marks=LONG)]
)
def test_l1_stream_latency(
    mosquitto: Mosquitto,
    make_bridge: Callable[..., BridgeProcess],
    figures: Callable[..., None],
    seconds: int,
    noise: float,
) -> None:
    """2,000 messages a second over 5,000 topics, all kept: none is lost, and streams are quick."""
    rate, watched = 2_000, 500
    series = Series(topics=5_000)
    publisher = KnownPublisher(mosquitto.port, series, window=1_000)
    bridge = make_bridge(mosquitto.url)
    settled(bridge, publisher, series)
    ids = [series.topic(index * series.topics // watched) for index in range(watched)]
    with Watch(bridge.port) as watch, StreamReader(bridge.port) as reader:
        reader.follow(subscribed(bridge, "load", ids))
        bridge.wait_for(lambda: bridge.metrics()["bridge_streams"] == 1)
        time.sleep(1.0)
        reader.forget()
        before, began = cpu_s(bridge), time.monotonic()
        publisher.publish(rate * seconds, rate, patience=4.0 * seconds)
        took, used = time.monotonic() - began, cpu_s(bridge) - before
        wait_quiet(bridge.metrics, time.monotonic() + 30.0)
    found = everything_in(bridge, series)
    p50, p99 = reader.age_ms(0.5), reader.age_ms(0.99)
    figures(
        sent=found.sent,
        lost=found.lost,
        duplicates=found.duplicates,
        rate=rate * seconds / took,
        streamed=reader.count(),
        p50_ms=p50,
        p99_ms=p99,
        cpu_percent=100.0 * used / took,
        livez_p99_ms=watch.latency_ms(0.99),
    )
    assert found.sound, found
    assert reader.count() >= rate * seconds * watched // series.topics
    assert p50 <= 5.0 * noise
    assert p99 <= 50.0 * noise
    watch.check()


@LONG
def test_l2_one_element_for_all(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """1,000 subscriptions on one element that changes 100 times a second do not hold up the event loop."""
    rate, count, seconds = 100, 1_000, 30
    series = Series(topics=1)
    publisher = KnownPublisher(mosquitto.port, series)
    bridge = make_bridge(mosquitto.url, subscriptions={"queue_total": 10_000_000})
    settled(bridge, publisher, series)
    owners = [subscribed(bridge, f"client{number}", [series.topic(0)]) for number in range(count)]
    with Watch(bridge.port) as watch:
        publisher.publish(rate * seconds, rate)
        wait_quiet(bridge.metrics, time.monotonic() + 30.0)
    status, told = sync(bridge, owners[-1])
    updates = sum(len(batch["updates"]) for batch in told["result"])
    lag = watch.latency_ms(0.99)
    figures(subscriptions=count, updates_each=updates, loop_lag_p99_ms=lag, loop_lag_max_ms=watch.latency_ms())
    assert (status, updates) == (200, rate * seconds + 1)
    assert lag <= 50.0
    watch.check()


@LONG
def test_l3_disjoint_elements(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """An update costs at most twice as much where 1,000 subscriptions have an element each as where one has all."""
    count, rounds = 1_000, 10
    series = Series(topics=count)
    publisher = KnownPublisher(mosquitto.port, series, window=1_000)
    bridge = make_bridge(mosquitto.url)
    settled(bridge, publisher, series)

    def cost(owners: list[dict[str, str]]) -> float:
        """Microseconds of CPU a message."""
        before = cpu_s(bridge)
        publisher.publish(count * rounds, 4_000.0)
        bridge.wait_for(lambda: bridge.metrics()["bridge_messages_unacknowledged"] == 0)
        bridge.wait_for(lambda: bridge.received == len(series.stamps), 30.0)
        used = cpu_s(bridge) - before
        for owner in owners:
            bridge.client.post(
                "/v1/subscriptions/delete",
                json={"clientId": owner["clientId"], "subscriptionIds": [owner["subscriptionId"]]},
            ).raise_for_status()
        return used / (count * rounds) * 1e6

    with Watch(bridge.port) as watch:
        none = cost([])
        one = cost([subscribed(bridge, "one", series.elements)])
        many = cost([subscribed(bridge, f"client{n}", [series.topic(n)]) for n in range(count)])
    figures(cpu_us_without=none, cpu_us_one=one, cpu_us_many=many, ratio=f"{many / one:.2f}")
    assert many <= 2.0 * one
    watch.check()


@LONG
def test_l4_stopped_reader(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """One of 100 readers stops reading while 16 MB are offered to it: the others do not notice, it is cut off."""
    healthy, size, seconds, patience, rate, rounds = 99, 50_000, 6.0, 10.0, 50, 3
    offered = 16 * MB // size
    series = Series("small", topics=1)
    publisher = KnownPublisher(mosquitto.port, series)
    big = Publisher(mosquitto.port)
    bridge = make_bridge(mosquitto.url)
    settled(bridge, publisher, series)
    big.publish([text("big", "x")])
    bridge.wait_for(lambda: bridge.received >= 2)

    def phase(follow: Callable[[contextlib.ExitStack], object]) -> tuple[StreamReader, float | None, float]:
        """The load with 99 streams and another one: who has read the 99, when the other was cut off, MB."""
        before = memory_mb(bridge)
        with StreamReader(bridge.port) as reader, contextlib.ExitStack() as stack:
            for number in range(healthy):
                reader.follow(subscribed(bridge, f"healthy{number}", [series.topic(0)]))
            other = follow(stack)
            bridge.wait_for(lambda: bridge.metrics()["bridge_streams"] == healthy + 1)
            time.sleep(0.5)
            reader.forget()
            publisher.start(int(seconds * rate), rate)
            began = time.monotonic()
            for number in range(offered):  # evenly: a burst would hold up everybody, whoever reads
                time.sleep(max(0.0, began + 0.9 * seconds * number / offered - time.monotonic()))
                big.publish([text("big", f"{number:06}" + "x" * size)])
            closed = None
            if isinstance(other, RawStream):
                waits = time.monotonic()
                closed = round(time.monotonic() - waits, 1) if closed_within(other, patience + 5.0) else None
            publisher.join()
            grown = memory_mb(bridge) - before
        bridge.wait_for(lambda: bridge.metrics()["bridge_streams"] == 0, 2 * patience)
        return reader, closed, grown

    def reads(stack: contextlib.ExitStack) -> StreamReader:
        eager = stack.enter_context(StreamReader(bridge.port))
        eager.follow(subscribed(bridge, "eager", ["big"]))
        return eager

    def does_not_read(stack: contextlib.ExitStack) -> RawStream:
        owner = subscribed(bridge, "stopped", ["big"])
        return stack.enter_context(RawStream(bridge.port, owner, receive_buffer=4_096))

    with Watch(bridge.port) as watch:
        found = [(phase(reads), phase(does_not_read)) for _ in range(rounds)]
    big.close()
    usual, now = (statistics.median(pair[which][0].age_ms(0.99) for pair in found) for which in (0, 1))
    closed = [pair[1][1] for pair in found]
    grown = max(pair[1][2] for pair in found)
    figures(p99_ms=now, baseline_p99_ms=usual, closed_s=closed, memory_mb=grown)
    assert {one[0].count() for pair in found for one in pair} == {healthy * int(seconds * rate)}
    assert all(one is not None and one <= patience + 1.0 for one in closed), "the reader that stopped is not cut off"
    assert now <= max(1.2 * usual, 5.0)
    assert grown <= 64.0
    watch.check()


def test_l5_overflow(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """10,500 updates for a queue of 10,000: 206, the newest 10,000, the exact gap; acknowledged, it is over."""
    count, room = 10_500, 10_000
    series = Series(topics=1)
    publisher = KnownPublisher(mosquitto.port, series, window=1_000)
    bridge = make_bridge(mosquitto.url)
    settled(bridge, publisher, series)
    owner = subscribed(bridge, "slow", [series.topic(0)])
    assert sync(bridge, owner)[0] == 200
    with Watch(bridge.port) as watch:
        publisher.publish(count)
        bridge.wait_for(lambda: bridge.received >= count + 1, 60.0)
        status, told = sync(bridge, owner, 1)
        values = [update["value"] for batch in told["result"] for update in batch["updates"]]
        (number,) = [batch["sequenceNumber"] for batch in told["result"]]
        detail = told["responseDetail"]["detail"]
        again, after = sync(bridge, owner, number)
    found = everything_in(bridge, series)
    figures(got=len(values), number=number, told=detail.partition(";")[0], lost=found.lost)
    assert status == 206
    assert values == list(range(count - room + 1, count + 1))
    assert number == 3, "1 was acknowledged, 2 is the gap"
    assert f"{count - room} updates" in detail
    assert "missing sequence numbers: 2;" in detail
    assert (again, after["result"]) == (200, [])
    assert found.sound, found
    watch.check()


def test_l6_leaves_with_a_full_queue(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """A client that opens a stream over 10,000 waiting updates and leaves does not hold up anybody."""
    count, clients = 10_000, 5
    series = Series(topics=1)
    publisher = KnownPublisher(mosquitto.port, series, window=1_000)
    bridge = make_bridge(mosquitto.url)
    settled(bridge, publisher, series)
    owners = [subscribed(bridge, f"leaver{number}", [series.topic(0)]) for number in range(clients)]
    publisher.publish(count)
    bridge.wait_for(lambda: bridge.received >= count + 1, 60.0)
    with Watch(bridge.port) as watch:
        time.sleep(1.0)
        began = time.monotonic()
        for number, owner in enumerate(owners):
            stream = RawStream(bridge.port, owner, receive_buffer=4_096 if number % 2 else 0)
            stream.event()
            if number >= 2:  # with a reset
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            stream.close()
            time.sleep(0.3)
        bridge.wait_for(lambda: bridge.metrics()["bridge_streams"] == 0)
        ended = time.monotonic()
        time.sleep(0.5)
    slowest = watch.latency_ms(1.0, began, ended)
    figures(clients=clients, queued=count, livez_max_ms=slowest, livez_p99_ms=watch.latency_ms(0.99, began, ended))
    assert slowest <= 100.0 * NOISE
    watch.check()


@LONG
def test_l7_endurance(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """Half an hour of 500 messages a second with a reset of the connection now and then: none lost, memory level."""
    rate, seconds, every = 500, MINUTES * 60.0, 18.0
    series = Series(topics=100)
    publisher = KnownPublisher(mosquitto.port, series, window=1_000)
    memory: list[tuple[float, float]] = []
    with Proxy(mosquitto.port) as proxy:
        bridge = make_bridge(proxy.url)
        settled(bridge, publisher, series)
        with Watch(bridge.port) as watch:
            began = time.monotonic()
            publisher.start(int(rate * seconds), rate)
            while time.monotonic() < began + seconds:
                time.sleep(every)
                proxy.reset()
                memory.append((time.monotonic() - began, memory_mb(bridge)))
            publisher.join()
            found = everything_in(bridge, series)
    steady = [one for one in memory if one[0] >= STEADY_S]
    slope = statistics.linear_regression(*zip(*steady, strict=True)).slope * 600.0 if len(steady) >= SAMPLES else None
    figures(
        minutes=MINUTES,
        sent=found.sent,
        lost=found.lost,
        duplicates=found.duplicates,
        resets=proxy.resets,
        memory_mb=f"{memory[0][1]:.1f} -> {memory[-1][1]:.1f}",
        slope_mb_per_10_min="too short to tell" if slope is None else f"{slope:.2f}",
    )
    assert found.sound, found
    assert slope is None or slope <= 1.0
    watch.check()
