"""Writing from the page: what is asked for, what is shown before it is sent, and what is sent."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bridge_process import BridgeProcess
from chromium import LOOKS, Look, screenshot, violations
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

MIXER = "works/hall/line/mixer"
MODE, NOTE, LIMIT, SWITCH = (f"{MIXER}/set/{name}" for name in ("mode", "note", "limit", "switch"))
RECIPE = f"{MIXER}/set/recipe"
AGITATOR = f"{MIXER}/set/agitator"
DIAGNOSE = f"{MIXER}/set/diagnose"
SPEED = f"{MIXER}/speed"
DOCUMENT = {"name": "Lemonade", "speed": 12.5, "steps": {"mix": 30, "fill": True}}
MODEL = """
[[type]]
name = "Mode"
schema = {type = ["string", "integer", "null"]}

[[element]]
topic = "works/hall/line/mixer/set/mode"
type = "Mode"
"""
SENT = {
    AGITATOR: b"40",
    MODE: b"3",
    LIMIT: b"5",
    SWITCH: b"5",
    NOTE: json.dumps("first line\nsecond line").encode(),
    RECIPE: json.dumps(DOCUMENT).encode(),
    DIAGNOSE: b'"fine"',
    SPEED: b"1.5",
}

Publish = Callable[..., None]


@pytest.fixture(scope="module")
def mixer(mosquitto: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BridgeProcess]:
    """A bridge that may write all setpoints of a mixer but one; it is the only one that sees it."""
    directory = tmp_path_factory.mktemp("mixer")
    sections = {
        "mqtt": {"topics": ["works/#"], "client_id": "mixer"},
        "model": {"discovery_window": 1.0},
        "state": {"directory": str(directory / "state")},
        "writes": {"enabled": True, "allow": [f"{MIXER}/set/#"], "deny": [DIAGNOSE]},
    }
    with BridgeProcess(directory, mosquitto.url, sections) as running:
        running.wait_for(running.ready)
        yield running


@pytest.fixture(autouse=True)
def _plant(mixer: BridgeProcess, publish: Publish) -> None:
    """Every test begins with the same values, live."""
    before = mixer.received
    for topic, payload in SENT.items():
        publish(topic, payload)
    mixer.wait_for(lambda: mixer.received >= before + len(SENT))
    mixer.wait_for(lambda: mixer.metrics()["bridge_model_settled"] == 1, 30.0)


@pytest.fixture
def page(open_page: Callable[..., Page], mixer: BridgeProcess, look: Look) -> Page:
    return open_page(look, to=mixer)


def value(bridge: BridgeProcess, ident: str) -> Any:
    """What an element has now."""
    (item,) = bridge.client.post("/v1/objects/value", json={"elementIds": [ident]}).json()["results"]
    return item["result"]["value"]


def writing(page: Page) -> Locator:
    return page.get_by_role("region", name="Write")


def editor(page: Page, ident: str) -> Locator:
    """The field of an element's editor, opened."""
    page.goto(f"/#/plant/{ident}")
    writing(page).get_by_role("button", name="Write a value").click()
    return page.get_by_label("New value")


def ask(page: Page) -> Locator:
    """The question, after what was typed."""
    writing(page).get_by_role("button", name="Write…", exact=True).click()
    return page.get_by_role("dialog")


def confirm(page: Page) -> None:
    page.get_by_role("button", name="Write it").click()
    expect(writing(page).get_by_role("status").filter(has_text="Written")).to_be_visible()


def edit(field: Locator, **changes: Any) -> None:
    """Change keys of the JSON in a field."""
    field.fill(json.dumps({**json.loads(field.input_value()), **changes}))


def test_a_choice_that_nobody_made(page: Page, publish: Publish) -> None:
    """A number that becomes a true or false while somebody types is chosen anew; nothing is written before."""
    field = editor(page, SWITCH)
    field.fill("7")
    publish(SWITCH, b"true")
    expect(page.locator("select[name=value]")).to_have_value("")
    expect(writing(page)).to_contain_text("what was typed is gone")
    expect(ask(page)).to_have_count(0)
    expect(writing(page).get_by_role("alert")).to_have_text("The value choose true or false.")


def test_parts_that_others_changed(page: Page, publish: Publish, mixer: BridgeProcess) -> None:
    """Of what is composed only the part that was changed is sent; others keep what somebody published meanwhile."""
    field = editor(page, f"{MIXER}/set")
    expect(field).to_have_value(re.compile('"agitator": 40'))
    assert "diagnose" not in field.input_value()
    expect(writing(page)).to_contain_text("Left out are parts that may not be written")
    edit(field, agitator=45)
    publish(RECIPE, json.dumps({**DOCUMENT, "name": "Cola"}).encode())
    mixer.wait_for(lambda: value(mixer, RECIPE)["name"] == "Cola")
    question = ask(page)
    expect(question).to_contain_text("40 → 45")
    expect(question).not_to_contain_text("recipe")
    confirm(page)
    assert value(mixer, AGITATOR) == 45
    assert value(mixer, RECIPE)["name"] == "Cola"
