"""The last readings of all elements, from one run to the next.

Written are those of elements that have reported since the last time, in slices: messages come in between. So a file may
hold readings of different moments, each of them whole; `saved_ns` in it is the time of receipt up to which it is
complete. That an element has gone, and births, are written within about a second.

Nothing is written that history has not got on the disk yet: after a crash the broker sends that again, and a value that
was put back would make it a duplicate, which goes into no history. What was noted too early is *held* until it is safe,
even where something newer has come meanwhile, and what the file has of its element stays there.

History still has rows of elements that have gone, so these are noted as *removed* until they report again: else a later
run, which makes every element that history knows, would make them, too.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec
from msgspec import Struct

from bridge.engine import EVERYTHING_NS, ElementNote, Engine, Restored
from bridge.space import Vqt
from bridge.state import births
from bridge.state.database import Database, Row
from bridge.state.document import Unusable
from bridge.uns import Message

TABLE = "elements"
REMOVED = "removed"
MAX_REMOVED = 1_000_000  # elements: some 100 MB; of more, the first that had gone would be made again
MAX_HELD = 20_000  # readings: some 10 MB; more, when the disk is stuck, are noted again the next time
CHUNK = 5_000  # elements of one transaction: some 20 ms of other threads' time

_SAVED = "saved_ns"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ElementNote).decode


class KeptValues(Struct, frozen=True):
    """What a file holds."""

    notes: Sequence[ElementNote] = ()
    saved_ns: int = 0
    births: Sequence[Message] = ()
    removed: Mapping[str, int] = MappingProxyType({})  # by id, as of when an element had gone


class Values:
    """`unkept` counts readings that cannot be written down: texts that no encoding has. `safe_ns` tells up to which
    time of receipt history has everything.
    """

    def __init__(self, engine: Engine, database: Database, safe_ns: Callable[[], int] = lambda: EVERYTHING_NS) -> None:
        self.unkept = 0
        self._engine = engine
        self._database = database
        self._births = births.Births()
        self._safe_ns = safe_ns
        self._gone: dict[str, None] = {}  # whose readings are to be deleted
        self._held: dict[str, ElementNote] = {}  # by id, what is to be written when history has it
        self._removed: dict[str, int] = {}  # see `KeptValues`
        self._unsaid: dict[str, None] = {}  # of whom the file does not say whether they are removed, or says it wrongly
        self._saved_ns = 0  # the file has all that was received before
        self._is_whole = True  # unless it has lost what was put back at the start
        self._saving = False  # who goes meanwhile may be among those noted, so it is deleted afterwards
        self._latest_ns = 0  # time of receipt at the last look
        engine.on_gone(self._has_gone)
        engine.on_first(self._has_come)
        engine.on_birth(self._births.hear)

    def _has_gone(self, ident: str, gone_ns: int) -> None:
        self._gone[ident] = None
        self._held.pop(ident, None)
        self._removed.pop(ident, None)  # so that the last that has gone is the last here
        self._removed[ident] = gone_ns
        self._unsaid[ident] = None
        if len(self._removed) > MAX_REMOVED:
            self._forget_removed(next(iter(self._removed)))

    def _has_come(self, ident: str) -> None:
        if ident in self._removed:
            self._forget_removed(ident)

    def _forget_removed(self, ident: str) -> None:
        del self._removed[ident]
        self._unsaid[ident] = None

    # --- at the start ------------------------------------------------------------------------------------------------

    def read(self) -> KeptValues:
        """What the last run has written. Raises `Unusable`."""
        try:
            saved_ns = int(dict(self._database.read("meta")).get(_SAVED, b"0"))
            notes = [_decode(data) for _, data in self._database.read(TABLE)]
            removed = {ident: int(data) for ident, data in self._database.read(REMOVED)}
        except ValueError as error:  # msgspec's are, too
            raise Unusable(f"not a reading: {error}") from None
        return KeptValues(notes, saved_ns, self._births.read(self._database.read(births.TABLE)), removed)

    def restore(self, kept: KeptValues, newer: Mapping[str, Vqt], now_ns: int) -> Restored:
        """Put everything back; see `Engine.restore`."""
        self._removed = dict(kept.removed)
        restored = self._engine.restore(kept.notes, now_ns, newer, kept.removed, kept.births)
        self._saved_ns = min(kept.saved_ns, now_ns)  # the clock may have been set back
        self._is_whole = not restored.from_history
        noted = {note.ident for note in kept.notes} if restored.left_out else set()
        for ident in restored.left_out:
            if ident in noted:
                self._has_gone(ident, now_ns)
        for ident in [ident for ident in self._removed if ident not in newer and ident not in noted]:
            self._forget_removed(ident)  # history has forgotten it, too
        return restored

    def forget_file(self) -> None:
        """What was written is gone."""
        self._saved_ns, self._is_whole = 0, False
        self._gone.clear()
        self._unsaid = dict.fromkeys(self._removed)
        self._births.forget_file()

    # --- while it runs -----------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Called about once a second. Where the clock steps back, nothing is older than what the file has."""
        if self._engine.received_ns < self._latest_ns:
            self._saved_ns = 0
        self._latest_ns = self._engine.received_ns

    @property
    def has_news(self) -> bool:
        return self._engine.received_ns > self._saved_ns or not self._is_whole

    async def flush(self) -> None:
        """Write who has gone, births, and what is safe by now."""
        safe_ns = self._safe_ns()
        safe = [note for note in self._held.values() if note.received_ns <= safe_ns]
        if self._saving or not (self._gone or self._unsaid or self._births or safe):
            return
        gone, self._gone = self._gone, {}
        unsaid, self._unsaid = self._unsaid, {}
        removed = {ident: self._removed.get(ident) for ident in unsaid}
        born, ended = self._births.take(safe_ns)
        for note in safe:
            del self._held[note.ident]
        try:
            await asyncio.to_thread(self._write_few, list(gone), removed, safe, born, ended)
        except BaseException:
            self._held = {note.ident: note for note in safe if note.ident not in self._gone} | self._held
            self._gone, self._unsaid = gone | self._gone, unsaid | self._unsaid
            self._births.put_back(born, ended)
            raise

    def _write_few(
        self,
        gone: Sequence[str],
        removed: Mapping[str, int | None],
        safe: Sequence[ElementNote],
        born: Sequence[Message],
        ended: Sequence[str],
    ) -> None:
        with self._database.writing() as writing:
            writing.delete(TABLE, gone)
            writing.put(TABLE, self._rows(safe))
            writing.delete(REMOVED, [ident for ident, gone_ns in removed.items() if gone_ns is None])
            writing.put(REMOVED, [(ident, b"%d" % since) for ident, since in removed.items() if since is not None])
            births.write(writing, born, ended)

    async def save(self) -> None:
        """Write the readings since the last time. Who has gone is deleted first: it may be there again."""
        await self.flush()
        self._saving = True
        try:
            await self._save()
        finally:
            self._saving = False
        await self.flush()

    async def _save(self) -> None:
        since_ns = self._saved_ns if self._is_whole else 0
        until_ns = max(self._engine.received_ns, self._saved_ns)
        some: list[ElementNote] = []
        for notes in self._engine.notes(since_ns):
            safe_ns = self._safe_ns()
            until_ns = min(until_ns, safe_ns)  # what is not written now is due again
            some += [note for note in notes if note.received_ns <= safe_ns]
            self._hold([note for note in notes if note.received_ns > safe_ns])
            if len(some) >= CHUNK:
                await asyncio.to_thread(self._write, some)
                some = []
            await asyncio.sleep(0)
        await asyncio.to_thread(self._write, some, until_ns)
        self._saved_ns, self._is_whole = until_ns, True

    def _hold(self, notes: Sequence[ElementNote]) -> None:
        """Until they are safe; one that is held already will be sooner."""
        for note in notes[: max(0, MAX_HELD - len(self._held))]:
            self._held.setdefault(note.ident, note)

    def _write(self, notes: Sequence[ElementNote], saved_ns: int | None = None) -> None:
        rows = sorted(self._rows(notes))
        with self._database.writing() as writing:
            writing.put(TABLE, rows)
            if saved_ns is not None:
                writing.put("meta", [(_SAVED, b"%d" % saved_ns)])

    def _rows(self, notes: Sequence[ElementNote]) -> Iterator[Row]:
        for note in notes:
            try:
                yield note.ident, _encode(note)
            except (ValueError, RecursionError):
                self.unkept += 1
