"""Records put into history over HTTP (i3x-1.0.md sections 4, 8 and 10)."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from inprocess import AXIS, CURRENT, MOTOR, PRESS, SPEED, START_NS, TEMPERATURE, InProcess
from msgspec import structs

from bridge.api import ApiLimits, build
from bridge.history import MemoryHistory
from bridge.space import Change
from bridge.uns import Message
from bridge.uns.moments import SECOND, render

WHEN = "2026-09-01T12:00:00Z"
SPAN = {"startTime": "2026-01-01T00:00:00Z", "endTime": "2027-01-01T00:00:00Z"}


def update(ident: str, value: Any = 1, time: str = WHEN, **more: Any) -> dict[str, Any]:
    return {"elementId": ident, "value": {"value": value, "timestamp": time, **more}}


def put(bridge: InProcess, *updates: dict[str, Any]) -> list[dict[str, Any]]:
    return bridge.put("/objects/history", updates=updates)["results"]


def refused(item: dict[str, Any], status: int = 400) -> str:
    assert not item["success"]
    assert item["responseDetail"]["status"] == status
    return item["responseDetail"]["detail"]


def past(bridge: InProcess, ident: str) -> list[dict[str, Any]]:
    return bridge.post("/objects/history", elementIds=[ident], **SPAN)["results"][0]["result"]["values"]


def test_create_and_replace(bridge: InProcess) -> None:
    """A record is created at its time, or replaces the one that is there; the result is null."""
    assert (
        put(bridge, update(SPEED, 7), update(SPEED, 8, "2026-09-01T14:00:01+02:00", quality="Uncertain"))
        == [{"success": True, "elementId": SPEED, "result": None}] * 2
    )
    assert put(bridge, update(SPEED, 9))[0]["success"]
    assert past(bridge, SPEED) == [
        {"value": 9, "quality": "Good", "timestamp": "2026-09-01T12:00:00.000Z"},
        {"value": 8, "quality": "Uncertain", "timestamp": "2026-09-01T12:00:01.000Z"},
    ]


def test_nothing_else_changes(bridge: InProcess) -> None:
    """Current values, types, the model's revision and subscribers do not notice, not even of a record of now."""
    subscription = bridge.subscribe(SPEED, TEMPERATURE)
    bridge.fresh(subscription)
    before = bridge.get("/objecttypes"), bridge.get("/objects"), bridge.engine.space.revision
    put(bridge, update(SPEED, 5.25), update(SPEED, 99, render(bridge.now_ns + 1)), update(TEMPERATURE, None))
    assert (bridge.get("/objecttypes"), bridge.get("/objects"), bridge.engine.space.revision) == before
    assert bridge.post("/objects/value", elementIds=[SPEED])["results"][0]["result"]["value"] == 5
    assert bridge.fresh(subscription) == []


@pytest.mark.parametrize("value", [{"x": 5, "pos": {"y": 2, "z": 9}, "new": [1]}, {"x": None}, {}], ids=repr)
def test_structured(bridge: InProcess, value: Any) -> None:
    """Structured values come back exactly, and the fields' history follows."""
    assert put(bridge, update(AXIS, value))[0]["success"]
    assert [row["value"] for row in past(bridge, AXIS)] == [value]
    assert [row["value"] for row in past(bridge, f"{AXIS}#/x")] == [value.get("x")]


@pytest.mark.parametrize(
    ("value", "quality", "told"),
    [
        pytest.param(1, None, "Good", id="null is as good as left out"),
        pytest.param(1, "Uncertain", "Uncertain", id="uncertain"),
        pytest.param(None, None, "GoodNoData", id="null"),
        pytest.param(None, "Bad", "Bad", id="bad"),
        pytest.param(None, "GoodNoData", "GoodNoData", id="no data"),
    ],
)
def test_quality(bridge: InProcess, value: Any, quality: str | None, told: str) -> None:
    """Left out the quality is Good, or GoodNoData of a null."""
    put(bridge, update(SPEED, value, quality=quality))
    assert [(row["value"], row["quality"]) for row in past(bridge, SPEED)] == [(value, told)]


@pytest.mark.parametrize(
    ("value", "quality", "detail"),
    [
        (1, "Bad", "quality: a value needs Good or Uncertain"),
        (1, "GoodNoData", "quality: a value needs Good or Uncertain"),
        (None, "Good", "quality: a null needs Bad or GoodNoData"),
        (None, "Uncertain", "quality: a null needs Bad or GoodNoData"),
        (
            "fast",
            "Good",
            f'value: does not fit type urn:test#Speed of {SPEED}: "fast" is of type string, integer is needed',
        ),
        (
            True,
            "Good",
            f"value: does not fit type urn:test#Speed of {SPEED}: true is of type boolean, integer is needed",
        ),
        (
            [1],
            "Good",
            f"value: does not fit type urn:test#Speed of {SPEED}: an array is of type array, integer is needed",
        ),
    ],
)
def test_impossible(bridge: InProcess, value: Any, quality: str, detail: str) -> None:
    """What cannot be fails alone, and nothing is written of it."""
    bad, good = put(bridge, update(SPEED, value, quality=quality), update(CURRENT, 1.5))
    assert refused(bad) == detail
    assert good["success"]
    assert past(bridge, SPEED) == []


def test_other_kinds(bridge: InProcess) -> None:
    """An element that has had values of several kinds takes each of them."""
    bridge.publish(SPEED, "fast")
    bridge.arrange()
    assert [item["success"] for item in put(bridge, update(SPEED, 1), update(SPEED, "slow"), update(SPEED, []))] == [
        True,
        True,
        False,
    ]


def test_composed(bridge: InProcess) -> None:
    """A composed element's record is divided among its parts; what it leaves out, and what is null in it, stays."""
    put(bridge, update(SPEED, 1), update(CURRENT, 1.5))
    assert put(bridge, update(PRESS, {"motor": {"speed": 2, "current": None}, "axis": {"x": 5, "pos": None}}))[0][
        "success"
    ]
    assert [past(bridge, ident)[0]["value"] for ident in (SPEED, CURRENT, AXIS)] == [2, 1.5, {"x": 5, "pos": None}]
    assert past(bridge, TEMPERATURE) == []
    assert [row["value"] for row in past(bridge, MOTOR)] == [{"current": 1.5, "speed": 2}]
    assert put(bridge, update(MOTOR, None, quality="Bad"))[0]["success"]
    assert [(row["value"], row["quality"]) for row in past(bridge, MOTOR)] == [(None, "Bad")]


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        (5, f"value: {PRESS} is composed of its parts; an object of their values is needed"),
        ({"motor": 5}, f"value: {MOTOR} is composed of its parts; an object of their values is needed"),
        ({"temperature": 1, "wheel": 2}, f"value: {PRESS} has no part 'wheel'; it has axis, motor, temperature"),
        ({"temperature": 1, "motor": {"speed": "fast"}}, f"value: does not fit type urn:test#Speed of {SPEED}: "),
    ],
)
def test_impossible_composed(bridge: InProcess, value: Any, detail: str) -> None:
    """It fails as a whole: nothing of it is written."""
    assert refused(put(bridge, update(PRESS, value))[0]).startswith(detail)
    assert past(bridge, TEMPERATURE) == []


@pytest.mark.parametrize("ident", [PRESS, MOTOR, AXIS, SPEED, TEMPERATURE])
def test_every_record_again(bridge: InProcess, ident: str) -> None:
    """Any record that was read can be written as it is, and changes nothing: the official suite does so."""
    for value in range(3):
        bridge.pass_time(1)
        bridge.publish(SPEED, value)
        bridge.publish(AXIS, {"x": value, "pos": {"y": 2}})
    bridge.publish(TEMPERATURE, 7.5)
    before = past(bridge, ident)
    assert before
    assert all(item["success"] for item in put(bridge, *({"elementId": ident, "value": row} for row in before)))
    assert past(bridge, ident) == before


@pytest.mark.parametrize(
    ("ident", "status", "detail"),
    [
        ("nobody", 404, "no such element"),
        (f"{AXIS}#/pos/y", 400, f"elementId: {AXIS}#/pos/y is a field; its history is in that of {AXIS}"),
        ("acme", 400, "elementId: acme has no values of its own"),
        ("$bridge/model/version", 403, "elementId: $bridge/model/version is told by the bridge itself"),
    ],
)
def test_not_to_be_written(bridge: InProcess, ident: str, status: int, detail: str) -> None:
    """Elements without a history of their own are refused with the name of the one that has it."""
    if ident.startswith("$bridge"):
        bridge.engine.tick(bridge.now_ns, bridge.now, bridge.clock)
        assert ident in bridge.engine.space.nodes
    (item,) = put(bridge, update(ident))
    assert refused(item, status).startswith(detail)


@pytest.mark.parametrize(
    ("updates", "where"),
    [
        ([{"value": {"value": 1, "timestamp": WHEN}}], "updates[0].elementId: is required"),
        ([{"elementId": SPEED}], "updates[0].value: is required"),
        ([{"elementId": SPEED, "value": {"timestamp": WHEN}}], "updates[0].value.value: is required"),
        ([{"elementId": SPEED, "value": {"value": 1}}], "updates[0].value.timestamp: is required"),
        ([update(SPEED, 1, None)], "updates[0].value.timestamp: must be a string"),  # type: ignore[arg-type]
        ([update(SPEED), update(SPEED, 1, "noon")], "updates[1].value.timestamp: 'noon' is no RFC 3339 time"),
        ([update(SPEED, 1, "2026-01-01T00:00:00")], "updates[0].value.timestamp: '2026-01-01T00:00:00' is no RFC 3339"),
        (
            [update(SPEED, quality="good")],
            "updates[0].value.quality: must be 'Good', 'Uncertain', 'Bad' or 'GoodNoData'",
        ),
        ({}, "updates: must be a list of objects"),
    ],
    ids=str,
)
def test_malformed(bridge: InProcess, updates: Any, where: str) -> None:
    """A malformed update makes the whole request 400, and nothing is written."""
    body = bridge.put("/objects/history", 400, updates=updates)
    assert body["responseDetail"]["detail"].startswith(where)
    assert past(bridge, SPEED) == []


@pytest.mark.parametrize("time", ["1969-12-31T23:59:59Z", "2263-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_beyond_all_stores(bridge: InProcess, time: str) -> None:
    """Times that no store can hold fail alone."""
    assert refused(put(bridge, update(SPEED, 1, time))[0]) == "timestamp: must lie between 1970 and 2262"


def with_limits(bridge: InProcess, **limits: float) -> InProcess:
    """The same bridge, with other limits for the times of records."""
    bridge.context = structs.replace(bridge.context, **limits)
    bridge.app, bridge.streams = build(bridge.context)
    return bridge


def from_now(seconds: float) -> str:
    return render(time.time_ns() + int(seconds * SECOND))


@pytest.mark.parametrize(
    ("tolerance", "taken", "refused_at"),
    [
        pytest.param(300.0, 240, 360, id="as payloads are believed by default"),
        pytest.param(0.0, -1, 60, id="nothing ahead"),
        pytest.param(86_400.0, 86_340, 86_460, id="a day"),
        pytest.param(1e300, 10**9, None, id="all times"),
    ],
)
def test_future(bridge: InProcess, tolerance: float, taken: float, refused_at: float | None) -> None:
    """A record further ahead of now than a payload is believed fails alone, and is not written."""
    with_limits(bridge, future_tolerance=tolerance)
    good, *bad = put(
        bridge, update(SPEED, 1, from_now(taken)), *(update(SPEED, 2, from_now(at)) for at in [refused_at] if at)
    )
    assert good["success"]
    assert all(refused(item).startswith("timestamp: lies in the future; taken is up to 20") for item in bad)
    span = {"startTime": "2000-01-01T00:00:00Z", "endTime": "2262-01-01T00:00:00Z"}
    rows = bridge.post("/objects/history", elementIds=[SPEED], **span)["results"][0]["result"]["values"]
    assert [row["value"] for row in rows] == [1]


def test_older_than_what_is_kept(bridge: InProcess) -> None:
    """A record that would be gone at once fails alone; where rows are kept for ever none is too old."""
    with_limits(bridge, keep_age=3_600.0)
    young, old = put(bridge, update(SPEED, 1, from_now(-3_540)), update(SPEED, 2, from_now(-3_660)))
    assert young["success"]
    assert refused(old).startswith("timestamp: is older than what is kept, which is from 20")
    for age in (0.0, 1e300):
        with_limits(bridge, keep_age=age)
        assert put(bridge, update(SPEED, 3, "1970-01-01T00:00:00Z"))[0]["success"]


def test_too_many(make_bridge: Callable[..., InProcess]) -> None:
    """More updates than ids may be named in one request are 413."""
    bridge = make_bridge(limits=ApiLimits(max_ids=2))
    detail = bridge.put("/objects/history", 413, updates=[update("a")] * 3)["responseDetail"]["detail"]
    assert detail.startswith("updates: 3 ids, at most 2")


class Slow(MemoryHistory):
    """A store whose disk takes its time: `settle` says that all is safe."""

    def __init__(self) -> None:
        super().__init__(1_000, 1_000)
        self.waiting: list[Callable[[], None]] = []
        self.asked = asyncio.Event()

    def append(self, changes: Sequence[Change], settled: Callable[[], None] | None = None) -> None:
        super().append(changes)
        if settled is not None:
            self.waiting.append(settled)
            self.asked.set()


def test_answered_when_safe(bridge: InProcess) -> None:
    """The answer waits until the store has the records safe."""
    store = bridge.context.historian.history = Slow()

    async def written() -> bool:
        body = {"updates": [update(SPEED)]}
        asked = asyncio.create_task(bridge.answer("PUT", "/v1/objects/history", body))
        await store.asked.wait()
        await asyncio.sleep(0.01)
        early = asked.done()
        store.waiting.pop()()
        return early or not (await asked).json()["success"]

    assert asyncio.run(written()) is False


def test_not_safe_in_time(make_bridge: Callable[..., InProcess]) -> None:
    """A disk that takes longer than a query may is told item by item; what failed anyway says why it did."""
    bridge = make_bridge(limits=ApiLimits(query_timeout=0.01))
    bridge.press()
    store = bridge.context.historian.history = Slow()
    late, bad = put(bridge, update(SPEED), update("nobody"))
    assert refused(late, 503).startswith("taken, but not yet on the disk")
    refused(bad, 404)
    store.waiting.pop()()  # much later: nobody minds


def test_alias(bridge: InProcess) -> None:
    """What is written to an alias is its target's."""
    from bridge.space.owned.views import Alias

    space = bridge.engine.space
    space.nodes["alias"] = Alias("alias", "alias", space.nodes["acme"], space.nodes[SPEED])
    assert put(bridge, update("alias", 3))[0]["success"]
    assert [row["value"] for row in past(bridge, SPEED)] == [3]
    assert past(bridge, "alias") == past(bridge, SPEED)


def test_written_again(bridge: InProcess) -> None:
    """The value, quality and time that a read told can be written back, and there is still one record."""
    bridge.ingest(Message(SPEED, b"6", received_ns=START_NS + 5))
    vqt = bridge.post("/objects/value", elementIds=[SPEED])["results"][0]["result"]
    put(bridge, update(SPEED, vqt["value"], vqt["timestamp"], quality=vqt["quality"]))
    assert past(bridge, SPEED) == [{key: vqt[key] for key in ("value", "quality", "timestamp")}]
    assert PRESS in bridge.engine.space.nodes
