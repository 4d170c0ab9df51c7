"""Subscriptions from one run to the next: exactly as they were after an orderly end, with a real gap after a crash."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from inprocess import AXIS, CURRENT, MOTOR, PRESS, SPEED, TEMPERATURE, InProcess, owner

from bridge.api import build
from bridge.errors import NotFound
from bridge.subscriptions import (
    RESERVE,
    Gap,
    Snapshot,
    Subscription,
    SubscriptionLimits,
    SubscriptionNote,
    Subscriptions,
)

PLENTY = 1 << 40  # bytes
NEW = "acme/line1/press1/pressure"


def written(value: Any, kind: Any) -> Any:
    """A value as a file gives it back."""
    return msgspec.json.decode(msgspec.json.encode(value), type=kind)


def successor(
    bridge: InProcess, former: Subscriptions, *, clean: bool, notes: Iterable[SubscriptionNote] | None = None
) -> Subscriptions:
    """The subscriptions of a later run over the same elements; `notes` are those on the disk, if not those of now."""
    noted = [former.note(ident) for ident in former] if notes is None else list(notes)
    waiting = former.snapshot(PLENTY) if clean else None
    later = Subscriptions(bridge.engine.space.nodes, bridge.engine.space.zone, former.limits, {})
    later.unsaved.tracked = True
    later.resume(written(noted, list[SubscriptionNote]), written(waiting, Snapshot | None), bridge.now)
    return later


def restart(
    bridge: InProcess, *, clean: bool = False, notes: Iterable[SubscriptionNote] | None = None
) -> Subscriptions:
    """The bridge and its API go on with what its subscriptions were."""
    bridge.engine.subscriptions = later = successor(bridge, bridge.engine.subscriptions, clean=clean, notes=notes)
    bridge.app, bridge.streams = build(bridge.context)
    return later


def save(subscriptions: Subscriptions) -> list[SubscriptionNote]:
    """Everything that has changed is on the disk."""
    notes = [note for ident in subscriptions.unsaved.take() if (note := subscriptions.note(ident)) is not None]
    for note in notes:
        subscriptions.saved(note)
    return notes


@pytest.fixture
def bridge() -> InProcess:
    """A bridge with a press, whose subscriptions are kept."""
    made = InProcess()
    made.engine.subscriptions.unsaved.tracked = True
    made.press()
    return made


# --- an orderly end ---------------------------------------------------------------------------------------------------

LIMITS = SubscriptionLimits(max=4, queue=6, queue_total=15, items=20)
IDS = (PRESS, MOTOR, SPEED, AXIS, f"{AXIS}#/pos/y")
numbers = st.integers(0, 3)


class TwoRuns(RuleBasedStateMachine):
    """The same is asked of subscriptions that live on and of some that are restarted now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.bridge = InProcess(subscriptions=LIMITS)
        self.bridge.press()
        self.steady = self.bridge.engine.subscriptions
        self.restarted = successor(self.bridge, self.steady, clean=True)
        self.idents: list[str] = []

    def both(self, number: int, act: Callable[[Subscriptions, Subscription], Any]) -> None:
        """Do something to one of the subscriptions in both runs, with the same answer."""
        if self.idents:
            ident = self.idents[number % len(self.idents)]
            answers = [act(run, run.get("client", ident)) for run in (self.steady, self.restarted)]
            assert answers[0] == answers[1]

    @rule()
    def create(self) -> None:
        if len(self.idents) < LIMITS.max:
            made = self.steady.create("client", None, self.bridge.now)
            note = self.steady.note(made.id)
            assert note is not None
            self.restarted.resume([note], Snapshot({made.id: made.queue.note(hash)}, []), self.bridge.now)
            self.idents.append(made.id)

    @rule(number=numbers, ident=st.sampled_from(IDS), depth=numbers)
    def register(self, number: int, ident: str, depth: int) -> None:
        self.both(number, lambda run, one: (run.register(one, ident, depth), run.flush()))

    @rule(number=numbers, ident=st.sampled_from(IDS))
    def unregister(self, number: int, ident: str) -> None:
        self.both(number, lambda run, one: run.unregister(one, ident))

    @rule(value=st.integers() | st.text(max_size=3), shared=st.booleans())
    def publish(self, value: Any, shared: bool) -> None:
        self.bridge.pass_time(1)
        topic, payload = (AXIS, {"x": value, "pos": {"y": 10**30}}) if shared else (SPEED, value)
        for change in self.bridge.publish(topic, payload):
            if not change.late:
                self.restarted.changed(change.node, change.value, change.quality, change.time_ns)
        self.restarted.flush()

    @rule(number=numbers, acknowledged=st.none() | st.integers(-1, 9))
    def sync(self, number: int, acknowledged: int | None) -> None:
        self.both(number, lambda run, one: _answer(run, one, acknowledged))

    @rule(number=numbers, count=st.integers(0, 9))
    def stream(self, number: int, count: int) -> None:
        self.both(number, lambda run, one: _taken(run, one, count))

    @rule(number=numbers)
    def delete(self, number: int) -> None:
        self.both(number, lambda run, one: run.delete(one))
        if self.idents:
            del self.idents[number % len(self.idents)]

    @rule()
    def restart(self) -> None:
        self.restarted = successor(self.bridge, self.restarted, clean=True)
        save(self.restarted)

    @invariant()
    def they_hold_the_same(self) -> None:
        figures = [(len(run), run.items, run.queued, run.bytes) for run in (self.steady, self.restarted)]
        assert figures[0] == figures[1]


def _answer(run: Subscriptions, one: Subscription, acknowledged: int | None) -> Any:
    batches = run.sync(one, acknowledged, 0.0)
    return [(batch.number, [update.json() for update in batch.updates]) for batch in batches], one.queue.gaps


def _taken(run: Subscriptions, one: Subscription, count: int) -> list[bytes]:
    stream = run.open_stream(one, lambda: None)
    found = []
    while len(found) < count and run.peek(stream) is not None:
        found.append(run.take(stream).json())
    run.close_stream(stream, 0.0)
    return found


TestTwoRuns = TwoRuns.TestCase
TestTwoRuns.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_shared_updates_are_noted_once(bridge: InProcess) -> None:
    """What many wait for is there once, and shared again afterwards."""
    for _ in range(20):
        bridge.subscribe(SPEED)
    for value in range(5):
        bridge.pass_time(1)
        bridge.publish(SPEED, {"deep": value})
    before = bridge.engine.subscriptions.bytes
    waiting = bridge.engine.subscriptions.snapshot(PLENTY)
    assert (len(waiting.queues), len(waiting.updates)) == (20, 20 + 5)
    assert restart(bridge, clean=True).bytes == before


def test_more_than_can_be_written(bridge: InProcess) -> None:
    """What is beyond the bound of bytes is lost like any overflow: the oldest, and as a real gap."""
    found = bridge.subscribe(SPEED)
    bridge.fresh(found)
    for value in range(100):
        bridge.pass_time(1)
        bridge.publish(SPEED, value)
    notes, waiting = [bridge.engine.subscriptions.note(found.id)], bridge.engine.subscriptions.snapshot(40 * 200)
    assert len(waiting.updates) == 40
    later = Subscriptions(bridge.engine.space.nodes, bridge.engine.space.zone, LIMITS, {})
    later.resume([note for note in notes if note], waiting, bridge.now)
    one = later.get(found.client_id, found.id)
    assert [update.value for batch in later.sync(one, None, 0.0) for update in batch.updates] == [*range(60, 100)]
    assert one.queue.gaps == [Gap(2, 2, 60)]


def test_nothing_is_given_after_the_snapshot(bridge: InProcess) -> None:
    """Whoever still asks gets what had a number already: a later run gives the next one."""
    found = bridge.subscribe(SPEED)
    assert [number for number, _ in bridge.sync(found)] == [1]
    bridge.engine.subscriptions.snapshot(PLENTY)
    bridge.publish(SPEED, 7)
    assert [number for number, _ in bridge.sync(found)] == [1]


def test_time_away_does_not_count(bridge: InProcess) -> None:
    """The time-to-live begins anew."""
    found = bridge.subscribe(SPEED)
    bridge.pass_time(100_000)
    later = restart(bridge, clean=True)
    bridge.pass_time(299)
    assert later.sweep(bridge.now) == 0
    bridge.pass_time(2)
    assert (later.sweep(bridge.now), later.unsaved.take()) == (1, [found.id])


# --- a crash ----------------------------------------------------------------------------------------------------------


def test_crash(bridge: InProcess) -> None:
    """The subscription is there with its items; numbers go on beyond all that were reserved; what may be lost is a gap
    until it is acknowledged, and the present values come anew.
    """
    found = bridge.subscribe(MOTOR, AXIS, max_depth=0)
    notes = save(bridge.engine.subscriptions)
    seen = [number for number, _ in bridge.sync(found)]
    save(restart(bridge, notes=notes))
    told = bridge.post("/subscriptions/list", clientId=found.client_id, subscriptionIds=[found.id])
    assert [item["elementId"] for item in told["results"][0]["result"]["monitoredObjects"]] == [MOTOR, AXIS]
    answer = bridge.post("/subscriptions/sync", 206, **owner(found))
    (batch,) = answer["result"]
    assert batch["sequenceNumber"] == RESERVE + 1 > max(seen)
    values = {update["elementId"]: update["value"] for update in batch["updates"]}
    assert (values[SPEED], values[CURRENT], values[f"{AXIS}#/x"]) == (5, 5.5, 1)
    assert answer["responseDetail"]["detail"] == (
        f"the server stopped without notice, and an unknown number of updates is lost; "
        f"missing sequence numbers: 1 to {RESERVE}; acknowledge {RESERVE} or later to go on without them"
    )
    bridge.post("/subscriptions/sync", 206, **owner(found), lastSequenceNumber=max(seen))
    bridge.post("/subscriptions/sync", 200, **owner(found), lastSequenceNumber=RESERVE + 1)


def test_crash_again(bridge: InProcess) -> None:
    """A gap that nobody has acknowledged is part of the next one; what was acknowledged before is not."""
    found = bridge.subscribe(SPEED)
    notes = save(bridge.engine.subscriptions)
    for crashes in (1, 2):
        bridge.fresh(found)
        later = restart(bridge, notes=notes)
        notes = save(later)
        found = later.get(found.client_id, found.id)
        assert found.queue.gaps == [Gap(1, crashes * RESERVE, None)]
    assert [number for number, _ in bridge.sync(found)] == [2 * RESERVE + 1]
    later.sync(found, 2 * RESERVE + 1, bridge.now)
    later.register(found, AXIS, 1)
    later = restart(bridge, notes=save(later))
    assert later.get(found.client_id, found.id).queue.gaps == [Gap(2 * RESERVE + 2, 3 * RESERVE + 1, None)]


def test_gap_of_both_kinds(bridge: InProcess) -> None:
    """What is known of a gap is told beside what is not; where they meet, nothing is known of either."""
    found = bridge.subscribe(SPEED)
    later = restart(bridge, notes=save(bridge.engine.subscriptions))
    save(later)
    one = later.get(found.client_id, found.id)
    bridge.fresh(one)
    one.queue.go_on(1, RESERVE)
    one.queue.next += 1
    one.queue.gaps.append(Gap(RESERVE + 2, RESERVE + 2, 5))
    told = bridge.post("/subscriptions/sync", 206, **owner(one))["responseDetail"]["detail"]
    assert told.startswith(
        "5 updates were dropped, the oldest first; the server stopped without notice, and an unknown "
    )
    assert one.queue.gaps[0].joined(one.queue.gaps[1]) == Gap(1, RESERVE + 2, None)


def test_no_number_beyond_the_reserved(bridge: InProcess) -> None:
    """Without a reservation updates stay pending and nothing else happens; half of it is asked for anew in time."""
    subscriptions = bridge.engine.subscriptions
    found = bridge.subscribe(SPEED)
    save(subscriptions)
    assert found.queue.reserved == RESERVE
    found.queue.next = RESERVE // 2 - 1
    bridge.sync(found)
    assert subscriptions.unsaved.take() == []
    bridge.publish(SPEED, 6)
    bridge.sync(found)
    assert subscriptions.unsaved.take() == [found.id]
    found.queue.next = RESERVE + 1
    bridge.publish(SPEED, 7)
    assert [values for _, values in bridge.sync(found)][2:] == []
    note = subscriptions.note(found.id)
    assert note is not None
    subscriptions.saved(note)
    assert bridge.sync(found)[2:] == [(RESERVE + 1, [(SPEED, 7)])]


def test_a_drop_needs_a_number_too(bridge: InProcess) -> None:
    """Where what was dropped and what is left need two numbers and one is reserved, both wait."""
    found = bridge.subscribe(SPEED)
    bridge.fresh(found)
    for _ in range(2):
        bridge.publish(SPEED, 1)
    found.queue.drop_reading()
    found.queue.reserved = found.queue.next
    assert bridge.sync(found) == []
    found.queue.reserved += 1
    assert [number for number, _ in bridge.sync(found)] == [found.queue.reserved]


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda run, one: run.register(one, AXIS, 1), id="register"),
        pytest.param(lambda run, one: run.unregister(one, SPEED), id="unregister"),
        pytest.param(lambda run, one: run.delete(one), id="delete"),
        pytest.param(lambda run, one: run.create(one.client_id, None, 0.0), id="create"),
    ],
)
def test_what_has_to_be_saved(bridge: InProcess, act: Callable[[Subscriptions, Subscription], object]) -> None:
    """Each change of what a note says asks to be saved, once; reading asks for nothing."""
    subscriptions = bridge.engine.subscriptions
    found = bridge.subscribe(SPEED)
    save(subscriptions)
    bridge.fresh(found)
    bridge.publish(SPEED, 7)
    assert subscriptions.unsaved.take() == []
    act(subscriptions, found)
    assert len(subscriptions.unsaved.take()) == 1
    assert subscriptions.unsaved.take() == []


def test_untracked_needs_nothing() -> None:
    """Where nobody saves subscriptions, nothing is noted and numbers are not bounded."""
    bridge = InProcess()
    bridge.press()
    found = bridge.subscribe(SPEED)
    found.queue.next = 10 * RESERVE
    assert [number for number, _ in bridge.sync(found)] == [10 * RESERVE]
    assert bridge.engine.subscriptions.unsaved.take() == []


# --- elements that are not there yet ----------------------------------------------------------------------------------


def without(bridge: InProcess, *idents: str) -> tuple[InProcess, Subscription]:
    """A bridge that starts with a subscription to elements that it does not have."""
    former = InProcess()
    former.press()
    for ident in idents:
        former.publish(ident.partition("#")[0], {"x": 1, "pos": {"y": 2}} if "#" in ident else 1)
    former.arrange()
    found = former.subscribe(*idents)
    note = former.engine.subscriptions.note(found.id)
    assert note is not None
    bridge.engine.subscriptions.resume([note], former.engine.subscriptions.snapshot(PLENTY), bridge.now)
    one = bridge.engine.subscriptions.get(found.client_id, found.id)
    bridge.fresh(one)
    return bridge, one


@pytest.mark.parametrize(
    ("ident", "topic", "payload", "value"),
    [
        pytest.param(NEW, NEW, 5, 5, id="leaf"),
        pytest.param(f"{NEW}#/x", NEW, {"x": 5}, 5, id="field"),
        pytest.param(f"{NEW}#/pos/y", NEW, {"pos": {"y": 5}}, 5, id="field of a field"),
        pytest.param("acme/line2", "acme/line2/x/y", 5, None, id="branch"),
    ],
)
def test_waiting(bridge: InProcess, ident: str, topic: str, payload: Any, value: Any) -> None:
    """An item waits for its element, is listed meanwhile, and monitors it from its first reading on."""
    bridge, one = without(bridge, ident, SPEED)
    assert list(one.items) == [ident, SPEED]
    bridge.publish(SPEED, 6)
    assert bridge.fresh(one) == [(SPEED, 6)]
    bridge.publish(topic, payload)
    assert bridge.fresh(one) == ([(ident, value)] if value is not None else [])
    assert list(one.items) == [ident, SPEED]
    assert bridge.engine.subscriptions.is_monitored(bridge.engine.space.nodes[ident])
    bridge.pass_time(1)
    bridge.publish(topic, payload)
    assert bridge.fresh(one) == ([(ident, value)] if value is not None else [])


def test_found_by_looking(bridge: InProcess) -> None:
    """An element that no reading has led to is found when time passes."""
    bridge, one = without(bridge, NEW)
    bridge.engine.space.ensure(NEW, bridge.now_ns)
    for _ in range(2):
        bridge.engine.subscriptions.sweep(bridge.now)
        bridge.engine.subscriptions.flush()
    assert one.items[NEW].node is bridge.engine.space.nodes[NEW]


def test_waiting_items_go(bridge: InProcess) -> None:
    """What waits is unregistered and deleted like anything else, and only what is neither there nor waited for is
    unknown.
    """
    bridge, one = without(bridge, NEW, f"{NEW}2", SPEED)
    subscriptions = bridge.engine.subscriptions
    subscriptions.unregister(one, NEW)
    with pytest.raises(NotFound):
        subscriptions.unregister(one, NEW)
    with pytest.raises(NotFound):
        subscriptions.register(one, NEW, 1)
    subscriptions.register(one, f"{NEW}2", 1)
    assert (list(one.items), subscriptions.items) == ([f"{NEW}2", SPEED], 2)
    subscriptions.delete(one)
    assert subscriptions.items == 0
    bridge.publish(f"{NEW}2", 5)
    bridge.publish(TEMPERATURE, 5)
    assert subscriptions.queued == 0


def test_waits_again(bridge: InProcess) -> None:
    """Who waits in one run goes on waiting in the next."""
    bridge, one = without(bridge, NEW)
    later = restart(bridge, clean=True)
    assert later.get(one.client_id, one.id).items[NEW].node is None
    bridge.publish(NEW, 5)
    assert bridge.fresh(later.get(one.client_id, one.id)) == [(NEW, 5)]
