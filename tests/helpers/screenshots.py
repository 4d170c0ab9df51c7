# ruff: noqa: T201 - a command line prints
"""Pictures of every view of the explorer page before the simulated plant, light and dark: for the documentation."""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from chromium import DESKTOP, DESKTOP_DARK, PATIENCE_MS, Look, Watch, launch, screenshot
from live_plant import live_bridge
from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
LOOKS = (DESKTOP, DESKTOP_DARK)
SPEED = 4.0  # of the plant, so that there is history soon
HISTORY_S = 60.0  # of it, before the first picture
MACHINE = "acme/riverside/mixing/hall1/vat01"
TEMPERATURE = f"{MACHINE}/process/temperature"
PRESSURE = f"{MACHINE}/process/pressure"
INLET = f"{MACHINE}/process/inlet_open"


def rest(page: Page) -> None:
    """Until what the view asks for is there and drawn."""
    page.wait_for_timeout(2_000)


@dataclass(frozen=True)
class View:
    """One picture: its name, where the page is opened, and what is done before it is taken."""

    name: str
    path: str
    prepare: Callable[[Page], None] = rest


def found(page: Page) -> None:
    """What a search finds."""
    page.get_by_role("searchbox").fill("vat temp")
    rest(page)


def asked(page: Page) -> None:
    """A value that is about to be written."""
    page.get_by_role("button", name="Write a value").click()
    page.get_by_label("New value").fill("62.5")
    page.get_by_role("button", name="Write…", exact=True).click()
    rest(page)


VIEWS = (
    View("plant", f"/#/plant/{quote(MACHINE)}"),
    View("value", f"/#/plant/{quote(TEMPERATURE)}"),
    View("search", "/", found),
    View("trend", f"/#/trend?range=1m&ids={quote(json.dumps([TEMPERATURE, PRESSURE, INLET]))}"),
    View("types", "/#/types/urn:uns:acme%23Filler"),
    View("health", "/#/health"),
    View("explain", f"/#/explain?topic={quote(TEMPERATURE)}"),
    View("write", f"/#/plant/{quote(TEMPERATURE)}", asked),
    View("docs", "/docs"),
)


def shoot(browser: Browser, origin: str, look: Look, folder: Path) -> list[str]:
    """Take the pictures of one look; what pages did that they should not."""
    size = {"width": look.width, "height": look.height}
    problems = []
    for view in VIEWS:
        with closing(browser.new_context(base_url=origin, viewport=size, color_scheme=look.scheme)) as context:
            context.set_default_timeout(PATIENCE_MS)
            watch, page = Watch(), context.new_page()
            watch.follow(context, origin)
            page.goto(view.path)
            view.prepare(page)
            path = screenshot(page, f"{view.name}-{look.scheme}", folder)
            print(f"{path}: {path.stat().st_size / 1_000:.0f} kB")
            problems += [f"{view.name}-{look.scheme}: {one}" for one in watch.unexpected]
    return problems


def main(folder: Path = FOLDER) -> int:
    """0, or 1 where a page did what it should not: the pictures are there all the same."""
    with tempfile.TemporaryDirectory() as directory, live_bridge(Path(directory), SPEED) as bridge:
        time.sleep(HISTORY_S)
        with sync_playwright() as playwright, closing(launch(playwright)) as browser:
            problems = [one for look in LOOKS for one in shoot(browser, str(bridge.client.base_url), look, folder)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:2])))
