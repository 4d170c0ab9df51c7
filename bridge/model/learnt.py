"""What an address space has learnt, as the tables of a model file.

Types are told as clients see them, elements by the fewest patterns that say the same. What payloads tell anyhow (names,
values, descriptions) is left to them. An element whose values have been of several kinds gets no type: it follows its
value. Folders, and what has reported nothing but null, get none either: they may still become something.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.model.document import FORMAT, INITIAL
from bridge.model.patterns import patterns
from bridge.model.schemas import tables
from bridge.space import AddressSpace, Node, ObjectType
from bridge.space.shape import OBJECT
from bridge.space.types import BASE_NAMESPACE, I3X_NAMESPACE

_OURS = (BASE_NAMESPACE, I3X_NAMESPACE)


def learnt(space: AddressSpace, levels: Sequence[str] = ()) -> dict[str, Any]:
    """The document; `levels` are those of the configuration."""
    kinds = [kind for kind in space.registry.by_id.values() if kind.namespace not in _OURS]
    kinds.sort(key=lambda kind: (kind.namespace, not kind.composed, kind.group != OBJECT, kind.name))
    uris = {row["uri"]: row["displayName"] for row in space.registry.namespaces() if row["uri"] not in _OURS}
    document: dict[str, Any] = {"format": FORMAT}
    if levels:
        document["levels"] = list(levels)
    document["namespaces"] = dict(sorted(uris.items()))
    document["type"] = [_type(kind, alone=len(uris) == 1) for kind in kinds]
    document["element"] = _elements(space, kinds, alone=len(uris) == 1)
    return document


def _type(kind: ObjectType, *, alone: bool) -> dict[str, Any]:
    """`alone`: there is no other namespace to tell it from."""
    told = kind.describe()
    table: dict[str, Any] = {"name": kind.name}
    if not alone:
        table["namespace"] = kind.namespace
    if told["version"] != INITIAL:
        table["version"] = told["version"]
    if kind.source_id != kind.name:
        table["source_type"] = kind.source_id
    schema = told["schema"]
    assert isinstance(schema, Mapping)  # noqa: S101 - JSON Schema
    said = tables(dict(schema))
    if kind.composed:
        table["parts"] = True
    return {**table, **said}


def _elements(space: AddressSpace, kinds: Sequence[ObjectType], *, alone: bool) -> list[dict[str, Any]]:
    names = [kind.name for kind in kinds]
    ambiguous = {name for name in names if names.count(name) > 1}
    found = patterns({topic: _decision(node) for topic, node in space.by_topic.items() if _can_be_matched(topic)})
    return [_element(pattern, space.by_topic[topic], ambiguous if not alone else set()) for pattern, topic in found]


def _can_be_matched(topic: str) -> bool:
    """Whether a filter can stand for a topic; what a broker carries can, with few exceptions."""
    return bool(topic) and topic.partition("/")[0] != "$share" and not any(c in "+#\0" for c in topic)


def _decision(node: Node) -> tuple[str, bool]:
    """What a pattern has to agree about: the type, if there is one to stay, and the place."""
    kind = node.type
    settled = kind.namespace not in _OURS and node.types is None
    return kind.id if settled else "", node.part


def _element(pattern: str, node: Node, ambiguous: set[str]) -> dict[str, Any]:
    table: dict[str, Any] = {"match": pattern}
    ident, part = _decision(node)
    if ident:
        table["type"] = node.type.name
        if node.type.name in ambiguous:
            table["namespace"] = node.type.namespace
    table["part"] = part
    return table
