"""Envelopes of vendors, one row each in the order of the table."""

from expected import Plant, row, ruled, times

from bridge.space import Limits

FOLDER = "vendor_formats"
DATABUS = "ie/d/j/simatic/v1/s7c1/dp"
BMS = "BMS/v1/PUB/Value/CoolingTower/LiquidTemperature/B1"
WRITER = "opcua/json/data/pub1/group1/writer1"
JOURNEYS = "/hfp"
FACTORY_PLUS = "UNS/v1/AMRC/Factory2050/Assembly/Line1/Station1/Edge/my-device/CNC/Axes/X/Position/Actual"


@row(FOLDER, 1)
def test_kepware_gateway(plant: Plant) -> None:
    """A batch is a data point for each id, its dots levels, with time and quality of its own."""
    device = "iotgateway/Channel1/Device1"
    assert plant.heard(f"{device}/Tag1") == [(1121, "Good"), (1125, "Good"), (None, "Bad")]
    assert plant.value(f"{device}/Tag2") == (0, "Good")
    assert plant.time(f"{device}/Tag1") == 1_593_698_691_342_000_000


@row(FOLDER, 2)
def test_kepserver(plant: Plant) -> None:
    """An array of tags is a data point for each tag."""
    assert plant.value("kepserver/Group A/Device C - D/Tag 42") == (1291, "Good")
    assert plant.value("kepserver/Group B/Device A - F/Tag 7") == (185.2, "Good")
    assert plant.time("kepserver/Group B/Device A - F/Tag 7") == 1_651_604_185_020_000_000


@row(FOLDER, 3)
def test_litmus(plant: Plant) -> None:
    """A scalar with its time; no success is Bad."""
    alias = "devicehub.alias.PLC-01"
    assert plant.value(f"{alias}.Running") == (True, "Good")
    assert plant.value(f"{alias}.Temperature") == (None, "Bad")
    assert plant.attributes(f"{alias}.Counter")["datatype"] == "int64"
    assert not plant.arrived(f"{alias}.Counter")


@row(FOLDER, 4)
def test_databus(plant: Plant) -> None:
    """Data points with the names of the definitions, integers exactly, 3 Good and 0 Bad."""
    points = f"{DATABUS}/r/PLC1/default"
    assert [plant.shown(f"{points}/{ident}")["displayName"] for ident in (101, 102, 103)] == [
        "Motor.Speed", "Motor.Running", "Counter"
    ]  # fmt: skip
    assert plant.heard(f"{points}/101") == [(1480.5, "Good"), (None, "Bad")]
    assert plant.value(f"{points}/102") == (True, "Good")
    assert plant.value(f"{points}/103") == (9007199254740993, "Good")
    assert plant.time(f"{points}/103") == times("2021-02-04T08:10:34.534Z")[0]


@row(FOLDER, 5)
def test_databus_write(plant: Plant) -> None:
    """A write request is a command."""
    assert f"{DATABUS}/w/PLC1" in plant.commands()


@row(FOLDER, 6)
def test_industrial_information_hub(plant: Plant) -> None:
    """Data points in an array or an object, with quoted qualities and numbers."""
    stress = "factory_1/motors/StressTest_grpc/StressTest_1/StressTest_1_3"
    assert plant.value(stress) == (15152, "Good")
    assert plant.time(stress) == times("2024-06-13T13:05:22Z")[0]
    line = "Siemens/CityX/BuildingX/LineX"
    assert plant.value(f"{line}/CircuitBoardAssembly/SolderingTemperature") == (350.2, "Good")
    assert plant.value(f"{line}/TestingNPackaging/TestSuccessful") == (True, "Good")


@row(FOLDER, 7)
def test_azure(plant: Plant) -> None:
    """Fields that are envelopes are data points; a field that is left out keeps its value."""
    thermostat = "azure-iot-operations/data/thermostat"
    assert plant.value(f"{thermostat}/Tag 10") == (4560, "Good")
    assert plant.value(f"{thermostat}/temperature") == (None, "Bad")
    assert plant.time(f"{thermostat}/Tag 10") == times("2024-07-29T15:02:19.1858869Z")[0]


@row(FOLDER, 8)
def test_opc_publisher(plant: Plant) -> None:
    """A sample is a data point with the time at the source."""
    topic = "plant/opcpublisher/samples/StepUp"
    assert plant.value(topic) == (21713, "Good")
    assert plant.time(topic) == times("2022-03-18T12:52:42.1327544Z")[0]


@row(FOLDER, 9)
def test_network_message(plant: Plant) -> None:
    """Each field of a data set is a data point; a bad status without a value is null."""
    assert plant.value(f"{WRITER}/AlternatingBoolean") == (True, "Good")
    assert plant.value(f"{WRITER}/StepUp") == (23305, "Good")
    assert plant.value(f"{WRITER}/BadFastUInt1") == (None, "Bad")
    assert plant.time(f"{WRITER}/StepUp") == times("2022-03-18T12:55:21.3313539Z")[0]


@row(FOLDER, 10)
def test_minimal_data_sets(plant: Plant) -> None:
    """Data sets without an envelope are objects."""
    for name in ("DataSet1", "DataSet2"):
        assert plant.kind(f"opcua/json/data/minimal/{name}") == "object"
        assert plant.arrived(f"opcua/json/data/minimal/{name}")


@row(FOLDER, 11)
def test_building_management(plant: Plant) -> None:
    """1 is Good, null is Bad, and the unit comes from the tree of metadata."""
    assert plant.value(f"{BMS}/CT-01/SupplyTemp") == (22.96215, "Good")
    assert plant.value(f"{BMS}/CT-02/SupplyTemp") == (None, "Bad")
    assert plant.unit(f"{BMS}/CT-01/SupplyTemp") == "°C"


@row(FOLDER, 12)
def test_optix(plant: Plant) -> None:
    """Records are data points; the time has an offset."""
    assert plant.value("optix/line1/ModbusTag2") == (41, "Good")
    assert plant.time("optix/line1/ModbusTag2") == times("2024-01-16T13:31:31.5096725Z")[0]


@row(FOLDER, 13)
def test_apis(plant: Plant) -> None:
    """Several tags share time and quality, and 0 is Good where that is configured."""
    configured = ruled(FOLDER, "apis/vqt1", quality_profile="zero-is-good", time="t", quality="q")
    value, quality = configured.value("apis/vqt1")
    assert (value["Tag1"], quality) == (43, "Good")
    assert configured.time("apis/vqt1") == times("2022-09-22T06:06:28.891Z")[0]
    assert plant.value("apis/vqt1")[0]["Tag1"] == 43


@row(FOLDER, 14)
def test_apis_batch(plant: Plant) -> None:
    """A batch of keys and values, each with a time and quality or those of the batch."""
    configured = ruled(FOLDER, "apis/vqt2", quality_profile="zero-is-good")
    assert configured.value("apis/vqt2/Tag1") == (44, "Good")
    assert configured.value("apis/vqt2/Tag2") == (58, "Good")
    assert plant.time("apis/vqt2/Tag1") == times("2022-09-22T06:06:29.891Z")[0]


@row(FOLDER, 15)
def test_factory_plus(plant: Plant) -> None:
    """A scalar to the nanosecond with a unit beside the payload; other samples are history."""
    assert (12.75, "Good") in plant.heard(FACTORY_PLUS)
    assert plant.unit(FACTORY_PLUS) == "mm"
    taken = {value for value, _ in [*plant.heard_at(FACTORY_PLUS), *plant.late(FACTORY_PLUS)]}
    assert taken == {12.75, 12.8, 12.85, 12.9}
    assert (12.75, times("2026-04-01T10:00:00.123456789Z")[0]) in plant.heard_at(FACTORY_PLUS)


@row(FOLDER, 16)
def test_thin_edge(plant: Plant) -> None:
    """Empty levels count; an empty retained payload takes the alarm away."""
    assert plant.value("te/device/main///m/environment") == ({"temperature": 23.4}, "Good")
    assert plant.value("te/device/main///m/") == ({"temperature": 23.4}, "Good")
    assert plant.time("te/device/child01///m/environment") == times("2023-06-22T15:03:14Z")[0]
    assert plant.value("te/device/main///a/temp_high") == (None, "GoodNoData")


@row(FOLDER, 17)
def test_vehicles(plant: Plant) -> None:
    """Vehicles share a type; a broken connection makes what is beside it Bad."""
    assert len(plant.types("uagv/v2/KIT/000[12]")) == 1
    assert plant.value("uagv/v2/KIT/0001/state")[1] == "Bad"
    assert plant.value("uagv/v2/KIT/0002/state")[1] == "Good"


@row(FOLDER, 17)
def test_vehicle_orders(plant: Plant) -> None:
    """An order to a vehicle is a command."""
    assert "uagv/v2/KIT/0001/order" in plant.commands()


@row(FOLDER, 17)
def test_vehicle_name(plant: Plant) -> None:
    """Vehicles are named as their protocol names them."""
    assert plant.names("uagv/v2/KIT/000[12]") == {"AGV"}


@row(FOLDER, 18)
def test_meshify(plant: Plant) -> None:
    """An array of one envelope is that envelope; a time in 1970 is none."""
    topic = "meshify/db/t1/p1/tank/u1/level"
    assert plant.value(topic) == (12.5, "Good")
    assert plant.arrived(topic)


@row(FOLDER, 19)
def test_ditto(plant: Plant) -> None:
    """An event about a point is an object with the payload's time."""
    topic = "ditto/org.acme/lamp-1/things/twin/events/modified"
    assert plant.value(topic)[0]["path"] == "/features/temperature/properties/value"
    assert not plant.arrived(topic)


@row(FOLDER, 20)
def test_telegraf(plant: Plant) -> None:
    """Fields and tags are an object; a line of text is a text."""
    value, quality = plant.value("telegraf/host01/cpu")
    assert (value["fields"]["usage_idle"], quality) == (97.2, "Good")
    assert plant.time("telegraf/host01/cpu") == 1_718_000_000_000_000_000
    assert plant.kind("telegraf/host01/mem") == "string"


@row(FOLDER, 21)
def test_thingsboard(plant: Plant) -> None:
    """Values have the time beside them."""
    value, quality = plant.value("v1/devices/me/telemetry")
    assert (value.get("values", value)["temperature"], quality) == (36.6, "Good")
    assert plant.time("v1/devices/me/telemetry") == 1_451_649_600_512_000_000


@row(FOLDER, 22)
def test_smarthome(plant: Plant) -> None:
    """val and ts are value and time."""
    topic = "hm/status/Ender:0/ACTUAL_TEMPERATURE"
    assert plant.value(topic) == (27, "Good")
    assert plant.time(topic) == 1_615_148_877_804_000_000


@row(FOLDER, 23)
def test_octoprint(plant: Plant) -> None:
    """An object with the payload's time in seconds."""
    value, quality = plant.value("octoPrint/temperature/tool0")
    assert (value["actual"], value["target"], quality) == (106.94, 0.0, "Good")
    assert plant.time("octoPrint/temperature/tool0") == 1_614_782_341_000_000_000


@row(FOLDER, 24)
def test_ems_esp(plant: Plant) -> None:
    """Quoted numbers are texts by default, numbers where that is configured."""
    assert plant.value("boiler_data")[0]["outdoorTemp"] == "19.6"
    configured = ruled(FOLDER, "boiler_data", coerce=frozenset({"numbers"}))
    assert configured.value("boiler_data")[0]["outdoorTemp"] == 19.6


@row(FOLDER, 25)
def test_highbyte(plant: Plant) -> None:
    """A model names the type of its instances, with the payload's time."""
    assert plant.names("enterprise/site/area/line/_highbyte/Motor10[12]") == {"Motor"}
    assert plant.time("enterprise/site/area/line/_highbyte/Motor101") == 1_603_393_233_293_000_000


@row(FOLDER, 26)
def test_volatile_levels(plant: Plant) -> None:
    """A leading slash is an empty level; the number of elements is bounded; the time may be named by its path."""
    (topic,) = (message.topic for message in plant.traffic if message.topic.startswith(JOURNEYS))
    assert plant.topics >= {"", JOURNEYS, topic}
    assert (topic, "elements") in Plant(FOLDER, limits=Limits(elements=100)).refused
    assert ruled(FOLDER, topic, time="VP.tst").time(topic) == times("2019-02-01T05:55:48.123Z")[0]


@row(FOLDER, 26)
def test_wrapped_time(plant: Plant) -> None:
    """A document around a document has the time of the inner one."""
    (topic,) = (message.topic for message in plant.traffic if message.topic.startswith(JOURNEYS))
    assert plant.time(topic) == times("2019-02-01T05:55:48.123Z")[0]
