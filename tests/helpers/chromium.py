"""Headless Chromium, what a page in it must not do, and what it has wrong for those who cannot see or point.

The browser is the one that the system has: playwright's own is a download. It never asks another host than this one.
"""

import os
import re
import shutil
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request

PATIENCE_MS = 15_000  # for whatever a test waits for; two busy cores need a few seconds for a first page
FOLDER = "BRIDGE_SCREENSHOTS"  # environment variable: where screenshots go
_FLAGS = (
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--enable-precise-memory-info",
    "--no-first-run",
)
_GRAVE = ("serious", "critical")  # impacts, as axe calls them
_SHOWN = 5  # places of one finding that are told
_HARMLESS = ("about", "blob", "data")  # schemes that ask nobody
_RUN_AXE = "options => axe.run(document, options).then(found => found.violations)"


@dataclass(frozen=True)
class Look:
    """A screen and the colours that its owner prefers."""

    name: str
    width: int
    height: int
    scheme: str = "light"

    def __str__(self) -> str:
        return f"{self.name}-{self.scheme}"


DESKTOP = Look("desktop", 1280, 800)
TABLET = Look("tablet", 820, 1180)
DESKTOP_DARK = Look("desktop", 1280, 800, "dark")
TABLET_DARK = Look("tablet", 820, 1180, "dark")
LOOKS = (DESKTOP, DESKTOP_DARK, TABLET, TABLET_DARK)


def executable() -> str | None:
    """Where Chromium is, if it is installed."""
    return shutil.which("chromium")


def launch(playwright: Playwright) -> Browser:
    """Start Chromium; without its sandbox, which needs rights that root in a container has not."""
    return playwright.chromium.launch(executable_path=executable(), args=list(_FLAGS))


class Watch:
    """What pages did that no page should: errors on the console, exceptions, broken policies, requests to others."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._allowed: list[re.Pattern[str]] = []
        self._contexts: list[BrowserContext] = []

    def allow(self, pattern: str) -> None:
        """Problems that match are expected in this test, such as `status of 401` while somebody signs in."""
        self._allowed.append(re.compile(pattern))

    def follow(self, context: BrowserContext, origin: str) -> None:
        """Look at all pages of a context, which may ask `origin` only."""
        host = urlsplit(origin).netloc

        def asked(request: Request) -> None:
            to = urlsplit(request.url)
            if to.scheme not in _HARMLESS and to.netloc != host:
                self.problems.append(f"request to another host: {request.url}")

        self._contexts.append(context)
        context.on("request", asked)
        context.on("console", self._said)
        context.on("weberror", lambda found: self.problems.append(f"uncaught: {_told(found.error)}"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "assert"):
            place = message.location
            self.problems.append(f"console: {message.text} ({place['url']}:{place['lineNumber'] + 1})")

    @property
    def unexpected(self) -> list[str]:
        """Problems that nobody allowed; those of this moment too."""
        for page in self.pages:
            page.evaluate("0")  # a way there and back: what happened before it has been told
        return [one for one in self.problems if not any(allowed.search(one) for allowed in self._allowed)]

    @property
    def pages(self) -> list[Page]:
        """Those that are open."""
        return [page for context in self._contexts for page in context.pages if not page.is_closed()]

    def check(self) -> None:
        """Raises `AssertionError` where a page did what it should not."""
        found = self.unexpected
        assert not found, "the page did what no page should:\n  " + "\n  ".join(found)


def _told(error: Any) -> str:
    """An exception of a page, with its place."""
    return str(getattr(error, "stack", None) or error)


@cache
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, *, within: str | None = None) -> list[str]:
    """What axe calls serious or critical: rule, what to do, where. `within` is a selector of the part to look at."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())  # as the developer tools do: the page's policy is no obstacle
    scope = _RUN_AXE if within is None else _RUN_AXE.replace("document", f"'{within}'")
    found = page.evaluate(scope, {"resultTypes": ["violations"]})
    return [_finding(one) for one in found if one["impact"] in _GRAVE]


def _finding(found: dict[str, Any]) -> str:
    places = [" ".join(map(str, node["target"])) for node in found["nodes"]]
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return f"{found['id']} ({found['impact']}): {found['help']}: {', '.join(places[:_SHOWN])}{more}"


def screenshot(page: Page, name: str, folder: Path | None = None) -> Path:
    """Write `name`.png and return where: below `folder`, else where the environment says, else beside temporary files.

    Animations are finished and the cursor is hidden, so that two shots of one state are alike.
    """
    place = folder or Path(os.environ.get(FOLDER) or "/tmp/bridge-screenshots")
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{name}.png"
    page.screenshot(path=path, animations="disabled", caret="hide", scale="css")
    return path
