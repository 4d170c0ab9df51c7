"""The queue of one subscription: what is pending, what is frozen in batches, and the gap that was dropped.

The states of an update: it is *pending* when a reading arrives; `freeze` turns all that is pending into a *batch*,
which is immutable and is given again until it is acknowledged; a stream takes updates away one by one, oldest first.

Numbers start at 1 and rise by one with each batch. Whatever is dropped leaves a number that no batch has, so the gap
that a client computes is real: pending updates that were dropped burn one number when the rest is frozen, a batch that
was dropped leaves its own. The oldest go first, batches before what is pending, so there is one gap, before all
batches; it is told until a client acknowledges past it.
"""

from collections import deque

from msgspec import Struct

from bridge.subscriptions.update import Update

ALL_PENDING = -1  # acknowledges everything, what is not in a batch yet included


class Frozen(Struct, frozen=True):
    """An immutable batch."""

    number: int
    updates: tuple[Update, ...]


class Gap(Struct, frozen=True):
    """Numbers from first to last that no batch to come has, and how many updates are lost with them."""

    first: int
    last: int
    lost: int


class Queue:
    """See the module's text. It has no bound of its own: whoever pushes calls `drop_oldest` when it is too long."""

    __slots__ = ("_dropped", "_next", "batches", "gap", "held", "pending")

    def __init__(self) -> None:
        self.pending: deque[Update] = deque()
        self.batches: deque[Frozen] = deque()
        self.gap: Gap | None = None  # before all batches
        self.held = 0  # updates, pending and frozen
        self._dropped = 0  # pending updates lost since the last batch was frozen
        self._next = 1

    def push(self, update: Update) -> None:
        self.pending.append(update)
        self.held += 1

    def pop(self) -> Update:
        """The oldest pending update, gone with this. Raises `IndexError`."""
        update = self.pending.popleft()
        self.held -= 1
        return update

    def drop_oldest(self) -> int:
        """Lose the oldest batch, which goes as a whole, or else the oldest pending update; how many that were."""
        if self.batches:
            batch = self.batches.popleft()
            lost = len(batch.updates)
            self._widen_gap(batch.number, lost)
        else:
            self.pending.popleft()
            self._dropped += 1
            lost = 1
        self.held -= lost
        return lost

    def freeze(self) -> None:
        """Turn what is pending into a batch; nothing pending and nothing lost is no batch."""
        if self._dropped:
            self._widen_gap(self._next, self._dropped)
            self._next += 1
            self._dropped = 0
        if self.pending:
            self.batches.append(Frozen(self._next, tuple(self.pending)))
            self._next += 1
            self.pending.clear()

    def thaw(self) -> None:
        """Put unacknowledged batches back before what is pending: a stream gives single updates, without numbers."""
        self.pending.extendleft(update for batch in reversed(self.batches) for update in reversed(batch.updates))
        self.batches.clear()

    def acknowledge(self, number: int) -> None:
        """Forget batches and the gap up to and including a number; one that was never issued changes nothing."""
        if number == ALL_PENDING:
            self.clear()
        elif 0 < number < self._next:
            while self.batches and self.batches[0].number <= number:
                self.held -= len(self.batches.popleft().updates)
            if self.gap is not None and self.gap.last <= number:
                self.gap = None

    def clear(self) -> None:
        """Forget all updates and the gap; numbers go on."""
        self.batches.clear()
        self.pending.clear()
        self.gap = None
        self.held = self._dropped = 0

    def _widen_gap(self, number: int, lost: int) -> None:
        """What is dropped lies next to what was dropped before: there is never a batch between."""
        before = self.gap
        self.gap = Gap(number, number, lost) if before is None else Gap(before.first, number, before.lost + lost)
