"""The outermost layer: who the client is behind proxies, an id for each request, and the headers that all answers have.

The id is the client's own `X-Request-ID` where it is harmless, so that a proxy's log and ours agree. It is in the
answer, in the audit log, in all lines about the request, and in the one that says how it went, at level debug.
"""

import itertools
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.api.gate import CALLER, REQUEST_ID
from bridge.api.headers import STRICT_TRANSPORT, dressed
from bridge.api.proxies import IsTrusted, client_of, trust
from bridge.logs import REQUEST

_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_HEADER = b"x-request-id"

_log = logging.getLogger("bridge.requests")


class Front:
    """`proxies` are addresses and networks whose word about the client is believed."""

    def __init__(self, app: ASGIApp, proxies: Sequence[str] = ()) -> None:
        self._app = app
        self._is_trusted = trust(proxies) if proxies else None
        self._boot = secrets.token_hex(4)  # the ids of two runs differ
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._is_trusted is not None:
            _place(scope, self._is_trusted)
        own = self._name(scope)
        if scope["scheme"] == "https":
            own = (*own, STRICT_TRANSPORT)

        def send_on(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                message["headers"] = dressed(message.get("headers", ()), own)
            return send(message)

        if _log.isEnabledFor(logging.DEBUG):
            await _told(self._app, scope, receive, send_on)
        else:
            await self._app(scope, receive, send_on)

    def _name(self, scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
        """The id that the request brings, or a new one, as a header of the answer."""
        for name, value in scope["headers"]:
            if name == _HEADER and _ID.fullmatch(value):
                ident: bytes = value
                text = ident.decode()
                break
        else:
            text = f"{self._boot}-{next(self._numbers)}"
            ident = text.encode()
        scope[REQUEST_ID] = text
        REQUEST.set(text)  # each request has a task of its own
        return ((_HEADER, ident),)


def _place(scope: Scope, is_trusted: IsTrusted) -> None:
    """Put the client's own address and scheme where everybody looks for them."""
    client = scope.get("client")
    if client is None:
        return
    address, scheme = client_of(client[0], scope["headers"], is_trusted)
    if address != client[0]:
        scope["client"] = (address, 0)
    if scheme is not None:
        scope["scheme"] = scheme


async def _told(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, and log how it went."""
    statuses: list[int] = []

    def send_on(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
        return send(message)

    started = time.monotonic()
    try:
        await app(scope, receive, send_on)
    finally:
        _tell(scope, statuses, (time.monotonic() - started) * 1_000)


def _tell(scope: Scope, statuses: Sequence[int], ms: float) -> None:
    """Without the query, in which a client that does not know better may have put a secret."""
    client, caller = scope.get("client"), scope.get(CALLER)
    who = f"{caller.name if caller is not None else '-'} at {client[0] if client else '-'}"
    _log.debug(
        "%s %s: %s in %.1f ms for %s", scope["method"], scope["path"], statuses[0] if statuses else "no answer", ms, who
    )
