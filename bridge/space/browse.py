"""What the address space tells: the standard's objects, types, relationships and current values, as plain dicts."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from bridge.space.node import Field, Node, descendants
from bridge.space.shape import Schema, extensions
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
        if namespace not in (None, I3X_NAMESPACE):
            return []
        return [self._relationship_type(name) for name in REVERSE]

    def relationship_type(self, ident: str) -> Answer | None:
        return self._relationship_type(ident) if ident in REVERSE else None

    @staticmethod
    def _relationship_type(name: str) -> Answer:
        return {
            "elementId": name,
            "displayName": name,
            "namespaceUri": I3X_NAMESPACE,
            "relationshipId": name,
            "reverseOf": REVERSE[name],
        }

    # --- objects -----------------------------------------------------------------------------------------------------

    def objects(self, type_id: str | None = None, *, root: bool = False, metadata: bool = False) -> list[Answer]:
        """All objects, parents before children; `root`: only those without a parent."""
        found = self._space.roots.values() if root else self._space.order()
        return [self.describe(node, metadata=metadata) for node in found if type_id is None or node.type.id == type_id]

    def object(self, ident: str, *, metadata: bool = False) -> Answer | None:
        node = self._space.nodes.get(ident)
        return self.describe(node, metadata=metadata) if node is not None else None

    def related(self, ident: str, relationship: str | None = None, *, metadata: bool = False) -> list[Answer] | None:
        """Edges of an object, the one to its parent first; `sourceRelationship` is seen from the object."""
        node = self._space.nodes.get(ident)
        if node is None:
            return None
        return [
            {"sourceRelationship": name, "object": self.describe(other, metadata=metadata)}
            for name, other in edges(node)
            if relationship is None or name == relationship
        ]

    def describe(self, node: Node, *, metadata: bool = False) -> Answer:
        """The ObjectInstanceResponse of the standard."""
        extra = self._extensions(node)
        row: Answer = {
            "elementId": node.id,
            "displayName": display_name(node.name),
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
        for name, other in edges(node):
            relationships.setdefault(name, []).append(other.id)
        return {
            "description": describe_unit(node.description, node.name, node.unit),
            "typeNamespaceUri": node.type.namespace,
            "sourceTypeId": node.type.source_id,
            "relationships": relationships,
            "schemaExtensions": extra or None,
            "system": self._system(node),
        }

    @staticmethod
    def _system(node: Node) -> Answer:
        found: Answer = {"topic": node.topic}
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

    def _extensions(self, node: Node) -> Schema:
        """Attributes of the present value that the type does not declare."""
        declared = node.type.shape.properties
        if not declared or node.type.shape.members is not None or (isinstance(node, Field) and node.plan is not None):
            return {}
        if node.is_composed and all(part.name in declared for part in node.components()):
            return {}
        return extensions(node.vqt(self._space.zone)[0], declared)

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


def edges(node: Node) -> Iterator[tuple[str, Node]]:
    """All edges of a node, each named as seen from it; every one is found reversed at its other end."""
    if node.parent is not None:
        yield (COMPONENT_OF if node.part else HAS_PARENT), node.parent
    for part in node.components():
        yield HAS_COMPONENT, part
    for thing in node.things():
        yield HAS_CHILDREN, thing


def vqt_answer(value: object, quality: Quality, time_ns: int) -> Answer:
    return {"value": value, "quality": quality, "timestamp": render(time_ns)}


def describe_unit(description: str | None, name: str, unit: str | None) -> str | None:
    """A description that shows the unit, for clients without a unit column: `Bearing temperature [°C]`."""
    if unit is None:
        return description
    return f"{description or display_name(name)} [{unit}]"


__all__ = ["Browser", "Budget", "edges"]
