"""A page that stays open while the broker, the bridge or permissions go and come back."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bridge_process import BridgeProcess
from chromium import Watch
from playwright.sync_api import Page, expect
from press import LOST_MS, SPEED, say, value

from mosquitto import Mosquitto

pytestmark = pytest.mark.browser

UNAUTHORIZED = 401


def test_nothing_yet(open_page: Callable[..., Page], broker: Mosquitto, tmp_path: Path, watch: Watch) -> None:
    """A bridge that has heard nothing says so beside its own elements, and shows what comes."""
    watch.allow("ERR_INCOMPLETE")
    sections = {"model": {"discovery_window": 1.0}, "state": {"directory": str(tmp_path / "state")}}
    with BridgeProcess(tmp_path / "empty", broker.url, sections) as running:
        running.wait_for(running.ready)
        page = open_page(to=running)
        page.goto("/")
        expect(page.get_by_text("has been published yet")).to_be_visible()
        say(broker, b"100")
        expect(page.get_by_role("treeitem", name="acme")).to_be_visible()
        expect(page.get_by_text("has been published yet")).to_have_count(0)


def test_the_broker_goes_and_comes_back(
    open_page: Callable[..., Page], plant: BridgeProcess, broker: Mosquitto
) -> None:
    """Values stay, in doubt, and are good again with the next message; the page needs no reload."""
    page = open_page(to=plant)
    page.goto(f"/#/plant/{SPEED}")
    expect(value(page)).to_contain_text("100")
    say(broker, b"100.5")
    expect(value(page)).to_contain_text("100.5")
    expect(value(page)).to_contain_text("Good")
    broker.stop()
    expect(value(page)).to_contain_text("Uncertain", timeout=LOST_MS)
    expect(value(page)).to_contain_text("100.5")
    broker.start()
    plant.wait_for(plant.ready, 40)
    say(broker, b"101")
    expect(value(page)).to_contain_text("101")
    expect(value(page)).to_contain_text("Good")


def test_the_bridge_goes_and_comes_back(
    open_page: Callable[..., Page], plant: BridgeProcess, broker: Mosquitto, watch: Watch
) -> None:
    """The page says that it is not live, keeps what it had, and goes on by itself."""
    watch.allow("ERR_|Failed to load resource")
    page = open_page(to=plant)
    page.goto(f"/#/plant/{SPEED}")
    expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()
    plant.stop()
    expect(page.get_by_role("alert").filter(has_text="Not live")).to_be_visible()
    expect(value(page)).to_contain_text("100")
    plant.start()
    plant.wait_for(plant.ready)
    expect(page.get_by_role("status").filter(has_text="live")).to_be_visible(timeout=40_000)
    say(broker, b"102")
    expect(value(page)).to_contain_text("102")


def test_chosen_while_the_bridge_was_away(open_page: Callable[..., Page], plant: BridgeProcess, watch: Watch) -> None:
    """What could not be asked for is asked for again when the bridge is back."""
    watch.allow("ERR_|Failed to load resource")
    page = open_page(to=plant)
    page.goto(f"/#/plant/{SPEED}")
    expect(value(page)).to_contain_text("100")
    plant.stop()
    expect(page.get_by_role("alert").filter(has_text="Not live")).to_be_visible()
    page.get_by_role("treeitem", name="press1").click()
    expect(page).to_have_url(re.compile("press1$"))  # what is known of it already may be shown, the rest is not there
    expect(page.get_by_role("treeitem", name="speed")).to_be_visible()
    plant.start()
    plant.wait_for(plant.ready)
    expect(page.get_by_role("heading", name="press1")).to_be_visible(timeout=40_000)
    expect(value(page)).to_contain_text("100")
    expect(page.get_by_role("treeitem", name="speed")).to_be_visible()


@pytest.fixture
def guarded(plant: BridgeProcess) -> tuple[BridgeProcess, str]:
    """The same, started again where somebody can sign in, and their token."""
    secret = plant.command("token", "new", "scada", "--read", "acme/line1/#")
    plant.stop()
    plant.start()
    plant.wait_for(plant.ready)
    return plant, secret


def entered(page: Page, secret: str) -> Page:
    """The element's view, signed in with a token."""
    page.goto(f"/#/plant/{SPEED}")
    page.get_by_label("Token or API key").fill(secret)
    page.get_by_role("button", name="Sign in").click()
    return page


def test_signing_in(open_page: Callable[..., Page], guarded: tuple[BridgeProcess, str], watch: Watch) -> None:
    """Nothing is shown before; a wrong token is refused with a reason, a right one let in, also after a reload."""
    watch.allow("status of 401")
    plant, secret = guarded
    page = open_page(to=plant)
    page.goto(f"/#/plant/{SPEED}")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "press1" not in page.content()
    page.get_by_label("Token or API key").fill("i3x_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not known")
    page.get_by_label("Token or API key").fill("“i3x_wrong”")  # what no header can carry
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("no token")
    page.get_by_label("Token or API key").fill(secret)
    page.get_by_role("button", name="Sign in").click()
    expect(value(page)).to_contain_text("100")
    assert secret not in page.url
    page.reload()
    expect(value(page)).to_contain_text("100")
    page.get_by_role("button", name="curl").click()
    assert secret not in page.content()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_narrowed_while_open(open_page: Callable[..., Page], guarded: tuple[BridgeProcess, str], watch: Watch) -> None:
    """What somebody may not read any more goes from the screen."""
    watch.allow("status of 401")
    plant, secret = guarded
    page = entered(open_page(to=plant), secret)
    expect(value(page)).to_contain_text("100")
    plant.command("token", "allow", "scada", "--read", "acme/line2/#")
    expect(page.get_by_role("heading", name="No such element")).to_be_visible(timeout=40_000)
    expect(value(page)).to_have_count(0)


def test_signing_out_lets_go(open_page: Callable[..., Page], guarded: tuple[BridgeProcess, str], watch: Watch) -> None:
    """No subscription waits for who has left, and nothing is asked without their token."""
    watch.allow("status of 401")
    plant, secret = guarded
    page = entered(open_page(to=plant), secret)
    expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()
    refused: list[str] = []
    page.on("response", lambda response: refused.append(response.url) if response.status == UNAUTHORIZED else None)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    headers = {"Authorization": f"Bearer {plant.command('token', 'new', 'root', '--admin')}"}

    def told() -> dict[str, Any]:
        """What the status says of subscriptions; nothing until the new token is known."""
        answer: dict[str, Any] = plant.client.get("/status", headers=headers).json()
        return answer.get("subscriptions", {})

    plant.wait_for(lambda: told().get("total") == 0)
    assert not refused


def test_name_and_password(open_page: Callable[..., Page], guarded: tuple[BridgeProcess, str], watch: Watch) -> None:
    """The browser's own dialogue never shows."""
    watch.allow("status of 401")
    plant, secret = guarded
    page = open_page(to=plant)
    page.goto("/")
    page.get_by_role("button", name="Name and password").click()
    page.get_by_label("Name").fill("scada")
    page.get_by_label("Password", exact=True).fill("wrong password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    page.get_by_label("Password", exact=True).fill(secret)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("tree")).to_be_visible()


def test_revoked_while_open(open_page: Callable[..., Page], guarded: tuple[BridgeProcess, str], watch: Watch) -> None:
    """Who may no longer look is asked to sign in again."""
    watch.allow("status of 401|ERR_INCOMPLETE")
    plant, secret = guarded
    page = entered(open_page(to=plant), secret)
    expect(value(page)).to_contain_text("100")
    plant.command("token", "revoke", "scada")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("ended")
