"""What was learnt, written, loaded and pinned is the same model again."""

import tomllib
from collections.abc import Sequence
from typing import Any

import invariants
import pytest
import recordings
from feeding import Feed
from views import EngineView

from bridge.config import Settings
from bridge.engine import Engine, Options
from bridge.model import Model, learnt, parse, text
from bridge.uns.moments import SECOND
from bridge.uns.moments import parse as instant
from bridge.uns.policy import Rule

RECEIVED_NS = instant("2026-11-21T00:00:00Z") or 0  # shortly after the recordings were made
YOUNG = 1e6  # seconds: longer than anything here takes

PLANT = {
    f"acme/{site}/mixing/hall1/vat0{number}/{part}": value
    for site in ("north", "south")
    for number in (1, 2)
    for part, value in {"level": 5.5, "state": "idle", "motor/speed": 5, "motor/on": True, "lot": {"id": "L1"}}.items()
}


def replayed(name: str, rules: Sequence[Rule] = (), model: Model | None = None) -> Engine:
    """A recording, learnt while the model is young and settled then, as `bridge learn` does."""
    engine = Engine(Options(aspects=Settings().model.aspects, rules=rules, discovery_window=YOUNG))
    if model is not None:
        model.pin(engine.space)
    traffic = list(recordings.messages(recordings.path_of(name)))
    for number, message in enumerate(traffic):
        message.received_ns = RECEIVED_NS + number
    engine.ingest(traffic)
    for later in (1, YOUNG):
        engine.space.arrange(RECEIVED_NS + int(later * SECOND))
    return engine


def seen(engine: Engine) -> dict[str, Any]:
    """All that clients can browse."""
    browse = engine.browse
    return {
        "objects": {row["elementId"]: row for row in browse.objects(metadata=True)},
        "types": {row["elementId"]: row for row in browse.object_types()},
        "namespaces": {row["uri"]: row["displayName"] for row in browse.namespaces()},
        "relationships": browse.relationship_types(),
    }


@pytest.mark.parametrize("name", [*recordings.own_files(), *recordings.shared_folders()])
def test_round_trip(name: str) -> None:
    """The same traffic on a model that was learnt from it gives the same objects, types and namespaces."""
    first = replayed(name)
    model = parse(text(learnt(first.space)), name)
    again = replayed(name, model.rules(), model)
    assert seen(again) == seen(first)
    assert model.unseen(again.space) == []
    assert invariants.faults(EngineView(again)) == []


@pytest.mark.parametrize("name", recordings.own_files())
def test_text_is_stable(name: str) -> None:
    """Learning again writes the same file, on top of a model too."""
    first = text(learnt(replayed(name).space))
    model = parse(first, name)
    assert text(learnt(replayed(name).space)) == first
    assert text(learnt(replayed(name, model.rules(), model).space)) == first


def test_document() -> None:
    """Types as clients see them, equipment first; elements by the fewest patterns; the configuration's levels."""
    feed = Feed().take(PLANT).settle()
    document = tomllib.loads(text(learnt(feed.engine.space, ["Enterprise", "Site"])))
    assert document["levels"] == ["Enterprise", "Site"]
    assert document["namespaces"] == {"urn:uns:acme": "acme"}
    assert document["type"][:2] == [
        {"name": "Motor", "kind": "object", "parts": True, "fields": {"on": "boolean", "speed": "integer"}},
        {
            "name": "Vat",
            "kind": "object",
            "parts": True,
            "fields": {
                "level": "number",
                "lot": {"fields": {"id": "string"}},
                "motor": {"fields": {"on": "boolean", "speed": "integer"}},
                "state": "string",
            },
        },
    ]
    assert [table["name"] for table in document["type"][2:]] == ["Lot", "Id", "Level", "On", "Speed", "State"]
    assert document["element"][:4] == [
        {"match": "acme", "part": False},
        {"match": "acme/+", "part": False},
        {"match": "acme/+/mixing", "part": False},
        {"match": "acme/+/mixing/hall1", "part": False},
    ]
    assert {"match": "acme/+/mixing/hall1/vat*", "type": "Vat", "part": False} in document["element"]
    assert {"match": "acme/+/mixing/hall1/vat*/motor", "type": "Motor", "part": True} in document["element"]


def test_learnt_decisions_hold_for_what_comes_later() -> None:
    """A machine that a learnt pattern covers is of the pinned type, whatever it publishes first."""
    model = parse(text(learnt(Feed(discovery_window=YOUNG).take(PLANT).arrange().engine.space)), "model")
    feed = Feed(rules=model.rules())
    model.pin(feed.engine.space)
    feed.take({"acme/east/mixing/hall1/vat09/level": 1}).settle()
    assert feed.object("acme/east/mixing/hall1/vat09")["typeElementId"] == "urn:uns:acme#Vat"
    assert feed.object("acme/east/mixing/hall1/vat09")["isExtended"] is False


def test_what_no_filter_can_name_is_left_out() -> None:
    """Topics that only a capture holds (wildcards in names) do not make a file that cannot be read."""
    feed = Feed(discovery_window=YOUNG).take({"a/+/b": 1, "a/x#y": 2, "$share/g/t": 3, "a/b": 4}).arrange()
    document = learnt(feed.engine.space)
    assert [table["match"] for table in document["element"]] == ["a", "a/b"]
    assert parse(text(document), "model").unseen(feed.engine.space) == []


def test_values_of_several_kinds_get_no_type() -> None:
    """An element whose type follows its value is told to be a part, nothing else."""
    feed = Feed(discovery_window=YOUNG).take({"a/mixed": 1}).take({"a/mixed": "off"}).arrange()
    assert {"match": "a/mixed", "part": True} in learnt(feed.engine.space)["element"]


def test_vocabularies_and_units_are_kept() -> None:
    """A small vocabulary is an `enum`, a unit that all elements share belongs to the type; pinned, both stay."""
    feed = Feed()
    for number in range(40):
        feed.seconds += 0.1
        heat = {"value": 20.5 + number, "unit": "°C", "quality": "Good"}
        feed.take({f"acme/vat{number % 4}/state": f"s{number % 3}", f"acme/vat{number % 4}/heat": heat}).arrange()
    document = tomllib.loads(text(learnt(feed.settle().engine.space)))
    tables = {table["name"]: table for table in document["type"]}
    assert tables["State"] == {"name": "State", "kind": "string", "enum": ["s0", "s1", "s2"]}
    assert tables["Heat"] == {"name": "Heat", "kind": "number", "unit": "°C"}
    model = parse(text(document), "model")
    pinned = Feed(rules=model.rules())
    model.pin(pinned.engine.space)
    pinned.take({"acme/vat1/state": "broken", "acme/vat2/state": "s1"}).settle()
    assert [pinned.object(f"acme/vat{number}/state")["isExtended"] for number in (1, 2)] == [True, False]
    assert invariants.faults(EngineView(pinned.engine)) == []
