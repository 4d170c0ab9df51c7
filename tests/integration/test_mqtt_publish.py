"""Publishing with the broker's word that it has it: real brokers, and what they refuse."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from proxy import Proxy

from bridge.config import MqttSettings
from bridge.sources.base import NotDelivered
from bridge.sources.mqtt import MqttSource
from bridge.uns import Message
from mosquitto import HOST, Mosquitto

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

MakeMosquitto = Callable[..., Mosquitto]


def running(broker: Mosquitto) -> Mosquitto:
    """It is stopped by whoever made it."""
    broker.start()
    return broker


def source_of(broker: Mosquitto, protocol: str = "auto") -> MqttSource:
    return MqttSource(MqttSettings(url=broker.url, client_id="publisher", protocol=protocol))


async def connected(source: MqttSource, *, wanted: bool = True) -> None:
    async with asyncio.timeout(10):
        while source.health().connected is not wanted:  # noqa: ASYNC110 - the source has no event for it
            await asyncio.sleep(0.01)


async def taken(source: MqttSource, count: int) -> list[Message]:
    """The first messages that come."""
    found: list[Message] = []
    async with asyncio.timeout(10):
        async for batch in source.batches():
            found += batch.messages
            batch.done()
            if len(found) >= count:
                return found
    raise AssertionError("the source has ended")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_delivered(make_mosquitto: MakeMosquitto, protocol: str, qos: int) -> None:
    """What is delivered comes back, with its properties where the protocol has them."""
    broker = running(make_mosquitto())
    async with source_of(broker, protocol) as source:
        await connected(source)
        properties = {"by": "alice"} if protocol == "5" else None
        await source.deliver(Message("a/b", b"1", qos, retain=True, properties=properties), 5)
        (message,) = await taken(source, 1)
    assert (message.topic, message.payload, message.properties) == ("a/b", b"1", properties)


async def test_many_at_once(make_mosquitto: MakeMosquitto) -> None:
    """Hundreds wait for each other, and each is there once."""
    broker = running(make_mosquitto())
    async with source_of(broker) as source:
        await connected(source)
        sent = [source.deliver(Message(f"a/{number}", b"1", 1), 20) for number in range(500)]
        reading = asyncio.create_task(taken(source, 500))
        await asyncio.gather(*sent)
        found = [message.topic for message in await reading]
    assert sorted(found) == sorted(f"a/{number}" for number in range(500))


async def test_refused(make_mosquitto: MakeMosquitto, tmp_path: Path) -> None:
    """A topic that the broker does not let us write is told with its reason (MQTT 5)."""
    acl = tmp_path / "acl"
    acl.write_text("topic read #\ntopic readwrite mine/#\n")
    broker = running(make_mosquitto(f"acl_file {acl}"))
    async with source_of(broker, "5") as source:
        await connected(source)
        await source.deliver(Message("mine/a", b"1", 1), 5)
        for qos in (1, 2):
            await connected(source)
            with pytest.raises(NotDelivered, match="refused it"):
                await source.deliver(Message("other/a", b"1", qos), 5)
            await asyncio.sleep(0.1)  # mosquitto 2.0.11 closes the connection after it has refused


async def test_not_connected(make_mosquitto: MakeMosquitto) -> None:
    """Without a connection it fails at once, and is not sent later."""
    broker = running(make_mosquitto())
    async with source_of(broker) as source:
        await connected(source)
        broker.stop()
        await connected(source, wanted=False)
        started = time.monotonic()
        with pytest.raises(NotDelivered, match=r"not connected|connection broke"):
            await source.deliver(Message("a/b", b"1", 1), 5)
        assert time.monotonic() - started < 4
        broker.start()
        await connected(source)
        await source.deliver(Message("a/c", b"2", 1), 5)
        assert [message.topic for message in await taken(source, 1)] == ["a/c"]


async def test_a_broker_that_does_not_answer(make_mosquitto: MakeMosquitto) -> None:
    """The wait is bounded, also for those that wait for room."""
    broker = running(make_mosquitto())
    async with source_of(broker) as source:
        await connected(source)
        broker.freeze()
        sent = [source.deliver(Message(f"a/{number}", b"1", 1), 0.5) for number in range(50)]
        results = await asyncio.gather(*sent, return_exceptions=True)
    assert {str(result) for result in results} == {
        "the broker did not acknowledge it within 0.5 s",
        "it was not sent within 0.5 s: the broker has not acknowledged those before it",
    }


async def test_too_large(make_mosquitto: MakeMosquitto) -> None:
    """A packet that the broker would cut the connection for is not sent."""
    broker = running(make_mosquitto("max_packet_size 2000"))
    async with source_of(broker, "5") as source:
        await connected(source)
        with pytest.raises(NotDelivered, match="2000 bytes at most"):
            await source.deliver(Message("a/b", b"1" * 3_000, 1), 5)
        assert source.health().connected


async def test_a_frame_that_leaves_in_parts(make_mosquitto: MakeMosquitto) -> None:
    """A WebSocket that takes a part of a message gets the rest when it takes more: none is lost, and all are told."""
    lines = "listener {port} 127.0.0.1", "listener {ws_port} 127.0.0.1", "protocol websockets"
    broker = running(make_mosquitto(*lines))
    url = f"ws://{HOST}:{broker.ws_port}/mqtt"
    async with MqttSource(MqttSettings(url=url, client_id="publisher", topics=["a"])) as source:
        await connected(source)
        broker.freeze()
        sending = [asyncio.create_task(source.deliver(Message("b", bytes(3_000_000), 1), 10)) for _ in range(4)]
        await asyncio.sleep(0.5)
        broker.thaw()
        await asyncio.gather(*sending)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_unfinished_business(make_mosquitto: MakeMosquitto, protocol: str) -> None:
    """Writes of QoS 2 that a broken connection leaves unfinished do not use up what the broker takes in the session."""
    broker = running(make_mosquitto("max_inflight_messages 20"))
    with Proxy(broker.port) as proxy:
        settings = MqttSettings(url=proxy.url, client_id="publisher", protocol=protocol)
        async with MqttSource(settings) as source:
            await connected(source)
            proxy.mute = True
            sending = [asyncio.create_task(source.deliver(Message("b", b"1", 2), 10)) for _ in range(20)]
            await asyncio.sleep(0.5)
            proxy.mute = False
            proxy.reset()
            outcomes = await asyncio.gather(*sending, return_exceptions=True)
            assert [isinstance(one, NotDelivered) and one.sent for one in outcomes] == [True] * 20
            await connected(source)
            for qos in (1, 2):
                await source.deliver(Message("b", b"2", qos), 5)
            found = await taken(source, 22)
    assert [message.payload for message in found] == [b"1"] * 20 + [b"2"] * 2
