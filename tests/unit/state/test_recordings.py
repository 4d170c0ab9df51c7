"""Recorded plants after a restart: whatever they have published, clients find everything as it was."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import recordings
from expected import RECEIVED_NS, SETTLED_S, Plant

from bridge.config import Settings
from bridge.engine import Engine, Options
from bridge.space import Node
from bridge.state import StateKeeper
from bridge.uns import NO_DATA
from bridge.uns.moments import SECOND

RESTART_S = 3_600
NAMES = [*recordings.shared_folders(), *recordings.own_files()]


def keeper(directory: Path, engine: Engine, seconds: int) -> StateKeeper:
    return StateKeeper(directory, engine, "f00", lambda: RECEIVED_NS + seconds * SECOND, lambda: float(seconds))


async def kept(directory: Path, plant: Plant) -> None:
    """Let a plant's messages come while its state is kept, and end in order."""
    first = keeper(directory, plant.engine, SETTLED_S)
    for message in plant.traffic:  # births were told while nobody listened
        if message.topic.startswith("spBv1.0/") and message.topic.split("/")[2] in ("NBIRTH", "DBIRTH"):
            first._values._births.hear(message)
    await first.close()
    assert first.problems == 0


def described(engine: Engine, node: Node) -> dict[str, Any]:
    """What clients can see of an element. When nothing was ever reported, the time says little, and is left out."""
    value, quality, time_ns = node.vqt(engine.space.zone)
    return {
        "type": node.type.id,
        "parent": node.parent.id if node.parent is not None else None,
        "part": node.part,
        "value": value,
        "quality": quality,
        "time": time_ns if quality != NO_DATA else 0,
        "said": node.said_ns,
        "unit": node.unit,
        "description": node.description,
        "label": node.label,
        "attributes": dict(node.attributes or {}),
        "limits": engine.space.limits_of.get(node.id),
        "raw": engine.space.raw_topics.get(node.id),
    }


def everything(engine: Engine) -> dict[str, Any]:
    nodes = engine.space.nodes.items()
    return {ident: described(engine, node) for ident, node in nodes if node not in engine.space.own}


def _differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What has changed of each element, before and after; None: it is not there."""
    return {
        ident: {key: (was[key], now[key]) for key in was if was[key] != now[key]} if was and now else (was, now)
        for ident in before.keys() | after.keys()
        if (was := before.get(ident)) != (now := after.get(ident))
    }


@pytest.mark.parametrize("name", NAMES)
def test_restart(tmp_path: Path, name: str) -> None:
    """Elements, types, places, values, qualities, units and names are those of before, once nothing was missed."""
    plant = Plant(name)
    asyncio.run(kept(tmp_path, plant))
    later = Engine(Options(aspects=Settings().model.aspects))
    second = keeper(tmp_path, later, RESTART_S)
    second.restore()
    assert all(node.vqt(later.space.zone)[1] != "Good" for node in later.space.by_topic.values())
    later.broker_back(session_kept=True)
    for step in range(RESTART_S, 2 * RESTART_S):
        later.tick(RECEIVED_NS + step * SECOND, float(step), lambda: 0.0)
        if not (later.behind or later.space.provisional):
            break
    assert _differences(everything(plant.engine), everything(later)) == {}
    assert later.browse.object_types() == plant.engine.browse.object_types()
    assert second.problems == later.balance == 0
