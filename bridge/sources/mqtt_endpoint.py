"""Where the broker is and how to be sure that it is the right one: the URL, and TLS."""

import logging
import ssl
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from bridge.config import MqttSettings
from bridge.errors import StartError

log = logging.getLogger("bridge.mqtt")

DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
DEFAULT_PATH = "/mqtt"  # where brokers serve WebSocket clients unless told otherwise


class Endpoint(NamedTuple):
    """A broker's address; `path` is that of a WebSocket, None for plain TCP."""

    host: str
    port: int
    tls: bool
    path: str | None

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a URL with the scheme mqtt, mqtts, ws or wss, checked already by the configuration."""
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        path = (parts.path if parts.path.strip("/") else DEFAULT_PATH) if parts.scheme.startswith("ws") else None
        return cls(parts.hostname or "localhost", port, parts.scheme in ("mqtts", "wss"), path)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class _TlsSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails, which paho leaves to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def tls_context(settings: MqttSettings) -> ssl.SSLContext:
    """TLS 1.2 or later, the broker's certificate and name checked. Raises `StartError` for unusable files."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise StartError(f"[mqtt] ca_file {settings.ca_file}: cannot be used: {error}") from error
    context.sslsocket_class = _TlsSocket
    if settings.cert_file is not None:
        try:
            # The empty answer keeps OpenSSL from asking for a passphrase on the terminal.
            context.load_cert_chain(settings.cert_file, settings.key_file, password=lambda: "")
        except OSError as error:
            raise StartError(f"[mqtt] cert_file {settings.cert_file}: cannot be used: {error}") from error
    if settings.insecure:
        log.warning("[mqtt] insecure: the broker's certificate is not checked, anybody can pose as the broker")
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
