"""A value in the shape in which its topic publishes: what keys the envelope has, how it writes times and qualities.

The shape is that of the last message on the topic. Forms are tried in the order of likelihood, and each is read the
way it will be read when it comes back: the first that gives the wanted value is the one. So whatever a topic publishes,
nothing is sent that would not show as what was asked for.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from datetime import tzinfo
from typing import TypeAlias

import msgspec
from msgspec import Struct, structs

from bridge.errors import BadRequest, NotBuilt
from bridge.uns import BAD, GOOD, UNCERTAIN, Json, Message, Quality, Reading, Rejected, envelope, moments
from bridge.uns.envelope import Terms
from bridge.uns.payload import Binary, Loose, Malformed, Text, TooDeep, decode
from bridge.uns.policy import Policy
from bridge.uns.ruled import find, lift, terms_of
from bridge.writing import words

Read: TypeAlias = Callable[[Message], Reading | list[Reading] | Rejected]

_encode = msgspec.json.Encoder().encode


class Wanted(Struct, frozen=True):
    """What the element shall show: `topic` is the element's."""

    topic: str
    value: Json
    quality: Quality
    time_ns: int


def shape(template: Message, wanted: Wanted, read: Read, policy: Policy, zone: tzinfo) -> bytes:
    """The payload. `read` reads messages of this topic, and remembers what was tried; `zone` is for times without one.

    Raises `NotBuilt` where the topic's messages are of other elements, too, `BadRequest` where no form says it.
    """
    last = read(template)
    topic = last.topic if isinstance(last, Reading) else template.topic
    if isinstance(last, list) or topic != wanted.topic:
        raise NotBuilt(f"its value comes in messages on {template.topic} together with others; these are not written")
    for payload in _forms(template, wanted, policy, zone):
        if not payload:
            continue  # an empty payload takes a value away
        outcome = read(Message(template.topic, payload, properties=template.properties, received_ns=wanted.time_ns))
        if isinstance(outcome, Reading) and says(outcome, wanted):
            return payload
    if template.topic != wanted.topic:
        raise NotBuilt(f"its value comes in messages on {template.topic} of a form that is not written")
    raise BadRequest(f"value: messages on {template.topic} have no way to say {_encode(wanted.value).decode()[:80]}")


def says(reading: Reading, wanted: Wanted) -> bool:
    """Whether a reading is what is wanted, its quality too."""
    return reading.topic == wanted.topic and same(reading.value, wanted.value) and reading.quality == wanted.quality


def same(one: Json, other: Json) -> bool:
    """Whether two values are equal as JSON has them: 1 and 1.0 are the same, 1 and true are not."""
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(part, other[key]) for key, part in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _forms(template: Message, wanted: Wanted, policy: Policy, zone: tzinfo) -> Iterator[bytes]:
    try:
        last = decode(template.payload)
    except TooDeep:
        last = None
    value = wanted.value
    match last:
        case Loose() if isinstance(last.value, dict):
            yield from map(_encode, _documents(last.value, wanted, policy, zone))
        case dict():
            yield from map(_encode, _documents(last, wanted, policy, zone))
        case list() if len(last) == 1 and isinstance(last[0], dict):
            yield from (_encode([one]) for one in _documents(last[0], wanted, policy, zone))
        case Binary() if isinstance(value, str):
            yield _from_base64(value)
        case Text() if not isinstance(last, Malformed):
            if isinstance(value, str):
                yield value.encode("utf-8", "surrogatepass")
            elif isinstance(value, bool | int | float):
                yield from (text.encode() for text in words.scalars(value, str(last)))
        case str() if isinstance(value, bool | int | float):
            yield from (_encode(text) for text in words.scalars(value, last))
    yield _encode(value)
    if isinstance(value, str):
        yield value.encode("utf-8", "surrogatepass")


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _documents(last: dict[str, Json], wanted: Wanted, policy: Policy, zone: tzinfo) -> Iterator[Json]:
    """Documents like the last one that may say what is wanted."""
    terms = terms_of(policy)
    paths = tuple(key for key in terms.names() if "." in key)
    yield from _Like(last, wanted, terms, policy.zone or zone, paths).documents()


class _Like:
    """One document, and how it is read."""

    def __init__(
        self, last: dict[str, Json], wanted: Wanted, terms: Terms, zone: tzinfo, paths: tuple[str, ...]
    ) -> None:
        self._last = last
        self._wanted = wanted
        self._terms = terms
        self._zone = zone
        self._paths = paths

    def documents(self) -> Iterator[Json]:
        lifted = lift(self._last, self._paths) if self._paths else self._last
        plan = envelope.plan(lifted, self._zone, terms=self._terms)
        if plan.value is not None:
            yield from self._enveloped(plan)
        if plan.nested is not None:
            yield from self._nested(plan.nested)
        if isinstance(self._wanted.value, dict):
            yield self._wanted.value

    def _enveloped(self, plan: envelope.Plan) -> Iterator[Json]:
        inner = find(self._last, plan.value or "")
        values: list[Json] = []
        if isinstance(inner, dict) and len(inner) > 1:  # an envelope in an envelope
            values += _Like(inner, self._wanted, self._terms, self._zone, ()).documents()
        if isinstance(inner, str) and isinstance(self._wanted.value, bool | int | float):
            values += words.scalars(self._wanted.value, inner)  # a number as a text, where a rule reads it as one
        values.append(self._wanted.value)
        for value in values:
            yield from filled(self._last, plan, structs.replace(self._wanted, value=value), self._zone)

    def _nested(self, key: str) -> Iterator[Json]:
        box = self._last[key]
        inner = envelope.unwrap(box)
        if isinstance(inner, dict):
            for document in _Like(inner, self._wanted, self._terms, self._zone, ()).documents():
                yield {**self._last, key: [document] if isinstance(box, list) else document}


def filled(last: dict[str, Json], plan: envelope.Plan, wanted: Wanted, zone: tzinfo) -> Iterator[dict[str, Json]]:
    """An envelope with another value, a new time, and the quality in words or codes of its own that may be read so."""
    changes: dict[str, Json] = {plan.value or "": wanted.value}
    if plan.time is not None:
        changes[plan.time] = words.moment(wanted.time_ns, find(last, plan.time), plan.time_unit, zone)
    said = wanted.quality
    if plan.doubt is not None:
        changes[plan.doubt] = said == UNCERTAIN
        said = GOOD if said == UNCERTAIN else said
    if plan.quality is None:
        yield changed(last, changes)
        return
    before = find(last, plan.quality)
    for form in words.qualities(said, before, plan.quality_as):
        yield changed(last, {**changes, plan.quality: form})
    if before is None:
        yield changed(last, {**changes, plan.quality: None})


def refreshed(document: dict[str, Json], time_ns: int, policy: Policy, zone: tzinfo) -> dict[str, Json]:
    """A document that is a value itself, with the time in it, if it is one, set anew."""
    terms, zone = terms_of(policy), policy.zone or zone
    plan = envelope.plan(document, zone, terms=terms)
    if plan.value is not None or plan.time is None:
        return document
    if moments.PARSERS[terms.time_unit](document[plan.time], zone) is None:
        return document  # a time of day, or a length of time
    time = words.moment(time_ns, document[plan.time], terms.time_unit, zone)
    return changed(document, {plan.time: time})


def changed(document: Json, changes: Mapping[str, Json]) -> dict[str, Json]:
    """A copy of a document with other values under some keys, or where dotted paths lead."""
    made = dict(document)
    for key, value in changes.items():
        first, _, rest = key.partition(".")
        if key in made or not rest or not isinstance(made.get(first), dict):
            made[key] = value
        else:
            made[first] = changed(made[first], {rest: value})
    return made


def quality_of(value: Json, said: Quality | None) -> Quality:
    """What is meant where a request says no quality. Raises `BadRequest`."""
    if value is not None:
        if said in (BAD, "GoodNoData"):
            raise BadRequest("quality: a value needs Good or Uncertain")
        return said or GOOD
    if said in (GOOD, "Uncertain"):
        raise BadRequest("quality: a null needs Bad or GoodNoData")
    return said or "GoodNoData"
