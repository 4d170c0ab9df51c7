"""The tree of elements, and how it grows.

Three things change it, all from `Engine.ingest` or `Engine.tick`, never from a request: `ensure` makes the nodes of a
new topic, `show` takes note of a value whose structure is new for its node, and `arrange` lets the learner place what
has grown. `revision` counts every change that a client browsing the space could see.
"""

from collections.abc import Iterator
from datetime import tzinfo
from typing import Protocol

from bridge.space.describe import Descriptions
from bridge.space.learner import Learner
from bridge.space.limits import Limits
from bridge.space.node import Field, Node
from bridge.space.relations import Links
from bridge.space.showing import Showing
from bridge.space.types import TypeRegistry
from bridge.space.views import VIEWS
from bridge.uns import Hint, Json, Rejected, units
from bridge.uns.moments import SECOND
from bridge.uns.topics import element_id, prefixes

MINUTE = 60 * SECOND
RESERVED = "$bridge"  # the root of what the bridge tells about itself; see `versions`
_LONGEST_YOUTH = 3  # discovery windows: a namespace that never gets quiet is settled all the same


class Watcher(Protocol):
    """Hears of every element that a topic leads to when it is made."""

    def made(self, node: Node) -> None: ...


class AddressSpace:
    """All elements by id and by topic. `zone` is for times without one, `window_ns` how long the model is young."""

    def __init__(self, registry: TypeRegistry, learner: Learner, limits: Limits, zone: tzinfo, window_ns: int) -> None:
        self.registry = registry
        self.limits = limits
        self.zone = zone
        self.nodes: dict[str, Node] = {}
        self.by_topic: dict[str, Node] = {}
        self.roots: dict[str, Node] = {}
        self.own: list[Node] = []  # elements that no topic leads to, the root first: the bridge's own
        self.links = Links()
        self.watchers: list[Watcher] = []
        self.revision = 0
        self.young = True
        self.descriptions = Descriptions(self, learner.limits_of)
        self.limits_of = self.descriptions.limits_of  # declared by other elements: `minimum`, `maximum`, `enum`
        self.watchers.append(self.descriptions)
        self._learner = learner
        learner.on_change(self._changed)
        self._window_ns = window_ns
        self._first_ns = 0  # when the first element came
        self._grown_ns = 0  # when the structure last changed
        self._fresh: list[Node] = []  # made, or reported for the first time, since the last look of the learner
        self._order: list[Node] | None = None
        self._showing = Showing(
            learner,
            registry,
            limits,
            zone,
            room=self._field_refused,
            made=self._take_field,
            unit=self.set_unit,
            drop=self._drop_fields,
        )
        self.refused = self._showing.refused
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
        if levels[0] in (RESERVED, VIEWS):
            return Rejected("reserved", f"{levels[0]} is the bridge's own")
        if len(self.nodes) - len(self.own) + len(levels) > limits.elements:
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
        for watcher in self.watchers:
            watcher.made(node)
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
        if self.young and node.type is self.registry.unknown:
            self._fresh.append(node)
        if self._showing.show(node, value, shape, now_ns, binary=binary):
            self.revision += 1
            self.descriptions.shown(node, value)

    def hinted(self, node: Node, hint: Hint) -> None:
        """A payload has said something about its kind."""
        former, node.hint = node.hint, hint
        node.label = hint.label or node.label
        if (hint.name, hint.namespace) != ((former.name, former.namespace) if former is not None else ("", "")):
            node.shape_now, node.types, node.type = None, None, self.registry.unknown  # looked for anew
        self._fresh.append(node)
        self.revision += 1

    def _take_field(self, field: Field) -> None:
        self.nodes[field.id] = field
        self._order = None
        self.revision += 1
        self.descriptions.made(field)

    def _changed(self) -> None:
        self.revision += 1

    def _drop_fields(self, box: Node) -> None:
        """While the model is young, what was taken for attributes may go; afterwards elements stay."""
        if self.young and box.fields:
            for field in box.fields.values():
                self._drop_fields(field)
                del self.nodes[field.id]
                self.descriptions.forget(field)
            box.fields = None
            self._order = None
            self.revision += 1

    def _field_refused(self, box: Node, now_ns: int) -> str | None:
        if len(self.nodes) - len(self.own) >= self.limits.elements:
            return "elements"
        if len(box.fields or ()) >= self.limits.fields:
            return "fields"
        return None if self.young or self._may_grow(1, now_ns) else "new-elements"

    def set_unit(self, node: Node, text: str) -> None:
        """Take note of the unit that a payload names."""
        unit = units.clean(node.policy.unit or text)
        if unit is None or unit == node.unit:
            return
        node.unit = unit
        if self._showing.is_learnt(node) and not node.type.pinned:
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
                self._learner.extend(self._fresh, now_ns)
            self._fresh = []
            self.revision += 1
        if self.young and self._first_ns and self._is_quiet(now_ns):
            self.young = False
            self._learner.settle()
            self.revision += 1
        elif not self.young and self._learner.ripen(now_ns):
            self.revision += 1

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
