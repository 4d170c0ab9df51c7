"""A browser, a small plant behind a real broker and a real bridge, and pages that are watched.

The browser keeps an event loop running in this thread: its fixtures last for this package, so that tests after it have
none, and tests in here publish with `publish`, which needs none.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
sys.path[:0] = [path for path in (str(TESTS / "helpers"), str(TESTS)) if path not in sys.path]

import small_plant  # noqa: E402 - found through the line above
from bench.kit.feed import Publisher as Feed  # noqa: E402 - the same
from bench.kit.feed import topics  # noqa: E402 - the same
from bridge_process import BridgeProcess  # noqa: E402 - the same
from chromium import DESKTOP, PATIENCE_MS, Look, Watch, executable, launch, screenshot  # noqa: E402 - the same
from live_plant import live_bridge  # noqa: E402 - the same
from playwright.sync_api import Browser, Page, expect, sync_playwright  # noqa: E402 - beside what uses it
from press import say  # noqa: E402 - found through the line above
from recordings import SAVES_SELDOM, Publisher  # noqa: E402 - found through the line above

from bridge.uns import Message  # noqa: E402 - beside what uses it
from mosquitto import Mosquitto  # noqa: E402 - found through the line above

PACKAGE, MODULE = "package", "module"  # scopes
SETTLES_S = 30.0
MANY = 100_000  # data points of a large plant
TAKEN_S = 120.0  # for so many to be taken in, on a machine that does other things as well

expect.set_options(timeout=PATIENCE_MS)

Publish = Callable[..., None]


@pytest.fixture(scope=PACKAGE)
def browser() -> Iterator[Browser]:
    """Headless Chromium. `scripts/test` installs it; whoever runs pytest alone may not have it."""
    if executable() is None:
        pytest.skip("no chromium: scripts/test installs it")
    with sync_playwright() as playwright, contextlib.closing(launch(playwright)) as running:
        yield running


@pytest.fixture(scope=PACKAGE)
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A running broker for all tests in here."""
    broker = Mosquitto(tmp_path_factory.mktemp("mosquitto"), SAVES_SELDOM)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope=PACKAGE)
def bridge(mosquitto: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BridgeProcess]:
    """A bridge that has seen `small_plant`, settled, with writes allowed to setpoints; one for all tests in here."""
    directory = tmp_path_factory.mktemp("bridge")
    sections = {
        "model": {"discovery_window": 1.0},
        "state": {"directory": str(directory / "state")},
        "writes": {"enabled": True, "allow": ["acme/+/+/+/+/setpoints/#"]},
    }
    with BridgeProcess(directory, mosquitto.url, sections) as running:
        running.wait_for(running.ready)
        sent = list(small_plant.messages())
        with contextlib.closing(Publisher(mosquitto.port)) as publisher:
            publisher.publish(sent)
        running.wait_for(lambda: running.received == len(sent))
        running.wait_for(lambda: running.metrics()["bridge_model_settled"] == 1, SETTLES_S)
        yield running


@pytest.fixture(scope=MODULE)
def moving_bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BridgeProcess]:
    """A bridge before the demo's simulated plant, whose values move; one for a module."""
    with live_bridge(tmp_path_factory.mktemp("moving")) as running:
        yield running


@pytest.fixture(scope=MODULE)
def large_bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BridgeProcess]:
    """A bridge with 100,000 data points below `plant`: ten of each of ten machines of a thousand lines."""
    directory = tmp_path_factory.mktemp("large")
    sections = {"model": {"discovery_window": 3.0}, "history": {"backend": "memory"}, "state": {"directory": ""}}
    with contextlib.ExitStack() as stack:
        broker = Mosquitto(directory, SAVES_SELDOM)
        broker.start()
        stack.callback(broker.stop)
        running = stack.enter_context(BridgeProcess(directory / "bridge", broker.url, sections))
        running.wait_for(running.ready)
        feed = stack.enter_context(contextlib.closing(Feed(broker.port, "feed")))
        feed.feed(topics("plant", MANY), 0, MANY)
        running.wait_for(lambda: running.received == MANY, TAKEN_S)
        running.wait_for(lambda: running.metrics()["bridge_model_settled"] == 1, TAKEN_S)
        yield running


@pytest.fixture
def make_bridge(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Callable[..., BridgeProcess]]:
    """Make more bridges at the same broker, with sections of their own; not started, gone at the end."""
    with contextlib.ExitStack() as stack:

        def make(name: str = "other", **sections: Any) -> BridgeProcess:
            directory = tmp_path / name
            given = {"model": {"discovery_window": 1.0}, "state": {"directory": str(directory / "state")}}
            given |= {"mqtt": {"client_id": f"{name}-{directory.parent.name}"}}
            return stack.enter_context(
                contextlib.closing(BridgeProcess(directory, mosquitto.url, {**given, **sections}))
            )

        yield make


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker of this test alone, to be stopped."""
    made = Mosquitto(tmp_path / "broker")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def plant(broker: Mosquitto, tmp_path: Path) -> Iterator[BridgeProcess]:
    """A bridge of this test alone, with one press."""
    sections = {
        "model": {"discovery_window": 1.0, "broker_grace": 1.0},
        "state": {"directory": str(tmp_path / "state")},
    }
    with BridgeProcess(tmp_path / "plant", broker.url, sections) as running:
        running.wait_for(running.ready)
        say(broker, b"100")
        running.wait_for(lambda: running.received == 1)
        yield running


@pytest.fixture
def publish(mosquitto: Mosquitto) -> Iterator[Publish]:
    """`publish(topic, payload, retain=True)` and it is with the broker."""
    with contextlib.closing(Publisher(mosquitto.port)) as publisher:
        yield lambda topic, payload, retain=True: publisher.publish([Message(topic, payload, 1, retain)])


@pytest.fixture
def watch() -> Watch:
    """Who watches this test's pages; `watch.allow(pattern)` tells what is expected."""
    return Watch()


@pytest.fixture
def look() -> Look:
    """Screen and colours of `page`; `@pytest.mark.parametrize("look", LOOKS, ids=str)` for all of them."""
    return DESKTOP


@pytest.fixture
def open_page(browser: Browser, bridge: BridgeProcess, watch: Watch) -> Iterator[Callable[..., Page]]:
    """`open_page(look=…, to=bridge, **options)`: an empty page of a browser that remembers nothing, whose relative
    addresses are those of a bridge. `options` are playwright's for a context.
    """
    with contextlib.ExitStack() as stack:

        def opened(look: Look = DESKTOP, to: BridgeProcess = bridge, **options: Any) -> Page:
            origin = str(to.client.base_url)
            size = {"width": look.width, "height": look.height}
            context = browser.new_context(base_url=origin, viewport=size, color_scheme=look.scheme, **options)
            stack.enter_context(contextlib.closing(context))
            context.set_default_timeout(PATIENCE_MS)
            watch.follow(context, origin)
            return context.new_page()

        yield opened


@pytest.fixture
def page(open_page: Callable[..., Page], look: Look) -> Page:
    """An empty page: `page.goto("/")`. A test fails when its page logs an error, throws, breaks its policy or asks
    another host.
    """
    return open_page(look)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """After a test its pages are looked at; where it failed, what they did is told, and how they looked."""
    watch: Watch | None = getattr(item, "funcargs", {}).get("watch")
    try:
        done = yield
        if watch is not None:
            watch.check()
    except BaseException as error:
        if watch is not None:
            for number, page in enumerate(watch.pages):
                error.add_note(f"see {screenshot(page, f'failed-{item.name}-{number}', item.funcargs.get('tmp_path'))}")
            for problem in watch.problems:
                error.add_note(problem)
        raise
    return done
