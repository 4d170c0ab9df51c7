"""What an engineer who knows the plants expects of recorded traffic, as far as it holds: things, types, values."""

import re
from typing import Any

import pytest
import recordings

from bridge.config import Settings
from bridge.engine import Engine, Options
from bridge.space import Node
from bridge.uns.moments import SECOND, parse

RECEIVED_NS = parse("2026-11-21T00:00:00Z") or 0  # shortly after the recordings were made
SETTLED_NS = 60 * SECOND

pytestmark = pytest.mark.skipif(
    not recordings.shared_folders(), reason=f"no recordings at {recordings.SHARED}: set BRIDGE_FIXTURES"
)

_engines: dict[str, Engine] = {}


def settled(folder: str) -> Engine:
    """The settled model of a recording; made once."""
    if folder not in _engines:
        engine = _engines[folder] = Engine(Options(aspects=Settings().model.aspects))
        traffic = list(recordings.messages(recordings.path_of(folder)))
        for number, message in enumerate(traffic):
            message.received_ns = RECEIVED_NS + number
        engine.ingest(traffic)
        for later in (0, SETTLED_NS):
            engine.arrange(RECEIVED_NS + later, float(later), lambda: 0.0)
        assert not engine.space.young
    return _engines[folder]


def element(folder: str, topic: str) -> Node:
    return settled(folder).space.by_topic[topic]


def matching(folder: str, pattern: str) -> list[Node]:
    return [node for topic, node in settled(folder).space.by_topic.items() if re.fullmatch(pattern, topic)]


def value(folder: str, topic: str) -> tuple[Any, str]:
    found = element(folder, topic).vqt(settled(folder).space.zone)
    return found[0], found[1]


FAB = "umh/v1/metalfab/[a-z]+/[a-z]+"
WATER = "abelara/plant1/utilities/water-system"
CELL = "ManufacturingCo/PlantA/Production/Line[12]/Cell1"
EDGE_NODE = "spBv1.0/Plant1/EN-Packaging"
MACHINE = f"{FAB}/(laser|press_brake|robot_weld|manual_weld|assembly|agv|qc|coating_line)_[0-9]+"


@pytest.mark.parametrize(
    ("folder", "pattern", "count"),
    [
        pytest.param("abelara_payload_examples", f"{WATER}/(pump-station|tank-area)", 2, id="abelara: areas"),
        pytest.param("abelara_payload_examples", f"{WATER}/[a-z-]+/(pump|tank)-[0-9]+", 5, id="abelara: machines"),
        pytest.param("innovaas_cnc", "acme/plant1/[a-z-]+", 4, id="innovaas: departments"),
        pytest.param("innovaas_cnc", "acme/plant1/[a-z-]+/cell-[0-9]+", 6, id="innovaas: cells"),
        pytest.param("innovaas_cnc", "acme/plant1/[a-z-]+/cell-[0-9]+/cnc-[0-9]+", 9, id="innovaas: machines"),
        pytest.param("metalfab", "umh/v1/metalfab/(eindhoven|roeselare|brasov)", 3, id="metalfab: sites"),
        pytest.param("metalfab", MACHINE, 23, id="metalfab: machines"),
        pytest.param("mkashwin_uns", CELL, 2, id="mkashwin: cells"),
        pytest.param("mkashwin_uns", f"{CELL}/(MixerTank|FillingMachine|SCADA|HMI)", 8, id="mkashwin: equipment"),
        pytest.param("packml", "Bathurst/Packaging/Line [12]", 2, id="packml: lines"),
        pytest.param("pitfalls", "acme/plant/line3/(pump0[1-6]|valve01)", 7, id="pitfalls: pumps and valve"),
        pytest.param("sparkplug", f"{EDGE_NODE}(/Filler 0[12])?", 3, id="sparkplug: node and devices"),
        pytest.param(
            "sparkplug",
            "spBv1.0/[^/]+/Ölofen Süd/Zonen/Zone [1-4]|spBv1.0/[^/]+/Ölofen Süd",
            None,
            id="sparkplug: zones",
        ),
        pytest.param("umh", "umh/v1/enterprise/chicago/packaging/line-1/pump-0[123]", 3, id="umh: pumps"),
    ],
)
def test_things(folder: str, pattern: str, count: int | None) -> None:
    """Machines and the places that hold them are things: hierarchy all the way down to them."""
    found = matching(folder, pattern)
    assert found
    assert count is None or len(found) == count
    assert [node.topic for node in found if node.part] == []


@pytest.mark.parametrize(
    ("folder", "pattern", "count"),
    [
        pytest.param(
            "abelara_payload_examples", f"{WATER}/[a-z-]+/(pump|tank)-[0-9]+/[a-z]+", 45, id="abelara: aspects"
        ),
        pytest.param("innovaas_cnc", "acme/.*/cnc-[0-9]+/info(/(sensors|status|production))?", 36, id="innovaas: info"),
        pytest.param("metalfab", f"{MACHINE}/(Asset|Edge|Line|Line/OEE|Dashboard|_raw)", 136, id="metalfab: aspects"),
        pytest.param(
            "mkashwin_uns", f"{CELL}/[A-Za-z]+/(ProcessValue|Status|Alarm|EVENT)", None, id="mkashwin: aspects"
        ),
        pytest.param("packml", "Bathurst/Packaging/Line [12]/(Status|Admin)", 4, id="packml: Status and Admin"),
        pytest.param("packml", "Bathurst/.*/(Parameter|Prod[A-Za-z]+Count)(/[01])?", None, id="packml: indexed"),
        pytest.param(
            "sparkplug", f"{EDGE_NODE}/Filler 0[12]/(Process|Count|Recipe|Diag)", 8, id="sparkplug: metric folders"
        ),
        pytest.param("umh", "umh/v1/acme/_historian|umh/v1/demo/.*/_raw", 2, id="umh: contracts"),
    ],
)
def test_parts(folder: str, pattern: str, count: int | None) -> None:
    """Aspects of a machine, and levels that only group or count data points, are parts."""
    found = matching(folder, pattern)
    assert found
    assert count is None or len(found) == count
    assert [node.topic for node in found if not node.part] == []


@pytest.mark.parametrize(
    ("folder", "pattern", "name"),
    [
        pytest.param("abelara_payload_examples", f"{WATER}/pump-station/pump-[0-9]+", "Pump", id="abelara: pumps"),
        pytest.param("abelara_payload_examples", f"{WATER}/tank-area/tank-[0-9]+", "Tank", id="abelara: tanks"),
        *[
            pytest.param("abelara_payload_examples", f".*-[0-9]+/{aspect}", aspect.title(), id=f"abelara: {aspect}")
            for aspect in ("state", "alert", "asset", "product", "production")
        ],
        pytest.param("innovaas_cnc", "acme/.*/cnc-[0-9]+", "Cnc", id="innovaas: one type for all machines"),
        *[
            pytest.param("metalfab", f"{FAB}/{role}_[0-9]+", name, id=f"metalfab: {role}")
            for role, name in {
                "laser": "Laser",
                "press_brake": "PressBrake",
                "robot_weld": "RobotWeld",
                "manual_weld": "ManualWeld",
                "assembly": "Assembly",
                "agv": "Agv",
                "qc": "Qc",
                "coating_line": "CoatingLine",
            }.items()
        ],
        pytest.param("metalfab", f"{MACHINE}/Asset", "Asset", id="metalfab: assets"),
        pytest.param("metalfab", f"{MACHINE}/Line/OEE", "OEE", id="metalfab: one OEE for all machines"),
        pytest.param("metalfab", f"{MACHINE}/Dashboard/OEE", "DashboardOEE", id="metalfab: OEE documents"),
        pytest.param("metalfab", "umh/.*/MES/Quality/.*", "QualityItem", id="metalfab: a collection"),
        pytest.param("metalfab", "umh/.*/_dpp/passports/DPP-[0-9-]+/summary", "Summary", id="metalfab: passports"),
        pytest.param("mkashwin_uns", f"{CELL}/MixerTank", "MixerTank", id="mkashwin: mixers"),
        pytest.param("mkashwin_uns", f"{CELL}/FillingMachine", "FillingMachine", id="mkashwin: fillers"),
        pytest.param("packml", "Bathurst/Packaging/Line [12]", "Line", id="packml: lines"),
        pytest.param("packml", "Bathurst/.*/Status/Parameter/[01]", "ParameterItem", id="packml: parameters"),
        pytest.param("pitfalls", "acme/plant/line3/pump0[1-6]", "Pump", id="pitfalls: pumps"),
        pytest.param("pitfalls", "acme/plant/line3/pump0[1-6]/telemetry", "Telemetry", id="pitfalls: telemetry"),
        pytest.param("pitfalls", "acme/plant/line3/valve01", "Valve", id="pitfalls: the valve"),
        pytest.param("pitfalls", "acme/plant/orders/ORD-[0-9]+", "ORD", id="pitfalls: orders"),
        pytest.param("sparkplug", f"{EDGE_NODE}/Filler 0[12]", "Filler", id="sparkplug: devices"),
        pytest.param("sparkplug", "spBv1.0/.*/Zone [1-4]", "Zone", id="sparkplug: zones"),
        pytest.param("vendor_formats", "uagv/v2/KIT/000[12]", "KITItem", id="vendors: vehicles"),
        pytest.param(
            "vendor_formats", "enterprise/site/area/line/_highbyte/Motor10[12]", "Motor", id="vendors: motors"
        ),
        pytest.param("home_iot", "zigbee2mqtt/weather_[12]", "Weather", id="home: weather stations"),
    ],
)
def test_one_type(folder: str, pattern: str, name: str) -> None:
    """Equipment and documents of a kind share one type, named as a person would."""
    found = matching(folder, pattern)
    assert found
    assert {node.type.name for node in found} == {name}


@pytest.mark.parametrize(
    ("folder", "topic", "kind"),
    [
        pytest.param("metalfab", "umh/v1/metalfab/eindhoven/cutting/laser_01/Edge/LaserPower", "number", id="float"),
        pytest.param(
            "metalfab", "umh/v1/metalfab/eindhoven/cutting/laser_01/Edge/CuttingSpeed", "integer", id="integer"
        ),
        pytest.param(
            "metalfab", "umh/v1/metalfab/eindhoven/cutting/laser_01/Edge/StateName", "string", id="quoted text"
        ),
        pytest.param("metalfab", "umh/v1/metalfab/eindhoven/cutting/laser_01/Dashboard/OEE", "object", id="document"),
        pytest.param(
            "packml", "Bathurst/Packaging/Line 1/Admin/ProdConsumedCount/0/Count", "number", id="0, then fractions"
        ),
        pytest.param("packml", "Bathurst/Packaging/Line 1/Status/StateCurrent", "integer", id="state number"),
        pytest.param("packml", "Bathurst/Packaging/Line 1/Status/StateCurrentStr", "string", id="state name"),
        pytest.param(
            "innovaas_cnc", "acme/plant1/machining/cell-01/cnc-001/info/production/parts-count", "integer", id="count"
        ),
        pytest.param(
            "innovaas_cnc", "acme/plant1/machining/cell-01/cnc-001/info/sensors/vibration", "number", id="enveloped"
        ),
        pytest.param(
            "innovaas_cnc", "acme/plant1/machining/cell-01/cnc-001/info/status/operational", "string", id="word"
        ),
        pytest.param(
            "abelara_payload_examples",
            f"{WATER}/pump-station/pump-101/kpi/oee/quality",
            "number",
            id="a KPI named quality",
        ),
        pytest.param("mqtt_simulator", "lamp/1", "object", id="object"),
        pytest.param("pitfalls", "pitfalls/drift/int_then_float", "number", id="integer widened in place"),
        pytest.param("pitfalls", "pitfalls/text/bit01", "integer", id="0 and 1"),
        pytest.param("pitfalls", "pitfalls/env/value_array", "array", id="array in an envelope"),
        pytest.param("pitfalls", "pitfalls/env/value_object", "object", id="object in an envelope"),
        pytest.param("umh", "umh/v1/acme/plant/_raw/weather/temperature", "number", id="timestamp_ms and value"),
    ],
)
def test_kind(folder: str, topic: str, kind: str) -> None:
    """The root type of a data point's schema is what its values are."""
    assert element(folder, topic).type.schema()["type"] == kind


@pytest.mark.parametrize(
    ("folder", "topic", "expected"),
    [
        pytest.param("pitfalls", "pitfalls/drift/mixed", (7, "Good"), id="the last value, whatever came before"),
        pytest.param("pitfalls", "pitfalls/text/big_int", (9007199254740993, "Good"), id="integers exactly"),
        pytest.param("pitfalls", "pitfalls/text/crlf", (23.5, "Good"), id="line end trimmed"),
        pytest.param("pitfalls", "pitfalls/text/bom", (1, "Good"), id="byte order mark stripped"),
        pytest.param("pitfalls", "pitfalls/text/escaped_num", ("23.5", "Good"), id="quoted number stays text"),
        pytest.param("pitfalls", "pitfalls/json/nan", (None, "Bad"), id="NaN"),
        pytest.param("pitfalls", "pitfalls/json/huge_exp", (None, "Bad"), id="infinity"),
        pytest.param("pitfalls", "pitfalls/json/dup_keys", (2, "Good"), id="of two keys the last"),
        pytest.param("pitfalls", "pitfalls/env/short", (None, "Bad"), id="v, t, q"),
        pytest.param("pitfalls", "pitfalls/env/v_is_voltage", ({"v": 230.1, "a": 1.2, "w": 270}, "Good"), id="voltage"),
        pytest.param("pitfalls", "pitfalls/time/future", (10, "Good"), id="the future does not block the present"),
        pytest.param("pitfalls", "pitfalls/time/order", (3.5, "Good"), id="equal time replaces, older does not"),
        pytest.param("pitfalls", "pitfalls/bin/float32_le", ("AAC8QQ==", "Good"), id="bytes as base64"),
        pytest.param("pitfalls", "acme/plant/line1/robot", ("RUNNING", "Good"), id="leaf and branch at once"),
        pytest.param("sparkplug", f"{EDGE_NODE}/Filler 01/Diag/TotalCycles", (9007199254740993, "Good"), id="Int64"),
        pytest.param("sparkplug", f"{EDGE_NODE}/Filler 01/Recipe/Name", (None, "GoodNoData"), id="is_null"),
        pytest.param("sparkplug", f"{EDGE_NODE}/Filler 01/Event/LastAlarm", (None, "Bad"), id="NDEATH, then no value"),
        pytest.param("sparkplug", f"{EDGE_NODE}/Filler 02", (None, "Bad"), id="DDEATH"),
        pytest.param("umh", "umh/v1/acme/chicago/packaging/line1/filler/_raw/speed", (None, "Bad"), id="NaN as text"),
        pytest.param("vendor_formats", "devicehub.alias.PLC-01.Temperature", (None, "Bad"), id="success false"),
    ],
)
def test_value(folder: str, topic: str, expected: tuple[Any, str]) -> None:
    """Value and quality of a data point after the whole recording."""
    assert value(folder, topic) == expected


@pytest.mark.parametrize(
    ("folder", "topic", "unit"),
    [
        pytest.param("abelara_payload_examples", f"{WATER}/pump-station/pump-101/edge/flow", "m³/h", id="abelara"),
        pytest.param(
            "innovaas_cnc", "acme/plant1/machining/cell-01/cnc-001/info/sensors/vibration", "mm/s", id="innovaas"
        ),
        pytest.param(
            "mkashwin_uns", f"{CELL.replace('[12]', '1')}/MixerTank/ProcessValue/Pressure", "psi", id="mkashwin"
        ),
        pytest.param("sparkplug", f"{EDGE_NODE}/CPU/Temperature", "°C", id="sparkplug"),
        pytest.param("pitfalls", "pitfalls/env/pi", "bar", id="UnitsAbbreviation"),
        pytest.param(
            "metalfab", "umh/v1/metalfab/eindhoven/Energy/Edge/ConsumptionKW", None, id="never guessed from a name"
        ),
    ],
)
def test_unit(folder: str, topic: str, unit: str | None) -> None:
    """A unit is what the payload says, and stands in the schema of the data point's type."""
    found = element(folder, topic)
    assert (found.unit, found.type.schema().get("unit")) == (unit, unit)


@pytest.mark.parametrize(
    ("folder", "most"),
    [
        pytest.param("metalfab", 330, id="metalfab: 6,100 elements"),
        pytest.param("abelara_payload_examples", 140, id="abelara: 830 elements"),
        pytest.param("innovaas_cnc", 25 + 136, id="innovaas: 136 of them topics without levels"),
    ],
)
def test_types_are_few(folder: str, most: int) -> None:
    """Types are shared: no type for each tag, order or material."""
    assert len(settled(folder).space.registry.by_id) <= most


def test_distinct_topics_stay_distinct() -> None:
    """Case and empty levels tell topics apart."""
    assert (value("pitfalls", "acme/CASE/x"), value("pitfalls", "acme/case/x")) == ((1, "Good"), (2, "Good"))
    assert value("pitfalls", "//") == (4, "Good")
    assert value("pitfalls", "trailing/slash/temp/") == (2, "Good")
