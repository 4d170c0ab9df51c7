"""Publishing from a test, and waiting for what it makes happen."""

import asyncio
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from scripted_broker import CONNECT, DISCONNECT, PUBCOMP, PUBREC, PUBREL, packet, publish_packet, read_packet

from bridge.uns import Message

PATIENCE_S = 20.0
IN_FLIGHT = 100  # messages that the broker has not yet taken over


async def publish(url: str, messages: Sequence[Message]) -> None:
    """Publish in order, with MQTT 5, and wait until the broker has taken over the ones of QoS 1 and 2.

    Written out, because the libraries need longer for thousands of messages than what is to be tested.
    """
    parts = urlsplit(url)
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(packet(CONNECT, b"\0\4MQTT\5\2\0\0\0\0\0"))
        await read_packet(reader)
        waiting = 0
        for index, message in enumerate(messages):
            mid = index % 60_000 + 1
            writer.write(publish_packet(message, mid=mid))
            waiting += message.qos > 0
            while waiting >= IN_FLIGHT or (waiting and message is messages[-1]):
                waiting -= await _answered(reader, writer)
        writer.write(packet(DISCONNECT, b""))
        await writer.drain()
        await reader.read()  # the broker closes the connection once it has read everything
        writer.close()
        await writer.wait_closed()


async def _answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    """Read one answer; how many messages it settles."""
    first, body = await read_packet(reader)
    if first & 0xF0 == PUBREC:
        writer.write(packet(PUBREL | 2, body[:2]))
        return 0
    return int(first & 0xF0 in (0x40, PUBCOMP))


async def until(condition: Callable[[], bool], patience: float = PATIENCE_S) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(patience):
        while not condition():  # noqa: ASYNC110 - conditions of all kinds
            await asyncio.sleep(0.01)
