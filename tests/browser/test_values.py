"""Values that are not what a page likes best: long, with hidden marks, of elements that have parts as well."""

import json
from collections.abc import Callable

import pytest
from bridge_process import BridgeProcess
from chromium import DESKTOP, TABLET, Look
from playwright.sync_api import Locator, Page, expect
from small_plant import FILLER

pytestmark = pytest.mark.browser

PUMP = f"{FILLER}/pumpx"  # a number that has a part
LIST = f"{FILLER}/listed"  # first a document, then a list
LONG_TEXT = f"{FILLER}/longtext"
LONG_WORD = f"{FILLER}/longword"
TURNED = f"{FILLER}/turned"
LINES = f"{FILLER}/lines"
MANY = f"{FILLER}/many"
LEVELS = ["Enterprise", "Site", "Area", "Line", "Cell"]  # what is deeper is part of a cell
WORD = "w" * 10_000
SCREENS = pytest.mark.parametrize("look", [DESKTOP, TABLET], ids=str)


@pytest.fixture
def odd(publish: Callable[..., None]) -> None:
    """More parts of the filler; nothing of it is retained, for other tests' bridges."""
    for topic, payload in {
        LIST: b'{"a": 1}',
        f"{LIST}/x": b"4",
        LONG_TEXT: b"long text " * 1_000,
        LONG_WORD: WORD.encode(),
        TURNED: "\u202eevil".encode(),
        LINES: b"one\ntwo",
        MANY: json.dumps(list(range(3_000))).encode(),
    }.items():
        publish(topic, payload, retain=False)


def open_element(page: Page, ident: str) -> Locator:
    """Its current value."""
    page.goto(f"/#/plant/{ident}")
    return page.get_by_role("region", name="Current value")


def in_tree(page: Page, ident: str) -> Locator:
    return page.locator(f".tree-row[data-id={json.dumps(ident)}]")


def size(found: Locator) -> tuple[float, float]:
    box = found.bounding_box()
    assert box is not None
    return box["width"], box["height"]


def test_a_value_and_parts(
    open_page: Callable[..., Page], make_bridge: Callable[..., BridgeProcess], publish: Callable[..., None]
) -> None:
    """What has a value of its own and parts shows both: among the parts of its machine, in the tree, on its own."""
    levelled = make_bridge("levelled", model={"discovery_window": 1.0, "levels": LEVELS})
    levelled.start()
    levelled.wait_for(levelled.ready)
    publish(PUMP, b"12.5", retain=False)
    publish(f"{PUMP}/limit", b"15", retain=False)
    page = open_page(to=levelled)
    parts = open_element(page, FILLER).get_by_role("table")
    row = parts.locator("tr", has=page.get_by_role("link", name="pumpx", exact=True))
    expect(row).to_contain_text("12.5")
    expect(row.get_by_role("img", name="Good")).to_be_visible()
    expect(row.locator("time")).to_be_visible()
    publish(PUMP, b"13.5", retain=False)
    expect(row).to_contain_text("13.5")
    shown = open_element(page, PUMP)
    expect(shown.locator(".big")).to_contain_text("13.5")
    expect(shown.get_by_role("link", name="limit")).to_be_visible()
    expect(in_tree(page, PUMP)).to_contain_text("13.5")


@pytest.mark.usefixtures("odd")
def test_a_list_and_parts(page: Page, publish: Callable[..., None]) -> None:
    """A list is shown beside the parts of its element."""
    shown = open_element(page, LIST)
    expect(shown.get_by_role("link", name="x", exact=True)).to_be_visible()
    publish(LIST, b"[17, 42]", retain=False)
    expect(shown.get_by_label("Items")).to_contain_text("42")
    expect(shown.get_by_role("link", name="x", exact=True)).to_be_visible()
    expect(in_tree(page, LIST)).to_contain_text("[2 items]")


@SCREENS
@pytest.mark.usefixtures("odd")
def test_long_texts_among_parts(page: Page, look: Look) -> None:
    """A long text takes no more room than there is, and ages stay in one line; on its own all of it is there."""
    shown = open_element(page, FILLER)
    row = shown.locator("tr", has=page.get_by_role("link", name="longword", exact=True))
    expect(row).to_contain_text("www")
    table = shown.get_by_role("table")
    assert table.evaluate("found => found.scrollWidth <= found.parentElement.clientWidth")
    assert size(row)[1] < 40
    for cell in row.locator("td").all():
        assert cell.evaluate("found => found.getBoundingClientRect().right <= innerWidth")
    title = row.locator(".value").get_attribute("title")
    assert title is not None
    assert 500 < len(title) < 2_000
    expect(open_element(page, LONG_WORD).locator(".big")).to_contain_text(WORD)


@SCREENS
@pytest.mark.usefixtures("odd")
def test_names_in_the_tree(page: Page, look: Look) -> None:
    """A name is there as a whole as long as it needs no more than its share of the row, however long the value."""
    open_element(page, LONG_TEXT)
    for ident in (LONG_TEXT, LONG_WORD):
        row = in_tree(page, ident)
        expect(row.locator(".reading")).to_be_visible()
        assert row.locator(".name").evaluate("found => found.scrollWidth <= found.clientWidth")
        assert row.locator(".reading").evaluate("found => found.scrollWidth > found.clientWidth")


@pytest.mark.usefixtures("odd")
def test_a_long_list(page: Page) -> None:
    """What lies below a long list can be reached: its items scroll in a box, and how many more there are is told."""
    shown = open_element(page, MANY)
    expect(shown).to_contain_text("The first 500 items of")
    assert size(page.get_by_role("article"))[1] < 2_500
    page.get_by_role("button", name="Value", exact=True).click()
    expect(page.get_by_label("Value", exact=True).last).to_contain_text("2999")


@pytest.mark.usefixtures("odd")
def test_hidden_marks(open_page: Callable[..., Page]) -> None:
    """Marks of direction are shown, and turn nothing, and ends of lines where there is one; raw, all is as it is."""
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    shown = open_element(page, TURNED)
    expect(shown.locator(".big")).to_have_text("\\u202Eevil")
    expect(in_tree(page, TURNED)).to_contain_text("\\u202Eevil")
    expect(in_tree(page, LINES)).to_contain_text("one↵two")
    page.get_by_role("button", name="Value", exact=True).click()
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert json.loads(page.evaluate("navigator.clipboard.readText()"))["value"] == "\u202eevil"
    expect(open_element(page, LINES).locator(".big")).to_have_text("one\ntwo", use_inner_text=True)
