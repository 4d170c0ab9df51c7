"""The event stream of a subscription (i3x-1.0.md section 7), carried by sse-starlette.

An event is one line `data: [update, …]`, ASCII, below 64 KiB. A clean end of the body tells a client that all is over
(another stream took its place, or the subscription was deleted); at shutdown, and for a reader that does not read, the
connection breaks without the final chunk, which tells it to come back.

What waits for a slow reader waits in the subscription's queue, which is bounded; between it and the socket there is one
event at most. sse-starlette limits the time of each write but the last one: the end has a deadline of our own.
"""

import asyncio
from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import AppStatus, SendTimeoutError
from starlette.types import Receive, Scope, Send

from bridge.access import Caller
from bridge.api.connection import cut
from bridge.api.context import Context
from bridge.api.gate import CALLER, Gate
from bridge.api.requests import OpenStream, read
from bridge.errors import TooMany
from bridge.subscriptions import Stream, Subscriptions

EVENT_LIMIT = 60 * 1024  # bytes of updates in one event: the standard's 64 KiB with room for the frame
LEAVE = 0.2  # seconds for a reader to be told by the broken connection, before it is cut
TAKEN_AT_ONCE = 512  # updates taken from the queue for one event

AppStatus.disable_automatic_graceful_drain()  # type: ignore[no-untyped-call]  # the daemon ends streams, by breaking them


class StreamBroken(Exception):
    """Leave the response incomplete."""


class Streams:
    """The ASGI endpoint. `close` breaks all streams, for the end of the server."""

    def __init__(self, context: Context, gate: Gate) -> None:
        self._context = context
        self._gate = gate
        self._readers: set[_Reader] = set()
        self._closing = False

    def close(self) -> None:
        self._closing = True
        for reader in self._readers:
            reader.leave()

    def look_again(self) -> None:
        """About once a second: whoever may not be here any more has to come again, and sign in; who sees less than
        before sees it from now on.
        """
        if self._context.still_good is None:
            return
        for reader in tuple(self._readers):
            principal = self._context.still_good(reader.caller.principal)
            if principal is None:
                reader.leave()
            else:
                self._gate.look(principal)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limits, subscriptions = self._context.limits, self._context.engine.subscriptions
        body = await read(scope, receive, OpenStream, limits.max_body)
        caller: Caller = scope[CALLER]
        subscription = subscriptions.get(body.clientId, body.subscriptionId, caller.owner)
        if subscription.stream is None and len(self._readers) >= limits.max_streams:
            raise TooMany(f"{limits.max_streams} streams are open, which is the limit; close one, or call sync instead")
        reader = _Reader(subscriptions, limits.stream_send_timeout, caller)
        stream = subscriptions.open_stream(subscription, reader.wake)
        self._readers.add(reader)
        response = EventSourceResponse(
            reader.events(),
            sep="\n",
            headers={"content-type": "text/event-stream"},  # some clients compare it as it is, without a charset
            ping=limits.stream_keep_alive,
            ping_message_factory=lambda: ServerSentEvent(comment="keep-alive", sep="\n"),
            send_timeout=limits.stream_send_timeout,
        )
        try:
            async with reader.deadline:
                reader.stream = stream
                if self._closing:
                    reader.leave()
                await response(scope, receive, send)
        except StreamBroken:
            return  # incomplete: the server closes the connection
        except (SendTimeoutError, TimeoutError):
            cut(scope)
        finally:
            self._readers.discard(reader)
            subscriptions.close_stream(stream, self._context.now())


class _Reader:
    """The client at the other end. After `deadline` nothing more is written to it."""

    def __init__(self, subscriptions: Subscriptions, patience: float, caller: Caller) -> None:
        self.caller = caller
        self._subscriptions = subscriptions
        self._patience = patience
        self.stream: Stream | None = None  # set when the deadline counts
        self._left = False
        self._news = asyncio.Event()
        self.deadline = asyncio.timeout(None)

    def wake(self) -> None:
        """There is something to write, or the stream is over: then a reader that does not read gets no more time."""
        self._news.set()
        if self.stream is not None and self.stream.over and self.deadline.when() is None:
            self.deadline.reschedule(asyncio.get_running_loop().time() + self._patience)

    def leave(self) -> None:
        """Break off; a write that is stuck is given up soon."""
        self._left = True
        self._news.set()
        if self.stream is not None:
            self.deadline.reschedule(asyncio.get_running_loop().time() + LEAVE)

    async def events(self) -> AsyncIterator[bytes]:
        """Raises `StreamBroken` where the end is not the client's to know as an end."""
        while (stream := self.stream) is not None:
            self._news.clear()
            while not self._left and (event := next_event(self._subscriptions, stream)):
                yield event
                await asyncio.sleep(0)  # a write need not suspend: others get their turn between two events
            if self._left:
                raise StreamBroken
            if stream.over:
                return
            await self._news.wait()


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
