"""The OpenAPI document says what the server does: every real answer conforms to it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from described import conforms, violations
from inprocess import AXIS, MOTOR, PRESS, SPEED, InProcess, checked, owner

from bridge.api import ApiLimits, openapi
from bridge.api.operations import operations
from bridge.subscriptions import SubscriptionLimits

ALWAYS = {"startTime": "2026-01-01T00:00:00Z", "endTime": "2027-01-01T00:00:00Z"}


@pytest.fixture
def document(bridge: InProcess) -> dict[str, Any]:
    return bridge.get("/openapi.json")  # type: ignore[no-any-return]


def exchanges(bridge: InProcess) -> Iterator[tuple[str, str, dict[str, Any] | None]]:
    """A request for every operation, with all that can be in the answer."""
    for path in ("/info", "/namespaces", "/objecttypes", "/relationshiptypes", "/objects"):
        yield "GET", path, None
    ids = [SPEED, MOTOR, PRESS, AXIS, f"{AXIS}#/x", "acme", "nobody"]
    types = [kind["elementId"] for kind in bridge.get("/objecttypes")["result"]]
    yield "POST", "/objecttypes/query", {"elementIds": [*types, "nobody"]}
    yield "POST", "/relationshiptypes/query", {"elementIds": ["HasParent", "nobody"]}
    for flag in (True, False):
        yield "POST", "/objects/list", {"elementIds": ids, "includeMetadata": flag}
        yield "POST", "/objects/related", {"elementIds": ids, "includeMetadata": flag}
    for depth in (0, 1, 2):
        yield "POST", "/objects/value", {"elementIds": ids, "maxDepth": depth}
        yield "POST", "/objects/history", {"elementIds": ids, "maxDepth": depth, **ALWAYS}
    for path in ("/objects/value", "/objects/history"):
        record = {"value": 1, "quality": "Good", "timestamp": "2026-01-01T00:00:00Z"}
        yield "PUT", path, {"updates": [{"elementId": SPEED, "value": record}]}
    mine = dict(owner(bridge.subscribe(SPEED)))
    yield "POST", "/subscriptions", {"clientId": "me", "displayName": None}
    yield "POST", "/subscriptions/register", {**mine, "elementIds": ids, "maxDepth": 0}
    listed = {"clientId": mine["clientId"], "subscriptionIds": [mine["subscriptionId"], "never"]}
    yield "POST", "/subscriptions/list", listed
    yield "POST", "/subscriptions/sync", mine
    yield "POST", "/subscriptions/unregister", {**mine, "elementIds": ids}
    yield "POST", "/subscriptions/delete", listed
    yield "POST", "/subscriptions/stream", mine


def test_every_answer(bridge: InProcess, document: dict[str, Any]) -> None:
    """Answers of every operation conform to their schemas, and nothing is in them that the document does not tell."""
    asked = set()
    bridge.publish(AXIS, {"x": None, "pos": {"y": 3}, "new": [1]})
    for method, path, body in exchanges(bridge):
        answer = bridge.ask(method, f"/v1{path}", json.dumps(body).encode() if body else b"")
        assert answer.status_code in (200, 404, 501)
        conforms(document, method, path, answer.status_code, answer.json())
        asked.add((method.lower(), path))
    assert asked == {(method, path) for path, row in document["paths"].items() for method in row}


def test_every_refusal(bridge: InProcess, document: dict[str, Any]) -> None:
    """So do errors of every operation with a body; other methods are no operations, and have the same envelope."""
    models = document["components"]["schemas"]
    for path, row in document["paths"].items():
        for method in row:
            if method != "get":
                conforms(document, method, path, 400, bridge.ask(method.upper(), f"/v1{path}", b"[]").json())
        refused = checked(bridge.ask("DELETE", f"/v1{path}"), 405)
        assert list(violations(refused, models["ErrorEnvelope"], models)) == []


def test_partial_answers(make_bridge: Callable[..., InProcess], document: dict[str, Any]) -> None:
    """So do answers that a limit has cut."""
    bridge = make_bridge(limits=ApiLimits(max_components=1), subscriptions=SubscriptionLimits(queue=1))
    bridge.press()
    mine = dict(owner(bridge.subscribe(SPEED, MOTOR)))
    bridge.publish(SPEED, 6)
    asked = [
        ("/objects/value", {"elementIds": [PRESS], "maxDepth": 0}),
        ("/objects/history", {"elementIds": [PRESS], "maxDepth": 0, **ALWAYS}),
        ("/subscriptions/sync", mine),
    ]
    for path, body in asked:
        conforms(document, "post", path, 206, bridge.post(path, 206, **body))


def test_document(document: dict[str, Any]) -> None:
    """A valid OpenAPI 3.1 document: unique operation ids, every reference resolves, every model is used."""
    assert document["openapi"].startswith("3.1.")
    assert {"title", "version"} <= document["info"].keys()
    rows = [row for path in document["paths"].values() for row in path.values()]
    ids = [row["operationId"] for row in rows]
    assert len(ids) == len(set(ids)) == 20
    assert {tag for row in rows for tag in row["tags"]} <= {tag["name"] for tag in document["tags"]}
    assert all("200" in row["responses"] and row["summary"] for row in rows)
    text = json.dumps(document)
    models = document["components"]["schemas"]
    referred = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referred == models.keys()
    assert "$defs" not in text


STATUSES = [
    pytest.param("get", "/info", "200 500 503", "200 500 503", id="open"),
    pytest.param("get", "/namespaces", "200 304 500 503", "200 304 401 429 500 503", id="a listing"),
    pytest.param("get", "/objects", "200 304 400 500 503", "200 304 400 401 429 500 503", id="with booleans"),
    pytest.param("post", "/objects/list", "200 400 413 500 503", "200 400 401 413 429 500 503", id="bulk"),
    pytest.param("post", "/objects/value", "200 206 400 413 500 503", "200 206 400 401 413 429 500 503", id="limited"),
    pytest.param("put", "/objects/value", "200 400 403 413 500 501 503",
                 "200 400 401 403 413 429 500 501 503", id="write"),
    pytest.param("post", "/subscriptions", "200 400 413 429 500 503", "200 400 401 413 429 500 503", id="create"),
    pytest.param("post", "/subscriptions/sync", "200 206 400 404 413 500 503",
                 "200 206 400 401 404 413 429 500 503", id="sync"),
    pytest.param("post", "/subscriptions/stream", "200 400 404 413 429 500 503",
                 "200 400 401 404 413 429 500 503", id="stream"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "anybody", "known"), STATUSES)
def test_statuses(bridge: InProcess, method: str, path: str, anybody: str, known: str) -> None:
    """Each operation tells all statuses that it may have and no others; those of sign-in only where one signs in."""
    for guarded, expected in ((False, anybody), (True, known)):
        document = openapi.document(operations(bridge.context), "1", guarded=guarded)
        assert " ".join(sorted(document["paths"][path][method]["responses"])) == expected


def test_who_asks(bridge: InProcess) -> None:
    """Where one signs in the document says how, with the header of the settings; /info is open."""
    open_to_all = openapi.document(operations(bridge.context), "1")
    assert (open_to_all["security"], "securitySchemes" in open_to_all["components"]) == ([], False)
    guarded = openapi.document(operations(bridge.context), "1", guarded=True, key_header="X-Key")
    assert guarded["security"] == [{"bearer": []}, {"basic": []}, {"key": []}]
    assert guarded["components"]["securitySchemes"]["key"]["name"] == "X-Key"
    assert [path for path, row in guarded["paths"].items() if "security" in next(iter(row.values()))] == ["/info"]


def test_examples_and_links(bridge: InProcess, document: dict[str, Any]) -> None:
    """Each body has an example that is understood on every bridge; each link leads to an operation."""
    names = {row["operationId"] for path in document["paths"].values() for row in path.values()}
    answered = set()
    for path, row in document["paths"].items():
        for method, operation in row.items():
            for link in operation["responses"]["200"].get("links", {}).values():
                assert link["operationId"] in names
            if "requestBody" in operation:
                example = operation["requestBody"]["content"]["application/json"]["example"]
                answer = bridge.ask(method.upper(), f"/v1{path}", json.dumps(example).encode())
                answered.add((operation["operationId"], answer.status_code))
    refused = {(name, status) for name, status in answered if status != 200}
    assert refused == {
        ("updateObjectValues", 501), ("registerMonitoredItems", 404), ("removeMonitoredItems", 404),
        ("syncSubscription", 404), ("streamSubscription", 404),
    }  # fmt: skip


NULL = {"type": "null"}


@pytest.mark.parametrize(
    ("path", "field", "kind", "default"),
    [
        ("/objects/value", "maxDepth", {"minimum": 0, "type": "integer"}, 1),
        ("/subscriptions/sync", "lastSequenceNumber", {"type": "integer"}, None),
        ("/subscriptions", "displayName", {"maxLength": 1024, "type": "string"}, None),
        ("/objects/related", "relationshipType", {"type": "string"}, None),
    ],
)
def test_request_models(document: dict[str, Any], path: str, field: str, kind: dict[str, Any], default: object) -> None:
    """Optional fields of requests are described as they are taken, under the standard's names."""
    body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    model = document["components"]["schemas"][body.rpartition("/")[2]]
    found = model["properties"][field]
    assert (found["anyOf"], found["default"]) == ([kind, NULL], default)
    assert field not in model["required"]
