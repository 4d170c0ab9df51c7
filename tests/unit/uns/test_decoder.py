"""Messages → readings: one documented outcome for each kind of message."""

from zoneinfo import ZoneInfo

import pytest

from bridge.uns import BAD, GOOD, NO_DATA, UNCERTAIN, Message, Quality, Reading, Rejected, plans
from bridge.uns import decoder as decoding
from bridge.uns.decoder import Decoder, field_plan, field_reading
from bridge.uns.payload import MAX_NESTING, structure
from bridge.uns.plans import Plans
from bridge.uns.routing import Router

NOON = 1_768_478_400_000_000_000  # 2026-01-15T12:00:00Z
T = '"timestamp":"2026-01-15T12:00:00Z"'


def read(payload: str | bytes, topic: str = "plant/x", **message: object) -> Reading:
    """The one reading of a payload, by a decoder that has seen nothing yet."""
    content = payload.encode() if isinstance(payload, str) else payload
    reading = Decoder().read(Message(topic, content, **message))  # type: ignore[arg-type]
    assert type(reading) is Reading
    return reading


@pytest.mark.parametrize(
    ("payload", "value", "quality"),
    [
        pytest.param("42", 42, GOOD, id="integer"),
        pytest.param("23.5", 23.5, GOOD, id="number"),
        pytest.param("true", True, GOOD, id="boolean"),
        pytest.param('"x"', "x", GOOD, id="json-text"),
        pytest.param("RUNNING", "RUNNING", GOOD, id="text"),
        pytest.param("null", None, NO_DATA, id="null"),
        pytest.param("NaN", None, BAD, id="nan"),
        pytest.param('"NaN"', None, BAD, id="nan-as-text"),
        pytest.param("1e999", None, BAD, id="infinite"),
        pytest.param("[1,2]", [1, 2], GOOD, id="array"),
        pytest.param("[]", [], GOOD, id="empty-array"),
        pytest.param("{}", {}, GOOD, id="empty-object"),
        pytest.param("[NaN,1]", [None, 1], GOOD, id="nan-in-an-array"),
        pytest.param('{"a":NaN}', {"a": None}, GOOD, id="nan-in-an-object"),
        pytest.param('{"a":"NaN"}', {"a": "NaN"}, GOOD, id="nan-as-text-in-an-object"),
        pytest.param('{"value":NaN}', None, BAD, id="envelope-nan"),
        pytest.param('{"value":"NaN"}', None, BAD, id="envelope-nan-as-text"),
        pytest.param('{"value":1e999}', None, BAD, id="envelope-infinite"),
        pytest.param('[{"value":NaN}]', None, BAD, id="envelope-nan-in-an-array-of-one"),
        pytest.param('{"datapoints":{"value":NaN}}', None, BAD, id="envelope-nan-nested"),
        pytest.param('{"value":{"value":NaN,"unit":"m"}}', None, BAD, id="envelope-nan-in-an-envelope"),
        pytest.param('{"value":[NaN,1]}', [None, 1], GOOD, id="envelope-nan-in-its-array"),
        pytest.param('{"value":NaN,"quality":"Uncertain"}', None, BAD, id="envelope-nan-uncertain"),
        pytest.param('{"value":null}', None, NO_DATA, id="envelope-null"),
        pytest.param('{"value":null,"quality":"Good"}', None, NO_DATA, id="envelope-null-good"),
        pytest.param('{"value":null,"quality":"Bad"}', None, BAD, id="envelope-null-bad"),
        pytest.param('{"value":5,"quality":"Bad"}', None, BAD, id="envelope-bad"),
        pytest.param('{"value":{"a":1},"quality":"Bad"}', None, BAD, id="envelope-object-bad"),
        pytest.param('{"value":5,"quality":"GoodNoData"}', None, NO_DATA, id="envelope-no-data"),
        pytest.param('{"value":5,"quality":"Uncertain"}', 5, UNCERTAIN, id="envelope-uncertain"),
        pytest.param('{"value":[5],"quality":64}', [5], UNCERTAIN, id="envelope-array-uncertain"),
        pytest.param('{"value":5,"quality":"excellent"}', 5, GOOD, id="envelope-unknown-word"),
        pytest.param('{"value":5,"quality":null}', 5, GOOD, id="envelope-quality-null"),
        pytest.param('{"value":5,"quality":' + "9" * 299 + "}", None, BAD, id="envelope-huge-quality"),
        pytest.param('{"Value":5,"StatusCode":0}', 5, GOOD, id="ua-good"),
        pytest.param('{"Value":5,"StatusCode":"0"}', 5, GOOD, id="ua-good-as-text"),
        pytest.param('{"value":5,"quality":0}', None, BAD, id="da-bad"),
        pytest.param('{"value":5,"quality":1}', 5, GOOD, id="one-is-good"),
        pytest.param('{"Value":5,"Good":true,"Questionable":true}', 5, UNCERTAIN, id="questionable"),
        pytest.param('{"Value":5,"Good":true,"Questionable":false}', 5, GOOD, id="not-questionable"),
        pytest.param('{"value":{"value":5,"unit":"m"},"quality":"Uncertain"}', 5, UNCERTAIN, id="outer-doubt"),
        pytest.param('{"value":{"value":5,"quality":"Bad"},"quality":"Good"}', None, BAD, id="inner-bad"),
        pytest.param('{"value":1,"value":2}', 2, GOOD, id="duplicate-keys"),
        pytest.param('{"value":false}', False, GOOD, id="envelope-boolean"),
        pytest.param('{"value":""}', "", GOOD, id="envelope-empty-text"),
    ],
)  # fmt: skip
def test_value_and_quality(payload: str, value: object, quality: Quality) -> None:
    """Each kind of payload has one value and one quality; null goes with Bad and GoodNoData, and only with them."""
    reading = read(payload)
    assert (reading.value, reading.quality) == (value, quality)
    assert type(reading.value) is type(value)
    assert reading.shape == structure(value)


@pytest.mark.parametrize(
    ("payload", "time_ns"),
    [
        pytest.param('{"value":1,"timestamp":"2026-01-15T12:00:00Z"}', NOON, id="envelope"),
        pytest.param('{"value":1,"timestamp":1768478400000}', NOON, id="epoch"),
        pytest.param('{"value":1,"timestamp":"x"}', None, id="unreadable"),
        pytest.param('{"value":1,"timestamp":' + "9" * 299 + "}", None, id="huge"),
        pytest.param('{"value":1,"timestamp":NaN}', None, id="nan"),
        pytest.param('{"value":1,"timestamp":1e300}', None, id="float-huge"),
        pytest.param('{"value":1,"timestamp":-1768478400}', None, id="negative"),
        pytest.param('{"value":1}', None, id="none"),
        pytest.param('{"speed":1,"timestamp":"2026-01-15T12:00:00Z"}', NOON, id="object"),
        pytest.param('{"speed":1,"timestamp":null,"ts":1768478400}', NOON, id="object-with-a-spare-time"),
        pytest.param('{"t":21.5,"speed":1}', None, id="object-temperature"),
        pytest.param('{"VP":{"tst":"2026-01-15T12:00:00Z","spd":6.6}}', NOON, id="in-the-only-member"),
        pytest.param('{"VP":{"tst":"2026-01-15T12:00:00Z"},"x":1}', None, id="in-one-of-two-members"),
        pytest.param('{"VP":{"value":1,"tst":"2026-01-15T12:00:00Z"}}', None, id="of-an-envelope-in-an-object"),
        pytest.param('{"a":{"b":{"tst":"2026-01-15T12:00:00Z"}}}', None, id="two-levels-down"),
        pytest.param(
            '{"value":{"value":1,"ts":1768478400},"timestamp":"2020-01-01T00:00:00Z"}', NOON, id="inner-first"
        ),
        pytest.param('{"value":{"value":1,"unit":"m"},"timestamp":1768478400}', NOON, id="outer-else"),
        pytest.param("2026-01-15T12:00:00Z", None, id="text-is-no-time"),
        pytest.param("1768478400000", None, id="number-is-no-time"),
    ],
)
def test_time(payload: str, time_ns: int | None) -> None:
    """A payload's own time, in ns since 1970 UTC, or None: then the time of receipt counts."""
    assert read(payload).time_ns == time_ns


def test_zone_of_times_without_one() -> None:
    """The decoder's zone holds for times that name none."""
    message = Message("a", b'{"Time":"2026-07-15T14:00:00","x":1}')
    reading = Decoder(ZoneInfo("Europe/Berlin")).read(message)
    assert type(reading) is Reading
    assert reading.time_ns == 1_784_116_800_000_000_000  # 12:00 UTC


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param(
            '{"value":5,"unit":"bar","name":"p","description":"Pressure"}',
            ("bar", {"name": "p", "description": "Pressure"}, "Pressure"),
            id="metadata",
        ),
        pytest.param('{"value":5,"unit":"bar"}', ("bar", None, None), id="unit"),
        pytest.param('{"value":5,"unit":""}', (None, None, None), id="empty-unit"),
        pytest.param('{"value":5,"unit":null}', (None, None, None), id="null-unit"),
        pytest.param('{"value":5,"description":""}', (None, {"description": ""}, None), id="empty-description"),
        pytest.param(
            "{" + T + ',"name":"n","value":{"model":"m","UnitsOfMeasure":"%","Value":87.7}}',
            ("%", {"name": "n", "model": "m"}, None),
            id="of-both-envelopes",
        ),
        pytest.param(
            '{"Name":"a","datapoints":[{"Measurement":5,"Time":"2024-06-13T13:05:21Z"}]}',
            (None, {"Name": "a"}, None),
            id="around-a-nested-envelope",
        ),
        pytest.param("{" + T + ',"value":5,"unit":"m","x":NaN}', ("m", {"x": None}, None), id="nan"),
    ],
)
def test_unit_attributes_description(payload: str, expected: tuple[object, ...]) -> None:
    """The unit, what else stands in an envelope, and the description."""
    reading = read(payload)
    assert (reading.unit, reading.attributes, reading.description) == expected


@pytest.mark.parametrize(
    ("payload", "retain", "deleted"),
    [
        pytest.param(b"", True, True, id="retained"),
        pytest.param(b"", False, False, id="live"),
        pytest.param(b"null", True, False, id="null"),
    ],
)
def test_deletion(payload: bytes, retain: bool, deleted: bool) -> None:
    """Empty and retained deletes; empty and live, or null, is a value that is not there."""
    reading = read(payload, retain=retain)
    assert (reading.value, reading.quality, reading.deleted) == (None, NO_DATA, deleted)


@pytest.mark.parametrize(
    ("payload", "value", "binary", "malformed"),
    [
        pytest.param(b"\x80\x81", "gIE=", True, False, id="binary"),
        pytest.param(b'{"value": 1, "ti', '{"value": 1, "ti', False, True, id="truncated"),
        pytest.param(b"RUN", "RUN", False, False, id="text"),
        pytest.param(b'"RUN"', "RUN", False, False, id="json-text"),
    ],
)
def test_text_is_marked(payload: bytes, value: str, binary: bool, malformed: bool) -> None:
    """Base64 and broken JSON are plain strings that are marked."""
    reading = read(payload)
    assert (reading.value, reading.binary, reading.malformed) == (value, binary, malformed)
    assert type(reading.value) is str


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param(b"[" * 100_000, "json-depth", id="depth"),
        pytest.param(b"[" * (MAX_NESTING + 1) + b"]" * (MAX_NESTING + 1), "json-depth", id="one-too-deep"),
        pytest.param(
            b'{"value":1,"metadata":%b%b}' % (b"[" * 200, b"]" * 200), "json-depth", id="depth-beside-the-value"
        ),
        pytest.param(b"1" * 300_000, "payload-size", id="size"),
    ],
)
def test_rejected(payload: bytes, reason: str) -> None:
    """What no answer could hold is refused with a reason to count."""
    refused = Decoder().read(Message("a", payload))
    assert type(refused) is Rejected
    assert refused.reason == reason


@pytest.mark.parametrize(
    ("topic", "sparkplug"),
    [
        pytest.param("spBv1.0/G/NDATA/E", True, id="node"),
        pytest.param("spBv1.0/G", True, id="too-few-levels"),
        pytest.param("STATE/host", True, id="state"),
        pytest.param("spBv1.0/STATE/host", True, id="state-3.0"),
        pytest.param("STATE/line1/temperature", False, id="a-level-named-state"),
        pytest.param("plant/spBv1.0/G/NDATA/E", False, id="deeper"),
        pytest.param("spBv1.0", False, id="alone"),
    ],
)
def test_codec_by_topic(topic: str, sparkplug: bool) -> None:
    """The topic decides on Sparkplug, never what the bytes look like."""
    outcome = Router().read(Message(topic, b"55.49"))
    assert (type(outcome) is not Reading) is sparkplug


def test_user_properties() -> None:
    """CloudEvents' time and a unit of the user properties count where the payload names none."""
    event = {"specversion": "1.0", "time": "2026-01-15T12:00:00Z", "Unit": "mm"}
    assert (read("5", properties=event).time_ns, read("5", properties=event).unit) == (NOON, "mm")
    assert read("5", properties={"ce-time": "2026-01-15T12:00:00Z"}).time_ns == NOON
    assert read("5", properties={"time": "2026-01-15T12:00:00Z"}).time_ns is None
    own = read('{"value":5,"timestamp":1768478401,"unit":"m"}', properties=event)
    assert (own.time_ns, own.unit) == (NOON + 1_000_000_000, "m")
    assert read("5", properties={"ce-time": "x", "Unit": ""}).time_ns is None


def test_ambiguous_name_once_a_time() -> None:
    """A name that was a time stays one on its topic, not on others."""
    decoder = Decoder()

    def value(topic: str, payload: bytes) -> object:
        reading = decoder.read(Message(topic, payload))
        assert type(reading) is Reading
        return reading.value

    assert value("a", b'{"v":1.5,"t":1768478400}') == 1.5
    assert value("a", b'{"v":1.5,"t":0}') == 1.5
    assert value("b", b'{"v":1.5,"t":0}') == {"v": 1.5, "t": 0}
    assert value("b", b'{"v":1.5,"t":1768478400}') == 1.5


def test_object_inside_decides_each_time() -> None:
    """Whether a value is an envelope of its own is seen in the value, whatever came before."""
    decoder = Decoder()
    for _ in range(2):
        for inside, value in (('{"Value":1,"SourceTimestamp":0}', 1), ('{"x":1,"y":2}', None)):
            reading = decoder.read(Message("a", b'{"NodeId":"n","Value":%b}' % inside.encode()))
            assert type(reading) is Reading
            assert reading.value == (value or {"NodeId": "n", "Value": {"x": 1, "y": 2}})


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that never repeat and words without end do not fill the memory."""
    monkeypatch.setattr(plans, "MAX_REMEMBERED", 10_000)
    made: list[Plans] = []
    monkeypatch.setattr(decoding, "Plans", lambda make: made.append(Plans(make)) or made[-1])
    decoder = Decoder()
    for index in range(5_000):
        decoder.read(Message("a", b'{"k%d":1,"v":1,"t":1768478400,"quality":"w%d"}' % (index, index)))
        decoder.read(Message("b", b'{"value":1,"quality":%d}' % index))
        decoder.read(Message("b", b'{"%b":1}' % (b"x" * index)))
    assert sum(map(plans.weigh, made[0]._known)) <= plans.MAX_REMEMBERED
    assert len(decoder._words) <= decoding.MAX_WORDS


def test_order_of_other_keys_does_not_matter() -> None:
    """The same keys in another order give the same reading."""
    first = read('{"value":5,"unit":"m",' + T + "}")
    second = read("{" + T + ',"unit":"m","value":5}')
    assert first == second


def test_lenient_documents_are_read_like_strict_ones() -> None:
    """Infinity in an attribute changes nothing else."""
    loose = read('{"value":5,"quality":64,' + T + ',"unit":"m","x":Infinity}')
    strict = read('{"value":5,"quality":64,' + T + ',"unit":"m","x":null}')
    assert loose == strict


@pytest.mark.parametrize(
    ("field", "vqt"),
    [
        pytest.param({"Value": 5, "SourceTimestamp": "2026-01-15T12:00:00Z"}, (5, GOOD, NOON), id="ua"),
        pytest.param({"Value": 5, "StatusCode": {"Symbol": "BadX"}}, (None, BAD, None), id="ua-bad"),
        pytest.param({"Value": None, "SourceTimestamp": None}, (None, NO_DATA, None), id="null"),
        pytest.param({"value": float("nan"), "unit": "m"}, (None, BAD, None), id="nan"),
        pytest.param({"value": [1], "unit": "m"}, ([1], GOOD, None), id="array"),
        pytest.param({"Value": 5, "Good": True, "Questionable": True}, (5, UNCERTAIN, None), id="questionable"),
    ],
)
def test_field_envelope(field: dict, vqt: tuple[object, ...]) -> None:
    """A field that is an envelope of its own has its own value, quality and time."""
    zone = ZoneInfo("UTC")
    plan = field_plan(field, zone)
    assert plan is not None
    assert field_reading(field, plan, zone) == vqt


@pytest.mark.parametrize("field", [5, None, [], {}, {"value": 5}, {"x": 1, "y": 2}, {"value": {"a": 1}, "unit": "m"}])
def test_field_without_envelope(field: object) -> None:
    """Any other field is just its value."""
    assert field_plan(field, ZoneInfo("UTC")) is None


def test_field_that_lost_its_keys() -> None:
    """A later payload may lack keys that the plan knows: no data, no exception."""
    zone = ZoneInfo("UTC")
    plan = field_plan({"Value": 5, "SourceTimestamp": 1768478400, "StatusCode": 0}, zone)
    assert plan is not None
    assert field_reading({}, plan, zone) == (None, NO_DATA, None)
    assert field_reading({"Value": 5}, plan, zone) == (5, GOOD, None)
