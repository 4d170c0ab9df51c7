"""What is no news after a restart: a value that subscribers know, doubted while nobody listened, holds again.

What was put back is LOST until the broker is there, and subscribers, who go on from the run before, are not told at
once (see `liveness`). Where nothing was missed the doubt ends, and each of them knows just the value that holds then,
or that it is as unconfirmed as it was.
It is different for whoever has been given the doubted value meanwhile, of the element or of something that shows it: an
element that it is a component of, or one of its fields.
"""

from bridge.space import Change, Field, Node
from bridge.space.node import UNCONFIRMED
from bridge.space.owned.views import Alias


class Returning:
    """From the moment at which something was put back until the broker `is_over` the outage and doubts are settled."""

    def __init__(self) -> None:
        self.is_over = False  # the broker is there: what is doubted still will be told next
        self._told: set[Node] = set()  # whose values as of now somebody was given

    def told(self, node: Node) -> None:
        """Somebody is given the value of an element."""
        while isinstance(node, Alias | Field):
            node = node.owner if isinstance(node, Field) else node.target
        self._told.update(_shown_in(node))

    def is_news(self, change: Change) -> bool:
        """Whether subscribers hear of a change; then they are told."""
        node = change.node
        if change.doubt and not node.doubt & ~UNCONFIRMED and self._told.isdisjoint(_shown_in(node)):
            return False
        self._told.update(_shown_in(node))
        return True


def _shown_in(node: Node) -> list[Node]:
    """An element and those that it is a component of."""
    found = [node]
    while found[-1].part and found[-1].parent is not None:
        found.append(found[-1].parent)
    return found
