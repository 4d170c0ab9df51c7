"""Current values and history over HTTP (i3x-1.0.md sections 2, 4, 5, 10)."""

from collections.abc import Callable
from typing import Any

import pytest
from inprocess import AXIS, MOTOR, PARTS, PRESS, SECOND, SPEED, START_NS, TEMPERATURE, InProcess

from bridge.api import ApiLimits
from bridge.space.browse import Browser
from bridge.uns.moments import render

ALWAYS = {"startTime": "2026-01-01T00:00:00Z", "endTime": "2027-01-01T00:00:00Z"}


def test_one(bridge: InProcess) -> None:
    """A leaf has its value-quality-timestamp and says that it is no composition."""
    assert bridge.post("/objects/value", elementIds=[SPEED])["results"] == [
        {
            "success": True,
            "elementId": SPEED,
            "result": {"isComposition": False, "value": 5, "quality": "Good", "timestamp": render(START_NS)},
        }
    ]


def test_composed(bridge: InProcess) -> None:
    """clients.md 5: one read gives a whole machine; without depth there is no components key, never a null one."""
    found = bridge.post("/objects/value", elementIds=[PRESS], maxDepth=1)["results"][0]["result"]
    assert found["isComposition"] is True
    assert found["value"]["motor"] == {"current": 5.5, "speed": 5}
    assert "components" not in found


@pytest.mark.parametrize(
    ("depth", "components"),
    [
        pytest.param(0, PARTS, id="all"),
        pytest.param(2, {AXIS, MOTOR, TEMPERATURE}, id="two levels"),
        pytest.param(10**9, PARTS, id="a thousand million"),
        pytest.param(10**40, PARTS, id="beyond 64 bits"),
    ],
)
def test_depth(bridge: InProcess, depth: int, components: set[str]) -> None:
    """components is a flat map of all included descendants."""
    found = bridge.post("/objects/value", elementIds=[PRESS, SPEED], maxDepth=depth)["results"]
    assert found[0]["result"]["components"].keys() == components
    assert all(part.keys() == {"value", "quality", "timestamp"} for part in found[0]["result"]["components"].values())
    assert "components" not in found[1]["result"]


@pytest.mark.parametrize("depth", [None, 1], ids=["null", "one"])
def test_default_depth(bridge: InProcess, depth: int | None) -> None:
    """maxDepth null is the default, this object alone."""
    assert bridge.post("/objects/value", elementIds=[PRESS], maxDepth=depth) == bridge.post(
        "/objects/value", elementIds=[PRESS]
    )


@pytest.mark.parametrize("depth", [-1, 1.5, "1", True, [], -(10**40)], ids=repr)
@pytest.mark.parametrize("path", ["/objects/value", "/objects/history", "/subscriptions/register"])
def test_wrong_depth(bridge: InProcess, path: str, depth: object) -> None:
    """A negative or non-integer maxDepth is 400 and named."""
    body = {"elementIds": [SPEED], "clientId": "c", "subscriptionId": "s", "maxDepth": depth, **ALWAYS}
    assert "maxDepth" in bridge.post(path, 400, **body)["responseDetail"]["detail"]


def test_null_and_quality(bridge: InProcess) -> None:
    """Null goes with Bad and GoodNoData, and only with them: everywhere, in every component."""
    bridge.publish(SPEED, {"value": None, "quality": 0, "timestamp": bridge.now_ns // 1_000_000})
    bridge.publish(AXIS, {"x": None, "pos": {"y": 2}})
    ids = [row["elementId"] for row in bridge.get("/objects")["result"]]
    for item in bridge.post("/objects/value", elementIds=ids, maxDepth=0)["results"]:
        for vqt in [item["result"], *item["result"].get("components", {}).values()]:
            assert (vqt["value"] is None) == (vqt["quality"] in ("Bad", "GoodNoData")), item
            assert vqt["timestamp"].endswith("Z")


def test_too_many_components(make_bridge: Callable[..., InProcess]) -> None:
    """A cap of ours that cuts is 206 and says what to do."""
    bridge = make_bridge(limits=ApiLimits(max_components=3))
    bridge.press()
    body = bridge.post("/objects/value", 206, elementIds=[PRESS, MOTOR], maxDepth=0)
    assert body["success"] is True
    assert body["responseDetail"]["status"] == 206
    assert "maxDepth" in body["responseDetail"]["detail"]
    assert [len(item["result"]["components"]) for item in body["results"]] == [3, 0]
    assert bridge.post("/objects/history", 206, elementIds=[PRESS], maxDepth=0, **ALWAYS)["success"] is True


@pytest.mark.parametrize("path", ["/objects/value", "/objects/history", "/objects/list", "/objects/related"])
def test_too_many_ids(make_bridge: Callable[..., InProcess], path: str) -> None:
    """More ids than allowed are 413, with the field and the remedy."""
    bridge = make_bridge(limits=ApiLimits(max_ids=3))
    detail = bridge.post(path, 413, elementIds=["a"] * 4, **ALWAYS)["responseDetail"]["detail"]
    assert "elementIds" in detail
    assert "at most 3" in detail


@pytest.mark.parametrize("path", ["/objects/value", "/objects/history"])
def test_writes_that_are_off(make_bridge: Callable[..., InProcess], path: str) -> None:
    """An optional feature that is off is 501; a malformed body is still 400."""
    bridge = make_bridge(history_writable=False)
    record = {"value": 1, "quality": "Good", "timestamp": "2026-01-01T00:00:00Z"}
    body = bridge.put(path, 501, updates=[{"elementId": "a", "value": record}])
    assert "/info" in body["responseDetail"]["detail"]
    bridge.put(path, 400, updates=[{"elementId": "a"}])
    bridge.put(path, 400, updates=[{"elementId": "a", "value": {}}])


class TestHistory:
    def test_shape(self, bridge: InProcess) -> None:
        """clients.md 24: ascending rows with a value, a quality and a time; no components unless asked for."""
        for value in (1, 2, 3):
            bridge.pass_time(1)
            bridge.publish(SPEED, value)
        (item,) = bridge.post("/objects/history", elementIds=[SPEED], **ALWAYS)["results"]
        assert item["result"].keys() == {"isComposition", "values"}
        assert [row["value"] for row in item["result"]["values"]] == [1, 2, 3]

    def test_gap_in_a_chart(self, bridge: InProcess) -> None:
        """clients.md 25: what has no value is null between numbers."""
        for payload in (1.5, {"value": None, "quality": "Bad"}, 2.5):
            bridge.pass_time(1)
            bridge.publish(SPEED, payload)
        (item,) = bridge.post("/objects/history", elementIds=[SPEED], **ALWAYS)["results"]
        assert [row["value"] for row in item["result"]["values"]] == [1.5, None, 2.5]

    def test_components(self, bridge: InProcess) -> None:
        """A composition with another depth tells its components' rows."""
        bridge.publish(SPEED, 9)
        (item,) = bridge.post("/objects/history", elementIds=[MOTOR], maxDepth=0, **ALWAYS)["results"]
        assert item["result"]["components"][SPEED] == {
            "isComposition": False,
            "values": [{"value": 9, "quality": "Good", "timestamp": render(bridge.now_ns)}],
        }

    def test_cut(self, make_bridge: Callable[..., InProcess]) -> None:
        """A limit that cuts is 206; the detail names the element and the time to resume from."""
        bridge = make_bridge(rows=2)
        bridge.press()
        for value in range(3):
            bridge.pass_time(1)
            bridge.publish(SPEED, value)
        body = bridge.post("/objects/history", 206, elementIds=[SPEED, "nobody"], **ALWAYS)
        assert body["success"] is False
        assert body["responseDetail"]["title"] == "Partial Content"
        assert f"{SPEED}: resume with startTime {render(bridge.now_ns)}" in body["responseDetail"]["detail"]
        rest = {**ALWAYS, "startTime": render(bridge.now_ns)}
        (item,) = bridge.post("/objects/history", elementIds=[SPEED], **rest)["results"]
        assert [row["value"] for row in item["result"]["values"]] == [2]

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            pytest.param("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", id="year 1 to 9999"),
            pytest.param("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", id="just beyond"),
            pytest.param("2026-09-21T15:13:20+02:00", "2026-09-21T13:13:21-02:00", id="offsets"),
            pytest.param("2026-09-21T13:13:20.5z", "2026-09-21T15:13:21Z", id="fraction and small z"),
        ],
    )
    def test_times(self, bridge: InProcess, start: str, end: str) -> None:
        """Every RFC 3339 time with an offset is understood."""
        bridge.publish(SPEED, 1)
        (item,) = bridge.post("/objects/history", elementIds=[SPEED], startTime=start, endTime=end)["results"]
        assert len(item["result"]["values"]) == 1, (start, end, render(bridge.now_ns))

    @pytest.mark.parametrize(
        "time",
        [
            *("", "yesterday", "2026-01-01", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z"),
            *(
                "0000-01-01T00:00:00Z",
                "10000-01-01T00:00:00Z",
                "1767225600",
                "20260101T000000Z",
            ),
            *(
                "2026-01-01T00:00:00+99:99",
                "２０２６-01-01T00:00:00Z",
                "2026-01-01T00:00:00Z\n",
                1767225600,
                None,
                True,
            ),
        ],
        ids=repr,
    )
    def test_malformed_times(self, bridge: InProcess, time: object) -> None:
        """A malformed time is 400 and named."""
        for name in ("startTime", "endTime"):
            body = bridge.post("/objects/history", 400, elementIds=[SPEED], **{**ALWAYS, name: time})
            assert name in body["responseDetail"]["detail"]

    def test_missing_times(self, bridge: InProcess) -> None:
        """clients.md 20: both times are required."""
        for name in ALWAYS:
            times = {key: value for key, value in ALWAYS.items() if key != name}
            body = bridge.post("/objects/history", 400, elementIds=[SPEED], **times)
            assert body["responseDetail"]["detail"] == f"{name}: is required"

    def test_reversed(self, bridge: InProcess) -> None:
        """A range that ends before it starts is 400."""
        times = {"startTime": ALWAYS["endTime"], "endTime": ALWAYS["startTime"]}
        body = bridge.post("/objects/history", 400, elementIds=[SPEED], **times)
        assert "startTime" in body["responseDetail"]["detail"]

    def test_an_instant(self, bridge: InProcess) -> None:
        """A range of one instant holds the row at it."""
        bridge.publish(SPEED, 1)
        times = {"startTime": render(bridge.now_ns), "endTime": render(bridge.now_ns)}
        (item,) = bridge.post("/objects/history", elementIds=[SPEED], **times)["results"]
        assert len(item["result"]["values"]) == 1

    def test_bounded_in_time(self, make_bridge: Callable[..., InProcess]) -> None:
        """A hundred thousand ids are answered within the time for a query: 206, and every item is there."""
        bridge = make_bridge(limits=ApiLimits(query_timeout=5.0), tick=0.002)
        bridge.press()
        bridge.publish(SPEED, 1)
        before = bridge.now
        body = bridge.post("/objects/history", 206, elementIds=[SPEED] * 100_000, **ALWAYS)
        assert len(body["results"]) == 100_000
        assert body["results"][0]["result"]["values"]
        assert body["results"][-1]["result"]["values"] == []
        detail = body["responseDetail"]["detail"]
        assert f"{SPEED}: resume with startTime 2026-01-01T00:00:00.000Z" in detail
        assert "more elements" in detail
        assert len(detail) < 4_000
        served = sum(bool(item["result"]["values"]) for item in body["results"])
        assert served * 0.002 <= 5.0 + 1.0
        assert bridge.now > before


def test_resumed_rows_are_exact(make_bridge: Callable[..., InProcess]) -> None:
    """Following the times that 206 answers tell brings every row once."""
    bridge = make_bridge(rows=7)
    bridge.press()
    for value in range(40):
        bridge.now_ns += SECOND // 3 + 1
        bridge.publish(SPEED, value)
    found, times = [], dict(ALWAYS)
    while True:
        answer = bridge.ask(
            "POST", "/v1/objects/history", str({"elementIds": [SPEED], **times}).replace("'", '"').encode()
        )
        body = answer.json()
        found += [row["value"] for row in body["results"][0]["result"]["values"]]
        if answer.status_code == 200:
            break
        times["startTime"] = body["responseDetail"]["detail"].rpartition(" ")[2]
    assert found == list(range(40))


class TestManyValues:
    def test_each_once(self, bridge: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        """An element that is named again and again is built once, and answered as often as it is named."""
        built: list[str] = []
        value = Browser.value
        monkeypatch.setattr(Browser, "value", lambda *given, **more: built.append(given[1]) or value(*given, **more))
        ids = [PRESS, SPEED, "nobody", PRESS, SPEED]
        items = bridge.post("/objects/value", elementIds=ids)["results"]
        assert [item["elementId"] for item in items] == ids
        assert items[0] == items[3] == bridge.post("/objects/value", elementIds=[PRESS])["results"][0]
        assert built[:-1] == [PRESS, SPEED, "nobody"]

    def test_bounded_in_time(self, make_bridge: Callable[..., InProcess]) -> None:
        """What is not built within the time for a query fails by itself, never silently."""
        bridge = make_bridge(limits=ApiLimits(query_timeout=1.0), tick=0.3)
        bridge.press()
        ids = [PRESS, MOTOR, SPEED, AXIS, TEMPERATURE]
        items = bridge.post("/objects/value", elementIds=ids)["results"]
        assert [item["success"] for item in items] == [True, True, False, False, False]
        assert items[-1]["responseDetail"]["status"] == 503
        assert "another" in items[-1]["responseDetail"]["detail"]

    def test_bounded_in_bytes(self, bridge: InProcess) -> None:
        """So does what is beyond the size of one answer."""
        bridge.context.historian._max_bytes = 1_000
        items = bridge.post("/objects/value", elementIds=[PRESS] * 100)["results"]
        served = [item["success"] for item in items]
        assert len(items) == 100
        assert served == sorted(served, reverse=True)
        assert 1 < sum(served) < 10


DAY = {"startTime": "2026-09-21T00:00:00Z", "endTime": "2026-09-22T00:00:00Z"}


class TestReductions:
    def measured(self, bridge: InProcess) -> None:
        """Ten speeds, ten seconds apart."""
        for value in range(10):
            bridge.publish(SPEED, value)
            bridge.pass_time(10)

    def asked(self, bridge: InProcess, status: int = 200, ident: str = SPEED, **body: object) -> list[dict[str, Any]]:
        answer = bridge.post("/objects/history", status, elementIds=[ident], **{**DAY, **body})
        return answer["results"][0]["result"]["values"]

    @pytest.mark.parametrize("interval", [60, 60.0, "60s", "1m", "PT1M"], ids=repr)
    def test_aggregate(self, bridge: InProcess, interval: object) -> None:
        """One value for each interval from the start of the range, at the interval's start."""
        self.measured(bridge)  # from 14:13:21
        assert self.asked(bridge, aggregate="avg", interval=interval) == [
            {"value": 1.5, "quality": "Good", "timestamp": "2026-09-21T14:13:00.000Z"},
            {"value": 6.5, "quality": "Good", "timestamp": "2026-09-21T14:14:00.000Z"},
        ]

    def test_cut(self, make_bridge: Callable[..., InProcess]) -> None:
        """More intervals than the limit are cut, to be resumed where one begins."""
        bridge = make_bridge(rows=2)
        bridge.press()
        self.measured(bridge)
        body = bridge.post("/objects/history", 206, elementIds=[SPEED], aggregate="max", interval=20, **DAY)
        start = body["responseDetail"]["detail"].rpartition(" ")[2]
        first = body["results"][0]["result"]["values"]
        assert (len(first), start) == (2, "2026-09-21T14:14:00.000Z")
        rest = self.asked(bridge, 206, aggregate="max", interval=20, startTime=start)
        assert [row["value"] for row in [*first, *rest]] == [1, 3, 5, 7]

    def test_max_points(self, bridge: InProcess) -> None:
        """Rows for a chart: the first, the last and the extremes, each at its own time; few come back as they are."""
        self.measured(bridge)
        bridge.publish(SPEED, -50)
        bridge.pass_time(1)
        bridge.publish(SPEED, 3)
        everything = self.asked(bridge)
        thinned = self.asked(bridge, maxPoints=5)
        assert {0, 9, -50, 3} <= {row["value"] for row in thinned}
        assert len(thinned) <= 5 < len(everything)
        assert all(row in everything for row in thinned)
        assert self.asked(bridge, maxPoints=100) == everything

    def test_only_changes(self, make_bridge: Callable[..., InProcess]) -> None:
        """Of readings that say the same one after the other the first; cut by the limit of rows that are told."""
        bridge = make_bridge(rows=3)
        bridge.press()
        for value in ("Idle", "Idle", "Running", "Running", "Running", "Fault", "Running", "Running"):
            bridge.pass_time(1)
            bridge.publish(TEMPERATURE, value)
        said = {"elementIds": [TEMPERATURE], "onlyChanges": True, **DAY}
        body = bridge.post("/objects/history", 206, **said)
        start = body["responseDetail"]["detail"].rpartition(" ")[2]
        rest = bridge.post("/objects/history", **{**said, "startTime": start})
        found = [one["results"][0]["result"]["values"] for one in (body, rest)]
        assert [[row["value"] for row in rows] for rows in found] == [["Idle", "Running", "Fault"], ["Running"]]
        everything = bridge.post("/objects/history", 206, **{**said, "onlyChanges": False})["results"][0]["result"]
        assert found[0][0] == everything["values"][0]

    def test_null_is_nothing(self, bridge: InProcess) -> None:
        """Fields that are null are left out."""
        self.measured(bridge)
        nothing = dict.fromkeys(("aggregate", "interval", "maxPoints", "onlyChanges"))
        assert self.asked(bridge, **nothing) == self.asked(bridge)

    @pytest.mark.parametrize(
        ("said", "detail"),
        [
            (
                {"aggregate": "median", "interval": 1},
                "aggregate: must be 'avg', 'min', 'max', 'first', 'last', 'count' or",
            ),
            ({"aggregate": "avg"}, "interval: is required with aggregate; give seconds, or a text such as"),
            ({"aggregate": 5, "interval": 1}, "aggregate: must be 'avg'"),
            (
                {"aggregate": "avg", "interval": "soon"},
                'interval: "soon" is no length of time; give seconds, or a text such as',
            ),
            ({"aggregate": "avg", "interval": 0}, "interval: 0 is no length of time"),
            ({"aggregate": "avg", "interval": True}, "interval: true is no length of time"),
            ({"aggregate": "avg", "interval": [1]}, "interval: an array is no length of time"),
            ({"aggregate": "avg", "interval": {"s": 1}}, "interval: an object is no length of time"),
            ({"aggregate": "avg", "interval": "{remedy}\n"}, 'interval: "{remedy}\\n" is no length of time'),
            ({"aggregate": "avg", "interval": "x" * 99}, f'interval: "{"x" * 39}… is no length of time'),
            ({"interval": 5}, "interval: belongs to an aggregate; name one in aggregate, or leave interval out"),
            ({"maxPoints": 1}, "maxPoints: must be 2 or more"),
            ({"maxPoints": "9"}, "maxPoints: must be an integer"),
            ({"maxPoints": 2.5}, "maxPoints: must be an integer"),
            ({"maxPoints": True}, "maxPoints: must be an integer"),
            ({"maxPoints": 9, "aggregate": "avg", "interval": 1}, "maxPoints: not together with aggregate; leave one"),
            ({"onlyChanges": 1}, "onlyChanges: must be true or false"),
            ({"onlyChanges": True, "maxPoints": 9}, "onlyChanges: not together with maxPoints; leave one"),
            (
                {"onlyChanges": True, "aggregate": "avg", "interval": 1},
                "onlyChanges: not together with aggregate; leave one",
            ),
        ],
        ids=str,
    )
    def test_mistakes(self, bridge: InProcess, said: dict[str, Any], detail: str) -> None:
        """Each mistake is 400, with the field and the remedy."""
        body = bridge.post("/objects/history", 400, elementIds=[SPEED], **DAY, **said)
        assert body["responseDetail"]["detail"].startswith(detail)

    def test_unsuitable(self, bridge: InProcess) -> None:
        """What has no average fails alone, and the detail says what there is."""
        self.measured(bridge)
        bridge.publish(TEMPERATURE, "hot")
        bridge.publish(AXIS, {"x": 1, "pos": {"y": 2}})
        said = {"elementIds": [SPEED, TEMPERATURE, AXIS, PRESS], "aggregate": "avg", "interval": "1h", **DAY}
        good, *bad = bridge.post("/objects/history", **said)["results"]
        assert good["success"]
        for item, kinds in zip(bad, ("texts", "structured values", "values made of its parts'"), strict=True):
            detail = item["responseDetail"]["detail"]
            assert item["responseDetail"]["status"] == 400
            assert f"aggregate: avg needs numbers or booleans, and {item['elementId']} has {kinds}" in detail
            assert "possible are first, last, count" in detail

    @pytest.mark.parametrize(
        "said", [{"aggregate": "last", "interval": "1h"}, {"maxPoints": 2}, {"onlyChanges": True}], ids=str
    )
    def test_components(self, bridge: InProcess, said: dict[str, Any]) -> None:
        """Components are reduced like the element itself."""
        self.measured(bridge)
        bridge.publish(AXIS, {"x": 7, "pos": {"y": 2}})
        body = bridge.post("/objects/history", elementIds=[PRESS], maxDepth=0, **DAY, **said)
        found = body["results"][0]["result"]
        assert found["values"][-1]["value"]["motor"]["speed"] == 9
        assert found["components"][SPEED]["values"][-1]["value"] == 9
        assert found["components"][MOTOR]["values"][-1]["value"] == {"current": None, "speed": 9}
        assert found["components"][f"{AXIS}#/x"]["values"][-1]["value"] == 7
        assert found["components"][TEMPERATURE]["values"] == []
