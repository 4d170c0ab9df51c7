"""The learnt model survives a restart of the daemon: clients find the types that they knew, whoever publishes now."""

import json
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from bridge_process import BridgeProcess
from invariants import faults
from recordings import Publisher
from views import HttpView

from bridge.history.sqlite import NAME as HISTORY
from bridge.state.database import NAME as DATABASE
from bridge.state.store import NAME
from bridge.uns import Message
from mosquitto import Mosquitto

pytestmark = pytest.mark.integration

WINDOW_S = 1.0
TICKS_S = 2.5  # longer than the daemon takes to notice that the broker is back
ORDER, ALARM = {"item": "bolt", "count": 4, "due": "x"}, {"text": "hot", "level": 3, "since": 1}
PUMP = {"flow": 1.5, "head": 2.5, "power": 3.5, "hours": 4}
LIVE: Mapping[str, Any] = {  # nothing is retained: after a restart only what is published again is there
    f"acme/{site}/{topic}": value
    for site in ("north", "south")
    for topic, value in {
        "mixing/vat01/process/temperature": 20.5,
        "mixing/vat01/process/level": 5.5,
        "mixing/vat01/state": "idle",
        "mixing/vat02/process/temperature": 21.5,
        "mixing/vat02/process/level": 4.5,
        "mixing/vat02/state": "running",
        "pumps/p1/status": PUMP,
        "pumps/p2/status": PUMP,
        "office/orders/status": ORDER,
        "office/door/alarm/status": ALARM,
    }.items()
}
HALF = {topic: value for topic, value in LIVE.items() if topic.startswith("acme/south") and "vat02" not in topic}
SOME_FIELDS = {"acme/south/pumps/p1/status": {"flow": 1.0}, "acme/south/office/orders/status": {"item": "nut"}}


def publish(broker: Mosquitto, values: Mapping[str, Any]) -> None:
    publisher = Publisher(broker.port)
    publisher.publish([Message(topic, json.dumps(value).encode(), 1) for topic, value in values.items()])
    publisher.close()


def settled(bridge: BridgeProcess, broker: Mosquitto, *batches: Mapping[str, Any]) -> BridgeProcess:
    """A bridge that has heard all and whose elements have been placed."""
    bridge.wait_for(bridge.ready)
    before = bridge.received
    for batch in batches:
        publish(broker, batch)
    bridge.wait_for(lambda: bridge.received >= before + sum(map(len, batches)))
    bridge.wait_for(lambda: bridge.metrics()["bridge_model_settled"] == 1)
    return bridge


def types(bridge: BridgeProcess) -> dict[str, tuple[str, Any]]:
    """Type and place of each element that a topic leads to."""
    rows = HttpView(bridge.client).objects()
    return {row["elementId"]: (row["typeElementId"], row["parentId"]) for row in rows if row["elementId"][0] != "$"}


def options(directory: Path, **model: Any) -> dict[str, dict[str, Any]]:
    return {"model": {"discovery_window": WINDOW_S, **model}, "state": {"directory": str(directory)}}


def test_half_of_the_publishers(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """After a restart into half of the plant, with documents that show some fields, ids and types are the same."""
    sections = options(tmp_path / "state")
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as first:
        known = types(settled(first, mosquitto, LIVE))
        listed = {row["elementId"]: row["version"] for row in HttpView(first.client).object_types()}
        assert first.stop() == 0
    (tmp_path / "state" / DATABASE).unlink()  # else the others' last values are there as well
    (tmp_path / "state" / HISTORY).unlink()
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as again:
        settled(again, mosquitto, SOME_FIELDS)
        assert types(again).items() <= known.items()
        settled(again, mosquitto, HALF)
        found = types(again)
        assert found.items() <= known.items()
        assert set(HALF) <= set(found)
        assert not any(ident.startswith("acme/north") for ident in found)
        assert {row["elementId"]: row["version"] for row in HttpView(again.client).object_types()} == listed
        assert faults(HttpView(again.client)) == []
        assert again.metrics()["bridge_state_problems_total"] == 0


def test_last_values(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """After a restart everything is there at once, as it was: places, types, values, qualities and times."""
    sections = options(tmp_path / "state")
    ids = {"elementIds": [*LIVE, "acme/north/mixing/vat01", "acme/south/pumps/p1/status#/flow"]}
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as first:
        known = types(settled(first, mosquitto, LIVE))
        values = first.client.post("/v1/objects/value", json=ids).json()
        assert first.stop() == 0
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as again:
        again.wait_for(again.ready)
        again.wait_for(lambda: again.client.post("/v1/objects/value", json=ids).json() == values)
        assert types(again) == known
        assert faults(HttpView(again.client)) == []


def test_killed_values(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """The last values are there after a kill as well: history knows them."""
    sections = options(tmp_path / "state")
    ids = {"elementIds": list(LIVE)}
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as first:
        settled(first, mosquitto, LIVE)
        later = {topic: 99.5 for topic, value in LIVE.items() if isinstance(value, float)}
        settled(first, mosquitto, later)
        first.wait_for(lambda: first.metrics()["bridge_messages_unacknowledged"] == 0)
        values = first.client.post("/v1/objects/value", json=ids).json()
        first.signal(signal.SIGKILL)
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as again:
        again.wait_for(again.ready)
        again.wait_for(lambda: again.client.post("/v1/objects/value", json=ids).json() == values)


def test_session_forgotten(make_mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> None:
    """Where the broker has forgotten us something may have been missed: values are Uncertain until they come again."""
    broker = make_mosquitto("persistence false")
    broker.start()
    sections = options(tmp_path / "state")
    numbers = {topic: value for topic, value in LIVE.items() if isinstance(value, float)}
    first_topic, *others = numbers
    with BridgeProcess(tmp_path / "bridge", broker.url, sections) as first:
        settled(first, broker, numbers)
        assert first.stop() == 0
    broker.stop()
    broker.start()
    with BridgeProcess(tmp_path / "bridge", broker.url, sections) as again:
        again.wait_for(again.ready)
        publish(broker, {first_topic: 30.5})
        again.wait_for(lambda: qualities(again, first_topic) == ["Good"])
        time.sleep(TICKS_S)
        assert set(qualities(again, *others)) == {"Uncertain"}


def qualities(bridge: BridgeProcess, *topics: str) -> list[str]:
    answer = bridge.client.post("/v1/objects/value", json={"elementIds": topics}).json()
    return [item["result"]["quality"] for item in answer["results"]]


def test_killed(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """The model is written as soon as it has settled: whoever is killed then goes on with it, too."""
    sections = options(tmp_path / "state")
    file = tmp_path / "state" / NAME
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as first:
        known = types(settled(first, mosquitto, LIVE))
        first.wait_for(file.exists)
        first.signal(signal.SIGKILL)
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as again:
        assert types(settled(again, mosquitto, HALF)).items() <= known.items()


def test_broken_file(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """A file that cannot be used is put aside, and the bridge starts all the same."""
    file = tmp_path / "state" / NAME
    file.parent.mkdir()
    file.write_bytes(b"no model")
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, options(file.parent)) as bridge:
        settled(bridge, mosquitto, HALF)
        assert bridge.metrics()["bridge_state_problems_total"] == 1
        assert f"{NAME}.broken-" in bridge.log


def test_another_configuration(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Levels that are configured now make another model, although one was kept."""
    for more in ({}, {"levels": ["Enterprise", "Site"]}):
        sections = options(tmp_path / "state", **more)
        with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as bridge:
            found = types(settled(bridge, mosquitto, LIVE))
            assert bridge.stop() == 0
    assert found["acme/north"][0].endswith("#Site")
    assert "another configuration" in bridge.log
