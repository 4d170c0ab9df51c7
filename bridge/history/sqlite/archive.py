"""The file without a daemon, or beside one that runs: only read, as of the last commit."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bridge.history.base import Row, Series, Unreadable
from bridge.history.rows import place, within
from bridge.history.sqlite.database import Damaged, open_to_read, version_of
from bridge.history.sqlite.log import decoded
from bridge.history.sqlite.reading import blocks, woven
from bridge.history.sqlite.work import used_bytes


class Archive:
    """A context manager. Everything raises `Unreadable` where the file cannot be read, and `sqlite3.Error`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        self._file = open_to_read(self._path)
        try:
            version_of(self._file)
        except (Damaged, sqlite3.Error) as error:
            self._file.close()
            raise Unreadable(str(error)) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def info(self) -> dict[str, Any]:
        """Rows, elements, bytes (of the file that hold something), the first and the last time (ns), and what the rows
        take: those in blocks, and those of the log, where they are for a while. All as of one moment.
        """
        self._file.execute("BEGIN")
        try:
            return self._facts()
        finally:
            self._file.execute("ROLLBACK")

    def _facts(self) -> dict[str, Any]:
        blocks, in_blocks, size, first, last = self._file.execute(
            "SELECT count(*), coalesce(sum(count), 0), coalesce(sum(length(data)), 0), min(start), max(end) FROM block"
        ).fetchone()
        elements = self._file.execute("SELECT count(*) FROM element").fetchone()[0]
        in_log, log_size = 0, 0
        for entry, checksum in self._file.execute("SELECT rows, checksum FROM log"):
            times = [row[2] for _, row in decoded(entry, checksum)]
            in_log += len(times)
            log_size += len(entry)
            first = min([*times, *([first] if first is not None else [])], default=None)
            last = max([*times, *([last] if last is not None else [])], default=None)
        return {
            "rows": in_blocks + in_log,
            "elements": elements,
            "oldest": first,
            "newest": last,
            "bytes": used_bytes(self._file) + log_size,
            "blocks": blocks,
            "rows_in_blocks": in_blocks,
            "bytes_per_row_in_blocks": size / in_blocks if in_blocks else None,
            "rows_in_log": in_log,
            "bytes_per_row_in_log": log_size / in_log if in_log else None,
        }

    def elements(self) -> Iterator[tuple[str, int]]:
        """Ids in their order, each with its rows; one that is both in a block and in the log counts twice."""
        counts: Counter[int] = Counter(
            dict(self._file.execute("SELECT element, sum(count) FROM block GROUP BY element"))
        )
        for entry, checksum in self._file.execute("SELECT rows, checksum FROM log"):
            counts.update(key for key, _ in decoded(entry, checksum))
        for key, ident in self._file.execute("SELECT key, id FROM element ORDER BY id"):
            if counts[key]:
                yield ident, counts[key]

    def chunks(self, element_id: str, start_ns: int, end_ns: int) -> Iterator[Series]:
        """Rows in ascending pieces, both ends inclusive."""
        found = self._file.execute("SELECT key FROM element WHERE id = ?", (element_id,)).fetchone()
        if found is None:
            return
        rows: list[Row] = []
        for entry, checksum in self._file.execute("SELECT rows, checksum FROM log ORDER BY number"):
            for key, row in decoded(entry, checksum):
                if key == found[0]:
                    place(rows, row)
        yield from woven(blocks(self._file, found[0], start_ns, end_ns), within(rows, start_ns, end_ns))
