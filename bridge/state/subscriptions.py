"""Subscriptions, from one run to the next.

While it runs, the file has a note of each: what it monitors, and how far its numbers are reserved. These are written
about a second after a change; no request waits for it. At an orderly end what waits in all of them is written as well,
and the file is marked *clean*. The next run takes that mark away before it gives any number that was not given before:
without it, what waited is of another moment, and the subscriptions go on as after a crash (see `bridge.subscriptions`).
Where the file cannot be written for now, what is pending stays so until it can.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from bridge.state.database import Database, Row
from bridge.state.document import Unusable
from bridge.subscriptions import QueueNote, Snapshot, SubscriptionNote, Subscriptions, UpdateNote

TABLE = "subscriptions"
MAX_BYTES = 192 * 1024 * 1024  # of updates that wait, as they count in memory: what can be written before the end
SLICE = 5_000  # items that are noted without a pause: a millisecond

_CLEAN = "clean"
_UPDATES = 10_000  # of one row

_encode = msgspec.json.Encoder().encode
_note = msgspec.json.Decoder(SubscriptionNote).decode
_queue = msgspec.json.Decoder(QueueNote).decode
_updates = msgspec.json.Decoder(list[UpdateNote]).decode


class KeptSubscriptions(Struct, frozen=True):
    """What a file holds; `waiting` after an orderly end only."""

    notes: Sequence[SubscriptionNote] = ()
    waiting: Snapshot | None = None


class SubscriptionFile:
    """Writes the notes of all subscriptions into a database. Subscriptions reserve their numbers from now on."""

    def __init__(self, subscriptions: Subscriptions, database: Database) -> None:
        self._subscriptions = subscriptions
        self._database = database
        self._written: set[str] = set()  # ids of those that may be in the file
        self._is_marked = False  # the file may be marked by an earlier run
        subscriptions.unsaved.tracked = True

    # --- at the start ------------------------------------------------------------------------------------------------

    def read(self) -> KeptSubscriptions:
        """What the last run has written. Raises `Unusable`."""
        try:
            notes = [_note(data) for _, data in self._database.read(TABLE)]
            waiting = self._read_waiting() if _CLEAN in dict(self._database.read("meta")) else None
        except msgspec.MsgspecError as error:
            raise Unusable(f"not a subscription: {error}") from None
        return KeptSubscriptions(notes, waiting)

    def _read_waiting(self) -> Snapshot:
        updates = [update for _, data in self._database.read("updates") for update in _updates(data)]
        queues = {ident: _queue(data) for ident, data in self._database.read("queues")}
        if any(index >= len(updates) for queue in queues.values() for index in _indices(queue)):
            raise Unusable("updates are missing")
        return Snapshot(queues, updates)

    def restore(self, kept: KeptSubscriptions, now: float, *, writable: bool = True) -> None:
        """Go on with them. What the attempt to take the mark away raises comes when all is done."""
        self._written |= {note.ident for note in kept.notes}
        self._is_marked = True
        try:
            if writable:
                self._take_mark()
        finally:
            self._subscriptions.resume(kept.notes, kept.waiting, now, held=self._is_marked)

    def adopt(self, kept: KeptSubscriptions, now: float) -> None:
        """Go on, in the middle of a run, with those of a file that could not be read before: as after a crash, for
        what has come meanwhile went into none of them.
        """
        there = set(self._subscriptions)
        new = [note for note in kept.notes if note.ident not in there]
        self.restore(KeptSubscriptions(new), now, writable=False)

    def _take_mark(self) -> None:
        with self._database.writing() as writing:
            writing.delete("meta", [_CLEAN])
            writing.clear("queues", "updates")
        self._is_marked = False

    def forget_file(self) -> None:
        """What was written is gone."""
        self._written = set()
        self._is_marked = False
        self._subscriptions.unsaved.touch(*self._subscriptions)

    # --- while it runs -----------------------------------------------------------------------------------------------

    async def flush(self) -> None:
        """Write what has changed; then the numbers that were noted as reserved are."""
        if self._is_marked:
            await asyncio.to_thread(self._take_mark)
        idents = self._subscriptions.unsaved.take()
        if not idents:
            return
        try:
            notes = await self._noted(idents)
            noted = {note.ident for note in notes}
            self._written |= noted  # maybe: what fails may have been written all the same
            await asyncio.to_thread(self._write, notes, set(idents) - noted)
        except BaseException:
            known = self._written.union(self._subscriptions)
            self._subscriptions.unsaved.touch(*(ident for ident in idents if ident in known))
            raise
        self._written -= set(idents) - noted
        for note in notes:
            self._subscriptions.saved(note)

    async def _noted(self, idents: Iterable[str]) -> list[SubscriptionNote]:
        notes: list[SubscriptionNote] = []
        items = 0
        for ident in idents:
            note = self._subscriptions.note(ident)
            if note is not None:
                notes.append(note)
                items += len(note.items) + 1
            if items >= SLICE:
                items = 0
                await asyncio.sleep(0)
        return notes

    def _write(self, notes: Iterable[SubscriptionNote], gone: Iterable[str]) -> None:
        with self._database.writing() as writing:
            writing.delete(TABLE, gone)
            writing.put(TABLE, ((note.ident, _encode(note)) for note in notes))

    # --- the end -----------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Write all that waits, and that this is all. No number is given afterwards."""
        await self.flush()
        waiting = self._subscriptions.snapshot(MAX_BYTES)
        await asyncio.to_thread(self._write_all, waiting)

    def _write_all(self, waiting: Snapshot) -> None:
        with self._database.writing() as writing:
            writing.clear("queues", "updates")
            writing.put("queues", ((ident, _encode(queue)) for ident, queue in waiting.queues.items()))
            writing.put("updates", _pieces(waiting.updates))
            writing.put("meta", [(_CLEAN, b"")])


def _pieces(updates: Sequence[UpdateNote]) -> Iterator[Row]:
    for start in range(0, len(updates), _UPDATES):
        yield f"{start:012}", _encode(updates[start : start + _UPDATES])


def _indices(queue: QueueNote) -> Iterator[int]:
    yield from queue.initial
    yield from queue.pending
    for _, indices in queue.batches:
        yield from indices
