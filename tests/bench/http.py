"""Requests a second for one id and for 1,000 ids, and the time from publishing to the event at a subscriber.

The floor is a bare ASGI application under the same uvicorn settings: it answers a constant body of the same size, and
writes what a bare aiomqtt consumer takes to a raw event stream. Floor and bridge take turns.
"""

import json
import re
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles

sys.path[0] = str(Path(__file__).resolve().parents[1])  # not this folder, whose http.py would hide the library's

from bench.common import HOST, BenchError, Bridge, Child, free_port, request, wait_until, workshop
from bench.feed import TOPICS, Publisher, topics
from bench.load import load, tool
from bench.report import Mark, Report, Row, options

RATE_MARK = Mark(10_000, at_least=True)  # requests a second on one id
LATENCY_MARK = Mark(2.0)  # ms at the median
SAMPLE_S = 0.01  # between two samples of the latency
LATE_S = 5.0  # a publication that takes so long is lost
_CLIENT = "bench"
_VALUE = re.compile(rb'"value":\s?(\d+)\.5')


class Subject:
    """What is measured: a server of its own process; `paths` are where one id and where many are asked for."""

    def __init__(self, name: str, child: Child, port: int, paths: Sequence[str]) -> None:
        self.name = name
        self.child = child
        self.port = port
        self.paths = paths

    def requests(self, body: bytes, path: str, seconds: float, directory: Path) -> tuple[float, float]:
        """Requests a second, and CPU µs a request."""
        before = self.child.cpu_ns
        count, rate = load(self.port, path, body, seconds, directory)
        return rate, (self.child.cpu_ns - before) / count / 1_000


class Stream:
    """An open event stream, read without a library between us and the socket."""

    def __init__(self, port: int, path: str, body: bytes) -> None:
        self._socket = socket.create_connection((HOST, port), LATE_S)
        head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode() + body)
        self._data = b""
        while b"\r\n\r\n" not in self._data:
            self._receive()
        if not self._data.startswith(b"HTTP/1.1 200"):
            raise BenchError(f"{path}: {self._data.splitlines()[0].decode('latin-1')}")

    def close(self) -> None:
        self._socket.close()

    def _receive(self) -> None:
        data = self._socket.recv(65_536)
        if not data:
            raise BenchError("the event stream ended")
        self._data += data

    def wait_for(self, number: int) -> None:
        """Return when the value with this whole part is here. Raises `BenchError` when it does not come."""
        while True:
            for found in _VALUE.finditer(self._data):
                if int(found[1]) == number:
                    self._data = self._data[found.end() :]
                    return
            try:
                self._receive()
            except TimeoutError:
                raise BenchError(f"a publication did not come within {LATE_S:.0f} s") from None


def latencies(publisher: Publisher, topic: str, stream: Stream, samples: int) -> list[float]:
    """Milliseconds from before a publication is sent until its event is here, one after the other at a steady pace."""
    found = []
    for _ in range(samples):
        start = time.monotonic_ns()
        stream.wait_for(publisher.publish(topic))
        took = time.monotonic_ns() - start
        found.append(took / 1e6)
        time.sleep(max(0.0, SAMPLE_S - took / 1e9))
    return found


def subscribe(bridge: Bridge, topic: str) -> Stream:
    """A subscription to one element, and its stream."""
    created = json.loads(_asked(bridge, "/v1/subscriptions", clientId=_CLIENT))
    owner = {"clientId": _CLIENT, "subscriptionId": created["result"]["subscriptionId"]}
    _asked(bridge, "/v1/subscriptions/register", **owner, elementIds=[topic])
    return Stream(bridge.port, "/v1/subscriptions/stream", json.dumps(owner).encode())


def _asked(bridge: Bridge, path: str, **body: object) -> bytes:
    """The answer of the bridge, all of whose items are right. Raises `BenchError`."""
    status, answer = request(bridge.port, "POST", path, json.dumps(body).encode())
    if status != 200 or not json.loads(answer)["success"]:
        raise BenchError(f"{path}: {status} {answer[:300].decode()}")
    return answer


def fill(bridge: Bridge, publisher: Publisher, names: list[str]) -> None:
    """Give every topic a value."""
    publisher.feed(names, 0, len(names))
    wait_until(lambda: bridge.received() >= len(names), bridge.child, "has not got all messages")


def throughput(rows: list[tuple[Row, Row]], subjects: Sequence[Subject], bodies: list[bytes], seconds: float, path: Path) -> None:
    """One round: each size of request, floor and bridge in turn."""
    for size, body in enumerate(bodies):
        for subject in subjects:
            rate, cpu = subject.requests(body, subject.paths[size], seconds, path)
            rows[size][0].add(subject.name, rate)
            rows[size][1].add(subject.name, cpu)


def percentiles(rows: tuple[Row, Row], name: str, samples: list[float]) -> None:
    """One round's p50 and p99."""
    cuts = quantiles(samples, n=100)
    rows[0].add(name, cuts[49])
    rows[1].add(name, cuts[98])


def main() -> None:
    parser = options("Requests a second and the latency of the event stream.", seconds=2.0, rounds=3)
    parser.add_argument("--samples", type=int, default=1_000, help="publications for the latency, over all rounds")
    asked = parser.parse_args()
    title = f"http: POST /v1/objects/value with {tool()}; publish to event; medians of {asked.rounds} rounds"
    report = Report(title, ["bare app", "bridge"])
    rates = [
        (report.row("requests/s, one id", RATE_MARK), report.row("CPU µs a request, one id")),
        (report.row(f"requests/s, {TOPICS:,} ids"), report.row(f"CPU µs a request, {TOPICS:,} ids")),
    ]
    delays = (report.row("publish to event p50, ms", LATENCY_MARK), report.row("publish to event p99, ms"))
    names = topics("plant")
    bodies = [json.dumps({"elementIds": ids}).encode() for ids in (names[:1], names)]
    with workshop() as shop:
        broker = shop.broker()
        bridge = shop.bridge(broker)
        publisher = Publisher(broker, "bench-http")
        fill(bridge, publisher, names)
        sizes = [len(_asked(bridge, "/v1/objects/value", elementIds=ids)) for ids in (names[:1], names)]
        port = free_port()
        app = shop.python("floors", "app", str(broker), str(port))
        app.line(LATE_S)
        subjects = [
            Subject("bare app", app, port, [f"/{size}" for size in sizes]),
            Subject("bridge", bridge.child, bridge.port, ["/v1/objects/value"] * len(sizes)),
        ]
        streams = {
            "bare app": ("floor/line00/machine0/flow", Stream(port, "/stream", b"{}")),
            "bridge": (names[0], subscribe(bridge, names[0])),
        }
        for _ in range(asked.rounds):
            throughput(rates, subjects, bodies, asked.seconds, shop.path)
            for name, (topic, stream) in streams.items():
                percentiles(delays, name, latencies(publisher, topic, stream, max(2, asked.samples // asked.rounds)))
        for _, stream in streams.values():
            stream.close()
        publisher.close()
    report.finish(asked.json)


if __name__ == "__main__":
    main()
