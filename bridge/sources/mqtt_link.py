"""One connection to the broker, from CONNECT to its end. Never reused: a new attempt is a new `Link`.

aiomqtt connects, subscribes and disconnects. What it does not offer is reached here, and only here, in the paho
client that it wraps: whether the session was present, why and when a connection ended before the CONNACK, the
codes of an UNSUBACK, reading and writing (`mqtt_tap`), and acknowledgements when we want them. A test names each
private attribute that this needs, so that an update of a library cannot break it silently.
"""

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY, MQTT_ERR_SUCCESS, Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from bridge.config import MqttSettings
from bridge.sources import mqtt_faults as faults
from bridge.sources import wire
from bridge.sources.filters import Topics
from bridge.sources.mqtt_endpoint import Endpoint
from bridge.sources.mqtt_faults import Cause, LinkError, Loss
from bridge.sources.mqtt_inbox import Inbox, Receipt
from bridge.sources.mqtt_intake import Intake
from bridge.sources.mqtt_outbox import Outbox
from bridge.sources.mqtt_tap import Socket, Tap
from bridge.uns import Message

CONNECT_S = 4.0  # for TCP, and again for TLS: below the 5 s in which the daemon must be able to stop
ANSWER_S = 10.0  # for CONNACK and SUBACK
CLOSE_S = 2.0  # for a DISCONNECT to leave
TICK_S = 1.0  # between looks at the keep-alive, whose unit is a second
FILTERS_AT_ONCE = 8  # in one SUBSCRIBE: some cloud brokers take no more
ALWAYS = 0  # retain handling: stored copies with every subscription
WHEN_NEW = 1  # retain handling: stored copies only if the subscription is new (section 3.8.3.1)

_T = TypeVar("_T")

V5, V311 = aiomqtt.ProtocolVersion.V5, aiomqtt.ProtocolVersion.V311

_library_log = logging.getLogger("bridge.mqtt_library")
_library_log.setLevel(logging.CRITICAL)  # the libraries log each attempt; we log changes


class Link:
    """See the module's text. Not yet connected when constructed: `open` first, and `close` in any case."""

    def __init__(
        self,
        settings: MqttSettings,
        endpoint: Endpoint,
        tls: ssl.SSLContext | None,
        version: aiomqtt.ProtocolVersion,
        topics: Topics,
        inbox: Inbox,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._settings = settings
        self.version = version
        self.session_present = False
        self._intake = Intake(topics, inbox, properties=version is V5)
        self._abandoned = False
        self._refusal: ReasonCode | None = None
        self._ended: asyncio.Future[Loss] = self._loop.create_future()
        self._tap: Tap | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._unsubscribed: list[ReasonCode] = []
        self._client = _client(settings, endpoint, tls, version)
        self._paho = self._client._client  # noqa: SLF001 - see the module's text
        self._outbox = Outbox(self._paho, properties=version is V5)
        self._hook()

    async def open(self, patience: float = ANSWER_S) -> None:
        """Connect, and wait so many seconds for the CONNACK. Raises `LinkError`."""
        self._client.timeout = patience
        entering = self._loop.create_task(self._enter(), name="mqtt-connect")
        try:
            await asyncio.wait((entering, self._ended), return_when=asyncio.FIRST_COMPLETED)
            if not entering.done() and self._refusal is None:
                raise faults.silent(self._fault)  # aiomqtt would wait for a CONNACK until its timeout
            await entering
            self._client.timeout = ANSWER_S
            self._keeping = self._loop.create_task(self._keep_alive(), name="mqtt-keep-alive")
        except (aiomqtt.MqttError, OSError, UnicodeError) as error:
            if self._refusal is not None:
                raise faults.refused(self._refusal, self._settings) from error
            if self._tap is not None and isinstance(error.__context__, TimeoutError):
                raise faults.mute() from error
            raise faults.unreachable(error) from error
        finally:
            if not entering.done():
                entering.cancel()
                await asyncio.wait((entering,))

    async def subscribe(self, filters: Sequence[str], *, recall: bool = False) -> dict[str, ReasonCode]:
        """Subscribe to all filters; the broker's answer for each. Raises `LinkError`.

        `recall` asks for the stored copies even where a resumed session knows the subscriptions already.
        """
        fresh = recall or not self.session_present
        if fresh:
            self._intake.burst.expect()
        answers: dict[str, ReasonCode] = {}
        for start in range(0, len(filters), FILTERS_AT_ONCE):
            some = filters[start : start + FILTERS_AT_ONCE]
            codes = await self._subscribe(some, ALWAYS if recall else WHEN_NEW)
            answers.update(zip(some, codes, strict=False))
        if fresh:
            self._intake.burst.subscribed(time.monotonic())
        return answers

    async def unsubscribe(self, filters: Sequence[str]) -> frozenset[str]:
        """Unsubscribe (MQTT 5 only); the filters to which there was a subscription. Raises `LinkError`."""
        await self._answered(self._client.unsubscribe(list(filters)))
        return frozenset(name for name, code in zip(filters, self._unsubscribed, strict=False) if code.value == 0)

    async def lost(self) -> Loss:
        """Wait until the connection has ended."""
        with contextlib.suppress(aiomqtt.MqttError):
            await anext(self._client.messages)  # the tap takes all messages: it only ends with the connection
        return self._loss

    def acknowledge(self, receipts: Sequence[Receipt]) -> None:
        """Tell the broker that publications of this connection are ours now; too late once it has gone.

        All in one piece, because paho's own `ack` costs a system call for each.
        """
        if receipts and not self._ended.done():
            self._paho._packet_queue(wire.PUBACK[0], wire.answers(receipts), 0, 0)  # noqa: SLF001

    def publish(self, message: Message) -> bool:
        """Send with QoS 0; whether it is connected."""
        return not self._ended.done() and self._outbox.publish(message)

    async def deliver(self, message: Message, patience: float) -> None:
        """Send, and wait for the broker's acknowledgement. Raises `NotDelivered`."""
        await self._outbox.deliver(message, patience)

    def stop(self) -> None:
        """Take in no more; what is to be sent is sent. Answers to what was delivered are not read either."""
        self._outbox.over("the bridge stopped")
        if self._tap is not None:
            self._tap.pause()

    def follow(self, before: "Link") -> None:
        """The same session, perhaps, as over another one that has ended; before `open`."""
        self._outbox.follow(before._outbox)  # noqa: SLF001 - one of us

    def resume(self) -> None:
        """The inbox has room again."""
        if self._tap is not None:
            self._tap.resume()

    async def close(self) -> None:
        """Disconnect if connected, and leave no task and no descriptor behind."""
        try:
            async with asyncio.timeout(CLOSE_S):
                if self._paho.is_connected():
                    await self._client.__aexit__(None, None, None)
        except (aiomqtt.MqttError, TimeoutError):
            _library_log.debug("no orderly end of the connection", exc_info=True)
        finally:
            self._abandoned = True
            self._paho._sock_close()  # noqa: SLF001 - an attempt that was given up has no other end
            _retrieve(self._client._disconnected)  # noqa: SLF001 - asyncio complains of unread exceptions
            _retrieve(self._client._connected)  # noqa: SLF001
            self._end(self._loss)
            if self._keeping is not None:
                self._keeping.cancel()
                await asyncio.wait((self._keeping,))

    @property
    def delivered(self) -> bool:
        """Whether a wanted message has come over this connection."""
        return self._intake.delivered

    @property
    def _fault(self) -> Exception | None:
        return self._tap.fault if self._tap is not None else None

    @property
    def _loss(self) -> Loss:
        return self._ended.result() if self._ended.done() else Loss(0, "broke the connection", in_order=False)

    def _end(self, loss: Loss) -> None:
        if not self._ended.done():
            self._ended.set_result(loss)
            self._outbox.over("the connection broke")

    async def _enter(self) -> None:
        await self._client.__aenter__()

    async def _keep_alive(self) -> None:
        while self._paho.loop_misc() == 0:  # noqa: ASYNC110 - paho wants to be asked
            await asyncio.sleep(TICK_S)

    async def _answered(self, asking: Coroutine[Any, Any, _T]) -> _T:
        """The broker's answer; aiomqtt would wait for it even when the connection has gone. Raises `LinkError`."""
        task = self._loop.create_task(asking, name="mqtt-answer")
        try:
            await asyncio.wait((task, self._ended), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise self._no_answer()
            return task.result()
        except aiomqtt.MqttError as error:
            raise self._no_answer() from error
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait((task,))

    def _no_answer(self) -> LinkError:
        return LinkError(Cause.OTHER, self._loss.text if self._ended.done() else "does not answer a subscription")

    async def _subscribe(self, filters: Sequence[str], handling: int) -> list[ReasonCode]:
        qos = self._settings.qos
        if self.version is V311:
            asking = self._client.subscribe([(pattern, qos) for pattern in filters])
        else:
            options = SubscribeOptions(qos=qos, retainAsPublished=True, retainHandling=handling)
            asking = self._client.subscribe([(pattern, options) for pattern in filters])
        codes = await self._answered(asking)
        return [code for code in codes if isinstance(code, ReasonCode)]

    # The hooks in paho.

    def _hook(self) -> None:
        self._paho.connect_timeout = CONNECT_S
        self._hook_socket()
        self._hook_connection()
        self._hook_answers()

    def _hook_socket(self) -> None:
        paho = self._paho

        def on_socket_open(_client: Client, _userdata: object, sock: Socket) -> None:
            """In the thread that connects, before the CONNECT is sent."""
            if self._abandoned:
                sock.close()
                paho._sock = None  # noqa: SLF001
                raise ConnectionAbortedError("given up meanwhile")
            tap = Tap(sock, self._loop, self._intake, paho.loop_read, paho.loop_write, self.acknowledge)
            self._tap = paho._sock = tap  # noqa: SLF001
            self._loop.call_soon_threadsafe(tap.watch)

        def on_socket_register_write(_client: Client, _userdata: object, _sock: object) -> None:
            if self._tap is not None:
                self._loop.call_soon_threadsafe(self._tap.want_write)

        paho.on_socket_open, paho.on_socket_register_write = on_socket_open, on_socket_register_write

    def _hook_connection(self) -> None:
        paho = self._paho
        connected, disconnected = paho.on_connect, paho.on_disconnect

        def on_connect(
            client: Client, userdata: object, flags: ConnectFlags, code: ReasonCode, more: Properties | None
        ) -> None:
            self.session_present = flags.session_present
            self._refusal = code if code.is_failure else None
            if self._refusal is None:
                self._outbox.connected(more, resumed=flags.session_present)
            connected(client, userdata, flags, code, more)  # type: ignore[misc, call-arg, arg-type]

        def on_disconnect(
            client: Client,
            userdata: object,
            flags: DisconnectFlags,
            code: ReasonCode,
            more: Properties | None,
        ) -> None:
            by_broker = flags.is_disconnect_packet_from_server
            closed = self._tap is not None and self._tap.closed_by_broker
            self._end(faults.ended(code, self._fault, by_broker=by_broker, closed=closed))
            disconnected(client, userdata, flags, code, more)  # type: ignore[misc, call-arg, arg-type]

        paho.on_connect, paho.on_disconnect = on_connect, on_disconnect

    def _hook_answers(self) -> None:
        paho = self._paho
        unsubscribed, received = paho.on_unsubscribe, paho._handle_pubrec  # noqa: SLF001

        def on_unsubscribe(
            client: Client, userdata: object, mid: int, codes: list[ReasonCode], more: Properties | None
        ) -> None:
            self._unsubscribed = codes
            unsubscribed(client, userdata, mid, codes, more)  # type: ignore[misc, call-arg, arg-type]

        def on_publish(_client: Client, _userdata: object, mid: int, code: ReasonCode, _more: object) -> None:
            self._outbox.acknowledged(mid, code)

        def on_received() -> MQTTErrorCode:
            """paho does not look at the reason in a PUBREC, and goes on with what the broker has refused."""
            mid, code = wire.reason(bytes(paho._in_packet["packet"]))  # noqa: SLF001
            if code < wire.FAILURE:
                return received()
            paho._out_messages.pop(mid, None)  # noqa: SLF001
            self._outbox.acknowledged(mid, ReasonCode(PacketTypes.PUBREC, identifier=code))
            return MQTT_ERR_SUCCESS

        paho.on_unsubscribe, paho.on_publish = on_unsubscribe, on_publish
        paho._handle_pubrec = on_received  # type: ignore[method-assign]  # noqa: SLF001


def _client(
    settings: MqttSettings, endpoint: Endpoint, tls: ssl.SSLContext | None, version: aiomqtt.ProtocolVersion
) -> aiomqtt.Client:
    """An aiomqtt client for one attempt, with a session that outlives it."""
    properties = None
    if version is V5:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = settings.session_expiry
        properties.ReceiveMaximum = settings.receive_maximum
    return aiomqtt.Client(
        endpoint.host,
        endpoint.port,
        username=settings.username,
        password=settings.password,
        logger=_library_log,
        identifier=settings.client_id,
        protocol=version,
        clean_session=None if version is V5 else False,
        clean_start=False if version is V5 else MQTT_CLEAN_START_FIRST_ONLY,  # the latter means: not set
        transport="tcp" if endpoint.path is None else "websockets",
        websocket_path=endpoint.path,
        timeout=ANSWER_S,
        keepalive=settings.keep_alive,
        properties=properties,
        tls_context=tls,
        tls_insecure=True if tls is not None and settings.insecure else None,
    )


def _retrieve(future: "asyncio.Future[None]") -> None:
    if future.done() and not future.cancelled():
        future.exception()
