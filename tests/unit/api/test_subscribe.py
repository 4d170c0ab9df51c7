"""Subscriptions over HTTP, without the stream (i3x-1.0.md sections 4, 6, 10)."""

from collections.abc import Callable
from typing import Any

import pytest
from inprocess import AXIS, MOTOR, PARTS, PRESS, SPEED, InProcess, owner

from bridge.api import ApiLimits
from bridge.subscriptions import SubscriptionLimits

NOBODY = {"clientId": "nobody", "subscriptionId": "never"}


def create(bridge: InProcess, *idents: str, **options: Any) -> dict[str, str]:
    """A subscription, made and filled through the API; what its owner says in every request."""
    made = bridge.post("/subscriptions", clientId="me")["result"]
    mine = {"clientId": "me", "subscriptionId": made["subscriptionId"]}
    assert bridge.post("/subscriptions/register", **mine, elementIds=list(idents), **options)["success"]
    return mine


def sync(bridge: InProcess, mine: dict[str, str], status: int = 200, **options: Any) -> Any:
    return bridge.post("/subscriptions/sync", status, **mine, **options)["result"]


@pytest.mark.parametrize("name", [None, "Förderpumpe 𝄞", ""], ids=repr)
def test_create(bridge: InProcess, name: str | None) -> None:
    """What was asked for is echoed, and shown when asked again."""
    made = bridge.post("/subscriptions", clientId="me", displayName=name)["result"]
    assert made == {"clientId": "me", "subscriptionId": made["subscriptionId"], "displayName": name}
    (shown,) = bridge.post("/subscriptions/list", clientId="me", subscriptionIds=[made["subscriptionId"]])["results"]
    assert shown == {
        "success": True,
        "subscriptionId": made["subscriptionId"],
        "result": {"subscriptionId": made["subscriptionId"], "displayName": name, "monitoredObjects": []},
    }


@pytest.mark.parametrize("client", [None, "", 7, True, [], "c" * 1_025, ...], ids=lambda one: repr(one)[:20])
@pytest.mark.parametrize("path", ["", "/list", "/delete", "/register", "/unregister", "/sync", "/stream"])
def test_client_id_is_required(bridge: InProcess, path: str, client: object) -> None:
    """Every call without a usable clientId is 400 and does nothing."""
    mine = create(bridge, SPEED)
    body = {
        "subscriptionId": mine["subscriptionId"],
        "subscriptionIds": [mine["subscriptionId"]],
        "elementIds": [SPEED],
    }
    if client is not ...:
        body["clientId"] = client  # type: ignore[assignment]
    assert "clientId" in bridge.post(f"/subscriptions{path}", 400, **body)["responseDetail"]["detail"]
    assert len(bridge.engine.subscriptions) == 1
    assert bridge.engine.subscriptions.items == 1


@pytest.mark.parametrize("path", ["/register", "/unregister", "/sync", "/stream"])
def test_foreign(bridge: InProcess, path: str) -> None:
    """A foreign, a deleted and a never issued subscription give the same 404."""
    foreign, deleted = create(bridge, SPEED), create(bridge, SPEED)
    bridge.post("/subscriptions/delete", clientId="me", subscriptionIds=[deleted["subscriptionId"]])
    asked = [{**foreign, "clientId": "thief"}, deleted, NOBODY, {**foreign, "subscriptionId": ""}]
    answers = [bridge.post(f"/subscriptions{path}", 404, **body, elementIds=[SPEED]) for body in asked]
    assert answers == [answers[0]] * len(asked)


def test_foreign_in_bulk(bridge: InProcess) -> None:
    """In list and delete a foreign subscription fails alone, like an unknown one, and stays as it is."""
    mine = create(bridge, SPEED)["subscriptionId"]
    for path in ("/list", "/delete"):
        body = bridge.post(f"/subscriptions{path}", clientId="thief", subscriptionIds=[mine, "never", mine])
        assert body["success"] is False
        assert [item["subscriptionId"] for item in body["results"]] == [mine, "never", mine]
        assert [item["responseDetail"]["status"] for item in body["results"]] == [404] * 3
        assert body["results"][0]["responseDetail"] == body["results"][1]["responseDetail"]
    assert len(bridge.engine.subscriptions) == 1


def test_register(bridge: InProcess) -> None:
    """Unknown ids fail alone; repeats succeed and change nothing; what is monitored is listed with its depth."""
    mine = create(bridge)
    body = bridge.post("/subscriptions/register", **mine, elementIds=[PRESS, "nobody", PRESS, f"{AXIS}#/x"], maxDepth=2)
    assert body["success"] is False
    assert [item.get("result", item.get("responseDetail", {}).get("status")) for item in body["results"]] == [
        None,
        404,
        None,
        None,
    ]
    again = bridge.post("/subscriptions/register", **mine, elementIds=[PRESS], maxDepth=0)
    assert again == {"success": True, "results": [{"success": True, "elementId": PRESS, "result": None}]}
    (shown,) = bridge.post("/subscriptions/list", clientId="me", subscriptionIds=[mine["subscriptionId"]])["results"]
    assert shown["result"]["monitoredObjects"] == [
        {"elementId": PRESS, "maxDepth": 2},
        {"elementId": f"{AXIS}#/x", "maxDepth": 2},
    ]


def test_unregister(bridge: InProcess) -> None:
    """Queued values stay; what was not monitored succeeds, what does not exist fails."""
    mine = create(bridge, SPEED)
    body = bridge.post("/subscriptions/unregister", **mine, elementIds=[SPEED, SPEED, MOTOR, "nobody"])
    assert [item["success"] for item in body["results"]] == [True, True, True, False]
    bridge.publish(SPEED, 6)
    assert [update["value"] for update in sync(bridge, mine)[0]["updates"]] == [5]


def test_register_very_many(make_bridge: Callable[..., InProcess]) -> None:
    """Registering more elements than fit into the queue loses none of their present values."""
    bridge = make_bridge(subscriptions=SubscriptionLimits(queue=100))
    ids = [f"acme/line1/sensor{index}/value" for index in range(1_000)]
    for index, ident in enumerate(ids):
        bridge.publish(ident, index)
    mine = create(bridge, *ids)
    (batch,) = sync(bridge, mine)
    assert [update["value"] for update in batch["updates"]] == list(range(1_000))


def test_sync(bridge: InProcess) -> None:
    """clients.md 5, 11: numbers are integers from 1, one more each; updates are never null; no news is no batch."""
    mine = create(bridge, SPEED)
    first = sync(bridge, mine)
    assert first == [{"sequenceNumber": 1, "updates": first[0]["updates"]}]
    assert first[0]["updates"][0].keys() == {"elementId", "value", "quality", "timestamp"}
    assert sync(bridge, mine) == first
    assert sync(bridge, mine, lastSequenceNumber=None) == first
    assert sync(bridge, mine, lastSequenceNumber=99) == first
    assert sync(bridge, mine, acknowledgeSequence=1) == []
    bridge.publish(SPEED, 6)
    assert [batch["sequenceNumber"] for batch in sync(bridge, mine)] == [2]
    bridge.publish(SPEED, 7)
    assert sync(bridge, mine, lastSequenceNumber=-1) == []
    bridge.publish(SPEED, 8)
    assert [batch["sequenceNumber"] for batch in sync(bridge, mine)] == [3]


@pytest.mark.parametrize("number", ["1", 1.5, True, [], {}], ids=repr)
def test_acknowledge_is_an_integer(bridge: InProcess, number: object) -> None:
    """A lastSequenceNumber that is no integer is 400 and acknowledges nothing."""
    mine = create(bridge, SPEED)
    sync(bridge, mine)
    body = bridge.post("/subscriptions/sync", 400, **mine, lastSequenceNumber=number)
    assert "lastSequenceNumber" in body["responseDetail"]["detail"]
    assert len(sync(bridge, mine)) == 1


def test_overflow(make_bridge: Callable[..., InProcess]) -> None:
    """206 with the lost range until the client acknowledges past the gap."""
    bridge = make_bridge(subscriptions=SubscriptionLimits(queue=5))
    bridge.press()
    mine = create(bridge, SPEED)
    for value in range(10):
        bridge.publish(SPEED, value)
    body = bridge.post("/subscriptions/sync", 206, **mine)
    assert (body["success"], body["responseDetail"]["status"]) == (True, 206)
    detail = body["responseDetail"]["detail"]
    assert detail.startswith("6 updates were dropped, the oldest first; missing sequence numbers: 1;")
    assert [batch["sequenceNumber"] for batch in body["result"]] == [2]
    assert bridge.post("/subscriptions/sync", 206, **mine)["result"] == body["result"]
    assert sync(bridge, mine, lastSequenceNumber=2) == []


def test_sync_while_streaming(bridge: InProcess) -> None:
    """While a stream is open sync is 400; once it is closed sync works at once (clients.md 9)."""
    mine = create(bridge, SPEED)
    subscription = bridge.engine.subscriptions.get(mine["clientId"], mine["subscriptionId"])
    stream = bridge.engine.subscriptions.open_stream(subscription, lambda: None)
    assert "stream" in bridge.post("/subscriptions/sync", 400, **mine)["responseDetail"]["detail"]
    bridge.engine.subscriptions.close_stream(stream, bridge.now)
    assert len(sync(bridge, mine)) == 1


def test_components_of_a_composition(bridge: InProcess) -> None:
    """A monitored composition yields updates with the components' own ids and one for itself."""
    mine = create(bridge, PRESS, maxDepth=0)
    updates = sync(bridge, mine)[0]["updates"]
    assert sorted(update["elementId"] for update in updates) == sorted([PRESS, *PARTS])


def test_too_many(make_bridge: Callable[..., InProcess]) -> None:
    """One subscription too many is 429, one item too many fails alone with 429, too many ids are 413."""
    bridge = make_bridge(subscriptions=SubscriptionLimits(max=1, items=1), limits=ApiLimits(max_ids=2))
    bridge.press()
    mine = create(bridge, SPEED)
    assert bridge.post("/subscriptions", 429, clientId="me")["responseDetail"]["title"] == "Too Many Requests"
    (item,) = bridge.post("/subscriptions/register", **mine, elementIds=[MOTOR])["results"]
    assert item["responseDetail"]["status"] == 429
    bridge.post("/subscriptions/register", 413, **mine, elementIds=["a"] * 3)
    detail = bridge.post("/subscriptions/list", 413, clientId="me", subscriptionIds=["a"] * 3)["responseDetail"][
        "detail"
    ]
    assert "subscriptionIds" in detail


def test_names_are_bounded(bridge: InProcess) -> None:
    """What a client names and we keep is of a bounded length."""
    body = bridge.post("/subscriptions", 400, clientId="me", displayName="n" * 1_025)
    assert "displayName" in body["responseDetail"]["detail"]


def test_deleted(bridge: InProcess) -> None:
    """Deleting forgets all that the subscription held."""
    mine = create(bridge, PRESS, maxDepth=0)
    body = bridge.post("/subscriptions/delete", clientId="me", subscriptionIds=[mine["subscriptionId"]] * 2)
    assert [item["success"] for item in body["results"]] == [True, False]
    assert body["results"][0] == {"success": True, "subscriptionId": mine["subscriptionId"], "result": None}
    subscriptions = bridge.engine.subscriptions
    assert (len(subscriptions), subscriptions.items, subscriptions.queued) == (0, 0, 0)


def test_owner_helper(bridge: InProcess) -> None:
    """A subscription of the engine is the same one over HTTP."""
    assert len(sync(bridge, dict(owner(bridge.subscribe(SPEED))))) == 1
