"""Doubts about last values: silence, death, a lost broker (design.md, "Quality is honest").

An element's last reading stays as it came. Beside it the element bears *doubts*, bits that make its value Uncertain
(UNCONFIRMED, STALE, LOST, ABSENT) or Bad (DEAD) for whoever reads it; when the last doubt goes, the reading holds again
with its own time. Only this module sets them, and what each means is decided here:

- A live reading ends all doubts of its element: it is alive, whatever was said of it.
- The broker's stored copy without a time of its own is UNCONFIRMED; below a source that is gone, it is dead as well.
- STALE: no reading for longer than `stale_after`. Elements wait in a heap for the time at which they may be stale, each
  in it once; one that has reported meanwhile just waits again, so that a reading costs nothing here.
- DEAD, or ABSENT where the configuration wants no more than Uncertain: a status topic (see `status`) says that the
  source is gone. It covers its parent element and all below it, but not itself; whoever lies below several stays dead
  while any of them is offline.
- LOST: the broker was away for longer than `broker_grace`. Back with our session kept, nothing was missed; without,
  each element stays LOST until its next reading, or until the broker's stored copy says what it said before. Readings
  of an earlier run that were put back are LOST at once: nobody listened in between. Who was told of their values then
  hears of doubts only when they last: once the broker is there, or the grace time is over.

Time is steady: where the clock steps back, time has stood still, and where it steps ahead, no time has passed either,
as long as somebody who has a second clock says so (`clock_stepped`): nobody was silent. What concerns very many
elements at once is done in slices, one a `tick`, while `behind` says that there is more. A death reaches its first
slice at once; elements that it has not reached yet are judged by the state at that time, and let be if they have
reported meanwhile.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import heapify, heappop, heappush
from itertools import count, islice
from typing import Literal, TypeAlias

from bridge.space.node import ABSENT, DEAD, LOST, STALE, UNCONFIRMED, Change, Node, topic_tree
from bridge.space.status import Status, status_of
from bridge.uns import GOOD, Reading
from bridge.uns.moments import SECOND

Why: TypeAlias = Literal["dead", "stale", "lost", "unconfirmed"]
Standing: TypeAlias = Literal["", "online", "foreign"]

SLICE = 2_000  # elements that are looked at without a pause: some 20 ms
LEAPS = 8  # steps ahead that are told apart; what came between older ones counts as heard later than it was

_DEATHS = {"bad": DEAD, "uncertain": ABSENT, "keep": 0}
_GONE = DEAD | ABSENT
_UNTOLD = LOST | STALE  # what an element may have come to be since the end of the run before
_ALWAYS = 1 << 63  # nanoseconds: later than any time


class Liveness:
    """`elements` are those with a topic; `stale_after` (0: never) and `broker_grace` are seconds."""

    def __init__(self, elements: Mapping[str, Node], stale_after: float, broker_grace: float, on_death: str) -> None:
        self._elements = elements
        self._stale_after = stale_after
        self._grace_ns = int(broker_grace * SECOND)
        self._on_death = on_death
        self._doubted: Counter[int] = Counter()  # elements by doubt
        self._now_ns = 0  # as of the last tick
        self._stood_ns = 0  # how far the clock has stepped back in all, less how far it has stepped ahead
        self._leaps: list[tuple[int, int]] = []  # steps ahead: the clock's first time after it, and how far
        self._waiting: list[tuple[int, int, Node, int]] = []  # when it may be stale, a number, who, last heard
        self._forgotten = 0  # elements that wait in vain, at most
        self._numbers = count()
        self._statuses: dict[Node, Status] = {}
        self._online: set[Node] = set()  # status topics that have said online
        self._foreign: set[Node] = set()  # candidates that have turned out to be none
        self._offline: dict[Node, set[Node]] = {}  # covered element → status topics that say offline
        # a status that spoke or has gone, who else it covers, and until when those were last heard whom it concerns
        self._waves: deque[tuple[Node, Iterator[Node], int]] = deque()
        self._away_ns: int | None = None  # since when the broker is away, in steady time
        self._beyond_grace = False
        self._to_lose: list[Node] = []  # what this outage still has to make LOST
        self._lost: list[Node] = []  # what it has made so
        self._to_return: list[Node] = []  # what is no longer so, because nothing was missed
        self._untold: list[Node] = []  # what was put back LOST, and nobody has heard that it is
        self._to_tell: list[Node] = []  # what everybody is to hear that of

    # --- how many --------------------------------------------------------------------------------------------------

    @property
    def stale(self) -> int:
        return self._doubted[STALE]

    @property
    def dead(self) -> int:
        return self._doubted[DEAD] + self._doubted[ABSENT]

    @property
    def lost(self) -> int:
        return self._doubted[LOST]

    @property
    def unconfirmed(self) -> int:
        return self._doubted[UNCONFIRMED]

    def doubted(self, most: int, shows: Callable[[Why, Node], bool]) -> Iterator[tuple[Why, Node]]:
        """Elements that are doubted, as many for each reason as wanted, each once and for the gravest one. It goes
        through all elements where there are fewer.
        """
        counts: dict[Why, int] = {
            "dead": self.dead,
            "stale": self.stale,
            "lost": self.lost,
            "unconfirmed": self.unconfirmed,
        }
        left = {why: min(count, most) for why, count in counts.items()}
        wanted = sum(left.values())
        for node in self._elements.values():
            if not wanted:
                return
            if node.doubt:
                why = _gravest(node.doubt)
                if left[why] and shows(why, node):
                    left[why] -= 1
                    wanted -= 1
                    yield why, node

    # --- readings --------------------------------------------------------------------------------------------------

    def begin(self, node: Node, heard_ns: int) -> None:
        """An element has its first reading, and its policy."""
        node.received_ns = heard_ns
        self._await(node, self._heard(heard_ns))
        status = status_of(node.topic, node.policy) if node.parent is not None else None
        if status is not None:
            self._statuses[node] = status
            node.listen(self._hear)

    def heard(self, node: Node, changes: list[Change], *, replayed: bool) -> None:
        """A reading was taken for an element that was doubted, or it is the broker's stored copy."""
        if node.doubt & STALE:
            self._await(node, self._heard(node.received_ns))
        doubt = 0
        if replayed:
            doubt = (0 if node.said_ns else UNCONFIRMED) | (self._death(node) if self.gone_by(node) else 0)
        self._doubt(node, doubt, node.received_ns)
        if doubt & DEAD:  # what it said belongs into history all the same
            changes.append(Change(node, *node.said(), late=True))
            changes.append(Change(node, *node.doubted(), doubt=True))
        else:
            changes.append(Change(node, *node.doubted()))

    def confirm(self, node: Node, changes: list[Change]) -> None:
        """Somebody says again what the element said last: nothing was missed."""
        if node.doubt & LOST:
            self._turn(node, node.doubt & ~LOST, node.received_ns, changes)

    def forget(self, node: Node) -> None:
        """An element loses its payload, or has gone with all below it: it has no doubts, and is no status any more."""
        self._doubt(node, 0, 0)
        self._online.discard(node)
        self._foreign.discard(node)
        was_status = self._statuses.pop(node, None) is not None
        if was_status and node.parent is not None and self._is_news(node, node.parent, offline=False):
            self._waves.append((node, topic_tree(node.parent), _ALWAYS))
        self._forgotten += 1
        if self._forgotten > SLICE + len(self._elements):
            self._forgotten = 0
            self._waiting = list({entry[2]: entry for entry in self._waiting if entry[2].reported}.values())
            heapify(self._waiting)

    # --- an earlier run ----------------------------------------------------------------------------------------------

    def standing(self, node: Node) -> Standing:
        """What the earlier values of a candidate have shown, beside what its last one says."""
        return "foreign" if node in self._foreign else "online" if node in self._online else ""

    def put_back(self, node: Node, standing: str, *, unconfirmed: bool, gone: bool) -> None:
        """An element has its reading of an earlier run again, with what was thought of it."""
        status = self._statuses.get(node)
        if status is not None and standing == "foreign":
            self._foreign.add(node)
            del self._statuses[node]
        elif status is not None and standing == "online":
            self._online.add(node)
            status.hear(Reading(node.topic, 1, GOOD, int))
        doubt = (UNCONFIRMED if unconfirmed else 0) | (self._death(node) if gone and self.gone_by(node) else 0)
        self._doubt(node, doubt, node.received_ns)

    def resume(self, now_ns: int) -> None:
        """Everything has been put back, and there is no broker yet."""
        while self._waves:
            self._follow_waves([])
        self._away_ns, self._beyond_grace = self._steady(now_ns), True
        for node in self._elements.values():
            if node.reader is not None:
                self._doubt(node, node.doubt | LOST, now_ns)
                self._lost.append(node)
        self._untold = list(self._lost)

    # --- death -----------------------------------------------------------------------------------------------------

    def gone_by(self, node: Node) -> list[Node]:
        """The status topics that say that an element's source is gone."""
        found: list[Node] = []
        at: Node | None = node if self._offline else None
        while at is not None:
            found += [status for status in self._offline.get(at, ()) if status is not node]
            at = at.parent
        return found

    def _hear(self, node: Node, reading: Reading, changes: list[Change]) -> None:
        """A candidate has spoken."""
        status = self._statuses.get(node)
        if status is None:
            return
        verdict = status.hear(reading)
        if verdict == "online":
            self._online.add(node)
        if verdict == "foreign":
            self._foreign.add(node)
            del self._statuses[node]
            if node.listener == self._hear:
                node.listener = None
        if node.parent is not None and self._is_news(node, node.parent, offline=verdict == "offline"):
            covered = topic_tree(node.parent)
            first = list(islice(covered, SLICE))
            self._judge(first, node, changes)
            if len(first) == SLICE:
                self._waves.append((node, covered, node.received_ns))

    def _is_news(self, status: Node, parent: Node, *, offline: bool) -> bool:
        """Keep what a status topic says; whether to judge what it covers. Offline again is news: what was heard in
        between may have been a last sign of life.
        """
        said = self._offline.setdefault(parent, set())
        was_offline = status in said
        if offline:
            said.add(status)
        else:
            said.discard(status)
        if not said:
            del self._offline[parent]
        return offline or was_offline

    def _judge(self, nodes: Iterable[Node], status: Node, changes: list[Change]) -> None:
        """Dead or alive again, as a status topic above says."""
        offline = status in self._offline.get(status.parent, ())  # type: ignore[arg-type]  # it has one: see `begin`
        for node in nodes:
            if offline and node is not status:
                self._turn(node, node.doubt | self._death(node), status.received_ns, changes)
            elif node.doubt & _GONE and not self.gone_by(node):
                self._turn(node, node.doubt & ~_GONE, status.received_ns, changes)

    def _follow_waves(self, changes: list[Change]) -> None:
        looks = SLICE
        while self._waves and looks:
            status, covered, heard_ns = self._waves[0]
            found = list(islice(covered, looks))
            self._judge((node for node in found if node.received_ns <= heard_ns), status, changes)
            looks -= len(found)
            if looks:
                self._waves.popleft()

    def _death(self, node: Node) -> int:
        return _DEATHS[node.policy.on_death or self._on_death]

    # --- the broker ------------------------------------------------------------------------------------------------

    def broker_lost(self, now_ns: int) -> None:
        """The broker is away; saying so again changes nothing."""
        if self._away_ns is None:
            self._away_ns = self._steady(now_ns)

    def broker_back(self, *, session_kept: bool) -> None:
        """The broker is there; saying so again changes nothing."""
        if self._away_ns is None:
            return
        self._away_ns, self._beyond_grace = None, False
        if session_kept:
            self._to_return += self._lost
        self._to_tell += self._untold
        self._to_lose, self._lost, self._untold = [], [], []

    def _follow_broker(self, steady_ns: int, changes: list[Change]) -> None:
        if self._away_ns is not None and steady_ns - self._away_ns >= self._grace_ns:
            if not self._beyond_grace:
                self._beyond_grace = True
                self._to_lose = [node for node in self._elements.values() if node.reported]
            self._to_tell, self._untold = self._to_tell + self._untold, []
        for node in _taken(self._to_lose):
            if not node.doubt & LOST:
                self._lost.append(node)
                self._turn(node, node.doubt | LOST, self._now_ns, changes)
        for node in _taken(self._to_return):
            self._turn(node, node.doubt & ~LOST, self._now_ns, changes)
        doubted = (node for node in _taken(self._to_tell) if node.doubt & _UNTOLD and not node.doubt & ~_UNTOLD)
        changes += [Change(node, *node.doubted(), doubt=True) for node in doubted if node.quality == GOOD]

    # --- time passes -----------------------------------------------------------------------------------------------

    @property
    def behind(self) -> bool:
        """Whether the last tick has left something to do."""
        due = bool(self._waiting) and self._waiting[0][0] <= self._steady(self._now_ns)
        return due or bool(self._to_lose or self._to_tell or self._to_return or self._waves)

    def tick(self, now_ns: int) -> list[Change]:
        """What changes because time has passed."""
        changes: list[Change] = []
        steady_ns = self._steady(now_ns)
        self._follow_broker(steady_ns, changes)
        self._follow_waves(changes)
        waiting, looks = self._waiting, SLICE
        while waiting and waiting[0][0] <= steady_ns and looks:
            looks -= 1
            _, _, node, heard_ns = heappop(waiting)
            if not node.reported:
                continue  # it was removed, or has lost its payload
            if node.received_ns != heard_ns:
                self._await(node, min(self._heard(node.received_ns), steady_ns))
            else:
                self._turn(node, node.doubt | STALE, now_ns, changes)
        return changes

    def clock_stepped(self, ahead_ns: int) -> None:
        """Since the last tick the clock has gone so much further than time; to be told before the next tick."""
        since_ns = self._now_ns + ahead_ns
        self._stood_ns -= ahead_ns
        self._leaps.append((since_ns, ahead_ns))
        if len(self._leaps) > LEAPS:
            (_, first_ns), (second_since_ns, second_ns), *rest = self._leaps
            self._leaps = [(second_since_ns, first_ns + second_ns), *rest]
        early = [entry for entry in self._waiting if entry[3] >= since_ns]  # has begun to wait before we were told
        if early:
            self._waiting = [entry for entry in self._waiting if entry[3] < since_ns]
            heapify(self._waiting)
            for _, _, node, _ in early:
                self._await(node, self._heard(node.received_ns))

    def _await(self, node: Node, heard_ns: int) -> None:
        """Look at an element again when it may be stale, having been heard at that steady time."""
        said = node.policy.stale_after
        after = self._stale_after if said is None else said
        if after:
            heappush(self._waiting, (heard_ns + int(after * SECOND), next(self._numbers), node, node.received_ns))

    def _heard(self, received_ns: int) -> int:
        """The steady time at which the clock said so."""
        leapt_ns = sum(ahead_ns for since_ns, ahead_ns in self._leaps if received_ns < since_ns)
        return received_ns + self._stood_ns + leapt_ns

    def _steady(self, now_ns: int) -> int:
        """Time that never steps back."""
        if now_ns < self._now_ns:
            self._stood_ns += self._now_ns - now_ns
            self._leaps = [(min(since_ns, now_ns), ahead_ns) for since_ns, ahead_ns in self._leaps]
        self._now_ns = now_ns
        return now_ns + self._stood_ns

    # --- one element -----------------------------------------------------------------------------------------------

    def _turn(self, node: Node, doubt: int, now_ns: int, changes: list[Change]) -> None:
        """Other doubts about a reported element: a change, if anybody can see it in its value or its owners'."""
        if doubt == node.doubt or not node.reported:
            return
        before, was_unconfirmed = node.doubted(), node.doubt == UNCONFIRMED
        self._doubt(node, doubt, now_ns)
        shown = node.doubted()
        if shown != before or (node.part and was_unconfirmed != (doubt == UNCONFIRMED)):
            changes.append(Change(node, *shown, doubt=True))

    def _doubt(self, node: Node, doubt: int, now_ns: int) -> None:
        former = node.doubt
        if doubt & DEAD & ~former:
            node.doubt_ns = max(now_ns, node.time_ns + 1)  # in history it follows the value that it ends
        elif doubt and not former:
            node.doubt_ns = now_ns
        node.doubt = doubt
        for bit in (UNCONFIRMED, STALE, LOST, DEAD, ABSENT):
            if (doubt ^ former) & bit:
                self._doubted[bit] += 1 if doubt & bit else -1


def _gravest(doubt: int) -> Why:
    """Which of its reasons is told of an element that is doubted."""
    if doubt & _GONE:
        return "dead"
    if doubt & STALE:
        return "stale"
    return "lost" if doubt & LOST else "unconfirmed"


def _taken(nodes: list[Node]) -> list[Node]:
    """The next slice, taken from a list's end."""
    found = nodes[-SLICE:]
    del nodes[-SLICE:]
    return found
