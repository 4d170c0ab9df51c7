"""The facade of the core: every message has one outcome, and the present is what the newest honest reading says."""

import json
from typing import Any

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
