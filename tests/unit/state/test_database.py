"""The file: rows come back as they were, or it is unusable and says why."""

import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.state import database
from bridge.state.database import NAME, STEPS, Database
from bridge.state.document import Unusable
from bridge.state.store import KEPT_BROKEN

ROWS = [(f"key {number:05}", b"%d" % number * 50) for number in range(2_000)]


def opened(directory: Path) -> Database:
    found = Database(directory)
    found.open()
    return found


def filled(directory: Path) -> Path:
    """A file with rows in it, closed in order."""
    one = opened(directory)
    with one.writing() as writing:
        writing.put("elements", ROWS)
    one.close()
    return one.path


def everything(directory: Path) -> dict[str, bytes]:
    one = opened(directory)
    try:
        return dict(one.read("elements"))
    finally:
        one.close()


def test_round_trip(tmp_path: Path) -> None:
    """What was put is there, in the order of its keys, the last word for each; what was deleted is not."""
    one = opened(tmp_path / "new")
    with one.writing() as writing:
        writing.put("elements", [("b", b"1"), ("a", b""), ("c", b"\x00\xff")])
        writing.put("births", [("a", b"other")])
    with one.writing() as writing:
        writing.put("elements", [("b", b"2")])
        writing.delete("elements", ["c", "never"])
        writing.clear("births")
    one.close()
    one.open()
    one.open()
    assert (list(one.read("elements")), list(one.read("births"))) == ([("a", b""), ("b", b"2")], [])
    one.close()


def test_all_or_nothing(tmp_path: Path) -> None:
    """A transaction that fails half-way has done nothing, and the next one works."""
    one = opened(tmp_path)
    rows: list[Any] = [("a", b"1"), ("b", None)]
    with pytest.raises(TypeError), one.writing() as writing:
        writing.put("elements", rows)
    assert list(one.read("elements")) == []
    with one.writing() as writing:
        writing.put("elements", [("a", b"2")])
    assert list(one.read("elements")) == [("a", b"2")]
    one.close()


def test_interrupted(tmp_path: Path) -> None:
    """In haste, a write fails soon and leaves nothing half done."""
    one = opened(tmp_path)
    rows = (row for row in ROWS if row is not ROWS[1_000] or one.interrupt() is None)
    with pytest.raises(sqlite3.OperationalError, match="interrupted"), one.writing() as writing:
        writing.put("elements", rows)
    one.close()
    assert everything(tmp_path) == {}


def test_not_open(tmp_path: Path) -> None:
    """A file that is not open is a fault like others."""
    one = Database(tmp_path)
    with pytest.raises(sqlite3.OperationalError, match="not open"), one.writing():
        pass
    with pytest.raises(sqlite3.OperationalError, match="not open"):
        list(one.read("elements"))


def test_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of an earlier version is taken from step to step, with what is in it; afterwards it is of this one."""
    path = filled(tmp_path)
    more = ("ALTER TABLE elements ADD COLUMN more TEXT", "UPDATE elements SET more = 'x'")
    monkeypatch.setattr(database, "STEPS", (*STEPS, more[:1], more[1:]))
    assert everything(tmp_path) == dict(ROWS)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS) + 2,)
        assert connection.execute("SELECT DISTINCT more FROM elements").fetchall() == [("x",)]
    connection.close()
    monkeypatch.undo()
    with pytest.raises(Unusable, match=f"format {len(STEPS) + 2}, this version reads {len(STEPS)}"):
        opened(tmp_path)


def test_failed_migration_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that fails leaves the file as it was."""
    filled(tmp_path)
    monkeypatch.setattr(database, "STEPS", (*STEPS, ("CREATE TABLE more (x)", "DROP TABLE less")))
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        opened(tmp_path)
    monkeypatch.undo()
    assert everything(tmp_path) == dict(ROWS)


def _garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 1_000)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip_page(path: Path) -> None:
    data = bytearray(path.read_bytes())
    page = len(data) // 2 // 4096 * 4096
    data[page : page + 4096] = bytes(byte ^ 0xFF for byte in data[page : page + 4096])
    path.write_bytes(data)


def _flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[data.index(ROWS[1_000][1]) + 7] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(_garbage, id="garbage"),
        pytest.param(_truncate, id="truncated"),
        pytest.param(_flip_page, id="flipped page"),
        pytest.param(_flip_bit, id="flipped bit"),
    ],
)
def test_damaged(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """A damaged file is unusable, whether its structure tells so or only a checksum."""
    damage(filled(tmp_path))
    with pytest.raises(Unusable, match="damaged"):
        everything(tmp_path)


def _crashed(directory: Path) -> Path:
    """A file as a crash leaves it: rows 0 to 999 were committed before the others, all in the log beside the file."""
    one = opened(directory / "running")
    for rows in (ROWS[:1_000], ROWS[1_000:]):
        with one.writing() as writing:
            writing.put("elements", rows)
    directory = directory / "crashed"
    directory.mkdir()
    for suffix in ("", "-wal"):
        (directory / f"{NAME}{suffix}").write_bytes(one.path.with_name(f"{NAME}{suffix}").read_bytes())
    one.close()
    return directory


@pytest.mark.parametrize(
    ("share", "rows"),
    [pytest.param(1.0, 2_000, id="whole"), pytest.param(0.99, 1_000, id="cut"), pytest.param(0.0, 0, id="empty")],
)
def test_log_of_a_crash(tmp_path: Path, share: float, rows: int) -> None:
    """Of a log that was cut off, what was committed before the cut is there, and the file is sound."""
    directory = _crashed(tmp_path)
    log = directory / f"{NAME}-wal"
    log.write_bytes(log.read_bytes()[: int(log.stat().st_size * share)])
    if not share:
        (directory / NAME).unlink()
    assert everything(directory) == dict(ROWS[:rows])


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A directory of a file system that is read-only, with what a crash has left, where we may mount one."""
    mount = tmp_path / "mount"
    mount.mkdir()
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(mount)], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount here")
    if done.returncode:
        pytest.skip("not allowed to mount")
    try:
        _crashed(mount)
        subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
        yield mount / "crashed"
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def test_reading_of_what_is_read_only(read_only: Path) -> None:
    """A file is read with its log where nothing may be made beside it."""
    one = Database(read_only)
    with pytest.raises(sqlite3.OperationalError):
        one.open()
    with one.reading():
        assert dict(one.read("elements")) == dict(ROWS)
    assert not one.is_open


def test_reading_where_nothing_may_grow(tmp_path: Path) -> None:
    """A file is read with its log where there is no room for SQLite's index of it, and stays as it was."""
    directory = _crashed(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        one = Database(directory)
        with pytest.raises(sqlite3.OperationalError):
            one.open()
        with one.reading():
            assert dict(one.read("elements")) == dict(ROWS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert everything(directory) == dict(ROWS)


def test_reading_of_an_earlier_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier format has no table for is not there; nothing is migrated."""
    monkeypatch.setattr(database, "STEPS", STEPS[:1])
    filled(tmp_path)
    monkeypatch.undo()
    one = Database(tmp_path)
    with one.reading():
        assert (dict(one.read("elements")), dict(one.read("removed"))) == (dict(ROWS), {})
    with pytest.raises(Unusable), Database(_damaged(tmp_path)).reading():
        pass


def _damaged(directory: Path) -> Path:
    _flip_page(directory / NAME)
    return directory


def test_put_aside(tmp_path: Path) -> None:
    """An unusable file gets another name with what is beside it; of many, the latest are kept whole."""
    for number in range(KEPT_BROKEN + 2):
        one = Database(tmp_path)
        one.path.write_bytes(b"%d" % number * 1_000)
        one.path.with_name(f"{NAME}-wal").write_bytes(b"log")
        with pytest.raises(Unusable):
            one.open()
        one.path.with_name(f"{NAME}-wal").write_bytes(b"log")
        one.put_aside(f"2026112{number}T000000Z")
    kept = [f"{NAME}.broken-2026112{number}T000000Z{suffix}" for number in (2, 3, 4) for suffix in ("", "-wal")]
    assert sorted(path.name for path in tmp_path.iterdir()) == kept


def test_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's lock is a fault for now, no damage."""
    monkeypatch.setattr(database, "_PATIENCE", 0.01)
    one = opened(tmp_path)
    other = sqlite3.connect(one.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"), one.writing():
        pass
    other.close()
    with one.writing() as writing:
        writing.put("elements", ROWS[:1])
    one.close()
