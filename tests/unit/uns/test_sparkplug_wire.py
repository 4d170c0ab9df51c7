"""Sparkplug payloads: malformed, truncated, compressed."""

import gzip
import os
import zlib

import pytest

from bridge.uns import sparkplug_wire
from bridge.uns.sparkplug_wire import MAX_INFLATED, MAX_METRICS
from tests.unit.uns import sparkplug_vectors as made
from tests.unit.uns.sparkplug_vectors import (
    INSTANCE,
    MOTOR,
    MS,
    NODE_BIRTH,
    T0,
    Host,
    compressed,
    metric,
    of_dataset,
    of_double,
    payload,
)

MALFORMED = "sparkplug-malformed"


def deflate_bare(data: bytes) -> bytes:
    maker = zlib.compressobj(wbits=-15)
    return maker.compress(data) + maker.flush()


UPDATE = payload(metric(alias=101, value=of_double(103.0)), ms=T0 + 8, seq=None)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(compressed(gzip.compress(UPDATE), "GZIP", seq=2), id="gzip"),
        pytest.param(compressed(zlib.compress(UPDATE), "DEFLATE", seq=2), id="deflate"),
        pytest.param(compressed(deflate_bare(UPDATE), "DEFLATE", seq=2), id="deflate-bare"),
        pytest.param(compressed(zlib.compress(UPDATE), seq=2), id="unnamed"),
    ],
)
def test_compressed(content: bytes) -> None:
    """A compressed payload is read as what is in it, with the sequence number of the outer one."""
    host = Host()
    reading = host("DDATA", content)["Filler 01/Process/Speed"]
    assert (reading.value, reading.time_ns) == (103.0, (T0 + 8) * MS)
    host("DDATA", payload(metric(alias=101, value=of_double(1.0)), seq=3))
    assert host.decoder.stats["seq-gap"] == 0


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(compressed(gzip.compress(bytes(MAX_INFLATED + 1)), "GZIP"), id="bomb"),
        pytest.param(compressed(gzip.compress(os.urandom(40_000) + bytes(MAX_INFLATED)), "GZIP"), id="too-large"),
        pytest.param(compressed(gzip.compress(UPDATE)[:-9], "GZIP"), id="truncated"),
        pytest.param(compressed(b"nonsense", "GZIP"), id="not-gzip"),
        pytest.param(compressed(b"", "DEFLATE"), id="empty"),
        pytest.param(compressed(UPDATE, "LZ4"), id="unknown-algorithm"),
        pytest.param(compressed(zlib.compress(b"\xff\xff"), "DEFLATE"), id="malformed-inside"),
        pytest.param(compressed(zlib.compress(compressed(b""))), id="compressed-twice"),
    ],
)
def test_compressed_that_is_refused(content: bytes) -> None:
    """What cannot be inflated within bounds is rejected and changes nothing."""
    host = Host()
    before = dict(host.decoder.stats)
    assert host.rejected("DDATA", content) == "sparkplug-compressed"
    assert dict(host.decoder.stats) == before


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'{"not":"protobuf"}', id="json"),
        pytest.param(b"\x00\x01\x02", id="garbage"),
        pytest.param(made.number(99, 1), id="unknown-fields-only"),
        pytest.param(NODE_BIRTH[:-1], id="truncated"),
        pytest.param(made.block(2, b"\x0a\xff\xff\xff\xff\x0f"), id="length-beyond-the-end"),
    ],
)
def test_malformed(content: bytes) -> None:
    """What is not a Sparkplug payload is rejected and changes nothing."""
    host = Host()
    assert host.rejected("NBIRTH", content) == MALFORMED
    assert host("DDATA", payload(metric(alias=101, value=of_double(1.0)), seq=2))
    assert host.decoder.stats["seq-gap"] == 0


def test_deep_nesting_is_refused() -> None:
    """Nesting beyond what the protobuf library allows is malformed, quickly and without recursion errors."""
    content = b""
    for _ in range(2000):
        content = made.block(18, made.block(2, content))
    assert Host(born=False).rejected("NBIRTH", made.block(2, content)) == MALFORMED


def test_truncation_at_every_byte() -> None:
    """Every beginning of a valid payload gives readings or a rejection."""
    content = payload(MOTOR, INSTANCE, metric("S", of_dataset(["A"], [3], [[made.number(1, 1)]]), kind=16))
    for end in range(len(content)):
        answer = Host(born=False).answer("NBIRTH", content[:end])
        assert isinstance(answer, list) or answer.reason == MALFORMED


def test_too_many_metrics() -> None:
    """A payload with more metrics than anyone sends is refused as a whole."""
    assert Host(born=False).rejected("NBIRTH", b"\x12\x00" * (MAX_METRICS + 1)) == "sparkplug-limit"


def test_schema_is_its_own() -> None:
    """The message classes live in a pool of their own: another Sparkplug library may have the same names."""
    descriptor = sparkplug_wire.CLASSES["Payload"].DESCRIPTOR
    assert (descriptor.full_name, len(descriptor.fields)) == ("bridge.sparkplug.Payload", 5)
