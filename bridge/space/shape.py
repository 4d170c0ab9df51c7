"""Shapes: what values of a kind have looked like so far, as a lattice that only ever widens, and as JSON Schema.

A shape is a set of JSON kinds with, for objects, the shapes of their properties and, for arrays, of their items.
Merging is commutative and idempotent, so the order of arrival does not matter. Integer and number are one kind that
widens (i3x-1.0.md section 3); null is remembered but declared by policy, never learnt: every inferred property is
nullable and nothing is required.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from bridge.space.names import is_identity, is_key, stem
from bridge.uns import Json
from bridge.uns.payload import MAX_ITEMS

Schema: TypeAlias = dict[str, Any]

NULL, BOOLEAN, INTEGER, NUMBER, STRING, BINARY, ARRAY, OBJECT = (1 << bit for bit in range(8))
ANY_NUMBER = INTEGER | NUMBER
ANY_STRING = STRING | BINARY

_KEYED = 2  # ids in an object that make it a map, once they have changed

_KIND = {type(None): NULL, bool: BOOLEAN, int: INTEGER, float: NUMBER, str: STRING, list: ARRAY, dict: OBJECT}
_NAMES = ((OBJECT, "object"), (ARRAY, "array"), (STRING | BINARY, "string"), (BOOLEAN, "boolean"))


def kind_of(value: Json) -> int:
    return _KIND[type(value)]


class Shape:
    """Mutable; `observe` returns whether anything was new, `merge` whether the schema says more now. Those that `plain`
    gives are shared: only read, and replaced where something grows.
    """

    __slots__ = ("items", "kinds", "members", "properties", "unbounded", "varied")

    def __init__(self, kinds: int = 0) -> None:
        self.kinds = kinds
        self.properties: dict[str, Shape] | None = None
        self.items: Shape | None = None
        self.unbounded = False  # opaque inside: deeper, or more of it, than is looked at
        self.members: Shape | None = None  # of a map: what any key holds
        self.varied = False  # objects had different keys

    def observe(self, value: Json, max_fields: int, depth: int) -> bool:
        """Widen to fit a value; at most `max_fields` properties an object and `depth` levels are modelled."""
        kind = _KIND[type(value)]
        changed = not self.kinds & kind
        self.kinds |= kind
        if depth <= 1:
            changed |= kind in (OBJECT, ARRAY) and not self.unbounded
            self.unbounded = self.unbounded or kind in (OBJECT, ARRAY)
            return changed
        if kind == OBJECT:
            self.varied = self.varied or (self.properties is not None and value.keys() != self.properties.keys())
            for key, part in value.items():
                own = self.property(key, max_fields)
                changed |= own is not None and own.observe(part, max_fields, depth - 1)
            if self.varied and self._is_keyed():
                changed |= self.become_map(max_fields)
        elif kind == ARRAY:
            if self.items is None:
                self.items = Shape()
            changed |= self.items.observe_items(value, max_fields, depth - 1)
        return changed

    def observe_items(self, items: list[Json], max_fields: int, depth: int) -> bool:
        """Widen to fit the items of an array; of a long one, structures beyond the first are left open."""
        before = self.kinds, self.unbounded
        changed = False
        for part in items[:MAX_ITEMS]:
            changed |= self.observe(part, max_fields, depth)
        rest = set(map(type, items[MAX_ITEMS:]))
        for kind in rest:
            self.kinds |= _KIND[kind]
        self.unbounded = self.unbounded or bool(rest & {dict, list})
        return changed or before != (self.kinds, self.unbounded)

    def property(self, key: str, max_fields: int) -> "Shape | None":
        """The shape of a property, made if there is room for one more."""
        if self.members is not None:
            return self.members
        if self.properties is None:
            self.properties = {}
        own = self.properties.get(key)
        if own is None and len(self.properties) < max_fields:
            own = self.properties[key] = Shape()
        return own

    def merge(self, other: "Shape", max_fields: int) -> bool:
        """Widen to fit everything that another shape fits."""
        changed = bool(_news(self.kinds, other.kinds)) or other.unbounded > self.unbounded
        self.kinds |= other.kinds
        self.unbounded = self.unbounded or other.unbounded
        if other.members is not None:
            changed |= self.become_map(max_fields)
            assert self.members is not None  # noqa: S101 - just made
            changed |= self.members.merge(other.members, max_fields)
        for key, part in (other.properties or {}).items():
            own = self.property(key, max_fields)
            changed |= own is not None and own.merge(part, max_fields)
        if other.items is not None:
            if self.items is None:
                self.items = Shape()
            changed |= self.items.merge(other.items, max_fields)
        return changed

    def become_map(self, max_fields: int) -> bool:
        """What was declared as properties becomes what any key may hold."""
        if self.members is not None:
            return False
        self.members = Shape()
        for part in (self.properties or {}).values():
            self.members.merge(part, max_fields)
        self.properties = None
        return True

    def _is_keyed(self) -> bool:
        """Whether the properties are members keyed by ids, which come and go: what they hold is of one kind."""
        names = self.properties
        if not names or len(names) < _KEYED or not all(map(is_key, names)):
            return False
        if len({"" if is_identity(name) else stem(name) for name in names}) > 1:
            return False
        kinds = 0
        for part in names.values():
            kinds |= part.kinds & ~NULL
        return kinds in (BOOLEAN, INTEGER, NUMBER, ANY_NUMBER, STRING, ARRAY, OBJECT)

    def only(self, kinds: int) -> "Shape":
        """The part of this shape that is of some kinds, to be read: a leaf type declares one."""
        if not self.kinds & ~kinds:
            return self
        part = Shape(self.kinds & kinds)
        part.unbounded = self.unbounded
        part.properties = self.properties if kinds & OBJECT else None
        part.members = self.members if kinds & OBJECT else None
        part.items = self.items if kinds & ARRAY else None
        return part

    def at(self, path: tuple[str, ...], max_fields: int) -> "Shape | None":
        """The shape below some property names, made where it is missing; None where there is no room."""
        found: Shape | None = self
        for key in path:
            if found is None:
                return None
            found.kinds |= OBJECT
            found = found.property(key, max_fields)
        return found

    def _types(self) -> list[str]:
        names = [name for bits, name in _NAMES if self.kinds & bits]
        if self.kinds & NUMBER:
            names.append("number")
        elif self.kinds & INTEGER:
            names.append("integer")
        return names

    def schema(self, *, nullable: bool = False) -> Schema:
        """JSON Schema. A type's root has one plain `type`; a property (`nullable`) always admits null."""
        names = self._types()
        if not names:
            return {}  # nothing but null was seen: anything may come
        schema: Schema = {"type": [*names, "null"] if nullable else names[0]}
        if self.unbounded:
            return schema
        if self.kinds & BINARY and not self.kinds & STRING:
            schema["contentEncoding"] = "base64"
        if self.kinds & OBJECT and self.properties:
            schema["properties"] = {key: part.schema(nullable=True) for key, part in self.properties.items()}
        if self.kinds & OBJECT and self.members is not None:
            schema["additionalProperties"] = self.members.schema(nullable=True)
        if self.kinds & ARRAY and self.items is not None and self.items.kinds:
            schema["items"] = self.items.schema(nullable=True)
        return schema


def _news(known: int, more: int) -> int:
    """Kinds that a schema of the known ones does not admit: integers are numbers, and null fits all that is known."""
    admitted = known | (INTEGER if known & NUMBER else 0) | (NULL if known else 0)
    return more & ~admitted


_PLAIN = tuple(Shape(kinds) for kinds in range(ARRAY))  # all that scalars can look like, alone or mixed


def plain(kinds: int) -> Shape:
    """The shared shape of scalars of these kinds: most elements are scalars, and there are few ways to be one."""
    return _PLAIN[kinds]


def is_plain(shape: Shape) -> bool:
    """Whether a shape is shared."""
    return shape.kinds < ARRAY and shape is _PLAIN[shape.kinds]


def shape_of(value: Json, max_fields: int = 256, depth: int = 32) -> Shape:
    shape = Shape()
    shape.observe(value, max_fields, depth)
    return shape


def extensions(value: Json, declared: Mapping[str, object] | None) -> Schema:
    """Schema fragments of exactly those attributes of a value that a type with properties does not declare."""
    if not declared or type(value) is not dict or value.keys() <= declared.keys():
        return {}
    return {key: shape_of(part).schema(nullable=True) for key, part in value.items() if key not in declared}
