"""S9 and S10: what belongs to others is not there: subscriptions, and elements outside of a principal's filters."""

import asyncio
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from inprocess import PRESS, SPEED, TEMPERATURE, InProcess

from bridge.access import Principal
from bridge.config import WriteSettings
from bridge.space.sight import Sight

SECRET = "acme/line2/oven9/burner/flame"  # of another line; its names and values are nowhere else
SECRET_VALUE = 4711.25
SPAN = {"startTime": "2026-01-01T00:00:00Z", "endTime": "2027-01-01T00:00:00Z"}
HIDDEN = (SECRET, "acme/line2/oven9/burner", "acme/line2/oven9", "acme/line2", f"{SECRET}#/x", "$bridge")
WORDS = ("line2", "oven9", "burner", "flame", "4711", "$bridge")
RECORD = {"value": SECRET_VALUE, "quality": "Good", "timestamp": "2026-01-01T00:00:00Z"}

Principals = dict[str, Principal]


@pytest.fixture
def principals() -> Principals:
    return {
        "operator": Principal("operator", read=("acme/line1/#",), write=("#",)),
        "temperature": Principal("temperature", read=(TEMPERATURE,)),
        "whole": Principal("whole", read=("#",), write=("#",), admin=True),
        "other": Principal("other", read=("#",)),
    }


@pytest.fixture
def bridge(principals: Principals) -> InProcess:
    made = InProcess(principals=principals)
    made.press()
    made.publish(SECRET, SECRET_VALUE)
    made.arrange()
    made.token = "operator"
    return made


def everything(bridge: InProcess) -> str:
    """All that can be listed, and all values and histories of what was listed."""
    texts = [
        bridge.ask("GET", f"/v1{path}").text
        for path in ("/namespaces", "/objecttypes", "/relationshiptypes", "/objects", "/objects?includeMetadata=true",
                     "/objects?root=true")
    ]  # fmt: skip
    ids = [one["elementId"] for one in bridge.get("/objects")["result"]]
    for path, more in (("value", {"maxDepth": 0}), ("history", {"maxDepth": 0, **SPAN}), ("related", {}), ("list", {})):
        content = msgspec.json.encode({"elementIds": ids, **more})
        texts.append(bridge.ask("POST", f"/v1/objects/{path}", content).text)
    return "\n".join(texts)


@pytest.mark.parametrize("token", ["operator", "temperature"])
def test_nothing_of_the_hidden_is_told(bridge, token):
    """Listings, values, histories and relations say nothing of what is outside; what is inside is there."""
    bridge.token = token
    told = everything(bridge)
    assert [word for word in WORDS if word in told] == []
    assert TEMPERATURE in told
    assert (SPEED in told) == (token == "operator")


def test_who_reads_everything_sees_it(bridge):
    """The same questions of somebody who may."""
    bridge.token = "whole"
    told = everything(bridge)
    assert [word for word in WORDS if word not in told] == []


ASKED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "/objects/list", {"elementIds": ["ID"], "includeMetadata": True}),
    ("POST", "/objects/related", {"elementIds": ["ID"]}),
    ("POST", "/objects/value", {"elementIds": ["ID"], "maxDepth": 0}),
    ("POST", "/objects/history", {"elementIds": ["ID"], "maxDepth": 0, **SPAN}),
    ("PUT", "/objects/history", {"updates": [{"elementId": "ID", "value": RECORD}]}),
    ("POST", "/objecttypes/query", {"elementIds": ["ID"]}),
    ("POST", "/relationshiptypes/query", {"elementIds": ["ID"]}),
    ("POST", "/subscriptions/register", {"clientId": "c", "subscriptionId": "SUB", "elementIds": ["ID"]}),
    ("POST", "/subscriptions/unregister", {"clientId": "c", "subscriptionId": "SUB", "elementIds": ["ID"]}),
)


@pytest.mark.parametrize(("method", "path", "body"), [pytest.param(*one, id=f"{one[0]} {one[1]}") for one in ASKED])
def test_a_hidden_element_looks_like_an_unknown_one(bridge, method, path, body):
    """The same status, the same headers and, letter by letter, the same text."""
    subscription = bridge.post("/subscriptions", clientId="c")["result"]["subscriptionId"]
    answers = {}
    for ident in (*HIDDEN, "no/such/element"):
        content = msgspec.json.encode(body).decode().replace("SUB", subscription).replace("ID", ident, 1) \
            if "SUB" not in str(body) else msgspec.json.encode(
                {**body, "subscriptionId": subscription, "elementIds": [ident]}).decode()  # fmt: skip
        answer = bridge.ask(method, f"/v1{path}", content.encode())
        answers[ident] = (answer.status_code, answer.text.replace(ident, "ID"))
    assert set(answers.values()) == {answers["no/such/element"]}
    assert '"status":404' in answers["no/such/element"][1]


def test_types_of_the_hidden_are_unknown(bridge):
    """A type that only hidden elements have cannot be asked for, nor be used to find them."""
    bridge.token = "whole"
    all_types = {one["elementId"] for one in bridge.get("/objecttypes")["result"]}
    kind = bridge.post("/objects/list", elementIds=["acme/line2/oven9"])["results"][0]["result"]["typeElementId"]
    bridge.token = "operator"
    assert kind in all_types
    assert kind not in {one["elementId"] for one in bridge.get("/objecttypes")["result"]}
    assert bridge.post("/objecttypes/query", elementIds=[kind])["results"][0]["responseDetail"]["status"] == 404
    assert bridge.get(f"/objects?typeElementId={kind.replace('#', '%23')}")["result"] == []


@pytest.mark.parametrize("word", ["line2", "oven9", "burner", "flame", "acme/line2/oven9", "$bridge", "Oven", "4711"])
@pytest.mark.parametrize("token", ["operator", "temperature"])
def test_the_hidden_is_not_found(bridge, token, word):
    """A search for it finds what one for nonsense finds, and a search for what is above or beside it tells nothing."""
    bridge.token = token
    nonsense = bridge.ask("GET", "/search?q=no-such-thing")
    found = bridge.ask("GET", f"/search?q={quote(word)}")
    assert (found.status_code, found.text) == (200, nonsense.text)
    everywhere = bridge.ask("GET", "/search?q=acme&limit=1000")
    assert [one for one in WORDS if one in everywhere.text] == []
    assert everywhere.json()["total"] == len([one for one in bridge.get("/objects")["result"]
                                              if "acme" in one["elementId"]])  # fmt: skip


def test_what_may_be_written_names_nothing_hidden(principals):
    """/me tells what the configuration lets be written only as far as that is seen."""
    said = WriteSettings(enabled=True, allow=("acme/line1/+/sp", "acme/line2/#"), deny=("acme/line2/oven9/#",))
    bridge = InProcess(principals=principals, writes=said)
    for token in ("operator", "temperature"):
        told = bridge.ask("GET", "/me", authorization=f"Bearer {token}").text
        assert [word for word in WORDS if word in told] == []


def test_a_way_is_a_folder(bridge):
    """What is above one's own is a plain folder, so that there is a way from the root."""
    bridge.token = "temperature"
    found = {one["elementId"]: one for one in bridge.get("/objects")["result"]}
    assert list(found) == ["acme", "acme/line1", PRESS, TEMPERATURE]
    assert found["acme"]["parentId"] is None
    assert {one["typeElementId"] for name, one in found.items() if name != TEMPERATURE} == {
        found["acme"]["typeElementId"]
    }
    value = bridge.post("/objects/value", elementIds=[PRESS], maxDepth=0)["results"][0]["result"]
    assert value["value"] == {"temperature": 20.5}
    assert list(value["components"]) == [TEMPERATURE]


def test_entity_tags_differ(bridge):
    """Nobody gets a 304 for what somebody else sees."""
    tags = {}
    for token in ("operator", "temperature", "whole", "other"):
        bridge.token = token
        tags[token] = bridge.ask("GET", "/v1/objects").headers["etag"]
    assert len(set(tags.values())) == 3
    assert tags["whole"] == tags["other"]


@pytest.mark.parametrize("path", ["list", "delete", "register", "unregister", "sync", "stream"])
def test_a_subscription_of_another_principal_is_unknown(bridge, path):
    """S9: neither the id nor the clientId of somebody else is of any use."""
    subscription = bridge.post("/subscriptions", clientId="c")["result"]["subscriptionId"]
    bridge.token = "other"
    answers = []
    for ident in (subscription, "unknown"):
        body = {"clientId": "c", "subscriptionId": ident, "subscriptionIds": [ident], "elementIds": [TEMPERATURE]}
        answer = bridge.ask("POST", f"/v1/subscriptions/{path}", msgspec.json.encode(body))
        answers.append((answer.status_code, answer.text.replace(ident, "ID")))
    assert answers[0] == answers[1]
    assert "404" in answers[0][1]
    bridge.token = "operator"
    listed = bridge.post("/subscriptions/list", clientId="c", subscriptionIds=[subscription])
    assert listed["success"] is True


def test_only_what_is_read_is_delivered(bridge):
    """A monitored composition delivers no hidden part, and nothing at all when only a hidden part has changed."""
    bridge.token = "temperature"
    mine = {"clientId": "c", "subscriptionId": bridge.post("/subscriptions", clientId="c")["result"]["subscriptionId"]}
    bridge.post("/subscriptions/register", **mine, elementIds=[PRESS], maxDepth=0)
    bridge.post("/subscriptions/sync", **mine, lastSequenceNumber=-1)
    bridge.publish(SPEED, 99)
    assert bridge.post("/subscriptions/sync", **mine, lastSequenceNumber=1)["result"] == []
    bridge.publish(TEMPERATURE, 30.5)
    (batch,) = bridge.post("/subscriptions/sync", **mine)["result"]
    assert [(one["elementId"], one["value"]) for one in batch["updates"]] == [
        (TEMPERATURE, 30.5),
        (PRESS, {"temperature": 30.5}),
    ]


def test_permissions_that_shrink_hold_at_once(bridge, principals):
    """What waits for somebody who may not read it any more is not delivered; its item is gone."""
    mine = {"clientId": "c", "subscriptionId": bridge.post("/subscriptions", clientId="c")["result"]["subscriptionId"]}
    bridge.post("/subscriptions/register", **mine, elementIds=[SPEED, TEMPERATURE])
    bridge.publish(SPEED, 77)
    bridge.post("/subscriptions/sync", **mine)  # frozen, and not acknowledged
    bridge.publish(SPEED, 78)
    principals["operator"] = Principal("operator", read=(TEMPERATURE,))
    told = bridge.ask("POST", "/v1/subscriptions/sync", msgspec.json.encode(mine)).text
    assert [word for word in (SPEED, "77", "78") if word in told] == []
    assert TEMPERATURE in told
    shown = bridge.post("/subscriptions/list", clientId="c", subscriptionIds=[mine["subscriptionId"]])
    assert [one["elementId"] for one in shown["results"][0]["result"]["monitoredObjects"]] == [TEMPERATURE]


def test_an_open_stream_ends_with_the_permission(bridge, principals):
    """A revoked principal's stream breaks; one that sees less goes on without what it lost."""
    mine = {"clientId": "c", "subscriptionId": bridge.post("/subscriptions", clientId="c")["result"]["subscriptionId"]}
    bridge.post("/subscriptions/register", **mine, elementIds=[SPEED, TEMPERATURE])

    async def stream() -> list[bytes]:
        events: list[bytes] = []
        body = [{"type": "http.request", "body": msgspec.json.encode(mine), "more_body": False}]
        over = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if body:
                return body.pop()
            await over.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            events.append(message.get("body", b""))

        scope = {
            "type": "http", "method": "POST", "path": "/v1/subscriptions/stream", "query_string": b"",
            "headers": [(b"authorization", b"Bearer operator")], "client": ("127.0.0.1", 1), "extensions": {},
        }  # fmt: skip
        task = asyncio.create_task(bridge.app(scope, receive, send))
        await asyncio.sleep(0.05)
        principals["operator"] = Principal("operator", read=(TEMPERATURE,))
        bridge.streams.look_again()
        bridge.publish(SPEED, 78)
        bridge.publish(TEMPERATURE, 31.5)
        await asyncio.sleep(0.05)
        del principals["operator"]
        bridge.streams.look_again()
        await asyncio.wait_for(task, 2)
        return events

    told = b"".join(asyncio.run(stream())).decode()
    assert (SPEED in told, ":78," in told, "31.5" in told) == (True, False, True)


def test_a_sight_of_everything_is_one():
    """`#` covers the bridge's own elements as well."""
    assert Sight(("#", "a/b")).everything
