"""History in memory: rows in order, one for each time, within bounds whatever comes."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inprocess import InProcess

from bridge.history import MemoryHistory
from bridge.history.base import Row, Series, first, unpacked, weight
from bridge.space import Change, Node
from bridge.uns import BAD, GOOD, UNCERTAIN

EVER = 10**20
_BRIDGE = InProcess()


def node(name: str) -> Node:
    """A real element of that name."""
    _BRIDGE.publish(name, 1)
    return _BRIDGE.engine.space.nodes[name]


NODES = [node(name) for name in "abc"]


def changes(*times: int, at: Node = NODES[0], value: object = None) -> list[Change]:
    return [Change(at, time_ns if value is None else value, GOOD, time_ns) for time_ns in times]


def filled(rows: Iterable[int], per_element: int = 100, total: int = 1_000) -> MemoryHistory:
    history = MemoryHistory(per_element, total)
    history.append(changes(*rows))
    return history


def queried(history: MemoryHistory, ident: str, start: int, end: int, limit: int) -> Series:
    return first(history.chunks(ident, start, end), limit)


def times(history: MemoryHistory, ident: str = "a") -> list[int]:
    return queried(history, ident, 0, EVER, 10**6).times


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        pytest.param(0, 99, [10, 20, 30], id="all"),
        pytest.param(10, 30, [10, 20, 30], id="both ends included"),
        pytest.param(11, 29, [20], id="between"),
        pytest.param(20, 20, [20], id="an instant"),
        pytest.param(31, 99, [], id="after"),
        pytest.param(0, 9, [], id="before"),
    ],
)
def test_range(start: int, end: int, found: list[int]) -> None:
    """A range holds the rows within it, both ends inclusive."""
    assert queried(filled([10, 20, 30]), "a", start, end, 10).times == found


def test_doubts() -> None:
    """What was thought of a reading later is no row, except that its source had gone."""
    history = filled([10])
    told = [(None, BAD, 20), (10, UNCERTAIN, 10), (10, GOOD, 10)]
    history.append([Change(NODES[0], *vqt, doubt=True) for vqt in told])
    assert list(queried(history, "a", 0, EVER, 10).rows()) == [(10, GOOD, 10), (None, BAD, 20)]


def test_unknown() -> None:
    """An element without rows has none."""
    assert list(queried(MemoryHistory(1, 1), "nobody", 0, EVER, 5).rows()) == []
    assert MemoryHistory(1, 1).before("nobody", EVER) is None


def test_late_rows() -> None:
    """Rows ascend by time, in whatever order they come."""
    assert times(filled([30, 10, 40, 20])) == [10, 20, 30, 40]


def test_equal_times() -> None:
    """One time holds one row, the one that came last."""
    history = filled([10, 20, 30])
    history.append(changes(10, value="first") + changes(30, value="last"))
    assert [(value,) for value in queried(history, "a", 0, EVER, 9).values] == [("first",), (20,), ("last",)]
    assert history.rows == 3


def test_limit() -> None:
    """A limit cuts the newest, and says the time of the first row left out; from there on come the others, once."""
    history = filled(range(10, 20))
    found, start = [], 0
    while True:
        rows = queried(history, "a", start, EVER, 3)
        found += rows.times
        if rows.resume_ns is None:
            break
        start = rows.resume_ns
    assert found == list(range(10, 20))


def test_limit_fits() -> None:
    """Exactly as many rows as the limit are not cut."""
    assert queried(filled([1, 2, 3]), "a", 0, EVER, 3).resume_ns is None


@pytest.mark.parametrize(("time", "row"), [(10, None), (11, 10), (20, 10), (99, 20)])
def test_before(time: int, row: int | None) -> None:
    """The last row earlier than a time."""
    found = filled([10, 20]).before("a", time)
    assert (found and found[2]) == row


def test_per_element() -> None:
    """Of each element the newest rows are kept, exactly as many as allowed."""
    history = filled(range(1_000), per_element=10)
    assert times(history) == list(range(990, 1_000))
    assert history.before("a", 990) is None


def test_total_takes_the_oldest() -> None:
    """When all are too many, the oldest rows go, whoever holds them."""
    history = MemoryHistory(100, 100)
    history.append(changes(*range(50)))
    history.append(changes(*range(100, 150), at=NODES[1]))
    history.append(changes(*range(200, 230), at=NODES[2]))
    assert history.rows <= 100
    assert times(history, "b") == list(range(100, 150))
    assert times(history, "c") == list(range(200, 230))
    assert times(history, "a") == list(range(50 - len(times(history, "a")), 50))


def test_busy_element() -> None:
    """An element that reports all the time costs no memory beyond its rows and takes nobody's."""
    history = MemoryHistory(10, 100)
    history.append(changes(5, at=NODES[1]))
    history.append(changes(*range(10, 50_000)))
    assert times(history, "b") == [5]
    assert history.rows <= 12
    assert history.rows + history.evicted == 49_991
    assert len(history._oldest) == 2


ARRIVALS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60)), max_size=150)


@settings(deadline=None)
@given(ARRIVALS, st.integers(1, 12), st.integers(12, 30))
def test_any_arrivals(arrivals: list[tuple[int, int]], per_element: int, total: int) -> None:
    """Rows ascend, are at most as many as allowed, hold the last arrival of their time, and the newest one is there."""
    history = MemoryHistory(per_element, total)
    last: dict[tuple[int, int], int] = {}
    for arrival, (index, time_ns) in enumerate(arrivals):
        history.append([Change(NODES[index], arrival, GOOD, time_ns)])
        last[index, time_ns] = arrival
        assert history.rows <= total
        found: dict[int, list[Row]] = {i: list(queried(history, NODES[i].id, 0, EVER, 10**6).rows()) for i in range(3)}
        for i, rows in found.items():
            assert [row[2] for row in rows] == sorted({row[2] for row in rows})
            assert len(rows) <= per_element
            assert all(last[i, row[2]] == row[0] for row in rows)
        assert sum(map(len, found.values())) <= history.rows
    assert history.rows == sum(len(rows) for rows in history._elements.values())
    assert len(history._oldest) == len(history._elements)


@pytest.mark.parametrize("value", [{"a": [1, 10**40]}, [1.5, None], {}, "text", 7, None], ids=repr)
def test_structured_values_are_packed(value: object) -> None:
    """Structured values are held as JSON bytes, all others as they are; unpacked they are what came."""
    history = MemoryHistory(10, 10)
    history.append([Change(NODES[0], value, GOOD, 1)])
    (row,) = list(queried(history, "a", 0, EVER, 9).rows())
    assert type(row[0]) is (bytes if isinstance(value, dict | list) else type(value))
    assert unpacked(row) == (value, GOOD, 1)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(0, 900)), max_size=60))
def test_bytes(arrivals: list[tuple[int, int, int]]) -> None:
    """However large the values, what is held is counted exactly and stays within its bytes."""
    history = MemoryHistory(5, 1_000, 3_000)
    for index, time_ns, size in arrivals:
        history.append([Change(NODES[index], ["x" * size], GOOD, time_ns)])
        assert history.bytes <= 3_000
        held = [row for rows in history._elements.values() for row in rows]
        assert history.bytes == sum(128 + weight(row) for row in held)
        assert history.rows == len(held)
