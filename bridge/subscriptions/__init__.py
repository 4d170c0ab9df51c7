"""Subscriptions: monitored items, bounded queues, numbered batches, gaps (i3x-1.0.md sections 6, 7 and 10)."""

from bridge.subscriptions.limits import SubscriptionLimits
from bridge.subscriptions.notes import QueueNote, Snapshot, SubscriptionNote, UpdateNote
from bridge.subscriptions.queue import ALL_PENDING, Frozen, Gap, Queue
from bridge.subscriptions.registry import UNKNOWN, Subscriptions
from bridge.subscriptions.subscription import Item, Stream, Subscription
from bridge.subscriptions.unsaved import RESERVE
from bridge.subscriptions.update import Update

__all__ = [
    "ALL_PENDING",
    "RESERVE",
    "UNKNOWN",
    "Frozen",
    "Gap",
    "Item",
    "Queue",
    "QueueNote",
    "Snapshot",
    "Stream",
    "Subscription",
    "SubscriptionLimits",
    "SubscriptionNote",
    "Subscriptions",
    "Update",
    "UpdateNote",
]
