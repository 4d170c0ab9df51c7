"""The simulated plant: the same story for the same seed, told in publications that any broker takes."""

import json
import re
from collections import Counter, defaultdict
from itertools import pairwise
from random import Random

import pytest

from bridge.demo import MACHINE, TEMPERATURE
from bridge.sources.plant import GATEWAY_STATUS, LAYOUT, TICK, Plant
from bridge.sources.plant_machines import Publication
from bridge.sources.plant_signals import COUNTER_WRAP, Phases, bare, document, instant
from bridge.sources.plant_signals import Counter as Pulses

START = 1_790_000_000.0  # seconds since 1970 UTC
SECONDS = 60.0
LONG_ENOUGH = 1_200.0  # seconds in which each machine passes through several states


def story(seed: int, seconds: float, step: float = TICK) -> list[Publication]:
    plant = Plant(Random(seed))
    return [
        publication for number in range(round(seconds / step) + 1) for publication in plant.step(START + number * step)
    ]


@pytest.fixture(scope="module")
def minute() -> list[Publication]:
    return story(1, SECONDS)


@pytest.fixture(scope="module")
def shift() -> dict[str, list[bytes]]:
    """Payloads by topic over a longer time."""
    found: dict[str, list[bytes]] = defaultdict(list)
    for topic, payload, _, _ in story(2, LONG_ENOUGH, step=1.0):
        found[topic].append(payload)
    return found


def kinds(payload: bytes) -> set[str]:
    """What sort of payload this is, as a reader of the bytes would say."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return {"binary"}
    if text == "NaN":
        return {"not a number"}
    try:
        value = json.loads(text)
    except ValueError:
        return {"truncated" if text.startswith("{") else "text"}
    match value:
        case bool():
            return {"boolean"}
        case int():
            return {"integer", "beyond a double"} if value > 2**53 else {"integer"}
        case float():
            return {"number"}
        case list():
            return {"array"}
        case {"value": _, "timestamp": _, "quality": quality, "unit": _}:
            return {f"envelope {quality}"}
        case {"v": _, "q": _, "t": _}:
            return {"short envelope"}
        case {"timestamp_ms": _}:
            return {"stamped document"}
        case _:
            return {"document"}


def test_same_seed_same_story() -> None:
    """Two plants with the same seed and the same times say the same, byte for byte."""
    assert story(7, 20.0) == story(7, 20.0)


def test_other_seed_other_story() -> None:
    """Another seed gives other values on the same topics."""
    one, other = story(7, 20.0), story(8, 20.0)
    assert one != other
    assert {p.topic for p in one if p.retain} == {p.topic for p in other if p.retain}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_kind_of_payload_within_a_minute(seed: int) -> None:
    """Scalars, arrays, documents, envelopes of each quality and bad payloads all occur within 60 s."""
    seen = set().union(*(kinds(publication.payload) for publication in story(seed, SECONDS)))
    assert seen >= {
        *("text", "boolean", "integer", "number", "array", "document", "stamped document"),
        *("short envelope", "envelope Good", "envelope Uncertain", "envelope Bad"),
        *("beyond a double", "not a number", "truncated", "binary"),
    }


def test_publications_are_legal(minute: list[Publication]) -> None:
    """Topics have no wildcard, control character or empty level, payloads are not empty, QoS is 0 or 1."""
    for topic, payload, _, qos in minute:
        assert re.fullmatch(r"acme(/[a-z0-9_]+)+", topic), topic
        assert payload, topic
        assert qos in (0, 1)


def test_retained_data_comes_first(minute: list[Publication]) -> None:
    """A name plate and a status of each machine are retained before anything else is said."""
    first = minute[: next(number for number, publication in enumerate(minute) if not publication.retain)]
    topics = {publication.topic for publication in first}
    for machine, _ in LAYOUT:
        assert {f"{machine}/asset/{name}" for name in ("vendor", "model", "serial")} | {f"{machine}/status"} <= topics
    assert first[0] == Publication(GATEWAY_STATUS, b"online", retain=True, qos=1)


def test_size_and_rate(minute: list[Publication]) -> None:
    """A few hundred topics, 100 to 200 messages a second: a real line, and easy on a laptop."""
    assert 200 <= len({publication.topic for publication in minute}) <= 400
    assert 100 <= len(minute) / SECONDS <= 200


def test_speed_multiplies_the_rate() -> None:
    """At twice the speed there are about twice as many messages, with the same times in them."""
    fast = Plant(Random(1), speed=2.0)
    count = sum(1 for number in range(301) for _ in fast.step(START + number * TICK))
    usual = len(story(1, 30.0))
    assert 1.7 < count / usual < 2.2


def test_rates_are_those_of_the_field(minute: list[Publication]) -> None:
    """A temperature is told every second, an OEE document every ten."""
    counts = Counter(publication.topic for publication in minute)
    assert counts[TEMPERATURE] == pytest.approx(SECONDS, abs=1)
    assert counts["acme/riverside/packaging/line1/filler01/oee"] == pytest.approx(SECONDS / 10, abs=1)


def test_counters_only_rise(shift: dict[str, list[bytes]]) -> None:
    """Piece and pulse counters never fall."""
    counters = [topic for topic in shift if topic.endswith(("/counts/good", "/counts/rejected", "/pulses"))]
    assert len(counters) > 10
    for topic in counters:
        assert all(int(early) <= int(late) for early, late in pairwise(shift[topic])), topic


def test_temperatures_drift(shift: dict[str, list[bytes]]) -> None:
    """A vat's temperature stays within what water can be, and moves by a few degrees a second at most."""
    read = [json.loads(payload)["value"] for payload in shift[TEMPERATURE]]
    values = [value for value in read if value is not None]
    assert all(10 < value < 90 for value in values)
    assert max(values) - min(values) > 20
    assert all(abs(late - early) < 3 for early, late in pairwise(values))


def test_states_change_and_are_told_once(shift: dict[str, list[bytes]]) -> None:
    """A state is published when it is another one than before, not again and again."""
    states = [topic for topic in shift if topic.endswith("/state")]
    assert any(len(shift[topic]) > 3 for topic in states)
    for topic in states:
        assert all(early != late for early, late in pairwise(shift[topic])), topic


def test_an_offline_machine_is_silent() -> None:
    """Between "offline" and "online" nothing else comes from a machine."""
    silent: set[str] = set()
    losses = 0
    for topic, payload, _, _ in story(3, 300.0):
        if topic.endswith("/status"):
            machine = topic.removesuffix("/status")
            losses += payload == b"offline"
            (silent.add if payload == b"offline" else silent.discard)(machine)
        else:
            assert not any(topic.startswith(f"{machine}/") for machine in silent)
    assert losses > 1


def test_reconnected_says_retained_data_again() -> None:
    """A broker that has forgotten everything is told all retained data in the next step."""
    plant = Plant(Random(1))
    before = {publication.topic for publication in plant.step(START) if publication.retain}
    quiet = list(plant.step(START))
    plant.reconnected()
    after = {publication.topic for publication in plant.step(START) if publication.retain}
    assert quiet == []
    assert after >= before


def test_farewell_takes_every_machine_offline() -> None:
    """An orderly end leaves no machine that looks alive."""
    words = {publication.topic: publication.payload for publication in Plant(Random(1)).farewell()}
    assert {f"{machine}/status" for machine, _ in LAYOUT} < set(words)
    assert set(words.values()) == {b"offline"}


def test_clock_stepped_back_is_survived() -> None:
    """Time that runs backwards moves nothing, and the plant goes on."""
    plant = Plant(Random(1))
    list(plant.step(START))
    list(plant.step(START - 3_600.0))
    assert list(plant.step(START + 5.0))


def test_demo_names_what_the_plant_has(minute: list[Publication]) -> None:
    """The machine and the temperature in the demo's curl lines exist."""
    topics = {publication.topic for publication in minute}
    assert TEMPERATURE in topics
    assert any(topic.startswith(f"{MACHINE}/") for topic in topics)


def test_counter_wraps_at_64_bits() -> None:
    """A counter starts again at 0 after 2⁶⁴ - 1."""
    counter = Pulses(COUNTER_WRAP - 1)
    counter.advance(1.0, 2.0)
    assert counter.value == 1


def test_counter_keeps_fractions() -> None:
    """Half a piece a second makes one piece in two seconds."""
    counter = Pulses(0)
    assert [counter.advance(1.0, 0.5) for _ in range(4)] == [0, 1, 0, 1]


def test_phases_follow_their_cycle() -> None:
    """States come in the order of the cycle, each for 0.5 to 1.5 times its mean."""
    phases = Phases(Random(1), (("a", 10.0), ("b", 20.0)))
    names = [phases.name for _ in range(300) if phases.advance(0.5, START)]
    assert all(early != late for early, late in pairwise(names))
    assert 5 <= len(names) <= 25


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(0.0, "1970-01-01T00:00:00.000Z", id="epoch"),
        pytest.param(1_790_000_000.25, "2026-09-21T14:13:20.250Z", id="quarter"),
        pytest.param(1_790_000_000.9996, "2026-09-21T14:13:21.000Z", id="rounds up"),
    ],
)
def test_instant(seconds: float, text: str) -> None:
    """Times are RFC 3339 in UTC to the millisecond."""
    assert instant(seconds) == text


def test_documents_are_strict_json() -> None:
    """NaN never gets into a document by accident; text is written as it is, also bare."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        document({"value": float("nan")})
    assert document({"unit": "°C"}) == '{"unit":"°C"}'.encode()
    assert bare("Süd", START) == "Süd".encode()
