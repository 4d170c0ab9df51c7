"""What is known about one metric, and the readings that come of it; template definitions."""

from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from bridge.uns import moments, quality, units
from bridge.uns.message import Json, Quality, Reading
from bridge.uns.payload import Binary, structure
from bridge.uns.sparkplug_values import name_of, properties
from bridge.uns.sparkplug_wire import TYPE_NAMES, Wire

MAX_ATTRIBUTES = 128  # properties of one metric in all, however they change
MAX_MEMBERS = 1_000  # of a template's definition

DEFINITIONS = "_types_/"
_DESCRIPTIONS = frozenset({"documentation", "description"})
_UNITS = frozenset({"engunit", "engunits", "unit", "units"})
_FILE_FIELDS = {
    "content_type": "contentType", "file_name": "fileName", "file_type": "fileType", "md5": "md5",
    "size": "size", "is_multi_part": "multiPart", "seq": "part",
}  # fmt: skip


class Tag(Struct):
    """One metric as its birth declared it: a data point, or a template instance if it has `members`.

    `time_ns` is the latest time that a reading of it had. `attributes` are handed out in readings: they are
    replaced, never changed.
    """

    topic: str
    datatype: int = 0
    attributes: Mapping[str, Json] = field(default_factory=dict)
    unit: str | None = None
    description: str | None = None
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


class Template(Struct, frozen=True):
    """A template's definition: data type names by member (a nested template's own name) and by parameter.

    `source_id` is the name as published, `_types_/Filler` say.
    """

    source_id: str
    version: str | None
    members: Mapping[str, str]
    parameters: Mapping[str, str]


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
    return Reading(tag.topic, value, said, shape, time_ns, unit, description, attributes, binary=binary)


def describe(tag: Tag, held: Wire) -> Quality | None:
    """Takes over what properties say about a metric; gives the quality that they say of this value."""
    said = None
    changed: dict[str, Json] = {}
    for key, value in properties(held).items():
        name = key.lower()
        if name == "quality":
            said = quality.parse(value)
        elif name in _UNITS:
            tag.unit = units.clean(value) or tag.unit
        elif name in _DESCRIPTIONS:
            tag.description = value if isinstance(value, str) and value else tag.description
        elif key not in tag.attributes or tag.attributes[key] != value:
            changed[key] = value
    if changed and len(tag.attributes) + len(changed) <= MAX_ATTRIBUTES:
        tag.attributes = {**tag.attributes, **changed}
    return said


def add_metadata(reading: Reading, metadata: Wire) -> None:
    """Sparkplug 3.0, 6.4.8: what a file is called, how large it is, which part of it this is."""
    found: dict[str, Json] = {}
    for stored, name in _FILE_FIELDS.items():
        if metadata.HasField(stored):
            value = getattr(metadata, stored)
            found[name] = name_of(value) if isinstance(value, bytes) else value
    reading.attributes = {**(reading.attributes or {}), **found}
    reading.description = name_of(metadata.description) or reading.description


def template_of(definition: Wire, source_id: str) -> Template:
    """A template's definition as it was published."""
    return Template(
        source_id,
        name_of(definition.version) or None,
        {name_of(member.name): _type_name(member) for member in definition.metrics},
        {name_of(part.name): TYPE_NAMES.get(part.type, "Unknown") for part in definition.parameters},
    )


def _type_name(member: Wire) -> str:
    """A member's data type; of a nested template its name."""
    ref = member.template_value.template_ref if member.HasField("template_value") else b""
    return name_of(ref).removeprefix(DEFINITIONS) if ref else TYPE_NAMES.get(member.datatype, "Unknown")
