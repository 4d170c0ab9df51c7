"""The model as elements of its own: clients learn by browsing, reading and subscribing that the model has changed.

Below `$bridge/model` lie `version`, which rises when the model has changed, and how much it holds and whether it is
settled. They are the bridge's own: not learnt, not published by anybody, so no topic leads to them (messages on topics
of these names are refused), and no change of them is a change of the model. They do not count against the limit of
elements.

They are looked at when time passes, about once a second, not with each message: a plant that starts makes thousands
of changes a second, and a client that is told of each would do nothing but browse.
"""

from bridge.space.node import Change, Node
from bridge.space.shape import kind_of, shape_of
from bridge.space.space import RESERVED, AddressSpace
from bridge.space.types import BASE_NAMESPACE, ObjectType, group_of
from bridge.uns import GOOD, Json
from bridge.uns.moments import SECOND

VERSION_ID = f"{RESERVED}/model/version"
_ROOT_NAME = "bridge"  # for people

INTERVAL_NS = SECOND  # between two changes of the model that are told

# Name of the leaf, name of its type, description, a value that shows its kind.
_LEAVES: tuple[tuple[str, str, str, Json], ...] = (
    ("version", "ModelVersion", "Rises when elements, their places or their types have changed", 0),
    ("types", "Count", "Object types that the bridge has learnt or brought along", 0),
    ("elements", "Count", "Elements of the address space, without the bridge's own", 0),
    ("settled", "Settled", "Whether the discovery window is over: from then on types only widen", False),
)


class Versions:
    """Makes the elements; `update` gives them their values."""

    def __init__(self, space: AddressSpace) -> None:
        self._space = space
        self._told_ns = 0
        root = self._make(RESERVED, _ROOT_NAME, None, space.registry.folder)
        example = {name: value for name, _, _, value in _LEAVES}
        model = self._make(f"{RESERVED}/model", "model", root, self._type("Model", example, composed=True))
        self._leaves = [self._make_leaf(model, *leaf) for leaf in _LEAVES]

    def update(self, now_ns: int) -> list[Change]:
        """The changes of what the model says about itself; at most one of each leaf a second."""
        if 0 <= now_ns - self._told_ns < INTERVAL_NS:
            return []
        space = self._space
        if not self._told_ns:
            for node in space.own:
                node.created_ns = now_ns
        own = len(space.own)
        now: tuple[Json, ...] = (
            space.revision,
            len(space.registry.by_id),
            len(space.nodes) - own,
            not space.young,
        )
        changes = [
            self._set(leaf, value, now_ns)
            for leaf, value in zip(self._leaves, now, strict=True)
            if not leaf.time_ns or value != leaf.value
        ]
        if changes:
            self._told_ns = now_ns
        return changes

    @staticmethod
    def _set(leaf: Node, value: Json, now_ns: int) -> Change:
        leaf.value, leaf.quality, leaf.time_ns, leaf.received_ns = value, GOOD, now_ns, now_ns
        return Change(leaf, value, GOOD, now_ns)

    # --- elements and their types ------------------------------------------------------------------------------------

    def _make(self, topic: str, name: str, parent: Node | None, kind: ObjectType) -> Node:
        node = Node(topic, topic, name, parent, kind, 0)
        node.decided, node.why = True, "the bridge's own"
        if parent is not None:
            parent.children = {**(parent.children or {}), name: node}
        self._space.nodes[node.id] = node
        self._space.own[node] = None
        return node

    def _make_leaf(self, model: Node, name: str, type_name: str, description: str, example: Json) -> Node:
        node = self._make(f"{model.topic}/{name}", name, model, self._type(type_name, example))
        node.part = node.reported = True
        node.description = description
        return node

    def _type(self, name: str, example: Json, *, composed: bool = False) -> ObjectType:
        registry = self._space.registry
        known = registry.by_id.get(f"{BASE_NAMESPACE}#{name}")
        if known is not None:
            return known
        kind = ObjectType(BASE_NAMESPACE, name, "", group_of(kind_of(example)), composed=composed)
        kind.shape = shape_of(example)
        registry.bring(kind)
        return kind
