"""What the address space tells: the standard's objects, types, relationships and current values, as plain dicts."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from bridge.space.describing.facts import NOTHING, Facts
from bridge.space.extended import extensions_of
from bridge.space.node import Field, Node
from bridge.space.owned.relations import Links, LinkType
from bridge.space.owned.views import Alias
from bridge.space.shape import Schema
from bridge.space.sight import EVERYTHING, Sight
from bridge.space.space import AddressSpace
from bridge.space.types import I3X_NAMESPACE, ObjectType
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
    """Reads an address space, as far as it is seen; changes nothing. Ids that are unknown or not seen give None."""

    def __init__(self, space: AddressSpace) -> None:
        self._space = space

    # --- namespaces, types, relationship types -----------------------------------------------------------------------

    def namespaces(self, *, sight: Sight = EVERYTHING) -> list[Answer]:
        found = [dict(row) for row in self._space.registry.namespaces()]
        if sight.everything:
            return found
        used = {I3X_NAMESPACE, *(kind.namespace for kind in self._types(sight).values())}
        used.update(kind.namespace for kind in self._link_types(sight))
        return [row for row in found if row["uri"] in used]

    def object_types(self, namespace: str | None = None, *, sight: Sight = EVERYTHING) -> list[Answer]:
        kinds = self._types(sight).values()
        return [self._described(kind, sight) for kind in kinds if namespace is None or kind.namespace == namespace]

    def object_type(self, ident: str, *, sight: Sight = EVERYTHING) -> Answer | None:
        kind = self._space.registry.by_id.get(ident)
        if kind is None or not (sight.everything or ident in self._types(sight)):
            return None
        return self._described(kind, sight)

    def _described(self, kind: ObjectType, sight: Sight) -> Answer:
        """What only elements have said that one does not see, is not told."""
        if sight.everything:
            return kind.describe()
        is_said = kind.pinned or kind.id in sight.known("units", lambda: self._with_units(sight))
        return kind.describe(with_words=False, with_unit=is_said)

    def _with_units(self, sight: Sight) -> Iterator[str]:
        """Ids of types of which an element that is read tells a unit."""
        for node in self._seen(sight):
            if node.unit is not None and sight.is_whole(node) and self._hidden(node, sight).unit is None:
                yield node.type.id

    def _types(self, sight: Sight) -> Mapping[str, ObjectType]:
        """The types of what is seen, by id."""
        known = self._space.registry.by_id
        if sight.everything:
            return known
        used = sight.known("types", lambda: {self.type_of(node, sight).id for node in self._seen(sight)})
        return {ident: kind for ident, kind in known.items() if ident in used}

    def type_of(self, node: Node, sight: Sight) -> ObjectType:
        """The type that an element is shown with."""
        return node.type if sight.is_whole(node) else self._space.registry.folder

    def relationship_types(self, namespace: str | None = None, *, sight: Sight = EVERYTHING) -> list[Answer]:
        kinds = [*STANDARD.values(), *self._link_types(sight)]
        return [self._relationship_type(kind) for kind in kinds if namespace in (None, kind.namespace)]

    def relationship_type(self, ident: str, *, sight: Sight = EVERYTHING) -> Answer | None:
        kind = STANDARD.get(ident) or next((kind for kind in self._link_types(sight) if kind.id == ident), None)
        return self._relationship_type(kind) if kind is not None else None

    def _link_types(self, sight: Sight) -> Iterable[LinkType]:
        """Those of edges of which both ends are seen."""
        links = self._space.links
        if sight.everything or not links.types:
            return links.types.values()
        used = sight.known(
            "links",
            lambda: {name for node in self._seen(sight) for name, other in links.of(node) if sight.sees(other)},
        )
        return [kind for kind in links.types.values() if kind.id in used]

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

    def objects(
        self,
        type_id: str | None = None,
        *,
        root: bool = False,
        metadata: bool = False,
        sight: Sight = EVERYTHING,
    ) -> list[Answer]:
        """All objects, parents before children; `root`: only those without a parent."""
        space = self._space
        if root:
            found = [*space.roots.values(), *_sorted(node for node in space.own if node.parent is None)]
            found = [node for node in found if sight.sees(node)]
        else:
            found = self._seen(sight)
        wanted = (node for node in found if type_id is None or self.type_of(node, sight).id == type_id)
        return [self.describe(node, metadata=metadata, sight=sight) for node in wanted]

    def _seen(self, sight: Sight) -> list[Node]:
        space = self._space
        return [node for node in (*space.order(), *_sorted(space.own)) if sight.sees(node)]

    def _node(self, ident: str, sight: Sight) -> Node | None:
        node = self._space.nodes.get(ident)
        return node if node is not None and sight.sees(node) else None

    def object(self, ident: str, *, metadata: bool = False, sight: Sight = EVERYTHING) -> Answer | None:
        node = self._node(ident, sight)
        return self.describe(node, metadata=metadata, sight=sight) if node is not None else None

    def related(
        self, ident: str, relationship: str | None = None, *, metadata: bool = False, sight: Sight = EVERYTHING
    ) -> list[Answer] | None:
        """Edges of an object, the one to its parent first; `sourceRelationship` is seen from the object.

        `relationship` is the id of a relationship type, or the name that a model file gives it.
        """
        node, links = self._node(ident, sight), self._space.links
        if node is None:
            return None
        wanted = {relationship, *(kind.id for kind in links.types.values() if kind.name == relationship)}
        return [
            {"sourceRelationship": name, "object": self.describe(other, metadata=metadata, sight=sight)}
            for name, other in edges(node, links)
            if (relationship is None or name in wanted) and sight.sees(other)
        ]

    def describe(self, node: Node, *, metadata: bool = False, sight: Sight = EVERYTHING) -> Answer:
        """The ObjectInstanceResponse of the standard."""
        is_whole = sight.is_whole(node)
        extra = self._extensions(node) if is_whole else {}
        row: Answer = {
            "elementId": node.id,
            "displayName": self.title_of(node, sight),
            "typeElementId": self.type_of(node, sight).id,
            "parentId": node.parent.id if node.parent is not None else None,
            "isComposition": sight.is_composition(node),
            "isExtended": bool(extra),
        }
        if metadata:
            row["metadata"] = self._metadata(node, extra, sight)
        return row

    def _hidden(self, node: Node, sight: Sight) -> Facts:
        """What nothing but elements that are not read says about one."""
        if sight.everything:
            return NOTHING
        meant = node.target if isinstance(node, Alias) else node
        return self._space.descriptions.given(meant.id, sight.covers)

    def title_of(self, node: Node, sight: Sight) -> str:
        """The name that an element is shown with."""
        has_title = sight.everything or (sight.reads(node) and self._hidden(node, sight).label is None)
        return title(node) if has_title else display_name(node.name)

    def said_of(self, node: Node, sight: Sight) -> tuple[str | None, str | None]:
        """The unit of an element that is read, and its description, in which the unit is not shown."""
        if not sight.reads(node):
            return None, None
        hidden = self._hidden(node, sight)
        told = node.policy.description or (node.description if hidden.description is None else None)
        return (node.unit if hidden.unit is None else None), told

    def _metadata(self, node: Node, extra: Schema, sight: Sight) -> Answer:
        relationships: dict[str, list[str]] = {}
        for name, other in edges(node, self._space.links):
            if sight.sees(other):
                relationships.setdefault(name, []).append(other.id)
        kind, is_read = self.type_of(node, sight), sight.reads(node)
        unit, told = self.said_of(node, sight)
        return {
            "description": describe_unit(told, node.name, unit) if is_read else None,
            "typeNamespaceUri": kind.namespace,
            "sourceTypeId": kind.source_id,
            "relationships": relationships,
            "schemaExtensions": extra or None,
            "system": self._system(node, unit) if is_read else {"topic": node.topic},
        }

    def _system(self, node: Node, unit: str | None) -> Answer:
        found: Answer = {"topic": node.topic}
        if (published := self._space.raw_topics.get(node.id)) is not None:
            found["publishedTopic"] = published
        if isinstance(node, Field):
            found["path"] = list(node.path())
        if unit is not None:
            found["unit"] = unit
            found["unitCode"] = units.rec20(unit)
        if node.received_ns:
            found["receivedAt"] = render(node.received_ns)
        if node.attributes:
            found["attributes"] = node.attributes
        return found

    @staticmethod
    def _extensions(node: Node) -> Schema:
        return extensions_of(node.target if isinstance(node, Alias) else node)

    # --- current values ----------------------------------------------------------------------------------------------

    def value(self, ident: str, max_depth: int, budget: "Budget", *, sight: Sight = EVERYTHING) -> Answer | None:
        """The CurrentValueResult of the standard; components only for compositions and `max_depth` ≠ 1."""
        node = self._node(ident, sight)
        if node is None:
            return None
        zone = self._space.zone
        value, quality, time_ns = sight.vqt(node, zone)
        composition = sight.is_composition(node)
        answer: Answer = {
            "isComposition": composition,
            "value": value,
            "quality": quality,
            "timestamp": render(time_ns),
        }
        if composition and max_depth != 1:
            answer["components"] = {
                part.id: vqt_answer(*sight.vqt(part, zone))
                for part in budget.limited(sight.descendants(node, max_depth))
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
