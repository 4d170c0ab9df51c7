"""The event stream of a subscription (i3x-1.0.md section 7), carried by sse-starlette.

An event is one line `data: [update, …]`, ASCII, below 64 KiB. A clean end of the body tells a client that all is over
(another stream took its place, or the subscription was deleted); at shutdown, and for a reader that does not read, the
connection breaks without the final chunk, which tells it to come back.
"""

import asyncio
from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import AppStatus, SendTimeoutError
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from bridge.api.context import Context
from bridge.api.requests import OpenStream, read
from bridge.errors import TooMany
from bridge.subscriptions import Stream, Subscriptions

EVENT_LIMIT = 60 * 1024  # bytes of updates in one event: the standard's 64 KiB with room for the frame
TAKEN_AT_ONCE = 512  # updates taken from the queue for one event

AppStatus.disable_automatic_graceful_drain()  # type: ignore[no-untyped-call]  # the daemon ends the streams, by breaking them


class StreamBroken(Exception):
    """Leave the response incomplete, so that the server cuts the connection."""


class Streams:
    """The ASGI endpoint of the stream. `close` breaks all of them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._closing = False

    def close(self) -> None:
        self._closing = True
        self._context.engine.subscriptions.end_streams()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limits, subscriptions = self._context.limits, self._context.engine.subscriptions
        body = await read(Request(scope, receive), OpenStream, limits.max_body)
        subscription = subscriptions.get(body.clientId, body.subscriptionId)
        if subscription.stream is None and subscriptions.streams >= limits.max_streams:
            raise TooMany(f"{limits.max_streams} streams are open, which is the limit")
        wake = asyncio.Event()
        stream = subscriptions.open_stream(subscription, wake.set)
        response = EventSourceResponse(
            self._events(stream, wake),
            sep="\n",
            ping=limits.stream_keep_alive,
            ping_message_factory=lambda: ServerSentEvent(comment="keep-alive", sep="\n"),
            send_timeout=limits.stream_send_timeout,
        )
        try:
            await response(scope, receive, send)
        except (StreamBroken, SendTimeoutError):
            return  # incomplete on purpose
        finally:
            subscriptions.close_stream(stream, self._context.now())

    async def _events(self, stream: Stream, wake: asyncio.Event) -> AsyncIterator[bytes]:
        subscriptions = self._context.engine.subscriptions
        while True:
            wake.clear()
            while event := next_event(subscriptions, stream):
                yield event
                await asyncio.sleep(0)  # a real suspension, so that a fast producer cannot hold the loop
            if stream.over:
                return
            if self._closing:
                raise StreamBroken
            await wake.wait()


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
