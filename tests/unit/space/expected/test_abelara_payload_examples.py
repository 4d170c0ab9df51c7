"""Water utilities with rich envelopes that describe themselves."""

import pytest
from expected import Plant, row

FOLDER = "abelara_payload_examples"
WATER = "abelara/plant1/utilities/water-system"
PUMP = f"{WATER}/pump-station/pump-101"
MACHINE = f"{WATER}/[a-z-]+/(pump|tank)-[0-9]+"
LEAF = f"{MACHINE}/(measurement|edge|count|kpi)/.+"


@row(FOLDER, 1)
def test_hierarchy(plant: Plant) -> None:
    """Areas and machines are things below the water system."""
    assert plant.things(f"{WATER}/(pump-station|tank-area)") == 2
    assert plant.things(MACHINE) == 5


@pytest.mark.parametrize(
    ("machines", "name", "leaves"),
    [("pump-station/pump", "Pump", 29), ("tank-area/tank", "Tank", 22)],
)
@row(FOLDER, 2)
def test_types(plant: Plant, machines: str, name: str, leaves: int) -> None:
    """Pumps and tanks are one type each, with the same data points."""
    pattern = f"{WATER}/{machines}-[0-9]+"
    assert plant.names(pattern) == {name}
    for machine in plant.matching(pattern):
        assert len([n for n in plant.matching(f"{machine.topic}/.+") if n.reported]) == leaves


@row(FOLDER, 3)
def test_envelopes(plant: Plant) -> None:
    """Envelopes are data points: a scalar with its unit, its object `type` as description, the rest as attributes."""
    found = [node for node in plant.matching(LEAF) if node.reported]
    assert {plant.kind(node.topic) for node in found} <= {"number", "integer"}
    assert [plant.unit(f"{PUMP}/{leaf}") for leaf in ("edge/flow", "edge/temperature")] == ["m³/h", "°C"]
    assert plant.unit(f"{PUMP}/measurement/insulation-resistance") == "MΩ"
    assert {"target", "tolerance", "inTolerance"} <= set().union(*(node.attributes or {} for node in found))
    assert plant.shown(f"{PUMP}/edge/flow")["displayName"] == "Flow"
    assert "Flow rate readings" in plant.shown(f"{PUMP}/edge/flow")["metadata"]["description"]


@row(FOLDER, 4)
def test_quality(plant: Plant) -> None:
    """A quality inside the metadata is an attribute, so every data point is Good."""
    assert {plant.value(node.topic)[1] for node in plant.matching(LEAF) if node.reported} == {"Good"}


@row(FOLDER, 5)
def test_state(plant: Plant) -> None:
    """A state without a value is an object with the payload's time."""
    value, quality = plant.value(f"{PUMP}/state")
    assert {"description", "color", "type"} <= value.keys()
    assert quality == "Good"
    assert not plant.arrived(f"{PUMP}/state")


@row(FOLDER, 6)
def test_documents(plant: Plant) -> None:
    """Alerts, assets, products and productions are objects; what was null so far may be null."""
    for name in ("alert", "asset", "product", "production"):
        assert plant.kind(f"{PUMP}/{name}") == "object"
    properties = plant.schema(f"{PUMP}/production")["properties"]
    assert {"timestamp", "quantity"} <= properties["counts"]["items"]["properties"].keys()
    assert "null" in properties["end_ts"].get("type", ["null"])


@row(FOLDER, 7)
def test_times(plant: Plant) -> None:
    """Microseconds with an offset are times to the microsecond."""
    found = [node for node in plant.matching(LEAF) if node.reported]
    assert all(node.said_ns and node.said_ns % 1_000 == 0 for node in found)
    assert any(node.said_ns % 1_000_000 for node in found)


@row(FOLDER, 8)
def test_identity(plant: Plant) -> None:
    """The asset in a payload's metadata is an attribute, which repeats the machine that the topic names."""
    assert plant.attributes(f"{PUMP}/edge/flow")["metadata"]["asset"]["id"] == 101
    assert plant.value(f"{PUMP}/asset")[0]["id"] == 101


@pytest.mark.parametrize("aspect", ["count", "kpi", "edge", "measurement"])
@row(FOLDER, 9)
def test_aspects(plant: Plant, aspect: str) -> None:
    """Data points of a name are of one type in all machines, and metadata are no part of it."""
    found = [node for node in plant.matching(f"{MACHINE}/{aspect}/.+") if node.reported]
    assert len({node.type.id for node in found}) <= len({node.topic.split("/", 6)[6] for node in found}) < len(found)
    assert {node.type.schema()["type"] for node in found} <= {"number", "integer"}


@row(FOLDER, 10)
def test_a_kpi_named_quality(plant: Plant) -> None:
    """A level named `quality` is a data point like any other."""
    value, quality = plant.value(f"{PUMP}/kpi/oee/quality")
    assert isinstance(value, float)
    assert quality == "Good"
    assert plant.unit(f"{PUMP}/kpi/oee/quality") == "%"
