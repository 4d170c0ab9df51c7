"""Rebirth requests with a real broker and an edge node that answers them; and silence where they are not allowed."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from bridge_process import BridgeProcess
from paho.mqtt.enums import CallbackAPIVersion

from bridge.daemon import TICK
from bridge.uns.sparkplug_wire import CLASSES, DataType
from mosquitto import HOST, Mosquitto

pytestmark = pytest.mark.integration

PATIENCE_S = 10.0
GROUP, NAME, DEVICE = "Plant1", "EN-Packaging", "Filler 01"
SPEED = f"spBv1.0/{GROUP}/{NAME}/{DEVICE}/Speed"
WHO = "bridge-under-test"


def payload(seq: int, *metrics: dict[str, Any]) -> bytes:
    made = CLASSES["Payload"](seq=seq)
    for one in metrics:
        made.metrics.add(**one)
    return bytes(made.SerializeToString())


class EdgeNode:
    """An edge node that had its births before the bridge came; it sends data by alias, and its births when asked."""

    def __init__(self, broker: Mosquitto) -> None:
        self.asked: list[tuple[str, bytes, int, bool]] = []
        self._listening = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=NAME)
        self._client.on_message = self._answer
        self._client.on_subscribe = lambda *_: self._listening.set()
        self._client.connect(HOST, broker.port)
        self._client.loop_start()
        self._client.subscribe(f"spBv1.0/{GROUP}/NCMD/{NAME}", 1)
        assert self._listening.wait(PATIENCE_S)

    def report(self, speed: float) -> None:
        """Data of its device."""
        self._publish("DDATA", f"/{DEVICE}", payload(2, {"alias": 7, "double_value": speed}))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _publish(self, kind: str, device: str, content: bytes) -> None:
        self._client.publish(f"spBv1.0/{GROUP}/{kind}/{NAME}{device}", content)

    def _answer(self, _client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        self.asked.append((message.topic, message.payload, message.qos, message.retain))
        command = CLASSES["Payload"].FromString(message.payload)
        if [(one.name, one.boolean_value) for one in command.metrics] == [(b"Node Control/Rebirth", True)]:
            self._publish("NBIRTH", "", payload(0, {"name": b"bdSeq", "datatype": DataType.Int64, "long_value": 0}))
            speed = {"name": b"Speed", "alias": 7, "datatype": DataType.Double, "double_value": 100.0}
            self._publish("DBIRTH", f"/{DEVICE}", payload(1, speed))


@pytest.fixture
def start(tmp_path: Path, make_mosquitto: Callable[..., Mosquitto]) -> Iterator[Callable[..., Any]]:
    """Start a broker that logs every packet, an edge node, and a bridge with these settings in [mqtt]."""
    broker = make_mosquitto("log_type all")
    broker.start()
    edge = EdgeNode(broker)

    def started(**mqtt: Any) -> tuple[Mosquitto, EdgeNode, BridgeProcess]:
        bridge = BridgeProcess(tmp_path / "bridge", broker.url, {"mqtt": {"client_id": WHO} | mqtt})
        return broker, edge, bridge

    yield started
    edge.close()


def published(broker: Mosquitto) -> list[str]:
    """What the bridge has published, as the broker saw it."""
    return [line for line in broker.log.splitlines() if f"Received PUBLISH from {WHO}" in line]


def speed(bridge: BridgeProcess) -> object:
    """The value of the device's only metric; None while there is no such element."""
    (found,) = bridge.client.post("/v1/objects/value", json={"elementIds": [SPEED]}).json()["results"]
    return found["result"]["value"] if found["success"] else None


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_values_appear(start: Callable[..., Any], version: str) -> None:
    """Allowed to, the bridge asks an edge node for the births that it has missed: once, and its values appear."""
    broker, edge, bridge = start(rebirth=True, protocol=version)
    with bridge:
        bridge.wait_for(bridge.ready)
        edge.report(101.5)
        bridge.wait_for(lambda: speed(bridge) == 100.0)
        edge.report(102.5)
        bridge.wait_for(lambda: speed(bridge) == 102.5)
        assert bridge.metrics()["bridge_sparkplug_rebirths_requested_total"] == 1
        assert "asked Sparkplug edge node 'Plant1/EN-Packaging' for its births" in bridge.log
        assert "NCMD" not in bridge.log  # the request comes back to us as any message does: that is no loss
    ((topic, _, qos, retain),) = edge.asked
    assert (topic, qos, retain) == ("spBv1.0/Plant1/NCMD/EN-Packaging", 0, False)
    assert len(published(broker)) == 1


def test_silence(start: Callable[..., Any]) -> None:
    """With the default settings the bridge publishes nothing at all, whatever it would like to know."""
    broker, edge, bridge = start()
    with bridge:
        bridge.wait_for(bridge.ready)
        edge.report(101.5)
        bridge.wait_for(lambda: 'bridge_messages_rejected_total{reason="sparkplug-unborn"}' in bridge.metrics())
        threading.Event().wait(3 * TICK)
        assert bridge.metrics()["bridge_sparkplug_rebirths_requested_total"] == 0
        bridge.stop()
    assert edge.asked == []
    assert f"Received PUBLISH from {NAME}" in broker.log
    assert published(broker) == []


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_not_allowed_to(tmp_path: Path, make_mosquitto: Callable[..., Mosquitto], version: str) -> None:
    """A broker that refuses the request harms little: where it ends the connection for that, it does so once."""
    rights = tmp_path / "acl"
    rights.write_text(f"topic read #\npattern write spBv1.0/{GROUP}/DDATA/%c/#\n")
    broker = make_mosquitto(f"acl_file {rights}")
    broker.start()
    edge = EdgeNode(broker)
    mqtt = {"rebirth": True, "protocol": version}
    with BridgeProcess(tmp_path / "bridge", broker.url, {"mqtt": mqtt}) as bridge:
        bridge.wait_for(bridge.ready)
        edge.report(101.5)
        bridge.wait_for(lambda: bridge.metrics()["bridge_sparkplug_rebirths_requested_total"])
        threading.Event().wait(2 * TICK)
        bridge.wait_for(bridge.ready)
        edge.report(102.5)
        bridge.wait_for(lambda: bridge.received == 2)
        assert bridge.metrics()["bridge_source_reconnects_total"] == bridge.log.count("the connection ended") <= 1
    edge.close()
    assert edge.asked == []
