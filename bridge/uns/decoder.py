"""Messages → readings: the codec by topic, then value, time, quality and unit.

One decoder serves one space: it remembers plans by signature, and by topic where names are ambiguous.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, tzinfo

from bridge.uns import envelope, moments, quality
from bridge.uns.envelope import Plan
from bridge.uns.message import BAD, GOOD, NO_DATA, Json, Message, Quality, Reading, Rejected
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
from bridge.uns.sparkplug import SparkplugDecoder

MAX_PLANS = 100_000  # remembered signatures; a namespace with more has keys that never repeat
_SPARKPLUG = "spBv1.0/"
_SCALARS = frozenset({float, int, str, bool})


class Decoder:
    """`read` gives one reading, several (Sparkplug), or the reason why there is none. It never raises.

    `zone` is taken for times that name none; `max_payload` is in bytes.
    """

    def __init__(self, zone: tzinfo = UTC, max_payload: int = 262_144) -> None:
        self.zone = zone
        self.max_payload = max_payload
        self.malformed: Counter[str] = Counter()
        self._plans: dict[object, Plan] = {}
        self._words: dict[Json, Quality | None] = {}
        self._sparkplug = SparkplugDecoder()

    @property
    def sparkplug_stats(self) -> Mapping[str, int]:
        """Counters of Sparkplug's session layer: gaps, unknown aliases, foreign deaths …"""
        return self._sparkplug.stats

    def read(self, message: Message) -> Reading | list[Reading] | Rejected:
        """What a message says. Empty and retained is a deletion; empty and live is a value that is not there."""
        payload = message.payload
        if len(payload) > self.max_payload:
            return Rejected("payload-size", f"{len(payload)} bytes")
        topic = message.topic
        if topic.startswith(_SPARKPLUG) or topic.startswith("STATE/"):
            return self._sparkplug.read(message)
        if not payload:
            return Reading(topic, None, NO_DATA, type(None), deleted=message.retain)
        try:
            value = decode(payload)
            if type(value) is dict:
                return self._object(topic, value)
            return self._bare(topic, value)
        except TooDeep:
            return TOO_DEEP

    def _bare(self, topic: str, value: Json) -> Reading:
        kind = type(value)
        if kind is float or kind is int or kind is str:
            if is_number_lost(value):
                return Reading(topic, None, BAD, type(None))
            return Reading(topic, value, GOOD, kind)
        if value is None:
            return Reading(topic, None, NO_DATA, type(None))
        if kind is list:
            return self._array(topic, value)
        if kind is Loose:
            return self._loose(topic, value.value)
        if isinstance(value, str):
            return Reading(
                topic,
                str(value),
                GOOD,
                str,
                binary=isinstance(value, Binary),
                malformed=isinstance(value, Malformed),
            )
        return Reading(topic, value, GOOD, kind)

    def _loose(self, topic: str, value: dict[str, Json] | list[Json]) -> Reading:
        """A document with lost numbers: the one that is an envelope's value makes it Bad, others become null."""
        if isinstance(value, list):
            return self._array(topic, scrub(value))
        plan = envelope.plan(value, self.zone)
        if plan.value is not None and is_number_lost(value[plan.value]):
            return self._leaf(topic, value, plan)
        return self._object(topic, scrub(value))

    def _array(self, topic: str, value: list[Json]) -> Reading:
        inner = envelope.unwrap(value)
        if isinstance(inner, dict):
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
            inner_plan = envelope.plan(inner, self.zone) if isinstance(inner, dict) else Plan()
            if inner_plan.value is not None:
                reading = self._leaf(topic, inner, inner_plan)
                reading.attributes = {
                    **(reading.attributes or {}),
                    **{key: content[key] for key in plan.others},
                }
                return reading
        time_ns = moments.parse(content.get(plan.time), self.zone) if plan.time is not None else None
        return Reading(topic, content, GOOD, structure(content), time_ns)

    def _plan(self, topic: str, content: dict[str, Json]) -> Plan:
        signature = (tuple(content), tuple(map(type, content.values())))
        plans = self._plans
        found = plans.get(signature) or plans.get((topic, signature))
        if found is None:
            found = envelope.plan(content, self.zone)
            ambiguous = envelope.is_ambiguous(signature)
            if len(plans) >= MAX_PLANS:
                plans.clear()
            if not ambiguous:
                plans[signature] = found
            elif found.value is not None and type(content[found.value]) is not dict:
                plans[topic, signature] = (
                    found  # an ambiguous name once taken for a time stays one on this topic
                )
        return found

    def _leaf(self, topic: str, content: dict[str, Json], plan: Plan) -> Reading:
        value = content[plan.value]  # type: ignore[index]  # a leaf's plan has a value key
        kind = type(value)
        time_ns = moments.parse(content[plan.time], self.zone) if plan.time is not None else None
        said = self._quality(content[plan.quality], plan.quality_is_ua) if plan.quality is not None else GOOD
        unit = content[plan.unit] if plan.unit is not None else None
        if kind in _SCALARS:
            if said is not GOOD and (said is BAD or said is NO_DATA):
                reading = Reading(topic, None, said, type(None), time_ns, unit)
            elif kind is not bool and is_number_lost(value):
                reading = Reading(topic, None, BAD, type(None), time_ns, unit)
            else:
                reading = Reading(topic, value, said, kind, time_ns, unit)
        else:
            reading = self._structured(topic, value, said, time_ns, unit)
        if plan.others:
            reading.attributes = {key: content[key] for key in plan.others}
            if plan.description is not None:
                reading.description = content[plan.description] or None
        return reading

    def _structured(
        self, topic: str, value: Json, said: Quality, time_ns: int | None, unit: str | None
    ) -> Reading:
        """A leaf whose value is null, an array, an object, or an envelope of its own."""
        if value is None or said is BAD or said is NO_DATA:
            return Reading(topic, None, BAD if said is BAD else NO_DATA, type(None), time_ns, unit)
        if type(value) is dict:
            plan = envelope.plan(value, self.zone)
            if plan.value is not None and len(value) > 1:
                inner = self._leaf(topic, value, plan)
                inner.time_ns = inner.time_ns or time_ns
                inner.unit = inner.unit or unit
                return inner
        return Reading(topic, value, said, structure(value), time_ns, unit)

    def _quality(self, value: Json, ua: bool) -> Quality:
        """An absent, null or unintelligible quality is Good: the payload does not doubt its value."""
        if type(value) is str:
            words = self._words
            found = words.get(value)
            if found is None:
                found = quality.parse(value, ua=ua) or GOOD
                if len(words) < MAX_PLANS:
                    words[value] = found
            return found
        return quality.parse(value, ua=ua) or GOOD


def field_plan(value: Json, zone: tzinfo) -> Plan | None:
    """The plan of a field that is an envelope of its own (`{"Value": 1, "SourceTimestamp": …}`), else None."""
    if type(value) is not dict or len(value) < 2:
        return None
    plan = envelope.plan(value, zone)
    return plan if plan.value is not None and type(value[plan.value]) is not dict else None


def field_reading(content: Mapping[str, Json], plan: Plan, zone: tzinfo) -> tuple[Json, Quality, int | None]:
    """Value, quality and time of such a field."""
    said: Quality = GOOD
    if plan.quality is not None:
        said = quality.parse(content.get(plan.quality), ua=plan.quality_is_ua) or GOOD
    time_ns = moments.parse(content.get(plan.time), zone) if plan.time is not None else None
    value = content.get(plan.value or "")
    if is_number_lost(value):
        return None, BAD, time_ns
    if value is None or said in (BAD, NO_DATA):
        return None, BAD if said is BAD else NO_DATA, time_ns
    return value, said, time_ns
