"""Grouping: which documents with one last level are of one type."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from feeding import Feed

from bridge.space.learning.grouping import MAX_FORMS

HEADER = dict.fromkeys(("id", "name", "unit", "operator"), "x")


def kinds(documents: Mapping[str, Any]) -> list[set[str]]:
    """Topics by type."""
    feed = Feed().take(documents).settle()
    found: dict[str, set[str]] = {}
    for topic in documents:
        found.setdefault(feed.node(topic).type.id, set()).add(topic)
    return sorted(found.values(), key=min)


def fields(*names: str, **more: Any) -> dict[str, Any]:
    return HEADER | dict.fromkeys(names, 1) | more


def together(*groups: Iterable[str]) -> list[set[str]]:
    return sorted(map(set, groups), key=min)


PUMPS = [f"p/hall{hall}/pump{number}/status" for hall in (1, 2) for number in (1, 2)]
VALVES = [topic.replace("pump", "valve") for topic in PUMPS]
NORTH, SOUTH = ("w/de/one/4711/now", "w/de/one/4712/now"), ("w/fr/two/81/now", "w/fr/two/82/now")
STORMS, FROSTS = ("w/x/storm/4711/end", "w/x/storm/4712/end"), ("w/x/frost/4711/end", "w/x/frost/4712/end")


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        pytest.param(
            dict.fromkeys(PUMPS, fields("speed", "flow")) | dict.fromkeys(VALVES, fields("angle", "stroke")),
            together(PUMPS, VALVES),
            id="two machines with different fields",
        ),
        pytest.param(
            dict.fromkeys(PUMPS, fields("speed")) | dict.fromkeys(VALVES, fields("speed")),
            together([*PUMPS, *VALVES]),
            id="two machines with the same fields",
        ),
        pytest.param(
            {topic: fields("speed", f"option{number}") for number, topic in enumerate(PUMPS)},
            together(PUMPS),
            id="options of one machine",
        ),
        pytest.param(
            dict.fromkeys(NORTH, fields("rain", "wind", "sun")) | dict.fromkeys(SOUTH, fields("rain", "wind", "snow")),
            together(NORTH, SOUTH),
            id="two services with one field apart",
        ),
        pytest.param(
            {NORTH[0]: fields("rain", "wind"), NORTH[1]: fields("rain", "sun", "fog")},
            together(NORTH),
            id="options of one service",
        ),
        pytest.param(
            dict.fromkeys((*STORMS, *FROSTS), fields("since")),
            together(STORMS, FROSTS),
            id="two things told of the same places, with the same fields",
        ),
        pytest.param(
            {"w/x/4711/now": fields("rain"), "w/x/berlin/now": fields("rain", "sun", "fog", "wind", "ice", "haze")},
            together(["w/x/4711/now", "w/x/berlin/now"]),
            id="a word beside a number is one of the same",
        ),
        pytest.param(
            {f"w/{place}/now": fields("rain", *more, place=place) for place, more in (("ulm", "ab"), ("bern", "cde"))},
            together(["w/ulm/now", "w/bern/now"]),
            id="a word that the document says, too",
        ),
        pytest.param(
            {"w/a/7001/plan": fields(steps=[]), "w/b/7002/plan": fields(steps=[{"at": 1, "do": "x", "by": 2}])},
            together(["w/a/7001/plan", "w/b/7002/plan"]),
            id="an empty array fits everything",
        ),
    ],
)
def test_documents(documents: Mapping[str, Any], expected: list[set[str]]) -> None:
    """One source, or one kind of machine, is one type; what is only called the same is not."""
    assert kinds(documents) == expected


def test_common_envelope_hides_nothing() -> None:
    """What is inside of a common envelope tells documents apart."""
    pump, valve = ({"header": HEADER, "body": dict.fromkeys(names, 1)} for names in ("abcdefghi", "rstuvwxyz"))
    assert kinds({"p/pump1/state": pump, "p/valve1/state": valve}) == together(["p/pump1/state"], ["p/valve1/state"])


def calls_to_learn(documents: Mapping[str, Any]) -> int:
    """How many functions are called when all is learnt anew: what it costs, whatever the machine."""
    feed, calls = Feed().take(documents), 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        feed.arrange()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize(
    ("few", "common"),
    [
        pytest.param(MAX_FORMS // 2, {}, id="nothing in common"),
        pytest.param(2 * MAX_FORMS, {"time": 1}, id="more than are compared"),
    ],
)
def test_effort(few: int, common: dict[str, Any]) -> None:
    """Documents with ever-new keys: twice as many cost about twice as much, not four times."""
    once, twice = (
        calls_to_learn({f"p/{number}/status": common | {f"k{number}": 1, f"n{number}": 2} for number in range(count)})
        for count in (few, 2 * few)
    )
    assert twice < 2.5 * once


def test_more_forms_than_are_compared() -> None:
    """They are one kind without a shape of its own, also where some are alike."""
    topics = [f"p/{number}/status" for number in range(MAX_FORMS + 1)]
    assert kinds({topic: fields(f"k{number}") for number, topic in enumerate(topics)}) == [set(topics)]
