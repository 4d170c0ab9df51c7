"""What somebody may see of an address space: the elements whose topics their filters cover, and the way to those.

Fields follow their owner, an alias follows its target. An element that is only on the way is a plain folder without a
payload of its own. An element whose parts are hidden, some of them, is shown without the type that would name them.
What is not seen is not there.

What is decided for an element is remembered, by topic and, for the way, as long as the model is the same: a listing
of a large space asks once for each element.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import tzinfo

from bridge.space.node import Node, Vqt, compose
from bridge.space.owned.views import Alias
from bridge.uns.topics import matches

ALL = "#"  # alone it covers everything, the bridge's own elements too
REMEMBERED = 500_000  # topics and elements decided on; beyond, all are decided anew


def _unchanged() -> int:
    """Of a model that does not change."""
    return 0


class Sight:
    """By MQTT topic filters. `key` is equal for equal sights, and empty for the one of everything."""

    def __init__(self, filters: Sequence[str], revision: Callable[[], int] = _unchanged) -> None:
        """`revision` is that of the model."""
        self.filters = tuple(sorted(set(filters)))
        self.everything = ALL in self.filters
        self.key = "" if self.everything else "\n".join(("-", *self.filters))
        self._covered: dict[str, bool] = {}
        self._leads: dict[str, bool] = {}
        self._revision = revision
        self._seen_at = -1  # the revision that `_leads` and `_known` hold for
        self._known: dict[str, frozenset[str]] = {}

    def covers(self, topic: str) -> bool:
        found = self._covered.get(topic)
        if found is None:
            if len(self._covered) >= REMEMBERED:
                self._covered.clear()
            found = self._covered[topic] = any(matches(pattern, topic) for pattern in self.filters)
        return found

    def reads(self, node: Node) -> bool:
        """Whether its value may be read."""
        return self.everything or self.covers(node.target.topic if isinstance(node, Alias) else node.topic)

    def sees(self, node: Node) -> bool:
        """Whether it is read, or something below it is."""
        return self.everything or self.reads(node) or self._leads_on(node)

    def _leads_on(self, node: Node) -> bool:
        if not node.children or isinstance(node, Alias):
            return False
        self._look()
        found = self._leads.get(node.id)
        if found is None:
            found = any(map(self.sees, node.children.values()))
            if len(self._leads) < REMEMBERED:
                self._leads[node.id] = found
        return found

    def known(self, what: str, find: Callable[[], Iterable[str]]) -> frozenset[str]:
        """What was found out, as long as the model is the same."""
        self._look()
        if what not in self._known:
            self._known[what] = frozenset(find())
        return self._known[what]

    def _look(self) -> None:
        revision = self._revision()
        if revision != self._seen_at:
            self._seen_at = revision
            self._leads.clear()
            self._known.clear()

    def is_whole(self, node: Node) -> bool:
        """Whether an element is read with all that its value is made of, so that its type may be told."""
        if self.everything:
            return True
        if not self.reads(node):
            return False
        return isinstance(node, Alias) or not node.is_composed or all(map(self.is_whole, node.components()))

    def components(self, node: Node) -> Iterator[Node]:
        """The parts that are seen."""
        return node.components() if self.everything else filter(self.sees, node.components())

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
        return self.judged(node, zone)[0]

    def judged(self, node: Node, zone: tzinfo) -> tuple[Vqt, bool]:
        """`Node.judged`, of what is seen."""
        if self.is_whole(node):
            return node.judged(zone)
        parts: list[tuple[str, Vqt]] = []
        unconfirmed: set[str] = set()
        target = node.target if isinstance(node, Alias) else node
        for part in self.components(target):
            vqt, only_unconfirmed = self.judged(part, zone)
            parts.append((part.name, vqt))
            if only_unconfirmed:
                unconfirmed.add(part.name)
        vqt = compose(parts, target.created_ns, unconfirmed)
        return vqt, bool(unconfirmed) and len(unconfirmed) == len(parts)


EVERYTHING = Sight((ALL,))
