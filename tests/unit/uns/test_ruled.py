"""Reading by policy: declared keys, meanings, instances, coercion and places."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bridge.uns import BAD, GOOD, NO_DATA, UNCERTAIN, Message, Quality, Reading, ruled
from bridge.uns.decoder import field_plan, field_reading
from bridge.uns.moments import parse
from bridge.uns.policy import PLAIN, Policies, Policy, Rule
from bridge.uns.routing import Router
from bridge.uns.ruled import RuledDecoder, field_terms, lift
from tests.helpers.feeding import Feed
from tests.unit.uns.soundness import assert_sound

T = "2026-01-15T12:00:00Z"
NOON = 1_768_478_400_000_000_000
UTC = ZoneInfo("UTC")


def read(said: dict[str, Any], payload: object, topic: str = "plant/x") -> Reading | list[Reading]:
    """What a decoder for a policy makes of a payload; text is published as it is."""
    content = payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
    outcome = RuledDecoder(Policy(**said)).read(Message(topic, content))
    for reading in outcome if isinstance(outcome, list) else [outcome]:
        assert isinstance(reading, Reading)
        assert_sound(reading)
    assert isinstance(outcome, Reading | list)
    return outcome


def one(said: dict[str, Any], payload: object, topic: str = "plant/x") -> Reading:
    outcome = read(said, payload, topic)
    assert isinstance(outcome, Reading)
    return outcome


@pytest.mark.parametrize(
    ("said", "payload", "value", "attributes"),
    [
        pytest.param({"value": "pv"}, {"pv": 5, "sp": 6}, 5, {"sp": 6}, id="value"),
        pytest.param({"value": "pv"}, {"pv": 5, "value": 6}, 5, {"value": 6}, id="value-beside-a-rival"),
        pytest.param({"value": "pv"}, {"sp": 6}, {"sp": 6}, None, id="value-missing"),
        pytest.param({"value": "pv"}, {"value": 6}, 6, None, id="value-missing-another-there"),
        pytest.param({"value": "pv"}, {"pv": None, "sp": 6}, None, {"sp": 6}, id="value-null"),
        pytest.param(
            {"value": "pv"}, {"pv": {"x": 1, "y": 2}, "sp": 6}, {"x": 1, "y": 2}, {"sp": 6}, id="value-object"
        ),
        pytest.param({"value": "d.pv"}, {"d": {"pv": 5, "x": 1}}, 5, {"d": {"x": 1}}, id="path"),
        pytest.param({"value": "d.pv"}, {"d": {"pv": 5}, "x": 1}, 5, {"x": 1}, id="path-leaves-nothing-empty"),
        pytest.param({"value": "d.pv"}, {"d.pv": 5, "d": {"pv": 6}}, 5, {"d": {"pv": 6}}, id="path-that-is-a-key"),
        pytest.param({"value": "d.pv"}, {"d": 5}, {"d": 5}, None, id="path-that-leads-nowhere"),
        pytest.param({"value": "a.b.c"}, {"a": {"b": {"c": 5}}}, 5, None, id="deep-path"),
        pytest.param({"time": "d.at"}, {"x": 1, "d": {"at": T}}, {"x": 1, "d": {"at": T}}, None, id="document-whole"),
    ],
)
def test_declared_value(said: dict, payload: dict, value: object, attributes: object) -> None:
    """A declared value key makes a leaf of whatever holds it; what stands beside it is not lost."""
    reading = one(said, payload)
    assert (reading.value, reading.attributes) == (value, attributes)


@pytest.mark.parametrize(
    ("said", "payload", "expected"),
    [
        pytest.param({"time": "at"}, {"value": 5, "at": T}, (5, GOOD, NOON, None), id="time"),
        pytest.param({"time": "at"}, {"x": 5, "at": T}, ({"x": 5, "at": T}, GOOD, NOON, None), id="document-time"),
        pytest.param({"time": "d.at"}, {"value": 5, "d": {"at": T}}, (5, GOOD, NOON, None), id="time-path"),
        pytest.param(
            {"time": "at"},
            {"value": 5, "at": T, "timestamp": "2020-01-01T00:00:00Z"},
            (5, GOOD, NOON, None),
            id="time-rival",
        ),
        pytest.param({"quality": "state"}, {"value": 5, "state": "bad"}, (None, BAD, None, None), id="quality"),
        pytest.param({"quality": "state"}, {"x": 5, "state": "bad"}, (None, BAD, None, None), id="document-bad"),
        pytest.param(
            {"quality": "state"},
            {"x": 5, "state": 64},
            ({"x": 5, "state": 64}, UNCERTAIN, None, None),
            id="document-doubt",
        ),
        pytest.param(
            {"quality": "metadata.quality"},
            {"value": 5, "metadata": {"quality": "bad"}},
            (None, BAD, None, None),
            id="path",
        ),
        pytest.param({"unit_key": "eu"}, {"value": 5, "eu": "bar"}, (5, GOOD, None, "bar"), id="unit"),
        pytest.param(
            {"unit_key": "eu"}, {"x": 5, "eu": "bar"}, ({"x": 5, "eu": "bar"}, GOOD, None, "bar"), id="document-unit"
        ),
        pytest.param(
            {"unit_key": "eu"}, {"value": 5, "eu": 7}, ({"value": 5, "eu": 7}, GOOD, None, None), id="no-unit"
        ),
        pytest.param({"time_unit": "s"}, {"value": 5, "ts": NOON // 10**9}, (5, GOOD, NOON, None), id="seconds"),
        pytest.param({"time_unit": "ms"}, {"value": 5, "timestamp": NOON // 10**9}, (5, GOOD, None, None), id="no-ms"),
        pytest.param({"time_unit": "ms"}, {"value": 5, "timestamp": T}, (5, GOOD, NOON, None), id="text-all-the-same"),
        pytest.param({"quality_profile": "ua"}, {"value": 5, "quality": 0}, (5, GOOD, None, None), id="zero-in-ua"),
        pytest.param({"quality_profile": "da"}, {"value": 5, "quality": 1}, (None, BAD, None, None), id="one-in-da"),
        pytest.param(
            {"zone": ZoneInfo("Europe/Berlin")},
            {"value": 5, "time": "2026-01-15T13:00:00"},
            (5, GOOD, NOON, None),
            id="zone",
        ),
    ],
)
def test_declared_parts(said: dict, payload: dict, expected: tuple[object, ...]) -> None:
    """Declared keys play their part in leaves and in whole documents, with the declared meaning."""
    reading = one(said, payload)
    assert (reading.value, reading.quality, reading.time_ns, reading.unit) == expected


def test_plans_are_of_one_policy() -> None:
    """A shape seen before is read by the policy each time, and plainly elsewhere."""
    router = Router(Policies([Rule(["a/#"], {"value": "pv"})]))
    payload = b'{"pv":5,"sp":6}'
    for _ in range(2):
        ruled_, plain = router.read(Message("a/x", payload)), router.read(Message("b/x", payload))
        assert isinstance(ruled_, Reading)
        assert isinstance(plain, Reading)
        assert (ruled_.value, plain.value) == (5, {"pv": 5, "sp": 6})


@pytest.mark.parametrize(
    ("said", "payload", "expected"),
    [
        pytest.param({"instance": "id"}, {"id": "p1", "x": 1}, [("plant/x/p1", {"id": "p1", "x": 1})], id="document"),
        pytest.param({"instance": "id"}, {"id": 7, "value": 1}, [("plant/x/7", 1)], id="leaf"),
        pytest.param(
            {"instance": "dev"}, {"dev": "a", "value": 1, "timestamp": T}, [("plant/x/a", 1)], id="makes-no-document"
        ),
        pytest.param({"instance": "m.id"}, {"m": {"id": "a/b"}, "value": 1, "ts": T}, None, id="levels"),
        pytest.param({"instance": "id"}, {"x": 1}, [("plant/x", {"x": 1})], id="missing"),
        pytest.param({"instance": "id"}, {"id": None, "x": 1}, [("plant/x", {"id": None, "x": 1})], id="null"),
        pytest.param({"instance": "id"}, {"id": "", "x": 1}, [("plant/x", {"id": "", "x": 1})], id="empty"),
        pytest.param({"instance": "id"}, {"id": {}, "x": 1}, [("plant/x", {"id": {}, "x": 1})], id="no-scalar"),
        pytest.param({"instance": "id"}, "text", [("plant/x", "text")], id="text"),
        pytest.param(
            {"instance": "id"},
            [{"id": "a", "value": 1}, {"id": "b", "value": 2}],
            [("plant/x/a", 1), ("plant/x/b", 2)],
            id="array",
        ),
        pytest.param({"instance": "id"}, [{"id": "a"}, {"x": 2}], [("plant/x", [{"id": "a"}, {"x": 2}])], id="not-all"),
        pytest.param(
            {"instance": "gw"},
            {"gw": "g1", "datapoints": [{"Measurement": 1, "Time": T}, {"Measurement": 2, "Time": T}]},
            [("plant/x/g1", 1), ("plant/x/g1", 2)],
            id="samples",
        ),
        pytest.param(
            {"instance": "PublisherId"},
            {"MessageId": "1", "PublisherId": "p", "Messages": [{"Payload": {"a": 1, "b": 2}}]},
            [("plant/x/p/a", 1), ("plant/x/p/b", 2)],
            id="batch",
        ),
    ],
)
def test_instance(said: dict, payload: object, expected: list | None) -> None:
    """The instance that a payload names is one more level, before those of a batch."""
    outcome = read(said, payload)
    found = [(one.topic, one.value) for one in (outcome if isinstance(outcome, list) else [outcome])]
    assert found == expected if expected is not None else found[0][0] == "plant/x/a/b"
    for reading in outcome if isinstance(outcome, list) else [outcome]:
        assert reading.raw_topic == (None if reading.topic == "plant/x" else "plant/x")


@pytest.mark.parametrize(
    ("said", "topic", "place"),
    [
        pytest.param({"separators": "."}, "umh.v1.acme.t", "umh/v1/acme/t", id="dots"),
        pytest.param({"separators": ".-"}, "a.b-c/d", "a/b/c/d", id="several"),
        pytest.param({"separators": "."}, "a/b", "a/b", id="none-there"),
        pytest.param({"strip": "umh/v1"}, "umh/v1/acme/t", "acme/t", id="strip"),
        pytest.param({"strip": "umh/v1/"}, "umh/v1/acme/t", "acme/t", id="strip-with-slash"),
        pytest.param({"strip": "umh/v1"}, "umh/v1", "umh/v1", id="nothing-would-be-left"),
        pytest.param({"strip": "umh/v1"}, "umh/v1/", "umh/v1/", id="an-empty-level-would-be-left"),
        pytest.param({"strip": "umh/v1"}, "umh/v10/acme", "umh/v10/acme", id="whole-levels"),
        pytest.param({"strip": "umh.v1", "separators": "."}, "umh.v1.acme.t", "acme/t", id="both"),
    ],
)
def test_place(said: dict, topic: str, place: str) -> None:
    """More separators make more levels, a prefix is left out; the raw topic stays known."""
    reading = one(said, "5", topic)
    assert (reading.topic, reading.raw_topic) == (place, topic if place != topic else None)


def test_places_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Topics without end do not fill the memory, and stay in their places."""
    monkeypatch.setattr(ruled, "MAX_PLACES", 3)
    decoder = RuledDecoder(Policy(separators="."))
    for number in range(10):
        reading = decoder.read(Message(f"a.{number}", b"1"))
        assert isinstance(reading, Reading)
        assert reading.topic == f"a/{number}"


def test_separators_in_batches() -> None:
    """They hold for the names in a batch, too."""
    payload = {"Timestamp": T, "Records": [{"TagName": "A.B", "Value": 2}]}
    assert one({"separators": "."}, payload).topic == "plant/x/A/B"


@pytest.mark.parametrize(
    ("kinds", "payload", "expected"),
    [
        pytest.param({"numbers"}, "23,5", (23.5, GOOD, None), id="decimal-comma"),
        pytest.param({"numbers"}, {"value": "23.5", "unit": "bar"}, (23.5, GOOD, "bar"), id="quoted"),
        pytest.param(
            {"numbers"}, {"a": "1", "b": ["2", {"c": "x"}]}, ({"a": 1, "b": [2, {"c": "x"}]}, GOOD, None), id="fields"
        ),
        pytest.param({"booleans"}, "FALSE", (False, GOOD, None), id="boolean"),
        pytest.param({"booleans"}, {"a": "on", "b": "1"}, ({"a": True, "b": "1"}, GOOD, None), id="boolean-fields"),
        pytest.param({"units"}, "23.5 °C", (23.5, GOOD, "°C"), id="unit"),
        pytest.param({"units"}, {"value": "23.5 °C", "unit": "K"}, ("23.5 °C", GOOD, "K"), id="unit-is-known"),
        pytest.param({"units"}, {"a": "23.5 °C"}, ({"a": "23.5 °C"}, GOOD, None), id="unit-of-a-field"),
        pytest.param({"numbers"}, {"value": "5", "quality": "bad"}, (None, BAD, None), id="bad"),
        pytest.param({"numbers"}, "null", (None, NO_DATA, None), id="null"),
        pytest.param({"numbers", "booleans", "units"}, "RUN", ("RUN", GOOD, None), id="text"),
        pytest.param({"numbers"}, '{"a": "1"', ('{"a": "1"', GOOD, None), id="malformed"),
    ],
)
def test_coercion(kinds: set[str], payload: object, expected: tuple[object, Quality, str | None]) -> None:
    """Texts become what they mean, in leaves and in documents; units only where they can be kept."""
    reading = one({"coerce": frozenset(kinds)}, payload)
    assert (reading.value, reading.quality, reading.unit) == expected


def test_policies_that_read_alike_share_a_decoder() -> None:
    """What is not about reading makes no decoder of its own."""
    rules = [
        Rule(["a/#"], {"stale_after": 5.0}),
        Rule(["b/#"], {"coerce": frozenset({"numbers"})}),
        Rule(["b/c"], {"part": True}),
    ]
    router = Router(Policies(rules))
    owners = [router.reader(topic).__self__ for topic in ("x", "a/x", "b/x", "b/c")]  # type: ignore[attr-defined]
    assert owners[0] is owners[1]
    assert owners[2] is owners[3]
    assert owners[0] is not owners[2]


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        pytest.param("ie/d/j/simatic/v1/s7c1/dp/w/PLC1", "command", id="databus-write"),
        pytest.param("ie/d/j/simatic/v1/s7c1/dp/w", "command", id="databus-write-root"),
        pytest.param("ie/d/j/simatic/v1/s7c1/dp/r/PLC1", None, id="databus-read"),
        pytest.param("plant/dp/w/x", None, id="elsewhere"),
        pytest.param("uagv/v2/KIT/0001/order", "command", id="order-to-a-vehicle"),
        pytest.param("uagv/v2/KIT/0001/instantActions", "command", id="actions-of-a-vehicle"),
        pytest.param("uagv/v2/KIT/0001/state", None, id="state-of-a-vehicle"),
        pytest.param("uagv/v2/KIT/order", None, id="vehicle-called-order"),
        pytest.param("plant/v2/KIT/0001/order", None, id="order-elsewhere"),
    ],
)
def test_protocols_have_commands_of_their_own(topic: str, reason: str | None) -> None:
    """What asks a connector to write, or a vehicle to drive, is no value."""
    outcome = Router().read(Message(topic, b'{"seq":1,"vals":[{"id":"1","val":5}]}'))
    assert getattr(outcome, "reason", None) == reason


def test_field_terms() -> None:
    """The declared meaning holds for fields that are envelopes of their own."""
    field = {"value": 5, "quality": 0, "ts": NOON // 10**6}
    plan = field_plan(field, UTC, field_terms(Policy(quality_profile="zero-is-good", time_unit="ms", value="pv")))
    assert plan is not None
    assert field_reading(field, plan, UTC) == (5, GOOD, NOON)
    plain = field_plan(field, UTC, field_terms(PLAIN))
    assert plain is not None
    assert field_reading(field, plain, UTC)[1] == BAD


def test_lift_leaves_the_document_alone() -> None:
    """What is taken out is taken out of a copy."""
    content = {"a": {"b": {"c": 1, "d": 2}}, "e": 3}
    assert lift(content, ("a.b.c", "a.b.d", "x.y")) == {"e": 3, "a.b.c": 1, "a.b.d": 2}
    assert content == {"a": {"b": {"c": 1, "d": 2}}, "e": 3}


def test_several_devices_on_one_topic() -> None:
    """In the space, each is an element of its own with its own history."""
    feed = Feed(rules=[Rule(["plant/all"], {"instance": "id"})])
    for number in range(4):
        feed.take(
            {"plant/all": {"id": f"pump{number % 2}", "value": number, "timestamp": f"2026-01-15T12:00:0{number}Z"}}
        )
    assert (feed.value("plant/all/pump0")["value"], feed.value("plant/all/pump1")["value"]) == (2, 3)
    assert feed.node("plant/all/pump1").time_ns == parse("2026-01-15T12:00:03Z")


def test_dotted_topics_make_the_same_tree() -> None:
    """Topics that are split lie where those with slashes do."""
    feed = Feed(rules=[Rule(["umh.v1.*"], {"separators": "."})])
    feed.take({"umh.v1.acme.temperature": {"value": 5, "timestamp_ms": NOON // 10**6}, "umh/v1/acme/speed": 7})
    ids = {ident for ident in feed.engine.space.nodes if ident.startswith("umh")}
    assert ids == {"umh", "umh/v1", "umh/v1/acme", "umh/v1/acme/temperature", "umh/v1/acme/speed"}
