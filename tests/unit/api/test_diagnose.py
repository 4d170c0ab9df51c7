"""`/explain` and `/drift`: outside the standard, with its envelope for errors."""

from urllib.parse import quote

import msgspec
import pytest
from inprocess import AXIS, PRESS, SPEED, InProcess, checked

from bridge.uns import Message


def explain(bridge: InProcess, topic: str, status: int = 200) -> dict:
    return checked(bridge.ask("GET", f"/explain?topic={quote(topic, safe='')}"), status)  # type: ignore[no-any-return]


def attempt(bridge: InProcess, status: int = 200, **body: object) -> dict:
    return checked(bridge.ask("POST", "/explain", msgspec.json.encode(body)), status)  # type: ignore[no-any-return]


def test_explain(bridge: InProcess) -> None:
    """A topic, a prefix of topics, or an element id."""
    for name in (SPEED, PRESS, f"{AXIS}#/pos/y"):
        found = explain(bridge, name)
        assert found["elementId"] == name
        assert found["facts"]["type"]["said"].startswith("urn:")


def test_explain_what_is_new(bridge: InProcess) -> None:
    """What has just come is placed before it is explained, as it is before it is listed."""
    bridge.publish("acme/line1/press2/speed", 1)
    assert explain(bridge, "acme/line1/press2/speed")["facts"]["place"]["said"] == "part of acme/line1/press2"


def test_explain_a_rejection(bridge: InProcess) -> None:
    """A topic that has only sent what could not be used is known."""
    bridge.ingest(Message("acme/set", b"on", received_ns=bridge.now_ns))
    found = explain(bridge, "acme/set")
    assert found["elementId"] is None
    assert found["facts"]["rejected"]["said"]["payload"] == "on"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/explain?topic=nobody", 404, id="unknown"),
        pytest.param("/explain", 400, id="no topic"),
        pytest.param("/explain?topic=", 400, id="empty topic"),
    ],
)
def test_refusals(bridge: InProcess, path: str, status: int) -> None:
    """Errors come in the standard's envelope."""
    checked(bridge.ask("GET", path), status)


def test_attempt(bridge: InProcess) -> None:
    """What a payload would become, without a trace in the space."""
    before = bridge.get("/objects")
    found = attempt(bridge, topic="acme/line1/press9/torque", payload='{"value": 7, "timestamp": 1790000000}')
    assert found["elementId"] == "acme/line1/press9/torque"
    assert found["facts"]["envelope"]["said"] == {"value": "value", "time": "timestamp"}
    assert found["facts"]["place"]["said"] == "part of acme/line1/press9"
    assert bridge.get("/objects") == before
    explain(bridge, "acme/line1/press9/torque", 404)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"topic": "a"}, id="no payload"),
        pytest.param({"payload": "1"}, id="no topic"),
        pytest.param({"topic": "", "payload": "1"}, id="empty topic"),
        pytest.param({"topic": "a", "payload": 1}, id="payload is no text"),
        pytest.param({"topic": "a", "payload": "1", "properties": {"a": 1}}, id="properties are no texts"),
    ],
)
def test_wrong_attempts(bridge: InProcess, body: dict[str, object]) -> None:
    """A wrong body is refused."""
    attempt(bridge, 400, **body)


def test_drift(bridge: InProcess) -> None:
    """What happened to settled types, the latest first."""
    assert checked(bridge.ask("GET", "/drift"), 200) == {"total": 0, "types": []}
    bridge.engine.space.registry.drift.note("urn:test#Speed", "widened by the attribute 'x'", SPEED, bridge.now_ns)
    found = checked(bridge.ask("GET", "/drift"), 200)
    assert found["total"] == 1
    assert found["types"][0]["events"][0]["elementId"] == SPEED
