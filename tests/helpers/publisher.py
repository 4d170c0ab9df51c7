"""Publishing from a test, and waiting for what it makes happen."""

import asyncio
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from bridge.uns import Message

PATIENCE_S = 10.0


async def publish(url: str, messages: Sequence[Message]) -> None:
    """Publish in order and wait until the broker has taken over the ones of QoS 1 and 2."""
    parts = urlsplit(url)
    client = aiomqtt.Client(
        parts.hostname or "", parts.port or 1883, protocol=aiomqtt.ProtocolVersion.V5, max_inflight_messages=500
    )
    client.pending_calls_threshold = len(messages) + 1
    async with client, asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        for message in messages:
            properties = None
            if message.properties:
                properties = Properties(PacketTypes.PUBLISH)
                properties.UserProperty = list(message.properties.items())
            group.create_task(
                client.publish(message.topic, message.payload, message.qos, message.retain, properties)
            )


async def until(condition: Callable[[], bool], patience: float = PATIENCE_S) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(patience):
        while not condition():
            await asyncio.sleep(0.01)
