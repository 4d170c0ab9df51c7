"""What elements show: what their types learn of values that are not the present one."""

from typing import Any

import pytest
from feeding import NOW_NS, Feed
from invariants import faults
from views import EngineView

from bridge.uns.moments import SECOND
from tests.unit.uns.sparkplug_vectors import metric, payload


def at(seconds: int, **content: Any) -> dict[str, Any]:
    """A payload that names a time so many seconds from now."""
    return {**content, "timestamp": (NOW_NS + seconds * SECOND) // 10**6}


OLD_AND_NEW = [
    pytest.param({"value": 2.5}, {"value": 1}, id="a fraction"),
    pytest.param({"value": "n/a"}, {"value": 1}, id="a text"),
    pytest.param({"value": [1.5]}, {"value": [1]}, id="in an array"),
    pytest.param({"a": 1, "b": 2}, {"a": 1}, id="an attribute more"),
    pytest.param({"a": "x"}, {"a": 1}, id="an attribute of another kind"),
    pytest.param({"a": {"b": 1.5, "c": True}}, {"a": {"b": 1}}, id="deeper"),
    pytest.param({"value": 1}, {"value": None}, id="nothing at present"),
    pytest.param({"S-001": 1, "S-002": 1}, {"S-003": 1}, id="a map"),
]


@pytest.mark.parametrize(("old", "new"), OLD_AND_NEW)
@pytest.mark.parametrize("young", [True, False], ids=["young", "settled"])
def test_old_values_conform_to_their_type(old: dict[str, Any], new: dict[str, Any], young: bool) -> None:
    """What is older than the present value is as much a value of its type; what the element shows stays."""
    feed = Feed(widen_after=0.0).take({"p/x": at(0, **new)})
    if not young:
        feed.settle()
    before, revision = feed.value("p/x"), feed.engine.space.revision
    feed.take({"p/x": at(-5, **old)})
    assert feed.engine.counters.late == 1
    assert feed.engine.space.revision > revision
    if young:
        feed.settle()
    node = feed.node("p/x")
    kinds = node.shape.kinds if node.shape else 0
    other = Feed(widen_after=0.0).take({"p/x": at(-5, **old)}).take({"p/x": at(0, **new)}).settle().node("p/x")
    assert other.shape is not None
    assert kinds == other.shape.kinds
    assert node.shape.schema() == other.shape.schema()
    assert node.type.schema() == other.type.schema()
    assert set(node.types or ()) == set(other.types or ())
    assert feed.value("p/x") == before
    assert faults(EngineView(feed.engine)) == []


def test_old_values_of_known_structure_teach_nothing() -> None:
    """The model stays as it is, however much history comes."""
    feed = Feed().take({"p/x": at(0, value=1)}).settle()
    before = feed.engine.space.revision
    for number in range(10):
        feed.take({"p/x": at(-1 - number, value=number)})
    assert feed.engine.space.revision == before


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        pytest.param(12, {"type": "string"}, id="string"),
        pytest.param(10, {"type": "number"}, id="double"),
        pytest.param(17, {"type": "string", "contentEncoding": "base64"}, id="bytes"),
    ],
)
@pytest.mark.parametrize("young", [True, False], ids=["young", "settled"])
def test_a_declared_kind_is_a_type(kind: int, schema: dict[str, Any], young: bool) -> None:
    """An element that its birth declares has a type before it has a value."""
    feed = Feed().take({"p/x": 1})
    if not young:
        feed.settle()
    feed.take({"spBv1.0/G/NBIRTH/N": payload(metric("Recipe", kind=kind))})
    if young:
        feed.settle()
    shown = feed.type("spBv1.0/G/N/Recipe")
    assert (shown["displayName"], shown["schema"]) == ("Recipe", schema)
    assert feed.value("spBv1.0/G/N/Recipe")["quality"] == "GoodNoData"
    assert faults(EngineView(feed.engine)) == []
