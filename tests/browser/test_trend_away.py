"""What a trend draws while the bridge or the broker is away, and afterwards."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from bridge_process import BridgeProcess
from chromium import Watch, screenshot
from playwright.sync_api import Page, expect
from press import LOST_MS, SPEED, say
from recordings import Publisher
from small_plant import envelope
from traces import drawn, shaded

from bridge.uns import Message
from mosquitto import Mosquitto

pytestmark = pytest.mark.browser

TARGET = "acme/line1/press1/target"
AWAY_MS = 8_000  # 13 % of the minute that is shown


@pytest.fixture
def page(open_page: Callable[..., Page], plant: BridgeProcess) -> Page:
    """The last minute of the press, live."""
    made = open_page(to=plant)
    made.goto(f"/#/trend?ids={json.dumps([SPEED])}&range=1m")
    expect(made.get_by_role("status").filter(has_text="live")).to_be_visible()
    expect(made.locator(".figures tbody td").first).to_have_text("100")
    return made


def test_the_bridge_is_away(page: Page, plant: BridgeProcess, broker: Mosquitto, watch: Watch) -> None:
    """Nothing is drawn of the time in which nothing was heard; afterwards what held is level, and then it steps."""
    watch.allow("ERR_|Failed to load resource")
    page.wait_for_timeout(1_500)
    assert drawn(page, 0.99)
    plant.stop()
    expect(page.get_by_role("alert").filter(has_text="Not live")).to_be_visible()
    page.wait_for_timeout(AWAY_MS)
    screenshot(page, "trend-away")
    assert not drawn(page, 0.96)
    expect(page.locator(".figures tbody td").first).to_have_text("100")
    plant.start()
    plant.wait_for(plant.ready)
    expect(page.get_by_role("status").filter(has_text="live")).to_be_visible(timeout=LOST_MS)
    say(broker, b"200")
    expect(page.locator(".figures tbody td").first).to_have_text("200")
    page.wait_for_timeout(1_500)
    screenshot(page, "trend-back")
    assert drawn(page, 0.96)


def test_the_broker_is_away_and_nothing_changes(page: Page, plant: BridgeProcess, broker: Mosquitto) -> None:
    """What was said before the range is shaded from when it came into doubt; who comes then sees all of it shaded."""
    said = envelope(62.5, at=datetime.now(UTC) - timedelta(minutes=10))
    publisher = Publisher(broker.port)
    publisher.publish([Message(TARGET, said, 1, retain=True), Message(TARGET, said, 1)])
    publisher.close()
    page.goto(f"/#/trend?ids={json.dumps([TARGET])}&range=1m")
    expect(page.locator(".figures tbody td").first).to_have_text("62.5")
    page.wait_for_timeout(1_500)
    assert drawn(page, 0.02)
    assert not shaded(page, 0.99)
    broker.stop()
    page.wait_for_timeout(AWAY_MS)
    assert drawn(page, 0.99)
    assert (shaded(page, 0.5), shaded(page, 0.99)) == (False, True)
    page.reload()
    expect(page.locator(".figures tbody td").first).to_have_text("62.5")
    page.wait_for_timeout(1_500)
    assert (shaded(page, 0.5), shaded(page, 0.99)) == (True, True)


def test_the_broker_is_away(page: Page, plant: BridgeProcess, broker: Mosquitto) -> None:
    """While the present value is in doubt, what holds is shaded, from when that was heard on."""
    say(broker, b"101")
    expect(page.locator(".figures tbody td").first).to_have_text("101")
    page.wait_for_timeout(4_000)  # what was retained before is in doubt
    assert not shaded(page, 0.96)
    broker.stop()
    page.wait_for_timeout(AWAY_MS)
    screenshot(page, "trend-doubt")
    assert drawn(page, 0.96)
    assert shaded(page, 0.99)
    expect(page.locator(".figures tbody td").first).to_have_text("101")
    broker.start()
    plant.wait_for(plant.ready, 40)
    say(broker, b"102")
    expect(page.locator(".figures tbody td").first).to_have_text("102")
    page.wait_for_timeout(1_500)
    assert not shaded(page, 0.995)
