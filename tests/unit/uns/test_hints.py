"""Hints: what payloads call their own kind."""

import json
from typing import Any

import pytest

from bridge.uns import Message, Reading, hints
from bridge.uns.decoder import Decoder
from bridge.uns.message import Hint

T = "2026-01-15T12:00:00Z"
PROFILE = "https://www.acme.example/profiles/Motor.jsonld"
MACHINE = "https://opc.example/UA/Machinery/MachineIdentification/v1.0"


def read(payload: Any, properties: dict[str, str] | None = None) -> Reading:
    reading = Decoder().read(Message("plant/x", json.dumps(payload).encode(), properties=properties))
    assert isinstance(reading, Reading)
    return reading


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param({"_model": "Motor", "rpm": 1}, Hint("Motor", source_id="Motor"), id="model"),
        pytest.param(
            {"_model": "Motor", "_name": "Motor101", "_version": 2, "rpm": 1},
            Hint("Motor", source_id="Motor", version="2", label="Motor101"),
            id="model-name-version",
        ),
        pytest.param(
            {"@context": "https://x.example/ns", "@type": "Motor", "rpm": 1},
            Hint("Motor", "https://x.example/ns", "Motor"),
            id="json-ld",
        ),
        pytest.param(
            {"@context": [{"@vocab": "https://x.example/ns"}], "@type": ["Motor", "Thing"], "rpm": 1},
            Hint("Motor", "https://x.example/ns", "Motor"),
            id="json-ld-lists",
        ),
        pytest.param(
            {"@type": "Motor", "profileDefinition": PROFILE, "rpm": 1}, Hint("Motor", "", PROFILE), id="profile"
        ),
        pytest.param({"@type": "acme:Motor", "rpm": 1}, Hint("Motor", "", "acme:Motor"), id="prefix"),
        pytest.param(
            {"@type": "https://x.example/ns#Motor", "rpm": 1},
            Hint("Motor", "https://x.example/ns", "https://x.example/ns#Motor"),
            id="iri",
        ),
        pytest.param(
            {"$namespace": MACHINE, "serial": "1"},
            Hint("MachineIdentification", MACHINE, MACHINE, "1.0"),
            id="namespace",
        ),
        pytest.param(
            {"$namespace": "https://x.example/WorkOrderV1", "id": 1},
            Hint("WorkOrder", "https://x.example/WorkOrderV1", "https://x.example/WorkOrderV1", "1"),
            id="namespace-with-suffix",
        ),
        pytest.param({"$namespace": "v1", "id": 1}, Hint("v1", "v1", "v1"), id="namespace-of-one-level"),
        pytest.param(
            {"specversion": "1.0", "type": "com.acme.Done.v2", "id": "1", "data": {"x": 1}},
            Hint("Done", "", "com.acme.Done.v2", "2"),
            id="structured-cloud-event",
        ),
        pytest.param(
            {"_model": "M", "@type": "a:B", "$namespace": MACHINE}, Hint("M", source_id="M"), id="model-first"
        ),
        pytest.param({"_model": "", "$namespace": "urn:a:B", "x": 1}, Hint("B", "urn:a:B", "urn:a:B"), id="next-best"),
    ],
)
def test_documents(payload: dict, expected: Hint) -> None:
    """A document tells its type's name, and stays as it is."""
    reading = read(payload)
    assert (reading.hint, reading.value) == (expected, payload)


@pytest.mark.parametrize(
    "payload",
    [
        {"$ref": "x", "@type": "y"},
        {"_model": 5, "x": 1},
        {"_model": "x" * 200, "y": 1},
        {"_model": "a\nb", "y": 1},
        {"_name": "x", "y": 1},
        {"@type": [], "@context": "c", "y": 1},
        {"@type": [5], "@context": "c", "y": 1},
        {"$namespace": "", "y": 1},
        {"type": "com.acme.Done", "y": 1},
        {"specversion": "1.0", "type": 5, "y": 1},
        {"type": {"name": "Running"}, "color": "green", "timestamp": T},
        {"x": 1},
    ],
)
def test_no_hint(payload: dict) -> None:
    """Data that only look like it, and names that are none, tell nothing."""
    reading = read(payload)
    assert (reading.hint, reading.value) == (None, payload)


def test_nested_model() -> None:
    """Of an envelope in another, the outer model counts; keys that begin with `_` are attributes of the leaf."""
    inner = {"_model": "Percent", "UnitsOfMeasure": "%", "Value": 87.7}
    reading = read({"timestamp": T, "_model": "Kpi", "_name": "oee", "_path": "a/b", "_else": 1, "value": inner})
    assert (reading.value, reading.unit, reading.hint) == (87.7, "%", Hint("Kpi", "", "Kpi", "", "oee"))
    assert reading.attributes == {"_model": "Percent", "_name": "oee", "_path": "a/b", "_else": 1}


def test_around_a_nested_envelope() -> None:
    """A model around a nested data point is the data point's."""
    reading = read({"_model": "Kpi", "dataPoint": {"value": 5, "timestamp": T}})
    assert (reading.value, reading.hint) == (5, Hint("Kpi", "", "Kpi"))


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param({"type": {"name": "Flow", "description": "d"}}, (Hint(label="Flow"), "d"), id="both"),
        pytest.param(
            {"type": {"name": "Flow"}, "description": "own"}, (Hint(label="Flow"), "own"), id="own-description"
        ),
        pytest.param({"type": {"description": ""}}, (None, None), id="empty"),
        pytest.param({"type": {"name": 5, "description": 6}}, (None, None), id="no-texts"),
        pytest.param({"type": "Double"}, (None, None), id="a-data-type"),
        pytest.param(
            {"type": {"name": "Flow"}, "_model": "Kpi"}, (Hint("Kpi", "", "Kpi", "", "Flow"), None), id="beside-a-model"
        ),
        pytest.param(
            {"type": {"name": "Flow"}, "_model": "Kpi", "_name": "f"},
            (Hint("Kpi", "", "Kpi", "", "f"), None),
            id="beside-a-named-model",
        ),
    ],
)
def test_type_objects(payload: dict, expected: tuple[Hint | None, str | None]) -> None:
    """An object that describes a measurement labels its element and describes it."""
    reading = read({"timestamp": T, "value": 5, "unit": "m3/h", **payload})
    assert (reading.value, (reading.hint, reading.description)) == (5, expected)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({"ce-type": "de.wsv.Level"}, Hint("Level", "", "de.wsv.Level"), id="prefixed"),
        pytest.param({"specversion": "1.0", "type": "de.wsv.Level"}, Hint("Level", "", "de.wsv.Level"), id="plain"),
        pytest.param({"type": "Double"}, None, id="another-type"),
        pytest.param({"ce-type": ""}, None, id="empty"),
        pytest.param({"specversion": "1.0", "type": "ua-deltaframe"}, None, id="kind-of-frame"),
    ],
)
def test_events(properties: dict[str, str], expected: Hint | None) -> None:
    """CloudEvents' attributes among the user properties name the type, where the payload does not."""
    assert read({"x": 1}, properties).hint == expected
    assert read({"_model": "M", "x": 1}, properties).hint == Hint("M", source_id="M")


def test_equal_hints_are_one() -> None:
    """Messages of one kind share a hint, so that it can be compared by identity."""
    decoder = Decoder()
    first, second = (decoder.read(Message("x", b'{"_model":"M","x":%d}' % number)) for number in range(2))
    assert isinstance(first, Reading)
    assert isinstance(second, Reading)
    assert first.hint is second.hint


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names without end do not fill the memory."""
    monkeypatch.setattr(hints, "MAX_HINTS", 10)
    known = hints.Hints()
    made = {known.of_event(f"com.acme.E{number}") for number in range(100)}
    assert len(made) == 100
    assert known.of_event("com.acme.E99") is known.of_event("com.acme.E99")
