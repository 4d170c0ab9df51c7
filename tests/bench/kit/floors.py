# ruff: noqa: T201 - a command line prints
"""The floors: the least that could do the same work with the same libraries, each a process of its own.

`floors.py aiomqtt BROKER EVERY`: a bare consumer that only counts; `floors.py source BROKER EVERY`: the bridge's own
MQTT source, whose batches are only counted. Both say how many they have at each `EVERY` messages.
`floors.py app BROKER PORT`: a bare ASGI application: POST /<size> answers a constant body of that many bytes, POST
/stream sends each message of the broker as an event.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import aiomqtt
import uvicorn
import uvloop

from bridge.config import MqttSettings
from bridge.sources.mqtt import MqttSource

HOST = "127.0.0.1"
FILTER = {
    "aiomqtt": "floor/#",
    "source": "stock/#",
    "app": "floor/#",
}  # as long as the bridge's own "plant/#"

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class BatchQueue(asyncio.Queue[Any]):
    """A queue for aiomqtt whose consumer is woken once for all that has arrived meanwhile."""

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self._messages: deque[Any] = deque()
        self._news = asyncio.Event()

    def put_nowait(self, item: Any) -> None:
        self._messages.append(item)
        self._news.set()

    def qsize(self) -> int:
        return len(self._messages)

    async def batch(self) -> deque[Any]:
        """All that is there, at least one message."""
        await self._news.wait()
        self._news.clear()
        taken, self._messages = self._messages, deque()
        return taken


def tell(before: int, now: int, every: int) -> None:
    """Say each multiple of `every` that was passed."""
    for count in range((before // every + 1) * every, now + 1, every):
        print(count, flush=True)


async def count_aiomqtt(port: int, every: int) -> None:
    """Count what aiomqtt hands over."""
    total = 0
    async with aiomqtt.Client(HOST, port, queue_type=BatchQueue, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe(FILTER["aiomqtt"])
        print("ready", flush=True)
        while True:
            before, total = total, total + len(await queue_of(client).batch())
            tell(before, total, every)


def queue_of(client: aiomqtt.Client) -> BatchQueue:
    queue = client._queue
    assert isinstance(queue, BatchQueue)
    return queue


async def count_source(port: int, every: int) -> None:
    """Count what the bridge's source hands over."""
    settings = MqttSettings(url=f"mqtt://{HOST}:{port}", topics=(FILTER["source"],), client_id="bench-source")
    total = 0
    async with MqttSource(settings) as source:
        while not source.health().connected:  # noqa: ASYNC110 - the protocol has no event for it
            await asyncio.sleep(0.02)
        print("ready", flush=True)
        async for batch in source.batches():
            before, total = total, total + len(batch.messages)
            batch.done()
            tell(before, total, every)


class App:
    """See the module's text."""

    def __init__(self) -> None:
        self._streams: set[asyncio.Queue[bytes]] = set()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        path = scope["path"].removeprefix("/")
        if path == "stream":
            await self._stream(send)
            return
        body = b"x" * int(path or 0)
        await send(start(b"application/json", (b"content-length", str(len(body)).encode())))
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, send: Send) -> None:
        events: asyncio.Queue[bytes] = asyncio.Queue()
        self._streams.add(events)
        try:
            await send(start(b"text/event-stream"))
            await send({"type": "http.response.body", "body": b": hello\n\n", "more_body": True})
            while True:
                event = b"data: [" + await events.get() + b"]\n\n"
                await send({"type": "http.response.body", "body": event, "more_body": True})
        finally:
            self._streams.discard(events)

    async def consume(self, port: int) -> None:
        """Hand each message of the broker to all streams."""
        async with aiomqtt.Client(HOST, port, queue_type=BatchQueue, protocol=aiomqtt.ProtocolVersion.V5) as client:
            await client.subscribe(FILTER["app"])
            print("ready", flush=True)
            while True:
                for message in await queue_of(client).batch():
                    for events in self._streams:
                        events.put_nowait(message.payload)


def start(kind: bytes, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind), *headers]}


async def serve(broker: int, port: int) -> None:
    """The bare application, under the settings that the daemon gives to uvicorn."""
    app = App()
    config = uvicorn.Config(
        app, HOST, port, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False,
        server_header=False, backlog=2048, timeout_keep_alive=75, timeout_graceful_shutdown=1,
    )  # fmt: skip
    async with asyncio.TaskGroup() as tasks:
        consumer = tasks.create_task(app.consume(broker), name="consumer")
        await uvicorn.Server(config).serve()
        consumer.cancel()


def main(arguments: list[str]) -> None:
    kind, broker, number = arguments[0], int(arguments[1]), int(arguments[2])
    work = {"aiomqtt": count_aiomqtt, "source": count_source, "app": serve}[kind]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(broker, number))


if __name__ == "__main__":
    main(sys.argv[1:])
