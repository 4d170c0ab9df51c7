"""The server's end of a connection: uvicorn's protocol with what uvicorn has no setting for.

An answer goes out in one write: uvicorn writes head and body one after the other, which costs a system call and, where
a proxy delays small segments, 40 ms.

A connection can be cut: ASGI has no word for it, and a response that is given up half-way is closed only after
everything written has been read, which a reader that does not read never does.
"""

import asyncio
import socket
import struct
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_RESET = struct.pack("ii", 1, 0)  # linger for no time: else the kernel keeps what nobody reads, megabytes, for minutes
_EXTENSION = "bridge.connection"  # in the scope of each request; ASGI's place for what a server adds


class HttpProtocol(HttpToolsProtocol):
    """For uvicorn's `http` setting."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own has it
        super().connection_made(cast("asyncio.Transport", JoinedWrites(transport, self.loop)))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_EXTENSION: {"transport": self.transport}}


def cut(scope: Scope) -> None:
    """Close the connection of a request now, whatever is still unread. Without our protocol the server closes it."""
    connection = scope.get("extensions", {}).get(_EXTENSION)
    if connection is not None:
        transport: asyncio.Transport = connection["transport"]
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()


class JoinedWrites:
    """A transport that joins all writes of one turn of the event loop. Everything else is the real one's."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._call_soon = loop.call_soon
        self._waiting: list[bytes] = []
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the real one has
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._waiting:
            self._call_soon(self._flush)
        self._waiting.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._waiting.clear()
        self._transport.abort()

    def _flush(self) -> None:
        if self._waiting and not self.is_closing():
            self._transport.write(b"".join(self._waiting))
        self._waiting.clear()
