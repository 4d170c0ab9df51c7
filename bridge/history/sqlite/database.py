"""The file: its tables, its versions, how it is opened, and what is done with one that cannot be used.

`element` names elements by a number, and knows the last row of each in blocks; and, where its last rows are not its
current value, the time of the row that is, and of the last one. `block` holds rows (`codec`), those of an element in
blocks that do not overlap. `log` holds what was committed since: one entry a commit, JSON, of a *generation* of rows
that is in memory as well; when all rows of a generation are in blocks its entries go.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from bridge.errors import StartError

NAME = "history.sqlite"
KEPT_BROKEN = 3  # files put aside: enough to see what happened, not enough to fill a disk
CHECK_S = 2.0  # for looking at a file's structure when it is opened; a large one is not looked at in full

_APPLICATION = 0x69335842  # "i3XB" in the header: the file is ours
_LOCKED_S = 5.0  # for another program to let go of the file when we start
_CACHE_KIB = 16 * 1024
_WAL_PAGES = 4_000  # 16 MiB of write-ahead log before it goes into the file
_STEPS = 10_000  # of SQLite's machine between two looks at the clock
_BESIDE = ("-wal", "-shm")  # files that belong to it

_DAMAGED = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
_AWAY = frozenset((sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY))
_BUSY = frozenset((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED))

# What makes the next version out of each one. Old steps stay as they are.
_VERSIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE element (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, last_ns INTEGER, last BLOB, "
        "current_ns INTEGER, late_ns INTEGER)",
        "CREATE TABLE block (number INTEGER PRIMARY KEY, element INTEGER NOT NULL, start INTEGER NOT NULL, "
        "end INTEGER NOT NULL, count INTEGER NOT NULL, data BLOB NOT NULL)",
        "CREATE UNIQUE INDEX block_place ON block (element, start, end, count)",
        "CREATE INDEX block_end ON block (end, count)",
        "CREATE TABLE log (number INTEGER PRIMARY KEY, generation INTEGER NOT NULL, rows BLOB NOT NULL, "
        "checksum INTEGER NOT NULL)",
    ),
)


class Damaged(Exception):
    """A file that is no history, or one of a later version, or broken; the text says which."""


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file is broken, rather than busy or the disk full."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def is_away(error: sqlite3.Error) -> bool:
    """Whether an error may come of a disk that was away: then the file has to be opened again."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _AWAY


def open_to_write(path: Path) -> sqlite3.Connection:
    """The file, made or brought up to date where needed. Raises `Damaged`, and `StartError` where it cannot be used now
    but may be all right: locked, not to be written, on a full disk.
    """
    connection = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=_LOCKED_S, isolation_level=None, check_same_thread=False)
        _prepare(connection)
        _update(connection)
        _check(connection)
    except (sqlite3.Error, OSError, Damaged) as error:
        if connection is not None:
            connection.close()
        if isinstance(error, Damaged):
            raise
        if isinstance(error, sqlite3.Error) and is_damage(error):
            raise Damaged(str(error)) from None
        raise StartError(f"{path}: {_remedy(error)}") from None
    connection.execute("PRAGMA busy_timeout = 1000")
    return connection


def _remedy(error: Exception) -> str:
    busy = getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY
    return f"{error}; {'end the program that locks it' if busy else 'can [state] directory be written?'}"


def open_to_read(path: Path) -> sqlite3.Connection:
    """The same file, for one thread at a time that asks. Raises `sqlite3.Error`."""
    address = f"{path.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA busy_timeout = 1000")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return connection


def open_again(path: Path) -> sqlite3.Connection:
    """The same file after its disk has been away, for whoever had it open to write. Raises `sqlite3.Error`."""
    connection = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
        version_of(connection)
    except (sqlite3.Error, Damaged):
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # a commit is on the disk, not only with the operating system
    connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {64 * 1024 * 1024}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")


def version_of(connection: sqlite3.Connection) -> int:
    """The format's number, 0 of a file with nothing in it. Raises `Damaged` where it is none that we can use."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application != _APPLICATION:
        raise Damaged("not a history of this program")
    if version > len(_VERSIONS):
        raise Damaged(f"format {version}, this version reads up to {len(_VERSIONS)}")
    return int(version)


def _update(connection: sqlite3.Connection) -> None:
    version = version_of(connection)
    if version == len(_VERSIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    for step in _VERSIONS[version:]:
        for statement in step:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(_VERSIONS)}")
    connection.execute("COMMIT")


def _check(connection: sqlite3.Connection) -> None:
    """Look at the structure, as far as there is time. Raises `Damaged`."""
    until = time.monotonic() + CHECK_S
    connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise Damaged(" ".join(found.split()))
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:  # else the time was over
            raise
    finally:
        connection.set_progress_handler(None, 0)


def put_aside(path: Path, now: str) -> Path:
    """Keep a file that cannot be used under another name, with what belongs to it. Raises `OSError`."""
    names = (f"{path.name}.broken-{now}{'-' * bool(again)}{again or ''}" for again in count())
    aside = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    for ending in ("", *_BESIDE):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{ending}").replace(f"{aside}{ending}")
    return aside


def tidy(path: Path) -> None:
    """The oldest of many files that were put aside go; those that cannot, stay."""
    for old in sorted(_broken(path))[:-KEPT_BROKEN]:
        for ending in ("", *_BESIDE):
            with contextlib.suppress(OSError):
                Path(f"{old}{ending}").unlink(missing_ok=True)


def _broken(path: Path) -> Iterator[Path]:
    return (found for found in path.parent.glob(f"{path.name}.broken-*") if not found.name.endswith(_BESIDE))
