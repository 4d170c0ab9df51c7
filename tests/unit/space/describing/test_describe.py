"""Elements that describe others: units, descriptions, names and limits from siblings, parents and elsewhere."""

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
import recordings
from feeding import Feed
from invariants import faults
from views import EngineView

from bridge.engine import Engine, Options
from bridge.space.describing.conventions import MAX_POINT
from bridge.uns.policy import Rule

DISCOVERY = "homeassistant/sensor/boiler/config"
STATE = "boiler/state"


def text(value: str) -> bytes:
    return value.encode()


def fed(values: Mapping[str, Any], **options: Any) -> Feed:
    """All topics arranged, each with its value; texts are published as they stand."""
    feed = Feed(**options)
    feed.take({topic: text(value) if isinstance(value, str) else value for topic, value in values.items()})
    return feed.arrange()


def told(feed: Feed, ident: str) -> dict[str, Any]:
    """What an element has of unit, description, label and limits."""
    node = feed.node(ident)
    limits = feed.engine.space.limits_of.get(ident)
    found = {"unit": node.unit, "description": node.description, "label": node.label, "limits": limits}
    return {key: value for key, value in found.items() if value is not None}


CONVENTIONS = [
    pytest.param({"a/X_PV": 1.5, "a/X_EU": "bar", "a/X_DESC": "Air"}, "a/X_PV", id="PV, EU, DESC"),
    pytest.param({"a/X.VALUE": 1.5, "a/X.EU": "bar", "a/X.DESCRIPTION": "Air"}, "a/X.VALUE", id="VALUE, dots"),
    pytest.param({"a/x": 1.5, "a/x_unit": "bar", "a/x_desc": "Air"}, "a/x", id="plain, lower case"),
    pytest.param({"a/x": 1.5, "a/x-units": "bar", "a/x-description": "Air"}, "a/x", id="plain, hyphens"),
    pytest.param(
        {"a/X_PV_Bar": 1.5, "a/X_EU": "bar", "a/X_DESC": "Air"}, "a/X_PV_Bar", id="PV with a unit in its name"
    ),
    pytest.param({"a/X": 1.5, "a/X.props": {"engUnit": "bar", "documentation": "Air"}}, "a/X", id="Ignition"),
    pytest.param({"a/h/Value": 1.5, "a/h/Units": "bar", "a/h/Description": "Air"}, "a/h/Value", id="Value, Units"),
    pytest.param({"a/h/PV": 1.5, "a/h/EngUnit": "bar", "a/h/Desc": "Air", "a/h/SP": 2}, "a/h/PV", id="PV beside SP"),
    pytest.param(
        {"v1/Value/h/t": {"value": 1.5, "quality": 1}, "v1/Metadata/h/t": {"unit": "bar", "description": "Air"}},
        "v1/Value/h/t",
        id="parallel trees",
    ),
]


@pytest.mark.parametrize(("values", "described"), CONVENTIONS)
def test_described(values: dict[str, Any], described: str) -> None:
    """By each convention an element gets unit and description, in whatever order the topics report."""
    for order in itertools.permutations(values):
        feed = fed({topic: values[topic] for topic in order})
        assert told(feed, described) == {"unit": "bar", "description": "Air"}
        assert feed.type(described)["schema"]["unit"] == "bar"
        assert faults(EngineView(feed.engine)) == []


@pytest.mark.parametrize(("values", "described"), CONVENTIONS)
def test_sources_stay(values: dict[str, Any], described: str) -> None:
    """What describes is an element with a value like any other, and is not described itself."""
    feed = fed(values)
    for topic in values.keys() - {described}:
        assert feed.value(topic)["value"] == values[topic]
        assert feed.node(topic).unit is None


def test_databus() -> None:
    """A data point is called by its id, and has the name that the metadata tell, whenever these come."""
    data, point = "ie/d/j/x/v1/c/dp/r/plc/default", {"id": "101", "name": "Motor.Speed", "dataType": "Real"}
    bundle = {"topic": data, "dataPointDefinitions": [{**point, "unit": "rpm"}, {"id": 5}, {"name": "x"}, 7]}
    values = {
        "ie/m/j/x/v1/c/dp": {"seq": 1, "connections": [{"dataPoints": [bundle]}]},
        data: {"seq": 2, "vals": [{"id": "101", "qc": 3, "val": "5.5"}]},
    }
    for order in (values, dict(reversed(values.items()))):
        feed = fed(order)
        assert told(feed, f"{data}/101") == {"unit": "rpm", "label": "Motor.Speed"}
        assert feed.object(f"{data}/101")["displayName"] == "Motor.Speed"
        assert faults(EngineView(feed.engine)) == []


def test_homie() -> None:
    """Attributes below a property describe it, a name any level; the format counts when the data type is known."""
    limited, chosen = "homie/car/engine/temperature", "homie/car/engine/direction"
    values = {
        limited: 20.5,
        f"{limited}/$unit": "°C",
        f"{limited}/$format": "-20:120",
        f"{limited}/$datatype": "float",
        f"{limited}/$name": "Engine temperature",
        chosen: "forward",
        f"{chosen}/$datatype": "enum",
        f"{chosen}/$format": "forward,backward",
        "homie/car/$name": "Super car",
    }
    for order in (values, dict(reversed(values.items()))):
        feed = fed(order)
        assert told(feed, limited) == {
            "unit": "°C",
            "label": "Engine temperature",
            "limits": {"minimum": -20, "maximum": 120},
        }
        assert told(feed, chosen) == {"limits": {"enum": ["forward", "backward"]}}
        assert told(feed, "homie/car") == {"label": "Super car"}


@pytest.mark.parametrize(
    ("kind", "said", "limits"),
    [
        pytest.param("integer", "0:100:5", {"minimum": 0, "maximum": 100}, id="step"),
        pytest.param("float", ":0.5", {"maximum": 0.5}, id="open"),
        pytest.param("float", "nan:inf", None, id="no numbers"),
        pytest.param("float", "10:-10", None, id="contradiction"),
        pytest.param("string", "0:100", None, id="of texts"),
        pytest.param("enum", "on,,off", None, id="empty choice"),
        pytest.param("enum", ",".join(map(str, range(1_000))), None, id="many choices"),
    ],
)
def test_homie_format(kind: str, said: str, limits: dict[str, Any] | None) -> None:
    """A format declares limits where the data type gives it a meaning, and they have one themselves."""
    feed = fed({"h/d/n/p": 5, "h/d/n/p/$datatype": kind, "h/d/n/p/$format": said})
    assert feed.engine.space.limits_of.get("h/d/n/p") == limits


def test_packml() -> None:
    """In an indexed parameter the unit is the value's and the name that of the parameter; counts share one unit."""
    feed = fed(
        {
            **{f"l/Parameter/0/{name}": said for name, said in _parameter("Speed", "m/min", Value=5.5).items()},
            **{f"l/Count/0/{name}": said for name, said in _parameter("Scrap", "Each", Count=0, AccCount=7).items()},
        }
    )
    assert told(feed, "l/Parameter/0") == {"label": "Speed"}
    assert told(feed, "l/Parameter/0/Value") == {"unit": "m/min"}
    assert told(feed, "l/Count/0") == {"label": "Scrap"}
    assert told(feed, "l/Count/0/Count") == told(feed, "l/Count/0/AccCount") == {"unit": "Each"}
    assert told(feed, "l/Count/0/ID") == {}


def _parameter(name: str, unit: str, **values: float) -> dict[str, Any]:
    return {"ID": 1, "Name": name, "Unit": unit, **values}


def test_limits() -> None:
    """Engineering ranges beside a value limit it, one end after the other; equal ends were set by nobody."""
    feed = fed({"a/h/Value": 5, "a/h/EngHigh": 16})
    assert told(feed, "a/h/Value") == {"limits": {"maximum": 16}}
    feed.take({"a/h/EngLow": 0})
    assert told(feed, "a/h/Value") == {"limits": {"minimum": 0, "maximum": 16}}
    feed.take({"a/h/EngLow": 16})
    assert told(feed, "a/h/Value") == {}


def test_one_value() -> None:
    """Units are those of the only value beside them, until there are two; a unit of the plant is none of measure."""
    feed = fed({"a/p/Units": "bar", "a/p/pressure": 1.5})
    assert told(feed, "a/p/pressure") == {"unit": "bar"}
    feed.take({"a/p/flow": 3})
    assert told(feed, "a/p/pressure") == told(feed, "a/p/flow") == {}
    assert told(fed({"a/m/Unit": "Line 3", "a/m/speed": 5}), "a/m/speed") == {}


def test_many_siblings() -> None:
    """A branch of many elements is no data point, and what was said about one is taken back."""
    feed = fed({"a/Units": "bar", "a/Value": 1.5})
    assert told(feed, "a/Value") == {"unit": "bar"}
    feed.take({f"a/{number}": number for number in range(MAX_POINT)})
    assert told(feed, "a/Value") == {}


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(5, id="number"),
        pytest.param("12.5", id="text of a number"),
        pytest.param("", id="empty"),
        pytest.param("n/a", id="placeholder"),
        pytest.param("measured at the pump's outlet", id="sentence"),
        pytest.param({"unit": "bar"}, id="document"),
    ],
)
def test_no_unit(said: Any) -> None:
    """What is no plausible unit is none."""
    assert told(fed({"a/X_PV": 1.5, "a/X_EU": said, "a/h/Value": 2, "a/h/Units": said}), "a/X_PV") == {}


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        pytest.param("running", None, id="text"),
        pytest.param(True, None, id="boolean"),
        pytest.param({"a": 1}, None, id="document"),
        pytest.param([1.5, 2.5], "bar", id="array"),
        pytest.param(None, None, id="null"),
    ],
)
def test_what_bears_a_unit(value: Any, unit: str | None) -> None:
    """Of siblings, numbers have the unit; a description is anyone's."""
    for order in (("a/X_PV", "a/X_EU", "a/X_DESC"), ("a/X_EU", "a/X_DESC", "a/X_PV")):
        feed = fed({topic: {"a/X_PV": value, "a/X_EU": "bar", "a/X_DESC": "Air"}[topic] for topic in order})
        assert (feed.node("a/X_PV").unit, feed.node("a/X_PV").description) == (unit, "Air")
        assert "unit" not in feed.type("a/X_EU")["schema"]


def test_changes() -> None:
    """A description that changes changes its element; one that is deleted takes it back; clients see a new model."""
    feed = fed({"a/X": 1.5, "a/X.props": {"engUnit": "bar", "tooltip": "Air"}})
    revision = feed.engine.space.revision
    feed.take({"a/X.props": {"engUnit": "psi"}})
    assert told(feed, "a/X") == {"unit": "psi"}
    assert feed.engine.space.revision > revision
    feed.take({"a/X.props": b""}, retain=True)
    assert told(feed, "a/X") == {}


def test_repetition_changes_nothing() -> None:
    """What is said again is no change of the model."""
    feed = fed({"a/X_PV": 1.5, "a/X_EU": "bar"})
    revision = feed.engine.space.revision
    feed.take({"a/X_PV": 2.5, "a/X_EU": b"bar"})
    assert feed.engine.space.revision == revision


def test_own_word_wins() -> None:
    """The unit in an element's own payload stands, whoever says something else, before or after."""
    own = {"value": 1.5, "unit": "psi", "timestamp": "2027-01-15T08:00:00Z"}
    for order in (("a/X", "a/X_EU"), ("a/X_EU", "a/X")):
        feed = fed({topic: {"a/X": own, "a/X_EU": "bar"}[topic] for topic in order})
        feed.take({"a/X_EU": b"kPa"})
        assert told(feed, "a/X") == {"unit": "psi"}
        feed.take({"a/X_EU": b""}, retain=True)
        assert told(feed, "a/X") == {"unit": "psi"}


def test_no_chains() -> None:
    """What describes is not described: neither by a description of the description nor by its siblings."""
    feed = fed({"a/X_PV": 1.5, "a/X_DESC": "Air", "a/X_DESC_DESC": "What X is", "a/X_EU": "bar", "a/X_EU_EU": "bar"})
    assert told(feed, "a/X_PV") == {"unit": "bar", "description": "Air"}
    assert told(feed, "a/X_DESC") == told(feed, "a/X_EU") == {}


# --- Home Assistant's discovery ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "state", "described"),
    [
        pytest.param({"state_topic": STATE}, 71.5, STATE, id="topic"),
        pytest.param({"stat_t": STATE, "val_tpl": "{{ value | float }}"}, 71.5, STATE, id="short names"),
        pytest.param({"~": "boiler", "stat_t": "~/state"}, 71.5, STATE, id="base topic"),
        pytest.param(
            {"state_topic": STATE, "value_template": "{{ value_json.t }}"}, {"t": 1}, f"{STATE}#/t", id="field"
        ),
        pytest.param(
            {"state_topic": STATE, "value_template": "{{ value_json['a']['t'] | round(1) }}"},
            {"a": {"t": 1}},
            f"{STATE}#/a/t",
            id="deep field",
        ),
        pytest.param(
            {"state_topic": STATE, "value_template": "{{ value_json.value }}"}, {"value": 71.5}, STATE, id="envelope"
        ),
    ],
)
def test_discovery(document: dict[str, Any], state: Any, described: str) -> None:
    """A discovery document describes the element of its topic, or the field that its template picks."""
    document = {**document, "name": "Boiler", "unit_of_measurement": "°C", "device_class": "temperature"}
    for order in ((DISCOVERY, STATE), (STATE, DISCOVERY)):
        feed = fed({topic: {DISCOVERY: document, STATE: state}[topic] for topic in order})
        assert told(feed, described) == {"unit": "°C", "label": "Boiler", "description": "temperature"}
        assert described == STATE or told(feed, STATE) == {}


@pytest.mark.parametrize(
    "template",
    ["{{ value_json.t * 0.1 }}", "{{ value_json.t | multiply(2) }}", "{% if value %}1{% endif %}", "{{ value_json }}"],
)
def test_computed_discovery(template: str) -> None:
    """The unit of what a template computes is not the unit of what is published."""
    document = {"state_topic": STATE, "value_template": template, "unit_of_measurement": "°C", "name": "Boiler"}
    feed = fed({DISCOVERY: document, STATE: {"t": 1}})
    assert told(feed, STATE) == told(feed, f"{STATE}#/t") == {}


# --- documents --------------------------------------------------------------------------------------------------------


def test_document_units() -> None:
    """A unit that a document names once is that of its fields; it changes with it, and new fields have it, too."""
    sensor = "tele/x/SENSOR"
    feed = fed({sensor: {"DHT": {"Temperature": 23.5, "Humidity": 40.5}, "TempUnit": "C"}})
    assert told(feed, f"{sensor}#/DHT/Temperature") == {"unit": "°C"}
    assert told(feed, f"{sensor}#/DHT/Humidity") == {}
    feed.take({sensor: {"DHT": {"Temperature": 74.5, "Humidity": 40.5, "DewPoint": 50.5}, "TempUnit": "F"}})
    assert told(feed, f"{sensor}#/DHT/Temperature") == told(feed, f"{sensor}#/DHT/DewPoint") == {"unit": "°F"}


# --- what the configuration says --------------------------------------------------------------------------------------


def test_forbidden() -> None:
    """A topic that the configuration calls a value describes nobody."""
    rule = Rule(["a/X_EU", "tele/+/SENSOR"], {"use": "value"})
    feed = fed({"a/X_PV": 1.5, "a/X_EU": "bar", "tele/x/SENSOR": {"Temperature": 1.5, "TempUnit": "C"}}, rules=[rule])
    assert told(feed, "a/X_PV") == told(feed, "tele/x/SENSOR#/Temperature") == {}


def test_forced() -> None:
    """A topic that the configuration calls metadata describes its parent, and text values, too, have its unit."""
    rule = Rule(["a/+/about", "a/X_EU"], {"use": "metadata"})
    about = {"description": "Press", "displayName": "Press 1"}
    feed = fed({"a/press/about": about, "a/press/force": 5, "a/X_PV": "23,5", "a/X_EU": "bar"}, rules=[rule])
    assert told(feed, "a/press") == {"description": "Press", "label": "Press 1"}
    assert told(feed, "a/X_PV") == {"unit": "bar"}


# --- elements that go -------------------------------------------------------------------------------------------------


def test_forget() -> None:
    """A removed element says nothing any more; what is said about a removed one waits for its return."""
    feed = fed({"a/X_PV": 1.5, "a/X_EU": "bar", "a/X_DESC": "Air"})
    descriptions, described = feed.engine.space.descriptions, feed.node("a/X_PV")
    descriptions.forget(feed.node("a/X_DESC"))
    assert told(feed, "a/X_PV") == {"unit": "bar"}
    descriptions.forget(described)
    described.unit = None
    descriptions.made(described)
    assert told(feed, "a/X_PV") == {"unit": "bar"}


# --- recordings -------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not recordings.shared_folders(), reason=f"no recordings at {recordings.SHARED}")
@pytest.mark.parametrize(
    ("folder", "ident", "expected"),
    [
        pytest.param("packml", "Bathurst/Packaging/Line 1/Status/Parameter/0", {"label": "Param1"}, id="packml"),
        pytest.param(
            "packml", "Bathurst/Packaging/Line 1/Status/Parameter/0/Value", {"unit": "degC"}, id="packml unit"
        ),
        pytest.param(
            "pitfalls",
            "acme/plant/utilities/air/header/Value",
            {"unit": "bar", "description": "Header pressure"},
            id="header",
        ),
        pytest.param(
            "pitfalls",
            "acme/plant/bio/AIC-250-001_PV",
            {"unit": "%", "description": "Dissolved oxygen"},
            id="loop",
        ),
        pytest.param(
            "home_iot",
            "p4d2mqtt/sensor/Kesseltemperatur_0x0/state",
            {"unit": "°C", "label": "Kesseltemperatur"},
            id="discovery",
        ),
        pytest.param("home_iot", "tele/tasmota_C59B5E/SENSOR#/DHT11/DewPoint", {"unit": "°C"}, id="TempUnit"),
        pytest.param(
            "home_iot",
            "homie/super-car/engine/temperature",
            {"unit": "°C", "label": "Engine temperature", "limits": {"minimum": -20, "maximum": 120}},
            id="homie",
        ),
        pytest.param(
            "vendor_formats",
            "BMS/v1/PUB/Value/CoolingTower/LiquidTemperature/B1/CT-02/SupplyTemp",
            {"unit": "°C"},
            id="parallel trees, no value yet",
        ),
    ],
)
def test_recorded(folder: str, ident: str, expected: dict[str, Any]) -> None:
    """Recorded data points that are spread over topics are described as their publishers meant it."""
    feed = Feed()
    feed.engine = Engine(Options())
    feed.engine.ingest(recordings.messages(recordings.path_of(folder)))
    assert told(feed, ident) == expected
