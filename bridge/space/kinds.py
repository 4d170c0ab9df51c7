"""Kinds: which type each value and each piece of equipment is of (inference.md F).

What is said about the type of an element comes first: a pinned type, a hint in its payload, a template, a versioned
data contract. All others are compared by role and form (`forms`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC

from msgspec import Struct

from bridge.space import names
from bridge.space.bounds import BoundsWatch
from bridge.space.forms import Form, names_of
from bridge.space.grouping import grouped
from bridge.space.lore import Lore
from bridge.space.node import Field, Node
from bridge.space.roles import Roles
from bridge.space.shape import ANY_NUMBER, ANY_STRING, BINARY, OBJECT, STRING, Shape, kind_of
from bridge.space.types import GROUPS, ObjectType, TypeRegistry, group_of
from bridge.space.vocabulary import MAX_VOCABULARIES, Vocabulary
from bridge.uns import Hint, units
from bridge.uns.policy import Policies

_PLAIN_FIRST = (OBJECT, *(group for group in GROUPS if group != OBJECT))  # of equally common kinds
_MANY_MEMBERS = 8  # parts of one role from which they are a map keyed by their names
_NO_NAMES: frozenset[str] = frozenset()

Admit = Callable[[ObjectType, Shape, Node], bool]


class _Cluster(Struct):
    """Elements that will be of one type, with the shape that each adds to it."""

    kind: ObjectType
    form: Form
    members: list[tuple[Node, Shape]]
    first: Node


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
        self._policies = policies
        self._lore = lore
        self._max_fields = max_fields
        self._vocabularies: dict[str, Vocabulary] = {}

    # --- forms -------------------------------------------------------------------------------------------------------

    def _pinned(self, node: Node) -> ObjectType | None:
        """The type of a model file that the configuration names for a node."""
        if not self._policies or isinstance(node, Field):
            return None
        said = self._policies.of(node.topic)
        return self._registry.pinned(said.type, said.namespace) if said.type else None

    def _hint(self, node: Node) -> Hint | None:
        """What is said about a node's type: configured, in its payload, or known from the protocol."""
        if isinstance(node, Field):
            return None
        if self._policies:
            said = self._policies.of(node.topic)
            if said.type or said.namespace:
                return Hint(said.type, said.namespace)
        if node.hint is not None or node.reported:
            return node.hint
        return _contract(node) or self._lore.hint(node.topic)

    def _value_form(self, node: Node, own: Shape, group: int) -> Form:
        namespace, role, hint = self._roles.namespace(node), self._roles.role(node), self._hint(node)
        if hint is not None:
            namespace = hint.namespace or namespace
            hint = Hint(hint.name, hint.namespace, hint.source_id, hint.version) if hint.name else None
        if group != OBJECT:
            return Form(namespace, role, "", group, opaque=own.unbounded, hint=hint)
        return Form(
            namespace, role, self._roles.near(node), group, opaque=own.unbounded, mapped=own.members is not None,
            names=_NO_NAMES if hint is not None else names_of(own), hint=hint,
        )  # fmt: skip

    def _composed_form(self, node: Node, shape: Shape) -> Form:
        namespace, hint = self._roles.namespace(node), self._hint(node)
        if hint is not None:
            namespace = hint.namespace or namespace
            hint = Hint(hint.name, hint.namespace, hint.source_id, hint.version) if hint.name else None
        mapped = shape.members is not None
        parts = _NO_NAMES if mapped or hint is not None else frozenset(shape.properties or ())
        return Form(
            namespace, self._roles.role(node), self._roles.near(node), OBJECT,
            composed=True, thing=not node.part, mapped=mapped, names=parts, hint=hint,
        )  # fmt: skip

    # --- one node at a time ------------------------------------------------------------------------------------------

    def classify(self, node: Node, kind: int, admit: Admit) -> ObjectType:
        """The type for a node's values of this kind, widened to fit all that the node has shown of it."""
        if node.shape is None:
            return self._registry.unknown
        pinned = self._pinned(node)
        if pinned is not None:
            return pinned
        group = group_of(kind)
        own = node.shape.only(group)
        found = self._find(self._value_form(node, own, group), node)
        admit(found, own, node)
        self._add_facts(found, node)
        return found

    def compose(self, node: Node, admit: Admit) -> None:
        """Give a piece of equipment its type."""
        shape = self.composed_shape(node, {})
        pinned = self._pinned(node)
        node.type = pinned or self._find(self._composed_form(node, shape), node)
        admit(node.type, shape, node)

    def _find(self, form: Form, node: Node) -> ObjectType:
        found = self._registry.find(form)
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
        found: dict[tuple[str, str], dict[Form, list[tuple[Node, Shape]]]] = defaultdict(dict)
        self._gather_equipment(branches, found)
        self._gather_values(nodes, found)
        types: dict[str, dict[int, ObjectType]] = defaultdict(dict)
        for place in sorted(found):
            for cluster in self._clusters(found[place]):
                kind = self._registry.enter(cluster.kind, cluster.form, self._roles.context(cluster.first))
                for node, shape in cluster.members:
                    admit(kind, shape, node)
                    if kind.composed:
                        node.type = kind
                    else:
                        self._add_facts(kind, node)
                        types[node.id][kind.group] = kind
        for node in nodes:
            if node.shape is not None or node.reported:
                self._choose(node, types.get(node.id, {}))

    def _gather_equipment(
        self, branches: Sequence[Node], found: dict[tuple[str, str], dict[Form, list[tuple[Node, Shape]]]]
    ) -> None:
        """Children first: parts shape what they belong to."""
        shapes: dict[str, Shape] = {}
        for node in reversed(branches):
            if node.reported:
                continue
            if not node.is_composition:
                node.type = self._registry.folder
                continue
            shape = shapes[node.id] = self.composed_shape(node, shapes)
            pinned = self._pinned(node)
            if pinned is not None:
                node.type = pinned
                continue
            form = self._composed_form(node, shape)
            found[form.namespace, form.role].setdefault(form, []).append((node, shape))

    def _gather_values(
        self, nodes: Iterable[Node], found: dict[tuple[str, str], dict[Form, list[tuple[Node, Shape]]]]
    ) -> None:
        for node in nodes:
            if node.shape is None or self._pinned(node) is not None:
                continue
            for group in GROUPS:
                if group & node.shape.kinds:
                    own = node.shape.only(group)
                    form = self._value_form(node, own, group)
                    found[form.namespace, form.role].setdefault(form, []).append((node, own))

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
            kind.names |= group.names
            kind.contexts |= {self._roles.near(node) for node, _ in group.members}
            clusters[kind] = _Cluster(kind, group.form, group.members, group.first)
        return clusters

    def _choose(self, node: Node, types: dict[int, ObjectType]) -> None:
        """Of the types that a node's values have, the one of its present value."""
        pinned = self._pinned(node)
        if pinned is not None:
            node.type, node.types = pinned, None
            return
        value = node.vqt(UTC)[0] if node.reported else None
        kind = BINARY if node.shape_now is bytes else kind_of(value)
        present = types.get(group_of(kind)) if value is not None else None
        node.type = present or next(iter(types.values()), self._registry.unknown)
        node.types = types if len(types) > 1 else None
        if value is None:
            node.shape_now = None  # the next value decides, even if it is like the last one

    # --- what equipment is made of -----------------------------------------------------------------------------------

    def composed_shape(self, node: Node, below: dict[str, Shape]) -> Shape:
        """The shape of a composed value; `below` holds those that are known already, by id."""
        shape = Shape(OBJECT)
        parts = list(node.components())
        if self._is_map(node, parts):
            shape.members = Shape()
        for part in parts:
            own = shape.property(part.name, self._max_fields)
            known = part.shape if part.reported else below.get(part.id)
            if known is None and not part.reported and part.is_composition:
                known = below[part.id] = self.composed_shape(part, below)
            if own is not None and known is not None:
                own.merge(known, self._max_fields)
        return shape

    def _is_map(self, node: Node, parts: Sequence[Node]) -> bool:
        """Whether the parts are members of a collection: then their names are no properties."""
        if node.item_role is not None or len(parts) > self._max_fields:
            return True
        return len(parts) >= _MANY_MEMBERS and len({self._roles.role(part) for part in parts}) == 1

    # --- vocabularies ------------------------------------------------------------------------------------------------

    def vocabulary(self, node: Node) -> Vocabulary:
        """The words of all text elements that are called like a node."""
        name = names.stem(node.name)
        found = self._vocabularies.get(name)
        if found is None:
            found = Vocabulary()
            known = isinstance(node, Field) or names.is_identity(node.name)
            if known or len(self._vocabularies) >= MAX_VOCABULARIES:
                found = _OPEN
            else:
                self._vocabularies[name] = found
        return _OPEN if isinstance(node, Field) or (node.shape and node.shape.kinds & ANY_STRING != STRING) else found

    def settle(self) -> None:
        """The discovery is over: decide which vocabularies are declared."""
        for vocabulary in self._vocabularies.values():
            vocabulary.settle()


def _contract(node: Node) -> Hint | None:
    """A versioned data contract of the UMH, or equipment that consists of one (or of several versions of one)."""
    own = names.contract(node.name)
    if own is not None:
        return Hint(f"{own[0]}V{own[1]}", source_id=node.name, version=own[1])
    found = {name: known for name in node.children or () if (known := names.contract(name)) is not None}
    if not found or len({name for name, _ in found.values()}) > 1 or any(node.things()):
        return None
    oldest = min(found, key=lambda name: (int(found[name][1]), name))
    return Hint(found[oldest][0], source_id=oldest, version=found[oldest][1])


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
