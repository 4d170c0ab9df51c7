"""Writes through the daemon to a real broker: a device behind a command topic, and a broker that is away."""

import contextlib
import json
import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from bridge_process import BridgeProcess
from paho.mqtt.enums import CallbackAPIVersion

from mosquitto import HOST, Mosquitto

pytestmark = pytest.mark.integration

SETPOINT = "acme/line1/oven1/setpoint"
TAG = "acme/line1/oven1/level"
ENVELOPE = {"timestamp": "2026-01-01T00:00:00.000Z", "value": 1.5, "unit": "m"}


class Device:
    """An oven whose setpoint goes up to 200 °C."""

    def __init__(self, broker: Mosquitto) -> None:
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="oven1")
        self._client.on_message = self._command
        self._client.connect(HOST, broker.port)
        self._client.loop_start()
        self._client.subscribe(f"{SETPOINT}/set", 1)
        self._client.publish(SETPOINT, "20", 1, retain=True)
        self._client.publish(TAG, json.dumps(ENVELOPE), 1, retain=True).wait_for_publish(5)

    def _command(self, _client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        self._client.publish(SETPOINT, str(min(int(message.payload), 200)), 1, retain=True)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def oven(mosquitto: Mosquitto) -> Iterator[Device]:
    device = Device(mosquitto)
    yield device
    device.close()


def bridge_of(tmp_path: Path, broker: Mosquitto, **writes: Any) -> BridgeProcess:
    said = {"enabled": True, "allow": ["acme/#"], "echo_timeout": 1.0, **writes}
    return BridgeProcess(tmp_path / "bridge", broker.url, {"writes": said, "model": {"discovery_window": 0.5}})


def put(bridge: BridgeProcess, ident: str, value: Any) -> tuple[int, str]:
    body = {"updates": [{"elementId": ident, "value": {"value": value}}]}
    (item,) = bridge.client.put("/v1/objects/value", json=body).json()["results"]
    return (0, "") if item["success"] else (item["responseDetail"]["status"], item["responseDetail"]["detail"])


def current(bridge: BridgeProcess, ident: str) -> Any:
    answer = bridge.client.post("/v1/objects/value", json={"elementIds": [ident]}).json()
    return answer["results"][0].get("result", {}).get("value")


@pytest.mark.usefixtures("oven")
def test_a_device_behind_a_command_topic(tmp_path: Path, mosquitto: Mosquitto) -> None:
    """The command goes to its topic, the device's state is the confirmation, and what it will not do is told."""
    with bridge_of(tmp_path, mosquitto, topic="{topic}/set") as bridge:
        bridge.wait_for(lambda: current(bridge, SETPOINT) == 20)
        assert put(bridge, SETPOINT, 150) == (0, "")
        assert current(bridge, SETPOINT) == 150
        status, detail = put(bridge, SETPOINT, 500)
        assert (status, detail.endswith("something else has come back: 200")) == (503, True)
        status, detail = put(bridge, TAG, 2.5)  # nobody answers there
        assert (status, "nothing has come back within 1 s" in detail) == (503, True)
        lines = (bridge.directory / "bridge-data" / "audit.jsonl").read_text().splitlines()
    told = [(one["elementId"], one["old"], one["new"], one["outcome"][:10]) for one in map(json.loads, lines)]
    assert told == [
        (SETPOINT, 20, 150, "ok"),
        (SETPOINT, 150, 500, "the broker"),
        (TAG, 1.5, 2.5, "the broker"),
    ]


@pytest.mark.usefixtures("oven")
def test_a_tag_keeps_its_envelope(tmp_path: Path, mosquitto: Mosquitto) -> None:
    """What other subscribers get has the same keys, a new time in the same form, and is retained as before."""
    with bridge_of(tmp_path, mosquitto) as bridge:
        bridge.wait_for(lambda: current(bridge, TAG) == 1.5)
        assert put(bridge, TAG, 2.25) == (0, "")
    heard: list[paho.MQTTMessage] = []
    reader = paho.Client(CallbackAPIVersion.VERSION2)
    reader.on_message = lambda _client, _userdata, message: heard.append(message)
    reader.connect(HOST, mosquitto.port)
    reader.subscribe(TAG)
    while not heard:
        reader.loop(0.1)
    reader.disconnect()
    document = json.loads(heard[0].payload)
    assert heard[0].retain
    assert list(document) == list(ENVELOPE)
    assert (document["value"], document["unit"]) == (2.25, "m")
    assert document["timestamp"].endswith("Z")
    assert len(document["timestamp"]) == len(ENVELOPE["timestamp"])
    assert document["timestamp"] > ENVELOPE["timestamp"]


@pytest.mark.parametrize("crash", [pytest.param(False, id="orderly"), pytest.param(True, id="crash")])
def test_after_a_restart(tmp_path: Path, mosquitto: Mosquitto, oven: Device, crash: bool) -> None:
    """A setpoint that nobody publishes again can be written, in its shape: the broker does not send its copy again."""
    with bridge_of(tmp_path, mosquitto) as bridge:
        bridge.wait_for(lambda: current(bridge, TAG) == 1.5)
        oven.close()
        state = bridge.directory / "bridge-data" / "state.sqlite"
        bridge.wait_for(lambda: kept(state) == [TAG, SETPOINT], 30.0)
        if crash:
            bridge.signal(signal.SIGKILL)
            assert bridge.process is not None
            bridge.process.wait()
        else:
            assert bridge.stop() == 0
        bridge.start()
        bridge.wait_for(bridge.ready)
        assert put(bridge, TAG, 2.25) == (0, "")
        assert current(bridge, TAG) == 2.25
        assert put(bridge, SETPOINT, 21) == (0, "")


def kept(path: Path) -> list[str]:
    """The topics of which the state has a message."""
    with contextlib.closing(sqlite3.connect(path)) as connection, contextlib.suppress(sqlite3.OperationalError):
        return [key for (key,) in connection.execute("SELECT key FROM templates ORDER BY key")]
    return []


def test_a_broker_that_does_not_let_us(tmp_path: Path, make_mosquitto: Callable[..., Mosquitto]) -> None:
    """Its refusal is told, and the value stays."""
    rights = tmp_path / "acl"
    rights.write_text("topic read #\npattern write acme/line1/%c/#\n")
    broker = make_mosquitto(f"acl_file {rights}")
    broker.start()
    device = Device(broker)
    device.close()
    with bridge_of(tmp_path, broker) as bridge:
        bridge.wait_for(lambda: current(bridge, SETPOINT) == 20)
        status, detail = put(bridge, SETPOINT, 30)
        assert (status, detail) == (503, "not written: the broker refused it: not authorized (135)")
        assert current(bridge, SETPOINT) == 20


def test_a_broker_that_is_away(tmp_path: Path, make_mosquitto: Callable[..., Mosquitto]) -> None:
    """Without a broker it fails at once, and is not published later; with one it goes on."""
    broker = make_mosquitto()
    broker.start()
    device = Device(broker)
    device.close()
    with bridge_of(tmp_path, broker) as bridge:
        bridge.wait_for(lambda: current(bridge, SETPOINT) == 20)
        broker.stop()
        bridge.wait_for(lambda: not bridge.ready())
        status, detail = put(bridge, SETPOINT, 30)
        assert (status, "not connected" in detail) == (503, True)
        broker.start()
        bridge.wait_for(bridge.ready)
        assert current(bridge, SETPOINT) == 20
        assert put(bridge, SETPOINT, 40) == (0, "")
