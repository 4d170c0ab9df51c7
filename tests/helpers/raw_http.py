"""HTTP over a bare socket: what a library would hide."""

import json
import socket
import time
from types import TracebackType
from typing import Any, Self

from mosquitto import HOST


def request(method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
    """A request with its length."""
    head = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


class RawConnection:
    """One connection; everything received so far is in `data`."""

    def __init__(self, port: int, *, receive_buffer: int = 0, timeout: float = 5.0) -> None:
        self.data = b""
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((HOST, port))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> bool:
        """One piece more; False when the server has closed."""
        piece = self.socket.recv(1 << 16)
        self.data += piece
        return bool(piece)

    def receive_until(self, end: bytes) -> bytes:
        """Everything up to and including the first occurrence of some bytes, taken out of `data`."""
        while end not in self.data:
            assert self.receive(), f"closed after {self.data[-200:]!r}"
        found, _, self.data = self.data.partition(end)
        return found + end

    def response(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by small name, and the body, which must have a length."""
        status, headers = self.head()
        size = int(headers.get("content-length", 0))
        while len(self.data) < size:
            assert self.receive(), "closed within the body"
        body, self.data = self.data[:size], self.data[size:]
        return status, headers, body

    def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers by small name."""
        first, *lines = self.receive_until(b"\r\n\r\n").decode("latin-1").strip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        assert len(headers) == len(lines), "no header comes twice"
        return int(first.split()[1]), {name.lower(): value for name, value in headers.items()}


class RawStream(RawConnection):
    """An open event stream."""

    def __init__(self, port: int, owner: dict[str, str], *headers: str, receive_buffer: int = 0) -> None:
        super().__init__(port, receive_buffer=receive_buffer)
        self.send(request("POST", "/v1/subscriptions/stream", json.dumps(owner).encode(), *headers))
        self.status, self.headers = self.head()

    def chunk(self) -> bytes:
        """The next chunk of the body; empty for the final one."""
        size = int(self.receive_until(b"\r\n"), 16)
        while len(self.data) < size + 2:
            assert self.receive(), "closed within a chunk"
        found, end, self.data = self.data[:size], self.data[size : size + 2], self.data[size + 2 :]
        assert end == b"\r\n"
        return found

    def event(self) -> list[dict[str, Any]]:
        """The updates of the next event."""
        while (chunk := self.chunk()).startswith(b":"):
            pass
        assert chunk.startswith(b"data: [")
        assert chunk.endswith(b"]\n\n")
        return json.loads(chunk[6:])  # type: ignore[no-any-return]

    def ends_cleanly(self) -> bool:
        """Whether the body ends with its final chunk; False where the connection breaks."""
        try:
            while self.chunk():
                pass
        except (AssertionError, ConnectionError):
            return False
        return True


def closed_within(connection: RawConnection, seconds: float) -> bool:
    """Whether the server closes a connection that nobody reads in that time, seen without reading."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        info = connection.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
        if info[0] != 1:  # established
            return True
        time.sleep(0.05)
    return False
