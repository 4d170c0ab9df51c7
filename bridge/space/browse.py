"""What the address space tells: the standard's objects, types, relationships and current values, as plain dicts."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from bridge.space.extended import extensions_of
from bridge.space.node import Field, Node, descendants
from bridge.space.owned.relations import Links, LinkType
from bridge.space.owned.views import Alias
from bridge.space.shape import Schema
from bridge.space.space import AddressSpace
from bridge.space.types import I3X_NAMESPACE
from bridge.uns import Quality, units
from bridge.uns.moments import render
from bridge.uns.topics import display_name

Answer: TypeAlias = dict[str, Any]

HAS_PARENT, HAS_CHILDREN, HAS_COMPONENT, COMPONENT_OF = (
    "HasParent",
    "HasChildren",
    "HasComponent",
    "ComponentOf",
)
REVERSE = {
    HAS_PARENT: HAS_CHILDREN,
    HAS_CHILDREN: HAS_PARENT,
    HAS_COMPONENT: COMPONENT_OF,
    COMPONENT_OF: HAS_COMPONENT,
}
STANDARD = {name: LinkType(name, name, I3X_NAMESPACE, reverse) for name, reverse in REVERSE.items()}


class Browser:
    """Reads an address space; changes nothing. Unknown ids give None."""

    def __init__(self, space: AddressSpace) -> None:
        self._space = space

    # --- namespaces, types, relationship types -----------------------------------------------------------------------

    def namespaces(self) -> list[Answer]:
        return [dict(row) for row in self._space.registry.namespaces()]

    def object_types(self, namespace: str | None = None) -> list[Answer]:
        kinds = self._space.registry.by_id.values()
        return [kind.describe() for kind in kinds if namespace is None or kind.namespace == namespace]

    def object_type(self, ident: str) -> Answer | None:
        kind = self._space.registry.by_id.get(ident)
        return kind.describe() if kind is not None else None

    def relationship_types(self, namespace: str | None = None) -> list[Answer]:
        kinds = [*STANDARD.values(), *self._space.links.types.values()]
        return [self._relationship_type(kind) for kind in kinds if namespace in (None, kind.namespace)]

    def relationship_type(self, ident: str) -> Answer | None:
        kind = STANDARD.get(ident) or self._space.links.types.get(ident)
        return self._relationship_type(kind) if kind is not None else None

    @staticmethod
    def _relationship_type(kind: LinkType) -> Answer:
        return {
            "elementId": kind.id,
            "displayName": kind.name,
            "namespaceUri": kind.namespace,
            "relationshipId": kind.name,
            "reverseOf": kind.reverse,
        }

    # --- objects -----------------------------------------------------------------------------------------------------

    def objects(self, type_id: str | None = None, *, root: bool = False, metadata: bool = False) -> list[Answer]:
        """All objects, parents before children; `root`: only those without a parent."""
        space = self._space
        if root:
            found = [*space.roots.values(), *_sorted(node for node in space.own if node.parent is None)]
        else:
            found = [*space.order(), *_sorted(space.own)]
        return [self.describe(node, metadata=metadata) for node in found if type_id is None or node.type.id == type_id]

    def object(self, ident: str, *, metadata: bool = False) -> Answer | None:
        node = self._space.nodes.get(ident)
        return self.describe(node, metadata=metadata) if node is not None else None

    def related(self, ident: str, relationship: str | None = None, *, metadata: bool = False) -> list[Answer] | None:
        """Edges of an object, the one to its parent first; `sourceRelationship` is seen from the object.

        `relationship` is the id of a relationship type, or the name that a model file gives it.
        """
        node, links = self._space.nodes.get(ident), self._space.links
        if node is None:
            return None
        wanted = {relationship, *(kind.id for kind in links.types.values() if kind.name == relationship)}
        return [
            {"sourceRelationship": name, "object": self.describe(other, metadata=metadata)}
            for name, other in edges(node, links)
            if relationship is None or name in wanted
        ]

    def describe(self, node: Node, *, metadata: bool = False) -> Answer:
        """The ObjectInstanceResponse of the standard."""
        extra = self._extensions(node)
        row: Answer = {
            "elementId": node.id,
            "displayName": title(node),
            "typeElementId": node.type.id,
            "parentId": node.parent.id if node.parent is not None else None,
            "isComposition": node.is_composition,
            "isExtended": bool(extra),
        }
        if metadata:
            row["metadata"] = self._metadata(node, extra)
        return row

    def _metadata(self, node: Node, extra: Schema) -> Answer:
        relationships: dict[str, list[str]] = {}
        for name, other in edges(node, self._space.links):
            relationships.setdefault(name, []).append(other.id)
        return {
            "description": describe_unit(node.policy.description or node.description, node.name, node.unit),
            "typeNamespaceUri": node.type.namespace,
            "sourceTypeId": node.type.source_id,
            "relationships": relationships,
            "schemaExtensions": extra or None,
            "system": self._system(node),
        }

    def _system(self, node: Node) -> Answer:
        found: Answer = {"topic": node.topic}
        if (published := self._space.raw_topics.get(node.id)) is not None:
            found["publishedTopic"] = published
        if isinstance(node, Field):
            found["path"] = list(node.path())
        if node.unit is not None:
            found["unit"] = node.unit
            found["unitCode"] = units.rec20(node.unit)
        if node.received_ns:
            found["receivedAt"] = render(node.received_ns)
        if node.attributes:
            found["attributes"] = node.attributes
        return found

    @staticmethod
    def _extensions(node: Node) -> Schema:
        return extensions_of(node.target if isinstance(node, Alias) else node)

    # --- current values ----------------------------------------------------------------------------------------------

    def value(self, ident: str, max_depth: int, budget: "Budget") -> Answer | None:
        """The CurrentValueResult of the standard; components only for compositions and `max_depth` ≠ 1."""
        node = self._space.nodes.get(ident)
        if node is None:
            return None
        value, quality, time_ns = node.vqt(self._space.zone)
        composition = node.is_composition
        answer: Answer = {
            "isComposition": composition,
            "value": value,
            "quality": quality,
            "timestamp": render(time_ns),
        }
        if composition and max_depth != 1:
            answer["components"] = {
                part.id: vqt_answer(*part.vqt(self._space.zone))
                for part in budget.limited(descendants(node, max_depth))
            }
        return answer


class Budget:
    """How many components one answer may still hold; `cut` tells that it was not enough."""

    def __init__(self, components: int) -> None:
        self._left = components
        self.cut = False

    def limited(self, nodes: Iterator[Node]) -> Iterator[Node]:
        for node in nodes:
            if self._left <= 0:
                self.cut = True
                return
            self._left -= 1
            yield node


def edges(node: Node, links: Links) -> Iterator[tuple[str, Node]]:
    """All edges of a node, each named as seen from it; every one is found reversed at its other end."""
    if node.parent is not None:
        yield (COMPONENT_OF if node.part else HAS_PARENT), node.parent
    for part in node.components():
        yield HAS_COMPONENT, part
    for thing in node.things():
        yield HAS_CHILDREN, thing
    yield from links.of(node)


def _sorted(nodes: Iterable[Node]) -> list[Node]:
    """Parents come before children: their ids are what those begin with."""
    return sorted(nodes, key=lambda node: node.id)


def vqt_answer(value: object, quality: Quality, time_ns: int) -> Answer:
    return {"value": value, "quality": quality, "timestamp": render(time_ns)}


def title(node: Node) -> str:
    """An element's name for people: configured, told by a payload, or the level's. A view names its aliases itself."""
    own = "" if isinstance(node, Alias) else node.policy.name or node.label
    return display_name(own or node.name)


def describe_unit(description: str | None, name: str, unit: str | None) -> str | None:
    """A description that shows the unit, for clients without a unit column: `Bearing temperature [°C]`."""
    if unit is None:
        return description
    return f"{description or display_name(name)} [{unit}]"


__all__ = ["Browser", "Budget", "edges"]
