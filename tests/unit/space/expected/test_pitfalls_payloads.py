"""Traps of payloads: text, JSON, envelopes, qualities and times; rows as in the table."""

from typing import Any

import pytest
from expected import Plant, row, ruled, times
from feeding import Feed

FOLDER = "pitfalls"
TEXT, JSON, ENV, TIME = "pitfalls/text", "pitfalls/json", "pitfalls/env", "pitfalls/time"
T0 = times("2026-01-15T12:00:00Z")[0]

GOOD = "Good"
CODES = {  # of the value that has this quality code
    1: GOOD, 2: GOOD, 3: "Uncertain", 4: "Bad", 5: GOOD, 6: GOOD, 7: GOOD, 8: "Bad", 9: "Uncertain", 10: "Uncertain",
    11: "Bad", 12: GOOD, 13: "Bad", 14: "Uncertain", 15: GOOD, 16: "Bad", 17: GOOD, 18: "Bad", 19: "Uncertain",
    20: GOOD, 21: GOOD, 22: "Bad", 23: "Uncertain", 24: "Bad", 25: "Bad",
}  # fmt: skip
FORMS = {  # fractions of a second after T0, in ns
    0: 0, 1: 123_000_000, 2: 123_000_000, 3: 123_456_000, 4: 123_456_789, 5: 0, 6: 123_000_000, 7: 0, 8: 0, 9: 0, 10: 0,
    11: 123_456_700, 12: 123_456_789, 13: 0, 14: 0, 15: 0,
}  # fmt: skip


@row(FOLDER, 9)
def test_words(plant: Plant) -> None:
    """ON and OFF are words; so are True and FALSE, unless booleans are coerced."""
    assert plant.value(f"{TEXT}/onoff") == ("ON", GOOD)
    assert plant.kind(f"{TEXT}/onoff") == "string"
    assert [value for value, _ in plant.heard(f"{TEXT}/bool")] == [True, False, "True", "FALSE"]
    coerced = ruled(FOLDER, f"{TEXT}/bool", coerce=frozenset({"booleans"}))
    assert [value for value, _ in coerced.heard(f"{TEXT}/bool")] == [True, False, True, False]
    assert coerced.kind(f"{TEXT}/bool") == "boolean"


@row(FOLDER, 10)
def test_bits(plant: Plant) -> None:
    """0 and 1 are integers."""
    assert plant.kind(f"{TEXT}/bit01") == "integer"


@row(FOLDER, 11)
def test_identifiers(plant: Plant) -> None:
    """Leading zeros make a text; digits that look like an epoch are no time."""
    assert [value for value, _ in plant.heard(f"{TEXT}/leading_zero_id")] == ["007", "012", 7]
    for name in ("barcode", "batch_id"):
        assert plant.kind(f"{TEXT}/{name}") == "integer"
        assert plant.arrived(f"{TEXT}/{name}")


@row(FOLDER, 12)
def test_number_forms(plant: Plant) -> None:
    """What JSON calls a number is one, all else is text, unless numbers are coerced."""
    heard = [value for value, _ in plant.heard(f"{TEXT}/number_forms")]
    assert heard[:3] == [1e5, 2e-3, 0]
    assert heard[3:8] == ["+5", 23.5, "23,5", "1_000", "0x1F"]
    assert heard[-2:] == ["1.", ".5"]


@row(FOLDER, 12)
def test_no_numbers(plant: Plant) -> None:
    """NaN and infinity as text are null and Bad once the topic is numeric."""
    assert plant.heard(f"{TEXT}/number_forms").count((None, "Bad")) == 3


@row(FOLDER, 13)
def test_unit_suffix(plant: Plant) -> None:
    """A number with its unit is a text by default, and a number with a unit where units are coerced."""
    topic = f"{TEXT}/unit_suffix"
    assert plant.value(topic) == ("24.0 °C", GOOD)
    coerced = ruled(FOLDER, topic, coerce=frozenset({"units"}))
    assert (coerced.value(topic), coerced.unit(topic)) == ((24.0, GOOD), "°C")


@pytest.mark.parametrize("name", ["csv", "kv", "xml", "iso"])
@row(FOLDER, 14)
def test_texts(plant: Plant, name: str) -> None:
    """Lists, pairs, XML and dates are texts."""
    assert plant.kind(f"{TEXT}/{name}") == "string"


@row(FOLDER, 15)
def test_big_integer(plant: Plant) -> None:
    """Integers are exact."""
    assert plant.value(f"{TEXT}/big_int") == (9007199254740993, GOOD)


@row(FOLDER, 16)
def test_quoted(plant: Plant) -> None:
    """What is quoted is not decoded twice."""
    assert plant.value(f"{TEXT}/escaped_num") == ("23.5", GOOD)
    assert isinstance(plant.value(f"{TEXT}/json_in_string")[0], str)


@row(FOLDER, 17)
def test_edges(plant: Plant) -> None:
    """A byte order mark and blanks are trimmed; blank text is text; a zero byte makes it bytes."""
    assert plant.value(f"{TEXT}/bom") == (1, GOOD)
    assert plant.value(f"{TEXT}/crlf") == (23.5, GOOD)
    assert plant.value(f"{TEXT}/whitespace") in (("", GOOD), (None, "GoodNoData"))
    assert plant.kind(f"{TEXT}/nul") == "string"


@pytest.mark.parametrize("name", ["nan", "inf", "huge_exp"])
@row(FOLDER, 18)
def test_not_finite(plant: Plant, name: str) -> None:
    """What JSON cannot say is null and Bad."""
    assert plant.value(f"{JSON}/{name}") == (None, "Bad")


@pytest.mark.parametrize("name", ["truncated", "trailing_comma", "single_quotes", "two_docs"])
@row(FOLDER, 19)
def test_damaged(plant: Plant, name: str) -> None:
    """Damaged JSON is kept as the text that it is."""
    assert plant.value(f"{JSON}/{name}")[0] == next(
        message.payload.decode() for message in plant.traffic if message.topic == f"{JSON}/{name}"
    )


@row(FOLDER, 19)
def test_damaged_later(plant: Plant) -> None:
    """Damaged JSON does not take the place of a value, nor widen its type; it is counted."""
    damaged = next(message.payload for message in plant.traffic if message.topic == f"{JSON}/truncated")
    fed = Feed().take({"x/y": {"value": 1.5}}).take({"x/y": damaged}).settle()
    assert fed.value("x/y")["value"] == 1.5
    assert fed.node("x/y").type.schema()["type"] == "number"
    assert fed.engine.rejected["malformed-json"] == 1


@row(FOLDER, 20)
def test_lines(plant: Plant) -> None:
    """Several documents are a text."""
    assert isinstance(plant.value(f"{JSON}/ndjson")[0], str)


@row(FOLDER, 21)
def test_same_key_twice(plant: Plant) -> None:
    """Of two values of a key the last counts."""
    assert plant.value(f"{JSON}/dup_keys") == (2, GOOD)


@row(FOLDER, 22)
def test_deep(plant: Plant) -> None:
    """Depth is limited in the schema, not in the value."""
    value, schema = plant.value(f"{JSON}/deep")[0], plant.schema(f"{JSON}/deep")
    assert (_depth(value), _depth(schema) < 64) == (64, True)


def _depth(value: Any) -> int:
    """How many objects are in each other; of a schema twice as many."""
    return 1 + max(map(_depth, value.values()), default=0) if isinstance(value, dict) else 0


@row(FOLDER, 23)
def test_order_of_rows(plant: Plant) -> None:
    """Rows in another order are of the same type."""
    first = next(at for at, message in enumerate(plant.traffic, 1) if message.topic == f"{JSON}/arr_obj")
    assert plant.schema(f"{JSON}/arr_obj")["items"]["properties"].keys() == {"id", "temp"}
    assert plant.schema(f"{JSON}/arr_obj") == Plant(FOLDER, first).schema(f"{JSON}/arr_obj")


@row(FOLDER, 24)
def test_map(plant: Plant) -> None:
    """Keys that keep changing make a map."""
    assert "additionalProperties" in plant.schema(f"{JSON}/obj_map")["properties"]["sensors"]


@row(FOLDER, 25)
def test_keys(plant: Plant) -> None:
    """Keys with dots, slashes and no letters stay apart; keys of JSON Schema are only names here."""
    assert {plant.field(f"{JSON}/dots#/{path}").name for path in ("a.b", "a", "a/b")} == {"a.b", "a", "b"}
    assert plant.value(f"{JSON}/weird_keys")[0].keys() == {"", " ", "$ref", "@type", "a/b", "ä"}
    schema = plant.schema(f"{JSON}/weird_keys")
    assert "$ref" not in schema
    assert isinstance(schema["properties"]["$ref"], dict)


@pytest.mark.parametrize("name", ["quality_is_data", "status_is_data"])
@row(FOLDER, 26)
def test_data_not_quality(plant: Plant, name: str) -> None:
    """Quality and status among other figures are data."""
    assert plant.kind(f"{ENV}/{name}") == "object"
    assert plant.value(f"{ENV}/{name}")[1] == GOOD


@row(FOLDER, 27)
def test_value_and_more(plant: Plant) -> None:
    """Nothing beside a value is lost."""
    value, _ = plant.value(f"{ENV}/value_and_more")
    said = value if isinstance(value, dict) else plant.attributes(f"{ENV}/value_and_more")
    assert (said["batch"], said["operator"]) == ("B1", "Bo")


@row(FOLDER, 28)
def test_structured_values(plant: Plant) -> None:
    """The value in an envelope may be an object or an array."""
    assert plant.schema(f"{ENV}/value_object")["properties"].keys() == {"x", "y"}
    assert plant.schema(f"{ENV}/value_array")["type"] == "array"
    assert plant.value(f"{ENV}/value_array") == ([1, 2, 3], GOOD)


@row(FOLDER, 29)
def test_short_keys(plant: Plant) -> None:
    """v, t and q are value, time and quality where they look so."""
    assert plant.heard(f"{ENV}/short") == [(1.5, GOOD), (None, "Bad")]
    assert plant.time(f"{ENV}/short") == T0 + 1_000_000_000


@pytest.mark.parametrize("name", ["t_is_temperature", "v_is_voltage", "q_is_flow"])
@row(FOLDER, 30)
def test_short_keys_of_other_things(plant: Plant, name: str) -> None:
    """Temperature, voltage and flow are no envelopes."""
    assert plant.kind(f"{ENV}/{name}") == "object"
    assert plant.value(f"{ENV}/{name}")[1] == GOOD
    assert plant.arrived(f"{ENV}/{name}")


@pytest.mark.parametrize("name", ["ais_timestamp", "time_of_day"])
@row(FOLDER, 31)
def test_no_instants(plant: Plant, name: str) -> None:
    """A second of the minute and a time of the day are no times of a value."""
    assert plant.kind(f"{ENV}/{name}") == "object"
    assert plant.arrived(f"{ENV}/{name}")


@row(FOLDER, 32)
def test_pi(plant: Plant) -> None:
    """A historian's own names of value, time, quality and unit."""
    assert plant.value(f"{ENV}/pi") == (1.5, GOOD)
    assert (plant.time(f"{ENV}/pi"), plant.unit(f"{ENV}/pi")) == (T0, "bar")


@row(FOLDER, 33)
def test_qualities(plant: Plant) -> None:
    """Codes of several standards, words, booleans and symbols."""
    heard = plant.heard("pitfalls/quality/codes")
    assert {number: quality for number, (_, quality) in enumerate(heard, 1)} == CODES
    assert all((value is None) == (quality == "Bad") for value, quality in heard)


@row(FOLDER, 34)
def test_times(plant: Plant) -> None:
    """Epochs of any unit and RFC 3339 in all its forms are times; anything else is data, served as of its arrival."""
    heard = dict(plant.heard_at(f"{TIME}/forms"))
    late = dict(plant.late(f"{TIME}/forms"))
    assert sorted({*heard, *late}) == list(range(32))
    assert {number: (heard | late)[number] - T0 for number in FORMS} == FORMS
    arrived = {number for number in range(16, 31) if (heard | late)[number] >= plant.traffic[0].received_ns}
    assert arrived == set(range(16, 31))


@row(FOLDER, 35)
def test_order(plant: Plant) -> None:
    """Older never overwrites newer, the same again is none, the last of the same time counts."""
    assert [value for value, _ in plant.heard(f"{TIME}/order")] == [2, 3, 3.5]
    assert [value for value, _ in plant.late(f"{TIME}/order")] == [1]


@row(FOLDER, 36)
def test_future(plant: Plant) -> None:
    """A time far ahead is flagged; the next sane value is the current one."""
    assert plant.heard(f"{TIME}/future") == [(9, "Uncertain"), (10, GOOD)]


@row(FOLDER, 37)
def test_stale(plant: Plant) -> None:
    """A value of 2019 is served with its time, and is doubted where silence is."""
    topic = f"{TIME}/stale_retained"
    assert (plant.value(topic), plant.time(topic)) == ((4, GOOD), times("2019-01-01T00:00:00Z")[0])
    doubted = ruled(FOLDER, topic, stale_after=30.0)
    assert doubted.value(topic)[1] in ("Uncertain", "GoodNoData")
