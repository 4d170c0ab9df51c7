"""What becomes of updates that wait when their owner sees less: nothing of what is hidden is delivered."""

from collections.abc import Mapping
from datetime import tzinfo

from bridge.space import Node, Vqt
from bridge.space.sight import Sight
from bridge.subscriptions.update import Update


class Revision:
    """For one sight at one moment, so that each element is looked at once, however many updates it has."""

    def __init__(self, nodes: Mapping[str, Node], sight: Sight, zone: tzinfo) -> None:
        self._nodes = nodes
        self._sight = sight
        self._zone = zone
        self._present: dict[str, Vqt] = {}  # of elements that are seen in part

    def of(self, update: Update) -> Update | None:
        """The update as it is where all of it is read; the present value of what is seen in part; else nothing. What
        has been removed is not there to be judged.
        """
        node = self._nodes.get(update.element_id)
        if node is None or not self._sight.sees(node):
            return None
        if self._sight.is_whole(node):
            return update
        if node.id not in self._present:
            self._present[node.id] = self._sight.vqt(node, self._zone)
        value, quality, time_ns = self._present[node.id]
        if value is None and update.initial:
            return None
        return Update(node.id, value, quality, time_ns, initial=update.initial)
