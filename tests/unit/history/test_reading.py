"""Reading by recipe: whatever an element is made of, its rows ascend, and time that is over is told."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inprocess import AXIS, CURRENT, MOTOR, PRESS, SECOND, SPEED, START_NS, InProcess

from bridge.history.aggregates import Aggregate
from bridge.history.allowance import Allowance
from bridge.history.base import Row, Series, Unreadable, unpacked
from bridge.history.questions import Asked, Question
from bridge.history.reading import LAG, before, pieces
from bridge.history.recipes import Composed, Plain, Projected, recipe_of, width
from bridge.history.thinning import Thin
from bridge.space import Field
from bridge.space.owned.views import Alias
from bridge.space.projecting import FUTURE_NS
from bridge.uns import BAD, GOOD, NO_DATA, UNCERTAIN
from bridge.uns.envelope import Plan

EVER = 2**63 - 1
T0 = START_NS
HEAT = Projected("probe", ("heat",), Plan(value="value", time="timestamp", quality="quality"), UTC)


class Rows:
    """A store with chunks of any size; counts what is read of it."""

    def __init__(self, rows: dict[str, list[Row]], size: int = 3) -> None:
        self._rows = rows
        self._size = size
        self.read: list[int] = []

    def chunks(self, element_id: str, start_ns: int, end_ns: int) -> Iterator[Series]:
        assert -(2**63) <= start_ns <= end_ns < 2**63, "stores count in 64 bits"
        rows = [row for row in self._rows.get(element_id, ()) if start_ns <= row[2] <= end_ns]
        for at in range(0, len(rows), self._size):
            part = rows[at : at + self._size]
            self.read += [row[2] for row in part]
            yield Series([row[2] for row in part], [row[0] for row in part], [row[1] for row in part])

    def before(self, element_id: str, time_ns: int) -> Row | None:
        rows = [row for row in self._rows.get(element_id, ()) if row[2] < time_ns]
        return rows[-1] if rows else None


def patient() -> Allowance:
    return Allowance(10**9, 10**9, 60.0, lambda: 0.0)


def hurried(looks: int) -> Allowance:
    """The time is over after so many looks at the clock."""
    ticks = count()
    return Allowance(10**9, 10**9, looks, lambda: next(ticks))


def all_rows(found: Iterator[Series]) -> list[Row]:
    return [unpacked(row) for piece in found for row in piece.rows()]


def payload(own_ns: int, value: Any, **more: Any) -> bytes:
    return msgspec.json.encode({"heat": {"value": value, "timestamp": own_ns, **more}})


# --- recipes ----------------------------------------------------------------------------------------------------------


def test_recipes(bridge: InProcess) -> None:
    """What is to be read, of every kind of element; an alias is read as its target."""
    nodes = bridge.engine.space.nodes
    assert recipe_of(nodes[SPEED], UTC) == Plain(SPEED)
    assert recipe_of(nodes[AXIS], UTC) == Plain(AXIS)
    assert recipe_of(nodes["acme"], UTC) == Plain("acme")
    assert recipe_of(nodes[f"{AXIS}#/pos/y"], UTC) == Projected(AXIS, ("pos", "y"), None, UTC)
    press = recipe_of(nodes[PRESS], UTC)
    assert isinstance(press, Composed)
    assert len(press.leaves) == width(press) == 4
    assert dict(press.tree)["motor"] == (
        ("current", press.leaves.index(Plain(CURRENT))),
        ("speed", press.leaves.index(Plain(SPEED))),
    )
    assert recipe_of(Alias("alias", "alias", nodes["acme"], nodes[MOTOR]), UTC) == recipe_of(nodes[MOTOR], UTC)
    assert hash(press) == hash(recipe_of(nodes[PRESS], UTC)), "nothing in it can change"


PARTS = st.sampled_from([1, 2.5, "text", None, True])
HEATS = st.one_of(
    PARTS,
    st.fixed_dictionaries(
        {},
        optional={
            "value": PARTS,
            "quality": st.sampled_from(["good", "bad", "uncertain", 192, None, "?"]),
            "timestamp": st.sampled_from([T0, T0 - SECOND, T0 + 2 * FUTURE_NS, "2026-09-21T10:00:00Z", None, "soon"]),
        },
    ),
)
PAYLOADS = st.one_of(PARTS, st.dictionaries(st.sampled_from(["heat", "load"]), HEATS))


@settings(deadline=None)
@given(PAYLOADS, st.sampled_from([GOOD, UNCERTAIN, BAD]), st.booleans())
def test_projected_as_by_the_node(content: Any, quality: Any, has_plan: bool) -> None:
    """A field's rows are what the field itself would tell of the payload."""
    bridge = InProcess()
    bridge.press()
    owner = bridge.engine.space.nodes[AXIS]
    field = Field("field", "heat", owner, owner, owner.type, 0)
    field.plan = HEAT.plan if has_plan else None
    row = (msgspec.json.encode(content) if isinstance(content, dict | list) else content, quality, T0)
    recipe = Projected("probe", ("heat",), field.plan, UTC)
    expected = field.project_from(content, quality, T0, UTC)
    assert all_rows(pieces(Rows({"probe": [row]}), recipe, 0, EVER, patient(), 9)) == [expected]


# --- times of their own -----------------------------------------------------------------------------------------------

OFFSETS = st.integers(-(LAG // SECOND), FUTURE_NS // SECOND)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, 200_000), OFFSETS), max_size=20, unique_by=lambda pair: pair[0]),
    st.integers(0, 200_000),
    st.integers(0, 200_000),
    st.integers(1, 5),
)
def test_own_times(said: list[tuple[int, int]], low: int, high: int, size: int) -> None:
    """All rows whose own times lie in a range, in their order, of equal ones the last said; and the last one before."""
    said.sort()
    rows: list[Row] = [
        (payload(T0 + (at + offset) * SECOND, number), GOOD, T0 + at * SECOND)
        for number, (at, offset) in enumerate(said)
    ]
    start, end = T0 + min(low, high) * SECOND, T0 + max(low, high) * SECOND
    own = {T0 + (at + offset) * SECOND: (number, GOOD) for number, (at, offset) in enumerate(said)}
    expected = [(*own[time_ns], time_ns) for time_ns in sorted(own)]
    store = Rows({"probe": rows}, size)
    found = all_rows(pieces(store, HEAT, start, end, patient(), 9))
    assert found == [row for row in expected if start <= row[2] <= end]
    assert all(start - FUTURE_NS <= time_ns <= end + LAG for time_ns in store.read), "not the whole past"
    earlier = [row for row in expected if row[2] < start]
    assert before(store, HEAT, start, patient()) == (earlier[-1] if earlier else None)


def test_long_past() -> None:
    """A time further behind its payload's than `LAG` is no news."""
    rows: list[Row] = [(payload(T0, 1), GOOD, T0 + LAG), (payload(T0 + 1, 2), GOOD, T0 + LAG + 2)]
    assert all_rows(pieces(Rows({"probe": rows}), HEAT, 0, EVER, patient(), 9)) == [(1, GOOD, T0)]


def test_complete_before_the_end() -> None:
    """Rows come as soon as nothing earlier can: a day of payloads is held, not all of them."""
    days = 20
    rows: list[Row] = [(payload(T0 + day * LAG, day), GOOD, T0 + day * LAG) for day in range(days)]
    found = [len(piece) for piece in pieces(Rows({"probe": rows}), HEAT, 0, EVER, patient(), 9)]
    assert sum(found) == days
    assert max(found) <= 4


# --- time that is over ------------------------------------------------------------------------------------------------


def readings(seconds: Sequence[int]) -> list[Row]:
    return [(second, GOOD, T0 + second * SECOND) for second in seconds]


SPEEDS = readings(range(0, 60, 2))
CURRENTS = readings(range(1, 60, 3))
STORE = {
    "speed": SPEEDS,
    "current": CURRENTS,
    "axis": [(b'{"x":%d}' % row[0], GOOD, row[2]) for row in SPEEDS],
    "probe": [(payload(row[2], row[0]), GOOD, row[2]) for row in readings(range(0, 20 * 86_400, 40_000))],
}
RECIPES = {
    "plain": Plain("speed"),
    "field": Projected("axis", ("x",), None, UTC),
    "own times": HEAT,
    "composed": Composed((Plain("speed"), Plain("current")), (("speed", 0), ("current", 1))),
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
@pytest.mark.parametrize("wanted", [1, 2, 1_000])
def test_resumed(recipe: Any, wanted: int) -> None:
    """However often the time is over, resuming brings every row once."""
    whole = all_rows(pieces(Rows(STORE), recipe, 0, EVER, patient(), wanted))
    found: list[Row] = []
    start, requests = 0, 0
    while True:
        resume = None
        for piece in pieces(Rows(STORE), recipe, start, EVER, hurried(4), wanted):
            found += [unpacked(row) for row in piece.rows()]
            resume = piece.resume_ns
        requests += 1
        if resume is None:
            break
        assert resume > start
        start = resume
    assert found == whole
    assert requests > 1


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_composed_rounds(size: int) -> None:
    """However few rows of each leaf are read at once, each instant has one row, with all as they were then."""
    found = all_rows(pieces(Rows(STORE, size), RECIPES["composed"], T0, EVER, patient(), size))
    times = sorted({row[2] for row in SPEEDS + CURRENTS})
    assert [row[2] for row in found] == times
    for value, _, time_ns in found:
        for name, rows in (("speed", SPEEDS), ("current", CURRENTS)):
            assert value[name] == next((row[0] for row in reversed(rows) if row[2] <= time_ns), None)


def test_before_composed() -> None:
    """What a composed element was, as of the latest change of a part; nothing where no part has anything."""
    recipe = RECIPES["composed"]
    assert before(Rows(STORE), recipe, T0 + 5 * SECOND, patient()) == (
        b'{"speed":4,"current":4}',
        GOOD,
        T0 + 4 * SECOND,
    )
    assert before(Rows(STORE), recipe, T0, patient()) is None


# --- questions --------------------------------------------------------------------------------------------------------


def question(allowance: Allowance, reduction: Any = None) -> Question:
    return Question(0, EVER, 1_000, allowance, reduction)


@pytest.mark.parametrize("reduction", [None, Aggregate("count", 10**15), Thin(5)], ids=str)
def test_whole_range(reduction: Any) -> None:
    """The longest range of all stays within what stores can count, for all kinds of elements."""
    asked = [Asked(name, False, recipe) for name, recipe in RECIPES.items()]
    for answer in question(patient(), reduction).some(Rows(STORE), asked, 0):
        assert msgspec.json.decode(answer.values)


@pytest.mark.parametrize("reduction", [Aggregate("avg", EVER // 2)], ids=str)
def test_not_one_interval(reduction: Any) -> None:
    """Where not even one interval can be read in time, the answer says so: resuming would go on for ever."""
    with pytest.raises(Exception, match="not one interval is complete") as raised:
        question(hurried(3), reduction).some(Rows(STORE), [Asked("speed", False, Plain("speed"))], 0)
    assert raised.value.status == 503  # type: ignore[attr-defined]


class Broken(Rows):
    """A store that one element of cannot be read."""

    def chunks(self, element_id: str, start_ns: int, end_ns: int) -> Iterator[Series]:
        if element_id == CURRENT:
            raise Unreadable("block 7 is damaged")
        return super().chunks(element_id, start_ns, end_ns)


class BrokenHistory:
    def __init__(self, reader: Rows) -> None:
        self._reader = reader

    async def ask(self, asked: Callable[[Any], Any]) -> Any:
        return asked(self._reader)


def test_unreadable(bridge: InProcess) -> None:
    """What cannot be read fails alone, whether it is asked for itself or as a part."""
    store = Broken({SPEED: SPEEDS, CURRENT: CURRENTS})
    bridge.context.historian.history = BrokenHistory(store)  # type: ignore[assignment]
    times = {"startTime": "2026-01-01T00:00:00Z", "endTime": "2027-01-01T00:00:00Z"}
    good, *bad = bridge.post("/objects/history", elementIds=[SPEED, CURRENT, MOTOR], **times)["results"]
    assert len(good["result"]["values"]) == len(SPEEDS)
    for item, ident in zip(bad, (CURRENT, MOTOR), strict=True):
        assert item["responseDetail"]["status"] == 503
        assert item["responseDetail"]["detail"] == f"history of {ident} cannot be read: block 7 is damaged"


def test_nothing_comes_of_nothing() -> None:
    """Elements without rows have none, of whatever kind."""
    for recipe in RECIPES.values():
        assert all_rows(pieces(Rows({}), recipe, 0, EVER, patient(), 9)) == []
        assert before(Rows({}), recipe, T0, patient()) is None
    empty: list[Row] = [(None, NO_DATA, T0)]
    assert all_rows(pieces(Rows({"speed": empty}), Plain("speed"), 0, EVER, patient(), 9)) == empty
