"""Metrics of one payload → readings, by what the birth certificate said about them.

Time: the metric's own, else the payload's. A birth says that its values hold now, although they may be older
than the death before it: none of them gets a time before the reading that it replaces. Quality: the `Quality`
property of the message at hand, else Good; never the birth's. Bad and null values are null, and so is what
JSON cannot say (NaN: Bad).
"""

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from bridge.uns import moments
from bridge.uns.message import BAD, GOOD, NO_DATA, Json, Quality, Reading
from bridge.uns.sparkplug_births import Births, Scope
from bridge.uns.sparkplug_tags import HIDDEN, Tag, add_metadata, describe, instant, reading_of
from bridge.uns.sparkplug_templates import DEFINITIONS, Template, Templates
from bridge.uns.sparkplug_values import name_of, value_of
from bridge.uns.sparkplug_wire import MAX_METRICS, TYPE_NUMBERS, Wire

FUTURE = 300 * moments.SECOND  # clocks further ahead are wrong: then our own time is the one to remember

BD_SEQ = b"bdSeq"
_CONTROLS = (b"Node Control/", b"Device Control/")


class Arrival(Struct):
    """A message taken apart: `spBv1.0/group/kind/node[/device]`, the payload, its time and ours (ns)."""

    kind: str
    group: str
    node: str
    device: str | None
    payload: Wire
    time_ns: int | None
    received_ns: int
    replayed: bool = False  # the broker's stored copy: whether the publisher is there, nobody knows


class _Frame(Struct):
    """Where metrics are looked up and what holds for all of them: a payload, or a template instance in it."""

    scope: Scope
    tags: dict[bytes, Tag]
    topic: str
    time_ns: int | None
    former: Mapping[bytes, Tag]  # the tags of the birth before, empty unless this is a birth
    definition: Template | None = None
    ref: str | None = None
    said: Quality = GOOD
    historical: bool = False
    transient: bool = False


class MetricReader:
    """Reads the metrics of one payload at a time; keeps the template definitions."""

    def __init__(self, births: Births, stats: Counter[str]) -> None:
        self.templates = Templates()
        self.unexplained = False  # whether the last payload had metrics that no birth has told of
        self._births = births
        self._stats = stats
        self._readings: list[Reading] = []
        self._birth = False
        self._group = ""
        self._time_ns: int | None = None  # of the payload
        self._latest_ns = 0  # what is later than this is no time to remember
        self._received_ns = 0
        self._left = 0  # metrics of this payload, members of templates too, that may still be read

    def read(self, arrival: Arrival, scope: Scope, former: Mapping[bytes, Tag] | None = None) -> list[Reading]:
        """The readings of data, or of a birth when the tags of the birth before are given."""
        self._group, self._time_ns, self._birth = arrival.group, arrival.time_ns, former is not None
        self._received_ns = arrival.received_ns
        self._latest_ns = arrival.received_ns + FUTURE if arrival.received_ns else moments.LATEST
        self._readings, self._left, self.unexplained = [], MAX_METRICS, False
        frame = _Frame(scope, scope.tags, scope.topic, arrival.time_ns, former or {})
        for metric in arrival.payload.metrics:
            self._metric(frame, metric)
        readings, self._readings = self._readings, []
        return readings

    def _metric(self, frame: _Frame, metric: Wire) -> None:
        tag = self._find(frame, metric) if self._may_read() else None
        if tag is None or tag is HIDDEN:
            return
        said = frame.said
        described = metric.HasField("properties")
        if described:
            said = describe(tag, metric.properties) or said
        time_ns = instant(metric.timestamp) or frame.time_ns
        field = metric.WhichOneof("value")
        if field == "template_value" and not metric.is_null:
            self._instance(frame, tag, metric, said, time_ns)
            return
        value, said = self._value(tag, metric, field, said)
        points = (tag,) if value is not None or not tag.members else tag.leaves()  # a null instance: all of it
        for point in points:
            reading = self._add_reading(frame, metric, point, value, said, time_ns)
            if described:
                reading.hint = point.hint
            if metric.HasField("metadata"):
                add_metadata(reading, metric.metadata)

    def _value(self, tag: Tag, metric: Wire, field: str | None, said: Quality) -> tuple[Json, Quality]:
        """The value, null where the quality leaves none, and the quality, Bad or no data where there is none."""
        if field is None or metric.is_null:
            return None, BAD if said is BAD else NO_DATA
        if said is BAD or said is NO_DATA:
            return None, said
        value = value_of(metric, field, metric.datatype or tag.datatype)
        if value is None:
            self._stats["unreadable-value"] += 1
            return None, BAD
        return value, said

    def _add_reading(
        self, frame: _Frame, metric: Wire | None, tag: Tag, value: Json, said: Quality, time_ns: int | None
    ) -> Reading:
        historical = frame.historical or (metric is not None and metric.is_historical)
        reading = reading_of(tag, value, said, time_ns if historical else self._current(tag, time_ns))
        reading.historical = historical
        reading.transient = frame.transient or (metric is not None and metric.is_transient)
        self._readings.append(reading)
        return reading

    def _may_read(self) -> bool:
        self._left -= 1
        if self._left < 0:
            self._stats["metric-limit"] += 1
        return self._left >= 0

    def _current(self, tag: Tag, time_ns: int | None) -> int | None:
        """The time of a current value, remembered; see the module's text about births."""
        last = tag.time_ns
        if last is not None and (time_ns is None or time_ns < last):
            if not self._birth:
                return time_ns
            time_ns = max(last, self._time_ns or 0)
        tag.time_ns = time_ns if time_ns is None or time_ns <= self._latest_ns else self._received_ns
        return time_ns

    def _find(self, frame: _Frame, metric: Wire) -> Tag | None:
        """The tag by name or alias; a birth, or data that tells its type, makes it."""
        name = metric.name
        if not name:
            tag = frame.scope.aliases.get(metric.alias) if metric.HasField("alias") else None
            if tag is None:
                self._stats["unknown-alias"] += 1
                self.unexplained = True
            return tag
        tag = frame.tags.get(name) or self._make(frame, metric, name)
        if (
            self._birth
            and tag is not None
            and metric.HasField("alias")
            and not self._births.set_alias(frame.scope, metric.alias, tag)
        ):
            self._stats["alias-limit"] += 1
        return tag

    def _make(self, frame: _Frame, metric: Wire, name: bytes) -> Tag | None:
        if frame.tags is frame.scope.tags and self._is_hidden(metric, name):
            return HIDDEN
        datatype = metric.datatype
        if not datatype and frame.definition is not None:
            datatype = TYPE_NUMBERS.get(frame.definition.members.get(name_of(name), ""), 0)
        if not datatype and not self._birth:
            self._stats["unknown-metric"] += 1
            self.unexplained = True
            return None
        return self._add(frame, name, datatype)

    def _add(self, frame: _Frame, name: bytes, datatype: int) -> Tag | None:
        topic = f"{frame.topic}/{name_of(name)}"
        tag = self._births.make_tag(frame.scope, frame.tags, name, topic, datatype)
        if tag is None:
            self._stats["metric-limit"] += 1
            return None
        if frame.ref is not None:
            tag.attributes = {**tag.attributes, "templateRef": frame.ref}
        if name in frame.former:
            tag.time_ns = frame.former[name].time_ns
        return tag

    def _is_hidden(self, metric: Wire, name: bytes) -> bool:
        """Whether this is no data point: a control, the session's number, a template's definition."""
        if name == BD_SEQ or name.startswith(_CONTROLS):
            return True
        if metric.HasField("template_value") and metric.template_value.is_definition:
            if not self.templates.define(self._group, name_of(name), metric.template_value):
                self._stats["template-limit"] += 1
            return True
        return name.startswith(DEFINITIONS.encode())

    def _instance(self, frame: _Frame, tag: Tag, metric: Wire, said: Quality, time_ns: int | None) -> None:
        """A template instance: a reading for each member that is there; the others keep their values."""
        template = metric.template_value
        ref = name_of(template.template_ref).removeprefix(DEFINITIONS) or tag.template
        if ref and (self._birth or ref != tag.template):
            self._note_instance(tag.topic, ref, name_of(template.version))
        tag.template = ref
        if tag.members is None:
            tag.members = {}
        former = frame.former.get(metric.name)
        inner = _Frame(
            frame.scope, tag.members, tag.topic, time_ns, (former and former.members) or {},
            self.templates.by_name.get((self._group, ref or "")), ref, said,
            metric.is_historical or frame.historical, metric.is_transient or frame.transient,
        )  # fmt: skip
        for member in template.metrics:
            self._metric(inner, member)
        stated = {member.name for member in template.metrics}
        for parameter in template.parameters:
            if parameter.name not in stated:
                self._parameter(inner, parameter)

    def _note_instance(self, topic: str, ref: str, version: str) -> None:
        if not self.templates.add_instance(topic, self._group, ref, version):
            self._stats["template-limit"] += 1

    def _parameter(self, frame: _Frame, parameter: Wire) -> None:
        """A parameter of a template instance (an asset number, say) is a data point beside the members."""
        name, field = parameter.name, parameter.WhichOneof("value")
        if not name or not self._may_read():
            return
        tag = frame.tags.get(name)
        if tag is None:
            tag = self._add(frame, name, parameter.type)
            if tag is None:
                return
            tag.attributes = {**tag.attributes, "parameter": True}
        value = value_of(parameter, field, parameter.type or tag.datatype) if field else None
        said = GOOD if value is not None else BAD if field else NO_DATA
        self._add_reading(frame, None, tag, value, said, frame.time_ns)
