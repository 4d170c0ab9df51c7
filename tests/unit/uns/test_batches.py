"""Batches: which documents are taken apart, into which data points, and what stays a document."""

import json
from typing import Any

import pytest

from bridge.uns import BAD, GOOD, NO_DATA, UNCERTAIN, Message, Quality, Reading, batches
from bridge.uns.decoder import Decoder, Shared
from bridge.uns.moments import parse
from bridge.uns.payload import structure
from tests.helpers.feeding import Feed
from tests.helpers.invariants import faults
from tests.helpers.views import EngineView
from tests.unit.uns.soundness import assert_sound

T = "2026-01-15T12:00:00Z"
LATER = "2026-01-15T12:00:01Z"
MS = 1_768_478_400_000  # the same as T

UA_TIME = {"SourceTimestamp": T}
SAMPLE = {"NodeId": "nsu=http://x/y;s=Speed", "EndpointUrl": "opc.tcp://x", "Value": {"Value": 5, **UA_TIME}}


def read(document: object, profile: str = "auto", shared: Shared | None = None, topic: str = "gw") -> list[Reading]:
    """The readings of a document, each found sound."""
    outcome = Decoder(profile=profile, shared=shared).read(Message(topic, json.dumps(document).encode()))
    found = outcome if isinstance(outcome, list) else [outcome]
    for reading in found:
        assert isinstance(reading, Reading)
        assert_sound(reading)
    return found  # type: ignore[return-value]  # asserted


def points(document: object, profile: str = "auto") -> list[tuple[str, object, Quality]]:
    return [(reading.topic, reading.value, reading.quality) for reading in read(document, profile)]


def kepware(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"timestamp": MS, "values": list(rows), **more}


def network(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"MessageId": "1", "MessageType": "ua-data", "Messages": list(messages)}


BATCHES = [
    pytest.param(
        kepware({"id": "C.D.T", "v": 5, "q": True, "t": MS}, {"id": "C.D.U", "v": 6, "q": False, "t": MS}),
        [("gw/C/D/T", 5, GOOD), ("gw/C/D/U", None, BAD)],
        id="kepware",
    ),
    pytest.param(kepware({"id": 7, "v": None}), [("gw/7", None, NO_DATA)], id="kepware-number-and-null"),
    pytest.param(
        [{"tagname": "A.B", "timestamp": MS, "value": 1}, {"tagname": "A.C", "timestamp": MS, "value": "x"}],
        [("gw/A/B", 1, GOOD), ("gw/A/C", "x", GOOD)],
        id="kepware-array",
    ),
    pytest.param(
        {"seq": 1, "vals": [{"id": "1", "qc": 3, "val": "5"}, {"id": "2", "qc": 2, "val": 6}, {"id": "3", "qc": 1}]},
        [("gw/1", 5, GOOD), ("gw/2", 6, UNCERTAIN), ("gw/3", None, BAD)],
        id="databus",
    ),
    pytest.param({"seq": 1, "val": 5, "ts": T, "qc": 3}, [("gw", 5, GOOD)], id="databus-single"),
    pytest.param(
        {"seq": 1, "records": [{"ts": T, "vals": [{"id": "1", "val": 5}]}, {"vals": [{"id": "1", "val": 6}]}]},
        [("gw/1", 5, GOOD), ("gw/1", 6, GOOD)],
        id="databus-records",
    ),
    pytest.param(
        {"Timestamp": T, "Records": [{"TagName": "A.B", "Value": 2}, {"TagName": "C/D", "Value": True}]},
        [("gw/A.B", 2, GOOD), ("gw/C/D", True, GOOD)],
        id="optix",
    ),
    pytest.param(
        {"messagetype": "vqt", "t": T, "payload": [{"k": "a", "v": 1, "q": 0}, {"k": "b", "v": 2, "q": 0x80000000}]},
        [("gw/a", 1, GOOD), ("gw/b", None, BAD)],
        id="apis",
    ),
    pytest.param([{"k": "a", "v": 1, "t": T}], [("gw/a", 1, GOOD)], id="apis-array"),
    pytest.param(
        {"Name": "n", "datapoints": [{"Measurement": "2", "Time": LATER}, {"Measurement": "x", "Time": T}]},
        [("gw", "x", GOOD), ("gw", 2, GOOD)],
        id="iih-in-order-of-time",
    ),
    pytest.param(
        {"datapoints": {"Measurement": 5, "Time": T, "Quality_Code": "0"}}, [("gw", None, BAD)], id="iih-object"
    ),
    pytest.param(
        network({"Payload": {"a": {"Value": 5, **UA_TIME}, "b": {"StatusCode": 0x80AB0000}, "c": 7, "d": {"x": 1}}}),
        [("gw/a", 5, GOOD), ("gw/b", None, BAD), ("gw/c", 7, GOOD), ("gw/d", {"x": 1}, GOOD)],
        id="pubsub",
    ),
    pytest.param(
        network({"Payload": {"a": {"Type": 11, "Body": 2.5}, "b": {"Value": {"Type": 1, "Body": True}, **UA_TIME}}}),
        [("gw/a", 2.5, GOOD), ("gw/b", True, GOOD)],
        id="pubsub-variants",
    ),
    pytest.param(
        network({"DataSetWriterId": 1, "Payload": {"a": 1}}, {"DataSetWriterId": 2, "Payload": {"a": 2}}),
        [("gw/1/a", 1, GOOD), ("gw/2/a", 2, GOOD)],
        id="pubsub-writers",
    ),
    pytest.param(
        network({"DataSetWriterName": "press", "Payload": {"a": 1}}), [("gw/press/a", 1, GOOD)], id="pubsub-writer-name"
    ),
    pytest.param(
        network({"DataSetWriterName": "gw", "Payload": {"a": 1}}), [("gw/a", 1, GOOD)], id="pubsub-writer-of-the-topic"
    ),
    pytest.param({"DataSetWriterId": 1, "Payload": {"a": 1}}, [("gw/a", 1, GOOD)], id="pubsub-without-frame"),
    pytest.param(SAMPLE, [("gw/Speed", 5, GOOD)], id="publisher"),
    pytest.param(
        [SAMPLE, {**SAMPLE, "DisplayName": "S"}], [("gw/Speed", 5, GOOD), ("gw/S", 5, GOOD)], id="publisher-array"
    ),
    pytest.param(
        {"a": {"Value": 5, **UA_TIME}, "b": {"Value": 6, **UA_TIME, "StatusCode": 0}},
        [("gw/a", 5, GOOD), ("gw/b", 6, GOOD)],
        id="aio",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("document", "expected"), BATCHES)
def test_unmistakable_batches(document: object, expected: list[tuple[str, object, Quality]]) -> None:
    """Each data point of a batch has its own topic, value and quality."""
    assert points(document) == expected


@pytest.mark.parametrize(("document", "expected"), BATCHES)
def test_none_is_taken_apart_where_configured_away(document: Any, expected: object) -> None:
    """With the profile `none` there is one reading on the message's own topic."""
    assert [reading.topic for reading in read(document, "none")] == ["gw"]


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(kepware(), id="kepware-empty"),
        pytest.param(kepware(5, "x"), id="kepware-of-scalars"),
        pytest.param(kepware({"x": 1}), id="kepware-of-others"),
        pytest.param(kepware({"id": "a", "v": 1}, more=1), id="kepware-and-more"),
        pytest.param({"seq": 1, "vals": [1, 2, 3]}, id="numbers-named-vals"),
        pytest.param({"seq": 1, "connections": [{"name": "PLC1", "status": "good"}]}, id="databus-status"),
        pytest.param({"t": T, "Tag1": 43, "q": 0}, id="apis-tags-unnamed"),
        pytest.param({"datapoints": [{"Measurement": 1}, {"Measurement": 2}]}, id="iih-without-times"),
        pytest.param({"timestamp": T, "value": 1, "x": 2, "batch": [7]}, id="batch-of-scalars"),
        pytest.param({"MessageType": "ua-keepalive", "MessageId": "1", "Messages": [{}]}, id="pubsub-keepalive"),
        pytest.param({"a": {"Value": 5, **UA_TIME}, "b": {"Value": 5}}, id="not-all-fields-azure"),
        pytest.param({"a": {"Value": 5, **UA_TIME, "x": 1}}, id="more-than-azure"),
        pytest.param({"a": {"value": 5, "ts": T}, "b": {"value": 5, "ts": T}}, id="envelopes-in-a-document"),
        pytest.param({}, id="empty"),
        pytest.param([], id="empty-array"),
        pytest.param([{"k": "a", "v": 1}], id="keys-and-values"),
        pytest.param([{"value": 1}, {"value": 2}], id="plain-array"),
        pytest.param([[{"k": "a", "v": 1, "t": T}]], id="array-in-an-array"),
    ],
)
def test_documents_stay_documents(document: object) -> None:
    """What only resembles a batch is one reading, the document."""
    (reading,) = read(document)
    assert (reading.topic, reading.value, reading.shape) == ("gw", document, structure(document))


@pytest.mark.parametrize(
    ("profile", "document", "expected"),
    [
        pytest.param("apis", {"t": T, "Tag1": 43, "Tag2": "x", "q": 0}, [("gw/Tag1", 43), ("gw/Tag2", "x")], id="apis"),
        pytest.param("kepware", kepware({"id": "a", "v": 1}, site="x"), [("gw/a", 1)], id="kepware-and-more"),
        pytest.param("aio", {"a": {"Value": 5, "ServerTimestamp": T}}, [("gw/a", 5)], id="aio-and-more"),
        pytest.param("publisher", {"NodeId": "i=85", "Value": {"Value": 5}}, [("gw/85", 5)], id="publisher-and-less"),
        pytest.param("optix", {"Records": [{"TagName": "a", "Value": 1}]}, [("gw/a", 1)], id="optix-without-time"),
        pytest.param("optix", kepware({"id": "a", "v": 1}), None, id="another-one"),
        pytest.param("iih", {"x": 1}, None, id="a-document"),
        pytest.param("databus", [1, 2], None, id="an-array"),
        pytest.param("factory+", {"value": 1, "timestamp": T}, None, id="an-envelope"),
    ],
)
def test_a_named_profile_is_tried_on_all(profile: str, document: object, expected: list | None) -> None:
    """A profile that is named needs less to fit; what does not fit at all is read as usual."""
    found = read(document, profile)
    if expected is None:
        assert [reading.topic for reading in found] == ["gw"]
        assert found == read(document, "none")
    else:
        assert [(reading.topic, reading.value) for reading in found] == expected


def test_factory_samples_are_historical() -> None:
    """The sample itself is current, those in its batch are for the history; what stands beside it is kept."""
    first, *more = read({"timestamp": T, "value": 1, "batch": [{"timestamp": LATER, "value": 2}], "source": "s"})
    assert (first.topic, first.value, first.historical, first.attributes) == ("gw", 1, False, {"source": "s"})
    assert [(one.topic, one.value, one.time_ns, one.historical) for one in more] == [("gw", 2, parse(LATER), True)]


def test_attributes_stay() -> None:
    """What stands beside the parts of a sample is its attributes."""
    (sample,) = read(SAMPLE)
    assert sample.attributes == {"NodeId": SAMPLE["NodeId"], "EndpointUrl": "opc.tcp://x"}
    (point,) = read({"Model": "427", "datapoints": [{"Measurement": 5, "Time": T, "Unit": "bar", "x": 1}]})
    assert (point.unit, point.attributes) == ("bar", {"Model": "427", "x": 1})


def test_times() -> None:
    """An item's own time, else the batch's."""
    times = [reading.time_ns for reading in read(kepware({"id": "a", "v": 1, "t": MS + 1_000}, {"id": "b", "v": 1}))]
    assert times == [parse(LATER), parse(T)]


def test_raw_topic() -> None:
    """A derived topic tells which one it was published on."""
    assert [reading.raw_topic for reading in read(kepware({"id": "a", "v": 1}))] == ["gw"]
    assert [reading.raw_topic for reading in read({"seq": 1, "val": 5, "qc": 3})] == [None]


def test_lost_numbers() -> None:
    """NaN in a batch is a Bad value there and nothing else."""
    payload = b'{"timestamp": 1768478400000, "values": [{"id":"a","v":NaN},{"id":"b","v":[NaN,1]},{"id":"c","v":3}]}'
    found = Decoder().read(Message("gw", payload))
    assert isinstance(found, list)
    assert [(one.value, one.quality) for one in found] == [(None, BAD), ([None, 1], GOOD), (3, GOOD)]


def test_left_out_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Items without a name and those beyond the limit are counted, the others are read."""
    monkeypatch.setattr(batches, "MAX_ITEMS", 3)
    shared = Shared()
    rows = [{"id": ident, "v": 1} for ident in ("a", "", None, "b", "c")]
    assert [reading.topic for reading in read(kepware(*rows), shared=shared)] == ["gw/a"]
    assert shared.stats == {"items-without-name": 2, "items-beyond-limit": 2}


METADATA = {
    "seq": 1,
    "connections": [
        {"dataPoints": [{"topic": "gw", "dataPointDefinitions": [
            {"name": "Motor.Speed", "id": "1", "dataType": "Real"},
            {"name": "Order", "id": "2", "dataType": "String"},
            {"name": "", "id": "3"}, {"id": "4"}, 5,
        ]}, {"topic": None}, "x"]},
        "x",
        {"dataPoints": 5},
    ],
}  # fmt: skip


def test_databus_data_types() -> None:
    """The metadata, which stay a document, tell texts from quoted numbers; data points are called by their ids."""
    shared = Shared()
    (metadata,) = read(METADATA, shared=shared, topic="ie/m")
    assert metadata.value == METADATA
    values = {"seq": 2, "vals": [{"id": ident, "qc": 3, "val": "5"} for ident in ("1", "2", "3")]}
    found = [(one.topic, one.value, one.attributes) for one in read(values, shared=shared)]
    assert found == [("gw/1", 5, {"dataType": "Real"}), ("gw/2", "5", {"dataType": "String"}), ("gw/3", 5, None)]
    assert [one.value for one in read(values, shared=shared, topic="other")] == [5, 5, 5]


def test_data_types_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metadata without end do not fill the memory."""
    monkeypatch.setattr(batches.gateways.databus, "MAX_POINTS", 10)
    shared = Shared()
    for number in range(50):
        definition = {"name": "n", "id": str(number), "dataType": "Int"}
        bundle = {"topic": "gw", "dataPointDefinitions": [definition]}
        shared.types.learn({"connections": [{"dataPoints": [bundle]}]})
    known = [number for number in range(50) if shared.types.of("gw", str(number)) == "Int"]
    assert 0 < len(known) <= 10
    assert 49 in known


def test_cloud_events_type_of_a_batch_names_no_item() -> None:
    """The type of an event that carries a batch is the batch's; its time holds for items without one."""
    properties = {"specversion": "1.0", "type": "com.acme.Telegram", "time": T}
    payload = json.dumps({"MessageId": "1", "Messages": [{"Payload": {"a": 1, "b": 2}}]}).encode()
    found = Decoder().read(Message("gw", payload, properties=properties))
    assert isinstance(found, list)
    assert [(one.hint, one.time_ns) for one in found] == [(None, parse(T))] * 2


def test_a_batch_is_made_of_its_parts() -> None:
    """In the space, the batch's topic has no value of its own; what a later batch leaves out keeps its value."""
    feed = Feed().take({"plant/aio": {"a": {"Value": 5, **UA_TIME}, "b": {"Value": 6, **UA_TIME}}}).arrange()
    feed.take({"plant/aio": {"a": {"Value": 7, "SourceTimestamp": LATER}}})
    assert (feed.value("plant/aio/a")["value"], feed.value("plant/aio/b")["value"]) == (7, 6)
    assert not feed.node("plant/aio").reported
    assert feed.engine.balance == 0


@pytest.mark.parametrize("ident", ["#", "+", "a#b", "/x", "x/", "\u0000", "é\t", "%00", "a,b", ".", "..", '"', "$x"])
def test_any_name_makes_sound_elements(ident: str) -> None:
    """Whatever a tag is called, its element has an id of its own and the space is sound."""
    feed = Feed().take({"gw": kepware({"id": ident, "v": 1}, {"id": "other", "v": 2})}).settle()
    assert feed.engine.counters.stored == 1
    assert not faults(EngineView(feed.engine))
