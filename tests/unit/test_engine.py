"""The facade of the core: every message has one outcome, and the present is what the newest honest reading says."""

import json
from typing import Any

import plantlike
import pytest
from feeding import Feed, idents
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.engine import Change, Engine, Options
from bridge.space import Limits
from bridge.space.browse import Budget
from bridge.uns import Message, Rejected
from bridge.uns.moments import SECOND
from bridge.uns.policy import Rule

NOW_NS = 1_800_000_000 * SECOND  # 2027-01-15
MS = 1_000_000
TOPIC = "plant/line1/temperature"


def published(payload: Any, topic: str = TOPIC, at: float = 0.0, **flags: Any) -> Message:
    """A message received `at` seconds from now; a payload that is not bytes is JSON."""
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Message(topic, raw, received_ns=NOW_NS + int(at * SECOND), **flags)


def enveloped(value: Any, time: float, **more: Any) -> dict[str, Any]:
    """A payload with its own time, in seconds from now."""
    return {"value": value, "timestamp": (NOW_NS + int(time * SECOND)) // MS, **more}


@pytest.fixture
def engine() -> Engine:
    return Engine(Options())


def current(engine: Engine, topic: str = TOPIC) -> tuple[Any, str, float]:
    """Value, quality and time in seconds from now."""
    value, quality, time_ns = engine.space.by_topic[topic].vqt(engine.space.zone)
    return value, quality, (time_ns - NOW_NS) / SECOND


def kind(engine: Engine, topic: str = TOPIC) -> Any:
    return engine.space.by_topic[topic].type.schema()["type"]


def outcomes(engine: Engine) -> tuple[int, int, int]:
    """Stored, duplicate, rejected."""
    return engine.counters.stored, engine.counters.duplicate, sum(engine.rejected.values())


def arrange(engine: Engine, at: float = 0.0) -> None:
    engine.arrange(NOW_NS + int(at * SECOND), at, lambda: at)


# --- which reading is the present ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "present", "counted"),
    [
        pytest.param((1, 0), (2, 1), (2, "Good", 1), (2, 0, 0), id="newer: becomes current"),
        pytest.param((1, 0), (2, -1), (1, "Good", 0), (2, 0, 0), id="older: history only"),
        pytest.param((1, 0), (1, 0), (1, "Good", 0), (1, 1, 0), id="the same again: duplicate"),
        pytest.param((1, 0), (2, 0), (2, "Good", 0), (2, 0, 0), id="same time, new value: replaces"),
        pytest.param((1, 0), (1, 1), (1, "Good", 1), (2, 0, 0), id="same value, later: an update"),
        pytest.param((1, 0), (1.0, 0), (1.0, "Good", 0), (2, 0, 0), id="1 and 1.0 are two values"),
        pytest.param((1, 0), (True, 0), (True, "Good", 0), (2, 0, 0), id="1 and true are two values"),
        pytest.param((1, 86_400), (2, 1), (2, "Good", 1), (2, 0, 0), id="the future does not block what follows"),
    ],
)
def test_order(
    engine: Engine,
    first: tuple[Any, float],
    second: tuple[Any, float],
    present: tuple[Any, str, float],
    counted: tuple[int, int, int],
) -> None:
    """Older never overwrites newer, the same is told once, and the last arrival of a time wins."""
    for number, (value, time) in enumerate((first, second)):
        engine.ingest([published(enveloped(value, time), at=number / 10)])
    assert current(engine) == present
    assert outcomes(engine) == counted


def test_late_readings_are_for_history(engine: Engine) -> None:
    """An older reading is a change marked late, with its own time, and is counted."""
    changes = engine.ingest([published(enveloped(1, 0)), published(enveloped(2, -5))])
    assert [(change.value, change.time_ns - NOW_NS, change.late) for change in changes] == [
        (1, 0, False),
        (2, -5 * SECOND, True),
    ]
    assert engine.counters.late == 1


@pytest.mark.parametrize(
    ("ahead", "expected", "skewed"),
    [
        pytest.param(299, (1, "Good", 299), 0, id="within tolerance"),
        pytest.param(301, (1, "Uncertain", 0), 1, id="beyond: time of receipt, Uncertain"),
        pytest.param(10 * 365 * 86_400, (1, "Uncertain", 0), 1, id="ten years"),
    ],
)
def test_future(engine: Engine, ahead: float, expected: tuple[Any, str, float], skewed: int) -> None:
    """A time more than five minutes ahead is not believed."""
    engine.ingest([published(enveloped(1, ahead))])
    assert current(engine) == expected
    assert engine.counters.skewed == skewed


@pytest.mark.parametrize(
    ("payload", "flags", "expected"),
    [
        pytest.param(1, {"replayed": True, "retain": True}, (1, "Uncertain", 0), id="stored copy without a time"),
        pytest.param(1, {"retain": True}, (1, "Good", 0), id="live, retained as published"),
        pytest.param(
            enveloped(1, -5), {"replayed": True, "retain": True}, (1, "Good", -5), id="stored copy with a time"
        ),
        pytest.param(b"null", {"replayed": True, "retain": True}, (None, "GoodNoData", 0), id="stored null"),
        pytest.param(b"", {}, (None, "GoodNoData", 0), id="empty, live"),
        pytest.param(b"NaN", {}, (None, "Bad", 0), id="not a number"),
        pytest.param(enveloped(1, 0, quality="Bad"), {}, (None, "Bad", 0), id="Bad says no value"),
        pytest.param(enveloped(1, 0, quality="Uncertain"), {}, (1, "Uncertain", 0), id="Uncertain keeps the value"),
        pytest.param(enveloped(None, 0), {}, (None, "GoodNoData", 0), id="null in an envelope"),
    ],
)
def test_quality_is_honest(
    engine: Engine, payload: Any, flags: dict[str, Any], expected: tuple[Any, str, float]
) -> None:
    """Null goes with Bad and GoodNoData; the broker's stored copy of unknown age is Uncertain."""
    engine.ingest([published(payload, **flags)])
    assert current(engine) == expected


def test_stored_copy_is_confirmed_by_a_live_reading(engine: Engine) -> None:
    """A live reading makes an Uncertain value Good again."""
    engine.ingest([published(1, replayed=True, retain=True), published(1, at=1)])
    assert current(engine) == (1, "Good", 1)


def test_deletion_and_return(engine: Engine) -> None:
    """A tombstone takes the value, not the element: the same id and type are there when it returns."""
    engine.ingest([published(enveloped(5, 0), retain=True)])
    before = engine.space.by_topic[TOPIC]
    engine.ingest([published(b"", retain=True, at=1)])
    assert current(engine) == (None, "GoodNoData", 1)
    engine.ingest([published(enveloped(6, 2), at=2)])
    assert engine.space.by_topic[TOPIC] is before
    assert current(engine) == (6, "Good", 2)
    assert kind(engine) == "integer"


def test_deletion_of_the_unknown_makes_nothing(engine: Engine) -> None:
    """A tombstone for a topic that was never seen is counted and creates no element."""
    engine.ingest([published(b"", retain=True)])
    assert idents(engine) == []
    assert outcomes(engine) == (0, 1, 0)


def test_stored_copy_that_says_the_same_is_no_news(engine: Engine) -> None:
    """The broker's stored copy of the reading that is known takes nothing from it."""
    engine.ingest([published(1), published(1, replayed=True, retain=True, at=5)])
    assert current(engine) == (1, "Good", 0)
    assert outcomes(engine) == (1, 1, 0)


@pytest.mark.parametrize(
    ("general", "said", "ahead", "quality"),
    [
        pytest.param(300.0, 10.0, 9, "Good", id="within the rule's"),
        pytest.param(300.0, 10.0, 11, "Uncertain", id="a stricter rule"),
        pytest.param(10.0, 300.0, 299, "Good", id="a more patient rule"),
        pytest.param(10.0, None, 11, "Uncertain", id="a rule that says nothing"),
    ],
)
def test_future_tolerance_of_a_rule(general: float, said: float | None, ahead: float, quality: str) -> None:
    """A rule's tolerance goes before the general one, from the first reading on."""
    engine = Engine(Options(future_tolerance=general, rules=[Rule(["plant/#"], {"future_tolerance": said})]))
    engine.ingest([published(enveloped(1, ahead))])
    assert current(engine)[1] == quality
    engine.ingest([published(enveloped(2, ahead + 2), at=2)])
    assert current(engine)[1] == quality


DEEP = (Rule(["doc"], {"merge": "deep"}),)


def test_documents_in_parts() -> None:
    """A rule merges each document into the last one; its fields keep what the newest document leaves out."""
    engine = Engine(Options(rules=DEEP))
    parts: list[dict[str, Any]] = [{"a": 1, "p": {"x": 1}}, {"p": {"y": 2}}, {"a": 3}, {"a": 4}, {"p": {"x": 5}}]
    changes = [engine.ingest([published(part, "doc", at=number)])[0] for number, part in enumerate(parts)]
    assert current(engine, "doc") == ({"a": 4, "p": {"x": 5, "y": 2}}, "Good", 4)
    assert changes[2].value == {"a": 3, "p": {"x": 1, "y": 2}}
    assert engine.space.nodes["doc#/p/y"].vqt(engine.space.zone)[0] == 2


def test_parts_of_documents_end_with_them() -> None:
    """After a deletion, or another kind of value, the next document is the whole."""
    engine = Engine(Options(rules=DEEP))
    engine.ingest([published({"a": 1}, "doc"), published(b"", "doc", retain=True, at=1)])
    engine.ingest([published({"b": 2}, "doc", at=2)])
    assert current(engine, "doc")[0] == {"b": 2}
    engine.ingest([published("text", "doc", at=3), published({"c": 3}, "doc", at=4)])
    assert current(engine, "doc")[0] == {"c": 3}


# --- payloads that change --------------------------------------------------------------------------------------------


def test_integer_widens_in_place(engine: Engine) -> None:
    """Whole numbers, then fractions: one type, the same id, a new minor version."""
    engine.ingest([published(1)])
    ident = engine.space.by_topic[TOPIC].type.id
    engine.ingest([published(1.5, at=1), published(2, at=2)])
    found = engine.browse.object_type(ident)
    assert engine.space.by_topic[TOPIC].type.id == ident
    assert found is not None
    assert (found["schema"]["type"], found["version"]) == ("number", "0.3.0")
    assert current(engine)[0] == 2


def test_drift(engine: Engine) -> None:
    """Number, text, object, array, flag, null: the last value is served, with a type of its kind, under one id."""
    drift = [1, "n/a", {"a": 1}, [1, 2], True, None, 2.5, "again", {"b": 2}, 3]
    kinds = {int: "integer", float: "number", str: "string", dict: "object", list: "array", bool: "boolean"}
    for number, value in enumerate(drift * 3):
        engine.ingest([published(value, at=number)])
        assert current(engine)[0] == value
        if value is not None:
            expected = {"integer": {"integer", "number"}}.get(kinds[type(value)], {kinds[type(value)]})
            assert kind(engine) in expected
    assert len(engine.space.by_topic) == 3
    assert len([kind for kind in engine.browse.object_types() if kind["displayName"].startswith("Temperature")]) <= 5


def test_drift_is_bounded(engine: Engine) -> None:
    """10,000 readings of changing kinds end in a handful of versions."""
    drift = [1, "n/a", {"a": 1}, None, 2.5, [True]]
    engine.ingest([published(drift[number % 6], at=number / 1000) for number in range(10_000)])
    versions = [kind["version"] for kind in engine.browse.object_types()]
    assert max(int(version.split(".")[1]) for version in versions) <= 5
    assert engine.balance == 0


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param(b'{"value": 1, "ti', "malformed-json", id="truncated"),
        pytest.param(b'{"value": 1,}', "malformed-json", id="trailing comma"),
        pytest.param(b"[1, 2", "malformed-json", id="open array"),
        pytest.param(b'{"value":1}{"value":2}', "malformed-json", id="two documents"),
        pytest.param(b"[" * 100_000, "json-depth", id="nested beyond reason"),
        pytest.param(b" " * 300_000, "payload-size", id="too large"),
    ],
)
def test_damaged_payload_keeps_the_last_value(engine: Engine, payload: bytes, reason: str) -> None:
    """What looks like JSON but is not is rejected with a reason once the topic has a value; the value stays."""
    engine.ingest([published(enveloped(5, 0))])
    engine.ingest([published(payload, at=1)])
    assert current(engine) == (5, "Good", 0)
    assert dict(engine.rejected) == {reason: 1}
    assert engine.balance == 0


@pytest.mark.parametrize("settled", [pytest.param(False, id="young"), pytest.param(True, id="settled")])
def test_texts_that_look_like_json_stay_current(*, settled: bool) -> None:
    """A topic that says text goes on saying it, even where the text begins like JSON, as lines of logs do."""
    feed = Feed()
    if settled:
        feed.take({"plc/other": 1}).settle()
    for number in range(3):
        feed.take({"plc/log": f"[INFO] started {number}".encode()}).arrange()
        feed.seconds += 1
    assert feed.value("plc/log")["value"] == "[INFO] started 2"
    assert not feed.engine.rejected


def test_rejections_are_told() -> None:
    """Whoever asks hears of each rejected message with its reason."""
    told: list[tuple[str, str]] = []

    def note(message: Message, why: Rejected) -> None:
        told.append((message.topic, why.reason))

    engine = Engine(Options(limits=Limits(levels=2)), note)
    engine.ingest([published(1, "a/b/c"), published(2, "a/b")])
    assert told == [("a/b/c", "topic-levels")]


# --- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "topics", "reason", "kept"),
    [
        pytest.param(Limits(elements=4), ["a/b", "c/d", "e"], "elements", 4, id="elements"),
        pytest.param(Limits(topic=5), ["abc/d", "abc/de"], "topic-length", 2, id="topic, bytes"),
        pytest.param(Limits(topic=5), ["abcd", "éèà"], "topic-length", 1, id="topic, bytes of UTF-8"),
        pytest.param(Limits(levels=3), ["a/b/c", "a/b/c/d"], "topic-levels", 3, id="levels"),
    ],
)
def test_limits(limits: Limits, topics: list[str], reason: str, kept: int) -> None:
    """Beyond a limit nothing is created, the message is counted by reason, and known topics stay current."""
    engine = Engine(Options(limits=limits))
    engine.ingest([published(1, topic) for topic in topics])
    engine.ingest([published(2, topics[0], at=1)])
    assert dict(engine.rejected) == {reason: 1}
    assert len(idents(engine)) == kept
    assert current(engine, topics[0])[0] == 2
    assert engine.balance == 0


@pytest.mark.parametrize(
    ("messages", "rested", "placed"),
    [
        pytest.param(1, 1.9, False, id="calm: not before it has rested"),
        pytest.param(1, 2.1, True, id="calm: rested as long as it has worked"),
        pytest.param(1_000, 39.0, False, id="loading: not so soon"),
        pytest.param(1_000, 41.0, True, id="loading: rested twenty times as long"),
    ],
)
def test_the_learner_rests(messages: int, rested: float, placed: bool) -> None:
    """A young model is arranged soon after the last stored message, and seldom while they are coming."""
    engine = Engine(Options(discovery_window=3_600.0))
    engine.ingest([published(1, "a/first")])
    engine.arrange(NOW_NS, 0.0, lambda: 2.0)
    engine.ingest([published(1, f"b/{number}") for number in range(messages)])
    engine.arrange(NOW_NS + SECOND, 2.0, lambda: 2.0)
    engine.arrange(NOW_NS + SECOND, 2.0 + rested, lambda: 2.0 + rested)
    assert engine.space.unarranged is not placed


def test_the_learner_does_not_rest_when_all_has_come() -> None:
    """A second without much that is new ends the loading, and then everything is placed at once."""
    engine = Engine(Options(discovery_window=3_600.0))
    engine.ingest([published(1, "a/first")])
    engine.arrange(NOW_NS, 0.0, lambda: 2.0)
    engine.ingest([published(1, f"b/{number}") for number in range(1_000)])
    engine.arrange(NOW_NS + SECOND, 2.1, lambda: 2.1)
    assert engine.space.unarranged
    engine.arrange(NOW_NS + 2 * SECOND, 3.1, lambda: 3.1)
    assert not engine.space.unarranged


def test_an_element_keeps_its_reader() -> None:
    """The reader that was found for its first message reads the rest, and nobody else remembers the topic."""
    engine = Engine(Options())
    engine.ingest([published(1), published(1, "a/cmd/set")])
    reader = engine.space.by_topic[TOPIC].reader
    engine.ingest([published(2)])
    assert engine.space.by_topic[TOPIC].reader is reader
    assert engine.router.remembered == 1


def test_new_elements_a_minute() -> None:
    """After start-up only so many elements may appear in a minute; the next minute allows as many again."""
    engine = Engine(Options(limits=Limits(new_per_minute=3)))
    engine.ingest([published(1, f"young/{number}") for number in range(20)])
    assert engine.rejected.total() == 0
    arrange(engine, 60.0)
    assert not engine.space.young
    engine.ingest([published(1, f"late{number}", at=61) for number in range(20)])
    assert dict(engine.rejected) == {"new-elements": 17}
    engine.ingest([published(1, f"later{number}", at=121) for number in range(3)])
    assert engine.rejected["new-elements"] == 17
    engine.ingest([published(2, "young/0", at=122)])
    assert current(engine, "young/0")[0] == 2


def test_fields_are_bounded() -> None:
    """Only so many properties of a payload become elements; the value itself is whole."""
    engine = Engine(Options(limits=Limits(fields=3)))
    engine.ingest([published({f"k{number}": number for number in range(10)}, "doc")])
    fields = [ident for ident in engine.space.nodes if "#" in ident]
    assert fields == ["doc#/k0", "doc#/k1", "doc#/k2"]
    assert len(current(engine, "doc")[0]) == 10
    assert engine.browse.object("doc")["isExtended"] is True  # type: ignore[index]


def test_ever_new_keys_are_bounded() -> None:
    """A payload whose keys never repeat makes a bounded number of elements and types."""
    engine = Engine(Options(limits=Limits(fields=16)))
    for number in range(2_000):
        engine.ingest([published({f"k{number}": 1}, "doc", at=number / 1000)])
    assert len(idents(engine)) <= 17
    assert len(engine.space.registry.by_id) <= 30


def test_depth_is_bounded() -> None:
    """A payload deeper than the limit is modelled that deep; below it is opaque."""
    engine = Engine(Options(limits=Limits(depth=3)))
    engine.ingest([published({"a": {"b": {"c": {"d": 1}}}}, "doc")])
    assert [ident for ident in engine.space.nodes if "#" in ident] == ["doc#/a", "doc#/a/b"]
    assert current(engine, "doc")[0] == {"a": {"b": {"c": {"d": 1}}}}


# --- Sparkplug's place in the tree -----------------------------------------------------------------------------------


def test_commands_and_states_make_nothing(engine: Engine) -> None:
    """A Sparkplug host state or command has an outcome, but no element."""
    engine.ingest(
        [published({"online": True, "timestamp": 1}, "spBv1.0/STATE/host"), published(b"", "spBv1.0/g/NCMD/n")]
    )
    assert idents(engine) == []
    assert engine.counters.received == 2
    assert engine.balance == 0


# --- the model does not depend on the order --------------------------------------------------------------------------

PLANT = [
    *[
        (f"acme/site/area{area}/vat0{vat}/{aspect}/{tag}", tag_value)
        for area in (1, 2)
        for vat in (1, 2, 3)
        for aspect, tag, tag_value in (
            ("edge", "temperature", 20.5),
            ("edge", "level", 3),
            ("status", "mode", "RUN"),
            ("kpi", "oee", 1),
        )
    ],
    *[(f"acme/site/area1/vat0{vat}/info", {"serial": f"S{vat}", "year": 2020 + vat}) for vat in (1, 2, 3)],
    ("acme/site/area2/vat01/info", {"serial": "S9", "year": None, "note": "x"}),
    ("acme/site/area1/pump-1", {"flow": {"value": 1.5, "unit": "m³/h"}, "on": True}),
    ("acme/site/area1/pump-2", {"flow": {"value": 2, "unit": "m³/h"}, "on": False}),
    *[(f"acme/orders/ORD-{number}", {"qty": number, "item": "bolt"}) for number in (1001, 1002, 1003)],
    ("acme/site/area1", "an area with a value"),
    ("other/0", 1),
    ("other/1", 2),
    ("alone", True),
]


def model(messages: list[Message], batches: int = 1, *, arrange_between: bool = False) -> dict[str, Any]:
    """The young model after these messages: objects and types as clients see them."""
    engine = Engine(Options(aspects=("edge", "status", "kpi", "info")))
    size = max(1, len(messages) // batches)
    for number in range(0, len(messages), size):
        engine.ingest(messages[number : number + size])
        if arrange_between:
            arrange(engine, float(number) / 1000)
    engine.arrange(NOW_NS, 1e9, lambda: 1e9)
    objects = {row["elementId"]: row for row in engine.browse.objects(metadata=True)}
    for row in objects.values():
        for ids in row["metadata"]["relationships"].values():
            ids.sort()
    types = {row["elementId"]: row for row in engine.browse.object_types()}
    for row in types.values():
        row["version"] = ""  # how often it widened on the way depends on the way
    return {"objects": objects, "types": types}


IN_ORDER = [published(payload, topic) for topic, payload in PLANT]


@settings(max_examples=80, deadline=None)
@given(shuffled=st.permutations(IN_ORDER), batches=st.integers(1, 8), arrange_between=st.booleans())
def test_young_model_does_not_depend_on_the_order(shuffled: list[Message], batches: int, arrange_between: bool) -> None:
    """The same messages give the same objects, places and types in whatever order and batches they come."""
    assert model(shuffled, batches, arrange_between=arrange_between) == model(IN_ORDER)


def test_listings_are_sorted_whatever_the_order() -> None:
    """Objects are listed parents first, siblings by name."""
    assert list(model(IN_ORDER[::-1])["objects"]) == list(model(IN_ORDER)["objects"])


def test_changes_name_their_nodes(engine: Engine) -> None:
    """A batch's changes come in its order."""
    changes: list[Change] = engine.ingest([published(1, "a"), published(2, "b"), published(3, "a", at=1)])
    assert [(change.node.id, change.value) for change in changes] == [("a", 1), ("b", 2), ("a", 3)]


def test_later_sane_time_becomes_current(engine: Engine) -> None:
    """After a time from the far future, a sane one is current, even if it is older than the receipt of the first."""
    day = 86_400 * SECOND
    engine.ingest(
        [Message("a", b'{"value": 1, "timestamp": "2099-01-01T00:00:00Z"}', received_ns=2_000_000_000 * SECOND)]
    )
    engine.ingest([Message("a", b'{"value": 2, "timestamp": 1999000000}', received_ns=2_000_000_000 * SECOND + day)])
    assert engine.browse.value("a", 1, Budget(1)) == {
        "isComposition": False,
        "value": 2,
        "quality": "Good",
        "timestamp": "2033-05-06T13:46:40.000Z",
    }


# --- an earlier run --------------------------------------------------------------------------------------------------

STATUS = "plant/line1/status"


def again(engine: Engine, at: float = 60.0, newer: dict[str, Any] | None = None, **options: Any) -> Engine:
    """A later run that goes on with the last readings of an engine, from `at` seconds on."""
    later = Engine(Options(**options))
    notes = [note for some in engine.notes(0) for note in some]
    later.restore(notes, NOW_NS + int(at * SECOND), newer or {})
    return later


def tick(engine: Engine, at: float) -> list[Change]:
    """What changes by time alone; what the bridge tells about itself is left out."""
    changes = engine.tick(NOW_NS + int(at * SECOND), at, lambda: at)
    return [change for change in changes if change.node.topic in engine.space.by_topic]


def fed(*messages: Message, **options: Any) -> Engine:
    engine = Engine(Options(**options))
    engine.ingest(messages)
    arrange(engine)
    return engine


def test_restored_counts_nowhere(engine: Engine) -> None:
    """What is put back is no message and no news, and has the value and the time that it had."""
    engine.ingest([published(enveloped(20.5, -1.0, unit="°C"))])
    later = again(engine)
    assert later.counters.received == later.counters.stored == later.balance == 0
    assert current(later) == (20.5, "Uncertain", -1.0)
    assert later.space.by_topic[TOPIC].unit == "°C"
    assert later.liveness.lost == 1


@pytest.mark.parametrize(
    ("message", "outcome", "shown"),
    [
        pytest.param(published(enveloped(20.5, -1.0), at=61), (0, 1, 0), (20.5, "Good", -1.0), id="the same again"),
        pytest.param(published(enveloped(19.5, -2.0), at=61), (1, 0, 0), (20.5, "Uncertain", -1.0), id="older"),
        pytest.param(published(enveloped(21.5, 1.0), at=61), (1, 0, 0), (21.5, "Good", 1.0), id="newer"),
        pytest.param(
            published(enveloped(20.5, -1.0), at=61, replayed=True, retain=True),
            (0, 1, 0),
            (20.5, "Good", -1.0),
            id="the stored copy",
        ),
    ],
)
def test_after_restoring(
    engine: Engine, message: Message, outcome: tuple[int, int, int], shown: tuple[Any, str, float]
) -> None:
    """Redelivered messages are duplicates and older ones late; each that is not older ends the doubt."""
    engine.ingest([published(enveloped(20.5, -1.0))])
    later = again(engine)
    later.ingest([message])
    assert outcomes(later) == outcome
    assert current(later) == shown


@pytest.mark.parametrize(
    ("session_kept", "quality", "told"),
    [pytest.param(True, "Good", "Good", id="kept"), pytest.param(False, "Uncertain", "Uncertain", id="new")],
)
def test_until_the_broker_is_there(engine: Engine, session_kept: bool, quality: str, told: str) -> None:
    """With our session nothing was missed; without it each element is doubted until its next reading, and all hear."""
    engine.ingest([published(20.5)])
    later = again(engine)
    assert tick(later, 61) == []
    later.broker_back(session_kept=session_kept)
    assert [(change.quality, change.doubt) for change in tick(later, 62)] == [(told, True)]
    assert current(later) == (20.5, quality, 0.0)
    later.ingest([published(21.5, at=63)])
    assert current(later) == (21.5, "Good", 63.0)
    assert later.liveness.lost == 0


def test_stale_meanwhile(engine: Engine) -> None:
    """What has become stale since the end of the run before is told once the broker is there."""
    engine.ingest([published(20.5), published("b", "b", replayed=True)])
    later = again(engine, stale_after=50.0)
    assert tick(later, 61) == []
    later.broker_back(session_kept=True)
    assert [(change.node.topic, change.quality) for change in tick(later, 62)] == [(TOPIC, "Uncertain")]


def test_no_broker_for_long(engine: Engine) -> None:
    """Who was told the values of the run before hears that they are doubted, if there is no broker after all."""
    engine.ingest([published(20.5)])
    later = again(engine, broker_grace=30.0)
    assert tick(later, 89) == []
    assert [change.quality for change in tick(later, 91)] == ["Uncertain"]
    assert tick(later, 92) == []


@pytest.mark.parametrize(
    ("messages", "quality"),
    [
        pytest.param([published(1, at=1), published("offline", STATUS, at=2)], "Bad", id="offline"),
        pytest.param([published("offline", STATUS, at=1), published(1, at=2)], "Good", id="heard since"),
        pytest.param([published("offline", STATUS, at=1), published(1, at=2, replayed=True)], "Bad", id="stored copy"),
        pytest.param([published(1, at=1, replayed=True)], "Uncertain", id="unconfirmed"),
        pytest.param([published(word, STATUS, at=at) for at, word in enumerate(("idle", "online", "offline"))]
                     + [published(1, at=1)], "Good", id="no status after all"),
        pytest.param([published(1, "plant/line1/lwt", at=1), published(1, at=2),
                      published(0, "plant/line1/lwt", at=3)], "Bad", id="0 after 1"),
        pytest.param([published(1, at=1), published(0, "plant/line1/lwt", at=3)], "Good", id="0 without 1"),
    ],
)  # fmt: skip
def test_doubts_survive(messages: list[Message], quality: str) -> None:
    """What was thought of an element is thought of it again, as its status topics say."""
    before = fed(*messages)
    assert current(before)[1] == quality
    later = again(before)
    later.broker_back(session_kept=True)
    tick(later, 61)
    assert current(later) == current(before)
    assert again(later).liveness.dead == later.liveness.dead == before.liveness.dead


def test_silence_goes_on() -> None:
    """The time away is no silence for those that would expire, but it is for those that would be stale."""
    before = fed(published(1), expire_after=50.0, stale_after=50.0)
    later = again(before, expire_after=50.0, stale_after=50.0)
    later.broker_back(session_kept=True)
    tick(later, 61)
    assert current(later) == (1, "Uncertain", 0.0)
    assert later.liveness.stale == 1
    tick(later, 109)
    assert TOPIC in later.space.by_topic
    tick(later, 111)
    assert TOPIC not in later.space.by_topic


def test_attributes_that_come_and_go(engine: Engine) -> None:
    """A document has the attributes that earlier values had, with their types, and no values in them."""
    for value in ({"on": True, "a": {"x": 1.5}}, {"n": 5, "text": "x", "on": None}, {"n": 6}):
        engine.ingest([published(value, "doc")])
    arrange(engine)
    later = again(engine)
    arrange(later)
    assert (
        sorted(idents(later))
        == sorted(idents(engine))
        == ["doc", "doc#/a", "doc#/a/x", "doc#/n", "doc#/on", "doc#/text"]
    )
    for ident in idents(engine):
        assert later.space.nodes[ident].type.id == engine.space.nodes[ident].type.id, ident
        assert later.space.nodes[ident].vqt(later.space.zone)[0] == engine.space.nodes[ident].vqt(engine.space.zone)[0]


@pytest.mark.parametrize(
    ("newer", "shown"),
    [
        pytest.param({TOPIC: (7, "Good", NOW_NS + SECOND)}, (7, "Uncertain", 1.0), id="newer"),
        pytest.param({TOPIC: (7, "Good", NOW_NS - SECOND)}, (5, "Uncertain", 0.0), id="older"),
        pytest.param({TOPIC: (b'{"x":1}', "Good", NOW_NS + SECOND)}, ({"x": 1}, "Uncertain", 1.0), id="packed"),
        pytest.param({TOPIC: (None, "Bad", NOW_NS + SECOND)}, (None, "Bad", 1.0), id="bad"),
    ],
)
def test_history_knows_better(engine: Engine, newer: dict[str, Any], shown: tuple[Any, str, float]) -> None:
    """A row of history that is newer than the note is the last reading."""
    engine.ingest([published(5)])
    assert current(again(engine, newer=newer)) == shown


def test_history_makes_elements() -> None:
    """Rows make elements, however old their times are; but for elements that have gone, and no row since."""
    later = Engine(Options())
    new, old = NOW_NS + SECOND, NOW_NS - SECOND
    rows: dict[str, Any] = {
        "a/b%25": (5, "Good", new),
        "a/old": (6, "Good", NOW_NS - 43_200 * SECOND),
        "a/gone": (5, "Good", old),
        "a/returned": (7, "Good", new),
        "a/set": (5, "Good", new),
        "$bridge/model/version": (5, "Good", new),
    }
    restored = later.restore([], NOW_NS + 60 * SECOND, rows, {"a/gone": old, "a/returned": old})
    assert (restored.count, restored.from_history) == (3, 3)
    assert idents(later) == ["a", "a/old", "a/b%25", "a/returned"]
    assert current(later, "a/old") == (6, "Uncertain", -43_200.0)
    assert current(later, "a/b%") == (5, "Uncertain", 1.0)
    later.ingest([published(enveloped(5, 1.0), "a/b%", at=61)])
    assert outcomes(later) == (0, 1, 0)


def test_death_in_history_is_no_reading(engine: Engine) -> None:
    """A Bad row that a death has left does not take the place of what the element had said."""
    engine.ingest([published(5), published("online", STATUS)])
    died = NOW_NS + 2 * SECOND
    later = again(engine, newer={STATUS: ("offline", "Good", died), TOPIC: (None, "Bad", died)})
    assert current(later) == (None, "Bad", 2.0)
    later.ingest([published("online", STATUS, at=61)])
    assert current(later) == (5, "Uncertain", 0.0)


@pytest.mark.parametrize(
    ("said", "is_there"),
    [
        pytest.param({"stale_after": 5.0, "description": "x"}, True, id="about keeping"),
        pytest.param({"coerce": frozenset({"numbers"})}, False, id="read otherwise"),
        pytest.param({"use": "ignore"}, False, id="not read"),
    ],
)
def test_another_configuration_of_reading(engine: Engine, said: dict[str, Any], is_there: bool) -> None:
    """What would be read otherwise now is not put back: its next reading says what it is."""
    engine.ingest([published("20.5")])
    later = again(engine, rules=(Rule((TOPIC,), said),))
    assert (TOPIC in later.space.by_topic) is is_there


def test_full_space_leaves_out(engine: Engine) -> None:
    """What a smaller limit has no room for is named, the rest is put back."""
    engine.ingest([published(number, f"e{number}", at=number) for number in range(5)])
    later = Engine(Options(limits=Limits(elements=3)))
    restored = later.restore([note for some in engine.notes(0) for note in some], NOW_NS)
    assert (restored.count, restored.left_out) == (3, ["e3", "e4"])


def test_units_of_others_are_still_theirs() -> None:
    """A unit that another topic tells follows it after a restart; one of its own stays."""
    topics = ("m/flow/Value", "m/flow/Unit", "m/own")
    before = fed(
        published(1.5, topics[0]), published("bar", topics[1]), published(enveloped(1.5, 0.0, unit="kg"), topics[2])
    )
    later = again(before)
    assert [later.space.by_topic[topic].unit for topic in topics] == ["bar", None, "kg"]
    later.ingest([published("mbar", topics[1], at=61)])
    assert later.space.by_topic[topics[0]].unit == "mbar"


def test_only_what_is_new_is_noted(engine: Engine) -> None:
    """Notes since a time of receipt leave out those that have been silent."""
    engine.ingest([published(1, "a"), published(1, "b"), published(2, "b", at=1)])
    assert [note.ident for some in engine.notes(engine.received_ns) for note in some] == ["b"]


def queued(engine: Engine, ident: str) -> list[tuple[Any, str]]:
    """Value and quality of what a restart has queued for the one subscription."""
    (found,) = engine.subscriptions
    subscription = engine.subscriptions.get("client", found)
    batches = engine.subscriptions.sync(subscription, None, 0.0)
    updates = [update for batch in batches for update in batch.updates if update.element_id == ident]
    return [(update.value, update.quality) for update in updates]


def resumed(former: Engine, *, clean: bool = True, monitored: str = TOPIC) -> Engine:
    """A later run, with a subscription of which everything was acknowledged."""
    one = former.subscriptions.create("client", None, 0.0)
    former.subscriptions.register(one, monitored, 0)
    former.subscriptions.sync(one, None, 0.0)
    former.subscriptions.sync(one, -1, 0.0)
    later = again(former)
    note = former.subscriptions.note(one.id)
    assert note is not None
    later.subscriptions.resume([note], former.subscriptions.snapshot(1 << 30) if clean else None, 0.0)
    return later


@pytest.mark.parametrize("monitored", [TOPIC, "plant/line1"])
@pytest.mark.parametrize(
    ("kept", "replayed"),
    [
        pytest.param(True, False, id="session kept"),
        pytest.param(False, True, id="stored copy"),
        pytest.param(True, True, id="both"),
    ],
)
def test_nothing_missed_queues_nothing(engine: Engine, kept: bool, replayed: bool, monitored: str) -> None:
    """Who goes on after an orderly restart hears nothing of a value that holds again, as it did before."""
    engine.ingest([published(5), published(6, "plant/line1/b"), published(7, "plant/line1/stored", replayed=True)])
    later = resumed(engine, monitored=monitored)
    assert tick(later, 61) == []
    later.broker_back(session_kept=kept)
    if replayed:
        later.ingest([published(5, at=62, replayed=True), published(6, "plant/line1/b", at=62, replayed=True)])
    for second in range(62, 66):
        tick(later, second)
    assert current(later)[:2] == (5, "Good")
    assert later.subscriptions.queued == 0
    later.broker_lost(NOW_NS + 70 * SECOND)
    tick(later, 200)
    later.broker_back(session_kept=True)
    tick(later, 201)
    assert queued(later, TOPIC) == [(5, "Uncertain"), (5, "Good")]  # an outage of this run is told


@pytest.mark.parametrize(
    "monitored",
    [
        pytest.param(TOPIC, id="itself"),
        pytest.param("plant/line1", id="composed"),
        pytest.param("doc", id="document"),
        pytest.param("doc#/x", id="field"),
    ],
)
def test_who_was_given_the_doubt_hears_that_it_ended(engine: Engine, monitored: str) -> None:
    """A value that somebody was given as Uncertain meanwhile is news when it is Good again."""
    engine.ingest([published(5), published(6, "plant/line1/b"), published({"x": 5}, "doc")])
    later = again(engine)
    tick(later, 60.5)
    one = later.subscriptions.create("client", None, 0.0)
    later.subscriptions.register(one, monitored, 1)
    later.broker_back(session_kept=True)
    tick(later, 61)
    found = queued(later, monitored)
    assert [quality for _, quality in found] == ["Uncertain", "Good"]


def test_present_values_after_a_crash_are_followed(engine: Engine) -> None:
    """After a crash the present value is queued, doubted, and that the doubt has ended is told."""
    engine.ingest([published(5)])
    later = resumed(engine, clean=False)
    (found,) = later.subscriptions
    note = later.subscriptions.note(found)
    assert note is not None
    later.subscriptions.saved(note)
    later.broker_back(session_kept=True)
    tick(later, 61)
    assert queued(later, TOPIC) == [(5, "Uncertain"), (5, "Good")]


def test_who_loses_its_reading_is_told(engine: Engine) -> None:
    """Elements with readings that go, or are branches again, are named once, as of a time that no row is after."""
    gone: list[str] = []

    def hear(ident: str, gone_ns: int) -> None:
        gone.append(ident)
        assert gone_ns == NOW_NS

    engine.on_gone(hear)
    engine.ingest([published({"x": 1}, "a/b"), published(1, "a")])
    engine.space.removal.let_go(engine.space.by_topic["a"], "deleted")
    engine.space.remove(engine.space.by_topic["a/b"])
    assert gone == ["a", "a/b"]


@settings(max_examples=60, deadline=None)
@given(batches=plantlike.batches)
def test_any_traffic_survives(batches: list[list[Message]]) -> None:
    """Whatever has come, a later run has the same elements with the same values, and can be restored again itself."""
    before = Engine(Options())
    for number, batch in enumerate(batches):
        for message in batch:
            message.received_ns = plantlike.START_NS + number
        before.ingest(batch)
    arrange(before)
    later = again(before)
    arrange(later)
    later.broker_back(session_kept=True)
    tick(later, 61)
    for topic, node in before.space.by_topic.items():
        if node.reader is not None and node.reported:
            found = later.space.by_topic[topic]
            assert (found.said(), found.said_ns, found.attributes) == (node.said(), node.said_ns, node.attributes)
            assert found.doubt & ~8 == node.doubt & ~8
    assert {note.ident: note for some in later.notes(0) for note in some} == {
        note.ident: note for some in before.notes(0) for note in some
    }
