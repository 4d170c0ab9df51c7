"""S6: depths and ranges beyond all reason: refused, or answered in time with what there is and told what is not."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from inprocess import PRESS, SECOND, SPEED, InProcess

from bridge.history.sqlite import SqliteHistory

ALL_TIME = {"startTime": "0001-01-01T00:00:00Z", "endTime": "9999-12-31T23:59:59.999999999Z"}
ROWS = 20_000
LIMIT = 10_000
IN_TIME_S = 5.0
PATHS = {
    "/objects/value": {},
    "/objects/history": ALL_TIME,
    "/subscriptions/register": {"clientId": "c", "subscriptionId": "s"},
}


@pytest.fixture(scope="module")
def bridge() -> InProcess:
    """A press, one element of which has more rows than one answer may hold."""
    found = InProcess(rows=LIMIT, rows_per_element=2 * ROWS)
    found.press()
    for number in range(ROWS):
        found.publish(SPEED, number, (found.now_ns - (ROWS - number) * SECOND) // 1_000_000)
    return found


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("depth", [-1, -(10**9), -(10**40), 0.5, "1", True, [1]])
def test_depth_is_refused(bridge: InProcess, path: str, depth: Any) -> None:
    """400, whatever else is in the request."""
    told = bridge.post(path, 400, elementIds=[PRESS], maxDepth=depth, **PATHS[path])
    assert told["responseDetail"]["detail"].startswith("maxDepth: must be ")


@pytest.mark.parametrize("depth", [10**9, 10**40, 1e40])
def test_depth_beyond_the_tree(bridge: InProcess, depth: Any) -> None:
    """All there is, as with 0."""
    found = bridge.post("/objects/value", elementIds=[PRESS], maxDepth=depth)
    assert found == bridge.post("/objects/value", elementIds=[PRESS], maxDepth=0)
    mine = bridge.post("/subscriptions", clientId="c")["result"]
    del mine["displayName"]
    assert bridge.post("/subscriptions/register", **mine, elementIds=[PRESS], maxDepth=depth)["success"]


REDUCED = [{}, {"maxDepth": 0}, {"maxPoints": 100}, {"onlyChanges": True}, {"aggregate": "avg", "interval": 0.001}]


@pytest.mark.parametrize("more", REDUCED)
def test_all_time(bridge: InProcess, more: dict[str, Any]) -> None:
    """From the year 1 to the year 9999: in time, and 206 where it is not all."""
    began = time.monotonic()
    whole = more.get("maxPoints") is not None
    body = bridge.post("/objects/history", 200 if whole else 206, elementIds=[SPEED], **ALL_TIME, **more)
    assert time.monotonic() - began < IN_TIME_S
    assert len(body["results"][0]["result"]["values"]) <= LIMIT
    assert whole or "resume with startTime" in body["responseDetail"]["detail"]


FAR = [("0001-01-01T00:00:00Z", "0002-01-01T00:00:00Z"), ("1600-01-01T00:00:00Z", "1969-12-31T23:59:59Z"),
       ("3986-01-01T00:00:00Z", "6380-01-01T00:00:00Z"), ("9999-12-31T00:00:00Z", "9999-12-31T23:59:60Z")]  # fmt: skip


@pytest.mark.parametrize("more", [*REDUCED, {"aggregate": "count", "interval": "1d"}])
@pytest.mark.parametrize("backend", ["memory", "sqlite"])
def test_far_ranges(tmp_path: Path, backend: str, more: dict[str, Any]) -> None:
    """Where no record can be there is none, in a file that counts in 64 bits as well."""
    history = SqliteHistory(tmp_path / "history.sqlite") if backend == "sqlite" else None

    async def asked() -> list[Any]:
        if history is not None:
            history.open()
            history.start()
        bridge = InProcess(history=history)
        bridge.publish(SPEED, 5, bridge.now_ns // 1_000_000)
        bodies = [{"elementIds": [SPEED], "startTime": start, "endTime": end, **more} for start, end in FAR]
        answers = [await bridge.answer("POST", "/v1/objects/history", body) for body in bodies]
        if history is not None:
            assert await history.close(IN_TIME_S)
        return [one.json()["results"][0] for one in answers]

    before = [one["result"]["values"] for one in asyncio.run(asked())]
    assert before[:2] == [[], []]
    assert all(one["quality"] != "Good" or more.get("aggregate") for values in before for one in values)


def test_reversed(bridge: InProcess) -> None:
    """A range that ends before it begins is refused."""
    times = {"startTime": ALL_TIME["endTime"], "endTime": ALL_TIME["startTime"]}
    told = bridge.post("/objects/history", 400, elementIds=[SPEED], **times)
    assert told["responseDetail"]["detail"].startswith("startTime: ")
