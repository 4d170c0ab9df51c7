"""Signing in at an identity provider: there and back, what may go wrong on the way, and how long it lasts."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bridge_process import BridgeProcess
from chromium import LOOKS, Look, Watch, screenshot, violations
from login_provider import AUTHORIZE, CLIENT, LEAVE, TOKEN, LoginProvider
from playwright.sync_api import Locator, Page, expect
from press import SPEED, say, value

from mosquitto import HOST, Mosquitto

pytestmark = pytest.mark.browser

AUDIENCE = "i3x-bridge"
SHORT_S = 4.0  # a token's life
ENDS_MS = 40_000  # until somebody is told that it has ended
STATUSES = "window.seen = []; new MutationObserver(() => window.seen.push(document.querySelector('[data-connection]')"
STATUSES += "?.dataset.connection)).observe(document.body, {subtree: true, childList: true, attributes: true})"

Start = Callable[..., BridgeProcess]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A broker with one press, for this module."""
    made = Mosquitto(tmp_path_factory.mktemp("broker"))
    made.start()
    say(made, b"100")
    yield made
    made.stop()


@pytest.fixture
def provider() -> Iterator[LoginProvider]:
    """Its tokens are for the bridge."""
    made = LoginProvider(AUDIENCE)
    yield made
    made.stop()


@pytest.fixture
def start(broker: Mosquitto, provider: LoginProvider, tmp_path: Path, watch: Watch) -> Iterator[Start]:
    """Start the bridge; its page is known to the provider, which is the only other host that it asks."""
    running: list[BridgeProcess] = []

    def started(sees: str = "acme/#", **more: Any) -> BridgeProcess:
        sections = {
            "model": {"discovery_window": 1.0},
            "state": {"directory": str(tmp_path / "state")},
            "auth": {"public": ["docs", "metrics"]},
            "oidc": {"issuer": provider.issuer, "audience": [AUDIENCE], "client_id": CLIENT, "name": "Contoso", **more},
        }
        grants = {"grant": [{"claim": "sub", "value": "alice", "read": [sees]}] if sees else []}
        made = BridgeProcess(tmp_path / "bridge", broker.url, sections, grants)
        running.append(made)
        made.start()
        made.wait_for(lambda: made.received > 0)
        provider.redirects.add(address(made))
        return made

    watch.allow("status of 401")
    watch.allow(f"^request to another host: {re.escape(provider.issuer)}({AUTHORIZE}\\?|{TOKEN}$)")
    yield started
    for made in running:
        made.close()


def address(bridge: BridgeProcess) -> str:
    """The page's own, without what follows: its redirect URI."""
    return f"http://{HOST}:{bridge.port}/"


def button(page: Page) -> Locator:
    return page.get_by_role("button", name="Sign in with Contoso")


def sign_in(page: Page) -> None:
    """Look at the press, be sent to the provider, and see the press."""
    page.goto(f"/#/plant/{SPEED}")
    button(page).click()
    expect(value(page)).to_contain_text("100")


def came_back(page: Page, told: str) -> None:
    """Back, not signed in, and told why; nothing of the answer is left in the address."""
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text(told)
    assert "?" not in page.url


def test_signing_in(open_page: Callable[..., Page], start: Start, provider: LoginProvider) -> None:
    """There and back to what was asked for; nothing of it stays in the address or history, a reload needs nothing."""
    plant = start()
    page = open_page(to=plant)
    page.goto(f"/#/plant/{SPEED}")
    before = page.url
    button(page).click()
    expect(value(page)).to_contain_text("100")
    assert page.url == before
    expect(page.get_by_text("oidc:alice")).to_be_visible()
    (asked,) = provider.asked_for
    assert {"scope": "openid", "code_challenge_method": "S256"}.items() <= asked.items()
    page.reload()
    expect(value(page)).to_contain_text("100")
    assert provider.asked[TOKEN] == 1
    page.go_back()
    assert "code=" not in page.url


def test_signing_out(open_page: Callable[..., Page], start: Start, provider: LoginProvider, watch: Watch) -> None:
    """Nothing is left in the tab; the provider can be left, too."""
    page = open_page(to=start())
    sign_in(page)
    page.get_by_role("button", name="Sign out").click()
    expect(button(page)).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0
    link = page.get_by_role("link", name="Sign out of Contoso, too")
    assert link.get_attribute("href") == f"{provider.issuer}{LEAVE}?client_id={CLIENT}"
    page.reload()
    expect(button(page)).to_be_visible()
    expect(link).to_have_count(0)
    assert not watch.unexpected


def test_refused(open_page: Callable[..., Page], start: Start, provider: LoginProvider) -> None:
    """What the provider says is told; the second attempt may be the good one."""
    page = open_page(to=start())
    page.goto(f"/#/plant/{SPEED}")
    provider.refusal = ("access_denied", "Ask <b>Bob</b> first.")
    button(page).click()
    came_back(page, "Contoso refuses: Ask <b>Bob</b> first. (access_denied)")
    assert page.url.endswith(f"#/plant/{SPEED}")
    provider.refusal = None
    button(page).click()
    expect(value(page)).to_contain_text("100")


TAMPERED = [
    pytest.param({"state": "other"}, "does not fit what this tab has asked for", id="state"),
    pytest.param({"iss": "https://evil.example"}, 'unexpected "iss"', id="issuer"),
    pytest.param({"code": "other"}, "Contoso refuses: invalid_grant", id="code"),
]


@pytest.mark.parametrize(("more", "told"), TAMPERED)
def test_tampered(
    open_page: Callable[..., Page],
    start: Start,
    provider: LoginProvider,
    watch: Watch,
    more: dict[str, str],
    told: str,
) -> None:
    """Nobody is signed in with an answer that does not fit; what does not fit is not even redeemed."""
    watch.allow("status of 400")
    page = open_page(to=start())
    page.goto("/")
    provider.changed = lambda back: back | more
    button(page).click()
    came_back(page, told)
    assert provider.asked[TOKEN] == ("code" in more)


def test_answers_that_nobody_asked_for(open_page: Callable[..., Page], start: Start, provider: LoginProvider) -> None:
    """Neither words nor a sign-in can be put into the page by a link."""
    plant = start()
    page = open_page(to=plant)
    page.goto("/?error=x&error_description=Call+0900+now&state=y")
    came_back(page, "this tab has not asked for")
    assert "0900" not in page.content()
    button(page).click()
    expect(page.get_by_text("oidc:alice")).to_be_visible()
    page.goto("/?code=other&state=y")
    expect(page.get_by_text("oidc:alice")).to_be_visible()
    assert page.url.partition("#")[0] == address(plant)
    assert provider.asked[TOKEN] == 1


def test_nonce(open_page: Callable[..., Page], start: Start, provider: LoginProvider) -> None:
    """An ID token of another attempt is none."""
    page = open_page(to=start())
    page.goto("/")
    provider.nonce = lambda nonce: nonce[::-1]
    button(page).click()
    came_back(page, 'unexpected ID Token "nonce"')


def test_address_not_known(open_page: Callable[..., Page], start: Start, provider: LoginProvider, watch: Watch) -> None:
    """Who comes back from the provider's own error page reads what has to be registered."""
    watch.allow("status of 400|Failed to load resource")
    plant = start()
    provider.redirects.clear()
    page = open_page(to=plant)
    page.goto("/")
    button(page).click()
    expect(page.get_by_role("heading")).to_contain_text("Invalid parameter")
    page.go_back()
    came_back(page, f"the redirect URI {address(plant)} must be registered there")


def test_token_not_taken(open_page: Callable[..., Page], start: Start, provider: LoginProvider) -> None:
    """A token for another audience: whoever runs the bridge reads which, and where to look."""
    plant = start()
    page = open_page(to=plant)
    page.goto("/")
    provider.audience = "account"
    button(page).click()
    came_back(page, "Contoso knows you, but the bridge does not take its token")
    expect(page.get_by_role("alert")).to_contain_text(f'audience "account", from the issuer "{provider.issuer}"')
    assert page.evaluate("sessionStorage.length") == 0
    assert "token refused: for none of [oidc] audience" in plant.log


def test_no_grant(open_page: Callable[..., Page], start: Start) -> None:
    """Who is known and may see nothing is told why."""
    page = open_page(to=start(sees=""))
    page.goto("/")
    button(page).click()
    expect(page.get_by_role("alert")).to_contain_text("no [[grant]] of the bridge fits")


def test_provider_away(open_page: Callable[..., Page], start: Start, provider: LoginProvider) -> None:
    """The bridge starts, the page works, and the button tells what is wrong, until it is not."""
    provider.stop()
    plant = start()
    page = open_page(to=plant)
    page.goto("/")
    button(page).click()
    came_back(page, "The bridge cannot reach Contoso")
    expect(page.get_by_label("Token or API key")).to_be_visible()
    provider.start(provider.port)
    plant.client.timeout = 10.0
    plant.wait_for(lambda: plant.client.get("/login").json()["provider"].get("metadata"))
    button(page).click()
    expect(page.get_by_text("oidc:alice")).to_be_visible()


def test_page_not_allowed_to_ask(
    open_page: Callable[..., Page], start: Start, provider: LoginProvider, watch: Watch
) -> None:
    """A provider that does not know the page as one of a browser (CORS)."""
    watch.allow("CORS policy|ERR_FAILED")
    page = open_page(to=start())
    page.goto("/")
    provider.allows = ""
    button(page).click()
    came_back(page, f"This browser gets no answer from {provider.issuer}")


def test_renewed(open_page: Callable[..., Page], start: Start, provider: LoginProvider, broker: Mosquitto) -> None:
    """A token is replaced before it ends, and the stream goes on without a break."""
    provider.life = SHORT_S
    plant = start(leeway=0.0)
    page = open_page(to=plant)
    streams: list[str] = []
    page.on("request", lambda request: streams.append(request.url) if request.url.endswith("/stream") else None)
    page.goto(f"/#/plant/{SPEED}")
    button(page).click()
    expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()
    page.evaluate(STATUSES)
    plant.wait_for(lambda: page.evaluate("1") and provider.asked[TOKEN] >= 4, 30.0)
    say(broker, b"101")
    expect(value(page)).to_contain_text("101")
    assert [told["grant_type"] for told in provider.requests[:4]] == ["authorization_code", *["refresh_token"] * 3]
    assert set(page.evaluate("window.seen")) == {"live"}
    assert len(streams) >= 4
    page.reload()
    expect(value(page)).to_contain_text("101")
    asked = provider.asked[TOKEN]
    plant.wait_for(lambda: page.evaluate("1") and provider.asked[TOKEN] > asked)
    say(broker, b"100")


def test_ended(open_page: Callable[..., Page], start: Start, provider: LoginProvider, watch: Watch) -> None:
    """Without a refresh token, access ends with the token."""
    watch.allow("ERR_INCOMPLETE")
    provider.life, provider.refreshes = SHORT_S, False
    page = open_page(to=start(leeway=0.0))
    sign_in(page)
    expect(page.get_by_role("alert")).to_contain_text("Your access has ended", timeout=ENDS_MS)
    expect(button(page)).to_be_visible()


def test_renewal_refused(open_page: Callable[..., Page], start: Start, provider: LoginProvider, watch: Watch) -> None:
    """Whom the provider does not know any more is out when their token ends."""
    watch.allow("ERR_INCOMPLETE|status of 400")
    provider.life = SHORT_S
    page = open_page(to=start(leeway=0.0))
    sign_in(page)
    provider.token_refusal = ("invalid_grant", "Session not active")
    expect(page.get_by_role("alert")).to_contain_text("Your access has ended", timeout=ENDS_MS)


def test_slept(open_page: Callable[..., Page], start: Start, provider: LoginProvider, watch: Watch) -> None:
    """A machine that slept while its token ended gets a new one with the first refusal."""
    watch.allow("ERR_INCOMPLETE")
    provider.life = SHORT_S
    plant = start(leeway=0.0)
    page = open_page(to=plant)
    sign_in(page)
    page.evaluate("for (let id = setTimeout(() => {}); id; id -= 1) clearTimeout(id)")
    page.wait_for_timeout(SHORT_S * 1_000 + 500)
    page.get_by_role("link", name="Types").click()
    page.get_by_role("link", name="Plant", exact=True).click()
    page.evaluate("import('./web/lib/api.js').then(({ get }) => get('v1/objects'))")
    assert provider.requests[-1]["grant_type"] == "refresh_token"
    expect(page.get_by_text("oidc:alice")).to_be_visible()


def test_provider_away_when_the_token_ends(
    open_page: Callable[..., Page], start: Start, provider: LoginProvider, watch: Watch
) -> None:
    """Nobody is signed out because the provider does not answer just then: it is asked until it does."""
    watch.allow("ERR_INCOMPLETE|ERR_CONNECTION_REFUSED|Failed to load resource")
    provider.life = SHORT_S
    page = open_page(to=start(leeway=0.0))
    sign_in(page)
    provider.stop()
    away = page.get_by_role("alert").filter(has_text="Contoso does not answer")
    expect(away).to_be_visible(timeout=ENDS_MS)
    refusals: list[str] = []
    page.on("response", lambda answer: refusals.append(answer.url) if answer.status == 401 else None)
    page.wait_for_timeout(5_000)
    assert len(refusals) <= 1  # what has ended is not tried again and again: the bridge would take it for guessing
    provider.start(provider.port)
    expect(page.get_by_role("status").filter(has_text="live")).to_be_visible(timeout=ENDS_MS)
    expect(value(page)).to_contain_text("100")
    provider.stop()
    expect(away).to_be_visible(timeout=ENDS_MS)
    page.reload()
    expect(away).to_be_visible()
    expect(page.get_by_label("Token or API key")).to_be_visible()
    provider.start(provider.port)


def test_another_name(open_page: Callable[..., Page], start: Start, provider: LoginProvider, watch: Watch) -> None:
    """Who is somebody else with the new token, or may do something else, is told so."""
    watch.allow("status of 404|ERR_INCOMPLETE")  # subscriptions belong to a name
    provider.life = SHORT_S
    page = open_page(to=start(leeway=0.0, name_claim="name"))
    provider.claimed = {"name": "Alice"}
    page.goto(f"/#/plant/{SPEED}")
    button(page).click()
    expect(page.get_by_text("oidc:Alice")).to_be_visible()
    provider.claimed = {"name": "Alice Smith"}
    expect(page.get_by_text("oidc:Alice Smith")).to_be_visible(timeout=ENDS_MS)
    expect(value(page)).to_contain_text("100")
    expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_looks(page: Page, open_page: Callable[..., Page], start: Start, look: Look, tmp_path: Path) -> None:
    """The page is as accessible with the button as without."""
    page.close()
    page = open_page(look, to=start())
    page.goto("/")
    expect(button(page)).to_be_visible()
    screenshot(page, f"sign-in-{look}")
    assert violations(page) == []


def test_insecure(open_page: Callable[..., Page], start: Start) -> None:
    """Where the browser has no cryptography, that is said instead."""
    page = open_page(to=start())
    page.add_init_script("Object.defineProperty(Crypto.prototype, 'subtle', { get: () => undefined })")
    page.goto("/")
    expect(page.get_by_text("Signing in with Contoso needs https.")).to_be_visible()
    expect(button(page)).to_have_count(0)
