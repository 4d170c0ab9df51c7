"""Two lines with equipment, alarms and operator events."""

from expected import Plant, row

FOLDER = "mkashwin_uns"
CELL = "ManufacturingCo/PlantA/Production/Line[12]/Cell1"
TANK = "ManufacturingCo/PlantA/Production/Line1/Cell1/MixerTank"


@row(FOLDER, 1)
def test_hierarchy(plant: Plant) -> None:
    """Cells and equipment are things, aspects are parts."""
    assert plant.things(CELL) == 2
    assert plant.things(f"{CELL}/(MixerTank|FillingMachine|SCADA|HMI)") == 8
    assert plant.parts(f"{CELL}/[A-Za-z]+/(ProcessValue|Status|Alarm|EVENT)")


@row(FOLDER, 2)
def test_process_values(plant: Plant) -> None:
    """Envelopes with epoch seconds: numbers with units; an alarm status is an attribute, no quality."""
    found = [node for node in plant.matching(f"{CELL}/[A-Za-z]+/ProcessValue/.+") if node.reported]
    assert {(plant.kind(node.topic), plant.value(node.topic)[1]) for node in found} == {("number", "Good")}
    assert {plant.unit(node.topic) for node in found} == {"°C", "psi", "L/min"}
    assert all(node.said_ns and (node.attributes or {}).keys() == {"status", "source", "equipment"} for node in found)


@row(FOLDER, 3)
def test_status(plant: Plant) -> None:
    """An equipment status is an object with the payload's time; its other times are data."""
    assert "last_maintenance" in plant.value(f"{TANK}/Status/EquipmentStatus")[0]
    assert plant[f"{TANK}/Status/EquipmentStatus"].said_ns


@row(FOLDER, 4)
def test_events(plant: Plant) -> None:
    """Alarms and operator actions are objects with an array of objects."""
    for topic, key in ((f"{TANK}/Alarm/ActiveAlarms", "alarms"),):
        properties = plant.schema(topic)["properties"]
        assert {"id", "timestamp"} <= properties[key]["items"]["properties"].keys()
    for node in plant.matching(f"{CELL}/HMI/EVENT/OperatorActions"):
        assert "array" in plant.schema(node.topic)["properties"]["actions"]["type"]


@row(FOLDER, 5)
def test_types(plant: Plant) -> None:
    """Equipment of a name is of one type in both lines."""
    assert plant.names(f"{CELL}/MixerTank") == {"MixerTank"}
    assert plant.names(f"{CELL}/FillingMachine") == {"FillingMachine"}
