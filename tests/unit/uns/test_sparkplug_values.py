"""Sparkplug data types and the JSON values that they become."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.uns.sparkplug_values import MAX_CELLS
from tests.unit.uns import sparkplug_vectors as made
from tests.unit.uns.sparkplug_vectors import (
    T0,
    Host,
    metric,
    of_bool,
    of_bytes,
    of_dataset,
    of_double,
    of_float,
    of_int,
    of_long,
    of_text,
    payload,
    told,
)

SERIAL = "c0ffee00-0000-4000-8000-000000000064"


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        pytest.param(of_int(0xD6), 1, -42, id="int8-in-8-bits"),
        pytest.param(of_int(0xFFFF_FFD6), 1, -42, id="int8-in-32-bits"),
        pytest.param(of_int(0xFFFF_8000), 2, -32768, id="int16-lowest"),
        pytest.param(of_int(0x8000_0000), 3, -(2**31), id="int32-lowest"),
        pytest.param(of_long(0xFFFF_FFFF_FFFF_FFFF), 3, -1, id="int32-in-64-bits"),
        pytest.param(of_int(300), 1, 300, id="int8-that-is-none"),
        pytest.param(of_long(9_007_199_254_740_993), 4, 9_007_199_254_740_993, id="int64-beyond-double"),
        pytest.param(of_long(1 << 63), 4, -(2**63), id="int64-lowest"),
        pytest.param(of_int(255), 5, 255, id="uint8"),
        pytest.param(of_int(65_535), 6, 65_535, id="uint16"),
        pytest.param(of_int(4_294_967_295), 7, 4_294_967_295, id="uint32"),
        pytest.param(of_long(2**64 - 1), 8, 2**64 - 1, id="uint64-highest"),
        pytest.param(of_float(0.21), 9, 0.21, id="float-shortest"),
        pytest.param(of_float(3.4028235e38), 9, 3.4028235e38, id="float-highest"),
        pytest.param(of_double(0.1), 10, 0.1, id="double"),
        pytest.param(of_double(5.0), 3, 5, id="int32-in-double"),
        pytest.param(of_bool(True), 11, True, id="boolean"),
        pytest.param(of_int(1), 11, True, id="boolean-in-int"),
        pytest.param(of_text("007"), 12, "007", id="string"),
        pytest.param(of_text("42"), 14, "42", id="text"),
        pytest.param(of_text(SERIAL), 15, SERIAL, id="uuid"),
        pytest.param(of_long(T0 + 7), 13, "2026-01-15T12:00:00.007Z", id="datetime"),
        pytest.param(of_long(-1), 13, "1969-12-31T23:59:59.999Z", id="datetime-before-1970"),
        pytest.param(of_bytes(b"\x00\xff"), 17, "AP8=", id="bytes"),
        pytest.param(of_bytes(b"\x00\xff"), 18, "AP8=", id="file"),
        pytest.param(of_bytes(b"\xff\x7f"), 22, [-1, 127], id="int8-array"),
        pytest.param(of_bytes(b"\xff\xff\x01\x00"), 23, [-1, 1], id="int16-array"),
        pytest.param(
            of_bytes(bytes.fromhex("15cd5b07b168de3a")), 24, [123456789, 987654321], id="int32-array"
        ),
        pytest.param(of_bytes(struct.pack("<q", -(2**63))), 25, [-(2**63)], id="int64-array"),
        pytest.param(of_bytes(b"\xff"), 26, [255], id="uint8-array"),
        pytest.param(of_bytes(b"\xff\xff"), 27, [65535], id="uint16-array"),
        pytest.param(of_bytes(b"\xff\xff\xff\xff"), 28, [2**32 - 1], id="uint32-array"),
        pytest.param(of_bytes(b"\xff" * 8), 29, [2**64 - 1], id="uint64-array"),
        pytest.param(of_bytes(struct.pack("<3f", 0.1, math.nan, 2)), 30, [0.1, None, 2.0], id="float-array"),
        pytest.param(of_bytes(struct.pack("<2d", 0.1, math.inf)), 31, [0.1, None], id="double-array"),
        pytest.param(
            of_bytes(bytes.fromhex("0c00000034d0")), 32,
            [False, False, True, True, False, True, False, False, True, True, False, True],
            id="boolean-array",
        ),
        pytest.param(of_bytes(b"ABC\0hello\0"), 33, ["ABC", "hello"], id="string-array"),
        pytest.param(of_bytes(b""), 33, [], id="string-array-empty"),
        pytest.param(
            of_bytes(struct.pack("<2q", T0, -1)), 34,
            ["2026-01-15T12:00:00.000Z", "1969-12-31T23:59:59.999Z"], id="datetime-array",
        ),
        pytest.param(of_int(7), 99, 7, id="unknown-type"),
    ],
)  # fmt: skip
def test_data_types(value: bytes, kind: int, expected: object) -> None:
    """Every data type of the specification becomes the JSON value that says the same, exactly."""
    reading = told(value, kind)
    assert (reading.value, reading.quality) == (expected, "Good")
    assert type(reading.value) is type(expected)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param(of_double(math.nan), 10, id="nan"),
        pytest.param(of_float(-math.inf), 9, id="infinity"),
        pytest.param(of_long(1 << 62), 13, id="datetime-beyond-the-calendar"),
        pytest.param(of_bytes(b"\0\0\0"), 24, id="int32-array-cut-short"),
        pytest.param(of_bytes(b"\xff\xff\xff\xff\0"), 32, id="boolean-array-lies-about-its-length"),
        pytest.param(of_bytes(b"\1"), 32, id="boolean-array-without-length"),
        pytest.param(of_bytes(b"\0" * (MAX_CELLS + 1)), 22, id="array-too-long"),
        pytest.param(of_bytes(b"\0" * (MAX_CELLS + 1)), 33, id="string-array-too-long"),
    ],
)
def test_values_that_json_cannot_say(value: bytes, kind: int) -> None:
    """They are null and Bad, and counted."""
    host = Host(born=False)
    reading = host("NBIRTH", payload(metric("M", value, kind=kind)))["M"]
    assert (reading.value, reading.quality, reading.shape) == (None, "Bad", type(None))
    assert host.decoder.stats["unreadable-value"] == 1


@pytest.mark.parametrize(
    ("kind", "declared"),
    [
        pytest.param(3, int, id="int32"),
        pytest.param(10, float, id="double"),
        pytest.param(11, bool, id="boolean"),
        pytest.param(12, str, id="string"),
        pytest.param(13, str, id="datetime"),
        pytest.param(17, bytes, id="bytes"),
        pytest.param(16, None, id="data-set"),
        pytest.param(22, None, id="array"),
    ],
)
def test_null_declares_its_kind(kind: int, declared: type | None) -> None:
    """A metric without a value tells what the birth says about the kind of its values, if they are scalars."""
    reading = Host(born=False)("NBIRTH", payload(metric("M", kind=kind)))["M"]
    assert (reading.value, reading.shape, reading.declared) == (None, type(None), declared)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_are_shortened_without_loss(number: float) -> None:
    """The decimal of a 32-bit float is the same 32-bit float."""
    value = told(of_float(number), 9).value
    assert struct.pack("<f", value) == struct.pack("<f", number)
    assert len(repr(value)) <= len(repr(number))


@pytest.mark.parametrize("kind", [12, 17], ids=["string", "bytes"])
def test_binary_values_are_marked(kind: int) -> None:
    """Bytes, and text that is not UTF-8, are base64 and say so."""
    reading = told(of_text(b"\xc4") if kind == 12 else of_bytes(b"\xc4"), kind)
    assert (reading.value, type(reading.value), reading.binary, reading.shape) == ("xA==", str, True, str)


def test_shapes_are_equal_for_equal_structures() -> None:
    """The shape of an array does not depend on its length, that of a data set not on its cells."""
    shapes = [told(of_bytes(struct.pack(f"<{n}d", *range(n))), 31).shape for n in (2, 3)]
    assert shapes[0] == shapes[1]
    assert hash(shapes[0]) == hash(shapes[1])


def test_dataset() -> None:
    """A data set is a list of rows by column name, each cell by its column's type."""
    rows = [[made.block(6, b"CHK"), made.number(1, 0xFFFF_FFFF)], [made.block(6, b"SED"), b""]]
    reading = told(of_dataset(["Code", "Count"], [12, 3], rows), 16)
    assert reading.value == [{"Code": "CHK", "Count": -1}, {"Code": "SED", "Count": None}]


@pytest.mark.parametrize(
    ("columns", "cells"),
    [pytest.param(["A", "A"], [1, 2], id="columns-alike"), pytest.param(["A", "B"], [1], id="row-too-short")],
)
def test_dataset_that_is_no_table(columns: list[str], cells: list[int]) -> None:
    """Nothing of it is lost where names do not tell the cells apart."""
    rows = [[made.number(1, cell) for cell in cells]]
    assert told(of_dataset(columns, [3, 3], rows), 16).value == {"columns": columns, "rows": [cells]}


def test_file_metadata() -> None:
    """What a file is called goes with its content."""
    metadata = made.block(8, made.block(2, b"text/csv") + made.number(3, 2) + made.block(5, b"a.csv"))
    reading = told(of_bytes(b"a;"), 18, more=metadata)
    assert reading.attributes == {
        "dataType": "File",
        "contentType": "text/csv",
        "fileName": "a.csv",
        "size": 2,
    }
