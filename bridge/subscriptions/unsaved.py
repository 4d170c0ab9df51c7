"""Which subscriptions have to be saved, where somebody saves them.

Numbers of batches are reserved ahead: what is saved of a subscription says how far numbers may have been given, and no
batch is frozen beyond that. After a crash they go on from there, so that no client sees one twice. A subscription that
has never been saved is unknown after a crash: it may begin at once.
"""

from bridge.subscriptions.queue import ANY_NUMBER, Queue

RESERVE = 10_000  # numbers at once: hours of a client that asks every second, should the disk be full that long


class Unsaved:
    """Ids of subscriptions that are new, have changed, need more numbers or are gone; none until `tracked` is set."""

    def __init__(self) -> None:
        self.tracked = False
        self._ids: dict[str, None] = {}

    @property
    def reserved(self) -> int:
        """The numbers that a new subscription may give."""
        return RESERVE if self.tracked else ANY_NUMBER

    def touch(self, *idents: str) -> None:
        if self.tracked:
            self._ids.update(dict.fromkeys(idents))

    def given(self, ident: str, queue: Queue) -> None:
        """A subscription may have given a number: half of those reserved are for the time until more are."""
        if queue.reserved - queue.next < RESERVE // 2:
            self.touch(ident)

    def take(self) -> list[str]:
        """All of them; each is told once."""
        found, self._ids = list(self._ids), {}
        return found


def to_reserve(queue: Queue) -> int:
    """The last number that is to be reserved now."""
    return max(queue.reserved if queue.reserved < ANY_NUMBER else 0, queue.next - 1 + RESERVE)
