"""History as the standard tells it: fields from payloads, composed values from parts, cuts that can be resumed."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inprocess import AXIS, CURRENT, MOTOR, PRESS, SECOND, SPEED, START_NS, TEMPERATURE, InProcess

from bridge.history.allowance import Allowance
from bridge.history.answers import HistoryAnswers
from bridge.space.browse import Budget
from bridge.uns.moments import parse_request

T0 = START_NS + SECOND  # when the press of the fixture has reported
EVER = 10**20


def ask(
    bridge: InProcess, ident: str, start: int = 0, end: int = EVER, depth: int = 1, allowance: Allowance | None = None
) -> tuple[dict[str, Any], HistoryAnswers]:
    allowance = allowance or bridge.context.historian.allowance(60.0, bridge.clock)
    query = bridge.context.historian.query(start, end, depth, Budget(1_000), allowance)
    answer = asyncio.run(query.answer(bridge.engine.space.nodes[ident]))
    return msgspec.json.decode(msgspec.json.encode(answer)), query  # values come as JSON already


def rows(bridge: InProcess, ident: str, start: int = 0, end: int = EVER) -> list[tuple[Any, int]]:
    """(value, seconds after T0) of each row."""
    found, _ = ask(bridge, ident, start, end)
    return [(row["value"], (parse_request(row["timestamp"]) - T0) // SECOND) for row in found["values"]]  # type: ignore[operator]


def at(second: int) -> int:
    return T0 + second * SECOND


def report(bridge: InProcess, topic: str, values: dict[int, Any]) -> None:
    """Readings with times of their own, in seconds after T0."""
    for second, value in values.items():
        bridge.now_ns = max(bridge.now_ns, at(second))
        bridge.publish(topic, value, at(second))


def resumed(bridge: InProcess, ident: str, start: int = 0, end: int = EVER) -> list[dict[str, Any]]:
    """All rows, asked for again from where each answer says."""
    found: list[dict[str, Any]] = []
    while True:
        answer, query = ask(bridge, ident, start, end)
        found += answer["values"]
        if not query.cuts:
            return found
        assert answer["values"], "every answer brings something"
        assert query.cuts[0].resume_ns > start
        start = query.cuts[0].resume_ns


class TestPlain:
    def test_late_and_equal(self, bridge: InProcess) -> None:
        """Late rows are sorted in; of equal times the last counts."""
        report(bridge, SPEED, {3: 30, 1: 10, 2: 20, 5: 50})
        report(bridge, SPEED, {2: 21})
        assert rows(bridge, SPEED) == [(10, 1), (21, 2), (30, 3), (50, 5)]

    def test_inclusive(self, bridge: InProcess) -> None:
        """Both ends of a range belong to it."""
        report(bridge, SPEED, {1: 10, 2: 20, 3: 30})
        assert rows(bridge, SPEED, at(1), at(3)) == [(10, 1), (20, 2), (30, 3)]
        assert rows(bridge, SPEED, at(1) + 1, at(3) - 1) == [(20, 2)]

    def test_nothing(self, bridge: InProcess) -> None:
        """No data is no rows, not an error."""
        assert ask(bridge, "acme")[0] == {"isComposition": False, "values": []}


class TestFields:
    def test_projected(self, bridge: InProcess) -> None:
        """A field's rows come from its owner's payloads; where the payload lacks the field the row is null."""
        for second, payload in enumerate([{"x": 1, "pos": {"y": 5}}, {"pos": {"y": 6}}, {"x": None, "pos": {"y": 7}}]):
            bridge.now_ns = at(second)
            bridge.publish(AXIS, payload)
        assert rows(bridge, f"{AXIS}#/x") == [(1, 0), (None, 1), (None, 2)]
        assert rows(bridge, f"{AXIS}#/pos/y") == [(5, 0), (6, 1), (7, 2)]

    def test_times_of_its_own(self, bridge: InProcess) -> None:
        """A field with a time of its own is found at that time, in order, whatever its owner's time is."""
        topic = f"{PRESS}/probe"
        ident = f"{topic}#/heat"
        for second, own in enumerate([2, 1, 9]):
            bridge.now_ns = at(20 + second)
            heat = {"value": own * 10, "timestamp": at(own) // 1_000_000}
            bridge.publish(topic, {"heat": heat, "load": {"value": 1, "timestamp": at(own) // 1_000_000}})
        assert rows(bridge, ident) == [(10, 1), (20, 2), (90, 9)]
        assert rows(bridge, ident, at(2), at(9)) == [(20, 2), (90, 9)]
        assert rows(bridge, ident, at(10), at(30)) == []

    def test_times_of_its_own_are_cut(self, make_bridge: Callable[..., InProcess]) -> None:
        """The limit and the time to resume count in the field's own times."""
        bridge = make_bridge(rows=2)
        topic = f"{PRESS}/probe"
        for second, own in enumerate([5, 1, 3, 2, 4]):
            bridge.now_ns = at(20 + second)
            vqt = {"value": own, "timestamp": at(own) // 1_000_000}
            bridge.publish(topic, {"heat": vqt, "load": vqt})
        bridge.arrange()
        assert [row["value"] for row in resumed(bridge, f"{topic}#/heat")] == [1, 2, 3, 4, 5]


class TestComposed:
    def test_merged(self, bridge: InProcess) -> None:
        """One row for each instant at which a part changed, the others as they were then."""
        report(bridge, SPEED, {1: 10, 3: 30})
        report(bridge, CURRENT, {2: 0.2, 3: 0.3})
        assert rows(bridge, MOTOR) == [
            ({"current": None, "speed": 10}, 1),
            ({"current": 0.2, "speed": 10}, 2),
            ({"current": 0.3, "speed": 30}, 3),
        ]

    def test_state_before_the_range(self, bridge: InProcess) -> None:
        """Parts that do not change within the range have the values that they had before it."""
        report(bridge, SPEED, {1: 10})
        report(bridge, CURRENT, {2: 0.2, 9: 0.9})
        assert rows(bridge, MOTOR, at(2), at(5)) == [({"current": 0.2, "speed": 10}, 2)]

    def test_nested(self, bridge: InProcess) -> None:
        """A composition of compositions and payloads is merged from all that lies below."""
        report(bridge, SPEED, {1: 10})
        bridge.now_ns = at(2)
        bridge.publish(AXIS, {"x": 7, "pos": {"y": 8}})
        report(bridge, TEMPERATURE, {3: 33.5})
        found = rows(bridge, PRESS)
        assert [second for _, second in found] == [1, 2, 3]
        assert found[-1][0] == {
            "axis": {"x": 7, "pos": {"y": 8}},
            "motor": {"current": None, "speed": 10},
            "temperature": 33.5,
        }

    def test_components(self, bridge: InProcess) -> None:
        """With maxDepth other than 1 a composition lists its components' rows, flat, each telling what it is."""
        report(bridge, SPEED, {1: 10})
        assert ask(bridge, PRESS)[0].keys() == {"isComposition", "values"}
        found, _ = ask(bridge, PRESS, depth=2)
        assert {ident: part["isComposition"] for ident, part in found["components"].items()} == {
            AXIS: True,
            MOTOR: True,
            TEMPERATURE: False,
        }
        deep, _ = ask(bridge, PRESS, depth=0)
        assert [row["value"] for row in deep["components"][SPEED]["values"]] == [10]
        assert "components" not in ask(bridge, SPEED, depth=0)[0]


class TestCuts:
    def test_resume(self, make_bridge: Callable[..., InProcess]) -> None:
        """Resuming from the time that a cut tells loses nothing and doubles nothing."""
        bridge = make_bridge(rows=3)
        bridge.press()
        report(bridge, SPEED, {second: second for second in range(10)})
        assert [row["value"] for row in resumed(bridge, SPEED)] == list(range(10))

    @settings(deadline=None, max_examples=60)
    @given(
        speeds=st.sets(st.integers(0, 25), max_size=12),
        currents=st.sets(st.integers(0, 25), max_size=12),
        limit=st.integers(1, 5),
        span=st.tuples(st.integers(0, 25), st.integers(0, 25)),
    )
    def test_resume_composed(self, speeds: set[int], currents: set[int], limit: int, span: tuple[int, int]) -> None:
        """The same for composed elements, whose parts are cut at different times: as if nothing had been cut."""
        answers = []
        for rows_limit in (limit, 1_000):
            bridge = InProcess(rows=rows_limit)
            bridge.press()
            report(bridge, SPEED, {second: second for second in sorted(speeds)})
            report(bridge, CURRENT, {second: second / 2 for second in sorted(currents)})
            answers.append(resumed(bridge, MOTOR, at(min(span)), at(max(span))))
        assert answers[0] == answers[1]

    def test_values_of_a_request(self, make_bridge: Callable[..., InProcess]) -> None:
        """A request has a limit in all; what follows is empty, and told to resume from the start."""
        bridge = make_bridge(values=5)
        bridge.press()
        report(bridge, SPEED, {second: second for second in range(8)})
        allowance = bridge.context.historian.allowance(60.0, bridge.clock)
        first, query = ask(bridge, SPEED, allowance=allowance)
        second, later = ask(bridge, CURRENT, start=7, allowance=allowance)
        assert (len(first["values"]), query.cuts) == (8, [])
        assert (second["values"], [str(cut) for cut in later.cuts]) == (
            [],
            [f"{CURRENT}: resume with startTime 1970-01-01T00:00:00.000000007Z"],
        )

    def test_composed_costs_its_parts(self, make_bridge: Callable[..., InProcess]) -> None:
        """A row of a composed element counts as many values as it has parts, and one row always comes."""
        bridge = make_bridge(values=8)
        bridge.press()
        report(bridge, SPEED, {second: second for second in range(6)})
        found, query = ask(bridge, PRESS)
        assert len(found["values"]) == 2
        assert query.cuts[0].resume_ns == at(2)
        assert len(resumed(bridge, PRESS)) == 6

    def test_time_of_a_request(self, make_bridge: Callable[..., InProcess]) -> None:
        """When the time is used up the rest is empty, and told so."""
        bridge = make_bridge(tick=0.01)
        bridge.press()
        report(bridge, SPEED, {1: 1})
        allowance = bridge.context.historian.allowance(0.085, bridge.clock)  # five or six looks an answer
        answers = [ask(bridge, SPEED, allowance=allowance) for _ in range(5)]
        assert [len(found["values"]) for found, _ in answers] == [1, 1, 0, 0, 0]
        assert [len(query.cuts) for _, query in answers] == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("ident", [PRESS, MOTOR, SPEED, AXIS, f"{AXIS}#/pos/y", "acme"])
def test_rows_are_vqts(bridge: InProcess, ident: str) -> None:
    """In every row null goes with Bad and GoodNoData, and only with them."""
    bridge.publish(AXIS, {"x": None, "pos": {}})
    report(bridge, SPEED, {1: 10})
    found, _ = ask(bridge, ident, depth=0)
    for vqt in [*found["values"], *(row for part in found.get("components", {}).values() for row in part["values"])]:
        assert vqt.keys() == {"value", "quality", "timestamp"}
        assert (vqt["value"] is None) == (vqt["quality"] in ("Bad", "GoodNoData"))


@pytest.mark.parametrize("ident", [AXIS, f"{AXIS}#/text", PRESS])
def test_bytes_of_a_request(make_bridge: Callable[..., InProcess], ident: str) -> None:
    """Large values cut an answer early, with the time to resume from; nothing is lost or doubled."""
    bridge = make_bridge()
    bridge.press()
    for second in range(10):
        bridge.now_ns = at(second)
        bridge.publish(AXIS, {"x": second, "pos": {"y": second}, "text": "t" * 1_000})
    bridge.context.historian._max_bytes = 2_500
    found, query = ask(bridge, ident)
    assert len(found["values"]) == 3
    assert [cut.resume_ns for cut in query.cuts] == [at(3)]
    assert len(resumed(bridge, ident)) == 10
