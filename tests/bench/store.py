# ruff: noqa: T201 - a command line prints
"""QoS 1 messages a second into the store: published, queued by a real mosquitto, decoded, committed, acknowledged.

As fast as the broker takes them, for a while, then until the last one is safe. The floor is the same with history in
memory. Where it is the broker or the publisher that is busy rather than the bridge, the CPU columns show it.
"""

import sys
import time
from pathlib import Path

sys.path.pop(0)  # this folder, whose http.py would hide the library's
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.ingest import MEMORY
from bench.kit.common import Bridge, Child, wait_until, workshop
from bench.kit.report import Mark, Report, Row, options

RATE_MARK = Mark(20_000, at_least=True)  # messages a second
TOPICS = 5_000
LATE_S = 120.0  # for all to be safe
SETTLE_S = 15.0
COLUMNS = ("memory", "bridge")


def warm_up(bridge: Bridge, feed: Child, prefix: str) -> None:
    """Every node and type is known."""
    feed.say(f"{prefix} 0 {TOPICS} 1")
    feed.line(LATE_S)
    wait_until(bridge.is_settled, bridge.child, "does not settle its model", SETTLE_S)


def measure(rows: dict[str, Row], name: str, bridge: Bridge, feed: Child, broker: Child, count: int) -> None:
    """One run: messages a second, and CPU seconds a second of each process."""
    prefix = "plant" if name == "bridge" else name
    before = bridge.received()
    children = {"bridge": bridge.child, "broker": broker, "publisher": feed}
    used = {who: child.cpu_ns for who, child in children.items()}
    start = time.monotonic()
    feed.say(f"{prefix} 0 {count} 1")
    feed.line(LATE_S)
    wait_until(lambda: bridge.received() >= before + count, bridge.child, "has not got all messages", LATE_S)
    seconds = time.monotonic() - start
    rows["rate"].add(name, count / seconds)
    for who, child in children.items():
        rows[who].add(name, 100 * (child.cpu_ns - used[who]) / 1e9 / seconds)


def main() -> None:
    parser = options("QoS 1 messages a second into the store.", seconds=None, rounds=3)
    parser.add_argument("--messages", type=int, default=300_000, help="of one run")
    asked = parser.parse_args()
    report = Report(f"QoS 1 into the store: {TOPICS:,} topics, medians of {asked.rounds} rounds", list(COLUMNS))
    rows = {"rate": report.row("messages/s, all safe", RATE_MARK)}
    rows |= {who: report.row(f"% of a core: {who}") for who in ("bridge", "broker", "publisher")}
    with workshop() as shop:
        port = shop.broker()
        bridges = {"memory": shop.bridge(port, "memory", MEMORY), "bridge": shop.bridge(port)}
        feed = shop.python("feed", str(port), str(TOPICS))
        feed.line(LATE_S)
        for name, bridge in bridges.items():
            warm_up(bridge, feed, "plant" if name == "bridge" else name)
        for _ in range(asked.rounds):
            for name, bridge in bridges.items():
                measure(rows, name, bridge, feed, shop.children["mosquitto"], asked.messages)
        disk = bridges["bridge"]
        commits = disk.metric("bridge_history_commits_total")
        seconds = disk.metric("bridge_history_commit_seconds_total")
        rows_held = disk.metric("bridge_history_rows")
    report.finish(asked.json)
    print(f"{rows_held:,.0f} rows held; {commits:,.0f} commits, {1_000 * seconds / commits:.2f} ms each")


if __name__ == "__main__":
    main()
