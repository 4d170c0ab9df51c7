"""Machine tools whose data points are published twice: as levels, and as dotted names."""

import pytest
from expected import Plant, row, ruled

FOLDER = "innovaas_cnc"
CNC = "acme/plant1/machining/cell-01/cnc-001"
MACHINES = "acme/plant1/[a-z-]+/cell-[0-9]+/cnc-[0-9]+"
LEAF = f"{MACHINES}/info/[a-z]+/.+"
DOTTED = r"umh\.v1\.acme\..+"


@row(FOLDER, 1)
def test_envelopes(plant: Plant) -> None:
    """Envelopes are scalars with quality and time of the payload."""
    for node in plant.matching(LEAF):
        text = "/info/status/" in node.topic
        assert (plant.kind(node.topic) == "string") == text
        assert plant.value(node.topic)[1] == "Good"
        assert node.said_ns


@row(FOLDER, 2)
def test_units(plant: Plant) -> None:
    """Units stay as they are written; those that are none have no code of the standard."""
    assert {node.unit for node in plant.matching(LEAF)} >= {
        "rpm", "percent", "mm", "mm/min", "mm/s", "celsius", "bar", "L/min", "parts",
    }  # fmt: skip
    codes = {
        name: plant.shown(f"{CNC}/info/{name}")["metadata"]["system"]["unitCode"]
        for name in ("sensors/current-tool", "status/cycle-phase", "status/operational", "sensors/spindle-speed")
    }
    assert codes == {
        "sensors/current-tool": None, "status/cycle-phase": None, "status/operational": None,
        "sensors/spindle-speed": "RPM",
    }  # fmt: skip


@row(FOLDER, 3)
def test_metadata(plant: Plant) -> None:
    """Metadata of an envelope are attributes: machines of all sorts share the types of their data points."""
    assert plant.attributes(f"{CNC}/info/sensors/spindle-speed")["metadata"]["max_rpm"] == 8100
    assert len(plant.types(f"{MACHINES}/info/sensors/spindle-speed")) == 1


@row(FOLDER, 4)
def test_hierarchy(plant: Plant) -> None:
    """Departments, cells and machines are things; info and what is below it are parts."""
    assert plant.things("acme/plant1/(machining|turning|multi-axis|precision)") == 4
    assert plant.things(MACHINES) == 9
    assert plant.parts(f"{MACHINES}/info(/(sensors|status|production))?") == 36


@row(FOLDER, 5)
def test_one_type(plant: Plant) -> None:
    """All machines are of one type; axes that some of them lack are optional."""
    assert plant.names(MACHINES) == {"Cnc"}
    leaves = {len([n for n in plant.matching(f"{m.topic}/.+") if n.reported]) for m in plant.matching(MACHINES)}
    assert leaves == {14, 15, 17}


@pytest.mark.parametrize(("leaf", "kind"), [("sensors/temperature", "number"), ("production/parts-count", "integer")])
@row(FOLDER, 6)
def test_numbers(plant: Plant, leaf: str, kind: str) -> None:
    """A data point that is 0 now and 57.7 then is a number; one that only counts is an integer."""
    assert {plant.kind(node.topic) for node in plant.matching(f"{MACHINES}/info/{leaf}")} == {kind}


@row(FOLDER, 7)
def test_dotted_topics(plant: Plant) -> None:
    """A dot is no level: every dotted name is an element at the root."""
    found = plant.matching(DOTTED)
    assert len(found) == 136
    assert {node.parent for node in found} == {None}


@row(FOLDER, 7)
def test_dots_as_separators(plant: Plant) -> None:
    """With dots as separators the dotted names are the same tree below umh and v1, payload and all."""
    split = ruled(FOLDER, "umh.v1.*", separators=".")
    machine = "umh/v1/acme/plant1/machining/cell-01/cnc-001"
    assert split.things("umh/v1/acme/plant1/[a-z-]+/cell-[0-9]+/cnc-[0-9]+") == 9
    assert split.value(f"{machine}/_raw/coolant_flow") == plant.value(f"{CNC}/info/sensors/coolant-flow")
