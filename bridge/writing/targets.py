"""Where a write goes: which topic, with which value, for an element, a field of one, or the parts of one."""

import re
from collections.abc import Callable, Iterator
from datetime import tzinfo

from msgspec import Struct

from bridge.errors import Forbidden, NotBuilt
from bridge.space import Field, Node
from bridge.space.dividing import check, divided, target
from bridge.space.sight import Sight
from bridge.uns import Json
from bridge.uns.policy import Policies
from bridge.uns.topics import matches
from bridge.writing.shaping import changed, refreshed
from bridge.writing.words import moment

_PLACEHOLDER = re.compile(r"\{(\w+\+?)\}")


class Part(Struct, frozen=True):
    """One message to come: `node` is whose payload it is, `asked` the element that was asked for."""

    node: Node
    value: Json
    asked: Node


class Filters:
    """What the configuration lets be written, by the topics of elements."""

    def __init__(self, allow: tuple[str, ...], deny: tuple[str, ...]) -> None:
        self._allow, self._deny = allow, deny

    def check(self, node: Node) -> None:
        """Raises `Forbidden`."""
        if any(matches(pattern, node.topic) for pattern in self._deny):
            raise Forbidden(f"elementId: {node.id} must not be written: [writes] deny")
        if not any(matches(pattern, node.topic) for pattern in self._allow):
            raise Forbidden(f"elementId: {node.id} is none of what may be written: [writes] allow")


def parts(node: Node, value: Json, sight: Sight, time_ns: int, policies: Policies, zone: tzinfo) -> Iterator[Part]:
    """What has to be published for a value: one message, or of what is composed one for each part.

    Raises `RequestError`.
    """
    found = target(node)
    whole = found.is_composed or not sight.reads(found)
    if not whole:
        check(found, value)
    for one, own in divided(found, value, sight) if whole else ((found, value),):
        if isinstance(one, Field):
            document = _with(one, own, time_ns, policies, zone)
            yield Part(one.owner, document, one)
        else:
            yield Part(one, own, one)


def _with(field: Field, value: Json, time_ns: int, policies: Policies, zone: tzinfo) -> Json:
    """The payload of a field's owner with another value in it, and a new time."""
    document = field.owner.raw()
    if not isinstance(document, dict):
        raise NotBuilt(f"elementId: {field.id} is not in what {field.owner.id} has at present; write that one")
    policy = policies.of(field.topic)
    path = field.path()
    fresh = refreshed(document, time_ns, policy, zone)
    return _put(fresh, path, lambda old: _in_envelope(field, old, value, time_ns, zone))


def _in_envelope(field: Field, old: Json, value: Json, time_ns: int, zone: tzinfo) -> Json:
    """A field may be an envelope of its own."""
    plan = field.plan
    if plan is None or not isinstance(old, dict) or plan.value is None:
        return value
    changes = {plan.value: value}
    if plan.time is not None and plan.time in old:
        changes[plan.time] = moment(time_ns, old[plan.time], plan.time_unit, zone)
    return changed(old, changes)


def _put(document: Json, path: tuple[str, ...], make: Callable[[Json], Json]) -> Json:
    """A copy of a document with something else at a place."""
    key, *rest = path
    old = document.get(key) if isinstance(document, dict) else None
    return {**(document or {}), key: _put(old, tuple(rest), make) if rest else make(old)}


def command_topic(template: str, topic: str) -> str:
    """The topic that a template makes of an element's: see [writes] topic."""
    levels = topic.split("/")

    def fill(found: re.Match[str]) -> str:
        match found[1]:
            case "topic":
                return topic
            case "parent":
                return "/".join(levels[:-1])
            case "name":
                return levels[-1]
            case word if word.endswith("+"):
                return "/".join(levels[int(word[:-1]) - 1 :])
            case word:
                return "".join(levels[int(word) - 1 : int(word)])

    return _PLACEHOLDER.sub(fill, template)
