"""Envelopes: which key is the value, the time, the quality and the unit, and when an object is no envelope."""

from datetime import UTC

import msgspec
import pytest

from bridge.uns.envelope import Plan, normal, plan

T = "2026-01-15T12:00:00Z"
MS = 1768478400000


def parts(content: dict) -> dict[str, object]:
    """What a plan says of the keys of a leaf."""
    found = msgspec.structs.asdict(plan(content, UTC))
    wanted = ("value", "time", "quality", "unit", "others", "description", "doubt")
    return {name: found[name] for name in wanted if found[name] not in (None, ())}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param({"value": 5}, {"value": "value"}, id="value-only"),
        pytest.param({"VALUE": 5}, {"value": "VALUE"}, id="case"),
        pytest.param({"val": 5, "ts": MS}, {"value": "val", "time": "ts"}, id="val-ts"),
        pytest.param({"timestamp_ms": MS, "value": 5}, {"value": "value", "time": "timestamp_ms"}, id="umh"),
        pytest.param(
            {"quality": "Good", "timestamp": T, "value": 5, "unit": "bar"},
            {"value": "value", "time": "timestamp", "quality": "quality", "unit": "unit"},
            id="aveva",
        ),
        pytest.param({"v": 1.5, "t": MS, "q": 192}, {"value": "v", "time": "t", "quality": "q"}, id="short"),
        pytest.param({"v": 1.5, "q": 192}, {"value": "v", "quality": "q"}, id="short-without-time"),
        pytest.param(
            {"id": "1", "qc": 3, "ts": T, "val": 1},
            {"value": "val", "time": "ts", "quality": "qc", "others": ("id",)},
            id="databus",
        ),
        pytest.param(
            {"Measurement": 3, "Time": T, "Quality_Code": "192"},
            {"value": "Measurement", "time": "Time", "quality": "Quality_Code"},
            id="industrial-edge",
        ),
        pytest.param(
            {"SourceTimestamp": T, "Value": 5, "StatusCode": {"Code": 0}},
            {"value": "Value", "time": "SourceTimestamp", "quality": "StatusCode", "others": ("StatusCode",)},
            id="opc-ua",
        ),
        pytest.param(
            {"Value": 1, "Timestamp": T, "Good": True, "Questionable": False, "UnitsAbbreviation": "bar"},
            {
                "value": "Value",
                "time": "Timestamp",
                "quality": "Good",
                "unit": "UnitsAbbreviation",
                "others": ("Questionable",),
                "doubt": "Questionable",
            },
            id="pi",
        ),
        pytest.param(
            {"name": "t", "value": 5, "unit": "C", "description": "d"},
            {"value": "value", "unit": "unit", "others": ("name", "description"), "description": "description"},
            id="metadata",
        ),
        pytest.param(
            {"value": 5, "timestamp": T, "unit": "bar", "operator": "Bo"},
            {"value": "value", "time": "timestamp", "unit": "unit", "others": ("operator",)},
            id="unknown-beside-time-and-unit",
        ),
        pytest.param(
            {"datatype": "f", "registerId": "x", "success": True, "timestamp": MS, "value": 5},
            {"value": "value", "time": "timestamp", "quality": "success", "others": ("datatype", "registerId")},
            id="unknown-beside-time-and-success",
        ),
        pytest.param(
            {"val": 27, "ts": MS, "lc": MS, "hm": {"ccu": "x"}},
            {"value": "val", "time": "ts", "others": ("lc", "hm")},
            id="mqtt-smarthome",
        ),
        pytest.param(
            {"value": 5, "timestamp": T, "ts": MS},
            {"value": "value", "time": "timestamp", "others": ("ts",)},
            id="two-times",
        ),
        pytest.param(
            {"value": 5, "timestamp": None, "ts": MS},
            {"value": "value", "time": "ts", "others": ("timestamp",)},
            id="first-instant",
        ),
        pytest.param({"value": 5, "timestamp": None}, {"value": "value", "time": "timestamp"}, id="time-null"),
        pytest.param({"value": 5, "timestamp": "12:30"}, {"value": "value", "time": "timestamp"}, id="time-unreadable"),
        pytest.param({"value": 5, "unit": None}, {"value": "value", "unit": "unit"}, id="unit-null"),
        pytest.param({"value": 5, "quality": None}, {"value": "value", "quality": "quality"}, id="quality-null"),
        pytest.param(
            {"value": 5, "quality": 0.97},
            {"value": "value", "quality": "quality", "others": ("quality",)},
            id="degree-of-trust",
        ),
        pytest.param({"value": None, "timestamp": T}, {"value": "value", "time": "timestamp"}, id="value-null"),
        pytest.param({"value": {"x": 1}, "timestamp": T}, {"value": "value", "time": "timestamp"}, id="value-object"),
        pytest.param(
            {"NodeId": "s=A", "Timestamp": T, "Value": {"Value": 1, "SourceTimestamp": T}},
            {"value": "Value", "time": "Timestamp", "others": ("NodeId",)},
            id="wrapped-envelope",
        ),
        pytest.param(
            {"value": 1, "timestamp": T, "unit": "m", "a_b": 1, "ab": 2},
            {"value": "value", "time": "timestamp", "unit": "unit", "others": ("a_b", "ab")},
            id="collision-of-others",
        ),
    ],
)
def test_leaf(content: dict, expected: dict[str, object]) -> None:
    """An object with one value and nothing unexplained beside it is a leaf."""
    assert parts(content) == expected


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({}, id="empty"),
        pytest.param({"temperature": 21.5}, id="no-value"),
        pytest.param({"Availability": 0.6, "OEE": 0.3, "Quality": 0.7, "Performance": 0.7}, id="quality-is-data"),
        pytest.param({"Status": "RUN", "Speed": 12.5}, id="status-is-data"),
        pytest.param({"value": 12.5, "timestamp": T, "batch": "B1", "operator": "Bo"}, id="value-and-more"),
        pytest.param({"t": 21.5, "h": 40.2}, id="t-is-temperature"),
        pytest.param({"v": 230.1, "a": 1.2, "w": 270}, id="v-is-voltage"),
        pytest.param({"v": 230.1}, id="v-alone"),
        pytest.param({"v": 230.1, "t": 21.5}, id="v-and-temperature"),
        pytest.param({"v": 230.1, "q": 12.3}, id="v-and-flow"),
        pytest.param({"v": 230, "q": 12, "i": 5, "ts": MS}, id="v-and-reactive-power"),
        pytest.param({"q": 12.3, "h": 4.4}, id="q-is-flow"),
        pytest.param({"value": 5, "good": 37, "bad": 2}, id="good-is-a-count"),
        pytest.param({"value": 5, "good": 37, "timestamp": T}, id="good-is-a-count-beside-a-time"),
        pytest.param({"value": 1, "time": "12:30"}, id="time-of-day"),
        pytest.param({"value": 1, "measurement": 2}, id="two-values"),
        pytest.param({"value": 1, "Value": 2}, id="colliding-values"),
        pytest.param({"value": 1, "time_stamp": T, "timestamp": T}, id="colliding-times"),
        pytest.param({"value": 1, "min": 0, "max": 9, "timestamp": T}, id="limits"),
        pytest.param({"value": {"x": 1}, "foo": 2}, id="value-object-and-more"),
        pytest.param({"timestamp": T}, id="heartbeat"),
        pytest.param({"data": {"value": 3.1}, "meta": {"ts": MS}}, id="parts-elsewhere"),
        pytest.param({"value": 1, "timestamp": {"seconds": 1}}, id="time-object"),
    ],
)
def test_whole_object(content: dict) -> None:
    """Anything else is an object, of which nothing is lost."""
    assert plan(content, UTC).value is None


@pytest.mark.parametrize(
    ("content", "time", "spare"),
    [
        pytest.param({"timestamp": T, "speed": 1}, "timestamp", (), id="timestamp"),
        pytest.param({"MMSI": 1, "Timestamp": 38}, "Timestamp", (), id="second-of-the-minute"),
        pytest.param({"ts": MS, "values": {}}, "ts", (), id="beside-objects"),
        pytest.param({"t": 21.5, "timestamp": T}, "timestamp", ("t",), id="two"),
        pytest.param({"time": {"h": 1}, "a": 1}, None, (), id="an-object"),
    ],
)
def test_time_of_a_whole_object(content: dict, time: str | None, spare: tuple[str, ...]) -> None:
    """A whole object may have a time, and keeps it as data; which key holds it is looked up in its values."""
    found = plan(content, UTC)
    assert (found.time, found.spare_times) == (time, spare)


@pytest.mark.parametrize(
    ("content", "hangs_on"),
    [
        pytest.param({"value": 1, "timestamp": T, "unit": "m"}, "", id="sure"),
        pytest.param({"t": 21.5, "h": 40.2}, "", id="no-value"),
        pytest.param({"value": 1, "timestamp": T, "operator": "Bo"}, "", id="no-time-would-help"),
        pytest.param({"value": 1, "ts": MS, "operator": "Bo"}, "", id="nor-would-another-time"),
        pytest.param({"v": 1, "t": MS}, "time", id="t"),
        pytest.param({"value": 1, "time": "12:30"}, "time", id="time-of-day"),
        pytest.param({"NodeId": "A", "Value": {"x": 1}}, "value", id="object-inside"),
        pytest.param({"value": {"x": 1}, "timestamp": T}, "", id="object-inside-that-does-not-matter"),
    ],
)
def test_what_a_plan_hangs_on(content: dict, hangs_on: str) -> None:
    """A plan that holds for its signature alone says so, and is found only once."""
    assert plan(content, UTC).hangs_on == hangs_on


def test_flat() -> None:
    """An object without objects and arrays has its structure in its plan."""
    assert plan({"a": 1, "b": "x"}, UTC) == Plan(flat=(("a", "b"), (int, str)))
    assert plan({"a": 1, "b": []}, UTC) == Plan()


def test_deep_nesting_costs_no_recursion() -> None:
    """Envelopes in envelopes in envelopes are looked into once."""
    content: dict = {"value": 1}
    for _ in range(10_000):
        content = {"value": content, "x": 1, "datapoints": content}
    assert plan(content, UTC).value is None


@pytest.mark.parametrize("key", ["timestamp_ms", "TimestampMs", "timestamp-ms", "TIMESTAMP_MS"])
def test_normal(key: str) -> None:
    """Names are compared without case, `_` and `-`."""
    assert normal(key) == "timestampms"
