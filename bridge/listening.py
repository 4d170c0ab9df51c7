"""The HTTP server: its socket, and uvicorn as we need it. Signals are the daemon's, which stops in its own order."""

import contextlib
import logging
import resource
import socket
from collections.abc import Iterator
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from bridge.api.connection import HttpProtocol
from bridge.api.door import TOLD, Door, Swept
from bridge.api.front import Front
from bridge.api.tls import Certificates
from bridge.config import ConnectionSettings, Settings
from bridge.errors import StartError

BACKLOG = 2_048
SHUTDOWN = 1  # seconds that open requests may take at the end; all in all a stop takes at most 5
FILES = 128  # open files that are no connections: databases, logs, the broker

_log = logging.getLogger("bridge.daemon")


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
    """Serves until `should_exit` is set. `door` knows its connections, `certificates` are those of HTTPS."""

    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        """Raises `StartError`."""
        super().__init__(config)
        self.certificates = Certificates(settings.tls) if settings.tls.cert_file else None
        context = self.certificates.context if self.certificates is not None else None
        connections = cast("set[Swept]", self.server_state.connections)  # they are our protocol's
        self.door = Door(_bounded(settings.connections), connections, context)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Connections come through our door instead of asyncio's."""
        self.door.open(sockets or (), lambda: HttpProtocol(self.config, self.server_state, self.door))
        self.servers = [self.door]  # type: ignore[list-item]  # closed and waited for, no more
        self.started = True


def server(app: ASGIApp, settings: Settings) -> Server:
    """Not started yet. Raises `StartError`."""
    logging.getLogger("uvicorn.error").addFilter(_not_about_broken_streams)
    config = uvicorn.Config(
        Front(app, settings.proxy.trusted),
        http=HttpProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN,
    )
    return Server(config, settings)


def _bounded(said: ConnectionSettings) -> ConnectionSettings:
    """No more connections than the process may have open files; as many as it may get are asked for first."""
    wanted = said.max + TOLD + FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return said
    most = max(soft - TOLD - FILES, 1)
    _log.warning("[connections] max = %d: only %d are taken, for the process may open %d files", said.max, most, soft)
    return said.model_copy(update={"max": most})


def _not_about_broken_streams(record: logging.LogRecord) -> bool:
    """A response that ends incomplete is how a stream is broken on purpose (`bridge.api.stream`)."""
    return "without completing response" not in record.getMessage()
