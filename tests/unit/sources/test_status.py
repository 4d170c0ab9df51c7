"""What the log tells about a connection that comes and goes."""

import logging

import pytest

from bridge.sources.mqtt_status import REMIND_S, Status

LOST = "closed the connection"
VERSION = "MQTT 5"


class Clock:
    """Monotonic seconds that stand still until they are moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def time_ns(self) -> int:
        return int(self.now * 1e9)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of `Status`."""
    found = Clock()
    monkeypatch.setattr("bridge.sources.mqtt_status.time", found)
    return found


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What is logged."""
    caplog.set_level(logging.INFO, "bridge.mqtt")
    return caplog


def test_outage(clock: Clock, log: pytest.LogCaptureFixture) -> None:
    """Each change of an outage is told: the loss, another reason, the return."""
    status = Status("b:1")
    status.connected(VERSION, resumed=False)
    status.down(LOST)
    for _ in range(3):
        clock.now += 5.0
        status.down("refuses connections")
    status.connected(VERSION, resumed=True)
    assert log.messages == [
        "connected to broker b:1 (MQTT 5, new session)",
        "broker b:1 closed the connection",
        "broker b:1 refuses connections",
        "connected to broker b:1 after 15 s (MQTT 5, session resumed)",
    ]


def test_long_outage(clock: Clock, log: pytest.LogCaptureFixture) -> None:
    """A broker that stays away is told of once a minute."""
    status = Status("b:1")
    for _ in range(11):
        status.down("refuses connections")
        clock.now += REMIND_S / 5
    first, second, third = log.messages
    assert first == "broker b:1 refuses connections"
    assert second == "broker b:1 refuses connections (away for 60 s); 4 more like it since the last line"
    assert "away for 120 s" in third


def test_flaps(clock: Clock, log: pytest.LogCaptureFixture) -> None:
    """A connection that comes and goes is a pair of lines a minute, and the last line is true."""
    status = Status("b:1")
    status.connected(VERSION, resumed=False)
    for _ in range(100):
        status.down(LOST)
        clock.now += 1.0
        status.connected(VERSION, resumed=True)
        clock.now += 1.0
    told = [record.levelname for record in log.records]
    assert told == ["INFO", *("WARNING", "INFO") * 4]  # at 0, 60, 120 and 180 s
    assert "29 more like it" in log.messages[3]


def test_forgetful_broker(clock: Clock, log: pytest.LogCaptureFixture) -> None:
    """Lost sessions are all counted, and told once a minute."""
    status = Status("b:1")
    status.connected(VERSION, resumed=False)
    for _ in range(10):
        status.down(LOST)
        clock.now += 1.0
        status.connected(VERSION, resumed=False)
    assert status.sessions_lost == 10
    assert sum("forgotten our session" in line for line in log.messages) == 1


def test_rival(clock: Clock, log: pytest.LogCaptureFixture) -> None:
    """Another client with our client id is told of once while it lasts, and again when it comes back."""
    status = Status("b:1")
    for problem in (None, "perhaps 3 x", "perhaps 4 x", None, "perhaps 3 x"):
        status.rival(problem)
    assert log.messages == ["broker b:1: perhaps 3 x"] * 2


def test_version(clock: Clock) -> None:
    """The version of the protocol is known after the first connect, and of the last one while there is none."""
    status = Status("broker:1883")
    assert status.health(undecodable=0, rival=None).protocol == ""
    status.connected(VERSION, resumed=False)
    status.down(LOST)
    assert status.health(undecodable=0, rival=None).protocol == VERSION
