"""United Manufacturing Hub: data contracts, the classic historian, and values out of order."""

from expected import Plant, row, ruled

FOLDER = "umh"
LINE = "umh/v1/enterprise/chicago/packaging/line-1"
MILL = "umh/v1/acme/_historian/cnc-mill"
SPEED = "umh/v1/acme/chicago/packaging/line1/filler/_raw/speed"


@row(FOLDER, 1)
def test_paths(plant: Plant) -> None:
    """Locations are the hierarchy; contracts are parts of what they are about."""
    assert plant.things("umh/v1/acme/(chicago|plant)|umh/v1/enterprise/chicago/packaging/line-1/pump-0[123]") == 5
    assert plant.parts("umh/v1/.*/_[a-z0-9_]+")


@row(FOLDER, 2)
def test_payload(plant: Plant) -> None:
    """A value with its epoch milliseconds is a scalar with the payload's time."""
    topic = "umh/v1/acme/plant/_raw/weather/temperature"
    assert plant.value(topic) == (23.4, "Good")
    assert plant.time(topic) == 1_733_904_005_123_000_000
    assert plant.kind(topic) == "number"


@row(FOLDER, 3)
def test_pumps(plant: Plant) -> None:
    """Three pumps are of one type; motor and diagnostics are parts of them."""
    assert plant.names(f"{LINE}/pump-0[123]") == {"Pump"}
    assert plant.parts(f"{LINE}/pump-0[123]/_pump_v1/motor(/diagnostics)?") == 6


@row(FOLDER, 3)
def test_contract(plant: Plant) -> None:
    """A contract names the type of what it is about, and its version."""
    kind = plant.type(f"{LINE}/pump-01")
    assert (kind["displayName"], kind["sourceTypeId"]) == ("Pump", "_pump_v1")
    assert kind["version"].startswith("1.")


@row(FOLDER, 4)
def test_next_version(plant: Plant) -> None:
    """The next version of a contract is another part of another type, beside the first."""
    one, two = f"{LINE}/pump-01/_pump_v1", f"{LINE}/pump-01/_pump_v2"
    assert plant.value(f"{two}/inlet_temperature") == (41.0, "Good")
    assert f"{one}/inlet_temperature" in plant
    assert plant[one].type is not plant[two].type
    assert plant.type(two)["version"].startswith("2.")


@row(FOLDER, 5)
def test_historian(plant: Plant) -> None:
    """Documents are objects with the payload's time; the last one counts and its fields are optional."""
    assert plant.value(MILL)[0] == {"timestamp_ms": 1_670_001_235_567, "pos": {"x": 13.0}}
    assert plant.time(MILL) == 1_670_001_235_567_000_000
    assert "required" not in plant.schema(MILL)
    assert {"x", "y", "z"} <= plant.schema(MILL)["properties"]["pos"]["properties"].keys()


@row(FOLDER, 5)
def test_historian_merged(plant: Plant) -> None:
    """Where it is configured, what a document leaves out keeps its value."""
    position = ruled(FOLDER, "umh/v1/acme/_historian/#", merge="deep").value(MILL)[0]["pos"]
    assert plant.value(MILL)[0]["pos"] == {"x": 13.0}
    assert position.keys() == {"x", "y", "z"}
    assert position["x"] == 13.0


@row(FOLDER, 6)
def test_arrays(plant: Plant) -> None:
    """An array of numbers holds numbers; an array of all sorts holds anything."""
    properties = plant.schema("umh/v1/factory/_historian/sensors")["properties"]
    assert properties["measurements"]["items"]["type"][0] == "number"
    assert properties["mixed_data"]["items"] == {} or len(properties["mixed_data"]["items"]["type"]) > 2


@row(FOLDER, 7)
def test_relational(plant: Plant) -> None:
    """A work order is an object at the time that it says."""
    topic = "umh/v1/acme/chicago/_maintenance_v1/work_order.create"
    assert plant.value(topic)[0]["order_id"] == "WO-2024-001"
    assert plant.time(topic) == 1_733_904_005_123_000_000


@row(FOLDER, 8)
def test_dots(plant: Plant) -> None:
    """A dot is no level."""
    topic = "umh/v1/demo/DefaultArea/DefaultProductionLine/SIEMENS-S7/_raw/DB1.DW20"
    assert plant.value(topic) == (1234, "Good")


@row(FOLDER, 9)
def test_out_of_order(plant: Plant) -> None:
    """An older value does not overwrite a newer one; history gets it."""
    assert (42.5, "Good") in plant.heard(SPEED)
    assert (41.0, "Good") not in plant.heard(SPEED)
    assert 41.0 in [value for value, _ in plant.late(SPEED)]


@row(FOLDER, 10)
def test_not_a_number(plant: Plant) -> None:
    """NaN as text is no value of a data point that is a number."""
    assert plant.value(SPEED) == (None, "Bad")
    assert plant.kind(SPEED) == "number"
