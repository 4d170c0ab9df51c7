"""`/docs`: the interactive documentation, in a browser."""

import json

import pytest
from bridge_process import BridgeProcess
from chromium import DESKTOP, TABLET, Look, screenshot, violations
from playwright.sync_api import Page, expect
from small_plant import TEMPERATURE

pytestmark = pytest.mark.browser

_METHODS = ("get", "put", "post", "delete")


def operations(bridge: BridgeProcess) -> list[tuple[str, str]]:
    """Method and path of each operation, as the OpenAPI document has them."""
    paths = bridge.client.get("/v1/openapi.json").json()["paths"]
    return sorted((method.upper(), path) for path, item in paths.items() for method in item if method in _METHODS)


@pytest.mark.parametrize("look", [DESKTOP, TABLET], ids=str)
def test_operations_are_shown(page: Page, look: Look, bridge: BridgeProcess) -> None:
    """Every operation of the API is on the page."""
    page.goto("/docs")
    expect(page.locator(".opblock-summary").first).to_be_visible()
    shown = [tuple(text.split()[:2]) for text in page.locator(".opblock-summary-control").all_inner_texts()]
    screenshot(page, f"docs-{look}")
    assert sorted(shown) == operations(bridge)


def test_read_can_be_tried(page: Page) -> None:
    """A request with a body can be sent from the page, and its answer is shown."""
    page.goto("/docs")
    operation = page.locator("[id^=operations-Values-]").first
    operation.locator(".opblock-summary-control").click()
    operation.locator("textarea.body-param__text").fill(json.dumps({"elementIds": [TEMPERATURE], "maxDepth": 0}))
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table .response-col_description .microlight").first
    expect(answer).to_contain_text("65.9")
    screenshot(page, "docs-tried")


def test_findings_are_told(page: Page) -> None:
    """What axe finds on the page of another project is told, and not ours to mend."""
    page.goto("/docs")
    expect(page.locator(".opblock-summary").first).to_be_visible()
    print("\n".join(violations(page)))  # noqa: T201 - what pytest -s shows
