"""The event stream as an ASGI server sees it (i3x-1.0.md section 7); tests/integration/test_api.py has real sockets."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from inprocess import MOTOR, SPEED, TEMPERATURE, InProcess, owner

from bridge.api import ApiLimits
from bridge.api.stream import EVENT_LIMIT, LEAVE, next_event
from bridge.subscriptions import Subscription

QUICK = ApiLimits(stream_keep_alive=0.05, stream_send_timeout=0.1)


class Client:
    """One request to the stream: what was written so far, whether it reads, and what became of its connection."""

    def __init__(self, bridge: InProcess, subscription: Subscription) -> None:
        self.sent: list[dict[str, Any]] = []
        self.cut = False
        self._reads = asyncio.Event()
        self._reads.set()
        self._gone = asyncio.Event()
        self._asked = False
        self._body = msgspec.json.encode(owner(subscription))
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/subscriptions/stream",
            "headers": [],
            "query_string": b"",
            "extensions": {"bridge.connection": {"transport": self}},
        }
        self.task = asyncio.create_task(bridge.app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self._body}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        await self._reads.wait()
        self.sent.append(message)

    def stop_reading(self) -> None:
        self._reads.clear()

    def leave(self) -> None:
        self._gone.set()

    def get_extra_info(self, _: str) -> "Client":
        return self

    def setsockopt(self, *option: object) -> None:
        pass

    def abort(self) -> None:
        """What the server does to the transport."""
        self.cut = True
        self._reads.set()

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def events(self) -> list[list[Any]]:
        """Values of the updates of each event."""
        lines = [block for block in self.body.split(b"\n\n") if block.startswith(b"data: ")]
        return [[update["value"] for update in json.loads(line[6:])] for line in lines]

    @property
    def ended(self) -> str:
        """How the response has ended: "no", "cleanly" or "broken"."""
        if not self.task.done():
            return "no"
        return "cleanly" if self.sent and self.sent[-1].get("more_body") is False else "broken"


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


def run(test: Callable[[], Awaitable[None]]) -> None:
    """A test in an event loop, within two seconds."""

    async def bounded() -> None:
        async with asyncio.timeout(2):
            await test()

    asyncio.run(bounded())


def test_format(bridge: InProcess) -> None:
    """clients.md 6: headers at once; queued updates first; one line an event, LF only, ASCII, an array."""

    async def test() -> None:
        found = bridge.subscribe(SPEED)
        client = Client(bridge, found)
        await settle()
        bridge.publish(SPEED, "m³ 𝄞 \r\n\u2028")
        await settle()
        start = client.sent[0]
        assert start["status"] == 200
        assert (b"content-type", b"text/event-stream") in start["headers"]
        assert client.body.isascii()
        assert b"\r" not in client.body
        first, second, rest = client.body.split(b"\n\n")
        assert rest == b""
        assert first.startswith(b'data: [{"elementId":')
        assert b"\n" not in first + second
        assert b"\\ud834\\udd1e" in second
        assert client.events == [[5], ["m³ 𝄞 \r\n\u2028"]]
        client.leave()
        await client.task

    run(test)


def test_headers_before_news(bridge: InProcess) -> None:
    """A stream with nothing to say has its headers at once."""

    async def test() -> None:
        client = Client(bridge, bridge.subscribe())
        await settle()
        assert [message["type"] for message in client.sent] == ["http.response.start"]
        client.leave()
        await client.task

    run(test)


def test_takeover(bridge: InProcess) -> None:
    """clients.md 8: a second stream ends the first cleanly at once, without a special event, and goes on."""

    async def test() -> None:
        found = bridge.subscribe()
        first = Client(bridge, found)
        await settle()
        second = Client(bridge, found)
        await settle()
        assert (first.ended, first.body, second.ended) == ("cleanly", b"", "no")
        bridge.engine.subscriptions.register(found, SPEED, 1)
        bridge.engine.subscriptions.flush()
        await settle()
        assert (first.events, second.events) == ([], [[5]])
        second.leave()
        await second.task

    run(test)


def test_delete(bridge: InProcess) -> None:
    """Deleting the subscription ends its stream cleanly at once."""

    async def test() -> None:
        found = bridge.subscribe(SPEED)
        client = Client(bridge, found)
        await settle()
        bridge.engine.subscriptions.delete(found)
        await settle()
        assert client.ended == "cleanly"

    run(test)


def test_leaving(bridge: InProcess) -> None:
    """clients.md 9: a client that leaves is noticed at once; sync works, and has what was not written yet."""

    async def test() -> None:
        found = bridge.subscribe(SPEED)
        client = Client(bridge, found)
        await settle()
        client.leave()
        await settle()
        assert found.stream is None
        assert client.ended == "broken"
        bridge.publish(SPEED, 6)
        assert bridge.sync(found) == [(1, [(SPEED, 6)])]

    run(test)


def test_shutdown(bridge: InProcess) -> None:
    """clients.md 8: at shutdown the body ends without its final chunk, for streams open then and coming later."""

    async def test() -> None:
        clients = [Client(bridge, bridge.subscribe(SPEED)) for _ in range(3)]
        await settle()
        bridge.streams.close()
        await settle()
        late = Client(bridge, bridge.subscribe(SPEED))
        await settle()
        assert [client.ended for client in (*clients, late)] == ["broken"] * 4

    run(test)


def test_shutdown_does_not_wait(bridge: InProcess) -> None:
    """At shutdown a reader that does not read is cut at once."""

    async def test() -> None:
        client = Client(bridge, bridge.subscribe(SPEED))
        client.stop_reading()
        await settle()
        bridge.streams.close()
        await asyncio.sleep(LEAVE + 0.1)
        assert (client.cut, client.ended) == (True, "broken")

    run(test)


@pytest.mark.parametrize("moment", ["start", "event", "keep-alive", "end"])
def test_reader_that_does_not_read(make_bridge: Callable[..., InProcess], moment: str) -> None:
    """Whatever is written, a reader that does not read is cut when the time for a write is over."""

    async def test() -> None:
        bridge = make_bridge(limits=QUICK)
        bridge.press()
        found = bridge.subscribe()
        client = Client(bridge, found)
        if moment != "start":
            await settle()
        client.stop_reading()
        if moment == "event":
            bridge.engine.subscriptions.register(found, SPEED, 1)
            bridge.engine.subscriptions.flush()
        elif moment == "end":
            bridge.engine.subscriptions.delete(found)
        await asyncio.sleep(QUICK.stream_keep_alive + QUICK.stream_send_timeout + 0.1)
        assert (client.cut, client.ended) == (True, "broken")
        assert found.stream is None or moment == "end"

    run(test)


def test_slow_reader_holds_one_event(make_bridge: Callable[..., InProcess]) -> None:
    """What a slow reader does not take waits in the bounded queue, and is there for the next one."""

    async def test() -> None:
        bridge = make_bridge(limits=QUICK)
        bridge.press()
        found = bridge.subscribe()
        client = Client(bridge, found)
        await settle()
        client.stop_reading()
        bridge.engine.subscriptions.register(found, SPEED, 1)
        bridge.engine.subscriptions.flush()
        await settle()
        for value in range(10):
            bridge.publish(SPEED, value)
        await settle()
        assert found.queue.held == 10
        await client.task
        assert [value for _, value in bridge.fresh(found)] == list(range(10))

    run(test)


def test_keep_alive(make_bridge: Callable[..., InProcess]) -> None:
    """clients.md 7: a silent stream carries comments."""

    async def test() -> None:
        bridge = make_bridge(limits=QUICK)
        bridge.press()
        client = Client(bridge, bridge.subscribe())
        await asyncio.sleep(QUICK.stream_keep_alive * 3.5)
        assert client.body == b": keep-alive\n\n" * 3
        assert client.ended == "no"
        client.leave()
        await client.task

    run(test)


def test_limit(make_bridge: Callable[..., InProcess]) -> None:
    """One stream too many is 429; a takeover is not one more; a place that is left is free at once."""

    async def test() -> None:
        bridge = make_bridge(limits=ApiLimits(max_streams=2))
        bridge.press()
        subscriptions = [bridge.subscribe(SPEED) for _ in range(3)]
        first, second, third = (Client(bridge, one) for one in subscriptions)
        await settle()
        assert third.sent[0]["status"] == 429
        assert json.loads(third.body)["responseDetail"]["status"] == 429
        again = Client(bridge, subscriptions[0])
        await settle()
        assert (first.ended, again.ended) == ("cleanly", "no")
        second.leave()
        await settle()
        last = Client(bridge, subscriptions[2])
        await settle()
        assert last.sent[0]["status"] == 200
        for client in (again, last):
            client.leave()
            await client.task

    run(test)


def test_components(bridge: InProcess) -> None:
    """Updates of one batch come in one event, a composed element's once, last."""

    async def test() -> None:
        found = bridge.subscribe(MOTOR, max_depth=0)
        bridge.fresh(found)
        client = Client(bridge, found)
        await settle()
        bridge.publish(SPEED, 7)
        bridge.publish(TEMPERATURE, 7)
        await settle()
        assert client.events == [[7, {"current": 5.5, "speed": 7}]]
        client.leave()
        await client.task

    run(test)


class TestEvents:
    def events(self, bridge: InProcess, *values: Any) -> list[bytes]:
        found = bridge.subscribe(SPEED)
        bridge.fresh(found)
        for value in values:
            bridge.publish(SPEED, value)
        stream = bridge.engine.subscriptions.open_stream(found, lambda: None)
        events = []
        while event := next_event(bridge.engine.subscriptions, stream):
            events.append(event)
        return events

    def test_below_64_kib(self, bridge: InProcess) -> None:
        """An event carries as many updates as fit into 64 KiB, the escapes counted."""
        events = self.events(bridge, *["°" * 3_000] * 40)
        assert len(events) == 14, "three of 18 KB each"
        assert all(len(event) < 64 * 1024 for event in events)

    def test_large_one_alone(self, bridge: InProcess) -> None:
        """One larger update travels alone in its own event; the order stays."""
        events = self.events(bridge, 1, "x" * 2 * EVENT_LIMIT, 2, 3)
        assert [len(json.loads(event[6:])) for event in events] == [1, 1, 2]
        assert len(events[1]) > 64 * 1024

    def test_many_small(self, bridge: InProcess) -> None:
        """Small updates share events."""
        events = self.events(bridge, *range(1_000))
        assert [update["value"] for event in events for update in json.loads(event[6:])] == list(range(1_000))
        assert len(events) <= 4


def test_a_fast_producer_does_not_hold_the_loop(bridge: InProcess) -> None:
    """While a long queue is written others get their turn after every event."""

    async def test() -> None:
        found = bridge.subscribe(SPEED)
        for value in range(5_000):
            bridge.publish(SPEED, value)
        client = Client(bridge, found)
        turns = 0
        while found.queue.held or not client.sent:
            await asyncio.sleep(0)
            turns += 1
        assert turns >= len(client.events) > 5
        client.leave()
        await client.task

    run(test)


@pytest.mark.parametrize("body", [{}, {"clientId": "c"}, {"clientId": "c", "subscriptionId": 7}])
def test_malformed(bridge: InProcess, body: dict[str, Any]) -> None:
    """A stream that cannot be opened is refused like everything else."""
    bridge.post("/subscriptions/stream", 400, **body)
