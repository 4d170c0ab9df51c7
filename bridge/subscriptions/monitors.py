"""Who hears of a reading: the index from elements to the items that monitor them. Never a scan of all subscriptions."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import TypeAlias

from bridge.space import Field, Node, Vqt
from bridge.space.sight import Sight
from bridge.subscriptions.subscription import Item, Subscription
from bridge.subscriptions.update import Update
from bridge.subscriptions.waiting import Waiting

_Reach: TypeAlias = list[tuple[Item, int]]  # items, and how many levels above the element in question each one is
Audience: TypeAlias = Mapping[Subscription, None]  # in the order of registration, each one once
_NOBODY: Mapping[str, Item] = {}


class Monitors:
    """`zone` is for times in payloads that name none; `count` is the number of items, `of_owner` that of one principal.

    `aliases` are the elements that show another one at another place, by the id of that other one.
    """

    def __init__(self, zone: tzinfo, aliases: Mapping[str, Sequence[Node]]) -> None:
        self.count = 0
        self._of_owner: Counter[str] = Counter()
        self.waiting = Waiting(aliases)
        self._zone = zone
        self._aliases = aliases
        self._items: dict[str, dict[str, Item]] = {}  # element id → subscription id → item
        self._monitored_fields: dict[str, int] = {}  # owner's id → how many of its fields are monitored themselves
        self._touched: dict[Node, dict[Subscription, None]] = {}  # composed elements to report when the batch ends

    def add(self, item: Item) -> None:
        self.count += 1
        self._of_owner[item.subscription.owner] += 1
        node = item.node
        if node is None:
            self.waiting.add(item)
            return
        items = self._items.setdefault(node.id, {})
        if not items and isinstance(node, Field):
            self._monitored_fields[node.owner.id] = self._monitored_fields.get(node.owner.id, 0) + 1
        items[item.subscription.id] = item

    def remove(self, item: Item) -> None:
        self.count -= 1
        owner = item.subscription.owner
        self._of_owner[owner] -= 1
        if not self._of_owner[owner]:
            del self._of_owner[owner]
        node = item.node
        if node is None:
            self.waiting.remove(item)
            return
        items = self._items[node.id]
        del items[item.subscription.id]
        if items:
            return
        del self._items[node.id]
        if isinstance(node, Field):
            self._monitored_fields[node.owner.id] -= 1
            if not self._monitored_fields[node.owner.id]:
                del self._monitored_fields[node.owner.id]

    def of_owner(self, owner: str) -> int:
        return self._of_owner[owner]

    def has(self, node: Node) -> bool:
        """Whether an item is about exactly this element."""
        return node.id in self._items

    def heard(self, node: Node, vqt: Vqt) -> Iterator[tuple[Update, Audience]]:
        """The updates that a reading makes, of its node and of the fields in it, each with whom it goes to."""
        reach = self._above(node)
        if reach:
            audience = _included(reach)
            if audience:
                yield Update(node.id, *vqt), audience
        if node.fields:
            deep = node.id in self._monitored_fields
            if reach or deep:
                yield from self._fields_heard(node.fields, reach, vqt, deep=deep)
        if self._aliases:
            yield from self._aliases_heard(node, vqt)

    def _aliases_heard(self, node: Node, vqt: Vqt) -> Iterator[tuple[Update, Audience]]:
        """The updates of a node's aliases; takes note of those of the composed elements above it."""
        at: Node | None = node
        while at is not None:
            for alias in self._aliases.get(at.id, ()):
                items = self._items.get(alias.id, _NOBODY).values()
                audience: Audience = {one.subscription: None for one in items if one.subscription.sight.reads(node)}
                if audience and at is node:
                    yield Update(alias.id, *vqt), audience
                elif audience := _composing(at, audience):
                    self._touched.setdefault(alias, {}).update(audience)
            at = at.parent if at.part else None

    def composed(self) -> Iterator[tuple[Update, Audience]]:
        """One update of each composed element that has changed since the last call."""
        touched, self._touched = self._touched, {}
        for node, audience in touched.items():
            by_sight: dict[Sight, dict[Subscription, None]] = {}
            for subscription in audience:
                by_sight.setdefault(subscription.sight, {})[subscription] = None
            for sight, some in by_sight.items():
                yield Update(node.id, *sight.vqt(node, self._zone)), some

    def _above(self, node: Node) -> _Reach:
        """Items at a node and at what it is a component of; takes note of the composed elements on the way."""
        reach: _Reach = []
        composed: list[tuple[Node, int]] = []
        at: Node | None = node
        distance = 0
        while at is not None:
            for item in self._items.get(at.id, _NOBODY).values():
                if item.subscription.sight.everything or item.subscription.sight.reads(node):
                    reach.append((item, distance))
            if distance:
                composed.append((at, distance))
            at = at.parent if at.part else None
            distance += 1
        if reach:
            for element, height in composed:
                inside = [(item, above - height) for item, above in reach if above >= height]
                if audience := _composing(element, _included(inside)):
                    self._touched.setdefault(element, {}).update(audience)
        return reach

    def _fields_heard(
        self, fields: Mapping[str, Field], reach: _Reach, whole: Vqt, *, deep: bool
    ) -> Iterator[tuple[Update, Audience]]:
        """The fields of an object in a whole payload. `deep`: some field of the payload is monitored itself."""
        inherited = [(item, above + 1) for item, above in reach if item.reaches(above + 1)]
        if not inherited and not deep:
            return
        for field in fields.values():
            own = self._items.get(field.id, _NOBODY).values()
            here = [*((item, 0) for item in own if item.subscription.sight.reads(field)), *inherited]
            if here:
                yield Update(field.id, *field.project_from(*whole, self._zone)), _included(here)
            if field.fields:
                yield from self._fields_heard(field.fields, here, whole, deep=deep)


def _composing(element: Node, audience: Audience) -> Audience:
    """Those for whom an element is composed of its parts: also of one with a payload, where they do not read that."""
    if not element.reported:
        return audience
    return {one: None for one in audience if not one.sight.reads(element)}


def _included(reach: _Reach) -> dict[Subscription, None]:
    """Subscriptions one of whose items includes the element."""
    return {item.subscription: None for item, above in reach if item.reaches(above)}
