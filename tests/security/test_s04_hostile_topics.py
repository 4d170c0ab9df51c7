"""S4: topics made to break what is built from them: ids, addresses, headers, events, pages and lines of a log. With a
real broker: tests/integration/test_run.py; for every topic: tests/unit/uns/test_properties.py; the log's own promise:
tests/unit/test_logs.py.
"""

import asyncio
import json
from urllib.parse import quote

import httpx
import msgspec
import pytest
from inprocess import InProcess, owner
from world import HOSTILE

from bridge.api import ApiLimits
from bridge.uns import Message
from tests.unit.api.test_stream import Client, settle

CONTROL = (
    "x/\r\nX-Injected: 1", "x/\r\n\r\n<html>", "x/\n\ndata: [1]\n\n", "x/\nevent: end", "x/\x00", "x/\x1b[2J", "x/\x85",
    "x/\u2029", "\ufeffx", "x/\u200b", " x ", "x/\ue000", "x/\U000f0000", "x/%0d%0a",
    "x/'; DROP TABLE rows; --", "x/${jndi:ldap://a}", "x/{{7*7}}", "$SYS/broker", "x/" + "y" * 900,
    "x?topic=z", "x&y=z",
)  # fmt: skip
TOPICS = (*HOSTILE, *CONTROL)


@pytest.fixture(scope="module")
def bridge() -> InProcess:
    found = InProcess(limits=ApiLimits(stream_keep_alive=60))
    found.ingest(*(Message(topic, b"7", received_ns=found.now_ns) for topic in TOPICS))
    found.arrange()
    return found


@pytest.fixture(scope="module")
def idents(bridge: InProcess) -> dict[str, str]:
    """Topic → id, as listed."""
    listed = bridge.get("/objects?includeMetadata=true")["result"]
    return {one["metadata"]["system"].get("topic"): one["elementId"] for one in listed}


@pytest.mark.parametrize("topic", [pytest.param(topic, id=ascii(topic)[:40]) for topic in TOPICS])
def test_id(bridge: InProcess, idents: dict[str, str], topic: str) -> None:
    """It is printable, and leads to the element and back to the topic, in a body and in an address."""
    ident = idents[topic]
    assert ident.isprintable()
    assert ident.strip() == ident
    (found,) = bridge.post("/objects/list", elementIds=[ident])["results"]
    assert found["result"]["elementId"] == ident
    assert bridge.post("/objects/value", elementIds=[ident])["results"][0]["result"]["value"] == 7
    told = bridge.ask("GET", f"/explain?topic={quote(ident, safe='')}")
    assert (told.status_code, told.json()["topic"]) == (200, topic)


def test_headers(bridge: InProcess, idents: dict[str, str]) -> None:
    """No answer has a header that another topic would not have."""

    def names(answer: httpx.Response) -> set[str]:
        return set(answer.headers)

    plain = names(bridge.ask("POST", "/v1/objects/value", b'{"elementIds": ["nobody"]}'))
    refused = names(bridge.ask("GET", "/v1/nowhere"))
    for topic in TOPICS:
        body = msgspec.json.encode({"elementIds": [topic, idents[topic]]})
        assert names(bridge.ask("POST", "/v1/objects/value", body)) == plain
        assert names(bridge.ask("GET", f"/v1/{quote(topic)}")) == refused
        assert bridge.ask("GET", f"/v1/objects?typeElementId={quote(topic)}").json()["result"] == []


def test_stream(bridge: InProcess, idents: dict[str, str]) -> None:
    """Each event is one line of ASCII, whatever is in ids and values."""

    async def streamed() -> bytes:
        client = Client(bridge, bridge.subscribe(*idents.values()))
        await settle()
        for topic in TOPICS:
            bridge.ingest(Message(topic, json.dumps(topic).encode(), received_ns=bridge.now_ns))
            await settle()
        client.leave()
        await client.task
        return client.body

    blocks = asyncio.run(streamed()).split(b"\n\n")
    updates = []
    for block in blocks[:-1]:
        assert block.isascii()
        assert (block.count(b"\n"), block.count(b"\r"), block[:7]) == (0, 0, b"data: [")
        updates += [(one["elementId"], one["value"]) for one in json.loads(block[6:])]
    assert [topic for topic in TOPICS if (idents[topic], topic) not in updates] == []
    assert blocks[-1] == b""


def test_refusals(bridge: InProcess) -> None:
    """What is refused is told on one printable line: the error names what was asked for no further than it can be."""
    mine = dict(owner(bridge.subscribe()))
    for topic in TOPICS:
        texts = [
            bridge.post("/subscriptions/sync", 404, **mine | {"subscriptionId": topic}),
            bridge.post("/objects/history", 400, elementIds=[], startTime=topic, endTime=topic),
            bridge.post("/objects/history", 400, elementIds=[], startTime="", endTime="", aggregate=topic),
            bridge.ask("GET", f"/v1/objects?root={quote(topic)}").json(),
            bridge.ask("GET", f"/explain?topic={quote(topic + 'nobody', safe='')}").json(),
        ]
        for body in texts:
            assert body["responseDetail"]["detail"].isprintable()
