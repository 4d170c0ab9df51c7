"""Home automation: availability topics, last wills, discovery documents, attributes beside their topics."""

from expected import Plant, row, ruled

FOLDER = "home_iot"
LIGHT = "zigbee2mqtt/kitchen/floor_light"
TASMOTA = "tele/tasmota_C59B5E"
ENGINE = "homie/super-car/engine"


@row(FOLDER, 1)
def test_availability_and_commands(plant: Plant) -> None:
    """A light is an object with an availability below it; set and get are commands and no elements."""
    assert plant.value(LIGHT) == ({"state": "ON", "brightness": 215, "color_temp": 325}, "Good")
    assert f"{LIGHT}/availability" in plant
    assert {f"{LIGHT}/set", f"{LIGHT}/get"} <= plant.commands()
    assert f"{LIGHT}/set" not in plant
    assert f"{LIGHT}/get" not in plant


@row(FOLDER, 2)
def test_optional_fields(plant: Plant) -> None:
    """Both weather stations are of one type, which has the fields that came late or on one of them only."""
    assert plant.names("zigbee2mqtt/weather_[12]") == {"Weather"}
    schema = plant.schema("zigbee2mqtt/weather_1")
    assert {"battery", "linkquality"} <= schema["properties"].keys()
    assert not {"battery", "linkquality"} & set(schema.get("required", ()))


@row(FOLDER, 3)
def test_offline(plant: Plant) -> None:
    """A station that is offline has no good value; the other one has."""
    assert plant.value("zigbee2mqtt/weather_2")[1] in ("Bad", "Uncertain")
    assert plant.value("zigbee2mqtt/weather_1")[1] == "Good"


@row(FOLDER, 4)
def test_device_list(plant: Plant) -> None:
    """The list of devices is a document."""
    value, quality = plant.value("zigbee2mqtt/bridge/devices")
    assert value[0]["friendly_name"] == "weather_1"
    assert quality == "Good"


@row(FOLDER, 5)
def test_discovery(plant: Plant) -> None:
    """A discovery document tells the unit of the topic that it is about."""
    assert plant.unit("p4d2mqtt/sensor/Kesseltemperatur_0x0/state") == "°C"


@row(FOLDER, 6)
def test_value_only(plant: Plant) -> None:
    """An object with nothing but a value is that value."""
    assert plant.value("p4d2mqtt/sensor/Kesseltemperatur_0x0/state") == (71.0, "Good")


@row(FOLDER, 7)
def test_tasmota_time(plant: Plant) -> None:
    """`Time` has no zone: the configured one, UTC by default."""
    assert plant.time(f"{TASMOTA}/SENSOR") == 1_623_567_592_000_000_000


@row(FOLDER, 7)
def test_tasmota_unit(plant: Plant) -> None:
    """`TempUnit` is the unit of the temperatures beside it."""
    assert plant.field(f"{TASMOTA}/SENSOR#/DHT11/Temperature").unit == "°C"


@row(FOLDER, 7)
def test_tasmota_last_will(plant: Plant) -> None:
    """LWT tells whether the telemetry beside it can be trusted; commands are none."""
    assert plant.value("tele/tasmota_9CF9D1/SENSOR")[1] in ("Bad", "Uncertain")
    assert plant.value(f"{TASMOTA}/SENSOR")[1] == "Good"
    assert "cmnd/tasmota_C59B5E/POWER" in plant.commands()
    assert plant.value("stat/tasmota_C59B5E/POWER") == ("ON", "Good")


@row(FOLDER, 8)
def test_switches(plant: Plant) -> None:
    """ON and OFF are words by default, booleans where that is configured."""
    topic = "stat/tasmota_C59B5E/POWER"
    assert plant.value(topic) == ("ON", "Good")
    assert ruled(FOLDER, topic, coerce=frozenset({"booleans"})).value(topic) == (True, "Good")


@row(FOLDER, 9)
def test_leaf_with_a_command(plant: Plant) -> None:
    """A relay is a value; what is below its command level asks for something."""
    assert plant.value("shellies/shellyem-B9E0CD/relay/0") == ("off", "Good")
    assert "shellies/shellyem-B9E0CD/relay/0/command" in plant.commands()


@row(FOLDER, 10)
def test_homie_attributes(plant: Plant) -> None:
    """Attributes beside a property describe it: unit and name."""
    topic = f"{ENGINE}/temperature"
    assert plant.unit(topic) == "°C"
    assert plant.unit(f"{ENGINE}/speed") == "km/h"
    assert plant.shown(topic)["displayName"] == "Engine temperature"


@row(FOLDER, 10)
def test_homie_limits(plant: Plant) -> None:
    """A format of two numbers declares the limits of a property."""
    topic = f"{ENGINE}/temperature"
    assert (plant.schema(topic).get("minimum"), plant.schema(topic).get("maximum")) == (-20, 120)


@row(FOLDER, 10)
def test_homie_lost(plant: Plant) -> None:
    """A device that is lost is Bad as a whole; set is a command."""
    assert {plant.value(f"{ENGINE}/{name}") for name in ("temperature", "speed", "direction")} == {(None, "Bad")}
    assert f"{ENGINE}/speed/set" in plant.commands()
