"""The file of all state but the model: `state.sqlite`, tables of rows that are a key, bytes and their checksum.

What a row's bytes mean is for those to say who write them; here is what holds for all. The number of the format is
SQLite's `user_version`, and `STEPS` lead from each format to the next, so that a file of any earlier version is read. A
file that is damaged, or that a later version has written, is `Unusable` as a whole: every page is looked at when it is
opened, and every row's checksum when it is read. It is put aside, never repaired.

What is committed survives a crash of the process and of the machine. One thread writes at a time; reading is for the
start. Everything here may wait for the disk, so nothing here belongs into an event loop that runs.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias
from zlib import crc32

from bridge.state.document import Unusable
from bridge.state.store import SIDE_FILES, put_aside

NAME = "state.sqlite"
TABLES = ("meta", "elements", "births", "subscriptions", "queues", "updates")
# What leads from one format to the next; the number of steps is the format of this version.
STEPS: tuple[tuple[str, ...], ...] = (
    tuple(
        f"CREATE TABLE {table} (key TEXT PRIMARY KEY, data BLOB NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID"
        for table in TABLES
    ),
)

Row: TypeAlias = tuple[str, bytes]  # key and data

_PATIENCE = 1.0  # seconds that a write waits for somebody else's lock
_DAMAGED = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT))


class Database:
    """A file in a directory, both made when they are needed. What fails for now raises `OSError` or `sqlite3.Error`,
    what fails for good `Unusable`.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / NAME
        self._connection: sqlite3.Connection | None = None
        self._writing = threading.Lock()
        self._hurry = threading.Event()  # no write may go on

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def open(self) -> None:
        """Open the file, in the format of this version. Open already is fine."""
        if self._connection is not None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            with _judged():
                _prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def close(self) -> None:
        """Close the file; closed already is fine."""
        with self._writing:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def interrupt(self) -> None:
        """Let a write that goes on fail soon, and every later one."""
        self._hurry.set()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.OperationalError("the file is not open")
        return self._connection

    def put_aside(self, now: str) -> Path:
        """Keep a file that cannot be used under another name, with what SQLite has beside it."""
        self.close()
        aside = put_aside(self.path, now)
        for suffix in SIDE_FILES:
            side = self.path.with_name(self.path.name + suffix)
            if side.exists():
                side.replace(aside.with_name(aside.name + suffix))
        return aside

    # --- rows --------------------------------------------------------------------------------------------------------

    def read(self, table: str) -> Iterator[Row]:
        """All rows of a table in the order of their keys."""
        with _judged():
            rows = self._opened().execute(f"SELECT key, data, sum FROM {table} ORDER BY key")  # noqa: S608
            for key, data, said in rows:
                if type(key) is not str or type(data) is not bytes or _sum(key, data) != said:
                    raise Unusable(f"a row of {table} is damaged")
                yield key, data

    @contextlib.contextmanager
    def writing(self) -> Iterator["Writing"]:
        """All or nothing of what is written within."""
        with self._writing, _judged():
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Writing(connection, self._hurry)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # some faults have ended it already
                    connection.execute("ROLLBACK")
                raise


class Writing:
    """What may be done within one transaction."""

    def __init__(self, connection: sqlite3.Connection, hurry: threading.Event) -> None:
        self._connection = connection
        self._hurry = hurry

    def put(self, table: str, rows: Iterable[Row]) -> None:
        """Write rows; they take the place of those with the same keys."""
        self._connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", self._summed(rows))  # noqa: S608

    def _summed(self, rows: Iterable[Row]) -> Iterator[tuple[str, bytes, int]]:
        for key, data in rows:
            if self._hurry.is_set():
                raise sqlite3.OperationalError("interrupted")
            yield key, data, _sum(key, data)

    def delete(self, table: str, keys: Iterable[str]) -> None:
        self._connection.executemany(f"DELETE FROM {table} WHERE key = ?", ((key,) for key in keys))  # noqa: S608

    def clear(self, *tables: str) -> None:
        for table in tables:
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(STEPS):
        raise Unusable(f"format {version}, this version reads {len(STEPS)}")
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise Unusable(f"damaged: {found}")
    if version == len(STEPS):
        return
    connection.execute("BEGIN IMMEDIATE")
    for step in STEPS[version:]:
        for statement in step:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(STEPS)}")
    connection.execute("COMMIT")


@contextlib.contextmanager
def _judged() -> Iterator[None]:
    """A fault that says that the file is damaged is `Unusable`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in _DAMAGED:
            raise Unusable(f"damaged: {error}") from None
        raise


def _sum(key: str, data: bytes) -> int:
    return crc32(data, crc32(key.encode()))
