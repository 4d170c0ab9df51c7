"""The socket of a connection, tapped: publications go to the intake, all other packets to paho.

For each publication paho makes three system calls, a `Properties` object of fifty entries and a condition
variable, and aiomqtt reads one packet per turn of the event loop: 42 µs of CPU a message with MQTT 5. The tap
reads what has arrived in one call and keeps publications from paho altogether: 4 µs.

aiomqtt's own callbacks are not used: they (un)register a descriptor one turn late, when it may be closed already
or belong to somebody else.

A reset that has come together with data is seen at once: uvloop reports it one single time and then watches the
descriptor no more, so the reading goes on to the end as soon as the kernel has an error waiting behind the data.
"""

import asyncio
import contextlib
import logging
import select
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Protocol

from bridge.sources.mqtt_inbox import Receipt
from bridge.sources.mqtt_intake import Intake
from bridge.sources.wire import Malformed

log = logging.getLogger("bridge.mqtt")

READ_BYTES = 64 * 1024  # at most, at a time: about 600 messages, 3 ms
READS = 64  # at most, in one turn of the loop: TLS and WebSocket hand over one record or frame at a time

_NOTHING_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Socket(Protocol):
    """What paho calls a socket: a plain one, TLS, or its own wrapper that speaks WebSocket."""

    def recv(self, size: int, /) -> bytes: ...
    def send(self, data: bytes | bytearray, /) -> int: ...
    def close(self) -> None: ...
    def fileno(self) -> int: ...
    def setblocking(self, flag: bool, /) -> None: ...


class Tap:
    """Stands in for paho's socket. Lives on the event loop; only constructed in the thread that connects."""

    def __init__(
        self,
        inner: Socket,
        loop: asyncio.AbstractEventLoop,
        intake: Intake,
        loop_read: Callable[[], int],
        loop_write: Callable[[], int],
        acknowledge: Callable[[Sequence[Receipt]], None],
    ) -> None:
        """`loop_read` is paho's: handles one packet that it gets through `recv`; `loop_write` sends what waits."""
        self._inner = inner
        self._pending: Callable[[], int] = getattr(inner, "pending", int)
        self._loop = loop
        self._intake = intake
        self._loop_read = loop_read
        self._loop_write = loop_write
        self._acknowledge = acknowledge
        self._errors = select.poll()  # not the loop's: asked for errors only, and takes none from `recv`
        self._errors.register(inner.fileno(), 0)
        self._for_paho = bytearray()
        self._ended = False
        self._paused = False
        self.fault: Exception | None = None  # why the connection ended, where it was not closed in order
        self.closed_by_broker = False
        if isinstance(inner, socket.socket):
            inner.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # acknowledgements are small

    def watch(self) -> None:
        """Read when there is something to read."""
        if self.fileno() >= 0:
            self._loop.add_reader(self.fileno(), self._readable)
            self._loop.call_soon(self._readable)  # TLS may have decrypted something already

    def want_write(self) -> None:
        """Let paho write when the socket takes something; paho unregisters this by itself."""
        if self.fileno() >= 0:
            self._loop.add_writer(self.fileno(), self._writable)

    def pause(self) -> None:
        """Do not read until `resume` is called."""
        if not self._paused and not self._ended:
            self._paused = True
            self._loop.remove_reader(self.fileno())

    def resume(self) -> None:
        """Go on reading if a full intake made us stop and has room again."""
        if self._paused and not self._intake.full:
            self._paused = False
            self.watch()

    def _readable(self) -> None:
        for _ in range(READS):
            if self._ended or self._paused:
                return
            self._read()
            if self._ended or not (self._pending() or self._errors.poll(0)):
                return
        self._loop.call_soon(self._readable)

    def _read(self) -> None:
        try:
            data = self._inner.recv(READ_BYTES)
            self._for_paho += self._intake.feed(data)
            self._ended = self.closed_by_broker = not data
        except _NOTHING_YET:
            return
        except (OSError, Malformed) as error:
            self.fault = error
            self._ended = True
        self._acknowledge(self._intake.unwanted())
        self._feed_paho()
        if self._intake.full:
            self.pause()

    def _feed_paho(self) -> None:
        """Let paho read its packets; an empty read at the end tells it that the connection has gone."""
        try:
            while (self._for_paho or self._ended) and self._loop_read() == 0:
                pass
        except Exception as error:  # noqa: BLE001 - KeyError and more, for what paho does not understand
            self._give_up(error)

    def _writable(self) -> None:
        try:
            self._loop_write()
        except Exception as error:  # noqa: BLE001 - KeyError and more, for what paho does not understand
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """End the connection: paho cannot go on."""
        log.debug("the MQTT library gives up", exc_info=error)
        self.fault = error
        self._ended = True
        self._for_paho.clear()
        with contextlib.suppress(Exception):
            self._loop_read()

    # What paho and aiomqtt call.

    def recv(self, size: int) -> bytes:
        """The next bytes for paho."""
        if not self._for_paho and not self._ended:
            raise BlockingIOError
        data = bytes(self._for_paho[:size])
        del self._for_paho[:size]
        return data

    def send(self, data: bytes | bytearray) -> int:
        """Bytes from paho to the broker.

        Of a WebSocket frame that has left in part paho's wrapper says 0 and wants the same data again, but paho would
        forget them.
        """
        try:
            sent = self._inner.send(data)
        except _NOTHING_YET:
            raise
        except OSError as error:
            self.fault = error
            raise
        if not sent:
            raise BlockingIOError
        return sent

    def close(self) -> None:
        """Close the connection; `loop_read` tells so by not returning 0."""
        self._ended = True
        self._inner.close()

    def fileno(self) -> int:
        """The descriptor, -1 once closed."""
        return self._inner.fileno()

    def setblocking(self, flag: bool) -> None:
        """Pass on."""
        self._inner.setblocking(flag)
