"""Where a value stands in a TOML file."""

import tomllib

import pytest

from bridge.model.lines import Lines, Place

TEXT = '''\
format = 1
levels = [
    "Site",
    "Area",
]

[namespaces]
"urn:a.b" = "A"   # [[element]] in a comment

[[type]]
name = "Vat"
description = """
[[element]]
match = "not here"
"""
[type.fields]
level = "number"
"odd key" = ["number", "string"]

[type.fields.motor.fields.speed] # a header with a comment
unit = "rpm"

  [[element]]
  match = "a"

[[element]]
match = "[[element]]"
type = 'Vat'

[[type]]
name = "Filler"
[type.fields.motor]
kind = "object"
'''

PLACES: dict[Place, int | None] = {
    ("format",): 1,
    ("levels",): 2,
    ("levels", 1): 2,
    ("namespaces",): 7,
    ("namespaces", "urn:a.b"): 8,
    ("type", 0): 10,
    ("type", 0, "name"): 11,
    ("type", 0, "description"): 12,
    ("type", 0, "fields"): 16,
    ("type", 0, "fields", "level"): 17,
    ("type", 0, "fields", "odd key"): 18,
    ("type", 0, "fields", "odd key", "kind", 1): 18,
    ("type", 0, "fields", "motor"): 20,
    ("type", 0, "fields", "motor", "fields", "speed"): 20,
    ("type", 0, "fields", "motor", "fields", "speed", "unit"): 21,
    ("element", 0): 23,
    ("element", 0, "match"): 24,
    ("element", 1): 26,
    ("element", 1, "type"): 28,
    ("element", 1, "missing"): 26,
    ("type", 1, "fields", "motor", "kind"): 33,
    ("tree", 0): None,
    ("tree",): None,
}


@pytest.mark.parametrize(("place", "line"), PLACES.items(), ids=map(str, PLACES))
def test_line_of_a_place(place: Place, line: int | None) -> None:
    """Tables of an array are counted, nested headers belong to the last of them, texts and comments are no headers."""
    assert Lines(TEXT).of(place) == line


def test_text_is_toml() -> None:
    """The text above is what it claims to be."""
    found = tomllib.loads(TEXT)
    assert [len(found[key]) for key in ("type", "element")] == [2, 2]


def test_inline_tables_have_the_line_of_their_key() -> None:
    """An array that is written on one line has no headers."""
    assert Lines('format = 1\nelement = [{ match = "a" }, { match = "b" }]\n').of(("element", 1, "match")) == 2
