"""The MQTT source: keeps one connection to the broker for ever and hands over what comes, in batches.

One task (`_keep_connected`) connects, subscribes, waits for the end of the connection and starts again. The
connection puts messages into the inbox; `batches` takes them out. Only `Batch.done` acknowledges, and only on
the connection that a message came over: packet ids mean nothing on the next one, where the broker sends again
what it was not told of.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from types import TracebackType
from typing import Self

from aiomqtt import ProtocolVersion

from bridge.config import MqttSettings
from bridge.errors import StartError
from bridge.sources.backoff import Backoff
from bridge.sources.base import MAX_BATCH, Batch, Health, NotDelivered
from bridge.sources.filters import Topics, essential
from bridge.sources.mqtt_endpoint import Endpoint, tls_context
from bridge.sources.mqtt_faults import TAKEN_OVER, Cause, LinkError, Loss
from bridge.sources.mqtt_inbox import Inbox, Receipt
from bridge.sources.mqtt_link import ANSWER_S, V5, V311, Link
from bridge.sources.mqtt_rivals import Marks, Rivals
from bridge.sources.mqtt_status import Status
from bridge.uns import Message

NEGOTIATE_S = 3.0  # for the CONNACK while we find out the version: old brokers may just not answer
USEFUL_S = 5.0  # a connection that lived so long, or brought a message, was of use: the next wait is short

_VERSION_NAMES = {V5: "MQTT 5", V311: "MQTT 3.1.1"}


class MqttSource:
    """A `Source`; see the module's text and `base`. To be entered once, within a running event loop."""

    def __init__(self, settings: MqttSettings) -> None:
        self._settings = settings
        self._endpoint = Endpoint.parse(settings.url)
        self._filters = essential(settings.topics)
        self._topics = Topics(self._filters, settings.exclude)
        self._inbox = Inbox()
        self._status = Status(str(self._endpoint))
        self._rivals = Rivals(settings.client_id)
        self._marks = Marks()
        self._backoff = Backoff()
        self._link: Link | None = None
        self._forgetful = True  # a process that has just started has no values: it wants the stored copies
        self._stopped = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start to connect, in the background. Raises `StartError` for unusable TLS files."""
        self._tls = tls_context(self._settings) if self._endpoint.tls else None
        self._task = asyncio.create_task(self._keep_connected(), name="mqtt-source")
        self._task.add_done_callback(lambda _: self._inbox.wake())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect; `batches` ends. What was not acknowledged will be sent again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
            if not self._task.cancelled():
                self._task.exception()  # `batches` has raised it, or nobody reads them
            self._status.closed()

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield what has arrived. Raises `StartError` when another client took our client id for good."""
        while self._task is not None:
            messages, receipts = self._inbox.take()
            if self._link is not None and not self._stopped:
                self._link.resume()
            if messages:
                # Void receipts count: what they are of comes again, and will be acknowledged as known already.
                kept = sum(1 for message in messages if message.qos)
                yield Batch(messages, partial(self._done, self._link, receipts), kept)
                if len(messages) == MAX_BATCH:
                    await asyncio.sleep(0)  # there is more; let everybody else have a turn first
                continue
            if self._stopped:
                return
            if self._task.done():
                if not self._task.cancelled():
                    self._task.result()
                return
            await self._inbox.news()

    def stop(self) -> None:
        """The connection stays, and is not read any more."""
        self._stopped = True
        if self._link is not None:
            self._link.stop()
        self._inbox.wake()

    def health(self) -> Health:
        """What is known about the connection."""
        rival = self._rivals.problem(time.monotonic())
        return self._status.health(undecodable=self._topics.undecodable, rival=rival)

    def publish(self, message: Message) -> bool:
        """Send with QoS 0; whether there was a connection. Sends nothing by itself: see `rebirth`."""
        return self._link is not None and self._link.publish(message)

    async def deliver(self, message: Message, timeout: float) -> None:  # noqa: ASYNC109 - see `Publishing`
        """Publish, and wait for the broker's acknowledgement. Raises `NotDelivered`."""
        if self._stopped:
            raise NotDelivered("the bridge stops")
        if self._link is None:
            raise NotDelivered("the broker is not connected")
        await self._link.deliver(message, timeout)

    @staticmethod
    def _done(link: Link | None, receipts: list[Receipt]) -> None:
        if link is not None:
            link.acknowledge(receipts)
        receipts.clear()  # a second call does nothing

    async def _keep_connected(self) -> None:
        while True:
            await asyncio.sleep(self._backoff.wait())
            try:
                await self._one_connection()
            except LinkError as error:
                self._status.down(str(error))
                self._backoff.failed(hopeless=error.cause is Cause.REFUSED)

    async def _one_connection(self) -> None:
        """Connect and stay connected as long as it lasts. Raises `LinkError`, `StartError`."""
        link = await self._connect()
        try:
            started = time.monotonic()
            answers = await link.subscribe(self._filters, recall=self._forgetful)
            self._forgetful = False
            _raise_if_cancelled()
            await self._look_for_rivals(link)
            self._status.connected(_VERSION_NAMES[link.version], resumed=link.session_present)
            self._status.answered(self._settings.qos, answers)
            loss = await link.lost()
            self._lost(link, loss, lasted=time.monotonic() - started)
        finally:
            await link.close()

    def _lost(self, link: Link, loss: Loss, lasted: float) -> None:
        self._status.down(loss.text)
        if lasted >= USEFUL_S or link.delivered:
            self._backoff.worked()
        else:
            self._backoff.failed()
        if loss.code == TAKEN_OVER:
            self._taken_over()
        elif loss.code == 0:
            self._rivals.ended(time.monotonic(), lasted, in_order=loss.in_order)
        self._status.rival(self._rivals.problem(time.monotonic()))

    async def _look_for_rivals(self, link: Link) -> None:
        """After unexplained ends, see whether somebody else uses our session."""
        if link.version is not V5 or not self._rivals.suspected(time.monotonic()):
            return
        if await self._marks.check(link):
            try:
                self._taken_over()
            except StartError:
                await self._marks.erase(link)
                raise

    def _taken_over(self) -> None:
        """Count it. Raises `StartError` when it is for good."""
        self._backoff.worked()  # it will be settled in seconds, one way or the other
        now = time.monotonic()
        if self._rivals.taken_over(now):
            raise StartError(f"broker {self._endpoint}: {self._rivals.problem(now)}")
        self._status.rival(self._rivals.problem(now))

    async def _connect(self) -> Link:
        """Connect with the version that the settings and the broker allow. Raises `LinkError`."""
        match self._settings.protocol:
            case "5":
                return await self._open(V5)
            case "3.1.1":
                return await self._open(V311)
            case _:
                return await self._negotiate()

    async def _negotiate(self) -> Link:
        """MQTT 5, or 3.1.1 where the broker does not know 5; asked anew for each connection.

        Old brokers close the connection at a CONNECT of version 5, or wait for the rest of what they take for
        one of 3.1.1. But a new one that is starting or going down may look the same. So after 3.1.1 worked,
        version 5 is tried once more.
        """
        try:
            return await self._open(V5, NEGOTIATE_S)
        except LinkError as error:
            if error.cause not in (Cause.VERSION, Cause.SILENT):
                raise
            certain = error.cause is Cause.VERSION
        link = await self._open(V311)
        if certain:
            return link
        await link.close()
        try:
            return await self._open(V5, NEGOTIATE_S)
        except LinkError as error:
            if error.cause not in (Cause.VERSION, Cause.SILENT):
                raise
        return await self._open(V311)

    async def _open(self, version: ProtocolVersion, patience: float = ANSWER_S) -> Link:
        """One attempt. From here on receipts of earlier connections are void."""
        self._inbox.forget_receipts()
        if self._stopped:
            raise LinkError(Cause.OTHER, "is left: we stop")
        link = Link(self._settings, self._endpoint, self._tls, version, self._topics, self._inbox)
        if self._link is not None:
            link.follow(self._link)
        self._link = link  # the first messages of a resumed session come together with the CONNACK
        try:
            await link.open(patience)
        except BaseException:
            await link.close()
            raise
        return link


def _raise_if_cancelled() -> None:
    """`asyncio.wait_for` of Python 3.11, which aiomqtt uses, may swallow a cancellation (gh-81839)."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
