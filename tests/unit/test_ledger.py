"""The invariant: every message is in exactly one place, at every moment."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from bridge.engine import Engine, Options
from bridge.ledger import BEHIND, Entry, Ledger, Outcome, Tally
from bridge.uns import Message

NOW = 1_790_000_000_000_000_000

COUNTS = st.integers(0, 1_000)
OUTCOMES = st.builds(
    Outcome, COUNTS, COUNTS, st.dictionaries(st.sampled_from(["malformed-json", "command", BEHIND]), COUNTS)
)


def size(outcome: Outcome) -> int:
    return outcome.stored + outcome.duplicate + sum(outcome.rejected.values())


def counts(ledger: Ledger) -> tuple[int, int, int, dict[str, int], int]:
    """Everything that a ledger says."""
    return ledger.received, ledger.stored, ledger.duplicate, dict(ledger.rejected), ledger.unacknowledged


def test_a_batch_counts_when_it_is_on_the_disk() -> None:
    """Until then all of its messages are unacknowledged, whatever will become of them."""
    ledger = Ledger()
    entry = ledger.enter(6, Outcome(3, 1, {"command": 2}))
    assert counts(ledger) == (6, 0, 0, {}, 6)
    ledger.settle(entry)
    assert counts(ledger) == (6, 3, 1, {"command": 2}, 0)


def test_what_the_store_cannot_take_is_rejected() -> None:
    """Shed messages are rejected with a reason; duplicates and what was rejected before stay what they are."""
    ledger = Ledger()
    ledger.shed(ledger.enter(6, Outcome(3, 1, {"command": 2})))
    assert counts(ledger) == (6, 0, 1, {"command": 2, BEHIND: 3}, 0)
    ledger.shed(ledger.enter(1, Outcome(0, 1, {})))
    assert ledger.rejected[BEHIND] == 3


@pytest.mark.parametrize("first", [Ledger.settle, Ledger.shed], ids=["settled", "shed"])
@pytest.mark.parametrize("second", [Ledger.settle, Ledger.shed], ids=["settle", "shed"])
def test_an_entry_is_closed_once(first, second) -> None:
    """Closing it again is refused and changes nothing."""
    ledger = Ledger()
    entry = ledger.enter(3, Outcome(2, 1, {}))
    first(ledger, entry)
    before = counts(ledger)
    with pytest.raises(ValueError, match="closed already"):
        second(ledger, entry)
    assert counts(ledger) == before


@pytest.mark.parametrize("closed", [False, True])
def test_the_balance_shows_what_is_nowhere(closed: bool) -> None:
    """A message without an outcome is seen in the balance once its batch is closed, not explained away."""
    ledger = Ledger()
    entry = ledger.enter(5, Outcome(2, 1, {"command": 1}))
    if closed:
        ledger.settle(entry)
    assert ledger.balance == (1 if closed else 0)


class Batches(RuleBasedStateMachine):
    """Batches are entered, settled and shed in any order, like those of several connections."""

    entries = Bundle("entries")

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.open: list[Entry] = []
        self.received = self.stored = self.shed_messages = 0

    @rule(target=entries, outcome=OUTCOMES)
    def enter(self, outcome: Outcome) -> Entry:
        """The core has a batch."""
        entry = self.ledger.enter(size(outcome), outcome)
        self.open.append(entry)
        self.received += size(outcome)
        return entry

    @rule(entry=consumes(entries))
    def settle(self, entry: Entry) -> None:
        """The disk has it."""
        self.ledger.settle(entry)
        self.open.remove(entry)
        self.stored += entry.outcome.stored

    @rule(entry=consumes(entries))
    def shed(self, entry: Entry) -> None:
        """The disk will never have it."""
        said = self.ledger.rejected[BEHIND]
        self.ledger.shed(entry)
        self.open.remove(entry)
        assert self.ledger.rejected[BEHIND] == said + entry.outcome.stored + entry.outcome.rejected.get(BEHIND, 0)

    @invariant()
    def every_message_is_somewhere(self) -> None:
        """received = stored + duplicate + rejected + unacknowledged, and each of them is what it should be."""
        ledger = self.ledger
        assert ledger.balance == 0
        assert (ledger.received, ledger.stored) == (self.received, self.stored)
        assert ledger.unacknowledged == sum(size(entry.outcome) for entry in self.open)


TestBatches = Batches.TestCase


# --- with the core ----------------------------------------------------------------------------------------------------

MESSAGES = st.builds(
    Message,
    topic=st.sampled_from(["plant/press/speed", "plant/press/state", "plant/press/set", "plant/+"]),
    payload=st.sampled_from([b"1", b"2", b'{"value": 1, "timestamp": 1790000000000}', b'{"a":', b"", b"x" * 50]),
    received_ns=st.integers(NOW, NOW + 5),
)


@given(st.lists(st.tuples(st.lists(MESSAGES, max_size=8), st.sampled_from(["settle", "shed", "wait"])), max_size=6))
def test_with_the_core(batches: list[tuple[list[Message], str]]) -> None:
    """The engine's own counters, batch by batch, always add up; in the end the ledger says what the engine says."""
    engine = Engine(Options(max_payload=45))
    engine.ingest([Message("plant/press/speed", b"0", received_ns=NOW - 1)])  # before the tally began
    before = Counter(engine.rejected), engine.counters.stored, engine.counters.duplicate
    ledger, tally = Ledger(), Tally(engine)
    waiting: list[Entry] = []
    shed = 0
    for messages, end in batches:
        engine.ingest(messages)
        entry = ledger.enter(len(messages), tally.outcome())
        assert (ledger.balance, engine.balance) == (0, 0)
        if end == "settle":
            ledger.settle(entry)
        elif end == "shed":
            shed += entry.outcome.stored
            ledger.shed(entry)
        else:
            waiting.append(entry)
        assert ledger.balance == 0
    assert ledger.unacknowledged == sum(entry.messages for entry in waiting)
    for entry in waiting:
        ledger.settle(entry)
    rejected, stored, duplicate = before
    assert ledger.stored + shed == engine.counters.stored - stored
    assert ledger.duplicate == engine.counters.duplicate - duplicate
    assert +(ledger.rejected - Counter({BEHIND: shed})) == engine.rejected - rejected
    assert tally.outcome() == Outcome(0, 0, {})
