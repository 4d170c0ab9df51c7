"""A history file that is read beside its bridge or without one: what of it is damaged is left out, and told."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from inprocess import InProcess

from bridge.history import Unreadable
from bridge.history.sqlite import SqliteHistory
from bridge.history.sqlite.archive import RANGES_TOLD, Archive
from bridge.history.sqlite.codec import ROWS
from bridge.space import Change
from bridge.uns import GOOD
from bridge.uns.moments import SECOND, render

NOW = 1_790_000_000 * SECOND
SEALED = 8 * ROWS  # rows of each element that are in blocks
LOGGED = 40  # and in the log
A, B = "plant/press/a", "plant/press/b"


async def _fill(path: Path) -> None:
    bridge = InProcess()
    for name in (A, B):
        bridge.publish(name, 1)
    nodes = [bridge.engine.space.nodes[name] for name in (A, B)]
    history = SqliteHistory(path, generation_rows=2 * SEALED)
    history.open()
    history.start()

    async def append(first: int, last: int) -> None:
        safe = asyncio.Event()
        seconds = range(first, last)
        history.append([Change(node, n * 1.5, GOOD, NOW + n * SECOND) for n in seconds for node in nodes], safe.set)
        await asyncio.wait_for(safe.wait(), 10)

    await append(0, SEALED)
    async with asyncio.timeout(20):
        while _count(path, "log"):  # noqa: ASYNC110 - it is the writer's thread that ends
            await asyncio.sleep(0.02)
    for at in range(SEALED, SEALED + LOGGED, 4):
        await append(at, at + 4)
    assert await history.close(10)


def _count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path, timeout=10)) as file:
        return int(file.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with two elements, in sixteen blocks and ten entries of the log."""
    path = tmp_path_factory.mktemp("whole") / "history.sqlite"
    asyncio.run(_fill(path))
    assert (_count(path, "block"), _count(path, "log")) == (16, 10)
    return path


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    """The same, to be spoilt."""
    copy = tmp_path / "history.sqlite"
    copy.write_bytes(whole.read_bytes())
    return copy


@pytest.fixture
def file(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def read(path: Path, name: str, start: int = 0, end: int = 2**62) -> tuple[list[int], list[str]]:
    """Which of the seconds are there, and what is told about the others."""
    with Archive(path) as archive:
        found = [at for series in archive.chunks(name, start, end) for at in series.times]
        assert found == sorted(set(found))
        return [(at - NOW) // SECOND for at in found], list(archive.damage)


def at(second: int) -> str:
    return render(NOW + second * SECOND)


ALL = list(range(SEALED + LOGGED))
LOG = "damaged entries of the log: {}; some of the newest rows, of any element, may be missing"


def test_whole(path: Path) -> None:
    """A file that is whole is read in full, and nothing is told."""
    assert read(path, A) == (ALL, [])
    assert read(path, "nobody") == ([], [])


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param("data = substr(data, 1, 20) || x'00' || substr(data, 22)", id="a byte, and a text"),
        pytest.param("data = x''", id="nothing left"),
        pytest.param("data = 'text'", id="no bytes"),
        pytest.param("data = zeroblob(length(data))", id="zeros"),
    ],
)
def test_damaged_block(path: Path, file: sqlite3.Connection, spoil: str) -> None:
    """A block that is damaged costs its rows, which are told with their times, and no others."""
    key = file.execute("SELECT key FROM element WHERE id = ?", (A,)).fetchone()[0]
    file.execute(f"UPDATE block SET {spoil} WHERE element = ? AND start = ?", (key, NOW + 2 * ROWS * SECOND))
    file.execute(f"UPDATE block SET {spoil} WHERE element = ? AND start = ?", (key, NOW + 5 * ROWS * SECOND))
    lost = {*range(2 * ROWS, 3 * ROWS), *range(5 * ROWS, 6 * ROWS)}
    told = (
        f"damaged blocks: 2 with {2 * ROWS} rows, which are missing: "
        f"{at(2 * ROWS)} to {at(3 * ROWS - 1)}, {at(5 * ROWS)} to {at(6 * ROWS - 1)}"
    )
    assert read(path, A) == ([second for second in ALL if second not in lost], [told])
    assert read(path, B) == (ALL, [])
    beside = NOW + 3 * ROWS * SECOND, NOW + (5 * ROWS - 1) * SECOND
    assert read(path, A, *beside) == (list(range(3 * ROWS, 5 * ROWS)), [])


def test_many_damaged_blocks(path: Path, file: sqlite3.Connection) -> None:
    """Of many the first are told with their times, and how many more there are."""
    file.execute("UPDATE block SET data = x'00'")
    found, (told,) = read(path, A)
    assert found == ALL[SEALED:]
    assert told.startswith(f"damaged blocks: 8 with {SEALED} rows, which are missing: {at(0)} to {at(ROWS - 1)}, ")
    assert told.endswith(f" to {at(RANGES_TOLD * ROWS - 1)} and 3 more")


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param("checksum = checksum + 1", id="checksum"),
        pytest.param("rows = substr(rows, 2)", id="a byte less"),
        pytest.param("rows = 5", id="no bytes"),
        pytest.param("checksum = 'x'", id="no number"),
    ],
)
def test_damaged_entries(path: Path, file: sqlite3.Connection, spoil: str) -> None:
    """An entry of the log that is damaged costs its rows, and no other row of any element."""
    file.execute(f"UPDATE log SET {spoil} WHERE number IN (SELECT number FROM log ORDER BY number LIMIT 2 OFFSET 3)")
    expected = [second for second in ALL if not SEALED + 12 <= second < SEALED + 20]
    assert read(path, A) == read(path, B) == (expected, [LOG.format(2)])
    with Archive(path) as archive:
        assert dict(archive.elements()) == dict.fromkeys((A, B), len(expected))
        info = archive.info()
    assert (info["rows"], info["damaged_log_entries"]) == (2 * len(expected), 2)


def test_both_kinds(path: Path, file: sqlite3.Connection) -> None:
    """Each kind has a sentence of its own, and what was told of one reading is not told of the next."""
    file.execute("UPDATE block SET data = x'00' WHERE number = (SELECT min(number) FROM block)")
    file.execute("UPDATE log SET rows = x'00' WHERE number = (SELECT max(number) FROM log)")
    damaged = next(name for name in (A, B) if len(read(path, name)[1]) == 2)
    with Archive(path) as archive:
        list(archive.chunks(damaged, 0, 2**62))
        assert [line.split(":")[0] for line in archive.damage] == ["damaged entries of the log", "damaged blocks"]
        list(archive.chunks("nobody", 0, 2**62))
        assert archive.damage == ()


def _leaves(file: sqlite3.Connection, name: str) -> list[int]:
    """The pages of a table or an index that hold its rows, in their order, by following its first page."""
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (root,) = file.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    (size,) = file.execute("PRAGMA page_size").fetchone()
    (path,) = [row[2] for row in file.execute("PRAGMA database_list")]
    data = Path(path).read_bytes()
    return _below(data, size, root)


def _below(data: bytes, size: int, number: int) -> list[int]:
    """SQLite's file format, section 1.6: kinds 10 and 13 are leaves, 2 and 5 have pages below them."""
    page = data[(number - 1) * size : number * size]
    if page[0] in (10, 13):
        return [number]
    cells = [int.from_bytes(page[12 + 2 * n : 14 + 2 * n]) for n in range(int.from_bytes(page[3:5]))]
    children = [int.from_bytes(page[cell : cell + 4]) for cell in cells] + [int.from_bytes(page[8:12])]
    return [leaf for child in children for leaf in _below(data, size, child)]


def _break_page(path: Path, number: int, size: int) -> None:
    with path.open("r+b") as stream:
        stream.seek((number - 1) * size)
        stream.write(b"\xff" * size)


def test_broken_page_of_blocks(path: Path, file: sqlite3.Connection) -> None:
    """A page that SQLite itself cannot read costs the rows on it."""
    (size,) = file.execute("PRAGMA page_size").fetchone()
    leaves = _leaves(file, "block")
    file.close()
    assert len(leaves) > 2
    _break_page(path, leaves[len(leaves) // 2], size)
    missing = 0
    for name in (A, B):
        found, told = read(path, name)
        assert all(line.startswith("damaged blocks: ") for line in told)
        assert bool(told) == (found != ALL)
        missing += len(ALL) - len(found)
    assert 0 < missing < SEALED
    assert missing % ROWS == 0


def test_broken_index(path: Path, file: sqlite3.Connection) -> None:
    """Without the list of blocks they are found in the table; where that is broken, too, what is missing is unknown."""
    (size,) = file.execute("PRAGMA page_size").fetchone()
    (index,), blocks = _leaves(file, "block_place"), _leaves(file, "block")
    file.close()
    _break_page(path, index, size)
    assert read(path, A) == (ALL, [])
    _break_page(path, blocks[len(blocks) // 2], size)
    for name in (A, B):
        found, told = read(path, name)
        assert told == ["a part of the list of blocks is damaged; rows of unknown times may be missing"]
        assert set(ALL[SEALED:]) < set(found)
    assert len(read(path, A)[0]) + len(read(path, B)[0]) < 2 * len(ALL)


def test_broken_page_of_the_log(path: Path, file: sqlite3.Connection) -> None:
    """A page of the log that cannot be read costs its entries; those before and after it are read."""
    first, *_ = file.execute("SELECT number, generation, rows, checksum FROM log ORDER BY number").fetchall()
    file.execute("UPDATE log SET number = number + 10000 WHERE number > ?", first[:1])
    copies = [(first[0] + 1 + copy, *first[1:]) for copy in range(400)]
    file.executemany("INSERT INTO log (number, generation, rows, checksum) VALUES (?, ?, ?, ?)", copies)
    (size,) = file.execute("PRAGMA page_size").fetchone()
    leaves = _leaves(file, "log")
    file.close()
    assert len(leaves) > 3
    _break_page(path, leaves[1], size)
    found, told = read(path, A)
    assert found == ALL
    assert told == [LOG.format(1)]


def test_as_of_one_moment(path: Path, file: sqlite3.Connection) -> None:
    """What a bridge changes while rows are read does not matter: blocks that it replaces meanwhile are read still."""
    with Archive(path) as archive:
        chunks = archive.chunks(A, 0, 2**62)
        found = list(next(chunks).times)
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("DELETE FROM block")
        found += [time for series in chunks for time in series.times]
        assert [(time - NOW) // SECOND for time in found] == ALL
        assert archive.damage == ()
    assert read(path, A)[0] == ALL[SEALED:]


def test_sizes(path: Path, file: sqlite3.Connection) -> None:
    """The size of the file, and of the room in it that is free, stand beside what is used."""
    with Archive(path) as archive:
        before = archive.info()
    file.execute("DELETE FROM block")
    with Archive(path) as archive:
        after = archive.info()
    assert before["file_bytes"] == after["file_bytes"] == path.stat().st_size
    assert after["free_bytes"] > before["free_bytes"]
    for facts in (before, after):
        assert facts["bytes"] == facts["file_bytes"] - facts["free_bytes"]
    assert list(before)[4:7] == ["bytes", "file_bytes", "free_bytes"]


def test_nothing_in_it(tmp_path: Path) -> None:
    """An empty database holds no history."""
    path = tmp_path / "history.sqlite"
    path.touch()
    with pytest.raises(Unreadable, match=r"^holds no history$"), Archive(path):
        pass
