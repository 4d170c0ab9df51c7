"""What is known about one metric, and the readings that come of it."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from msgspec import Struct, field

from bridge.uns import moments, quality, units
from bridge.uns.message import Hint, Json, Quality, Reading
from bridge.uns.payload import Binary, structure
from bridge.uns.sparkplug_values import name_of, properties
from bridge.uns.sparkplug_wire import DataType, Wire

MAX_ATTRIBUTES = 128  # properties of one metric in all, however they change
MAX_HINTS = 1_024  # different limits that are remembered, to be shared by all tags that have them
MAX_KEYS = 1_024  # names of properties that are remembered with what they mean; a publisher has some dozen

# What properties mean, by their letters in lower case: `engLow`, `Eng. Low Limit`.
_MEANINGS: Final[dict[str, str]] = {
    "quality": "quality", "documentation": "description", "description": "description",
    "engunit": "unit", "engunits": "unit", "unit": "unit", "units": "unit",
    "englow": "minimum", "englowlimit": "minimum", "enghigh": "maximum", "enghighlimit": "maximum",
}  # fmt: skip
_NUMERIC = frozenset({*range(DataType.Int8, DataType.UInt64 + 1), DataType.Float, DataType.Double})
_DECLARED: Final[Mapping[int, type]] = {  # what the scalar data types are in JSON; `bytes`: base64
    **dict.fromkeys(range(DataType.Int8, DataType.UInt64 + 1), int),
    **dict.fromkeys((DataType.Float, DataType.Double), float),
    **dict.fromkeys((DataType.String, DataType.DateTime, DataType.Text, DataType.UUID), str),
    **dict.fromkeys((DataType.Bytes, DataType.File), bytes),
    DataType.Boolean: bool,
}
_FILE_FIELDS = {
    "content_type": "contentType", "file_name": "fileName", "file_type": "fileType", "md5": "md5",
    "size": "size", "is_multi_part": "multiPart", "seq": "part",
}  # fmt: skip


class Tag(Struct):
    """One metric as its birth declared it: a data point, or a template instance if it has `members`.

    `time_ns` is the latest time that a reading of it had. `attributes` are handed out in readings: they are
    replaced, never changed. `hint` declares the limits of its values.
    """

    topic: str
    datatype: int = 0
    attributes: Mapping[str, Json] = field(default_factory=dict)
    unit: str | None = None
    description: str | None = None
    hint: Hint | None = None
    time_ns: int | None = None
    members: dict[bytes, "Tag"] | None = None
    template: str | None = None  # the definition's name

    def leaves(self) -> Iterator["Tag"]:
        if self.members is None:
            yield self
        else:
            for member in self.members.values():
                yield from member.leaves()


HIDDEN = Tag("")  # stands for metrics that are no data points: bdSeq, Node Control/…


def instant(ms: int) -> int | None:
    """A Sparkplug time (ms since 1970 UTC) in ns; None where there is none or it is not plausible."""
    ns = ms * 1_000_000
    return ns if moments.EARLIEST <= ns < moments.LATEST else None


def reading_of(tag: Tag, value: Json, said: Quality, time_ns: int | None) -> Reading:
    """The reading of a data point; what its birth told about it goes with it."""
    kind = type(value)
    binary = kind is Binary
    if binary:
        value, kind = str(value), str
    shape = structure(value) if kind is list or kind is dict else kind
    unit, description, attributes = tag.unit, tag.description, tag.attributes
    declared = _DECLARED.get(tag.datatype) if value is None else None
    return Reading(
        tag.topic, value, said, shape, time_ns, unit, description, attributes, binary=binary, declared=declared
    )


def describe(tag: Tag, held: Wire) -> Quality | None:
    """Takes over what properties say about a metric; gives the quality that they say of this value."""
    said = None
    changed: dict[str, Json] = {}
    limits: dict[str, Json] = {}
    for key, value in properties(held).items():
        meaning = _meaning(key)
        if meaning == "quality":
            said = quality.parse(value)
        elif meaning == "unit":
            tag.unit = units.clean(value) or tag.unit
        elif meaning == "description":
            tag.description = value if isinstance(value, str) and value else tag.description
        elif key not in tag.attributes or tag.attributes[key] != value:
            changed[key] = value
            if meaning is not None:
                limits[meaning] = value
    if changed and len(tag.attributes) + len(changed) <= MAX_ATTRIBUTES:
        tag.attributes = {**tag.attributes, **changed}
    if limits and tag.datatype in _NUMERIC:
        _limit(tag, limits)
    return said


@lru_cache(MAX_KEYS)
def _meaning(key: str) -> str | None:
    return _MEANINGS.get("".join(filter(str.isalnum, key)).lower())


def _limit(tag: Tag, limits: Mapping[str, Json]) -> None:
    """Declare limits beside those that are known. Equal ones are what a publisher says that knows none: 0 and 0."""
    found = {**((tag.hint and tag.hint.declared) or {}), **limits}
    low, high = (found[name] if type(found.get(name)) in (int, float) else None for name in ("minimum", "maximum"))
    tag.hint = None if low is not None and high is not None and low >= high else _limits(low, high)


@lru_cache(MAX_HINTS, typed=True)
def _limits(low: float | None, high: float | None) -> Hint | None:
    """One object for the same limits: most tags have those of their publisher's defaults."""
    declared = {name: value for name, value in (("minimum", low), ("maximum", high)) if value is not None}
    return Hint(declared=declared) if declared else None


def add_metadata(reading: Reading, metadata: Wire) -> None:
    """Sparkplug 3.0, 6.4.8: what a file is called, how large it is, which part of it this is."""
    found: dict[str, Json] = {}
    for stored, name in _FILE_FIELDS.items():
        if metadata.HasField(stored):
            value = getattr(metadata, stored)
            found[name] = name_of(value) if isinstance(value, bytes) else value
    reading.attributes = {**(reading.attributes or {}), **found}
    reading.description = name_of(metadata.description) or reading.description
