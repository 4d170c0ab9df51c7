"""Doubts about last values: silence, death, a lost broker; each transition is told exactly once."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from feeding import NOW_NS
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.engine import Change, Engine, Options
from bridge.space.liveness import LEAPS, SLICE
from bridge.space.node import DEAD, LOST, STALE
from bridge.uns import Message
from bridge.uns.moments import SECOND
from bridge.uns.policy import Rule

ASPECTS = ("edge", "status")
LAMP = "zigbee2mqtt/lamp"
CAR = "homie/car"


class Plant:
    """An engine with a clock, and a subscription that says what clients hear."""

    def __init__(self, **options: Any) -> None:
        self.engine = Engine(Options(aspects=ASPECTS, **options))
        self.seconds = 0.0
        self._subscription = self.engine.subscriptions.create("client", None, 0.0)

    @property
    def now_ns(self) -> int:
        return NOW_NS + int(self.seconds * SECOND)

    def take(self, values: Mapping[str, Any], **flags: Any) -> list[Change]:
        """One live message for each topic, in one batch."""
        batch = [Message(topic, _payload(value), received_ns=self.now_ns, **flags) for topic, value in values.items()]
        return self.engine.ingest(batch)

    def replay(self, values: Mapping[str, Any]) -> list[Change]:
        """The broker's stored copies."""
        return self.take(values, retain=True, replayed=True)

    def tick_once(self) -> list[Change]:
        """What one tick makes of what is thought of readings."""
        changes = self.engine.tick(self.now_ns, self.seconds, lambda: self.seconds)
        return [change for change in changes if change.doubt]

    def tick(self, seconds: float = 0.0) -> list[Change]:
        """Let time pass, and everything that it makes happen."""
        self.seconds += seconds
        changes = self.tick_once()
        while self.engine.liveness.behind:
            changes += self.tick_once()
        return changes

    def monitor(self, *idents: str) -> None:
        """From now on `heard` tells of these elements."""
        self.engine.arrange(self.now_ns, self.seconds + 1e6, lambda: self.seconds + 1e6)
        for ident in idents:
            self.engine.subscriptions.register(self._subscription, ident, 1)
        self.heard()

    def heard(self) -> list[tuple[str, Any, str]]:
        """Id, value and quality of each update since the last call."""
        batches = self.engine.subscriptions.sync(self._subscription, None, 0.0)
        self.engine.subscriptions.sync(self._subscription, -1, 0.0)
        return [(update.element_id, update.value, update.quality) for batch in batches for update in batch.updates]

    def vqt(self, ident: str) -> tuple[Any, str, float]:
        """Value, quality, and time in seconds from the start."""
        value, quality, time_ns = self.engine.space.nodes[ident].vqt(self.engine.space.zone)
        return value, quality, round((time_ns - NOW_NS) / SECOND, 3)

    def quality(self, *idents: str) -> list[str]:
        return [self.vqt(ident)[1] for ident in idents]


def _payload(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def timed(value: Any, seconds: float) -> dict[str, Any]:
    return {"value": value, "timestamp": (NOW_NS + int(seconds * SECOND)) // 1_000_000}


# --- silence ---------------------------------------------------------------------------------------------------------


def test_silence_and_return() -> None:
    """Silence beyond the limit is Uncertain with the value's own time; the next reading ends it; each is told once."""
    plant = Plant(stale_after=10.0)
    plant.take({"a/x": 1})
    plant.monitor("a/x")
    plant.tick(9.9)
    assert plant.vqt("a/x") == (1, "Good", 0)
    plant.tick(0.1)
    assert plant.vqt("a/x") == (1, "Uncertain", 0)
    plant.tick(60)
    assert plant.heard() == [("a/x", 1, "Uncertain")]
    assert plant.engine.liveness.stale == 1
    plant.take({"a/x": 2})
    assert plant.vqt("a/x") == (2, "Good", 70)
    assert plant.heard() == [("a/x", 2, "Good")]
    assert plant.engine.liveness.stale == 0
    plant.tick(10)
    assert plant.quality("a/x") == ["Uncertain"]


def test_readings_in_time_keep_it_good() -> None:
    """Silence counts from the last reading, not from the last look."""
    plant = Plant(stale_after=10.0)
    for _ in range(20):
        plant.take({"a/x": 1})
        assert plant.tick(7) == []
    plant.tick(3)
    assert plant.quality("a/x") == ["Uncertain"]


@pytest.mark.parametrize(
    ("default", "said", "after_5", "after_50"),
    [
        pytest.param(0.0, None, "Good", "Good", id="never, by default"),
        pytest.param(20.0, None, "Good", "Uncertain", id="the default"),
        pytest.param(20.0, 2.0, "Uncertain", "Uncertain", id="a rule"),
        pytest.param(20.0, 0.0, "Good", "Good", id="a rule says never"),
        pytest.param(0.0, 20.0, "Good", "Uncertain", id="only where a rule says so"),
    ],
)
def test_limits_of_silence(default: float, said: float | None, after_5: str, after_50: str) -> None:
    """A rule's limit goes before the general one."""
    rules = [Rule(["a/#"], {"stale_after": said})] if said is not None else []
    plant = Plant(stale_after=default, rules=rules)
    plant.take({"a/x": 1})
    plant.tick(5)
    assert plant.quality("a/x") == [after_5]
    plant.tick(45)
    assert plant.quality("a/x") == [after_50]


def test_only_what_has_reported_is_stale() -> None:
    """A branch has no silence of its own; its composed value follows its parts."""
    plant = Plant(stale_after=10.0)
    plant.take({"p/m1/edge/x": 1, "p/m1/edge/y": {"a": 2}})
    plant.monitor("p/m1/edge", "p/m1/edge/y#/a")
    changes = plant.tick(10)
    assert sorted(change.node.id for change in changes) == ["p/m1/edge/x", "p/m1/edge/y"]
    assert sorted(plant.heard(), key=str) == [
        ("p/m1/edge", {"x": 1, "y": {"a": 2}}, "Uncertain"),
        ("p/m1/edge/y#/a", 2, "Uncertain"),
    ]


def test_bad_is_not_told_again() -> None:
    """A doubt that changes nothing that can be seen makes no update."""
    plant = Plant(stale_after=10.0)
    plant.take({"a/x": b"NaN", "a/y": None})
    plant.monitor("a/x", "a/y")
    assert plant.tick(20) == []
    assert plant.heard() == []
    assert plant.quality("a/x", "a/y") == ["Bad", "GoodNoData"]


def test_clock_that_steps_back() -> None:
    """A clock that is set back makes nothing stale too early, nor forgets what falls silent."""
    plant = Plant(stale_after=10.0)
    plant.take({"a/x": 1, "a/y": 1})
    plant.tick(5)
    plant.seconds -= 3_600
    plant.tick()
    plant.tick(4)
    plant.take({"a/y": 2})
    plant.tick(2)
    assert plant.quality("a/x", "a/y") == ["Uncertain", "Good"]
    plant.tick(10)
    assert plant.quality("a/x", "a/y") == ["Uncertain", "Uncertain"]


def step(plant: Plant, ahead: float) -> None:
    """The clock is set, and one that is set ahead is noticed by the second clock."""
    plant.seconds += ahead
    if ahead > 0:
        plant.engine.liveness.clock_stepped(int(ahead * SECOND))


def test_clock_that_steps_ahead() -> None:
    """A clock that is set ahead is no silence: whoever has reported before and goes on reporting stays Good."""
    plant = Plant(stale_after=60.0)
    plant.take({"a/x": 1, "a/y": 1})
    plant.tick(50)
    plant.take({"a/x": 2})
    step(plant, 3_600)
    assert plant.tick(1) == []
    plant.tick(8.9)
    assert plant.quality("a/x", "a/y") == ["Good", "Good"]
    plant.tick(0.1)
    assert plant.quality("a/x", "a/y") == ["Good", "Uncertain"]
    plant.tick(49.9)
    assert plant.quality("a/x") == ["Good"]
    plant.tick(0.1)
    assert plant.quality("a/x") == ["Uncertain"]


def test_first_reading_before_the_step_is_noticed() -> None:
    """What is heard for the first time between a step ahead and the next tick falls silent no later than others."""
    plant = Plant(stale_after=60.0)
    plant.tick()
    plant.seconds += 3_600
    plant.take({"a/x": 1})
    plant.engine.liveness.clock_stepped(3_600 * SECOND)
    plant.tick(59.9)
    assert plant.quality("a/x") == ["Good"]
    plant.tick(0.1)
    assert plant.quality("a/x") == ["Uncertain"]


def test_clock_that_steps_ahead_without_a_broker() -> None:
    """The grace time of a lost broker is real time too."""
    plant = Plant(broker_grace=30.0)
    plant.take({"a/x": 1})
    plant.tick()
    plant.engine.broker_lost(plant.now_ns)
    step(plant, 3_600)
    plant.tick(29.9)
    assert plant.quality("a/x") == ["Good"]
    plant.tick(0.1)
    assert plant.quality("a/x") == ["Uncertain"]


STEPS = st.lists(
    st.tuples(st.sampled_from(["wait", "hear x", "hear y", "step"]), st.integers(1, 25)), min_size=1, max_size=40
)


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_silence_whatever_the_clock_does(steps: list[tuple[str, int]]) -> None:
    """With steps ahead at any time an element is stale exactly after so much real silence."""
    plant, real, leaps = Plant(stale_after=60.0), 0, 0
    plant.take({"a/x": 0, "a/y": 0})
    plant.tick()
    heard = {"a/x": 0, "a/y": 0}
    for what, amount in steps:
        if what == "step":
            leaps += 1
            if leaps <= LEAPS:
                step(plant, 40 * amount)
        elif what == "wait":
            plant.seconds, real = plant.seconds + amount, real + amount
        else:
            topic = f"a/{what[-1]}"
            plant.seconds, real = plant.seconds + 1, real + 1
            plant.take({topic: amount})
            heard[topic] = real
        plant.tick()
        expected = ["Uncertain" if real - when >= 60 else "Good" for when in heard.values()]
        assert plant.quality(*heard) == expected


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 59), st.sampled_from([0, 30, 3_600, -30, -3_600])), max_size=60))
def test_never_stale_too_early(steps: list[tuple[int, int]]) -> None:
    """However often the clock is set, and wherever, nothing is stale that was heard in time."""
    plant = Plant(stale_after=60.0)
    plant.take({"a/x": 0})
    plant.tick()
    for number, (waits, ahead) in enumerate(steps):
        step(plant, ahead + (number + 1) / 1_000_000)  # no two readings come in the same nanosecond
        plant.tick()
        plant.tick(waits)
        assert plant.quality("a/x") == ["Good"]
        plant.take({"a/x": 1})


def test_very_many_fall_silent_in_slices() -> None:
    """One tick looks at a bounded number of elements, and says that there is more."""
    plant = Plant(stale_after=10.0)
    plant.take({f"a/x{number}": 1 for number in range(SLICE + 7)})
    plant.seconds += 10
    assert len(plant.tick_once()) == SLICE
    assert plant.engine.liveness.behind
    assert len(plant.tick_once()) == 7
    assert not plant.engine.liveness.behind
    assert plant.engine.liveness.stale == SLICE + 7


# --- death -----------------------------------------------------------------------------------------------------------


def test_who_is_doubted() -> None:
    """Some of each kind, for the gravest reason; as many as are wanted, of those that are shown."""
    plant = Plant(stale_after=10.0, broker_grace=5.0)
    plant.take({f"a/x{number}": number for number in range(5)} | {"b/y": 1, "b/LWT": "online"})
    plant.take({"b/LWT": "offline"})
    liveness = plant.engine.liveness
    assert [(why, node.id) for why, node in liveness.doubted(9, lambda *_: True)] == [("dead", "b/y")]
    plant.tick(11.0)
    told = [(why, node.id) for why, node in liveness.doubted(3, lambda *_: True)]
    assert [why for why, _ in told].count("stale") == 3
    assert ("dead", "b/y") in told
    assert [node.id for _, node in liveness.doubted(9, lambda _, node: node.id == "a/x4")] == ["a/x4"]
    assert list(liveness.doubted(0, lambda *_: True)) == []
    plant.take({"a/x0": 1})
    plant.engine.broker_lost(plant.now_ns)
    plant.tick(6.0)
    lost = {why for why, node in liveness.doubted(9, lambda *_: True) if node.id == "a/x0"}
    assert lost == {"lost"}


def test_death_and_return() -> None:
    """Offline makes everything Bad below the status topic's parent; online brings the last values back as they were."""
    plant = Plant()
    plant.take({LAMP: {"state": "ON", "level": 7}, f"{LAMP}/power/watts": 3.5, f"{LAMP}/availability": "online"})
    plant.monitor(LAMP, f"{LAMP}#/level", f"{LAMP}/power/watts", f"{LAMP}/availability")
    plant.seconds = 5
    changes = plant.take({f"{LAMP}/availability": "offline"})
    assert plant.vqt(LAMP) == (None, "Bad", 5)
    assert plant.vqt(f"{LAMP}#/level") == (None, "Bad", 5)
    assert plant.vqt(f"{LAMP}/power/watts") == (None, "Bad", 5)
    assert plant.vqt(f"{LAMP}/availability") == ("offline", "Good", 5)
    assert plant.engine.liveness.dead == 2
    assert [(change.node.id, change.quality, change.doubt) for change in changes] == [
        (f"{LAMP}/availability", "Good", False),
        (LAMP, "Bad", True),
        (f"{LAMP}/power/watts", "Bad", True),
    ]
    assert sorted(plant.heard()) == [
        (LAMP, None, "Bad"),
        (f"{LAMP}#/level", None, "Bad"),
        (f"{LAMP}/availability", "offline", "Good"),
        (f"{LAMP}/power/watts", None, "Bad"),
    ]
    plant.seconds = 9
    plant.take({f"{LAMP}/availability": "online"})
    assert plant.vqt(f"{LAMP}#/level") == (7, "Good", 0)
    assert plant.vqt(f"{LAMP}/power/watts") == (3.5, "Good", 0)
    assert len(plant.heard()) == 4
    assert plant.engine.liveness.dead == 0


@pytest.mark.parametrize(
    ("status", "offline", "online", "covered", "apart"),
    [
        pytest.param("tele/plug/LWT", b"Offline", b"Online", "tele/plug/SENSOR", "stat/plug/POWER", id="Tasmota"),
        pytest.param(f"{CAR}/$state", b"lost", b"ready", f"{CAR}/engine/temperature", "homie/van/x", id="Homie"),
        pytest.param("zigbee2mqtt/bridge/state", {"state": "offline"}, {"state": "online"},
                     "zigbee2mqtt/bridge/info", LAMP, id="zigbee2mqtt's bridge"),
        pytest.param("uagv/v2/KIT/0001/connection", {"connectionState": "CONNECTIONBROKEN"},
                     {"connectionState": "ONLINE"}, "uagv/v2/KIT/0001/state", "uagv/v2/KIT/0002/state", id="VDA 5050"),
        pytest.param("shellies/plug/online", False, True, "shellies/plug/relay", "shellies/bulb/relay", id="Shelly"),
    ],
)  # fmt: skip
def test_conventions(status: str, offline: Any, online: Any, covered: str, apart: str) -> None:
    """Each convention's status topic covers its own device, and nothing else."""
    plant = Plant()
    plant.take({covered: {"x": 1}, apart: {"x": 1}})
    plant.take({status: offline})
    assert plant.quality(covered, apart) == ["Bad", "Good"]
    plant.take({status: online})
    assert plant.quality(covered, apart) == ["Good", "Good"]


def test_live_reading_is_alive() -> None:
    """A live reading ends its own element's death; said again, offline kills again."""
    plant = Plant()
    plant.take({"m/x": 1, "m/y": 1, "m/LWT": "offline"})
    plant.seconds = 1
    plant.take({"m/x": 2})
    assert plant.quality("m/x", "m/y") == ["Good", "Bad"]
    plant.take({"m/new": 1})
    assert plant.quality("m/new") == ["Good"]
    plant.seconds = 2
    plant.take({"m/LWT": "offline"})
    assert [plant.vqt(ident)[1:] for ident in ("m/x", "m/y", "m/new")] == [("Bad", 2), ("Bad", 0), ("Bad", 2)]


def test_stored_copy_below_a_dead_source() -> None:
    """At start-up the broker's stored copies may come before or after the last will: dead all the same."""
    plant = Plant()
    plant.replay({"m/before": 1, "m/LWT": "Offline", "m/after": 1, "m/timed": timed(7, -60)})
    assert plant.quality("m/before", "m/after", "m/timed") == ["Bad"] * 3
    plant.seconds = 1
    plant.take({"m/LWT": "Online"})
    assert plant.quality("m/before", "m/after", "m/timed") == ["Uncertain", "Uncertain", "Good"]
    assert plant.vqt("m/timed") == (7, "Good", -60)


def test_stored_copy_below_a_dead_source_is_in_history() -> None:
    """What a stored copy said belongs into history although its source is gone."""
    plant = Plant()
    plant.replay({"m/LWT": "Offline"})
    changes = plant.replay({"m/x": timed(7, -60)})
    told = [(change.value, change.quality, change.late, change.doubt) for change in changes]
    assert told == [(7, "Good", True, False), (None, "Bad", False, True)]


def test_nested_covers() -> None:
    """An element stays dead while any source above it is offline."""
    plant = Plant()
    plant.take({"line/m1/x": 1, "line/m2/x": 1, "line/LWT": "online", "line/m1/LWT": "online"})
    plant.take({"line/LWT": "offline", "line/m1/LWT": "offline"})
    assert plant.quality("line/m1/x", "line/m2/x") == ["Bad", "Bad"]
    plant.take({"line/LWT": "online"})
    assert plant.quality("line/m1/x", "line/m2/x") == ["Bad", "Good"]
    plant.take({"line/m1/LWT": "online"})
    assert plant.quality("line/m1/x", "line/m2/x") == ["Good", "Good"]


def test_nested_covers_the_other_way_round() -> None:
    """The inner source alone coming back is not enough; its own status topic says what it says."""
    plant = Plant()
    plant.take({"line/m1/x": 1, "line/LWT": "offline", "line/m1/LWT": "offline"})
    plant.take({"line/m1/LWT": "online"})
    assert plant.quality("line/m1/x", "line/m1/LWT") == ["Bad", "Good"]
    assert [status.topic for status in plant.engine.liveness.gone_by(plant.engine.space.nodes["line/m1/x"])] == [
        "line/LWT"
    ]
    plant.take({"line/LWT": "online"})
    assert plant.quality("line/m1/x") == ["Good"]


def test_return_of_another_source_kills_nobody() -> None:
    """What has shown that it is alive stays alive when a source below the offline one comes back."""
    plant = Plant()
    plant.take({"line/m1/x": 1, "line/LWT": "offline", "line/m1/LWT": "offline"})
    plant.take({"line/m1/x": 2})
    plant.take({"line/m1/LWT": "online"})
    assert plant.quality("line/m1/x") == ["Good"]


def test_death_of_very_many() -> None:
    """Death reaches many in slices; who has reported before it came there is alive."""
    plant = Plant()
    idents = [f"m/x{number}" for number in range(2 * SLICE)]
    plant.take({**dict.fromkeys(idents, 1), "m/LWT": "online"})
    plant.seconds = 1
    assert 0 < len(plant.take({"m/LWT": "offline"})) <= SLICE + 1
    assert plant.engine.liveness.behind
    waiting = [ident for ident in idents if plant.quality(ident) == ["Good"]]
    plant.seconds = 2
    plant.take({waiting[0]: 2})
    plant.tick()
    assert plant.quality(*idents).count("Good") == 1
    assert plant.vqt(waiting[1]) == (None, "Bad", 1)
    plant.take({"m/LWT": "online"})
    plant.tick()
    assert plant.quality(*idents) == ["Good"] * 2 * SLICE
    assert plant.engine.liveness.dead == 0


def test_two_statuses_of_one_source() -> None:
    """With two status topics side by side, both must say online; each one dead is so by the other."""
    plant = Plant()
    plant.take({"m/x": 1, "m/LWT": "offline", "m/availability": "offline"})
    assert plant.quality("m/x", "m/LWT", "m/availability") == ["Bad", "Bad", "Good"]
    plant.take({"m/availability": "online"})
    assert plant.quality("m/x", "m/LWT") == ["Bad", "Good"]
    plant.take({"m/LWT": "online"})
    assert plant.quality("m/x") == ["Good"]


def test_never_again_after_a_foreign_value() -> None:
    """A value outside the vocabulary lifts the doubts and makes the topic data for ever."""
    plant = Plant()
    plant.take({"m/x": 1, "m/status": "offline"})
    assert plant.quality("m/x") == ["Bad"]
    plant.take({"m/status": "RUNNING"})
    assert plant.quality("m/x") == ["Good"]
    plant.take({"m/status": "offline"})
    assert plant.quality("m/x") == ["Good"]
    assert plant.engine.space.nodes["m/status"].listener is None


def test_status_that_is_deleted() -> None:
    """An empty retained status says nothing any more: nobody is known to be gone."""
    plant = Plant()
    plant.take({"m/x": 1, "m/LWT": "offline"})
    plant.take({"m/LWT": b""}, retain=True)
    assert plant.quality("m/x", "m/LWT") == ["Good", "GoodNoData"]
    plant.take({"m/LWT": "offline"})
    assert plant.quality("m/x") == ["Bad"]


@pytest.mark.parametrize(
    ("default", "said", "expected"),
    [
        pytest.param("bad", "", (None, "Bad", 1), id="Bad"),
        pytest.param("uncertain", "", (5, "Uncertain", 0), id="Uncertain"),
        pytest.param("keep", "", (5, "Good", 0), id="kept"),
        pytest.param("bad", "keep", (5, "Good", 0), id="a rule keeps"),
        pytest.param("keep", "bad", (None, "Bad", 1), id="a rule says Bad"),
    ],
)
def test_on_death(default: str, said: str, expected: tuple[Any, str, float]) -> None:
    """What death means can be configured, and by rule."""
    plant = Plant(on_death=default, rules=[Rule(["m/x"], {"on_death": said})])
    plant.take({"m/x": 5})
    plant.seconds = 1
    plant.take({"m/LWT": "offline"})
    assert plant.vqt("m/x") == expected
    plant.take({"m/LWT": "online"})
    assert plant.vqt("m/x") == (5, "Good", 0)


def test_rules_about_status_topics() -> None:
    """A rule makes any topic a status, or none."""
    rules = [Rule(["m/alive"], {"use": "status"}), Rule(["n/LWT"], {"use": "value"})]
    plant = Plant(rules=rules)
    plant.take({"m/x": 1, "n/x": 1, "m/alive": 0, "n/LWT": "offline"})
    assert plant.quality("m/x", "n/x") == ["Bad", "Good"]


def test_death_does_not_replace_the_last_value_in_time() -> None:
    """Death is later than the value that it ends, whatever the clocks say."""
    plant = Plant()
    plant.take({"m/x": timed(1, 100)})
    plant.take({"m/LWT": "offline"})
    node = plant.engine.space.nodes["m/x"]
    assert node.vqt(plant.engine.space.zone)[2] > node.time_ns


def test_status_without_a_parent() -> None:
    """A topic of one level covers nothing."""
    plant = Plant()
    plant.take({"x": 1, "LWT": "offline"})
    assert plant.quality("x", "LWT") == ["Good", "Good"]


def test_death_of_what_is_silent_already() -> None:
    """Doubts add up: back from death, an element that is stale is Uncertain still."""
    plant = Plant(stale_after=10.0, rules=[Rule(["m/LWT"], {"stale_after": 0})])
    plant.take({"m/x": 1, "m/LWT": "online"})
    plant.tick(10)
    plant.take({"m/LWT": "offline"})
    assert plant.quality("m/x") == ["Bad"]
    plant.take({"m/LWT": "online"})
    assert plant.quality("m/x") == ["Uncertain"]


# --- a lost broker ---------------------------------------------------------------------------------------------------


def test_broker_lost_beyond_grace() -> None:
    """After the grace time everything that reported is Uncertain, told once; with the session kept all is as before."""
    plant = Plant(broker_grace=30.0)
    plant.take({"a/x": 1, "a/y": b"NaN", "b/m1/edge/z": 2})
    plant.monitor("a/x", "a/y", "b/m1/edge")
    plant.engine.broker_lost(plant.now_ns)
    plant.tick(29)
    assert plant.heard() == []
    plant.tick(1)
    plant.tick(100)
    assert sorted(plant.heard(), key=str) == [("a/x", 1, "Uncertain"), ("b/m1/edge", {"z": 2}, "Uncertain")]
    assert plant.engine.liveness.lost == 3
    plant.engine.broker_back(session_kept=True)
    plant.tick(1)
    assert sorted(plant.heard(), key=str) == [("a/x", 1, "Good"), ("b/m1/edge", {"z": 2}, "Good")]
    assert plant.vqt("a/x") == (1, "Good", 0)
    assert plant.engine.liveness.lost == 0


def test_broker_back_within_grace() -> None:
    """A short outage is forgiven; the next one has its grace time anew."""
    plant = Plant(broker_grace=30.0)
    plant.take({"a/x": 1})
    for _ in range(3):
        plant.engine.broker_lost(plant.now_ns)
        plant.tick(20)
        plant.engine.broker_back(session_kept=True)
        plant.tick(20)
    assert plant.quality("a/x") == ["Good"]


def lost(values: Mapping[str, Any]) -> Plant:
    """A plant whose broker was away for too long and came back without our session."""
    plant = Plant(broker_grace=30.0)
    plant.take(values)
    plant.engine.broker_lost(plant.now_ns)
    plant.tick(60)
    plant.engine.broker_back(session_kept=False)
    plant.tick(1)
    return plant


def test_session_lost() -> None:
    """Without the session each element is doubted until its next reading."""
    plant = lost({"a/x": 1, "a/y": 1})
    plant.take({"a/x": 1})
    assert plant.quality("a/x", "a/y") == ["Good", "Uncertain"]
    assert plant.engine.liveness.lost == 1


@pytest.mark.parametrize(
    ("before", "copy", "expected"),
    [
        pytest.param(1, 1, (1, "Good", 0), id="same value"),
        pytest.param(timed(1, -5), timed(1, -5), (1, "Good", -5), id="same value and time"),
        pytest.param(1, 2, (2, "Uncertain", 61), id="another value, of unknown age"),
        pytest.param(timed(1, -5), timed(2, 30), (2, "Good", 30), id="another value with its time"),
    ],
)
def test_stored_copy_confirms(before: Any, copy: Any, expected: tuple[Any, str, float]) -> None:
    """The broker's stored copy says that nothing was missed, or what was."""
    plant = lost({"a/x": before})
    plant.replay({"a/x": copy})
    assert plant.vqt("a/x") == expected
    assert plant.engine.balance == 0


def test_a_kept_session_does_not_mend_an_earlier_gap() -> None:
    """What was lost with an earlier session stays doubted when a later outage is harmless."""
    plant = lost({"a/x": 1, "a/y": 1})
    plant.take({"a/x": 1})
    plant.engine.broker_lost(plant.now_ns)
    plant.tick(60)
    assert plant.quality("a/x", "a/y") == ["Uncertain", "Uncertain"]
    plant.engine.broker_back(session_kept=True)
    plant.tick(1)
    assert plant.quality("a/x", "a/y") == ["Good", "Uncertain"]


def test_everything_is_lost_in_slices() -> None:
    """A large plant is doubted, and trusted again, a bounded number of elements at a time."""
    plant = Plant(broker_grace=0.0)
    plant.take({f"a/x{number}": 1 for number in range(SLICE + 7)})
    plant.engine.broker_lost(plant.now_ns)
    assert len(plant.tick_once()) == SLICE
    assert plant.engine.liveness.behind
    assert len(plant.tick()) == 7
    plant.engine.broker_back(session_kept=True)
    assert len(plant.tick_once()) == SLICE
    assert len(plant.tick()) == 7


# --- unconfirmed parts -----------------------------------------------------------------------------------------------


def test_nameplate_does_not_spoil_a_machine() -> None:
    """Parts known only from the broker's stored copy leave a machine Good that has a Good part."""
    plant = Plant()
    plant.replay({"p/m1/edge/serial": "S1", "p/m1/edge/speed": 5, "p/m1/status/mode": "RUN"})
    plant.monitor("p/m1", "p/m1/edge", "p/m1/status")
    assert plant.quality("p/m1", "p/m1/edge", "p/m1/edge/serial") == ["Uncertain"] * 3
    plant.take({"p/m1/edge/speed": 6})
    assert plant.quality("p/m1", "p/m1/edge", "p/m1/edge/serial", "p/m1/status") == [
        "Good",
        "Good",
        "Uncertain",
        "Uncertain",
    ]


def test_unconfirmed_and_silent_spoils_it() -> None:
    """Once it is stale as well, a part counts: its owner hears of it although the part looks the same."""
    plant = Plant(rules=[Rule(["p/m1/edge/flow"], {"stale_after": 10.0})])
    plant.replay({"p/m1/edge/flow": 1})
    plant.take({"p/m1/edge/speed": 5})
    plant.monitor("p/m1/edge")
    assert plant.quality("p/m1/edge") == ["Good"]
    plant.tick(10)
    assert plant.heard() == [("p/m1/edge", {"flow": 1, "speed": 5}, "Uncertain")]


# --- whatever happens ------------------------------------------------------------------------------------------------

TOPICS = ("line/a", "line/m1/x", "line/m1/y", "line/m2/x")
STATUSES = ("line/LWT", "line/m1/status", "line/m1/LWT")
HAPPENINGS = st.one_of(
    st.tuples(st.just("take"), st.sampled_from(TOPICS), st.sampled_from([1, 2, None, b"NaN", b""])),
    st.tuples(st.just("replay"), st.sampled_from(TOPICS + STATUSES[:1]), st.sampled_from([1, 2, "offline"])),
    st.tuples(st.just("take"), st.sampled_from(STATUSES), st.sampled_from(["online", "offline", "offline", "RUN"])),
    st.tuples(st.just("tick"), st.sampled_from([1, 5, 20, -100]), st.none()),
    st.tuples(st.just("broker"), st.sampled_from(["lost", "kept", "forgotten"]), st.none()),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(HAPPENINGS, max_size=40))
def test_whatever_happens(happenings: list[tuple[str, Any, Any]]) -> None:
    """What was told last of each element is what a read gives, the counts are exact, and what is online is not dead."""
    plant = Plant(stale_after=10.0, broker_grace=15.0)
    told: dict[str, tuple[Any, str, int]] = {}
    for kind, what, value in happenings:
        for change in happen(plant, kind, what, value):
            if not change.late:
                told[change.node.id] = (change.value, change.quality, change.time_ns)
        nodes = [node for node in plant.engine.space.by_topic.values() if node.reported]
        assert told == {node.id: node.vqt(plant.engine.space.zone) for node in nodes}
        liveness = plant.engine.liveness
        counts = [sum(bool(node.doubt & bit) for node in nodes) for bit in (STALE, LOST, DEAD)]
        assert counts == [liveness.stale, liveness.lost, liveness.dead]
        assert not [node.id for node in nodes if node.doubt & DEAD and not liveness.gone_by(node)]
        assert plant.engine.balance == 0


def happen(plant: Plant, kind: str, what: Any, value: Any) -> list[Change]:
    plant.seconds += 0.1
    match kind, what:
        case "take", _:
            return plant.take({what: value}, retain=value == b"")
        case "replay", _:
            return plant.replay({what: value})
        case "tick", _:
            return plant.tick(what)
        case _, "lost":
            plant.engine.broker_lost(plant.now_ns)
        case _:
            plant.engine.broker_back(session_kept=what == "kept")
    return []
