"""A TCP proxy that does to a connection what networks do: resets, black holes, latency, tiny segments."""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from mosquitto import HOST

READ = 65_536  # bytes
ENDS_S = 0.01  # for the tasks of connections that were reset to notice
PIECES = 1_000  # of data on their way in one direction; then the sender must wait

_LINGER_NOT = struct.pack("ii", 1, 0)  # a close that sends a reset


class _Pair:
    """One client's connection and the one that was made for it."""

    def __init__(self, client: asyncio.StreamWriter) -> None:
        self.writers = [client]
        self.holed = False  # bytes are missing: it can only be reset

    def reset(self) -> None:
        for writer in self.writers:
            sock = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):  # it may be gone already
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            writer.transport.abort()


class Proxy:
    """Listens on a free port and passes everything on to another one, in a thread of its own.

    `latency` and `jitter` in seconds and `one_byte` apply to what comes from now on. In a black hole connections are
    taken, and what they carry is swallowed, both ways; `heal` resets those that miss something. While `mute`, what the
    other one says is swallowed, and nothing else.
    """

    def __init__(self, target: int, *, latency: float = 0.0, jitter: float = 0.0, one_byte: bool = False) -> None:
        self._target = target
        self.latency, self.jitter, self.one_byte = latency, jitter, one_byte
        self.mute = False
        self._hole = False
        self._pairs: set[_Pair] = set()
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self.resets = 0
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    @property
    def url(self) -> str:
        return f"mqtt://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        self._loop.close()

    def reset(self) -> int:
        """Reset all connections; how many there were."""
        return self._call(self._reset)

    def black_hole(self) -> None:
        """Swallow everything from now on."""
        self._call(self._dig)

    def heal(self) -> None:
        """Pass on again; connections that were in the hole are reset."""
        self._call(self._fill)

    @property
    def open(self) -> int:
        """Connections now."""
        return len(self._pairs)

    # --- in the proxy's own thread -----------------------------------------------------------------------------------

    def _call(self, act: Callable[[], int]) -> int:
        async def calling() -> int:
            return act()

        return asyncio.run_coroutine_threadsafe(calling(), self._loop).result(10.0)

    def _reset(self) -> int:
        pairs = list(self._pairs)
        for pair in pairs:
            pair.reset()
        self.resets += len(pairs)
        return len(pairs)

    def _dig(self) -> int:
        self._hole = True
        for pair in self._pairs:
            pair.holed = True
        return len(self._pairs)

    def _fill(self) -> int:
        self._hole = False
        holed = [pair for pair in self._pairs if pair.holed]
        for pair in holed:
            pair.reset()
        return len(holed)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accepted, sock=self._listener)
        async with server:
            await self._end.wait()
            server.close()
            while self._pairs:
                self._reset()
                await asyncio.sleep(ENDS_S)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pair = _Pair(writer)
        pair.holed = self._hole
        self._pairs.add(pair)
        try:
            with contextlib.suppress(OSError):  # a reset, or nobody listens there: the client sees the end
                if pair.holed:
                    await self._swallow(reader)
                else:
                    await self._pass(pair, reader, writer)
        finally:
            self._pairs.discard(pair)
            pair.reset()

    async def _swallow(self, reader: asyncio.StreamReader) -> None:
        while await reader.read(READ):
            pass

    async def _pass(self, pair: _Pair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(HOST, self._target)
        pair.writers.append(there_writer)
        ways = [(reader, there_writer), (there_reader, writer)]
        tasks = [asyncio.ensure_future(self._one_way(pair, *way)) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _one_way(self, pair: _Pair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one side has ended and the other has got everything."""
        way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(PIECES)
        delivering = asyncio.ensure_future(self._deliver(way, writer))
        due = 0.0
        try:
            while data := await reader.read(READ):
                if pair.holed or (self.mute and writer is pair.writers[0]):
                    continue
                late = random.uniform(-self.jitter, self.jitter) if self.jitter else 0.0
                due = max(due, self._loop.time() + self.latency + late)
                await way.put((due, data))
            await way.put((due, b""))
            await delivering
        finally:
            delivering.cancel()

    async def _deliver(self, way: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter) -> None:
        while True:
            due, data = await way.get()
            if not data:
                return
            wait = due - self._loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            step = 1 if self.one_byte else len(data)
            for at in range(0, len(data), step):
                writer.write(data[at : at + step])
                await writer.drain()
