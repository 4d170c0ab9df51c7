"""JSON Schema of a type ↔ its tables in a model file.

Inside of objects everything may be null in a schema (i3x-1.0.md section 3); a file leaves that out.
"""

from collections.abc import Mapping
from typing import Any

from bridge.model.document import Attribute, Table, TypeTable, implied
from bridge.space.shape import Schema

BYTES = "bytes"  # a text that is base64 of bytes
ANY = "any"
_SAME = ("unit", "description", "minimum", "maximum", "enum")  # called the same in both


def schema(table: TypeTable) -> Schema:
    """The schema of a type: one plain kind at its root."""
    found = _schema(table, ("string",) if table.kind == BYTES else (table.kind,), encoded=table.kind == BYTES)
    found["type"] = found["type"][0]
    found.pop("description", None)  # the type's own
    return found


def _inner(table: Attribute) -> Schema:
    if ANY in table.kind:
        found = _schema(table, (), encoded=False)
        del found["type"]
        return found
    kinds = tuple(dict.fromkeys("string" if kind == BYTES else kind for kind in table.kind))
    found = _schema(table, (*kinds, "null"), encoded=BYTES in table.kind and "string" not in table.kind)
    if "enum" in found:
        found["enum"].append(None)
    return found


def _schema(table: TypeTable | Attribute, kinds: tuple[str, ...], *, encoded: bool) -> Schema:
    found: Schema = {"type": list(kinds)}
    if encoded:
        found["contentEncoding"] = "base64"
    for key in _SAME:
        if (said := getattr(table, key)) is not None:
            found[key] = list(said) if isinstance(said, tuple) else said
    if table.fields:
        found["properties"] = {key: _inner(field) for key, field in table.fields.items()}
    if table.items is not None:
        found["items"] = _inner(table.items)
    if table.map is not None:
        found["additionalProperties"] = _inner(table.map)
    return found


def tables(found: Schema) -> dict[str, Any]:
    """What a schema says, as a file does."""
    kinds = found.get("type", ())
    names = [_kind(kind, found) for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind != "null"]
    table: dict[str, Any] = {"kind": names[0] if len(names) == 1 else names or ANY}
    for key in _SAME:
        if key in found:
            table[key] = [one for one in found[key] if one is not None] if key == "enum" else found[key]
    if "properties" in found:
        table["fields"] = {key: short(tables(inner)) for key, inner in sorted(found["properties"].items())}
    if "items" in found:
        table["items"] = short(tables(found["items"]))
    if "additionalProperties" in found:
        table["map"] = short(tables(found["additionalProperties"]))
    return table


def short(table: Table) -> Any:  # noqa: ANN401 - a text, a list of texts or a table
    """A table that says nothing but the kind, as the kind alone; a kind that goes without saying is left out."""
    if table.keys() == {"kind"}:
        return table["kind"]
    rest = {key: value for key, value in table.items() if key != "kind"}
    return rest if implied(rest) == table["kind"] else table


def _kind(kind: str, found: Mapping[str, object]) -> str:
    return BYTES if kind == "string" and found.get("contentEncoding") == "base64" else kind
