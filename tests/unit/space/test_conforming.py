"""Whether a value fits a type: strictly, with the place and the reason."""

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from json_schema import violations

from bridge.space.conforming import misfit
from bridge.space.shape import shape_of

NESTED = {
    "type": "object",
    "properties": {
        "x": {"type": ["number", "null"]},
        "pos": {"type": ["object", "null"], "properties": {"y": {"type": ["integer", "null"]}}},
        "list": {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
    },
}


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (1, {"type": "number"}), (1.5, {"type": "number"}), (1, {"type": "integer"}), ("a", {"type": "string"}),
        ([], {"type": "array"}), ({"any": 1}, {"type": "object"}), (True, {"type": "boolean"}), ({}, {}), (5, {}),
        ({"x": 1, "pos": {"y": 2}, "more": [1]}, NESTED), ({"x": None, "list": ["a", None]}, NESTED),
        ({"a": 1}, {"type": "object", "additionalProperties": {"type": ["integer", "null"]}}),
        ("YWI=", {"type": "string", "contentEncoding": "base64"}), ("on", {"type": "string", "enum": ["on", "off"]}),
        (5, {"type": "number", "minimum": 0, "maximum": 5, "unit": "V"}), (None, {"type": ["number", "null"]}),
        (True, {"type": ["boolean", "integer"], "minimum": 2}),
    ],
    ids=repr,
)  # fmt: skip
def test_fits(value: Any, schema: dict[str, Any]) -> None:
    """What fits is let in, undeclared attributes included: they make an element an extended one."""
    assert misfit(value, schema) is None


def test_loosely() -> None:
    """Any number where an integer is needed, at any depth; nothing else."""
    schema = {"type": "object", "properties": {"x": {"type": ["integer", "null"], "maximum": 5}}}
    assert misfit({"x": 1.5}, schema) is not None
    assert misfit({"x": 1.5}, schema, loosely=True) is None
    for value in ("1", True, 5.5):
        assert misfit({"x": value}, schema, loosely=True) is not None


@pytest.mark.parametrize(
    ("value", "schema", "why"),
    [
        ("a", {"type": "number"}, '"a" is of type string, number is needed'),
        (True, {"type": "number"}, "true is of type boolean, number is needed"),
        (1.0, {"type": "integer"}, "1.0 is of type number, integer is needed"),
        (1, {"type": "boolean"}, "1 is of type integer, boolean is needed"),
        (None, {"type": "number"}, "null is of type null, number is needed"),
        ({}, {"type": "array"}, "an object is of type object, array is needed"),
        ({"pos": {"y": "a"}}, NESTED, 'pos.y: "a" is of type string, integer or null is needed'),
        ({"list": ["a", 7]}, NESTED, "list[1]: 7 is of type integer, string or null is needed"),
        ("!", {"type": "string", "contentEncoding": "base64"}, '"!" is not base64'),
        ("ä", {"type": "string", "contentEncoding": "base64"}, '"ä" is not base64'),
        ("x", {"type": "string", "enum": ["on", "off"]}, '"x" is none of "on", "off"'),
        ("x", {"type": "string", "enum": list("abcdefghij")},
         '"x" is none of "a", "b", "c", "d", "e", "f", "g", "h", …'),
        (-1, {"type": "number", "minimum": 0}, "-1 is less than 0"),
        (5.5, {"type": "number", "maximum": 5}, "5.5 is more than 5"),
        ("x" * 99, {"type": "number"}, f'"{"x" * 39}… is of type string, number is needed'),
    ],
    ids=repr,
)  # fmt: skip
def test_misfits(value: Any, schema: dict[str, Any], why: str) -> None:
    """What does not is refused with the place, the value and what is needed."""
    assert misfit(value, schema) == why


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(-3, 3), st.sampled_from(["a", "b"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)),
    max_leaves=8,
)


@given(JSON, JSON)
def test_as_another_checker(value: Any, other: Any) -> None:
    """Schemas that values have made are read as an independent checker reads them."""
    for nullable in (True, False):
        schema = shape_of(other).schema(nullable=nullable)
        assert (misfit(value, schema) is None) == (not list(violations(value, schema)))


def test_deep() -> None:
    """Values as deep as a request can hold are walked through."""
    value: Any = 1
    for _ in range(min(200, sys.getrecursionlimit() // 5)):
        value = [value]
    assert misfit(value, {"type": "array"}) is None
