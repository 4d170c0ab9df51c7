"""docs/history.md tells what the API takes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from inprocess import SPEED, InProcess

from bridge.api.requests import HistoryQuery
from bridge.history.aggregates import NAMES

TEXT = (Path(__file__).parents[3] / "docs/history.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"curl (-X PUT )?\S+/v1(\S+) -d '(.*?)'\n", TEXT, re.DOTALL)


def test_fields() -> None:
    """Each field beyond the standard's, and each aggregate, is described."""
    beyond = set(HistoryQuery.model_fields) - {"elementIds", "startTime", "endTime", "maxDepth"}
    assert {name for name in (*beyond, *NAMES) if f"`{name}`" not in TEXT} == set()


@pytest.mark.parametrize(("put", "path", "body"), COMMANDS)
def test_commands(bridge: InProcess, put: str, path: str, body: str) -> None:
    """The commands that it shows work."""
    asked: dict[str, Any] = json.loads(body)
    answer = bridge.put(path, **asked) if put else bridge.post(path, **asked)
    assert [(item["success"], item["elementId"]) for item in answer["results"]] == [(True, SPEED)]


def test_all_commands_were_found() -> None:
    """One to read, one to aggregate, one to thin and one to write."""
    assert len(COMMANDS) == 4
