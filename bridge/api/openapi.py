"""`GET /v1/openapi.json`: the OpenAPI 3.1 document, made from the routing table, so that it cannot lag behind."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bridge.api import shapes
from bridge.api.operations import Operation

_REF = "#/components/schemas/{model}"
_GROUPS = {
    "Info": "What this server is and can do.",
    "Explore": "Namespaces, types, relationships and objects.",
    "Values": "Current values and history.",
    "Subscriptions": "Monitored elements, by polling (sync) or as a stream.",
}


def document(operations: Iterable[Operation], version: str) -> dict[str, Any]:
    rows = list(operations)
    models: dict[type[BaseModel], Any] = {shapes.ErrorEnvelope: None, shapes.ErrorDetail: None}
    for row in rows:
        if row.result is not shapes.Nothing:
            models[row.result] = None
        if row.body is not None:
            models[row.body] = None
    inputs = [(model, "validation") for model in models]
    _, definitions = models_json_schema(inputs, by_alias=False, ref_template=_REF)  # type: ignore[arg-type]  # a list of literals
    paths: dict[str, Any] = {}
    for row in rows:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "i3X 1.0 server of i3x-bridge",
            "version": version,
            "description": "A Unified Namespace on an MQTT broker as a typed, related i3X 1.0 address space.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/v1"}],
        "tags": [{"name": name, "description": about} for name, about in _GROUPS.items()],
        "paths": paths,
        "components": {"schemas": {name: _clean(schema) for name, schema in definitions["$defs"].items()}},
    }


def _clean(schema: dict[str, Any]) -> dict[str, Any]:
    """The attribute `schema_` is called `schema` on the wire: pydantic reserves the name."""
    properties = schema.get("properties", {})
    if "schema_" in properties:
        schema = {**schema, "properties": {name.rstrip("_"): part for name, part in properties.items()}}
        schema["required"] = [name.rstrip("_") for name in schema.get("required", ())]
    return schema


def _operation(row: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": row.name,
        "summary": row.about,
        "tags": [row.group],
        "responses": _responses(row),
    }
    parameters = [_parameter("query", one.name, one.kind, one.about) for one in row.parameters]
    if row.tagged:
        parameters.append(_parameter("header", "If-None-Match", "string", "ETags of answers that the client has."))
    if parameters:
        found["parameters"] = parameters
    if row.body is not None:
        content = {"application/json": {"schema": _ref(row.body)}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _parameter(where: str, name: str, kind: str, about: str) -> dict[str, Any]:
    return {"name": name, "in": where, "required": False, "description": about, "schema": {"type": kind}}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def _responses(row: Operation) -> dict[str, Any]:
    error = {
        "description": "An error, in the standard's envelope.",
        "content": _json(_ref(shapes.ErrorEnvelope)),
    }
    if row.kind == "stream":
        about = "Each event is one line `data: [update, …]`; a comment at least every few seconds keeps it alive."
        good: dict[str, Any] = {
            "description": about,
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
        return {"200": good, "default": error}
    found = {"200": {"description": "Success.", "content": _json(_envelope(row))}, "default": error}
    if row.tagged:
        found["200"]["headers"] = {"ETag": {"description": "Names this answer.", "schema": {"type": "string"}}}
        found["304"] = {"description": "What If-None-Match names is still right; no body."}
    if row.partial:
        schema = _envelope(row)
        schema["properties"] = {**schema["properties"], "responseDetail": _ref(shapes.ErrorDetail)}
        found["206"] = {
            "description": "A limit cut the answer; responseDetail says what is missing.",
            "content": _json(schema),
        }
    return found


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _envelope(row: Operation) -> dict[str, Any]:
    result: dict[str, Any] = {"type": "null"} if row.result is shapes.Nothing else _ref(row.result)
    if row.kind in ("list", "bulk-list"):
        result = {"type": "array", "items": result}
    if row.kind in ("single", "list"):
        return _object({"success": {"type": "boolean"}, "result": result}, ["success", "result"])
    item = _object(
        {
            "success": {"type": "boolean"},
            row.key: {"type": "string"},
            "result": result,
            "responseDetail": _ref(shapes.ErrorDetail),
        },
        ["success", row.key],
    )
    return _object(
        {"success": {"type": "boolean"}, "results": {"type": "array", "items": item}}, ["success", "results"]
    )


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}
