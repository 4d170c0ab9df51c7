"""Pinned types: they say what was written, take nothing in, and tell what does not fit."""

from typing import Any

import pytest

from bridge.space.owned.pins import FixedShape, PinnedType
from bridge.space.shape import shape_of

VAT = {
    "type": "object",
    "properties": {
        "level": {"type": ["number", "null"], "minimum": 0, "maximum": 100},
        "state": {"type": ["string", "null"], "enum": ["idle", "filling", None]},
        "motor": {"type": ["object", "null"], "properties": {"on": {"type": ["boolean", "null"]}}},
        "raw": {"type": ["string", "null"], "contentEncoding": "base64"},
        "lots": {"type": ["array", "null"], "items": {"type": ["integer", "null"]}},
        "any": {},
    },
}
COUNTS = {"type": "object", "additionalProperties": {"type": ["integer", "null"]}}


def pinned(schema: dict[str, Any]) -> PinnedType:
    return PinnedType("urn:test", "Vat", schema, version="2.1.0")


@pytest.mark.parametrize(
    ("schema", "value", "extra"),
    [
        pytest.param(VAT, {"level": 5, "state": "idle", "lots": [1], "any": [None]}, set(), id="all fits"),
        pytest.param(VAT, {"level": None, "motor": None}, set(), id="null fits"),
        pytest.param(VAT, None, set(), id="no value"),
        pytest.param(VAT, {"speed": 1}, {"speed"}, id="undeclared"),
        pytest.param(VAT, {"level": "high", "motor": {"on": True}}, {"level"}, id="another kind"),
        pytest.param(VAT, {"level": True}, {"level"}, id="true is no number"),
        pytest.param(VAT, {"level": 101}, {"level"}, id="out of bounds"),
        pytest.param(VAT, {"state": "broken"}, {"state"}, id="another word"),
        pytest.param(VAT, {"motor": {"on": 1}}, {"motor"}, id="another kind inside"),
        pytest.param(VAT, {"motor": {"off": 1}}, set(), id="more inside is allowed"),
        pytest.param(VAT, {"lots": [1, 1.5]}, {"lots"}, id="an item of another kind"),
        pytest.param(VAT, {"raw": "AAE="}, set(), id="base64"),
        pytest.param(VAT, {"raw": "no base64!"}, {"raw"}, id="not base64"),
        pytest.param(VAT, 5, {"value"}, id="no object at all"),
        pytest.param(COUNTS, {"a": 1, "b": "x"}, {"b"}, id="a map's member of another kind"),
        pytest.param({"type": "object"}, {"a": 1}, set(), id="an object without attributes takes any"),
        pytest.param({"type": "number"}, 5, set(), id="an integer is a number"),
        pytest.param({"type": "integer"}, 5.5, {"value"}, id="a number is no integer"),
        pytest.param({"type": "number"}, {"a": 1}, {"value"}, id="an object is no number"),
    ],
)
def test_tells_what_does_not_fit(schema: dict[str, Any], value: object, extra: set[str]) -> None:
    """Exactly the attributes that are undeclared or of another kind are extensions, with their schemas."""
    found = pinned(schema).misfits(value)
    parts = value if extra != {"value"} else {"value": value}
    assert found == {key: shape_of(parts[key]).schema(nullable=True) for key in extra}  # type: ignore[index]


def test_takes_nothing_in() -> None:
    """Whatever comes: schema, version and unit stay."""
    kind = pinned(VAT)
    kind.units.add("°C")
    assert not kind.widen(shape_of({"speed": 1}), 256)
    assert not kind.shape.merge(shape_of({"speed": 1}), 256)
    assert not kind.shape.observe({"speed": 1}, 256, 32)
    assert not kind.shape.become_map(256)
    assert kind.shape.property("speed", 256) is None
    assert kind.shape.at(("speed",), 256) is None
    assert kind.describe() == {
        "elementId": "urn:test#Vat",
        "displayName": "Vat",
        "namespaceUri": "urn:test",
        "sourceTypeId": "Vat",
        "version": "2.1.0",
        "schema": VAT,
        "related": None,
    }


@pytest.mark.parametrize("schema", [VAT, COUNTS, {"type": "array", "items": {"type": ["number", "null"]}}])
def test_shape_is_the_schema(schema: dict[str, Any]) -> None:
    """The shape that the learner compares knows what the schema declares."""
    shape = FixedShape(schema)
    assert set(shape.properties or ()) == set(schema.get("properties", ()))
    assert (shape.members is not None, shape.items is not None) == ("additionalProperties" in schema, "items" in schema)
