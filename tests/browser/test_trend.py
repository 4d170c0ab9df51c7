"""Charts: history, what comes, several elements, zoom, export."""

import csv
import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from bridge_process import BridgeProcess
from chromium import Watch, screenshot
from playwright.sync_api import Locator, Page, Route, expect
from small_plant import ALARM, BAD, END, LEVEL, TEMPERATURE, VAT

pytestmark = pytest.mark.browser

AROUND = {"from": round((END.timestamp() - 70) * 1000), "to": round((END.timestamp() + 10) * 1000)}


def show(page: Page, *idents: str, **query: object) -> None:
    """Open a trend by its address, and wait for the chart."""
    page.goto("/")
    address = "new URLSearchParams(query).toString()"
    page.evaluate(f"query => {{ location.hash = '#/trend?' + {address} }}", {"ids": json.dumps(idents), **query})
    expect(chart(page).locator("canvas")).to_be_visible()


def chart(page: Page) -> Locator:
    return page.get_by_role("img", name="Trend of")


def figures(page: Page, name: str) -> list[str]:
    """Last, least, mean, greatest, unit."""
    cells = page.locator(".figures tbody tr", has_text=name).locator("td")
    expect(cells.first).to_be_visible()
    return cells.all_inner_texts()


def test_history(page: Page) -> None:
    """A range of the past has the figures of what held in it: 60 °C for 11 s, a rise, 65.9 °C for 10 s."""
    show(page, TEMPERATURE, **AROUND)
    assert figures(page, "temperature") == ["65.9", "60", "62.8763", "65.9", "°C"]
    screenshot(page, "trend-history")


def test_enter_takes_what_is_typed(page: Page) -> None:
    """Who types on and presses Enter before the answer does not get what was found before."""
    page.goto("/#/trend")
    box = page.get_by_role("combobox", name="Add an element")
    box.fill("vat01 temperature")
    expect(page.locator(".finder").get_by_role("option").first).to_be_visible()
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route("**/search?*", hold)
    with page.expect_request("**/search?*"):
        box.fill("vat01 level")
        box.press("Enter")
    expect(page.locator(".chosen-element")).to_have_count(0)
    waiting[0].continue_()
    expect(page.locator(".finder").get_by_role("option").first).to_contain_text("level")
    box.press("Enter")
    expect(page.locator(".chosen-element")).to_contain_text("level")


def test_named_twice(page: Page) -> None:
    """An address that names an element twice shows it once."""
    show(page, TEMPERATURE, TEMPERATURE, **AROUND)
    expect(page.locator(".chosen-element")).to_have_count(1)
    expect(page.locator(".figures tbody tr")).to_have_count(1)


def test_what_was_missed(page: Page, bridge: BridgeProcess, publish: Callable[..., None], watch: Watch) -> None:
    """When the bridge has let go of the page's subscription, the chart has what came until there is another."""
    topic = "acme/site1/late/missed/level"
    publish(topic, b"70.5")
    with page.expect_request(lambda request: request.url.endswith("/v1/subscriptions/stream")) as opened:
        show(page, topic, range="1m")
    expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()
    said = opened.value.post_data_json
    body = {"clientId": said["clientId"], "subscriptionIds": [said["subscriptionId"]]}
    watch.allow("status of 404")
    bridge.client.post("/v1/subscriptions/delete", json=body).raise_for_status()
    publish(topic, b"99.75")
    page.wait_for_timeout(50)  # two of one millisecond are one point
    publish(topic, b"70.5")
    expect(page.locator(".figures tbody tr")).to_contain_text("99.75")


def test_zoom(page: Page) -> None:
    """Dragging over the chart shows less, `Zoom out` more, `Back to now` what comes."""
    show(page, TEMPERATURE, **AROUND)
    area = page.locator(".u-over").bounding_box()
    assert area is not None
    page.mouse.move(area["x"] + area["width"] * 0.4, area["y"] + 50)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.6, area["y"] + 60, steps=5)
    page.mouse.up()
    expect(page).not_to_have_url(re.compile(rf"from={AROUND['from']}"))
    expect(page.locator(".figures td").first).not_to_have_text("65.9")
    last, least, *_ = figures(page, "temperature")
    assert 60 < float(least) < float(last) < 65
    page.get_by_role("button", name="Zoom out").click()
    page.get_by_role("button", name="Back to now").click()
    expect(page.get_by_role("button", name="15m")).to_have_attribute("aria-pressed", "true")


def touch(page: Page, *points: tuple[float, float]) -> None:
    """A finger goes down at the first point of the page, along the others, and up at the last."""
    session = page.context.new_cdp_session(page)
    for index, (x, y) in enumerate(points):
        said = {"type": "touchMove" if index else "touchStart", "touchPoints": [{"x": x, "y": y}]}
        session.send("Input.dispatchTouchEvent", said)
        page.wait_for_timeout(30)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_touch(open_page: Callable[..., Page]) -> None:
    """A finger drawn across the chart zooms; one drawn up scrolls the page."""
    page = open_page(has_touch=True, is_mobile=True)
    page.set_viewport_size({"width": 820, "height": 480})
    show(page, TEMPERATURE, **AROUND)
    area = page.locator(".u-over").bounding_box()
    assert area is not None
    left, middle, right = (area["x"] + area["width"] * part for part in (0.4, 0.5, 0.6))
    top = area["y"] + 150
    before = page.url
    touch(page, (left, top), (left, top - 30), (left, top - 60), (left + 2, top - 120))
    page.wait_for_timeout(300)
    assert page.url == before
    assert page.evaluate("Math.max(...[...document.querySelectorAll('*')].map(({ scrollTop }) => scrollTop))") > 0
    top = page.locator(".u-over").bounding_box()["y"] + 80
    touch(page, (left, top), (left + 20, top), (middle, top + 3), (right, top + 5))
    expect(page).not_to_have_url(before)
    begin, end = (int(re.search(rf"{name}=(\d+)", page.url)[1]) for name in ("from", "to"))
    assert end - begin == pytest.approx(16_000, abs=800)
    assert begin - AROUND["from"] == pytest.approx(32_000, abs=800)


def test_keyboard(page: Page) -> None:
    """Who does not point gets anywhere in the past by Tab and Enter, and keeps the focus where there is no more."""
    show(page, TEMPERATURE, range="1m")

    def step(name: str) -> tuple[int, int]:
        button = page.get_by_role("button", name=name)
        button.press("Enter")
        expect(button).to_be_focused()
        found = [re.search(rf"{end}=(\d+)", page.url) for end in ("from", "to")]
        return tuple(int(one[1]) if one else 0 for one in found)

    page.get_by_role("button", name="Earlier").focus()
    for name in ("Later", "Zoom in", "Zoom out", "Back to now"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name=name)).to_be_focused()
    expect(page.get_by_role("button", name="Later")).to_have_attribute("aria-disabled", "true")
    assert step("Later") == (0, 0)
    begin, end = step("Zoom in")
    assert end - begin == pytest.approx(30_000, abs=2)
    assert step("Earlier") == (begin - 15_000, end - 15_000)
    assert step("Zoom in") == pytest.approx((begin - 7_500, end - 22_500), abs=2)
    assert step("Later") == pytest.approx((begin, end - 15_000), abs=2)
    assert step("Back to now") == (0, 0)
    expect(page.get_by_role("button", name="1m")).to_have_attribute("aria-pressed", "true")


def test_it_goes_on(page: Page, publish: Callable[..., None]) -> None:
    """What is published is on the chart of now, without another question."""
    show(page, LEVEL, range="1m")
    for value in (81.5, 80.25):
        publish(LEVEL, str(value).encode())
        expect(page.locator(".figures tbody td").first).to_have_text(str(value))
    assert figures(page, "level")[3] == "81.5"
    publish(LEVEL, b"70.5")


def test_several_elements(page: Page) -> None:
    """Elements are added by typing and taken away again; the address names them."""
    show(page, TEMPERATURE, range="1h")
    finder = page.get_by_role("combobox", name="Add an element")
    finder.press_sequentially("alarm")
    expect(page.get_by_role("listbox", name="Found").get_by_role("option").first).to_contain_text(ALARM)
    finder.press("Enter")
    expect(page.locator(".figures tbody tr")).to_have_count(2)
    assert ALARM.rsplit("/", 1)[1] in page.url
    page.get_by_role("button", name=f"Remove {TEMPERATURE}").click()
    expect(page.locator(".figures tbody tr")).to_have_count(1)
    page.reload()
    expect(page.locator(".figures tbody th")).to_have_text(["filler01 / alarm"])


def test_long_ranges_are_aggregated(page: Page) -> None:
    """A month is means with least and greatest, reckoned by the bridge."""
    show(page, TEMPERATURE, BAD, **{"from": round((END - timedelta(days=20)).timestamp() * 1000), "to": AROUND["to"]})
    expect(page.get_by_text("reckoned by the bridge")).to_be_visible()
    assert figures(page, "temperature")[1:4:2] == ["60", "65.9"]


def test_export(page: Page, tmp_path) -> None:
    """The CSV has every row of the range, with time, element, value and quality."""
    show(page, TEMPERATURE, BAD, **AROUND)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").click()
    target = tmp_path / "rows.csv"
    download.value.save_as(target)
    rows = list(csv.DictReader(target.read_text().splitlines()))
    mine = [found for found in rows if found["element"] == TEMPERATURE]
    assert [float(found["value"]) for found in mine] == [round(60 + number / 10, 1) for number in range(60)]
    assert {found["quality"] for found in mine} == {"Good"}
    assert mine[-1]["time"].startswith("2026-01-05T08:00:00")
    assert [(found["value"], found["quality"]) for found in rows if found["element"] == BAD] == [("", "Bad")]


def test_from_the_element(page: Page, bridge: BridgeProcess) -> None:
    """An element that can be drawn has its trend in its view; one that cannot has none."""
    page.goto(f"/#/plant/{TEMPERATURE}")
    expect(chart(page)).to_be_visible()
    page.get_by_role("link", name="Open in Trend").click()
    expect(page.get_by_role("heading", name="Trend")).to_be_visible()
    page.goto(f"/#/plant/{VAT}")
    expect(page.get_by_role("heading", name="vat01")).to_be_visible()
    expect(chart(page)).to_have_count(0)
