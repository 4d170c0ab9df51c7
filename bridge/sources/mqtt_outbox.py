"""Publications that the broker has to acknowledge, over one connection.

paho numbers the packets, sends them and parses the answers; here is who waits for which, and how many are in flight:
as many as the broker allows. A publication keeps its place until the broker has answered, also when nobody waits any
more. What has not begun to leave when its time is over is taken back: it is sent in time or never.

A publication of QoS 2 that a broken connection leaves unfinished takes room in the session at the broker, until it is
released on the next one. So the next one sends its PUBREL, and never the publication itself.
"""

import asyncio
import random
import struct

from paho.mqtt.client import MQTT_ERR_SUCCESS, Client, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from bridge.sources import wire
from bridge.sources.base import NotDelivered
from bridge.uns import Message

PACKET_IDS = 65_535
IN_FLIGHT = 20  # what mosquitto takes unless told otherwise; brokers of MQTT 3.1.1 do not tell what they take
_OVERHEAD = 1 + 2 + 2  # bytes of a PUBLISH: its type, the length of the topic, the packet id (section 3.3)
_PAIR = 1 + 2 + 2  # and of a user property: its type, two lengths


class Outbox:
    """`connected` and `acknowledged` are told what the broker says, `over` that it will say no more."""

    def __init__(self, paho: Client, *, properties: bool) -> None:
        paho.max_inflight_messages_set(0)  # no limit: paho would keep what is beyond, and send it whenever it can
        paho._last_mid = random.randrange(PACKET_IDS)  # noqa: SLF001, S311 - see `follow`
        self._paho = paho
        self._properties = properties
        self._room = asyncio.Semaphore(IN_FLIGHT)
        self._waiting: dict[int, asyncio.Future[ReasonCode]] = {}  # packet id → the answer, until it has come
        self._unfinished: dict[int, MQTTMessage] = {}  # of QoS 2, over the connection before
        self._end: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._max_qos, self._may_retain, self._max_size = 2, True, 0

    def follow(self, before: "Outbox") -> None:
        """Go on with another one's packet ids and unfinished publications: a session that is resumed may know them.

        To the broker a QoS 2 publication with an id that it knows is one that it has already (section 4.3.3). A new
        process does not know those of the one before, and begins somewhere.
        """
        self._paho._last_mid = before._paho._last_mid  # noqa: SLF001
        known = before._unfinished | before._paho._out_messages  # noqa: SLF001
        self._unfinished = {mid: publication for mid, publication in known.items() if publication.qos == 2}

    def connected(self, told: Properties | None, *, resumed: bool) -> None:
        """What the broker says of its limits in the CONNACK (MQTT 5, 3.2.2.3); nothing can have been sent before."""
        unfinished, self._unfinished = self._unfinished, {}
        if resumed:
            for mid in unfinished:
                self._paho._send_pubrel(mid)  # noqa: SLF001
            # paho, which waits for the PUBCOMP, would write by itself to a socket that is ours if it knew them already.
            asyncio.get_running_loop().call_soon(self._paho._out_messages.update, unfinished)  # noqa: SLF001
        self._max_qos = getattr(told, "MaximumQoS", 2)
        self._may_retain = bool(getattr(told, "RetainAvailable", 1))
        self._max_size = getattr(told, "MaximumPacketSize", 0)
        self._room = asyncio.Semaphore(min(IN_FLIGHT, getattr(told, "ReceiveMaximum", IN_FLIGHT)))

    def acknowledged(self, mid: int, code: ReasonCode) -> None:
        """The broker's answer, or for QoS 0 that it has left."""
        found = self._waiting.pop(mid, None)
        if found is not None:
            self._room.release()
            if not found.done():
                found.set_result(code)

    def over(self, reason: str) -> None:
        """No answer will come any more: tell all that wait."""
        if not self._end.done():
            self._end.set_result(reason)
            self._room.release()  # whoever waits for room finds out, and hands it on

    def publish(self, message: Message) -> bool:
        """Send with QoS 0, and do not wait; whether it is connected."""
        if not self._paho.is_connected():
            return False
        self._skip_ids()
        return self._paho.publish(message.topic, message.payload, 0, message.retain).rc == MQTT_ERR_SUCCESS

    async def deliver(self, message: Message, patience: float) -> None:
        """See `bridge.sources.base.Publishing`."""
        self._check_connected()
        mid = 0
        answer: asyncio.Future[ReasonCode] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(patience):
                await self._room.acquire()
                try:
                    mid = self._given(message)
                except NotDelivered:
                    self._room.release()
                    raise
                self._waiting[mid] = answer
                await asyncio.wait((answer, self._end), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            if not answer.done():  # it may have come in this very turn
                raise self._late(mid, patience) from None
        except asyncio.CancelledError:
            self._taken_back(mid)
            raise
        _judge(answer, self._end)

    def _check_connected(self) -> None:
        if self._end.done() or not self._paho.is_connected():
            raise NotDelivered("the broker is not connected")

    def _given(self, message: Message) -> int:
        """Give it to paho; its packet id. Raises `NotDelivered`."""
        self._check_connected()
        try:
            properties = self._checked(message)
            self._skip_ids()
            info = self._paho.publish(message.topic, message.payload, message.qos, message.retain, properties)
        except (ValueError, struct.error) as error:
            raise NotDelivered(f"it cannot be published: {error}") from None
        if info.rc != MQTT_ERR_SUCCESS:
            raise NotDelivered("the connection broke before it was sent")
        return info.mid

    def _skip_ids(self) -> None:
        """paho does not look: an id is not used again before its publication has been answered (section 2.2.1)."""
        taken = {*self._waiting, *self._paho._out_messages}  # noqa: SLF001
        while (following := self._paho._last_mid % PACKET_IDS + 1) in taken:  # noqa: SLF001
            self._paho._last_mid = following  # noqa: SLF001

    def _late(self, mid: int, patience: float) -> NotDelivered:
        within = f"within {patience:g} s"
        if not mid:
            return NotDelivered(f"it was not sent {within}: the broker has not acknowledged those before it")
        if self._taken_back(mid):
            return NotDelivered(f"the connection did not take it {within}")
        return NotDelivered(f"the broker did not acknowledge it {within}", sent=True)

    def _taken_back(self, mid: int) -> bool:
        """Whether it had not begun to leave; it will not any more.

        The first in paho's queue stays: a part of it may be in the hands of TLS already.
        """
        queue = self._paho._out_packet  # noqa: SLF001 - see `mqtt_link`
        for index, packet in enumerate(queue):
            if index and mid and packet["mid"] == mid and packet["command"] & 0xF0 == wire.PUBLISH:
                del queue[index]
                self._paho._out_messages.pop(mid, None)  # noqa: SLF001
                self.acknowledged(mid, ReasonCode(PacketTypes.PUBACK))
                return True
        return False

    def _checked(self, message: Message) -> Properties | None:
        """Its properties for paho. Raises `NotDelivered` where the broker has said that it would not take it."""
        pairs = list((message.properties or {}).items()) if self._properties else []
        inner = sum(_PAIR + len(name.encode()) + len(value.encode()) for name, value in pairs)
        rest = _OVERHEAD + len(message.topic.encode()) + len(message.payload) + inner
        rest += _digits(inner) if self._properties else 0
        if message.qos > self._max_qos:
            raise NotDelivered(f"the broker takes QoS {self._max_qos} at most")
        if message.retain and not self._may_retain:
            raise NotDelivered("the broker keeps no retained messages")
        if self._max_size and rest + _digits(rest) > self._max_size:
            raise NotDelivered(f"the broker takes packets of {self._max_size} bytes at most")
        if not pairs:
            return None
        found = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        found.UserProperty = pairs
        return found


def _judge(answer: "asyncio.Future[ReasonCode]", end: "asyncio.Future[str]") -> None:
    """Raises `NotDelivered` unless the broker has taken it."""
    if not answer.done():
        raise NotDelivered(f"{end.result()} before the broker acknowledged it", sent=True)
    code = answer.result()
    if code.value >= wire.FAILURE:
        raise NotDelivered(f"the broker refused it: {str(code).lower()} ({code.value})")


def _digits(size: int) -> int:
    """How many bytes a length has as a Variable Byte Integer (section 1.5.5)."""
    return max(1, (size.bit_length() + 6) // 7)
