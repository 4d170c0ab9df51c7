"""Sparkplug metrics: nulls, qualities, flags, times, properties, templates."""

import json

import pytest

from bridge.uns import sparkplug_templates
from bridge.uns.message import Hint
from bridge.uns.sparkplug_templates import Template
from tests.unit.uns import sparkplug_vectors as made
from tests.unit.uns.sparkplug_vectors import (
    HISTORICAL,
    INSTANCE,
    MOTOR,
    MS,
    NULL,
    T0,
    TRANSIENT,
    Host,
    metric,
    of_bool,
    of_double,
    of_float,
    of_int,
    of_template,
    parameter,
    payload,
    properties,
    told,
)


@pytest.mark.parametrize(
    ("code", "quality", "value"),
    [
        pytest.param(192, "Good", 1.5, id="good"),
        pytest.param(0, "Bad", None, id="bad"),
        pytest.param(500, "Uncertain", 1.5, id="stale"),
        pytest.param(-2147483136, "Bad", None, id="ignition-bad"),
        pytest.param("Uncertain_Sensor", "Uncertain", 1.5, id="word"),
    ],
)
def test_quality_property(code: int | str, quality: str, value: object) -> None:
    """The quality property holds for the value that it comes with, and for no later one."""
    host = Host()
    said = host("DDATA", payload(metric(alias=101, value=of_double(1.5), more=properties(Quality=code))))
    assert [(r.quality, r.value) for r in said.values()] == [(quality, value)]
    assert [r.quality for r in host("DDATA", payload(metric(alias=101, value=of_double(1.5)))).values()] == ["Good"]


@pytest.mark.parametrize(
    ("content", "quality"),
    [
        pytest.param(NULL, "GoodNoData", id="declared"),
        pytest.param(NULL + of_double(1.0), "GoodNoData", id="declared-beside-a-value"),
        pytest.param(b"", "GoodNoData", id="no-value"),
        pytest.param(NULL + properties(Quality=0), "Bad", id="bad"),
        pytest.param(NULL + properties(Quality=500), "GoodNoData", id="uncertain"),
    ],
)
def test_null(content: bytes, quality: str) -> None:
    """A null is no data; it is Bad only when its quality says so, and never Good or Uncertain."""
    reading = Host()("DDATA", payload(metric(alias=101, more=content)))["Filler 01/Process/Speed"]
    assert (reading.value, reading.quality) == (None, quality)


def test_flags() -> None:
    """Historical and transient values are marked, and a historical one does not move later deaths."""
    host = Host()
    readings = host(
        "DDATA",
        payload(
            metric(alias=101, value=HISTORICAL + of_double(1.0), ms=T0 + 500),
            metric(alias=102, value=TRANSIENT + of_bool(True)),
            seq=2,
        ),
    )  # fmt: skip
    assert [(r.historical, r.transient) for r in readings.values()] == [(True, False), (False, True)]
    assert host("DDEATH", payload(ms=T0 + 1))["Filler 01/Process/Speed"].time_ns == (T0 + 1) * MS


@pytest.mark.parametrize(
    ("metric_ms", "payload_ms", "expected"),
    [
        pytest.param(T0 + 1, T0, (T0 + 1) * MS, id="metric"),
        pytest.param(None, T0, T0 * MS, id="payload"),
        pytest.param(0, T0, T0 * MS, id="metric-never-set"),
        pytest.param(None, None, None, id="none"),
        pytest.param(12, 2**64 - 1, None, id="implausible"),
    ],
)
def test_times(metric_ms: int | None, payload_ms: int | None, expected: int | None) -> None:
    """The metric's time counts, else the payload's; neither outside 1999–2100."""
    host = Host(born=False)
    content = payload(metric("M", of_int(1), kind=3, ms=metric_ms), ms=payload_ms)
    assert host("NBIRTH", content)["M"].time_ns == expected


def test_properties_change_with_data() -> None:
    """Data may change a metric's unit and limits; readings handed out before stay as they were."""
    host = Host()
    before = host("NDATA", payload(metric(alias=1, value=of_float(1.5))))["CPU/Temperature"]
    host("NDATA", payload(metric(alias=1, value=of_float(1.5), more=properties(engUnit="K", engHigh=400.0))))
    after = host("NDATA", payload(metric(alias=1, value=of_float(1.5))))["CPU/Temperature"]
    assert (before.unit, after.unit) == ("°C", "K")
    assert before.attributes == {"dataType": "Float", "engLow": 0.0, "engHigh": 100.0}
    assert after.attributes == {"dataType": "Float", "engLow": 0.0, "engHigh": 400.0}


@pytest.mark.parametrize(
    ("said", "declared"),
    [
        pytest.param({"engLow": 0.5, "engHigh": 9.5}, {"minimum": 0.5, "maximum": 9.5}, id="camel-case"),
        pytest.param({"Eng. Low Limit": -20, "Eng. High Limit": 120}, {"minimum": -20, "maximum": 120}, id="words"),
        pytest.param({"EngHigh": 100.0}, {"maximum": 100.0}, id="one-side"),
        pytest.param({"engLow": 0.0, "engHigh": 0.0}, None, id="never-set"),
        pytest.param({"engLow": 9.0, "engHigh": 1.0}, None, id="the-wrong-way-round"),
        pytest.param({"engLow": "0", "engHigh": float("inf")}, None, id="no-numbers"),
        pytest.param({"engLow": "low", "engHigh": 7.0}, {"maximum": 7.0}, id="half-readable"),
    ],
)
def test_limits(said: dict[str, str | float | bytes], declared: dict[str, float] | None) -> None:
    """Engineering limits are declared for the values of a metric; they stay attributes as well."""
    reading = told(of_double(1.5), 10, more=properties(**said))
    assert (reading.hint.declared if reading.hint is not None else None) == declared
    assert (reading.attributes or {}).keys() == {"dataType", *said}


def test_limits_are_of_numbers() -> None:
    """A text has no limits, whatever its publisher says about all of its tags alike."""
    assert told(made.of_text("x"), 12, more=properties(engLow=0.0, engHigh=100.0)).hint is None


def test_limits_come_with_births_and_changes_only() -> None:
    """Data without properties declare nothing again; a change of one limit keeps the other."""
    host = Host()
    born = host("NBIRTH", made.NODE_BIRTH)["CPU/Temperature"]
    assert born.hint is host("NBIRTH", made.NODE_BIRTH)["CPU/Temperature"].hint
    plain = host("NDATA", payload(metric(alias=1, value=of_float(1.5))))["CPU/Temperature"]
    changed = host("NDATA", payload(metric(alias=1, value=of_float(1.5), more=properties(engHigh=400.0))))
    hint = changed["CPU/Temperature"].hint
    assert (plain.hint, hint and hint.declared) == (None, {"minimum": 0.0, "maximum": 400.0})


def test_nested_properties_are_bounded() -> None:
    """Property sets may hold property sets; those too deep are null."""
    held = made.number(3, 1)
    for _ in range(20):
        held = made.block(9, made.block(1, b"k") + made.block(2, held))
    attributes = told(of_int(1), 3, more=properties(deep=held)).attributes
    assert attributes is not None
    assert json.dumps(attributes["deep"]) == '{"k": ' * 8 + "null" + "}" * 8


# Templates


def test_template_definition() -> None:
    """A definition gives no readings but is remembered: types by member, nested templates by name."""
    host = Host(born=False)
    assert host("NBIRTH", payload(MOTOR)) == {}
    assert host.decoder.templates.by_name["Plant", "Motor"] == Template(
        "_types_/Motor", "1.2", {"Speed": "Double", "State": "Int8", "Pump": "Pump"}, {"AssetId": "String"}
    )


def test_definitions_without_instances() -> None:
    """Every definition is told with its group, whether anything is made of it or not."""
    host = Host(born=False)
    host("NBIRTH", payload(MOTOR))
    assert [(group, t.source_id) for group, t in host.decoder.templates.definitions()] == [("Plant", "_types_/Motor")]


@pytest.mark.parametrize("metrics", [(MOTOR, INSTANCE), (INSTANCE, MOTOR)], ids=["definition first", "instance first"])
def test_instances_are_of_their_template(metrics: tuple[bytes, ...]) -> None:
    """The topic of an instance, a nested one too, tells its type: name, namespace of the group, source and version."""
    host = Host(born=False)
    host("NBIRTH", payload(*metrics))
    hint = host.decoder.templates.hint
    line = "spBv1.0/Plant/Edge 1/Line"
    assert hint(f"{line}/Motor 1") == Hint("Motor", "urn:uns:spBv1.0:Plant", "_types_/Motor", "1.2")
    assert hint(f"{line}/Motor 1/Pump") == Hint("Pump", "urn:uns:spBv1.0:Plant", "_types_/Pump")
    assert (hint(line), hint(f"{line}/Motor 1/Speed")) == (None, None)


def test_version_of_an_instance() -> None:
    """Where nobody has published the definition, the instance's own version counts."""
    host = Host(born=False)
    instance = of_template(metric("Speed", of_double(1.0), kind=10), ref="Fan", version="3")
    host("NBIRTH", payload(metric("Fan 1", instance, kind=19)))
    hint = host.decoder.templates.hint("spBv1.0/Plant/Edge 1/Fan 1")
    assert hint == Hint("Fan", "urn:uns:spBv1.0:Plant", "_types_/Fan", "3")


def test_instance_of_another_template() -> None:
    """A rebirth may make an instance one of another template; data that name none change nothing."""
    host = Host(born=False)
    for ref in ("Motor", "Fan"):
        born = of_template(metric("Speed", of_double(1.0), kind=10), ref=ref)
        host("NBIRTH", payload(metric("M", born, kind=19, alias=5)))
        host("NDATA", payload(metric(alias=5, value=of_template(metric("Speed", of_double(2.0))))))
        hint = host.decoder.templates.hint("spBv1.0/Plant/Edge 1/M")
        assert hint is not None
        assert hint.name == ref


def test_too_many_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instances beyond the limit have no type of their own, which is counted; their members are read all the same."""
    monkeypatch.setattr(sparkplug_templates, "MAX_INSTANCES", 1)
    host = Host(born=False)
    born = of_template(metric("Speed", of_double(1.0), kind=10), ref="Motor")
    readings = host("NBIRTH", payload(metric("M1", born, kind=19), metric("M2", born, kind=19)))
    assert list(readings) == ["M1/Speed", "M2/Speed"]
    assert host.decoder.templates.hint("spBv1.0/Plant/Edge 1/M2") is None
    assert host.decoder.stats["template-limit"] == 1


def test_template_instance() -> None:
    """Each member, nested ones and parameters too, is a reading; the definition tells the types."""
    readings = Host(born=False)("NBIRTH", payload(MOTOR, INSTANCE))
    assert {name: (r.value, (r.attributes or {})["templateRef"]) for name, r in readings.items()} == {
        "Line/Motor 1/Speed": (1450.0, "Motor"), "Line/Motor 1/State": (-1, "Motor"),
        "Line/Motor 1/Pump/Flow": (1.5, "Pump"), "Line/Motor 1/AssetId": ("A-7", "Motor"),
    }  # fmt: skip
    assert {r.time_ns for r in readings.values()} == {(T0 + 3) * MS}


def test_member_wins_over_parameter() -> None:
    """A parameter named like a member gives no second reading of the same data point."""
    template = of_template(metric("Id", of_double(1.0), kind=10), parameters=(parameter("Id", 12, "x"),))
    answer = Host(born=False).answer("NBIRTH", payload(metric("T", template, kind=19)))
    assert isinstance(answer, list)
    assert [r.value for r in answer] == [1.0]


def test_historical_template() -> None:
    """Everything in a historical instance is historical, its parameters too."""
    host = Host(born=False)
    host("NBIRTH", payload(MOTOR, INSTANCE))
    update = of_template(metric("Speed", of_double(1.0)), parameters=(parameter("AssetId", 12, "A-8"),))
    readings = host("NDATA", payload(metric(alias=5, value=update, ms=T0 + 99, more=HISTORICAL)))
    assert [(r.historical, r.time_ns) for r in readings.values()] == [(True, (T0 + 99) * MS)] * 2
    dead = host("NDEATH", payload(seq=None, ms=T0 + 50))
    assert {r.time_ns for r in dead.values()} == {(T0 + 50) * MS}


def test_partial_template() -> None:
    """Data of an instance may leave members out: only those that are there change."""
    host = Host(born=False)
    host("NBIRTH", payload(MOTOR, INSTANCE))
    update = of_template(metric("State", of_int(2)), ref="_types_/Motor")
    assert {n: r.value for n, r in host("NDATA", payload(metric(alias=5, value=update))).items()} == {
        "Line/Motor 1/State": 2
    }


@pytest.mark.parametrize(("more", "quality"), [(NULL, "GoodNoData"), (NULL + properties(Quality=0), "Bad")])
def test_null_template(more: bytes, quality: str) -> None:
    """An instance that is null makes all its members null."""
    host = Host(born=False)
    host("NBIRTH", payload(MOTOR, INSTANCE))
    readings = host("NDATA", payload(metric(alias=5, more=more)))
    assert [(r.value, r.quality) for r in readings.values()] == [(None, quality)] * 4


def test_template_quality_and_flags_reach_members() -> None:
    """What holds for an instance holds for its members, unless they say otherwise."""
    host = Host(born=False)
    host("NBIRTH", payload(MOTOR, INSTANCE))
    update = of_template(metric("Speed", of_double(1.0)), metric("State", of_int(1), more=properties(Quality=192)))
    readings = host("NDATA", payload(metric(alias=5, value=update, more=TRANSIENT + properties(Quality=500))))
    assert {n: (r.quality, r.transient) for n, r in readings.items()} == {
        "Line/Motor 1/Speed": ("Uncertain", True), "Line/Motor 1/State": ("Good", True),
    }  # fmt: skip


def test_death_covers_members() -> None:
    """Members of instances die with their node and live again with its birth."""
    host = Host(born=False)
    host("NBIRTH", payload(MOTOR, INSTANCE))
    dead = host("NDEATH", payload(seq=None, ms=T0 + 70))
    assert [r.quality for r in dead.values()] == ["Bad"] * 4
    born = host("NBIRTH", payload(MOTOR, INSTANCE, ms=T0 + 80))
    assert {(r.quality, r.time_ns) for r in born.values()} == {("Good", (T0 + 80) * MS)}
