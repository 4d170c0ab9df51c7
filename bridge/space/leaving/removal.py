"""How elements leave the space: deleted, expired, or crowded out (see `departures` and `crowds` for who and when).

An element goes with all that is below it, and a branch that nothing is left in goes as well. Whoever monitors an
element may rely on it: it stays, with the value that it has, until nobody monitors it or anything below it, and waits
here for that. What is kept of an element that has gone: its type, its history, and of branches where they were placed,
because a settled model decides that once; all of it holds again when the topic returns.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

from bridge.space import names
from bridge.space.learning.learner import Learner
from bridge.space.node import Field, Node, subtree
from bridge.space.types import ObjectType
from bridge.uns import NO_DATA

if TYPE_CHECKING:
    from bridge.space.space import AddressSpace

Reason: TypeAlias = Literal["deleted", "expired", "crowded"]

MAX_WAITING = 10_000  # monitored elements that wait to go; others stay until they are deleted again, or expire
MAX_REMEMBERED = 10_000  # places of branches: some MB
SLICE = 500  # of those that wait are looked at in one go


class _Place(Struct, frozen=True):
    """What a settled model has decided about a branch."""

    part: bool
    why: str
    item_role: str | None
    type: ObjectType | None


class Removal:
    """`is_monitored` tells whether a subscription holds exactly this element; `forget` hears of each that loses its
    payload. Both are set by the engine. `removed` counts elements by reason.
    """

    def __init__(self, space: "AddressSpace", learner: Learner) -> None:
        self.removed: Counter[str] = Counter()
        self.is_monitored: Callable[[Node], bool] = _by_nobody
        self.forget: Callable[[Node], None] = _nothing
        self._space = space
        self._learner = learner
        self._waiting: dict[Node, tuple[Reason, int]] = {}  # who waits to go → why, and when last heard
        self._places: dict[str, _Place] = {}  # by topic

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    # --- the space changes -----------------------------------------------------------------------------------------

    def made(self, node: Node) -> None:
        """A topic has returned, perhaps: a settled model has decided about it before."""
        place = self._places.pop(node.topic, None) if self._places and not self._space.young else None
        if place is not None:
            node.part, node.why, node.item_role, node.decided = place.part, place.why, place.item_role, True
            node.type = place.type or node.type

    def gone(self, node: Node) -> None:
        self._waiting.pop(node, None)

    # --- who leaves ------------------------------------------------------------------------------------------------

    def let_go(self, node: Node, reason: Reason) -> None:
        """An element's own value is over: it goes, or becomes a branch; as soon as nobody monitors it."""
        done = self._empty(node, reason) if node.children else self.remove(node, reason)
        if not done and len(self._waiting) < MAX_WAITING:
            self._waiting[node] = reason, node.received_ns

    def retry(self) -> None:
        """Look at those that wait, a slice at a time; who has reported meanwhile stays."""
        for node in list(self._waiting)[:SLICE]:
            reason, heard_ns = self._waiting.pop(node)
            is_over = node.received_ns == heard_ns and (reason == "expired" or node.value is None)
            if is_over and (node.reported or not node.children):
                self.let_go(node, reason)

    def remove(self, node: Node, reason: Reason) -> bool:
        """Take out an element (one with a topic) and all below it; False, and nothing changes, if it is monitored."""
        going = list(subtree(node))
        if any(map(self._is_held, going)):
            return False
        self._detach(node)
        for element in reversed(going):
            self._take_out(element)
        self.removed[reason] += len(going)
        self._space.shrunk()
        parent = node.parent
        if parent is not None and not parent.children and not parent.reported:
            self.let_go(parent, reason)
        return True

    def _is_held(self, node: Node) -> bool:
        """Whether somebody monitors an element, or an alias or folder that would go with it."""
        if self.is_monitored(node):
            return True
        for alias in self._space.links.aliases.get(node.id, ()):
            at: Node | None = alias
            while at is not None:
                if self.is_monitored(at):
                    return True
                at = at.parent
        return False

    def _detach(self, node: Node) -> None:
        if node.parent is None:
            del self._space.roots[node.name]
        elif node.parent.children is not None:
            del node.parent.children[node.name]
            node.parent.children = node.parent.children or None

    def _take_out(self, node: Node) -> None:
        """Out of all indices. What still refers to the element finds that it has nothing to say."""
        space = self._space
        if isinstance(node, Field):
            space.descriptions.forget(node)
        else:
            self._remember(node)
            del space.by_topic[node.topic]
            space.raw_topics.pop(node.id, None)
            for watcher in space.watchers:
                watcher.gone(node)
            space.links.disconnect(node)
        del space.nodes[node.id]
        self._silence(node)
        node.children = None

    def _remember(self, node: Node) -> None:
        """Data points and numbered names need no memory: what places them looks at nothing else (inference.md G)."""
        is_leaf = node.reported and not node.children
        if is_leaf or self._space.young or names.is_numbered(node.name):
            return
        kind = node.type if node.type.composed else None
        self._places[node.topic] = _Place(node.part, node.why, node.item_role, kind)
        if len(self._places) > MAX_REMEMBERED:
            del self._places[next(iter(self._places))]

    # --- who stays as a branch -------------------------------------------------------------------------------------

    def _empty(self, node: Node, reason: Reason) -> bool:
        """An element with others below it loses its payload: it is made of its parts again."""
        space = self._space
        fields = list(_fields(node))
        if any(map(self.is_monitored, fields)):
            return False
        for field in reversed(fields):
            self._take_out(field)
        space.descriptions.forget(node)
        self._silence(node)
        self.removed[reason] += len(fields)
        node.unit = node.description = node.label = None
        if node.policy.unit:
            space.set_unit(node, node.policy.unit)
        space.descriptions.made(node)
        space.became_branch(node)
        return True

    def _silence(self, node: Node) -> None:
        self._learner.forget(node)
        self.forget(node)
        node.reported, node.reader = False, None
        node.value, node.quality = None, NO_DATA
        node.time_ns = node.said_ns = node.received_ns = 0
        node.fields = node.shape = node.shape_now = node.types = None
        node.attributes = node.hint = node.listener = None


def _fields(node: Node) -> Iterator[Field]:
    for field in (node.fields or {}).values():
        yield field
        yield from _fields(field)


def _by_nobody(_: Node) -> bool:
    return False


def _nothing(_: Node) -> None:
    """Nobody else to tell."""
