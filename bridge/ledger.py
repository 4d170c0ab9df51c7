"""Where every message is, for the invariant of the whole daemon, exact at every moment:

    received = stored + duplicate + rejected + unacknowledged

The core decides what becomes of a message, but a batch counts as that only when its rows are on the disk and it can be
acknowledged; until then all of its messages are unacknowledged. A batch whose rows the store could not take is *shed*:
what would have been stored is rejected as `history-behind`.

An entry is open when it is entered, and closed once, by `settle` or by `shed`. No count is made of the others: each is
kept for itself, so that `balance` shows it when one of them goes wrong.
"""

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from bridge.engine import Engine

BEHIND = "history-behind"  # the reason of what was shed


class Outcome(Struct, frozen=True):
    """What became of some messages: how many of each kind, the rejected by reason."""

    stored: int
    duplicate: int
    rejected: Mapping[str, int]


class Entry(Struct):
    """A batch that is in the core and not yet on the disk. It belongs to the ledger that made it."""

    messages: int
    outcome: Outcome
    is_open: bool = True


class Tally:
    """What an engine's counters have gone up by since they were last looked at."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stored = self._duplicate = 0
        self._rejected: dict[str, int] = {}
        self.outcome()

    def outcome(self) -> Outcome:
        """Since the last call, or since this was made. Asked after each `ingest`, it is that of the batch."""
        counters, rejected = self._engine.counters, self._engine.rejected
        before = self._rejected
        found = Outcome(
            counters.stored - self._stored,
            counters.duplicate - self._duplicate,
            {reason: more for reason, total in rejected.items() if (more := total - before.get(reason, 0))},
        )
        self._stored, self._duplicate = counters.stored, counters.duplicate
        if found.rejected:
            self._rejected = dict(rejected)
        return found


class Ledger:
    """See the module's text. The attributes are the counts, in messages; `rejected` has one for each reason."""

    def __init__(self) -> None:
        self.received = 0
        self.stored = 0
        self.duplicate = 0
        self.rejected: Counter[str] = Counter()
        self.unacknowledged = 0

    @property
    def balance(self) -> int:
        """Messages that were received but are nowhere: 0, always."""
        accounted = self.stored + self.duplicate + sum(self.rejected.values()) + self.unacknowledged
        return self.received - accounted

    def enter(self, messages: int, outcome: Outcome) -> Entry:
        """The core has taken a batch of so many messages."""
        self.received += messages
        self.unacknowledged += messages
        return Entry(messages, outcome)

    def settle(self, entry: Entry) -> None:
        """The batch is on the disk. Raises `ValueError` where it is closed already."""
        self._close(entry)
        self.stored += entry.outcome.stored

    def shed(self, entry: Entry) -> None:
        """The store cannot take the batch's rows, and nobody will send them again: so they are rejected. Raises
        `ValueError` where it is closed already.
        """
        self._close(entry)
        if entry.outcome.stored:
            self.rejected[BEHIND] += entry.outcome.stored

    def _close(self, entry: Entry) -> None:
        """What neither a disk nor its absence changes."""
        if not entry.is_open:
            raise ValueError("the entry is closed already")
        entry.is_open = False
        self.unacknowledged -= entry.messages
        self.duplicate += entry.outcome.duplicate
        self.rejected.update(entry.outcome.rejected)


__all__ = ["BEHIND", "Entry", "Ledger", "Outcome", "Tally"]
