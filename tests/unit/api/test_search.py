"""`GET /search`: parameters, turns, and clients that do not wait for the answer."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from inprocess import PRESS, SPEED, InProcess, checked

from bridge.api import search as module
from bridge.api.search import AT_ONCE, LONGEST


def find(bridge: InProcess, query: str, status: int = 200, more: str = "") -> Any:
    return checked(bridge.ask("GET", f"/search?q={quote(query)}{more}"), status)


def test_find(bridge: InProcess) -> None:
    """The best first, with the total."""
    found = find(bridge, " Motor  acme ")
    assert [row["elementId"] for row in found["results"]] == [f"{PRESS}/motor", f"{PRESS}/motor/speed",
                                                              f"{PRESS}/motor/current"]  # fmt: skip
    assert found["total"] == 3
    assert found["results"][0].keys() == {
        *("elementId", "displayName", "typeElementId", "parentId", "isComposition", "isExtended", "unit", "path")
    }


def test_what_is_new(bridge: InProcess) -> None:
    """What has just come is in its place, as in a listing."""
    bridge.publish("acme/line1/press2/torque", 1)
    (found,) = find(bridge, "torque")["results"]
    assert [one["elementId"] for one in found["path"]] == ["acme", "acme/line1", "acme/line1/press2"]


def test_limit(bridge: InProcess) -> None:
    """So many results; all are counted."""
    found = find(bridge, "acme", more="&limit=2")
    assert [row["elementId"] for row in found["results"]] == ["acme", "acme/line1"]
    assert found["total"] == len(find(bridge, "acme", more="&limit=1000")["results"]) > 2


@pytest.mark.parametrize(
    ("query", "name"),
    [
        pytest.param("", "q", id="no query"),
        pytest.param("?q=", "q", id="an empty query"),
        pytest.param("?q=%20%09", "q", id="blanks"),
        pytest.param(f"?q={'x' * (LONGEST + 1)}", "q", id="a long query"),
        pytest.param("?q=a&limit=0", "limit", id="no results"),
        pytest.param("?q=a&limit=1001", "limit", id="too many results"),
        pytest.param("?q=a&limit=-1", "limit", id="less than none"),
        pytest.param("?q=a&limit=", "limit", id="an empty limit"),
        pytest.param("?q=a&limit=1_0", "limit", id="no plain number"),
        pytest.param("?q=a&limit=%D9%A1", "limit", id="other digits"),
        pytest.param(f"?q=a&limit={'9' * 10_000}", "limit", id="a long number"),
    ],
)
def test_refusals(bridge: InProcess, query: str, name: str) -> None:
    """What cannot be asked is refused, by name."""
    told = checked(bridge.ask("GET", f"/search{query}"), 400)["responseDetail"]["detail"]
    assert told.startswith(f"{name}: ")
    assert len(told) < 200


def test_longest(bridge: InProcess) -> None:
    """A query may be as long as that, of any characters."""
    assert find(bridge, "🏭" * LONGEST)["total"] == 0


@pytest.mark.parametrize("query", ["%00", "%ff%fe", "%ED%A0%80", "(", ".*", "'; --", "%0d%0aX: y"])
def test_odd_queries(bridge: InProcess, query: str) -> None:
    """Words are words: nothing in them means anything."""
    assert checked(bridge.ask("GET", f"/search?q={query}"), 200) == {"total": 0, "results": []}


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at the clock after each element."""
    monkeypatch.setattr(module, "_SLICE", 1)


def test_turns(make_bridge: Callable[..., InProcess], small_steps: None) -> None:
    """Others get their turn while it searches, and what they add and remove does no harm."""
    bridge = make_bridge(tick=1.0)
    bridge.press()
    turns = 0

    async def test() -> Any:
        task = asyncio.create_task(bridge.answer("GET", "/search?q=acme", None))
        nonlocal turns
        while not task.done():
            turns += 1
            bridge.publish(f"acme/new{turns}", turns)
            bridge.engine.space.remove(bridge.engine.space.nodes[f"acme/new{turns}"])
            await asyncio.sleep(0)
        return checked(await task, 200)

    elements = len(bridge.engine.space.nodes)
    found = asyncio.run(test())
    assert turns > elements
    assert [row["elementId"] for row in found["results"]][:2] == ["acme", "acme/line1"]
    assert "new" not in str(found)


class Peer:
    """A client that asks, and may go away. `looks`: how often it was asked whether it is still there."""

    def __init__(self, bridge: InProcess, query: str) -> None:
        self.sent: list[Any] = []
        self.looks = 0
        self._gone = asyncio.Event()
        self._asked = False
        scope = {
            "type": "http", "method": "GET", "path": "/search", "query_string": f"q={query}".encode(),
            "headers": [], "client": ("127.0.0.1", 1), "extensions": {},
        }  # fmt: skip
        self.task = asyncio.create_task(bridge.app(scope, self._receive, self._send))

    def leave(self) -> None:
        self._gone.set()

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        self.looks += 1
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)


def test_who_has_gone(make_bridge: Callable[..., InProcess], small_steps: None) -> None:
    """A search ends when its client has gone; one that still waits does not begin."""
    bridge = make_bridge(tick=1.0)
    bridge.press()

    async def test() -> None:
        peers = [Peer(bridge, "acme") for _ in range(AT_ONCE + 1)]
        while not all(peer.looks for peer in peers[:AT_ONCE]):  # noqa: ASYNC110 - turn by turn
            await asyncio.sleep(0)
        for peer in peers:
            peer.leave()
        await asyncio.wait_for(asyncio.gather(*(peer.task for peer in peers)), 5)
        assert max(peer.looks for peer in peers) < len(bridge.engine.space.nodes)
        assert [peer.sent[0]["status"] for peer in peers] == [204] * len(peers)

    asyncio.run(test())


def test_few_at_once(make_bridge: Callable[..., InProcess], small_steps: None) -> None:
    """Some search, others wait for their turn; all get their answer."""
    bridge = make_bridge(tick=1.0)
    bridge.press()

    async def test() -> None:
        peers = [Peer(bridge, SPEED) for _ in range(3 * AT_ONCE)]
        most = 0
        while not all(peer.task.done() for peer in peers):
            at_work = [peer for peer in peers if peer.looks and not peer.task.done()]
            most = max(most, len(at_work))
            await asyncio.sleep(0)
        assert most == AT_ONCE
        assert [peer.sent[0]["status"] for peer in peers] == [200] * len(peers)

    asyncio.run(test())
