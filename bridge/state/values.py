"""The last readings of all elements, from one run to the next.

Written are those of elements that have reported since the last time, in slices: messages come in between. So a file may
hold readings of different moments, each of them whole; `saved_ns` in it is the time of receipt up to which it is
complete. That an element has gone, and births, are written within about a second.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from bridge.engine import ElementNote, Engine, Restored
from bridge.space import Vqt
from bridge.state import births
from bridge.state.database import Database, Row
from bridge.state.document import Unusable
from bridge.uns import Message

TABLE = "elements"
CHUNK = 5_000  # elements of one transaction: some 20 ms of other threads' time

_SAVED = "saved_ns"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ElementNote).decode


class KeptValues(Struct, frozen=True):
    """What a file holds."""

    notes: Sequence[ElementNote] = ()
    saved_ns: int = 0
    births: Sequence[Message] = ()


class Values:
    """`unkept` counts readings that cannot be written down: texts that no encoding has."""

    def __init__(self, engine: Engine, database: Database) -> None:
        self.unkept = 0
        self._engine = engine
        self._database = database
        self._births = births.Births()
        self._gone: dict[str, None] = {}
        self._saved_ns = 0  # the file has all that was received before
        self._is_whole = True  # unless it has lost what was put back at the start
        self._saving = False  # who goes meanwhile may be among those noted, so it is deleted afterwards
        self._latest_ns = 0  # time of receipt at the last look
        engine.on_gone(self._has_gone)
        engine.on_birth(self._births.hear)

    def _has_gone(self, ident: str) -> None:
        self._gone[ident] = None

    # --- at the start ------------------------------------------------------------------------------------------------

    def read(self) -> KeptValues:
        """What the last run has written. Raises `Unusable`."""
        try:
            saved_ns = int(dict(self._database.read("meta")).get(_SAVED, b"0"))
            notes = [_decode(data) for _, data in self._database.read(TABLE)]
        except ValueError as error:  # msgspec's are, too
            raise Unusable(f"not a reading: {error}") from None
        return KeptValues(notes, saved_ns, self._births.read(self._database.read(births.TABLE)))

    def restore(self, kept: KeptValues, newer: Mapping[str, Vqt], now_ns: int) -> Restored:
        """Put everything back; see `Engine.restore`."""
        restored = self._engine.restore(kept.notes, now_ns, newer, kept.saved_ns, kept.births)
        self._saved_ns = min(kept.saved_ns, now_ns)  # the clock may have been set back
        self._gone.update(dict.fromkeys(restored.left_out))
        return restored

    def forget_file(self) -> None:
        """What was written is gone."""
        self._saved_ns, self._is_whole = 0, False
        self._gone.clear()
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
        """Write who has gone, and births."""
        if self._saving or not (self._gone or self._births):
            return
        gone, self._gone = self._gone, {}
        born, ended = self._births.take()
        try:
            await asyncio.to_thread(self._write_few, list(gone), born, ended)
        except BaseException:
            self._gone = gone | self._gone
            self._births.put_back(born, ended)
            raise

    def _write_few(self, gone: Sequence[str], born: Sequence[Message], ended: Sequence[str]) -> None:
        with self._database.writing() as writing:
            writing.delete(TABLE, gone)
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
        since_ns, until_ns = self._saved_ns, max(self._engine.received_ns, self._saved_ns)
        some: list[ElementNote] = []
        for notes in self._engine.notes(since_ns):
            some += notes
            if len(some) >= CHUNK:
                await asyncio.to_thread(self._write, some)
                some = []
            await asyncio.sleep(0)
        await asyncio.to_thread(self._write, some, until_ns)
        self._saved_ns, self._is_whole = until_ns, True

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
