# ruff: noqa: T201 - a command line prints
"""A publisher that costs next to nothing: MQTT 3.1.1 straight onto a socket, many packets at a time.

A full client would take more CPU per message than what it feeds, on a machine where both share two cores.

As a script: `feed.py PORT [TOPICS]` reads lines `PREFIX RATE COUNT [QOS]` and answers each with the seconds that it
took (rate 0: as fast as the broker takes it; at QoS 1 at most `IN_FLIGHT` are not answered).
"""

import socket
import sys
import time
from datetime import UTC, datetime, timedelta

HOST = "127.0.0.1"
TOPICS = 1_000
SIZE = 80  # bytes of an envelope
CHUNK_S = 0.005  # messages of so long a time leave together: the sleep of a paced publisher cannot be much finer
FLAT_OUT_CHUNK = 250  # messages in one write
IN_FLIGHT = 2_000  # messages of QoS 1 that the broker has not answered
_PUBACK = 4  # bytes
_TIMEOUT_S = 60.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TAGS = (
    "temperature",
    "pressure",
    "speed",
    "torque",
    "current",
    "voltage",
    "flow",
    "level",
    "position",
    "power",
)


def topics(prefix: str, count: int = TOPICS) -> list[str]:
    """Machines of one kind with ten signals each."""
    return [f"{prefix}/line{i // 100:02}/machine{i // 10 % 10}/{_TAGS[i % 10]}" for i in range(count)]


def envelope(stamp: str, number: int) -> bytes:
    """A value of 7 digits (`number` makes it unique, ten times a second for ten days), its quality and its time."""
    value = f"{1_000_000 + number % 9_000_000}.500000"
    return f'{{"value":{value},"quality":"Good","timestamp":"{stamp}"}}'.encode()


def packet(topic: str, payload: bytes, mid: int = 0) -> bytes:
    """A PUBLISH: of QoS 1 with a packet id, of QoS 0 without."""
    name = topic.encode()
    rest = len(name).to_bytes(2, "big") + name + (mid.to_bytes(2, "big") if mid else b"") + payload
    length, head = len(rest), bytearray(b"\x32" if mid else b"\x30")
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + rest


class Clock:
    """Times in milliseconds that never repeat, so that no message looks like another one's duplicate."""

    def __init__(self) -> None:
        self._last = 0

    def stamp(self) -> str:
        self._last = max(self._last + 1, time.time_ns() // 1_000_000)
        return (_EPOCH + timedelta(milliseconds=self._last)).strftime(
            "%Y-%m-%dT%H:%M:%S."
        ) + f"{self._last % 1_000:03}Z"


class Publisher:
    """One connection to the broker."""

    def __init__(self, port: int, name: str) -> None:
        self._socket = socket.create_connection((HOST, port), _TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ident = name.encode()
        variable = (
            b"\x00\x04MQTT\x04\x02\x00\x00" + len(ident).to_bytes(2, "big") + ident
        )  # clean session, no keep-alive
        self._socket.sendall(b"\x10" + bytes([len(variable)]) + variable)
        if self._socket.recv(4) != b"\x20\x02\x00\x00":
            raise ConnectionError("the broker refuses the publisher")
        self._clock = Clock()
        self._number = 0
        self._waiting = 0  # bytes of PUBACKs to come

    def close(self) -> None:
        self._socket.close()

    def publish(self, topic: str) -> int:
        """Send one envelope at once; the whole part of its value."""
        self._number += 1
        self._socket.sendall(packet(topic, envelope(self._clock.stamp(), self._number)))
        return 1_000_000 + self._number % 9_000_000

    def feed(self, names: list[str], rate: int, count: int, qos: int = 0) -> float:
        """Send `count` envelopes round robin, at `rate` messages a second; the seconds it took until all were sent, and
        answered.
        """
        chunk = max(1, round(rate * CHUNK_S)) if rate else FLAT_OUT_CHUNK
        start = time.monotonic()
        for first in range(0, count, chunk):
            stamp = self._clock.stamp()
            numbers = range(first, min(first + chunk, count))
            payloads = [(names[n % len(names)], envelope(stamp, self._number + n)) for n in numbers]
            if rate:
                time.sleep(max(0.0, start + first / rate - time.monotonic()))
            mids = (n % 65_535 + 1 if qos else 0 for n in numbers)
            packets = (packet(topic, payload, mid) for (topic, payload), mid in zip(payloads, mids, strict=True))
            self._socket.sendall(b"".join(packets))
            self._await(_PUBACK * len(payloads) if qos else 0, _PUBACK * IN_FLIGHT)
        self._await(0, 0)
        self._number += count
        return time.monotonic() - start

    def _await(self, more: int, most: int) -> None:
        """Read answers until no more than so many bytes of them are missing."""
        self._waiting += more
        while self._waiting > most:
            data = self._socket.recv(65_536)
            if not data:
                raise ConnectionError("the broker has closed the connection")
            self._waiting -= len(data)


def main() -> None:
    publisher = Publisher(int(sys.argv[1]), "bench-feed")
    count_of_topics = int(sys.argv[2]) if len(sys.argv) > 2 else TOPICS
    print("ready", flush=True)
    for line in sys.stdin:
        prefix, rate, count, *qos = line.split()
        names = topics(prefix, count_of_topics)
        print(publisher.feed(names, int(rate), int(count), int(qos[0]) if qos else 0), flush=True)


if __name__ == "__main__":
    main()
