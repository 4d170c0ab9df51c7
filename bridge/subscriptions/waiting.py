"""Items that wait for their elements: a later run has an element only when somebody reports.

Nobody looks for them all: a reading of an element asks for items of that element, of its fields, of the branches above
it and of what shows them elsewhere. What no reading leads to is found by looking through all, a slice at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from bridge.space import Node
from bridge.subscriptions.subscription import Item

SLICE = 10_000  # elements that are looked for without a pause: a few milliseconds


class Waiting:
    """`aliases` see `Monitors`. Truth is whether anything waits."""

    def __init__(self, aliases: Mapping[str, Sequence[Node]]) -> None:
        self._aliases = aliases
        self._items: dict[str, dict[str, dict[str, Item]]] = {}  # owner's id → element id → subscription id → item
        self._appeared: dict[str, None] = {}  # ids of elements that may be there
        self._look: Iterator[str] = iter(())

    def __bool__(self) -> bool:
        return bool(self._items)

    def add(self, item: Item) -> None:
        of_owner = self._items.setdefault(_owner(item.ident), {})
        of_owner.setdefault(item.ident, {})[item.subscription.id] = item

    def remove(self, item: Item) -> None:
        owner = _owner(item.ident)
        items = self._items[owner][item.ident]
        del items[item.subscription.id]
        if not items:
            del self._items[owner][item.ident]
        if not self._items[owner]:
            del self._items[owner]

    def heard(self, node: Node) -> None:
        """An element has a reading: it, what is above it and what is in it may have been waited for."""
        at: Node | None = node
        while at is not None:
            for ident in (at.id, *(alias.id for alias in self._aliases.get(at.id, ()))):
                self._appeared.update(dict.fromkeys(self._items.get(ident, ())))
            at = at.parent

    def look(self) -> None:
        """Take the next slice of all."""
        some = list(islice(self._look, SLICE))
        if len(some) < SLICE:
            self._look = iter([ident for of_owner in self._items.values() for ident in of_owner])
        self._appeared.update(dict.fromkeys(some))

    def found(self, nodes: Mapping[str, Node]) -> list[tuple[Item, Node]]:
        """Items whose elements are there now; they go on waiting until they are removed."""
        appeared, self._appeared = self._appeared, {}
        return [
            (item, nodes[ident])
            for ident in appeared
            if ident in nodes
            for item in self._items.get(_owner(ident), {}).get(ident, {}).values()
        ]


def _owner(ident: str) -> str:
    return ident.partition("#")[0]
