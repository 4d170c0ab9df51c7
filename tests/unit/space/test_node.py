"""Values: a node's own, a field's projected one, and the composed one of equipment (design.md, "Composed values")."""

from typing import Any

import pytest
from feeding import NOW, Feed

from bridge.space.node import Vqt, compose, descendants
from bridge.uns import BAD, GOOD, NO_DATA, UNCERTAIN, Quality

ASPECTS = ("edge", "status")
NEVER = 7


@pytest.mark.parametrize(
    ("parts", "composed"),
    [
        pytest.param([("a", (1, GOOD, 5)), ("b", (2, GOOD, 9))], ({"a": 1, "b": 2}, GOOD, 9), id="latest time"),
        pytest.param(
            [("a", (1, GOOD, 5)), ("b", (2, UNCERTAIN, 1))], ({"a": 1, "b": 2}, UNCERTAIN, 5), id="worst quality"
        ),
        pytest.param(
            [("a", (1, GOOD, 5)), ("b", (None, BAD, 9))],
            ({"a": 1, "b": None}, UNCERTAIN, 9),
            id="never Bad with a value",
        ),
        pytest.param(
            [("a", (1, GOOD, 5)), ("b", (None, NO_DATA, 0))], ({"a": 1, "b": None}, GOOD, 5), id="nothing yet is null"
        ),
        pytest.param([("a", (None, BAD, 5)), ("b", (None, BAD, 9))], (None, BAD, 9), id="all Bad"),
        pytest.param([("a", (None, BAD, 5)), ("b", (None, NO_DATA, 0))], (None, BAD, 5), id="Bad and nothing yet"),
        pytest.param([("a", (None, NO_DATA, 0))], (None, NO_DATA, NEVER), id="nothing reported yet"),
        pytest.param([], (None, NO_DATA, NEVER), id="no parts"),
        pytest.param(
            [("a", (False, GOOD, 1)), ("b", (0, GOOD, 1))],
            ({"a": False, "b": 0}, GOOD, 1),
            id="falsy values are values",
        ),
        pytest.param([("a", ({}, GOOD, 1))], ({"a": {}}, GOOD, 1), id="an empty object is a value"),
    ],
)
def test_compose(parts: list[tuple[str, Vqt]], composed: Vqt) -> None:
    """The object of the parts' values, the worst quality (with a value at most Uncertain), the latest time."""
    assert compose(parts, NEVER) == composed


@pytest.mark.parametrize(
    ("parts", "unconfirmed", "quality"),
    [
        pytest.param([GOOD, UNCERTAIN], {"1"}, GOOD, id="beside a Good part"),
        pytest.param([UNCERTAIN, UNCERTAIN], {"0", "1"}, UNCERTAIN, id="all of them"),
        pytest.param([UNCERTAIN, NO_DATA], {"0"}, UNCERTAIN, id="beside nothing yet"),
        pytest.param([GOOD, UNCERTAIN, UNCERTAIN], {"1"}, UNCERTAIN, id="beside one that is Uncertain otherwise"),
        pytest.param([GOOD, UNCERTAIN, BAD], {"1"}, UNCERTAIN, id="beside a Bad one"),
    ],
)
def test_unconfirmed_parts(parts: list[Quality], unconfirmed: set[str], quality: Quality) -> None:
    """What is Uncertain only for want of a live reading counts as Good, as long as there is a Good part."""
    values = [(str(at), (1 if one in (GOOD, UNCERTAIN) else None, one, 5)) for at, one in enumerate(parts)]
    assert compose(values, NEVER, unconfirmed)[1] == quality


def test_whole_machine_in_one_read() -> None:
    """Parts of parts are nested; things below are no part of the value."""
    feed = Feed(aspects=ASPECTS)
    feed.take({"p/m1/edge/x": 1, "p/m1/edge/y": {"a": [2]}, "p/m1/mode": "RUN", "p/m1/tool7/edge/z": 3}).arrange()
    assert feed.value("p/m1")["value"] == {"edge": {"x": 1, "y": {"a": [2]}}, "mode": "RUN"}
    assert feed.value("p")["value"] is None
    assert feed.value("p")["quality"] == "GoodNoData"


def test_composed_value_follows_its_parts() -> None:
    """It is made when it is read: quality and time are those of the parts at that moment."""
    feed = Feed(aspects=ASPECTS).take({"p/m1/edge/x": 1, "p/m1/edge/y": 2}).arrange()
    feed.seconds = 5
    feed.take({"p/m1/edge/y": b"NaN"})
    found = feed.value("p/m1/edge")
    assert found == {
        "isComposition": True,
        "value": {"x": 1, "y": None},
        "quality": "Uncertain",
        "timestamp": NOW.format(5),
    }
    feed.take({"p/m1/edge/x": b"NaN"})
    assert (feed.value("p/m1")["value"], feed.value("p/m1")["quality"]) == (None, "Bad")


def test_own_payload_wins_over_parts() -> None:
    """A branch with a payload of its own serves that, its parts stay components."""
    feed = Feed(aspects=ASPECTS).take({"p/m1/edge/x": 1, "p/m1/edge": "ok"}).arrange()
    found = feed.value("p/m1/edge", max_depth=0)
    assert (found["value"], list(found["components"])) == ("ok", ["p/m1/edge/x"])


# --- fields ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "field", "expected"),
    [
        pytest.param({"a": 1}, "d#/a", (1, "Good", 0), id="scalar"),
        pytest.param({"a": {"b": [1]}}, "d#/a/b", ([1], "Good", 0), id="nested"),
        pytest.param({"a": None}, "d#/a", (None, "GoodNoData", 0), id="null"),
        pytest.param({"a": False}, "d#/a", (False, "Good", 0), id="false"),
        pytest.param({"a": ""}, "d#/a", ("", "Good", 0), id="empty text"),
        pytest.param({"x/y~z": 1}, "d#/x~1y~0z", (1, "Good", 0), id="escaped pointer"),
        pytest.param({"": 1}, "d#/", (1, "Good", 0), id="empty key"),
        pytest.param({'q"%': 1}, "d#/q%22%25", (1, "Good", 0), id="encoded key"),
        pytest.param({"$ref": "x"}, "d#/$ref", ("x", "Good", 0), id="keys are data"),
        pytest.param({"a": {"value": 2, "timestamp": "2027-01-15T08:00:03Z"}}, "d#/a", (2, "Good", 3), id="own time"),
        pytest.param({"a": {"value": 2, "quality": "Uncertain"}}, "d#/a", (2, "Uncertain", 0), id="own quality"),
        pytest.param({"a": {"value": 2, "quality": "Bad"}}, "d#/a", (None, "Bad", 0), id="Bad says no value"),
        pytest.param(
            {"a": {"Value": 2.5, "SourceTimestamp": "2027-01-15T08:00:04Z"}, "b": 1},
            "d#/a",
            (2.5, "Good", 4),
            id="OPC UA",
        ),
    ],
)
def test_field(payload: dict[str, Any], field: str, expected: tuple[Any, str, int]) -> None:
    """A field reads as its place in the payload; one that is an envelope has its own value, quality and time."""
    found = Feed().take({"d": payload}).value(field)
    assert (found["value"], found["quality"], found["timestamp"]) == (*expected[:2], NOW.format(expected[2]))


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        pytest.param({"b": 2}, (None, "GoodNoData"), id="left out"),
        pytest.param({"a": {"x": 1}}, ({"x": 1}, "Good"), id="another kind"),
        pytest.param(5, (None, "GoodNoData"), id="no object any more"),
        pytest.param(b"", (None, "GoodNoData"), id="empty"),
        pytest.param(b"NaN", (None, "Bad"), id="Bad owner"),
    ],
)
def test_field_whose_owner_changed(later: Any, expected: tuple[Any, str]) -> None:
    """A field that is not in the payload any more stays, without a value."""
    feed = Feed().take({"d": {"a": 1, "b": 1}})
    feed.seconds = 1
    found = feed.take({"d": later}).value("d#/a")
    assert (found["value"], found["quality"], found["timestamp"]) == (*expected, NOW.format(1))


def test_field_of_an_uncertain_owner() -> None:
    """A field is not better than its owner."""
    feed = Feed().take({"d": {"a": 1, "e": {"value": 2, "quality": "Good"}}}, replayed=True, retain=True)
    assert [feed.value(ident)["quality"] for ident in ("d", "d#/a", "d#/e")] == ["Uncertain"] * 3


def test_field_as_it_was() -> None:
    """A field is projected from any payload of its owner, an old one too."""
    feed = Feed().take({"d": {"a": {"b": 1}}})
    field = feed.node("d#/a/b")
    zone = feed.engine.space.zone
    assert field.project_from({"a": {"b": 7}}, GOOD, 3, zone) == (7, GOOD, 3)  # type: ignore[attr-defined]
    assert field.project_from({"a": 7}, GOOD, 3, zone) == (None, NO_DATA, 3)  # type: ignore[attr-defined]
    assert field.project_from(None, BAD, 3, zone) == (None, BAD, 3)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        pytest.param(1, [], id="this object alone"),
        pytest.param(2, ["p/m1/edge", "p/m1/mode"], id="two levels"),
        pytest.param(3, ["p/m1/edge", "p/m1/edge/x", "p/m1/edge/y", "p/m1/mode"], id="three levels"),
        pytest.param(0, ["p/m1/edge", "p/m1/edge/x", "p/m1/edge/y", "p/m1/edge/y#/a", "p/m1/mode"], id="all"),
        pytest.param(
            99, ["p/m1/edge", "p/m1/edge/x", "p/m1/edge/y", "p/m1/edge/y#/a", "p/m1/mode"], id="more than there are"
        ),
    ],
)
def test_descendants(depth: int, expected: list[str]) -> None:
    """Components down to a depth, this level counted; each once, owners first."""
    feed = Feed(aspects=ASPECTS).take(
        {"p/m1/edge/x": 1, "p/m1/edge/y": {"a": 2}, "p/m1/mode": 1, "p/m1/tool7/edge/z": 3}
    )
    assert [node.id for node in descendants(feed.arrange().node("p/m1"), depth)] == expected
