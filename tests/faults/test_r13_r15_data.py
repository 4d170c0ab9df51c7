"""R13 to R15: clocks that step, times out of order, and payloads that change their kind."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bridge_process import BridgeProcess
from known_messages import read_history, wait_quiet
from recordings import Publisher
from views import HttpView
from watch import Watch

from bridge.uns import Message
from bridge.uns.moments import SECOND, render
from mosquitto import Mosquitto

pytestmark = pytest.mark.integration

TOPIC = "plant/line/m0/signal"
YEAR_NS = 365 * 86_400 * SECOND
HOUR = 3_600
DRIFTS = 10_000
TYPES = 20  # object types of one element that changes its kind, at most
FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def message(value: object, time_ns: int | None = None, topic: str = TOPIC) -> Message:
    body: Any = value if time_ns is None else {"value": value, "timestamp": time_ns}
    return Message(topic, json.dumps(body).encode(), 1)


def publish(broker: Mosquitto, *batch: Message) -> None:
    publisher = Publisher(broker.port)
    try:
        publisher.publish(batch)
    finally:
        publisher.close()


def running(bridge: BridgeProcess) -> BridgeProcess:
    bridge.start()
    bridge.wait_for(bridge.ready)
    return bridge


def quiet(bridge: BridgeProcess) -> None:
    wait_quiet(bridge.metrics, time.monotonic() + 60.0)


def rows(bridge: BridgeProcess, ident: str = TOPIC) -> list[tuple[str, Any]]:
    ((_, found),) = read_history(bridge.client, [ident])
    return [(row["timestamp"], row["value"]) for row in found]


# --- R13 -------------------------------------------------------------------------------------------------------------


def test_r13_far_future(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """A payload from ten years ahead is not believed and counted; the normal one after it becomes current."""
    bridge = running(make_bridge(mosquitto.url))
    with Watch(bridge.port) as watch:
        now = time.time_ns()
        publish(mosquitto, message(1, now), message(2, now + 10 * YEAR_NS))
        quiet(bridge)
        time.sleep(1.1)
        normal = time.time_ns()
        publish(mosquitto, message(3, normal))
        quiet(bridge)
        current = HttpView(bridge.client).value(TOPIC)
    skewed = bridge.metrics()["bridge_readings_skewed_total"]
    figures(skewed=skewed, rows=len(rows(bridge)))
    assert (current["value"], current["timestamp"], current["quality"]) == (3, render(normal), "Good")
    assert skewed == 1
    assert [value for _, value in rows(bridge)] == [1, 2, 3]
    watch.check()


@pytest.mark.skipif(FAKETIME is None, reason="needs the package faketime")
@pytest.mark.parametrize(
    "step", [pytest.param(HOUR, id="an hour ahead"), pytest.param(-HOUR, id="an hour back", marks=pytest.mark.long)]
)
def test_r13_clock_steps(
    mosquitto: Mosquitto,
    make_bridge: Callable[..., BridgeProcess],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    figures: Callable[..., None],
    step: int,
) -> None:
    """When the clock of the machine steps, timers do not: subscriptions and values stay, data goes on and is kept."""
    offset = tmp_path / "offset"
    offset.write_text("+0\n")
    for name, value in {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }.items():
        monkeypatch.setenv(name, value)
    bridge = make_bridge(
        mosquitto.url, subscriptions={"ttl": 60.0}, model={"discovery_window": 1.0, "stale_after": 60.0}
    )
    bridge.spawn()
    for name in ("LD_PRELOAD", "FAKETIME_TIMESTAMP_FILE"):
        monkeypatch.delenv(name)
    bridge.wait_for(bridge.ready, 30.0)
    view = HttpView(bridge.client)
    publish(mosquitto, message(1))
    quiet(bridge)
    owner = {"clientId": "clock"}
    made = bridge.client.post("/v1/subscriptions", json=owner).json()["result"]
    owner |= {"subscriptionId": made["subscriptionId"]}
    bridge.client.post("/v1/subscriptions/register", json=owner | {"elementIds": [TOPIC]}).raise_for_status()
    with Watch(bridge.port, TOPIC) as watch:
        offset.write_text(f"{step:+d}\n")
        stepped_ns = time.time_ns() + step * SECOND
        time.sleep(3.0)  # some ticks
        publish(mosquitto, message(2), message(3))
        quiet(bridge)
        batches = bridge.client.post("/v1/subscriptions/sync", json=owner).json()["result"]
        current = view.value(TOPIC)
    told = bridge.metrics()
    found = rows(bridge)
    figures(rows=len(found), stale=told["bridge_elements_stale"], subscriptions=told["bridge_subscriptions"])
    updates = [(update["value"], update["quality"]) for batch in batches for update in batch["updates"]]
    assert updates == [(1, "Good"), (2, "Good"), (3, "Good")]
    assert [quality for _, quality in watch.qualities] == ["Good"]
    assert (current["value"], current["quality"]) == (3, "Good")
    assert sorted(value for _, value in found) == [1, 2, 3]
    new = [when for when, value in found if value in (2, 3)]
    assert all(when >= render(stepped_ns) for when in new), "the step did not reach the bridge"
    assert told["bridge_elements_stale"] == 0
    assert [status for _, status, _ in watch.ready] == [200]
    assert bridge.stop() == 0
    assert "Traceback" not in bridge.log
    watch.check()


# --- R14 -------------------------------------------------------------------------------------------------------------


def test_r14_out_of_order(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """Times in any order, and the same message up to three times: history is sorted and holds each once, after a
    restart too; the newest is current.
    """
    bridge = running(make_bridge(mosquitto.url))
    start, count, draw = time.time_ns() - 600 * SECOND, 2_000, random.Random(14)
    sent = [(start + number * SECOND // 4, number) for number in range(count)]
    shuffled = [one for one in sent for _ in range(draw.choice((1, 1, 2, 3)))]
    draw.shuffle(shuffled)
    with Watch(bridge.port) as watch:
        publish(mosquitto, *(message(value, when) for when, value in shuffled))
        quiet(bridge)
        found = rows(bridge)
        told = bridge.metrics()
    expected = [(render(when), value) for when, value in sent]
    figures(
        published=len(shuffled),
        lost=len(set(expected) - set(found)),
        duplicates=len(found) - len(set(found)),
        late=told["bridge_readings_late_total"],
    )
    assert found == expected
    assert HttpView(bridge.client).value(TOPIC)["value"] == count - 1
    watch.check()
    assert bridge.stop() == 0
    bridge.start()
    assert rows(bridge) == expected


def test_r14_equal_times(mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess]) -> None:
    """One time holds one row: equal ones are stored once, and a correction replaces what it corrects."""
    bridge = running(make_bridge(mosquitto.url))
    start = time.time_ns() - 60 * SECOND
    times = [start + number * SECOND for number in range(50)]
    with Watch(bridge.port) as watch:
        publish(mosquitto, *(message(number, when) for number, when in enumerate(times)))
        publish(mosquitto, *(message(number, when) for number, when in enumerate(times)))
        quiet(bridge)
        assert rows(bridge) == [(render(when), number) for number, when in enumerate(times)]
        publish(mosquitto, *(message(number + 100, when) for number, when in enumerate(times)))
        quiet(bridge)
        assert rows(bridge) == [(render(when), number + 100) for number, when in enumerate(times)]
    watch.check()


# --- R15 -------------------------------------------------------------------------------------------------------------

_KINDS: tuple[Callable[[int], object], ...] = (
    lambda number: number + 0.5,
    lambda number: f"text {number}",
    lambda number: {"a": number, "b": {"c": str(number)}},
    lambda _: None,
    lambda number: number % 2 == 0,
    lambda number: [number, str(number)],
)


def test_r15_type_drift(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None]
) -> None:
    """A payload that changes its kind for ever surprises nobody, leaves few types, and every value is served."""
    bridge = running(make_bridge(mosquitto.url))
    start = time.time_ns() - DRIFTS * SECOND // 100
    batch = [message(_KINDS[number % 6](number), start + number * SECOND // 100) for number in range(DRIFTS)]
    with Watch(bridge.port, TOPIC) as watch:
        for at in range(0, DRIFTS, 1_000):
            publish(mosquitto, *batch[at : at + 1_000])
        quiet(bridge)
        found = rows(bridge)
    told = bridge.metrics()
    versions = {row["elementId"]: row["version"] for row in HttpView(bridge.client).object_types()}
    highest = max(int(version.split(".")[0]) for version in versions.values() if version)
    figures(
        rows=len(found),
        lost=len({row[0] for row in found} ^ {render(start + number * SECOND // 100) for number in range(DRIFTS)}),
        duplicates=len(found) - len({row[0] for row in found}),
        types=told["bridge_types"],
        highest_version=highest,
    )
    assert len(found) == DRIFTS
    assert [value for _, value in found[-2:]] == [_KINDS[number % 6](number) for number in (DRIFTS - 2, DRIFTS - 1)]
    assert told["bridge_types"] <= TYPES
    assert highest <= TYPES
    assert "Traceback" not in bridge.log
    watch.check()
