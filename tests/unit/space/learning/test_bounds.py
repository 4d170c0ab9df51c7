"""Declared limits: in the schema while all elements declare them and keep to them."""

from typing import Any

import pytest
from feeding import Feed

from bridge.space.learning.bounds import within


@pytest.mark.parametrize(
    ("value", "bounds", "inside"),
    [
        pytest.param(5, {"minimum": 0, "maximum": 10}, True, id="between"),
        pytest.param(10.0, {"minimum": 0, "maximum": 10}, True, id="at the limit"),
        pytest.param(10.1, {"maximum": 10}, False, id="above"),
        pytest.param(-1, {"minimum": 0}, False, id="below"),
        pytest.param("hot", {"minimum": 0}, True, id="no number"),
        pytest.param(True, {"maximum": 0}, True, id="a flag is no number"),
        pytest.param("ahead", {"enum": ["ahead", "back"]}, True, id="a word"),
        pytest.param("up", {"enum": ["ahead", "back"]}, False, id="another word"),
    ],
)
def test_within(value: Any, bounds: dict[str, Any], inside: bool) -> None:
    """Limits concern values of their kind only."""
    assert within(value, bounds) is inside


def car(number: int, speed: float, limits: str | None = "0:200") -> dict[str, Any]:
    """A Homie device whose speed declares its limits."""
    told = {} if limits is None else {f"h/car{number}/speed/$format": limits.encode()}
    return {f"h/car{number}/speed": speed, f"h/car{number}/speed/$datatype": b"float", **told}


def test_limits_of_all() -> None:
    """A type has the limits that all of its elements declare."""
    feed = Feed().take(car(1, 50.5) | car(2, 60.5)).settle()
    assert feed.type("h/car1/speed")["schema"] == {"type": "number", "minimum": 0, "maximum": 200}


@pytest.mark.parametrize("other", [pytest.param("0:100", id="others"), pytest.param(None, id="none")])
def test_limits_of_some(other: str | None) -> None:
    """Elements that disagree, or declare nothing, leave their type without limits."""
    feed = Feed().take(car(1, 50.5) | car(2, 60.5, other)).settle()
    assert feed.type("h/car1/speed")["schema"] == {"type": "number"}


def test_value_outside_counts_more() -> None:
    """The first value outside takes the limits out of the schema, for good; that is drift, and a new version."""
    feed = Feed().take(car(1, 50.5)).settle()
    before = feed.engine.space.revision
    feed.take({"h/car1/speed": 250.5}).take({"h/car1/speed": 30.5})
    kind = feed.type("h/car1/speed")
    assert (kind["schema"], kind["version"]) == ({"type": "number"}, "1.1.0")
    assert feed.engine.space.revision > before
    assert feed.engine.space.registry.drift.of(kind["elementId"])
