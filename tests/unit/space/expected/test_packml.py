"""Packaging lines after PackML, as text over plain MQTT and once over Sparkplug."""

from expected import Plant, row

FOLDER = "packml"
LINE = "Bathurst/Packaging/Line 1"
LINES = "Bathurst/Packaging/Line [12]"
SPARKPLUG = "spBv1.0/Greenville/CNC"


@row(FOLDER, 1)
def test_hierarchy(plant: Plant) -> None:
    """Both lines are things of one type with parts for status and administration."""
    assert plant.things(LINES) == 2
    assert plant.names(LINES) == {"Line"}
    assert plant.parts(f"{LINES}/(Status|Admin)") == 4
    assert f"{LINE}/Command" not in plant


@row(FOLDER, 2)
def test_leaves(plant: Plant) -> None:
    """Bare text is a number, an integer or a word; a count that begins with 0 widens within its type."""
    assert plant.value(f"{LINE}/Status/StateCurrent") == (6, "Good")
    assert plant.value(f"{LINE}/Status/StateCurrentStr") == ("Execute", "Good")
    assert [plant.kind(f"{LINE}/Status/{name}") for name in ("StateCurrent", "StateCurrentStr")] == [
        "integer",
        "string",
    ]
    assert plant.kind(f"{LINE}/Admin/ProdConsumedCount/0/Count") == "number"
    assert len(plant.types(f"{LINES}/Admin/Prod.*Count/0/Count")) == 1


@row(FOLDER, 3)
def test_parameters(plant: Plant) -> None:
    """Numbers as levels count instances: the parameters of all lines share a type."""
    assert len(plant.types(f"{LINES}/Status/Parameter/[01]")) == 1
    assert plant.parts(f"{LINES}/Status/Parameter(/[01])?") == 6


@row(FOLDER, 3)
def test_counts(plant: Plant) -> None:
    """The three counts of products share a type."""
    assert len(plant.types(f"{LINES}/Admin/Prod(Consumed|Defective|Processed)Count/0")) == 1


@row(FOLDER, 4)
def test_siblings(plant: Plant) -> None:
    """A unit in the topic beside a value is the value's."""
    assert plant.unit(f"{LINE}/Status/Parameter/0/Value") == "degC"
    assert plant.unit(f"{LINE}/Admin/ProdConsumedCount/0/Count") == "Each"


@row(FOLDER, 5)
def test_commands(plant: Plant) -> None:
    """Everything below Command asks for something."""
    asked = {message.topic for message in plant.traffic if "/Command/" in message.topic}
    assert asked
    assert asked == plant.commands()
    assert not asked & plant.topics


@row(FOLDER, 6)
def test_retained(plant: Plant) -> None:
    """What is published as retained is there, at the time of its arrival."""
    assert plant.value(f"{LINE}/Admin/MachDesignSpeed") == (100, "Good")
    assert plant.arrived(f"{LINE}/Admin/MachDesignSpeed")


@row(FOLDER, 7)
def test_sparkplug(plant: Plant) -> None:
    """Group, node and device are things with the tags as parts; a death ends all of them; housekeeping is no value."""
    assert plant.things(f"{SPARKPLUG}(/Line 1)?") == 2
    assert plant.parts(f"{SPARKPLUG}/Line 1/(Admin|Status)") == 2
    assert {plant.value(node.topic) for node in plant.matching(f"{SPARKPLUG}/.+") if node.reported} == {(None, "Bad")}
    assert not [topic for topic in plant.topics if "bdSeq" in topic or "Node Control" in topic]


@row(FOLDER, 8, "two roots are two namespaces, and each has a Line of its own")
def test_same_shape(plant: Plant) -> None:
    """The device and the lines are of one type."""
    assert plant.names(f"{SPARKPLUG}/Line 1") == plant.names(LINES)
    assert len(plant.types(f"({SPARKPLUG}/Line 1|{LINES})")) == 1
