"""The MQTT source against a broker that does what no real one does on demand, and its parts by themselves."""

import asyncio
import logging
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import aiomqtt
import paho.mqtt.client as paho
import pytest
from contract import collect, messages
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from publisher import until
from scripted_broker import DISCONNECT, PUBACK, PUBCOMP, PUBREC, PUBREL, ScriptedBroker, connack, packet, publish_packet

from bridge.config import MqttSettings
from bridge.errors import StartError
from bridge.sources import mqtt_burst, mqtt_rivals
from bridge.sources.backoff import HOPELESS_S, LONGEST_S, Backoff
from bridge.sources.base import MAX_BATCH
from bridge.sources.mqtt import MqttSource
from bridge.sources.mqtt_burst import Burst
from bridge.sources.mqtt_endpoint import Endpoint
from bridge.sources.mqtt_faults import Cause, LinkError
from bridge.sources.mqtt_inbox import MOST_BYTES, MOST_MESSAGES, NO_RECEIPT, Inbox, Receipt
from bridge.sources.mqtt_rivals import Marks, Rivals
from bridge.uns import Message

pytestmark = pytest.mark.anyio


def source_for(broker: ScriptedBroker, **more: Any) -> MqttSource:
    """A source that connects to a scripted broker."""
    return MqttSource(MqttSettings(**({"url": broker.url, "client_id": "test", "topics": ("#",)} | more)))


def reset(broker: ScriptedBroker) -> None:
    """End the latest connection with a reset, right after what was sent to it."""
    writer = broker.writers[-1]
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


# The version


def only_3_1_1(refusal: bytes | None) -> Callable[[int], bytes | None]:
    """A broker that refuses version 5 in this way."""
    return lambda level: refusal if level > 4 else connack(v5=False)


@pytest.mark.parametrize(
    ("refusal", "levels"),
    [
        pytest.param(connack(0x84), [5, 4], id="unsupported protocol version"),
        pytest.param(connack(0x01, v5=False), [5, 4], id="the same in 3.1.1"),
        pytest.param(None, [5, 4, 5, 4], id="closes the connection"),
        pytest.param(connack(0x02, v5=False), [5, 4, 5, 4], id="answer of 3.1.1 that 5 does not know"),
    ],
)
async def test_fallback(refusal: bytes | None, levels: list[int]) -> None:
    """A broker that does not take version 5 gets 3.1.1; if it did not say why, 5 is tried once more."""
    async with ScriptedBroker(only_3_1_1(refusal)) as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        assert broker.levels == levels
        broker.send(publish_packet(Message("a", b"1"), v5=False))
        assert len(messages(await collect(source, 1))) == 1


async def test_fallback_is_not_for_ever() -> None:
    """A broker that closed connections because it was restarting is used with version 5 as soon as it can."""
    restarting = iter([None, connack(v5=False), connack()])
    async with ScriptedBroker(lambda _: next(restarting)) as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        assert broker.levels == [5, 4, 5]


async def test_version_is_asked_anew() -> None:
    """Each connection begins with version 5, whatever the broker said before."""
    answers = iter([connack(0x84), connack(v5=False), connack()])
    async with ScriptedBroker(lambda _: next(answers)) as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        broker.writers[-1].close()
        await until(lambda: source.health().reconnects == 1)
        assert broker.levels == [5, 4, 5]


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        pytest.param(0x86, "bad user name or password; check [mqtt] username", id="bad credentials"),
        pytest.param(0x87, "not authorized; check [mqtt] username", id="not authorized"),
        pytest.param(0x85, "refuses [mqtt] client_id 'test'", id="client id"),
        pytest.param(0x88, "refuses the connection: server unavailable", id="unavailable"),
    ],
)
async def test_refusal_is_no_fallback(code: int, remedy: str) -> None:
    """An ordinary refusal is told with its remedy; no other version is tried."""
    async with ScriptedBroker(lambda _: connack(code)) as broker, source_for(broker) as source:
        await until(lambda: remedy in source.health().problems[0])
        assert set(broker.levels) == {5}


@pytest.mark.parametrize(("protocol", "level"), [("5", 5), ("3.1.1", 4)])
async def test_fixed_version(protocol: str, level: int) -> None:
    """A version that the settings demand is the only one that is tried."""
    async with ScriptedBroker(lambda _: None) as broker, source_for(broker, protocol=protocol) as source:
        await until(lambda: "without an answer" in source.health().problems[0])
        assert set(broker.levels) == {level}


# Rivals: sources with the same client id


class FakeSession:
    """A broker's session as far as subscriptions go; `lenient` brokers say that every subscription existed."""

    def __init__(self, *, denies: bool = False, lenient: bool = False) -> None:
        self.filters: set[str] = set()
        self._denies = denies
        self._lenient = lenient

    async def subscribe(self, filters: Sequence[str], *, recall: bool = False) -> dict[str, ReasonCode]:
        """Subscribe, or refuse."""
        if not self._denies:
            self.filters |= set(filters)
        return {name: ReasonCode(PacketTypes.SUBACK, identifier=0x87 if self._denies else 1) for name in filters}

    async def unsubscribe(self, filters: Sequence[str]) -> frozenset[str]:
        """Unsubscribe; the ones that existed."""
        existed = frozenset(filters) & (frozenset(filters) if self._lenient else self.filters)
        self.filters -= existed
        return existed


async def test_marks_prove_a_rival() -> None:
    """A mark that somebody else left proves that he was there; one's own mark, or none, proves nothing."""
    session = FakeSession()
    ours, theirs = Marks(lambda low, high: low), Marks(lambda low, high: high)
    assert [await ours.check(session), await ours.check(session)] == [False, False]
    assert not await theirs.check(session)
    assert await ours.check(session)
    assert await theirs.check(session)
    await theirs.erase(session)
    assert not await ours.check(session)


@pytest.mark.parametrize("oddity", ["denies", "lenient"])
async def test_marks_of_no_use(oddity: str) -> None:
    """A broker that refuses the marks, or does not tell which existed, never makes us give up."""
    session = FakeSession(**{oddity: True})
    ours, theirs = Marks(), Marks()
    assert not any([await marks.check(session) for marks in (ours, theirs) * 5])


async def test_marks_after_a_lost_session() -> None:
    """A session that the broker has forgotten has no marks, and that is no rival's doing."""
    marks = Marks()
    assert [await marks.check(FakeSession()) for _ in range(5)] == [False] * 5


async def test_marks_interrupted() -> None:
    """A connection that ends before the broker has answered leaves marks of our own, not taken for foreign."""

    class Breaking(FakeSession):
        async def subscribe(self, filters: Sequence[str], *, recall: bool = False) -> dict[str, ReasonCode]:
            await super().subscribe(filters)
            raise LinkError(Cause.OTHER, "has gone")

    session, draws = Breaking(), iter([1, 2, 3])
    marks = Marks(lambda *_: next(draws))
    whole = FakeSession()
    assert not await marks.check(whole)
    session.filters = whole.filters
    with pytest.raises(LinkError):
        await marks.check(session)
    whole.filters = session.filters
    assert not await marks.check(whole)


async def test_resets_are_no_rival() -> None:
    """A network that resets one connection after the other is no sign of a rival."""
    async with ScriptedBroker(lambda level: connack(present=True)) as broker, source_for(broker) as source:
        for number in range(1, 6):
            await until(lambda: source.health().connected, 20)
            broker.send(publish_packet(Message("a", b"1")))
            await collect(source, 1)
            reset(broker)
            await until(lambda n=number: source.health().reconnects == n, 20)
            assert source.health().problems == ()


async def test_closed_connections_are_no_proof() -> None:
    """A broker that closes one connection after the other is told of and never makes us give up."""
    async with ScriptedBroker(lambda level: connack(present=True)) as broker, source_for(broker) as source:
        for number in range(1, 6):
            await until(lambda: source.health().connected, 20)
            broker.send(publish_packet(Message("a", b"1")))
            await collect(source, 1)
            broker.writers[-1].close()
            await until(lambda n=number: source.health().reconnects == n, 20)
        assert any("perhaps another client" in problem for problem in source.health().problems)


async def test_told_takeovers() -> None:
    """A broker that says "session taken over" three times within a minute ends the source with the reason."""
    async with ScriptedBroker(greeting=[packet(DISCONNECT, b"\x8e\0")]) as broker, source_for(broker) as source:
        with pytest.raises(StartError, match=r"took over our session, 3 x in a minute.* \[mqtt\] client_id"):
            await collect(source, 1)
        assert len(broker.levels) == 3
        assert not source.health().connected


# Subscriptions


async def test_refused_filter(caplog: pytest.LogCaptureFixture) -> None:
    """A refused filter is told by name, once; the others bring messages."""
    refuse: Callable[[str], int] = lambda pattern: 0x87 if pattern == "secret/#" else 1  # noqa: E731
    with caplog.at_level(logging.ERROR):
        topics = ("secret/#", "open/#")
        async with ScriptedBroker(suback=refuse) as broker, source_for(broker, topics=topics) as source:
            await until(lambda: source.health().connected)
            broker.send(publish_packet(Message("open/a", b"1")))
            assert len(messages(await collect(source, 1))) == 1
            broker.writers[-1].close()
            await until(lambda: source.health().reconnects == 1)
            problem = "filter 'secret/#' refused by the broker: not authorized"
            assert source.health().problems == (problem,)
    assert [record.getMessage() for record in caplog.records] == [problem]


async def test_closed_instead_of_an_answer() -> None:
    """A connection that ends before the subscription is answered is noticed at once, not after the time for answers."""

    def suback(_: str) -> int:
        if len(broker.levels) == 1:
            broker.writers[-1].transport.abort()
        return 1

    async with ScriptedBroker(suback=suback) as broker, source_for(broker) as source:
        await until(lambda: source.health().connected, 5)
        assert len(broker.levels) == 2


async def test_lower_qos() -> None:
    """A broker that grants less than was asked for is a problem: messages may be lost."""
    async with ScriptedBroker(suback=lambda _: 0) as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        assert source.health().problems == ("filter '#' granted with QoS 0 instead of 1",)


async def test_many_filters() -> None:
    """Many filters go in several packets, each filter once, with retain as published."""
    topics = tuple(f"plant/{n}/#" for n in range(30))
    async with ScriptedBroker() as broker, source_for(broker, topics=topics) as source:
        await until(lambda: source.health().connected)
        assert broker.filters == list(topics)
        assert set(broker.options) == {0b0000_1001}  # retain handling 0, retain as published, QoS 1


async def test_stored_copies_are_asked_for_once() -> None:
    """A new process wants the stored copies; after a lost connection only a new subscription brings them."""
    async with ScriptedBroker() as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        assert set(broker.options) == {0b0000_1001}
        broker.options.clear()
        broker.writers[-1].close()
        await until(lambda: source.health().reconnects == 1)
        assert set(broker.options) == {0b0001_1001}  # retain handling 1: only if the subscription is new


# Messages


async def test_undecodable_topic() -> None:
    """A topic that is not UTF-8 is counted and acknowledged, and the next message comes as if nothing were."""
    async with ScriptedBroker() as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        broker.send(publish_packet(Message("", b"x", 1), mid=7, topic=b"a/\xff"))
        broker.send(publish_packet(Message("a", b"1")))
        assert [m.payload for m in messages(await collect(source, 1))] == [b"1"]
        assert source.health().undecodable == 1
        await until(lambda: broker.answers == [(PUBACK, 7)])


async def test_acknowledged_when_done() -> None:
    """QoS 1 and 2 are answered only after `done`; a PUBREL is answered at once."""
    async with ScriptedBroker() as broker, source_for(broker, qos=2) as source:
        await until(lambda: source.health().connected)
        broker.send(publish_packet(Message("a", b"1", 1), mid=1) + publish_packet(Message("a", b"2", 2), mid=2))
        batch = await anext(source.batches())
        await asyncio.sleep(0.05)
        assert broker.answers == []
        batch.done()
        batch.done()
        await until(lambda: len(broker.answers) == 2)
        broker.send(packet(PUBREL | 2, b"\x00\x02"))
        await until(lambda: len(broker.answers) == 3)
        assert broker.answers == [(PUBACK, 1), (PUBREC, 2), (PUBCOMP, 2)]


async def test_broken_stream(caplog: pytest.LogCaptureFixture) -> None:
    """Bytes that are not MQTT end the connection with the reason, and a new one begins."""
    async with ScriptedBroker() as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        broker.send(b"\x30\xff\xff\xff\xff\xff")
        await until(lambda: source.health().reconnects == 1)
    assert "a length of more than four bytes" in caplog.text


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": True}), ("asyncio", {"use_uvloop": False})])
async def test_data_and_reset_at_once(qos: int, caplog: pytest.LogCaptureFixture) -> None:
    """A reset that comes together with a message is noticed at once, and its reason told."""
    async with ScriptedBroker() as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        loop, descriptor = asyncio.get_running_loop(), broker.writers[-1].get_extra_info("socket").fileno()
        loop.call_soon(os.write, descriptor, publish_packet(Message("a", b"1", qos)))
        reset(broker)
        loop.call_soon(time.sleep, 0.1)  # so that the loop finds both at once
        (batch,) = await collect(source, 1)
        await until(lambda: source.health().reconnects == 1, 5)
        batch.done()
    assert "broke the connection: [Errno 104] Connection reset by peer" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_waiting_after_the_connection_has_gone() -> None:
    """What the broker will send again counts as kept by it, although it cannot be acknowledged any more."""
    async with ScriptedBroker() as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        broker.send(b"".join(publish_packet(Message("a", b"1", qos), mid=qos) for qos in (0, 1, 2)))
        await asyncio.sleep(0.1)
        broker.writers[-1].close()
        await until(lambda: source.health().reconnects == 1)
        batch = await anext(source.batches())
        batch.done()
        assert (len(batch.messages), batch.waiting) == (3, 2)
        await asyncio.sleep(0.1)
        assert broker.answers == []


async def test_burst_before_suback() -> None:
    """Stored copies that come with the SUBACK are marked, the second message of a topic is live."""
    copies = [
        publish_packet(Message("a", b"1", retain=True)),
        publish_packet(Message("a", b"2", retain=True)),
    ]
    async with ScriptedBroker(greeting=copies) as broker, source_for(broker) as source:
        got = messages(await collect(source, 2))
    assert [(m.payload, m.retain, m.replayed) for m in got] == [(b"1", True, True), (b"2", True, False)]


async def test_private_attributes() -> None:
    """What we reach inside aiomqtt and paho is there."""
    client = aiomqtt.Client("localhost")
    assert isinstance(client._client, paho.Client)
    assert isinstance(client._connected, asyncio.Future)
    assert isinstance(client._disconnected, asyncio.Future)
    inner = client._client
    assert inner._sock is None
    assert callable(inner._sock_close)
    assert callable(inner._packet_queue)
    assert callable(inner._handle_pubrec)
    assert callable(inner._send_pubrel)
    assert inner._out_messages == {}
    assert list(inner._out_packet) == []
    assert inner._last_mid == 0
    assert inner._max_inflight_messages == 20  # until `Outbox` says 0: no limit
    assert "packet" in inner._in_packet
    assert inner.on_connect == client._on_connect
    assert inner.on_disconnect == client._on_disconnect


# The parts


@pytest.mark.parametrize(
    ("url", "expected", "shown"),
    [
        ("mqtt://broker", Endpoint("broker", 1883, tls=False, path=None), "broker:1883"),
        ("mqtts://broker", Endpoint("broker", 8883, tls=True, path=None), "broker:8883"),
        ("mqtt://[::1]:1", Endpoint("::1", 1, tls=False, path=None), "[::1]:1"),
        ("ws://broker", Endpoint("broker", 80, tls=False, path="/mqtt"), "broker:80"),
        ("wss://broker/", Endpoint("broker", 443, tls=True, path="/mqtt"), "broker:443"),
        ("wss://broker:9/a/b", Endpoint("broker", 9, tls=True, path="/a/b"), "broker:9"),
    ],
)
def test_endpoint(url: str, expected: Endpoint, shown: str) -> None:
    """A URL says host, port, encryption and WebSocket path."""
    assert Endpoint.parse(url) == expected
    assert str(expected) == shown


def test_backoff() -> None:
    """Waits are drawn from ranges that grow by half, up to 30 s, and begin anew after success."""
    drawn: list[tuple[float, float]] = []
    backoff = Backoff(lambda low, high: drawn.append((low, high)) or high)
    waits = [backoff.wait()]
    for _ in range(200):
        backoff.failed()
        waits.append(backoff.wait())
    assert waits[:4] == [0.0, 1.5, 1.5**2, 1.5**3]
    assert waits[-1] == LONGEST_S
    assert all(later >= earlier for earlier, later in pairwise(waits))
    assert {low for low, _ in drawn} == {0.0}
    backoff.worked()
    assert backoff.wait() == 1.0
    backoff.failed(hopeless=True)
    assert (backoff.wait(), drawn[-1]) == (HOPELESS_S[1], HOPELESS_S)


@pytest.fixture
def burst() -> Iterator[Burst]:
    """A burst with MQTT 5 and one filter."""
    burst = Burst(lambda _: 1, flag_suffices=False)
    burst.expect()
    return burst


def test_burst_ends(burst: Burst) -> None:
    """The burst is over when no stored copy has come for a second."""
    assert burst.stored("before", 0.0)
    burst.subscribed(10.0)
    assert burst.stored("a", 10.9)
    assert burst.stored("b", 11.8)
    assert not burst.stored("c", 12.9)
    assert not burst.stored("d", 12.9)


def test_burst_is_limited(burst: Burst) -> None:
    """A plant whose live messages all say retain does not prolong the burst beyond 30 s."""
    burst.subscribed(0.0)
    marked = [burst.stored(str(tenth), tenth / 10) for tenth in range(1000)]
    assert sum(marked) == mqtt_burst.LONGEST_S * 10


def test_burst_copies() -> None:
    """A topic that two filters match may have two stored copies."""
    burst = Burst(lambda _: 2, flag_suffices=False)
    burst.expect()
    assert [burst.stored("a", 0.0) for _ in range(3)] == [True, True, False]


def test_no_burst() -> None:
    """Without a new subscription nothing is a stored copy; with 3.1.1 everything marked is."""
    assert not Burst(lambda _: 1, flag_suffices=False).stored("a", 0.0)
    assert Burst(lambda _: 1, flag_suffices=True).stored("a", 1e9)


def test_rivals() -> None:
    """Three takeovers within a minute are one too many; slower ones are only told."""
    rivals = Rivals("x")
    assert rivals.problem(0.0) is None
    assert [rivals.taken_over(now) for now in (0.0, 59.0, 61.0, 62.0)] == [False, False, False, True]
    assert "client id 'x'" in str(rivals.problem(62.0))
    assert rivals.problem(62.0 + mqtt_rivals.WINDOW_S) is None


def test_rivals_guessed() -> None:
    """Several short-lived connections make a guess, long-lived ones do not."""
    rivals = Rivals("x")
    for now in (0.0, 1.0, 2.0):
        rivals.ended(now, lasted=100.0, in_order=True)
    assert rivals.problem(3.0) is None
    for now in (3.0, 4.0, 5.0):
        rivals.ended(now, lasted=1.0, in_order=True)
    assert "perhaps" in str(rivals.problem(6.0))


def test_rivals_not_guessed() -> None:
    """Connections that break are a reason to look for a proof, and none to tell the operator of a rival."""
    rivals = Rivals("x")
    for now in range(10):
        rivals.ended(float(now), lasted=1.0, in_order=False)
    assert rivals.suspected(10.0)
    assert rivals.problem(10.0) is None


async def test_inbox_is_full() -> None:
    """Many messages or many bytes fill the inbox; taking makes room."""
    inbox = Inbox()
    for _ in range(MOST_MESSAGES):
        assert not inbox.full
        inbox.put(Message("a", b""), NO_RECEIPT)
    assert inbox.full
    assert len(inbox.take()[0]) == MAX_BATCH
    assert not inbox.full
    inbox.put(Message("a", bytes(MOST_BYTES)), NO_RECEIPT)
    assert inbox.full
    while inbox.take()[0]:
        pass
    assert not inbox.full


async def test_inbox_receipts() -> None:
    """Receipts come with their messages; those of a connection that has gone are void."""
    inbox = Inbox()
    inbox.put(Message("a", b"1", 1), Receipt(1, 1))
    inbox.put(Message("a", b"2"), NO_RECEIPT)
    assert inbox.take()[1] == [Receipt(1, 1)]
    inbox.put(Message("a", b"3", 1), Receipt(2, 1))
    inbox.forget_receipts()
    inbox.put(Message("a", b"4", 1), Receipt(1, 1))
    got, receipts = inbox.take()
    assert [m.payload for m in got] == [b"3", b"4"]
    assert receipts == [Receipt(1, 1)]
