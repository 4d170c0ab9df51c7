"""Reading by what the configuration says about a topic: a `Decoder` that follows a `Policy`.

In this order: declared keys lie where their dotted paths lead; the payload is read as any other, with the declared
meaning of times and qualities; the instance that it names becomes a level of the topic; texts are coerced; the topic
is split at more separators and its prefix left out. An array of objects that all name their instance is a batch.
"""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any

from bridge.uns import batches, coercion, moments, quality
from bridge.uns.decoder import Decoder, Shared
from bridge.uns.envelope import PLAIN_TERMS, Terms
from bridge.uns.items import name_of
from bridge.uns.message import BAD, GOOD, NO_DATA, Json, Message, Reading, Rejected
from bridge.uns.payload import structure
from bridge.uns.policy import Policy

MAX_PLACES = 100_000  # topics whose places in the tree are remembered

# What of a policy is about reading: policies that agree in it share a decoder.
READING = (
    *("separators", "strip", "profile", "instance", "value", "time", "quality", "unit_key"),
    *("quality_profile", "time_unit", "zone", "coerce"),
)

_MISSING = object()


def terms_of(policy: Policy) -> Terms:
    """What a policy declares about envelopes."""
    return Terms(
        *(policy.value, policy.time, policy.quality, policy.unit_key, policy.instance),
        *(policy.quality_profile, policy.time_unit),
    )


def field_terms(policy: Policy) -> Terms:
    """What holds for the fields of a document that are envelopes of their own: the meaning of their numbers."""
    if not policy.quality_profile and not policy.time_unit:
        return PLAIN_TERMS
    return Terms(quality_as=policy.quality_profile, time_unit=policy.time_unit)


def reading_terms(policy: Policy) -> tuple[Any, ...]:
    """Equal for policies that make the same of every payload."""
    return tuple(getattr(policy, key) for key in READING)


class RuledDecoder(Decoder):
    """See the module's text."""

    def __init__(
        self, policy: Policy, zone: tzinfo = UTC, max_payload: int = 262_144, shared: Shared | None = None
    ) -> None:
        super().__init__(policy.zone or zone, max_payload, policy.profile, shared)
        self.terms = terms_of(policy)
        self._moment = moments.PARSERS[policy.time_unit]
        self._policy = policy
        self._paths = tuple(key for key in self.terms.names() if "." in key)
        self._prefix = self._split(policy.strip).rstrip("/") + "/" if policy.strip else ""
        self._places: dict[str, str] = {}

    def read(self, message: Message) -> Reading | list[Reading] | Rejected:
        """What a message says, by the policy."""
        outcome = super().read(message)
        for reading in outcome if isinstance(outcome, list) else (outcome,):
            if isinstance(reading, Reading):
                self._coerce(reading)
                reading.topic = self._place(reading.topic)
                reading.raw_topic = message.topic if reading.topic != message.topic else None
        return outcome

    # --- declared keys and the instance ----------------------------------------------------------------------------

    def _object(self, topic: str, content: dict[str, Json]) -> Reading | list[Reading]:
        lifted = lift(content, self._paths) if self._paths else content
        outcome = super()._object(topic, lifted)
        if isinstance(outcome, Reading) and outcome.value is lifted:
            self._judge_whole(outcome, content, lifted)
        level = name_of(find(content, self._policy.instance)) if self._policy.instance else ""
        if level:
            for reading in outcome if isinstance(outcome, list) else (outcome,):
                reading.topic = f"{topic}/{level}{reading.topic.removeprefix(topic)}"
        return outcome

    def _judge_whole(self, reading: Reading, content: dict[str, Json], lifted: Mapping[str, Json]) -> None:
        """A document that is the value itself: declared quality and unit hold for all of it."""
        terms = self.terms
        unit = lifted.get(terms.unit) if terms.unit else None
        reading.unit = unit if isinstance(unit, str) and unit else None
        said = quality.parse(lifted.get(terms.quality), terms.quality_as) or GOOD if terms.quality else GOOD
        reading.quality = said
        if said in (BAD, NO_DATA):
            reading.value, reading.shape = None, type(None)
        elif lifted is not content:
            reading.value, reading.shape = content, structure(content)

    def _array(self, topic: str, value: list[Json]) -> Reading | list[Reading]:
        key = self._policy.instance
        if not key or not value or not all(isinstance(one, dict) and name_of(find(one, key)) for one in value):
            return super()._array(topic, value)
        self.shared.stats["items-beyond-limit"] += max(0, len(value) - batches.MAX_ITEMS)
        found: list[Reading] = []
        for one in value[: batches.MAX_ITEMS]:
            outcome = self._object(topic, one)
            found += outcome if isinstance(outcome, list) else (outcome,)
        return found

    # --- coercion --------------------------------------------------------------------------------------------------

    def _coerce(self, reading: Reading) -> None:
        kinds, value = self._policy.coerce, reading.value
        if not kinds or reading.binary or reading.malformed:
            return
        if isinstance(value, dict | list):
            reading.value = coercion.document(value, kinds)
            reading.shape = structure(reading.value)
        elif isinstance(value, str):
            measured = coercion.measurement(value) if "units" in kinds and reading.unit is None else None
            if measured is None:
                reading.value = coercion.scalar(value, kinds)
            else:
                reading.value, reading.unit = measured
            reading.shape = type(reading.value)

    # --- the place in the tree -------------------------------------------------------------------------------------

    def _place(self, topic: str) -> str:
        if not self._prefix and not self._policy.separators:
            return topic
        place = self._places.get(topic)
        if place is None:
            place = self._split(topic)
            if self._prefix and place.startswith(self._prefix) and place != self._prefix:
                place = place.removeprefix(self._prefix)
            if len(self._places) >= MAX_PLACES:
                self._places.clear()
            self._places[topic] = place
        return place

    def _split(self, topic: str) -> str:
        for separator in self._policy.separators:
            topic = topic.replace(separator, "/")
        return topic


def find(content: Mapping[str, Json], path: str) -> Json:
    """What a key, else a dotted path, leads to; None where it leads nowhere."""
    found = _at(content, path)
    return None if found is _MISSING else found


def lift(content: dict[str, Json], paths: tuple[str, ...]) -> dict[str, Json]:
    """A document in which what dotted paths lead to stands under the whole path, taken out of its place."""
    lifted = content
    for path in paths:
        value = _at(content, path)
        if value is not _MISSING and path not in content:
            lifted = {**_without(lifted, path.split(".")), path: value}
    return lifted


def _at(content: Mapping[str, Json], path: str) -> Json:
    if path in content:
        return content[path]
    at: Json = content
    for key in path.split("."):
        at = at.get(key, _MISSING) if isinstance(at, dict) else _MISSING
    return at


def _without(content: dict[str, Json], keys: list[str]) -> dict[str, Json]:
    """A copy without what the keys lead to, and without objects that are empty then."""
    key, *deeper = keys
    rest = {name: part for name, part in content.items() if name != key}
    inside = _without(content[key], deeper) if deeper and isinstance(content.get(key), dict) else None
    return {**rest, key: inside} if inside else rest
