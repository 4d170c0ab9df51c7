"""Subscriptions as plain data, for whoever keeps them from one run to the next.

A `SubscriptionNote` is enough to go on after a crash: who it belongs to, what it monitors, and which numbers may have
been given. A `QueueNote` is all that waits, exactly; it holds for one moment only, the orderly end of a run. In it,
updates are indices into those of the whole `Snapshot`: one that many subscriptions wait for is there once.
"""

from collections.abc import Sequence

from msgspec import Struct

from bridge.space.sight import ALL
from bridge.uns import Json, Quality


class SubscriptionNote(Struct, frozen=True, array_like=True):
    """`items` are element ids with maxDepth; `read` are the topic filters of what the owner may see. Numbers from
    `first` on may be unacknowledged; none beyond `reserved` has been given.
    """

    ident: str
    client_id: str
    display_name: str | None
    items: list[tuple[str, int]]
    first: int
    reserved: int
    owner: str = ""
    read: tuple[str, ...] = (ALL,)


class UpdateNote(Struct, frozen=True, array_like=True, gc=False):  # a million of them, and all stay
    """An update. `whole` is all of it as JSON, where its value is structured; `value` is null then."""

    element_id: str
    quality: Quality
    time_ns: int
    initial: bool
    value: Json
    whole: str | None


class QueueNote(Struct, frozen=True, array_like=True):
    """What a queue holds. `gaps` are first and last number and the updates lost (None: nobody knows); `batches` are
    numbers with their updates; `dropped` pending updates have been lost since the last batch.
    """

    next: int
    dropped: int
    gaps: list[tuple[int, int, int | None]]
    batches: list[tuple[int, list[int]]]
    initial: list[int]
    pending: list[int]


class Snapshot(Struct, frozen=True):
    """All queues by the ids of their subscriptions, and the updates in them, each once."""

    queues: dict[str, QueueNote]
    updates: Sequence[UpdateNote]
