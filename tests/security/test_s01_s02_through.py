"""S1, S2 and S4 through the whole: whatever topics and payloads come, every answer is strict JSON and as described; and
whatever is in a body, so is the answer to it.
"""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import strict_json
from described import conforms
from hypothesis import given, settings
from hypothesis import strategies as st
from inprocess import InProcess
from world import HOSTILE, World

from bridge.uns import Message
from tests.unit.uns.test_properties import PAYLOADS, TOPICS, VALID

SPAN = {"startTime": "2026-01-01T00:00:00Z", "endTime": "2027-01-01T00:00:00Z"}
LISTINGS = ("/namespaces", "/objecttypes", "/relationshiptypes", "/objects", "/objects?includeMetadata=true",
            "/objects?root=true")  # fmt: skip
MESSAGES = st.lists(
    st.tuples(TOPICS | st.sampled_from(["a/b", "a/b/c", *HOSTILE]), PAYLOADS | st.sampled_from(VALID).map(str.encode)),
    min_size=1,
    max_size=6,
)
DOCUMENT: dict[str, Any] = InProcess().get("/openapi.json")


def answered(bridge: InProcess, method: str, path: str, body: Any = None) -> Any:
    """The body of an answer, which the document describes; the server made no mistake."""
    content = b"" if body is None else msgspec.json.encode(body)
    answer = bridge.ask(method, f"/v1{path}", content)
    assert answer.status_code < 500, answer.text
    found = strict_json.parse(answer.content)
    conforms(DOCUMENT, method, path.partition("?")[0], answer.status_code, found)
    return found


def everything(bridge: InProcess) -> Iterator[Any]:
    """All that can be read."""
    for path in LISTINGS:
        yield answered(bridge, "GET", path)
    ids = [one["elementId"] for one in answered(bridge, "GET", "/objects")["result"]]
    types = [one["elementId"] for one in answered(bridge, "GET", "/objecttypes")["result"]]
    yield answered(bridge, "POST", "/objecttypes/query", {"elementIds": types})
    yield answered(bridge, "POST", "/objects/list", {"elementIds": ids, "includeMetadata": True})
    yield answered(bridge, "POST", "/objects/related", {"elementIds": ids})
    for depth in (0, 1):
        yield answered(bridge, "POST", "/objects/value", {"elementIds": ids, "maxDepth": depth})
        yield answered(bridge, "POST", "/objects/history", {"elementIds": ids, "maxDepth": depth, **SPAN})
    mine = {"clientId": "c"}
    mine = answered(bridge, "POST", "/subscriptions", mine)["result"] | mine
    yield answered(bridge, "POST", "/subscriptions/register", {**mine, "elementIds": ids, "maxDepth": 0})
    yield answered(bridge, "POST", "/subscriptions/sync", mine)


@settings(deadline=None, max_examples=60)
@given(MESSAGES)
def test_any_message(messages: list[tuple[str, bytes]]) -> None:
    """Whatever is published: every id that is listed is found, and every answer is as described."""
    bridge = InProcess()
    bridge.ingest(*(Message(topic, payload, received_ns=bridge.now_ns) for topic, payload in messages))
    bridge.pass_time(1)
    for body in everything(bridge):
        assert body["success"] is True


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def test_world(world: World) -> None:
    """The same of elements of every kind, the hostile ones among them."""
    assert all(body["success"] for body in everything(world))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
TIMES = st.sampled_from(["0001-01-01T00:00:00Z", "2026-01-01T00:00:00.123456789-23:59", "9999-12-31T23:59:60Z", "now"])
TABLE = [(method.upper(), path) for path, row in DOCUMENT["paths"].items() for method in row if method != "get"]


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    """A body of any operation with most of its fields, each right or anything at all."""
    method, path = draw(st.sampled_from(TABLE))
    content = DOCUMENT["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]
    model = DOCUMENT["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    known = st.sampled_from(["a/b", "acme", *HOSTILE, "$bridge", "nobody"])
    said = {"timestamp": TIMES, "quality": st.just("Good")}
    right = {
        "elementIds": st.lists(known, max_size=5), "startTime": TIMES, "endTime": TIMES, "maxDepth": st.integers(0, 9),
        "clientId": st.just("c"), "interval": st.sampled_from([1, "5m", 0.001, "P1D"]),
        "aggregate": st.sampled_from(["avg", "count"]),
        "updates": st.lists(
            st.fixed_dictionaries(
                {"elementId": known, "value": st.fixed_dictionaries({"value": JSON}, optional=said)}
            ),
            max_size=3,
        ),
    }  # fmt: skip
    names = draw(st.sets(st.sampled_from(sorted(model["properties"]))))
    names |= set(model.get("required", ()))
    wrong = draw(st.sampled_from([None, *sorted(names)]))
    return method, path, {name: draw(JSON if name == wrong else right.get(name, JSON)) for name in sorted(names)}


@settings(deadline=None, max_examples=300)
@given(requests())
def test_any_body(world: World, asked: tuple[str, str, dict[str, Any]]) -> None:
    """Whatever is asked: an answer that the document describes, and no mistake of the server."""
    method, path, body = asked
    answered(world, method, path, json.loads(json.dumps(body)))
