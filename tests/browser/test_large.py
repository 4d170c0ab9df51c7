"""The explorer page before a plant of 100,000 data points."""

from collections.abc import Callable

import pytest
from bridge_process import BridgeProcess
from chromium import violations
from page_figures import ROW, TREE, expand, opening, scroll, search
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

# Bounds that only a fault in principle exceeds: about ten times what an idle machine needs (`scripts/bench page`).
READY_MS = 10_000
BLOCKED_MS = 3_000
HEAP_MB = 60
ROWS = 200  # in the document at once
FRAME_MS = 250  # at the median
FOUND_MS = 10_000
NODES = 3_000
LAST = "plant/line999"
HIT = "plant/line42/machine3/torque"


@pytest.fixture
def page(open_page: Callable[..., Page], large_bridge: BridgeProcess) -> Page:
    """An empty page of the large plant."""
    return open_page(to=large_bridge)


def test_opens(page: Page) -> None:
    """The page asks for what it shows, however much there is."""
    found = opening(page)
    assert found.ready_ms < READY_MS
    assert found.blocked_ms < BLOCKED_MS
    assert found.heap_mb < HEAP_MB
    assert found.nodes < NODES


def test_scrolls(page: Page) -> None:
    """A thousand rows are scrolled to the last one, and only those in sight are in the document."""
    opening(page)
    expand(page, "plant")
    frames = sorted(scroll(page))
    page.locator(f'{ROW}[data-id="{LAST}"]').wait_for()
    assert frames[len(frames) // 2] < FRAME_MS
    assert page.locator(f"{TREE} {ROW}").count() < ROWS
    assert violations(page) == []


def test_finds(page: Page) -> None:
    """One of 100,000 is found by parts of its name."""
    opening(page)
    assert search(page, "line42 machine3 torque", HIT) < FOUND_MS
