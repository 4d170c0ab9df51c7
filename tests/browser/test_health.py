"""Health and explanations: what is wrong, with examples and remedies."""

import json
from collections.abc import Callable

import pytest
from bridge_process import BridgeProcess
from chromium import Watch
from playwright.sync_api import Page, expect
from small_plant import LEVEL, RECIPE, RECIPE_VALUE, TEMPERATURE

pytestmark = pytest.mark.browser


def test_rejected_payloads(page: Page, publish: Callable[..., None]) -> None:
    """A payload that could not be used is there with its topic, its text and what to do, and can be tried."""
    publish(TEMPERATURE, b'{"value": 1, "time', retain=False)
    page.goto("/#/health")
    rejected = page.locator("section", has=page.get_by_role("heading", name="Rejected payloads"))
    expect(rejected).to_contain_text("malformed-json")
    expect(rejected).to_contain_text(TEMPERATURE)
    expect(rejected).to_contain_text('{"value": 1, "time')
    expect(rejected).to_contain_text("Find out who publishes on the topic")
    rejected.get_by_role("link", name="Explain").first.click()
    expect(page.get_by_role("heading", name="Explain")).to_be_visible()
    expect(page.get_by_label("Topic, or element id")).to_have_value(TEMPERATURE)


def test_it_follows(page: Page, bridge: BridgeProcess, publish: Callable[..., None]) -> None:
    """Counts rise while the page is open."""
    page.goto("/#/health")
    received = page.get_by_role("row", name="Received").locator("td").last
    expect(received).to_be_visible()
    before = received.inner_text()
    publish(LEVEL, b"70.5", retain=False)
    expect(received).not_to_have_text(before)


def test_drift(page: Page, publish: Callable[..., None]) -> None:
    """What a settled type was not made for is told while the page is open: the latest of each type, then the rest."""
    page.goto("/#/health")
    drift = page.locator("section", has=page.get_by_role("heading", name="Drift of types"))
    grown = {**RECIPE_VALUE}
    for flavour in ("sweet", "sour"):
        grown[flavour] = True
        publish(RECIPE, json.dumps(grown).encode(), retain=False)
    row = drift.get_by_role("row", name="shows the new attribute 'sour'")
    expect(row).to_contain_text("urn:uns:acme#Recipe")
    expect(row.get_by_role("link", name=RECIPE).first).to_be_visible()
    row.get_by_text("earlier event").click()
    expect(row).to_contain_text("shows the new attribute 'sweet'")
    expect(drift).to_contain_text("bridge learn")
    publish(RECIPE, json.dumps(RECIPE_VALUE).encode(), retain=False)


def test_the_stored_copy(open_page: Callable[..., Page], make_bridge: Callable[..., BridgeProcess]) -> None:
    """What is Uncertain because only the broker's stored copy is known is counted and named, as a note."""
    late = make_bridge("late")
    late.start()
    late.wait_for(late.ready)
    late.wait_for(lambda: late.received > 10)
    page = open_page(to=late)
    page.goto("/#/health")
    doubts = page.locator("section", has=page.get_by_role("heading", name="Elements in doubt"))
    expect(doubts).to_contain_text("Known from the broker's stored copy")
    expect(doubts).to_contain_text("the next message of its topic confirms each")
    expect(doubts.get_by_role("row", name=LEVEL)).to_be_visible()
    expect(doubts).not_to_contain_text("No element")
    expect(page.get_by_role("region", name="Overall")).to_contain_text("only the broker's stored copy is known")


def test_why(page: Page) -> None:
    """An element says how its topic became what it is."""
    page.goto(f"/#/plant/{TEMPERATURE}")
    page.get_by_role("link", name="Why is it so?").click()
    expect(page.get_by_role("row", name="Unit °C")).to_contain_text("said by the payload")
    expect(page.get_by_role("row", name="Type urn:uns:acme#Temperature")).to_be_visible()


def test_a_payload_is_tried(page: Page, watch: Watch) -> None:
    """What would become of a payload is told, and nothing is stored."""
    watch.allow("status of 404")
    page.goto("/#/explain?topic=acme/site1/lab/scale/weight")
    page.get_by_text("What would a payload become?", exact=True).click()
    page.get_by_label("Payload").fill('{"value": 12.5, "unit": "kg"}')
    page.get_by_role("button", name="Try this payload").click()
    expect(page.get_by_role("row", name="Unit kg")).to_be_visible()
    page.goto("/#/plant/acme/site1/lab/scale/weight")
    expect(page.get_by_role("heading", name="No such element")).to_be_visible()


def test_who_may_not(open_page: Callable[..., Page], make_bridge: Callable[..., BridgeProcess], watch: Watch) -> None:
    """Somebody who is no admin is told so, and by what they would become one."""
    watch.allow("status of 40[13]")
    plant = make_bridge("guarded", auth={"mode": "on"})
    (plant.directory / "state").mkdir(parents=True, exist_ok=True)
    secret = plant.command("token", "new", "scada", "--read", "acme/#")
    plant.start()
    page = open_page(to=plant)
    page.goto("/#/health")
    page.get_by_label("Token or API key").fill(secret)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("--admin")).to_be_visible()
    page.goto(f"/#/explain?topic={TEMPERATURE}")
    expect(page.get_by_text("bridge token allow scada --read")).to_be_visible()
