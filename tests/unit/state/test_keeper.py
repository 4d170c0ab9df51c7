"""The keeper: when it writes, what it gives back, and that nothing stops it."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from feeding import NOW_NS, Feed

from bridge.state import Keeper, Store
from bridge.state.keeper import INTERVAL
from bridge.uns.moments import SECOND

DAY = 86_400.0
PUMP = {"flow": 1.5, "head": 2.5, "power": 3.5, "hours": 4}


class Kept(Feed):
    """A feed whose model is kept in a directory; the keeper's clock is that of the feed."""

    def __init__(self, directory: Path, fingerprint: str = "f00") -> None:
        super().__init__()
        self.store = Store(directory)
        self.keeper = Keeper(self.store, self.engine.space, fingerprint, lambda: NOW_NS + int(self.seconds * SECOND))
        self.keeper.restore()

    def close(self) -> "Kept":
        asyncio.run(self.keeper.close())
        return self

    def saved(self) -> str | None:
        found = self.store.read()
        return found[0].saved if found is not None else None


def learnt(directory: Path) -> Kept:
    """A model that was kept."""
    return Kept(directory).take({"acme/p1/doc": PUMP}).settle().close()  # type: ignore[return-value]  # itself


def test_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What one run has learnt the next one knows, and says so."""
    former = learnt(tmp_path)
    caplog.set_level(logging.INFO)
    found = Kept(tmp_path).take({"acme/p1/doc": {"flow": 1.5}})
    assert found.node("acme/p1/doc").type.id == former.node("acme/p1/doc").type.id
    assert "goes on with 6 types and the places of 3 elements" in caplog.text
    assert found.keeper.problems == 0


def test_young_or_waking_is_not_written(tmp_path: Path) -> None:
    """What is provisional is not kept, and does not take the place of what is."""
    assert Kept(tmp_path).take({"a/b": 1}).arrange().close().saved() is None  # type: ignore[attr-defined]
    before = learnt(tmp_path).saved()
    assert Kept(tmp_path).take({"a/b": 1}).close().saved() == before  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "seconds", "written"),
    [
        pytest.param(True, INTERVAL - 1, False, id="changed, too soon"),
        pytest.param(True, INTERVAL, True, id="changed"),
        pytest.param(False, INTERVAL, False, id="the same"),
        pytest.param(False, DAY, True, id="the same, a day later"),
    ],
)
def test_written_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: bool, seconds: float, written: bool
) -> None:
    """At most every five minutes while the model changes, and once a day in any case."""
    monkeypatch.setattr("bridge.state.keeper._LOOK", 0.001)
    feed = learnt(tmp_path)
    before = feed.saved()
    feed.seconds += seconds
    if change:
        feed.take({"acme/p2/doc": PUMP})
    asyncio.run(_while_it_runs(feed.keeper, lambda: feed.saved() != before))
    assert (feed.saved() != before) is written


async def _while_it_runs(keeper: Keeper, done: Callable[[], bool]) -> None:
    task = asyncio.create_task(keeper.run())
    for _ in range(50):
        await asyncio.sleep(0.005)
        if done():
            break
    task.cancel()
    await asyncio.wait([task])


def test_another_configuration(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What was learnt under another configuration of the model is learnt anew, and kept under the new one."""
    learnt(tmp_path)
    caplog.set_level(logging.INFO)
    found = Kept(tmp_path, "b44")
    assert found.engine.space.young
    assert len(found.engine.space.registry.by_id) == len(Feed().engine.space.registry.by_id)
    assert "learnt under another configuration" in caplog.text
    found.take({"acme/p1/doc": PUMP}).settle()
    found.close()
    assert not Kept(tmp_path, "b44").engine.space.young
    assert found.keeper.problems == 0


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(b"garbage", "not gzip", id="garbage"),
        pytest.param(None, "not gzip, or not all of it", id="truncated"),
    ],
)
def test_broken_file(tmp_path: Path, caplog: pytest.LogCaptureFixture, data: bytes | None, why: str) -> None:
    """A file that cannot be used prevents nothing: it is put aside, told once and counted."""
    path = learnt(tmp_path).store.path
    path.write_bytes(data if data is not None else path.read_bytes()[:-20])
    found = Kept(tmp_path)
    assert found.engine.space.young
    assert found.keeper.problems == len(caplog.records) == 1
    assert why in caplog.text
    assert f"{path.name}.broken-" in caplog.text
    assert [each.name.startswith(f"{path.name}.broken-") for each in tmp_path.iterdir()] == [True]


def test_directory_that_cannot_be(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nor does a directory that cannot be made or written to, at the start or later."""
    (tmp_path / "file").write_text("")
    feed = Kept(tmp_path / "file" / "state")
    feed.take({"acme/p1/doc": PUMP}).settle()
    feed.close()
    assert feed.keeper.problems == len(caplog.records) == 2
    assert "cannot be read" in caplog.records[0].message
    assert "cannot be written" in caplog.records[1].message
