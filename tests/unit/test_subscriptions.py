"""Subscriptions without HTTP: who hears of a reading, and what becomes of it (i3x-1.0.md sections 6, 7 and 10)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule
from inprocess import AXIS, CURRENT, MOTOR, PARTS, PRESS, SPEED, TEMPERATURE, InProcess

from bridge.errors import NotFound, TooMany
from bridge.subscriptions import ALL_PENDING, Gap, Queue, Subscription, SubscriptionLimits, Subscriptions, Update
from bridge.uns import GOOD, Message

Updates = list[tuple[str, Any]]


def ids(updates: Updates) -> list[str]:
    return [ident for ident, _ in updates]


# --- who hears of a reading -------------------------------------------------------------------------------------------


class TestInitialValues:
    def test_present_value(self, bridge: InProcess) -> None:
        """Registering queues the present value at once."""
        assert bridge.fresh(bridge.subscribe(SPEED)) == [(SPEED, 5)]

    def test_null_is_not_queued(self, bridge: InProcess) -> None:
        """An element without a value queues nothing."""
        assert bridge.fresh(bridge.subscribe("acme")) == []

    def test_components(self, bridge: InProcess) -> None:
        """With all levels the values of all components come too, the element's own first."""
        found = bridge.fresh(bridge.subscribe(PRESS, max_depth=0))
        assert ids(found)[0] == PRESS
        assert sorted(ids(found)) == sorted([PRESS, *PARTS])

    @pytest.mark.parametrize(
        ("depth", "below"),
        [
            pytest.param(1, set(), id="itself"),
            pytest.param(2, {AXIS, MOTOR, TEMPERATURE}, id="its parts"),
            pytest.param(3, PARTS - {f"{AXIS}#/pos/y"}, id="their parts"),
            pytest.param(9, PARTS, id="more than there are"),
        ],
    )
    def test_depth(self, bridge: InProcess, depth: int, below: set[str]) -> None:
        """maxDepth counts the element's own level."""
        assert set(ids(bridge.fresh(bridge.subscribe(PRESS, max_depth=depth)))) == {PRESS, *below}

    @pytest.mark.parametrize(
        "order", [pytest.param((PRESS, SPEED), id="owner first"), pytest.param((SPEED, PRESS), id="part first")]
    )
    def test_once(self, bridge: InProcess, order: tuple[str, str]) -> None:
        """Who monitors a composition and its component gets the component's present value once."""
        found = ids(bridge.fresh(bridge.subscribe(*order, max_depth=0)))
        assert len(found) == len(set(found)) == 1 + len(PARTS)

    def test_again(self, bridge: InProcess) -> None:
        """Registering again changes and queues nothing, whatever the depth."""
        found = bridge.subscribe(PRESS)
        bridge.fresh(found)
        bridge.engine.subscriptions.register(found, PRESS, 0)
        assert bridge.fresh(found) == []
        assert found.items[PRESS].max_depth == 1
        assert bridge.engine.subscriptions.items == 1


class TestReadings:
    def test_equal_values(self, bridge: InProcess) -> None:
        """Every reading is an update, equal values included."""
        found = bridge.subscribe(SPEED)
        bridge.fresh(found)
        for _ in range(3):
            bridge.pass_time(1)
            bridge.publish(SPEED, 7)
        assert bridge.fresh(found) == [(SPEED, 7)] * 3

    def test_composition(self, bridge: InProcess) -> None:
        """A component's reading is an update of its own and one of everything composed above it."""
        found = bridge.subscribe(PRESS, max_depth=0)
        bridge.fresh(found)
        bridge.publish(SPEED, 8)
        updates = dict(bridge.fresh(found))
        assert updates.keys() == {SPEED, MOTOR, PRESS}
        assert updates[MOTOR] == {"current": 5.5, "speed": 8}
        assert updates[PRESS]["motor"] == updates[MOTOR]

    def test_composed_alone(self, bridge: InProcess) -> None:
        """Monitored alone, a composed element still follows parts at any depth."""
        found = bridge.subscribe(PRESS)
        bridge.fresh(found)
        bridge.publish(SPEED, 8)
        assert ids(bridge.fresh(found)) == [PRESS]

    def test_composed_once_a_batch(self, bridge: InProcess) -> None:
        """However many parts change in a batch, a composed element is told once, with all of them."""
        found = bridge.subscribe(MOTOR, max_depth=0)
        bridge.fresh(found)
        batch = [(SPEED, b"1"), (CURRENT, b"2"), (SPEED, b"3")]
        bridge.ingest(
            *(Message(topic, payload, received_ns=bridge.now_ns + i) for i, (topic, payload) in enumerate(batch))
        )
        assert bridge.fresh(found) == [(SPEED, 1), (CURRENT, 2), (SPEED, 3), (MOTOR, {"current": 2, "speed": 3})]

    @pytest.mark.parametrize("depth", [pytest.param(0, id="all levels"), pytest.param(3, id="just enough levels")])
    def test_owner_and_component(self, bridge: InProcess, depth: int) -> None:
        """Who monitors owner, owner's owner and component gets each reading once."""
        found = bridge.subscribe(PRESS, MOTOR, SPEED, max_depth=depth)
        bridge.fresh(found)
        bridge.publish(SPEED, 9)
        assert sorted(ids(bridge.fresh(found))) == sorted([PRESS, MOTOR, SPEED])

    def test_fields(self, bridge: InProcess) -> None:
        """A payload's reading is one of each of its fields that is monitored, by itself or through an owner, once."""
        every = [PRESS, AXIS, f"{AXIS}#/pos", f"{AXIS}#/pos/y"]
        found = bridge.subscribe(*every, max_depth=0)
        bridge.fresh(found)
        bridge.publish(AXIS, {"x": 10, "pos": {"y": 20}})
        assert sorted(bridge.fresh(found), key=str) == sorted(
            [
                (
                    PRESS,
                    {"axis": {"x": 10, "pos": {"y": 20}}, "motor": {"current": 5.5, "speed": 5}, "temperature": 20.5},
                ),
                (AXIS, {"x": 10, "pos": {"y": 20}}),
                (f"{AXIS}#/x", 10),
                (f"{AXIS}#/pos", {"y": 20}),
                (f"{AXIS}#/pos/y", 20),
            ],
            key=str,
        )

    def test_field_alone(self, bridge: InProcess) -> None:
        """A field is monitored without its owner, at any depth of the payload."""
        found = bridge.subscribe(f"{AXIS}#/pos/y")
        bridge.fresh(found)
        bridge.publish(AXIS, {"x": 10, "pos": {"y": 20}})
        bridge.publish(TEMPERATURE, 3)
        assert bridge.fresh(found) == [(f"{AXIS}#/pos/y", 20)]

    def test_fields_of_one_batch(self, bridge: InProcess) -> None:
        """Several readings of one batch give a field each its own value."""
        found = bridge.subscribe(f"{AXIS}#/x")
        bridge.fresh(found)
        payloads = [b'{"x":1,"pos":{"y":0}}', b'{"x":2,"pos":{"y":0}}', b'{"x":3,"pos":{"y":0}}']
        bridge.ingest(*(Message(AXIS, payload, received_ns=bridge.now_ns + i) for i, payload in enumerate(payloads)))
        assert [value for _, value in bridge.fresh(found)] == [1, 2, 3]

    def test_out_of_reach(self, bridge: InProcess) -> None:
        """What lies deeper than maxDepth is not told."""
        found = bridge.subscribe(PRESS, max_depth=2)
        bridge.fresh(found)
        bridge.publish(SPEED, 8)
        assert ids(bridge.fresh(found)) == [MOTOR, PRESS]

    def test_late(self, bridge: InProcess) -> None:
        """A reading older than the current value belongs to history only."""
        bridge.publish(SPEED, 2, bridge.now_ns)
        found = bridge.subscribe(SPEED)
        bridge.fresh(found)
        bridge.publish(SPEED, 1, bridge.now_ns - 10_000_000_000)
        assert bridge.fresh(found) == []

    def test_unregistered(self, bridge: InProcess) -> None:
        """After unregistering nothing new comes; what was queued stays."""
        found = bridge.subscribe(SPEED, f"{AXIS}#/x")
        bridge.publish(SPEED, 6)
        for ident in (SPEED, f"{AXIS}#/x", SPEED):
            bridge.engine.subscriptions.unregister(found, ident)
        bridge.publish(SPEED, 7)
        bridge.publish(AXIS, {"x": 2, "pos": {"y": 2}})
        assert bridge.fresh(found) == [(SPEED, 5), (f"{AXIS}#/x", 1), (SPEED, 6)]
        assert bridge.engine.subscriptions.items == 0

    def test_unknown(self, bridge: InProcess) -> None:
        """An element that does not exist can neither be monitored nor not monitored."""
        found = bridge.subscribe()
        with pytest.raises(NotFound):
            bridge.engine.subscriptions.register(found, "acme/nowhere", 1)
        with pytest.raises(NotFound):
            bridge.engine.subscriptions.unregister(found, "acme/nowhere")

    def test_others_are_not_asked(self, make_bridge: Callable[..., InProcess]) -> None:
        """The cost of a reading does not depend on subscriptions that do not monitor it."""
        bridge = make_bridge()
        bridge.press()
        for _ in range(900):
            bridge.subscribe(TEMPERATURE)
        found = bridge.subscribe(SPEED)
        bridge.fresh(found)
        queued = bridge.engine.subscriptions.queued
        bridge.publish(SPEED, 1)
        assert bridge.engine.subscriptions.queued == queued + 1


# --- numbers, gaps, bounds --------------------------------------------------------------------------------------------


def limited(make: Callable[..., InProcess], **limits: Any) -> InProcess:
    made = make(subscriptions=SubscriptionLimits(**limits))
    made.press()
    return made


class TestSync:
    def test_nothing(self, bridge: InProcess) -> None:
        """Nothing pending and nothing unacknowledged is no batch, and burns no number."""
        found = bridge.subscribe()
        assert bridge.sync(found) == bridge.sync(found) == []
        bridge.engine.subscriptions.register(found, SPEED, 1)
        assert bridge.sync(found) == [(1, [(SPEED, 5)])]

    def test_unacknowledged(self, bridge: InProcess) -> None:
        """Unacknowledged batches are answered again, unchanged, with what is new behind them."""
        found = bridge.subscribe(SPEED)
        first = bridge.sync(found)
        bridge.publish(SPEED, 6)
        assert bridge.sync(found) == [*first, (2, [(SPEED, 6)])]
        assert bridge.sync(found, 1) == [(2, [(SPEED, 6)])]
        assert bridge.sync(found, 2) == []

    @pytest.mark.parametrize("number", [0, 2, 3, 10**30, -2, -(10**30)])
    def test_never_issued(self, bridge: InProcess, number: int) -> None:
        """A number that was never issued acknowledges nothing."""
        found = bridge.subscribe(SPEED)
        assert bridge.sync(found) == bridge.sync(found, number)

    def test_all_pending(self, bridge: InProcess) -> None:
        """-1 drops everything, what is in no batch yet without burning a number."""
        found = bridge.subscribe(SPEED)
        bridge.sync(found)
        bridge.publish(SPEED, 6)
        assert bridge.sync(found, ALL_PENDING) == []
        bridge.publish(SPEED, 7)
        assert bridge.sync(found) == [(2, [(SPEED, 7)])]
        assert bridge.engine.subscriptions.queued == 1

    def test_overflow(self, make_bridge: Callable[..., InProcess]) -> None:
        """10,500 updates: the newest 10,000 come, numbered 2 behind the exact gap 1, until it is acknowledged."""
        bridge = limited(make_bridge)
        found = bridge.subscribe(SPEED)
        bridge.sync(found, ALL_PENDING)
        for value in range(10_500):
            bridge.publish(SPEED, value, bridge.now_ns + value)
        ((number, updates),) = bridge.sync(found)
        assert (number, [value for _, value in updates]) == (2, list(range(500, 10_500)))
        assert found.queue.gaps == [Gap(1, 1, 500)]
        assert bridge.sync(found, 2) == []
        assert found.queue.gaps == []

    def test_dropped_batch(self, make_bridge: Callable[..., InProcess]) -> None:
        """A batch that has to go goes as a whole and leaves its own number; adjoining gaps are told as one."""
        bridge = limited(make_bridge, queue=3)
        found = bridge.subscribe(SPEED)
        for value in range(6, 12):
            bridge.sync(found)
            bridge.publish(SPEED, value)
        assert bridge.sync(found) == [(5, [(SPEED, 9)]), (6, [(SPEED, 10)]), (7, [(SPEED, 11)])]
        assert found.queue.gaps == [Gap(1, 4, 4)]

    def test_gaps_around_a_delivered_batch(self, make_bridge: Callable[..., InProcess]) -> None:
        """What was delivered between two gaps is not told as missing."""
        bridge = limited(make_bridge, queue=1)
        found = bridge.subscribe(SPEED)
        bridge.sync(found, ALL_PENDING)
        for values in ((1, 2), (3, 4)):
            for value in values:
                bridge.publish(SPEED, value)
            bridge.sync(found)
            stream = bridge.engine.subscriptions.open_stream(found, lambda: None)
            bridge.engine.subscriptions.close_stream(stream, bridge.now)
        assert found.queue.gaps == [Gap(1, 1, 1), Gap(3, 3, 2)]
        assert bridge.sync(found, 2) == [(5, [(SPEED, 4)])]
        assert found.queue.gaps == [Gap(3, 3, 2)]

    def test_sync_shows_life(self, make_bridge: Callable[..., InProcess]) -> None:
        """Without sync or a stream a subscription is deleted after its time-to-live, with all that it held."""
        bridge = limited(make_bridge, ttl=300.0)
        found, idle = bridge.subscribe(SPEED), bridge.subscribe(SPEED)
        bridge.pass_time(200)
        bridge.sync(found)
        bridge.pass_time(101)
        assert bridge.engine.subscriptions.sweep(bridge.now) == 1
        assert bridge.engine.subscriptions.get(found.client_id, found.id) is found
        with pytest.raises(NotFound):
            bridge.engine.subscriptions.get(idle.client_id, idle.id)
        assert (bridge.engine.subscriptions.queued, bridge.engine.subscriptions.items) == (1, 1)


class TestBounds:
    def test_subscriptions(self, make_bridge: Callable[..., InProcess]) -> None:
        """One subscription too many is refused."""
        bridge = limited(make_bridge, max=2)
        bridge.subscribe()
        bridge.subscribe()
        with pytest.raises(TooMany, match="2 subscriptions"):
            bridge.subscribe()

    def test_items(self, make_bridge: Callable[..., InProcess]) -> None:
        """One item too many is refused and queues nothing; unregistering makes room."""
        bridge = limited(make_bridge, items=2)
        found = bridge.subscribe(SPEED, MOTOR)
        bridge.fresh(found)
        with pytest.raises(TooMany, match="2 items"):
            bridge.engine.subscriptions.register(found, CURRENT, 1)
        assert bridge.fresh(found) == []
        bridge.engine.subscriptions.unregister(found, MOTOR)
        bridge.engine.subscriptions.register(found, CURRENT, 1)

    def test_the_longest_loses(self, make_bridge: Callable[..., InProcess]) -> None:
        """When all together hold too many, a deserted subscription loses, one that is read does not."""
        bridge = limited(make_bridge, queue=50, queue_total=60)
        deserted, read = bridge.subscribe(SPEED, CURRENT), bridge.subscribe(SPEED)
        for value in range(200):
            bridge.publish(CURRENT, value)
            bridge.publish(SPEED, value)
            if value % 5 == 0:
                assert read.queue.gaps == []
                bridge.fresh(read)
        assert bridge.engine.subscriptions.queued <= 60
        assert read.queue.gaps == []
        assert bridge.engine.subscriptions.dropped_total > 0
        bridge.sync(deserted)
        assert deserted.queue.gaps

    def test_equal_shares(self, make_bridge: Callable[..., InProcess]) -> None:
        """Where nobody reads, all end up with about the same."""
        bridge = limited(make_bridge, queue=100, queue_total=100)
        early = [bridge.subscribe(SPEED) for _ in range(2)]
        for value in range(100):
            bridge.publish(SPEED, value)
        late = [bridge.subscribe(SPEED) for _ in range(2)]
        for value in range(100):
            bridge.publish(SPEED, value)
        assert bridge.engine.subscriptions.queued == 100
        assert {subscription.queue.held for subscription in (*early, *late)} <= {24, 25, 26}

    def test_all_lost(self, make_bridge: Callable[..., InProcess]) -> None:
        """A subscription whose every update had to go still tells the gap."""
        bridge = limited(make_bridge, queue=1, queue_total=1)
        first, second = bridge.subscribe(SPEED), bridge.subscribe(SPEED)
        assert bridge.sync(second) == [(1, [(SPEED, 5)])]
        assert bridge.sync(first) == []
        assert first.queue.gaps == [Gap(1, 1, 1)]


class TestInitialValuesStay:
    def test_more_than_a_queue(self, make_bridge: Callable[..., InProcess]) -> None:
        """However many elements are registered, the first sync has the present value of each that lost nothing."""
        bridge = limited(make_bridge, queue=3)
        found = bridge.subscribe(PRESS, max_depth=0)
        for value in range(10, 20):
            bridge.publish(f"{PRESS}/lone", value)
            bridge.publish(TEMPERATURE, value)
        ((number, updates),) = bridge.sync(found)
        changed = {PRESS, f"{PRESS}/lone", TEMPERATURE}
        assert set(ids(updates[:-3])) == {PRESS, *PARTS} - changed
        assert {ident for ident, _ in updates[-3:]} <= changed
        assert (number, found.queue.gaps[0].first) == (2, 1)

    def test_in_a_stream(self, make_bridge: Callable[..., InProcess]) -> None:
        """A stream gives them too, those of an unacknowledged batch included."""
        bridge = limited(make_bridge, queue=1)
        found = bridge.subscribe(SPEED, CURRENT, TEMPERATURE)
        bridge.sync(found)
        bridge.publish(SPEED, 6)
        bridge.publish(SPEED, 7)
        subscriptions = bridge.engine.subscriptions
        fresh = bridge.subscribe(SPEED, CURRENT)
        bridge.publish(SPEED, 8)
        bridge.publish(SPEED, 9)
        stream = subscriptions.open_stream(fresh, lambda: None)
        taken = []
        while subscriptions.peek(stream):
            taken.append(subscriptions.take(stream).value)
        assert taken == [5.5, 9]  # 8 was dropped, and with it the older 7


class TestBytes:
    def test_the_heaviest_loses(self, make_bridge: Callable[..., InProcess]) -> None:
        """Structured values are bounded by bytes; who holds numbers loses nothing."""
        bridge = limited(make_bridge, bytes_total=300_000)
        heavy, light = bridge.subscribe(AXIS), bridge.subscribe(SPEED)
        for value in range(300):
            bridge.publish(AXIS, {"x": value, "pos": {"y": value}, "text": "t" * 1_000})
            bridge.publish(SPEED, value)
            assert bridge.engine.subscriptions.bytes <= 300_000
        assert light.queue.held == 301
        assert bridge.sync(heavy)[-1][1][-1][1]["x"] == 299
        assert heavy.queue.gaps

    def test_shared(self, bridge: InProcess) -> None:
        """An update that goes to many is counted once, until the last one lets it go."""
        subscriptions = bridge.engine.subscriptions
        found = [bridge.subscribe(AXIS) for _ in range(3)]
        for one in found:
            bridge.fresh(one)
        assert subscriptions.bytes == 0
        bridge.publish(AXIS, {"x": 1, "pos": {"y": 2}})
        once = subscriptions.bytes
        assert once == found[0].queue.size > 0
        bridge.fresh(found[0])
        subscriptions.delete(found[1])
        assert subscriptions.bytes == once
        bridge.fresh(found[2])
        assert subscriptions.bytes == 0


class TestStreams:
    def test_order(self, bridge: InProcess) -> None:
        """A stream gives updates of unacknowledged batches first, then the pending ones, each at most once."""
        found = bridge.subscribe(SPEED)
        bridge.sync(found)
        bridge.publish(SPEED, 6)
        bridge.sync(found)
        bridge.publish(SPEED, 7)
        all_of_them = bridge.engine.subscriptions
        stream = all_of_them.open_stream(found, lambda: None)
        taken = []
        while all_of_them.peek(stream):
            taken.append(all_of_them.take(stream).value)
        assert taken == [5, 6, 7]
        assert (all_of_them.queued, found.queue.held) == (0, 0)
        all_of_them.close_stream(stream, bridge.now)
        bridge.publish(SPEED, 8)
        assert bridge.sync(found) == [(3, [(SPEED, 8)])]

    def test_takeover_and_delete(self, bridge: InProcess) -> None:
        """A second stream ends the first, deleting ends the second; neither takes anything any more."""
        found = bridge.subscribe(SPEED)
        woken: list[str] = []
        subscriptions = bridge.engine.subscriptions
        first = subscriptions.open_stream(found, lambda: woken.append("first"))
        second = subscriptions.open_stream(found, lambda: woken.append("second"))
        assert (first.over, second.over, woken) == (True, False, ["first"])
        assert subscriptions.peek(first) is None
        subscriptions.close_stream(first, bridge.now)
        assert found.stream is second
        subscriptions.delete(found)
        assert (second.over, woken, subscriptions.peek(second)) == (True, ["first", "second"], None)
        assert (subscriptions.streams, subscriptions.queued, subscriptions.items) == (0, 0, 0)

    def test_woken_once_a_batch(self, bridge: InProcess) -> None:
        """A stream is woken once for a whole batch, and not for what it does not monitor."""
        found = bridge.subscribe(MOTOR, max_depth=0)
        woken: list[int] = []
        bridge.engine.subscriptions.open_stream(found, lambda: woken.append(1))
        bridge.ingest(*(Message(SPEED, b"%d" % i, received_ns=bridge.now_ns + i) for i in range(5)))
        assert woken == [1]
        bridge.publish(TEMPERATURE, 1)
        assert woken == [1]

    def test_open_stream_keeps_alive(self, bridge: InProcess) -> None:
        """While a stream is open, and for the time-to-live after it, a subscription stays."""
        found = bridge.subscribe(SPEED)
        stream = bridge.engine.subscriptions.open_stream(found, lambda: None)
        bridge.pass_time(1_000)
        assert bridge.engine.subscriptions.sweep(bridge.now) == 0
        bridge.engine.subscriptions.close_stream(stream, bridge.now)
        bridge.pass_time(299)
        assert bridge.engine.subscriptions.sweep(bridge.now) == 0
        bridge.pass_time(2)
        assert bridge.engine.subscriptions.sweep(bridge.now) == 1


def test_ids_are_random(bridge: InProcess) -> None:
    """Subscription ids carry at least 128 random bits and never repeat."""
    found = {bridge.subscribe().id for _ in range(500)}
    assert len(found) == 500
    assert min(len(ident) for ident in found) * 6 >= 128


def test_foreign(bridge: InProcess) -> None:
    """Another client's subscription cannot be told from one that never existed."""
    found = bridge.subscribe(SPEED)
    texts = []
    for client, ident in (("thief", found.id), (found.client_id, "never")):
        with pytest.raises(NotFound) as error:
            bridge.engine.subscriptions.get(client, ident)
        texts.append(str(error.value))
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    "text", ["plain", "Förderpumpe °C", "日本", "𝄞 clef 🏭", "\u2028\u2029", '"\\\n\t\x00\x7f', ""],
)  # fmt: skip
def test_ascii_json(text: str) -> None:
    """An update as JSON is ASCII in one line, with surrogate pairs, and says exactly what it holds."""
    found = Update(text, {text: [text, 10**40, 1.5, None]}, GOOD, 1_790_000_000_123_000_000).json()
    assert found.isascii()
    assert b"\n" not in found
    assert json.loads(found) == {
        "elementId": text,
        "value": {text: [text, 10**40, 1.5, None]},
        "quality": "Good",
        "timestamp": "2026-09-21T14:13:20.123Z",
    }


# --- any order of anything --------------------------------------------------------------------------------------------


class QueueMachine(RuleBasedStateMachine):
    """A client that syncs and acknowledges as it likes, against a queue that overflows."""

    LIMIT = 7

    def __init__(self) -> None:
        super().__init__()
        self.queue = Queue()
        self.pushed = self.taken = self.dropped = self.acknowledged_updates = 0
        self.issued: dict[int, tuple[int, ...]] = {}  # every batch that was ever seen
        self.streamed: set[int] = set()  # batches that were seen, and were not acknowledged when a stream opened
        self.acknowledged = self.highest = 0  # the greatest number acknowledged, and ever seen

    @rule(count=st.integers(1, 12))
    def push(self, count: int) -> None:
        for _ in range(count):
            self.queue.push(Update("a", self.pushed, GOOD, 0))
            self.pushed += 1
            while self.queue.held > self.LIMIT:
                self.dropped += self.queue.drop_oldest()

    @rule(acknowledge=st.one_of(st.none(), st.integers(-2, 40)))
    def sync(self, acknowledge: int | None) -> None:
        before = self.queue.held
        if acknowledge is not None:
            self.queue.acknowledge(acknowledge)
            if acknowledge == ALL_PENDING or 0 < acknowledge <= self.highest:
                self.acknowledged = max(self.acknowledged, self.highest if acknowledge < 0 else acknowledge)
        self.acknowledged_updates += before - self.queue.held
        self.queue.freeze()
        for batch in self.queue.batches:
            values = tuple(update.value for update in batch.updates)
            assert self.issued.setdefault(batch.number, values) == values, "a batch is immutable"
        numbers = [batch.number for batch in self.queue.batches]
        assert numbers == sorted(numbers)
        gaps = [number for gap in self.queue.gaps for number in range(gap.first, gap.last + 1)]
        assert gaps == sorted(set(gaps))
        assert not gaps or not numbers or gaps[-1] < numbers[0]
        assert not self.streamed.intersection(gaps), "what was delivered is not missing"
        known = sorted({*numbers, *gaps, *range(self.acknowledged + 1)})
        assert known == list(range(known[-1] + 1)), "every number is a batch, a gap or acknowledged"
        self.highest = known[-1]

    @rule()
    def stream(self) -> None:
        """A stream takes everything and closes."""
        self.streamed.update(batch.number for batch in self.queue.batches)
        self.queue.thaw()
        values = [self.queue.pop().value for _ in range(len(self.queue.pending))]
        assert values == sorted(values)
        self.taken += len(values)
        self.acknowledged = self.highest

    @invariant()
    def nothing_is_lost_untold(self) -> None:
        frozen = [update.value for batch in self.queue.batches for update in batch.updates]
        waiting = [*frozen, *(update.value for update in self.queue.pending)]
        assert self.queue.held == len(waiting) <= self.LIMIT
        assert waiting == sorted(set(waiting))
        assert self.pushed == len(waiting) + self.taken + self.dropped + self.acknowledged_updates


def held_by(one: Subscription) -> list[Update]:
    return [
        *(update for batch in one.queue.batches for update in batch.updates),
        *one.queue._initial.values(),
        *one.queue.pending,
    ]


class SubscriptionsMachine(RuleBasedStateMachine):
    """Clients that come, monitor, read and go, within limits that all of them hit."""

    LIMITS = SubscriptionLimits(max=4, queue=6, queue_total=15, items=6, ttl=50.0)
    IDS = (PRESS, MOTOR, SPEED, AXIS, f"{AXIS}#/pos/y")

    subscriptions = Bundle("subscriptions")

    def __init__(self) -> None:
        super().__init__()
        self.bridge = InProcess(subscriptions=self.LIMITS)
        self.bridge.press()
        self.all: Subscriptions = self.bridge.engine.subscriptions
        self.live: list[Subscription] = []

    @precondition(lambda self: len(self.live) < self.LIMITS.max)
    @rule(target=subscriptions)
    def create(self) -> Subscription:
        self.live.append(self.bridge.subscribe())
        return self.live[-1]

    @rule(one=subscriptions, ident=st.sampled_from(IDS), depth=st.integers(0, 3))
    def register(self, one: Subscription, ident: str, depth: int) -> None:
        if one in self.live:
            fits = self.all.items < self.LIMITS.items or ident in one.items
            try:
                self.all.register(one, ident, depth)
            except TooMany:
                assert not fits
            self.all.flush()

    @rule(one=subscriptions, ident=st.sampled_from(IDS))
    def unregister(self, one: Subscription, ident: str) -> None:
        if one in self.live:
            self.all.unregister(one, ident)

    @rule(value=st.integers())
    def publish(self, value: int) -> None:
        self.bridge.pass_time(1)
        before = {one: one.queue.held for one in self.live}
        self.bridge.publish(SPEED, value)
        self.bridge.publish(AXIS, {"x": value, "pos": {"y": value}})
        for one in self.live:
            assert one.queue.held >= min(1, before[one]), "the newest stays"

    @rule(one=subscriptions, number=st.one_of(st.none(), st.integers(-1, 5)))
    def sync(self, one: Subscription, number: int | None) -> None:
        if one in self.live:
            self.bridge.sync(one, number)

    @rule(one=subscriptions)
    def read_stream(self, one: Subscription) -> None:
        if one in self.live:
            stream = self.all.open_stream(one, lambda: None)
            while self.all.peek(stream):
                self.all.take(stream)
            self.all.close_stream(stream, self.bridge.now)

    @rule(one=subscriptions)
    def delete(self, one: Subscription) -> None:
        if one in self.live:
            self.all.delete(one)
            self.live.remove(one)

    @rule(seconds=st.integers(1, 40))
    def sweep(self, seconds: int) -> None:
        self.bridge.pass_time(seconds)
        self.all.sweep(self.bridge.now)
        self.live = [one for one in self.live if self.bridge.now - one.seen <= self.LIMITS.ttl]

    @invariant()
    def counts_are_exact_and_bounded(self) -> None:
        assert len(self.all) == len(self.live)
        assert self.all.items == sum(len(one.items) for one in self.live) <= self.LIMITS.items
        assert self.all.queued == sum(one.queue.held for one in self.live) <= self.LIMITS.queue_total
        assert all(one.queue.held - one.queue.exempt <= self.LIMITS.queue for one in self.live)
        held = {id(update): update for one in self.live for update in held_by(one)}
        assert self.all.bytes == sum(update.size for update in held.values())
        assert self.all.streams == 0


TestAnyQueue = QueueMachine.TestCase
TestAnyQueue.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAnySubscriptions = SubscriptionsMachine.TestCase
TestAnySubscriptions.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
