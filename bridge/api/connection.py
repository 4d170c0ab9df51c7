"""The server's end of a connection: uvicorn's protocol with what uvicorn has no setting for.

An answer goes out in one write: uvicorn writes head and body one after the other, which costs a system call and, where
a proxy delays small segments, 40 ms.

A connection can be cut: ASGI has no word for it, and a response that is given up half-way is closed only after
everything written has been read, which a reader that does not read never does.

A client gets no more time than the settings give it. What is waited for is, in turn: a head (`_head_since`), its body
(`_body_since`), the next request (`_idle_since`), and, whatever else, that what is written is taken. Whoever is late
gets a 408 where an answer can still be understood as one, and is cut off otherwise. `look` is called by the sweep of
`bridge.api.door`.
"""

import asyncio
import contextlib
import re
import socket
import struct
from typing import Any, cast
from urllib.parse import unquote

import httptools
from starlette.types import Scope
from uvicorn._types import ASGISendEvent, ASGIVersions
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from bridge.api.door import Door
from bridge.api.proxies import plain
from bridge.api.refusals import FULL, LARGE_HEAD, LONG_TARGET, MALFORMED, SLOW_BODY, SLOW_HEAD, Refusal

TARGET = 16_384  # bytes of path and query: a few ids of the longest topics, percent-encoded
HEADERS = 200
HEAD = 1_310_720  # bytes of a head; a credential of 1 MB is still told that it is wrong, like any other
LARGE_HEAD_BYTES = 65_536  # more is a large head, of which
LARGE_HEADS = 32  # may be on their way at the same time
PIPELINED = 64  # requests that wait for the one before them; more is not meant well
SLOWEST = 16_384  # bytes a second that must be taken of what is written
UNWELCOME = 1.0  # seconds for a client to say something before it is told that there is no room

_RESET = struct.pack("ii", 1, 0)  # linger for no time: else the kernel keeps what nobody reads, megabytes, for minutes
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_ASGI: ASGIVersions = {"version": "3.0", "spec_version": "2.3"}
_BODILESS = (204, 304)
_EXTENSION = "bridge.connection"  # in the scope of each request; ASGI's place for what a server adds


class RefusedError(Exception):
    """Raised within the parser's callbacks, which end the parsing."""


class Exchange(RequestResponseCycle):
    """A request and its answer. uvicorn looks at each header with two expressions; with all that answers tell browsers
    that would be a tenth of a small request.
    """

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] != "http.response.start" or self.response_started or self.flow.write_paused:
            await super().send(message)
            return
        if self.disconnected:
            return
        self.response_started = True
        self.waiting_for_100_continue = False
        headers = list(message.get("headers", ()))
        if _CONTROL.search(b"".join(value for _, value in headers)):
            raise RuntimeError("a header's value holds control characters")
        self._read_framing(headers, message["status"])
        lines = [b"%b: %b\r\n" % pair for pair in (*self.default_headers, *headers)]
        self.transport.write(b"".join((STATUS_LINE[message["status"]], *lines, b"\r\n")))

    def _read_framing(self, headers: list[tuple[bytes, bytes]], status: int) -> None:
        """How the body's end is told, and whether the connection goes on; what has to be said of it is added."""
        told_close = False
        for name, value in headers:
            if name == b"content-length" and self.chunked_encoding is None:
                self.expected_content_length = int(value)
                self.chunked_encoding = False
            elif name == b"transfer-encoding" and value.lower() == b"chunked":
                self.chunked_encoding = True
            elif name == b"connection" and value.lower() == b"close":
                self.keep_alive = False
                told_close = True
        if not self.keep_alive and not told_close:
            headers.append((b"connection", b"close"))
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in _BODILESS:
            self.chunked_encoding = True
            headers.append((b"transfer-encoding", b"chunked"))


class HttpProtocol(HttpToolsProtocol):
    """`door` has let it in."""

    def __init__(self, config: Config, server_state: ServerState, door: Door) -> None:
        super().__init__(config, server_state, {}, asyncio.get_running_loop())
        self._door = door
        self._patience = door.patience
        self._refusal = MALFORMED  # what a client is told when the parser stops
        self._is_over = False  # nothing that comes is read any more
        self._is_unwelcome = False
        self._answered: RequestResponseCycle | None = None  # the newest is `cycle`
        self._idle_since: float | None = None
        self._head_since: float | None = None
        self._head_begun = False
        self._head_bytes = 0
        self._body_since: float | None = None
        self._unsent_since: float | None = None  # when the reader was looked at
        self._taken = 0  # bytes, by then

    # --- the transport's calls ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own has it
        self._writes = JoinedWrites(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", self._writes))
        if self.client is not None:
            self.client = (plain(self.client[0]), self.client[1])
        self._head_since = self.loop.time()
        self._is_unwelcome = self._door.is_full

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._door.large_heads.discard(self)
        self._is_over = True
        self.pipeline.clear()
        if self._answered is not None:  # uvicorn tells only the newest request
            self._answered.disconnected = True
            self._answered.message_event.set()

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        if self._is_unwelcome:
            self._refuse(FULL)
            return
        self._idle_since = None
        if self._body_since is None and self._head_since is None:
            self._head_since = self.loop.time()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # it is answered in HTTP/1.1, and is the last
            self._finish()
        except httptools.HttpParserError:
            self._refuse(self._refusal)
        else:
            if self._head_since is not None:
                self._measure_head(len(data))

    # --- the parser's calls ------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self.scope = {  # type: ignore[typeddict-item]  # the rest comes with the head's end
            "type": "http",
            "asgi": _ASGI,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme or "http",
            "root_path": "",
            "headers": self.headers,
            "extensions": {_EXTENSION: {"transport": self.transport}},
        }
        self._head_begun = True
        if self._head_since is None:
            self._head_since = self.loop.time()

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > TARGET:
            self._stop(LONG_TARGET)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._body_since is not None:
            return  # a trailer: it would pass for a header, past everybody who looks at those
        headers = self.headers
        if len(headers) >= HEADERS:
            self._stop(LARGE_HEAD)
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        headers.append((name, value))

    def on_headers_complete(self) -> None:
        """uvicorn's own without websockets and its limit, which counts requests, too; and with our `Exchange`."""
        if len(self.pipeline) >= PIPELINED:
            self._stop(MALFORMED)
        before, self.cycle = self.cycle, self._exchange()
        if before is None or before.response_complete:
            self._answer(self.cycle)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))
        if self._head_bytes > LARGE_HEAD_BYTES:
            self._door.large_heads.discard(self)
        self._head_since, self._head_begun, self._head_bytes = None, False, 0
        self._body_since = self.loop.time()

    def _exchange(self) -> Exchange:
        scope, parser = self.scope, self.parser
        version = parser.get_http_version()
        target = httptools.parse_url(self.url)
        path = target.path.decode("ascii")
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = target.path
        scope["query_string"] = target.query or b""
        return Exchange(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )

    def on_message_complete(self) -> None:
        self._body_since = None
        if self.cycle.response_complete:
            self._idle_since = self.loop.time()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """uvicorn's own with the sweep's clock instead of a timer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._answer(self.pipeline.pop()[0])
        else:
            self._idle_since = self.loop.time()

    def _answer(self, cycle: RequestResponseCycle) -> None:
        self._answered = cycle
        self._start_asgi_task(cycle, self.app)

    def _stop(self, refusal: Refusal) -> None:
        self._refusal = refusal
        raise RefusedError(refusal.reason)

    def _measure_head(self, size: int) -> None:
        """The parser itself knows no limit."""
        self._head_bytes += size
        if self._head_bytes <= LARGE_HEAD_BYTES:
            return
        large = self._door.large_heads
        if self._head_bytes > HEAD or (self not in large and len(large) >= LARGE_HEADS):
            self._refuse(LARGE_HEAD)
        else:
            large.add(self)

    # --- time --------------------------------------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """See the module's text."""
        if self._takes_too_little(now):
            self._door.cut["slow reader"] += 1
            abort(self.transport)
        elif self._is_over:
            return
        elif self._is_unwelcome:
            if self._head_since is not None and now - self._head_since > UNWELCOME:
                self._refuse(FULL)
        elif self._body_since is not None:
            if self.flow.read_paused:
                self._body_since = now  # it is we who do not read
            elif now - self._body_since > self._patience.body:
                self._refuse(SLOW_BODY)
        elif self._head_since is not None:
            if now - self._head_since > self._patience.head and not self._is_busy:
                self._refuse(SLOW_HEAD)
        elif self._idle_since is not None and now - self._idle_since > self._patience.idle:
            self.transport.close()

    def _takes_too_little(self, now: float) -> bool:
        """Of what is written, for too long. Event streams see to it themselves."""
        waiting = self.transport.get_write_buffer_size()
        cycle = self.cycle
        if not waiting or (cycle is not None and cycle.chunked_encoding and not cycle.response_complete):
            self._unsent_since = None
            return False
        if self._unsent_since is not None and now - self._unsent_since <= self._patience.send:
            return False
        before, self._taken = self._taken, self._writes.written - waiting
        looked_before, self._unsent_since = self._unsent_since is not None, now
        return looked_before and self._taken - before < SLOWEST * self._patience.send

    # --- the end -----------------------------------------------------------------------------------------------------

    @property
    def _is_busy(self) -> bool:
        """Whether an answer is being made."""
        return bool(self.pipeline) or (self.cycle is not None and not self.cycle.response_complete)

    def _refuse(self, refusal: Refusal) -> None:
        """Tell it where that would be taken for the answer that it is; no more is read, in any case."""
        self._is_over = True
        self._head_since = None
        self._door.cut[refusal.reason] += 1
        is_own = self._body_since is not None  # what is wrong is the body of the request that is being answered
        if not self._is_busy:
            if not is_own and (self._head_begun or refusal is not SLOW_HEAD):
                self.transport.write(refusal.answer(self.server_state.default_headers))
            self.transport.close()
        elif not is_own:
            self._finish()
        elif self.pipeline or self.cycle.response_started:
            abort(self.transport)
        else:
            self.cycle.disconnected = True  # nothing that is still sent is written
            self.cycle.message_event.set()
            self.transport.write(refusal.answer(self.server_state.default_headers))
            self.transport.close()

    def _finish(self) -> None:
        """The newest request is the last."""
        self._is_over = True
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:
            self.cycle.keep_alive = False


def cut(scope: Scope) -> None:
    """Close the connection of a request now, whatever is still unread. Without our protocol the server closes it."""
    connection = scope.get("extensions", {}).get(_EXTENSION)
    if connection is not None:
        abort(connection["transport"])


def abort(transport: asyncio.Transport) -> None:
    """Close it now, whatever is still unread at either end."""
    end = transport.get_extra_info("socket")
    if end is not None:
        with contextlib.suppress(OSError):  # it is closed already
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


class JoinedWrites:
    """A transport that joins all writes of one turn of the event loop. Everything else is the real one's.

    `written` counts bytes.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._call_soon = loop.call_soon
        self._waiting: list[bytes] = []
        self.written = 0
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
            data = b"".join(self._waiting)
            self.written += len(data)
            self._transport.write(data)
        self._waiting.clear()
