"""Whatever is published, at whatever moment one looks: the address space is sound."""

from random import Random

import invariants
import plantlike
import pytest
import recordings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from views import EngineView

from bridge.engine import Engine, Options
from bridge.space import Limits
from bridge.uns import Message
from bridge.uns.moments import SECOND

START_NS = plantlike.START_NS
BATCH = 500

OPTIONS = {
    "plain": Options(),
    "levels": Options(levels=("Enterprise", "Line", "Cell")),
    "tight": Options(
        namespace="https://example.org/plant", limits=Limits(elements=40, new_per_minute=5, fields=3, depth=12)
    ),
}


def no_clock() -> float:
    return 0.0


def in_step(now_ns: int, batch: list[Message]) -> list[Message]:
    """The batch, received at a moment."""
    for message in batch:
        message.received_ns = now_ns
    return batch


@pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in OPTIONS.items()])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches=plantlike.batches, pauses=st.lists(st.sampled_from([0, 1, 11, 61]), min_size=5, max_size=5))
def test_space_is_sound_at_any_moment(options: Options, batches: list[list[Message]], pauses: list[int]) -> None:
    """After each batch, before and after arranging, young or settled: no promise is broken, all is counted."""
    engine, now_ns = Engine(options), START_NS
    for pause, batch in zip(pauses, batches, strict=False):
        engine.ingest(in_step(now_ns, batch))
        assert engine.balance == 0
        assert invariants.faults(EngineView(engine)) == []
        now_ns += pause * SECOND
        engine.arrange(now_ns, float(now_ns), no_clock)
        assert invariants.faults(EngineView(engine)) == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches=plantlike.batches, pauses=st.lists(st.sampled_from([0, 11]), min_size=5, max_size=5))
def test_what_clients_hold_stays_valid(batches: list[list[Message]], pauses: list[int]) -> None:
    """An element keeps its id and its parent for ever; once settled, its type stays listed and keeps its root kind."""
    engine, now_ns = Engine(Options()), START_NS
    elements: dict[str, str | None] = {}
    types: dict[str, str] = {}
    for pause, batch in zip(pauses, batches, strict=False):
        engine.ingest(in_step(now_ns, batch))
        now_ns += pause * SECOND
        engine.arrange(now_ns, float(now_ns), no_clock)
        found = {row["elementId"]: row["parentId"] for row in engine.browse.objects()}
        assert elements.items() <= found.items()
        elements = found
        listed = {row["elementId"]: row["schema"]["type"] for row in engine.browse.object_types()}
        changed = [ident for ident, kind in types.items() if not same_or_wider(kind, listed.get(ident))]
        assert changed == []
        types = {} if engine.space.young else listed


def same_or_wider(kind: str, now: str | None) -> bool:
    """A type stays what it is; whole numbers may turn out to be numbers."""
    return (kind, now) in {(kind, kind), ("integer", "number")}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    traffic=st.dictionaries(plantlike.topics, plantlike.payloads.filter(bool), max_size=12),
    shuffle=st.randoms(use_true_random=False),
    batch=st.integers(1, 12),
)
def test_young_model_does_not_depend_on_the_order(traffic: dict[str, bytes], shuffle: Random, batch: int) -> None:
    """The same messages in another order, arranged in between or not, give the same objects, places and types."""
    messages = [Message(topic, payload, received_ns=START_NS) for topic, payload in traffic.items()]
    shuffled = shuffle.sample(messages, len(messages))
    assert young_model(shuffled, batch) == young_model(messages, len(messages) + 1)


def young_model(messages: list[Message], batch: int) -> dict[str, dict[str, invariants.Row]]:
    """What clients see of the model: objects and types by id."""
    engine = Engine(Options())
    for start in range(0, len(messages), batch):
        engine.ingest(messages[start : start + batch])
        engine.arrange(START_NS, float(start), lambda: 0.0)
    engine.arrange(START_NS, 1e9, no_clock)
    objects = {row["elementId"]: row for row in engine.browse.objects()}
    types = {row["elementId"]: row | {"version": ""} for row in engine.browse.object_types()}  # versions count steps
    return {"objects": objects, "types": types}


@pytest.mark.parametrize(
    "name",
    recordings.shared_folders()
    or [pytest.param("", marks=pytest.mark.skip(reason=f"no recordings at {recordings.SHARED}: set BRIDGE_FIXTURES"))],
)
@pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in OPTIONS.items()])
def test_recordings_are_sound(name: str, options: Options) -> None:
    """A recording with everything that no broker would carry, fed directly: sound at every stage."""
    engine, now_ns = Engine(options), START_NS
    traffic = list(recordings.messages(recordings.path_of(name)))
    for start in range(0, len(traffic), BATCH):
        engine.ingest(in_step(now_ns, traffic[start : start + BATCH]))
        now_ns += SECOND // 10
    for later in (0, 1, 60):
        assert engine.balance == 0
        assert invariants.faults(EngineView(engine)) == []
        now_ns += later * SECOND
        engine.arrange(now_ns, float(now_ns), no_clock)
