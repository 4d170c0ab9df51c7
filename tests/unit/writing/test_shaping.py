"""Payloads for values, in the shape of the last one; each reads back as the value."""

import json
from datetime import UTC
from typing import Any

import pytest
import recordings
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BadRequest, NotBuilt
from bridge.uns import Message, Reading
from bridge.uns.policy import PLAIN, Policies, Rule
from bridge.uns.routing import Router, is_sparkplug
from bridge.writing.shaping import Wanted, shape

NS = 1_795_835_272_123_000_000  # 2026-11-28T03:07:52.123Z
TOPIC = "acme/line1/press1/x"
Z = "2026-11-28T03:07:52.123Z"
MOST = 2_000  # messages of one recording


def written(last: bytes, value: Any, quality: Any = "Good", said: dict[str, Any] | None = None) -> bytes:
    """The payload for a value on a topic whose last payload was `last`; `said` is by a rule."""
    policies = Policies([Rule(("#",), said)] if said else [])
    router = Router(policies)
    wanted = Wanted(TOPIC, value, quality, NS)
    return shape(Message(TOPIC, last), wanted, router.reader(TOPIC), policies.of(TOPIC), UTC)


def doc(**keys: Any) -> bytes:
    return json.dumps(keys, ensure_ascii=False).encode()


SHAPES = [
    pytest.param(b"5", 6, b"6", id="integer"),
    pytest.param(b"5.5", 6, b"6", id="number"),
    pytest.param(b"true", False, b"false", id="boolean"),
    pytest.param(b"auto", "manual", b"manual", id="bare text"),
    pytest.param(b'"auto"', "manual", b'"manual"', id="quoted text"),
    pytest.param(b"auto", "5", b'"5"', id="a text that would be a number"),
    pytest.param(b"auto", "", b'""', id="an empty text is no empty payload"),
    pytest.param(b"auto", " a ", b'" a "', id="blanks stay"),
    pytest.param(b"[1,2]", [3], b"[3]", id="array"),
    pytest.param(b"\xff\x00", "AAE=", b"\x00\x01", id="binary"),
    pytest.param(b'{"value":1,"timestamp":"2025-01-01T00:00:00.000Z"}', 2,
                 f'{{"value":2,"timestamp":"{Z}"}}'.encode(), id="envelope"),
    pytest.param(b'{"v":1,"q":192,"t":1700000000000}', 2, b'{"v":2,"q":192,"t":1795835272123}', id="short names"),
    pytest.param('{"ts":1700000000,"val":1.5,"unit":"°C","id":"TIC1"}'.encode(), 2.5,
                 '{"ts":1795835272,"val":2.5,"unit":"°C","id":"TIC1"}'.encode(), id="other keys stay"),
    pytest.param(b'{"Value":1,"SourceTimestamp":"2025-01-01T00:00:00Z","StatusCode":{"Code":0,"Symbol":"Good"}}', 2,
                 b'{"Value":2,"SourceTimestamp":"2026-11-28T03:07:52Z","StatusCode":{"Code":0,"Symbol":"Good"}}',
                 id="OPC UA"),
    pytest.param(b'{"mode":"a","speed":1}', {"mode": "b", "speed": 2}, b'{"mode":"b","speed":2}', id="document"),
    pytest.param(b'{"value":{"x":1},"timestamp":1700000000000}', {"x": 2},
                 b'{"value":{"x":2},"timestamp":1795835272123}', id="document in an envelope"),
]  # fmt: skip


@pytest.mark.parametrize(("last", "value", "expected"), SHAPES)
def test_shapes(last, value, expected):
    """The topic's own shape is kept."""
    assert written(last, value) == expected


@pytest.mark.parametrize(
    ("last", "value", "said", "expected"),
    [
        pytest.param(b"OFF", True, {"coerce": frozenset(("booleans",))}, b"ON", id="switch"),
        pytest.param(b"7,25", 23.5, {"coerce": frozenset(("numbers",))}, b"23,5", id="decimal comma"),
        pytest.param("7 °C".encode(), 8, {"coerce": frozenset(("units",))}, "8 °C".encode(), id="unit"),
        pytest.param(b'{"val":"OFF"}', True, {"coerce": frozenset(("booleans",))}, b'{"val":"ON"}', id="boxed"),
        pytest.param(b'{"data":{"value":1,"at":5},"x":0}', 2,
                     {"value": "data.value", "time": "data.at", "time_unit": "ms"},
                     b'{"data":{"value":2,"at":1795835272123},"x":0}', id="dotted paths"),
        pytest.param(b'{"w":1,"err":0}', 2, {"value": "w", "quality": "err", "quality_profile": "zero-is-good"},
                     b'{"w":2,"err":0}', id="declared quality"),
    ],
)  # fmt: skip
def test_shapes_by_rules(last, value, said, expected):
    """What a rule says about reading holds for writing, too."""
    assert written(last, value, said=said) == expected


def test_quality_is_said_where_it_can_be():
    """An envelope with a quality says it; one without has no way to."""
    assert json.loads(written(b'{"value":1,"quality":"GOOD"}', 2, "Uncertain"))["quality"] == "UNCERTAIN"
    assert json.loads(written(b'{"value":1,"quality":192}', None, "Bad"))["value"] is None
    with pytest.raises(BadRequest, match="no way to say"):
        written(b"5", 6, "Uncertain")
    assert json.loads(written(b'{"value":1,"timestamp":1700000000000}', None, "GoodNoData"))["value"] is None


def test_a_null_takes_nothing_away():
    """A null is never an empty payload, which would delete the topic."""
    assert written(b"5", None, "GoodNoData") == b"null"


def test_a_batch_is_not_written():
    """Who shares a message with others is told so."""
    last = doc(timestamp=1_700_000_000_000, values=[{"id": "a.b", "v": 1, "q": True, "t": 1_700_000_000_000}] * 2)
    with pytest.raises(NotBuilt, match="together with others"):
        written(last, 5, said={"profile": "kepware"})


SCALAR = st.one_of(
    st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20)
)
JSON = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner))
ENVELOPE = st.fixed_dictionaries(
    {"value": SCALAR},
    optional={
        "timestamp": st.sampled_from(["2025-01-01T00:00:00Z", 1_700_000_000, 1_700_000_000_000, None]),
        "quality": st.sampled_from(["Good", 192, 0, True, "0"]),
        "unit": st.sampled_from(["°C", ""]),
        "extra": SCALAR,
    },
)


@given(last=st.one_of(SCALAR, ENVELOPE, JSON), value=JSON)
def test_what_is_written_is_what_comes_back(last, value):
    """Whatever the last payload was: the payload gives the value, or nothing is sent."""
    try:
        payload = written(json.dumps(last).encode("utf-8", "surrogatepass"), value)
    except (BadRequest, NotBuilt):
        return
    reading = Router().reader(TOPIC)(Message(TOPIC, payload))
    assert payload
    assert isinstance(reading, Reading)
    assert (reading.value, reading.quality) == (value, "Good")


@pytest.mark.parametrize("name", [*recordings.own_files(), *recordings.shared_folders()])
def test_recorded_values_can_be_written_back(name):
    """Each recorded message that is one element's: its own value makes a payload that says the same."""
    router = Router()
    tried = 0
    for message in recordings.messages(recordings.path_of(name)):
        read = router.reader(message.topic)
        if is_sparkplug(message.topic) or tried == MOST:
            continue
        reading = read(message)
        if not isinstance(reading, Reading) or reading.value is None or reading.malformed or reading.raw_topic:
            continue
        wanted = Wanted(reading.topic, reading.value, reading.quality, NS)
        payload = shape(message, wanted, read, PLAIN, UTC)
        again = read(Message(message.topic, payload, properties=message.properties))
        assert isinstance(again, Reading)
        assert (again.value, again.quality, again.unit) == (reading.value, reading.quality, reading.unit)
        tried += 1
    if not tried:
        pytest.skip("no message of it is one element's")
