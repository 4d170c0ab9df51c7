"""Kinds, and all of one kind side by side."""

import re
from collections.abc import Callable

import pytest
from chromium import TABLET, Look
from playwright.sync_api import Locator, Page, expect
from small_plant import HALL

pytestmark = pytest.mark.browser


def names(page: Page) -> Locator:
    return page.locator("table.kind tbody th a")


def vats(page: Page) -> None:
    """Open the table of vats."""
    page.goto("/#/types")
    page.get_by_role("navigation", name="Types").get_by_role("link", name="Vat", exact=False).first.click()
    expect(names(page)).to_have_text(["vat01", "vat02", "vat03"])


@pytest.mark.parametrize("look", [Look("phone", 390, 844, "light")], ids=str)
def test_on_a_phone(page: Page) -> None:
    """The list is above the table, and both are as wide as the screen."""
    vats(page)
    above = page.get_by_role("navigation", name="Types").bounding_box()
    below = page.locator(".view").bounding_box()
    assert above is not None
    assert below is not None
    assert above["width"] == below["width"] == page.viewport_size["width"]  # type: ignore[index]
    assert below["y"] >= above["y"] + above["height"]


@pytest.mark.parametrize("look", [TABLET], ids=str)
def test_on_a_tablet(page: Page, publish: Callable[..., None]) -> None:
    """The list leaves most of the screen to the values; a name that is too long says so, and its title all of it."""
    publish("acme/site1/lab/scale/an_extraordinarily_long_name_of_a_measured_point", b"17.25", retain=False)
    vats(page)
    names = page.get_by_role("navigation", name="Types")
    box = names.bounding_box()
    assert box is not None
    assert box["width"] <= 200
    link = names.get_by_role("link", name="AnExtraordinarily")
    name = link.locator(".name")
    assert name.evaluate("found => found.scrollWidth > found.clientWidth")
    assert name.evaluate("found => getComputedStyle(found).textOverflow") == "ellipsis"
    expect(link).to_have_attribute("title", re.compile("^AnExtraordinarilyLongNameOfAMeasuredPoint"))


def test_one_row_each(page: Page) -> None:
    """Each vat is a row with its parts as columns, units in the headings."""
    vats(page)
    expect(page.get_by_role("row", name="vat01").get_by_text("65.9")).to_be_visible()
    expect(page.get_by_role("columnheader", name="process temperature")).to_contain_text("°C")
    expect(
        page.get_by_role("row", name="vat03")
        .get_by_role("img", name="Bad")
        .or_(page.get_by_role("row", name="vat03").get_by_role("img", name="Uncertain"))
    ).to_be_visible()


def test_sorted_live(page: Page, publish: Callable[..., None]) -> None:
    """A column sorts both ways, and the order follows the values."""
    vats(page)
    level = page.get_by_role("columnheader", name="level")
    level.get_by_role("button").click()
    expect(level).to_have_attribute("aria-sort", "ascending")
    expect(names(page)).to_have_text(["vat01", "vat02", "vat03"])
    level.get_by_role("button").click()
    expect(names(page)).to_have_text(["vat03", "vat02", "vat01"])
    publish(f"{HALL}/vat02/process/level", b"99.5")
    expect(names(page)).to_have_text(["vat02", "vat03", "vat01"])
    publish(f"{HALL}/vat02/process/level", b"71.5")
    expect(names(page)).to_have_text(["vat03", "vat02", "vat01"])


def test_filters(page: Page) -> None:
    """Types are found by name, elements by id; each leads to its own view."""
    page.goto("/#/types")
    page.get_by_placeholder("Filter").fill("filler")
    page.get_by_role("navigation", name="Types").get_by_role("link").first.click()
    expect(names(page)).to_have_text(["filler01"])
    page.get_by_label("Filter by id").fill("nothing")
    expect(names(page)).to_have_count(0)
    page.get_by_label("Filter by id").fill("")
    names(page).first.click()
    expect(page.get_by_role("heading", name="filler01")).to_be_visible()


def test_no_such_type(page: Page) -> None:
    """An address of a type that is not there says so."""
    page.goto("/#/types/urn:nothing%23Here")
    expect(page.get_by_text("no such type")).to_be_visible()
