"""Publications that wait for the broker's word: what brokers do wrong, late or not at all."""

import asyncio
import struct

import pytest
from publisher import until
from scripted_broker import CONNACK, PUBACK, PUBCOMP, PUBREC, PUBREL, ScriptedBroker, connack, packet

from bridge.config import MqttSettings
from bridge.sources.base import NotDelivered
from bridge.sources.mqtt import MqttSource
from bridge.uns import Message

pytestmark = pytest.mark.anyio

REFUSED = 0x87  # not authorized
PATIENCE = 5.0  # of those that are to be answered
SHORT = 0.1  # of those that are not


def answer(kind: int, mid: int, code: int = 0) -> bytes:
    """A PUBACK, PUBREC or PUBCOMP of MQTT 5."""
    return packet(kind, struct.pack("!HB", mid, code))


def source_for(broker: ScriptedBroker) -> MqttSource:
    """A source that speaks MQTT 5 to it."""
    return MqttSource(MqttSettings(url=broker.url, client_id="publisher", protocol="5"))


async def failure(source: MqttSource, message: Message, patience: float = SHORT) -> tuple[str, bool]:
    """Why it was not delivered, and whether it may have been taken nevertheless."""
    with pytest.raises(NotDelivered) as caught:
        await source.deliver(message, patience)
    return str(caught.value), caught.value.sent


def message(topic: str = "a", qos: int = 1) -> Message:
    """One to be delivered."""
    return Message(topic, b"1", qos)


@pytest.mark.parametrize(("kind", "qos"), [(PUBACK, 1), (PUBREC, 2)])
async def test_refusals_leave_room(kind: int, qos: int) -> None:
    """A refusal ends a publication: many of them in a row do not use up what may be in flight."""
    async with ScriptedBroker(taken=lambda _, mid: answer(kind, mid, REFUSED)) as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        expected = "the broker refused it: not authorized (135)", False
        assert [await failure(source, message(qos=qos), PATIENCE) for _ in range(50)] == [expected] * 50


async def test_no_subscribers() -> None:
    """A code below 128 is no refusal: nobody has subscribed to the topic (0x10)."""
    async with ScriptedBroker(taken=lambda _, mid: answer(PUBACK, mid, 0x10)) as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        await source.deliver(message(), PATIENCE)


async def test_nothing_is_sent_too_late() -> None:
    """What has found no room in its time is never sent, though the broker answers all the others in the end."""
    async with ScriptedBroker() as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        early = [failure(source, message(f"early/{number}")) for number in range(20)]
        assert set(await asyncio.gather(*early)) == {("the broker did not acknowledge it within 0.1 s", True)}
        assert await failure(source, message("late")) == (
            "it was not sent within 0.1 s: the broker has not acknowledged those before it",
            False,
        )
        broker.send(b"".join(answer(PUBACK, mid) for _, _, mid in broker.published))
        last = asyncio.create_task(source.deliver(message("last"), PATIENCE))
        await until(lambda: broker.published[-1][0] == "last")
        broker.send(answer(PUBACK, broker.published[-1][2]))
        await last
        assert [topic for topic, _, _ in broker.published] == [*(f"early/{number}" for number in range(20)), "last"]


async def test_receive_maximum() -> None:
    """No more are in flight than the broker takes, and the answer to one makes room for the next."""
    most = packet(CONNACK, b"\0\0\x03\x21\0\x02")
    async with ScriptedBroker(answer=lambda _: most) as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        sending = [asyncio.create_task(source.deliver(message(str(number)), PATIENCE)) for number in range(4)]
        for done in range(4):
            await until(lambda done=done: len(broker.published) == min(4, done + 2))
            await asyncio.sleep(0.02)
            assert len(broker.published) == min(4, done + 2)
            broker.send(answer(PUBACK, broker.published[done][2]))
        await asyncio.gather(*sending)


@pytest.mark.parametrize(
    ("limit", "asked", "told"),
    [
        pytest.param(b"\x24\x00", message(qos=1), "the broker takes QoS 0 at most", id="QoS"),
        pytest.param(
            b"\x25\x00", Message("a", b"1", 1, retain=True), "the broker keeps no retained messages", id="retain"
        ),
        pytest.param(
            b"\x27\0\0\0\x64",
            Message("a", b"1", 1, properties={"name": "v" * 100}),
            "the broker takes packets of 100 bytes at most",
            id="properties count",
        ),
        pytest.param(b"", Message("a/\ud800", b"1", 1), "it cannot be published: 'utf-8' codec", id="no text"),
        pytest.param(b"", Message("a/#", b"1", 1), "it cannot be published: ", id="wildcard"),
        pytest.param(
            b"", Message("a", b"1", 1, properties={"k": "é" * 40_000}), "it cannot be published: ", id="long property"
        ),
    ],
)
async def test_not_even_tried(limit: bytes, asked: Message, told: str) -> None:
    """What the broker has said that it does not take, and what MQTT cannot carry, is refused without a packet."""
    greeting = packet(CONNACK, b"\0\0" + bytes([len(limit)]) + limit)
    async with ScriptedBroker(answer=lambda _: greeting) as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        reason, sent = await failure(source, asked, PATIENCE)
        assert (reason[: len(told)], sent, broker.published) == (told, False, [])


async def test_fits_exactly() -> None:
    """A packet of just the size that the broker takes is sent, one byte more is not."""
    greeting = packet(CONNACK, b"\0\0\x05\x27\0\0\0\x64")
    async with (
        ScriptedBroker(answer=lambda _: greeting, taken=lambda _, mid: answer(PUBACK, mid)) as broker,
        source_for(broker) as source,
    ):
        await until(lambda: source.health().connected)
        room = 100 - 2 - 3 - 2 - 1  # its head, the topic, the packet id, no properties
        await source.deliver(Message("a", b"1" * room, 1), PATIENCE)
        assert (await failure(source, Message("a", b"1" * (room + 1), 1)))[1] is False
        assert len(broker.published) == 1


@pytest.mark.parametrize("how", ["broken", "stopped"])
async def test_the_end_of_a_connection(how: str) -> None:
    """Those in flight and those that wait for room are told at once, and nothing is sent again on the next one."""
    async with ScriptedBroker() as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        sending = [asyncio.create_task(failure(source, message(str(number)), 60)) for number in range(30)]
        await until(lambda: len(broker.published) == 20)
        if how == "broken":
            broker.writers[-1].close()
        else:
            source.stop()
        async with asyncio.timeout(2):
            found = await asyncio.gather(*sending)
        ended = "the connection broke" if how == "broken" else "the bridge stopped"
        unsent = ("the broker is not connected", False)
        assert found == [(f"{ended} before the broker acknowledged it", True)] * 20 + [unsent] * 10
        if how == "broken":
            await until(lambda: len(broker.levels) == 2 and source.health().connected)
            await asyncio.sleep(0.1)
        else:
            assert await failure(source, message()) == ("the bridge stops", False)
        assert len(broker.published) == 20


async def test_packet_ids_go_on() -> None:
    """A session that the broker resumes may still know an id: it would take a new publication for the old one."""
    async with (
        ScriptedBroker(answer=lambda _: connack(present=True), taken=lambda _, mid: answer(PUBACK, mid)) as broker,
        source_for(broker) as source,
    ):
        for connections in (1, 2):
            await until(lambda count=connections: len(broker.levels) == count and source.health().connected)
            for _ in range(5):
                await source.deliver(message(), PATIENCE)
            broker.writers[-1].close()
        assert len({mid for _, _, mid in broker.published}) == 10


@pytest.mark.parametrize("present", [True, False])
async def test_unfinished_business(present: bool) -> None:
    """A resumed session is told to release what QoS 2 has left there; nothing is published a second time."""
    async with ScriptedBroker(answer=lambda _: connack(present=present)) as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        sending = [asyncio.create_task(failure(source, message(str(qos), qos), 60)) for qos in (1, 2, 2)]
        await until(lambda: len(broker.published) == 3)
        broker.writers[-1].close()
        await asyncio.gather(*sending)
        unfinished = [(PUBREL, mid) for _, qos, mid in broker.published if qos == 2] if present else []
        for connections in (2, 3):
            await until(lambda count=connections: len(broker.levels) == count and source.health().connected)
            assert broker.answers == unfinished * (connections - 1)
            if connections == 2:
                broker.writers[-1].close()
        broker.send(b"".join(answer(PUBCOMP, mid, 0x92) for _, mid in unfinished))
        await asyncio.sleep(0.05)
        broker.writers[-1].close()
        await until(lambda: len(broker.levels) == 4 and source.health().connected)
        assert broker.answers == unfinished * 2
        assert len(broker.published) == 3


async def test_packet_ids_in_use() -> None:
    """An id whose publication has not been answered is not used again, even when all the others have been."""

    def taken(qos: int, mid: int) -> bytes:
        return answer(PUBACK, mid) if qos and len(broker.published) > 1 else b""

    async with ScriptedBroker(taken=taken) as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        assert (await failure(source, message("lost")))[1] is True
        for _ in range(65_534):
            assert source.publish(message("filling", 0))
        await until(lambda: len(broker.published) == 65_535)
        await source.deliver(message("next"), PATIENCE)
        assert broker.published[-1][0] == "next"
        assert broker.published[-1][2] != broker.published[0][2]


async def test_late_answers() -> None:
    """An answer that comes after all makes room, and is not taken for that of another one."""
    async with ScriptedBroker() as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        assert (await failure(source, message("first", 2)))[1] is True
        second = asyncio.create_task(source.deliver(message("second", 2), PATIENCE))
        await until(lambda: len(broker.published) == 2)
        (_, _, one), (_, _, other) = broker.published
        broker.send(answer(PUBREC, one) + answer(PUBCOMP, one))
        await asyncio.sleep(0.05)
        assert not second.done()
        broker.send(answer(PUBREC, other) + answer(PUBCOMP, other))
        await second


async def test_given_up() -> None:
    """Whoever does not wait to the end leaves nothing behind that keeps the others from their turn."""
    async with ScriptedBroker() as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        sending = [asyncio.create_task(source.deliver(message(str(number)), PATIENCE)) for number in range(30)]
        await until(lambda: len(broker.published) == 20)
        for task in sending:
            task.cancel()
        await asyncio.wait(sending)
        assert all(task.cancelled() for task in sending)
        broker.send(b"".join(answer(PUBACK, mid) for _, _, mid in broker.published))
        again = [asyncio.create_task(source.deliver(message("again"), PATIENCE)) for _ in range(20)]
        await until(lambda: len(broker.published) == 40)
        broker.send(b"".join(answer(PUBACK, mid) for _, _, mid in broker.published[20:]))
        await asyncio.gather(*again)
        assert {topic for topic, _, _ in broker.published[20:]} == {"again"}


async def test_a_connection_that_takes_nothing() -> None:
    """What is still here when its time is over does not leave later; QoS 0 is not delivered before it has left."""
    async with ScriptedBroker() as broker, source_for(broker) as source:
        await until(lambda: source.health().connected)
        broker.writers[-1].transport.pause_reading()
        filling = [failure(source, Message(f"big/{number}", bytes(2_000_000), 1), 0.5) for number in range(10)]
        small = [failure(source, message(f"small/{qos}", qos), 0.5) for qos in (0, 1, 2)]
        results = await asyncio.gather(*filling, *small)
        assert results[-3:] == [("the connection did not take it within 0.5 s", False)] * 3
        broker.writers[-1].transport.resume_reading()
        await source.deliver(message("last", 0), PATIENCE)
        await until(lambda: bool(broker.published) and broker.published[-1][0] == "last")
        unsent = {f"big/{number}" for number, (_, sent) in enumerate(results[:10]) if not sent}
        arrived = {topic for topic, _, _ in broker.published}
        assert unsent
        assert arrived.isdisjoint({*unsent, "small/0", "small/1", "small/2"})
