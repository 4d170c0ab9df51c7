"""Every view, for those who cannot see or point, in both schemes and on both screens."""

from collections.abc import Callable

import pytest
from chromium import LOOKS, Look, screenshot, violations
from playwright.sync_api import Page, expect
from small_plant import RECIPE, TEMPERATURE, VAT

pytestmark = pytest.mark.browser


def nothing(_: Page) -> None:
    """The view as it comes."""


def typed(page: Page) -> None:
    page.get_by_role("searchbox").fill("vat")
    expect(page.locator("mark").first).to_be_visible()


def opened(page: Page) -> None:
    page.get_by_role("button", name="Schema").click()


VIEWS: dict[str, tuple[str, str, Callable[[Page], None]]] = {
    "welcome": ("#/", "Your plant", nothing),
    "search": ("#/", "Your plant", typed),
    "value": (f"#/plant/{TEMPERATURE}", "temperature", opened),
    "machine": (f"#/plant/{VAT}", "vat01", nothing),
    "document": (f"#/plant/{RECIPE}", "recipe", nothing),
    "trend": (f'#/trend?ids=["{TEMPERATURE}"]&range=15m', "Trend", nothing),
    "types": ("#/types/urn:uns:acme%23Vat", "Vat", nothing),
    "health": ("#/health", "Health", nothing),
    "explain": (f"#/explain?topic={TEMPERATURE}", "Explain", nothing),
}


@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("view", VIEWS)
def test_views(page: Page, look: Look, view: str) -> None:
    """axe has no serious finding, and nothing is wider than the screen."""
    address, heading, act = VIEWS[view]
    page.goto(f"/{address}")
    expect(page.get_by_role("heading", name=heading).first).to_be_visible()
    act(page)
    page.wait_for_timeout(500)
    screenshot(page, f"{view}-{look}")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
