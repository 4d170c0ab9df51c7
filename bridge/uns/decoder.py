"""Messages → readings: the codec by topic, then value, time, quality and unit.

Documented outcomes of `Decoder.read`, which never raises (for what a payload decodes to see `payload`):

| Message | Outcome |
|---|---|
| longer than `max_payload`, or nested too deep | `Rejected`: `payload-size`, `json-depth` |
| empty and retained | GoodNoData and `deleted` |
| empty and live; `null`; an envelope whose value is null | GoodNoData |
| a number that is lost (NaN, `"NaN"`, 1e999) as the value | Bad |
| the same anywhere else in a document | null at its place |
| an envelope of bad quality | Bad; GoodNoData where it says so |
| anything else | its value; Good, or the quality that it says |
| a batch of a known profile (see `batches`) | a list: one outcome of this table for each item |

A reading's value is null exactly where its quality is Bad or GoodNoData.

One decoder serves one space: it remembers plans by signature, and by topic where names are ambiguous.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, tzinfo

from msgspec import Struct, field, structs

from bridge.uns import batches, databus, envelope, hints, moments, quality
from bridge.uns.envelope import PLAIN_TERMS, Plan, Terms
from bridge.uns.items import Context, Item, Profile
from bridge.uns.message import BAD, GOOD, NO_DATA, UNCERTAIN, Json, Message, Quality, Reading, Rejected
from bridge.uns.payload import (
    TOO_DEEP,
    Binary,
    Loose,
    Malformed,
    TooDeep,
    decode,
    is_number_lost,
    scrub,
    structure,
)
from bridge.uns.plans import Plans

MAX_WORDS = 1_000  # remembered texts and codes of a quality; a plant uses a dozen
_NOTHING = type(None)

_ITEM = Plan(value="value", time="time", quality="quality", unit="unit")  # of a batch's item


class Shared(Struct):
    """What the decoders of one space have in common: data types that one topic tells for another, and counters."""

    types: databus.DataTypes = field(default_factory=databus.DataTypes)
    stats: Counter[str] = field(default_factory=Counter)  # what was left out of batches, by reason


class Decoder:
    """`read` gives one reading, several (batches), or the reason why there is none. It never raises.

    `zone` is taken for times that name none; `max_payload` is in bytes; `profile` is that of batches.
    """

    terms: Terms = PLAIN_TERMS

    def __init__(
        self, zone: tzinfo = UTC, max_payload: int = 262_144, profile: str = batches.AUTO, shared: Shared | None = None
    ) -> None:
        self.zone = zone
        self.max_payload = max_payload
        self.profile = profile
        self.shared = shared or Shared()
        self._hints = hints.Hints()
        self._moment: moments.Parser = moments.parse
        self._plan = Plans(self._make_plan).of
        self._words: dict[str | int, Quality] = {}

    def read(self, message: Message) -> Reading | list[Reading] | Rejected:
        """What a message says, by the table above."""
        payload, topic = message.payload, message.topic
        if len(payload) > self.max_payload:
            return Rejected("payload-size", f"{len(payload)} bytes")
        if not payload:
            return Reading(topic, None, NO_DATA, _NOTHING, deleted=message.retain)
        try:
            value = decode(payload)
            reading = self._object(topic, value) if type(value) is dict else self._other(topic, value)
        except TooDeep:
            return TOO_DEEP
        if message.properties is not None:
            for one in reading if isinstance(reading, list) else (reading,):
                self._add_properties(one, message.properties)
        return reading

    def _other(self, topic: str, value: Json) -> Reading | list[Reading]:
        """Everything but a JSON object."""
        kind = type(value)
        if kind is float or kind is int or kind is str or kind is bool:
            return Reading(topic, None, BAD, _NOTHING) if is_number_lost(value) else Reading(topic, value, GOOD, kind)
        if value is None:
            return Reading(topic, None, NO_DATA, _NOTHING)
        if kind is list:
            return self._array(topic, value)
        if kind is Loose:
            return self._loose(topic, value.value)
        return Reading(topic, str(value), GOOD, str, binary=kind is Binary, malformed=kind is Malformed)

    def _loose(self, topic: str, value: dict[str, Json] | list[Json]) -> Reading | list[Reading]:
        """Like any other document; lost numbers that are not the value of an envelope become null."""
        outcome = self._object(topic, value) if isinstance(value, dict) else self._array(topic, value)
        for reading in outcome if isinstance(outcome, list) else (outcome,):
            if isinstance(reading.value, dict | list):
                reading.value = scrub(reading.value)
                reading.shape = structure(reading.value)
            reading.attributes = scrub(reading.attributes)
        return outcome

    def _array(self, topic: str, value: list[Json]) -> Reading | list[Reading]:
        first = value[0] if value else None
        if type(first) is dict:
            plan = self._plan(topic, first)
            readings = None if plan.rows is None else self._fan_out(topic, value, plan.rows)
            if readings is not None:
                return readings
            if plan.value is not None and len(value) == 1:
                return self._leaf(topic, first, plan)
        return Reading(topic, value, GOOD, structure(value))

    def _object(self, topic: str, content: dict[str, Json]) -> Reading | list[Reading]:
        plan = self._plan(topic, content)
        if plan.batch is not None:
            readings = self._fan_out(topic, content, plan.batch)
            if readings is not None:
                return readings
        if plan.value is not None:
            return self._leaf(topic, content, plan)
        if plan.nested is not None:
            inner = envelope.unwrap(content[plan.nested])
            inner_plan = self._plan(topic, inner) if type(inner) is dict else plan
            if inner_plan.value is not None:
                reading = self._leaf(topic, inner, inner_plan)
                _add_attributes(reading, {key: part for key, part in content.items() if key != plan.nested})
                if plan.hint is not None:
                    self._add_hint(reading, content, plan.hint)
                return reading
        time_ns = self._time(content, plan) if plan.time is not None else None
        if plan.inner is not None:
            time_ns = self._time_inside(topic, content[plan.inner])
        reading = Reading(topic, content, GOOD, plan.flat or structure(content), time_ns)
        if plan.hint is not None:
            reading.hint = self._hints.of(content, plan.hint)
        return reading

    def _fan_out(self, topic: str, document: Json, profile: Profile) -> Reading | list[Reading] | None:
        """The readings of a batch, bare where it is one; None where the document is no batch after all."""
        items = profile.split(document, Context(topic, self.shared.types, self.profile != batches.AUTO))
        if items is None:
            return None
        plan = _ITEM
        if self.terms.quality_as or profile.quality_as:
            plan = structs.replace(_ITEM, quality_as=self.terms.quality_as or profile.quality_as)
        self.shared.stats["items-beyond-limit"] += max(0, len(items) - batches.MAX_ITEMS)
        found = [self._item(topic, item, plan) for item in items[: batches.MAX_ITEMS] if item.path != ""]
        self.shared.stats["items-without-name"] += min(len(items), batches.MAX_ITEMS) - len(found)
        return found[0] if len(found) == 1 else found

    def _item(self, topic: str, item: Item, plan: Plan) -> Reading:
        place = topic if item.path is None else f"{topic}/{item.path}"
        unit = item.unit if isinstance(item.unit, str) else None
        content = {"value": item.value, "time": item.time, "quality": item.quality, "unit": unit}
        reading = self._leaf(place, content, plan)
        reading.historical = item.historical
        if item.attributes:
            _add_attributes(reading, dict(item.attributes))
        if item.path is not None:
            reading.raw_topic = topic
        return reading

    def _time(self, content: Mapping[str, Json], plan: Plan) -> int | None:
        time_ns = self._moment(content[plan.time], self.zone)  # type: ignore[index]  # asked only where it has one
        for key in plan.spare_times:
            if time_ns is not None:
                break
            time_ns = self._moment(content[key], self.zone)
        return time_ns

    def _time_inside(self, topic: str, inner: dict[str, Json]) -> int | None:
        """The time of a document in a document, unless it is that of an envelope: those have a VQT of their own."""
        plan = self._plan(topic, inner)
        return self._time(inner, plan) if plan.time is not None and plan.value is None else None

    def _make_plan(self, content: dict[str, Json]) -> Plan:
        plan = envelope.plan(content, self.zone, terms=self.terms)
        batch = batches.suspect(content, self.profile)
        rows = batches.suspect(content, self.profile, rows=True)
        hint = hints.keys_of(content)
        return plan if not (batch or rows or hint) else structs.replace(plan, batch=batch, rows=rows, hint=hint)

    def _leaf(self, topic: str, content: dict[str, Json], plan: Plan, *, inside: bool = False) -> Reading:
        value = content[plan.value]  # type: ignore[index]  # a leaf's plan has a value key
        kind = type(value)
        time_ns = self._moment(content[plan.time], self.zone) if plan.time is not None else None
        said = GOOD if plan.quality is None else self._quality(content[plan.quality], plan)
        unit = (content[plan.unit] or None) if plan.unit is not None else None
        if said is BAD or said is NO_DATA:
            reading = Reading(topic, None, said, _NOTHING, time_ns, unit)
        elif kind is float or kind is int or kind is str or kind is bool:
            if plan.doubt is not None and content[plan.doubt]:
                said = UNCERTAIN
            if is_number_lost(value):
                reading = Reading(topic, None, BAD, _NOTHING, time_ns, unit)
            else:
                reading = Reading(topic, value, said, kind, time_ns, unit)
        elif value is None:
            reading = Reading(topic, None, NO_DATA, _NOTHING, time_ns, unit)
        else:
            reading = self._structured(topic, value, said, inside=inside)
            reading.time_ns = reading.time_ns or time_ns
            reading.unit = reading.unit or unit
        if plan.others:
            _add_attributes(reading, {key: content[key] for key in plan.others})
            if plan.description is not None:
                reading.description = content[plan.description] or None
            if plan.hint is not None:
                self._add_hint(reading, content, plan.hint)
        return reading

    def _add_hint(self, reading: Reading, content: Mapping[str, Json], keys: hints.Keys) -> None:
        """Of an envelope in another, the outer one's name counts."""
        reading.hint = self._hints.of(content, keys) or reading.hint
        if keys.label is not None:
            self._hints.label(reading, content, keys.label)

    def _structured(self, topic: str, value: dict[str, Json] | list[Json], said: Quality, *, inside: bool) -> Reading:
        """A leaf whose value is an array, an object, or an envelope of its own: then the worse quality counts."""
        if type(value) is dict and len(value) > 1 and not inside:
            plan = self._plan(topic, value)
            if plan.value is not None:
                reading = self._leaf(topic, value, plan, inside=True)
                if said is UNCERTAIN and reading.quality is GOOD:
                    reading.quality = UNCERTAIN
                return reading
        return Reading(topic, value, said, structure(value))

    def _quality(self, value: Json, plan: Plan) -> Quality:
        """An absent, null or unintelligible quality is Good: the payload does not doubt its value."""
        kind = type(value)
        if plan.quality_as or not (kind is str or kind is int):
            return quality.parse(value, plan.quality_as) or GOOD
        words = self._words
        said = words.get(value)
        if said is None:
            said = quality.parse(value) or GOOD
            if len(words) < MAX_WORDS and (kind is int or len(value) <= quality.LONGEST_WORD):
                words[value] = said
        return said

    def _add_properties(self, reading: Reading, properties: Mapping[str, str]) -> None:
        """What MQTT 5 user properties tell and the payload does not: CloudEvents' time and type, Factory+'s unit."""
        is_event = "specversion" in properties
        if reading.time_ns is None and not reading.historical:
            event = properties.get("ce-time") or (properties.get("time") if is_event else None)
            reading.time_ns = moments.parse(event, self.zone)
        if reading.hint is None and reading.raw_topic is None:
            reading.hint = self._hints.of_event(
                properties.get("ce-type") or (properties.get("type") if is_event else None)
            )
        if reading.unit is None:
            reading.unit = properties.get("Unit") or None


def _add_attributes(reading: Reading, more: dict[str, Json]) -> None:
    """An inner envelope's own attributes stay."""
    reading.attributes = {**more, **reading.attributes} if reading.attributes else more or None


def field_plan(value: Json, zone: tzinfo, terms: Terms = PLAIN_TERMS) -> Plan | None:
    """The plan of a field that is an envelope of its own (`{"Value": 1, "SourceTimestamp": …}`), else None."""
    if type(value) is not dict or len(value) < 2:
        return None
    plan = envelope.plan(value, zone, inside=True, terms=terms)
    return plan if plan.value is not None and type(value[plan.value]) is not dict else None


def field_reading(content: Mapping[str, Json], plan: Plan, zone: tzinfo) -> tuple[Json, Quality, int | None]:
    """Value, quality and time of such a field. Later payloads may lack some of its keys."""
    said: Quality = GOOD
    if plan.quality is not None:
        said = quality.parse(content.get(plan.quality), plan.quality_as) or GOOD
    time_ns = moments.PARSERS[plan.time_unit](content.get(plan.time), zone) if plan.time is not None else None
    value = content.get(plan.value or "")
    if is_number_lost(value):
        return None, BAD, time_ns
    if value is None or said is BAD or said is NO_DATA:
        return None, BAD if said is BAD else NO_DATA, time_ns
    if plan.doubt is not None and content.get(plan.doubt) is True:
        said = UNCERTAIN
    return value, said, time_ns
