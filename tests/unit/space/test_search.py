"""Search: what is found is what browsing shows, the best first, whatever comes and goes meanwhile."""

from collections.abc import Sequence
from typing import Any

import pytest
from feeding import Feed
from inprocess import PRESS, SPEED
from world import World

from bridge.engine import Engine
from bridge.space import search as module
from bridge.space.owned.templates import Template
from bridge.space.owned.views import Tree, Views
from bridge.space.search import Search
from bridge.uns.policy import Rule

QUERIES = ("speed", "PRESS line1", "acme motor line1", "e", "hostile", "ünï", "°c", "zzz", "(empty)", "folder press1",
           "%", "SPBV1.0 level", "🏭", "temp", "a e i o", "bridge version", "hostile//", "urn:test speed")  # fmt: skip
FILTERS = (("#",), ("acme/#",), (SPEED,), ("+/+/+/motor/#", "hostile/+"), ("nothing/#",), ("$bridge/#",))


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def begin(engine: Engine, query: str, limit: int = 1_000_000, filters: Sequence[str] = ("#",)) -> Search:
    return Search(engine.space, engine.browse, query, limit, engine.sight(filters))


def rows(engine: Engine, query: str, limit: int = 1_000_000, filters: Sequence[str] = ("#",)) -> list[dict[str, Any]]:
    search = begin(engine, query, limit, filters)
    search.look(list(engine.space.nodes.values()))
    return list(search.results())


def ids(engine: Engine, query: str, limit: int = 1_000_000, filters: Sequence[str] = ("#",)) -> list[str]:
    return [row["elementId"] for row in rows(engine, query, limit, filters)]


def rank(row: dict[str, Any], query: str) -> tuple[int, int, str]:
    """By the plain rules, one after the other."""
    name, whole = row["displayName"].casefold(), query.casefold()
    kinds = (name == whole, name.startswith(whole), whole in name, True)
    return kinds.index(True), len(row["elementId"]), row["elementId"]


def browsed(engine: Engine, query: str, filters: Sequence[str]) -> list[str]:
    """What somebody finds who goes through all that browsing shows them."""
    found = []
    for row in engine.browse.objects(metadata=True, sight=engine.sight(filters)):
        meta = row["metadata"]
        texts = [row["displayName"], row["elementId"], row["typeElementId"], meta["description"] or ""]
        texts = [text.casefold() for text in (*texts, meta["system"].get("unit", ""))]
        if all(any(word in text for text in texts) for word in query.casefold().split()):
            found.append(row)
    return [row["elementId"] for row in sorted(found, key=lambda row: rank(row, query))]


@pytest.mark.parametrize("filters", FILTERS, ids=lambda some: " ".join(some))
@pytest.mark.parametrize("query", QUERIES)
def test_as_browsing(world: World, query: str, filters: Sequence[str]) -> None:
    """All that browsing shows to the same eyes, and nothing else, in the order that is promised."""
    assert ids(world.engine, query, filters=filters) == browsed(world.engine, query, filters)


def test_queries_find_something(world: World) -> None:
    """The comparison above is not one of nothing with nothing."""
    empty = [query for query in QUERIES if not ids(world.engine, query)]
    assert empty == ["zzz", "folder press1"]  # the press is a folder for those who see only a part of it


@pytest.mark.parametrize("limit", [1, 2, 10, 100])
def test_the_best(world: World, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit leaves out the last ones, however early they came; the total counts them all."""
    everything = ids(world.engine, "e")
    monkeypatch.setattr(module, "_MANY", 3)
    for nodes in (list(world.engine.space.nodes.values()), list(world.engine.space.nodes.values())[::-1]):
        search = begin(world.engine, "e", limit)
        for node in nodes:
            search.look([node])
        assert [row["elementId"] for row in search.results()] == everything[:limit]
        assert search.total == len(everything)


def test_what_a_result_is(world: World) -> None:
    """The object as browsing shows it, its unit, and the way to it from the root, itself left out."""
    world.publish(f"{PRESS}/oil", {"value": 5.5, "unit": "bar"})
    world.arrange()
    (found,) = rows(world.engine, "press1/oil")
    assert found == {
        **(world.engine.browse.object(f"{PRESS}/oil") or {}),
        "unit": "bar",
        "path": [
            {"elementId": "acme", "displayName": "acme"},
            {"elementId": "acme/line1", "displayName": "line1"},
            {"elementId": PRESS, "displayName": "press1"},
        ],
    }


@pytest.mark.parametrize(
    ("more", "found"),
    [
        pytest.param((), {"bar": [], "air": [], "pv": ["a/X_PV"], "folder": ["a"]}, id="hidden"),
        pytest.param(("a/X_EU",), {"bar": ["a/X_PV"], "air": []}, id="the unit is read"),
        pytest.param(("a/X_DESC", "a/X_EU"), {"bar": ["a/X_PV"], "air": ["a/X_PV"]}, id="all is read"),
    ],
)
def test_described_by_others(more: Sequence[str], found: dict[str, list[str]]) -> None:
    """Words of a unit and a description match for who reads where they come from."""
    feed = Feed().take({"a/X_PV": 1.5, "a/X_EU": b"bar", "a/X_DESC": b"Air", "a/X_MAX": 9}).arrange()
    filters = ("a/X_PV", *more)
    told = {word: [one for one in ids(feed.engine, word, filters=filters) if one in ("a", "a/X_PV")] for word in found}
    shown = {word: [one for one in browsed(feed.engine, word, filters) if one in ("a", "a/X_PV")] for word in found}
    assert told == shown


def test_named_by_others() -> None:
    """A name for people matches for who reads where it comes from."""
    feed = Feed().take({"l/Parameter/0/Name": b"Speed", "l/Parameter/0/Value": 5.5, "l/Parameter/0/ID": 1}).arrange()
    assert ids(feed.engine, "speed")[0] == "l/Parameter/0"
    assert ids(feed.engine, "speed", filters=("l/Parameter/0",)) == []
    assert "speed" not in str(rows(feed.engine, "value", filters=("l/Parameter/0/Value",))).casefold()


def test_configured_words() -> None:
    """A name, a description and a unit that the configuration gives match."""
    rule = Rule(("a/b",), {"name": "Boiler feed", "description": "Water to the drum", "unit": "kg/h"})
    feed = Feed(rules=(rule,)).take({"a/b": 1.5, "a/c": 2.5}).arrange()
    for query in ("boiler feed", "DRUM", "kg/h", "a/b boiler water kg"):
        assert ids(feed.engine, query) == ["a/b"]
    assert ids(feed.engine, "boiler steam") == []


def test_type_of_what_is_seen_in_part(world: World) -> None:
    """A machine of which parts are hidden is shown without its type, and not found by it."""
    kind = (world.engine.browse.object(PRESS) or {})["typeElementId"].partition("#")[2]
    assert PRESS in ids(world.engine, kind)
    assert PRESS not in ids(world.engine, f"{kind} line1", filters=(SPEED,)) or "press" in kind.casefold()
    assert PRESS in ids(world.engine, "folder press1", filters=(SPEED,))
    assert PRESS not in ids(world.engine, "folder press1")


def test_views() -> None:
    """An element is found once more where a view shows it, as far as its target is seen."""
    feed = Feed(levels=("Site", "Vat")).take({"s/vat1/level": 1.5, "s/vat2/level": 2.5}).arrange()
    views = Views(feed.engine.space, [Tree(("By kind", "{vat}"), Template("s/{vat}"))])
    for ident in ("s/vat1", "s/vat2"):
        views.made(feed.node(ident))
    assert ids(feed.engine, "vat1 views") == ["$views/By kind/vat1"]
    for filters in (("s/vat1/#",), ("s/vat2/level",), ("#",)):
        for query in ("vat1", "vat2", "kind", "views", "e"):
            assert ids(feed.engine, query, filters=filters) == browsed(feed.engine, query, filters)


def test_elements_come_and_go() -> None:
    """What has gone is neither a result nor counted, and what has come since is not found."""
    feed = Feed().take({"a/x1": 1, "a/x2": 2, "a/x3": 3, "a/x4": 4}).arrange()
    search = begin(feed.engine, "a/x")
    nodes = list(feed.engine.space.nodes.values())
    feed.engine.space.remove(feed.node("a/x1"))
    search.look(nodes)
    assert search.total == 3
    feed.engine.space.remove(feed.node("a/x2"))
    feed.take({"a/x5": 5})
    assert [row["elementId"] for row in search.results()] == ["a/x3", "a/x4"]
    assert search.total == 2


def test_way_that_has_gone(world: World) -> None:
    """Sights see what they see when the answer is made."""
    search = begin(world.engine, "press1", filters=("acme/line1/press1/late",))
    world.publish(f"{PRESS}/late", 1)
    world.arrange()
    search.look(list(world.engine.space.nodes.values()))
    assert search.total == 2
    world.engine.space.remove(world.engine.space.nodes[f"{PRESS}/late"])
    assert list(search.results()) == []
    assert search.total == 0
