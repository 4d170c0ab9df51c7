"""How a topic became an element, and what a payload would become.

A trial decodes a payload in an engine of its own with the same options, so that nothing of it is stored.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import structs, to_builtins

from bridge.engine import Engine, Options
from bridge.explain.fact import Fact, Facts
from bridge.explain.payloads import anatomy
from bridge.explain.places import place_facts
from bridge.explain.readings import reading_facts
from bridge.explain.rejections import Rejection, Rejections
from bridge.space import Node
from bridge.space.owned.views import Alias
from bridge.uns import Message
from bridge.uns.topics import display_name

Explanation: TypeAlias = dict[str, Any]  # topic, elementId (None: no element), facts by name in the order of telling

MOST_BECOME = 20  # elements named that one message makes; a birth makes thousands


class Explainer:
    """Asks an engine about its elements; changes nothing."""

    def __init__(self, engine: Engine, options: Options, rejections: Rejections) -> None:
        self._engine = engine
        self._options = options
        self._rejections = rejections

    def explain(self, name: str) -> Explanation | None:
        """By topic or element id; None for what nobody published."""
        space = self._engine.space
        node = space.by_topic.get(name) or space.nodes.get(name)
        topic = node.topic if node is not None else name
        rejection = self._rejections.of(topic)
        if node is None and rejection is None:
            return None
        facts = dict(_element_facts(self._engine, node)) if node is not None else {}
        if rejection is not None:
            facts["rejected"] = _rejected(rejection)
        return _explanation(topic, node, facts)

    def trial(self, topic: str, payload: bytes, properties: Mapping[str, str] | None, now_ns: int) -> Explanation:
        """What a message would become in an empty space."""
        rejections = Rejections()
        scratch = Engine(structs.replace(self._options, discovery_window=0.0), rejections.note)
        scratch.ingest([Message(topic, payload, received_ns=now_ns, properties=properties)])
        scratch.space.arrange(now_ns)
        made = [node for node in scratch.space.by_topic.values() if node.reported]
        node = scratch.space.by_topic.get(topic) or next(iter(made), None)
        facts = dict(_element_facts(scratch, node)) if node is not None else {}
        policy = self._engine.router.policies.of(topic)
        if len(payload) <= self._options.max_payload:
            facts |= anatomy(topic, payload, policy.zone or self._options.zone, policy)
        if made:
            facts["becomes"] = _becomes(made)
        rejection = rejections.of(topic)
        if rejection is not None:
            facts["rejected"] = _rejected(rejection)
        return _explanation(topic, node, facts)

    def drift(self) -> Explanation:
        """What happened to settled types, the latest first."""
        drift = self._engine.space.registry.drift
        return {"total": drift.total, "types": drift.report()}


def _explanation(topic: str, node: Node | None, facts: Mapping[str, Fact]) -> Explanation:
    ident = node.id if node is not None else None
    return {"topic": topic, "elementId": ident, "facts": {name: to_builtins(fact) for name, fact in facts.items()}}


def _element_facts(engine: Engine, node: Node) -> Facts:
    if isinstance(node, Alias):
        yield "alias of", Fact(node.target.id, "an element once more, under another hierarchy")
        node = node.target
    yield "name", Fact(node.label or display_name(node.name))
    if node.description:
        yield "description", Fact(node.description)
    yield from reading_facts(engine, node)
    yield from place_facts(engine, node)


def _becomes(made: Sequence[Node]) -> Fact:
    """The elements that one message gives values to, fields left out."""
    more = len(made) - MOST_BECOME
    return Fact([node.id for node in made[:MOST_BECOME]], f"and {more} more" if more > 0 else "")


def _rejected(found: Rejection) -> Fact:
    return Fact(found.describe(), "the last message on this topic that could not be used")
