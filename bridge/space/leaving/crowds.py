"""Collections that would grow for ever: orders, trips, batches (reliability.md: everything is bounded).

Children of one parent are a *crowd* when they are branches or documents, and their names only say which one each is:
numbered with one stem, identities, or members of what the learner takes for a collection. A crowd of more than
`instances` members lets those go that have been silent for longest, and where the space is full, the largest crowds
make room. Scalars are no crowd: the registers of a controller are numbered too, and none of them is over.

Nobody is looked for: a parent is gathered once when it has become wide, and then hears of each new child. A crowd holds
its members in a heap by when they were last heard, as of when they were pushed; one that has reported meanwhile is
pushed again when its turn comes, so that a reading costs nothing here.
"""

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from itertools import count

from msgspec import Struct

from bridge.space import names
from bridge.space.node import Node, topic_tree
from bridge.space.space import AddressSpace
from bridge.uns.moments import SECOND

WIDE = 1_000  # children from which a parent is watched; smaller ones do not fill a space
ALIVE_NS = 600 * SECOND  # whoever reported so recently stays: a burst must not push out what is alive
SLICE = 1_000  # members that are looked at without a pause, with all that is below them
_PART = 100  # one part in so many is made free at once, so that it is not done for each new member


class _Crowd(Struct, eq=False):
    """Members of a kind; the heap holds when each was last heard, a number, who."""

    members: set[Node]
    heap: list[tuple[int, int, Node]]

    def tidy(self) -> None:
        """Forget in the heap those who have gone otherwise, once they are most of it."""
        if len(self.heap) > 2 * len(self.members) + SLICE:
            self.heap = [entry for entry in self.heap if entry[2] in self.members]
            heapify(self.heap)


class _Wide(Struct, eq=False):
    """A parent with many children. `named`: it is a collection by what the learner says, whatever their names are."""

    named: bool
    crowds: dict[str, _Crowd]

    def kind(self, name: str) -> str | None:
        """What a child's name has in common with those of its crowd; None for a name that says what it is."""
        if self.named or names.is_identity(name):
            return ""
        stem = names.stem(name)
        return stem if stem != name else None


class Crowds:
    """Hears of each element that is new or gone. `instances` are the members that one crowd may have."""

    def __init__(self, space: AddressSpace, instances: int) -> None:
        self.behind = False  # the last tick has left something to do
        self._space = space
        self._instances = instances
        self._floor = min(WIDE, instances)
        self._numbers = count()
        self._wide: dict[Node, _Wide] = {}
        self._grown: dict[Node, None] = {}  # parents to look at
        self._full_until_ns = 0  # there was no room to be made, so it is not tried again before

    # --- the space changes -----------------------------------------------------------------------------------------

    def made(self, node: Node) -> None:
        parent = node.parent
        if parent is None or parent.children is None or len(parent.children) <= self._floor:
            return
        self._grown[parent] = None
        wide = self._wide.get(parent)
        if wide is not None:
            self._join(wide, node)

    def gone(self, node: Node) -> None:
        self._grown.pop(node, None)
        self._wide.pop(node, None)
        wide = self._wide.get(node.parent) if node.parent is not None else None
        crowd = wide.crowds.get(wide.kind(node.name) or "") if wide is not None else None
        if crowd is not None:
            crowd.members.discard(node)
            crowd.tidy()

    def _join(self, wide: _Wide, node: Node) -> None:
        kind = wide.kind(node.name)
        if kind is not None:
            crowd = wide.crowds.setdefault(kind, _Crowd(set(), []))
            crowd.members.add(node)
            heappush(crowd.heap, (node.created_ns, next(self._numbers), node))

    def _gather(self, parent: Node) -> _Wide:
        """The crowds below a parent that has just become wide."""
        wide, named = self._wide.get(parent), parent.item_role is not None
        if wide is None or wide.named != named:
            wide = self._wide[parent] = _Wide(named, {})
            for child in (parent.children or {}).values():
                if _can_be_over(child):
                    self._join(wide, child)
        return wide

    # --- who goes --------------------------------------------------------------------------------------------------

    def tick(self, now_ns: int) -> None:
        """Look at the parents that have grown."""
        looks = SLICE
        for parent in list(self._grown):
            if not looks:
                break
            del self._grown[parent]
            for crowd in self._gather(parent).crowds.values():
                if len(crowd.members) > self._instances:
                    looks = self._thin(crowd, now_ns, looks, self._few_enough(crowd))
                    if len(crowd.members) > self._instances:
                        self._grown[parent] = None  # some are alive; they may be over later
        self.behind = not looks
        limit = self._space.limits.elements
        if self._space.size > limit - limit // (2 * _PART):
            self.make_room(0, now_ns)

    def make_room(self, elements: int, now_ns: int) -> bool:
        """Room for so many elements in a space that is full: members of crowds go, the largest crowds first."""
        space, limit = self._space, self._space.limits.elements
        if now_ns < self._full_until_ns <= now_ns + SECOND:
            return False
        goal, looks = limit - max(elements, limit // _PART), SLICE
        for parent in list(self._grown):
            self._gather(parent)
        for crowd in sorted(self._large(), key=lambda crowd: -len(crowd.members)):
            if space.size > goal and looks:
                looks = self._thin(crowd, now_ns, looks, lambda: space.size <= goal)
        if space.size > goal:
            self._full_until_ns = now_ns + SECOND
        return space.size + elements <= limit

    def _large(self) -> Iterator[_Crowd]:
        for wide in self._wide.values():
            yield from (crowd for crowd in wide.crowds.values() if len(crowd.members) >= self._floor)

    def _few_enough(self, crowd: _Crowd) -> Callable[[], bool]:
        enough = self._instances - self._instances // _PART
        return lambda: len(crowd.members) <= enough

    def _thin(self, crowd: _Crowd, now_ns: int, looks: int, is_enough: Callable[[], bool]) -> int:
        """Let the longest silent members go, in at most so many looks; how many of these are left."""
        while looks and crowd.heap and not is_enough():
            looks -= 1
            entry = heappop(crowd.heap)
            heard_ns, _, node = entry
            if node not in crowd.members:
                continue
            if not _can_be_over(node):
                crowd.members.discard(node)
                continue
            latest_ns = _last_heard(node)
            if latest_ns <= heard_ns:
                if heard_ns > now_ns - ALIVE_NS:
                    heappush(crowd.heap, entry)
                    break
                if self._space.remove(node, "crowded"):
                    continue
                latest_ns = now_ns  # somebody monitors it, and that is a sign of life too
            heappush(crowd.heap, (latest_ns, next(self._numbers), node))
        return looks


def _can_be_over(node: Node) -> bool:
    """Whether an element is a branch or a document, as opposed to a data point."""
    if node.children:
        return True
    return node.shape is not None and bool(node.shape.properties or node.shape.members)


def _last_heard(node: Node) -> int:
    """When an element or anything below it has last reported."""
    return max(max(at.received_ns, at.created_ns) for at in topic_tree(node))
