"""Recorded traffic: folders of shared captures, and files of the project's own; and its replay through a broker."""

import base64
import gzip
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from bridge.uns import Message

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("BRIDGE_FIXTURES", ROOT.parent / "shared" / "fixtures"))
OWN = ROOT / "tests" / "fixtures"
CAPTURE = "capture.jsonl.gz"

PATIENCE_S = 60.0  # for a broker to take over a whole recording
SAVES_SELDOM = (
    "autosave_on_changes false",
    "autosave_interval 60",
)  # where no broker crashes: saving takes a millisecond a message
IN_FLIGHT = 1_000  # messages that the broker has not confirmed


def shared_folders() -> list[str]:
    """Names of the shared recordings that are here; maybe none."""
    return sorted(path.parent.name for path in SHARED.glob(f"*/{CAPTURE}"))


def own_files() -> list[str]:
    """Names of the project's own recordings."""
    return sorted(path.name for path in OWN.glob("*.jsonl"))


def path_of(name: str) -> Path:
    """The file of a recording, by the name that one of the two lists has."""
    return OWN / name if name.endswith(".jsonl") else SHARED / name / CAPTURE


def messages(path: Path) -> Iterator[Message]:
    """All messages in order of arrival. `received_ns` is what the recording says, as a time since 1970."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield _message(json.loads(line))


def _message(row: dict[str, Any]) -> Message:
    payload = base64.b64decode(row["payload_b64"]) if "payload_b64" in row else row["payload"].encode()
    return Message(
        row["topic"],
        payload,
        row.get("qos", 0),
        row.get("retain", False),
        received_ns=int(row.get("t", 0) * 1_000_000_000),
        properties=dict(row.get("user_properties", ())) or None,
    )


def publishable(topic: str) -> bool:
    """Whether a broker takes the topic and a subscription to `#` gets it: no wildcards, control characters or `$`."""
    return (
        0 < len(topic.encode()) <= 65_535
        and not topic.startswith("$")
        and not any(c in "+#" or ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F for c in topic)
    )


class Publisher:
    """Publishes in order, each message with QoS 1 at least: the broker loses none, so counts can be exact."""

    def __init__(self, port: int) -> None:
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.max_inflight_messages_set(IN_FLIGHT)
        self._client.max_queued_messages_set(0)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def publish(self, batch: Sequence[Message]) -> None:
        """Publish all and wait until the broker has taken them over."""
        sent = [self._publish(message) for message in batch]
        deadline = time.monotonic() + PATIENCE_S
        for one in sent:
            one.wait_for_publish(max(0.01, deadline - time.monotonic()))
        assert all(one.is_published() for one in sent), "the broker did not take over everything"

    def _publish(self, message: Message) -> paho.MQTTMessageInfo:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if message.properties:
            properties.UserProperty = list(message.properties.items())
        return self._client.publish(
            message.topic,
            message.payload,
            max(message.qos, 1),
            message.retain,
            properties if message.properties else None,
        )

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
