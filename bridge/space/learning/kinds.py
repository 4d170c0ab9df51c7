"""Kinds: which type each value and each piece of equipment is of (inference.md F).

What is said about the type of an element comes first (`evidence`). All others are compared by role and form (`forms`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC
from typing import TypeAlias

from msgspec import Struct

from bridge.space import names
from bridge.space.learning.bounds import BoundsWatch
from bridge.space.learning.compositions import Compositions
from bridge.space.learning.evidence import Evidence
from bridge.space.learning.forms import Form
from bridge.space.learning.grouping import grouped
from bridge.space.learning.lore import Lore
from bridge.space.learning.roles import Roles
from bridge.space.learning.vocabulary import MAX_VOCABULARIES, Vocabulary
from bridge.space.node import Field, Node
from bridge.space.registry import TypeRegistry
from bridge.space.shape import ANY_NUMBER, ANY_STRING, BINARY, OBJECT, STRING, Shape, kind_of, plain
from bridge.space.types import GROUPS, ObjectType, group_of
from bridge.uns import units
from bridge.uns.policy import Policies

_PLAIN_FIRST = (OBJECT, *(group for group in GROUPS if group != OBJECT))  # of equally common kinds
_GROUPS_OF = tuple(tuple(group for group in GROUPS if group & kinds) for kinds in range(2 * OBJECT))  # by their bits

Admit: TypeAlias = Callable[[ObjectType, Shape, Node], bool]
_Found: TypeAlias = dict[tuple[str, str], dict[Form, list[tuple[Node, Shape]]]]  # by namespace and role


class _Cluster(Struct):
    """Elements that will be of one type, with the shape that each adds to it."""

    kind: ObjectType
    form: Form
    members: list[tuple[Node, Shape]]
    first: Node

    def shapes(self) -> Iterable[tuple[Shape, Node]]:
        """The shapes, each once, with the first that has it: most are shared by many."""
        known = {id(shape): (shape, node) for node, shape in reversed(self.members)}
        return reversed(known.values())


class Kinds:
    """Finds and makes types. What a type takes in of a shape is decided by `admit`."""

    def __init__(
        self,
        registry: TypeRegistry,
        roles: Roles,
        policies: Policies,
        lore: Lore,
        max_fields: int,
        bounds: BoundsWatch,
        *,
        guess_units: bool,
    ) -> None:
        self._guess_units = guess_units
        self._registry = registry
        self._bounds = bounds
        self._roles = roles
        self._evidence = Evidence(registry, roles, policies, lore)
        self._max_fields = max_fields
        self._vocabularies: dict[str, Vocabulary] = {}

    # --- one node at a time ------------------------------------------------------------------------------------------

    def classify(self, node: Node, kind: int, admit: Admit, *, settled: bool) -> ObjectType:
        """The type for a node's values of this kind, widened to fit all that the node has shown of it. In a settled
        model it stays the one that the node has.
        """
        if node.shape is None:
            return self._registry.unknown
        pinned = self._evidence.pinned(node)
        if pinned is not None:
            return pinned
        group = group_of(kind)
        own = node.shape.only(group)
        present = (node.types or {}).get(group, node.type) if settled else None
        found = self._find(self._evidence.of_value(node, own, group), node, present)
        admit(found, own, node)
        self._add_facts(found, node)
        return found

    def compose(self, node: Node, admit: Admit) -> None:
        """Give a piece of equipment its type."""
        shape = Compositions(self._roles, self._max_fields).shape(node)
        pinned = self._evidence.pinned(node)
        node.type = pinned or self._find(self._evidence.of_parts(node, shape), node)
        admit(node.type, shape, node)

    def _find(self, form: Form, node: Node, present: ObjectType | None = None) -> ObjectType:
        found = self._registry.find(form, present)
        if found is None:
            found = self._registry.enter(self._registry.make(form), form, self._roles.context(node))
        return found

    def _add_facts(self, kind: ObjectType, node: Node) -> None:
        """Unit, limits and vocabulary of an element, which its type shows while all its elements agree."""
        if kind.pinned:
            return
        self._bounds.join(kind, node)
        if self._guess_units and node.unit is None and kind.group == ANY_NUMBER:
            node.unit = units.guess(node.name)
        if node.unit is not None:
            kind.units.add(node.unit)
        if kind.group == STRING:
            vocabulary = self.vocabulary(node)
            kind.vocabularies[id(vocabulary)] = vocabulary

    # --- all anew ----------------------------------------------------------------------------------------------------

    def learn(self, nodes: Sequence[Node], branches: Sequence[Node], admit: Admit) -> None:
        """Type everything anew: `nodes` and, of them, `branches`, parents before children."""
        found: _Found = defaultdict(dict)
        self._gather_equipment(branches, found)
        mixed = self._gather_values(nodes, found)
        for place in sorted(found):
            for cluster in self._clusters(found[place]):
                kind = self._registry.enter(cluster.kind, cluster.form, self._roles.context(cluster.first))
                for shape, node in cluster.shapes():
                    admit(kind, shape, node)
                for node, _ in cluster.members:
                    if not kind.composed:
                        self._add_facts(kind, node)
                    if node in mixed:
                        mixed[node][kind.group] = kind
                    else:
                        node.type = kind
        for node, types in mixed.items():
            self._choose(node, types)

    def _gather_equipment(self, branches: Sequence[Node], found: _Found) -> None:
        """Children first: parts shape what they belong to."""
        compositions = Compositions(self._roles, self._max_fields)
        for node in reversed(branches):
            if node.reported:
                continue
            if not node.is_composition:
                node.type = self._registry.folder
                continue
            shape = compositions.shape(node)
            pinned = self._evidence.pinned(node)
            if pinned is not None:
                node.type = pinned
                continue
            form = self._evidence.of_parts(node, shape)
            found[form.namespace, form.role].setdefault(form, []).append((node, shape))

    def _gather_values(self, nodes: Iterable[Node], found: _Found) -> dict[Node, dict[int, ObjectType]]:
        """The few whose type their present value decides: those with values of several root kinds, or of none."""
        mixed: dict[Node, dict[int, ObjectType]] = {}
        for node in nodes:
            shape = node.shape
            if shape is None and not node.reported:
                continue
            node.types, pinned = None, self._evidence.pinned(node)
            if pinned is not None:
                node.type = pinned
                continue
            shape = shape or plain(0)
            groups = _GROUPS_OF[shape.kinds]
            if len(groups) != 1:
                mixed[node] = {}
            for group in groups:
                own = shape.only(group)
                form = self._evidence.of_value(node, own, group)
                found[form.namespace, form.role].setdefault(form, []).append((node, own))
        return mixed

    def _clusters(self, forms: Mapping[Form, list[tuple[Node, Shape]]]) -> list[_Cluster]:
        """Forms that are alike together, the largest first; those with the best claim to the plain name in front."""
        documents = {form: members for form, members in forms.items() if _is_plain_document(form)}
        clusters = self._document_clusters(documents)
        forms = {form: members for form, members in forms.items() if form not in documents}
        hinted: dict[tuple[str, str, int, bool], ObjectType] = {}
        ranked = sorted(
            ((form, members, min(members, key=_by_id)[0]) for form, members in forms.items()),
            key=lambda row: (-len(row[0].names), -len(row[1]), row[2].id),
        )
        for form, members, first in ranked:
            kind: ObjectType | None
            if form.hint is not None:
                kind = hinted.get((form.namespace, form.hint.name, form.group, form.composed))
            else:
                kind = self._registry.likely((one for one in clusters if clusters[one].form.hint is None), form)
            if kind is None:
                kind = self._registry.make(form)
                clusters[kind] = _Cluster(kind, form, [], first)
                if form.hint is not None:
                    hinted[form.namespace, form.hint.name, form.group, form.composed] = kind
            kind.admit(form)
            clusters[kind].members += members
        return sorted(clusters.values(), key=_claim)

    def _document_clusters(self, forms: Mapping[Form, list[tuple[Node, Shape]]]) -> dict[ObjectType, _Cluster]:
        clusters: dict[ObjectType, _Cluster] = {}
        for group in grouped(forms, self._roles.telling) if forms else ():
            kind = self._registry.make(group.form)
            kind.know(group.names)
            kind.contexts |= {self._roles.near(node) for node, _ in group.members}
            clusters[kind] = _Cluster(kind, group.form, group.members, group.first)
        return clusters

    def _choose(self, node: Node, types: dict[int, ObjectType]) -> None:
        """Of the types that a node's values have, the one of its present value."""
        value = node.vqt(UTC)[0] if node.reported else None
        kind = BINARY if node.shape_now is bytes else kind_of(value)
        present = types.get(group_of(kind)) if value is not None else None
        node.type = present or next(iter(types.values()), self._registry.unknown)
        node.types = types if len(types) > 1 else None
        if value is None:
            node.shape_now = None  # the next value decides, even if it is like the last one

    # --- vocabularies ------------------------------------------------------------------------------------------------

    @property
    def vocabularies(self) -> dict[str, Vocabulary]:
        """By what text elements are called."""
        return self._vocabularies

    def vocabulary(self, node: Node) -> Vocabulary:
        """The words of all text elements that are called like a node; of what has no name of its own, an open one."""
        shape = node.shape
        if isinstance(node, Field) or names.is_identity(node.name) or (shape and shape.kinds & ANY_STRING != STRING):
            return _OPEN
        name = names.stem(node.name)
        found = self._vocabularies.get(name)
        if found is None:
            if len(self._vocabularies) >= MAX_VOCABULARIES:
                return _OPEN
            found = self._vocabularies[name] = Vocabulary()
        return found

    def settle(self) -> None:
        """The discovery is over: decide which vocabularies are declared."""
        for vocabulary in self._vocabularies.values():
            vocabulary.settle()


def _is_plain_document(form: Form) -> bool:
    return form.group == OBJECT and not (form.composed or form.mapped or form.opaque or form.hint)


_OPEN = Vocabulary()
_OPEN.open = True


def _by_id(member: tuple[Node, Shape]) -> str:
    return member[0].id


def _claim(cluster: _Cluster) -> tuple[bool, bool, int, int, int, str]:
    """What sorts types of one role: hinted, equipment, many elements, plain kinds, many names."""
    kind, form = cluster.kind, cluster.form
    members, rank = -len(cluster.members), _PLAIN_FIRST.index(kind.group)
    return form.hint is None, not kind.composed, members, rank, -len(kind.names), cluster.first.id
