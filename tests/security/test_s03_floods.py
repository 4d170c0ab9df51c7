"""S3: topics that come once, and keys that are always new: what is kept is bounded, what was known stays current."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flood import Flood

from bridge.space import Limits
from bridge.space.registry import MAX_TYPES

ROOT = Path(__file__).parents[2]
ELEMENTS = 2_000
OWN = 10  # what the bridge tells about itself, beside the limit
MILLION = 1_000_000
MEGABYTES = 1_024
LONG_S = 1_800


def bounded(outcome: dict[str, Any], limits: Limits) -> None:
    assert outcome["current"]
    assert outcome["elements"] <= limits.elements + OWN
    assert outcome["types"] <= MAX_TYPES + OWN
    assert outcome["largest_schema"] <= limits.fields


def test_unique_topics() -> None:
    """100,000 topics, of which there is room for few: each of the others is counted."""
    limits = Limits(elements=ELEMENTS)
    flood = Flood(limits)
    flood.topics(100_000)
    outcome = flood.outcome
    bounded(outcome, limits)
    assert outcome["refused"]["elements"] + outcome["elements"] >= 100_000


def test_new_keys() -> None:
    """20,000 keys on one topic: its type has so many properties as there may be, and others are left as they are."""
    limits = Limits(elements=ELEMENTS)
    flood = Flood(limits)
    flood.keys(20_000)
    outcome = flood.outcome
    bounded(outcome, limits)
    assert outcome["fields"] == outcome["largest_schema"] == limits.fields


@pytest.mark.long
def test_a_million_of_each() -> None:
    """With the limits of the daemon, in a process of its own: at most a gigabyte."""
    command = [sys.executable, "tests/helpers/flood.py", str(MILLION)]
    ended = subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=True, timeout=LONG_S
    )
    outcome = json.loads(ended.stdout)
    bounded(outcome, Limits())
    assert outcome["refused"]["elements"] > 0
    assert outcome["peak_mb"] <= MEGABYTES
