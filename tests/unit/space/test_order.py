"""The model does not depend on the order of arrival, and a bridge that starts again finds the same one.

What one topic says comes in its order, as MQTT promises; topics come in any order. What does not depend on the last
value of a topic must not depend on the order of its messages either.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import exam
import exam_factories
import exam_feeds
import exam_machines
import pytest
import recordings
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bridge.config import Settings
from bridge.engine import Engine, Options
from bridge.uns import Message, Reading
from bridge.uns.moments import SECOND, parse

RECEIVED_NS = parse("2026-11-21T00:00:00Z") or 0  # shortly after the recordings were made
SETTLED_NS = 60 * SECOND
MOST = 4_000  # messages of one recording; the longest repeat themselves after that
LOOKS = 3  # of the learner, before all has come

SESSIONS = "spBv1.0/"  # births and deaths: their order means something
SMALL: dict[str, Callable[[], exam.Exam]] = {
    "exam: beverages": exam_factories.beverages,
    "exam: glass": exam_factories.glass,
    "exam: biotech": exam_factories.biotech,
    "exam: feeds": lambda: exam_feeds.feeds(60),
    "exam: machines": exam_machines.machines,
}
SOURCES = [*SMALL, *recordings.own_files(), *(name for name in recordings.shared_folders() if name != "sparkplug")]
Rows = dict[str, Any]


@cache
def traffic(source: str) -> tuple[Message, ...]:
    """The messages of one source, all received at the same moment."""
    found: Iterable[Message] = (
        SMALL[source]().messages if source in SMALL else recordings.messages(recordings.path_of(source))
    )
    wanted = [message for message in found if not message.topic.startswith(SESSIONS)][:MOST]
    received_ns = exam.START_NS if source in SMALL else RECEIVED_NS
    for message in wanted:
        message.received_ns = received_ns
    return tuple(wanted)


@cache
def indifferent(source: str) -> tuple[Message, ...]:
    """The messages of those topics whose model no order of their own messages can change.

    The type of a leaf is that of its present value, so all values must be of one shape.
    """
    router = Engine(Options()).router
    seen: dict[str, list[Reading]] = defaultdict(list)
    several: set[str] = set()
    for message in traffic(source):
        outcome = router.read(message)
        if isinstance(outcome, Reading):
            seen[message.topic].append(outcome)
        elif isinstance(outcome, list):
            several.add(message.topic)
    fit = {topic for topic, readings in seen.items() if topic not in several and _is_indifferent(readings)}
    return tuple(message for message in traffic(source) if message.topic in fit)


def _is_indifferent(readings: Sequence[Reading]) -> bool:
    looks = {repr((one.shape, one.unit, one.hint, one.description, one.binary)) for one in readings}
    return len(looks) == 1 and not any(one.deleted or one.malformed for one in readings)


def interleaved(messages: Sequence[Message], source: random.Random) -> list[Message]:
    """Topics in any order, the messages of each in theirs."""
    waiting: dict[str, list[Message]] = defaultdict(list)
    for message in reversed(messages):
        waiting[message.topic].append(message)
    order = [message.topic for message in messages]
    source.shuffle(order)
    return [waiting[topic].pop() for topic in order]


def settled(messages: Sequence[Message], looks: Sequence[int] = ()) -> Engine:
    """An engine that has seen the messages; the learner looked after so many of them, and at the end."""
    engine = Engine(Options(aspects=Settings().model.aspects))
    now_ns = messages[0].received_ns
    for start, end in zip((0, *looks), (*looks, len(messages)), strict=True):
        engine.ingest(messages[start:end])
        engine.space.arrange(now_ns)
    engine.space.arrange(now_ns + SETTLED_NS)
    assert not engine.space.young
    return engine


def objects(engine: Engine) -> Rows:
    """All elements as clients see them, without what tells when something came."""
    found = {}
    for row in engine.browse.objects(metadata=True):
        told = row["metadata"]
        system = {key: value for key, value in told["system"].items() if key not in ("receivedAt", "attributes")}
        edges = {name: sorted(ids) for name, ids in told["relationships"].items()}
        found[row["elementId"]] = {**row, "metadata": {**told, "system": system, "relationships": edges}}
    return found


def types(engine: Engine) -> Rows:
    """All types but for their versions."""
    return {row["elementId"]: {**row, "version": ""} for row in engine.browse.object_types()}


def versions(engine: Engine) -> Rows:
    return {row["elementId"]: row["version"] for row in engine.browse.object_types()}


def differences(one: Rows, other: Rows) -> Iterator[str]:
    for ident in sorted(one.keys() | other.keys()):
        if one.get(ident) != other.get(ident):
            yield f"{ident}:\n  {one.get(ident)}\n  {other.get(ident)}"


def assert_same(one: Engine, other: Engine) -> None:
    for told in (types, objects):
        assert list(differences(told(one), told(other)))[:3] == []


orders = st.tuples(st.integers(0, 2**32), st.lists(st.floats(0, 1), max_size=LOOKS))
few = settings(  # a failure is not shrunk: a smaller number is no simpler order
    max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), database=None, phases=[Phase.generate]
)


@pytest.mark.parametrize("source", SOURCES)
@given(order=orders)
@few
def test_topics_may_come_in_any_order(source: str, order: tuple[int, list[float]]) -> None:
    """Same ids, places, types and schemas, however the topics arrive and whenever the learner looks."""
    messages = traffic(source)
    mixed = interleaved(messages, random.Random(order[0]))
    looks = sorted(int(share * len(mixed)) for share in order[1])
    assert_same(reference(source), settled(mixed, looks))


@pytest.mark.parametrize("source", SOURCES)
@given(order=orders)
@few
def test_messages_may_come_in_any_order(source: str, order: tuple[int, list[float]]) -> None:
    """The same where even the messages of one topic are mixed up, as far as no value decides."""
    messages = list(indifferent(source))
    if not messages:
        return
    random.Random(order[0]).shuffle(messages)
    looks = sorted(int(share * len(messages)) for share in order[1])
    assert_same(settled(indifferent(source)), settled(messages, looks))


@cache
def reference(source: str) -> Engine:
    """The model of a source in its own order."""
    return settled(traffic(source))


@pytest.mark.parametrize("source", SOURCES)
def test_a_bridge_that_starts_again_learns_the_same_model(source: str) -> None:
    """Nothing depends on the process: no hash, no clock, no counter of what came before."""
    again = settled(traffic(source))
    assert_same(reference(source), again)
    assert versions(reference(source)) == versions(again)


@pytest.mark.parametrize("source", SOURCES)
def test_the_learner_settles_alike_after_one_look_or_many(source: str) -> None:
    """Looking again and again while the model is young changes nothing."""
    assert_same(reference(source), looked_at_often(source))


@pytest.mark.parametrize("source", SOURCES)
def test_versions_do_not_tell_how_often_the_learner_looked(source: str) -> None:
    """A type that has just settled has the same version on every bridge."""
    assert versions(reference(source)) == versions(looked_at_often(source))


def looked_at_often(source: str) -> Engine:
    messages = traffic(source)
    step = max(1, len(messages) // 20)
    return settled(messages, range(step, len(messages), step))
