"""Writing from the page: what is asked for, what is shown before it is sent, and what is sent."""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bridge_process import BridgeProcess
from chromium import LOOKS, Look, Watch, screenshot, violations
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

MIXER = "works/hall/line/mixer"
NOTE, LIMIT, SWITCH, SETTINGS = (f"{MIXER}/control/{name}" for name in ("note", "limit", "switch", "settings"))
RECIPE = f"{MIXER}/control/recipe"
AGITATOR = f"{MIXER}/control/agitator"
DIAGNOSE = f"{MIXER}/control/diagnose"
SPEED = f"{MIXER}/speed"
DOCUMENT = {"name": "Lemonade", "speed": 12.5, "steps": {"mix": 30, "fill": True}}
SENT = {
    AGITATOR: b"40",
    LIMIT: b"5",
    SWITCH: b"5",
    NOTE: json.dumps("first line\nsecond line").encode(),
    RECIPE: json.dumps(DOCUMENT).encode(),
    DIAGNOSE: b'"fine"',
    SPEED: b"1.5",
}
MODES = ('{"gain": 1, "mode": "auto"}', '{"gain": 1, "mode": 3}')  # a text or a number, in a document

PASTE = """(field, text) => {
  const data = new DataTransfer();
  data.setData("text", text);
  field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""

Publish = Callable[..., None]


@pytest.fixture(scope="module")
def mixer(mosquitto: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BridgeProcess]:
    """A bridge that may write all setpoints of a mixer but one; it is the only one that sees it."""
    directory = tmp_path_factory.mktemp("mixer")
    sections = {
        "mqtt": {"topics": ["works/#"], "client_id": "mixer"},
        "model": {"discovery_window": 1.0, "aspects": ["control"]},
        "state": {"directory": str(directory / "state")},
        "writes": {"enabled": True, "allow": [f"{MIXER}/control/#"], "deny": [DIAGNOSE]},
    }
    with BridgeProcess(directory, mosquitto.url, sections) as running:
        running.wait_for(running.ready)
        yield running


@pytest.fixture(autouse=True)
def _plant(mixer: BridgeProcess, publish: Publish) -> None:
    """Every test begins with the same values, live."""
    before = mixer.received
    sent = [*SENT.items(), *((SETTINGS, payload.encode()) for payload in MODES)]
    for topic, payload in sent:
        publish(topic, payload)
    mixer.wait_for(lambda: mixer.received >= before + len(sent))
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
    expect(writing(page).get_by_role("alert")).to_have_text("Choose true or false.")


def test_parts_that_others_changed(page: Page, publish: Publish, mixer: BridgeProcess) -> None:
    """Of what is composed only the part that was changed is sent; others keep what somebody published meanwhile."""
    field = editor(page, f"{MIXER}/control")
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


def test_parts_of_parts(page: Page, publish: Publish, mixer: BridgeProcess) -> None:
    """The same from further above: a document deep inside is sent whole, with what others changed in it."""
    field = editor(page, MIXER)
    expect(field).to_have_value(re.compile('"agitator": 40'))
    shown = json.loads(field.input_value())
    assert shown.keys() == {"control"}  # the speed may not be written
    edit(field, control={**shown["control"], "recipe": {**DOCUMENT, "speed": 13}})
    publish(RECIPE, json.dumps({**DOCUMENT, "name": "Cola"}).encode())
    mixer.wait_for(lambda: value(mixer, RECIPE)["name"] == "Cola")
    expect(ask(page)).to_contain_text("control / recipe / speed")
    confirm(page)
    assert value(mixer, RECIPE) == {**DOCUMENT, "name": "Cola", "speed": 13}


def test_a_part_that_somebody_else_changed(page: Page, publish: Publish, mixer: BridgeProcess) -> None:
    """What is sent, and has changed since the editor was opened, is told with what it was; the rest is kept."""
    field = editor(page, f"{MIXER}/control")
    expect(field).to_have_value(re.compile('"recipe"'))
    edit(field, recipe={**DOCUMENT, "name": "Juice"})
    publish(RECIPE, json.dumps({**DOCUMENT, "name": "Cola", "speed": 14}).encode())
    mixer.wait_for(lambda: value(mixer, RECIPE)["name"] == "Cola")
    question = ask(page)
    expect(question).to_contain_text('"Cola" → "Juice"')
    meanwhile = question.get_by_label("What the plant has changed")
    expect(meanwhile).to_contain_text('"Lemonade" → "Cola" (is overwritten)')
    expect(meanwhile).to_contain_text("12.5 → 14 (stays)")
    confirm(page)
    assert value(mixer, RECIPE) == {**DOCUMENT, "name": "Juice", "speed": 14}


def test_a_document_that_others_changed(page: Page, publish: Publish, mixer: BridgeProcess) -> None:
    """Of one payload those keys that were not touched are as the plant has them, also those that it changes late."""
    field = editor(page, RECIPE)
    edit(field, speed=13)
    question = ask(page)
    expect(question).to_contain_text("12.5 → 13")
    expect(question).not_to_contain_text("Lemonade")
    publish(RECIPE, json.dumps({**DOCUMENT, "steps": {"mix": 45, "fill": True}}).encode())
    expect(question).to_contain_text("steps / mix")
    expect(question).to_contain_text("30 → 45 (stays)")
    expect(question.get_by_role("status")).to_contain_text("changed since this question came up")
    confirm(page)
    assert value(mixer, RECIPE) == {**DOCUMENT, "speed": 13, "steps": {"mix": 45, "fill": True}}
    edit(field, name="Juice")
    expect(ask(page)).not_to_contain_text("speed")
    confirm(page)
    assert value(mixer, RECIPE) == {"name": "Juice", "speed": 13, "steps": {"mix": 45, "fill": True}}


def test_now_is_now(page: Page, publish: Publish) -> None:
    """The question follows the plant, and says that it changed."""
    editor(page, LIMIT).fill("7")
    question = ask(page)
    expect(question.get_by_role("definition")).to_have_text(["5", "7"])
    expect(question.get_by_role("status")).to_be_empty()
    publish(LIMIT, b"6")
    expect(question.get_by_role("definition")).to_have_text(["6", "7", "5"])
    expect(question.get_by_role("status")).to_contain_text("changed since this question came up")


def test_one_of_several_kinds(page: Page, mixer: BridgeProcess) -> None:
    """Where the type allows a text and a number, what is typed is what it fits, or what is chosen."""
    field = editor(page, f"{SETTINGS}#/mode".replace("#", "%23"))
    expect(page.get_by_label("Read as")).to_be_visible()
    field.fill("auto")
    expect(ask(page)).to_contain_text("auto (text)")
    confirm(page)
    assert value(mixer, SETTINGS) == {"gain": 1, "mode": "auto"}
    field.fill("4")
    expect(ask(page)).to_contain_text("4 (text)")
    page.keyboard.press("Escape")
    page.get_by_label("Read as").select_option("a number")
    expect(ask(page)).to_contain_text("4 (number)")
    assert violations(page) == []
    confirm(page)
    assert value(mixer, SETTINGS) == {"gain": 1, "mode": 4}


def test_line_breaks(page: Page, mixer: BridgeProcess) -> None:
    """A text of several lines keeps them, and they are seen."""
    field = editor(page, NOTE)
    expect(field).to_have_value("first line\nsecond line")
    field.press("End")
    field.press_sequentially("!")
    question = ask(page)
    expect(question).to_contain_text("first line↵\nsecond line")
    confirm(page)
    assert value(mixer, NOTE) in {"first line!\nsecond line", "first line\nsecond line!"}


def test_pasted_line_breaks(page: Page, publish: Publish, mixer: BridgeProcess) -> None:
    """A field of one line takes no line breaks from a text that is pasted into it: it grows."""
    publish(NOTE, b'"short"')
    mixer.wait_for(lambda: value(mixer, NOTE) == "short")
    field = editor(page, NOTE)
    field.fill("")
    field.evaluate(PASTE, "one\ntwo")
    expect(field).to_have_value("one\ntwo")
    ask(page)
    confirm(page)
    assert value(mixer, NOTE) == "one\ntwo"


def test_commas(page: Page) -> None:
    """A comma that may part thousands is refused, a decimal one is taken."""
    field = editor(page, LIMIT)
    field.fill("1,234")
    expect(ask(page)).to_have_count(0)
    expect(writing(page).get_by_role("alert")).to_contain_text("write 1234 or 1.234")


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_the_question(page: Page, look: Look, publish: Publish) -> None:
    """All of it can be read on every screen, by everybody."""
    field = editor(page, RECIPE)
    edit(field, speed=13, note="a long remark about this recipe " * 4)
    publish(RECIPE, json.dumps({**DOCUMENT, "speed": 14}).encode())
    question = ask(page)
    expect(question).to_contain_text("12.5 → 14")
    screenshot(page, f"question-{look}")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Escape")
    editor(page, NOTE)
    ask(page)
    screenshot(page, f"question-text-{look}")
    assert violations(page) == []


def test_a_right_that_is_granted(
    open_page: Callable[..., Page], make_bridge: Callable[..., BridgeProcess], watch: Watch
) -> None:
    """Who may not write is told what lets them, to the letter; once they may, the open page offers it."""
    watch.allow("status of 401")  # before somebody signs in
    plant = make_bridge("guarded", writes={"enabled": True, "allow": ["works/#"]})
    secret = plant.command("token", "new", "scada", "--read", "#", "--write", "works/other/#")
    plant.start()
    plant.wait_for(plant.ready)
    page = open_page(to=plant)
    page.goto(f"/#/plant/{LIMIT}")
    page.get_by_label("Token or API key").fill(secret)
    page.get_by_role("button", name="Sign in").click()
    said = f'bridge token allow scada --write "works/other/#" --write "{LIMIT}"'
    expect(writing(page).get_by_text(said)).to_have_text(re.compile(f"{re.escape(said)}$"))
    plant.command(*shlex.split(said)[1:])
    expect(writing(page).get_by_role("button", name="Write a value")).to_be_visible(timeout=30_000)
