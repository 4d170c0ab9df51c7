"""The event stream of a subscription (i3x-1.0.md section 7).

An event is one line `data: [update, …]`, ASCII, below 64 KiB. A clean end of the body tells a client that all is over
(another stream took its place, or the subscription was deleted); at shutdown, and for a reader that does not read, the
connection breaks without the final chunk, which tells it to come back.

Every write has a time limit, the final chunk too. What waits for a slow reader waits in the subscription's queue, which
is bounded; between it and the socket there is one event at most.
"""

import asyncio
from collections.abc import Callable

from starlette.types import Receive, Scope, Send

from bridge.api.connection import cut
from bridge.api.context import ApiLimits, Context
from bridge.api.requests import OpenStream, read
from bridge.errors import TooMany
from bridge.subscriptions import Stream, Subscriptions

EVENT_LIMIT = 60 * 1024  # bytes of updates in one event: the standard's 64 KiB with room for the frame
TAKEN_AT_ONCE = 512  # updates taken from the queue for one event

_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # proxies that buffer would hold events back
]
_KEEP_ALIVE = b": keep-alive\n\n"


class Streams:
    """The ASGI endpoint. `close` breaks all streams, for the end of the server."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._readers: set[_Reader] = set()
        self._closing = False

    def close(self) -> None:
        self._closing = True
        for reader in self._readers:
            reader.leave()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limits, subscriptions = self._context.limits, self._context.engine.subscriptions
        body = await read(scope, receive, OpenStream, limits.max_body)
        subscription = subscriptions.get(body.clientId, body.subscriptionId)
        if subscription.stream is None and len(self._readers) >= limits.max_streams:
            raise TooMany(f"{limits.max_streams} streams are open, which is the limit; close one, or call sync instead")
        reader = _Reader(subscriptions, limits, send, lambda: cut(scope))
        self._readers.add(reader)
        stream = subscriptions.open_stream(subscription, reader.wake)
        watcher = asyncio.create_task(_departure(receive, reader), name="stream reader")
        try:
            if self._closing:
                reader.leave()
            await reader.serve(stream)
        finally:
            watcher.cancel()
            self._readers.discard(reader)
            subscriptions.close_stream(stream, self._context.now())


class _Reader:
    """The client at the other end. It is `left` once there is nobody to write to, or nothing more will be written."""

    def __init__(
        self, subscriptions: Subscriptions, limits: ApiLimits, send: Send, cut_off: Callable[[], None]
    ) -> None:
        self._subscriptions = subscriptions
        self._limits = limits
        self._send = send
        self._cut_off = cut_off
        self._writing = False
        self._left = False
        self._news = asyncio.Event()

    def wake(self) -> None:
        self._news.set()

    def leave(self) -> None:
        """Stop without a final chunk; a write that is stuck is given up."""
        self._left = True
        self._news.set()
        if self._writing:
            self._cut_off()

    async def serve(self, stream: Stream) -> None:
        try:
            await self._write({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            while not self._left:
                self._news.clear()
                await self._write_events(stream)
                if stream.over:
                    await self._write_body(b"", more=False)
                    return
                await self._wait()
        except TimeoutError:
            self._cut_off()

    async def _write_events(self, stream: Stream) -> None:
        while not self._left and (event := next_event(self._subscriptions, stream)):
            await self._write_body(event, more=True)
            await asyncio.sleep(0)  # a write need not suspend: others get their turn between two events

    async def _wait(self) -> None:
        """For something to write; a comment tells the client meanwhile that we are here."""
        while not self._news.is_set():
            try:
                async with asyncio.timeout(self._limits.stream_keep_alive):
                    await self._news.wait()
            except TimeoutError:
                await self._write_body(_KEEP_ALIVE, more=True)

    async def _write_body(self, body: bytes, *, more: bool) -> None:
        await self._write({"type": "http.response.body", "body": body, "more_body": more})

    async def _write(self, message: dict[str, object]) -> None:
        """Raises `TimeoutError` when the reader does not read."""
        self._writing = True
        async with asyncio.timeout(self._limits.stream_send_timeout):
            await self._send(message)
        self._writing = False


async def _departure(receive: Receive, reader: _Reader) -> None:
    """Notice at once that the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    reader.leave()


def next_event(subscriptions: Subscriptions, stream: Stream) -> bytes:
    """As many waiting updates as fit into one event, or nothing. A single larger one travels alone."""
    parts: list[bytes] = []
    size = 0
    while len(parts) < TAKEN_AT_ONCE:
        update = subscriptions.peek(stream)
        if update is None or (parts and size + len(update.json()) + 1 > EVENT_LIMIT):
            break
        subscriptions.take(stream)
        parts.append(update.json())
        size += len(parts[-1]) + 1
    return b"data: [" + b",".join(parts) + b"]\n\n" if parts else b""
