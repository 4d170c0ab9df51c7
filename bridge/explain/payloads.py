"""Facts about one payload: which codec it is in, and which of its keys is what."""

from collections.abc import Mapping
from datetime import tzinfo

from bridge.explain.fact import Fact, Facts
from bridge.uns import Json, batches, envelope
from bridge.uns.envelope import Plan, Terms
from bridge.uns.payload import TOO_DEEP, Binary, Loose, Malformed, Text, TooDeep, decode
from bridge.uns.policy import Policy
from bridge.uns.routing import is_sparkplug

WHOLE = "no envelope: the whole object is the value"
_SPARKPLUG = Fact("Sparkplug B", "all below spBv1.0 is Sparkplug's")


def anatomy(topic: str, payload: bytes, zone: tzinfo, policy: Policy) -> Facts:
    """How a payload is read; `zone` is of times that name none."""
    if is_sparkplug(topic):
        yield "codec", _SPARKPLUG
        return
    if not payload:
        yield "codec", Fact("empty", "retained it deletes the value; live it says that there is none")
        return
    try:
        value = decode(payload)
    except TooDeep:
        yield "codec", Fact("JSON", TOO_DEEP.detail)
        return
    yield "codec", codec_of(value)
    yield from _structure(value.value if isinstance(value, Loose) else value, zone, policy)


def _structure(value: Json, zone: tzinfo, policy: Policy) -> Facts:
    rows = type(value) is list
    content = value[0] if rows and value else value
    if type(content) is not dict:
        return
    profile = batches.suspect(content, policy.profile, rows=rows)
    if profile is not None:
        yield "batch", Fact(profile.name, "taken apart, unless a closer look shows that it is none")
    elif not rows or len(value) == 1:
        yield "envelope", envelope_of(content, zone, policy)


def codec_of(value: Json) -> Fact:
    """The codec by what `decode` made of the bytes."""
    match value:
        case Binary():
            return Fact("base64", "the bytes are not UTF-8, or hold NUL")
        case Malformed():
            return Fact("text", "it begins like JSON, but is none")
        case Text():
            return Fact("text", "it is UTF-8, but no JSON")
        case Loose():
            return Fact("JSON", "with numbers that JSON cannot hold, such as NaN: they become null")
        case float() if value != value or value in (float("inf"), float("-inf")):
            return Fact("JSON", "a number that JSON cannot hold, such as NaN: the value is lost")
    return Fact("JSON")


def envelope_of(content: Mapping[str, Json], zone: tzinfo, policy: Policy) -> Fact:
    """Which key of a JSON object is what."""
    terms = Terms(policy.value, policy.time, policy.quality, policy.unit_key)
    plan = envelope.plan(content, zone, terms=terms)
    if plan.value is not None:
        return Fact(keys_of(plan))
    if plan.nested is not None:
        inner = envelope.unwrap(content[plan.nested])
        inner_plan = envelope.plan(inner, zone, terms=terms) if type(inner) is dict else plan
        if inner_plan.value is not None:
            return Fact({"inside": plan.nested, **keys_of(inner_plan)})
    return Fact(keys_of(plan), WHOLE)


def keys_of(plan: Plan) -> dict[str, Json]:
    """The parts of an envelope and their keys; parts that it lacks are left out."""
    parts = {
        "value": plan.value,
        "time": plan.time,
        "quality": plan.quality,
        "unit": plan.unit,
        "description": plan.description,
        "doubt": plan.doubt,
        "attributes": list(plan.others),
    }
    return {name: key for name, key in parts.items() if key}
