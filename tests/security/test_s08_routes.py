"""S8: every route, asked by everybody: none, those who may read, write, read elsewhere only, admins, those who may only
write, and those who may do nothing.

The rows come from the application's own table, and `EXPECTED` names each one: a new route without an entry fails.
"""

import msgspec
import pytest
from inprocess import PRESS, TEMPERATURE, InProcess

from bridge.access import Principal
from bridge.api.app import table
from bridge.api.gate import Gate
from bridge.api.stream import Streams

PRINCIPALS = {
    "reader": Principal("reader", read=("acme/#",)),
    "writer": Principal("writer", read=("acme/#",), write=("acme/#",)),
    "stranger": Principal("stranger", read=("other/#",), write=("other/#",)),
    "whole": Principal("whole", read=("#",)),
    "admin": Principal("admin", admin=True),
    "mute": Principal("mute", write=("acme/#",)),
    "nobody": Principal("nobody"),
}
ASKING = ("", "wrong", *PRINCIPALS)
SPAN = {"startTime": "2026-01-01T00:00:00Z", "endTime": "2027-01-01T00:00:00Z"}
IDS = {"elementIds": [TEMPERATURE]}
MINE = {"clientId": "c", "subscriptionId": "x"}
RECORD = {"value": 1.5, "quality": "Good", "timestamp": "2026-01-01T00:00:00Z"}

# Statuses for ASKING, in its order.
OPEN = (200,) * 9
READ = (401, 401, 200, 200, 200, 200, 200, 200, 200)
WHOLE = (401, 401, 403, 403, 403, 200, 403, 403, 403)
ADMIN = (401, 401, 403, 403, 403, 403, 200, 403, 403)
WRITE = (401, 401, 403, 200, 200, 403, 403, 200, 403)
OFF = (401, 401, 403, 501, 501, 403, 403, 501, 403)  # writing is off here
UNKNOWN = (401, 401, 404, 404, 404, 404, 404, 404, 404)  # a subscription that is nobody's
MOVED = (307,) * 9

EXPECTED = {
    ("GET", "/v1/info"): OPEN,
    ("GET", "/v1/openapi.json"): OPEN,
    ("GET", "/v1/namespaces"): READ,
    ("GET", "/v1/objecttypes"): READ,
    ("POST", "/v1/objecttypes/query"): READ,
    ("GET", "/v1/relationshiptypes"): READ,
    ("POST", "/v1/relationshiptypes/query"): READ,
    ("GET", "/v1/objects"): READ,
    ("POST", "/v1/objects/list"): READ,
    ("POST", "/v1/objects/related"): READ,
    ("POST", "/v1/objects/value"): READ,
    ("PUT", "/v1/objects/value"): OFF,
    ("POST", "/v1/objects/history"): READ,
    ("PUT", "/v1/objects/history"): WRITE,
    ("POST", "/v1/subscriptions"): READ,
    ("POST", "/v1/subscriptions/list"): READ,
    ("POST", "/v1/subscriptions/delete"): READ,
    ("POST", "/v1/subscriptions/register"): UNKNOWN,
    ("POST", "/v1/subscriptions/unregister"): UNKNOWN,
    ("POST", "/v1/subscriptions/sync"): UNKNOWN,
    ("POST", "/v1/subscriptions/stream"): UNKNOWN,
    ("GET", "/explain"): WHOLE,
    ("POST", "/explain"): WHOLE,
    ("GET", "/drift"): WHOLE,
    ("GET", "/login"): OPEN,
    ("GET", "/me"): READ,
    ("GET", "/search"): READ,
    ("GET", "/status"): ADMIN,
    ("GET", "/livez"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/metrics"): ADMIN,
    ("GET", "/docs"): OPEN,
    ("GET", "/docs/start.js"): OPEN,
    ("GET", "/docs/"): MOVED,
    ("GET", "/"): OPEN,
}
BODIES = {
    "/v1/objecttypes/query": IDS,
    "/v1/relationshiptypes/query": IDS,
    "/v1/objects/list": IDS,
    "/v1/objects/related": IDS,
    "/v1/objects/value": {**IDS, "updates": [{"elementId": TEMPERATURE, "value": {"value": 1.5}}]},
    "/v1/objects/history": {**IDS, **SPAN, "updates": [{"elementId": TEMPERATURE, "value": RECORD}]},
    "/v1/subscriptions": {"clientId": "c"},
    "/v1/subscriptions/list": {"clientId": "c", "subscriptionIds": ["x"]},
    "/v1/subscriptions/delete": {"clientId": "c", "subscriptionIds": ["x"]},
    "/v1/subscriptions/register": {**MINE, **IDS},
    "/v1/subscriptions/unregister": {**MINE, **IDS},
    "/v1/subscriptions/sync": MINE,
    "/v1/subscriptions/stream": MINE,
    "/explain": {"topic": TEMPERATURE, "payload": "1"},
}
QUERIES = {"/explain": f"?topic={PRESS}", "/search": "?q=press"}


def guarded(public: tuple[str, ...] = ("docs",)) -> InProcess:
    bridge = InProcess(principals=PRINCIPALS, public=public)
    bridge.press()
    return bridge


@pytest.fixture(scope="module")
def bridge() -> InProcess:
    return guarded()


def routes(bridge: InProcess) -> set[tuple[str, str]]:
    """Of the application itself; HEAD is what GET is."""
    gate = Gate(bridge.engine, None, ())
    found = table(bridge.context, gate, Streams(bridge.context, gate))
    return {(method, path) for path, methods in found.items() for method in methods if method != "HEAD"}


def status(bridge: InProcess, method: str, path: str, token: str) -> int:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    content = msgspec.json.encode(BODIES.get(path, {})) if method in ("POST", "PUT") else b""
    return bridge.ask(method, path + QUERIES.get(path, ""), content, **headers).status_code


def test_each_route_has_an_entry(bridge):
    """Whoever adds a route says here who may ask."""
    assert set(EXPECTED) == routes(bridge)


@pytest.mark.parametrize(("method", "path"), [pytest.param(*key, id=f"{key[0]} {key[1]}") for key in EXPECTED])
def test_a_route_answers_as_declared(bridge, method, path):
    """Each route lets in whom it should, and HEAD is no way around."""
    asked = tuple(status(bridge, method, path, token) for token in ASKING)
    assert asked == EXPECTED[method, path]
    if method == "GET":
        assert tuple(status(bridge, "HEAD", path, token) for token in ASKING) == asked


def test_what_is_public_is_a_choice():
    """Metrics can be open, and the documentation closed to those who do not sign in."""
    bridge = guarded(public=("metrics",))
    assert [status(bridge, "GET", "/metrics", token) for token in ("", "reader")] == [200, 200]
    assert [status(bridge, "GET", "/docs", token) for token in ("", "reader")] == [401, 200]
    assert [status(bridge, "GET", "/docs/static/swagger-ui.css", token) for token in ("", "reader")] == [401, 200]
    assert [status(bridge, "GET", "/v1/openapi.json", token) for token in ("", "reader")] == [401, 200]


@pytest.mark.parametrize("path", ["/v1/objects/", "/v1//objects", "/V1/objects", "/v1/objects/value/x", "/v2", "/x"])
def test_no_way_around(bridge, path):
    """A path that nearly is one of the table is none."""
    assert {status(bridge, method, path, "") for method in ("GET", "POST", "PUT")} == {404}


def test_reasons_are_for_admins(bridge):
    """Whether it is ready everybody may know; why not speaks of the broker and of topics."""
    bridge.ready = type(bridge.ready)(ready=False, reasons=("filter 'plant/#' refused",))
    try:
        shown = {token: bridge.ask("GET", "/readyz", authorization=f"Bearer {token}").json() for token in ASKING[1:]}
        bare = bridge.ask("GET", "/readyz").json()
    finally:
        bridge.ready = type(bridge.ready)(ready=True)
    assert bare == {"ready": False, "reasons": ["sign in as an admin to see why"]}
    assert {token: "plant" in str(told) for token, told in shown.items()} == {
        token: token == "admin" for token in ASKING[1:]
    }
