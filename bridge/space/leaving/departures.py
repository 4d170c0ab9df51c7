"""Which elements leave the space, and when: their value was deleted, or they have been silent for too long.

An empty retained payload deletes a value. Under the policy `keep` the element stays and says GoodNoData; under `remove`
it goes once those who hear of it have been told. Silence beyond `expire_after` lets an element go too. Elements wait in
a heap for the time at which they may expire, each in it once; one that has reported meanwhile just waits again, so that
a reading costs nothing here. Where the clock steps back, they wait as much longer. While there is no broker nobody can
speak: that time is no silence, and afterwards everybody has the whole patience again.
"""

from heapq import heapify, heappop, heappush
from itertools import count

from bridge.space.leaving.crowds import Crowds
from bridge.space.node import Node
from bridge.space.space import AddressSpace
from bridge.uns import NO_DATA
from bridge.uns.moments import SECOND

SLICE = 2_000  # elements that are looked at without a pause: some 20 ms


class Departures:
    """`deletion` is "keep" or "remove", `expire_after` seconds (0: never)."""

    def __init__(self, space: AddressSpace, deletion: str, expire_after: float) -> None:
        self.crowds = Crowds(space, space.limits.instances)
        space.watchers.append(self.crowds)
        space.make_room = self.crowds.make_room
        self._space = space
        self._removal = space.removal
        self._deletion = deletion
        self._expire_after = expire_after
        self._deleted: dict[Node, None] = {}  # in this batch
        self._waiting: list[tuple[int, int, Node, int]] = []  # when it may expire, a number, who, last heard
        self._numbers = count()
        self._now_ns = 0  # as of the last tick
        self._away = False  # there is no broker
        self._back_ns = 0  # when there was one again, last

    # --- readings --------------------------------------------------------------------------------------------------

    def begin(self, node: Node, heard_ns: int) -> None:
        """An element has its first reading, and its policy."""
        self._await(node, heard_ns)

    def deleted(self, node: Node) -> None:
        """An element's value was deleted; those who monitor it have not heard of it yet."""
        if (node.policy.deletion or self._deletion) == "remove":
            self._deleted[node] = None

    def carry_out(self) -> None:
        """Everybody has heard: what was deleted, and is not there again, goes."""
        if self._deleted:
            gone, self._deleted = self._deleted, {}
            for node in gone:
                if node.reported and node.value is None and node.quality == NO_DATA:
                    self._removal.let_go(node, "deleted")

    # --- time passes -----------------------------------------------------------------------------------------------

    @property
    def behind(self) -> bool:
        """Whether the last tick has left something to do."""
        return self.crowds.behind or bool(not self._away and self._waiting and self._waiting[0][0] <= self._now_ns)

    def broker(self, *, away: bool) -> None:
        """Whether there is a broker."""
        if self._away and not away:
            self._back_ns = self._now_ns
        self._away = away

    def tick(self, now_ns: int) -> None:
        """Let go whom the time has come for."""
        self._now_ns = now_ns
        self._removal.retry()
        if not self._away:
            self._expire(now_ns)
        self.crowds.tick(now_ns)
        if len(self._waiting) > 2 * len(self._space.by_topic) + SLICE:
            self._tidy()

    def _expire(self, now_ns: int) -> None:
        waiting, looks = self._waiting, SLICE
        while waiting and waiting[0][0] <= now_ns and looks:
            looks -= 1
            _, _, node, heard_ns = heappop(waiting)
            if not node.reported:
                continue  # it has gone, or it is a branch now
            last_ns = max(node.received_ns, self._back_ns)
            if last_ns != heard_ns:
                self._await(node, last_ns)
            else:
                self._removal.let_go(node, "expired")
                if node.reported:
                    self._await(node, now_ns)  # somebody monitors it; it may report again

    def _await(self, node: Node, heard_ns: int) -> None:
        """Look at an element again when it may expire, having been heard at that time."""
        said = node.policy.expire_after
        after = self._expire_after if said is None else said
        if after:
            last_ns = max(node.received_ns, self._back_ns)
            heappush(self._waiting, (heard_ns + int(after * SECOND), next(self._numbers), node, last_ns))

    def _tidy(self) -> None:
        """Most of those that wait are not there any more, or wait twice because they have come back."""
        waiting = {entry[2]: entry for entry in self._waiting if entry[2].reported}
        self._waiting = list(waiting.values())
        heapify(self._waiting)
