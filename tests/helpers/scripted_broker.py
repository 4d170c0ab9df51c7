"""A broker that does what a test tells it to: for answers that no real broker gives on demand."""

import asyncio
import contextlib
import struct
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from bridge.uns import Message

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, PINGREQ, DISCONNECT = (
    *(0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xC0, 0xE0),
)


def length(size: int) -> bytes:
    """A Variable Byte Integer."""
    digits = b""
    while True:
        size, digit = divmod(size, 128)
        digits += bytes([digit | 0x80 if size else digit])
        if not size:
            return digits


def packet(first: int, body: bytes) -> bytes:
    """A packet with its length."""
    return bytes([first]) + length(len(body)) + body


def connack(code: int = 0, *, present: bool = False, v5: bool = True) -> bytes:
    """A CONNACK; a code other than 0 refuses."""
    return packet(CONNACK, bytes([present, code]) + (b"\0" if v5 else b""))


def text(value: str | bytes) -> bytes:
    """A string with its length."""
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("!H", len(raw)) + raw


def publish_packet(message: Message, *, mid: int = 1, v5: bool = True, topic: bytes | None = None) -> bytes:
    """A PUBLISH; `topic` stands in for topics that are no text."""
    head = text(message.topic if topic is None else topic) + (struct.pack("!H", mid) if message.qos else b"")
    if v5:
        pairs = (message.properties or {}).items()
        properties = b"".join(b"\x26" + text(name) + text(value) for name, value in pairs)
        head += length(len(properties)) + properties
    return packet(PUBLISH | message.qos << 1 | message.retain, head + message.payload)


class ScriptedBroker:
    """Serves one script on a free port of the loopback interface.

    `connack` answers the protocol level of a CONNECT; None closes the connection. `suback` gives the code for a
    filter. `greeting` is sent after each SUBACK. `taken` answers the QoS and the packet id of a PUBLISH. What clients
    did is in `levels`, `filters`, `answers`, `published`.
    """

    def __init__(
        self,
        answer: Callable[[int], bytes | None] = lambda level: connack(v5=level > 4),
        suback: Callable[[str], int] = lambda _: 1,
        greeting: Sequence[bytes] = (),
        taken: Callable[[int, int], bytes] = lambda _qos, _mid: b"",
    ) -> None:
        self._answer = answer
        self._suback = suback
        self._greeting = greeting
        self._taken = taken
        self.levels: list[int] = []
        self.filters: list[str] = []
        self.options: list[int] = []
        self.answers: list[tuple[int, int]] = []  # packet type and id of PUBACK, PUBREC, PUBREL, PUBCOMP
        self.published: list[tuple[str, int, int]] = []  # topic, QoS and packet id
        self.writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"mqtt://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in self.writers:
            writer.close()
        await self._server.wait_closed()

    def send(self, data: bytes) -> None:
        """Send to the latest client."""
        self.writers[-1].write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._packet(reader, writer):
                await writer.drain()
        writer.close()

    async def _packet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, body = await read_packet(reader)
        match first & 0xF0:
            case 0x10:
                level = body[6]
                self.levels.append(level)
                answer = self._answer(level)
                if answer is None:
                    return False
                writer.write(answer)
            case 0x30:
                writer.write(self._publication(first >> 1 & 3, body))
            case 0x80:
                writer.write(self._subscribed(body))
                writer.write(b"".join(self._greeting))
            case 0xA0:
                codes = bytes(0 if name in self.filters else 0x11 for name in _filters(body[3:]))
                self.filters = [name for name in self.filters if name not in _filters(body[3:])]
                writer.write(packet(0xB0, body[:2] + b"\0" + codes))
            case 0xC0:
                writer.write(packet(0xD0, b""))
            case 0xE0:
                return False
            case kind:
                self.answers += [(kind, struct.unpack("!H", body[:2])[0])]
        return True

    def _publication(self, qos: int, body: bytes) -> bytes:
        end = 2 + struct.unpack("!H", body[:2])[0]
        mid = struct.unpack("!H", body[end : end + 2])[0] if qos else 0
        self.published.append((body[2:end].decode(), qos, mid))
        return self._taken(qos, mid)

    def _subscribed(self, body: bytes) -> bytes:
        v5 = self.levels[-1] > 4
        at = 3 if v5 else 2
        codes = b""
        while at < len(body):
            end = at + 2 + struct.unpack_from("!H", body, at)[0]
            pattern = body[at + 2 : end].decode()
            self.filters.append(pattern)
            self.options.append(body[end])
            codes += bytes([self._suback(pattern)])
            at = end + 1
        return packet(SUBACK, body[:2] + (b"\0" if v5 else b"") + codes)


def _filters(body: bytes) -> list[str]:
    """The filters of an UNSUBSCRIBE of MQTT 5."""
    found = []
    while body:
        end = 2 + struct.unpack("!H", body[:2])[0]
        found.append(body[2:end].decode())
        body = body[end:]
    return found


async def read_packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The next packet: its first byte, and what follows its length."""
    first = (await reader.readexactly(1))[0]
    size = shift = 0
    while True:
        digit = (await reader.readexactly(1))[0]
        size |= (digit & 0x7F) << shift
        shift += 7
        if digit < 0x80:
            return first, await reader.readexactly(size)
