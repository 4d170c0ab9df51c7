"""What holds for every topic and every payload: ids lead back, and reading never fails (reliability.md S1, S2, S4)."""

import gc
import json
import time
import unicodedata
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.uns import Message, Rejected, gateways, opcua_json, topics
from bridge.uns.policy import Policy
from bridge.uns.routing import Router
from bridge.uns.ruled import RuledDecoder
from tests.unit.uns.soundness import assert_sound

LONGEST_READ = 1.0  # seconds of CPU; fifty times what the slowest of these payloads takes here

# Levels as no one would name them, and all else that MQTT allows: no NUL, no surrogates, no wildcards.
LEVELS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0/+#"), max_size=12),
    st.sampled_from(
        [
            "",
            " ",
            ".",
            "..",
            "%",
            "%2F",
            "%00",
            "é",
            "e\u0301",
            "\u2028",
            "\r\n",
            "HasParent",
            "HasChildren",
            "\\",
            '"',
            ",",
            "$x",
        ]
    ),
)
TOPICS = st.lists(LEVELS, min_size=1, max_size=6).map("/".join).filter(bool)
KEYS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.sampled_from(["", "/", "~", "~0", "~1", "#", "a/b", "$ref", " ", "%23", "\0"]),
)
PATHS = st.lists(KEYS, min_size=1, max_size=4).map(tuple)

ENVELOPE_KEYS = st.sampled_from(
    [
        *(
            "value",
            "Value",
            "VALUE",
            "val",
            "v",
            "measurement",
            "t",
            "ts",
            "timestamp",
            "time",
            "Timestamp",
            "time_stamp",
        ),
        *("lc", "q", "quality", "StatusCode", "good", "questionable", "unit", "uom", "name", "description", "metadata"),
        *("datapoints", "x"),
    ]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.integers(10**8, 10**19),
    st.text(st.characters(codec="utf-8"), max_size=10),
    st.sampled_from(["NaN", "inf", "2026-01-15T12:00:00Z", "2026-01-15 12:00", "192", "Bad", "Uncertain"]),
    st.sampled_from([192, 0, 1e999, 1e300, 10**299, 10**301]),
)  # fmt: skip
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(ENVELOPE_KEYS, inner, max_size=6)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)
PAYLOADS = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.from_regex(r'[\[\]{}":,0-9eE.+\-NaInfity tru\\]{0,40}').map(str.encode),
    DOCUMENTS.map(lambda document: json.dumps(document).encode()),  # NaN, Infinity and escaped surrogates included
    DOCUMENTS.map(lambda document: json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")),
)

VALID = [
    '{"value":12.5,"timestamp":"2026-01-15T12:00:00.123Z","unit":"°C","quality":"Good"}',
    '{"Value":1,"SourceTimestamp":"2026-01-15T12:00:00.1234567Z","StatusCode":{"Code":0,"Symbol":"Good"}}',
    '{"datapoints":[{"Measurement":"5","Time":"2024-06-13T13:05:21Z","Quality_Code":"192"}]}',
    *('{"timestamp_ms":1733904005123,"value":42.5}', '{"v":1.5,"t":1768478400000,"q":192}', '{"value":NaN}'),
    *('{"value":{"x":1,"y":[1,2]},"timestamp":1768478400}', '{"a":{"b":{"c":[]}}}', '{"":{"":""}}', "{}"),
    *('[{"id":"A1","temp":20.1},{"id":"A2","temp":21.4}]', '[{"value":5,"ts":1768478400}]', "[]", "[1,2,3]"),
    *('{"value":1,"q":{"Symbol":"BadX"}}', '{"Value":5,"Good":true,"Questionable":true}', "[[[]]]"),
    *('{"$ref":"#","@type":"x","a/b":1}', '"text"', '"\\ud83d\\ude00"', "null", "true", "false", "-12.5e-3", "1e999"),
    *("9007199254740993", "RUNNING", "23.5 °C", "NaN", '\ufeff{"value":1}', " 1 \r\n"),
    '{"timestamp":1768478400000,"values":[{"id":"C.D","v":5,"q":true,"t":1768478400000},{"id":"","v":NaN}]}',
    '{"seq":1,"vals":[{"id":"1","qc":3,"ts":"2026-01-15T12:00:00Z","val":"5"}]}',
    '{"seq":1,"connections":[{"dataPoints":[{"topic":"plant/x","dataPointDefinitions":[{"id":"1","name":"a"}]}]}]}',
    '{"Timestamp":"2026-01-15T12:00:00Z","Records":[{"TagName":"a","Value":{"value":1,"unit":"m"}}]}',
    '{"MessageId":"1","Messages":[{"Payload":{"a":{"Value":1,"StatusCode":{"Code":0}},"b":{"Type":1,"Body":[]}}}]}',
    '{"NodeId":"i=85","EndpointUrl":"x","Value":{"Value":5,"SourceTimestamp":"2026-01-15T12:00:00Z"}}',
    '{"a":{"Value":5,"SourceTimestamp":"2026-01-15T12:00:00Z"}}', '[{"k":"a","v":1,"t":1768478400,"q":0}]',
    '{"timestamp":1768478400,"value":1,"batch":[{"timestamp":1768478401,"value":2}],"_model":"M","type":{"name":"n"}}',
    '{"@context":["x"],"@type":["a:B"],"$namespace":"https://x/V1","specversion":"1.0","type":"a.b.v2"}',
]  # fmt: skip

# All that a policy can say about reading, and each profile by name; one decoder for all examples.
PROFILES = sorted({profile.name for profile in (*gateways.PROFILES, *opcua_json.PROFILES)})
RULED = [
    *(RuledDecoder(Policy(profile=profile)) for profile in PROFILES),
    RuledDecoder(
        Policy(
            separators=".,", strip="a/b", instance="x.value", value="value.x", time="metadata.t", quality="q",
            unit_key="uom", quality_profile="zero-is-good", time_unit="ms",
            coerce=frozenset({"numbers", "booleans", "units"}),
        )
    ),
    RuledDecoder(Policy(instance="name", value="v", time="x", quality="description", unit_key="value")),
]  # fmt: skip
BATCH_KEYS = st.sampled_from(
    [
        *("timestamp", "values", "id", "v", "q", "t", "tagname", "value", "seq", "vals", "val", "ts", "qc", "records"),
        *(
            "connections",
            "dataPoints",
            "topic",
            "dataPointDefinitions",
            "name",
            "Timestamp",
            "Records",
            "TagName",
            "Value",
        ),
        *(
            "datapoints",
            "Measurement",
            "Time",
            "batch",
            "messagetype",
            "payload",
            "k",
            "Messages",
            "MessageId",
            "Payload",
        ),
        *("SourceTimestamp", "StatusCode", "NodeId", "EndpointUrl", "DisplayName", "DataSetWriterName", "Type", "Body"),
        *("_model", "_name", "_version", "@type", "@context", "@vocab", "$namespace", "type", "specversion"),
    ]
)
BATCHES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(BATCH_KEYS, inner, max_size=8),
    max_leaves=20,
)


@given(TOPICS)
@settings(max_examples=1_000)
def test_element_id(topic: str) -> None:
    """An id leads back to its topic and is safe to show, to list and to send."""
    ident = topics.element_id(topic)
    assert topics.topic_of(ident) == topic
    assert ident not in topics.RESERVED_IDS
    assert ident != topics.EMPTY_PREFIX_ID
    assert_safe(ident)
    assert "#" not in ident


@given(TOPICS, TOPICS)
@settings(max_examples=1_000)
def test_element_ids_differ(first: str, second: str) -> None:
    """Two topics share an id only if they are one topic, whatever their Unicode form or case."""
    forms = {
        first,
        second,
        *(unicodedata.normalize(form, first) for form in ("NFC", "NFD")),
        first.upper(),
        quote(first),
        f"{first}/",
    }
    assert len({topics.element_id(topic) for topic in forms}) == len(forms)


@given(TOPICS)
def test_prefixes_have_ids_too(topic: str) -> None:
    """Every level above a topic is an element with an id of its own."""
    above = list(topics.prefixes(topic))
    idents = [topics.element_id(prefix) for prefix in above]
    assert [topics.topic_of(ident) for ident in idents] == above
    assert len({*idents, topics.element_id(topic)}) == len(above) + 1


@given(TOPICS, PATHS, PATHS)
@settings(max_examples=1_000)
def test_field_id(topic: str, path: tuple[str, ...], other: tuple[str, ...]) -> None:
    """A field's id leads back to its owner and its keys, and collides with no topic's and no other field's."""
    ident = topics.field_id(topics.element_id(topic), path)
    assert topics.topic_of(ident) == topic
    assert topics.pointer_of(ident) == path
    assert ident.count("#") == 1
    assert_safe(ident)
    assert (topics.field_id(topics.element_id(topic), other) == ident) is (other == path)


@given(st.text(max_size=30))
def test_any_text_as_an_id(ident: str) -> None:
    """What clients send as an id is looked up, never an exception."""
    assert isinstance(topics.topic_of(ident), str)
    assert isinstance(topics.pointer_of(ident), tuple)


@given(LEVELS)
def test_display_name(level: str) -> None:
    """Every level has a printable name that is not blank."""
    name = topics.display_name(level)
    assert name.strip() == name != ""
    assert name.isprintable()


@given(TOPICS)
def test_every_topic_is_covered(topic: str) -> None:
    """A topic is a filter that covers itself; `#` and one `+` a level cover it, too, if it is no system topic."""
    assert topics.matches(topic, topic)
    assert topics.matches("#", topic) is not topic.startswith("$")
    assert topics.matches("/".join("+" for _ in topic.split("/")), topic) is not topic.startswith("$")


def assert_safe(ident: str) -> None:
    assert ident.isprintable()
    assert ident == ident.strip() != ""
    assert not set(ident) & set(',"\\')
    assert json.loads(msgspec.json.encode(ident)) == ident
    assert unquote(quote(ident, safe="")) == ident


DECODER = Router(zone=ZoneInfo("Europe/Berlin"))  # one for all: what it remembers must not matter


@given(TOPICS, PAYLOADS, st.booleans())
@settings(max_examples=10_000, deadline=None)
def test_anything(topic: str, payload: bytes, retain: bool) -> None:
    """Any message gives a reading, readings or a reason; never an exception, and never slowly."""
    read_soundly(DECODER, topic, payload, retain=retain)


@given(TOPICS, PAYLOADS | BATCHES.map(lambda document: json.dumps(document).encode()), st.sampled_from(RULED))
@settings(max_examples=2_000, deadline=None)
def test_anything_by_policy(topic: str, payload: bytes, decoder: RuledDecoder) -> None:
    """The same whatever is configured."""
    read_soundly(decoder, topic, payload)


@given(st.sampled_from(VALID), st.sampled_from(RULED))
@settings(max_examples=500, deadline=None)
def test_valid_by_policy(text: str, decoder: RuledDecoder) -> None:
    """A document of one vendor read by the profile of another."""
    read_soundly(decoder, "plant/x", text.encode())


def test_every_prefix() -> None:
    """A payload cut off at any byte is read or refused like any other."""
    for text in VALID:
        payload = text.encode()
        for end in range(len(payload) + 1):
            read_soundly(DECODER, "plant/x", payload[:end])


@given(st.sampled_from(VALID), st.data())
@settings(max_examples=1_000, deadline=None)
def test_damaged(text: str, data: st.DataObject) -> None:
    """A payload with some bytes changed is read or refused like any other."""
    payload = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    read_soundly(DECODER, "plant/x", bytes(payload))


def test_large() -> None:
    """What is as large as a payload may be, and as nasty as that, is read or refused in time."""
    size = DECODER.max_payload
    for payload in (
        *(
            b"1" * size,
            b"-" + b"9" * (size - 1),
            b"[" * size,
            b'{"a":' * (size // 5),
            b'"' * size,
            b"\\" * size,
            b" " * size,
        ),
        *(
            b"[" + b"1," * (size // 2 - 1) + b"1]",
            b"{" + b'"a":1,' * (size // 7) + b'"b":2}',
            b"\0" * size,
            b"\xff" * size,
        ),
        *(b"{" + b",".join(b'"%x":1' % n for n in range(20_000)) + b"}", b"[" + b"{}," * (size // 4) + b"{}]"),
        *(
            b'{"value":1,"timestamp":"' + b"1" * (size - 40) + b'"}',
            b'{"value":1,"quality":"' + b"9" * (size - 40) + b'"}',
        ),
        *(
            b'{"timestamp":1,"values":[' + b'{"id":1,"v":2},' * (size // 15 - 3) + b"{}]}",
            b'{"value":1,"unit":"' + b"m" * (size - 40) + b'"}',
            b'{"' + b"v" * (size - 40) + b'":1}',
            b"1." + b"3" * (size - 2),
        ),
        *(
            b'{"value":' * 120 + b"1" + b',"x":1}' * 120,
            b'{"datapoints":' * 120 + b"{}" + b"}" * 120,
            b"[" * 128 + b"]" * 128,
        ),
        *(b'{"a":NaN,"b":[' + b"1," * (size // 2 - 20) + b"1]}", b"e" * size, b"0" * size, b"1e" + b"9" * (size - 2)),
    ):
        read_soundly(DECODER, "plant/x", payload)


def read_soundly(decoder: Router | RuledDecoder, topic: str, payload: bytes, *, retain: bool = False) -> None:
    gc.disable()  # the generated test data is no cost of the decoder
    started = time.thread_time()
    outcome = decoder.read(Message(topic, payload, retain=retain))
    took = time.thread_time() - started
    gc.enable()
    assert took < LONGEST_READ
    for reading in outcome if isinstance(outcome, list) else [outcome]:
        if not isinstance(reading, Rejected):
            assert_sound(reading)


_PATTERN_LEVELS = st.lists(st.sampled_from(["", "a", "b", "$x", "+"]), min_size=1, max_size=4)
_FILTERS = st.builds(lambda levels, rest: "/".join([*levels, *rest]), _PATTERN_LEVELS, st.sampled_from([[], ["#"]]))
_SMALL_TOPICS = st.lists(st.sampled_from(["", "a", "b", "$x"]), min_size=1, max_size=5).map("/".join)


@given(_FILTERS, _FILTERS, _SMALL_TOPICS)
def test_what_two_filters_cover_is_an_overlap(one: str, other: str, topic: str) -> None:
    """No topic that both cover is missed."""
    if topics.matches(one, topic) and topics.matches(other, topic):
        assert topics.overlap(one, other)
