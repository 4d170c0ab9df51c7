"""What a trend tells of values that hold: between readings, from before the range, to its end."""

import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from bridge_process import BridgeProcess
from chromium import screenshot
from playwright.sync_api import Locator, Page, expect
from recordings import Publisher
from small_plant import END, HALL, TEMPERATURE, envelope
from traces import drawn

from bridge.uns import Message
from mosquitto import Mosquitto

pytestmark = pytest.mark.browser

Publish = Callable[..., None]

LATE = "acme/site1/late"
ROWS = 5_900  # ten each second; every tenth is 100, the others 0


def show(page: Page, *idents: str, **query: object) -> None:
    """Open a trend by its address, and wait for its figures."""
    page.goto("/")
    address = "new URLSearchParams(query).toString()"
    page.evaluate(f"query => {{ location.hash = '#/trend?' + {address} }}", {"ids": json.dumps(idents), **query})
    expect(page.locator(".figures tbody tr")).to_have_count(len(idents))


def rows(page: Page) -> Locator:
    return page.locator(".figures tbody tr")


def figures(page: Page) -> list[str]:
    """Last, least, mean, greatest, unit of the only row."""
    return rows(page).locator("td").all_inner_texts()


def between(begin: float, end: float) -> dict[str, int]:
    """A range in seconds after the end of the plant's history."""
    return {name: round((END.timestamp() + at) * 1000) for name, at in (("from", begin), ("to", end))}


@pytest.mark.parametrize("until", [END, None], ids=["past", "now"])
def test_the_mean_is_that_of_all_readings(
    page: Page, mosquitto: Mosquitto, bridge: BridgeProcess, until: datetime | None
) -> None:
    """More readings than are drawn have the mean over time that they have, not that of those that are drawn."""
    topic = f"{LATE}/fast/{'past' if until else 'now'}/pulse"
    last = until or datetime.now(UTC)
    ages = [ROWS - 1 - number for number in range(ROWS)]
    sent = [envelope(100 if age % 10 == 1 else 0, at=last - timedelta(seconds=age / 10), unit="") for age in ages]
    before = bridge.received
    with contextlib.closing(Publisher(mosquitto.port)) as publisher:
        publisher.publish([Message(topic, payload, 1, retain=True) for payload in sent])
    bridge.wait_for(lambda: bridge.received >= before + ROWS, 60.0)
    show(page, topic, **(between(-590, 0) if until else {"range": "15m"}))
    _, least, mean, greatest, _ = figures(page)
    assert (least, greatest) == ("0", "100")
    assert float(mean) == pytest.approx(10, abs=0.5)
    page.wait_for_timeout(1_500)
    assert float(figures(page)[2]) == pytest.approx(10, abs=0.5)


def test_a_setpoint_holds(page: Page, publish: Publish) -> None:
    """What was said before the range is a level line through it, with figures."""
    topic = f"{LATE}/oven/target"
    publish(topic, envelope(62, at=END - timedelta(hours=3)))
    show(page, topic, **between(-12, 0))
    expect(rows(page).locator("td").first).to_have_text("62")
    assert figures(page) == ["62", "62", "62", "62", "°C"]
    assert [drawn(page, at) for at in (0.02, 0.5, 0.98)] == [True, True, True]
    screenshot(page, "trend-held")


def test_a_switch_holds(page: Page, publish: Publish) -> None:
    """A boolean comes in with what it was, and goes on to the end; its mean is the share of time."""
    topic = f"{LATE}/oven/heating"
    for seconds, value in ((-3600, True), (-75, False), (-50, True)):
        publish(topic, envelope(value, at=END + timedelta(seconds=seconds), unit=""))
    show(page, topic, **between(-100, 0))
    expect(rows(page).locator("td").first).to_have_text("true")
    assert figures(page) == ["true", "false", "0.75", "true", ""]
    assert [drawn(page, at) for at in (0.02, 0.98)] == [True, True]


def test_bad_ends_it(page: Page, publish: Publish) -> None:
    """A reading without a value ends what held, also where that was before the range."""
    topic = f"{LATE}/oven/pressure"
    publish(topic, envelope(3, at=END - timedelta(seconds=80), unit="bar"))
    publish(topic, envelope(None, at=END - timedelta(seconds=40), unit="bar", quality="Bad"))
    show(page, topic, **between(-60, 0))
    expect(rows(page).locator("td").nth(1)).to_have_text("3")
    assert figures(page) == ["–", "3", "3", "3", "bar"]
    assert [drawn(page, at) for at in (0.1, 0.3, 0.4, 0.9)] == [True, True, False, False]
    show(page, topic, **between(-20, 0))
    expect(rows(page).locator("td").first).to_have_text("–")
    assert figures(page)[:4] == ["–"] * 4


@pytest.mark.parametrize("query", [{"range": "24h"}, {}], ids=["now", "past"])
def test_the_last_value_of_a_long_range(page: Page, publish: Publish, query: dict) -> None:
    """It is what was said last, not the mean of the last interval."""
    topic = f"{LATE}/pump{len(query)}/on"
    last = datetime.now(UTC) if query else END
    for seconds, value in ((900, True), (70, False), (40, True), (20, False)):
        publish(topic, envelope(value, at=last - timedelta(seconds=seconds), unit=""))
    show(page, topic, **(query or between(-20 * 3600, 5)))
    expect(rows(page).locator("td").first).to_have_text("false")
    mean = float(figures(page)[2])
    assert 0.5 < mean < 1
    screenshot(page, f"trend-long-{len(query)}")
    if query:
        publish(topic, envelope(value=True, at=datetime.now(UTC), unit=""))
        expect(rows(page).locator("td").first).to_have_text("true")


def test_named_alike(page: Page) -> None:
    """Elements of one name are called the same, and told apart, on chips, in figures and at the pointer."""
    names = ["vat01 / process / temperature", "vat02 / process / temperature"]
    show(page, TEMPERATURE, f"{HALL}/vat02/process/temperature", **between(-60, 0))
    expect(rows(page).locator("th")).to_have_text(names)
    expect(page.locator(".chosen-element a")).to_have_text(names)
    page.locator(".u-over").hover()
    for name in names:
        expect(page.locator(".u-over .chart-note")).to_contain_text(f"{name}: ")
    page.get_by_role("button", name=f"Remove {TEMPERATURE}").click()
    expect(page.locator(".chosen-element a")).to_have_text(["process / temperature"])
