"""The learner: which elements are parts and which are things, and which kind each one is (inference.md F and G).

The one room to replace when the full learner comes. The address space calls:

- `classify(node)` when a payload of a shape that is new for the node arrives: the type of its value, at once;
- `arrange(nodes)` and `extend(nodes)` now and then, when the tree has grown: part or thing for every branch, and types
  for equipment.

While the model is young (the discovery window) `arrange` decides everything anew from what is there, in sorted order,
so that the order of arrival does not matter. Afterwards what was decided stays, and `extend` judges only what is new.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC
from itertools import islice

from bridge.space import names
from bridge.space.node import Field, Node
from bridge.space.shape import BINARY, OBJECT, Shape, kind_of
from bridge.space.types import GROUPS, ObjectType, TypeRegistry, group_of, similar
from bridge.uns.policy import Policies

_COMMON_PARENTS = 3  # rule G.4: a name under so many kinds of parents is an aspect
_SIMILAR_CHILDREN = 0.5  # rule G.5: Jaccard index of the children's names
_SIMILAR_FIELDS = 0.6  # rule F.3, for the documents of a collection
_COLLECTION = 3  # rule F.2: one and at least two like it
_SMALL = 64  # children; a larger branch that is no collection yet will not become one
_MANY_MEMBERS = 8  # parts of one role from which they are a map keyed by their names
_PLAIN_FIRST = (OBJECT, *(group for group in GROUPS if group != OBJECT))  # of equally common kinds
_MAX_SIBLINGS_COMPARED = 50  # siblings looked at for a similar one; in a large collection the first few tell


class Learner:
    """Decides types and composition. `levels` are names of hierarchy levels: what lies deeper is composition."""

    def __init__(
        self,
        registry: TypeRegistry,
        levels: Sequence[str],
        aspects: Iterable[str],
        max_fields: int,
        policies: Policies,
    ) -> None:
        self._registry = registry
        self._policies = policies
        self._levels = tuple(levels)
        self._aspects = frozenset(aspect.lower() for aspect in aspects)
        self._max_fields = max_fields
        self._parents: dict[str, set[str]] = defaultdict(set)  # name of a branch → roles of its parents (rule G.4)
        self._uses: dict[str, int] = defaultdict(int)  # name of a branch → how often it occurs (rule G.7)

    # --- types of values -------------------------------------------------------------------------------------------

    def classify(self, node: Node, kind: int) -> ObjectType:
        """The type for a node's values of this kind, widened to fit all that the node has shown of it."""
        if node.shape is None:
            return self._registry.unknown
        group = group_of(kind)
        own = node.shape.only(group)
        found = self._registry.for_value(self._namespace(node), self._role(node), own, group, self._context(node))
        found.widen(own, self._max_fields)
        if node.unit is not None:
            found.units.add(node.unit)
        return found

    def _type_values(self, nodes: Iterable[Node]) -> None:
        """Type every value anew; the commonest kind of a role and its largest shapes first: they get the plain name."""
        entries: list[tuple[str, str, int, Node]] = []
        for node in nodes:
            if node.shape is not None:
                namespace, role = self._namespace(node), self._role(node)
                entries += [(namespace, role, group, node) for group in GROUPS if group & node.shape.kinds]
        counts = Counter(entry[:3] for entry in entries)
        entries.sort(
            key=lambda entry: (
                entry[0],
                entry[1],
                -counts[entry[:3]],
                _PLAIN_FIRST.index(entry[2]),
                -_size(entry[3]),
                entry[3].id,
            )
        )
        types: dict[str, dict[int, ObjectType]] = defaultdict(dict)
        for _, _, group, node in entries:
            types[node.id][group] = self.classify(node, group & (node.shape.kinds if node.shape is not None else 0))
        for node in nodes:
            if node.shape is not None or node.reported:
                self._choose(node, types.get(node.id, {}))

    def _choose(self, node: Node, types: dict[int, ObjectType]) -> None:
        """Of the types that a node's values have, the one of its present value."""
        value = node.vqt(UTC)[0] if node.reported else None
        kind = BINARY if node.shape_now is bytes else kind_of(value)
        present = types.get(group_of(kind)) if value is not None else None
        node.type = present or next(iter(types.values()), self._registry.unknown)
        node.types = types if len(types) > 1 else None
        if value is None:
            node.shape_now = None  # the next value decides, even if it is like the last one

    def _namespace(self, node: Node) -> str:
        root = node
        while root.parent is not None:
            root = root.parent
        return self._registry.namespace_of(root.name, bool(root.children))

    def _role(self, node: Node) -> str:
        """The configured name of its level, what its collection holds, or its own name without the number."""
        if self._levels and not isinstance(node, Field) and (depth := node.topic.count("/")) < len(self._levels):
            return names.type_name(self._levels[depth])
        parent = node.parent
        if parent is None:
            return names.role(node.name, "")
        return parent.item_role or names.role(node.name, parent.name)

    def _context(self, node: Node) -> Iterator[str]:
        """Roles of what encloses a node, nearest first: qualifiers for its type's name."""
        above = node.parent
        while above is not None:
            yield self._role(above)
            above = above.parent

    # --- parts and things ------------------------------------------------------------------------------------------

    def arrange(self, nodes: Sequence[Node]) -> None:
        """Decide everything anew: place every node (parents come before children) and type every value."""
        self._registry.clear()
        self._parents.clear()
        self._uses.clear()
        for node in nodes:
            node.decided = isinstance(node, Field)
        branches = [node for node in nodes if node.children]
        for node in branches:
            node.item_role = self._item_role(node)
        self._place_leaves(nodes)
        self._place_branches(branches)
        self._type_branches(branches)
        self._type_values(nodes)

    def extend(self, fresh: Sequence[Node]) -> None:
        """Place new nodes in a settled model, and look again at what they are below; the rest stays as it is."""
        touched: dict[str, Node] = {}
        for node in fresh:
            above: Node | None = node
            while above is not None and above.topic not in touched:
                touched[above.topic] = above
                above = above.parent
        branches = [node for node in touched.values() if node.children]
        branches.sort(key=lambda node: (node.topic.count("/"), node.topic))
        for node in branches:
            if node.item_role is None and len(node.children or ()) <= _SMALL:
                node.item_role = self._item_role(node)
        self._place_leaves(fresh)
        self._place_branches(branches)
        self._type_branches([node for node in branches if not node.type.composed])
        for node in fresh:
            self.include(node)

    def _item_role(self, node: Node) -> str | None:
        """What a collection holds: most of its children are alike, and their names tell which one, not what (F.2)."""
        children = list((node.children or {}).values())
        documents = [child.shape.properties for child in children if child.shape is not None and child.shape.properties]
        branches = (
            [child.children for child in children if child.children and not child.reported]
            if names.is_plural(node.name)
            else []
        )
        for alike in (documents, branches):
            first: Collection[str] = next(iter(alike), {})
            count = sum(similar(first, other, _SIMILAR_FIELDS) for other in alike)
            if (
                count >= _COLLECTION
                and 2 * count >= len(children)
                and len({names.stem(child.name) for child in children}) > 1
            ):
                return names.item(node.name)
        return None

    def _place_leaves(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            if not node.children and not node.decided:
                node.part = node.parent is not None and not self._is_level(node)
                node.decided = True

    def _is_level(self, node: Node) -> bool:
        return bool(self._levels) and node.topic.count("/") < len(self._levels)

    def _place_branches(self, branches: Sequence[Node]) -> None:
        for node in branches:
            if node.parent is not None and not node.decided:
                self._parents[node.name].add(self._role(node.parent))
                self._uses[node.name] += 1
        for node in reversed(branches):  # children before parents
            if not node.decided or (node.part and any(node.things())):
                node.part = self._is_part(node, len(self._parents[node.name]), self._uses[node.name])
                node.decided = True

    def _is_part(self, node: Node, kinds_of_parents: int, uses: int) -> bool:
        """The rules of inference.md G, in their order."""
        if node.parent is None:
            return False
        if self._levels:
            return not self._is_level(node)
        has_things = any(True for _ in node.things())
        leaves_only = not any(child.children for child in (node.children or {}).values())
        if (names.is_index(node.name) and leaves_only) or self._is_array(node):
            return True
        if has_things:
            return False
        numbered = names.is_numbered(node.name)
        if not numbered and kinds_of_parents >= _COMMON_PARENTS:
            return True
        if numbered or self._has_twin(node):
            return False
        if node.name.startswith("_") or node.name.lower() in self._aspects:
            return True
        return leaves_only and uses > 1

    @staticmethod
    def _is_array(node: Node) -> bool:
        """Whether everything below is an index: an array spread over topics, `Parameter/0`, `Parameter/1`."""
        return all(names.is_index(child.name) and child.part for child in (node.children or {}).values())

    def _has_twin(self, node: Node) -> bool:
        """Whether a sibling has a similar set of children: then both are machines of a kind, not aspects."""
        own = node.children or {}
        siblings = (
            islice((node.parent.children or {}).values(), _MAX_SIBLINGS_COMPARED) if node.parent is not None else ()
        )
        return any(
            other is not node and other.children and len(own) > 1 and similar(own, other.children, _SIMILAR_CHILDREN)
            for other in siblings
        )

    # --- types of equipment ----------------------------------------------------------------------------------------

    def _type_branches(self, branches: Sequence[Node]) -> None:
        """Children first: parts shape what they belong to. Larger ones first, so that they name the type."""
        shapes: dict[str, Shape] = {}
        by_role: dict[tuple[str, str], list[Node]] = defaultdict(list)
        for node in reversed(branches):
            if node.reported:
                continue
            if not node.is_composition:
                node.type = self._registry.folder
                continue
            shapes[node.id] = self._composed_shape(node, shapes)
            by_role[self._namespace(node), self._role(node)].append(node)
        for (namespace, role), found in sorted(by_role.items()):
            found.sort(key=lambda node: (-len(shapes[node.id].properties or ()), node.id))
            for node in found:
                kind = node.type
                if not kind.composed or self._registry.by_id.get(kind.id) is not kind:
                    kind = self._registry.for_parts(namespace, role, shapes[node.id], self._context(node))
                kind.widen(shapes[node.id], self._max_fields)
                node.type = kind

    def _is_map(self, node: Node, parts: Sequence[Node]) -> bool:
        """Whether the parts are members of a collection: then their names are no properties."""
        if node.item_role is not None or len(parts) > self._max_fields:
            return True
        return len(parts) >= _MANY_MEMBERS and len({self._role(part) for part in parts}) == 1

    def _composed_shape(self, node: Node, below: dict[str, Shape]) -> Shape:
        shape = Shape(OBJECT)
        parts = list(node.components())
        if self._is_map(node, parts):
            shape.members = Shape()
        for part in parts:
            own = shape.property(part.name, self._max_fields)
            known = part.shape if part.reported else below.get(part.id)
            if known is None and not part.reported and part.is_composition:
                known = below[part.id] = self._composed_shape(part, below)
            if own is not None and known is not None:
                own.merge(known, self._max_fields)
        return shape

    def include(self, node: Node) -> None:
        """A part has shown something new: widen the types of everything whose value it is part of."""
        path: list[str] = []
        at: Node = node
        while at.part and at.parent is not None and not at.parent.reported:
            path.append(at.name)
            at = at.parent
            if at.type.composed and node.shape is not None:
                self._widen_at(at.type, tuple(reversed(path)), node.shape)

    def _widen_at(self, kind: ObjectType, path: tuple[str, ...], shape: Shape) -> None:
        """Widen a type below some property names; one that has too many properties for another is a map."""
        place = kind.shape.at(path, self._max_fields)
        if place is None:
            kind.shape.become_map(self._max_fields)
            place = kind.shape.at(path, self._max_fields)
        if place is not None and place.merge(shape, self._max_fields):
            kind.widened += 1


def _size(node: Node) -> int:
    return len(node.shape.properties or ()) if node.shape is not None else 0
