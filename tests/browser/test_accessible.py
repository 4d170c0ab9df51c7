"""Every view, for those who cannot see or point, in both schemes and on both screens."""

from collections.abc import Callable

import pytest
from bridge_process import BridgeProcess
from chromium import LOOKS, TABLET, Look, Watch, screenshot, violations
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


@pytest.mark.parametrize("look", [TABLET], ids=str)
def test_one_header(
    open_page: Callable[..., Page], make_bridge: Callable[..., BridgeProcess], watch: Watch, look: Look
) -> None:
    """On a tablet, too, the header is one row when somebody is signed in, whatever they are called."""
    watch.allow("status of 401")
    guarded = make_bridge("guarded", auth={"mode": "on"})
    (guarded.directory / "state").mkdir(parents=True, exist_ok=True)
    secret = guarded.command("token", "new", "somebody-with-a-long-name", "--read", "acme/#")
    guarded.start()
    page = open_page(look, to=guarded)
    page.goto("/")
    page.get_by_label("Token or API key").fill(secret)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    expect(page.get_by_title("somebody-with-a-long-name")).to_be_visible()
    screenshot(page, f"signed-in-{look}")
    header = page.get_by_role("banner").bounding_box()
    assert header is not None
    assert header["height"] < 60
    assert violations(page) == []
