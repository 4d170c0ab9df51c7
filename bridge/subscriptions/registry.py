"""All subscriptions: what clients ask of them, and what readings do to them.

Synchronous and single-threaded; "now" is monotonic seconds. At most `queue` readings wait in one subscription, beside
the initial values of what it monitors, and `queue_total` updates of `bytes_total` bytes in all; the oldest go first.
When all together hold too much, the one that holds the most loses: a deserted subscription cannot take the room of
those that are read. Nor can one who signs in take the room of all others: theirs are `max_each` at most.

Whoever keeps subscriptions from one run to the next sets `unsaved.tracked` before the first one is made, saves the
`note` of each that `unsaved` names, and says so with `saved`. At the end `snapshot` gives what waits in them.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from types import MappingProxyType

from bridge.errors import NotFound, TooMany
from bridge.space import Node
from bridge.space.sight import EVERYTHING, Sight
from bridge.subscriptions.limits import SubscriptionLimits
from bridge.subscriptions.monitors import Monitors
from bridge.subscriptions.notes import Snapshot, SubscriptionNote
from bridge.subscriptions.queue import Frozen, Load
from bridge.subscriptions.revision import Revision
from bridge.subscriptions.subscription import Item, Stream, Subscription
from bridge.subscriptions.unsaved import Unsaved, to_reserve
from bridge.subscriptions.update import Update
from bridge.uns import Json, Quality

_ROOM = 64  # when bytes are too many, one part in so many is made free: looking for who loses stays rare
UNKNOWN = "no such subscription"  # the same for another client's, a deleted and a never issued one


class Subscriptions:
    """`nodes` are the elements by id, `zone` is for times in payloads that name none; `aliases` see `Monitors`.

    `flush` ends a batch of changes, and a request that registers.
    """

    def __init__(
        self,
        nodes: Mapping[str, Node],
        zone: tzinfo,
        limits: SubscriptionLimits,
        aliases: Mapping[str, Sequence[Node]] = MappingProxyType({}),
    ) -> None:
        self.limits = limits
        self.queued = 0
        self.dropped_total = 0
        self.delivered_total = 0
        self._load = Load()
        self._nodes = nodes
        self._zone = zone
        self._all: dict[str, Subscription] = {}
        self._monitors = Monitors(zone, aliases)
        self._woken: dict[Subscription, None] = {}  # those whose streams have something new to take
        self._longest: Subscription | None = None  # holds the most, as far as was looked
        self.unsaved = Unsaved()
        self.sight_of: Callable[[Sequence[str]], Sight] = Sight
        self.on_present: Callable[[Node], None] | None = None  # hears of each element whose present value is queued

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[str]:
        """The ids of all."""
        return iter(self._all)

    def each(self) -> Collection[Subscription]:
        return self._all.values()

    @property
    def items(self) -> int:
        return self._monitors.count

    @property
    def streams(self) -> int:
        return sum(subscription.stream is not None for subscription in self._all.values())

    @property
    def bytes(self) -> int:
        """About what all updates that wait take."""
        return self._load.bytes

    # --- what clients ask ------------------------------------------------------------------------------------------

    def create(
        self,
        client_id: str,
        display_name: str | None,
        now: float,
        owner: str = "",
        sight: Sight = EVERYTHING,
    ) -> Subscription:
        """Raises `TooMany`."""
        if len(self._all) >= self.limits.max:
            raise TooMany(f"{self.limits.max} subscriptions exist, which is the limit; delete one that is not needed")
        if owner and sum(one.owner == owner for one in self._all.values()) >= self.limits.max_each:
            raise TooMany(f"you have {self.limits.max_each} subscriptions, which is the limit; delete one of them")
        subscription = Subscription(client_id, display_name, now, self._load, owner=owner, sight=sight)
        self._all[subscription.id] = subscription
        subscription.queue.reserved = self.unsaved.reserved
        self.unsaved.touch(subscription.id)
        return subscription

    def get(self, client_id: str, ident: str, owner: str = "") -> Subscription:
        """Raises `NotFound`, for another client's subscription too, and another owner's."""
        found = self._all.get(ident)
        if found is None or found.client_id != client_id or found.owner != owner:
            raise NotFound(UNKNOWN)
        return found

    def delete(self, subscription: Subscription) -> None:
        """Forget it with all that it holds; its stream ends cleanly."""
        del self._all[subscription.id]
        self.unsaved.touch(subscription.id)
        self.queued -= subscription.queue.held
        subscription.queue.clear()
        for item in subscription.items.values():
            self._monitors.remove(item)
        self._longest = None
        self._woken.pop(subscription, None)
        if subscription.stream is not None:
            subscription.stream.end()

    def register(self, subscription: Subscription, ident: str, max_depth: int) -> None:
        """Monitor an element and queue present values that no other item has queued; again changes nothing.

        Raises `NotFound` and `TooMany`.
        """
        if ident in subscription.items:
            return
        node = self._element(ident, subscription.sight)
        if self._monitors.count >= self.limits.items:
            raise TooMany(f"{self.limits.items} items are monitored, which is the limit; unregister what is not needed")
        if subscription.owner and self._monitors.of_owner(subscription.owner) >= self.limits.items_each:
            raise TooMany(f"you monitor {self.limits.items_each} items, which is the limit; unregister some of them")
        item = Item(ident, None, max_depth, subscription)
        self.unsaved.touch(subscription.id)
        self._attach(item, node)

    def _attach(self, item: Item, node: Node) -> None:
        """Let an item monitor its element, and queue present values that no other item has queued."""
        subscription = item.subscription
        sight = subscription.sight
        elements = (node, *sight.descendants(node, item.max_depth))
        fresh = [element for element in elements if not subscription.includes(element)]
        item.node = node
        subscription.items[item.ident] = item
        self._monitors.add(item)
        for element in fresh:
            value, quality, time_ns = sight.vqt(element, self._zone)
            if value is not None:
                self._push(subscription, Update(element.id, value, quality, time_ns, initial=True))
                if self.on_present is not None:
                    self.on_present(element)

    def unregister(self, subscription: Subscription, ident: str) -> None:
        """Stop monitoring; queued values stay. What is not monitored stays so. Raises `NotFound`."""
        item = subscription.items.pop(ident, None)
        if item is None:
            self._element(ident, subscription.sight)
            return
        self._monitors.remove(item)
        self.unsaved.touch(subscription.id)

    def is_monitored(self, node: Node) -> bool:
        """Whether somebody monitors exactly this element."""
        return self._monitors.has(node)

    def _element(self, ident: str, sight: Sight) -> Node:
        node = self._nodes.get(ident)
        if node is None or not sight.sees(node):
            raise NotFound("no such element")
        return node

    def sync(self, subscription: Subscription, acknowledged: int | None, now: float) -> list[Frozen]:
        """Acknowledge, freeze what is pending, and give all unacknowledged batches."""
        queue = subscription.queue
        self.queued -= queue.held
        if acknowledged is not None:
            queue.acknowledge(acknowledged)
        self.queued += queue.held
        queue.freeze()
        self.unsaved.given(subscription.id, queue)
        subscription.seen = now
        return list(queue.batches)

    def look_again(self, owner: str, sight: Sight) -> None:
        """An owner sees something else from now on: nothing that they may not see any more is monitored or waits.

        Of what they see in part the present value waits. Batches keep their numbers, whatever is left in them.
        """
        for subscription in [one for one in self._all.values() if one.owner == owner and one.sight is not sight]:
            is_other = subscription.sight != sight
            subscription.sight = sight
            if not is_other:
                continue
            self.unsaved.touch(subscription.id)
            if not sight.everything:
                for item in [one for one in subscription.items.values() if not one.may_be_seen()]:
                    del subscription.items[item.ident]
                    self._monitors.remove(item)
                queue, held = subscription.queue, subscription.queue.held
                queue.revise(Revision(self._nodes, sight, self._zone).of)
                self.queued += queue.held - held
        self._longest = None

    # --- the stream ------------------------------------------------------------------------------------------------

    def open_stream(self, subscription: Subscription, wake: Callable[[], None]) -> Stream:
        """The one stream of a subscription; an earlier one ends. Unacknowledged updates come first in it."""
        if subscription.stream is not None:
            subscription.stream.end()
        held = subscription.queue.held
        subscription.queue.thaw()
        self.queued += subscription.queue.held - held
        subscription.stream = Stream(subscription, wake)
        return subscription.stream

    def peek(self, stream: Stream) -> Update | None:
        """The next update of a stream; None where there is none, or the stream is over."""
        return None if stream.over else stream.subscription.queue.peek()

    def take(self, stream: Stream) -> Update:
        """The next update, gone from the queue with this."""
        self.queued -= 1
        self.delivered_total += 1
        return stream.subscription.queue.pop()

    def close_stream(self, stream: Stream, now: float) -> None:
        """The reader has left; a stream that was taken over or deleted is gone already."""
        if stream.subscription.stream is stream:
            stream.subscription.stream = None
            stream.subscription.seen = now

    # --- what happens ----------------------------------------------------------------------------------------------

    def changed(self, node: Node, value: Json, quality: Quality, time_ns: int) -> None:
        """A node has a new reading: queue it for everybody whose items include the node or a field of it."""
        for update, audience in self._monitors.heard(node, (value, quality, time_ns)):
            for subscription in audience:
                self._push(subscription, update)
        if self._monitors.waiting:
            self._monitors.waiting.heard(node)

    def flush(self) -> None:
        """The end of a batch: report composed elements once, then wake the streams that have something to send."""
        if self._monitors.waiting:
            self._attach_found()
        for update, audience in self._monitors.composed():
            for subscription in audience:
                self._push(subscription, update)
        woken, self._woken = self._woken, {}
        for subscription in woken:
            if subscription.stream is not None:
                subscription.stream.wake()
        self._longest = None

    def sweep(self, now: float) -> int:
        """Delete what has shown no sign of life for the time-to-live; how many. And look for what items wait for."""
        if self._monitors.waiting:
            self._monitors.waiting.look()
        deserted = [one for one in self._all.values() if one.stream is None and now - one.seen > self.limits.ttl]
        for subscription in deserted:
            self.delete(subscription)
        return len(deserted)

    def _attach_found(self) -> None:
        for item, node in self._monitors.waiting.found(self._nodes):
            if item.subscription.sight.sees(node):
                self._monitors.remove(item)
                self._attach(item, node)

    # --- from one run to the next ----------------------------------------------------------------------------------

    def note(self, ident: str) -> SubscriptionNote | None:
        """What to save of a subscription; None: it is gone."""
        found = self._all.get(ident)
        if found is None:
            return None
        items = [(item.ident, item.max_depth) for item in found.items.values()]
        first, reserved = found.queue.first, to_reserve(found.queue)
        return SubscriptionNote(
            found.id, found.client_id, found.display_name, items, first, reserved, found.owner, found.sight.filters
        )

    def saved(self, note: SubscriptionNote) -> None:
        """This will be there after a crash."""
        found = self._all.get(note.ident)
        if found is not None:
            found.queue.reserved = note.reserved

    def snapshot(self, max_bytes: int) -> Snapshot:
        """All that waits, for an orderly end. What is beyond so many bytes is lost; afterwards no number is given."""
        self._make_room(max_bytes)
        index: dict[Update, int] = {}
        queues = {}
        for one in self._all.values():
            queues[one.id] = one.queue.note(lambda update: index.setdefault(update, len(index)))
            one.queue.reserved = one.queue.next - 1
        return Snapshot(queues, [update.note() for update in index])

    def resume(
        self, notes: Iterable[SubscriptionNote], waiting: Snapshot | None, now: float, *, held: bool = False
    ) -> None:
        """Go on with the subscriptions of an earlier run. Without what waited in them, after a crash, what may have
        been lost is a gap, and the present values are queued anew. `held`: no number is given that was not given
        before, until the notes are `saved` again.
        """
        updates = [Update.noted(note) for note in waiting.updates] if waiting is not None else []
        present: dict[Sight, dict[str, Update]] = {}
        for note in notes:
            sight = self.sight_of(note.read)
            found = Subscription(
                note.client_id, note.display_name, now, self._load, note.ident, owner=note.owner, sight=sight
            )
            self._all[found.id] = found
            found.queue.reserved = note.reserved
            for ident, max_depth in note.items:
                item = found.items[ident] = Item(ident, self._nodes.get(ident), max_depth, found)
                self._monitors.add(item)
            queue = waiting.queues.get(note.ident) if waiting is not None else None
            if queue is not None:
                found.queue.fill(queue, updates)
                self.queued += found.queue.held
            else:
                found.queue.go_on(note.first, note.reserved)
                self._queue_present(found, present.setdefault(sight, {}))
            if held:
                found.queue.reserved = found.queue.next - 1
            self.unsaved.given(found.id, found.queue)

    def _queue_present(self, subscription: Subscription, known: dict[str, Update]) -> None:
        """The present values of all that a subscription monitors; `known` are those made for others."""
        for item in subscription.items.values():
            sight = subscription.sight
            if item.node is None or not sight.sees(item.node):
                continue
            for element in (item.node, *sight.descendants(item.node, item.max_depth)):
                if element.id not in known:
                    known[element.id] = Update(element.id, *sight.vqt(element, self._zone), initial=True)
                if known[element.id].value is not None:
                    self._push(subscription, known[element.id])
                    if self.on_present is not None:
                        self.on_present(element)

    # --- bounds ----------------------------------------------------------------------------------------------------

    def _push(self, subscription: Subscription, update: Update) -> None:
        queue = subscription.queue
        held = queue.held
        queue.push(update)
        self.queued += queue.held - held
        while queue.held - queue.exempt > self.limits.queue:
            self._lost(queue.drop_reading())
        if self.queued > self.limits.queue_total:
            self._lost(self._find_longest(subscription).queue.drop_oldest())
        if self._load.bytes > self.limits.bytes_total:
            self._make_room(self.limits.bytes_total - self.limits.bytes_total // _ROOM)
        if subscription.stream is not None:
            self._woken[subscription] = None

    def _make_room(self, enough: int) -> None:
        """Whoever holds the most bytes loses half of them, until there are few enough."""
        while self._load.bytes > enough:
            queue = max((one.queue for one in self._all.values()), key=lambda queue: queue.size)
            half = queue.size // 2
            while queue.size > half and self._load.bytes > enough:
                self._lost(queue.drop_oldest())

    def _lost(self, lost: int) -> None:
        self.queued -= lost
        self.dropped_total += lost

    def _find_longest(self, pusher: Subscription) -> Subscription:
        """Whose oldest go. Looked for among all once a batch, and again when the one found is down to its share."""
        share = self.limits.queue_total // len(self._all)
        longest = self._longest
        if longest is None or longest.queue.held <= share:
            longest = max(self._all.values(), key=lambda one: one.queue.held)
        self._longest = longest if longest.queue.held >= pusher.queue.held else pusher
        return self._longest
