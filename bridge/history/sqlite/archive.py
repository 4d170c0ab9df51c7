"""The file without a daemon, or beside one that runs: only read, as of the last commit.

What is damaged is left out, and told (`damage`): an archive is what rows are rescued with. An entry of the log holds
rows of any elements, a block those of one element in a range of time. Where SQLite itself cannot read a page of the
file, what that page holds is left out, and what comes before and after it is not.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from msgspec import Struct, field

from bridge.history.base import Row, Series, Unreadable
from bridge.history.rows import place, within
from bridge.history.sqlite.codec import unpack
from bridge.history.sqlite.database import Damaged, is_damage, open_to_read, version_of
from bridge.history.sqlite.log import decoded
from bridge.history.sqlite.reading import trimmed, woven
from bridge.history.sqlite.work import used_bytes
from bridge.uns.moments import render

RANGES_TOLD = 5  # of lost blocks; more would only repeat that much is lost

_NUMBERS = "SELECT number FROM log ORDER BY number"
# What a flipped byte has made a text is bytes still: a checksum says whether they are right.
_ENTRY = "SELECT CAST(rows AS BLOB), checksum FROM log WHERE number = ?"
_PLACES = "SELECT start, number, end, count FROM block WHERE element = ? ORDER BY start"
_PLACES_SLOWLY = "SELECT start, number, end, count FROM block NOT INDEXED WHERE element = ? ORDER BY number"
_BLOCK = "SELECT start, CAST(data AS BLOB) FROM block WHERE number = ?"


class _Lost(Struct):
    """What could not be read: entries of the log, blocks (first time, last time, rows), and places where blocks may be
    that nothing is known of.
    """

    entries: int = 0
    blocks: list[tuple[int, int, int]] = field(default_factory=list)
    pages: int = 0

    def told(self) -> Iterator[str]:
        """A sentence for each kind."""
        if self.entries:
            yield f"damaged entries of the log: {self.entries}; some of the newest rows, of any element, may be missing"
        if self.blocks:
            spans = [f"{render(start)} to {render(end)}" for start, end, _ in sorted(self.blocks)]
            more = f" and {len(spans) - RANGES_TOLD} more" if len(spans) > RANGES_TOLD else ""
            rows = sum(count for *_, count in self.blocks)
            yield (
                f"damaged blocks: {len(spans)} with {rows} rows, which are missing: "
                f"{', '.join(spans[:RANGES_TOLD])}{more}"
            )
        if self.pages:
            yield "a part of the list of blocks is damaged; rows of unknown times may be missing"


class Archive:
    """A context manager. Everything raises `Unreadable` where the file cannot be read, and `sqlite3.Error`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lost = _Lost()

    def __enter__(self) -> Self:
        self._file = open_to_read(self._path)
        try:
            version = version_of(self._file)
        except (Damaged, sqlite3.Error) as error:
            self._file.close()
            raise Unreadable(str(error)) from None
        if not version:
            self._file.close()
            raise Unreadable("holds no history")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def damage(self) -> Sequence[str]:
        """What the last `chunks` had to leave out, a sentence for each kind; nothing if they were whole."""
        return tuple(self._lost.told())

    def info(self) -> dict[str, Any]:
        """Rows, elements, the first and the last time (ns), bytes (of the file that hold something, of the whole file,
        and of its room that is free), and what the rows take: those in blocks, and those of the log, where they are for
        a while. All as of one moment.
        """
        self._file.execute("BEGIN")
        try:
            return self._facts()
        finally:
            if self._file.in_transaction:
                self._file.execute("ROLLBACK")

    def _facts(self) -> dict[str, Any]:
        blocks, in_blocks, size, first, last = self._file.execute(
            "SELECT count(*), coalesce(sum(count), 0), coalesce(sum(length(data)), 0), min(start), max(end) FROM block"
        ).fetchone()
        elements = self._file.execute("SELECT count(*) FROM element").fetchone()[0]
        log_size = self._file.execute("SELECT coalesce(sum(length(rows)), 0) FROM log").fetchone()[0]
        lost, in_log = _Lost(), 0
        for rows in self._log(lost):
            times = [row[2] for _, row in rows]
            in_log += len(times)
            first = min([*times, *([first] if first is not None else [])], default=None)
            last = max([*times, *([last] if last is not None else [])], default=None)
        pages, free, page = (
            self._file.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return {
            "rows": in_blocks + in_log,
            "elements": elements,
            "oldest": first,
            "newest": last,
            "bytes": used_bytes(self._file) + log_size,
            "file_bytes": pages * page,
            "free_bytes": free * page,
            "blocks": blocks,
            "rows_in_blocks": in_blocks,
            "bytes_per_row_in_blocks": size / in_blocks if in_blocks else None,
            "rows_in_log": in_log,
            "bytes_per_row_in_log": log_size / in_log if in_log else None,
            "damaged_log_entries": lost.entries,
        }

    def elements(self) -> Iterator[tuple[str, int]]:
        """Ids in their order, each with its rows; one that is both in a block and in the log counts twice."""
        counts: Counter[int] = Counter(
            dict(self._file.execute("SELECT element, sum(count) FROM block GROUP BY element"))
        )
        for rows in self._log(_Lost()):
            counts.update(key for key, _ in rows)
        for key, ident in self._file.execute("SELECT key, id FROM element ORDER BY id"):
            if counts[key]:
                yield ident, counts[key]

    def chunks(self, element_id: str, start_ns: int, end_ns: int) -> Iterator[Series]:
        """Rows in ascending pieces, both ends inclusive, all as of one moment; one such iterator at a time. What is
        damaged is left out: `damage` tells it when all are read.
        """
        lost = self._lost = _Lost()
        self._file.execute("BEGIN")
        try:
            found = self._file.execute("SELECT key FROM element WHERE id = ?", (element_id,)).fetchone()
            if found is None:
                return
            rows: list[Row] = []
            for entry in self._log(lost):
                for key, row in entry:
                    if key == found[0]:
                        place(rows, row)
            yield from woven(self._blocks(found[0], start_ns, end_ns, lost), within(rows, start_ns, end_ns))
        finally:
            if self._file.in_transaction:  # some errors end it
                self._file.execute("ROLLBACK")

    def _log(self, lost: _Lost) -> Iterator[list[tuple[int, Row]]]:
        """The rows of each entry that can be read, in order. A page that cannot be read counts as one entry."""
        numbers, is_whole = self._around_damage(_NUMBERS)
        lost.entries += not is_whole
        for (number,) in numbers:
            try:
                entry, checksum = self._piece(_ENTRY, number)
                rows = decoded(entry, checksum)
            except Unreadable:
                lost.entries += 1
                continue
            yield rows

    def _blocks(self, key: int, start_ns: int, end_ns: int, lost: _Lost) -> Iterator[Series]:
        places, is_whole = self._around_damage(_PLACES, key)
        if not is_whole:  # the index is broken: the table tells as well, only slower
            more, is_whole = self._around_damage(_PLACES_SLOWLY, key)
            places = sorted({*places, *more})
        lost.pages += not is_whole
        for start, number, end, count in places:
            if end < start_ns or start > end_ns:
                continue
            try:
                first_ns, data = self._piece(_BLOCK, number)
                series = trimmed(unpack(first_ns, data), start_ns, end_ns)
            except Unreadable:
                lost.blocks.append((start, end, count))
                continue
            if series.times:
                yield series

    def _around_damage(self, sql: str, *values: int) -> tuple[list[tuple[int, ...]], bool]:
        """Rows in order, and whether they are all: where a page in their midst is broken, those before and after it."""
        found, is_whole = self._until_damage(sql, *values)
        if not is_whole:
            behind, _ = self._until_damage(f"{sql} DESC", *values)
            found = sorted({*found, *behind})
        return found, is_whole

    def _until_damage(self, sql: str, *values: int) -> tuple[list[tuple[int, ...]], bool]:
        found: list[tuple[int, ...]] = []
        try:
            for row in self._file.execute(sql, values):
                if any(type(part) is not int for part in row):
                    return found, False
                found.append(row)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            return found, False
        return found, True

    def _piece(self, sql: str, number: int) -> tuple[Any, Any]:
        """A number and bytes, in the statement's order. Raises `Unreadable`, and `sqlite3.Error` where all is."""
        try:
            found: tuple[Any, Any] | None = self._file.execute(sql, (number,)).fetchone()
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            raise Unreadable(str(error)) from None
        if found is None or {type(part) for part in found} != {int, bytes}:
            raise Unreadable("a page of the file is damaged")
        return found
