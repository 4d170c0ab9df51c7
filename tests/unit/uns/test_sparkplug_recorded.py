"""Recorded Sparkplug traffic, where there is any, as an engineer would read it."""

import base64
import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.uns import sparkplug_wire
from bridge.uns.message import Message, Reading, Rejected
from bridge.uns.sparkplug import SparkplugDecoder

FIXTURES = Path(os.environ.get("BRIDGE_FIXTURES", Path(__file__).parents[4] / "shared" / "fixtures"))
MALFORMED = "sparkplug-malformed"


def recorded(folder: str) -> Iterator[tuple[str, Message]]:
    """(note, message) of a recording's Sparkplug traffic."""
    path = FIXTURES / folder / "capture.jsonl.gz"
    if not path.exists():
        pytest.skip(f"no recordings at {FIXTURES}: set BRIDGE_FIXTURES")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if record["topic"].startswith(("spBv1.0/", "STATE/")):
                content = (
                    base64.b64decode(record["payload_b64"]) if "payload_b64" in record else record["payload"].encode()
                )
                yield record.get("note", ""), Message(record["topic"], content, retain=record["retain"])


@pytest.fixture
def traffic() -> list[tuple[str, Message, list[Reading] | Rejected]]:
    """The Sparkplug recording with what our decoder makes of it."""
    decoder = SparkplugDecoder()
    return [(note, message, decoder.read(message)) for note, message in recorded("sparkplug")]


Traffic = list[tuple[str, Message, list[Reading] | Rejected]]


def answer_to(traffic: Traffic, note: str) -> list[Reading] | Rejected:
    """The answer to the first message whose note begins so."""
    return next(answer for text, _, answer in traffic if text.startswith(note))


def values(answer: list[Reading] | Rejected) -> dict[str, object]:
    assert isinstance(answer, list), answer
    return {r.topic.split("/", 3)[3]: (r.value, r.quality) for r in answer}


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        pytest.param("Sparkplug 3.0 host STATE", {}, id="1-state"),
        pytest.param("Sparkplug 2.2 host STATE", {}, id="1-state-old"),
        pytest.param(
            "alias-only DDATA, two metrics",
            {"Filler 01/Process/Speed": (101.5, "Good"), "Filler 01/Count/Infeed": (1002, "Good")},
            id="alias",
        ),
        pytest.param("Quality property 0", {"Filler 01/Process/Temperature": (None, "Bad")}, id="9-bad"),
        pytest.param("Quality 500", {"Filler 01/Process/Temperature": (24.2, "Uncertain")}, id="9-stale"),
        pytest.param("Quality 192", {"Filler 01/Process/Temperature": (24.3, "Good")}, id="9-good"),
        pytest.param("is_null value", {"Filler 01/Process/Temperature": (None, "GoodNoData")}, id="10-null"),
        pytest.param("negative Int16", {"Filler 01/Diag/Offset": (-7, "Good")}, id="7-int16"),
        pytest.param("NaN", {"Filler 01/Process/Speed": (None, "Bad")}, id="14-nan"),
        pytest.param("Infinity", {"Filler 01/Process/Speed": (None, "Bad")}, id="14-infinity"),
        pytest.param("partial UDT", {"Filler 01/UDT/Filler/Speed": (102.25, "Good")}, id="15-partial"),
        pytest.param("unknown alias 999", {}, id="16-unknown-alias"),
        pytest.param("compressed", {"Filler 01/Process/Speed": (103.0, "Good")}, id="17-compressed"),
        pytest.param("DUPLICATE seq", {"Filler 01/Process/Speed": (104.5, "Good")}, id="18-duplicate"),
        pytest.param("seq gap", {"Filler 01/Process/Speed": (105.0, "Good")}, id="19-gap"),
        pytest.param("NDEATH with non-matching", {}, id="24-foreign-death"),
        pytest.param("DDATA by name", {"Ofen 1/Zonen/Zone 2/Ist-Temperatur": (183.7, "Good")}, id="25-names"),
        pytest.param("benthos-umh vector NBIRTH_V1", {"Temperature": (21.5, "Good")}, id="29-birth"),
        pytest.param("benthos-umh vector NDATA_V1", {"Temperature": (22.5, "Good")}, id="29-data"),
        pytest.param("benthos-umh vector NDEATH_V1", {}, id="29-foreign-death"),
        pytest.param("benthos-umh vector NDATA_GAP", {"Temperature": (27.0, "Good")}, id="29-gap"),
        pytest.param("benthos-umh vector NDATA_BEFORE", {"Temperature": (25.0, "Good")}, id="29-before"),
        pytest.param("benthos-umh vector NDATA_WRAP", {"Temperature": (30.0, "Good")}, id="29-wraparound"),
    ],
)  # fmt: skip
def test_recorded_messages(traffic: Traffic, note: str, expected: dict[str, object]) -> None:
    """Each recorded case has the outcome that an engineer would expect of it."""
    found = values(answer_to(traffic, note))
    assert {topic.removeprefix("EN-Packaging/"): value for topic, value in found.items()} == expected


@pytest.mark.parametrize("note", ["NCMD rebirth", "DCMD"])
def test_recorded_commands(traffic: Traffic, note: str) -> None:
    """Row 3: a command has no values."""
    answer = answer_to(traffic, note)
    assert isinstance(answer, Rejected)
    assert answer.reason == "command"


def test_recorded_device_birth(traffic: Traffic) -> None:
    """All data types of the recorded device arrive as the values that they stand for."""
    found = values(answer_to(traffic, "DBIRTH Filler 01"))
    expected = {
        "Diag/LastService": "2025-01-01T00:00:00.000Z", "Diag/Serial": "00000000-0000-0000-0000-000000000064",
        "Diag/TotalCycles": 9007199254740993, "Diag/Offset": -42, "Diag/Waveform": [0.1, 0.2, 0.3, 0.4],
        "Diag/Blob": "AAECAwQFBgc=",
        "Quality/DefectsTable": [{"Code": "CHK", "Count": 3}, {"Code": "SED", "Count": 1}],
        "UDT/Filler/Recipe": "COLA-0.5", "UDT/Filler/AssetId": "AST-23",
    }  # fmt: skip
    assert {name: found[f"Filler 01/{name}"][0] for name in expected} == expected
    assert found["Filler 01/Recipe/Name"] == (None, "GoodNoData")


def test_recorded_deaths_and_births(traffic: Traffic) -> None:
    """Deaths cover what they should, and the next session's births win over them at the same topics."""
    device = values(answer_to(traffic, "DDEATH Filler 02"))
    assert all(topic.startswith("Filler 02/") and said == (None, "Bad") for topic, said in device.items())
    node = answer_to(traffic, "NDEATH bdSeq=0")
    assert isinstance(node, list)
    dead = {r.topic: r.time_ns or 0 for r in node}
    position = [answer for _, _, answer in traffic].index(node)
    reborn = {r.topic: r for _, _, later in traffic[position + 1 :] if isinstance(later, list) for r in later}
    for topic, died_ns in dead.items():
        if topic.startswith(("spBv1.0/Plant1/EN-Packaging/CPU", "spBv1.0/Plant1/EN-Packaging/Filler 01")):
            assert reborn[topic].quality in ("Good", "GoodNoData")
            assert (reborn[topic].time_ns or 0) >= died_ns


def test_recorded_rejections(traffic: Traffic) -> None:
    """Of the recording only what an engineer would refuse is refused, and commands."""
    reasons = [answer.reason for _, _, answer in traffic if isinstance(answer, Rejected)]
    assert [reason for reason in reasons if reason != "command"] == [
        "sparkplug-unborn", MALFORMED, "sparkplug-topic", "sparkplug-topic",
    ]  # fmt: skip


def test_recorded_payloads_are_their_readable_twins(traffic: Traffic) -> None:
    """Our schema reads every field that the official one wrote: numbers, names and values agree."""
    twins = FIXTURES / "sparkplug" / "decoded.jsonl.gz"
    with gzip.open(twins, "rt", encoding="utf-8") as lines:
        decoded = [json.loads(line)["decoded"] for line in lines]
    compared = 0
    for theirs, (_, message, _) in zip(decoded, traffic, strict=False):
        if isinstance(theirs, dict):
            ours = sparkplug_wire.CLASSES["Payload"].FromString(message.payload)
            assert plain(ours) == numbers_only(theirs)
            compared += 1
    assert compared > 35


def plain(message: object) -> object:
    """A protobuf message as the readable twins write it: 64-bit integers and bytes as text."""
    out: dict[str, object] = {}
    for field, value in message.ListFields():  # type: ignore[attr-defined]
        several = isinstance(value, list) or hasattr(value, "append")
        parts = [_plain(field, part) for part in (value if several else [value])]
        out[field.name] = parts if several else parts[0]
    return out


BYTES_FIELDS = {"bytes_value", "body"}


def _plain(field: object, value: object) -> object:
    if hasattr(value, "ListFields"):
        return plain(value)
    match value:
        case bytes():
            return base64.b64encode(value).decode() if field.name in BYTES_FIELDS else value.decode()  # type: ignore[attr-defined]
        case float():
            return pytest.approx(value, nan_ok=True)
        case int() if field.cpp_type == field.CPPTYPE_UINT64:  # type: ignore[attr-defined]
            return str(value)
    return value


def numbers_only(value: object) -> object:
    """The twins write NaN and Infinity as text."""
    match value:
        case dict():
            return {key: numbers_only(part) for key, part in value.items()}
        case list():
            return [numbers_only(part) for part in value]
        case "NaN" | "Infinity":
            return float(str(value))
    return value


def test_recorded_packml() -> None:
    """A whole recorded session, born, running and dead: its will is older than its data, its death is not."""
    decoder = SparkplugDecoder()
    last: dict[str, Reading] = {}
    for _, message in recorded("packml"):
        answer = decoder.read(message)
        assert isinstance(answer, list), answer
        if "/NDEATH/" in message.topic:
            assert all((r.time_ns or 0) >= (last[r.topic].time_ns or 0) for r in answer)
            assert {r.topic for r in answer} == set(last)
        last |= {reading.topic: reading for reading in answer}
    assert len(last) > 45
    assert {reading.quality for reading in last.values()} == {"Bad"}
    assert not decoder.stats
