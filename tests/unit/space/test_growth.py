"""A settled model that goes on growing: places at once, bounds that are told, kinds that stay few."""

import pytest
from feeding import Feed, idents

from bridge.engine import Engine, Options
from bridge.space import Limits
from bridge.space.growth import Growth
from bridge.space.registry import MAX_TYPES
from bridge.uns import Message
from bridge.uns.moments import SECOND

NOW_NS = 1_800_000_000 * SECOND


def settled(**limits: int) -> Engine:
    engine = Engine(Options(limits=Limits(**limits)))
    engine.ingest([Message("line/m01/speed", b"1", received_ns=NOW_NS)])
    engine.space.arrange(NOW_NS)
    engine.space.young = False
    return engine


def test_new_part_is_heard_at_once() -> None:
    """A subscriber to a machine gets the first value of a part that is new, and the machine's own."""
    engine = settled()
    subscription = engine.subscriptions.create("me", None, 0.0)
    engine.subscriptions.register(subscription, "line/m01", 0)
    engine.subscriptions.sync(subscription, -1, 0.0)
    engine.ingest([Message("line/m01/torque", b"7", received_ns=NOW_NS + 1)])
    (batch,) = engine.subscriptions.sync(subscription, None, 0.0)
    assert {update.element_id: update.value for update in batch.updates} == {
        "line/m01/torque": 7,
        "line/m01": {"speed": 1, "torque": 7},
    }


def test_new_machine_is_placed_at_once() -> None:
    """In a settled model what is new has its place and type before anybody can ask."""
    engine = settled()
    engine.ingest([Message("line/m02/speed", b"2", received_ns=NOW_NS)])
    row = engine.browse.object("line/m02")
    assert row is not None
    assert (row["typeElementId"], row["isComposition"]) == (engine.space.by_topic["line/m01"].type.id, True)


def test_rate_counts_elements() -> None:
    """`new_per_minute` counts prefixes and fields too, and a field that came too fast comes later."""
    engine = settled(new_per_minute=5)
    engine.ingest([Message("a/b/c/d/e/f", b"1", received_ns=NOW_NS)])
    assert engine.rejected == {"new-elements": 1}
    engine = settled(new_per_minute=2)
    engine.ingest([Message("line/doc", b'{"x": 1, "y": 2}', received_ns=NOW_NS)])
    assert (list(engine.space.by_topic["line/doc"].fields or ()), engine.space.refused) == (["x"], {"new-elements": 1})
    engine.ingest([Message("line/doc", b'{"x": 3, "y": 4}', received_ns=NOW_NS + 60 * SECOND)])
    assert list(engine.space.by_topic["line/doc"].fields or ()) == ["x", "y"]


def test_refused_fields_are_counted() -> None:
    """A field beyond a limit stays in the value, is no element, and is counted by the limit."""
    engine = Engine(Options(limits=Limits(fields=2)))
    engine.ingest([Message("a", b'{"x": 1, "y": 2, "z": 3}', received_ns=NOW_NS)])
    assert (idents(engine), engine.space.refused) == (["a", "a#/x", "a#/y"], {"fields": 1})
    assert engine.space.by_topic["a"].value == {"x": 1, "y": 2, "z": 3}


def test_many_parts_are_a_map() -> None:
    """A machine with more parts than properties are modelled has a map for a type, and is not extended."""
    feed = Feed().take({f"line/m/{chr(97 + i // 26)}{chr(97 + i % 26)}": i for i in range(300)}).arrange()
    row = feed.object("line/m")
    assert row["isExtended"] is False
    assert feed.browse.object_type(row["typeElementId"])["schema"] == {
        "type": "object",
        "additionalProperties": {"type": ["integer", "null"]},
    }


def test_growing_beyond_properties_makes_a_map() -> None:
    """A type that gets too many properties while the model is settled becomes a map too."""
    engine = settled(fields=3)
    engine.ingest([Message(f"line/m01/{name}", b"1.5", received_ns=NOW_NS) for name in "abcd"])
    row = engine.browse.object("line/m01")
    assert row is not None
    assert row["isExtended"] is False
    assert engine.space.by_topic["line/m01"].type.schema()["additionalProperties"] == {"type": ["number", "null"]}


def test_types_are_bounded() -> None:
    """Names that never repeat do not make types for ever."""
    engine = Engine(Options())
    engine.ingest([Message(f"r/{chr(0x4E00 + i)}", b"1", received_ns=NOW_NS) for i in range(MAX_TYPES + 500)])
    engine.space.arrange(NOW_NS)
    assert len(engine.space.registry.by_id) <= MAX_TYPES + 10


def test_future_of_a_field() -> None:
    """A field's own time from the future is not believed: its payload's time, Uncertain."""
    engine = Engine(Options())
    engine.ingest(
        [Message("a", b'{"t1": {"value": 1, "timestamp": "2099-01-01T00:00:00Z"}, "x": 2}', received_ns=NOW_NS)]
    )
    assert engine.space.nodes["a#/t1"].vqt(engine.space.zone) == (1, "Uncertain", NOW_NS)


@pytest.mark.parametrize(
    ("a_second", "young"),
    [
        pytest.param(10, False, id="slower than a settled model takes them"),
        pytest.param(11, True, id="faster"),
    ],
)
def test_a_model_that_is_loading_does_not_settle(a_second: int, young: bool) -> None:
    """What the broker has stored may come for minutes, and none of it is refused."""
    engine = Engine(Options(discovery_window=10.0, limits=Limits(new_per_minute=600)))
    for second in range(120):
        now_ns = NOW_NS + second * SECOND
        names = range(second * a_second, (second + 1) * a_second)
        engine.ingest([Message(f"t{number}", b"1", received_ns=now_ns) for number in names])
        engine.arrange(now_ns, float(second), lambda now=second: float(now))  # type: ignore[misc]
    assert engine.space.young is young
    assert engine.balance == 0
    assert not engine.rejected
    later_ns = NOW_NS + 130 * SECOND
    engine.arrange(later_ns, 130.0, lambda: 130.0)
    assert not engine.space.young


@pytest.mark.parametrize(
    ("clock", "loading"),
    [
        pytest.param([1.0, 2.0], True, id="each second"),
        pytest.param([1.0, 1.2], False, id="not judged again within a second"),
        pytest.param([1.0, 0.5], False, id="the clock has stepped back"),
    ],
)
def test_the_rate_is_judged_once_a_second(clock: list[float], loading: bool) -> None:
    """However often anybody asks."""
    growth = Growth(10 * SECOND, new_per_minute=60)
    for size, second in enumerate(clock):
        growth.look(100 * size, NOW_NS + int(second * SECOND))
    assert growth.loading is loading
