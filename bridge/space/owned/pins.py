"""Pinned types: what the owner of a model has written down about a kind of things. It wins, and it never drifts.

A pinned type answers with the very schema that was written. Its shape, which the learner compares and widens for other
types, is made of that schema and takes nothing in. What a value has beyond it is told as an extension of the element.
"""

from collections.abc import Mapping

from bridge.space.conforming import misfit
from bridge.space.learning.forms import names_of
from bridge.space.shape import (
    ANY_NUMBER,
    ARRAY,
    BINARY,
    BOOLEAN,
    INTEGER,
    OBJECT,
    STRING,
    Schema,
    Shape,
    shape_of,
)
from bridge.space.types import ObjectType, group_of
from bridge.uns import Json

SCALAR = "value"  # what the extension of a value without attributes is called

_BITS = {
    "object": OBJECT,
    "array": ARRAY,
    "string": STRING,
    "boolean": BOOLEAN,
    "integer": INTEGER,
    "number": ANY_NUMBER,
    "null": 0,
}
_KINDS: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


class PinnedType(ObjectType):
    """`schema` is JSON Schema with one plain type at its root; `composed`: of equipment that is made of parts."""

    __slots__ = ("_schema",)

    def __init__(self, namespace: str, name: str, schema: Schema, *, version: str, composed: bool = False) -> None:
        super().__init__(namespace, name, name, group_of(_bits(schema)), composed=composed)
        self._schema = schema
        self.shape = FixedShape(schema)
        self.fixed_version = version
        self.pinned = True
        self.names = frozenset(self.shape.properties or ()) if composed else names_of(self.shape)

    @property
    def unit(self) -> str | None:
        return self._schema.get("unit")

    def widen(self, shape: Shape, max_fields: int) -> bool:  # noqa: ARG002 - of any type
        return False

    def schema(self, *, with_words: bool = True, with_unit: bool = True) -> Schema:  # noqa: ARG002 - all of it is written
        return self._schema

    def misfits(self, value: Json) -> Schema:
        """Schemas of exactly those attributes of a value that are undeclared or of another kind."""
        return misfits(value, self._schema)


class FixedShape(Shape):
    """The shape that a schema tells: whoever wants to widen it finds it closed."""

    __slots__ = ()

    def __init__(self, schema: Schema) -> None:
        super().__init__(_bits(schema))
        properties, members, items = (schema.get(key) for key in ("properties", "additionalProperties", "items"))
        self.properties = {key: FixedShape(inner) for key, inner in properties.items()} if properties else None
        self.members = FixedShape(members) if members is not None else None
        self.items = FixedShape(items) if items is not None else None

    def observe(self, value: Json, max_fields: int, depth: int) -> bool:  # noqa: ARG002 - of any shape
        return False

    def observe_items(self, items: list[Json], max_fields: int, depth: int) -> bool:  # noqa: ARG002 - of any shape
        return False

    def merge(self, other: Shape, max_fields: int) -> bool:  # noqa: ARG002 - of any shape
        return False

    def property(self, key: str, max_fields: int) -> Shape | None:  # noqa: ARG002 - of any shape
        return self.members or (self.properties or {}).get(key)

    def become_map(self, max_fields: int) -> bool:  # noqa: ARG002 - of any shape
        return False

    def at(self, path: tuple[str, ...], max_fields: int) -> Shape | None:  # noqa: ARG002 - of any shape
        return None


def misfits(value: Json, schema: Schema) -> Schema:
    """Schemas of the attributes of a value that a schema does not declare, or declares otherwise."""
    if value is None:
        return {}
    if type(value) is not dict or schema["type"] != "object":
        return {} if misfit(value, schema) is None else {SCALAR: shape_of(value).schema(nullable=True)}
    declared, others = schema.get("properties", {}), schema.get("additionalProperties")
    if not declared and others is None:
        return {}
    return {
        key: shape_of(part).schema(nullable=True)
        for key, part in value.items()
        if (inner := declared.get(key, others)) is None or misfit(part, inner) is not None
    }


def _bits(schema: Schema) -> int:
    kinds = schema.get("type", ())
    bits = 0
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        bits |= _BITS[kind]
    if schema.get("contentEncoding") == "base64":
        return bits & ~STRING | BINARY
    return bits
