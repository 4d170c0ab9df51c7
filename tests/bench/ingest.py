# ruff: noqa: T201 - a command line prints
"""CPU time for each message, beside a bare consumer: 1,000 topics, 80-byte JSON envelopes, QoS 0, a real mosquitto.

Four consumers take turns: aiomqtt with a batch queue that only counts (the floor), the bridge's own MQTT source that
only counts, the bridge with its history in memory, and the bridge as it is. Each is fed at a steady pace, where waking
up is a large part of the cost, and flat out, where the work itself is.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

sys.path.pop(0)  # this folder, whose http.py would hide the library's
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.kit.common import Bridge, Child, Workshop, wait_until, workshop
from bench.kit.feed import TOPICS
from bench.kit.report import Mark, Report, Row, options

CPU_MARK = Mark(30.0)  # µs a message
HISTORY_MARK = Mark(1.6)  # times the CPU of the same without a disk
MEMORY = '[history]\nbackend = "memory"\n'
COUNT_STEP = 500  # messages; bare consumers tell their count in such steps, so runs are multiples of it
LATE_S = 20.0  # for the last messages of a run
WARM_PASSES = 4  # over all topics, so that every node and type is known
SETTLE_S = 15.0  # longer than the bridge's discovery window


class Consumer:
    """One of the four: `prefix` is what it subscribes to, `wait` waits until it has so many messages in all."""

    def __init__(self, name: str, prefix: str, child: Child, wait: Callable[[int], None]) -> None:
        self.name = name
        self.prefix = prefix
        self.child = child
        self._wait = wait
        self._total = 0

    def take(self, feed: Child, rate: int, count: int) -> tuple[float, float]:
        """Feed `count` messages; CPU µs a message, and messages a second."""
        cpu, start = self.child.cpu_ns, time.monotonic()
        feed.say(f"{self.prefix} {rate} {count}")
        self._total += count
        feed.line(LATE_S + (count / rate if rate else 0))
        self._wait(self._total)
        return (self.child.cpu_ns - cpu) / count / 1_000, count / (time.monotonic() - start)


def bare(shop: Workshop, broker: int, kind: str, prefix: str) -> Consumer:
    child = shop.python("floors", kind, str(broker), str(COUNT_STEP))
    child.line(LATE_S)

    def wait(total: int) -> None:
        while int(child.line(LATE_S)) < total:
            pass

    return Consumer(kind, prefix, child, wait)


def whole(bridge: Bridge, name: str = "bridge") -> Consumer:
    before = bridge.received()

    def wait(total: int) -> None:
        wait_until(lambda: bridge.received() >= before + total, bridge.child, "has not got all messages", LATE_S)

    return Consumer(name, "plant" if name == "bridge" else name, bridge.child, wait)


def warm_up(consumers: Sequence[Consumer], bridges: Sequence[Bridge], feed: Child) -> None:
    for consumer in consumers:
        consumer.take(feed, 0, WARM_PASSES * TOPICS)
    for bridge in bridges:
        wait_until(bridge.is_settled, bridge.child, "does not settle its model", SETTLE_S)


def measure(row: Row, speed: Row | None, consumers: Sequence[Consumer], feed: Child, rate: int, count: int) -> None:
    """One round: each consumer in turn."""
    for consumer in consumers:
        cpu, per_second = consumer.take(feed, rate, count)
        row.add(consumer.name, cpu)
        if speed is not None:
            speed.add(consumer.name, per_second)


def report_on(asked: argparse.Namespace) -> tuple[Report, Row, Row, Row]:
    """The table, and its rows: steady CPU, CPU flat out, speed flat out."""
    title = f"ingest: {TOPICS:,} topics, 80-byte JSON envelopes, QoS 0; medians of {asked.rounds} rounds"
    report = Report(title, ["aiomqtt", "source", "memory", "bridge"])
    steady = report.row(f"CPU µs a message at {asked.rate:,}/s", CPU_MARK)
    full = report.row("CPU µs a message flat out", CPU_MARK)
    return report, steady, full, report.row("messages/s flat out")


def in_steps(count: float) -> int:
    """The nearest number of messages that bare consumers can tell."""
    return max(1, round(count / COUNT_STEP)) * COUNT_STEP


def ratio(row: Row) -> float:
    """What history on the disk costs, beside that in memory."""
    return median(row.rounds["bridge"]) / median(row.rounds["memory"])


def main() -> None:
    parser = options("CPU time for each message, beside a bare consumer.", seconds=1.5, rounds=5)
    parser.add_argument("--rate", type=int, default=5_000, help="messages a second of the steady pace")
    parser.add_argument("--flat-out", type=int, default=40_000, help="messages of the run at full speed")
    asked = parser.parse_args()
    report, steady, full, speed = report_on(asked)
    with workshop() as shop:
        broker = shop.broker()
        bridge = shop.bridge(broker)
        memory = shop.bridge(broker, "memory", MEMORY)
        consumers = [
            bare(shop, broker, "aiomqtt", "floor"),
            bare(shop, broker, "source", "stock"),
            whole(memory, "memory"),
            whole(bridge),
        ]
        feed = shop.python("feed", str(broker))
        feed.line(LATE_S)
        warm_up(consumers, [bridge, memory], feed)
        for _ in range(asked.rounds):
            measure(steady, None, consumers, feed, asked.rate, in_steps(asked.rate * asked.seconds))
            measure(full, speed, consumers, feed, 0, in_steps(asked.flat_out))
    report.finish(asked.json)
    for row in (steady, full):
        print(f"{row.label}: history on disk ÷ in memory {ratio(row):.2f} ({HISTORY_MARK.told(ratio(row))})")


if __name__ == "__main__":
    main()
