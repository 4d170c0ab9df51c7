"""Floods of what nobody expects: topics that come once, and keys that are always new, in batches as they come.

`flood.py COUNT` floods an engine that has the daemon's limits with so many unique topics, and with as many new keys,
and prints what became of it as JSON: a process of its own, so that its memory is the engine's.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from bridge.engine import Engine, Options
from bridge.space import Limits
from bridge.uns import Message

START_NS = 1_790_000_000_000_000_000
SECOND = 1_000_000_000
BATCH = 1_000  # messages, which come within a tenth of a second: ten thousand a second
KNOWN = "plant/line1/temperature"
KEYED = "plant/line1/status"


class Flood:
    """The known topic has a reading in each batch, so that it must be current at the end."""

    def __init__(self, limits: Limits) -> None:
        self.engine = Engine(Options(limits=limits))
        self.batches = 0

    def take(self, *messages: tuple[str, Any]) -> None:
        self.batches += 1
        now_ns = START_NS + self.batches * SECOND // 10
        rows = [(KNOWN, self.batches), *messages]
        self.engine.ingest([Message(topic, msgspec.json.encode(value), received_ns=now_ns) for topic, value in rows])
        self.engine.arrange(now_ns, time.monotonic(), time.monotonic)  # as often as the time that it takes allows

    def topics(self, count: int) -> None:
        """Each once, four levels deep."""
        for numbers in _batches(count):
            self.take(*((f"flood/{number % 97}/{number % 9973}/{number}", number) for number in numbers))

    def keys(self, count: int) -> None:
        """On one topic, and on each batch's own: objects with keys that were never there before."""
        for numbers in _batches(count):
            self.take(*((KEYED, {f"k{number}": number}) for number in numbers))
            self.take(*((f"keys/{number}", {f"k{number}": number, f"n{number}": "x"}) for number in numbers[:10]))

    @property
    def outcome(self) -> dict[str, Any]:
        browse, nodes = self.engine.browse, self.engine.space.nodes
        known = nodes[KNOWN]
        return {
            "current": known.value == self.batches,
            "elements": len(nodes),
            "fields": sum(ident.startswith(f"{KEYED}#") for ident in nodes),
            "types": len(browse.object_types()),
            "largest_schema": max(len(one["schema"].get("properties", ())) for one in browse.object_types()),
            "refused": dict(self.engine.rejected),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }


def _batches(count: int) -> Iterator[range]:
    for first in range(0, count, BATCH):
        yield range(first, min(first + BATCH, count))


def main() -> None:
    count = int(sys.argv[1])
    flood = Flood(Limits())
    flood.topics(count)
    flood.keys(count)
    sys.stdout.write(json.dumps(flood.outcome))


if __name__ == "__main__":
    main()
