"""Grouping: which documents with one last level are of one type."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from feeding import Feed

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
