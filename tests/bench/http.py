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
from contextlib import closing
from pathlib import Path
from statistics import quantiles

sys.path.pop(0)  # this folder, whose http.py would hide the library's
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.kit.common import (
    HOST,
    BenchError,
    Bridge,
    Child,
    Workshop,
    free_port,
    is_open,
    wait_until,
    workshop,
)
from bench.kit.feed import TOPICS, Publisher, topics
from bench.kit.load import load, post, tool
from bench.kit.report import Mark, Report, options

RATE_MARK = Mark(10_000, at_least=True)  # requests a second on one id
LATENCY_MARK = Mark(2.0)  # ms at the median
SAMPLE_S = 0.01  # between two samples of the latency
LATE_S = 5.0  # a publication that takes so long is lost
_CLIENT = "bench"
_VALUE = re.compile(rb'"value":\s?(\d+)\.5')


class Stream:
    """An open event stream, read without a library between us and the socket."""

    def __init__(self, port: int, path: str, body: bytes) -> None:
        self._socket = socket.create_connection((HOST, port), LATE_S)
        self._socket.sendall(post(path, body))
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


class Subject:
    """What is measured: a server in a process of its own, and an open stream of one topic."""

    def __init__(self, name: str, child: Child, port: int, paths: Sequence[str], topic: str, stream: Stream) -> None:
        """`paths` are where to ask for one id and for many."""
        self.name = name
        self.paths = paths
        self.topic = topic
        self.stream = stream
        self._child = child
        self._port = port

    def requests(self, body: bytes, path: str, seconds: float, directory: Path) -> tuple[float, float]:
        """Requests a second, and CPU µs a request."""
        before = self._child.cpu_ns
        count, rate = load(self._port, path, body, seconds, directory)
        return rate, (self._child.cpu_ns - before) / count / 1_000


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
    status, answer = bridge.ask("POST", path, json.dumps(body).encode())
    if status != 200 or not json.loads(answer)["success"]:
        raise BenchError(f"{path}: {status} {answer[:300].decode()}")
    return answer


def fill(bridge: Bridge, publisher: Publisher, names: list[str]) -> None:
    """Give every topic a value."""
    publisher.feed(names, 0, len(names))
    wait_until(lambda: bridge.received() >= len(names), bridge.child, "has not got all messages")


class Table:
    """The report and its rows."""

    def __init__(self, rounds: int) -> None:
        title = f"http: POST /v1/objects/value with {tool()}; publish to event; medians of {rounds} rounds"
        self.report = report = Report(title, ["bare app", "bridge"])
        self.rates = [report.row("requests/s, one id", RATE_MARK), report.row(f"requests/s, {TOPICS:,} ids")]
        self.costs = [report.row("CPU µs a request, one id"), report.row(f"CPU µs a request, {TOPICS:,} ids")]
        self.delays = [
            report.row("publish to event p50, ms", LATENCY_MARK),
            report.row("publish to event p99, ms"),
        ]


def throughput(table: Table, subjects: Sequence[Subject], bodies: Sequence[bytes], seconds: float, path: Path) -> None:
    """One round: each size of request, floor and bridge in turn."""
    for size, body in enumerate(bodies):
        for subject in subjects:
            rate, cpu = subject.requests(body, subject.paths[size], seconds, path)
            table.rates[size].add(subject.name, rate)
            table.costs[size].add(subject.name, cpu)


def delays(table: Table, subjects: Sequence[Subject], publisher: Publisher, samples: int) -> None:
    """One round: p50 and p99 of floor and bridge in turn."""
    for subject in subjects:
        cuts = quantiles(latencies(publisher, subject.topic, subject.stream, samples), n=100)
        table.delays[0].add(subject.name, cuts[49])
        table.delays[1].add(subject.name, cuts[98])


def bare_app(shop: Workshop, broker: int, sizes: Sequence[int]) -> Subject:
    port = free_port()
    child = shop.python("floors", "app", str(broker), str(port))
    child.line(LATE_S)
    wait_until(lambda: is_open(port), child, "does not listen")
    paths = [f"/{size}" for size in sizes]
    return Subject("bare app", child, port, paths, topics("floor")[0], Stream(port, "/stream", b"{}"))


def the_bridge(bridge: Bridge, topic: str) -> Subject:
    paths = ["/v1/objects/value"] * 2
    return Subject("bridge", bridge.child, bridge.port, paths, topic, subscribe(bridge, topic))


def main() -> None:
    parser = options("Requests a second and the latency of the event stream.", seconds=2.0, rounds=3)
    parser.add_argument("--samples", type=int, default=1_000, help="publications for the latency, over all rounds")
    asked = parser.parse_args()
    table, names = Table(asked.rounds), topics("plant")
    bodies = [json.dumps({"elementIds": ids}).encode() for ids in (names[:1], names)]
    with workshop() as shop:
        broker = shop.broker()
        bridge = shop.bridge(broker)
        with closing(Publisher(broker, "bench-http")) as publisher:
            fill(bridge, publisher, names)
            sizes = [len(_asked(bridge, "/v1/objects/value", elementIds=ids)) for ids in (names[:1], names)]
            subjects = [bare_app(shop, broker, sizes), the_bridge(bridge, names[0])]
            for _ in range(asked.rounds):
                throughput(table, subjects, bodies, asked.seconds, shop.path)
                delays(table, subjects, publisher, max(2, asked.samples // asked.rounds))
            for subject in subjects:
                subject.stream.close()
    table.report.finish(asked.json)


if __name__ == "__main__":
    main()
