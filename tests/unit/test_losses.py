"""What could not be used or kept is told in the log, seldom, with counts."""

import logging

import pytest
from inprocess import SECOND, SPEED, InProcess

from bridge.losses import QUIET, Losses
from bridge.subscriptions import SubscriptionLimits
from bridge.uns import Message, Rejected


class Told:
    """Losses with a clock that is set, and the lines since the last look."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.now = 1_000.0
        self.losses = Losses(lambda: self.now)
        self._caplog = caplog
        caplog.set_level(logging.INFO, "bridge.daemon")

    def lines(self) -> list[str]:
        found = [record.getMessage() for record in self._caplog.records]
        self._caplog.clear()
        return found


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Told:
    return Told(caplog)


def test_rejections(told: Told, bridge: InProcess) -> None:
    """The first of a reason is told with its topic, and how many followed an interval later, without another one."""
    message, why = Message("a/b", b"{", received_ns=0), Rejected("malformed-json", "no end")
    for _ in range(5):
        told.losses.rejected(message, why)
    told.losses.rejected(message, Rejected("depth"))
    assert told.lines() == [
        "rejected (malformed-json): topic 'a/b': no end",
        "rejected (depth): topic 'a/b': depth",
    ]
    told.losses.look(bridge.engine, bridge.flow.ledger)
    assert told.lines() == []
    told.now += QUIET
    told.losses.look(bridge.engine, bridge.flow.ledger)
    told.losses.look(bridge.engine, bridge.flow.ledger)
    assert told.lines() == ["rejected (malformed-json): 4 more since the last line"]
    told.losses.rejected(message, why)
    assert told.lines() == []


def test_fields(told: Told, bridge: InProcess) -> None:
    """Fields beyond a limit are told by the setting, at most once an interval, with what came since."""
    refused = bridge.engine.space.refused
    told.losses.look(bridge.engine, bridge.flow.ledger)
    assert told.lines() == []
    refused["fields"], refused["new-elements"] = 3, 1
    told.losses.look(bridge.engine, bridge.flow.ledger)
    first, second = told.lines()
    assert first == "3 times a field was not made an element; limit: [limits] fields"
    assert second.endswith("[limits] new_per_minute")
    refused["fields"] = 10
    told.now += QUIET / 2
    told.losses.look(bridge.engine, bridge.flow.ledger)
    assert told.lines() == []
    told.now += QUIET / 2
    told.losses.look(bridge.engine, bridge.flow.ledger)
    told.losses.look(bridge.engine, bridge.flow.ledger)
    assert told.lines() == ["7 times a field was not made an element; limit: [limits] fields"]


def test_drift(told: Told, bridge: InProcess) -> None:
    """The type that drifted last is told with what changed and where, at most once an interval, with the rest."""
    drift = bridge.engine.space.registry.drift
    drift.note("urn:test#Pump", "widened by the attribute 'x'", "acme/pump1", 0)
    drift.note("urn:test#Vat", "shows the new attribute 'lid'", "acme/vat1", 0)
    told.losses.look(bridge.engine, bridge.flow.ledger)
    told.losses.look(bridge.engine, bridge.flow.ledger)
    assert told.lines() == [
        "type urn:test#Vat: shows the new attribute 'lid' (element acme/vat1)"
        "; 1 more changes of types since the last line; all of it: /drift"
    ]
    drift.note("urn:test#Vat", "widened by the attribute 'lid'", "acme/vat1", 0)
    told.losses.look(bridge.engine, bridge.flow.ledger)
    assert told.lines() == []
    told.now += QUIET
    told.losses.look(bridge.engine, bridge.flow.ledger)
    assert told.lines() == ["type urn:test#Vat: widened by the attribute 'lid' (element acme/vat1); all of it: /drift"]


def test_rejections_are_kept(told: Told) -> None:
    """The last of each topic is kept for whoever asks, also of those that are only counted."""
    told.losses.rejected(Message("a/set", b"1"), Rejected("command"))
    assert told.lines() == []
    kept = told.losses.rejections.of("a/set")
    assert kept is not None
    assert kept.why.reason == "command"


def test_crowded(told: Told, bridge: InProcess) -> None:
    """Members that a large collection has let go are told."""
    bridge.engine.space.removal.removed["crowded"] += 7
    told.losses.look(bridge.engine, bridge.flow.ledger)
    (line,) = told.lines()
    assert line.startswith("7 elements let go")


def test_skewed(told: Told, bridge: InProcess) -> None:
    """Readings from the future are told."""
    bridge.publish(SPEED, 1, bridge.now_ns + 3_600 * SECOND)
    told.losses.look(bridge.engine, bridge.flow.ledger)
    (line,) = told.lines()
    assert line.startswith("1 readings came from the future")


def test_dropped(told: Told) -> None:
    """Updates that a full queue dropped are told with their number."""
    bridge = InProcess(subscriptions=SubscriptionLimits(queue=10))
    bridge.publish(SPEED, 0)
    bridge.subscribe(SPEED)
    for value in range(1, 101):
        bridge.publish(SPEED, value)
    dropped = bridge.engine.subscriptions.dropped_total
    assert dropped > 0
    told.losses.look(bridge.engine, bridge.flow.ledger)
    (line,) = told.lines()
    assert line.startswith(f"{dropped} updates dropped")
