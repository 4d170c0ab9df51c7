"""The subset of JSON Schema that object types use, checked strictly: 1.0 is no integer, true is no number."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

KINDS: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}
KEYWORDS = {"type", "properties", "additionalProperties", "items", "contentEncoding", "unit"} | {
    *("description", "enum", "minimum", "maximum"),
}


def faults(schema: Schema, *, root: bool = True) -> Iterator[str]:
    """What is wrong with the schema of a type: one plain type at the root, inner ones nullable, nothing required."""
    if unknown := schema.keys() - KEYWORDS:
        yield f"unknown keywords {sorted(unknown)}"
    kind = schema.get("type")
    if root:
        if not isinstance(kind, str) or kind not in KINDS or kind == "null":
            yield f"root type {kind!r} is not one plain type"
    elif kind is not None and (not isinstance(kind, list) or "null" not in kind or not KINDS.keys() >= set(kind)):
        yield f"inner type {kind!r} is not a list with null"
    for name, inner in schema.get("properties", {}).items():
        yield from (f"{name}: {text}" for text in faults(inner, root=False))
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            yield from (f"{keyword}: {text}" for text in faults(schema[keyword], root=False))


def violations(value: Any, schema: Schema, path: str = "") -> Iterator[str]:
    """Where a value does not conform to a schema, as JSON pointers with a reason."""
    kinds = schema.get("type")
    if kinds is not None:
        names = [kinds] if isinstance(kinds, str) else kinds
        if not any(type(value) in KINDS[name] for name in names):
            yield f"{path or '/'}: {value!r:.60} is not {' or '.join(names)}"
            return
    yield from _out_of_bounds(value, schema, path)
    if isinstance(value, dict):
        yield from _in_object(value, schema, path)
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from violations(item, schema["items"], f"{path}/{index}")
    elif isinstance(value, str) and schema.get("contentEncoding") == "base64":
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            yield f"{path or '/'}: {value!r:.60} is not base64"


def _out_of_bounds(value: Any, schema: Schema, path: str) -> Iterator[str]:
    if value is not None and "enum" in schema and value not in schema["enum"]:
        yield f"{path or '/'}: {value!r:.60} is none of {schema['enum']!r:.60}"
    if type(value) in (int, float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path or '/'}: {value!r:.60} is out of bounds"


def _in_object(value: dict[str, Any], schema: Schema, path: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    for key, part in value.items():
        inner = properties.get(key, schema.get("additionalProperties"))
        if inner is not None:
            yield from violations(part, inner, f"{path}/{key}")
