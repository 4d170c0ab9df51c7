"""The HTTP server as the daemon sets it up, around an application, on a loop in a thread of its own."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import uvloop
from starlette.types import ASGIApp

from bridge import listening
from bridge.config import Settings

T = TypeVar("T")

HOST = "127.0.0.1"
PATIENCE_S = 10.0
SHORT = {"head_timeout": 0.3, "body_timeout": 0.4, "send_timeout": 0.5, "idle_timeout": 1.2}


class Served:
    """`sections` are settings. A context manager."""

    def __init__(
        self,
        app: ASGIApp,
        sections: Mapping[str, Mapping[str, Any]] | None = None,
        loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop,
    ) -> None:
        kept_nowhere = {"state": {"directory": ""}, "history": {"backend": "memory"}}
        self.settings = Settings.model_validate({**kept_nowhere, **(sections or {})})
        self.server = listening.server(app, self.settings)
        self._listener = listening.listen(HOST, 0)
        self.port: int = self._listener.getsockname()[1]
        self._loop = loop()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self.server.started)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.should_exit = True
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self.server.serve(sockets=[self._listener]))

    def call(self, function: Callable[[], T]) -> T:
        """Something that may be done in the server's thread only."""

        async def called() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result(PATIENCE_S)

    def cut(self, reason: str) -> int:
        """How many connections were refused or cut for a reason."""
        return self.server.door.cut[reason]

    def connect(self, context: ssl.SSLContext | None = None, receive_buffer: int = 0) -> socket.socket:
        """A connection; with a context its handshake is over."""
        plain = socket.socket()
        plain.settimeout(PATIENCE_S)
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.connect((HOST, self.port))
        return plain if context is None else context.wrap_socket(plain, server_hostname="localhost")

    def talk(self, data: bytes, context: ssl.SSLContext | None = None) -> tuple[bytes, float]:
        """All that comes until the server closes, and the seconds that took."""
        start = time.monotonic()
        with self.connect(context) as connection:
            connection.sendall(data)
            return read_all(connection), time.monotonic() - start


def read_all(connection: socket.socket) -> bytes:
    """Until the other end closes, or breaks."""
    found = b""
    try:
        while piece := connection.recv(1 << 16):
            found += piece
    except ConnectionResetError:
        pass
    return found


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s"
        time.sleep(0.01)
