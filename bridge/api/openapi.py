"""`GET /v1/openapi.json`: the OpenAPI 3.1 document, made from the routing table, so that it cannot lag behind.

Each operation names every status that it can answer with, and no others: there is no `default`. Other methods of a path
(405) and other paths (404) are no operations; their answers have the same envelope.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bridge.api import shapes
from bridge.api.examples import BODIES, LINKS
from bridge.api.operations import Operation
from bridge.errors import (
    BadRequest,
    Forbidden,
    NotBuilt,
    NotFound,
    RequestError,
    TooLarge,
    TooMany,
    Unauthorized,
    Unavailable,
)

_REF = "#/components/schemas/{model}"
_GROUPS = {
    "Info": "What this server is and can do.",
    "Explore": "Namespaces, types, relationships and objects.",
    "Values": "Current values and history.",
    "Subscriptions": "Monitored elements, by polling (sync) or as a stream.",
}
_ABOUT = (
    "A Unified Namespace on an MQTT broker as a typed, related i3X 1.0 address space. Other paths answer 404, other "
    "methods 405, and what never becomes a request 400, 408, 414 or 431, all in the envelope of errors."
)
_ERRORS: Mapping[type[RequestError], str] = {
    BadRequest: "The body or a parameter is not as described; the detail names each mistake.",
    Unauthorized: "Nobody who is known: the credentials are missing or wrong.",
    Forbidden: "Known, but not allowed to do this.",
    NotFound: "No such subscription of this client.",
    TooLarge: "The body is too large, or names too many ids.",
    TooMany: "A limit is reached, or there were too many wrong credentials; the detail says which.",
    RequestError: "A mistake of the server.",
    NotBuilt: "This feature is off; /info says so.",
    Unavailable: "The server cannot answer now.",
}
_LIMITED = ("createSubscription", "streamSubscription")  # how many there may be in all
_INTEGER = {"schema": {"type": "integer", "minimum": 0}}
_TEXT = {"schema": {"type": "string"}}


def document(
    operations: Iterable[Operation], version: str, *, guarded: bool = False, key_header: str = "X-API-Key"
) -> dict[str, Any]:
    """`guarded`: whether whoever asks has to say who they are; `key_header` is where API keys go then."""
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
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, guarded=guarded)
    used = {error for row in rows for error in _errors(row, guarded=guarded)}
    components = {
        "schemas": {name: _clean(schema) for name, schema in definitions["$defs"].items()},
        "responses": {_named(error): _error(error) for error in _ERRORS if error in used},
    }
    if guarded:
        components["securitySchemes"] = _schemes(key_header)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "i3X 1.0 server of i3x-bridge",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/v1"}],
        "tags": [{"name": name, "description": about} for name, about in _GROUPS.items()],
        "security": [{name: []} for name in components.get("securitySchemes", ())],
        "paths": paths,
        "components": components,
    }


def _schemes(key_header: str) -> dict[str, Any]:
    return {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A token of the bridge or a JWT."},
        "basic": {"type": "http", "scheme": "basic", "description": "A name with its password or one of its tokens."},
        "key": {"type": "apiKey", "in": "header", "name": key_header, "description": "A token of the bridge."},
    }


def _clean(schema: dict[str, Any]) -> dict[str, Any]:
    """The attribute `schema_` is called `schema` on the wire: pydantic reserves the name."""
    properties = schema.get("properties", {})
    if "schema_" in properties:
        schema = {**schema, "properties": {name.rstrip("_"): part for name, part in properties.items()}}
        schema["required"] = [name.rstrip("_") for name in schema.get("required", ())]
    return schema


def _operation(row: Operation, *, guarded: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": row.name,
        "summary": row.about,
        "tags": [row.group],
        "responses": _good(row) | {str(one.status): _shared(one) for one in _errors(row, guarded=guarded)},
    }
    if guarded and row.needs == "nothing":
        found["security"] = []
    parameters = [_parameter("query", one.name, one.kind, one.about) for one in row.parameters]
    if row.tagged:
        parameters.append(_parameter("header", "If-None-Match", "string", "ETags of answers that the client has."))
    if parameters:
        found["parameters"] = parameters
    if row.body is not None:
        content = {"schema": _ref(row.body), "example": BODIES[row.name]}
        found["requestBody"] = {"required": True, "content": {"application/json": content}}
    return found


def _parameter(where: str, name: str, kind: str, about: str) -> dict[str, Any]:
    return {"name": name, "in": where, "required": False, "description": about, "schema": {"type": kind}}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


# --- errors ---------------------------------------------------------------------------------------------------------


def _errors(row: Operation, *, guarded: bool) -> Iterator[type[RequestError]]:
    """All that an operation may refuse with; one that fails alone within a bulk answer is not among them."""
    known = guarded and row.needs != "nothing"
    if row.body is not None or any(one.kind == "boolean" for one in row.parameters):
        yield BadRequest
    if known:
        yield Unauthorized
    if row.needs == "write" or (known and row.needs != "read"):
        yield Forbidden
    if row.body is not None and "subscriptionId" in row.body.model_fields:
        yield NotFound
    if row.body is not None:
        yield TooLarge
    if known or row.name in _LIMITED:
        yield TooMany
    yield RequestError
    if row.needs == "write":
        yield NotBuilt
    yield Unavailable


def _named(error: type[RequestError]) -> str:
    return error.title.replace(" ", "")


def _shared(error: type[RequestError]) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{_named(error)}"}


def _error(error: type[RequestError]) -> dict[str, Any]:
    found: dict[str, Any] = {"description": _ERRORS[error], "content": _json(_ref(shapes.ErrorEnvelope))}
    if error.retry_after is not None:
        found["headers"] = {"Retry-After": {"description": "Seconds to wait.", "required": True, **_INTEGER}}
    if error is Unauthorized:
        found["headers"] = {"WWW-Authenticate": {"description": "What is taken.", "required": True, **_TEXT}}
    return found


# --- good answers ---------------------------------------------------------------------------------------------------


def _good(row: Operation) -> dict[str, Any]:
    if row.kind == "stream":
        about = (
            "Each event is one line `data: [update, …]`, which the schema describes; a comment at least every few "
            "seconds keeps the stream alive. It has no end of its own."
        )
        return {"200": {"description": about, "content": {"text/event-stream": {"schema": _event(row)}}}}
    found: dict[str, Any] = {"200": {"description": "Success.", "content": _json(_envelope(row))}}
    if row.name in LINKS:
        found["200"]["links"] = {name: link.shown() for name, link in LINKS[row.name].items()}
    if row.tagged:
        tag = {"ETag": {"description": "Names this answer.", "required": True, **_TEXT}}
        found["200"]["headers"] = tag
        found["304"] = {"description": "What If-None-Match names is still right; no body.", "headers": tag}
    if row.partial:
        schema = _envelope(row)
        schema["properties"] = {**schema["properties"], "responseDetail": _ref(shapes.ErrorDetail)}
        schema["required"] = [*schema["required"], "responseDetail"]
        found["206"] = {
            "description": "A limit cut the answer; responseDetail says what is missing.",
            "content": _json(schema),
        }
    return found


def _event(row: Operation) -> dict[str, Any]:
    """Before OpenAPI 3.2 the schema of a stream is that of one event, whose fields are texts."""
    updates = {"type": "array", "items": _ref(row.result), "minItems": 1}
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": updates}
    return _object({"data": data}, ["data"])


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _envelope(row: Operation) -> dict[str, Any]:
    result: dict[str, Any] = {"type": "null"} if row.result is shapes.Nothing else _ref(row.result)
    if row.kind in ("list", "bulk-list"):
        result = {"type": "array", "items": result}
    if row.kind in ("single", "list"):
        return _object({"success": {"const": True}, "result": result}, ["success", "result"])
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
