"""How much there may be of subscriptions, and in them."""

from msgspec import Struct


class SubscriptionLimits(Struct, frozen=True):
    """reliability.md, "Defaults": subscriptions, updates in one, updates in all, seconds without a sign of life.

    `max_each` are those of one principal, where people sign in. `items` bounds the memory of the index: twice as many
    as a space has elements at most. `bytes_total` matters for structured values: a million numbers take less.
    """

    max: int = 1_000
    queue: int = 10_000
    queue_total: int = 1_000_000
    ttl: float = 300.0
    max_each: int = 500
    items: int = 1_000_000
    bytes_total: int = 256 * 1024 * 1024

    @property
    def items_each(self) -> int:
        """Of one principal."""
        return self.items // 2
