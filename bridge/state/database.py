"""The file of all state but the model: `state.sqlite`, tables of rows that are a key, bytes and their checksum.

What a row's bytes mean is for those to say who write them; here is what holds for all. The number of the format is
SQLite's `user_version`, and `STEPS` lead from each format to the next, so that a file of any earlier version is read. A
file that is damaged, or that a later version has written, is `Unusable` as a whole: every page is looked at when it is
opened, and every row's checksum when it is read. It is put aside, never repaired. That it cannot be opened or written
for now, because the disk is full say, is no damage; then it is read all the same, where that can be (see `reading`).

What is committed survives a crash of the process and of the machine. One thread writes at a time; reading is for the
start. Everything here may wait for the disk, so nothing here belongs into an event loop that runs.
"""

import contextlib
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias
from zlib import crc32

from bridge.state.document import Unusable
from bridge.state.store import SIDE_FILES, put_aside

NAME = "state.sqlite"
# What leads from one format to the next; the number of steps is the format of this version.
STEPS: tuple[tuple[str, ...], ...] = (
    tuple(
        f"CREATE TABLE {table} (key TEXT PRIMARY KEY, data BLOB NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID"
        for table in ("meta", "elements", "births", "subscriptions", "queues", "updates")
    ),
    ("CREATE TABLE removed (key TEXT PRIMARY KEY, data BLOB NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID",),
    (),  # subscriptions have owners: who does not know of them would show everybody everything
    ("CREATE TABLE templates (key TEXT PRIMARY KEY, data BLOB NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID",),
)

Row: TypeAlias = tuple[str, bytes]  # key and data

_PATIENCE = 1.0  # seconds that a write waits for somebody else's lock
_DAMAGED = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT))
# What a file says that may be read all the same; one that is locked may be changing.
_NOT_WRITABLE = frozenset(
    (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
)


class Database:
    """A file in a directory, both made when they are needed. What fails for now raises `OSError` or `sqlite3.Error`,
    what fails for good `Unusable`.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / NAME
        self._connection: sqlite3.Connection | None = None
        self._writing = threading.Lock()
        self._hurry = threading.Event()  # no write may go on
        self._aside: list[Path] = []  # files put aside

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def open(self) -> None:
        """Open the file, in the format of this version. Open already is fine."""
        if self._connection is not None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(self.path)
        try:
            with _judged():
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                _migrate(connection, _look_at(connection))
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Have a file open that cannot be opened for writing; it is closed afterwards. Nothing is written, not even
        beside it: SQLite's index of the log is in memory, or all of this happens to a copy.
        """
        try:
            self._connection = self._opened_alone(self.path)
        except sqlite3.OperationalError as error:
            if _code(error) not in _NOT_WRITABLE:
                raise
            with self._copied(error):
                yield
            return
        try:
            yield
        finally:
            self.close()

    def _opened_alone(self, path: Path) -> sqlite3.Connection:
        connection = _connect(path)
        try:
            with _judged():
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
                _look_at(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def _copied(self, fault: sqlite3.Error) -> Iterator[None]:
        """The same with a copy. What is wrong with that says nothing about the file."""
        with tempfile.TemporaryDirectory(prefix="bridge-") as directory:
            copy = Path(directory) / NAME
            for suffix in ("", "-wal"):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(f"{self.path}{suffix}", f"{copy}{suffix}")
            try:
                self._connection = self._opened_alone(copy)
                yield
            except Unusable:
                raise fault from None
            finally:
                self.close()

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
        aside = put_aside(self.path, now, self._aside)
        self._aside.append(aside)
        for suffix in SIDE_FILES:
            side = self.path.with_name(self.path.name + suffix)
            if side.exists():
                side.replace(aside.with_name(aside.name + suffix))
        return aside

    # --- rows --------------------------------------------------------------------------------------------------------

    def read(self, table: str) -> Iterator[Row]:
        """All rows of a table in the order of their keys; none where an earlier format has no such table."""
        with _judged():
            if not self._opened().execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
                return
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


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)


def _look_at(connection: sqlite3.Connection) -> int:
    """The format of a file that can be used."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(STEPS):
        raise Unusable(f"format {version}, this version reads {len(STEPS)}")
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise Unusable(f"damaged: {found}")
    return int(version)


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    """From an earlier format to that of this version; all or nothing."""
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
        if _code(error) in _DAMAGED:
            raise Unusable(f"damaged: {error}") from None
        raise


def _code(error: sqlite3.Error) -> int:
    """What kind of fault it is; 0 where it is not SQLite's."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _sum(key: str, data: bytes) -> int:
    return crc32(data, crc32(key.encode()))
