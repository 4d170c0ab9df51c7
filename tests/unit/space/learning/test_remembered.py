"""What a model remembers of an earlier run: restarting changes no id, type name, version or place."""

import random
from collections.abc import Sequence
from typing import Any

import exam_factories
import exam_feeds
import exam_machines
import invariants
import pytest
import recordings
from feeding import Feed, at_once, idents
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from views import EngineView

from bridge.config import Settings
from bridge.engine import Engine, Options
from bridge.space import Limits, Node
from bridge.space.learning.remembered import KEPT_DAYS
from bridge.space.learning.snapshot import SLICE
from bridge.state.document import Header, packed, unpacked
from bridge.uns import Message
from bridge.uns.moments import SECOND, parse
from bridge.uns.policy import Rule

TODAY = 20_000  # days since 1970
HEADER = Header(1, "1.2.3", "2026-11-21T00:00:00Z", "as before")
NOW_NS = parse("2026-11-21T00:00:00Z") or 0
SETTLED_NS = 60 * SECOND
MOST = 4_000  # messages of one recording; the longest repeat themselves after that

EXAMS = {
    "exam: beverages": exam_factories.beverages,
    "exam: glass": exam_factories.glass,
    "exam: biotech": exam_factories.biotech,
    "exam: feeds": lambda: exam_feeds.feeds(60),
    "exam: machines": exam_machines.machines,
}
PUMP = {"flow": 1.5, "head": 2.5, "power": 3.5, "hours": 4}


class Restarted(Feed):
    """A feed whose engine goes on with the model of another one, after a round through the file's bytes."""

    def __init__(self, former: Feed, today: int = TODAY, **more: Any) -> None:
        super().__init__(**more)
        memory = at_once(former.engine.space.snapshot(today))
        self.engine.space.resume(unpacked(packed(HEADER, memory))[1])

    def awake(self) -> "Restarted":
        """All have had time to return."""
        self.settle()
        assert not self.engine.space.waking
        return self


def decided(engine: Engine) -> dict[str, tuple[object, ...]]:
    """What was decided about each element: type, its name and version, place and why."""
    return {ident: _decisions(node) for ident, node in engine.space.nodes.items()}


def _decisions(node: Node) -> tuple[object, ...]:
    return node.type.id, node.type.name, node.type.version, node.part, node.why, node.item_role


# --- everything ------------------------------------------------------------------------------------------------------


def messages_of(source: str) -> list[Message]:
    if source in EXAMS:
        return list(EXAMS[source]().messages)
    found = list(recordings.messages(recordings.path_of(source)))[:MOST]
    for message in found:
        message.received_ns = NOW_NS
    return found


def run(messages: Sequence[Message], earlier: Engine | None = None) -> Engine:
    """A settled engine that has seen the messages, perhaps one that goes on where an earlier one was."""
    engine = Engine(Options(aspects=Settings().model.aspects))
    if earlier is not None:
        memory = at_once(earlier.space.snapshot(TODAY))
        engine.space.resume(unpacked(packed(HEADER, memory))[1])
    if messages:
        engine.ingest(messages)
        for later_ns in (0, SETTLED_NS):
            engine.space.arrange(messages[0].received_ns + later_ns)
    return engine


@pytest.mark.parametrize("source", [*EXAMS, *recordings.own_files(), *recordings.shared_folders()])
@given(seed=st.integers(0, 2**32))
@settings(
    max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), database=None, phases=[Phase.generate]
)
def test_whoever_returns_is_what_it_was(source: str, seed: int) -> None:
    """A restart after which any half of the topics returns changes nothing of them; nor does the next one, with all."""
    messages = messages_of(source)
    chosen = random.Random(seed)
    topics = {topic for topic in sorted({message.topic for message in messages}) if chosen.random() < 0.5}
    first = run(messages)
    half = run([message for message in messages if message.topic in topics], first)
    whole = run(messages, half)
    assert decided(half).items() <= decided(first).items()
    assert decided(whole) == decided(first)
    assert set(whole.space.registry.by_id) == set(first.space.registry.by_id)
    assert len(whole.space.remembered) == 0


def test_in_order_before_all_have_returned() -> None:
    """Whatever order elements return in, listings have that of the names, long before the model wakes."""
    former = Feed().take({f"plant/{name}/speed": 1 for name in "abcd"}).settle()
    restarted = Restarted(former)
    for returning in ("db", "ca"):
        restarted.take({f"plant/{name}/speed": 1 for name in returning}).arrange()
        names = [row["object"]["displayName"] for row in restarted.browse.related("plant") or ()]
        assert restarted.engine.space.waking
        assert names == sorted(names)
    assert names == ["a", "b", "c", "d"]


def test_what_is_shown_agrees() -> None:
    """While some have returned and some have not, listings, types and values are sound."""
    messages = messages_of("exam: machines")
    half = run(messages[::2], run(messages))
    assert invariants.faults(EngineView(half)) == []


# --- elements that return --------------------------------------------------------------------------------------------


def test_place_and_type_are_there_at_once() -> None:
    """Nobody has to wait for the discovery window to see what was known before."""
    plant = {f"acme/hall/vat0{n}/{part}": 1.5 for n in (1, 2, 3) for part in ("level", "process/temperature")}
    former = Feed().take(plant).settle()
    found = Restarted(former).take({"acme/hall/vat02/process/temperature": 1.5})
    assert found.engine.space.waking
    for ident in ("acme/hall/vat02", "acme/hall/vat02/process", "acme/hall"):
        assert _decisions(found.node(ident)) == _decisions(former.node(ident))
    assert found.value("acme/hall/vat02", 0)["value"] == {"process": {"temperature": 1.5}}


def test_some_fields_do_not_make_another_type() -> None:
    """A document that at first shows only some of its fields is of the type that it was of."""
    other = {"lock": True, "code": "a", "owner": "b", "since": 3}
    former = Feed().take({"acme/p1/doc": PUMP, "acme/p2/doc": PUMP, "acme/doors/d/e/doc": other}).settle()
    types = former.node("acme/p1/doc").type.id, former.node("acme/doors/d/e/doc").type.id
    assert types[0] != types[1]
    found = Restarted(former).take({"acme/p1/doc": {"flow": 1.5}, "acme/doors/d/e/doc": {"lock": True}})
    for more in ({}, {"acme/p1/doc": PUMP, "acme/doors/d/e/doc": other}):
        found.take(more)
        assert (found.node("acme/p1/doc").type.id, found.node("acme/doors/d/e/doc").type.id) == types
    assert found.awake().engine.space.registry.by_id.keys() == former.engine.space.registry.by_id.keys()


@pytest.mark.parametrize("restarted", [False, True], ids=["one run", "restarted"])
def test_element_keeps_its_type(restarted: bool) -> None:
    """In a settled model an element that changes its looks widens its type, and does not go over to another one."""
    other = {"lock": True, "code": "a", "owner": "b", "since": 3}
    feed = Feed().take({"acme/p1/doc": PUMP, "acme/p2/doc": PUMP, "acme/doors/d/e/doc": other}).settle()
    types = feed.node("acme/p1/doc").type.id, feed.node("acme/doors/d/e/doc").type.id
    feed = Restarted(feed) if restarted else feed
    for document in (PUMP, {**PUMP, **other}, other):
        feed.take({"acme/p1/doc": document, "acme/doors/d/e/doc": other})
    feed.settle()
    assert (feed.node("acme/p1/doc").type.id, feed.node("acme/doors/d/e/doc").type.id) == types


def test_map_stays_a_map() -> None:
    """What was known to be keyed by ids makes no elements of its keys, not even with the first message."""
    former = Feed()
    for number in range(1, 5):
        former.take({"acme/queue": {f"J-{number}00": {"steps": number}, f"J-{number}01": {"steps": 2}}})
    former.settle()
    found = Restarted(former).take({"acme/queue": {"J-900": {"steps": 1}}}).awake()
    assert found.node("acme/queue").type.id == former.node("acme/queue").type.id
    assert [ident for ident in idents(found.engine) if "#" in ident] == []


def test_hint_counts_from_the_first_message() -> None:
    """A document that names its type is of it at once, and no other type is made for it."""
    said = {"_model": "pump-v2", "flow": 1.5}
    former = Feed().take({"acme/p1": said, "acme/p2": said}).settle()
    found = Restarted(former).take({"acme/p1": said, "acme/p3": said})
    assert found.node("acme/p1").type.id == found.node("acme/p3").type.id == former.node("acme/p1").type.id
    assert found.engine.space.registry.by_id.keys() == former.engine.space.registry.by_id.keys()


def test_own_payload_is_waited_for() -> None:
    """An element that had a payload and parts has no value until it has a payload again: its parts are none."""
    former = Feed().take({"acme/m": 5, "acme/m/$unit": "bar", "acme/m/$name": "M"}).settle()
    found = Restarted(former).take({"acme/m/$unit": "bar"}).awake()
    assert found.node("acme/m").type.id == former.node("acme/m").type.id
    assert found.value("acme/m")["value"] is None
    assert found.value("acme/m")["quality"] == "GoodNoData"
    assert found.take({"acme/m": 6}).value("acme/m")["value"] == 6


def test_null_leaves_the_type() -> None:
    """A document that says only null after the restart is still of its type."""
    former = Feed().take({"acme/p1/doc": PUMP, "acme/p2/doc": PUMP}).settle()
    found = Restarted(former).take({"acme/p1/doc": None}).awake()
    assert found.node("acme/p1/doc").type.id == former.node("acme/p1/doc").type.id


def test_collection_stays_one() -> None:
    """Two members of what was a collection are members; two of what was none do not make one."""
    orders = {f"acme/orders/{name}/head": PUMP for name in ("alpha", "beta", "gamma", "delta")}
    former = Feed().take(orders).settle()
    assert former.node("acme/orders").item_role is not None
    found = Restarted(former).take(dict(list(orders.items())[:2])).awake()
    assert _decisions(found.node("acme/orders/alpha")) == _decisions(former.node("acme/orders/alpha"))
    assert found.node("acme/orders").item_role == former.node("acme/orders").item_role


def test_words_stay_declared() -> None:
    """A vocabulary is what it was, and grows with a minor version."""
    former = Feed()
    for word in ("idle", "running") * 10:
        former.take({"acme/m1/state": word})
    former.settle()
    assert former.type("acme/m1/state")["schema"]["enum"] == ["idle", "running"]
    found = Restarted(former).take({"acme/m1/state": "idle"}).awake()
    assert found.type("acme/m1/state") == former.type("acme/m1/state")
    found.take({"acme/m1/state": "held"})
    assert found.type("acme/m1/state")["schema"]["enum"] == ["held", "idle", "running"]
    assert found.type("acme/m1/state")["version"] == "1.1.0"


def test_limits_hold_until_they_are_declared_again() -> None:
    """Limits of a type survive although those who declare them come late; a value beyond them ends them."""
    pump = {"value": 5, "unit": "bar", "min": 0, "max": 10}
    settle = {"homie/p/m/speed": 5, "homie/p/m/speed/$datatype": "integer", "homie/p/m/speed/$format": "0:10"}
    former = Feed().take({**settle, "acme/p": pump}).settle()
    assert former.type("homie/p/m/speed")["schema"]["maximum"] == 10
    found = Restarted(former).take({"homie/p/m/speed": 5})
    assert found.type("homie/p/m/speed") == former.type("homie/p/m/speed")
    found.take({"homie/p/m/speed": 11})
    assert "maximum" not in found.type("homie/p/m/speed")["schema"]


# --- elements that are new, and those that stay away -----------------------------------------------------------------


def test_what_is_new_joins_what_is_known() -> None:
    """A machine that was not there before is of the type of its kind, once all had time to return."""
    plant = {f"acme/hall/vat0{n}/{part}": 1.5 for n in (1, 2, 3) for part in ("level", "process/temperature")}
    former = Feed().take(plant).settle()
    found = Restarted(former).take({"acme/hall/vat04/level": 1.5, "acme/hall/vat04/process/temperature": 2.5}).awake()
    assert found.node("acme/hall/vat04").type.id == former.node("acme/hall/vat01").type.id
    assert found.node("acme/hall/vat04/process").part


def test_a_restart_is_no_flood() -> None:
    """While elements return, none is refused; afterwards those that are known do not count against the rate."""
    plant = {f"acme/hall/vat{n}/doc": PUMP for n in range(30)}
    limits = Limits(new_per_minute=10)
    former = Feed(limits=limits).take(plant).settle()
    found = Restarted(former, limits=limits).take(dict(list(plant.items())[:20])).awake()
    assert not found.engine.rejected
    found.take(dict(list(plant.items())[20:]))
    assert not found.engine.rejected
    found.take({f"acme/hall/new{n}/doc": PUMP for n in range(30)})
    assert found.engine.rejected["new-elements"] > 0


def test_who_stays_away_is_not_shown() -> None:
    """Nothing is known of its value; its type stays listed, because ids are promises."""
    former = Feed().take({"acme/p1/doc": PUMP, "acme/door": {"lock": True, "code": "a"}}).settle()
    found = Restarted(former).take({"acme/p1/doc": PUMP}).awake()
    assert "acme/door" not in idents(found.engine)
    assert former.node("acme/door").type.id in found.engine.space.registry.by_id


@pytest.mark.parametrize(
    ("days", "known"), [pytest.param(KEPT_DAYS, True, id="90 days"), pytest.param(KEPT_DAYS + 1, False, id="91 days")]
)
def test_who_stays_away_is_forgotten_in_the_end(days: int, known: bool) -> None:
    """After so many days nothing is kept of an element, nor of a type that only it was of."""
    former = Feed().take({"acme/p1/doc": PUMP, "acme/door": {"lock": True, "code": "a"}}).settle()
    between = Restarted(former).take({"acme/p1/doc": PUMP}).awake()
    found = Restarted(between, TODAY + days).take({"acme/p1/doc": PUMP}).awake()
    assert ("acme/door" in found.engine.space.remembered) is known
    assert (former.node("acme/door").type.id in found.engine.space.registry.by_id) is known
    assert found.node("acme/p1/doc").type.id == former.node("acme/p1/doc").type.id


# --- what is noted ---------------------------------------------------------------------------------------------------


def test_growth_while_it_is_noted() -> None:
    """A snapshot that is taken while elements come holds every type that it names."""
    former = Feed().take({f"acme/hall/vat{n}/doc": PUMP for n in range(SLICE)}).settle()
    steps = former.engine.space.snapshot(TODAY)
    next(steps)
    former.take({"acme/door": {"lock": True, "code": "a"}}).arrange()
    memory = at_once(steps)
    assert {ident for place, _ in memory.places for ident in place.types} <= {note.id for note in memory.types}


def test_brought_types_are_not_noted() -> None:
    """What the bridge brings along, and its own elements, are not learnt."""
    memory = at_once(Feed().take({"acme/m1/speed": 5}).settle().engine.space.snapshot(TODAY))
    assert [note.name for note in memory.types if note.namespace == "urn:i3x-bridge"] == []
    assert [ident for _, found in memory.places for ident in found if ident.startswith("$")] == []


def test_scalars_need_no_note() -> None:
    """The type of most data points follows from their name, so a large plant is a small file."""
    plant = {f"acme/hall{h}/vat{n}/{part}": 1.5 for h in range(5) for n in range(20) for part in PUMP}
    memory = at_once(Feed().take(plant).settle().engine.space.snapshot(TODAY))
    assert {ident for _, found in memory.places for ident in found}.isdisjoint(plant)


def test_type_that_cannot_be_is_refused() -> None:
    """A memory that makes no sense changes nothing."""
    memory = at_once(Feed().take({"acme/p1/doc": PUMP}).settle().engine.space.snapshot(TODAY))
    text = packed(HEADER, memory)
    wrong = unpacked(text)[1]
    wrong.types[0] = type(wrong.types[0])("urn:x", "X", "X", 3, wrong.types[0].shape, TODAY)
    engine = Engine(Options())
    before = dict(engine.space.registry.by_id)
    with pytest.raises(ValueError, match="no kind has the number 3"):
        engine.space.resume(wrong)
    assert (engine.space.registry.by_id, engine.space.young) == (before, True)


def test_configured_names_survive() -> None:
    """What rules say about elements is said again by the configuration."""
    rules = (Rule(("acme/#",), {"namespace": "https://example.com/plant"}),)
    former = Feed(rules=rules).take({"acme/p1/doc": PUMP, "acme/p1/speed": 5}).settle()
    found = Restarted(former, rules=rules).take({"acme/p1/doc": PUMP, "acme/p1/speed": 5}).awake()
    assert decided(found.engine) == decided(former.engine)
