"""Takes connections in, as many as there may be, and looks through them for clients that keep us waiting.

A connection counts from the moment it is accepted, also before its TLS handshake is over. Beyond the limit a few more
are taken to be told so, and all others are closed at once.

Deadlines are looked at by one sweep through all connections, a few times within the shortest of them: a timer of its
own for each of them would cost every request more than the sweep costs them all.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Collection
from typing import Protocol

from msgspec import Struct

from bridge.config import ConnectionSettings

BURST = 100  # connections taken in one turn of the loop
TOLD = 100  # connections beyond the limit that are told
NO_DESCRIPTORS = 0.5  # seconds to wait where the process may not open any more
CLOSING = 2.0  # seconds for the other end to confirm the end of TLS
SWEEP = (0.05, 1.0)  # seconds between two sweeps, at least and at most
TELL = 60.0  # seconds between two lines about connections that were cut

_log = logging.getLogger("bridge.connections")


class Patience(Struct, frozen=True):
    """Seconds."""

    head: float
    body: float
    send: float
    idle: float

    @property
    def shortest(self) -> float:
        return min(self.head, self.body, self.send, self.idle)


class Swept(Protocol):
    """A connection."""

    def look(self, now: float) -> None:
        """Cut it off where it has been waited for long enough; `now` is the loop's time."""


class Door:
    """`make` gives a protocol for each new connection, `open_ones` are those whose handshake is over.

    `cut` counts connections that were refused or cut, by reason.
    """

    def __init__(
        self,
        settings: ConnectionSettings,
        open_ones: Collection[Swept],
        context: ssl.SSLContext | None,
    ) -> None:
        self.patience = Patience(
            settings.head_timeout, settings.body_timeout, settings.send_timeout, settings.idle_timeout
        )
        self.cut: Counter[str] = Counter()
        self.large_heads: set[Swept] = set()
        self._most = settings.max
        self._open = open_ones
        self._context = context
        self._coming: set[asyncio.Task[None]] = set()
        self._listeners: list[socket.socket] = []
        self._told: Counter[str] = Counter()

    @property
    def is_full(self) -> bool:
        return len(self._open) > self._most

    @property
    def connections(self) -> int:
        return len(self._open) + len(self._coming)

    # --- the server that uvicorn sees --------------------------------------------------------------------------------

    def open(self, listeners: Collection[socket.socket], make: Callable[[], asyncio.Protocol]) -> None:
        self._loop = asyncio.get_running_loop()
        self._make = make
        self._listeners = list(listeners)
        for listener in self._listeners:
            listener.setblocking(False)
            self._loop.add_reader(listener.fileno(), self._accept, listener)
        self._sweeper = self._loop.create_task(self._sweep(), name="connections")

    def close(self) -> None:
        for listener in self._listeners:
            self._loop.remove_reader(listener.fileno())
        self._listeners.clear()
        for task in (self._sweeper, *self._coming):
            task.cancel()

    async def wait_closed(self) -> None:
        await asyncio.gather(self._sweeper, *self._coming, return_exceptions=True)

    # --- new connections ---------------------------------------------------------------------------------------------

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(BURST):
            try:
                taken, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._wait(listener, error)
                return
            if self.connections >= self._most + TOLD:
                self.cut["full"] += 1
                taken.close()
                continue
            taken.setblocking(False)
            with contextlib.suppress(OSError):  # it has gone again
                taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = self._loop.create_task(self._take(taken))
            self._coming.add(task)
            task.add_done_callback(self._coming.discard)

    def _wait(self, listener: socket.socket, error: OSError) -> None:
        """No descriptor is left: asked at once again, it would only be said again."""
        self.cut["no descriptors"] += 1
        _log.error("cannot take connections: %s", error.strerror)
        self._loop.remove_reader(listener.fileno())
        self._loop.call_later(NO_DESCRIPTORS, self._go_on, listener)

    def _go_on(self, listener: socket.socket) -> None:
        if listener in self._listeners:
            self._loop.add_reader(listener.fileno(), self._accept, listener)

    async def _take(self, taken: socket.socket) -> None:
        """Until the protocol has the connection."""
        try:
            if self._context is None:
                await self._loop.connect_accepted_socket(self._make, taken)
            else:
                await self._loop.connect_accepted_socket(
                    self._make,
                    taken,
                    ssl=self._context,
                    ssl_handshake_timeout=self.patience.head,
                    ssl_shutdown_timeout=CLOSING,
                )
        except OSError:  # ssl.SSLError and TimeoutError are some, too
            self.cut["handshake"] += 1

    # --- those that are open -----------------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        pause = min(max(self.patience.shortest / 8, SWEEP[0]), SWEEP[1])
        tell_at = self._loop.time()
        while True:
            await asyncio.sleep(pause)
            now = self._loop.time()
            for connection in tuple(self._open):
                try:
                    connection.look(now)
                except Exception:  # noqa: BLE001 - of one connection; all others are still to be looked at
                    _log.exception("a connection's deadlines could not be looked at")
            if now >= tell_at and self.cut != self._told:
                tell_at = now + TELL
                self._tell()

    def _tell(self) -> None:
        """One line a minute at most, whatever is thrown at us."""
        new = self.cut - self._told
        self._told = self.cut.copy()
        told = ", ".join(f"{count} {reason}" for reason, count in sorted(new.items()))
        _log.log(logging.WARNING if new["full"] or new["no descriptors"] else logging.INFO, "cut off: %s", told)
