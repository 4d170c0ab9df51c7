"""The tree and the element that is chosen in it."""

import json
import threading
import time
from collections.abc import Callable

import pytest
from chromium import Watch, screenshot
from playwright.sync_api import Locator, Page, Response, Route, expect
from small_plant import (
    BAD,
    COUNT,
    EXACT,
    FILLER,
    HALL,
    HOSTILE,
    HOSTILE_NOTE,
    LEVEL,
    RECIPE,
    SETPOINT,
    TEMPERATURE,
    VAT,
    envelope,
)

pytestmark = pytest.mark.browser

LIVE_S = 1.0  # from a publish to the screen


def row(page: Page, ident: str) -> Locator:
    """An element in the tree."""
    return page.locator(f".tree-row[data-id={json.dumps(ident)}]")


def shown(page: Page) -> Locator:
    """What the chosen element says now."""
    return page.get_by_role("region", name="Current value")


def show(page: Page, ident: str) -> None:
    """Open an element by its address, and wait for it."""
    page.goto("/")
    page.evaluate("id => { location.hash = '#/plant/' + encodeURIComponent(id) }", ident)
    expect(row(page, ident)).to_be_visible()


def test_first_look(page: Page) -> None:
    """The plant's roots, opened, and the connection are there without a click."""
    page.goto("/")
    expect(row(page, "acme")).to_be_visible()
    expect(row(page, "acme/site1")).to_be_visible()
    expect(row(page, "$bridge")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()
    assert page.title() == "Plant – bridge"


def test_browsing(page: Page) -> None:
    """Things open step by step down to their parts, whose values stand beside them; the address follows."""
    page.goto("/")
    for ident in ("acme/site1", "acme/site1/mixing", HALL, VAT, f"{VAT}/process"):
        row(page, ident).locator(".opener").click()
    temperature = row(page, TEMPERATURE)
    expect(temperature).to_contain_text("65.9 °C")
    expect(temperature.get_by_role("img", name="Good")).to_be_visible()
    expect(row(page, LEVEL)).to_contain_text("70.5")
    temperature.click()
    expect(page.get_by_role("heading", name="temperature")).to_be_visible()
    assert page.url.endswith(f"#/plant/{TEMPERATURE}")
    row(page, HALL).locator(".opener").click()
    expect(temperature).to_have_count(0)


def test_an_address_shows_its_element(page: Page) -> None:
    """A link opens the way to its element, also after a reload; the back button goes back."""
    show(page, TEMPERATURE)
    page.reload()
    expect(row(page, TEMPERATURE)).to_have_attribute("aria-selected", "true")
    expect(shown(page)).to_contain_text("65.9 °C")
    page.get_by_role("navigation", name="Path").get_by_role("link", name="vat01").click()
    expect(page.get_by_role("heading", name="vat01")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="temperature")).to_be_visible()


def test_keys(page: Page) -> None:
    """The tree is used without a pointer: arrows, letters, Enter."""
    page.goto("/")
    expect(row(page, "acme/site1")).to_be_visible()
    page.get_by_role("searchbox").press("ArrowDown")
    tree = page.get_by_role("tree")
    expect(tree).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(row(page, "acme/site1")).to_have_count(0)
    page.keyboard.press("ArrowRight")
    expect(row(page, "acme/site1")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(row(page, "acme/site1/mixing")).to_be_visible()
    page.keyboard.type("pack")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="packaging")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(row(page, "acme/site1/mixing")).to_have_count(0)


def test_search(page: Page) -> None:
    """Typing filters the tree by names, ids, types and units; Escape shows all of it again."""
    page.goto("/")
    box = page.get_by_role("searchbox")
    box.press_sequentially("vat02 temp")
    expect(row(page, f"{HALL}/vat02/process/temperature")).to_contain_text("°C")
    expect(row(page, f"{HALL}/vat02")).to_be_visible()
    expect(row(page, TEMPERATURE)).to_have_count(0)
    expect(page.locator("mark").first).to_be_visible()
    box.fill("°c")
    expect(row(page, TEMPERATURE)).to_be_visible()
    box.fill("nothing is called so")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    box.press("Escape")
    expect(row(page, "acme")).to_be_visible()
    box.fill("vat03")
    expect(row(page, f"{HALL}/vat03")).to_be_visible()
    expect(row(page, "acme/site1/packaging")).to_have_count(0)
    box.press("ArrowDown")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Path")).to_contain_text("vat03")


def test_the_first_hit(page: Page) -> None:
    """Enter opens the first hit as soon as it is found; the arrow down leads to it, and from there on."""
    page.goto("/")
    box = page.get_by_role("searchbox")
    box.fill("recipe")
    box.press("Enter")
    expect(page.get_by_role("heading", name="recipe")).to_be_visible()
    assert page.url.endswith(f"#/plant/{RECIPE}")
    expect(box).to_be_focused()
    box.fill("vat02 temp")
    expect(row(page, f"{HALL}/vat02/process/temperature")).to_be_visible()
    box.press("ArrowDown")
    cursor = page.locator(".tree-row.cursor")
    expect(page.get_by_role("tree")).to_be_focused()
    expect(cursor).to_have_attribute("data-id", f"{HALL}/vat02/process/temperature")
    page.keyboard.press("ArrowUp")
    expect(cursor).to_have_attribute("data-id", f"{HALL}/vat02/process")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="temperature")).to_be_visible()
    box.fill("nothing is called so")
    box.press("Enter")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    expect(page.get_by_role("heading", name="temperature")).to_be_visible()


def test_titles(page: Page) -> None:
    """What is bookmarked can be told apart."""
    page.goto(f"/#/plant/{TEMPERATURE}")
    expect(page).to_have_title("vat01 / process / temperature – bridge")
    page.goto(f'/#/trend?ids=["{LEVEL}","{TEMPERATURE}"]')
    expect(page).to_have_title("vat01 / process / level and 1 more – Trend – bridge")
    page.goto("/#/types/urn:uns:acme%23Vat")
    expect(page).to_have_title("Vat – Types – bridge")


def test_a_value_follows_the_plant(page: Page, publish: Callable[..., None]) -> None:
    """What is published is on the screen within a second, in the tree and in the element's view."""
    show(page, LEVEL)
    expect(shown(page)).to_contain_text("70.5")
    expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()
    took = []
    for value in ("71.25", "72.125", "70.5"):
        began = time.monotonic()
        publish(LEVEL, value.encode())
        expect(shown(page)).to_contain_text(value)
        took.append(time.monotonic() - began)
        expect(row(page, LEVEL)).to_contain_text(value)
    assert sorted(took)[1] < LIVE_S


def test_new_elements_appear(page: Page, publish: Callable[..., None]) -> None:
    """A topic that nobody knew shows up in the open tree without a reload."""
    show(page, TEMPERATURE)
    publish(f"{VAT}/process/turbidity", b"3.5")
    expect(row(page, f"{VAT}/process/turbidity")).to_contain_text("3.5")


def test_an_element_that_comes_in_between(page: Page, publish: Callable[..., None]) -> None:
    """What is published after it was refused to be monitored, and before it is read, is followed all the same."""
    topic = "acme/site1/late/later2/speed"
    refused = threading.Event()

    def published_first(route: Route) -> None:
        if refused.is_set() and topic in (route.request.post_data or ""):
            refused.clear()
            publish(topic, b"1.5")
            time.sleep(0.5)
        route.continue_()

    def registered(response: Response) -> None:
        if response.url.endswith("/register"):
            refused.set()
            page.remove_listener("response", registered)

    page.on("response", registered)
    page.route("**/v1/objects/value", published_first)
    page.goto(f"/#/plant/{topic}")
    expect(shown(page)).to_contain_text("1.5")
    publish(topic, b"2.5")
    expect(shown(page)).to_contain_text("2.5")


def test_a_machine(page: Page) -> None:
    """A thing shows all of its parts with their values, units and qualities; each leads on."""
    show(page, VAT)
    parts = shown(page).get_by_role("table")
    expect(parts.get_by_role("row", name="temperature 65.9 °C")).to_be_visible()
    parts.get_by_role("link", name="level").click()
    expect(page.get_by_role("heading", name="level")).to_be_visible()


def test_documents_and_numbers(page: Page) -> None:
    """A document's fields are a table; a number that a double cannot hold is exact."""
    show(page, RECIPE)
    expect(shown(page).get_by_role("row", name="name Lemonade")).to_be_visible()
    expect(shown(page).get_by_role("row", name="mix 30")).to_be_visible()
    show(page, COUNT)
    expect(shown(page)).to_contain_text(str(EXACT))
    page.get_by_role("button", name="Value", exact=True).click()
    expect(page.locator("pre.raw")).to_contain_text(f'"value": {EXACT},')


def test_no_value(page: Page) -> None:
    """Bad is told as such, and never as a number."""
    show(page, BAD)
    expect(shown(page)).to_contain_text("Bad")
    expect(shown(page).locator(".big")).to_have_text("–")


def test_relationships_and_snippets(page: Page) -> None:
    """What it belongs to can be followed; lines to copy name the element and no secret."""
    show(page, VAT)
    page.get_by_role("button", name="curl").click()
    expect(page.locator("pre.raw")).to_contain_text(
        '/v1/objects/value\' -d \'{"elementIds":["acme/site1/mixing/hall1/vat01"]}\''
    )
    page.get_by_role("button", name="Python").click()
    expect(page.locator("pre.raw")).to_contain_text('client.get_value("acme/site1/mixing/hall1/vat01")')
    page.locator("section", has=page.get_by_role("heading", name="Relationships")).get_by_role(
        "link", name="hall1"
    ).click()
    expect(page.get_by_role("heading", name="hall1")).to_be_visible()


def test_copying(open_page: Callable[..., Page]) -> None:
    """The id is in the clipboard."""
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    show(page, TEMPERATURE)
    page.get_by_role("button", name="Copy id").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == TEMPERATURE


def test_an_address_of_nothing(page: Page) -> None:
    """A view that there is not is the plant, whatever it is called."""
    for view in ("nowhere", "constructor", "toString"):
        page.goto(f"/#/{view}")
        page.reload()
        expect(row(page, "acme")).to_be_visible()


def test_an_element_that_comes_later(page: Page, publish: Callable[..., None]) -> None:
    """A page that is open on what nobody has published yet shows it when it comes, and follows it."""
    topic = "acme/site1/late/later1/speed"
    page.goto(f"/#/plant/{topic}")
    expect(page.get_by_role("heading", name="No such element")).to_be_visible()
    publish(topic, b"1.5")
    expect(shown(page)).to_contain_text("1.5")
    publish(topic, b"2.5")
    expect(shown(page)).to_contain_text("2.5")


def test_what_came_while_it_was_closed(page: Page, publish: Callable[..., None]) -> None:
    """What was open, and is opened again, has what has come meanwhile."""
    above = "acme/site1/late/later2"
    publish(f"{above}/first", b"1")
    show(page, f"{above}/first")
    row(page, above).locator(".opener").click()
    expect(row(page, f"{above}/first")).to_have_count(0)
    publish(f"{above}/second", b"2")
    publish("acme/site1/late/later3/first", b"3")
    expect(row(page, "acme/site1/late/later3")).to_be_visible()  # what is open has been looked at again
    row(page, above).locator(".opener").click()
    expect(row(page, f"{above}/second")).to_be_visible()


def test_keys_on_a_leaf(page: Page) -> None:
    """The right arrow opens what has something below, and nothing else; the left one goes up at once."""
    show(page, TEMPERATURE)
    page.get_by_role("tree").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".tree-row.cursor")).to_have_attribute("data-id", f"{VAT}/process")


def test_what_is_published_is_text(page: Page) -> None:
    """Markup in topics and values is shown, never obeyed."""
    show(page, HOSTILE_NOTE)
    expect(shown(page)).to_contain_text(HOSTILE)
    expect(page.get_by_role("navigation", name="Path")).to_contain_text(HOSTILE)
    assert page.locator("img[src='x']").count() == 0


def test_no_such_element(page: Page, watch: Watch) -> None:
    """A link to what is not there says so, and leads to an explanation."""
    page.goto("/#/plant/acme/nowhere")
    expect(page.get_by_role("heading", name="No such element")).to_be_visible()
    expect(page.get_by_role("link", name="What would become")).to_have_attribute(
        "href", "#/explain?topic=acme%2Fnowhere"
    )


def test_writing(page: Page) -> None:
    """A value is asked for by its type, confirmed with old and new, and its outcome told."""
    show(page, SETPOINT)
    writing = page.get_by_role("region", name="Write")
    writing.get_by_role("button", name="Write a value").click()
    field = page.get_by_label("New value in °C")
    field.fill("warm")
    writing.get_by_role("button", name="Write…", exact=True).click()
    expect(writing.get_by_role("alert")).to_have_text("The value must be a number.")
    field.fill("66.5")
    writing.get_by_role("button", name="Write…", exact=True).click()
    question = page.get_by_role("dialog", name="Write target?")
    expect(question).to_contain_text("64 °C")
    expect(question).to_contain_text("66.5 °C")
    screenshot(page, "writing")
    question.get_by_role("button", name="Write it").click()
    expect(writing.get_by_role("status")).to_contain_text("Written")
    expect(shown(page)).to_contain_text("66.5 °C")


def test_writing_can_be_left(page: Page) -> None:
    """Cancel and Escape write nothing."""
    show(page, SETPOINT)
    before = shown(page).locator(".big").inner_text()
    page.get_by_role("button", name="Write a value").click()
    page.get_by_label("New value in °C").fill("99")
    for leave in (lambda: page.get_by_role("button", name="Cancel").click(), lambda: page.keyboard.press("Escape")):
        page.get_by_role("button", name="Write…", exact=True).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        leave()
        expect(page.get_by_role("dialog")).to_have_count(0)
    assert shown(page).locator(".big").inner_text() == before


def test_what_may_not_be_written(page: Page) -> None:
    """The page says why, before anybody tries."""
    show(page, f"{FILLER}/state")
    expect(page.get_by_role("region", name="Write")).to_contain_text("not among [writes] allow")


def test_a_value_in_doubt(page: Page, publish: Callable[..., None]) -> None:
    """Uncertain is told by a word and a shape, beside the value that is in doubt."""
    topic = f"{HALL}/vat02/process/temperature"
    show(page, topic)
    publish(topic, envelope(61.0, quality="Uncertain"))
    expect(shown(page).locator(".badge")).to_contain_text("Uncertain")
    expect(row(page, topic).get_by_role("img", name="Uncertain")).to_be_visible()
