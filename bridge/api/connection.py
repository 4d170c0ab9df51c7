"""A connection that can be cut.

ASGI has no word for it: a response that is given up half-way is closed only after everything written has been read,
which a reader that does not read never does. So the server hands its transport along, for the event stream to cut.
"""

from asyncio import Transport

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_EXTENSION = "bridge.transport"


class CuttableProtocol(HttpToolsProtocol):
    """uvicorn's own protocol for its `http` setting; each request knows the transport it came through."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_EXTENSION: {"transport": self.transport}}


def cut(scope: Scope) -> None:
    """Close the connection of a request now, whatever is still unread. Without our protocol the server closes it."""
    transport: Transport | None = scope.get("extensions", {}).get(_EXTENSION, {}).get("transport")
    if transport is not None:
        transport.abort()
