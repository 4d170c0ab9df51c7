"""Facts about an element's place in the model: its kind, whom it shares that with, and whose part it is."""

from datetime import tzinfo

from msgspec import structs

from bridge.engine import Engine
from bridge.explain.fact import Fact, Facts
from bridge.explain.readings import EXAMPLES
from bridge.space import ObjectType
from bridge.space.node import Field, Node
from bridge.space.types import BASE_NAMESPACE
from bridge.uns import Json
from bridge.uns.policy import PLAIN, Policy


def place_facts(engine: Engine, node: Node) -> Facts:
    kind = node.type
    yield "type", Fact(kind.id, _why_type(engine, node))
    yield "version", Fact(kind.version, "of the type; rises when it widens")
    yield "shared", _shared(engine, node)
    yield "place", _place(node)
    if node.policy != PLAIN:
        yield "rules", Fact(said(node.policy), "what the configuration says about this topic")
    extra = (engine.browse.object(node.id, metadata=True) or {})["metadata"]["schemaExtensions"]
    if extra:
        yield "extends its type by", Fact(list(extra))
    if events := engine.space.registry.drift.of(kind.id):
        yield "drift of its type", Fact([event.what for event in events[:EXAMPLES]], f"{len(events)} events are kept")


def _why_type(engine: Engine, node: Node) -> str:
    kind, registry = node.type, engine.space.registry
    if kind is registry.folder:
        return "a level above others, without a payload or parts of its own"
    if kind is registry.unknown:
        return "no value has shown its structure yet"
    if kind.namespace == BASE_NAMESPACE:
        return "the bridge brings it along"
    if kind.pinned:
        return "a model file defines it, and it never changes"
    if node.policy.type:
        return "a rule of the configuration names it"
    if node.hint is not None and node.hint.name:
        return f"the payload calls itself {node.hint.name}"
    told = engine.router.hint(node.topic) if not isinstance(node, Field) else None
    if told is not None:
        return f"it is an instance of the Sparkplug template {told.name}"
    return f"the role {kind.role}, and {_shape_of(kind)}"


def _shape_of(kind: ObjectType) -> str:
    properties = len(kind.shape.properties or ())
    if kind.shape.members is not None:
        return "members that are keyed by name"
    if kind.composed:
        return f"parts like those of its kind ({properties} in all)"
    return f"fields like those of its kind ({properties} in all)" if properties else "values of this kind"


def _shared(engine: Engine, node: Node) -> Fact:
    others = [other.id for other in engine.space.order() if other.type is node.type and other is not node]
    return Fact(len(others), f"other elements of this type{_such_as(others)}")


def _such_as(idents: list[str]) -> str:
    return f", such as {', '.join(idents[:EXAMPLES])}" if idents else ""


def _place(node: Node) -> Fact:
    if node.parent is None:
        return Fact("root", node.why)
    if isinstance(node, Field):
        return Fact(f"part of {node.parent.id}", "a field of its payload")
    return Fact(f"{'part of' if node.part else 'thing below'} {node.parent.id}", node.why)


def said(policy: Policy) -> dict[str, Json]:
    """What a policy says that is no default, as JSON."""
    plain = structs.asdict(PLAIN)
    return {key: _plain(value) for key, value in structs.asdict(policy).items() if value != plain[key]}


def _plain(value: object) -> Json:
    if isinstance(value, frozenset | tuple):
        return sorted(value) if isinstance(value, frozenset) else list(value)
    return str(value) if isinstance(value, tzinfo) else value
