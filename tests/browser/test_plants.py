"""The plants behind the pages of these tests are what their descriptions say."""

from collections.abc import Callable

import pytest
import small_plant
from bridge_process import BridgeProcess

pytestmark = pytest.mark.browser


def read(bridge: BridgeProcess, element: str) -> dict:
    answer = bridge.client.post("/v1/objects/value", json={"elementIds": [element], "maxDepth": 0})
    return answer.json()["results"][0]["result"]


VALUES = [
    pytest.param(small_plant.TEMPERATURE, 65.9, "Good", id="own time, unit and quality"),
    pytest.param(small_plant.BAD, None, "Bad", id="bad"),
    pytest.param(small_plant.STATE, "Running", "Good", id="text"),
    pytest.param(small_plant.COUNT, small_plant.EXACT, "Good", id="a large integer"),
    pytest.param(small_plant.ALARM, False, "Good", id="yes or no"),
    pytest.param(small_plant.SAMPLES, [1.5, 2.5, 3.5], "Good", id="a list"),
    pytest.param(small_plant.RECIPE, small_plant.RECIPE_VALUE, "Good", id="a document"),
    pytest.param(small_plant.HOSTILE_NOTE, small_plant.HOSTILE, "Good", id="hostile"),
]


@pytest.mark.parametrize(("element", "value", "quality"), VALUES)
def test_small_plant(bridge: BridgeProcess, element: str, value: object, quality: str) -> None:
    """Every kind of value is there, to the letter."""
    found = read(bridge, element)
    assert (found["value"], found["quality"]) == (value, quality)


def test_history(bridge: BridgeProcess) -> None:
    """The first vat's temperature has a minute of history."""
    asked = {
        "elementIds": [small_plant.TEMPERATURE],
        "startTime": "2026-01-05T07:59:01Z",
        "endTime": "2026-01-05T08:00:00Z",
    }
    (found,) = bridge.client.post("/v1/objects/history", json=asked).json()["results"]
    values = [one["value"] for one in found["result"]["values"]]
    assert values == [round(60 + number / 10, 1) for number in range(small_plant.READINGS)]


def test_publish(bridge: BridgeProcess, publish: Callable[..., None]) -> None:
    """What a test publishes is there at once."""
    publish("acme/site1/lab/bench/reading", b"17")
    bridge.wait_for(lambda: read(bridge, "acme/site1/lab/bench/reading")["value"] == 17)


def test_more_bridges(make_bridge: Callable[..., BridgeProcess]) -> None:
    """A test can have a bridge with settings of its own, before the same plant."""
    other = make_bridge(model={"levels": ["Enterprise", "Site"]})
    other.start()
    other.wait_for(lambda: other.client.get("/v1/objects").json()["result"])


def test_moving_plant(moving_bridge: BridgeProcess) -> None:
    """The simulated plant's values move."""
    before = moving_bridge.received
    moving_bridge.wait_for(lambda: moving_bridge.received > before)
