"""Recorded traffic, decoded: our own, each message with what it means, and the shared recordings where they are.

The shared tables follow the `EXPECTED.md` beside each recording.
"""

import json
from collections.abc import Iterator
from functools import cache

import pytest

from bridge.uns import BAD, GOOD, NO_DATA, UNCERTAIN, Message, Quality, Reading, Rejected, topics
from bridge.uns.decoder import Decoder
from bridge.uns.moments import parse, render
from tests.helpers import recordings
from tests.unit.uns.soundness import assert_sound

OWN = ["dairy.jsonl", "gateways.jsonl", "nasty.jsonl"]
NOON = "2026-01-15T12:00:00.000Z"


def own_rows(name: str) -> Iterator[dict]:
    with (recordings.OWN / name).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


@cache
def shared(folder: str) -> list[tuple[Message, list[Reading], Rejected | None]]:
    """The messages of a shared recording, each with its readings or the reason why there are none."""
    path = recordings.path_of(folder)
    if not path.exists():
        pytest.skip(f"no recordings at {recordings.SHARED}: set BRIDGE_FIXTURES")
    decoder, decoded = Decoder(), []
    for message in recordings.messages(path):
        outcome = decoder.read(message)
        if isinstance(outcome, Rejected):
            decoded.append((message, [], outcome))
        else:
            decoded.append((message, outcome if isinstance(outcome, list) else [outcome], None))
    return decoded


def readings(folder: str, topic: str) -> list[Reading]:
    """All readings of the messages on a topic, and of this topic from batches, in order."""
    found = [
        reading
        for message, outcome, _ in shared(folder)
        for reading in outcome
        if topic in (message.topic, reading.topic)
    ]
    assert found, f"nothing on {topic}"
    return found


def shown(reading: Reading) -> tuple[object, Quality, str | None, str | None]:
    return reading.value, reading.quality, None if reading.time_ns is None else render(reading.time_ns), reading.unit


# The recordings of our own


@pytest.mark.parametrize("name", OWN)
def test_own_recording(name: str) -> None:
    """Every message of our recordings has the value, quality, time, unit and marks that stand beside it."""
    decoder = Decoder()
    for row, message in zip(own_rows(name), recordings.messages(recordings.OWN / name), strict=True):
        expected, outcome = row["expect"], decoder.read(message)
        if "rejected" in expected:
            assert isinstance(outcome, Rejected), row
            assert outcome.reason == expected["rejected"]
            continue
        assert isinstance(outcome, Reading), row
        assert_sound(outcome)
        assert outcome.topic == expected.get("topic", message.topic), row
        time = expected.get("time")
        assert (outcome.value, outcome.quality) == (expected["value"], expected["quality"]), row
        assert type(outcome.value) is type(expected["value"]), row
        assert (outcome.time_ns, outcome.unit) == (time and parse(time), expected.get("unit")), row
        marks = [mark for mark in ("binary", "malformed", "deleted") if getattr(outcome, mark)]
        assert marks == expected.get("marks", []), row


@pytest.mark.parametrize("name", OWN)
def test_own_topics(name: str) -> None:
    """Every topic of our recordings has an id of its own that leads back to it."""
    seen = {row["topic"] for row in own_rows(name)}
    idents = {topics.element_id(topic): topic for topic in seen}
    assert len(idents) == len(seen)
    assert all(topics.topic_of(ident) == topic for ident, topic in idents.items())


# What holds for every shared recording


@pytest.mark.parametrize(
    "folder",
    recordings.shared_folders()
    or [
        pytest.param("any", marks=pytest.mark.skip(reason=f"no recordings at {recordings.SHARED}: set BRIDGE_FIXTURES"))
    ],
)
def test_every_shared_recording(folder: str) -> None:
    """Whatever was recorded is read soundly; nothing but Sparkplug's own rules refuses a message."""
    idents: dict[str, str] = {}
    for message, outcome, refused in shared(folder):
        for reading in outcome:
            assert_sound(reading)
        assert refused is None or refused.reason.startswith("sparkplug-"), message
        assert idents.setdefault(topics.element_id(message.topic), message.topic) == message.topic
        assert topics.topic_of(topics.element_id(message.topic)) == message.topic


# The shared pitfalls, row by row

TEXTS: dict[str, list[object]] = {
    "onoff": ["ON", "OFF", "ON"],
    "bool": [True, False, "True", "FALSE"],
    "bit01": [0, 1, 0, 1],
    "leading_zero_id": ["007", "012", 7],
    "number_forms": [1e5, 0.002, 0, "+5", 23.5, "23,5", "1_000", "0x1F", None, None, None, "1.", ".5"],
    "unit_suffix": ["23.5 °C", "24.0 °C"],
    "csv": ["1.5,2.5,3.5", "1.6,2.4,3.6"],
    "kv": ["temp=21;hum=40"],
    "iso": ["2026-01-15T12:00:00Z"],
    "big_int": [9_007_199_254_740_993],
    "barcode": [4_006_381_333_931],
    "batch_id": [2_025_120_842_503],
    "xml": ['<?xml version="1.0"?><m><v>1</v></m>'],
    "json_in_string": ['{"value": 5, "ts": 1700000000000}'],
    "escaped_num": ["23.5"],
    "empty_string": [""],
    "whitespace": [""],
    "bom": [1],
    "crlf": [23.5],
    "nul": ["MjMuNQA="],
}

DOCUMENTS: dict[str, list[object]] = {
    "nan": [None],
    "inf": [None],
    "huge_exp": [None],
    "dup_keys": [2],
    "empty_obj": [{}],
    "empty_arr": [[]],
    "null": [None],
    "arr_scalar": [[1, 2, 3]],
    "dots": [{"a.b": 1, "a": {"b": 2}}],
    "weird_keys": [{"": 1, " ": 2, "$ref": "x", "@type": "y", "a/b": 3, "ä": 4}],
    "bignum": [12_345_678_901_234_567_890_123_456_789],
    "neg_zero": [-0.0],
}

ENVELOPES: dict[str, list[tuple[object, Quality, str | None, str | None]]] = {
    "quality_is_data": [({"Availability": 0.6, "OEE": 0.29, "Quality": 0.7, "Performance": 0.7}, GOOD, None, None)],
    "status_is_data": [({"Status": "RUN", "Speed": 12.5}, GOOD, None, None)],
    "value_object": [({"x": 1, "y": 2}, GOOD, "2026-01-15T12:00:01.000Z", None)],
    "value_array": [([1, 2, 3], GOOD, "2026-01-15T12:00:01.000Z", None)],
    "value_only": [(5, GOOD, None, None)],
    "name_value": [(5, GOOD, None, "C")],
    "ts_only": [({"timestamp": "2026-01-15T12:00:01.000Z"}, GOOD, "2026-01-15T12:00:01.000Z", None)],
    "short": [(1.5, GOOD, NOON, None), (None, BAD, "2026-01-15T12:00:01.000Z", None)],
    "pi": [(1.5, GOOD, NOON, "bar")],
    "t_is_temperature": [({"t": 21.5, "h": 40.2}, GOOD, None, None)],
    "ais_timestamp": [({"MMSI": 219000123, "Timestamp": 38, "Sog": 11.2}, GOOD, None, None)],
    "time_of_day": [({"value": 1, "time": "12:30"}, GOOD, None, None)],
    "v_is_voltage": [({"v": 230.1, "a": 1.2, "w": 270}, GOOD, None, None)],
    "q_is_flow": [({"q": 12.3, "h": 4.4}, GOOD, None, None)],
}

# By the value of the message: 1 → 192, 2 → 216 …
QUALITIES: list[Quality] = [
    *(
        GOOD,
        GOOD,
        UNCERTAIN,
        BAD,
        GOOD,
        GOOD,
        GOOD,
        BAD,
        UNCERTAIN,
        UNCERTAIN,
        BAD,
        GOOD,
        BAD,
        UNCERTAIN,
        GOOD,
        BAD,
        GOOD,
    ),
    *(BAD, UNCERTAIN, GOOD, GOOD, BAD, UNCERTAIN, BAD, BAD),
]

# By the number of the form; the others are no time, and their value is served all the same.
TIMES: dict[int, str] = {
    **dict.fromkeys((0, 5, 7, 8, 9, 10, 13, 14, 15), NOON),
    **dict.fromkeys((1, 2, 6), "2026-01-15T12:00:00.123Z"),
    3: "2026-01-15T12:00:00.123456Z",
    4: "2026-01-15T12:00:00.123456789Z",
    11: "2026-01-15T12:00:00.123456700Z",
    12: "2026-01-15T12:00:00.123456789Z",
    27: "2099-01-01T00:00:00.000Z",
    31: "2027-01-01T00:00:00.000Z",
}

BASE64 = ["random", "latin1", "utf16", "png", "gzip_json", "float32_le", "utf8_lone_surrogate", "cbor", "msgpack"]


@pytest.mark.parametrize("name", TEXTS)
def test_pitfall_text(name: str) -> None:
    """Bare text keeps its form unless it is JSON; nothing is coerced."""
    values = [reading.value for reading in readings("pitfalls", f"pitfalls/text/{name}")]
    assert values == TEXTS[name]
    assert list(map(type, values)) == list(map(type, TEXTS[name]))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_pitfall_document(name: str) -> None:
    """Odd JSON has its documented value."""
    assert [reading.value for reading in readings("pitfalls", f"pitfalls/json/{name}")] == DOCUMENTS[name]


@pytest.mark.parametrize("name", ["truncated", "trailing_comma", "single_quotes", "two_docs", "ndjson"])
def test_pitfall_malformed(name: str) -> None:
    """What only begins like JSON is marked, so that it spoils no schema."""
    (reading,) = readings("pitfalls", f"pitfalls/json/{name}")
    assert reading.malformed
    assert type(reading.value) is str


@pytest.mark.parametrize("name", ["nan", "inf", "huge_exp"])
def test_pitfall_lost_number(name: str) -> None:
    """A number that JSON cannot say is Bad."""
    assert [reading.quality for reading in readings("pitfalls", f"pitfalls/json/{name}")] == [BAD]


def test_pitfall_deep() -> None:
    """64 levels are nothing special."""
    (reading,) = readings("pitfalls", "pitfalls/json/deep")
    assert type(reading.value) is dict


@pytest.mark.parametrize("name", ["arr_obj", "drift/int_then_float"])
def test_pitfall_order_is_no_structure(name: str) -> None:
    """Another order of an array's elements is no other structure; a number without decimals is one."""
    topic = f"pitfalls/json/{name}" if "/" not in name else f"pitfalls/{name}"
    shapes = {reading.shape for reading in readings("pitfalls", topic)}
    assert len(shapes) == (1 if name == "arr_obj" else 2)


@pytest.mark.parametrize("name", ENVELOPES)
def test_pitfall_envelope(name: str) -> None:
    """Names decide what an envelope is, plausibility decides where they are ambiguous."""
    assert [shown(reading) for reading in readings("pitfalls", f"pitfalls/env/{name}")] == ENVELOPES[name]


def test_pitfall_value_and_more() -> None:
    """What stands beside a value is not lost."""
    (reading,) = readings("pitfalls", "pitfalls/env/value_and_more")
    assert {**reading.value, **(reading.attributes or {})}.keys() >= {"batch", "operator"}


def test_pitfall_quality_codes() -> None:
    """Every code, word, boolean and status object has the quality of the table."""
    found = readings("pitfalls", "pitfalls/quality/codes")
    assert [reading.quality for reading in found] == QUALITIES


def test_pitfall_time_forms() -> None:
    """Every way to write a time is read, every other leaves the value served at its arrival."""
    found = readings("pitfalls", "pitfalls/time/forms")
    assert [reading.value for reading in found] == list(range(32))
    times = {reading.value: render(reading.time_ns) for reading in found if reading.time_ns is not None}
    assert times == TIMES


@pytest.mark.parametrize("name", BASE64)
def test_pitfall_binary(name: str) -> None:
    """Bytes are base64 and marked, never guessed."""
    (reading,) = readings("pitfalls", f"pitfalls/bin/{name}")
    assert (reading.binary, reading.quality) == (True, GOOD)


def test_pitfall_not_binary() -> None:
    """Base64 as text stays text, and a number that would parse as protobuf is a number."""
    assert [r.value for r in readings("pitfalls", "pitfalls/bin/b64_text")] == ["AAC8QQ=="]
    assert [r.value for r in readings("pitfalls", "pitfalls/bin/looks_sparkplug_text")] == [55.49]


def test_pitfall_topics() -> None:
    """Blank, tabbed, slashed, cased and differently composed topics have printable, distinct ids."""
    seen = {message.topic for message, _, _ in shared("pitfalls")}
    idents = {topics.element_id(topic) for topic in seen}
    assert {" ", "//", "/leading/slash/temp", "trailing/slash/temp/", "double//slash/temp", "acme/tab\there/x"} <= seen
    assert len(idents) == len(seen)
    assert all(ident.isprintable() and ident == ident.strip() for ident in idents)


# The shared vendor formats, row by row


def test_umh() -> None:
    """UMH: milliseconds, scalars, tag groups and arrays; a NaN as text is Bad."""
    speeds = readings("umh", "umh/v1/acme/chicago/packaging/line1/filler/_raw/speed")
    assert shown(speeds[0]) == (42.5, GOOD, "2024-12-11T08:00:05.123Z", None)
    assert shown(speeds[-1]) == (None, BAD, "2024-12-11T08:00:06.123Z", None)
    mill = readings("umh", "umh/v1/acme/_historian/cnc-mill")[0]
    assert (mill.value["pos"], mill.time_ns) == ({"x": 12.5, "y": 7.3, "z": 3.2}, parse(1670001234567))
    order = readings("umh", "umh/v1/acme/chicago/_maintenance_v1/work_order.create")[0]
    assert order.value["order_id"] == "WO-2024-001"


def test_mkashwin() -> None:
    """Process values: float seconds, unit and quality; an alarm status is an attribute, not the quality."""
    found = [
        reading
        for message, outcome, _ in shared("mkashwin_uns")
        if "/ProcessValue/" in message.topic
        for reading in outcome
    ]
    assert found
    for reading in found:
        assert (type(reading.value), reading.quality) == (float, GOOD)
        assert reading.unit in ("°C", "psi", "L/min")
        assert reading.time_ns is not None
        assert set(reading.attributes or {}) == {"status", "source", "equipment"}
    states = [r for m, outcome, _ in shared("mkashwin_uns") if m.topic.endswith("/EquipmentStatus") for r in outcome]
    assert states
    assert all(type(reading.value) is dict and "last_maintenance" in reading.value for reading in states)


def test_innovaas() -> None:
    """A machine's tags: scalar leaves with quality, unit and attributes, each published twice."""
    for message, outcome, _ in shared("innovaas_cnc"):
        (reading,) = outcome
        assert type(reading.value) in (int, float, str), message
        assert reading.quality == GOOD
        assert reading.time_ns is not None
        if message.topic.startswith("acme/"):
            assert reading.unit is not None
            assert set(reading.attributes or {}) == {"source", "metadata"}


@pytest.mark.parametrize("aspect", ["measurement", "edge", "count", "kpi"])
def test_abelara_leaves(aspect: str) -> None:
    """Rich envelopes are scalar leaves: `type` and `metadata` are objects beside the value."""
    found = [r for m, outcome, _ in shared("abelara_payload_examples") if f"/{aspect}/" in m.topic for r in outcome]
    assert found
    for reading in found:
        assert type(reading.value) in (int, float)
        assert reading.time_ns is not None
        assert reading.unit
        assert {"type", "metadata"} <= set(reading.attributes or {})


@pytest.mark.parametrize("aspect", ["state", "alert", "asset", "product", "production"])
def test_abelara_objects(aspect: str) -> None:
    """Without a value key the whole object is the value."""
    found = [
        r for m, outcome, _ in shared("abelara_payload_examples") if m.topic.endswith(f"/{aspect}") for r in outcome
    ]
    assert found
    assert all(type(reading.value) is dict and reading.quality == GOOD for reading in found)


@pytest.mark.parametrize(
    ("topic", "first"),
    [
        pytest.param("p4d2mqtt/sensor/Kesseltemperatur_0x0/state", 71.0, id="value"),
        pytest.param("stat/tasmota_C59B5E/POWER", "ON", id="on"),
        pytest.param("zigbee2mqtt/weather_1", {"temperature": 27.34, "humidity": 44.72}, id="document"),
        pytest.param("homie/super-car/engine/temperature", 21.5, id="bare"),
        pytest.param("homie/super-car/engine/temperature/$unit", "°C", id="sibling-unit"),
        pytest.param("tele/tasmota_C59B5E/LWT", "Online", id="last-will"),
    ],
)
def test_home(topic: str, first: object) -> None:
    """Home automation: documents and bare texts as they are."""
    assert readings("home_iot", topic)[0].value == first


def test_tasmota_has_no_zone() -> None:
    """Its local time is in the configured zone, UTC by default."""
    reading = readings("home_iot", "tele/tasmota_C59B5E/SENSOR")[0]
    assert reading.time_ns == parse("2021-06-13T06:59:52Z")


S7 = "Siemens/CityX/BuildingX/LineX/"
BMS = "BMS/v1/PUB/Value/CoolingTower/LiquidTemperature/B1/"


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        pytest.param("devicehub.alias.PLC-01.Temperature", [71.25, None], id="litmus"),
        pytest.param(f"{S7}CircuitBoardAssembly/SolderingTemperature", [350.2], id="industrial-edge"),
        pytest.param(f"{S7}TestingNPackaging/TestSuccessful", [True], id="industrial-edge-boolean"),
        pytest.param("plant/opcpublisher/samples", [21713], id="opc-publisher"),
        pytest.param(f"{BMS}CT-01/SupplyTemp", [22.96215], id="bms"),
        pytest.param(f"{BMS}CT-02/SupplyTemp", [None], id="bms-null"),
        pytest.param("meshify/db/t1/p1/tank/u1/level", [12.5], id="array-of-one"),
        pytest.param("hm/status/Ender:0/ACTUAL_TEMPERATURE", [27], id="mqtt-smarthome"),
        pytest.param(
            "octoPrint/temperature/tool0", [{"actual": 106.94, "target": 0.0, "ts": 1614782341}], id="octoprint"
        ),
    ],
)
def test_vendor_values(topic: str, expected: list[object]) -> None:
    """One data point of each vendor that publishes one a message; objects of those that publish several."""
    assert [reading.value for reading in readings("vendor_formats", topic)] == expected


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        pytest.param("devicehub.alias.PLC-01.Temperature", BAD, id="success-false"),
        pytest.param(f"{BMS}CT-01/SupplyTemp", GOOD, id="one-is-good"),
        pytest.param(f"{BMS}CT-02/SupplyTemp", BAD, id="null-and-0"),
        pytest.param("te/device/main///a/temp_high", NO_DATA, id="cleared"),
    ],
)
def test_vendor_qualities(topic: str, expected: Quality) -> None:
    """The last message's quality."""
    assert readings("vendor_formats", topic)[-1].quality == expected


@pytest.mark.parametrize(
    ("topic", "time"),
    [
        pytest.param("optix/line1", "2024-01-16T13:31:31.509672500Z", id="optix-offset"),
        pytest.param("apis/vqt1", "2022-09-22T06:06:28.891Z", id="apis"),
        pytest.param("v1/devices/me/telemetry", "2016-01-01T12:00:00.512Z", id="thingsboard"),
        pytest.param("telegraf/host01/cpu", "2024-06-10T06:13:20.000Z", id="telegraf"),
        pytest.param("octoPrint/temperature/tool0", "2021-03-03T14:39:01.000Z", id="octoprint"),
        pytest.param("enterprise/site/area/line/_highbyte/Motor101", "2020-10-22T19:00:33.293Z", id="highbyte"),
        pytest.param("te/device/child01///m/environment", "2023-06-22T15:03:14.000Z", id="thin-edge"),
        pytest.param("plant/opcpublisher/samples", "2022-03-18T12:52:42.132754400Z", id="inner-time-first"),
        pytest.param("meshify/db/t1/p1/tank/u1/level", None, id="implausible"),
        pytest.param("te/device/main///m/environment", None, id="none"),
    ],
)
def test_vendor_times(topic: str, time: str | None) -> None:
    """The first message's own time, to the digit."""
    assert shown(readings("vendor_formats", topic)[0])[2] == time


def test_factory_plus() -> None:
    """The time is good for nanoseconds, the unit is a user property, the batch is for the history."""
    topic = "UNS/v1/AMRC/Factory2050/Assembly/Line1/Station1/Edge/my-device/CNC/Axes/X/Position/Actual"
    found = readings("vendor_formats", topic)
    assert shown(found[0]) == (12.75, GOOD, "2026-04-01T10:00:00.123456789Z", "mm")
    assert [(reading.value, reading.historical) for reading in found[1:]] == [
        (12.8, False),
        (12.85, True),
        (12.9, True),
    ]
    assert {reading.unit for reading in found} == {"mm"}


DATABUS = "ie/d/j/simatic/v1/s7c1/dp/r/PLC1/default"
IIH = "factory_1/motors/StressTest_grpc/StressTest_1/StressTest_1_3"
KEPWARE_ROWS = "kepserver/Group A/Device C - D/Tag 42"
NETWORK = "opcua/json/data/pub1/group1/writer1"
THERMOSTAT = "azure-iot-operations/data/thermostat"


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        pytest.param("iotgateway/Channel1/Device1/Tag1", [(1121, GOOD), (1125, GOOD), (None, BAD)], id="kepware"),
        pytest.param("iotgateway/Channel1/Device1/Tag2", [(0, GOOD)], id="kepware-only-changes"),
        pytest.param(KEPWARE_ROWS, [(1291, GOOD)], id="kepware-array"),
        pytest.param(f"{DATABUS}/101", [(1480.5, GOOD), (None, BAD)], id="databus"),
        pytest.param(f"{DATABUS}/102", [(True, GOOD)], id="databus-boolean"),
        pytest.param(f"{DATABUS}/103", [(9_007_199_254_740_993, GOOD)], id="databus-64-bits"),
        pytest.param(IIH, [(15151, GOOD), (15152, GOOD)], id="iih"),
        pytest.param(f"{THERMOSTAT}/temperature", [(4558, GOOD), (4559, GOOD), (4560, GOOD), (None, BAD)], id="aio"),
        pytest.param(f"{THERMOSTAT}/Tag 10", [(4558, GOOD), (4559, GOOD), (4560, GOOD)], id="aio-delta"),
        pytest.param("plant/opcpublisher/samples/StepUp", [(21713, GOOD)], id="publisher"),
        pytest.param(f"{NETWORK}/AlternatingBoolean", [(True, GOOD)], id="pubsub"),
        pytest.param(f"{NETWORK}/StepUp", [(23305, GOOD)], id="pubsub-number"),
        pytest.param(f"{NETWORK}/BadFastUInt1", [(None, BAD)], id="pubsub-bad"),
        pytest.param("optix/line1/ModbusTag1", [(2, GOOD)], id="optix"),
        pytest.param("optix/line1/ModbusTag3", [("12", GOOD)], id="optix-text"),
        pytest.param("apis/vqt2/Tag1", [(43, GOOD), (44, GOOD)], id="apis"),
        pytest.param("apis/vqt2/Tag2", [(58, GOOD)], id="apis-no-quality"),
    ],
)
def test_vendor_batches(topic: str, expected: list[tuple[object, Quality]]) -> None:
    """Every data point of a batch has its own topic, value and quality."""
    assert [(reading.value, reading.quality) for reading in readings("vendor_formats", topic)] == expected


@pytest.mark.parametrize(
    ("topic", "time"),
    [
        pytest.param("iotgateway/Channel1/Device1/Tag1", "2020-07-02T14:04:31.342Z", id="kepware"),
        pytest.param(f"{DATABUS}/103", "2021-02-04T08:10:34.534Z", id="databus"),
        pytest.param(f"{THERMOSTAT}/temperature", "2024-07-29T15:02:17.185843500Z", id="aio"),
        pytest.param(f"{NETWORK}/StepUp", "2022-03-18T12:55:21.331353900Z", id="pubsub"),
        pytest.param("optix/line1/ModbusTag1", "2024-01-16T13:31:31.509672500Z", id="optix"),
        pytest.param("apis/vqt2/Tag2", "2022-09-22T06:06:28.891Z", id="apis-of-the-message"),
    ],
)
def test_vendor_batch_times(topic: str, time: str) -> None:
    """An item's own time, else that of its message."""
    assert shown(readings("vendor_formats", topic)[0])[2] == time


@pytest.mark.parametrize(
    ("folder", "topic", "name", "label"),
    [
        pytest.param("vendor_formats", "enterprise/site/area/line/_highbyte/Motor101", "Motor", "Motor101", id="model"),
        pytest.param(
            "vendor_formats",
            "hydro/de/wsv/pegelonline/rhein/a6ee8177-107b-47dd-bcfd-30960ccc6e9c/water-level",
            "CurrentMeasurement",
            "",
            id="cloud-event",
        ),
        pytest.param(
            "abelara_payload_examples",
            "abelara/plant1/utilities/water-system/pump-station/pump-101/kpi/efficiency",
            "",
            "Pump Efficiency",
            id="label",
        ),
    ],
)
def test_shared_hints(folder: str, topic: str, name: str, label: str) -> None:
    """What payloads call their own kind."""
    hint = readings(folder, topic)[0].hint
    assert hint is not None
    assert (hint.name, hint.label) == (name, label)
