"""The tree of elements, and how it grows.

Four things change it, all from `Engine.ingest` or `Engine.tick`, never from a request: `ensure` makes the nodes of a
new topic, `show` takes note of a value whose structure is new for its node, `arrange` lets the learner place what has
grown, and `remove` takes elements out. `revision` counts every change that a client browsing the space could see.
"""

from collections.abc import Callable
from datetime import tzinfo
from itertools import islice
from sys import intern
from typing import Protocol

from bridge.space.describing.describe import Descriptions
from bridge.space.extended import is_extended_by
from bridge.space.growth import Growth
from bridge.space.learning.learner import Learner
from bridge.space.learning.remembered import Memory, Remembered
from bridge.space.learning.snapshot import Snapshot, snapshot
from bridge.space.leaving.removal import Reason, Removal
from bridge.space.limits import Limits
from bridge.space.node import Field, Node, subtree
from bridge.space.owned.relations import Links
from bridge.space.owned.views import VIEWS
from bridge.space.registry import TypeRegistry
from bridge.space.shape import BINARY, kind_of
from bridge.space.showing import Showing
from bridge.uns import Hint, Json, Rejected, units
from bridge.uns.topics import element_id, prefixes

RESERVED = "$bridge"  # the root of what the bridge tells about itself; see `versions`


class Watcher(Protocol):
    """Hears of every element that a topic leads to when it is made, and when it is gone."""

    def made(self, node: Node) -> None: ...
    def gone(self, node: Node) -> None: ...


class AddressSpace:
    """All elements by id and by topic. `zone` is for times without one, `window_ns` how long the model is young."""

    def __init__(self, registry: TypeRegistry, learner: Learner, limits: Limits, zone: tzinfo, window_ns: int) -> None:
        self.registry = registry
        self.limits = limits
        self.zone = zone
        self.nodes: dict[str, Node] = {}
        self.by_topic: dict[str, Node] = {}
        self.roots: dict[str, Node] = {}
        self.raw_topics: dict[str, str] = {}  # element id → topic that its messages have, where that is another one
        self.own: dict[Node, None] = {}  # elements that no topic leads to, roots first: the bridge's own
        self.links = Links()
        self.watchers: list[Watcher] = []
        self.growth = Growth(window_ns, limits.new_per_minute)
        self.revision = 0
        self.young = True
        self.waking = False  # goes on with the model of an earlier run, whose elements return now
        self.descriptions = Descriptions(self, learner.limits_of)
        self.limits_of = self.descriptions.limits_of  # declared by other elements: `minimum`, `maximum`, `enum`
        self.removal = Removal(self, learner)
        self.remembered = Remembered(self, learner)
        self.watchers += [self.remembered, self.descriptions, self.removal]
        self.make_room: Callable[[int, int], bool] = _no_room  # for so many elements in a full space, now
        self._learner = learner
        learner.on_change(self._changed)
        self._fresh: list[Node] = []  # made, or reported for the first time, since the last look of the learner
        self._in_order = 0  # of these, whose siblings are in order
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

    @property
    def size(self) -> int:
        """Elements, without the bridge's own."""
        return len(self.nodes) - len(self.own)

    # --- growing ---------------------------------------------------------------------------------------------------

    def ensure(self, topic: str, now_ns: int) -> Node | Rejected:
        """The node of a topic, made together with its prefixes where it is missing."""
        node = self.by_topic.get(topic)
        if node is not None:
            return node
        refused = self._refused(topic, now_ns)
        return refused if refused is not None else self._grow(topic, now_ns)

    def _grow(self, topic: str, now_ns: int) -> Node:
        """Up to the next element that is there, and down again."""
        above, _, name = topic.rpartition("/")
        parent = None
        if len(name) < len(topic):
            parent = self.by_topic.get(above) or self._grow(above, now_ns)
        return self._make(topic, intern(name), parent, now_ns)

    def _refused(self, topic: str, now_ns: int) -> Rejected | None:
        limits, levels = self.limits, topic.count("/") + 1
        if len(topic.encode("utf-8", "surrogatepass")) > limits.topic:
            return Rejected("topic-length", f"longer than {limits.topic} bytes")
        if levels > limits.levels:
            return Rejected("topic-levels", f"{levels} levels, at most {limits.levels} are modelled")
        root = topic.partition("/")[0]
        if root in (RESERVED, VIEWS):
            return Rejected("reserved", f"{root} is the bridge's own")
        if self.size + levels > limits.elements and not self.make_room(levels, now_ns):
            return Rejected("elements", f"the limit of {limits.elements} elements is reached")
        if not self.provisional and not self.growth.admits(self._missing(topic), now_ns):
            return Rejected("new-elements", f"more than {limits.new_per_minute} new elements a minute")
        return None

    def _missing(self, topic: str) -> int:
        """How many elements would be new, and are not known from an earlier run either."""
        missing = (prefix for prefix in (topic, *prefixes(topic)) if prefix not in self.by_topic)
        return sum(element_id(prefix) not in self.remembered for prefix in missing)

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
        self.growth.grew(now_ns)
        self._fresh.append(node)
        self._order = None
        self.revision += 1
        for watcher in self.watchers:
            watcher.made(node)
        return node

    def first_report(self, node: Node) -> None:
        """A node gets a payload of its own: from now on that is its value, not what its parts compose."""
        node.reported = True
        node.type = next(iter(node.types.values())) if node.types else self.registry.unknown
        if self.waking and node.parent is not None and node.parent.decided:
            self._learner.place(node)  # a branch that has returned lacks nothing that it had
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

    def recall(self, node: Node, value: Json, shape: object, now_ns: int, *, binary: bool) -> None:
        """The same of a value that is older than the present one: types learn of it, what the node shows stays."""
        if self._showing.recall(node, value, shape, now_ns, binary=binary):
            self.revision += 1
            if self.young:
                self._fresh.append(node)

    def declared(self, node: Node, kind: type, now_ns: int) -> None:
        """It is known of which kind the values of an element will be, before there is one; `bytes`: base64."""
        self._showing.expect(node, BINARY if kind is bytes else kind_of(kind()), now_ns)
        self._fresh.append(node)
        self.revision += 1

    def emptied(self, node: Node) -> None:
        """A value becomes null: what it had beyond its type is no extension any more, until it is shown again."""
        if is_extended_by(node):
            node.shape_now = type(None)
            self.revision += 1

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
        self.remembered.made(field)
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
        if self.size >= self.limits.elements:
            return "elements"
        if len(box.fields or ()) >= self.limits.fields:
            return "fields"
        return None if self.provisional or self.growth.admits(1, now_ns) else "new-elements"

    def set_unit(self, node: Node, text: str) -> None:
        """Take note of the unit that a payload names."""
        unit = units.clean(node.policy.unit or text)
        if unit is None or unit == node.unit:
            return
        node.unit = unit
        if self._showing.is_learnt(node) and not node.type.pinned:
            node.type.units.add(unit)
        self.revision += 1

    # --- shrinking ---------------------------------------------------------------------------------------------------

    def remove(self, node: Node, reason: Reason = "deleted") -> bool:
        """Take out an element and all below it; False, and nothing changes, if somebody monitors any of it."""
        return self.removal.remove(node, reason)

    def shrunk(self) -> None:
        """Elements were taken out."""
        self._order = None
        self.revision += 1

    def became_branch(self, node: Node) -> None:
        """An element has no payload any more, but there are others below it."""
        node.type = self.registry.folder
        self._fresh.append(node)
        self.shrunk()

    # --- arranging -------------------------------------------------------------------------------------------------

    @property
    def unarranged(self) -> bool:
        """Whether something has grown that the learner has not placed yet."""
        return bool(self._fresh)

    @property
    def provisional(self) -> bool:
        """Whether new elements are placed later, all together, and none is refused."""
        return self.young or self.waking

    def resume(self, memory: Memory) -> None:
        """Go on with the model of an earlier run, before anything has come. Elements that return have their places and
        types at once; what is new is placed when all have had time to return. Raises `ValueError`.
        """
        self.remembered.fill(memory)
        self.young, self.waking = False, True
        self.revision += 1

    def snapshot(self, today: int) -> Snapshot:
        """What to remember of the model, which is settled; `today` is the number of days since 1970."""
        return snapshot(self, self._learner, today)

    def arrange(self, now_ns: int) -> None:
        """Place what has grown; settle the model once it has been quiet for the discovery window."""
        quiet = self.provisional and self.growth.is_over(now_ns)
        if self.waking and not quiet:
            self._sort()
            return
        self.waking = False
        fresh = dict.fromkeys(self._fresh)
        self._fresh = [node for node in fresh if self.by_topic.get(node.topic) is node]  # some may have gone
        self._in_order = 0
        if self._fresh:
            self._sort()
            if self.young:
                self._learner.arrange(self.order())
            else:
                self._learner.extend(self._fresh, now_ns)
            self._fresh, self._in_order = [], 0
            self.revision += 1
        if self.young and quiet:
            self.young = False
            self._learner.settle()
            self.revision += 1
        elif not self.young and self._learner.ripen(now_ns):
            self.revision += 1

    def _sort(self) -> None:
        """Children in the order of their names: listings are stable, whatever the order of arrival."""
        if self._in_order == len(self._fresh):
            return
        grown = islice(self._fresh, self._in_order, None)
        parents = {node.parent.topic: node.parent for node in grown if node.parent is not None}
        self._in_order = len(self._fresh)
        for node in parents.values():
            if node.children and len(node.children) > 1:
                node.children = dict(sorted(node.children.items()))
        self.roots = dict(sorted(self.roots.items()))
        self._order = None

    def order(self) -> list[Node]:
        """All elements, parents before children, fields before what lies below the topic."""
        if self._order is None:
            self._order = [element for root in self.roots.values() for element in subtree(root)]
        return self._order


def _no_room(_: int, __: int) -> bool:
    return False
