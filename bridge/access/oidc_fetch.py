"""What a provider tells: JSON by GET, in a thread of its own, within a time and a size, encrypted or on this machine.

urllib, because it knows the proxy of the plant (HTTPS_PROXY, NO_PROXY), which what stays on this machine never goes
through. Redirects are not followed. A thread that waits is a daemon: it never keeps the bridge from stopping.
"""

import asyncio
import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, TypeVar
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

import msgspec

from bridge.config import rules

TIMEOUT_S = 5.0  # for all that is asked in one visit
MAX_BYTES = 256 * 1024  # of one document; those of large providers have about 10 KiB

_HEADERS = {"User-Agent": "i3x-bridge", "Accept": "application/json"}
_T = TypeVar("_T")


class ProviderError(Exception):
    """What is wrong with the provider, for a person."""


class Visit:
    """Documents of one visit. `end`, from another thread, breaks what is under way."""

    def __init__(self, ca_file: Path | None) -> None:
        self.url = ""  # what is asked at present
        self._ca_file = ca_file
        self._socket: socket.socket | None = None
        self._has_ended = False

    def document(self, url: str) -> dict[str, Any]:
        """The object that is there. Raises `ProviderError`."""
        self.url = url
        try:
            rules.document(url)
            found = msgspec.json.decode(self._get(url))
        except (OSError, HTTPException, ValueError, RecursionError) as error:
            raise ProviderError(f"{self.shown}: {_told(error)}") from None
        if not isinstance(found, dict):
            raise ProviderError(f"{self.shown}: no JSON object")
        return found

    @property
    def shown(self) -> str:
        """What is asked, without anything that nobody should see; the provider may have told the address."""
        return re.sub(r"//.*@", "//…@", self.url, flags=re.DOTALL)

    def end(self) -> None:
        self._has_ended = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def connected(self, to: socket.socket) -> None:
        self._socket = to
        if self._has_ended:
            raise TimeoutError

    def _get(self, url: str) -> bytes:
        parts = urlsplit(url)
        is_here = parts.scheme == "http" or rules.is_loopback(parts.hostname or "")
        opener = request.OpenerDirector()
        for handler in (
            request.ProxyHandler({} if is_here else None),
            _Plain(self),
            _Encrypted(self, self._ca_file),
            request.HTTPDefaultErrorHandler(),
            request.HTTPErrorProcessor(),
        ):
            opener.add_handler(handler)
        with opener.open(request.Request(url, headers=_HEADERS), timeout=TIMEOUT_S) as answer:  # noqa: S310 - https
            body: bytes = answer.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES} bytes")
        return body


class _PlainConnection(HTTPConnection):
    visit: Visit

    def connect(self) -> None:
        super().connect()
        self.visit.connected(self.sock)


class _EncryptedConnection(HTTPSConnection):
    visit: Visit

    def connect(self) -> None:
        super().connect()
        self.visit.connected(self.sock)


class _Plain(request.HTTPHandler):
    def __init__(self, visit: Visit) -> None:
        super().__init__()
        self._visit = visit

    def http_open(self, req: request.Request) -> HTTPResponse:
        return self.do_open(self._connection, req)  # type: ignore[arg-type]  # all that it gives

    def _connection(self, host: str, timeout: float) -> HTTPConnection:
        made = _PlainConnection(host, timeout=timeout)
        made.visit = self._visit
        return made


class _Encrypted(request.HTTPSHandler):
    def __init__(self, visit: Visit, ca_file: Path | None) -> None:
        super().__init__()
        self._visit = visit
        self._ca_file = ca_file

    def https_open(self, req: request.Request) -> HTTPResponse:
        return self.do_open(self._connection, req)  # type: ignore[arg-type]  # all that it gives

    def _connection(self, host: str, timeout: float) -> HTTPConnection:
        made = _EncryptedConnection(host, context=_trusting(self._ca_file), timeout=timeout)
        made.visit = self._visit
        return made


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    """The file is read each time: a new one is used without a restart. Raises `ProviderError`."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ProviderError(f"[oidc] ca_file {ca_file}: {error.strerror or error}") from None


async def visit(ca_file: Path | None, work: Callable[[Visit], _T]) -> _T:
    """What `work` makes of the provider's documents, in a thread. Raises `ProviderError`."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()
    made = Visit(ca_file)

    def settle(say: Callable[[Any], None], what: object) -> None:
        if not done.done():
            say(what)

    def run() -> None:
        say: Callable[[Any], None]
        what: object
        try:
            say, what = done.set_result, work(made)
        except Exception as error:  # noqa: BLE001 - whoever waits gets it
            say, what = done.set_exception, error
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, say, what)

    threading.Thread(target=run, name="oidc", daemon=True).start()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await done
    except TimeoutError:
        raise ProviderError(f"{made.shown}: no answer within {TIMEOUT_S:.0f} s") from None
    finally:
        made.end()


def _told(error: BaseException) -> str:
    match error:
        case HTTPError():
            error.close()
            moved = "; redirects are not followed" if error.code // 100 == 3 else ""
            return f"status {error.code}{moved}"
        case URLError():
            return str(error.reason) or type(error.reason).__name__
        case RecursionError():
            return "nested too deep"
        case TimeoutError():
            return f"no answer within {TIMEOUT_S:.0f} s"
        case _:
            return str(error) or type(error).__name__
