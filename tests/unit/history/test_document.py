"""docs/history.md tells what the API takes."""

import json
import re
from collections.abc import Callable
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


def test_cut_answer(make_bridge: Callable[..., InProcess]) -> None:
    """The detail of a 206 is the one that is shown, and the rest comes with its time."""
    (shown,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    bridge = make_bridge(rows=2)
    bridge.press()
    for value in range(3):
        bridge.publish(SPEED, value)
        bridge.pass_time(60)
    span = {"elementIds": [SPEED], "endTime": "2026-09-22T00:00:00Z"}
    cut = bridge.post("/objects/history", 206, startTime="2026-09-21T00:00:00Z", **span)
    assert cut["responseDetail"] == json.loads(shown)
    resume = json.loads(shown)["detail"].split()[-1]
    (item,) = bridge.post("/objects/history", startTime=resume, **span)["results"]
    assert [row["value"] for row in item["result"]["values"]] == [2]


def test_unknown_field(bridge: InProcess) -> None:
    """A field with a typing error is ignored, as it says."""
    body = {"elementIds": [SPEED], "startTime": "2026-09-21T00:00:00Z", "endTime": "2026-09-22T00:00:00Z"}
    assert "`maxPionts`" in TEXT
    assert bridge.post("/objects/history", maxPionts="?", **body) == bridge.post("/objects/history", **body)


def test_all_commands_were_found() -> None:
    """One to read, one to aggregate, one to thin, one for changes and one to write."""
    assert len(COMMANDS) == 5
