"""What somebody may see of an address space: the elements whose topics their filters cover, and the way to those.

An element that is only on the way is a plain folder without a payload of its own. What is not seen is not there.
"""

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from bridge.space.node import Node, Vqt, compose
from bridge.space.owned.views import Alias
from bridge.uns.topics import matches

ALL = "#"  # alone it covers everything, the bridge's own elements too


class Sight:
    """By MQTT topic filters. `key` is equal for equal sights."""

    def __init__(self, filters: Sequence[str]) -> None:
        self.filters = tuple(sorted(set(filters)))
        self.everything = ALL in self.filters
        self.key = "" if self.everything else "\n".join(("-", *self.filters))

    def covers(self, topic: str) -> bool:
        return self.everything or any(matches(pattern, topic) for pattern in self.filters)

    def reads(self, node: Node) -> bool:
        """Whether its value may be read."""
        return self.everything or self.covers(node.target.topic if isinstance(node, Alias) else node.topic)

    def sees(self, node: Node) -> bool:
        """Whether it is read, or something below it is."""
        return self.everything or self.reads(node) or any(map(self.sees, (node.children or {}).values()))

    def components(self, node: Node) -> Iterator[Node]:
        return node.components() if self.everything else filter(self.sees, node.components())

    def vqt(self, node: Node, zone: tzinfo) -> Vqt:
        """The current value as far as it is seen."""
        if self.everything or (node.reported and self.reads(node)):
            return node.vqt(zone)
        return compose([(part.name, self.vqt(part, zone)) for part in self.components(node)], node.created_ns)


EVERYTHING = Sight((ALL,))
