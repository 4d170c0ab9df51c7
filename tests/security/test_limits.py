"""Each limit of a request or of all clients together: its status, and when to come again (reliability.md, "Defaults").
Connections and slow clients: tests/integration/test_slow_clients.py; wrong credentials: tests/unit/access.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest
from inprocess import MOTOR, PRESS, SPEED, InProcess, owner

from bridge.api import ApiLimits
from bridge.errors import RequestError
from bridge.subscriptions import SubscriptionLimits
from tests.unit.api.test_stream import Client, settle

SPAN = {"startTime": "2026-01-01T00:00:00Z", "endTime": "2027-01-01T00:00:00Z"}
PLACES = {"limits": ApiLimits, "subscriptions": SubscriptionLimits}


def pressed(**limits: Any) -> InProcess:
    """A bridge with some limits; `rows` are of history."""
    said: dict[str, Any] = {"rows": limits.pop("rows", 10_000), "tick": limits.pop("tick", 0.0)}
    for name, kind in PLACES.items():
        said[name] = kind(**{key: limits[key] for key in limits if key in kind.__struct_fields__})
    bridge = InProcess(**said)
    bridge.press()
    return bridge


def ask(bridge: InProcess, path: str, **body: Any) -> httpx.Response:
    return bridge.ask("POST", f"/v1{path}", msgspec.json.encode(body))


def large_body() -> httpx.Response:
    return ask(pressed(max_body=100), "/objects/value", elementIds=[SPEED], more="x" * 100)


def many_ids() -> httpx.Response:
    return ask(pressed(max_ids=2), "/objects/value", elementIds=[SPEED] * 3)


def many_subscription_ids() -> httpx.Response:
    return ask(pressed(max_ids=2), "/subscriptions/list", clientId="c", subscriptionIds=["x"] * 3)


def many_updates() -> httpx.Response:
    record = {"value": 1, "timestamp": SPAN["startTime"]}
    updates = [{"elementId": SPEED, "value": record}] * 3
    return pressed(max_ids=2).ask("PUT", "/v1/objects/history", msgspec.json.encode({"updates": updates}))


def many_components() -> httpx.Response:
    return ask(pressed(max_components=1), "/objects/value", elementIds=[PRESS], maxDepth=0)


def many_rows() -> httpx.Response:
    bridge = pressed(rows=2)
    for number in range(4):
        bridge.publish(SPEED, number, bridge.now_ns // 1_000_000 - number)
    return ask(bridge, "/objects/history", elementIds=[SPEED], **SPAN)


def slow_query() -> httpx.Response:
    """Of many ids the first are answered; those that there is no time for fail, and nothing else."""
    return ask(pressed(query_timeout=1.0, tick=0.9), "/objects/value", elementIds=[SPEED, MOTOR, PRESS])


def many_subscriptions() -> httpx.Response:
    bridge = pressed(max=1)
    ask(bridge, "/subscriptions", clientId="c")
    return ask(bridge, "/subscriptions", clientId="c")


def many_items() -> httpx.Response:
    bridge = pressed(items=1)
    return ask(bridge, "/subscriptions/register", **owner(bridge.subscribe()), elementIds=[SPEED, MOTOR])


def full_queue() -> httpx.Response:
    bridge = pressed(queue=2)
    found = bridge.subscribe(SPEED)
    for number in range(4):
        bridge.publish(SPEED, number)
    return ask(bridge, "/subscriptions/sync", **owner(found))


def many_streams() -> httpx.Response:
    bridge = pressed(max_streams=1)

    async def second() -> httpx.Response:
        client = Client(bridge, bridge.subscribe(SPEED))
        await settle()
        answer = await bridge.answer("POST", "/v1/subscriptions/stream", dict(owner(bridge.subscribe(SPEED))))
        client.leave()
        await client.task
        return answer

    return asyncio.run(second())


def old_subscription() -> httpx.Response:
    bridge = pressed(ttl=10.0)
    found = bridge.subscribe(SPEED)
    bridge.pass_time(11)
    bridge.engine.tick(bridge.now_ns, bridge.now, bridge.clock)
    return ask(bridge, "/subscriptions/sync", **owner(found))


# What reaches the limit, the status of the whole, that of the items, and a word of what is told.
LIMITS = [
    pytest.param(large_body, 413, [], "at most 100 bytes", id="body"),
    pytest.param(many_ids, 413, [], "at most 2", id="ids"),
    pytest.param(many_subscription_ids, 413, [], "at most 2", id="subscription ids"),
    pytest.param(many_updates, 413, [], "at most 2", id="updates"),
    pytest.param(many_components, 206, [200], "smaller maxDepth", id="components"),
    pytest.param(many_rows, 206, [200], "resume with startTime", id="rows"),
    pytest.param(slow_query, 200, [200, 503, 503], "ask for the rest", id="time"),
    pytest.param(many_subscriptions, 429, [], "1 subscriptions exist", id="subscriptions"),
    pytest.param(many_items, 200, [200, 429], "unregister", id="items"),
    pytest.param(full_queue, 206, [], "dropped", id="queue"),
    pytest.param(many_streams, 429, [], "1 streams are open", id="streams"),
    pytest.param(old_subscription, 404, [], "no such subscription", id="time-to-live"),
]


@pytest.mark.parametrize(("reach", "status", "items", "told"), LIMITS)
def test_limit(reach: Callable[[], httpx.Response], status: int, items: list[int], told: str) -> None:
    """The right status, a text that says what to do, and `Retry-After` exactly where the whole may be tried again."""
    answer = reach()
    assert answer.status_code == status
    body = answer.json()
    found = body.get("results", ())
    assert [one["responseDetail"]["status"] if not one["success"] else 200 for one in found] == items
    assert told in answer.text
    assert answer.headers.get("retry-after") == ("5" if status in (429, 503) else None)


def test_who_may_try_again() -> None:
    """All errors that time may heal say when, and no others."""
    kinds = RequestError.__subclasses__()
    assert {kind.status for kind in kinds if kind.retry_after is not None} == {429, 503}
