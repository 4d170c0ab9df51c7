"""Publications that the broker has to acknowledge, over one connection.

paho counts the packets and parses the answers; here is who waits for which. As many are in flight as paho and the
broker allow, and no more are given to paho, which would keep them and send them after their time is over.
"""

import asyncio

from paho.mqtt.client import MQTT_ERR_SUCCESS, Client
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from bridge.sources import wire
from bridge.sources.base import NotDelivered
from bridge.uns import Message

IN_FLIGHT = 20  # paho's own limit, too
_OVERHEAD = 64  # bytes of a packet beside topic, payload and user properties, at most


class Outbox:
    """`ended` is done when the connection is over."""

    def __init__(self, paho: Client, ended: "asyncio.Future[object]", *, properties: bool) -> None:
        self._paho = paho
        self._ended = ended
        self._properties = properties
        self._room = asyncio.Semaphore(IN_FLIGHT)
        self._waiting: dict[int, asyncio.Future[ReasonCode]] = {}  # packet id → the answer
        self._max_qos, self._may_retain, self._max_size = 2, True, 0

    def connected(self, told: Properties | None) -> None:
        """What the broker says of its limits in the CONNACK (MQTT 5, 3.2.2.3)."""
        self._max_qos = getattr(told, "MaximumQoS", 2)
        self._may_retain = bool(getattr(told, "RetainAvailable", 1))
        self._max_size = getattr(told, "MaximumPacketSize", 0)
        self._room = asyncio.Semaphore(min(IN_FLIGHT, getattr(told, "ReceiveMaximum", IN_FLIGHT)))

    def acknowledged(self, mid: int, code: ReasonCode) -> None:
        found = self._waiting.pop(mid, None)
        if found is not None and not found.done():
            found.set_result(code)

    async def deliver(self, message: Message, patience: float) -> None:
        """See `bridge.sources.base.Publishing`."""
        self._check(message)
        try:
            async with asyncio.timeout(patience), self._room:
                await self._sent(message)
        except TimeoutError:
            raise NotDelivered(f"the broker did not acknowledge it within {patience:g} s") from None

    async def _sent(self, message: Message) -> None:
        if self._ended.done() or not self._paho.is_connected():
            raise NotDelivered("the broker is not connected")
        try:
            info = self._paho.publish(
                message.topic, message.payload, message.qos, message.retain, self._with_properties(message)
            )
        except ValueError as error:
            raise NotDelivered(f"it cannot be published: {error}") from None
        if info.rc != MQTT_ERR_SUCCESS:
            raise NotDelivered("the connection broke before it was sent")
        if message.qos == 0:
            return
        answer = self._waiting[info.mid] = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait((answer, self._ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting.pop(info.mid, None)
        if not answer.done():
            raise NotDelivered("the connection broke before the broker acknowledged it")
        if answer.result().value >= wire.FAILURE:
            code = answer.result()
            raise NotDelivered(f"the broker refused it: {str(code).lower()} ({code.value})")

    def _check(self, message: Message) -> None:
        size = len(message.topic.encode()) + len(message.payload) + _OVERHEAD
        if message.qos > self._max_qos:
            raise NotDelivered(f"the broker takes QoS {self._max_qos} at most")
        if message.retain and not self._may_retain:
            raise NotDelivered("the broker keeps no retained messages")
        if self._max_size and size > self._max_size:
            raise NotDelivered(f"the broker takes packets of {self._max_size} bytes at most")

    def _with_properties(self, message: Message) -> Properties | None:
        if not self._properties or not message.properties:
            return None
        found = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        found.UserProperty = list(message.properties.items())
        return found
