"""The HTTP server: its socket, and uvicorn as we need it. Signals are the daemon's, which stops in its own order."""

import contextlib
import logging
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from bridge.api.connection import HttpProtocol
from bridge.errors import StartError

BACKLOG = 2_048
SHUTDOWN = 1  # seconds that open requests may take at the end; all in all a stop takes at most 5


def listen(host: str, port: int) -> socket.socket:
    """Raises `StartError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        where = f"{host}:{port}"
        raise StartError(f"cannot listen on {where}: {error.strerror or error}; set [api] host and port") from None
    return listener


def address(listener: socket.socket, *, encrypted: bool) -> str:
    """As a browser takes it."""
    host, port = listener.getsockname()[:2]
    scheme = "https" if encrypted else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class Server(uvicorn.Server):
    """Serves until `should_exit` is set."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server(app: ASGIApp) -> Server:
    """Not started yet."""
    logging.getLogger("uvicorn.error").addFilter(_not_about_broken_streams)
    config = uvicorn.Config(
        app,
        http=HttpProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN,
        timeout_keep_alive=75,
        backlog=BACKLOG,
    )
    return Server(config)


def _not_about_broken_streams(record: logging.LogRecord) -> bool:
    """A response that ends incomplete is how a stream is broken on purpose (`bridge.api.stream`)."""
    return "without completing response" not in record.getMessage()
