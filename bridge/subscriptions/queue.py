"""The queue of one subscription: what is pending, what is frozen in batches, and the gap that was dropped.

The states of an update: it is *pending* when a reading arrives; `freeze` turns all that is pending into a *batch*,
which is immutable and is given again until it is acknowledged; a stream takes updates away one by one, oldest first.
Initial values wait apart, before all that is pending: no number of readings of other elements pushes them out.

Numbers start at 1 and rise by one with each batch. Whatever is dropped leaves a number that no batch has, so the gap
that a client computes is real: pending updates that were dropped burn one number when the rest is frozen, a batch that
was dropped leaves its own. The oldest go first, batches before what is pending, so gaps lie before all batches. There
are several where a stream took batches between them; each is told until a client acknowledges past it.

Where queues survive a restart, numbers are *reserved* ahead, and a batch whose number is not reserved is not frozen
yet: it stays pending. After a crash numbers go on beyond those reserved, so that no client sees one twice, and what
may have been lost is a gap of which nobody knows how many updates it held.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from bridge.subscriptions.notes import QueueNote
from bridge.subscriptions.update import Update

_GAPS = 100  # told apart; a client that never acknowledges one gets the oldest as one range
ANY_NUMBER = 1 << 62  # reserved where nothing survives a restart
ALL_PENDING = -1  # acknowledges everything, what is not in a batch yet included


class Frozen(Struct, frozen=True):
    """An immutable batch."""

    number: int
    updates: tuple[Update, ...]


class Gap(Struct, frozen=True):
    """Numbers from first to last that no batch to come has, and how many updates are lost with them; None: unknown."""

    first: int
    last: int
    lost: int | None

    def joined(self, later: "Gap") -> "Gap":
        """One range from here to the end of a later one."""
        known = self.lost is not None and later.lost is not None
        return Gap(self.first, later.last, self.lost + later.lost if known else None)  # type: ignore[operator]


class Load:
    """Bytes that the updates of several queues take; one that many hold is counted once."""

    __slots__ = ("bytes",)

    def __init__(self) -> None:
        self.bytes = 0


class Queue:
    """See the module's text. It has no bound of its own: whoever pushes drops when it is too long."""

    # fmt: off
    __slots__ = (
        "_dropped", "_initial", "_load", "batches", "exempt", "gaps", "held", "next", "pending", "reserved", "size",
    )
    # fmt: on

    def __init__(self, load: Load | None = None) -> None:
        self.pending: deque[Update] = deque()
        self.batches: deque[Frozen] = deque()
        self.gaps: list[Gap] = []  # ascending, before all batches
        self.held = 0  # updates: initial, pending and frozen
        self.exempt = 0  # the initial ones among them
        self.size = 0  # bytes of all of them
        self._initial: dict[str, Update] = {}  # by element: a second one takes the place of the first
        self._load = Load() if load is None else load
        self._dropped = 0  # pending updates lost since the last batch was frozen
        self.next = 1  # number of the next batch
        self.reserved = ANY_NUMBER  # no batch has a number beyond this

    def push(self, update: Update) -> None:
        if update.initial:
            self._supersede(update.element_id)
            self._initial[update.element_id] = update
        else:
            self.pending.append(update)
        self._hold(update)

    def peek(self) -> Update | None:
        """The next update that `pop` gives."""
        if self._initial:
            return next(iter(self._initial.values()))
        return self.pending[0] if self.pending else None

    def pop(self) -> Update:
        """The oldest update that is in no batch, gone with this. Raises `IndexError`."""
        update = self._initial.pop(next(iter(self._initial))) if self._initial else self.pending.popleft()
        self._forget(update)
        return update

    def drop_reading(self) -> int:
        """Lose the oldest batch, which goes as a whole, or else the oldest pending reading; how many updates."""
        if not self.batches:
            update = self.pending.popleft()
            self._forget(update)
            lost = 1 + self._supersede(update.element_id)  # the initial value is older still
            self._dropped += lost
            return lost
        batch = self.batches.popleft()
        self._widen_gap(batch.number, len(batch.updates))
        self._forget(*batch.updates)
        return len(batch.updates)

    def drop_oldest(self) -> int:
        """The same, but initial values that wait go before readings: for when all queues together hold too much."""
        if self.batches or not self._initial:
            return self.drop_reading()
        self._dropped += 1
        return self._supersede(next(iter(self._initial)))

    def _supersede(self, element_id: str) -> int:
        """Forget an element's initial value, if it waits; how many updates that are."""
        update = self._initial.pop(element_id, None)
        if update is None:
            return 0
        self._forget(update)
        return 1

    def _hold(self, *updates: Update) -> None:
        for update in updates:
            self.held += 1
            self.exempt += update.initial
            self.size += update.size
            if not update.holders:
                self._load.bytes += update.size
            update.holders += 1

    def _forget(self, *updates: Update) -> None:
        for update in updates:
            self.held -= 1
            self.exempt -= update.initial
            self.size -= update.size
            update.holders -= 1
            if not update.holders:
                self._load.bytes -= update.size

    def freeze(self) -> None:
        """Turn what is pending into a batch; nothing pending and nothing lost is no batch. Without a number that is
        reserved all stays as it is.
        """
        if self.next - 1 + (self._dropped > 0) + bool(self._initial or self.pending) > self.reserved:
            return
        if self._dropped:
            self._widen_gap(self.next, self._dropped)
            self.next += 1
            self._dropped = 0
        if self._initial or self.pending:
            self.batches.append(Frozen(self.next, (*self._initial.values(), *self.pending)))
            self.next += 1
            self._initial.clear()
            self.pending.clear()

    def thaw(self) -> None:
        """Put unacknowledged batches back before what is pending: a stream gives single updates, without numbers."""
        later, self._initial = self._initial, {}
        frozen = [update for batch in self.batches for update in batch.updates]
        self.batches.clear()
        self.pending.extendleft(reversed([update for update in frozen if not update.initial]))
        for update in (*(update for update in frozen if update.initial), *later.values()):
            self._supersede(update.element_id)
            self._initial[update.element_id] = update

    def acknowledge(self, number: int) -> None:
        """Forget batches and gaps up to and including a number; one that was never issued changes nothing."""
        if number == ALL_PENDING:
            self.clear()
        elif 0 < number < self.next:
            while self.batches and self.batches[0].number <= number:
                self._forget(*self.batches.popleft().updates)
            self.gaps = [gap for gap in self.gaps if gap.last > number]

    def revise(self, revised: Callable[[Update], Update | None]) -> None:
        """Put for each update what becomes of it, or nothing; batches and numbers stay."""
        known: dict[Update, Update | None] = {}

        def kept(updates: Iterable[Update]) -> list[Update]:
            found = []
            for update in updates:
                if update not in known:
                    known[update] = revised(update)
                after = known[update]
                if after is not None:
                    found.append(after)
            return found

        before = [*self._initial.values(), *self.pending, *(one for batch in self.batches for one in batch.updates)]
        self.batches = deque(Frozen(batch.number, tuple(kept(batch.updates))) for batch in self.batches)
        self.pending = deque(kept(self.pending))
        self._initial = {update.element_id: update for update in kept(self._initial.values())}
        self._forget(*before)
        self._hold(*self._initial.values(), *self.pending, *(one for batch in self.batches for one in batch.updates))

    def clear(self) -> None:
        """Forget all updates and gaps; numbers go on."""
        self.thaw()
        self._forget(*self._initial.values(), *self.pending)
        self._initial.clear()
        self.pending.clear()
        self.gaps.clear()
        self._dropped = 0

    def _widen_gap(self, number: int, lost: int) -> None:
        """One gap with what was dropped before, unless a stream took batches between."""
        gaps, gap = self.gaps, Gap(number, number, lost)
        if gaps and gaps[-1].last + 1 == number:
            gaps[-1] = gaps[-1].joined(gap)
        else:
            gaps.append(gap)
        if len(gaps) > _GAPS:
            gaps[:2] = [gaps[0].joined(gaps[1])]

    # --- from one run to the next ------------------------------------------------------------------------------------

    @property
    def first(self) -> int:
        """The lowest number that may be unacknowledged."""
        return min([self.next, *(batch.number for batch in self.batches), *(gap.first for gap in self.gaps)])

    def note(self, index: Callable[[Update], int]) -> QueueNote:
        """All of it, with updates by their indices."""
        return QueueNote(
            self.next,
            self._dropped,
            [(gap.first, gap.last, gap.lost) for gap in self.gaps],
            [(batch.number, list(map(index, batch.updates))) for batch in self.batches],
            list(map(index, self._initial.values())),
            list(map(index, self.pending)),
        )

    def fill(self, note: QueueNote, updates: Sequence[Update]) -> None:
        """Give an empty queue what was noted; `updates` are those that the indices mean."""
        for number, indices in note.batches:
            batch = Frozen(number, tuple([updates[index] for index in indices]))
            self.batches.append(batch)
            self._hold(*batch.updates)
        self._initial = {updates[index].element_id: updates[index] for index in note.initial}
        self.pending.extend(updates[index] for index in note.pending)
        self._hold(*self._initial.values(), *self.pending)
        self.gaps = [Gap(*gap) for gap in note.gaps]
        self.next, self._dropped = note.next, note.dropped

    def go_on(self, first: int, reserved: int) -> None:
        """Start an empty queue after a crash: numbers from first to `reserved` may have been given, and are lost."""
        if first <= reserved:
            self.gaps = [Gap(first, reserved, None)]
        self.next = reserved + 1
