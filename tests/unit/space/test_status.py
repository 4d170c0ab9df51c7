"""Which topics tell whether their source is there, and what they may say (inference.md H)."""

from typing import Any

import pytest

from bridge.space.status import status_of
from bridge.uns import GOOD, Reading
from bridge.uns.policy import PLAIN, Policy

DECLARED = Policy(use="status")


def verdicts(topic: str, *values: Any, policy: Policy = PLAIN, unit: str | None = None) -> list[str] | None:
    """What each value in turn says; None where the topic is no candidate."""
    status = status_of(topic, policy)
    if status is None:
        return None
    return [status.hear(Reading(topic, value, GOOD, type(value), unit=unit)) for value in values]


@pytest.mark.parametrize(
    ("topic", "policy", "candidate"),
    [
        pytest.param("tele/plug/LWT", PLAIN, True, id="Tasmota"),
        pytest.param("zigbee2mqtt/lamp/availability", PLAIN, True, id="zigbee2mqtt"),
        pytest.param("shellies/plug/online", PLAIN, True, id="Shelly"),
        pytest.param("uagv/v2/KIT/0001/connection", PLAIN, True, id="VDA 5050"),
        pytest.param("homie/car/$state", PLAIN, True, id="Homie"),
        pytest.param("plant/line/Status", PLAIN, True, id="status, any case"),
        pytest.param("zigbee2mqtt/bridge/state", PLAIN, True, id="state"),
        pytest.param("plant/line/mode", PLAIN, False, id="another name"),
        pytest.param("plant/status/mode", PLAIN, False, id="not the last level"),
        pytest.param("spBv1.0/g/n/d/online", PLAIN, False, id="Sparkplug has deaths of its own"),
        pytest.param("plant/line/mode", DECLARED, True, id="declared"),
        pytest.param("plant/line/status", Policy(use="value"), False, id="declared to be a value"),
        pytest.param("plant/line/status", Policy(use="metadata"), False, id="declared to be metadata"),
    ],
)
def test_candidates(topic: str, policy: Policy, *, candidate: bool) -> None:
    """The last level's name makes a candidate, unless a rule says what the topic is."""
    assert (status_of(topic, policy) is not None) is candidate


@pytest.mark.parametrize(
    ("topic", "values", "expected"),
    [
        pytest.param("a/LWT", ["Online", "Offline"], ["online", "offline"], id="words in any case"),
        pytest.param("a/status", [" ONLINE ", "alive", "dead"], ["online", "online", "offline"], id="blanks around"),
        pytest.param("a/status", ["RUNNING"], ["foreign"], id="a machine's status"),
        pytest.param("a/status", [True], ["foreign"], id="no booleans as status"),
        pytest.param("a/status", [0], ["foreign"], id="no numbers as status"),
        pytest.param(
            "a/$state",
            ["init", "ready", "alert", "sleeping", "lost", "disconnected"],
            [*["online"] * 4, *["offline"] * 2],
            id="Homie",
        ),
        pytest.param("a/online", [True, False, "true", "false"], ["online", "offline"] * 2, id="booleans"),
        pytest.param("a/LWT", [1, 0], ["online", "offline"], id="one and nought"),
        pytest.param("a/availability", [0, 0.5], ["unsaid", "foreign"], id="OEE that begins with 0"),
        pytest.param("a/availability", [96.7], ["foreign"], id="OEE in percent"),
        pytest.param("a/availability", [0.0], ["foreign"], id="a fraction is no flag"),
        pytest.param("a/connection", [2], ["foreign"], id="another number"),
        pytest.param("a/availability", [{"state": "offline"}], ["offline"], id="document"),
        pytest.param(
            "a/connection",
            [{"headerId": 1, "connectionState": "CONNECTIONBROKEN"}, {"headerId": 2, "connectionState": "ONLINE"}],
            ["offline", "online"],
            id="VDA 5050",
        ),
        pytest.param("a/LWT", [{"connected": False, "rssi": -60}], ["offline"], id="boolean in a document"),
        pytest.param("a/status", [{"state": "offline", "status": "online"}], ["foreign"], id="two keys"),
        pytest.param("a/status", [{"level": 4}], ["foreign"], id="no key"),
        pytest.param("a/status", [["offline"]], ["foreign"], id="array"),
        pytest.param("a/state", ["online", "offline"], ["online", "offline"], id="state, exactly"),
        pytest.param("a/state", ["Offline"], ["foreign"], id="a machine's state"),
        pytest.param("a/state", ["lost"], ["foreign"], id="state knows two words only"),
        pytest.param("a/state", [{"state": "offline"}], ["offline"], id="zigbee2mqtt's bridge"),
        pytest.param("a/state", [{"state": "offline", "speed": 0}], ["foreign"], id="a machine's document"),
        pytest.param("a/LWT", [None], ["unsaid"], id="null says nothing"),
    ],
)
def test_verdicts(topic: str, values: list[Any], expected: list[str]) -> None:
    """Values of the vocabulary are online or offline; anything else shows that the topic is data."""
    assert verdicts(topic, *values) == expected


def test_unit() -> None:
    """What has an engineering unit is a measurement."""
    assert verdicts("a/availability", 1, unit="%") == ["foreign"]


def test_declared_is_never_foreign() -> None:
    """Where a rule says so, unknown words say nothing, and every form of the vocabulary counts."""
    said = verdicts("a/mode", "whatever", 0, False, "Lost", {"state": "offline"}, policy=DECLARED)
    assert said == ["unsaid", "offline", "offline", "offline", "offline"]
