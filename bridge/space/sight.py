"""What somebody may see of an address space: the elements whose topics their filters cover, and the way to those.

Fields follow their owner, an alias follows its target. An element that is only on the way is a plain folder without a
payload of its own. An element some of whose parts are hidden is shown without the type that would name them. What is
not seen is not there.

What was found out about ways and compositions is remembered as long as the model is the same: a listing of a large
space asks once for each element. Sights are many where tokens come with ever other claims, so only those that asked
last remember anything.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import tzinfo

from bridge.space.node import Judged, Node, Vqt, judged_together
from bridge.space.owned.views import Alias
from bridge.uns.topics import topic_of

ALL = "#"  # alone it covers everything, the bridge's own elements too
REMEMBERED = 200_000  # elements that one sight remembers of, some 20 MB; beyond, they are decided on anew
SIGHTS = 1_000  # that are found again
REMEMBERING = 16  # sights that remember something at the same time
_NOTHING = "(?!)"


def _unchanged() -> int:
    """Of a model that does not change."""
    return 0


class Memo:
    """What a sight has found out, for one revision of the model."""

    __slots__ = ("known", "leads", "revision", "since", "whole")

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self.leads: dict[str, bool] = {}
        self.whole: dict[str, bool] = {}
        self.since: dict[str, int] = {}
        self.known: dict[str, frozenset[str]] = {}


class Sight:
    """By MQTT topic filters. `key` is equal for equal sights, and empty for the one of everything.

    `revision` is that of the model; `remembers` hears when the sight begins to remember something.
    """

    def __init__(
        self,
        filters: Sequence[str],
        revision: Callable[[], int] = _unchanged,
        remembers: Callable[["Sight"], None] | None = None,
    ) -> None:
        self.filters = tuple(sorted(set(filters)))
        self.everything = ALL in self.filters
        self.key = "" if self.everything else "\n".join(("-", *self.filters))
        some = "|".join(map(_pattern, self.filters)) if self.filters else _NOTHING
        self._covers = re.compile(some, re.DOTALL).fullmatch
        self._revision = revision
        self._remembers = remembers
        self._memo: Memo | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sight) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def covers(self, topic: str) -> bool:
        return self.everything or self._covers(topic) is not None

    def reads(self, node: Node) -> bool:
        """Whether its value may be read."""
        return self.everything or self._covers(_meant(node).topic) is not None

    def sees(self, node: Node) -> bool:
        """Whether it is read, or something below it is."""
        if self.everything:
            return True
        node = _meant(node)
        return self._covers(node.topic) is not None or self._leads_on(node)

    def _leads_on(self, node: Node) -> bool:
        if not node.children:
            return False
        leads = self._look().leads
        found = leads.get(node.id)
        if found is None:
            found = any(map(self.sees, node.children.values()))
            if len(leads) < REMEMBERED:
                leads[node.id] = found
        return found

    def may_see(self, ident: str) -> bool:
        """Whether an element of this id may be seen one day, of which nothing else is known. An alias may."""
        topic = topic_of(ident)
        return topic.startswith("$") or self.covers(topic) or any(_may_lead(topic, one) for one in self.filters)

    def is_whole(self, node: Node) -> bool:
        """Whether an element is read with all that its value is made of, so that its type may be told."""
        if self.everything:
            return True
        node = _meant(node)
        if self._covers(node.topic) is None:
            return False
        if not node.is_composed:
            return True
        whole = self._look().whole
        found = whole.get(node.id)
        if found is None:
            found = all(map(self.is_whole, node.components()))
            if len(whole) < REMEMBERED:
                whole[node.id] = found
        return found

    def known(self, what: str, find: Callable[[], Iterable[str]]) -> frozenset[str]:
        """What was found out, as long as the model is the same."""
        known = self._look().known
        if what not in known:
            known[what] = frozenset(find())
        return known[what]

    def _look(self) -> Memo:
        memo, revision = self._memo, self._revision()
        if memo is None:
            if self._remembers is not None:
                self._remembers(self)
            memo = self._memo = Memo(revision)
        elif memo.revision != revision:
            memo = self._memo = Memo(revision)
        return memo

    def forget(self) -> None:
        """Remember nothing."""
        self._memo = None

    def components(self, node: Node) -> Iterator[Node]:
        """The parts that are seen."""
        return node.components() if self.everything else filter(self.sees, node.components())

    def is_composition(self, node: Node) -> bool:
        """Whether it has parts that are seen."""
        return node.is_composition if self.everything else any(map(self.sees, node.components()))

    def descendants(self, node: Node, max_depth: int) -> Iterator[Node]:
        """Like `bridge.space.node.descendants`, of what is seen."""
        if max_depth == 1:
            return
        for part in self.components(node):
            yield part
            yield from self.descendants(part, max_depth - 1 if max_depth else 0)

    def vqt(self, node: Node, zone: tzinfo) -> Vqt:
        """The current value as far as it is seen."""
        if self.everything:
            return node.vqt(zone)
        return self._judged(_meant(node), zone)[0]

    def _judged(self, node: Node, zone: tzinfo) -> Judged:
        """`Node.judged`, of what is seen."""
        if (node.reported or node.is_composed) and self.is_whole(node):
            return node.judged(zone)
        parts = [(part.name, self._judged(part, zone)) for part in self.components(node)]
        (value, quality, time_ns), only_unconfirmed = judged_together(parts, 0)
        return (value, quality, time_ns or self._since(node)), only_unconfirmed

    def _since(self, node: Node) -> int:
        """When an element was made, as far as is seen: one that groups others, with the first of them that is seen. A
        folder of a view has no such time.
        """
        if not node.created_ns or (node.reported and self._covers(node.topic) is not None):
            return node.created_ns
        since = self._look().since
        found = since.get(node.id)
        if found is None:
            below = (self._since(_meant(child)) for child in (node.children or {}).values() if self.sees(child))
            found = min(below, default=node.created_ns)
            if len(since) < REMEMBERED:
                since[node.id] = found
        return found


class Sights:
    """Equal filters, one sight. `revision` is that of the model."""

    def __init__(self, revision: Callable[[], int]) -> None:
        self._revision = revision
        self._all: dict[tuple[str, ...], Sight] = {}
        self._remembering: deque[Sight] = deque()

    def of(self, filters: Sequence[str]) -> Sight:
        """What somebody sees who may read the topics of some filters."""
        asked = tuple(sorted(set(filters)))
        if ALL in asked:
            return EVERYTHING
        found = self._all.get(asked)
        if found is None:
            if len(self._all) >= SIGHTS:
                self._all.clear()
            found = self._all[asked] = Sight(asked, self._revision, self._remember)
        return found

    def _remember(self, sight: Sight) -> None:
        if len(self._remembering) >= REMEMBERING:
            self._remembering.popleft().forget()
        self._remembering.append(sight)


def _meant(node: Node) -> Node:
    return node.target if isinstance(node, Alias) else node


def _pattern(topic_filter: str) -> str:
    """A topic filter as a regular expression: what `bridge.uns.topics.matches` says, several times as fast."""
    if topic_filter == ALL:
        return r"(?!\$).*"
    head, is_open = (topic_filter[:-2], True) if topic_filter.endswith("/#") else (topic_filter, False)
    levels = "/".join("[^/]*" if level == "+" else re.escape(level) for level in head.split("/"))
    start = r"(?!\$)" if topic_filter.startswith("+") else ""
    return f"{start}{levels}(?:/.*)?" if is_open else f"{start}{levels}"


def _may_lead(topic: str, topic_filter: str) -> bool:
    """Whether a filter covers some topic below this one."""
    levels, wanted = topic.split("/"), topic_filter.split("/")
    return len(wanted) > len(levels) and all(map(_fits, wanted, levels))


def _fits(wanted: str, level: str) -> bool:
    return wanted in ("+", level)


EVERYTHING = Sight((ALL,))

__all__ = ["ALL", "EVERYTHING", "Sight", "Sights"]
