"""MQTT's bytes, as far as the hot path needs them: incoming PUBLISH packets and the answers to them.

`Splitter` cuts the stream of a connection into packets, hands each PUBLISH to a function and gives everything
else back, whole and in order, for the MQTT library to deal with. No socket, loop or clock in here. Section
numbers are those of the MQTT 5.0 standard; 3.1.1 differs only by having no properties.
"""

import struct
from collections.abc import Callable, Iterable
from typing import NamedTuple

PUBLISH = 0x30  # the upper four bits of a packet's first byte (section 2.1.2)
PUBACK = b"\x40\x02"  # with the two bytes of a packet id this is a whole PUBACK that says success (section 3.4)
PUBREC = b"\x50\x02"  # the same for PUBREC (section 3.5)
FAILURE = 0x80  # reason codes from here on are refusals (section 2.4)

_LENGTH_BYTES = 4  # a Variable Byte Integer has at most four bytes (section 1.5.5)
_USER_PROPERTY = 0x26
# Bytes of a PUBLISH property of fixed size, and how the others begin (section 2.2.2.2).
_FIXED = {0x01: 1, 0x02: 4, 0x23: 2}  # payload format indicator, message expiry interval, topic alias
_PREFIXED = frozenset({0x03, 0x08, 0x09})  # content type, response topic, correlation data: two bytes of length
_SUBSCRIPTION_ID = 0x0B  # a Variable Byte Integer

_SHORT = struct.Struct("!H")


class Malformed(Exception):
    """The peer does not speak MQTT; the connection is of no more use (section 4.13)."""


class Publication(NamedTuple):
    """A PUBLISH packet. `mid` is the packet id, 0 for QoS 0."""

    topic: bytes
    payload: bytes
    qos: int
    retain: bool
    mid: int
    properties: dict[str, str] | None


class Splitter:
    """Bytes as they arrive → whole packets."""

    def __init__(self, publish: Callable[[int, bytes], None]) -> None:
        """`publish` gets the first byte of a PUBLISH packet and what follows its length."""
        self._publish = publish
        self._pieces: list[bytes] = []  # the beginning of a packet; joined once, when all of it is there
        self._have = 0
        self._need = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes in; what is returned are the other packets. Raises `Malformed`."""
        if self._pieces:
            self._pieces.append(data)
            self._have += len(data)
            if self._have < self._need:
                return b""
            data = b"".join(self._pieces)
            self._pieces.clear()
        return self._split(data)

    def _split(self, data: bytes) -> bytes:
        others: list[bytes] = []
        publish = self._publish
        at, end = 0, len(data)
        while at + 2 <= end:
            length, body = data[at + 1], at + 2
            if length > 0x7F:
                length, body = variable_integer(data, at + 1)
                if body < 0:
                    break
            after = body + length
            if after > end:
                self._keep(data[at:], after - at)
                return b"".join(others)
            first = data[at]
            if first & 0xF0 == PUBLISH:
                publish(first, data[body:after])
            else:
                others.append(data[at:after])
            at = after
        if at < end:
            self._keep(data[at:], 0)
        return b"".join(others)

    def _keep(self, rest: bytes, need: int) -> None:
        """Wait until the packet that `rest` begins has `need` bytes (0: not known yet)."""
        self._pieces.append(rest)
        self._have, self._need = len(rest), need


def variable_integer(data: bytes, at: int) -> tuple[int, int]:
    """A Variable Byte Integer and the position behind it, -1 where it is not complete. Raises `Malformed`."""
    value = 0
    for index, byte in enumerate(data[at : at + _LENGTH_BYTES]):
        value |= (byte & 0x7F) << (7 * index)
        if byte <= 0x7F:
            return value, at + index + 1
    if len(data) - at >= _LENGTH_BYTES:
        raise Malformed("a length of more than four bytes")
    return value, -1


def publication(first: int, body: bytes, *, properties: bool) -> Publication:
    """Read a PUBLISH packet (section 3.3); `properties` is true for MQTT 5. Raises `Malformed`."""
    try:
        at = 2 + (body[0] << 8 | body[1])
        topic = body[2:at]
        qos = first >> 1 & 3
        mid = 0
        if qos:
            mid = body[at] << 8 | body[at + 1]
            at += 2
        pairs = None
        if properties:
            size = body[at]
            at += 1
            if size:
                size, start = variable_integer(body, at - 1)
                at = start + size if start > 0 else len(body) + 1
                pairs = _user_properties(body[start:at])
    except IndexError:
        at = len(body) + 1
    if at > len(body):
        raise Malformed("a PUBLISH packet that ends too early")
    if qos == 3:
        raise Malformed("a PUBLISH packet of QoS 3")
    return Publication(topic, body[at:], qos, first & 1 == 1, mid, pairs)


def _user_properties(block: bytes) -> dict[str, str] | None:
    """The user properties among a packet's properties, the last one of a name, or None without any.

    The block's length frames it, so a property that cannot be read ends the reading and does no other harm.
    """
    pairs: dict[str, str] = {}
    at = 0
    try:
        while at < len(block):
            kind, at = block[at], at + 1
            if kind == _USER_PROPERTY:
                name, at = _text(block, at)
                pairs[name], at = _text(block, at)
            elif kind in _PREFIXED:
                at += 2 + _SHORT.unpack_from(block, at)[0]
            elif kind == _SUBSCRIPTION_ID:
                _, at = variable_integer(block, at)
                if at < 0:
                    break
            else:
                at += _FIXED[kind]
    except (KeyError, struct.error, Malformed):
        pass
    return pairs or None


def _text(block: bytes, at: int) -> tuple[str, int]:
    end = at + 2 + _SHORT.unpack_from(block, at)[0]
    if end > len(block):
        raise Malformed("a property that ends too early")
    return str(block[at + 2 : end], "utf-8", "replace"), end


def answers(receipts: Iterable[tuple[int, int]]) -> bytes:
    """The packets that take over publications, each given by packet id and QoS; QoS 0 needs none.

    A QoS 2 publication is taken over with PUBREC; after it the broker does not send it again (section 4.3.3).
    """
    return b"".join((PUBACK if qos == 1 else PUBREC) + _SHORT.pack(mid) for mid, qos in receipts if qos)


def reason(body: bytes) -> tuple[int, int]:
    """Packet id and reason code of an acknowledgement; without a code it is success (MQTT 5, 3.5.2)."""
    return int.from_bytes(body[:2], "big"), body[2] if len(body) > 2 else 0
