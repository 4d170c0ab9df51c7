"""What somebody sees who may read some topics: exactly what there would be if nothing else had ever come."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from feeding import NOW, Feed
from hypothesis import given, settings
from hypothesis import strategies as st
from inprocess import AXIS, CURRENT, MOTOR, PRESS, SPEED, TEMPERATURE, InProcess

from bridge.space import sight as module
from bridge.space.browse import Budget
from bridge.space.owned.templates import Template
from bridge.space.owned.views import Tree, Views
from bridge.space.sight import EVERYTHING, Sight, Sights
from bridge.subscriptions import Subscription
from bridge.uns.topics import matches

OTHER = "acme/line2/press1/speed"
FOLDER = "urn:i3x-bridge#Folder"
ALL_TIME = (0, 10**20)


def seen(bridge: InProcess, *filters: str) -> list[str]:
    """Ids of what is listed for who may read these."""
    return [row["elementId"] for row in bridge.engine.browse.objects(sight=bridge.engine.sight(filters))]


def value(bridge: InProcess, ident: str, sight: Sight, depth: int = 1) -> Any:
    return bridge.engine.browse.value(ident, depth, Budget(1_000), sight=sight)


# --- filters ----------------------------------------------------------------------------------------------------------

levels = st.sampled_from(["a", "b", "", "a.b", "$x", "+"])
topics = st.lists(st.sampled_from(["a", "b", "", "a.b", "$x", "ä\n"]), min_size=1, max_size=4).map("/".join)
filters = st.tuples(st.lists(levels, max_size=4), st.booleans()).map(
    lambda drawn: "/".join([*drawn[0], *["#"] * (drawn[1] or not drawn[0])])
)


@settings(max_examples=300)
@given(st.lists(filters, max_size=3), topics)
def test_covered(some: list[str], topic: str) -> None:
    """A topic is covered as the standard says it of filters; "#" alone covers also what begins with "$"."""
    assert Sight(some).covers(topic) == ("#" in some or any(matches(one, topic) for one in some))


@pytest.mark.parametrize(
    ("some", "ids"),
    [
        pytest.param((), [], id="nothing"),
        pytest.param((TEMPERATURE,), ["acme", "acme/line1", PRESS, TEMPERATURE], id="one and the way to it"),
        pytest.param(("acme/+/+/speed",), ["acme", "acme/line2", "acme/line2/press1", OTHER], id="a level"),
        pytest.param(
            (f"{AXIS}/#",),
            ["acme", "acme/line1", PRESS, AXIS, f"{AXIS}#/x", f"{AXIS}#/pos", f"{AXIS}#/pos/y"],
            id="fields follow their owner",
        ),
        pytest.param((MOTOR,), ["acme", "acme/line1", PRESS, MOTOR], id="an element without its parts"),
        pytest.param(("other/#",), [], id="elsewhere"),
    ],
)
def test_seen(bridge: InProcess, some: tuple[str, ...], ids: list[str]) -> None:
    """Listed is what is covered and what leads there; `$bridge` takes the sight of everything."""
    bridge.publish(OTHER, 1)
    bridge.arrange()
    assert sorted(seen(bridge, *some)) == sorted(ids)
    assert "$bridge" in seen(bridge, "#")


def test_seen_follows_the_space(bridge: InProcess) -> None:
    """What was found out about ways holds no longer than the model stays as it is."""
    assert seen(bridge, f"{PRESS}/new") == []
    bridge.publish(f"{PRESS}/new", 1)
    assert seen(bridge, f"{PRESS}/new")[-1] == f"{PRESS}/new"


def test_few_remember(bridge: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal filters are one sight; however many there are, the last few remember something, and so much at most."""
    monkeypatch.setattr(module, "REMEMBERING", 2)
    monkeypatch.setattr(module, "REMEMBERED", 1)
    sights = Sights(lambda: bridge.engine.space.revision)
    asked = [sights.of([f"acme/line1/press1/{part}", "x"]) for part in ("temperature", "axis", "motor/speed")]
    listed = [len(bridge.engine.browse.objects(sight=one)) for one in asked]
    assert listed == [4, 7, 5]
    assert [one._memo is not None for one in asked] == [False, True, True]
    assert [len(one._memo.leads) for one in asked[1:] if one._memo is not None] == [1, 1]
    assert sights.of(["x", "acme/line1/press1/axis", "x"]) is asked[1]
    assert sights.of(["x", "#"]) is EVERYTHING


# --- what a way and a part are shown as -------------------------------------------------------------------------------


def test_way_has_nothing_of_its_own(bridge: InProcess) -> None:
    """A payload on the way is not told: neither its value nor its time, name, unit or type."""
    bridge.publish(MOTOR, {"value": 4711, "timestamp": bridge.now_ns, "unit": "bar", "displayName": "Secret"})
    bridge.arrange()
    sight = bridge.engine.sight([SPEED])
    found = bridge.engine.browse.object(MOTOR, metadata=True, sight=sight)
    assert found == {
        "elementId": MOTOR,
        "displayName": "motor",
        "typeElementId": FOLDER,
        "parentId": PRESS,
        "isComposition": True,
        "isExtended": False,
        "metadata": {
            "description": None,
            "typeNamespaceUri": "urn:i3x-bridge",
            "sourceTypeId": "FolderType",
            "relationships": {"ComponentOf": [PRESS], "HasComponent": [SPEED]},
            "schemaExtensions": None,
            "system": {"topic": MOTOR},
        },
    }
    assert value(bridge, MOTOR, sight)["value"] == {"speed": 5}


def test_way_is_as_old_as_what_it_leads_to() -> None:
    """Without a value the time of a folder is that of its first element that is seen, not of a hidden one."""
    feed = Feed().take({"a/hidden": 1, "b/hidden": 1})
    feed.seconds = 5
    feed.take({"a/b/seen": 2}).arrange()
    for some in (["a/b/#"], ["a", "a/b/#"]):
        found = feed.browse.value("a", 1, Budget(9), sight=feed.engine.sight(some)) or {}
        assert (found["value"], found["quality"], found["timestamp"]) == (None, "GoodNoData", NOW.format(5))


@pytest.mark.parametrize(
    ("some", "told"),
    [
        pytest.param((MOTOR,), None, id="no part"),
        pytest.param((MOTOR, SPEED), {"speed": 5}, id="a part"),
        pytest.param((f"{MOTOR}/#",), {"current": 5.5, "speed": 5}, id="all parts"),
    ],
)
def test_read_but_for_its_parts(bridge: InProcess, some: tuple[str, ...], told: Any) -> None:
    """An element made of parts has the value of those that are seen, and its type only where all of them are."""
    sight = bridge.engine.sight(some)
    found = bridge.engine.browse.object(MOTOR, sight=sight) or {}
    assert value(bridge, MOTOR, sight)["value"] == told
    assert (found["typeElementId"] == FOLDER) == (told is None or len(told) < 2)
    assert found["isComposition"] == (told is not None)


def test_types(bridge: InProcess) -> None:
    """Types are those of what is seen; what values of others have been is not told with them."""
    for number in range(20):
        bridge.publish(f"{PRESS}/state", ["RUN", "STOP"][number % 2])
    bridge.arrange()
    sight = bridge.engine.sight([f"{PRESS}/state"])
    kinds = bridge.engine.browse.object_types(sight=sight)
    rows = bridge.engine.browse.objects(sight=sight)
    assert {kind["elementId"] for kind in kinds} == {row["typeElementId"] for row in rows}
    assert "enum" not in str(kinds)
    assert {row["uri"] for row in bridge.engine.browse.namespaces(sight=sight)} == {
        "https://cesmii.org/i3x",
        *(kind["namespaceUri"] for kind in kinds),
    }


@pytest.mark.parametrize(
    ("hidden", "told"),
    [pytest.param(True, [None, None], id="hidden"), pytest.param(False, ["Air [bar]", "bar"], id="read")],
)
def test_described_by_others(hidden: bool, told: list[str | None]) -> None:
    """A unit and a description from another topic are told to who reads that topic; its type's unit and limits, too."""
    feed = Feed()
    feed.take({"a/X_PV": 1.5, "a/X_EU": b"bar", "a/X_DESC": b"Air", "a/X_MIN": 0, "a/X_MAX": 9})
    feed.arrange()
    sight = feed.engine.sight(["a/X_PV", *([] if hidden else ["a/X_EU", "a/X_DESC"])])
    meta = (feed.engine.browse.object("a/X_PV", metadata=True, sight=sight) or {})["metadata"]
    schemas = [kind["schema"] for kind in feed.engine.browse.object_types(sight=sight)]
    assert [meta["description"], meta["system"].get("unit")] == told
    assert ("bar" in str(schemas)) == (not hidden)
    assert "maximum" not in str(schemas)


@pytest.mark.parametrize(
    ("more", "name"), [pytest.param((), "0", id="hidden"), pytest.param(("l/Parameter/0/Name",), "Speed", id="read")]
)
def test_named_by_others(more: tuple[str, ...], name: str) -> None:
    """A name for people from another topic is told to who reads that topic."""
    feed = Feed().take({"l/Parameter/0/Name": b"Speed", "l/Parameter/0/Value": 5.5, "l/Parameter/0/ID": 1}).arrange()
    found = feed.browse.object("l/Parameter/0", sight=feed.engine.sight(("l/Parameter/0", *more))) or {}
    assert (found["displayName"], feed.object("l/Parameter/0")["displayName"]) == (name, "Speed")


def test_history(bridge: InProcess) -> None:
    """The past of what is made of parts is that of the parts that are seen, under no other names."""
    for number, topic in enumerate((SPEED, CURRENT, TEMPERATURE, SPEED)):
        bridge.pass_time(1)
        bridge.publish(topic, number)
    (found,) = asyncio.run(histories(bridge, [PRESS], bridge.engine.sight([SPEED])))
    assert [row["value"] for row in found["values"]] == [{"motor": {"speed": 0}}, {"motor": {"speed": 3}}]
    assert list(found["components"]) == [MOTOR, SPEED]


# --- aliases ----------------------------------------------------------------------------------------------------------

VAT = "acme/north/vat1"
TREE = Tree(("By kind", "{vat}"), Template("acme/{site}/{vat}"))
PLACE = "$views/By kind/vat1"


@pytest.mark.parametrize(
    ("some", "told"),
    [
        pytest.param(("acme/south/#",), None, id="not seen"),
        pytest.param((f"{VAT}/level",), {"level": 1}, id="a part of the target"),
        pytest.param((VAT,), {}, id="the target without its parts"),
        pytest.param((f"{VAT}/#",), {"heat": 0, "level": 1}, id="all of it"),
    ],
)
def test_alias_follows_its_target(some: tuple[str, ...], told: Any) -> None:
    """It is seen where its target is, as much of it, in values, updates and relationships; so are its folders."""
    feed = Feed(levels=("Enterprise", "Site", "Vat"))
    feed.engine.space.watchers.append(Views(feed.engine.space, (TREE,)))
    feed.take({f"{VAT}/heat": 0, f"{VAT}/level": 1, "acme/south/vat2/level": 5}).settle()
    sight, browse, all_ = feed.engine.sight(some), feed.engine.browse, feed.engine.subscriptions
    listed = [row["elementId"] for row in browse.objects(sight=sight)]
    assert (PLACE in listed, VAT in listed) == ((told is not None,) * 2)
    assert ("$views/By kind/vat2" in listed) == (told is None)
    if told is not None:
        assert "$views" in listed
        found = browse.value(PLACE, 1, Budget(9), sight=sight) or {}
        assert found | {"isComposition": bool(told)} == browse.value(VAT, 1, Budget(9), sight=sight)
        assert found["value"] == (told or None)
        kinds = {(browse.object(ident, sight=sight) or {})["typeElementId"] for ident in (PLACE, VAT)}
        assert (len(kinds), kinds == {FOLDER}) == (1, "heat" not in told)
        mine = all_.create("c", None, 0.0, "owner", sight)
        all_.register(mine, PLACE, 1)
        all_.sync(mine, -1, 0.0)
        feed.take({f"{VAT}/heat": 7})
        assert [one.value for batch in all_.sync(mine, None, 0.0) for one in batch.updates] == (
            [{"heat": 7, "level": 1}] if "heat" in told else []
        )


# --- a space that never had what is hidden ----------------------------------------------------------------------------


@st.composite
def plants(draw: st.DrawFn) -> tuple[list[str], list[bool], list[str]]:
    """Topics, which of them have documents, and filters that concern some of them; what is deep is made of parts."""
    level = [st.sampled_from([f"{depth}{letter}" for letter in "ab"]) for depth in range(3)]
    ways = st.one_of(
        *(st.tuples(st.just("top"), *level[:1], st.just("m"), *level[1 : depth + 1]) for depth in range(3))
    )
    found = draw(st.lists(ways.map("/".join), min_size=2, max_size=8, unique=True))
    asked = []
    for _ in range(draw(st.integers(0, 3))):
        parts = draw(st.sampled_from(found)).split("/")
        if draw(st.booleans()):
            parts = parts[: draw(st.integers(1, len(parts)))]
            parts[draw(st.integers(0, len(parts) - 1))] = draw(st.sampled_from(["+", parts[-1]]))
            parts += ["#"] * draw(st.integers(0, 1))
        asked.append("/".join(parts))
    return found, [draw(st.booleans()) for _ in found], asked


class Plant:
    """A bridge that has all topics, and one that has only those that a sight reads; values are never the same twice."""

    def __init__(self, names: list[str], documents: list[bool], asked: list[str]) -> None:
        self.full, self.poor = InProcess(), InProcess()
        self.names, self.documents = names, documents
        self.sight = self.full.engine.sight(asked)
        self.hidden_values: set[int] = set()
        self._number = 100_000
        self._is_timed = False  # what is read now may have been a way before, which nobody remembers
        for index in range(len(names)):
            self.publish(index)
        self._is_timed = True
        self.full.arrange()
        self.poor.arrange()
        nodes = self.full.engine.space.nodes.values()
        self.seen = {node.id for node in nodes if self.sight.sees(node)}
        self.hidden = {node.id for node in nodes} - self.seen
        self.there = [ident for ident in self.poor.engine.space.nodes if not ident.startswith("$")]
        self.more = self.seen - set(self.there)  # folders that are read although all below them is hidden

    def publish(self, index: int) -> None:
        self._number += 10
        number, name = self._number, self.names[index]
        said = {"x": number, "pos": {"y": number + 1}} if self.documents[index] else number
        self.full.publish(name, said)
        if self.sight.covers(name):
            self.poor.publish(name, said)
        else:
            self.hidden_values |= {number, number + 1}
        if self._is_timed:
            self.full.pass_time(1)
            self.poor.pass_time(1)

    def tell_nothing_hidden(self, told: object, *, names: bool = True) -> None:
        text = msgspec.json.encode(told).decode()
        assert self.hidden_values.isdisjoint(map(int, re.findall(r"\d{6}", text)))
        assert [ident for ident in self.hidden if f'"{ident}"' in text] == []
        if names:
            known = {level for ident in self.seen for level in re.split("[/#]", ident)}
            strange = {level for ident in self.hidden for level in re.split("[/#]", ident)} - known
            assert [name for name in strange if f'"{name}"' in text] == []


def answers(bridge: InProcess, idents: Sequence[str], sight: Sight) -> dict[str, Any]:
    """What a bridge says about elements, but for their types, which are learnt of all."""
    browse, found = bridge.engine.browse, {}
    pasts = asyncio.run(histories(bridge, idents, sight))
    for ident, past in zip(idents, pasts, strict=True):
        row = browse.object(ident, metadata=True, sight=sight) or {}
        row = {key: row[key] for key in ("displayName", "parentId", "isComposition")} | {
            key: row["metadata"][key] for key in ("description", "relationships", "system")
        }
        edges = browse.related(ident, sight=sight) or []
        related = [(edge["sourceRelationship"], edge["object"]["elementId"]) for edge in edges]
        found[ident] = (row, related, value(bridge, ident, sight, 0), past)
    return found


async def histories(bridge: InProcess, idents: Sequence[str], sight: Sight) -> list[Any]:
    historian, nodes = bridge.context.historian, bridge.engine.space.nodes
    query = historian.query(*ALL_TIME, 0, Budget(10_000), historian.allowance(60.0, bridge.clock), sight=sight)
    return [msgspec.json.decode(msgspec.json.encode(await query.answer(nodes[ident]))) for ident in idents]


def fresh(bridge: InProcess, mine: Subscription) -> list[Any]:
    batches = bridge.engine.subscriptions.sync(mine, None, bridge.now)
    bridge.engine.subscriptions.sync(mine, -1, bridge.now)
    return [(one.element_id, one.value, one.quality, one.time_ns, one.initial) for b in batches for one in b.updates]


def monitored(bridge: InProcess, items: list[tuple[str, int]], sight: Sight) -> Subscription:
    made = bridge.engine.subscriptions.create("c", None, bridge.now, "owner", sight)
    for ident, depth in items:
        bridge.engine.subscriptions.register(made, ident, depth)
    bridge.engine.subscriptions.flush()
    return made


@settings(max_examples=40, deadline=None)
@given(plants(), st.data())
def test_as_if_it_had_never_been(drawn: tuple[list[str], list[bool], list[str]], data: st.DataObject) -> None:
    """Listings, relationships, values, history and updates are those of a space that never had what is hidden."""
    plant = Plant(*drawn)
    full, poor, sight = plant.full, plant.poor, plant.sight
    listed = full.engine.browse.objects(metadata=True, sight=sight)
    assert {row["elementId"] for row in listed} == plant.seen >= set(plant.there)
    wanted = st.tuples(st.sampled_from(plant.there), st.integers(0, 3))
    items = data.draw(st.lists(wanted, max_size=3)) if plant.there else []
    mine, theirs = monitored(full, items, sight), monitored(poor, items, EVERYTHING)
    updates = [(fresh(full, mine), fresh(poor, theirs))]
    for index in data.draw(st.lists(st.integers(0, len(plant.names) - 1), max_size=6)):
        plant.publish(index)
        updates.append((fresh(full, mine), fresh(poor, theirs)))
    found = answers(full, plant.there, sight)
    plant.tell_nothing_hidden([listed, found, updates])
    plant.tell_nothing_hidden(
        [full.engine.browse.object_types(sight=sight), full.engine.browse.namespaces(sight=sight)], names=False
    )
    if not plant.more:
        assert found == answers(poor, plant.there, EVERYTHING)
        assert [one for one, _ in updates] == [other for _, other in updates]


@settings(max_examples=40, deadline=None)
@given(plants(), st.data())
def test_permissions_that_shrink(drawn: tuple[list[str], list[bool], list[str]], data: st.DataObject) -> None:
    """What waits is what the new sight leaves, in the same batches; of what is seen in part, the present value."""
    plant = Plant(*drawn)
    full, sight, all_ = plant.full, plant.sight, plant.full.engine.subscriptions
    idents = sorted(plant.seen | plant.hidden)
    mine = monitored(
        full, [(data.draw(st.sampled_from(idents)), data.draw(st.integers(0, 2))) for _ in range(3)], EVERYTHING
    )
    for index in data.draw(st.lists(st.integers(0, len(plant.names) - 1), max_size=6)):
        plant.publish(index)
        if data.draw(st.booleans()):
            all_.sync(mine, None, full.now)
    nodes = full.engine.space.nodes
    before = {batch.number: batch.updates for batch in mine.queue.batches}
    queued = (*mine.queue._initial.values(), *mine.queue.pending)
    all_.look_again("owner", sight)
    assert set(mine.items) <= plant.seen
    assert [batch.number for batch in mine.queue.batches] == list(before)
    after = {batch.number: batch.updates for batch in all_.sync(mine, None, full.now)}
    if queued:
        before[max([0, *before]) + 1] = queued
    for number, updates in before.items():
        left = [one for one in updates if one.element_id in plant.seen]
        kept = [one for one in left if sight.is_whole(nodes[one.element_id])]
        assert [one for one in after.get(number, ()) if sight.is_whole(nodes[one.element_id])] == kept
        for one in set(after.get(number, ())) - set(kept):
            assert (one.value, one.time_ns) == sight.vqt(nodes[one.element_id], full.engine.space.zone)[::2]
    plant.tell_nothing_hidden([msgspec.Raw(one.json()) for updates in after.values() for one in updates])
    assert all_.queued == mine.queue.held == sum(map(len, after.values()))
    all_.delete(mine)
    assert (all_.queued, all_.bytes, all_.items) == (0, 0, 0)
