"""Sparkplug B: births, aliases, data types, deaths and rebirths, message by message where order is the point."""

from functools import cache
from typing import Any

import pytest
from expected import Plant, row

from bridge.engine import Change

FOLDER = "sparkplug"
GROUP = "spBv1.0/Plant1"
NODE = f"{GROUP}/EN-Packaging"
ONE, TWO = f"{NODE}/Filler 01", f"{NODE}/Filler 02"
SPEED = f"{ONE}/Process/Speed"
OVEN = f"{GROUP}/Ölofen Süd/Ofen 1"
VECTORS = "spBv1.0/UMHVectors/node1"

BIRTH, DEATH_OF_TWO, FOREIGN_DEATH, DEATH = 5, 29, 38, 42  # messages up to these events


@cache
def after(messages: int) -> Plant:
    """The plant when so many messages have come."""
    return Plant(FOLDER, messages)


def made_by(message: int) -> list[Change]:
    """The changes that one message made."""
    return list(after(message).changes[len(after(message - 1).changes) :])


def qualities(plant: Plant, pattern: str) -> set[str]:
    """Of all data points that match."""
    return {plant.value(node.topic)[1] for node in plant.matching(pattern) if node.reported}


@row(FOLDER, 1)
def test_state(plant: Plant) -> None:
    """The state of a host makes no element."""
    assert not [topic for topic in plant.topics if "STATE" in topic]


@row(FOLDER, 2)
def test_before_birth(plant: Plant) -> None:
    """An alias that no birth has explained makes nothing; to ask for a birth would take a broker."""
    assert not after(3).topics
    assert plant.refused[2][1] == "sparkplug-unborn"


@row(FOLDER, 3)
def test_commands(plant: Plant) -> None:
    """Commands are no values."""
    assert (120.0, "Good") not in plant.heard(SPEED)
    assert not after(4).topics


@row(FOLDER, 4)
def test_node_birth(plant: Plant) -> None:
    """A node's metrics are below it, with folders as parts, units and descriptions; housekeeping is hidden."""
    born = after(BIRTH)
    assert plant.things(f"{GROUP}|{NODE}") == 2
    assert born.parts(f"{NODE}/(CPU|CPU/Temperature|Properties)") == 3
    assert born.unit(f"{NODE}/CPU/Temperature") == "°C"
    assert "SoC temperature" in born.shown(f"{NODE}/CPU/Temperature")["metadata"]["description"]
    assert born.value(f"{NODE}/Properties/FW") == ("2.3.1", "Good")
    assert not [topic for topic in plant.topics if "bdSeq" in topic or "Node Control" in topic]


@row(FOLDER, 5)
def test_template(plant: Plant) -> None:
    """A template is a type named after it, with its id at the source, its version and its members."""
    kind = plant.type(f"{ONE}/UDT/Filler")
    assert (kind["displayName"], kind["sourceTypeId"]) == ("Filler", "_types_/Filler")
    assert kind["version"].startswith("1.")
    assert "Plant1" in kind["namespaceUri"]
    types = {name: found["type"][0] for name, found in kind["schema"]["properties"].items()}
    assert types == {
        "Speed": "number", "Infeed": "integer", "Outfeed": "integer", "Running": "boolean", "State": "integer",
        "Recipe": "string", "AssetId": "string",
    }  # fmt: skip


@row(FOLDER, 6)
def test_devices(plant: Plant) -> None:
    """Devices of the same metrics are things of one type below their node; an instance is a part."""
    assert plant.things(f"{NODE}/Filler 0[12]") == 2
    assert plant.names(f"{NODE}/Filler 0[12]") == {"Filler"}
    assert plant.shown(ONE)["parentId"] == NODE
    assert plant.parts(f"{NODE}/Filler 0[12]/UDT/Filler") == 2
    assert len(plant.types(f"{NODE}/Filler 0[12]/UDT/Filler")) == 1


@row(FOLDER, 6)
def test_limits(plant: Plant) -> None:
    """Engineering limits are limits of the schema."""
    schema = plant.schema(f"{ONE}/Process/Pressure")
    assert (schema["minimum"], schema["maximum"]) == (0.0, 10.0)


@row(FOLDER, 6, "the template's Speed declares no limits, and both speeds are of one type")
def test_limits_of_one_of_two(plant: Plant) -> None:
    """They are where another data point of the same name has none."""
    assert plant.schema(SPEED)["maximum"] == 300.0


@pytest.mark.parametrize(
    ("leaf", "value"),
    [
        ("Diag/TotalCycles", 9007199254740993), ("Diag/Offset", -42), ("Diag/LastService", "2025-01-01T00:00:00.000Z"),
        ("Diag/Serial", "00000000-0000-0000-0000-000000000064"), ("Diag/Blob", "AAECAwQFBgc="),
        ("Diag/Waveform", [0.1, 0.2, 0.3, 0.4]),
        ("Quality/DefectsTable", [{"Code": "CHK", "Count": 3}, {"Code": "SED", "Count": 1}]),
    ],
)  # fmt: skip
@row(FOLDER, 7)
def test_datatypes(plant: Plant, leaf: str, value: Any) -> None:
    """Each data type has its JSON, integers exactly."""
    assert plant.value(f"{ONE}/{leaf}") == (value, "Good")
    assert ("contentEncoding" in plant.schema(f"{ONE}/{leaf}")) == (leaf == "Diag/Blob")


@row(FOLDER, 8)
def test_null(plant: Plant) -> None:
    """A metric that is null has no data."""
    assert plant.value(f"{ONE}/Recipe/Name") == (None, "GoodNoData")


@row(FOLDER, 8)
def test_null_schema(plant: Plant) -> None:
    """The declared data type tells the schema of a metric that has no value yet."""
    assert "string" in plant.schema(f"{ONE}/Recipe/Name")["type"]


@row(FOLDER, 9)
def test_quality(plant: Plant) -> None:
    """0 is Bad and has no value, 500 Uncertain, 192 Good."""
    said = [(c.quality, c.value is None) for message in (10, 11, 12) for c in made_by(message)]
    assert said == [("Bad", True), ("Uncertain", False), ("Good", False)]
    assert plant.value(SPEED)[1] == "Good"


@row(FOLDER, 10)
def test_null_data(plant: Plant) -> None:
    """A value that becomes null is no data, or Bad, but never Good."""
    assert [(change.value, change.quality) for change in made_by(13)] == [(None, "GoodNoData")]
    assert {change.quality for change in plant.changes if change.value is None} == {"Bad", "GoodNoData"}


@row(FOLDER, 11)
def test_historical(plant: Plant) -> None:
    """Historical values go into history, an hour and half an hour before, and change nothing."""
    before, with_history = after(13), after(14)
    (late,) = {topic for topic in before.topics if with_history.late(topic) != before.late(topic)}
    moments = [at for _, at in with_history.late(late)]
    assert len(moments) == 2
    assert moments[1] - moments[0] == 1_800_000_000_000
    assert before.value(late) == with_history.value(late)


@row(FOLDER, 12)
def test_older(plant: Plant) -> None:
    """An older value does not overwrite a newer one."""
    assert len(after(15).late(SPEED)) > len(after(14).late(SPEED))
    assert after(14).value(SPEED) == after(15).value(SPEED)
    assert plant.late(SPEED)


@row(FOLDER, 13)
def test_transient(plant: Plant) -> None:
    """An event is not kept as the current value."""
    assert f"{ONE}/Event/LastAlarm" in plant
    assert plant.heard(f"{ONE}/Event/LastAlarm")[0][0] is None
    assert [value for value, _ in plant.late(f"{ONE}/Event/LastAlarm") if value is not None]


@row(FOLDER, 14)
def test_not_a_number(plant: Plant) -> None:
    """NaN and infinity are null and Bad."""
    assert [(c.value, c.quality) for message in (18, 19) for c in made_by(message)] == [(None, "Bad")] * 2
    assert plant.value(SPEED) == (50.0, "Good")


@row(FOLDER, 15)
def test_partial_template(plant: Plant) -> None:
    """A partial instance changes only the member that it holds."""
    assert {change.node.topic for change in made_by(20)} == {f"{ONE}/UDT/Filler/Speed"}
    assert qualities(after(20), f"{ONE}/UDT/Filler/.+") == {"Good"}
    assert qualities(plant, f"{ONE}/UDT/Filler/.+") == {"Good"}


@row(FOLDER, 16)
def test_unknown_alias(plant: Plant) -> None:
    """A metric with an alias that the birth does not have is passed over and counted."""
    assert plant.engine.router.sparkplug_stats["unknown-alias"]
    assert not made_by(22)


@row(FOLDER, 17)
def test_compressed(plant: Plant) -> None:
    """A compressed payload is read like any other."""
    assert (103.0, "Good") in plant.heard(SPEED)


@row(FOLDER, 18)
def test_duplicate_sequence(plant: Plant) -> None:
    """A sequence number twice is counted; the data are taken."""
    assert (104.5, "Good") in plant.heard(SPEED)
    assert plant.engine.router.sparkplug_stats["seq-duplicate"]


@row(FOLDER, 19)
def test_sequence_gap(plant: Plant) -> None:
    """A gap in the sequence is counted; the data after it are taken."""
    before, later = (after(count).engine.router.sparkplug_stats["seq-gap"] for count in (26, 27))
    assert later == before + 1
    assert (105.0, "Good") in plant.heard(SPEED)


@row(FOLDER, 20)
def test_redelivery(plant: Plant) -> None:
    """The same message again changes nothing."""
    assert not made_by(28)
    assert plant.heard(SPEED).count((105.0, "Good")) == 1


@row(FOLDER, 21)
def test_device_death(plant: Plant) -> None:
    """The death of a device makes all of it Bad, at that time, and leaves the other one alone."""
    died = after(DEATH_OF_TWO)
    assert qualities(died, f"{TWO}/.+") == {"Bad"}
    assert {died.time(n.topic) for n in died.matching(f"{TWO}/.+") if n.reported} == {1_768_478_424_000_000_000}
    assert qualities(died, f"{ONE}/Count/.+") == {"Good"}
    assert TWO in plant


@row(FOLDER, 22)
def test_rebirth_with_more(plant: Plant) -> None:
    """A metric that a rebirth adds is one more attribute of the same type of the same elements."""
    before, later = after(30), after(35)
    assert before.topics < later.topics
    assert f"{ONE}/Process/Pressure" not in before
    assert later.value(f"{ONE}/Process/Pressure") == (2.2, "Good")
    assert later.names(f"{NODE}/Filler 0[12]/Process") == {"Process"}
    assert plant[f"{ONE}/Process/Pressure"].id == f"{ONE}/Process/Pressure"


@row(FOLDER, 23)
def test_wraparound(plant: Plant) -> None:
    """0 follows 255."""
    assert after(37).engine.router.sparkplug_stats["seq-gap"] == after(36).engine.router.sparkplug_stats["seq-gap"]
    assert (109.0, "Good") in plant.heard(SPEED)


@row(FOLDER, 24)
def test_foreign_death(plant: Plant) -> None:
    """The death of another session ends nothing."""
    assert after(FOREIGN_DEATH).value(SPEED) == (109.0, "Good")
    assert plant.engine.router.sparkplug_stats["foreign-death"] >= 1


@row(FOLDER, 25)
def test_oven(plant: Plant) -> None:
    """Ids are Unicode; a metric may be a folder too; the zones share a type."""
    assert plant.value(f"{OVEN}/Zonen") == (4, "Good")
    assert len(plant.types(f"{OVEN}/Zonen/Zone [1-4]")) == 1
    assert plant.schema(f"{OVEN}/Zonen/Zone 1")["properties"].keys() == {"Ist-Temperatur", "Soll-Temperatur"}
    assert plant.unit(f"{OVEN}/Zonen/Zone 1/Ist-Temperatur") == "°C"


@row(FOLDER, 26)
def test_node_death(plant: Plant) -> None:
    """The death of a node makes the node and both devices Bad."""
    assert qualities(after(DEATH), f"{NODE}/.+") == {"Bad"}
    assert qualities(plant, f"{TWO}/.+") == {"Bad"}


@row(FOLDER, 27)
def test_new_session(plant: Plant) -> None:
    """The next births make node and device Good again, under the same ids."""
    assert qualities(plant, f"{NODE}/(CPU|Properties)/.+") == {"Good"}
    assert plant.value(SPEED) == (50.0, "Good")
    assert {node.id for node in after(DEATH).matching(f"{ONE}/.+")} <= {node.id for node in plant.matching(f"{ONE}/.+")}


@row(FOLDER, 28)
def test_malformed(plant: Plant) -> None:
    """What is no Sparkplug is counted and makes no elements."""
    reasons = [reason for _, reason in plant.refused if reason in ("sparkplug-malformed", "sparkplug-topic")]
    assert len(reasons) == 3
    assert len(plant.matching("[^/]+")) == 1


@row(FOLDER, 29)
def test_vectors(plant: Plant) -> None:
    """Another implementation's vectors: values by alias, a death, data after it, a birth of a hundred metrics."""
    heard = plant.heard(f"{VECTORS}/Temperature")
    assert heard[0] == (21.5, "Good")
    assert (22.5, "Good") in heard or 22.5 in [value for value, _ in plant.late(f"{VECTORS}/Temperature")]
    assert len(plant.matching(f"{VECTORS}/Metric_[0-9]+")) == 100
    assert plant.value(f"{VECTORS}/Metric_100") == (150.0, "Good")
