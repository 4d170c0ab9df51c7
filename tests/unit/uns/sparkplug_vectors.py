"""Sparkplug B messages of our own, put together byte by byte.

The field numbers stand here as the specification gives them (Sparkplug 3.0, 6.4.1–6.4.15), independently of
the schema table in the package: a wrong number there cannot hide.
"""

import struct

from bridge.uns.message import Message, Reading, Rejected
from bridge.uns.sparkplug import SparkplugDecoder

T0 = 1_768_478_400_000  # 2026-01-15T12:00:00Z in ms
MS = 1_000_000  # ns

NODE = "spBv1.0/Plant/{}/Edge 1"
DEVICE = "spBv1.0/Plant/{}/Edge 1/Filler 01"


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """A field of wire type 0; negative ones in 64 bits."""
    return varint(field << 3) + varint(value & 0xFFFF_FFFF_FFFF_FFFF)


def block(field: int, content: bytes) -> bytes:
    """A field of wire type 2: text, bytes, a message."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def single(field: int, value: float) -> bytes:
    return varint(field << 3 | 5) + struct.pack("<f", value)


def double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", value)


# The alternatives of a metric's value.
def of_int(value: int) -> bytes:
    return number(10, value)


def of_long(value: int) -> bytes:
    return number(11, value)


def of_float(value: float) -> bytes:
    return single(12, value)


def of_double(value: float) -> bytes:
    return double(13, value)


def of_bool(value: bool) -> bytes:
    return number(14, value)


def of_text(value: str | bytes) -> bytes:
    return block(15, value if isinstance(value, bytes) else value.encode())


def of_bytes(value: bytes) -> bytes:
    return block(16, value)


def of_dataset(columns: list[str], types: list[int], rows: list[list[bytes]]) -> bytes:
    content = number(1, len(columns)) + b"".join(block(2, column.encode()) for column in columns)
    content += b"".join(number(3, kind) for kind in types)
    content += b"".join(block(4, b"".join(block(1, cell) for cell in row)) for row in rows)
    return block(17, content)


def of_template(
    *members: bytes,
    ref: str = "",
    version: str = "",
    parameters: tuple[bytes, ...] = (),
    definition: bool = False,
) -> bytes:
    content = block(1, version.encode()) if version else b""
    content += b"".join(block(2, member) for member in members)
    content += b"".join(block(3, parameter) for parameter in parameters)
    content += block(4, ref.encode()) if ref else b""
    return block(18, content + number(5, definition))


def parameter(name: str, kind: int, text: str) -> bytes:
    return block(1, name.encode()) + number(2, kind) + block(8, text.encode())


def properties(**values: str | float | bytes) -> bytes:
    """The field of a property set: text, an Int32, a double, or the bytes of a property's own."""
    keys = b"".join(block(1, key.encode()) for key in values)
    held = b""
    for value in values.values():
        match value:
            case bytes():
                held += block(2, value)
            case str():
                held += block(2, number(1, 12) + block(8, value.encode()))
            case int():
                held += block(2, number(1, 3) + number(3, value & 0xFFFF_FFFF))
            case float():
                held += block(2, number(1, 10) + double(6, value))
    return block(9, keys + held)


def metric(
    name: str | bytes = "",
    value: bytes = b"",
    *,
    alias: int | None = None,
    ms: int | None = None,
    kind: int | None = None,
    more: bytes = b"",
) -> bytes:
    """A metric; `more` is whatever else it has."""
    content = block(1, name if isinstance(name, bytes) else name.encode()) if name else b""
    content += number(2, alias) if alias is not None else b""
    content += number(3, ms) if ms is not None else b""
    content += number(4, kind) if kind is not None else b""
    return content + more + value


HISTORICAL, TRANSIENT, NULL = number(5, 1), number(6, 1), number(7, 1)


def payload(*metrics: bytes, ms: int | None = T0, seq: int | None = 0) -> bytes:
    content = number(1, ms) if ms is not None else b""
    content += b"".join(block(2, one) for one in metrics)
    return content + (number(3, seq) if seq is not None else b"")


def compressed(body: bytes, algorithm: str | None = None, *, ms: int = T0, seq: int = 0) -> bytes:
    metrics = (metric("algorithm", of_text(algorithm), kind=12),) if algorithm else ()
    return payload(*metrics, ms=ms, seq=seq) + block(4, b"SPBV1.0_COMPRESSED") + block(5, body)


def bd_seq(session: int) -> bytes:
    return metric("bdSeq", of_long(session), kind=4)


NODE_BIRTH = payload(
    bd_seq(7),
    metric("Node Control/Rebirth", of_bool(False), kind=11, alias=2),
    metric(
        "CPU/Temperature", of_float(51.3), kind=9, alias=1, ms=T0 - 5,
        more=properties(engUnit="°C", engLow=0.0, engHigh=100.0, Documentation="SoC", Quality=192),
    ),
    metric("Firmware", of_text("2.3.1"), kind=12),
)  # fmt: skip
DEVICE_BIRTH = payload(
    metric("Process/Speed", of_double(100.0), kind=10, alias=101, more=properties(engUnit="bpm")),
    metric("Running", of_bool(True), kind=11, alias=102),
    metric("Count", of_int(4_294_967_254), kind=2, alias=103),
    seq=1,
)
MOTOR = metric(
    "_types_/Motor",
    of_template(
        metric("Speed", kind=10), metric("State", kind=1),
        metric("Pump", of_template(ref="_types_/Pump"), kind=19),
        version="1.2", parameters=(parameter("AssetId", 12, ""),), definition=True,
    ),
    kind=19,
)  # fmt: skip
INSTANCE = metric(
    "Line/Motor 1",
    of_template(
        metric("Speed", of_double(1450.0)), metric("State", of_int(0xFF)),
        metric("Pump", of_template(metric("Flow", of_double(1.5), kind=10), ref="Pump"), kind=19),
        ref="_types_/Motor", parameters=(parameter("AssetId", 12, "A-7"),),
    ),
    kind=19, alias=5, ms=T0 + 3,
)  # fmt: skip


class Host:
    """A decoder that is told kinds of messages instead of topics; the clock stands unless it is set."""

    def __init__(self, *, born: bool = True) -> None:
        self.decoder = SparkplugDecoder()
        self.now_ns = (T0 + 1000) * MS
        if born:
            self("NBIRTH", NODE_BIRTH)
            self("DBIRTH", DEVICE_BIRTH)

    def answer(self, kind: str, content: bytes) -> list[Reading] | Rejected:
        topic = (NODE if kind[0] == "N" else DEVICE).format(kind)
        return self.decoder.read(Message(topic, content, received_ns=self.now_ns))

    def __call__(self, kind: str, content: bytes) -> dict[str, Reading]:
        """Readings by what follows the node in their topic."""
        answer = self.answer(kind, content)
        assert isinstance(answer, list), answer
        return {reading.topic.removeprefix("spBv1.0/Plant/Edge 1/"): reading for reading in answer}

    def rejected(self, kind: str, content: bytes) -> str:
        answer = self.answer(kind, content)
        assert isinstance(answer, Rejected)
        return answer.reason


def told(value: bytes, kind: int, **more: bytes) -> Reading:
    """What one metric of a node's birth becomes."""
    return Host(born=False)("NBIRTH", payload(metric("M", value, kind=kind, **more)))["M"]
