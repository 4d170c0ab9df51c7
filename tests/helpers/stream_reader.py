"""Reads event streams in a process of its own and measures how long updates were on their way.

`stream_reader.py PORT`: each line of standard input is a JSON object with `owner` (clientId and subscriptionId) and
maybe `group`; a stream is opened for each. An update's age is our clock less its timestamp, which the publisher's clock
made on the same machine. When standard input ends, ages by group are printed as JSON, with the number of updates, and
the streams that ended.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
from calendar import timegm
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HOST = "127.0.0.1"
LIMIT = 1 << 20  # bytes of one line
STOP_S = 30.0
SETTLES_S = 0.5  # what was published last is still on its way

_STAMP = re.compile(rb'"timestamp":"([^".]+)\.?(\d*)Z"')
_seconds: dict[bytes, int] = {}


def instant_ns(found: tuple[bytes, bytes]) -> int:
    second, fraction = found
    if second not in _seconds:
        _seconds[second] = timegm(time.strptime(second.decode(), "%Y-%m-%dT%H:%M:%S"))
    return _seconds[second] * 1_000_000_000 + int(fraction.ljust(9, b"0") or 0)


async def follow(port: int, owner: dict[str, str], ages: list[float], ended: list[str]) -> None:
    """One stream, until it ends."""
    reader, writer = await asyncio.open_connection(HOST, port, limit=LIMIT)
    body = json.dumps(owner).encode()
    head = f"POST /v1/subscriptions/stream HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    try:
        while line := await reader.readline():
            if line.startswith(b"data: "):
                now = time.time_ns()
                ages += [(now - instant_ns(found)) / 1e6 for found in _STAMP.findall(line)]
    except OSError:
        pass  # told as ended
    finally:
        ended.append(owner["clientId"])
        writer.close()


async def serve(port: int) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=LIMIT)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    ages: dict[str, list[float]] = defaultdict(list)
    ended: list[str] = []
    tasks = []
    while line := await lines.readline():
        order = json.loads(line)
        if "mark" in order:
            for found in ages.values():
                found.clear()
            continue
        group = ages[order.get("group", "")]
        tasks.append(asyncio.create_task(follow(port, order["owner"], group, ended)))
    await asyncio.sleep(SETTLES_S)
    gone = list(ended)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return {"ages": {group: sorted(found) for group, found in ages.items()}, "ended": gone}


class StreamReader:
    """The process; what it measured is there when it has ended."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._told: dict[str, Any] = {}

    def __enter__(self) -> Self:
        command = [sys.executable, str(Path(__file__).resolve()), str(self._port)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._told = json.loads(self._process.communicate(timeout=STOP_S)[0] or b"{}")
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()

    def follow(self, owner: dict[str, str], group: str = "") -> None:
        """Open a stream."""
        self._say({"owner": owner, "group": group})

    def forget(self) -> None:
        """Measure from now on."""
        self._say({"mark": True})

    def count(self, group: str = "") -> int:
        return len(self._told["ages"].get(group, ()))

    def age_ms(self, share: float, group: str = "") -> float:
        """The age that this share of the updates does not exceed."""
        found = self._told["ages"][group]
        assert found, f"no update came over the streams {group!r}"
        return float(found[min(len(found) - 1, int(len(found) * share))])

    @property
    def ended(self) -> list[str]:
        """Clients whose streams ended."""
        return list(self._told["ended"])

    def _say(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(serve(int(sys.argv[1])))))  # noqa: T201 - a script
