"""Sparkplug B values → JSON: integers exactly, times as RFC 3339, bytes as base64, data sets as rows.

Every function takes what the wire holds and the declared data type. None means that the value cannot be told:
NaN, an array cut short, a time beyond the calendar, more than `MAX_CELLS` elements. Where the declared type
and the wire disagree, the wire is believed: it says what was sent.
"""

import math
import struct
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from typing import Final

from bridge.uns import moments
from bridge.uns.message import Json
from bridge.uns.payload import Binary
from bridge.uns.sparkplug_wire import DataType, Wire

MAX_CELLS = 100_000  # elements of an array or cells of a data set: about 50 ms of work
MAX_PROPERTIES = 64  # of a metric; Ignition sends about 20
MAX_PROPERTY_DEPTH = 8  # property sets in property sets; none deeper than 2 was ever seen

_SIGNED_BITS: Final[dict[int, int]] = {
    DataType.Int8: 8, DataType.Int16: 16, DataType.Int32: 32, DataType.Int64: 64,
}  # fmt: skip
_INTEGERS = frozenset(range(DataType.Int8, DataType.UInt64 + 1))
_TEXTS = frozenset({DataType.String, DataType.Text, DataType.UUID})
_PACKED: Final[dict[int, str]] = {
    DataType.Int8Array: "b", DataType.Int16Array: "h", DataType.Int32Array: "i", DataType.Int64Array: "q",
    DataType.UInt8Array: "B", DataType.UInt16Array: "H", DataType.UInt32Array: "I", DataType.UInt64Array: "Q",
    DataType.FloatArray: "f", DataType.DoubleArray: "d", DataType.DateTimeArray: "q",
}  # fmt: skip
_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_799_999  # the years 1 to 9999: what RFC 3339 can say
_DIGITS = range(6, 9)  # significant digits that may do for a 32-bit float; 9 always do
_EXACT = 1 << 24  # below it every integer is a 32-bit float, and its shortest decimal is plain
_single = struct.Struct("<f")


def value_of(holder: Wire, field: str, datatype: int) -> Json:
    """The value of a metric, parameter, property or cell whose set member of `oneof value` is `field`."""
    reader = _READERS.get(field)
    return reader(getattr(holder, field), datatype) if reader else None


def name_of(raw: bytes) -> str:
    """A name's text; bytes that are not UTF-8 stay apart from each other as `\\xNN`."""
    return raw.decode("utf-8", "backslashreplace")


def _integer(raw: int, datatype: int) -> Json:
    """Two's complement of the declared width; of the wire's own width where a publisher has sign-extended."""
    bits = _SIGNED_BITS.get(datatype)
    if bits is not None:
        if raw >> bits:
            bits = 64 if raw >> 32 else 32
        return raw - (1 << bits) if raw >> (bits - 1) else raw
    if datatype == DataType.Boolean and raw <= 1:
        return raw == 1
    return _instant(raw) if datatype == DataType.DateTime else raw


def _instant(raw: int) -> str | None:
    ms = raw - (1 << 64) if raw >> 63 else raw
    return moments.render(ms * 1_000_000) if _FIRST_MS <= ms <= _LAST_MS else None


def _double(raw: float, datatype: int) -> Json:
    if not math.isfinite(raw):
        return None
    return int(raw) if datatype in _INTEGERS and raw.is_integer() else raw


def _float(raw: float, datatype: int) -> Json:
    """The shortest decimal that is this 32-bit float: 0.21, not 0.20999999344348907."""
    if (-_EXACT < raw < _EXACT and raw.is_integer()) or not math.isfinite(raw):
        return _double(raw, datatype)
    for digits in _DIGITS:
        short = float(f"{raw:.{digits}g}")
        if _single.unpack(_single.pack(short))[0] == raw:
            return short
    return float(f"{raw:.9g}")


def _boolean(raw: bool, _datatype: int) -> Json:
    return raw


def _text(raw: bytes, _datatype: int) -> Json:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return _base64(raw)


def _base64(raw: bytes) -> Binary:
    return Binary(b2a_base64(raw, newline=False).decode("ascii"))


def _bytes(raw: bytes, datatype: int) -> Json:
    if datatype in _PACKED:
        return _packed(raw, datatype)
    if datatype == DataType.BooleanArray:
        return _booleans(raw)
    if datatype == DataType.StringArray:
        return _strings(raw)
    return _text(raw, datatype) if datatype in _TEXTS else _base64(raw)


def _packed(raw: bytes, datatype: int) -> list[Json] | None:
    """Sparkplug 3.0, 6.4.17: elements of fixed width, little-endian, one after the other."""
    code = _PACKED[datatype]
    count, rest = divmod(len(raw), struct.calcsize(f"<{code}"))
    if rest or count > MAX_CELLS:
        return None
    numbers = struct.unpack(f"<{count}{code}", raw)
    if datatype == DataType.FloatArray:
        return [_float(number, datatype) for number in numbers]
    if datatype == DataType.DoubleArray:
        return [_double(number, datatype) for number in numbers]
    if datatype == DataType.DateTimeArray:
        return [_instant(number & 0xFFFF_FFFF_FFFF_FFFF) for number in numbers]
    return list(numbers)


def _booleans(raw: bytes) -> list[Json] | None:
    """A count of 4 bytes, then a bit each, the highest of a byte first."""
    count, bits = int.from_bytes(raw[:4], "little"), raw[4:]
    if len(raw) < 4 or count > 8 * len(bits) or count > MAX_CELLS:
        return None
    return [bool(bits[at >> 3] >> (7 - (at & 7)) & 1) for at in range(count)]


def _strings(raw: bytes) -> list[Json] | None:
    """Each ends with a zero byte; the last one's is sometimes left out."""
    if raw.count(b"\0") >= MAX_CELLS:
        return None
    parts = raw.split(b"\0")
    if not parts[-1]:
        parts.pop()
    return [_plain(_text(part, DataType.String)) for part in parts]


def _plain(value: Json) -> Json:
    """Inside arrays and rows base64 is a string like any other."""
    return str(value) if type(value) is Binary else value


def _dataset(dataset: Wire, _datatype: int) -> Json:
    """A list of rows, objects by column name; `{columns, rows}` where names do not tell the cells apart."""
    if sum(len(row.elements) or 1 for row in dataset.rows) > MAX_CELLS:
        return None
    columns = [name_of(column) for column in dataset.columns]
    types = [*dataset.types]
    rows = [[_cell(cell, kind) for cell, kind in _typed(row.elements, types)] for row in dataset.rows]
    if len(set(columns)) == len(columns) and all(len(row) == len(columns) for row in rows):
        return [dict(zip(columns, row, strict=True)) for row in rows]
    return {"columns": columns, "rows": rows}


def _typed(cells: Iterable[Wire], types: Iterable[int]) -> Iterator[tuple[Wire, int]]:
    """Cells with their columns' types; 0, unknown, beyond the last."""
    return zip(cells, chain(types, repeat(0)), strict=False)


def _cell(cell: Wire, datatype: int) -> Json:
    field = cell.WhichOneof("value")
    return _plain(value_of(cell, field, datatype)) if field else None


def properties(held: Wire, depth: int = 0) -> dict[str, Json]:
    """A property set as an object, of its first `MAX_PROPERTIES`; those that are nested too deep are null."""
    pairs = zip(held.keys[:MAX_PROPERTIES], held.values[:MAX_PROPERTIES], strict=False)
    return {name_of(key): _property(value, depth) for key, value in pairs}


def _property(held: Wire, depth: int) -> Json:
    field = held.WhichOneof("value")
    if field is None or held.is_null or depth >= MAX_PROPERTY_DEPTH:
        return None
    if field == "propertyset_value":
        return properties(held.propertyset_value, depth + 1)
    if field == "propertysets_value":
        return [properties(part, depth + 1) for part in held.propertysets_value.propertyset[:MAX_PROPERTIES]]
    return _plain(value_of(held, field, held.type))


_READERS: Final[dict[str, Callable[..., Json]]] = {
    "int_value": _integer, "long_value": _integer, "float_value": _float, "double_value": _double,
    "boolean_value": _boolean, "string_value": _text, "bytes_value": _bytes, "dataset_value": _dataset,
}  # fmt: skip
