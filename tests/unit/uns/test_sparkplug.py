"""Sparkplug sessions: births, aliases, deaths, sequence, bounds, and anything at all."""

import json

import msgspec
import pytest
from effort import cpu_s
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.uns import sparkplug_births
from bridge.uns.message import Hint, Message, Reading, Rejected
from bridge.uns.sparkplug import SparkplugDecoder
from tests.unit.uns import sparkplug_vectors as made
from tests.unit.uns.sparkplug_vectors import (
    DEVICE_BIRTH,
    MOTOR,
    MS,
    NODE,
    NODE_BIRTH,
    T0,
    Host,
    bd_seq,
    metric,
    of_bool,
    of_double,
    of_float,
    of_int,
    of_long,
    of_template,
    payload,
)

SECOND = 1_000_000_000


# Births and aliases


def test_birth_names_topics_units_and_descriptions() -> None:
    """A birth gives a reading for each metric, with unit, description and limits from its properties."""
    readings = Host(born=False)("NBIRTH", NODE_BIRTH)
    assert list(readings) == ["CPU/Temperature", "Firmware"]
    temperature = readings["CPU/Temperature"]
    assert temperature == Reading(
        "spBv1.0/Plant/Edge 1/CPU/Temperature", 51.3, "Good", float, (T0 - 5) * MS, "°C", "SoC",
        {"dataType": "Float", "engLow": 0.0, "engHigh": 100.0},
        hint=Hint(declared={"minimum": 0.0, "maximum": 100.0}),
    )  # fmt: skip


def test_data_by_alias() -> None:
    """What the birth told about a metric goes with every later value that is sent by alias."""
    reading = Host()("DDATA", payload(metric(alias=101, value=of_double(101.5)), ms=T0 + 1, seq=2))
    assert reading["Filler 01/Process/Speed"] == Reading(
        "spBv1.0/Plant/Edge 1/Filler 01/Process/Speed", 101.5, "Good", float, (T0 + 1) * MS, "bpm", None,
        {"dataType": "Double"},
    )  # fmt: skip


def test_signed_value_by_alias_uses_the_birth_type() -> None:
    """Data leave the type out; two's complement follows the birth's."""
    readings = Host()("DDATA", payload(metric(alias=103, value=of_int(0xFFFF_FFF9))))
    assert readings["Filler 01/Count"].value == -7


def test_alias_before_birth() -> None:
    """An alias that no birth has explained creates nothing."""
    host = Host(born=False)
    assert host.rejected("DDATA", payload(metric(alias=101, value=of_double(1.0)))) == "sparkplug-unborn"
    assert host.rejected("NDATA", payload(metric(alias=101, value=of_double(1.0)))) == "sparkplug-unborn"


def test_names_before_birth() -> None:
    """Before any birth a value counts if it brings its name and its type."""
    host = Host(born=False)
    content = payload(metric("A/B", of_double(1.5), kind=10), metric("Untyped", of_double(1.5)))
    assert {name: r.value for name, r in host("DDATA", content).items()} == {"Filler 01/A/B": 1.5}
    assert host.decoder.stats["unknown-metric"] == 1


def test_unknown_alias_is_passed_over() -> None:
    """One unknown alias costs its own metric only, and is counted."""
    host = Host()
    content = payload(metric(alias=999, value=of_int(1)), metric(alias=102, value=of_bool(False)), seq=2)
    assert {name: r.value for name, r in host("DDATA", content).items()} == {"Filler 01/Running": False}
    assert host("DDATA", payload(metric(alias=999, value=of_int(1)), seq=3)) == {}
    assert host.decoder.stats["unknown-alias"] == 2


def test_aliases_are_of_one_device() -> None:
    """An alias of another device means nothing here."""
    host = Host()
    assert host("NDATA", payload(metric(alias=101, value=of_double(1.0)))) == {}


def test_node_birth_resets_devices() -> None:
    """After a node's birth its devices' aliases mean nothing until they are born again."""
    host = Host()
    host("NBIRTH", NODE_BIRTH)
    data = payload(metric(alias=101, value=of_double(1.0)))
    assert host.rejected("DDATA", data) == "sparkplug-unborn"
    host("DBIRTH", DEVICE_BIRTH)
    assert host("DDATA", data)


def test_rebirth_replaces_aliases() -> None:
    """A new birth may give an alias to another metric."""
    host = Host()
    host("DBIRTH", payload(metric("Other", of_int(1), kind=3, alias=101)))
    assert list(host("DDATA", payload(metric(alias=101, value=of_int(2))))) == ["Filler 01/Other"]


def test_metric_left_out_of_a_birth_ends() -> None:
    """A metric that the new birth does not name has no source any more: Bad."""
    readings = Host()("DBIRTH", payload(metric("Running", of_bool(True), kind=11), ms=T0 + 9))
    assert {name: r.quality for name, r in readings.items()} == {
        "Filler 01/Running": "Good", "Filler 01/Process/Speed": "Bad", "Filler 01/Count": "Bad",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["bdSeq", "Node Control/Rebirth", "Device Control/Scan", "_types_/Motor"])
def test_housekeeping_gives_no_readings(name: str) -> None:
    """Session numbers, controls and definitions are no values, by name or by alias."""
    host = Host(born=False)
    assert host("NBIRTH", payload(metric(name, of_long(1), kind=4, alias=9))) == {}
    assert host("NDATA", payload(metric(alias=9, value=of_long(1)))) == {}
    assert host.decoder.stats["unknown-alias"] == 0


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        pytest.param("a//b", "a//b", id="empty-level"),
        pytest.param("/a", "/a", id="leading-slash"),
        pytest.param("Ist-Temp °C #1 +", "Ist-Temp °C #1 +", id="characters-that-matter"),
        pytest.param(b"Gr\xf6\xdfe", "Gr\\xf6\\xdfe", id="latin-1"),
    ],
)
def test_metric_names_are_kept(name: str | bytes, topic: str) -> None:
    """A metric's name becomes levels of the topic as it is; only bytes that are not UTF-8 are spelt out."""
    assert list(Host(born=False)("NBIRTH", payload(metric(name, of_int(1), kind=3)))) == [topic]


# Deaths


def test_node_death_ends_everything() -> None:
    """The death of the session makes each metric of the node and of its devices Bad."""
    readings = Host()("NDEATH", payload(bd_seq(7), ms=T0 + 50, seq=None))
    assert list(readings) == [
        "CPU/Temperature", "Firmware", "Filler 01/Process/Speed", "Filler 01/Running", "Filler 01/Count",
    ]  # fmt: skip
    assert {(r.value, r.quality, r.shape, r.time_ns) for r in readings.values()} == {
        (None, "Bad", type(None), (T0 + 50) * MS)
    }


def test_foreign_death_is_ignored() -> None:
    """The last will of an earlier session does not end this one."""
    host = Host()
    assert host("NDEATH", payload(bd_seq(6), seq=None)) == {}
    assert host.decoder.stats["foreign-death"] == 1
    assert host("DDATA", payload(metric(alias=101, value=of_double(1.0))))


def test_death_of_an_unknown_node() -> None:
    """A death tells nothing about a node that was never seen."""
    assert Host(born=False)("NDEATH", payload(bd_seq(6), seq=None)) == {}
    assert Host(born=False)("DDEATH", payload()) == {}


def test_device_death_ends_the_device_only() -> None:
    """The death of a device leaves its node's own metrics alone."""
    host = Host()
    readings = host("DDEATH", payload(ms=T0 + 50, seq=2))
    assert list(readings) == ["Filler 01/Process/Speed", "Filler 01/Running", "Filler 01/Count"]
    assert {(r.quality, r.time_ns) for r in readings.values()} == {("Bad", (T0 + 50) * MS)}
    assert host.rejected("DDATA", payload(metric(alias=101, value=of_double(1.0)))) == "sparkplug-unborn"
    assert host("NDATA", payload(metric(alias=1, value=of_float(1.5))))


def test_death_is_never_older_than_the_value_it_ends() -> None:
    """A last will is as old as the connection: then the node died when we heard so, by its own clock."""
    host = Host()
    host("DDATA", payload(metric(alias=101, value=of_double(1.0)), ms=T0 + 5000, seq=2))
    host.now_ns += 90 * SECOND
    readings = host("NDEATH", payload(bd_seq(7), ms=T0 - 60_000, seq=None))
    assert {r.time_ns for r in readings.values()} == {(T0 + 5000) * MS + 90 * SECOND}


def test_death_of_a_device_that_ran_ahead() -> None:
    """A metric whose own time is later than the payload's dies no earlier than that."""
    host = Host()
    host("DDATA", payload(metric(alias=101, value=of_double(1.0), ms=T0 + 900), seq=2))
    readings = host("DDEATH", payload(ms=T0 + 1, seq=3))
    assert readings["Filler 01/Process/Speed"].time_ns == (T0 + 900) * MS
    assert readings["Filler 01/Running"].time_ns == (T0 + 1) * MS


def test_birth_after_death_is_good_again() -> None:
    """A new birth wins over the death before it, even where its values are older than that death."""
    host = Host()
    death = host("NDEATH", payload(bd_seq(7), ms=T0 + 60_000, seq=None))["CPU/Temperature"]
    birth = host("NBIRTH", NODE_BIRTH)["CPU/Temperature"]
    assert (birth.value, birth.quality) == (51.3, "Good")
    assert birth.time_ns == death.time_ns


def test_a_clock_far_ahead_does_not_stay() -> None:
    """One value from the far future does not move the times of later deaths and births there."""
    host = Host()
    host("DDATA", payload(metric(alias=101, value=of_double(1.0), ms=4_000_000_000_000), seq=2))
    assert host("DDEATH", payload(ms=T0 + 5000, seq=3))["Filler 01/Process/Speed"].time_ns == (T0 + 5000) * MS


# Sequence numbers


def test_sequence_follows_the_node() -> None:
    """Node and devices share one sequence, messages of devices that were not yet born included."""
    host = Host(born=False)
    host("NBIRTH", NODE_BIRTH)
    host.answer("DDATA", payload(metric(alias=101, value=of_double(1.0)), seq=1))
    host("NDATA", payload(metric(alias=1, value=of_float(1.0)), seq=2))
    assert host.decoder.stats["seq-gap"] == 0


def test_sequence_is_counted_not_enforced() -> None:
    """Duplicates and gaps are accepted and counted; 255 is followed by 0."""
    host = Host()
    for seq in (2, 2, 9, 255, 0):
        assert host("DDATA", payload(metric(alias=101, value=of_double(1.0)), seq=seq))
    assert (host.decoder.stats["seq-duplicate"], host.decoder.stats["seq-gap"]) == (1, 2)


# Other topics, bad input


@pytest.mark.parametrize("topic", ["STATE/host", "STATE/a/b", "spBv1.0/STATE/host"], ids=["old", "old-deeper", "new"])
def test_host_state_is_no_value(topic: str) -> None:
    """The state of a host application is counted, whatever it says."""
    decoder = SparkplugDecoder()
    assert decoder.read(Message(topic, b'{"online": true}', retain=True)) == []
    assert decoder.stats == {"state": 1}


@pytest.mark.parametrize("kind", ["NCMD", "DCMD"])
def test_commands_are_no_values(kind: str) -> None:
    """Commands are counted and not even parsed."""
    host = Host()
    assert host.rejected(kind, payload(metric(alias=101, value=of_double(1.0)))) == "command"
    assert host.rejected(kind, b"\xff") == "command"
    assert host.decoder.stats["command"] == 2


@pytest.mark.parametrize(
    "topic",
    [
        "spBv1.0", "spBv1.0/G", "spBv1.0/G/DDATA", "spBv1.0/G/XDATA/N", "spBv1.0/G/NDATA/N/D",
        "spBv1.0/G/DDATA/N", "spBv1.0/G/DDATA/N/D/E", "spBv1.0///", "spBv1.0/STATE/a/b",
    ],
)  # fmt: skip
def test_topics_that_are_not_sparkplug(topic: str) -> None:
    """Topics that the specification does not know are rejected."""
    answer = SparkplugDecoder().read(Message(topic, NODE_BIRTH))
    assert isinstance(answer, Rejected)
    assert answer.reason == "sparkplug-topic"


def test_empty_retained_is_no_death() -> None:
    """Clearing a retained message ends nothing."""
    host = Host()
    assert host.decoder.read(Message(NODE.format("NDEATH"), b"", retain=True)) == []
    assert host.decoder.stats["cleared"] == 1


# Bounds


def test_too_many_members(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members of templates count as metrics: beyond the limit they are passed over and counted."""
    monkeypatch.setattr("bridge.uns.sparkplug_metrics.MAX_METRICS", 3)
    host = Host(born=False)
    members = [metric(f"m{n}", of_int(n), kind=3) for n in range(5)]
    assert len(host("NBIRTH", payload(metric("T", of_template(*members), kind=19)))) == 2
    assert host.decoder.stats["metric-limit"] == 3


def test_too_many_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new node beyond the limit is rejected; known ones stay current."""
    monkeypatch.setattr(sparkplug_births, "MAX_SCOPES", 2)
    host = Host()
    answer = host.decoder.read(Message("spBv1.0/Plant/NBIRTH/Edge 2", NODE_BIRTH))
    assert isinstance(answer, Rejected)
    assert answer.reason == "sparkplug-limit"
    assert host("NDATA", payload(metric(alias=1, value=of_float(1.0))))


def test_too_many_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics beyond the limit are passed over and counted; a rebirth gives the room back."""
    monkeypatch.setattr(sparkplug_births, "MAX_TAGS", 3)
    host = Host(born=False)
    for _ in range(3):
        assert list(host("NBIRTH", payload(*(metric(f"m{n}", of_int(n), kind=3) for n in range(5))))) == [
            "m0",
            "m1",
            "m2",
        ]
    assert host.decoder.stats["metric-limit"] == 6


def test_too_many_aliases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither many metrics nor one metric with many aliases fills the memory."""
    monkeypatch.setattr(sparkplug_births, "MAX_ALIASES", 2)
    host = Host(born=False)
    host("NBIRTH", payload(*(metric("same", of_int(n), kind=3, alias=n) for n in range(5))))
    assert host.decoder.stats["alias-limit"] == 3


def test_long_names() -> None:
    """A name longer than a topic may be is passed over."""
    host = Host(born=False)
    assert host("NBIRTH", payload(metric("x" * 2000, of_int(1), kind=3))) == {}
    assert host.decoder.stats["metric-limit"] == 1


def test_too_many_definitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Definitions beyond the limit are not remembered, and counted."""
    monkeypatch.setattr("bridge.uns.sparkplug_templates.MAX_TEMPLATES", 1)
    host = Host(born=False)
    host("NBIRTH", payload(MOTOR, metric("_types_/B", of_template(definition=True), kind=19)))
    assert (list(host.decoder.templates.by_name), host.decoder.stats["template-limit"]) == ([("Plant", "Motor")], 1)


# Anything at all


def check(answer: list[Reading] | Rejected) -> None:
    """What holds for every answer, whatever the message was."""
    if isinstance(answer, Rejected):
        assert answer.reason == "command" or answer.reason.startswith("sparkplug-")
        return
    for reading in answer:
        hash(reading.shape)
        assert (reading.value is None) == (reading.quality in ("Bad", "GoodNoData"))
        json.dumps([reading.value, reading.attributes, reading.unit, reading.description], allow_nan=False)
        msgspec.json.encode([reading.value, reading.attributes, reading.unit, reading.description])


KINDS = st.sampled_from(["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH", "NCMD", "XDATA"])


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(KINDS, st.binary(max_size=200)), max_size=4), st.text(max_size=20))
def test_any_bytes_on_any_topic(messages: list[tuple[str, bytes]], rest: str) -> None:
    """Any bytes on any Sparkplug topic give readings or a rejection, never an exception."""
    host = Host()
    for kind, content in messages:
        check(host.answer(kind, content))
        check(host.decoder.read(Message(f"spBv1.0/{rest}/{kind}/{rest}", content)))
        check(host.decoder.read(Message(f"spBv1.0/{rest}", content)))


def fields(make: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(make, max_size=6).map(b"".join)


def wire(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """A message of the field numbers in use, with contents of any kind: most of it parses."""
    numbers = st.integers(1, 20)
    whole = st.integers(0, 40) | st.integers(0, 2**64 - 1)
    return fields(
        st.builds(made.number, numbers, whole)
        | st.builds(made.double, numbers, st.floats())
        | st.builds(made.single, numbers, st.floats(width=32))
        | st.builds(
            made.block,
            numbers,
            st.binary(max_size=12) | st.sampled_from([b"M", b"Quality", b"bdSeq"]) | inner,
        )
    )


MESSAGES = st.lists(
    st.builds(
        lambda metrics, rest: b"".join(made.block(2, one) for one in metrics) + rest,
        st.lists(st.recursive(wire(st.nothing()), wire, max_leaves=6), max_size=4),
        wire(st.nothing()),
    ),
    max_size=4,
)


@settings(deadline=None, max_examples=300)
@given(st.lists(KINDS, min_size=4, max_size=4), MESSAGES)
def test_any_payload(kinds: list[str], contents: list[bytes]) -> None:
    """Payloads of random fields give honest readings: null just when Bad or no data, always strict JSON."""
    host = Host()
    for kind, content in zip(kinds, contents, strict=False):
        check(host.answer(kind, content))


def test_hostile_payloads_are_quick() -> None:
    """The worst payload of 256 KiB, as many metrics as it can hold, costs for each what it costs in a usual one."""
    host = Host()
    usual = payload(*(metric(alias=101, value=of_double(1.0)) for _ in range(1_000)))
    floor = cpu_s(lambda: host.answer("DDATA", usual), 10) / 1_000
    worst = cpu_s(lambda: host.answer("DDATA", b"\x12\x02\x10\x65" * 65_536)) / 65_536
    assert worst < 5 * floor
