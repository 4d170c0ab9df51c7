"""HTTP load: requests a second over several kept-alive connections, by `wrk` or, without it, by ourselves.

The same tool loads floor and subject. Raises `BenchError` for any answer that is not 200 and for broken connections.
"""

import asyncio
import re
import shutil
import subprocess
import time
from pathlib import Path

from bench.kit.common import HOST, BenchError

CONNECTIONS = 16  # enough to keep one core of a server busy, however the load tool is scheduled
_SCRIPT = 'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = [==[{body}]==]\n'
_RATE = re.compile(r"^Requests/sec:\s+([\d.]+)", re.MULTILINE)
_COUNT = re.compile(r"^\s+(\d+) requests in", re.MULTILINE)
_FAULTS = re.compile(r"^\s+(Non-2xx.*|Socket errors.*)$", re.MULTILINE)
_LENGTH = re.compile(rb"^content-length:\s*(\d+)", re.MULTILINE | re.IGNORECASE)
_GRACE_S = 10.0  # for the last answers


def tool() -> str:
    return "wrk" if shutil.which("wrk") else "our own client"


def post(path: str, body: bytes) -> bytes:
    """A request as it goes over the wire."""
    fields = {"Host": HOST, "Content-Type": "application/json", "Content-Length": len(body)}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def load(port: int, path: str, body: bytes, seconds: float, directory: Path) -> tuple[int, float]:
    """POST the same body for so long; how many answers there were, and how many a second."""
    if shutil.which("wrk"):
        return _wrk(port, path, body, seconds, directory)
    return asyncio.run(_own(port, path, body, seconds))


def _wrk(port: int, path: str, body: bytes, seconds: float, directory: Path) -> tuple[int, float]:
    script = directory / "load.lua"
    script.write_text(_SCRIPT.format(body=body.decode()))
    # wrk counts in whole seconds.
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(script)]
    done = subprocess.run(
        [*command, f"http://{HOST}:{port}{path}"],
        capture_output=True,
        text=True,
        timeout=seconds + _GRACE_S,
        check=False,
    )
    rate, count = _RATE.search(done.stdout), _COUNT.search(done.stdout)
    fault = _FAULTS.search(done.stdout)
    if fault or not rate or not count:
        raise BenchError(f"wrk at {path}: {fault[1] if fault else done.stdout + done.stderr}")
    return int(count[1]), float(rate[1])


class _Connection(asyncio.Protocol):
    """Sends the request again whenever an answer is complete."""

    def __init__(self, message: bytes, lost: "asyncio.Future[str]") -> None:
        self._message = message
        self._lost = lost
        self._data = b""
        self.answers = 0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._message)

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, end, body = self._data.partition(b"\r\n\r\n")
        found = _LENGTH.search(head) if end else None
        if found is None or len(body) < int(found[1]):
            return
        self._data = b""
        self.answers += 1
        if not head.startswith(b"HTTP/1.1 200"):
            self._tell(head.splitlines()[0].decode("latin-1"))
        elif self.transport is not None:
            self.transport.write(self._message)

    def connection_lost(self, _: Exception | None) -> None:
        self._tell("the server closed a connection")

    def _tell(self, fault: str) -> None:
        if not self._lost.done():
            self._lost.set_result(fault)


async def _own(port: int, path: str, body: bytes, seconds: float) -> tuple[int, float]:
    message, loop = post(path, body), asyncio.get_running_loop()
    lost: asyncio.Future[str] = loop.create_future()
    start = time.monotonic()
    made = [
        (await loop.create_connection(lambda: _Connection(message, lost), HOST, port))[1] for _ in range(CONNECTIONS)
    ]
    await asyncio.wait([lost], timeout=seconds)
    fault = lost.result() if lost.done() else ""
    took, answers = time.monotonic() - start, sum(connection.answers for connection in made)
    for connection in made:
        if connection.transport is not None:
            connection.transport.abort()
    if fault:
        raise BenchError(f"{path}: {fault}")
    return answers, answers / took
