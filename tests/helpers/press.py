"""One press behind a broker, and what a page shows of its speed."""

from contextlib import closing

from playwright.sync_api import Locator, Page
from recordings import Publisher

from bridge.uns import Message
from mosquitto import Mosquitto

SPEED = "acme/line1/press1/speed"
LOST_MS = 40_000  # the broker's grace time, and then a few seconds


def say(broker: Mosquitto, value: bytes) -> None:
    """The press publishes its speed, retained."""
    with closing(Publisher(broker.port)) as publisher:
        publisher.publish([Message(SPEED, value, 1, retain=True)])


def value(page: Page) -> Locator:
    """What the view of an element shows of its value."""
    return page.get_by_role("region", name="Current value")
