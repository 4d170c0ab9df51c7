"""Rebirth requests: whose births are wanted, who is asked when, and what a request says."""

from itertools import pairwise

import pytest

from bridge.engine import Engine, Options
from bridge.uns import sparkplug_rebirths
from bridge.uns.message import Message
from bridge.uns.sparkplug_rebirths import FIRST_WAIT, LONGEST_WAIT, MAX_A_MINUTE, MINUTE, EdgeNode, Rebirths, request
from tests.unit.uns.sparkplug_vectors import (
    DEVICE,
    DEVICE_BIRTH,
    MS,
    NODE_BIRTH,
    NULL,
    T0,
    Host,
    bd_seq,
    metric,
    of_bool,
    of_double,
    of_int,
    payload,
)

EDGE = ("Plant", "Edge 1")
BY_ALIAS = payload(metric(alias=101, value=of_double(1.0)), seq=2)


def wanted(host: Host) -> list[EdgeNode]:
    return host.decoder.rebirths.due(0.0)


# Whose births are wanted


@pytest.mark.parametrize(
    ("born", "kind", "content"),
    [
        pytest.param(False, "NDATA", BY_ALIAS, id="unknown node"),
        pytest.param(False, "DDATA", BY_ALIAS, id="unknown node, data of a device"),
        pytest.param(True, "DDATA", payload(metric(alias=999, value=of_int(1)), seq=2), id="unknown alias"),
        pytest.param(True, "DDATA", payload(metric(alias=999, value=of_int(1)), seq=9), id="unknown alias after a gap"),
        pytest.param(True, "DDATA", payload(metric("New", of_int(1)), seq=2), id="name of unknown type"),
        pytest.param(True, "DDATA", payload(metric("Running", more=NULL), metric(alias=999), seq=2), id="one of two"),
    ],
)
def test_wanted(born: bool, kind: str, content: bytes) -> None:
    """Data that no birth has explained make the births of their node wanted, once."""
    host = Host(born=born)
    host.answer(kind, content)
    host.answer(kind, content)
    assert wanted(host) == [EDGE]
    assert wanted(host) == []


@pytest.mark.parametrize(
    ("born", "kind", "content"),
    [
        pytest.param(True, "DDATA", BY_ALIAS, id="known alias"),
        pytest.param(True, "DDATA", payload(metric(alias=101, value=of_double(1.0)), seq=9), id="gap alone"),
        pytest.param(True, "DDATA", payload(metric("Running", more=NULL), seq=2), id="known name"),
        pytest.param(False, "NDATA", payload(metric("A", of_double(1.5), kind=10)), id="names and types"),
        pytest.param(False, "NDATA", payload(), id="no metrics"),
        pytest.param(False, "NDATA", b"\xff", id="malformed"),
        pytest.param(False, "NBIRTH", payload(metric(alias=5, value=of_int(1))), id="nameless in a birth"),
        pytest.param(False, "NCMD", BY_ALIAS, id="command"),
    ],
)
def test_not_wanted(born: bool, kind: str, content: bytes) -> None:
    """What is explained, or would not be explained by a birth, makes nothing wanted."""
    host = Host(born=born)
    host.answer(kind, content)
    assert wanted(host) == []


def test_devices_that_wait_for_their_births() -> None:
    """After the birth of its node, data of a device that was not born again want one."""
    host = Host()
    host("NBIRTH", NODE_BIRTH)
    assert wanted(host) == []
    host.answer("DDATA", BY_ALIAS)
    assert wanted(host) == [EDGE]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("kind", "content"),
    [
        pytest.param("NBIRTH", NODE_BIRTH, id="birth"),
        pytest.param("NDEATH", payload(bd_seq(7), seq=None), id="death"),
    ],
)
def test_settled(kind: str, content: bytes, *, known: bool) -> None:
    """A node that has been born or has died meanwhile is not asked."""
    host = Host(born=known)
    host.answer("DDATA", payload(metric(alias=999, value=of_int(1)), seq=2))
    host.answer(kind, content)
    assert wanted(host) == []


def test_foreign_death() -> None:
    """The last will of an earlier session says nothing about the node that speaks now."""
    host = Host()
    host.answer("DDATA", payload(metric(alias=999, value=of_int(1)), seq=2))
    host.answer("NDEATH", payload(bd_seq(3), seq=None))
    assert wanted(host) == [EDGE]


def test_alive_after_death() -> None:
    """Data after a death are of a session whose births we have missed."""
    host = Host()
    host.answer("NDEATH", payload(bd_seq(7), seq=None))
    host.answer("DDATA", BY_ALIAS)
    assert wanted(host) == [EDGE]


def test_stored_copies() -> None:
    """The broker's stored copy of some data does not say that anybody is there to be asked."""
    host = Host(born=False)
    host.decoder.read(Message(DEVICE.format("DDATA"), BY_ALIAS, replayed=True))
    assert wanted(host) == []


def test_reached_through_the_engine() -> None:
    """Whoever holds the engine finds the wanted births; the messages are rejected and counted all the same."""
    engine = Engine(Options())
    engine.ingest([Message(DEVICE.format("DDATA"), BY_ALIAS, received_ns=T0 * MS)])
    assert engine.rejected == {"sparkplug-unborn": 1}
    assert not engine.space.by_topic
    assert engine.router.rebirths.due(0.0) == [EDGE]


# Who is asked when


def edges(count: int) -> list[EdgeNode]:
    return [("Plant", f"Edge {number}") for number in range(count)]


def times_asked(until: float, step: float = 1.0) -> list[float]:
    """When a node whose data stay unexplained is asked."""
    rebirths, found = Rebirths(), []
    now = 0.0
    while now < until:
        rebirths.want(EDGE)
        if rebirths.due(now):
            found.append(now)
        now += step
    return found


def test_waits_double() -> None:
    """A node whose data stay unexplained is asked after 1, 2, 4 … minutes, at last once an hour."""
    found = times_asked(5 * LONGEST_WAIT)
    waits = [later - earlier for earlier, later in pairwise(found)]
    assert waits[:7] == [FIRST_WAIT * 2**n for n in range(6)] + [LONGEST_WAIT]
    assert set(waits[6:]) == {LONGEST_WAIT}


def test_waits_begin_anew() -> None:
    """A request long ago is forgotten."""
    rebirths = Rebirths()
    for now in (0.0, FIRST_WAIT, 5 * FIRST_WAIT, 6 * FIRST_WAIT):
        rebirths.want(EDGE)
        assert rebirths.due(now) == [EDGE]


def test_at_most_so_many_a_minute() -> None:
    """The rest stays wanted, in order, and is asked when the minute is over; unless it was settled meanwhile."""
    rebirths = Rebirths()
    many = edges(MAX_A_MINUTE + 3)
    for edge in many:
        rebirths.want(edge)
    assert rebirths.due(0.0) == many[:MAX_A_MINUTE]
    assert rebirths.due(MINUTE - 1) == []
    rebirths.settle(many[-1])
    assert rebirths.due(MINUTE) == many[MAX_A_MINUTE:-1]
    assert rebirths.requested == MAX_A_MINUTE + 2


def test_whoever_was_asked_costs_the_others_nothing() -> None:
    """Nodes that must wait do not count against the minute's requests."""
    rebirths = Rebirths()
    first, *others = edges(MAX_A_MINUTE)
    rebirths.want(first)
    assert rebirths.due(0.0) == [first]
    for edge in (first, *others):
        rebirths.want(edge)
    assert rebirths.due(1.0) == others


def test_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a limit to the nodes that are wanted: further ones are wanted with later data."""
    monkeypatch.setattr(sparkplug_rebirths, "MAX_WANTED", 3)
    rebirths = Rebirths()
    for edge in edges(5):
        rebirths.want(edge)
    assert rebirths.due(0.0) == edges(3)


def test_what_was_asked_is_bounded() -> None:
    """Nodes that were asked once are forgotten after a while, however many there are."""
    rebirths = Rebirths()
    for minute, edge in enumerate(edges(100)):
        rebirths.want(edge)
        rebirths.due(minute * MINUTE)
    assert len(rebirths._asked) <= 3


# What a request says


def test_request() -> None:
    """A request is an NCMD to the edge node with `Node Control/Rebirth` true, not retained, QoS 0."""
    asked = request(("Werk Süd", "Ofen 1"), T0 * MS)
    rebirth = metric("Node Control/Rebirth", of_bool(True), kind=11, ms=T0)
    expected = payload(rebirth, ms=T0, seq=None)
    assert asked == Message("spBv1.0/Werk Süd/NCMD/Ofen 1", expected, 0, retain=False, received_ns=T0 * MS)


def test_births_explain() -> None:
    """What the answer brings makes the same data readable."""
    host = Host(born=False)
    host.answer("DDATA", BY_ALIAS)
    assert wanted(host) == [EDGE]
    host("NBIRTH", NODE_BIRTH)
    host("DBIRTH", DEVICE_BIRTH)
    assert host("DDATA", BY_ALIAS)["Filler 01/Process/Speed"].value == 1.0
    assert host.decoder.rebirths.due(2 * FIRST_WAIT) == []
