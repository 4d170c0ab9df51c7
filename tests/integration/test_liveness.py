"""Honest quality with a real broker: while it is away, when it has forgotten us, and when a publisher dies."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from bridge_process import BridgeProcess
from paho.mqtt.enums import CallbackAPIVersion
from recordings import Publisher
from views import HttpView

from bridge.uns import Message
from mosquitto import HOST, Mosquitto

pytestmark = pytest.mark.integration

GRACE_S = 1.0
DOUBTS_S = 10.0  # from a broker's death until everything is Uncertain: noticed, grace, a tick
HEALS_S = 31.0  # from the broker's return to data again
LIVE, STORED = "plant/line1/temperature", "plant/line1/serial"


def publish(broker: Mosquitto, topic: str, value: object, *, retain: bool = False) -> None:
    publisher = Publisher(broker.port)
    try:
        publisher.publish([Message(topic, json.dumps(value).encode(), 1, retain)])
    finally:
        publisher.close()


class Seen:
    """What a client sees of a bridge."""

    def __init__(self, bridge: BridgeProcess) -> None:
        self.bridge = bridge
        self._view = HttpView(bridge.client)
        made = bridge.client.post("/v1/subscriptions", json={"clientId": "c"}).json()["result"]
        self._ident = {"clientId": "c", "subscriptionId": made["subscriptionId"]}
        body = self._ident | {"elementIds": [LIVE]}
        bridge.client.post("/v1/subscriptions/register", json=body).raise_for_status()
        self.updates()

    def value(self, ident: str) -> dict[str, Any]:
        return dict(self._view.value(ident))

    def quality(self, ident: str) -> str:
        return str(self.value(ident)["quality"])

    def updates(self) -> list[tuple[Any, str]]:
        """Value and quality of what the subscription has heard since the last call."""
        batches = self.bridge.client.post("/v1/subscriptions/sync", json=self._ident).json()["result"]
        if batches:
            acknowledged = self._ident | {"lastSequenceNumber": -1}
            self.bridge.client.post("/v1/subscriptions/sync", json=acknowledged).raise_for_status()
        return [(update["value"], update["quality"]) for batch in batches for update in batch["updates"]]


@pytest.fixture
def seen(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Seen]:
    """A bridge that knows a live value and one that the broker keeps, both published while it listened."""
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, {"model": {"broker_grace": GRACE_S}}) as bridge:
        bridge.wait_for(bridge.ready)
        publish(mosquitto, LIVE, 20.5)
        bridge.wait_for(lambda: bridge.received == 1)
        seen = Seen(bridge)
        bridge.wait_for(lambda: is_good(seen, mosquitto))
        yield seen


def is_good(seen: Seen, broker: Mosquitto) -> bool:
    """Publish the stored value; right after subscribing, the bridge may take it for a copy of unknown age."""
    before = seen.bridge.received
    publish(broker, STORED, "S-1", retain=True)
    seen.bridge.wait_for(lambda: seen.bridge.received > before)
    return seen.quality(STORED) == "Good"


def test_stopped_broker(seen: Seen, mosquitto: Mosquitto) -> None:
    """Values are Uncertain while the broker is away for long, and Good again without a word when nothing was missed."""
    before = seen.value(LIVE)
    assert before["quality"] == "Good"
    mosquitto.stop()
    seen.bridge.wait_for(lambda: seen.quality(LIVE) == "Uncertain", DOUBTS_S)
    assert seen.value(LIVE) == before | {"quality": "Uncertain"}
    assert seen.bridge.metrics()["bridge_elements_lost"] == 2
    mosquitto.start()
    seen.bridge.wait_for(lambda: seen.quality(LIVE) == "Good", HEALS_S)
    assert seen.value(LIVE) == before
    assert seen.quality(STORED) == "Good"
    assert seen.updates() == [(20.5, "Uncertain"), (20.5, "Good")]
    assert seen.bridge.metrics()["bridge_elements_lost"] == 0


def test_broker_that_has_forgotten_us(seen: Seen, mosquitto: Mosquitto) -> None:
    """Without our session each value is doubted until it comes again: live, or stored by the broker."""
    mosquitto.stop()
    seen.bridge.wait_for(lambda: seen.quality(LIVE) == "Uncertain", DOUBTS_S)
    for path in (mosquitto.directory / "store").iterdir():
        path.unlink()
    mosquitto.start()
    publish(mosquitto, STORED, "S-1", retain=True)
    seen.bridge.wait_for(seen.bridge.ready, HEALS_S)
    seen.bridge.wait_for(lambda: seen.quality(STORED) == "Good")
    assert seen.quality(LIVE) == "Uncertain"
    publish(mosquitto, LIVE, 20.5)
    seen.bridge.wait_for(lambda: seen.quality(LIVE) == "Good")
    assert seen.bridge.metrics()["bridge_elements_lost"] == 0


@contextlib.contextmanager
def client_with_a_will(broker: Mosquitto, topic: str, will: bytes) -> Iterator[Callable[[], None]]:
    """A client whose connection can be cut without a DISCONNECT."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="machine")
    client.will_set(topic, will, 1, retain=True)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.connect(HOST, broker.port)
    client.loop_start()
    try:
        assert connected.wait(DOUBTS_S)
        yield lambda: _cut(client)
    finally:
        client.loop_stop()


def _cut(client: paho.Client) -> None:
    client.reconnect_delay_set(60, 60)
    connection = client.socket()
    assert isinstance(connection, socket.socket)
    connection.shutdown(socket.SHUT_RDWR)


def test_last_will(seen: Seen, mosquitto: Mosquitto) -> None:
    """A publisher whose connection breaks: its last will makes what it covers Bad, in history too, until it is back."""
    status = "plant/line1/LWT"
    with client_with_a_will(mosquitto, status, b"Offline") as cut:
        before = seen.bridge.received
        publish(mosquitto, status, "Online", retain=True)
        seen.bridge.wait_for(lambda: seen.bridge.received > before)
        assert seen.quality(LIVE) == "Good"
        cut()
        seen.bridge.wait_for(lambda: seen.quality(LIVE) == "Bad")
    assert seen.value(LIVE)["value"] is None
    assert seen.bridge.metrics()["bridge_elements_dead"] == 2
    publish(mosquitto, status, "Online", retain=True)
    seen.bridge.wait_for(lambda: seen.quality(LIVE) == "Good")
    assert seen.updates() == [(None, "Bad"), (20.5, "Good")]
    body = {"elementIds": [LIVE], "startTime": "2000-01-01T00:00:00Z", "endTime": "2100-01-01T00:00:00Z"}
    found = seen.bridge.client.post("/v1/objects/history", json=body).json()["results"][0]["result"]["values"]
    assert [(row["value"], row["quality"]) for row in found] == [(20.5, "Good"), (None, "Bad")]
