"""All of the state: what one run has kept the next one has, and no fault of a file stops either."""

import asyncio
import contextlib
import logging
import resource
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from feeding import NOW_NS, Feed

from bridge.engine import EVERYTHING_NS, Options
from bridge.space import Limits
from bridge.state import StateKeeper, births, database, state, values
from bridge.state.database import NAME, STEPS, Database
from bridge.subscriptions import RESERVE, Gap, Subscription
from bridge.uns import Message
from bridge.uns.moments import SECOND
from bridge.uns.sparkplug_wire import CLASSES, DataType

HOUR = 3_600.0
SETTLE_S = 0.1  # what is on the disk is soon known to be
TOPIC = "acme/p1/level"


class Kept(Feed):
    """A feed with a kept state; both clocks are that of the feed."""

    def __init__(self, directory: Path, seconds: float = 0.0, options: Options | None = None, **more: Any) -> None:
        super().__init__(options, **more)
        self.seconds = seconds
        self.safe_ns = EVERYTHING_NS
        self.keeper = StateKeeper(
            directory, self.engine, "f00", self._now_ns, lambda: self.seconds, lambda: self.safe_ns
        )
        self.file = directory / NAME

    def _now_ns(self) -> int:
        return NOW_NS + int(self.seconds * SECOND)

    def begin(self, **newer: Any) -> Self:
        self.keeper.restore(newer)
        return self

    def run(self, done: "Callable[[Kept], object]", turns: int = 400) -> Self:
        """Let it run until something is so."""
        asyncio.run(self._run(done, turns))
        return self

    async def _run(self, done: "Callable[[Kept], object]", turns: int) -> None:
        task = asyncio.create_task(self.keeper.run())
        for _ in range(turns):
            await asyncio.sleep(0.005)
            if done(self):
                await asyncio.sleep(SETTLE_S)
                break
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()

    def close(self) -> Self:
        asyncio.run(self.keeper.close())
        return self

    def rows(self, table: str) -> list[str]:
        """The keys that a table on the disk has."""
        if not self.file.exists():
            return []
        with contextlib.closing(sqlite3.connect(self.file)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master").fetchall():
                return []
            return [key for (key,) in connection.execute(f"SELECT key FROM {table}")]

    def subscribe(self, ident: str = TOPIC) -> Subscription:
        found = self.engine.subscriptions.create("client", "name", self.seconds)
        self.engine.subscriptions.register(found, ident, 1)
        return found

    def sync(self, one: Subscription, acknowledged: int | None = None) -> list[tuple[int, list[Any]]]:
        found = self.engine.subscriptions.get("client", one.id)
        batches = self.engine.subscriptions.sync(found, acknowledged, self.seconds)
        return [(batch.number, [update.value for update in batch.updates]) for batch in batches]

    def gaps(self, one: Subscription) -> list[Gap]:
        return self.engine.subscriptions.get("client", one.id).queue.gaps


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "LOOK", 0.001)
    monkeypatch.setattr(database, "_PATIENCE", 0.01)


def shown(feed: Kept, topic: str = TOPIC) -> Any:
    value, quality, _ = feed.node(topic).vqt(feed.engine.space.zone)
    return value, quality


# --- values -----------------------------------------------------------------------------------------------------------


def test_values(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Last values are there again, doubted until the broker is there, with the model that they had."""
    before = Kept(tmp_path).begin().take({TOPIC: 5, "acme/p1/doc": {"a": 1, "b": 10**30}, "acme/p2/x": "y"}).settle()
    before.close()
    caplog.set_level(logging.INFO)
    again = Kept(tmp_path, HOUR).begin()
    assert f"{tmp_path}: goes on with the last values of 3 elements and 0 subscriptions" in caplog.text
    assert shown(again) == (5, "Uncertain")
    assert again.node("acme/p1/doc").value == {"a": 1, "b": 10**30}
    assert not again.engine.space.young
    assert {ident: node.type.id for ident, node in again.engine.space.nodes.items()} == {
        ident: node.type.id for ident, node in before.engine.space.nodes.items()
    }
    assert again.keeper.problems == before.keeper.problems == 0


def test_waits_for_the_broker(tmp_path: Path) -> None:
    """The model does not settle before the broker has been there for a discovery window."""
    Kept(tmp_path).begin().take({TOPIC: 5}).settle().close()
    again = Kept(tmp_path, HOUR, limits=Limits(new_per_minute=1)).begin()
    engine = again.engine
    for second in range(100):
        engine.tick(NOW_NS + int((HOUR + second) * SECOND), HOUR + second, lambda: HOUR)
    assert engine.space.waking
    again.seconds += 100
    engine.broker_back(session_kept=False)
    again.take({f"new/{number}": 1 for number in range(20)})
    assert len(engine.space.by_topic) == 3 + 21
    for second in range(100, 112):
        engine.tick(NOW_NS + int((HOUR + second) * SECOND), HOUR + second, lambda: HOUR)
    assert not engine.space.waking


@pytest.mark.parametrize(
    ("young", "seconds", "written"),
    [
        pytest.param(True, 299, False, id="young"),
        pytest.param(True, 300, True, id="young for long"),
        pytest.param(False, 0, True, id="settled"),
    ],
)
def test_written_while_it_runs(tmp_path: Path, young: bool, seconds: float, written: bool) -> None:
    """Values are written as soon as the model has settled, and every five minutes."""
    feed = Kept(tmp_path).begin().take({TOPIC: 5})
    if not young:
        feed.settle()
    feed.seconds += seconds
    feed.run(lambda feed: feed.rows("elements"), turns=40)
    assert feed.rows("elements") == ([TOPIC] if written else [])


def test_only_what_is_new_is_written(tmp_path: Path) -> None:
    """Who has been silent since the last time is not written again; after a step back of the clock everything is."""
    feed = Kept(tmp_path).begin().take({"b/c": 1}).settle().take({TOPIC: 5}).run(lambda feed: feed_rows(feed, 2))
    with sqlite3.connect(feed.file) as connection:
        connection.execute("DELETE FROM elements")
    connection.close()
    feed.seconds += 300
    feed.take({TOPIC: 6}).run(lambda feed: feed_rows(feed, 1))
    assert feed.rows("elements") == [TOPIC]
    feed.seconds -= HOUR
    feed.take({TOPIC: 7}).run(lambda _: False, turns=5)
    feed.seconds += HOUR + 300
    feed.run(lambda feed: feed_rows(feed, 2))
    assert sorted(feed.rows("elements")) == [TOPIC, "b/c"]


def feed_rows(feed: Kept, count: int) -> bool:
    return len(feed.rows("elements")) == count


def test_gone(tmp_path: Path) -> None:
    """Elements that have gone leave the file within about a second, and do not return."""
    feed = Kept(tmp_path).begin().take({TOPIC: 5, "b/c": 1}).settle().run(lambda feed: feed_rows(feed, 2))
    feed.engine.space.remove(feed.node("b/c"))
    feed.run(lambda feed: feed_rows(feed, 1))
    again = Kept(tmp_path, HOUR).begin()
    assert "b/c" not in again.engine.space.by_topic
    again.close()


def test_left_out_is_forgotten(tmp_path: Path) -> None:
    """What is not put back leaves the file."""
    Kept(tmp_path).begin().take({TOPIC: 5, "b/c": 1}).settle().close()
    feed = Kept(tmp_path, HOUR, limits=Limits(elements=3)).begin().run(lambda feed: feed_rows(feed, 1))
    assert feed.rows("elements") == [TOPIC]


def test_gone_while_history_has_rows(tmp_path: Path) -> None:
    """An element that has gone is not made from its rows, also after a crash and in every later run; one that reports
    again is, although its time is old.
    """
    feed = Kept(tmp_path).begin().take({TOPIC: 5, "b/c": 1, "b/d": 1}).settle().run(lambda feed: feed_rows(feed, 3))
    for ident in ("b/c", "b/d"):
        feed.engine.space.remove(feed.node(ident))
    feed.run(lambda feed: feed_rows(feed, 1))
    rows = dict.fromkeys(("b/c", "b/d"), (1, "Good", NOW_NS))
    for seconds in (HOUR, 2 * HOUR):
        feed = Kept(tmp_path, seconds).begin(**rows)
        assert [ident in feed.engine.space.by_topic for ident in ("b/c", "b/d")] == [False, False]
    feed.take({"b/c": {"value": 2, "timestamp": NOW_NS // 1_000_000}}).run(lambda feed: feed.rows("removed") == ["b/d"])
    assert feed.rows("removed") == ["b/d"]
    feed = Kept(tmp_path, 3 * HOUR).begin(**rows | {"b/c": (2, "Good", NOW_NS)})
    assert shown(feed, "b/c") == (2, "Uncertain")
    assert "b/d" not in feed.engine.space.by_topic
    feed = Kept(tmp_path, 4 * HOUR).begin(**{"b/d": (3, "Good", NOW_NS + 3 * int(HOUR) * SECOND)})
    assert shown(feed, "b/d") == (3, "Uncertain")  # a row since then: it was killed before it could say so
    Kept(tmp_path, 5 * HOUR).begin().run(lambda feed: not feed.rows("removed"))
    assert feed.rows("removed") == []  # history has forgotten them


def test_removed_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many that have gone, the last are remembered."""
    monkeypatch.setattr(values, "MAX_REMOVED", 2)
    feed = Kept(tmp_path).begin().take({f"a/{number}": 1 for number in range(4)})
    for number in range(4):
        feed.engine.space.remove(feed.node(f"a/{number}"))
        feed.run(lambda feed: f"a/{number}" in feed.rows("removed"))  # noqa: B023 - called before the next round
    assert feed.rows("removed") == ["a/2", "a/3"]


def test_old_times_in_history(tmp_path: Path) -> None:
    """An element that reported shortly before a crash is there again, however old the time in its payload is."""
    Kept(tmp_path).begin().take({TOPIC: 5}).settle().close()
    feed = Kept(tmp_path, HOUR).begin(new=(7, "Good", NOW_NS - 12 * int(HOUR) * SECOND))
    assert shown(feed, "new") == (7, "Uncertain")
    feed.seconds += 300
    feed.run(lambda feed: feed_rows(feed, 2))
    assert sorted(feed.rows("elements")) == [TOPIC, "new"]  # history need not have it the next time


@pytest.mark.parametrize("orderly", [pytest.param(True, id="end"), pytest.param(False, id="kill")])
def test_what_history_has_not(tmp_path: Path, orderly: bool) -> None:
    """A value that is not on history's disk is not kept: sent again, it is taken once more, and written then. It stays
    due until it is safe.
    """
    feed = Kept(tmp_path).begin().take({TOPIC: 5, "b/c": 1}).settle().run(lambda feed: feed_rows(feed, 2))
    feed.safe_ns = feed.engine.received_ns
    feed.seconds += 300
    feed.take({TOPIC: {"value": 6, "timestamp": feed._now_ns() // 1_000_000}, "new": 1})
    feed.run(lambda _: False, turns=20)
    if orderly:
        feed.close()
    again = Kept(tmp_path, feed.seconds + 1).begin()
    assert shown(again) == (5, "Uncertain")
    assert "new" not in again.engine.space.by_topic
    again.take({TOPIC: {"value": 6, "timestamp": feed._now_ns() // 1_000_000}})
    assert (again.engine.counters.stored, again.engine.counters.duplicate) == (1, 0)
    if not orderly:
        feed.safe_ns = EVERYTHING_NS
        feed.seconds += 300
        feed.run(lambda feed: feed_rows(feed, 3))
        assert shown(Kept(tmp_path, HOUR).begin()) == (6, "Uncertain")


def test_written_as_soon_as_it_is_safe(tmp_path: Path) -> None:
    """What was not safe when it was noted is written shortly after it is, although the element never stops reporting;
    what has gone meanwhile is not.
    """
    feed = Kept(tmp_path).begin().take({"b/c": 1}).settle()
    feed.safe_ns = feed.engine.received_ns
    feed.take({TOPIC: 5, "b/d": 5}).run(lambda feed: feed_rows(feed, 1))
    feed.seconds += 1
    feed.take({TOPIC: 6})
    feed.engine.space.remove(feed.node("b/d"))
    feed.safe_ns = feed._now_ns() - SECOND
    feed.run(lambda feed: feed_rows(feed, 2))
    again = Kept(tmp_path, HOUR).begin()
    assert shown(again) == (5, "Uncertain")
    assert "b/d" not in again.engine.space.by_topic


def test_unsafe_while_it_saves(tmp_path: Path) -> None:
    """What comes while values are written is not noted either unless it is safe, and is due the next time."""
    feed = Kept(tmp_path).begin().take({f"a/{number}": 1 for number in range(3_000)}).settle()

    async def act() -> None:
        feed.keeper._open()
        saving = asyncio.create_task(feed.keeper._values.save())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        feed.safe_ns = feed.engine.received_ns
        feed.seconds += 1
        feed.take({"a/2999": 2})
        await saving

    asyncio.run(act())
    assert len(feed.rows("elements")) == 2_999
    feed.keeper._values._held.clear()
    feed.safe_ns = EVERYTHING_NS
    asyncio.run(feed.keeper._values.save())
    assert len(feed.rows("elements")) == 3_000


def test_first_start_says_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where nothing was kept there is nothing to tell."""
    caplog.set_level(logging.INFO)
    Kept(tmp_path).begin(**{"$bridge/version": (1, "Good", NOW_NS)})
    assert caplog.text == ""


def test_from_history_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What comes from history is said to."""
    caplog.set_level(logging.INFO)
    Kept(tmp_path).begin(a=(5, "Good", NOW_NS), b=(5, "Good", NOW_NS))
    assert "goes on with the last values of 2 elements (2 from history) and 0 subscriptions" in caplog.text
    assert NAME not in caplog.text


def test_history_is_newer(tmp_path: Path) -> None:
    """What history has of later wins, also for elements that the file does not have yet."""
    Kept(tmp_path).begin().take({"a": 5, "b": 5}).settle().close()
    later = NOW_NS + 10 * SECOND
    again = Kept(tmp_path, HOUR).begin(a=(6, "Good", later), b=(6, "Good", NOW_NS - 1), c=(7, "Good", later))
    assert [shown(again, ident)[0] for ident in "abc"] == [6, 5, 7]


def test_births(tmp_path: Path) -> None:
    """After a restart, Sparkplug data of a session that goes on are understood."""
    birth, data = CLASSES["Payload"](seq=0), CLASSES["Payload"](seq=1)
    birth.metrics.add(name=b"Level", alias=7, datatype=DataType.Int32, int_value=5)
    data.metrics.add(alias=7, int_value=6)
    feed = Kept(tmp_path).begin().take({"spBv1.0/Plant/NBIRTH/Edge 1": birth.SerializeToString()})
    feed.run(lambda feed: feed.rows("births")).settle().close()
    again = Kept(tmp_path, HOUR).begin()
    assert shown(again, "spBv1.0/Plant/Edge 1/Level") == (5, "Uncertain")
    again.take({"spBv1.0/Plant/NDATA/Edge 1": data.SerializeToString()})
    assert shown(again, "spBv1.0/Plant/Edge 1/Level") == (6, "Good")
    assert again.engine.rejected == {}


def test_births_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many births the oldest go, from the file as well."""
    monkeypatch.setattr(births, "MAX_BIRTHS", 3)
    feed = Kept(tmp_path).begin()
    for number in range(5):
        feed.engine._intake.on_birth(Message(f"t{number}", b"x" * number, received_ns=number))  # type: ignore[misc]
        feed.run(lambda feed: f"t{number}" in feed.rows("births"))  # noqa: B023 - called before the next round
    assert feed.rows("births") == ["t2", "t3", "t4"]
    again = Kept(tmp_path).begin()
    assert list(again.keeper._values._births._sizes.items()) == [("t2", 2), ("t3", 3), ("t4", 4)]


def test_what_cannot_be_written(tmp_path: Path) -> None:
    """Half a character prevents one element from being kept, which is counted, and nothing else."""
    feed = Kept(tmp_path).begin().take({"a/b": 5, TOPIC: 6}).settle()
    feed.node("a/b").description = "\ud800"
    feed.close()
    assert (feed.rows("elements"), feed.keeper.problems) == ([TOPIC], 1)


# --- subscriptions ----------------------------------------------------------------------------------------------------


def test_orderly_end(tmp_path: Path) -> None:
    """Subscriptions are there as they were, with unacknowledged batches and what is pending."""
    feed = Kept(tmp_path).begin().take({TOPIC: 5}).settle()
    one, other = feed.subscribe(), feed.subscribe()
    assert feed.sync(one) == [(1, [5])]
    feed.take({TOPIC: {"x": 6}}).close()
    for seconds in (HOUR, 2 * HOUR):  # the second time nothing has happened
        feed = Kept(tmp_path, seconds).begin()
        assert feed.engine.subscriptions.get("client", one.id).display_name == "name"
        assert (feed.engine.subscriptions.queued, feed.gaps(one)) == (4, [])
        feed.close()
    assert feed.rows("meta") == ["clean", "saved_ns"]
    feed = Kept(tmp_path, 3 * HOUR).begin()
    assert feed.sync(one, 1) == [(2, [{"x": 6}])]
    assert feed.sync(other) == [(1, [5, {"x": 6}])]


def test_crash_after_an_orderly_end(tmp_path: Path) -> None:
    """What was written at the end of one run holds for the next one only."""
    feed = Kept(tmp_path).begin().take({TOPIC: 5}).settle()
    one = feed.subscribe()
    feed.close()
    crashed = Kept(tmp_path, HOUR).begin()
    assert crashed.sync(one) == [(1, [5])]
    assert (crashed.rows("meta"), crashed.rows("updates")) == (["saved_ns"], [])
    again = Kept(tmp_path, 2 * HOUR).begin()
    assert again.gaps(one) == [Gap(1, RESERVE, None)]
    assert again.sync(one) == []
    again.run(lambda again: again.engine.subscriptions.get("client", one.id).queue.reserved > RESERVE)
    assert again.sync(one) == [(RESERVE + 1, [5])]


def test_owners(tmp_path: Path) -> None:
    """A subscription is its owner's after a restart, too, who sees what they saw until they come again."""
    feed = Kept(tmp_path).begin().take({TOPIC: 5}).settle()
    all_ = feed.engine.subscriptions
    ident = all_.create("client", "name", 0.0, "anna", feed.engine.sight([TOPIC, "b/+"])).id
    feed.close()
    again = Kept(tmp_path, HOUR).begin().engine.subscriptions.get("client", ident, "anna")
    assert (again.owner, again.sight.filters) == ("anna", (TOPIC, "b/+"))


def test_subscriptions_without_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that an earlier version has written are nobody's, and see everything; it does not read those of this one,
    whose owners it would not know of.
    """
    monkeypatch.setattr(database, "STEPS", STEPS[:2])
    old = Database(tmp_path)
    old.open()
    with old.writing() as writing:
        writing.put("subscriptions", [("one", b'["one","client",null,[["%s",1]],1,9]' % TOPIC.encode())])
    old.close()
    monkeypatch.undo()
    feed = Kept(tmp_path).begin()
    found = feed.engine.subscriptions.get("client", "one")
    assert (found.owner, found.sight.everything, list(found.items)) == ("", True, [TOPIC])
    feed.close()
    monkeypatch.setattr(database, "STEPS", STEPS[:2])
    with pytest.raises(database.Unusable, match=r"format \d+, this version reads 2"):
        Database(tmp_path).open()


def test_written_behind(tmp_path: Path) -> None:
    """Creating, monitoring and deleting is on the disk shortly afterwards, while it runs."""
    feed = Kept(tmp_path).begin().take({TOPIC: 5}).settle()
    one, two = feed.subscribe(), feed.subscribe()
    feed.run(lambda feed: len(feed.rows("subscriptions")) == 2)
    feed.engine.subscriptions.delete(two)
    feed.engine.subscriptions.register(one, "acme", 0)
    feed.run(lambda feed: feed.rows("subscriptions") == [one.id])
    again = Kept(tmp_path, HOUR).begin()
    assert list(again.engine.subscriptions) == [one.id]
    assert {
        ident: item.max_depth for ident, item in again.engine.subscriptions.get("client", one.id).items.items()
    } == {
        TOPIC: 1,
        "acme": 0,
    }


def test_written_but_unheard_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A subscription that is deleted leaves the file also where nobody heard that it had been written."""
    feed = Kept(tmp_path).begin().take({TOPIC: 5}).settle()
    one = feed.subscribe()
    write = feed.keeper._subscriptions._write

    def write_and_fail(*what: Any) -> None:
        write(*what)
        raise OSError("after all")

    monkeypatch.setattr(feed.keeper._subscriptions, "_write", write_and_fail)
    feed.run(lambda feed: feed.keeper.problems)
    assert feed.rows("subscriptions") == [one.id]
    monkeypatch.undo()
    feed.engine.subscriptions.delete(one)
    feed.run(lambda feed: not feed.rows("subscriptions"))
    assert feed.rows("subscriptions") == []


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program holds the write lock."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


@contextlib.contextmanager
def closed_to_all(path: Path) -> Iterator[None]:
    """Another program lets nobody even read."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.close()


@contextlib.contextmanager
def no_growth(path: Path) -> Iterator[None]:
    """No file may grow: SQLite cannot even make its index of the log."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def broken(directory: Path) -> list[Path]:
    return list(directory.glob("*.broken-*"))


@pytest.mark.parametrize("fault", [pytest.param(locked, id="locked"), pytest.param(no_growth, id="no growth")])
def test_cannot_be_written_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: Callable[[Path], contextlib.AbstractContextManager[None]]
) -> None:
    """A file that can be read but not written for now gives values and subscriptions all the same. Until it can, no
    number is given that was not given before; then all goes on by itself.
    """
    feed = Kept(tmp_path).begin().take({TOPIC: 5}).settle()
    one = feed.subscribe()
    assert feed.sync(one) == [(1, [5])]
    feed.close()
    with fault(feed.file):
        again = Kept(tmp_path, HOUR).begin()
        assert shown(again) == (5, "Uncertain")
        again.take({TOPIC: 6}).run(lambda again: again.keeper.problems > 3)
        assert again.sync(one) == [(1, [5])]
        assert again.sync(one, 1) == []
        assert again.gaps(one) == []
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1
    again.run(lambda _: again.sync(one))
    assert again.sync(one) == [(2, [6])]
    assert (again.rows("meta"), broken(tmp_path)) == (["saved_ns"], [])
    (gap,) = Kept(tmp_path, 2 * HOUR).begin().gaps(one)  # after a crash
    assert (gap.first, gap.lost) == (2, None)


def test_crash_while_it_cannot_be_written(tmp_path: Path) -> None:
    """A crash in that time leaves what the last end has written."""
    feed = Kept(tmp_path).begin().take({TOPIC: 5}).settle()
    one = feed.subscribe()
    feed.close()
    with locked(feed.file):
        again = Kept(tmp_path, HOUR).begin().take({TOPIC: 6}).run(lambda again: again.keeper.problems > 3)
        assert again.sync(one) == []
    after = Kept(tmp_path, 2 * HOUR).begin()
    assert after.gaps(one) == []
    assert after.sync(one) == [(1, [5])]


def test_cannot_be_read_at_the_start(tmp_path: Path) -> None:
    """What cannot be read for now is no damage: subscriptions go on as soon as it can, as after a crash."""
    feed = Kept(tmp_path).begin().take({TOPIC: 5}).settle()
    one = feed.subscribe()
    feed.close()
    with closed_to_all(feed.file):
        again = Kept(tmp_path, HOUR).begin().take({TOPIC: 6})
        two = again.subscribe()
        again.run(lambda again: again.keeper.problems > 3)
        assert list(again.engine.subscriptions) == [two.id]
    again.run(lambda again: len(again.engine.subscriptions) == 2)
    again.run(lambda again: again.sync(one))
    assert again.gaps(one) == [Gap(1, RESERVE, None)]
    assert again.sync(one) == [(RESERVE + 1, [6])]
    assert sorted(again.rows("subscriptions")) == sorted([one.id, two.id])
    assert broken(tmp_path) == []


def test_full_again_and_again(tmp_path: Path) -> None:
    """On a full disk a damaged file is put aside once, and what the new one cannot be is not."""
    feed = Kept(tmp_path).begin().take({TOPIC: 5}).settle()
    _garbage(feed.close().file)
    with no_growth(feed.file):
        again = Kept(tmp_path, HOUR).begin().take({TOPIC: 6}).settle()
        again.run(lambda again: again.keeper.problems > 10)
        assert [path.stat().st_size for path in broken(tmp_path)] == [7_000]
    again.seconds += 10
    again.run(lambda again: feed_rows(again, 1))
    assert len(broken(tmp_path)) == 1


# --- faults -----------------------------------------------------------------------------------------------------------


def _garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 1_000)


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def _rewrite(table: str, data: bytes) -> Callable[[Path], None]:
    def act(path: Path) -> None:
        one = Database(path.parent)
        one.open()
        with one.writing() as writing:
            writing.put(table, [("saved_ns" if table == "meta" else "x", data)])
        one.close()

    return act


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        pytest.param(_garbage, "damaged: file is not a database", id="garbage"),
        pytest.param(_newer, f"format 99, this version reads {len(STEPS)}", id="newer"),
        pytest.param(_rewrite("elements", b"[1]"), "not a reading", id="element"),
        pytest.param(_rewrite("meta", b"x"), "not a reading", id="meta"),
        pytest.param(_rewrite("subscriptions", b"{}"), "not a subscription", id="subscription"),
        pytest.param(_rewrite("queues", b"[1,0,[],[],[99],[]]"), "updates are missing", id="queue"),
    ],
)
def test_unusable_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None], why: str
) -> None:
    """A file that cannot be used is put aside, told once and counted; what begins anew is kept in a new one."""
    before = Kept(tmp_path).begin().take({TOPIC: 5}).settle()
    before.subscribe()
    damage(before.close().file)
    feed = Kept(tmp_path, HOUR).begin()
    assert TOPIC not in feed.engine.space.by_topic
    assert len(feed.engine.subscriptions) == 0
    assert [record.levelno for record in caplog.records].count(logging.WARNING) == feed.keeper.problems == 1
    assert why in caplog.text
    assert len(list(tmp_path.glob(f"{NAME}.broken-*Z"))) == 1
    feed.take({TOPIC: 6}).settle().close()
    assert shown(Kept(tmp_path, HOUR).begin()) == (6, "Uncertain")


def test_directory_that_cannot_be(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A directory that cannot be made stops nothing, at the start or later, and is told once."""
    (tmp_path / "file").write_text("")
    feed = Kept(tmp_path / "file" / "state").begin().take({TOPIC: 5}).settle()
    one = feed.subscribe()
    feed.run(lambda _: False, turns=20)
    assert feed.sync(one) == [(1, [5])]
    feed.close()
    assert feed.keeper.problems > 3
    told = [record.message for record in caplog.records if NAME in record.message and record.levelno > logging.INFO]
    assert len(told) == 1
    (tmp_path / "file").unlink()


def test_disk_that_comes_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What could not be written is written later, all of it; that it goes on is told as well."""
    caplog.set_level(logging.INFO)
    (tmp_path / "file").write_text("")
    feed = Kept(tmp_path / "file" / "state").begin().take({TOPIC: 5}).settle()
    one, two = feed.subscribe(), feed.subscribe()
    feed.run(lambda feed: feed.keeper.problems > 3)
    feed.engine.subscriptions.delete(two)
    (tmp_path / "file").unlink()
    feed.seconds += 10
    feed.run(lambda feed: feed_rows(feed, 1) and feed.rows("subscriptions") == [one.id])
    assert (feed.rows("elements"), feed.rows("subscriptions")) == ([TOPIC], [one.id])
    assert "is written again" in caplog.text


def test_locked_while_it_runs(tmp_path: Path) -> None:
    """While another program holds the file, numbers are not given beyond those reserved, and nothing is lost."""
    feed = Kept(tmp_path).begin().take({TOPIC: 5}).settle()
    one = feed.subscribe()
    feed.run(lambda feed: feed.rows("subscriptions"))
    other = sqlite3.connect(feed.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    one.queue.next = RESERVE
    assert feed.sync(one) == [(RESERVE, [5])]
    feed.take({TOPIC: 6}).run(lambda feed: feed.keeper.problems > 2)
    assert feed.sync(one, RESERVE) == []
    other.close()
    feed.run(lambda _: one.queue.reserved > RESERVE)
    assert feed.sync(one) == [(RESERVE + 1, [6])]


def test_damaged_while_it_runs(tmp_path: Path) -> None:
    """A file that turns out to be damaged is put aside, and everything is written to a new one."""
    feed = Kept(tmp_path).begin().take({TOPIC: 5, "b/c": 1}).settle()
    one = feed.subscribe()
    feed.run(lambda feed: feed_rows(feed, 2))
    feed.keeper._database.close()
    _garbage(feed.file)
    feed.take({TOPIC: 6})
    feed.engine.subscriptions.register(one, "acme", 1)
    feed.seconds += 300
    feed.run(lambda _: list(tmp_path.glob("*.broken-*Z")))
    feed.seconds += 300
    feed.run(lambda feed: feed_rows(feed, 2) and feed.rows("subscriptions"))
    assert (sorted(feed.rows("elements")), feed.rows("subscriptions")) == ([TOPIC, "b/c"], [one.id])
    assert feed.keeper.problems == 1


def test_end_takes_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be written in time is given up; the next run goes on as after a crash."""
    feed = Kept(tmp_path).begin().take({TOPIC: 5}).settle()
    one = feed.subscribe()
    feed.run(lambda feed: feed.rows("subscriptions"))
    monkeypatch.setattr(state, "CLOSE_S", 0.05)
    monkeypatch.setattr(database, "_PATIENCE", 60.0)
    feed.keeper._database.close()
    feed.keeper._database.open()
    waits = asyncio.Event()

    async def never() -> None:
        await waits.wait()

    monkeypatch.setattr(feed.keeper._subscriptions, "close", never)
    feed.close()
    assert "was not written to the end within" in caplog.text
    again = Kept(tmp_path, HOUR).begin()
    assert again.gaps(one) == [Gap(1, RESERVE, None)]


def test_loop_is_never_held(tmp_path: Path) -> None:
    """Thousands of elements are noted and written while others get their turn all the time."""
    feed = Kept(tmp_path).begin().take({f"a/{number // 100}/{number}": number for number in range(12_000)})

    async def act() -> float:
        feed.keeper._open()
        saving = asyncio.create_task(feed.keeper._values.save())
        worst = 0.0
        while not saving.done():
            before = asyncio.get_running_loop().time()
            await asyncio.sleep(0)
            worst = max(worst, asyncio.get_running_loop().time() - before)
        await saving
        return worst

    assert asyncio.run(act()) < 0.25
    assert len(feed.rows("elements")) == 12_000


def test_values_of_a_lost_file(tmp_path: Path) -> None:
    """What was put back is written again where the file is lost, although nothing has come."""
    Kept(tmp_path).begin().take({TOPIC: 5}).settle().close()
    feed = Kept(tmp_path, HOUR).begin()
    feed.keeper._database.close()
    _garbage(feed.file)
    feed.subscribe()
    feed.run(lambda _: list(tmp_path.glob("*.broken-*Z"))).close()
    assert shown(Kept(tmp_path, 2 * HOUR).begin()) == (5, "Uncertain")
