"""Facts about an element's value: how it is read, its time, its quality and its unit, and where each came from.

The payload itself is not kept, so some of it is told by its traces. A trial (`trials`) with a payload tells all.
"""

from datetime import tzinfo
from itertools import islice

from bridge.engine import Engine
from bridge.explain.fact import Fact, Facts
from bridge.explain.payloads import envelope_of, keys_of
from bridge.space.node import ABSENT, DEAD, LOST, STALE, UNCONFIRMED, Field, Node
from bridge.space.space import RESERVED
from bridge.uns import BAD, GOOD, NO_DATA, Json, Quality, units
from bridge.uns.moments import render
from bridge.uns.routing import is_sparkplug

EXAMPLES = 3  # named of many; the rest is a number
_LONGEST = 200  # characters of a text that is shown

_GONE = "its source is gone"
_DOUBTS = {
    UNCONFIRMED: "the broker's stored copy has no time of its own: nobody knows how old it is",
    STALE: "nothing has come for longer than stale_after",
    LOST: "the broker was away: something newer may have been missed",
    DEAD: _GONE,
    ABSENT: _GONE,
}
_UNDOUBTED: dict[Quality, str] = {
    GOOD: "the payload says so, or does not doubt its value",
    NO_DATA: "the payload says that there is no value",
    BAD: "the payload says so, or holds a number that is lost",
}


def reading_facts(engine: Engine, node: Node) -> Facts:
    zone = node.policy.zone or engine.space.zone
    value, quality, time_ns = node.vqt(zone)
    if node.topic.partition("/")[0] == RESERVED:
        yield "codec", Fact("none", "the bridge tells it about itself")
    elif isinstance(node, Field):
        yield from _field(node, time_ns)
    elif node.reported:
        yield from _payload(node, zone)
    elif node.is_composed:
        yield "codec", Fact("none", "made of its parts")
        yield "time", Fact(render(time_ns), "of its latest part")
    else:
        yield "codec", Fact("none", "nothing was published on this topic")
    yield "value", Fact(_short(value))
    yield "quality", Fact(quality, "; ".join(_why_quality(engine, node, quality)))
    if node.doubt:
        yield "doubted since", Fact(render(node.doubt_ns or node.received_ns))
    if node.unit is not None:
        yield "unit", Fact(node.unit, f"{_why_unit(engine, node)}; {_code(node.unit)}")


def _field(node: Field, time_ns: int) -> Facts:
    yield "codec", Fact("field", f"projected from the payload of {node.owner.id}")
    if node.plan is not None:
        yield "envelope", Fact(keys_of(node.plan))
    own = node.plan is not None and time_ns != node.owner.time_ns
    yield "time", Fact(render(time_ns), "the field's own" if own else "its payload's")


def _payload(node: Node, zone: tzinfo) -> Facts:
    yield "codec", _codec(node)
    if type(node.value) is dict:
        yield "envelope", envelope_of(node.value, zone, node.policy) if not node.attributes else _traces(node)
    elif node.attributes:
        yield "envelope", _traces(node)
    yield "time", _time(node)
    if node.received_ns and node.received_ns != node.time_ns:
        yield "received", Fact(render(node.received_ns))


def _codec(node: Node) -> Fact:
    if is_sparkplug(node.topic):
        return Fact("Sparkplug B", "a metric of its edge node or device")
    if node.shape_now is bytes:
        return Fact("base64", "the bytes are not UTF-8, or hold NUL")
    if type(node.value) is str and not (node.said_ns or node.attributes):
        return Fact("text or JSON", "the value is a string")
    return Fact("JSON")


def _traces(node: Node) -> Fact:
    """What is left of an envelope after the value was taken out of it."""
    return Fact({"attributes": list(node.attributes or ())}, "keys beside value, time, quality and unit")


def _time(node: Node) -> Fact:
    if node.said_ns:
        source = "the payload's own" if not is_sparkplug(node.topic) else "the metric's or its payload's"
        return Fact(render(node.time_ns), f"{source}, or of a CloudEvents property")
    if not node.time_ns:
        return Fact(None, "nothing was received")
    return Fact(render(node.time_ns), "of receipt: the payload names no time, or none to be believed")


def _why_quality(engine: Engine, node: Node, quality: Quality) -> list[str]:
    if node.is_composed:
        return _why_composed(node, engine.space.zone)
    owner = node.owner if isinstance(node, Field) else node
    doubts = [text for bit, text in _DOUBTS.items() if owner.doubt & bit]
    doubts += [f"{status.id} says so" for status in engine.liveness.gone_by(owner)]
    if doubts or (quality == NO_DATA and not owner.received_ns):
        return doubts or ["nothing was received"]
    return [_UNDOUBTED.get(quality, "the payload says so, or its time was too far in the future")]


def _why_composed(node: Node, zone: tzinfo) -> list[str]:
    """The parts that make a composed value worse than Good, or do not although they are worse themselves."""
    whole = node.vqt(zone)[1]
    worse = []
    for part in node.components():
        (_, quality, _), only_unconfirmed = part.judged(zone)
        if whole == GOOD and only_unconfirmed:
            worse.append(f"{part.name} is not confirmed yet, which does not count beside a Good part")
        elif whole != NO_DATA and quality == NO_DATA:
            worse.append(f"{part.name} has no value, which does not count")
        elif quality != GOOD:
            worse.append(f"{part.name} is {quality}")
    more = [f"and {len(worse) - EXAMPLES} more parts"] if len(worse) > EXAMPLES else []
    return [*islice(worse, EXAMPLES), *more] or ["all parts are Good"]


def _why_unit(engine: Engine, node: Node) -> str:
    sources = engine.space.descriptions.sources_of(node.id)
    if node.policy.unit:
        return "a rule of the configuration says so"
    return f"said by the payload, or by {', '.join(sources[:EXAMPLES])}" if sources else "said by the payload"


def _code(unit: str) -> str:
    code = units.rec20(unit)
    return f"UNECE code {code}" if code else "no UNECE code is known"


def _short(value: Json) -> Json:
    """A value that fits into a line: of documents only the keys."""
    if isinstance(value, dict):
        return {"keys": list(value)}
    if isinstance(value, list):
        return {"items": len(value)}
    return value if not isinstance(value, str) or len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
