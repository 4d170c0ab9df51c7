"""Texts over time: bands for as long as a text held, and how long each did."""

import contextlib
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from bridge_process import BridgeProcess
from chromium import LOOKS, Look, screenshot, violations
from playwright.sync_api import Locator, Page, expect
from recordings import Publisher
from small_plant import END, RECIPE, SAMPLES, TEMPERATURE, envelope

from bridge.uns import Message
from mosquitto import Mosquitto

pytestmark = pytest.mark.browser

Publish = Callable[..., None]

PRESS = "acme/site1/late/press01"
STATE = f"{PRESS}/state"
ORDER = f"{PRESS}/order"
# Seconds before the end at which each begins: of a hundred, Running has 60, Idle 30, Fault 2, and 8 have none.
STATES = ((100, "Running"), (70, "Idle"), (40, "Fault"), (38, "Running"), (8, None))
HELD_BACK_S = 2.0
AROUND = {"from": round((END.timestamp() - 100) * 1000), "to": round(END.timestamp() * 1000)}


@pytest.fixture
def states(publish: Publish) -> None:
    """A state and an order whose history lies where the temperature's does."""
    for before, text in STATES:
        quality = "Bad" if text is None else "Uncertain" if before == 70 else "Good"
        publish(STATE, envelope(text, at=END - timedelta(seconds=before), unit="", quality=quality))
    publish(ORDER, envelope("A-1", at=END - timedelta(hours=3), unit=""))
    publish(ORDER, envelope("A-2", at=END - timedelta(seconds=50), unit=""))


def show(page: Page, *idents: str, **query: object) -> None:
    """Open a trend by its address, and wait for its figures."""
    page.goto("/")
    address = "new URLSearchParams(query).toString()"
    page.evaluate(f"query => {{ location.hash = '#/trend?' + {address} }}", {"ids": json.dumps(idents), **query})
    expect(page.locator(".figures tbody tr")).to_have_count(len(idents))


def bands(page: Page, ident: str = STATE) -> Locator:
    return page.locator(f'.lane[data-id="{ident}"] .band')


def row(page: Page, name: str = "state") -> list[str]:
    """The last text, and how long each held."""
    cells = page.locator(".figures tbody tr", has_text=name).locator("td")
    return [" ".join(text.split()) for text in cells.all_inner_texts()]


def drag(page: Page, begin: float, end: float) -> None:
    """Over the first lane, from one part of its width to another one."""
    area = page.locator(".lane-bands").first.bounding_box()
    assert area is not None
    page.mouse.move(area["x"] + area["width"] * begin, area["y"] + 10)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * end, area["y"] + 12, steps=5)
    page.mouse.up()


@pytest.mark.usefixtures("states")
def test_history(page: Page) -> None:
    """Each text of the past is a band as long as it held; a short one is there, too; without a value there is none."""
    show(page, STATE, **AROUND)
    expect(bands(page)).to_have_text(["Running", "Idle", "", "Running"])
    area = page.locator(".lane-bands").bounding_box()
    boxes = [found.bounding_box() for found in bands(page).all()]
    assert area is not None
    assert [round(box["width"] / area["width"], 2) for box in boxes if box] == [0.3, 0.3, 0.02, 0.3]
    expect(bands(page).nth(1)).to_have_class(re.compile("doubted"))
    colours = [found.evaluate("band => getComputedStyle(band).backgroundColor") for found in bands(page).all()]
    assert colours[0] == colours[3]
    assert len(set(colours)) == 3
    assert row(page) == ["–", "Running 60 % (1 min, 2 times) Idle 30 % (30 s) Fault 2 % (2 s) no value 8 %"]


@pytest.mark.usefixtures("states")
def test_what_held_before(page: Page) -> None:
    """What was said long before the range holds in it."""
    show(page, ORDER, **AROUND)
    expect(bands(page, ORDER)).to_have_text(["A-1", "A-2"])
    assert row(page, "order") == ["A-2", "A-1 50 % (50 s) A-2 50 % (50 s)"]


@pytest.mark.usefixtures("states")
def test_the_pointer_is_told(page: Page) -> None:
    """Where the pointer is, it is told what held, from when to when and how long."""
    show(page, STATE, **AROUND)
    area = bands(page).nth(2).bounding_box()
    assert area is not None
    page.mouse.move(area["x"] + area["width"] / 2, area["y"] + 5)
    note = page.locator(".timeline .chart-note")
    expect(note).to_contain_text(re.compile(r"Fault: \d{4}-\d\d-\d\d .* to .*, 2 s"))


@pytest.mark.usefixtures("states")
def test_zoom(page: Page) -> None:
    """Dragging over the bands shows less; zooming out more."""
    show(page, STATE, **AROUND)
    expect(bands(page)).to_have_count(4)
    drag(page, 0.35, 0.55)
    expect(page).not_to_have_url(re.compile(rf"from={AROUND['from']}"))
    expect(bands(page)).to_have_text(["Idle"])
    page.get_by_role("button", name="Zoom out").click()
    expect(bands(page)).not_to_have_count(1)


@pytest.mark.usefixtures("states")
def test_beside_numbers(page: Page) -> None:
    """A text lies below the lines of numbers, over the same time; a zoom of the chart is its zoom."""
    show(page, TEMPERATURE, STATE, **AROUND)
    expect(page.get_by_role("img", name="Trend of process / temperature")).to_be_visible()
    expect(bands(page)).to_have_count(4)
    plot, lane = page.locator(".u-over").bounding_box(), page.locator(".lane-bands").bounding_box()
    assert plot is not None
    assert lane is not None
    assert abs(plot["x"] - lane["x"]) < 2
    assert abs(plot["width"] - lane["width"]) < 2
    last, least, _, greatest, unit = row(page, "temperature")
    assert (last, least, greatest, unit) == ("65.9", "60", "65.9", "°C")
    page.mouse.move(plot["x"] + plot["width"] * 0.5, plot["y"] + 50)
    expect(page.locator(".u-over .chart-note")).to_contain_text("state: Idle")
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * 0.9, plot["y"] + 50, steps=5)
    page.mouse.up()
    expect(bands(page)).to_have_text(["Idle", "Fault", "Running"])


def test_it_goes_on(page: Page, publish: Publish) -> None:
    """A state that changes is a band at once, without another question; a long range is no different."""
    topic = "acme/site1/late/press02/state"
    publish(topic, envelope("Running", at=datetime.now(UTC) - timedelta(seconds=20), unit=""))
    for name in ("1m", "24h"):
        show(page, topic, range=name)
        expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()
        expect(page.locator(".figures tbody td").first).not_to_have_text("–")
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        for text in ("Fault", "Running"):
            publish(topic, envelope(text, at=datetime.now(UTC), unit=""))
            expect(page.locator(".figures tbody td").first).to_have_text(text)
        assert [url for url in asked if url.endswith("/history")] == []
        expect(page.locator(".figures .held")).to_contain_text("Fault")


def test_no_short_state_is_lost(page: Page, mosquitto: Mosquitto, bridge: BridgeProcess) -> None:
    """Among more readings than one answer holds a moment of Fault is there."""
    topic = "acme/site1/late/press04/state"
    texts = ["Running"] * 6_000 + ["Fault"] + ["Running"] * 6_000
    times = (END - timedelta(seconds=100) + timedelta(milliseconds=8 * number) for number in range(len(texts)))
    before = bridge.received
    with contextlib.closing(Publisher(mosquitto.port)) as publisher:
        publisher.publish(
            [Message(topic, envelope(text, at=at, unit=""), 1) for text, at in zip(texts, times, strict=True)]
        )
    bridge.wait_for(lambda: bridge.received >= before + len(texts), 60.0)
    show(page, topic, **AROUND)
    expect(bands(page, topic)).to_have_count(3)
    expect(bands(page, topic).nth(1)).to_have_class(re.compile("brief"))
    expect(page.locator(".figures .held")).to_contain_text("Fault")
    expect(page.get_by_text("Short states may be missing")).to_have_count(0)


@pytest.mark.parametrize(
    ("name", "values", "kept"),
    [
        pytest.param("state", ("Running", "Fault", "Idle"), ".held", id="text"),
        pytest.param("pressure", (1, 900, 2), "td:nth-child(5)", id="number"),
    ],
)
def test_what_comes_while_history_is_asked_for(
    page: Page, publish: Publish, name: str, values: tuple[object, ...], kept: str
) -> None:
    """What holds for a moment is not lost because the answer with the history took its time."""
    topic = f"acme/site1/late/press05/{name}"
    first, short, last = values
    publish(topic, envelope(first, at=datetime.now(UTC) - timedelta(seconds=20), unit=""))
    held: list[str] = []

    def answer(route) -> None:
        found = route.fetch()
        if not held:
            held.append(route.request.url)
            time.sleep(HELD_BACK_S / 2)
            for value in (short, last):
                publish(topic, envelope(value, at=datetime.now(UTC), unit=""))
                time.sleep(HELD_BACK_S / 4)
        route.fulfill(response=found)

    show(page, topic, range="1m")
    expect(page.locator(".figures tbody td").first).to_have_text(str(first))
    page.route("**/v1/objects/history", answer)
    page.get_by_role("button", name="5m", exact=True).click()
    expect(page.locator(".figures tbody td").first).to_have_text(str(last))
    expect(page.locator(f".figures {kept}")).to_contain_text(str(short))


def test_what_is_too_much_is_told(page: Page, publish: Publish) -> None:
    """Where the bridge does not come to an end, and has thinned the readings, the page says so."""
    topic = "acme/site1/late/press03/state"
    publish(topic, envelope("Running", at=END - timedelta(seconds=90), unit=""))
    first = {"values": [{"value": "Idle", "quality": "Good", "timestamp": "2026-01-05T07:59:00Z"}]}
    asked: list[dict] = []

    def answer(route) -> None:
        body = route.request.post_data_json
        asked.append(body)
        if not body.get("onlyChanges"):
            route.continue_()
            return
        item = {"success": True, "elementId": topic, "result": first}
        detail = {"status": 206, "title": "", "detail": f"{topic}: resume with startTime 2026-01-05T07:59:01Z"}
        route.fulfill(json={"success": True, "results": [item], "responseDetail": detail})

    page.route("**/v1/objects/history", answer)
    show(page, topic, **AROUND)
    expect(page.get_by_text("Short states may be missing")).to_be_visible()
    assert max(body.get("maxPoints", 0) for body in asked) > 2
    expect(bands(page, topic)).to_have_text(["Running"])


def test_structured_values_have_none(page: Page) -> None:
    """Instead of an empty chart the page says that structured values have no trend, and leads to their parts."""
    show(page, RECIPE, SAMPLES, range="15m")
    expect(page.get_by_text("Structured values have no trend")).to_have_count(2)
    expect(page.locator("canvas")).to_have_count(0)
    page.locator(".figures").get_by_role("link", name="its parts").first.click()
    expect(page.get_by_role("heading", name="recipe")).to_be_visible()


def test_odd_texts(page: Page, publish: Publish) -> None:
    """A long text makes nothing wide, and marks that turn the direction are shown, not obeyed."""
    topic = "acme/site1/late/press06/state"
    for before, text in ((90, "x" * 10_000), (50, "\u202eevil")):
        publish(topic, envelope(text, at=END - timedelta(seconds=before), unit=""))
    show(page, topic, **AROUND)
    expect(bands(page, topic)).to_have_count(2)
    expect(bands(page, topic).last).to_have_text("\\u202Eevil")
    expect(page.locator(".figures .held")).to_contain_text("\\u202Eevil")
    assert page.locator(".figures").evaluate("table => table.scrollWidth <= table.parentElement.clientWidth")


@pytest.mark.usefixtures("states")
def test_from_the_element(page: Page) -> None:
    """A text has its timeline in its view."""
    page.goto(f"/#/plant/{ORDER}")
    expect(page.get_by_role("img", name="Timeline of press01 / order")).to_be_visible()
    expect(bands(page, ORDER)).to_have_text(["A-2"])


@pytest.mark.usefixtures("states")
@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("idents", [(STATE,), (TEMPERATURE, STATE, ORDER)], ids=["texts", "mixed"])
def test_accessible(page: Page, look: Look, idents: tuple[str, ...]) -> None:
    """axe has no serious finding, and nothing is wider than the screen."""
    show(page, *idents, **AROUND)
    expect(bands(page)).to_have_count(4)
    screenshot(page, f"states-{len(idents)}-{look}")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
