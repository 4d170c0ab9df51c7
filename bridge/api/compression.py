"""gzip for whoever accepts it, however small the body (i3x-1.0.md section 1).

Starlette's own middleware leaves out answers with status 206, which in i3X are ordinary bodies. The event stream is
never compressed: its events would wait inside the compressor.
"""

import asyncio
import zlib
from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LEVEL = 5  # a third of the time of level 9 for 1 % more bytes
_GZIP = 16 + zlib.MAX_WBITS  # zlib's way to ask for gzip's frame
_OFF_LOOP = 64 * 1024  # bytes; more takes longer than a millisecond and is done on a thread
_LEFT_ALONE = ("text/event-stream", "image/")
_BODILESS = (204, 304)


class GzipMiddleware:
    """See the module's text. A request that does not accept gzip costs one look at its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        accepted = scope["type"] == "http" and accepts_gzip(scope["headers"])
        await self._app(scope, receive, _Compressor(send) if accepted else send)


def accepts_gzip(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether `Accept-Encoding` lists gzip, or everything, with a weight above zero (RFC 9110, 12.5.3)."""
    weights: dict[str, float] = {}
    for name, value in headers:
        if name == b"accept-encoding":
            for part in value.decode("latin-1").lower().split(","):
                coding, _, parameter = part.partition(";")
                weights[coding.strip()] = _weight(parameter)
    return weights.get("gzip", weights.get("*", 0)) > 0


def _weight(parameter: str) -> float:
    name, _, number = parameter.partition("=")
    try:
        return float(number) if name.strip() == "q" else 1.0
    except ValueError:
        return 1.0


class _Compressor:
    """The `send` of one answer. The start waits for the first piece of the body, whose length it has to tell."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._zlib = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._plain = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._plain = _left_alone(message)
            if not self._plain:
                self._start = message
                return
        elif not self._plain:
            message = await self._compressed(message)
        await self._send(message)

    async def _compressed(self, message: Message) -> Message:
        more = message.get("more_body", False)
        body: bytes = message.get("body", b"")
        if len(body) > _OFF_LOOP:
            packed = await asyncio.to_thread(self._pack, body, last=not more)
        else:
            packed = self._pack(body, last=not more)
        start, self._start = self._start, None
        if start is not None:
            headers = MutableHeaders(raw=start["headers"])
            headers["content-encoding"] = "gzip"
            if "accept-encoding" not in headers.get("vary", "").lower():
                headers.add_vary_header("Accept-Encoding")
            if more:
                del headers["content-length"]
            else:
                headers["content-length"] = str(len(packed))
            await self._send(start)
        return {**message, "body": packed}

    def _pack(self, body: bytes, *, last: bool) -> bytes:
        packed = self._zlib.compress(body)
        return packed + self._zlib.flush() if last else packed


def _left_alone(start: Message) -> bool:
    headers = MutableHeaders(raw=start["headers"])
    kind = headers.get("content-type", "")
    return start["status"] in _BODILESS or "content-encoding" in headers or kind.startswith(_LEFT_ALONE)
