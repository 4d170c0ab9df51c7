"""Whatever is published can be explained: nothing fails, everything is JSON and fits into lines."""

import json

import plantlike
import pytest
import recordings
from hypothesis import HealthCheck, given, settings

from bridge.engine import Engine, Options
from bridge.explain import Explainer, Explanation, Rejections
from bridge.explain.text import lines
from bridge.uns import Message

MOST = 300  # elements of one recording that are looked at: it takes a look at all others for each


def check(explanation: Explanation) -> None:
    json.dumps(explanation, allow_nan=False)
    assert all(line.isprintable() for line in lines(explanation))
    assert explanation["facts"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches=plantlike.batches)
def test_anything(batches: list[list[Message]]) -> None:
    """Every element, every topic, and every message as a trial."""
    rejections, options = Rejections(), Options()
    engine = Engine(options, rejections.note)
    explainer = Explainer(engine, options, rejections)
    for batch in batches:
        engine.ingest(batch)
        engine.space.arrange(plantlike.START_NS)
        for ident in engine.space.nodes:
            check(explainer.explain(ident) or {})
        for message in batch:
            found = explainer.explain(message.topic)
            assert found is not None or not message.payload, "a deletion of what is not known makes nothing"
            check(explainer.trial(message.topic, message.payload, None, plantlike.START_NS))


@pytest.mark.parametrize(
    "name",
    recordings.shared_folders()
    or [pytest.param("", marks=pytest.mark.skip(reason=f"no recordings at {recordings.SHARED}: set BRIDGE_FIXTURES"))],
)
def test_recordings(name: str) -> None:
    """Elements of every kind that real traffic makes, the latest of them; and their payloads as trials."""
    rejections, options = Rejections(), Options()
    engine = Engine(options, rejections.note)
    explainer = Explainer(engine, options, rejections)
    traffic = list(recordings.messages(recordings.path_of(name)))
    engine.ingest(traffic)
    engine.space.arrange(plantlike.START_NS)
    for ident in list(engine.space.nodes)[-MOST:]:
        check(explainer.explain(ident) or {})
    for message in traffic[-MOST // 3 :]:
        check(explainer.trial(message.topic, message.payload, message.properties, plantlike.START_NS))
