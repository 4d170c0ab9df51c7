"""Messages that are all different and all known, so that what is lost and what comes twice can be counted.

Message `i` of a `Series` has the value `i` and a time of its own: the publisher's clock in whole microseconds, which
never repeats. `tally` reads everything back over HTTP, the way that a client would, and compares.
"""

import re
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from bridge.uns.moments import render
from mosquitto import HOST

PATIENCE_S = 60.0  # for a publisher to be done, and for a bridge to have taken in everything
QUIET_S = 1.0  # a bridge that has received nothing for so long has received everything
MISSING_S = 10.0  # rows that are missing while a bridge has nothing to do for so long are lost
RETRY_S = 0.05  # between attempts to connect to a broker that is away
ANSWER_S = 5.0  # for the CONNACK
IDS_AT_ONCE = 100  # elements of one request for history
EARLIEST, LATEST = "2000-01-01T00:00:00Z", "2099-12-31T23:59:59Z"

_CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00"  # MQTT 3.1.1, clean session, no keep-alive
_RESUME = re.compile(r"resume with startTime (\S+?)(?:;|$)")


@dataclass
class Series:
    """Known messages on several topics, in turn; `pad` is how many bytes more each payload has."""

    prefix: str = "plant/line"
    topics: int = 10
    pad: int = 0
    stamps: list[int] = field(default_factory=list)  # µs since 1970, of each message made so far

    def topic(self, index: int) -> str:
        return f"{self.prefix}/m{index % self.topics}/signal"

    @property
    def elements(self) -> list[str]:
        return [self.topic(index) for index in range(min(self.topics, len(self.stamps)))]

    def make(self) -> tuple[str, bytes]:
        """The next message: topic and payload."""
        index = len(self.stamps)
        stamp = max(time.time_ns() // 1_000, self.stamps[-1] + 1 if self.stamps else 0)
        self.stamps.append(stamp)
        pad = f',"pad":"{"x" * self.pad}"' if self.pad else ""
        return self.topic(index), f'{{"value":{index},"timestamp":{stamp}{pad}}}'.encode()

    def expected(self) -> dict[str, set[tuple[str, Any]]]:
        """Element → time and value of each of its messages."""
        found: dict[str, set[tuple[str, Any]]] = {ident: set() for ident in self.elements}
        for index, stamp in enumerate(self.stamps):
            found[self.topic(index)].add((render(stamp * 1_000), index))
        return found


class KnownPublisher:
    """Publishes a series with QoS 1 in a thread of its own; what the broker has not taken over it sends again, over a
    new connection where need be. `accepted` is how many the broker has taken over, `left` how many are yet to be made.
    """

    def __init__(self, port: int, series: Series, *, window: int = 100) -> None:
        self._port = port
        self._series = series
        self._window = window
        self._outstanding: dict[int, bytes] = {}
        self.left = 0
        self._rate = 0.0
        self._started = 0.0
        self._sent = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._fault: Exception | None = None
        self.accepted = 0
        self.connections = 0

    def start(self, count: int, rate: float = 0.0) -> "KnownPublisher":
        """Publish so many, at a rate a second or as fast as the broker takes them."""
        self.left, self._rate, self._sent, self._started = count, rate, 0, time.monotonic()
        self._thread = threading.Thread(target=self._run, name="known-messages", daemon=True)
        self._thread.start()
        return self

    def join(self, patience: float = PATIENCE_S) -> None:
        """Wait until the broker has taken over all of them."""
        assert self._thread is not None
        self._thread.join(patience)
        done = not self._thread.is_alive()
        self._stop.set()
        self._thread.join()
        self._stop.clear()
        assert self._fault is None, f"the publisher failed: {self._fault!r}"
        assert done, f"the broker took over {self.accepted} messages, {self.left} and {len(self._outstanding)} are left"

    def publish(self, count: int, rate: float = 0.0, patience: float = PATIENCE_S) -> None:
        self.start(count, rate).join(patience)

    def wait_for(self, accepted: int, patience: float = PATIENCE_S) -> None:
        """Wait until the broker has taken over so many."""
        deadline = time.monotonic() + patience
        while self.accepted < accepted:
            assert time.monotonic() < deadline, f"{self.accepted} of {accepted} messages taken over"
            time.sleep(0.002)

    def _run(self) -> None:
        try:
            while (self.left or self._outstanding) and not self._stop.is_set():
                try:
                    self._connection()
                except OSError:  # the broker is away; counted in `connections`
                    self._stop.wait(RETRY_S)
        except Exception as error:  # noqa: BLE001 - told by `join`
            self._fault = error

    def _connection(self) -> None:
        with socket.create_connection((HOST, self._port), ANSWER_S) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link.sendall(_CONNECT)
            if len(link.recv(4)) < 4:
                raise ConnectionAbortedError("no CONNACK")
            self.connections += 1
            link.sendall(b"".join(bytes([packet[0] | 0x08]) + packet[1:] for packet in self._outstanding.values()))
            rest = b""
            while (self.left or self._outstanding) and not self._stop.is_set():
                wait = self._send_what_is_due(link)
                if select.select([link], [], [], wait)[0]:
                    data = link.recv(65_536)
                    if not data:
                        raise ConnectionAbortedError("closed")
                    rest = self._acknowledged(rest + data)

    def _send_what_is_due(self, link: socket.socket) -> float:
        """How long to wait for answers."""
        due = self.left
        if self._rate:
            due = min(due, int((time.monotonic() - self._started) * self._rate) + 1 - self._sent)
        packets = []
        for _ in range(min(due, self._window - len(self._outstanding))):
            topic, payload = self._series.make()
            mid = (len(self._series.stamps) - 1) % 65_000 + 1
            packets.append(_publication(topic, payload, mid))
            self._outstanding[mid] = packets[-1]
        self.left -= len(packets)
        self._sent += len(packets)
        if packets:
            link.sendall(b"".join(packets))
        if self.left and self._rate and len(self._outstanding) < self._window:
            return max(0.0, self._started + self._sent / self._rate - time.monotonic())
        return 0.2

    def _acknowledged(self, data: bytes) -> bytes:
        """Take PUBACKs; what is left of an incomplete one."""
        whole = len(data) // 4 * 4
        for at in range(0, whole, 4):
            mid = struct.unpack_from("!H", data, at + 2)[0]
            self.accepted += self._outstanding.pop(mid, None) is not None
        return data[whole:]


def _publication(topic: str, payload: bytes, mid: int) -> bytes:
    """A PUBLISH of QoS 1, MQTT 3.1.1."""
    name = topic.encode()
    rest = struct.pack("!H", len(name)) + name + struct.pack("!H", mid) + payload
    size, head = len(rest), bytearray(b"\x32")
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    head.append(size)
    return bytes(head) + rest


@dataclass(frozen=True)
class Tally:
    """What was sent against what history holds, in messages and rows."""

    sent: int
    found: int
    lost: int
    duplicates: int
    strange: int  # rows that nobody sent, or with a time of their own
    unsorted: int  # elements whose rows do not ascend

    @property
    def sound(self) -> bool:
        return not (self.lost or self.duplicates or self.strange or self.unsorted)

    def __str__(self) -> str:
        return f"sent {self.sent}, lost {self.lost}, duplicates {self.duplicates}"


def read_history(client: httpx.Client, ids: Sequence[str], start: str = EARLIEST, end: str = LATEST) -> Iterator[Any]:
    """Element and its rows (VQTs) in all of time; resumed where an answer was cut."""
    for at in range(0, len(ids), IDS_AT_ONCE):
        some = ids[at : at + IDS_AT_ONCE]
        answer = _history(client, some, start, end)
        if answer.status_code == httpx.codes.OK:
            for item in answer.json()["results"]:
                known = item["success"] or item["responseDetail"]["status"] != httpx.codes.NOT_FOUND
                assert item["success"] or not known, item
                yield item["elementId"], item["result"]["values"] if known else []
        else:
            for ident in some:
                yield ident, _resumed(client, ident, start, end)


def _resumed(client: httpx.Client, ident: str, start: str, end: str) -> list[Any]:
    rows: list[Any] = []
    while True:
        answer = _history(client, [ident], start, end)
        told = answer.json()
        rows += told["results"][0]["result"]["values"]
        if answer.status_code == httpx.codes.OK:
            return rows
        found = _RESUME.search(told["responseDetail"]["detail"])
        assert found is not None, told["responseDetail"]
        assert found[1] > start, f"{ident}: to resume at {found[1]} goes on for ever"
        start = found[1]


def _history(client: httpx.Client, ids: Sequence[str], start: str, end: str) -> httpx.Response:
    body = {"elementIds": list(ids), "startTime": start, "endTime": end}
    answer = client.post("/v1/objects/history", json=body)
    assert answer.status_code in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT), answer.text[:500]
    return answer


def tally(client: httpx.Client, series: Series, accepted: int | None = None) -> Tally:
    """Compare a series with history; `accepted` is how many were taken over, where not all were."""
    expected = series.expected()
    found = lost = duplicates = strange = out_of_order = 0
    for ident, values in read_history(client, series.elements):
        rows = [(row["timestamp"], row["value"]) for row in _plain(values)]
        times = [_sortable(row[0]) for row in rows]
        unique = set(rows)
        found += len(rows)
        duplicates += len(rows) - len(unique)
        lost += len(expected[ident] - unique)
        strange += len(unique - expected[ident])
        out_of_order += times != sorted(times)
    return Tally(len(series.stamps) if accepted is None else accepted, found, lost, duplicates, strange, out_of_order)


def _plain(values: Sequence[Any]) -> Sequence[Any]:
    """Rows with the number alone, where the payload had more than a value and a time."""
    return [row | {"value": row["value"]["value"]} if isinstance(row["value"], dict) else row for row in values]


def _sortable(stamp: str) -> tuple[str, str]:
    second, _, fraction = stamp.removesuffix("Z").partition(".")
    return second, fraction.ljust(9, "0")


def everything_in(bridge: Any, series: Series, missing: float = MISSING_S) -> Tally:
    """Wait until a bridge has nothing more to receive or to write, and compare. It is given more time while rows are
    missing: the broker may still have to send them again.
    """
    deadline = time.monotonic() + missing
    while True:
        wait_quiet(bridge.metrics, time.monotonic() + PATIENCE_S)
        found = tally(bridge.client, series)
        if not found.lost or time.monotonic() > deadline:
            return found
        time.sleep(QUIET_S)


def wait_quiet(metrics: Callable[[], dict[str, float]], deadline: float) -> None:
    """Until nothing has been received for a while and nothing is unacknowledged, or until the deadline."""
    before, since = -1.0, time.monotonic()
    while time.monotonic() < deadline:
        told = metrics()
        received = told["bridge_messages_received_total"]
        if received != before or told.get("bridge_messages_unacknowledged", 0):
            before, since = received, time.monotonic()
        elif time.monotonic() - since >= QUIET_S:
            return
        time.sleep(0.05)
