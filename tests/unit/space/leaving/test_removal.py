"""Elements that leave: deleted, expired or crowded out; what stays of them, and what comes back."""

from collections.abc import Iterable
from typing import Any, Self

import invariants
import pytest
from feeding import NOW_NS, Feed, idents
from views import EngineView

from bridge.space import Limits
from bridge.space.leaving import crowds, departures, removal
from bridge.space.leaving.crowds import ALIVE_NS
from bridge.space.owned.relations import Relation, Relations
from bridge.space.owned.templates import Template
from bridge.space.owned.views import Tree, Views
from bridge.subscriptions.subscription import Subscription
from bridge.uns import Message
from bridge.uns.moments import SECOND
from bridge.uns.policy import Rule

HOUR = 3600.0
FOR_EVER = 1e12  # seconds: no subscription is deserted before
ALIVE = ALIVE_NS / SECOND  # seconds
ORDER = {"item": "bolt", "count": 4}


class Plant(Feed):
    """A feed whose time passes in ticks, and which may be monitored."""

    def tick(self, seconds: float = 0.0) -> Self:
        self.seconds += seconds
        self.engine.tick(self.now_ns, self.seconds, lambda: self.seconds)
        while self.engine.behind:
            self.engine.tick(self.now_ns, self.seconds, lambda: self.seconds)
        return self

    @property
    def now_ns(self) -> int:
        return NOW_NS + int(self.seconds * SECOND)

    def delete(self, *topics: str) -> Self:
        return self.take(dict.fromkeys(topics, b""), retain=True)

    def monitor(self, ident: str, max_depth: int = 1) -> Subscription:
        subscriptions = self.engine.subscriptions
        found = subscriptions.create("me", None, FOR_EVER)
        subscriptions.register(found, ident, max_depth)
        subscriptions.sync(found, None, FOR_EVER)
        return found

    def heard(self, subscription: Subscription) -> list[tuple[str, Any, str]]:
        """Everything that a subscription has not acknowledged."""
        batches = self.engine.subscriptions.sync(subscription, None, FOR_EVER)
        return [(one.element_id, one.value, one.quality) for batch in batches for one in batch.updates]

    @property
    def ids(self) -> set[str]:
        return set(idents(self.engine))

    @property
    def removed(self) -> dict[str, int]:
        return dict(self.engine.space.removal.removed)


def sound(plant: Plant) -> bool:
    """Nothing is left of what has gone: listings, edges and values agree."""
    plant.arrange()
    assert invariants.faults(EngineView(plant.engine)) == []
    space = plant.engine.space
    assert {node.id for node in space.order()} == plant.ids
    assert {node.id for node in space.by_topic.values()} == {ident for ident in plant.ids if "#" not in ident}
    return True


# --- deleted ---------------------------------------------------------------------------------------------------------


def test_deleted_value_is_kept_by_default() -> None:
    """An empty retained payload leaves an element without data, and below a line it stays where it was."""
    plant = Plant().take({"line": {"name": "L"}, "line/m/speed": 1}).settle().delete("line/m/speed", "line").tick(HOUR)
    assert plant.value("line/m/speed")["quality"] == plant.value("line")["quality"] == "GoodNoData"
    assert (plant.removed, sound(plant)) == ({}, True)


@pytest.mark.parametrize("settled", [True, False], ids=["settled", "young"])
def test_deleted_element_is_removed(settled: bool) -> None:
    """With `remove` the element goes with its fields, and with the branches that nothing is left in."""
    plant = Plant(deletion="remove").take({"line/m01/doc": ORDER, "line/m02/speed": 2})
    if settled:
        plant.settle()
    revision = plant.engine.space.revision
    plant.delete("line/m01/doc")
    assert plant.ids == {"line", "line/m02", "line/m02/speed"}
    assert plant.engine.space.revision > revision
    assert (plant.removed, sound(plant)) == ({"deleted": 4}, True)
    assert plant.delete("line/m02/speed").ids == set()
    assert (plant.engine.space.roots, sound(plant)) == ({}, True)


def test_rules_say_what_is_removed() -> None:
    """A rule for some topics wins over what holds for all of them."""
    plant = Plant(rules=[Rule(["a/#"], {"deletion": "remove"})]).take({"a/x": 1, "b/x": 1}).delete("a/x", "b/x")
    assert plant.ids == {"b", "b/x"}


def test_live_empty_payload_is_no_deletion() -> None:
    """An element whose publisher says nothing has no data, and stays."""
    plant = Plant(deletion="remove").take({"a/x": 1}).take({"a/x": b""})
    assert (plant.value("a/x")["quality"], plant.removed) == ("GoodNoData", {})


def test_deletion_of_what_never_was_makes_nothing() -> None:
    """Neither unknown topics nor branches get a value by losing it."""
    plant = Plant(deletion="remove").take({"a/x": 1}).arrange().delete("b", "a")
    assert plant.ids == {"a", "a/x"}
    assert plant.value("a")["value"] == {"x": 1}
    assert (plant.engine.counters.duplicate, plant.engine.balance) == (2, 0)


def test_deleted_and_back_in_one_batch() -> None:
    """What is there again when the batch is over stays."""
    plant = Plant(deletion="remove").take({"a/x": 1})
    plant.engine.ingest(
        [Message("a/x", b"", retain=True, received_ns=NOW_NS), Message("a/x", b"2", received_ns=NOW_NS)]
    )
    assert (plant.value("a/x")["value"], plant.removed) == (2, {})


@pytest.mark.parametrize("settled", [True, False], ids=["settled", "young"])
def test_branch_loses_its_payload(settled: bool) -> None:
    """An element with others below it becomes a branch that is made of them, and a document again when it returns."""
    plant = Plant(deletion="remove").take({"line/m": {"mode": "auto"}, "line/m/speed": 1, "line/n/speed": 2})
    if settled:
        plant.settle()
    kind = plant.arrange().object("line/m")["typeElementId"]
    plant.delete("line/m").arrange()
    assert plant.ids == {"line", "line/m", "line/m/speed", "line/n", "line/n/speed"}
    assert plant.value("line/m")["value"] == {"speed": 1}
    assert sound(plant)
    plant.take({"line/m": {"mode": "auto"}})
    assert (plant.value("line/m#/mode")["value"], plant.arrange().object("line/m")["typeElementId"]) == ("auto", kind)
    plant.delete("line/m", "line/m/speed", "line/n/speed")
    assert (plant.ids, sound(plant)) == (set(), True)


# --- monitored -------------------------------------------------------------------------------------------------------


def test_subscriber_hears_first() -> None:
    """Whoever monitors a deleted element hears that it has no data; it goes when nobody monitors it any more."""
    plant = Plant(deletion="remove").take({"line/m/speed": 1}).settle()
    subscription = plant.monitor("line/m/speed")
    plant.delete("line/m/speed").tick(1)
    assert plant.heard(subscription)[-1] == ("line/m/speed", None, "GoodNoData")
    assert "line/m/speed" in plant.ids
    plant.engine.subscriptions.unregister(subscription, "line/m/speed")
    assert (plant.tick(1).ids, sound(plant)) == (set(), True)


@pytest.mark.parametrize("ident", ["line/m", "line/m/doc", "line/m/doc#/count"])
def test_what_is_monitored_is_not_taken_out(ident: str) -> None:
    """Nor is anything that holds it; a branch that nothing is left in stays as well while it is monitored."""
    plant = Plant(deletion="remove").take({"line/m/doc": ORDER}).settle()
    subscription = plant.monitor(ident)
    before = plant.ids
    assert not plant.engine.space.remove(plant.node("line"))
    assert plant.ids == before
    plant.delete("line/m/doc")
    assert ident in plant.ids
    plant.engine.subscriptions.delete(subscription)
    assert (plant.tick(1).ids, sound(plant)) == (set(), True)


def test_return_ends_the_wait() -> None:
    """A monitored element that reports again, even at the same time, does not go when it is let go of."""
    plant = Plant(deletion="remove").take({"a/x": 1}).settle()
    subscription = plant.monitor("a/x")
    plant.delete("a/x").take({"a/x": 2})
    plant.engine.subscriptions.delete(subscription)
    assert (plant.tick(1).value("a/x")["value"], plant.engine.space.removal.waiting) == (2, 0)


def test_few_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most so many wait for their subscribers; more of them stay as they are."""
    monkeypatch.setattr(removal, "MAX_WAITING", 1)
    plant = Plant(deletion="remove").take({"a/x": 1, "a/y": 1}).settle()
    subscription = plant.monitor("a", 0)
    for name in ("x", "y"):
        plant.engine.subscriptions.register(subscription, f"a/{name}", 1)
    plant.delete("a/x", "a/y")
    plant.engine.subscriptions.delete(subscription)
    assert plant.tick(1).ids == {"a", "a/y"}


def test_aliases_and_relations_go_along() -> None:
    """What shows an element elsewhere goes with it, and holds it while it is monitored; all of it comes back."""
    plant = Plant(deletion="remove")
    space = plant.engine.space
    kind = space.links.register("urn:test", "FedBy", "Feeds")
    space.registry.titles["urn:test"] = "Test"
    relation = Relation(kind, Template("a/vat{n}"), Template("b/skid{n}"))
    space.watchers += [
        Views(space, [Tree(("Vats", "{n}"), Template("a/vat{n}"))]),
        Relations(space.links, [relation]),
    ]
    plant.take({"a/vat1": 1, "b/skid1": 1}).settle()
    subscription = plant.monitor("$views/Vats/1")
    assert "a/vat1" in plant.delete("a/vat1").ids
    plant.engine.subscriptions.delete(subscription)
    assert (plant.tick(1).ids, sound(plant)) == ({"b", "b/skid1"}, True)
    assert "$views" not in space.nodes
    assert [name for name, _ in space.links.of(plant.node("b/skid1"))] == []
    plant.take({"a/vat1": 2})
    assert (plant.value("$views/Vats/1")["value"], sound(plant)) == (2, True)
    assert [other.id for _, other in space.links.of(plant.node("b/skid1"))] == ["a/vat1"]


def test_descriptions_go_along() -> None:
    """What a sibling has said is over when it goes, and holds again when the described element returns."""
    plant = Plant(deletion="remove").take({"t/x_PV": 1, "t/x_EU": "bar"}).settle()
    assert plant.node("t/x_PV").unit == "bar"
    assert plant.delete("t/x_EU").node("t/x_PV").unit is None
    plant.take({"t/x_EU": "bar"}).delete("t/x_PV").take({"t/x_PV": 2})
    assert (plant.node("t/x_PV").unit, sound(plant)) == ("bar", True)


# --- what comes back -------------------------------------------------------------------------------------------------

FURNACE = {"line/furnace": {"heat": 1.5, "gas": 2.5, "mode": "a"}, "line/furnace/state": {"on": True, "since": 3}}
PRESS = {"site/press/state": {"force": 1, "strokes": 2, "lot": "x"}}


@pytest.mark.parametrize("settled", [True, False], ids=["settled", "young"])
def test_return_of_the_same(settled: bool) -> None:
    """A topic that returns has the id, type and place that it had, also where its type's name is qualified."""
    plant = Plant(deletion="remove").take(FURNACE | PRESS)
    if settled:
        plant.settle()
    plant.arrange()
    before = {row["elementId"]: row for row in plant.browse.objects()}
    kinds = {plant.object(topic)["typeElementId"] for topic in ("line/furnace/state", "site/press/state")}
    assert len(kinds) == 2, "one of them is qualified"
    types = len(plant.engine.space.registry.by_id)
    plant.delete(*FURNACE, *PRESS)
    assert plant.ids == set()
    plant.take(PRESS | FURNACE).arrange()
    assert {row["elementId"]: row for row in plant.browse.objects()} == before
    assert (len(plant.engine.space.registry.by_id), sound(plant)) == (types, True)


def test_branches_return_where_they_were() -> None:
    """A settled model has decided what a branch is: it does not decide anew by the first of its children to return."""
    machine = {"run/state": 1, "run/speed": 2, "run/lot": "x"}
    other = {"run/open": True, "run/angle": 3.5, "run/torque": 2.5}
    feeds = {f"line/mill{n}/{key}": value for n in (1, 2) for key, value in machine.items()}
    feeds |= {f"hall/valve{n}/{key}": value for n in (1, 2) for key, value in other.items()}
    plant = Plant(deletion="remove").take(feeds).settle()
    before = {ident: (plant.node(ident).part, plant.node(ident).type.id) for ident in plant.ids}
    plant.delete(*feeds)
    for topic, value in feeds.items():
        plant.take({topic: value})
    assert {ident: (plant.node(ident).part, plant.node(ident).type.id) for ident in plant.ids} == before
    assert sound(plant)


# --- expired ---------------------------------------------------------------------------------------------------------


def test_silence_expires() -> None:
    """Whoever reports stays; the others go, with what is empty without them."""
    plant = Plant(expire_after=HOUR).take({"a/old/x": 1, "a/new/x": 1}).settle()
    plant.tick(HOUR / 2).take({"a/new/x": 2}).tick(HOUR / 2)
    assert plant.ids == {"a", "a/new", "a/new/x"}
    assert (plant.removed, sound(plant)) == ({"expired": 2}, True)
    assert plant.tick(HOUR / 2).ids == set()


def test_rules_say_what_expires() -> None:
    """Each topic has its own patience; 0 is endless."""
    rules = [Rule(["a/#"], {"expire_after": 10.0}), Rule(["b/#"], {"expire_after": 0.0})]
    plant = Plant(rules=rules, expire_after=HOUR).take({"a/x": 1, "b/x": 1, "c/x": 1}).settle().tick()
    assert plant.ids == {"b", "b/x", "c", "c/x"}
    assert plant.tick(100 * HOUR).ids == {"b", "b/x"}


def test_owner_expires_alone() -> None:
    """The silence of a machine's own payload is not that of what is below it."""
    plant = Plant(expire_after=HOUR).take({"m": {"mode": "auto"}, "m/speed": 1}).settle()
    plant.tick(HOUR / 2).take({"m/speed": 2}).tick(HOUR / 2 + 1)
    assert (plant.ids, plant.value("m")["value"], sound(plant)) == ({"m", "m/speed"}, {"speed": 2}, True)


def test_monitored_element_expires_later() -> None:
    """It stays with its value while it is monitored; one that reports meanwhile has its whole patience again."""
    plant = Plant(expire_after=HOUR).take({"a": 1, "b": 1}).settle()
    subscriptions = [plant.monitor("a"), plant.monitor("b")]
    plant.tick(HOUR)
    plant.take({"b": 2})
    assert (plant.ids, plant.value("a")["value"]) == ({"a", "b"}, 1)
    for subscription in subscriptions:
        plant.engine.subscriptions.delete(subscription)
    assert plant.tick(1).ids == {"b"}
    assert plant.tick(HOUR).ids == set()


def test_those_who_come_and_go_wait_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elements that were removed long before they could expire do not pile up."""
    monkeypatch.setattr(departures, "SLICE", 10)
    plant = Plant(expire_after=1000 * HOUR, deletion="remove", stale_after=1000 * HOUR)
    monkeypatch.setattr("bridge.space.liveness.SLICE", 10)
    for _ in range(100):
        plant.take({"a": 1, "a/x": 1}).delete("a/x", "a").tick(1)
    assert plant.ids == set()
    assert len(plant.engine.departures._waiting) <= 12
    assert len(plant.engine.liveness._waiting) <= 24


# --- doubts ----------------------------------------------------------------------------------------------------------


def test_doubts_go_along() -> None:
    """A removed element counts neither as stale, dead nor lost, and does not come back so."""
    plant = Plant(stale_after=60.0, expire_after=HOUR, broker_grace=0.0).take({"a/x": 1, "a/LWT": "offline"}).settle()
    plant.engine.broker_lost(plant.now_ns)
    plant.tick(61)
    liveness = plant.engine.liveness
    assert (liveness.stale, liveness.dead, liveness.lost) == (2, 1, 2)
    plant.engine.broker_back(session_kept=False)
    assert (plant.tick(HOUR + 1).ids, liveness.stale, liveness.dead, liveness.lost) == (set(), 0, 0, 0)
    plant.take({"a/x": 1})
    assert plant.value("a/x")["quality"] == "Good"


def test_what_a_removed_status_covers_is_judged_again() -> None:
    """A last will that has expired says nothing any more."""
    rules = [Rule(["a/LWT"], {"expire_after": 60.0})]
    plant = Plant(rules=rules).take({"a/x": 1, "a/LWT": "offline"}).settle()
    assert plant.value("a/x")["quality"] == "Bad"
    assert plant.tick(60).tick(1).ids == {"a", "a/x"}
    assert plant.value("a/x")["quality"] == "Good"


# --- crowds ----------------------------------------------------------------------------------------------------------


def orders(numbers: Iterable[int], stem: str = "ORD-") -> dict[str, Any]:
    return {f"acme/orders/{stem}{number:06}": ORDER for number in numbers}


@pytest.mark.parametrize("stem", [pytest.param("ORD-", id="numbered"), pytest.param("", id="identities")])
def test_longest_silent_go(stem: str) -> None:
    """A collection with more than its members lets the longest silent go, one part in a hundred more than it must."""
    plant = Plant(limits=Limits(instances=200)).take(orders(range(100), stem)).settle()
    plant.tick(10).take(orders(range(100, 250), stem)).take(orders(range(10), stem)).tick(ALIVE + 1)
    left = {ident for ident in plant.ids if ident.count("/") == 2 and "#" not in ident}
    assert left == {*orders(range(10), stem), *orders(range(62, 250), stem)}
    assert (plant.removed, sound(plant)) == ({"crowded": 52 * 3}, True)


def test_members_of_a_known_collection() -> None:
    """Where the learner sees a collection, its members need no numbers."""
    people = ["anna", "bob", "carl", "dora", "emil"]
    plant = (
        Plant(limits=Limits(instances=5))
        .take({f"acme/people/{name}": {"name": name, "badge": 1} for name in people})
        .settle()
    )
    assert plant.node("acme/people").item_role == "Person" or plant.node("acme/people").item_role is not None
    plant.tick(ALIVE).take({"acme/people/fred": {"name": "fred", "badge": 2}}).tick()
    assert {ident for ident in plant.ids if ident.count("/") == 2 and "#" not in ident} == {
        f"acme/people/{name}" for name in [*people[1:], "fred"]
    }


def test_branches_are_members_too() -> None:
    """A member has reported when anything below it has."""
    plant = Plant(limits=Limits(instances=2)).take({f"a/trip{n}/pos/x": n for n in range(3)}).settle().tick(ALIVE)
    plant.take({"a/trip0/pos/x": 9}).take({"a/trip3/pos/x": 3}).tick()
    assert {ident for ident in plant.ids if ident.count("/") == 1} == {"a/trip0", "a/trip3"}


def test_data_points_are_no_crowd() -> None:
    """Numbered scalars, and documents with names of their own, stay however many they are."""
    plant = Plant(limits=Limits(instances=3)).take(
        {f"plc/DB{n}": n for n in range(20)} | {f"m/{c}": {c: 1} for c in "abcdefgh"}
    )
    before = plant.settle().ids
    assert plant.tick(100 * HOUR).take({"plc/DB20": 1, "m/i": {"i": 1}}).tick(HOUR).ids > before


def test_bursts_push_out_nobody_who_is_alive() -> None:
    """Whoever has reported within the last minutes stays; when they are silent, they go without anything new."""
    plant = Plant(limits=Limits(instances=10)).take(orders(range(50))).settle().tick(ALIVE - 61)
    assert len(plant.ids & set(orders(range(50)))) == 50
    assert plant.tick(62).ids & set(orders(range(50))) == set(orders(range(40, 50)))


def test_monitored_members_stay() -> None:
    """Others go in their place."""
    plant = Plant(limits=Limits(instances=10)).take(orders(range(12))).settle()
    plant.monitor("acme/orders/ORD-000000")
    assert plant.tick(ALIVE).ids & set(orders(range(12))) == {*orders([0]), *orders(range(3, 12))}


def test_many_crowds_below_one_parent() -> None:
    """Each stem is a crowd of its own; those who are deleted leave room for others."""
    carts = {f"hall/cart{number}/pos/x": number for number in range(40)}
    first, more = dict(list(carts.items())[:10]), dict(list(carts.items())[10:])
    plant = (
        Plant(limits=Limits(instances=10), deletion="remove")
        .take(first | {f"hall/lift{n}/pos/x": n for n in range(10)})
        .settle()
    )
    plant.tick(ALIVE).take(more).delete(*more).tick(1)
    assert plant.removed == {"deleted": 90}
    plant.take({"hall/cart99/pos/x": 1}).tick(1)
    assert (plant.removed, sound(plant)) == ({"deleted": 90, "crowded": 3}, True)
    assert "hall/cart0" not in plant.ids


def test_full_space_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a new element is refused, silent members of large collections go, even within their own bound."""
    monkeypatch.setattr(crowds, "WIDE", 20)
    limits = Limits(elements=302)
    plant = Plant(limits=limits).take(orders(range(100))).settle()
    assert plant.engine.space.size == 302
    plant.take({"line/m/speed": 1})
    assert plant.engine.rejected == {"elements": 1}, "all of them are alive"
    plant.tick(ALIVE).take({"line/m/speed": 1})
    assert (plant.value("line/m/speed")["value"], plant.engine.rejected) == (1, {"elements": 1})
    assert (set(plant.removed), plant.engine.space.size <= 302, sound(plant)) == ({"crowded"}, True, True)


CHURN = 30_000
CAP = 1_000
BATCH = 500


def test_churn() -> None:
    """Orders without end through a small collection: elements, types and all indices stay bounded."""
    plant = Plant(limits=Limits(instances=CAP), expire_after=1000 * HOUR, stale_after=1000 * HOUR).take(
        {"acme/line/speed": 1}
    )
    space = plant.engine.space
    kind = space.links.register("urn:test", "Bills", "BilledBy")
    space.registry.titles["urn:test"] = "Test"
    space.watchers.append(
        Relations(space.links, [Relation(kind, Template("acme/bills/{n}"), Template("acme/orders/{n}"))])
    )
    plant.take(orders(range(3))).settle()
    types, most = len(space.registry.by_id), 0
    for first in range(3, CHURN, BATCH):
        plant.take({topic: {"count": 4} for topic in orders(range(first, first + BATCH))}).tick(300)
        most = max(most, len(plant.ids))
    assert most <= 2 * (CAP + 3 * BATCH) + 8
    assert len(space.registry.by_id) == types
    assert (plant.engine.rejected, plant.engine.balance) == ({}, 0)
    assert plant.removed["crowded"] >= 2 * (CHURN - CAP - 3 * BATCH)
    assert sound(plant)
    held = {path: size for path, size in _sizes(plant.engine, "engine") if size > 4 * (CAP + 4 * BATCH)}
    assert held == {}, "an index that has grown with all the orders"


def _sizes(root: object, path: str) -> Iterable[tuple[str, int]]:
    """Every collection that an object of ours holds, with its size; each once."""
    seen: set[int] = set()
    waiting: list[tuple[object, str]] = [(root, path)]
    while waiting:
        at, path = waiting.pop()
        if id(at) in seen:
            continue
        seen.add(id(at))
        if isinstance(at, (dict, list, set, tuple, frozenset)):
            yield path, len(at)
            inner = at.values() if isinstance(at, dict) else at
            waiting += [(one, f"{path}[]") for one in inner]
        elif type(at).__module__.startswith("bridge.") and not isinstance(at, type):
            names = [name for kind in type(at).__mro__ for name in getattr(kind, "__slots__", ())]
            names += [*getattr(at, "__dict__", {}), *getattr(at, "__struct_fields__", ())]
            waiting += [(getattr(at, name, None), f"{path}.{name}") for name in names if hasattr(at, name)]


def test_outage_is_no_silence() -> None:
    """While there is no broker nobody can speak: elements wait, and have their whole patience again afterwards."""
    feed = Feed(expire_after=10.0).take({"p/m1/speed": 1}).settle()
    feed.take({"p/m1/speed": 2})
    engine, start = feed.engine, feed.seconds

    def shown(after: float) -> bool:
        engine.tick(NOW_NS + int((start + after) * SECOND), start + after, lambda: 0.0)
        return "p/m1/speed" in engine.space.nodes

    engine.broker_lost(NOW_NS)
    assert shown(30)
    engine.broker_back(session_kept=True)
    assert [shown(after) for after in (31, 39, 41)] == [True, True, False]
