"""The model as elements of its own: they can be browsed, read and subscribed to like any other."""

import invariants
import pytest
from feeding import NOW, NOW_NS, Feed
from views import EngineView

from bridge.engine import Engine, Options
from bridge.space import Change
from bridge.space.browse import Budget
from bridge.space.types import BASE_NAMESPACE
from bridge.space.versions import VERSION_ID
from bridge.uns import Message
from bridge.uns.moments import SECOND

MODEL = "$bridge/model"


def tick(engine: Engine, seconds: float) -> list[Change]:
    return engine.tick(NOW_NS + int(seconds * SECOND), seconds, lambda: seconds)


def version(engine: Engine) -> int:
    value = engine.space.nodes[VERSION_ID].value
    assert type(value) is int
    return value


def test_there_from_the_start() -> None:
    """An empty space has one root, is sound, and says that nothing is known yet."""
    engine = Engine(Options())
    assert invariants.faults(EngineView(engine)) == []
    (root,) = engine.browse.objects(root=True)
    assert (root["elementId"], root["displayName"]) == ("$bridge", "bridge")
    assert engine.browse.value(VERSION_ID, 1, Budget(1))["quality"] == "GoodNoData"  # type: ignore[index]


def test_values() -> None:
    """After a tick the leaves are Good; the model that they are parts of is composed of them."""
    feed = Feed().take({"plant/vat1/level": 1})
    tick(feed.engine, 0)
    found = feed.value(MODEL)
    assert found["quality"] == "Good"
    assert found["value"] == {
        "version": feed.engine.space.revision,
        "types": len(feed.browse.object_types()),
        "elements": 3,
        "settled": False,
    }
    assert feed.object(VERSION_ID)["typeElementId"] == f"{BASE_NAMESPACE}#ModelVersion"
    assert feed.type(VERSION_ID)["schema"]["type"] == "integer"
    assert invariants.faults(EngineView(feed.engine)) == []


def test_root_since_the_start() -> None:
    """The root has no value; that it has none is so since the first tick."""
    feed = Feed()
    tick(feed.engine, 5)
    tick(feed.engine, 9)
    found = feed.value("$bridge")
    assert (found["value"], found["quality"], found["timestamp"]) == (None, "GoodNoData", NOW.format(5))


def test_rises_with_the_model_only() -> None:
    """A new element raises it; new values, more ticks and its own changes do not."""
    feed = Feed().take({"a/b": 1}).settle()
    tick(feed.engine, 61)
    before, revision = version(feed.engine), feed.engine.space.revision
    feed.take({"a/b": 2})
    for second in range(62, 70):
        assert tick(feed.engine, second) == []
    assert (version(feed.engine), feed.engine.space.revision) == (before, revision)
    feed.take({"a/c": 1})
    told = [change.node.id for change in tick(feed.engine, 71)]
    assert VERSION_ID in told
    assert version(feed.engine) > before


def test_at_most_once_a_second() -> None:
    """Whatever happens within a second is told at its end, once."""
    feed = Feed().take({"a": 1})
    tick(feed.engine, 0)
    told = []
    for number in range(1, 20):
        feed.take({f"a/{number}": 1})
        told.append(bool(tick(feed.engine, number / 10)))
    assert told.count(True) == 1
    assert told[9]


def test_a_clock_that_steps_back() -> None:
    """The version is told all the same."""
    feed = Feed().take({"a": 1})
    tick(feed.engine, 1_000)
    feed.take({"b": 1})
    assert tick(feed.engine, 10)


def test_subscribers_hear_of_it() -> None:
    """The model's composed value and its version are monitored like any other element."""
    feed = Feed().take({"a": 1})
    tick(feed.engine, 0)
    found = feed.engine.subscriptions.create("client", None, 0.0)
    for ident in (VERSION_ID, MODEL):
        feed.engine.subscriptions.register(found, ident, 1)
    (initial,) = feed.engine.subscriptions.sync(found, None, 0.0)
    feed.take({"b": 1})
    tick(feed.engine, 2)
    (batch,) = feed.engine.subscriptions.sync(found, initial.number, 0.0)
    assert {update.element_id for update in batch.updates} == {VERSION_ID, MODEL}


@pytest.mark.parametrize("topic", ["$bridge", VERSION_ID, "$bridge/model/else"])
def test_nobody_else_writes_it(topic: str) -> None:
    """Messages on topics of these names are refused and change nothing."""
    feed = Feed().take({"a": 1})
    tick(feed.engine, 0)
    before = feed.browse.objects(), feed.value(VERSION_ID)
    feed.engine.ingest([Message(topic, b"7", received_ns=NOW_NS)])
    assert dict(feed.engine.rejected) == {"reserved": 1}
    assert (feed.browse.objects(), feed.value(VERSION_ID)) == before
    assert feed.engine.balance == 0


def test_learning_leaves_it_alone() -> None:
    """Arranging a young model anew changes nothing about the bridge's own elements, types or namespaces."""
    feed = Feed()
    before = [feed.object(ident) for ident in feed.engine.space.nodes]
    feed.take({"plant/model/version": 1, "$other/x": 1}).arrange().settle()
    assert [feed.object(row["elementId"]) for row in before] == before
    assert not any("bridge" in row["uri"] for row in feed.browse.namespaces() if row["uri"] != BASE_NAMESPACE)
