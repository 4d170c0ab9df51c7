"""History on disk: what was told to be safe is there after any end, each time once, in order, within bounds."""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inprocess import InProcess

from bridge.errors import StartError
from bridge.history.base import Row, Unreadable, first, unpacked
from bridge.history.sqlite import Keep, SqliteHistory, outbox, store, work, writer
from bridge.history.sqlite.archive import Archive
from bridge.history.sqlite.database import open_to_write
from bridge.history.sqlite.work import Trimming
from bridge.space import Change, Node
from bridge.uns import BAD, GOOD, UNCERTAIN, Quality

EVER = 2**62
PATIENCE_S = 10.0
_BRIDGE = InProcess()


def node(name: str) -> Node:
    """A real element of that name."""
    _BRIDGE.publish(name, 1)
    return _BRIDGE.engine.space.nodes[name]


NODES = {name: node(name) for name in "abc"}


def change(name: str, time_ns: int, value: Any = None, quality: Quality = GOOD) -> Change:
    return Change(NODES[name], time_ns if value is None else value, quality, time_ns)


def late(name: str, time_ns: int) -> Change:
    """A row that is not the current value of its element."""
    return Change(NODES[name], time_ns, GOOD, time_ns, late=True)


def run(using: Callable[[SqliteHistory], Awaitable[Any]], path: Path, **options: Any) -> Any:
    """Do something with the history of a file, and close it in order."""

    async def within() -> Any:
        history = SqliteHistory(path, **options)
        history.open()
        history.start()
        try:
            return await using(history)
        finally:
            assert await history.close(PATIENCE_S)

    return asyncio.run(within())


async def keep(history: SqliteHistory, changes: Iterable[Change]) -> None:
    """Append, and wait until all is safe."""
    safe = asyncio.Event()
    history.append(list(changes), safe.set)
    async with asyncio.timeout(PATIENCE_S):
        await safe.wait()


async def rows(history: SqliteHistory, name: str, start: int = 0, end: int = EVER, limit: int = 10**6) -> list[Row]:
    found = await history.ask(lambda reader: first(reader.chunks(name, start, end), limit))
    assert found.times == sorted(set(found.times))
    return [unpacked(row) for row in found.rows()]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - conditions of all kinds
            await asyncio.sleep(0.005)


def all_rows(path: Path, name: str = "a", **options: Any) -> list[Row]:
    return run(lambda history: rows(history, name), path, **options)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "history.sqlite"


class TestKept:
    def test_restart(self, path: Path) -> None:
        """Values of every kind are there after a restart, exactly."""
        values = [1, 2.5, True, "text", {"a": [1, None, 10**30]}, [], 2**63, -(2**63), 0.1, "", 10**30]
        run(lambda history: keep(history, [change("a", at, value) for at, value in enumerate(values)]), path)
        found = all_rows(path)
        assert [(type(row[0]), row[0]) for row in found] == [(type(value), value) for value in values]

    def test_safe_is_safe(self, path: Path) -> None:
        """What was told to be safe is there for whoever opens a copy of the file, without an orderly end."""

        async def work(history: SqliteHistory) -> None:
            await keep(history, [change("a", 1), change("b", 2)])
            for file in path.parent.iterdir():
                shutil.copy(file, copy.parent)

        copy = path.parent.parent / "copy" / path.name
        copy.parent.mkdir()
        run(work, path)
        assert all_rows(copy) == [(1, GOOD, 1)]
        assert all_rows(copy, "b") == [(2, GOOD, 2)]

    def test_found_before_safe(self, path: Path) -> None:
        """Rows are found at once, whether anybody waits for the disk or not."""

        async def work(history: SqliteHistory) -> list[Row]:
            history.append([change("a", 1)])
            return await rows(history, "a")

        assert run(work, path) == [(1, GOOD, 1)]

    def test_nobody_waits(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Rows that nobody waits for are written soon all the same, and whoever waits later waits for them too."""
        monkeypatch.setattr(outbox, "LAZY_S", 0.01)

        async def work(history: SqliteHistory) -> None:
            history.append([change("a", 1)])
            assert history.figures().unwritten == 1
            await until(lambda: not history.figures().unwritten)
            history.append([change("a", 2)])
            told: list[int] = []
            history.append([], lambda: told.append(history.figures().unwritten))
            assert told == []
            await until(lambda: told == [0])
            history.append([], lambda: told.append(-1))
            assert told == [0, -1], "nothing is left to be written"

        run(work, path)

    def test_told_in_order(self, path: Path) -> None:
        """Who waits is told once, in the order of waiting, whether there was anything to write for him or not."""

        async def work(history: SqliteHistory) -> list[int]:
            told: list[int] = []
            history.append([change("a", 1)], lambda: told.append(1), haste=False)
            history.append([], lambda: told.append(2), haste=False)
            history.append([], lambda: told.append(3))
            history.append([change("a", 2)], lambda: told.append(4), haste=False)
            await until(lambda: len(told) == 4)
            history.append([], lambda: told.append(5), haste=False)
            return told

        assert run(work, path) == [1, 2, 3, 4, 5]

    def test_doubts(self, path: Path) -> None:
        """What was thought of a reading later is no row, except that its source had gone."""
        told = [Change(NODES["a"], *vqt, doubt=True) for vqt in [(None, BAD, 20), (10, UNCERTAIN, 10)]]
        run(lambda history: keep(history, [change("a", 10), *told]), path)
        assert all_rows(path) == [(10, GOOD, 10), (None, BAD, 20)]

    def test_before(self, path: Path) -> None:
        """The last row earlier than a time, wherever it is."""

        async def work(history: SqliteHistory) -> list[int | None]:
            await keep(history, [change("a", at) for at in range(10, 100, 10)])
            await until(lambda: not history._contents.is_sealing)
            await keep(history, [change("a", 95), change("a", 25)])
            found = []
            for time_ns in (10, 11, 25, 26, 30, 95, 96, 1_000):
                row = await history.ask(lambda reader, at=time_ns: reader.before("a", at))
                found.append(row[2] if row else None)
            assert await history.ask(lambda reader: reader.before("nobody", 5)) is None
            return found

        assert run(work, path, generation_rows=9) == [None, 10, 20, 25, 25, 90, 95, 95]

    def test_latest(self, path: Path) -> None:
        """The last row of each element is known at a start, also of those in blocks."""

        async def work(history: SqliteHistory) -> None:
            NODES["b"].time_ns = 7
            await keep(history, [change("a", 5, {"x": 1}), change("b", 7), late("b", 6)])
            await until(lambda: not history._contents.is_sealing)
            await keep(history, [late("b", 4), change("c", 1)])

        run(work, path, generation_rows=3)
        history = SqliteHistory(path)
        history.open()
        assert history.latest() == {"a": (b'{"x":1}', GOOD, 5), "b": (7, GOOD, 7), "c": (1, GOOD, 1)}
        asyncio.run(self.end(history))

    def test_not_current(self, path: Path) -> None:
        """Rows that never were the current value, events and what clients write, are none after a restart either."""

        async def work(history: SqliteHistory) -> None:
            for name, current in {"a": 5, "b": 7}.items():
                NODES[name].time_ns = current
                await keep(history, [change(name, current), late(name, current + 9), late(name, current - 3)])
            NODES["c"].time_ns = 0
            await keep(history, [late("c", 4)])
            NODES["b"].time_ns = 20
            await keep(history, [change("a", 6), change("b", 20)])
            await until(lambda: not history._contents.is_sealing)

        run(work, path, generation_rows=4)
        history = SqliteHistory(path)
        history.open()
        assert history.latest() == {"a": (6, GOOD, 6), "b": (20, GOOD, 20)}
        asyncio.run(self.end(history))

    def test_clock_put_back(self, path: Path) -> None:
        """The current value is the one that came last, although its time is earlier."""
        run(lambda history: keep(history, [change("a", 9), change("a", 4)]), path)
        history = SqliteHistory(path)
        history.open()
        assert history.latest() == {"a": (4, GOOD, 4)}
        asyncio.run(self.end(history))

    def test_clock_put_back_later(self, path: Path) -> None:
        """The same where the later row is in a block already, also after another restart."""

        async def seal(history: SqliteHistory) -> None:
            await keep(history, [change("a", 9)])
            await until(lambda: not history._contents.is_sealing)

        run(seal, path, generation_rows=1)
        run(lambda history: keep(history, [change("a", 4)]), path)
        history = SqliteHistory(path)
        history.open()
        assert history.latest() == {"a": (4, GOOD, 4)}
        asyncio.run(self.end(history))

    async def end(self, history: SqliteHistory) -> None:
        history.start()
        await history.close(PATIENCE_S)

    def test_replaced(self, path: Path) -> None:
        """One time holds one row, the one that came last, also where the first is in a block; equal rows are one."""

        async def work(history: SqliteHistory) -> None:
            await keep(history, [change("a", 1, "old"), change("a", 2, "same"), change("a", 2, "same")])
            await keep(history, [change("b", at) for at in range(5)])
            await until(lambda: not history._contents.is_sealing)
            await keep(history, [change("a", 1, "new"), change("a", 2, "same")])
            assert await rows(history, "a") == [("new", GOOD, 1), ("same", GOOD, 2)]
            await keep(history, [change("b", at) for at in range(5, 12)])
            await until(lambda: not history._contents.is_sealing)

        run(work, path, generation_rows=5)
        assert all_rows(path) == [("new", GOOD, 1), ("same", GOOD, 2)]


OPERATIONS = st.lists(
    st.one_of(
        st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60)), min_size=1, max_size=12),
        st.sampled_from(["restart", "seal"]),
    ),
    max_size=14,
)


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(OPERATIONS, st.integers(1, 10), st.integers(0, 60), st.integers(1, 5))
def test_any_history(operations: list, generation: int, start: int, limit: int) -> None:
    """Whatever comes in whatever order, with restarts in between: each time once, the last arrival, all of it."""
    model: dict[str, dict[int, int]] = {name: {} for name in "abc"}
    arrival = 0
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "history.sqlite"

        async def look(history: SqliteHistory) -> None:
            for name, held in model.items():
                assert await rows(history, name) == [(held[at], GOOD, at) for at in sorted(held)]
                later = [(held[at], GOOD, at) for at in sorted(held) if at >= start]
                assert await rows(history, name, start, EVER, limit) == later[:limit]
                last = max((at for at in held if at < start), default=None)
                row = await history.ask(lambda reader, name=name: reader.before(name, start))
                assert (row and row[2]) == last
            with Archive(path) as archive:
                for name, held in model.items():
                    assert first(archive.chunks(name, 0, EVER), 10**6).times == sorted(held)

        async def work(history: SqliteHistory) -> None:
            nonlocal arrival
            while operations:
                operation = operations.pop()
                if operation == "restart":
                    return
                if operation == "seal":
                    await until(lambda: not history._contents.is_sealing)
                    continue
                for name, at in operation:
                    arrival += 1
                    model[name][at] = arrival
                await keep(history, [change(name, at, model[name][at]) for name, at in operation])
                await look(history)

        while operations:
            run(work, path, generation_rows=generation)
        run(look, path, generation_rows=generation)


def hostile(monkeypatch: pytest.MonkeyPatch, random: Random) -> None:
    """Tiny blocks, tiny slices, and every fourth transaction fails after all was written."""
    for name, value in {"SLICE_S": 0.0, "ROWS": 16, "_SMALL": 4, "_MANY": 3, "_ENTRIES": 3}.items():
        monkeypatch.setattr(work, name, value)
    monkeypatch.setattr(writer, "RETRY_S", 0.002)
    for job in (work.Commit, work.Sealing, work.Trimming):

        def write(self: Any, file: sqlite3.Connection, honest: Callable[..., None] = job.write) -> None:
            honest(self, file)
            if random.random() < 0.25:
                raise sqlite3.OperationalError("disk full")

        monkeypatch.setattr(job, "write", write)


def blocks(path: Path, name: str = "a") -> list[tuple[int, int, int]]:
    """Start, end and rows of each."""
    file = sqlite3.connect(path)
    found = file.execute(
        "SELECT start, end, count FROM block JOIN element ON key = element WHERE id = ? ORDER BY start", (name,)
    ).fetchall()
    file.close()
    return found


@pytest.mark.parametrize("seed", range(40))
def test_crashes(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens the files as they are at any moment, while rows become blocks, finds all that was safe then."""
    random = Random(seed)
    hostile(monkeypatch, random)
    model: dict[str, dict[int, int]] = {name: {} for name in "abc"}
    copies = [tmp_path / str(number) / "history.sqlite" for number in range(5)]

    async def look(history: SqliteHistory) -> None:
        for name, held in model.items():
            assert await rows(history, name) == [(held[at], GOOD, at) for at in sorted(held)]

    async def use(history: SqliteHistory) -> None:
        await look(history)
        for turn in range(random.randint(5, 25)):
            newer = 1_000 + 20 * turn
            times = [random.choice([random.randint(0, 400), random.randint(newer, newer + 40)]) for _ in range(60)]
            some = [(random.choice("aabc"), at) for at in times[: random.randint(1, 60)]]
            for name, at in some:
                model[name][at] = random.randint(0, 10**6)
            await keep(history, [change(name, at, model[name][at]) for name, at in some])
            await asyncio.sleep(random.choice([0, 0.002]))

    for path, copy in pairwise(copies):

        async def until_crash(history: SqliteHistory, path: Path = path, copy: Path = copy) -> None:
            await use(history)
            shutil.copytree(path.parent, copy.parent)

        run(until_crash, path, generation_rows=random.choice([7, 30, 100]))
    run(look, copies[-1])
    for name in model:
        found = blocks(copies[-1], name)
        assert all(earlier[1] < later[0] for earlier, later in pairwise(found))


class TestBlocks:
    def test_few_rows_at_a_time(self, path: Path) -> None:
        """An element that speaks seldom has few blocks in the end, and its log is not kept for ever."""

        async def work(history: SqliteHistory) -> None:
            for at in range(200):
                await keep(history, [change("a", at), change("b", at)])
                await until(lambda: not history._contents.is_sealing)

        run(work, path, generation_rows=2)
        found = blocks(path)
        assert sum(block[2] for block in found) == 200
        assert len(found) <= 8 + 200 // 8
        with sqlite3.connect(path) as file:
            assert file.execute("SELECT count(*) FROM log").fetchone() == (0,)
        file.close()

    def test_disjoint(self, path: Path) -> None:
        """However late rows come, blocks of an element do not overlap."""

        async def work(history: SqliteHistory) -> None:
            for step in (50, 7, 31, 13, 3):
                await keep(history, [change("a", at) for at in range(0, 4_000, step)])
                await until(lambda: not history._contents.is_sealing)

        run(work, path, generation_rows=50)
        found = blocks(path)
        assert all(earlier[1] < later[0] for earlier, later in pairwise(found))
        wanted = sorted({at for step in (50, 7, 31, 13, 3) for at in range(0, 4_000, step)})
        assert [row[2] for row in all_rows(path)] == wanted

    def test_late_row_touches_one_block(self, path: Path) -> None:
        """A row that comes late touches the block that it belongs to and no other, and one before all the first."""

        async def work(history: SqliteHistory) -> None:
            await keep(history, [change("a", at * 10) for at in range(1, 20_000)])
            await until(lambda: not history._contents.is_sealing)
            before.extend(self.numbers(path))
            await keep(history, [late("a", 5), late("a", 100_005), change("a", 200_000)])
            await until(lambda: not history._contents.is_sealing)

        before: list[int] = []
        run(work, path, generation_rows=3)
        assert len(before) >= 19
        assert len(set(before) - set(self.numbers(path))) == 2
        found = [row[2] for row in all_rows(path)]
        assert found == sorted([5, 100_005, *(at * 10 for at in range(1, 20_001))])

    def numbers(self, path: Path) -> list[int]:
        file = sqlite3.connect(path)
        found = [number for (number,) in file.execute("SELECT number FROM block")]
        file.close()
        return found

    def test_sealed_twice(self, path: Path) -> None:
        """A crash between sealing and clearing the log changes nothing: what is sealed again is the same."""
        run(lambda history: keep(history, [change("a", at) for at in range(100)]), path)
        with sqlite3.connect(path) as file:
            log = file.execute("SELECT generation, rows, checksum FROM log").fetchall()
        file.close()
        assert log

        async def seal(history: SqliteHistory) -> None:
            await keep(history, [change("b", 1)])
            await until(lambda: not history._contents.is_sealing)

        run(seal, path, generation_rows=100)
        assert sum(block[2] for block in blocks(path)) == 100
        with sqlite3.connect(path) as file:
            file.executemany("INSERT INTO log (generation, rows, checksum) VALUES (?, ?, ?)", log)
        file.close()
        again: list[Row] = run(lambda history: keep(history, [change("b", 1)]), path, generation_rows=1) or all_rows(
            path
        )
        assert [row[2] for row in again] == list(range(100))
        assert sum(block[2] for block in blocks(path)) == 100


class TestBounds:
    async def fill(self, history: SqliteHistory, seconds: Iterable[int]) -> None:
        for second in seconds:
            await keep(history, [change(name, second * 10**9 + at) for name in "ab" for at in range(50)])
            await until(lambda: not history._contents.is_sealing)

    def test_rows(self, path: Path) -> None:
        """Beyond so many rows the oldest blocks go, and are counted."""

        async def work(history: SqliteHistory) -> tuple[list[Row], int]:
            return await rows(history, "a"), history.evicted

        run(lambda history: self.fill(history, range(40)), path, generation_rows=100)
        found, evicted = run(self.trimmed(work), path, keep=Keep(rows=1_000))
        assert 150 <= len(found) <= 500
        assert found[-1][2] == 39 * 10**9 + 49
        assert evicted >= 3_000

    def trimmed(self, then: Callable[[SqliteHistory], Awaitable[Any]]) -> Callable[[SqliteHistory], Awaitable[Any]]:
        async def work(history: SqliteHistory) -> Any:
            history._writer.put(Trimming(history._keep, history._contents.tally, history._clock()))
            await until(lambda: history._writer._jobs.empty() and not history._writer._chores)
            return await then(history)

        return work

    def test_in_memory(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is too much goes, although it is not so much that it would become blocks by itself."""
        monkeypatch.setattr(writer, "TRIM_S", 0.0)

        async def work(history: SqliteHistory) -> int:
            await keep(history, [change(name, at) for name in "abc" for at in range(400)])
            await until(lambda: history.rows <= 500)
            return history.evicted

        assert run(work, path, keep=Keep(rows=500)) >= 700

    def test_after_all_blocks_have_gone(self, path: Path) -> None:
        """Rows earlier than those that have gone are taken in like any others."""

        async def work(history: SqliteHistory) -> list[Row]:
            await keep(history, [change("a", at) for at in range(100, 110)])
            await until(lambda: not history._contents.is_sealing)
            tally = history._contents.tally
            history._writer.put(Trimming(Keep(rows=1), tally, 0))
            await until(lambda: tally.evicted == 10)
            await keep(history, [late("a", at) for at in range(50, 55)] + [change("a", at) for at in range(200, 205)])
            await until(lambda: not history._contents.is_sealing)
            return await rows(history, "a")

        found = run(work, path, generation_rows=10)
        assert [row[2] for row in found] == [*range(50, 55), *range(200, 205)]

    def test_age(self, path: Path) -> None:
        """What is older than it is kept is not told, and its blocks go."""
        run(lambda history: self.fill(history, range(40)), path, generation_rows=100)

        async def work(history: SqliteHistory) -> tuple[list[Row], int]:
            return await rows(history, "a"), history.rows

        options = {"keep": Keep(age_ns=10 * 10**9), "clock": lambda: 40 * 10**9}
        found, _ = run(work, path, **options)
        assert {row[2] // 10**9 for row in found} == set(range(30, 40))

    def test_bytes(self, path: Path) -> None:
        """Beyond so many bytes the oldest blocks go; what comes after takes their room."""

        async def texts(history: SqliteHistory) -> None:
            for second in range(30):
                noise = [change("a", second * 10**9 + at, f"{second * at * 7919**9:x}" * 20) for at in range(100)]
                await keep(history, noise)
                await until(lambda: not history._contents.is_sealing)

        async def work(history: SqliteHistory) -> tuple[int, list[Row]]:
            return history.figures().bytes, await rows(history, "a")

        run(texts, path, generation_rows=100)
        before, _ = run(work, path)
        size, found = run(self.trimmed(work), path, keep=Keep(bytes=before // 2))
        assert size <= before // 2
        assert 0 < len(found) < 3_000
        assert found[-1][2] == 29 * 10**9 + 99

    def test_behind(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """When too many rows wait for the disk it says so, and when they are written it says that."""
        monkeypatch.setattr(store, "MOST_ROWS", 2)

        async def work(history: SqliteHistory) -> None:
            history.append([change("a", at) for at in range(5)])
            assert history.behind
            assert history.full
            history.append([], lambda: None)
            async with asyncio.timeout(PATIENCE_S):
                await history.caught_up()
            assert not history.behind

        run(work, path)


class TestFaults:
    def test_locked(self, path: Path) -> None:
        """While another program holds the file nothing is told to be safe, and the reason is named; later all is."""

        async def work(history: SqliteHistory) -> None:
            await keep(history, [change("a", 1)])
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            told: list[bool] = []
            history.append([change("a", 2)], lambda: told.append(True))
            await until(lambda: history.figures().problem)
            assert "locked" in (history.figures().problem or "")
            assert told == []
            assert await rows(history, "a") == [(1, GOOD, 1), (2, GOOD, 2)]
            other.execute("ROLLBACK")
            other.close()
            await until(lambda: told)
            assert history.figures().problem is None
            assert history.figures().failures

        run(work, path)
        assert len(all_rows(path)) == 2

    def test_full(self, path: Path) -> None:
        """While the disk is full nothing is told to be safe; what came meanwhile is written when there is room."""

        async def work(history: SqliteHistory) -> None:
            await keep(history, [change("a", 1)])
            file = history._writer._file
            (pages,) = file.execute("PRAGMA page_count").fetchone()
            file.execute(f"PRAGMA max_page_count = {pages}")
            told: list[bool] = []
            history.append([change("a", at, "x" * 100_000) for at in range(2, 10)], lambda: told.append(True))
            await until(lambda: history.figures().problem)
            assert "full" in (history.figures().problem or "")
            assert told == []
            file.execute("PRAGMA max_page_count = 1000000")
            await until(lambda: told)
            assert history.figures().problem is None

        run(work, path)
        assert [row[2] for row in all_rows(path)] == list(range(1, 10))

    def test_given_up_in_order(self, path: Path) -> None:
        """A stop gives up the commit that fails and all that follow: no row is written under another's number."""

        async def work() -> None:
            history = SqliteHistory(path)
            history.open()
            history.start()
            file = history._writer._file
            (pages,) = file.execute("PRAGMA page_count").fetchone()
            file.execute(f"PRAGMA max_page_count = {pages}")
            history.append([change("b", at, "x" * 100_000) for at in range(2)], lambda: None)
            await until(lambda: history.figures().problem)
            history.append([change("b", 5_000)], lambda: None)
            history._outbox.hand_over()
            assert await history.close(1.0) is False

        asyncio.run(work())
        run(lambda history: keep(history, [change("c", 1)]), path)
        assert all_rows(path, "c") == [(1, GOOD, 1)]
        assert all_rows(path, "b") == []

    def test_gone(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file that was removed is noticed; what is in memory goes into a new one."""
        monkeypatch.setattr(writer, "TRIM_S", 0.0)

        async def work(history: SqliteHistory) -> None:
            await keep(history, [change("a", 1)])
            for file in path.parent.iterdir():
                file.unlink()
            told: list[bool] = []
            while not history.figures().problems:
                history.append([change("a", 2)], lambda: told.append(True))
                await asyncio.sleep(0.01)
            await until(lambda: told and not history.figures().unwritten)
            assert history.figures().problems == 1

        run(work, path)
        assert [row[2] for row in all_rows(path)] == [1, 2]

    def test_broken_on_a_full_disk(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A broken file is put aside once, however often a new one cannot be made."""
        monkeypatch.setattr(store, "RETRY_S", 0.01)
        attempts: list[int] = []

        def full(at: Path) -> sqlite3.Connection:
            attempts.append(1)
            if len(attempts) < 9:
                at.touch()
                raise StartError("disk full")
            return open_to_write(at)

        async def work(history: SqliteHistory) -> None:
            await keep(history, [change("a", 1)])
            monkeypatch.setattr(store, "open_to_write", full)
            history._writer.give_up()
            await until(lambda: len(attempts) == 9)
            await keep(history, [change("a", 2)])

        run(work, path)
        (aside,) = path.parent.glob("history.sqlite.broken-*Z")
        assert aside.stat().st_size > 0
        assert [row[2] for row in all_rows(path)] == [1, 2]

    def test_end_while_it_cannot_be_written(self, path: Path) -> None:
        """A stop does not wait for a disk that will not take anything, and tells that not all was written."""

        async def work() -> bool:
            history = SqliteHistory(path)
            history.open()
            history.start()
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            told: list[bool] = []
            history.append([change("a", 2)], lambda: told.append(True))
            await until(lambda: history.figures().problem)
            written = await history.close(2.0)
            other.close()
            assert told == []
            return written

        assert asyncio.run(work()) is False

    @pytest.mark.parametrize(
        "spoil",
        [
            pytest.param(lambda path: path.write_bytes(b"garbage" * 1_000), id="garbage"),
            pytest.param(lambda path: path.write_bytes(path.read_bytes()[:5_000]), id="cut short"),
            pytest.param(lambda path: _flip(path, 0), id="first page"),
            pytest.param(lambda path: _execute(path, "PRAGMA user_version = 99"), id="later version"),
            pytest.param(lambda path: _execute(path, "PRAGMA application_id = 7"), id="somebody else's"),
        ],
    )
    def test_unusable(self, path: Path, spoil: Callable[[Path], None]) -> None:
        """A file that cannot be used is kept under another name, counted, and history begins anew."""
        run(lambda history: keep(history, [change("a", at) for at in range(3_000)]), path, generation_rows=1_000)
        spoil(path)

        async def work(history: SqliteHistory) -> int:
            await keep(history, [change("a", 7)])
            assert await rows(history, "a") == [(7, GOOD, 7)]
            return history.figures().problems

        assert run(work, path) == 1
        assert len(list(path.parent.glob("history.sqlite.broken-*"))) == 1

    def test_broken_while_it_runs(self, path: Path) -> None:
        """A file that breaks under our hands is put aside; what was not in its blocks yet is written anew."""

        async def work(history: SqliteHistory) -> None:
            await keep(history, [change("a", at) for at in range(2_000)])
            history._writer.give_up()
            told: list[bool] = []
            history.append([change("a", 5_000)], lambda: told.append(True))
            await until(lambda: told)
            assert history.figures().problems == 1
            assert len(await rows(history, "a")) == 2_001

        run(work, path)
        assert len(all_rows(path)) == 2_001

    def test_beside_a_damaged_block(self, path: Path) -> None:
        """Blocks that become one do not reach over one that is damaged: what lies beside it can still be read."""

        async def few(history: SqliteHistory) -> None:
            for at in range(5):
                await keep(history, [change("a", 10 * at + more) for more in range(10)])
                await until(lambda: not history._contents.is_sealing)
            file = sqlite3.connect(path)
            file.execute("UPDATE block SET data = zeroblob(40) WHERE start = 20")
            file.commit()
            file.close()
            for at in range(5, 12):
                await keep(history, [change("a", 10 * at + more) for more in range(10)])
                await until(lambda: not history._contents.is_sealing)
            assert history.figures().problems
            assert [row[2] for row in await rows(history, "a", 30)] == list(range(30, 120))
            assert [row[2] for row in await rows(history, "a", 0, 19)] == list(range(20))
            with pytest.raises(Unreadable):
                await rows(history, "a")

        run(few, path, generation_rows=10)

    def test_damaged_block(self, path: Path) -> None:
        """Rows that cannot be read are no rows that are not there: whoever asks is told; others are answered."""
        run(
            lambda history: keep(history, [change(name, at) for name in "ab" for at in range(100)]),
            path,
            generation_rows=200,
        )
        run(lambda history: until(lambda: not history._contents.is_sealing), path)
        with sqlite3.connect(path) as file:
            sealed = file.execute("SELECT count(*) FROM block").fetchone()[0]
            file.execute(
                "UPDATE block SET data = zeroblob(40) WHERE element = (SELECT key FROM element WHERE id = 'a')"
            )
        file.close()
        assert sealed
        with pytest.raises(Unreadable):
            all_rows(path)
        assert len(all_rows(path, "b")) == 100

    def test_not_writable(self, tmp_path: Path) -> None:
        """A place where no file can be is told before anything starts."""
        (tmp_path / "file").write_text("")
        with pytest.raises(StartError, match="state"):
            SqliteHistory(tmp_path / "file" / "history.sqlite").open()


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    for offset in range(at + 100, at + 200):
        data[offset] ^= 0xFF
    path.write_bytes(data)


def _execute(path: Path, statement: str) -> None:
    file = sqlite3.connect(path)
    file.execute(statement)
    file.commit()
    file.close()
