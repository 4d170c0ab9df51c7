"""Rebirth requests are sent while there is a connection, told in the log, and stop where they end connections."""

import logging
from collections.abc import Callable

import pytest

from bridge.config import MqttSettings
from bridge.sources.base import Health
from bridge.sources.mqtt import MqttSource
from bridge.sources.rebirth import NAME_CHARACTERS, PAUSE, QUIET, SUSPECT, RebirthRequests
from bridge.uns import Message
from bridge.uns.sparkplug_rebirths import FIRST_WAIT, LONGEST_WAIT, Rebirths, request

START = 1_000.0
NOW_NS = 1_768_478_400_000_000_000
EDGE, OTHER = ("Plant", "Edge 1"), ("Plant", "Edge 2")


class Broker:
    """A source of which only publishing and the health are asked."""

    def __init__(self) -> None:
        self.connected = True
        self.reconnects = 0
        self.takes = True
        self.published: list[Message] = []

    def health(self) -> Health:
        return Health(connected=self.connected, since_ns=0, reconnects=self.reconnects)

    def publish(self, message: Message) -> bool:
        if self.takes:
            self.published.append(message)
        return self.takes


class Desk:
    """Requests with a broker and a clock at hand."""

    def __init__(self) -> None:
        self.broker = Broker()
        self.rebirths = Rebirths()
        self.now = START
        self._requests = RebirthRequests(self.rebirths, self.broker)  # type: ignore[arg-type]  # see Broker

    def want(self, *edges: tuple[str, str], after: float = 0.0) -> int:
        """Data of these nodes are unexplained; how many requests this makes."""
        self.now += after
        before = len(self.broker.published)
        for edge in edges:
            self.rebirths.want(edge)
        self._requests.look(self.now, NOW_NS)
        return len(self.broker.published) - before


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What has been logged since the last call."""
    caplog.set_level(logging.INFO, "bridge.mqtt")

    def told() -> list[str]:
        lines = caplog.messages
        caplog.clear()
        return lines

    return told


def test_asks() -> None:
    """Each wanted node gets one request."""
    desk = Desk()
    assert desk.want() == 0
    assert desk.want(EDGE, OTHER) == 2
    assert desk.broker.published == [request(edge, NOW_NS) for edge in (EDGE, OTHER)]
    assert desk.want(EDGE, after=1) == 0


def test_waits_for_the_connection() -> None:
    """Without a connection nobody is asked; the node stays wanted until there is one."""
    desk = Desk()
    desk.broker.connected = False
    assert desk.want(EDGE) == 0
    assert desk.rebirths.requested == 0
    desk.broker.connected = True
    assert desk.want(after=1) == 1


def test_connection_that_ends_just_now(log: Callable[[], list[str]]) -> None:
    """A request that could not be sent is no reason to pause, and is made again with later data."""
    desk = Desk()
    desk.broker.takes = False
    assert desk.want(EDGE) == 0
    desk.broker.takes, desk.broker.reconnects = True, 1
    assert log() == []
    assert desk.want(EDGE, after=FIRST_WAIT) == 1


@pytest.mark.parametrize("back", [pytest.param(True, id="back at once"), pytest.param(False, id="still away")])
def test_pauses_where_requests_end_connections(log: Callable[[], list[str]], *, back: bool) -> None:
    """A connection that ends soon after a request: there is one warning, and a pause."""
    desk = Desk()
    desk.want(EDGE)
    log()
    desk.broker.connected, desk.broker.reconnects = back, int(back)
    assert desk.want(OTHER, after=SUSPECT / 2) == 0
    (line,) = log()
    assert "spBv1.0/+/NCMD/+" in line
    assert "[mqtt] rebirth = false" in line
    desk.broker.connected, desk.broker.reconnects = True, 1
    assert desk.want(after=PAUSE - 1) == 0
    assert desk.want(after=1) == 1


def test_pauses_become_longer() -> None:
    """What happens again after the pause is followed by a longer one; a connection that lasted ends that."""
    desk = Desk()
    for pause in (PAUSE, 2 * PAUSE, 4 * PAUSE):
        assert desk.want(EDGE, after=LONGEST_WAIT) == 1
        desk.broker.reconnects += 1
        assert desk.want(OTHER) == 0
        assert desk.want(after=pause - 1) == 0
        assert desk.want(after=1) == 1
    desk.broker.reconnects += 1
    desk.want(after=SUSPECT + 1)
    desk.want(EDGE, after=LONGEST_WAIT)
    desk.broker.reconnects += 1
    assert desk.want(OTHER) == 0
    assert desk.want(after=PAUSE) == 1


def test_other_ends_do_not_matter(log: Callable[[], list[str]]) -> None:
    """A connection that ends long after a request goes on to be used for them when it is back."""
    desk = Desk()
    desk.want(EDGE)
    log()
    desk.broker.reconnects = 1
    assert desk.want(OTHER, after=SUSPECT + 1) == 1
    assert not any("ended" in line for line in log())


def test_log(log: Callable[[], list[str]]) -> None:
    """The first request has a line with the node's name; the others of a minute are told as a number."""
    desk = Desk()
    desk.want(*(("Plant", f"Edge {number}" * 100) for number in range(3)))
    name = ("Plant/" + "Edge 0" * 100)[:NAME_CHARACTERS]
    assert log() == [f"asked Sparkplug edge node {name!r} for its births, which explain its data"]
    desk.want(after=QUIET)
    assert log() == ["asked 2 more Sparkplug edge nodes for their births since the last line"]
    desk.want(after=QUIET)
    assert log() == []


def test_source_without_a_connection() -> None:
    """The MQTT source sends nothing before it is connected, and says so."""
    assert MqttSource(MqttSettings()).publish(request(EDGE, NOW_NS)) is False
