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

A reading's value is null exactly where its quality is Bad or GoodNoData.

One decoder serves one space: it remembers plans by signature, and by topic where names are ambiguous.
"""

from collections.abc import Mapping
from datetime import UTC, tzinfo

from bridge.uns import envelope, moments, quality
from bridge.uns.envelope import Plan
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
from bridge.uns.policy import PLAIN, Policy

MAX_REMEMBERED = 32_000_000  # bytes, roughly, of signatures; more than that are keys that never repeat
KEY_COSTS = 64  # bytes of a remembered key beside its characters, roughly
MAX_WORDS = 1_000  # remembered texts and codes of a quality; a plant uses a dozen
_NOTHING = type(None)


class Decoder:
    """`read` gives one reading, several (batches), or the reason why there is none. It never raises.

    `zone` is taken for times that name none; `max_payload` is in bytes.
    """

    def __init__(self, zone: tzinfo = UTC, max_payload: int = 262_144, policy: Policy = PLAIN) -> None:
        self.zone = policy.zone or zone
        self.policy = policy
        self.max_payload = max_payload
        self._plans: dict[tuple[object, ...], Plan] = {}
        self._remembered = 0  # bytes in `_plans`, roughly
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
            self._add_properties(reading, message.properties)
        return reading

    def _other(self, topic: str, value: Json) -> Reading:
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

    def _loose(self, topic: str, value: dict[str, Json] | list[Json]) -> Reading:
        """Like any other document; lost numbers that are not the value of an envelope become null."""
        reading = self._object(topic, value) if isinstance(value, dict) else self._array(topic, value)
        if isinstance(reading.value, dict | list):
            reading.value = scrub(reading.value)
            reading.shape = structure(reading.value)
        reading.attributes = scrub(reading.attributes)
        return reading

    def _array(self, topic: str, value: list[Json]) -> Reading:
        inner = envelope.unwrap(value)
        if type(inner) is dict:
            plan = self._plan(topic, inner)
            if plan.value is not None:
                return self._leaf(topic, inner, plan)
        return Reading(topic, value, GOOD, structure(value))

    def _object(self, topic: str, content: dict[str, Json]) -> Reading:
        plan = self._plan(topic, content)
        if plan.value is not None:
            return self._leaf(topic, content, plan)
        if plan.nested is not None:
            inner = envelope.unwrap(content[plan.nested])
            inner_plan = self._plan(topic, inner) if type(inner) is dict else plan
            if inner_plan.value is not None:
                reading = self._leaf(topic, inner, inner_plan)
                around = {key: part for key, part in content.items() if key != plan.nested}
                return _add_attributes(reading, around)
        time_ns = self._time(content, plan) if plan.time is not None else None
        return Reading(topic, content, GOOD, plan.flat or structure(content), time_ns)

    def _time(self, content: Mapping[str, Json], plan: Plan) -> int | None:
        time_ns = moments.parse(content[plan.time], self.zone)  # type: ignore[index]  # asked only where it has one
        for key in plan.spare_times:
            if time_ns is not None:
                break
            time_ns = moments.parse(content[key], self.zone)
        return time_ns

    def _plan(self, topic: str, content: dict[str, Json]) -> Plan:
        signature: envelope.Signature = *content, *map(type, content.values())
        plan = self._plans.get(signature)
        if plan is None:
            plan = self._remember(signature, envelope.plan(content, self.zone))
        return plan if not plan.hangs_on else self._plan_by_values(topic, signature, content, plan.hangs_on)

    def _plan_by_values(
        self, topic: str, signature: envelope.Signature, content: dict[str, Json], hangs_on: str
    ) -> Plan:
        """Names that were once a time stay one on this topic; what is inside the value is part of the question."""
        boxes = [part for part in content.values() if type(part) is dict] if hangs_on == "value" else []
        asked = (topic, *signature, *map(envelope.signature_of, boxes))
        plan = self._plans.get(asked)
        if plan is None:
            plan = envelope.plan(content, self.zone)
            if plan.value is not None or hangs_on == "value":
                self._remember(asked, plan)
        return plan

    def _remember(self, asked: tuple[object, ...], plan: Plan) -> Plan:
        bytes_ = _weight(asked)
        self._remembered += bytes_
        if self._remembered > MAX_REMEMBERED:
            self._plans.clear()
            self._remembered = bytes_
        self._plans[asked] = plan
        return plan

    def _leaf(self, topic: str, content: dict[str, Json], plan: Plan, *, inside: bool = False) -> Reading:
        value = content[plan.value]  # type: ignore[index]  # a leaf's plan has a value key
        kind = type(value)
        time_ns = moments.parse(content[plan.time], self.zone) if plan.time is not None else None
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
        return reading

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
        if plan.quality_is_ua or not (kind is str or kind is int):
            return quality.parse(value, ua=plan.quality_is_ua) or GOOD
        words = self._words
        said = words.get(value)
        if said is None:
            said = quality.parse(value) or GOOD
            if len(words) < MAX_WORDS and (kind is int or len(value) <= quality.LONGEST_WORD):
                words[value] = said
        return said

    def _add_properties(self, reading: Reading, properties: Mapping[str, str]) -> None:
        """What MQTT 5 user properties tell and the payload does not: CloudEvents' time, Factory+'s unit."""
        if reading.time_ns is None:
            event = properties.get("ce-time") or (properties.get("time") if "specversion" in properties else None)
            reading.time_ns = moments.parse(event, self.zone)
        if reading.unit is None:
            reading.unit = properties.get("Unit") or None


def _weight(part: object) -> int:
    """Bytes, roughly, that a signature or a part of it takes."""
    if isinstance(part, tuple):
        return KEY_COSTS + sum(map(_weight, part))
    return KEY_COSTS + len(part) if isinstance(part, str) else 0


def _add_attributes(reading: Reading, more: dict[str, Json]) -> Reading:
    """An inner envelope's own attributes stay."""
    reading.attributes = {**more, **reading.attributes} if reading.attributes else more or None
    return reading


def field_plan(value: Json, zone: tzinfo) -> Plan | None:
    """The plan of a field that is an envelope of its own (`{"Value": 1, "SourceTimestamp": …}`), else None."""
    if type(value) is not dict or len(value) < 2:
        return None
    plan = envelope.plan(value, zone, inside=True)
    return plan if plan.value is not None and type(value[plan.value]) is not dict else None


def field_reading(content: Mapping[str, Json], plan: Plan, zone: tzinfo) -> tuple[Json, Quality, int | None]:
    """Value, quality and time of such a field. Later payloads may lack some of its keys."""
    said: Quality = GOOD
    if plan.quality is not None:
        said = quality.parse(content.get(plan.quality), ua=plan.quality_is_ua) or GOOD
    time_ns = moments.parse(content.get(plan.time), zone) if plan.time is not None else None
    value = content.get(plan.value or "")
    if is_number_lost(value):
        return None, BAD, time_ns
    if value is None or said is BAD or said is NO_DATA:
        return None, BAD if said is BAD else NO_DATA, time_ns
    if plan.doubt is not None and content.get(plan.doubt) is True:
        said = UNCERTAIN
    return value, said, time_ns
