"""How fast the explorer page opens and finds, how smoothly it scrolls, and how much memory it takes."""

import time
from dataclasses import dataclass

from playwright.sync_api import CDPSession, Page, expect

ROW = '.tree-row[role="treeitem"]'
TREE = '[role="tree"]'
SEARCH = 'input[type="search"]'
SETTLES_MS = 1_000  # after a page is there, for what it asks for afterwards
PATIENCE_MS = 60_000
_STEPS = 60  # frames of a scroll from the top to the end

_TASKS = """() => {
  window.longTasks = [];
  new PerformanceObserver(list => longTasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: 'longtask', buffered: true });
}"""
_BLOCKED = "() => longTasks.reduce((sum, duration) => sum + Math.max(0, duration - 50), 0)"
_SCROLL = """(tree, steps) => new Promise(done => {
  const frames = [], end = tree.scrollHeight - tree.clientHeight;
  let last = performance.now(), step = 0;
  const next = now => {
    if (step) frames.push(now - last);
    last = now;
    if (step === steps) return done(frames);
    step += 1;
    tree.scrollTop = end * step / steps;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
})"""


@dataclass(frozen=True)
class Opening:
    """Milliseconds until the tree has rows, and those that long tasks took from the reader; MB and nodes afterwards."""

    ready_ms: float
    blocked_ms: float
    heap_mb: float
    nodes: int


def opening(page: Page, path: str = "/") -> Opening:
    """Open the page as if for the first time."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.add_init_script(f"({_TASKS})()")
    page.goto(path)
    page.locator(ROW).first.wait_for(timeout=PATIENCE_MS)
    ready = page.evaluate("performance.now()")
    page.wait_for_timeout(SETTLES_MS)
    heap, nodes = memory(session)
    session.detach()
    return Opening(ready, page.evaluate(_BLOCKED), heap, nodes)


def memory(session: CDPSession) -> tuple[float, int]:
    """MB of JavaScript in use after a collection, and how many nodes the document has."""
    session.send("HeapProfiler.collectGarbage")
    found = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return found["JSHeapUsedSize"] / 1e6, int(found["Nodes"])


def expand(page: Page, row: str) -> float:
    """Open a row of the tree by keyboard; milliseconds until more rows are there. `row` is the element's id."""
    opened = page.locator(f'{ROW}[data-id="{row}"]')
    opened.click()
    if opened.get_attribute("aria-expanded") == "true":  # the page has opened what is few
        page.locator(TREE).press("ArrowLeft")
        expect(opened).to_have_attribute("aria-expanded", "false")
    rows = page.locator(ROW)
    before = rows.count()
    start = time.monotonic()
    page.locator(TREE).press("ArrowRight")
    expect(rows).not_to_have_count(before, timeout=PATIENCE_MS)
    return (time.monotonic() - start) * 1_000


def scroll(page: Page) -> list[float]:
    """Scroll the tree from top to end; milliseconds of each frame."""
    frames: list[float] = page.locator(TREE).evaluate(_SCROLL, _STEPS)
    return frames


def search(page: Page, text: str, hit: str) -> float:
    """Type into the search box; milliseconds until the element `hit` is in the tree."""
    start = time.monotonic()
    page.locator(SEARCH).fill(text)
    page.locator(f'{ROW}[data-id="{hit}"]').wait_for(timeout=PATIENCE_MS)
    return (time.monotonic() - start) * 1_000
