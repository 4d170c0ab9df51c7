"""A factory of three sites: machines with aspects, documents, collections whose members come and go."""

import pytest
from expected import Plant, row, ruled

FOLDER = "metalfab"
FAB = "umh/v1/metalfab"
SITES = f"{FAB}/(eindhoven|roeselare|brasov)"
DEPARTMENTS = f"{SITES}/(cutting|forming|welding|finishing|assembly|warehouse|quality)"
ROLES = {
    "laser": "Laser", "press_brake": "PressBrake", "robot_weld": "RobotWeld", "manual_weld": "ManualWeld",
    "assembly": "Assembly", "agv": "Agv", "qc": "Qc", "coating_line": "CoatingLine",
}  # fmt: skip
MACHINES = f"{DEPARTMENTS}/({'|'.join(ROLES)})_[0-9]+"
LASER = f"{FAB}/eindhoven/cutting/laser_01"
SIM = "metalfab-sim"


@row(FOLDER, 1)
def test_roots(plant: Plant) -> None:
    """Two roots; the factory is a thing, its prefix plain folders."""
    assert {node.topic for node in plant.matching("[^/]+")} == {"umh", SIM}
    assert plant.things(FAB) == 1
    assert plant.names("umh|umh/v1") == {"Folder"}


@row(FOLDER, 2)
def test_hierarchy(plant: Plant) -> None:
    """Sites, departments and machines are things, all the way down."""
    assert plant.things(SITES) == 3
    assert plant.things(DEPARTMENTS)
    assert plant.things(MACHINES) == 23


@row(FOLDER, 3)
def test_aspects(plant: Plant) -> None:
    """Aspects are parts, so that machines are compositions."""
    assert plant.parts(f"{MACHINES}/(Asset|Edge|Line|Line/OEE|Dashboard|_raw)") == 136
    assert {plant.shown(node.topic)["isComposition"] for node in plant.matching(MACHINES)} == {True}


@pytest.mark.parametrize(
    ("role", "machines"),
    [("laser", 4), ("press_brake", 3), ("robot_weld", 5), ("manual_weld", 2), ("assembly", 4), ("agv", 2), ("qc", 1)],
)
@row(FOLDER, 4)
def test_shapes(plant: Plant, role: str, machines: int) -> None:
    """Machines of a role have the same data points and one type."""
    found = plant.matching(f"{DEPARTMENTS}/{role}_[0-9]+")
    leaves = {
        frozenset(n.topic.removeprefix(m.topic) for n in plant.matching(f"{m.topic}/.+") if n.reported) for m in found
    }
    assert len(found) == machines
    assert len(leaves) == 1
    assert len({node.type.id for node in found}) == 1


@row(FOLDER, 4)
def test_a_smaller_machine(plant: Plant) -> None:
    """A coating line with a part of the data points of another is of its type."""
    assert len(plant.matching(f"{DEPARTMENTS}/coating_line_01")) == 2
    assert len(plant.types(f"{DEPARTMENTS}/coating_line_01")) == 1


@row(FOLDER, 5)
def test_names(plant: Plant) -> None:
    """Types are named after the machines; line OEE is one type for all of them."""
    for role, name in ROLES.items():
        assert plant.names(f"{DEPARTMENTS}/{role}_[0-9]+") == {name}
    assert len(plant.types(f"{MACHINES}/Line/OEE")) == 1


@row(FOLDER, 6)
def test_scalars(plant: Plant) -> None:
    """Bare JSON: numbers, quoted text, booleans, at the time of their arrival."""
    for name, kind in (("LaserPower", "number"), ("StateName", "string")):
        assert plant.kind(f"{LASER}/Edge/{name}") == kind
        assert plant.value(f"{LASER}/Edge/{name}")[1] == "Good"
        assert plant.arrived(f"{LASER}/Edge/{name}")
    assert {plant.kind(node.topic) for node in plant.matching(f"{SIM}/sites/[a-z]+/enabled")} == {"boolean"}


@pytest.mark.parametrize(
    ("leaf", "kind"),
    [
        ("Edge/LaserPower", "number"), ("Edge/FocalPosition", "number"), ("Edge/CuttingSpeed", "integer"),
        ("Line/OEE/DowntimeMinutes", "number"),
    ],
)  # fmt: skip
@row(FOLDER, 7)
def test_integers(plant: Plant, leaf: str, kind: str) -> None:
    """0.0 is a number, 2878 an integer."""
    assert plant.kind(f"{LASER}/{leaf}") == kind


@row(FOLDER, 8)
def test_documents(plant: Plant) -> None:
    """Documents are objects with the payload's time; a `Quality` among the keys of an OEE is data."""
    for leaf in ("Dashboard/OEE", "Dashboard/Job", "Edge/ShopFloor"):
        assert plant.kind(f"{LASER}/{leaf}") == "object"
        assert not plant.arrived(f"{LASER}/{leaf}")
    value, quality = plant.value(f"{LASER}/Dashboard/OEE")
    assert 0 <= value["Quality"] <= 1
    assert quality == "Good"


@row(FOLDER, 9)
def test_times(plant: Plant) -> None:
    """Dates of orders are text, no times of values."""
    orders = plant.matching(f"{SITES}/ERP/ProductionOrder/JOB_[0-9]+")
    assert all(node.said_ns for node in orders)
    assert "string" in plant.schema(f"{LASER}/Dashboard/Job")["properties"]["DueDate"]["type"]
    order = plant.value(f"{FAB}/eindhoven/ERP/SalesOrder/New")[0]
    assert plant.arrived(f"{FAB}/roeselare/finishing/coating_line_01/Edge/CoatingBooth/LastColorChange")
    assert isinstance(order["order_date"], str)


@pytest.mark.parametrize(
    "members",
    [
        pytest.param("ERP/ProductionOrder/JOB_[0-9]+", id="orders"),
        pytest.param("ERP/Inventory/[^/]+", id="inventory"),
        pytest.param("MES/Quality/[^/]+", id="quality"),
        pytest.param("_dpp/passports/DPP-[0-9-]+", id="passports"),
        *[
            pytest.param(f"_dpp/passports/DPP-[0-9-]+/{part}", id=part)
            for part in ("metadata", "carbon_footprint", "traceability", "certifications", "material", "summary")
        ],
    ],
)
@row(FOLDER, 10)
def test_collections(plant: Plant, members: str) -> None:
    """Members of a collection are of one type, however many there are."""
    assert len(plant.matching(f"{SITES}/{members}")) > 2
    assert len(plant.types(f"{SITES}/{members}")) == 1


@row(FOLDER, 11)
def test_events(plant: Plant) -> None:
    """An event is an object; the last one is the current value."""
    topic = f"{FAB}/eindhoven/_dpp/events/dpp_created"
    assert plant.kind(topic) == "object"
    assert plant.value(topic)[0]["event_type"] == "DPP_CREATED"
    assert plant.value(topic) == plant.heard(topic)[-1]


@row(FOLDER, 12)
def test_branch_and_leaf(plant: Plant) -> None:
    """An element with a payload of its own and elements below it has both."""
    assert plant.value(f"{SIM}/status")[0]["level"] == 4
    assert {node.name for node in plant.matching(f"{SIM}/status/[^/]+")} >= {"level", "level_name", "timestamp"}


@row(FOLDER, 13)
def test_controls(plant: Plant) -> None:
    """Controls are values by default and commands where that is configured."""
    assert f"{SIM}/control/level" in plant
    commanded = ruled(FOLDER, f"{SIM}/control/#", use="command")
    assert f"{SIM}/control/level" not in commanded
    assert f"{SIM}/control/level" in commanded.commands()


@row(FOLDER, 14)
def test_duplicates(plant: Plant) -> None:
    """Raw tags stay beside the data points that they repeat; a dot is no level."""
    assert plant.value(f"{LASER}/_raw/oee.availability")[1] == "Good"


@row(FOLDER, 15)
def test_units(plant: Plant) -> None:
    """No unit is guessed from a name."""
    assert plant.unit(f"{FAB}/eindhoven/Energy/Edge/ConsumptionKW") is None


@row(FOLDER, 15)
def test_guessed_units(plant: Plant) -> None:
    """Units are guessed from names where that is configured."""
    energy = f"{FAB}/eindhoven/Energy/Edge"
    assert plant[f"{energy}/ConsumptionKW"].unit is None
    assert Plant(FOLDER, guess_units=True)[f"{energy}/ConsumptionKW"].unit == "kW"
