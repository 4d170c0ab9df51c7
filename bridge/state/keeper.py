"""The keeper of the model: gives it back at the start, and writes it down when it has changed.

Nothing here is in the way of messages: the model is noted in slices, and bytes are made and written by a thread.
Nothing here stops the daemon either: a file that cannot be used is put aside, one that cannot be written is tried
again, and both are counted and told.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from bridge import __version__
from bridge.space import AddressSpace
from bridge.space.learning.remembered import Memory
from bridge.state.document import FORMAT, Header, Unusable
from bridge.state.store import Store
from bridge.uns.moments import SECOND, render

INTERVAL = 300.0  # seconds between two files, while the model keeps changing
_LOOK = 1.0  # seconds between two looks
_DAY_NS = 86_400 * SECOND

_log = logging.getLogger("bridge.state")


class Keeper:
    """`fingerprint` is that of the configuration; `problems` counts files that could not be used or written."""

    def __init__(
        self, store: Store, space: AddressSpace, fingerprint: str, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self.problems = 0
        self._store = store
        self._space = space
        self._fingerprint = fingerprint
        self._clock = clock
        self._tried_ns = 0  # when a file was last written, or could not be
        self._revision = -1  # of the model in it

    # --- at the start ------------------------------------------------------------------------------------------------

    def restore(self) -> None:
        """Let the space go on with the model that was kept, if there is one that can be used."""
        try:
            found = self._store.read()
            if found is not None:
                self._resume(*found)
        except (Unusable, ValueError) as error:
            self._put_aside(str(error))
        except OSError as error:
            self._complain(f"{self._store.path}: the model of the last run cannot be read: {error.strerror}")

    def _resume(self, header: Header, memory: Memory) -> None:
        if header.fingerprint != self._fingerprint:
            _log.info("%s: learnt under another configuration of the model: it is learnt anew", self._store.path)
            return
        self._space.resume(memory)
        _log.info(
            "%s: goes on with %d types and the places of %d elements, as of %s",
            self._store.path,
            len(memory.types),
            len(self._space.remembered),
            header.saved,
        )

    def _put_aside(self, why: str) -> None:
        path = self._store.path
        try:
            aside = self._store.put_aside(stamp(self._clock()))
        except OSError as error:
            self._complain(f"{path}: cannot be used ({why}) nor renamed ({error.strerror}): the model is learnt anew")
        else:
            self._complain(
                f"{path}: cannot be used ({why}): the model is learnt anew; the file is kept as {aside.name}"
            )

    # --- while it runs -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write the model when it has settled, and now and then when it has changed."""
        while True:
            await asyncio.sleep(_LOOK)
            if self._is_due():
                await self.save()

    async def close(self) -> None:
        """Write what has changed since the last time."""
        if self._has_news():
            await self.save()

    def _has_news(self) -> bool:
        """An unchanged model is written once a day all the same: it says when its elements were last there."""
        if self._space.provisional or not self._space.by_topic:
            return False
        return self._revision != self._space.revision or self._clock() - self._tried_ns >= _DAY_NS

    def _is_due(self) -> bool:
        return self._clock() - self._tried_ns >= INTERVAL * SECOND and self._has_news()

    async def save(self) -> None:
        """Note the model down and write it."""
        now_ns, revision = self._clock(), self._space.revision
        self._tried_ns = now_ns
        memory = await self._noted(now_ns // _DAY_NS)
        header = Header(FORMAT, __version__, render(now_ns), self._fingerprint)
        try:
            size = await asyncio.to_thread(self._store.write, header, memory)
        except (OSError, ValueError) as error:
            self._complain(f"{self._store.path}: the model cannot be written: {error}")
        else:
            self._revision = revision
            _log.debug("%s: %d types, %d bytes", self._store.path, len(memory.types), size)

    async def _noted(self, today: int) -> Memory:
        steps = self._space.snapshot(today)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                memory: Memory = done.value
                return memory
            await asyncio.sleep(0)

    def _complain(self, text: str) -> None:
        self.problems += 1
        _log.warning("%s", text)


def stamp(now_ns: int) -> str:
    """The time as part of a file's name."""
    return render(now_ns)[:19].replace(":", "").replace("-", "") + "Z"
