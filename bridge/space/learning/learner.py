"""The learner: which elements are parts and which are things, and which kind each one is (inference.md F and G).

The address space calls:

- `classify(node)` when a value of a shape that is new for the node arrives: the type of the value, at once;
- `arrange(nodes)` and `extend(nodes)` now and then, when the tree has grown: part or thing for every branch, and types
  for equipment;
- `settle()` once, when the discovery window is over, and `ripen()` now and then afterwards.

While the model is young `arrange` decides everything anew from what is there, in sorted order, so that the order of
arrival does not matter. Afterwards what was decided stays, and `extend` judges only what is new. The rules live in
`roles`, `placing`, `kinds` and `forms`; what a settled type takes in, in `extensions`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from bridge.space.learning.bounds import Bounds, BoundsWatch
from bridge.space.learning.extensions import Extensions
from bridge.space.learning.kinds import Kinds
from bridge.space.learning.lore import Lore, NoLore
from bridge.space.learning.placing import Placing, Usage
from bridge.space.learning.roles import Roles
from bridge.space.learning.vocabulary import Vocabulary
from bridge.space.node import Field, Node
from bridge.space.registry import TypeRegistry
from bridge.space.shape import Shape
from bridge.space.types import ObjectType
from bridge.space.uncollected import uncollected
from bridge.uns.policy import Policies


class Learner:
    """Decides types and composition. `levels` are names of hierarchy levels: what lies deeper is composition."""

    def __init__(
        self,
        registry: TypeRegistry,
        levels: Sequence[str],
        aspects: Iterable[str],
        max_fields: int,
        policies: Policies | None = None,
        *,
        lore: Lore | None = None,
        widen_after_ns: int = 0,
        youth_ns: int = 0,
        guess_units: bool = False,
    ) -> None:
        policies, lore = policies or Policies(), lore or NoLore()
        self.drift = registry.drift
        self.extensions = Extensions(self.drift, widen_after_ns, max_fields)
        self._registry = registry
        self._max_fields = max_fields
        self._youth_ns = youth_ns  # of a type that is made after the model has settled
        self._settled = False
        self._roles = Roles(registry, levels, policies)
        self.placing = Placing(self._roles, aspects, policies, lore)
        self.limits_of: dict[str, Bounds] = {}  # declared limits by element id; the space fills it
        self.bounds = BoundsWatch(self.drift, self.limits_of)
        self._kinds = Kinds(registry, self._roles, policies, lore, max_fields, self.bounds, guess_units=guess_units)
        self._now_ns = 0
        self._no_collections: dict[str, int] = {}  # branches that were none with so many children, in an earlier run

    def on_change(self, changed: Callable[[], None]) -> None:
        """Whom to tell of changes of types that no call of the space has asked for."""
        self.bounds.changed = changed

    # --- values ------------------------------------------------------------------------------------------------------

    def classify(self, node: Node, kind: int, now_ns: int) -> ObjectType:
        """The type for a node's values of this kind, widened to fit all that the node has shown of it."""
        self._now_ns = now_ns
        return self._kinds.classify(node, kind, self._admit, settled=self._settled)

    def vocabulary(self, node: Node) -> Vocabulary:
        return self._kinds.vocabulary(node)

    def disagrees(self, node: Node, former: ObjectType, now_ns: int) -> None:
        """The values of an element are of one kind more."""
        self.drift.note(former.id, "an element says values of another kind, too", node.id, now_ns)

    def vocabulary_grew(self, node: Node, word: str, now_ns: int) -> None:
        """A declared vocabulary has a word more, or is open now."""
        kind = node.type
        if not kind.pinned:
            kind.widened += 1
            self.drift.note(kind.id, f"said {word!r} for the first time", node.id, now_ns)

    def _admit(self, kind: ObjectType, shape: Shape, node: Node) -> bool:
        if not self._settled:
            return kind.widen(shape, self._max_fields)
        if kind.young_until_ns:
            return self.extensions.admit(kind, shape, node, self._now_ns)
        kind.young_until_ns = self._now_ns + self._youth_ns
        changed = kind.widen(shape, self._max_fields)
        kind.widened = 0  # what it was made with is its first version
        return changed

    # --- the tree ----------------------------------------------------------------------------------------------------

    def arrange(self, nodes: Sequence[Node]) -> None:
        """Decide everything anew: place every node (parents come before children) and type every value."""
        with uncollected():
            self._learn(nodes)

    def _learn(self, nodes: Sequence[Node]) -> None:
        self._registry.clear()
        self._roles.clear()
        self.placing.clear()
        for node in nodes:
            node.decided, node.item_role = isinstance(node, Field), None
        branches = [node for node in nodes if node.children]
        self._roles.note_places(nodes)
        self._roles.find_collections(branches)
        self.placing.place_leaves(nodes)
        self.placing.place_branches(branches)
        self._kinds.learn(nodes, branches, self._admit)
        self._registry.number()

    def extend(self, fresh: Sequence[Node], now_ns: int) -> None:
        """Place new nodes in a settled model, and look again at what they are below; the rest stays as it is."""
        self._now_ns = now_ns
        touched: dict[str, Node] = {}
        for node in fresh:
            above: Node | None = node
            while above is not None and above.topic not in touched:
                touched[above.topic] = above
                above = above.parent
        branches = [node for node in touched.values() if node.children]
        branches.sort(key=lambda node: (node.topic.count("/"), node.topic))
        self._roles.note_places(fresh)
        self._roles.find_collections(node for node in branches if self._has_grown(node))
        self.placing.place_leaves(fresh)
        self.placing.place_branches(branches)
        for node in reversed(branches):
            if not node.reported and not node.type.composed:
                self._compose(node)
        for node in fresh:
            self.include(node, now_ns)

    def _has_grown(self, node: Node) -> bool:
        return len(node.children or ()) > self._no_collections.get(node.id, 0)

    def _compose(self, node: Node) -> None:
        if node.is_composition:
            self._kinds.compose(node, self._admit)
        else:
            node.type = self._registry.folder

    def include(self, node: Node, now_ns: int) -> None:
        """A part has shown something new: widen the types of everything whose value it is part of."""
        self._now_ns = now_ns
        path: list[str] = []
        at: Node = node
        while at.part and at.parent is not None and not at.parent.reported:
            path.append(at.name)
            at = at.parent
            if at.type.composed and not at.type.pinned and node.shape is not None:
                self._widen_at(at, tuple(reversed(path)), node.shape)

    def _widen_at(self, owner: Node, path: tuple[str, ...], shape: Shape) -> None:
        """Widen a type below some property names; one that has too many properties for another is a map."""
        kind = owner.type
        declared = kind.shape.properties
        if self._settled and declared is not None and path[0] not in declared and len(declared) < self._max_fields:
            whole = Shape()
            place = whole.at(path[1:], self._max_fields)
            if place is not None:
                place.merge(shape, self._max_fields)
            self._admit_part(kind, path[0], whole, owner)
            return
        place = kind.shape.at(path, self._max_fields)
        if place is None:
            kind.shape.become_map(self._max_fields)
            place = kind.shape.at(path, self._max_fields)
        if place is not None and place.merge(shape, self._max_fields):
            kind.widened += 1

    def _admit_part(self, kind: ObjectType, name: str, shape: Shape, owner: Node) -> None:
        self.extensions.admit_part(kind, name, shape, owner, self._now_ns)

    def forget(self, node: Node) -> None:
        """An element has gone; what it has taught its type stays."""
        self.bounds.forget(node)

    # --- an earlier run ----------------------------------------------------------------------------------------------

    @property
    def vocabularies(self) -> dict[str, Vocabulary]:
        """By what text elements are called."""
        return self._kinds.vocabularies

    def role(self, node: Node) -> str:
        """What an element is, as far as names tell."""
        return self._roles.role(node)

    def resume(self, usage: Usage, words: Mapping[str, Vocabulary]) -> None:
        """Go on with what an earlier run has settled."""
        self.placing.restore(usage)
        self._kinds.vocabularies.update(words)
        self._settled = True

    def place(self, leaf: Node) -> None:
        """A data point below a branch that an earlier run has placed."""
        self.placing.place_leaves((leaf,))

    def was_no_collection(self, branch: Node, children: int) -> None:
        """A branch was none with so many children: with fewer of them it must not look like one."""
        self._no_collections[branch.id] = children

    # --- time passes -------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """The discovery is over: from now on types only widen, and slowly."""
        self._settled = True
        self._kinds.settle()
        for kind in self._registry.by_id.values():
            kind.settle()

    def ripen(self, now_ns: int) -> bool:
        """Let types take in what has stayed; whether any has changed."""
        return bool(len(self.extensions)) and self.extensions.ripen(now_ns)
