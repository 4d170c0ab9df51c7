"""The tree of elements, and how it grows.

Three things change it, all from `Engine.ingest` or `Engine.tick`, never from a request: `ensure` makes the nodes of a
new topic, `show` takes note of a value whose structure is new for its node, and `arrange` lets the learner place what
has grown. `revision` counts every change that a client browsing the space could see.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import tzinfo

from msgspec import Struct

from bridge.space.learner import Learner
from bridge.space.node import Field, Node
from bridge.space.shape import BINARY, OBJECT, STRING, Shape, kind_of
from bridge.space.types import TypeRegistry, group_of
from bridge.uns import Json, Rejected, units
from bridge.uns.decoder import field_plan
from bridge.uns.moments import SECOND
from bridge.uns.topics import element_id, field_id, prefixes

MINUTE = 60 * SECOND
_LONGEST_YOUTH = 3  # discovery windows: a namespace that never gets quiet is settled all the same


class Limits(Struct, frozen=True):
    """What bounds the space (reliability.md, "Defaults"); reaching one is counted and logged, never silent."""

    elements: int = 250_000
    new_per_minute: int = 10_000  # elements a minute once the model is settled
    topic: int = 1_024  # bytes of UTF-8
    levels: int = 32
    fields: int = 256  # properties of one object that are modelled
    depth: int = 32  # levels of one payload that are modelled; deeper stays opaque


class AddressSpace:
    """All elements by id and by topic. `zone` is for times without one, `window_ns` how long the model is young."""

    def __init__(self, registry: TypeRegistry, learner: Learner, limits: Limits, zone: tzinfo, window_ns: int) -> None:
        self.registry = registry
        self.limits = limits
        self.zone = zone
        self.nodes: dict[str, Node] = {}
        self.by_topic: dict[str, Node] = {}
        self.roots: dict[str, Node] = {}
        self.revision = 0
        self.young = True
        self._learner = learner
        self._window_ns = window_ns
        self._first_ns = 0  # when the first element came
        self._grown_ns = 0  # when the structure last changed
        self._fresh: list[Node] = []  # made, or reported for the first time, since the last look of the learner
        self._order: list[Node] | None = None
        self.refused: Counter[str] = Counter()  # fields that were not made elements, by the limit that said so
        self._minute = 0
        self._new_in_minute = 0

    # --- growing ---------------------------------------------------------------------------------------------------

    def ensure(self, topic: str, now_ns: int) -> Node | Rejected:
        """The node of a topic, made together with its prefixes where it is missing."""
        node = self.by_topic.get(topic)
        if node is not None:
            return node
        levels = topic.split("/")
        refused = self._refused(topic, levels, now_ns)
        if refused is not None:
            return refused
        parent: Node | None = None
        for depth, name in enumerate(levels, 1):
            prefix = "/".join(levels[:depth])
            parent = self.by_topic.get(prefix) or self._make(prefix, name, parent, now_ns)
        assert parent is not None  # noqa: S101 - a topic has at least one level
        return parent

    def _refused(self, topic: str, levels: list[str], now_ns: int) -> Rejected | None:
        limits = self.limits
        if len(topic.encode("utf-8", "surrogatepass")) > limits.topic:
            return Rejected("topic-length", f"longer than {limits.topic} bytes")
        if len(levels) > limits.levels:
            return Rejected("topic-levels", f"{len(levels)} levels, at most {limits.levels} are modelled")
        if len(self.nodes) + len(levels) > limits.elements:
            return Rejected("elements", f"the limit of {limits.elements} elements is reached")
        missing = sum(1 for prefix in prefixes(topic) if prefix not in self.by_topic) + 1
        if not self.young and not self._may_grow(missing, now_ns):
            return Rejected("new-elements", f"more than {limits.new_per_minute} new elements a minute")
        return None

    def _may_grow(self, elements: int, now_ns: int) -> bool:
        minute = now_ns // MINUTE
        if minute != self._minute:
            self._minute, self._new_in_minute = minute, 0
        self._new_in_minute += elements
        return self._new_in_minute <= self.limits.new_per_minute

    def _make(self, topic: str, name: str, parent: Node | None, now_ns: int) -> Node:
        node = Node(element_id(topic), topic, name, parent, self.registry.folder, now_ns)
        if parent is None:
            self.roots[name] = node
        else:
            if parent.children is None:
                parent.children = {}
            parent.children[name] = node
        self.by_topic[topic] = node
        self.nodes[node.id] = node
        self._first_ns = self._first_ns or now_ns
        self._grown_ns = now_ns
        self._fresh.append(node)
        self._order = None
        self.revision += 1
        return node

    def first_report(self, node: Node) -> None:
        """A node gets a payload of its own: from now on that is its value, not what its parts compose."""
        node.reported = True
        node.type = self.registry.unknown
        self._fresh.append(node)
        self.revision += 1

    # --- values whose structure is new -----------------------------------------------------------------------------

    def show(self, node: Node, value: Json, shape: object, now_ns: int, *, binary: bool = False) -> None:
        """Take note of a value (not null) whose structure differs from the node's last one."""
        node.shape_now = shape
        kind = BINARY if binary else kind_of(value)
        if node.shape is None:
            node.shape = Shape()
        grown = self._observe(node.shape, value, kind)
        self._follow(node, kind, grown=grown)
        if kind == OBJECT:
            late = self.refused["new-elements"]
            self._show_fields(node, node, node.shape, value, now_ns, grown=grown)
            if self.refused["new-elements"] > late:
                node.shape_now = None  # look again at the next message: the rate is limited, not the number
        if grown:
            self._learner.include(node)
            self.revision += 1

    def _observe(self, shape: Shape, value: Json, kind: int) -> bool:
        if kind == BINARY:
            grown = not shape.kinds & (BINARY | STRING)
            shape.kinds |= BINARY
            return grown
        return shape.observe(value, self.limits.fields, self.limits.depth)

    def _follow(self, node: Node, kind: int, *, grown: bool) -> None:
        """Let a node's type follow the root kind of its value: a leaf's type declares one kind."""
        group, present = group_of(kind), node.type
        if present.group == group and not grown and self._is_learnt(node):
            return
        known = node.types.get(group) if node.types else None
        if known is None or grown:
            known = self._learner.classify(node, kind)
        if self._is_learnt(node) and present.group != group:
            node.types = {present.group: present, **(node.types or {}), group: known}
        if known is not present:
            node.type = known
            self.revision += 1

    def _is_learnt(self, node: Node) -> bool:
        kind = node.type
        return not kind.composed and kind is not self.registry.unknown and kind is not self.registry.folder

    def _show_fields(self, owner: Node, box: Node, shape: Shape, value: Json, now_ns: int, *, grown: bool) -> None:
        for key, part in value.items():
            field = box.fields.get(key) if box.fields else None
            if field is None:
                field = self._make_field(owner, box, key, now_ns)
                if field is None:
                    continue
            if part is not None:
                self._show_field(owner, field, shape, part, now_ns, grown=grown)

    def _show_field(self, owner: Node, field: Field, shape: Shape, part: Json, now_ns: int, *, grown: bool) -> None:
        field.plan = field_plan(part, self.zone)
        if field.plan is not None:
            if field.plan.unit is not None:
                self.set_unit(field, part[field.plan.unit])
            part = part[field.plan.value]
            if part is None:
                return
            if field.shape is None:
                field.shape = Shape()
            grown = field.shape.observe(part, self.limits.fields, self.limits.depth)
        else:
            field.shape = (shape.properties or {}).get(field.name)
        if field.shape is None:
            return
        kind = kind_of(part)
        self._follow(field, kind, grown=grown)
        if kind == OBJECT and field.plan is None and len(field.path()) < self.limits.depth - 1:
            self._show_fields(owner, field, field.shape, part, now_ns, grown=grown)

    def _make_field(self, owner: Node, box: Node, key: str, now_ns: int) -> Field | None:
        refusal = self._field_refused(box, now_ns)
        if refusal is not None:
            self.refused[refusal] += 1
            return None
        path = (*box.path(), key) if isinstance(box, Field) else (key,)
        field = Field(field_id(owner.id, path), key, box, owner, self.registry.unknown, now_ns)
        if box.fields is None:
            box.fields = {}
        box.fields[key] = field
        self.nodes[field.id] = field
        self._order = None
        self.revision += 1
        return field

    def _field_refused(self, box: Node, now_ns: int) -> str | None:
        if len(self.nodes) >= self.limits.elements:
            return "elements"
        if len(box.fields or ()) >= self.limits.fields:
            return "fields"
        return None if self.young or self._may_grow(1, now_ns) else "new-elements"

    def set_unit(self, node: Node, text: str) -> None:
        """Take note of the unit that a payload names."""
        unit = units.clean(text)
        if unit is None or unit == node.unit:
            return
        node.unit = unit
        if self._is_learnt(node):
            node.type.units.add(unit)
        self.revision += 1

    # --- arranging -------------------------------------------------------------------------------------------------

    @property
    def unarranged(self) -> bool:
        """Whether something has grown that the learner has not placed yet."""
        return bool(self._fresh)

    def arrange(self, now_ns: int) -> None:
        """Place what has grown; settle the model once it has been quiet for the discovery window."""
        if self._fresh:
            self._sort()
            if self.young:
                self._learner.arrange(self.order())
            else:
                self._learner.extend(self._fresh)
            self._fresh = []
            self.revision += 1
        if self.young and self._first_ns and self._is_quiet(now_ns):
            self.young = False

    def _is_quiet(self, now_ns: int) -> bool:
        return now_ns - self._grown_ns >= self._window_ns or now_ns - self._first_ns >= _LONGEST_YOUTH * self._window_ns

    def _sort(self) -> None:
        """Children in the order of their names: listings are stable, whatever the order of arrival."""
        parents = {node.parent.topic: node.parent for node in self._fresh if node.parent is not None}
        for node in parents.values():
            if node.children and len(node.children) > 1:
                node.children = dict(sorted(node.children.items()))
        self.roots = dict(sorted(self.roots.items()))
        self._order = None

    def order(self) -> list[Node]:
        """All elements, parents before children, fields before what lies below the topic."""
        if self._order is None:
            self._order = [element for root in self.roots.values() for element in _subtree(root)]
        return self._order


def _subtree(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        below = [*(node.fields or {}).values(), *(node.children or {}).values()]
        waiting.extend(reversed(below))
