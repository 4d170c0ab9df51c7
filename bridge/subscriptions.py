"""Subscriptions: monitored items, bounded queues, numbered batches, gaps (i3x-1.0.md sections 6, 7 and 10).

The states of an update: it is *pending* when a reading arrives; `sync` freezes what is pending into a *batch*, which is
immutable and is answered again until it is acknowledged; a stream takes updates away as it writes them (at most once).
At most `queue` updates wait in one subscription, and `queue_total` in all. The oldest go first: a drop among the pending
burns one sequence number when they are next frozen, so the gap a client computes is real; a dropped batch leaves its own
number as the gap. Gaps are told until a client acknowledges past them.

Everything here is synchronous and runs on one thread; "now" is monotonic seconds.
"""

import re
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import tzinfo

import msgspec
from msgspec import Struct

from bridge.errors import NotFound, TooMany
from bridge.space.node import Field, Node, descendants
from bridge.uns import Json, Quality
from bridge.uns.moments import render

UNKNOWN = "no such subscription"  # the same for another client's, a deleted and a never issued one
_ID_BYTES = 16  # 128 random bits
ALL_PENDING = -1

_encode = msgspec.json.Encoder().encode
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def _escape(found: re.Match[str]) -> str:
    """A character as JSON escapes: two of them (a surrogate pair) beyond the basic plane."""
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{int.from_bytes(units[i : i + 2]):04x}" for i in range(0, len(units), 2))


class SubscriptionLimits(Struct, frozen=True):
    """reliability.md, "Defaults": subscriptions, updates in one, updates in all, seconds without a sign of life."""

    max: int = 1_000
    queue: int = 10_000
    queue_total: int = 1_000_000
    ttl: float = 300.0


_NOBODY: Mapping[str, "Item"] = {}


class Update:
    """One reading of one element, shared by all subscriptions that it goes to."""

    __slots__ = ("_json", "element_id", "quality", "time_ns", "value")

    def __init__(self, element_id: str, value: Json, quality: Quality, time_ns: int) -> None:
        self.element_id = element_id
        self.value = value
        self.quality = quality
        self.time_ns = time_ns
        self._json: bytes | None = None

    def json(self) -> bytes:
        """The update as JSON in ASCII; built once, however many take it."""
        if self._json is None:
            text = _encode(
                {
                    "elementId": self.element_id,
                    "value": self.value,
                    "quality": self.quality,
                    "timestamp": render(self.time_ns),
                }
            )
            self._json = text if text.isascii() else _NOT_ASCII.sub(_escape, text.decode()).encode("ascii")
        return self._json


class Item(Struct, eq=False):
    """A monitored item: an element and how many levels of its components belong to it."""

    node: Node
    max_depth: int
    subscription: "Subscription"

    def reaches(self, distance: int) -> bool:
        """Whether a component so many levels below the element is included."""
        return distance == 0 or self.max_depth == 0 or distance < self.max_depth


class Frozen(Struct, frozen=True):
    """An immutable batch."""

    number: int
    updates: tuple[Update, ...]


class Gap(Struct, frozen=True):
    """A sequence number that was burned, and how many updates are lost with it."""

    number: int
    lost: int


class Subscription:
    """One client's subscription. Only `Subscriptions` and the open stream change it."""

    __slots__ = (
        "batches",
        "client_id",
        "display_name",
        "dropped",
        "gaps",
        "id",
        "items",
        "next_number",
        "pending",
        "seen",
        "stream",
    )

    def __init__(self, client_id: str, display_name: str | None, now: float) -> None:
        self.id = secrets.token_urlsafe(_ID_BYTES)
        self.client_id = client_id
        self.display_name = display_name
        self.items: dict[str, Item] = {}
        self.pending: deque[Update] = deque()
        self.batches: deque[Frozen] = deque()
        self.gaps: list[Gap] = []
        self.dropped = 0  # pending updates lost since the last batch was frozen
        self.next_number = 1
        self.seen = now
        self.stream: Stream | None = None

    @property
    def waiting(self) -> int:
        """Updates held, frozen ones included."""
        return len(self.pending) + sum(len(batch.updates) for batch in self.batches)

    def freeze(self) -> None:
        """Turn what is pending into one batch."""
        if not self.pending:
            return
        if self.dropped:
            self.gaps.append(Gap(self.next_number, self.dropped))
            self.next_number += 1
            self.dropped = 0
        self.batches.append(Frozen(self.next_number, tuple(self.pending)))
        self.next_number += 1
        self.pending.clear()

    def acknowledge(self, number: int) -> None:
        """Drop batches up to and including a number; one that was never issued drops nothing."""
        if number == ALL_PENDING:
            self.batches.clear()
            self.pending.clear()
            self.gaps.clear()
            self.dropped = 0
        elif 0 < number < self.next_number:
            while self.batches and self.batches[0].number <= number:
                self.batches.popleft()
            self.gaps = [gap for gap in self.gaps if gap.number > number]


class Stream:
    """The reading end of an open stream. `wake` is called when there is something to take, or when it is over."""

    __slots__ = ("_wake", "over", "subscription")

    def __init__(self, subscription: Subscription, wake: Callable[[], None]) -> None:
        self.subscription = subscription
        self.over = False  # taken over by another stream, or the subscription was deleted: end cleanly
        self._wake = wake

    def end(self) -> None:
        self.over = True
        self._wake()

    def wake(self) -> None:
        self._wake()


class Subscriptions:
    """All subscriptions, and the index from elements to those that monitor them."""

    def __init__(self, nodes: Mapping[str, Node], zone: tzinfo, limits: SubscriptionLimits) -> None:
        self._nodes = nodes
        self._zone = zone
        self.limits = limits
        self._all: dict[str, Subscription] = {}
        self._monitors: dict[str, dict[str, Item]] = {}  # element id → subscription id → item
        self._watched_fields: dict[str, list[Field]] = {}  # owner's id → its fields that are monitored themselves
        self._touched: dict[int, Item] = {}  # composed elements to report at the end of the batch
        self._woken: dict[int, Stream] = {}
        self.items = 0
        self.queued = 0
        self.dropped_total = 0
        self.delivered_total = 0

    def __len__(self) -> int:
        return len(self._all)

    @property
    def streams(self) -> int:
        return sum(subscription.stream is not None for subscription in self._all.values())

    # --- what clients ask ------------------------------------------------------------------------------------------

    def create(self, client_id: str, display_name: str | None, now: float) -> Subscription:
        """Raises `TooMany`."""
        if len(self._all) >= self.limits.max:
            raise TooMany(
                f"{self.limits.max} subscriptions are open, which is the limit; delete one that is not needed"
            )
        subscription = Subscription(client_id, display_name, now)
        self._all[subscription.id] = subscription
        return subscription

    def get(self, client_id: str, ident: str) -> Subscription:
        """Raises `NotFound`, for another client's subscription too."""
        found = self._all.get(ident)
        if found is None or found.client_id != client_id:
            raise NotFound(UNKNOWN)
        return found

    def delete(self, client_id: str, ident: str) -> None:
        """Raises `NotFound`."""
        self._drop(self.get(client_id, ident))

    def register(self, subscription: Subscription, node: Node, max_depth: int) -> None:
        """Monitor an element and queue its present value; again changes nothing."""
        if node.id in subscription.items:
            return
        item = Item(node, max_depth, subscription)
        subscription.items[node.id] = item
        self.items += 1
        monitors = self._monitors.setdefault(node.id, {})
        if not monitors and isinstance(node, Field):
            self._watched_fields.setdefault(node.owner.id, []).append(node)
        monitors[subscription.id] = item
        for element in (node, *descendants(node, max_depth)):
            value, quality, time_ns = element.vqt(self._zone)
            if value is not None:
                self._push(subscription, Update(element.id, value, quality, time_ns))
        self._wake_all()

    def unregister(self, subscription: Subscription, ident: str) -> None:
        """Stop monitoring; queued values stay. What is not monitored stays so."""
        item = subscription.items.pop(ident, None)
        if item is not None:
            self._forget(item)

    def sync(self, subscription: Subscription, acknowledged: int | None, now: float) -> list[Frozen]:
        """Acknowledge, freeze what is pending, and give all unacknowledged batches."""
        before = subscription.waiting
        if acknowledged is not None:
            subscription.acknowledge(acknowledged)
        subscription.freeze()
        self.queued += subscription.waiting - before
        subscription.seen = now
        return list(subscription.batches)

    # --- the stream ------------------------------------------------------------------------------------------------

    def open_stream(self, subscription: Subscription, wake: Callable[[], None]) -> Stream:
        """The one stream of a subscription; an earlier one ends. Unacknowledged updates come first in it."""
        if subscription.stream is not None:
            subscription.stream.end()
        unread = [update for batch in subscription.batches for update in batch.updates]
        subscription.batches.clear()
        subscription.pending.extendleft(reversed(unread))
        stream = subscription.stream = Stream(subscription, wake)
        return stream

    def peek(self, stream: Stream) -> Update | None:
        """The next update of a stream; None where there is none, or the stream is over."""
        pending = stream.subscription.pending
        return pending[0] if pending and not stream.over else None

    def take(self, stream: Stream) -> Update:
        """The next update, gone from the queue with this."""
        self.queued -= 1
        self.delivered_total += 1
        return stream.subscription.pending.popleft()

    def close_stream(self, stream: Stream, now: float) -> None:
        if stream.subscription.stream is stream:
            stream.subscription.stream = None
            stream.subscription.seen = now

    def end_streams(self) -> None:
        """Wake every stream for the last time, at shutdown."""
        for subscription in self._all.values():
            if subscription.stream is not None:
                subscription.stream.wake()

    # --- what happens ----------------------------------------------------------------------------------------------

    def changed(self, node: Node, value: Json, quality: Quality, time_ns: int) -> None:
        """A node has a new reading: queue it for every item that includes the node, its owner or one of its fields."""
        update: Update | None = None
        told: set[str] = set()  # a subscription that monitors owner and component gets the reading once
        at: Node | None = node
        distance = 0
        while at is not None:
            for item in self._monitors.get(at.id, _NOBODY).values():
                if item.reaches(distance) and item.subscription.id not in told:
                    update = update or Update(node.id, value, quality, time_ns)
                    told.add(item.subscription.id)
                    self._push(item.subscription, update)
                    if item.max_depth != 1 and node.fields:
                        self._push_fields(item, node, distance)
                if distance and not at.reported:
                    self._touched[id(item)] = item
            if not at.part:
                break
            at = at.parent
            distance += 1
        if node.fields and self._watched_fields:
            self._push_watched_fields(node)

    def flush(self) -> None:
        """The end of a batch: report composed elements once, then wake the streams that have something to send."""
        if self._touched:
            composed: dict[str, Update] = {}
            for item in self._touched.values():
                update = composed.get(item.node.id)
                if update is None:
                    update = composed[item.node.id] = Update(item.node.id, *item.node.vqt(self._zone))
                self._push(item.subscription, update)
            self._touched.clear()
        self._wake_all()

    def sweep(self, now: float) -> int:
        """Delete what has shown no sign of life for the time-to-live; how many."""
        old = [one for one in self._all.values() if one.stream is None and now - one.seen > self.limits.ttl]
        for subscription in old:
            self._drop(subscription)
        return len(old)

    def _push_fields(self, item: Item, node: Node, distance: int) -> None:
        depth = item.max_depth - distance if item.max_depth else 0
        for field in _fields(node, depth):
            self._push(item.subscription, Update(field.id, *field.vqt(self._zone)))

    def _push_watched_fields(self, node: Node) -> None:
        for field in self._watched_fields.get(node.id, ()):
            update = Update(field.id, *field.vqt(self._zone))
            for item in self._monitors.get(field.id, _NOBODY).values():
                self._push(item.subscription, update)
                if item.max_depth != 1 and field.fields:
                    for inner in _fields(field, item.max_depth):
                        self._push(item.subscription, Update(inner.id, *inner.vqt(self._zone)))

    def _push(self, subscription: Subscription, update: Update) -> None:
        pending = subscription.pending
        pending.append(update)
        self.queued += 1
        if (
            len(pending) + len(subscription.batches) > self.limits.queue
            or self.queued > self.limits.queue_total
            or subscription.batches
        ):
            self._bound(subscription)
        if subscription.stream is not None:
            self._woken[id(subscription)] = subscription.stream

    def _bound(self, subscription: Subscription) -> None:
        """Drop the oldest while there are too many; a frozen batch goes as a whole and leaves its number as a gap."""
        while subscription.waiting > self.limits.queue or (
            self.queued > self.limits.queue_total and subscription.waiting > 1
        ):
            if subscription.batches:
                batch = subscription.batches.popleft()
                subscription.gaps.append(Gap(batch.number, len(batch.updates)))
                lost = len(batch.updates)
            else:
                subscription.pending.popleft()
                subscription.dropped += 1
                lost = 1
            self.queued -= lost
            self.dropped_total += lost

    def _wake_all(self) -> None:
        if self._woken:
            for stream in self._woken.values():
                stream.wake()
            self._woken.clear()

    def _drop(self, subscription: Subscription) -> None:
        self._all.pop(subscription.id, None)
        self.queued -= subscription.waiting
        for item in subscription.items.values():
            self._forget(item)
        subscription.items.clear()
        if subscription.stream is not None:
            subscription.stream.end()
            subscription.stream = None

    def _forget(self, item: Item) -> None:
        self.items -= 1
        node = item.node
        monitors = self._monitors[node.id]
        del monitors[item.subscription.id]
        if not monitors:
            del self._monitors[node.id]
            if isinstance(node, Field):
                fields = self._watched_fields[node.owner.id]
                fields.remove(node)
                if not fields:
                    del self._watched_fields[node.owner.id]


def _fields(node: Node, max_depth: int) -> Iterator[Field]:
    """Fields below a node, so many levels counting the node (0: all)."""
    if max_depth == 1:
        return
    fields: Iterable[Field] = (node.fields or {}).values()
    for field in fields:
        yield field
        yield from _fields(field, max_depth - 1 if max_depth else 0)
