"""A subscription, its monitored items, and the reading end of its stream."""

import secrets
from collections.abc import Callable

from msgspec import Struct

from bridge.space import Node
from bridge.space.sight import EVERYTHING, Sight
from bridge.subscriptions.queue import Load, Queue

_ID_BYTES = 24  # random; the standard wants 16, and readers who leave out "-" and "_" still count enough


class Item(Struct, eq=False):
    """A monitored item: an element by its id and how many levels of its components belong to it (0: all). Without a
    node it waits for the element: an earlier run had it.
    """

    ident: str
    node: Node | None
    max_depth: int
    subscription: "Subscription"

    def reaches(self, distance: int) -> bool:
        """Whether a component so many levels below the element is included."""
        return distance == 0 or self.max_depth == 0 or distance < self.max_depth

    def may_be_seen(self) -> bool:
        """Whether the subscription's owner sees the element; of one that is waited for, whether they ever could."""
        sight = self.subscription.sight
        return sight.sees(self.node) if self.node is not None else sight.may_see(self.ident)


class Stream:
    """The reading end of an open stream. `wake` is called when there is something to take, or when it is over."""

    __slots__ = ("over", "subscription", "wake")

    def __init__(self, subscription: "Subscription", wake: Callable[[], None]) -> None:
        self.subscription = subscription
        self.over = False  # taken over by another stream, or the subscription was deleted: end cleanly
        self.wake = wake

    def end(self) -> None:
        self.over = True
        self.wake()


class Subscription:
    """One client's subscription; only `Subscriptions` changes it. `seen`: its last sign of life, monotonic seconds.

    `owner` is the principal whose client it is, "" where nobody signs in; `sight` what they may see.
    """

    __slots__ = ("client_id", "display_name", "id", "items", "owner", "queue", "seen", "sight", "stream")

    def __init__(
        self,
        client_id: str,
        display_name: str | None,
        now: float,
        load: Load,
        ident: str | None = None,
        *,
        owner: str = "",
        sight: Sight = EVERYTHING,
    ) -> None:
        self.id = secrets.token_urlsafe(_ID_BYTES) if ident is None else ident
        self.client_id = client_id
        self.owner = owner
        self.sight = sight
        self.display_name = display_name
        self.items: dict[str, Item] = {}  # by element id
        self.queue = Queue(load)
        self.seen = now
        self.stream: Stream | None = None

    def monitored(self) -> list[Item]:
        """The items, as its owner may know of them."""
        return [item for item in self.items.values() if item.may_be_seen()]

    def includes(self, node: Node) -> bool:
        """Whether one of the items is the element itself or has it as a component within reach."""
        at: Node | None = node
        distance = 0
        while at is not None:
            item = self.items.get(at.id)
            if item is not None and item.node is not None and item.reaches(distance):
                return True
            at = at.parent if at.part else None
            distance += 1
        return False
