"""What the pages of these tests are watched for."""

from collections.abc import Callable

import pytest
from chromium import DESKTOP_DARK, TABLET, Look, Watch, violations
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

MISDEEDS = [
    pytest.param("console.error('lost the plot')", "console: lost the plot", id="an error on the console"),
    pytest.param("console.assert(false, 'not so')", "console: not so", id="a failed assertion"),
    pytest.param("setTimeout(() => { throw new Error('thrown') })", "uncaught: Error: thrown", id="an exception"),
    pytest.param("void Promise.reject(new Error('refused'))", "uncaught: Error: refused", id="a rejected promise"),
    pytest.param("void fetch('/v1/nothing')", "status of 404", id="an answer that is an error"),
    pytest.param(
        "location.href = 'http://other.example/'", "request to another host: http://other.example/", id="a way out"
    ),
    pytest.param(
        "void fetch('http://other.example/').catch(() => 0)", "Content Security Policy", id="a forbidden request"
    ),
    pytest.param(
        "document.body.innerHTML = '<img src=x onerror=alert(1)>'", "Content Security Policy", id="a script in a page"
    ),
]


@pytest.mark.parametrize(("script", "told"), MISDEEDS)
def test_misdeeds_are_seen(page: Page, watch: Watch, script: str, told: str) -> None:
    """Whatever no page should do is told in words that say what it was; who expects it says so."""
    page.goto("/docs")
    page.evaluate(script)
    page.wait_for_timeout(300)
    assert [one for one in watch.unexpected if told in one]
    watch.allow("")
    watch.check()


def test_check_fails(page: Page, watch: Watch) -> None:
    """A test fails of what its page did, unless that was expected."""
    page.goto("/docs")
    page.evaluate("console.error('lost the plot')")
    with pytest.raises(AssertionError, match="lost the plot"):
        watch.check()
    watch.allow("lost the p.ot")


def test_warnings_pass(page: Page) -> None:
    """What is no error is not counted as one: warnings, pictures and documents made in the page."""
    page.goto("/docs")
    page.evaluate("console.warn('careful')")
    page.evaluate(
        "document.body.append(Object.assign(new Image(), {src: 'data:image/gif;base64,R0lGODlhAQABAAAAACw='}))"
    )


@pytest.mark.parametrize("look", [TABLET, DESKTOP_DARK], ids=str)
def test_looks(page: Page, look: Look) -> None:
    """A page has the size and the colours that a test asks for."""
    page.goto("/docs")
    assert page.evaluate("[innerWidth, innerHeight]") == [look.width, look.height]
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") == (look.scheme == "dark")


def test_contexts_are_apart(open_page: Callable[..., Page]) -> None:
    """Pages that are opened separately share nothing."""
    first, second = open_page(), open_page(TABLET)
    for page in (first, second):
        page.goto("/docs")
    first.evaluate("localStorage.setItem('a', 'b')")
    assert second.evaluate("localStorage.getItem('a')") is None


def test_violations(browser: Browser) -> None:
    """Findings tell rule, help and place; a part of a page can be looked at alone."""
    page = browser.new_page()
    page.set_content("<html lang=en><title>x</title><main><h1>x</h1><img src=x id=bad></main><p id=fine>fine</p>")
    assert violations(page) == ["image-alt (critical): Images must have alternative text: #bad"]
    assert violations(page, within="#fine") == []
    page.close()
