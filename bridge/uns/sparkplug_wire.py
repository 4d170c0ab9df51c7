"""Sparkplug B's protobuf payload: the schema as a table, and bytes → a parsed payload.

Sparkplug 3.0, 6.4. In every message the field numbers run from 1 without a gap, so the position in `_SCHEMA`
is the number. All members whose name ends in `_value` are alternatives (`oneof value`). Text is declared as
bytes, which is the same on the wire: a Latin-1 string from an old PLC then spoils its own metric and not the
whole birth certificate.

The library bounds nesting (100 levels) and checks every length against the bytes there are.
"""

import zlib
from enum import IntEnum
from typing import Any, Final, TypeAlias

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from bridge.uns.message import Rejected

Wire: TypeAlias = Any  # a message of the classes below; they are made at run time

MAX_INFLATED = 4 * 1024 * 1024  # bytes of a decompressed payload: a birth certificate of about 40,000 metrics
MAX_RATIO = 100  # real payloads shrink to a twentieth; what shrinks more was made to hurt
SMALL = 256 * 1024  # bytes that may come of any ratio: an idle sensor's waveform is all zeros
MAX_METRICS = 100_000  # of one payload: about half a second of work

_COMPRESSED = b"SPBV1.0_COMPRESSED"  # the uuid that says so; Sparkplug 3.0, 6.4.3
_PACKAGE = "bridge.sparkplug"

_SCHEMA: Final[dict[str, tuple[str, ...]]] = {
    "Payload": ("timestamp u64", "metrics *Metric", "seq u64", "uuid bytes", "body bytes"),
    "Metric": (
        "name bytes", "alias u64", "timestamp u64", "datatype u32", "is_historical bool", "is_transient bool",
        "is_null bool", "metadata MetaData", "properties PropertySet",
        "int_value u32", "long_value u64", "float_value float", "double_value double", "boolean_value bool",
        "string_value bytes", "bytes_value bytes", "dataset_value DataSet", "template_value Template",
    ),
    "MetaData": (
        "is_multi_part bool", "content_type bytes", "size u64", "seq u64", "file_name bytes",
        "file_type bytes", "md5 bytes", "description bytes",
    ),
    "PropertySet": ("keys *bytes", "values *PropertyValue"),
    "PropertySetList": ("propertyset *PropertySet",),
    "PropertyValue": (
        "type u32", "is_null bool",
        "int_value u32", "long_value u64", "float_value float", "double_value double", "boolean_value bool",
        "string_value bytes", "propertyset_value PropertySet", "propertysets_value PropertySetList",
    ),
    "DataSet": ("num_of_columns u64", "columns *bytes", "types *u32", "rows *Row"),
    "Row": ("elements *DataSetValue",),
    "DataSetValue": (
        "int_value u32", "long_value u64", "float_value float", "double_value double", "boolean_value bool",
        "string_value bytes",
    ),
    "Template": (
        "version bytes", "metrics *Metric", "parameters *Parameter", "template_ref bytes",
        "is_definition bool",
    ),
    "Parameter": (
        "name bytes", "type u32",
        "int_value u32", "long_value u64", "float_value float", "double_value double", "boolean_value bool",
        "string_value bytes",
    ),
}  # fmt: skip


class DataType(IntEnum):
    """Sparkplug 3.0, 6.4.16; the names are the specification's."""

    Unknown = 0
    Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64 = range(1, 9)
    Float, Double, Boolean, String, DateTime, Text = range(9, 15)
    UUID, DataSet, Bytes, File, Template, PropertySet, PropertySetList = range(15, 22)
    Int8Array, Int16Array, Int32Array, Int64Array = range(22, 26)
    UInt8Array, UInt16Array, UInt32Array, UInt64Array = range(26, 30)
    FloatArray, DoubleArray, BooleanArray, StringArray, DateTimeArray = range(30, 35)


TYPE_NAMES: Final[dict[int, str]] = {kind.value: kind.name for kind in DataType}
TYPE_NUMBERS: Final[dict[str, int]] = {name: number for number, name in TYPE_NAMES.items()}


def _classes() -> dict[str, Wire]:
    """Message classes by name, in a pool of their own: another Sparkplug library does no harm."""
    field = descriptor_pb2.FieldDescriptorProto
    kinds = {
        "u32": field.TYPE_UINT32, "u64": field.TYPE_UINT64, "bool": field.TYPE_BOOL,
        "bytes": field.TYPE_BYTES, "float": field.TYPE_FLOAT, "double": field.TYPE_DOUBLE,
    }  # fmt: skip
    file = descriptor_pb2.FileDescriptorProto(name="sparkplug_b", package=_PACKAGE, syntax="proto2")
    for message_name, fields in _SCHEMA.items():
        message = file.message_type.add(name=message_name)
        for number, text in enumerate(fields, start=1):
            name, kind = text.split()
            made = message.field.add(name=name, number=number)
            made.label = field.LABEL_REPEATED if kind[0] == "*" else field.LABEL_OPTIONAL
            kind = kind.removeprefix("*")
            made.type = kinds.get(kind, field.TYPE_MESSAGE)
            if kind not in kinds:
                made.type_name = f".{_PACKAGE}.{kind}"
            if name.endswith("_value"):
                if not message.oneof_decl:
                    message.oneof_decl.add(name="value")
                made.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = {name: pool.FindMessageTypeByName(f"{_PACKAGE}.{name}") for name in _SCHEMA}
    return {name: message_factory.GetMessageClass(descriptor) for name, descriptor in found.items()}


CLASSES: Final = _classes()
_from_bytes = CLASSES["Payload"].FromString


def parse(data: bytes) -> Wire:
    """A `Payload`, decompressed where it says that it is compressed; or the `Rejected` that says why not."""
    try:
        payload = _from_bytes(data)
    except DecodeError as error:
        return Rejected("sparkplug-malformed", str(error))
    if payload.uuid == _COMPRESSED:
        payload = _decompressed(payload)
        if isinstance(payload, Rejected):
            return payload
    elif data and not _is_payload(payload):
        return Rejected("sparkplug-malformed", "no field of a Sparkplug payload in it")
    if len(payload.metrics) > MAX_METRICS:
        return Rejected("sparkplug-limit", f"{len(payload.metrics)} metrics in one payload")
    return payload


def _is_payload(payload: Wire) -> bool:
    """Whether any known field is set: chance bytes may parse as fields that nobody knows."""
    has = payload.HasField
    return bool(has("timestamp") or payload.metrics or has("seq") or has("uuid") or has("body"))


def _decompressed(outer: Wire) -> Wire:
    """The payload inside; what only the outer one says (sequence number, time) holds for it too."""
    algorithm = next((m.string_value for m in outer.metrics if m.name == b"algorithm"), b"DEFLATE")
    data = _inflate(outer.body, algorithm.strip().upper())
    if isinstance(data, Rejected):
        return data
    try:
        payload = _from_bytes(data)
    except DecodeError as error:
        return Rejected("sparkplug-compressed", str(error))
    if payload.uuid == _COMPRESSED:
        return Rejected("sparkplug-compressed", "compressed twice")
    for name in ("timestamp", "seq"):
        if outer.HasField(name) and not payload.HasField(name):
            setattr(payload, name, getattr(outer, name))
    return payload


def _inflate(body: bytes, algorithm: bytes) -> bytes | Rejected:
    windows: tuple[int, ...]
    match algorithm:
        case b"GZIP":
            windows = (31,)
        case b"DEFLATE":
            windows = (15, -15)  # publishers send it with zlib's header or bare
        case _:
            return Rejected("sparkplug-compressed", f"unknown algorithm {algorithm[:32]!r}")
    limit = min(MAX_INFLATED, max(SMALL, MAX_RATIO * len(body)))
    for bits in windows:
        stream = zlib.decompressobj(bits)
        try:
            data = stream.decompress(body, limit)
        except zlib.error:
            continue
        if stream.eof:
            return data
        reason = f"more than {limit} bytes of {len(body)}" if len(data) == limit else "truncated"
        return Rejected("sparkplug-compressed", reason)
    return Rejected("sparkplug-compressed", "not the algorithm it names")
