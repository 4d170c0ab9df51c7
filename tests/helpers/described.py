"""Whether answers are what the OpenAPI document says: each status is told, and nothing is in a body that is not."""

from collections.abc import Iterator, Mapping
from typing import Any

KINDS: dict[str, tuple[type, ...]] = {
    "null": (type(None),), "boolean": (bool,), "integer": (int,), "number": (int, float),
    "string": (str,), "array": (list,), "object": (dict,),
}  # fmt: skip
KNOWN = {
    *("type", "properties", "required", "items", "additionalProperties", "anyOf", "const", "enum", "$ref"),
    *("title", "description", "default", "minimum", "minLength", "maxLength", "examples"),
}


def violations(value: Any, schema: Mapping[str, Any], models: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Where a value does not conform to a schema of the document; properties that it does not name are wrong too."""
    if unknown := schema.keys() - KNOWN:
        yield f"{path}: this check does not know {unknown}"
    if "$ref" in schema:
        yield from violations(value, models[schema["$ref"].rpartition("/")[2]], models, path)
        return
    if "anyOf" in schema:
        if all(list(violations(value, one, models, path)) for one in schema["anyOf"]):
            yield f"{path}: {value!r:.80} is none of {schema['anyOf']}"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{path}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {schema['enum']}"
    if "type" in schema and type(value) not in KINDS[schema["type"]]:
        yield f"{path}: {value!r:.80} is no {schema['type']}"
        return
    if isinstance(value, dict) and schema.get("type") == "object":
        yield from _in_object(value, schema, models, path)
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from violations(item, schema["items"], models, f"{path}/{index}")


def _in_object(value: dict[str, Any], schema: Mapping[str, Any], models: Mapping[str, Any], path: str) -> Iterator[str]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", not schema.get("properties"))
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path}: {name} is missing"
    for name, part in value.items():
        if name in properties:
            yield from violations(part, properties[name], models, f"{path}/{name}")
        elif isinstance(others, dict):
            yield from violations(part, others, models, f"{path}/{name}")
        elif not others:
            yield f"{path}: {name} is not in the document"


def conforms(document: dict[str, Any], method: str, path: str, status: int, body: Any) -> None:
    described = document["paths"][path][method.lower()]["responses"][str(status)]
    if "$ref" in described:
        described = document["components"]["responses"][described["$ref"].rpartition("/")[2]]
    schema = described["content"]["application/json"]["schema"]
    assert list(violations(body, schema, document["components"]["schemas"])) == []
