"""All that survives a restart, for the daemon: the model, last values, subscriptions, and how values are written.

`restore` is called once, before anything comes; `run` writes what changes; `close` writes the rest at an orderly end.
Nothing here stops the daemon: a file that is damaged is put aside, one that cannot be written is tried again, and both
are counted and told, a fault that lasts once. Damage is what SQLite or a checksum says is damage; a full disk, a lock,
or a file system that is read-only is none. Then the state is read all the same where that can be. What cannot be read
at the start is read as soon as it can: the subscriptions in it go on as after a crash, and the values in it stay for
the next run, those of elements that have not reported meanwhile.
"""

import asyncio
import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from bridge.engine import EVERYTHING_NS, Engine, Restored
from bridge.space import Vqt
from bridge.space.uncollected import uncollected
from bridge.state.database import Database
from bridge.state.document import Unusable
from bridge.state.keeper import INTERVAL, Keeper, stamp
from bridge.state.store import Store
from bridge.state.subscriptions import KeptSubscriptions, SubscriptionFile
from bridge.state.templates import Keeping, TemplateFile
from bridge.state.values import KeptValues, Values
from bridge.uns import Message

CLOSE_S = 3.0  # seconds that the end may take; a stop takes at most 5 in all
LOOK = 1.0  # seconds between two looks for what has changed
RETRY = 10.0  # seconds until values that could not be written are tried again: they are many

_log = logging.getLogger("bridge.state")
_FAULTS = (OSError, sqlite3.Error)


class StateKeeper:
    """`fingerprint` is that of the model's configuration, `safe_ns` tells up to which time of receipt history has
    everything on the disk; `problems` counts files that could not be used or written.
    """

    def __init__(
        self,
        directory: Path,
        engine: Engine,
        fingerprint: str,
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
        safe_ns: Callable[[], int] = lambda: EVERYTHING_NS,
        templates: Keeping | None = None,
    ) -> None:
        self._model = Keeper(Store(directory), engine.space, fingerprint, clock)
        self._database = Database(directory)
        self._values = Values(engine, self._database, safe_ns)
        self._subscriptions = SubscriptionFile(engine.subscriptions, self._database)
        self._templates = TemplateFile(templates, self._database)
        self._space = engine.space
        self._clock = clock
        self._monotonic = monotonic
        self._faults = 0
        self._faulty = False  # the last attempt failed
        self._files = 0  # that were given up
        self._is_read = False  # what the file holds has been read, or written by this run
        self._is_stuck = False  # a damaged file cannot be renamed
        self._opening = threading.Lock()
        self._saved = monotonic()  # when values were last written, or could not be
        self._has_saved = False

    @property
    def problems(self) -> int:
        return self._faults + self._model.problems + self._values.unkept

    # --- at the start ------------------------------------------------------------------------------------------------

    def restore(self, newer: Mapping[str, Vqt] = MappingProxyType({})) -> None:
        """Go on with what was kept. `newer` are the last rows of a history by element id; see `Engine.restore`."""
        with uncollected():
            self._model.restore()
            self._restore(newer)

    def _restore(self, newer: Mapping[str, Vqt]) -> None:
        values, subscriptions, templates = KeptValues(), KeptSubscriptions(), list[Message]()
        try:
            values, subscriptions, templates = self._read()
        except Unusable as error:
            self._give_up_file(str(error))
        except _FAULTS as error:
            self._complain(f"cannot be read: {error}; tried again")
        restored = self._values.restore(values, newer, self._clock())
        self._templates.restore(templates)
        try:
            self._subscriptions.restore(subscriptions, self._monotonic(), writable=self._database.is_open)
        except Unusable as error:
            self._give_up_file(str(error))
        except _FAULTS as error:
            self._complain(f"cannot be written: {error}; tried again")
        self._tell(restored, len(subscriptions.notes))

    def _read(self) -> tuple[KeptValues, KeptSubscriptions, list[Message]]:
        """What the last run has written, also from a file that cannot be written for now. Open afterwards is one that
        can.
        """
        try:
            self._database.open()
        except _FAULTS as error:
            self._complain(f"cannot be written: {error}; tried again")
        opened = contextlib.nullcontext() if self._database.is_open else self._database.reading()
        kept = KeptValues(), KeptSubscriptions(), list[Message]()
        if self._database.path.exists():
            with opened:
                kept = self._values.read(), self._subscriptions.read(), self._templates.read()
        self._is_read = True
        return kept

    def _tell(self, restored: Restored, subscriptions: int) -> None:
        if restored.count or subscriptions:
            _log.info(
                "%s: goes on with the last values of %d elements%s and %d subscriptions",
                self._database.path.parent,
                restored.count,
                f" ({restored.from_history} from history)" if restored.from_history else "",
                subscriptions,
            )

    def _put_aside(self, why: str) -> None:
        """Where it cannot be renamed, that is tried again whenever it is to be opened, and told once."""
        self._faulty = self._is_stuck  # else another fault than the one before
        try:
            aside = self._database.put_aside(stamp(self._clock()))
        except OSError as error:
            self._complain(f"cannot be used ({why}) nor renamed ({error.strerror})")
            self._is_stuck = True
        else:
            self._faulty = False
            self._complain(f"cannot be used ({why}): values and subscriptions begin anew; it is kept as {aside.name}")
            self._faulty = self._is_stuck = False  # the next one is another

    def _give_up_file(self, why: str) -> None:
        self._database.close()
        self._put_aside(why)
        self._files += 1
        self._is_read = True  # there is nothing else in a new one
        self._values.forget_file()
        self._subscriptions.forget_file()
        self._templates.forget_file()

    # --- while it runs -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write what has changed: subscriptions within about a second, values and the model now and then."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._model.run(), name="state-model")
            tasks.create_task(self._run_values(), name="state-values")
            while True:
                await asyncio.sleep(LOOK)
                await self._attempt(self._flush)

    async def _flush(self) -> None:
        await self._subscriptions.flush()
        await self._values.flush()

    async def _run_values(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            self._values.look()
            if self._is_due():
                self._saved = self._monotonic()
                if await self._attempt(self._save):
                    self._has_saved = True
                else:
                    self._saved += RETRY - INTERVAL

    async def _save(self) -> None:
        await self._values.save()
        await self._templates.save()

    def _is_due(self) -> bool:
        """At once when the model has settled, as it is written then, too."""
        waits = self._monotonic() - self._saved < INTERVAL
        return self._values.has_news and not (waits and (self._has_saved or self._space.provisional))

    async def _attempt(self, act: Callable[[], Awaitable[None]]) -> bool:
        """Whether it could be done."""
        file = self._files
        try:
            if not self._database.is_open:
                await asyncio.to_thread(self._open)
            if not self._is_read:
                await self._adopt()
            await act()
        except Unusable as error:
            if file == self._files:  # else another attempt has found it, and there is a new one
                self._give_up_file(str(error))
        except _FAULTS as error:
            self._complain(f"cannot be written: {error}; tried again")
        else:
            if self._faulty:
                _log.info("%s: is written again", self._database.path)
            self._faulty = False
            return True
        return False

    def _open(self) -> None:
        """In a thread: it takes as long as the file is large."""
        with self._opening:
            if self._is_stuck and self._database.path.exists():
                self._database.put_aside(stamp(self._clock()))
            self._is_stuck = False
            self._database.open()

    async def _adopt(self) -> None:
        """Go on with what could not be read at the start."""
        kept = await asyncio.to_thread(self._subscriptions.read)
        if not self._is_read:  # another attempt may have been quicker
            self._is_read = True
            self._subscriptions.adopt(kept, self._monotonic())

    # --- the end -----------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Write everything, subscriptions first; no request may be answered afterwards. Takes `CLOSE_S` at most."""
        try:
            with uncollected():
                async with asyncio.timeout(CLOSE_S):
                    await asyncio.gather(self._model.close(), self._close_database())
        except TimeoutError:
            self._complain(f"was not written to the end within {CLOSE_S:.0f} s")
            self._database.interrupt()
        with contextlib.suppress(sqlite3.Error):  # what is committed is safe all the same
            await asyncio.to_thread(self._database.close)

    async def _close_database(self) -> None:
        await self._attempt(self._subscriptions.close)
        if self._values.has_news:
            await self._attempt(self._save)
        await self._attempt(self._values.flush)

    def _complain(self, text: str) -> None:
        self._faults += 1
        if not self._faulty:
            _log.warning("%s: %s", self._database.path, text)
        self._faulty = True
