"""Shapes: a lattice that only widens, and its JSON Schema."""

from typing import Any

import json_schema
import plantlike
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.space.shape import (
    ANY_NUMBER,
    ARRAY,
    INTEGER,
    NUMBER,
    OBJECT,
    STRING,
    Schema,
    Shape,
    extensions,
    is_plain,
    kind_of,
    plain,
    shape_of,
)

FIELDS, DEPTH = 256, 32


def seen(*values: Any, fields: int = FIELDS, depth: int = DEPTH) -> Shape:
    shape = Shape()
    for value in values:
        shape.observe(value, fields, depth)
    return shape


def merged(left: Shape, right: Shape) -> Schema:
    shape = Shape()
    shape.merge(left, FIELDS)
    shape.merge(right, FIELDS)
    return shape.schema(nullable=True)


@pytest.mark.parametrize(
    ("values", "schema"),
    [
        pytest.param([1], {"type": "integer"}, id="integer"),
        pytest.param([1, 2.5], {"type": "number"}, id="integer widens to number"),
        pytest.param([2.5, 1], {"type": "number"}, id="in either order"),
        pytest.param([True], {"type": "boolean"}, id="flag"),
        pytest.param(["x", None], {"type": "string"}, id="null is not learnt"),
        pytest.param([None], {}, id="nothing but null"),
        pytest.param([[1], [2.5]], {"type": "array", "items": {"type": ["number", "null"]}}, id="items are one kind"),
        pytest.param([[]], {"type": "array"}, id="no items"),
        pytest.param(
            [{"a": 1}, {"a": "x", "b": {}}],
            {
                "type": "object",
                "properties": {"a": {"type": ["string", "integer", "null"]}, "b": {"type": ["object", "null"]}},
            },
            id="properties are unions",
        ),
        pytest.param([{"a": None}], {"type": "object", "properties": {"a": {}}}, id="a property that was only null"),
        pytest.param(
            [{"$ref": "#/x", "@type": "y"}],
            {
                "type": "object",
                "properties": {"$ref": {"type": ["string", "null"]}, "@type": {"type": ["string", "null"]}},
            },
            id="keys are data",
        ),
    ],
)
def test_schema(values: list[Any], schema: Schema) -> None:
    """The root has one plain type; what lies inside is nullable; nothing is required."""
    assert seen(*values).schema() == schema


@given(st.lists(plantlike.documents, min_size=1, max_size=5))
def test_schema_holds_for_what_was_seen(values: list[Any]) -> None:
    """Every value that was observed conforms to the schema as an inner one."""
    schema = seen(*values).schema(nullable=True)
    assert list(json_schema.faults(schema, root=False)) == []
    assert [text for value in values for text in json_schema.violations(value, schema)] == []


@given(plantlike.documents, plantlike.documents)
def test_merge_is_commutative_and_idempotent(left: Any, right: Any) -> None:
    """Order does not matter, and merging again changes nothing and says so."""
    assert merged(seen(left), seen(right)) == merged(seen(right), seen(left)) == seen(left, right).schema(nullable=True)
    shape = seen(left, right)
    assert not shape.merge(seen(left), FIELDS)
    assert not shape.observe(right, FIELDS, DEPTH)


@given(plantlike.documents, plantlike.documents)
def test_observe_tells_what_is_new(left: Any, right: Any) -> None:
    """A shape says that it grew exactly when its schema or its set of kinds did."""
    shape = seen(left)
    before = shape.schema(nullable=True)
    grew = shape.observe(right, FIELDS, DEPTH)
    assert grew or shape.schema(nullable=True) == before


@pytest.mark.parametrize(
    ("fields", "depth", "schema"),
    [
        pytest.param(
            1,
            9,
            {
                "type": "object",
                "properties": {"a": {"type": ["object", "null"], "properties": {"b": {"type": ["integer", "null"]}}}},
            },
            id="fields",
        ),
        pytest.param(9, 1, {"type": "object"}, id="one level"),
        pytest.param(
            9,
            2,
            {"type": "object", "properties": {"a": {"type": ["object", "null"]}, "z": {"type": ["integer", "null"]}}},
            id="two levels",
        ),
    ],
)
def test_bounds(fields: int, depth: int, schema: Schema) -> None:
    """What lies beyond the limits stays opaque."""
    assert seen({"a": {"b": 1}, "z": 2}, fields=fields, depth=depth).schema() == schema


def test_map() -> None:
    """A map declares what any key holds, not its keys."""
    shape = Shape(OBJECT)
    shape.members = Shape()
    for key in ("x", "y"):
        part = shape.property(key, FIELDS)
        assert part is not None
        part.merge(seen(1), FIELDS)
    assert shape.schema() == {"type": "object", "additionalProperties": {"type": ["integer", "null"]}}


def test_only() -> None:
    """A leaf type takes the part of a shape that is of its kind."""
    shape = seen(1, "x", {"a": 1}, [2])
    assert shape.only(INTEGER | NUMBER).schema() == {"type": "integer"}
    assert shape.only(STRING).schema() == {"type": "string"}
    assert shape.only(OBJECT).schema()["properties"] == {"a": {"type": ["integer", "null"]}}
    assert shape.only(ARRAY).schema()["items"] == {"type": ["integer", "null"]}


@pytest.mark.parametrize(
    ("value", "declared", "extra"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": {}}, {"b": {"type": ["integer", "null"]}}, id="one more"),
        pytest.param({"a": 1}, {"a": {}, "b": {}}, {}, id="one less"),
        pytest.param({"a": 1}, {}, {}, id="a type without properties"),
        pytest.param({"a": 1}, None, {}, id="a type that is no object"),
        pytest.param([1], {"a": {}}, {}, id="not an object"),
        pytest.param(None, {"a": {}}, {}, id="no value"),
    ],
)
def test_extensions(value: Any, declared: dict[str, object] | None, extra: Schema) -> None:
    """Extensions are exactly the attributes that a type with properties does not declare."""
    assert extensions(value, declared) == extra


def test_shape_of_a_value() -> None:
    """A shape of one value; flags are no numbers."""
    assert shape_of({"on": True}).schema() == {"type": "object", "properties": {"on": {"type": ["boolean", "null"]}}}
    assert kind_of(True) != kind_of(1)


def test_plain_shapes_are_shared() -> None:
    """Scalars of the same kinds look alike; what has grown beyond scalars has a shape of its own."""
    assert plain(INTEGER | STRING) is plain(INTEGER | STRING)
    assert is_plain(plain(NUMBER))
    assert not is_plain(seen(1))
    assert not is_plain(seen([1]))


@pytest.mark.parametrize(
    ("value", "kinds", "is_same"),
    [
        pytest.param(1, ANY_NUMBER, True, id="all of it"),
        pytest.param({"x": 1}, OBJECT, True, id="all of a document"),
        pytest.param(1, STRING, False, id="nothing of it"),
    ],
)
def test_only_copies_what_it_must(value: Any, kinds: int, is_same: bool) -> None:
    """The part of a shape that is of some kinds is the shape itself, where it has no others."""
    shape = seen(value)
    assert (shape.only(kinds) is shape) is is_same
    assert shape.only(kinds).kinds == shape.kinds & kinds


@pytest.mark.parametrize(
    ("known", "more", "news"),
    [
        pytest.param(1.5, 2, False, id="integer to number"),
        pytest.param(2, 1.5, True, id="number to integer"),
        pytest.param({"a": 1}, {"a": None}, False, id="null to what has a kind"),
        pytest.param({"a": None}, {"a": 1}, True, id="a kind to null"),
        pytest.param({"a": 1}, {"b": None}, True, id="null in a new attribute"),
    ],
)
def test_merge_tells_what_a_schema_shows(known: Any, more: Any, *, news: bool) -> None:
    """What a schema admits anyway is no news, so no type widens by it."""
    shape = shape_of(known)
    before = shape.schema()
    assert shape.merge(shape_of(more), 256) is news
    assert (shape.schema() != before) is news
