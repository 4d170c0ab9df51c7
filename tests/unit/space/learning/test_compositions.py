"""Compositions: shapes of what is made of parts."""

import pytest
from feeding import Feed

from bridge.space.learning.compositions import Compositions
from bridge.space.learning.roles import Roles
from bridge.space.registry import TypeRegistry
from bridge.space.shape import Shape
from bridge.uns.policy import Policies

FIELDS = 256


def composed(feed: Feed, *idents: str, max_fields: int = FIELDS) -> list[Shape]:
    """The shapes of some elements, all in one look."""
    compositions = Compositions(Roles(TypeRegistry("", max_fields), (), Policies()), max_fields)
    return [compositions.shape(feed.node(ident)) for ident in idents]


def machines(**more: object) -> Feed:
    tags = {f"p/m{number}/drive/{tag}": value for number in (1, 2) for tag, value in (("speed", 1.5), ("on", True))}
    return Feed(aspects=("drive",)).take(tags | {f"p/m{number}/name": "x" for number in (1, 2)} | more).arrange()


def test_machines_of_a_kind_share_a_shape() -> None:
    """Where names and shapes of all parts are the same, down to the last, there is one shape."""
    first, second = composed(machines(), "p/m1", "p/m2")
    assert first is second
    assert first.schema()["properties"]["drive"]["properties"]["speed"] == {"type": ["number", "null"]}


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"p/m2/drive/speed": "fast"}, id="a part of another kind"),
        pytest.param({"p/m2/drive/torque": 1}, id="a part more"),
        pytest.param({"p/m2/drive/status": {"code": 1}}, id="a document"),
    ],
)
def test_other_machines_have_another(more: dict[str, object]) -> None:
    """A shape is shared by those alone that look alike."""
    first, second = composed(machines(**more), "p/m1", "p/m2")
    assert first is not second
    assert first.schema() != second.schema()


@pytest.mark.parametrize(
    ("count", "max_fields", "mapped"),
    [
        pytest.param(7, FIELDS, False, id="a few"),
        pytest.param(8, FIELDS, True, id="many of one role"),
        pytest.param(3, 2, True, id="more than properties are modelled"),
    ],
)
def test_maps(count: int, max_fields: int, mapped: bool) -> None:
    """Many parts of one role are members, whose names are no properties."""
    feed = Feed(aspects=("slots",)).take({f"p/m1/slots/slot{number}": number for number in range(count)}).arrange()
    (shape,) = composed(feed, "p/m1/slots", max_fields=max_fields)
    assert (shape.members is not None) is mapped
    assert (shape.properties is None) is mapped


def test_looks_leave_shared_shapes_alone() -> None:
    """What one element shows later widens neither another one nor what is shared."""
    feed = machines()
    feed.take({"p/m2/name": [1], "p/m2/drive/on": "yes"}).arrange().settle().take({"p/m2/drive/speed": {"x": 1}})
    assert feed.node("p/m1/drive/speed").shape is not feed.node("p/m2/drive/speed").shape
    assert feed.type("p/m1/drive/speed")["schema"]["type"] == "number"
    assert [feed.node(f"p/m1/{part}").shape.schema() for part in ("name", "drive/on")] == [  # type: ignore[union-attr]
        {"type": "string"},
        {"type": "boolean"},
    ]
