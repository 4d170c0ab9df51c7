"""MQTT's bytes: the splitting of packets, PUBLISH packets and the answers to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from scripted_broker import connack, length, packet, publish_packet, text

from bridge.sources import wire
from bridge.uns import Message

PACKETS = [
    connack(),
    publish_packet(Message("a/b", b"1")),
    packet(0xD0, b""),
    publish_packet(Message("a/b", b"x" * 300, 1), mid=7),
    packet(0x90, b"\x00\x01\x00\x01"),
    publish_packet(Message("c", b"", 2, properties={"a": "b"}), mid=65535),
]
OTHERS = PACKETS[0] + PACKETS[2] + PACKETS[4]

user_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufeff"), max_size=20)


def split(pieces: list[bytes]) -> tuple[list[wire.Publication], bytes]:
    """What comes of bytes that arrive in these pieces."""
    found: list[wire.Publication] = []
    splitter = wire.Splitter(lambda first, body: found.append(wire.publication(first, body, properties=True)))
    others = b"".join(splitter.feed(piece) for piece in pieces)
    return found, others


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 10_000])
def test_pieces(size: int) -> None:
    """However the bytes arrive, the same packets come out, whole and in order."""
    stream = b"".join(PACKETS)
    found, others = split([stream[at : at + size] for at in range(0, len(stream), size)])
    assert others == OTHERS
    assert [(p.topic, p.payload, p.qos, p.mid) for p in found] == [
        (b"a/b", b"1", 0, 0),
        (b"a/b", b"x" * 300, 1, 7),
        (b"c", b"", 2, 65535),
    ]


def test_cut_anywhere() -> None:
    """One cut, at each byte, changes nothing."""
    stream = b"".join(PACKETS)
    whole = split([stream])
    for at in range(len(stream)):
        assert split([stream[:at], stream[at:]]) == whole


def test_large() -> None:
    """A packet of many megabytes is put together in linear time."""
    payload = bytes(32 * 1024 * 1024)
    stream = publish_packet(Message("large", payload))
    ((found,), others) = split([stream[at : at + 4096] for at in range(0, len(stream), 4096)])
    assert len(found.payload) == len(payload)
    assert others == b""


@given(
    topic=user_text.filter(bool),
    payload=st.binary(max_size=300),
    qos=st.integers(0, 2),
    retain=st.booleans(),
    pairs=st.lists(st.tuples(user_text, user_text), max_size=4),
    expiry=st.none() | st.integers(0, 2**32 - 1),
    content_type=st.none() | user_text,
    correlation=st.none() | st.binary(max_size=20),
    identifiers=st.lists(st.integers(1, 268_435_455), max_size=2),
)
def test_properties(
    topic: str,
    payload: bytes,
    qos: int,
    retain: bool,
    pairs: list[tuple[str, str]],
    expiry: int | None,
    content_type: str | None,
    correlation: bytes | None,
    identifiers: list[int],
) -> None:
    """What paho packs is read back: user properties are kept, the others passed over."""
    properties = Properties(PacketTypes.PUBLISH)
    for name, value in {
        "MessageExpiryInterval": expiry,
        "ContentType": content_type,
        "CorrelationData": correlation,
        "SubscriptionIdentifier": identifiers or None,
        "UserProperty": pairs or None,
        "PayloadFormatIndicator": 1,
    }.items():
        if value is not None:
            setattr(properties, name, value)
    head = text(topic) + (b"\x12\x34" if qos else b"") + bytes(properties.pack())
    got = wire.publication(0x30 | qos << 1 | retain, head + payload, properties=True)
    expected = wire.Publication(topic.encode(), payload, qos, retain, 0x1234 if qos else 0, dict(pairs) or None)
    assert got == expected


def test_3_1_1() -> None:
    """Without properties the payload follows at once."""
    body = publish_packet(Message("a", b"\x05abc", 1), mid=3, v5=False)[2:]
    assert wire.publication(0x32, body, properties=False) == (b"a", b"\x05abc", 1, False, 3, None)


def test_truncated() -> None:
    """A PUBLISH packet that was cut anywhere before its payload is malformed, and nothing else happens."""
    message = Message("topic", b"", 1, properties={"name": "value"})
    body = publish_packet(message)[2:]
    for end in range(len(body)):
        with pytest.raises(wire.Malformed):
            wire.publication(0x32, body[:end], properties=True)


@pytest.mark.parametrize(
    ("block", "pairs"),
    [
        pytest.param(b"\x26" + text("a") + text(b"\xff"), {"a": "�"}, id="value not UTF-8"),
        pytest.param(b"\x26" + text("a") + b"\x00\x09b", None, id="value too short"),
        pytest.param(b"\x26" + text("a") + text("b") + b"\x7f\x01", {"a": "b"}, id="unknown property behind"),
        pytest.param(b"\x02\x00", None, id="number too short"),
        pytest.param(b"\x0b\xff", None, id="integer too short"),
        pytest.param(b"\x26" + text("a") + text("1") + b"\x26" + text("a") + text("2"), {"a": "2"}, id="twice"),
        pytest.param(b"\x26" + text("ce\ufeff") + text("1"), {"ce\ufeff": "1"}, id="byte order mark"),
    ],
)
def test_bad_properties(block: bytes, pairs: dict[str, str] | None) -> None:
    """Properties that cannot be read do no harm to the message."""
    got = wire.publication(0x30, text("t") + length(len(block)) + block + b"payload", properties=True)
    assert (got.payload, got.properties) == (b"payload", pairs)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x30\xff\xff\xff\xff\x01", id="length of five bytes"),
        pytest.param(packet(0x36, text("a") + b"\x00\x01\x00"), id="QoS 3"),
        pytest.param(packet(0x30, b""), id="empty"),
    ],
)
def test_malformed(data: bytes) -> None:
    """What is not MQTT is told as such."""
    with pytest.raises(wire.Malformed):
        split([data])


@given(st.binary(max_size=200), st.booleans())
def test_garbage(data: bytes, properties: bool) -> None:
    """Any bytes give packets or `Malformed`, no other exception."""
    splitter = wire.Splitter(lambda first, body: wire.publication(first, body, properties=properties) and None)
    try:
        splitter.feed(data)
        splitter.feed(data)
    except wire.Malformed:
        pass


def test_answers() -> None:
    """QoS 1 is answered with PUBACK, QoS 2 with PUBREC, QoS 0 not at all."""
    assert wire.answers([(1, 1), (0, 0), (258, 2)]) == b"\x40\x02\x00\x01\x50\x02\x01\x02"
    assert wire.answers([]) == b""
