"""The explorer page in headless Chromium: until its tree is there, searching, scrolling, and its memory.

A small plant is the floor: what the page costs whatever there is. The other one has 100,000 data points.
"""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median

sys.path.pop(0)  # this folder, whose http.py would hide the library's
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "helpers"))

from bench.kit.common import HOST, Bridge, Workshop, wait_until, workshop
from bench.kit.feed import Publisher, topics
from bench.kit.report import Mark, Report, options
from chromium import DESKTOP, launch
from page_figures import expand, opening, scroll, search
from playwright.sync_api import Browser, Page, sync_playwright

SMALL, LARGE = 1_000, 100_000
COLUMNS = {"1,000": SMALL, "100,000": LARGE}
FILLED_S = 120.0
ROUNDS = 5
READY, FOUND, FRAME, HEAP = Mark(1_000), Mark(500), Mark(34), Mark(30)
HIT = "line05/machine3/torque"


def fill(bridge: Bridge, broker: int, prefix: str, count: int) -> None:
    """Give every topic a value, and wait until the model has settled."""
    with closing(Publisher(broker, f"feed-{prefix}")) as publisher:
        publisher.feed(topics(prefix, count), 0, count)
    wait_until(lambda: bridge.received() >= count, bridge.child, "has not got all messages", FILLED_S)
    wait_until(bridge.is_settled, bridge.child, "does not settle", FILLED_S)


def bridges(shop: Workshop) -> Iterator[tuple[str, str, Bridge]]:
    """Column, topmost element and bridge of each size."""
    broker = shop.broker()
    for column, count in COLUMNS.items():
        prefix = f"plant{count}"
        bridge = shop.bridge(broker, prefix)
        fill(bridge, broker, prefix, count)
        yield column, prefix, bridge


@contextmanager
def fresh(browser: Browser, bridge: Bridge) -> Iterator[Page]:
    """A page of a browser that remembers nothing."""
    size = {"width": DESKTOP.width, "height": DESKTOP.height}
    with closing(browser.new_context(base_url=f"http://{HOST}:{bridge.port}", viewport=size)) as context:
        yield context.new_page()


class Table:
    """The report and its rows."""

    def __init__(self, rounds: int) -> None:
        self.report = report = Report(f"page: data points; medians of {rounds} rounds", list(COLUMNS))
        self.ready = report.row("until the tree is there, ms", READY)
        self.blocked = report.row("kept from answering by long tasks, ms")
        self.expanded = report.row("a row opened, ms")
        self.frame = report.row("scrolling, ms a frame p50", FRAME)
        self.slowest = report.row("scrolling, slowest frame, ms")
        self.found = report.row("typed to found, ms", FOUND)
        self.heap = report.row("heap, MB", HEAP)
        self.nodes = report.row("nodes")

    def round(self, column: str, prefix: str, page: Page) -> None:
        """Measure once."""
        opened = opening(page)
        self.ready.add(column, opened.ready_ms)
        self.blocked.add(column, opened.blocked_ms)
        self.heap.add(column, opened.heap_mb)
        self.nodes.add(column, opened.nodes)
        self.expanded.add(column, expand(page, prefix))
        frames = scroll(page)
        self.frame.add(column, median(frames))
        self.slowest.add(column, max(frames))
        self.found.add(column, search(page, HIT.replace("/", " "), f"{prefix}/{HIT}"))


def main() -> None:
    asked = options("How the explorer page opens, scrolls and finds.", seconds=None, rounds=ROUNDS).parse_args()
    table = Table(asked.rounds)
    with workshop() as shop, sync_playwright() as playwright, closing(launch(playwright)) as browser:
        running = list(bridges(shop))
        for _ in range(asked.rounds):
            for column, prefix, bridge in running:
                with fresh(browser, bridge) as page:
                    table.round(column, prefix, page)
    table.report.finish(asked.json)


if __name__ == "__main__":
    main()
