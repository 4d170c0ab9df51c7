"""Aggregates: the same as somebody would count by hand, in whatever pieces rows come, and however often resumed."""

from collections.abc import Iterator, Sequence
from math import isclose
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.history.aggregates import NAMES, Aggregate, Aggregator, Unsuitable
from bridge.history.base import Row, Series
from bridge.uns import BAD, GOOD, NO_DATA, UNCERTAIN

END = 60
LARGE = 1.7e308


def series(rows: Sequence[Row], resume_ns: int | None = None) -> Series:
    return Series([row[2] for row in rows], [row[0] for row in rows], [row[1] for row in rows], resume_ns)


def aggregated(
    name: str, every: int, rows: Sequence[Row], start: int = 0, end: int = END, limit: int = 1_000, size: int = 1_000
) -> Series:
    """Of all rows of an element, in pieces of some size."""
    within = [row for row in rows if start <= row[2] <= end]
    before = [row for row in rows if row[2] < start]
    pieces = [series(within[at : at + size]) for at in range(0, len(within), size)]
    found = Aggregator(Aggregate(name, every), start, end, limit, before[-1] if before else None)  # type: ignore[arg-type]
    return found.over(pieces)


def resumed(name: str, every: int, rows: Sequence[Row], start: int, limit: int) -> list[Row]:
    found: list[Row] = []
    while True:
        part = aggregated(name, every, rows, start, limit=limit)
        assert len(part) <= limit
        found += part.rows()
        if part.resume_ns is None:
            return found
        assert part.resume_ns > start
        start = part.resume_ns


# --- by hand ----------------------------------------------------------------------------------------------------------


def by_hand(name: str, every: int, rows: Sequence[Row], start: int, end: int) -> Iterator[Row]:
    within = [row for row in rows if start <= row[2] <= end]
    if not within:
        return
    known = any(row[2] < start for row in rows)
    begin = start if known else start + (within[0][2] - start) // every * every
    while begin <= within[-1][2]:
        until = begin + every
        mine = [row for row in within if begin <= row[2] < until]
        seen = {row[1] for row in mine}
        values = [row[0] for row in mine if row[0] is not None]
        if name == "time-average":
            value, held = integrated(rows, begin, min(until, end))
            seen |= held
            value = values[-1] if value is None and values else value
        else:
            value = one_of(name, values)
        yield (*told(name, value, seen), begin)
        begin = until


def integrated(rows: Sequence[Row], begin: int, until: int) -> tuple[Any, set[str]]:
    """The mean of what holds in each nanosecond, and the qualities of that."""
    holding = [[row for row in rows if row[2] <= moment][-1:] for moment in range(begin, until)]
    held = [row for one in holding for row in one]
    values = [row[0] for row in held if row[0] is not None]
    return (sum(values) / len(values) if values else None), {row[1] for row in held}


def one_of(name: str, values: list[Any]) -> Any:
    if name == "count":
        return len(values)
    if not values:
        return None
    match name:
        case "avg":
            return sum(values) / len(values)
        case "min":
            return min(values)
        case "max":
            return max(values)
        case _:
            return values[0 if name == "first" else -1]


def told(name: str, value: Any, seen: set[str]) -> tuple[Any, Any]:
    if not seen and name == "count":
        return 0, GOOD
    if not seen & {GOOD, UNCERTAIN}:
        return None, BAD if BAD in seen else NO_DATA
    return value, UNCERTAIN if seen & {UNCERTAIN, BAD} else GOOD


NUMBERS = st.one_of(st.integers(-50, 50), st.floats(-50, 50), st.booleans())
VQ = st.one_of(
    st.tuples(NUMBERS, st.just(GOOD)),
    st.tuples(NUMBERS, st.just(UNCERTAIN)),
    st.tuples(st.none(), st.sampled_from([BAD, NO_DATA])),
)
ROWS = st.dictionaries(st.integers(0, END), VQ, max_size=25).map(
    lambda found: [(*found[time_ns], time_ns) for time_ns in sorted(found)]
)


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(NAMES), st.integers(1, 70), ROWS, st.integers(0, END), st.integers(0, END), st.integers(1, 9))
def test_by_hand(name: str, every: int, rows: list[Row], start: int, end: int, size: int) -> None:
    """Every aggregate of any rows, over any range, in pieces of any size."""
    start, end = min(start, end), max(start, end)
    found = list(aggregated(name, every, rows, start, end, size=size).rows())
    expected = list(by_hand(name, every, rows, start, end))
    assert [row[1:] for row in found] == [row[1:] for row in expected]
    for (value, _, _), (other, _, _) in zip(found, expected, strict=True):
        assert value == other or isclose(value, other, rel_tol=1e-9, abs_tol=1e-9)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(NAMES), st.integers(1, 20), ROWS, st.integers(0, END), st.integers(1, 6))
def test_resumed(name: str, every: int, rows: list[Row], start: int, limit: int) -> None:
    """What a limit has cut is resumed with the very intervals that would have come."""
    assert resumed(name, every, rows, start, limit) == list(aggregated(name, every, rows, start).rows())


# --- what the document promises ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("qualities", "told"),
    [
        pytest.param([GOOD, GOOD], (1.0, GOOD), id="all good"),
        pytest.param([GOOD, UNCERTAIN], (1.0, UNCERTAIN), id="one uncertain"),
        pytest.param([GOOD, BAD], (1.0, UNCERTAIN), id="one bad"),
        pytest.param([GOOD, NO_DATA], (1.0, GOOD), id="one without data"),
        pytest.param([BAD, NO_DATA], (None, BAD), id="only bad"),
        pytest.param([NO_DATA], (None, NO_DATA), id="only without data"),
    ],
)
def test_quality(qualities: list[str], told: tuple[Any, str]) -> None:
    """An interval is as good as its readings; null goes with Bad and GoodNoData only."""
    rows = [(None if quality in (BAD, NO_DATA) else 1, quality, at) for at, quality in enumerate(qualities)]
    assert list(aggregated("avg", 10, rows).rows()) == [(*told, 0)]  # type: ignore[arg-type]


def test_empty_intervals() -> None:
    """Between readings they are told, before the first and after the last one of all they are not."""
    rows: list[Row] = [(1, GOOD, 12), (2, GOOD, 35)]
    assert list(aggregated("max", 10, rows).rows()) == [(1, GOOD, 10), (None, NO_DATA, 20), (2, GOOD, 30)]
    assert list(aggregated("count", 10, rows).rows()) == [(1, GOOD, 10), (0, GOOD, 20), (1, GOOD, 30)]
    assert list(aggregated("max", 10, rows, start=20).rows()) == [(None, NO_DATA, 20), (2, GOOD, 30)]
    assert list(aggregated("max", 10, rows, start=40).rows()) == []


def test_held() -> None:
    """Weighed by time a value holds until the next reading, also from before the range; Bad ends it."""
    rows: list[Row] = [(10, GOOD, 0), (20, GOOD, 25), (None, BAD, 40), (7, GOOD, 55)]
    found = list(aggregated("time-average", 10, rows, start=10).rows())
    assert found == [
        (10, GOOD, 10),
        (15, GOOD, 20),
        (20, GOOD, 30),
        (None, BAD, 40),
        (7, UNCERTAIN, 50),
    ]


def test_integers_stay_integers() -> None:
    """The least of integers is an integer, and a huge average is no infinity."""
    (found,) = aggregated("min", 100, [(3, GOOD, 1), (2, GOOD, 2)]).values
    assert (found, type(found)) == (2, int)
    assert aggregated("avg", 100, [(LARGE, GOOD, 1), (LARGE, GOOD, 2)]).values == [LARGE]
    assert aggregated("avg", 100, [(10**400, GOOD, 1), (10**400 + 2, GOOD, 2), (0.5, GOOD, 3)]).values[0] > 10**399
    assert aggregated("time-average", 100, [(LARGE, GOOD, 1), (LARGE, GOOD, 50)]).values == [LARGE]
    assert aggregated("time-average", 100, [(10**400, GOOD, 1)]).values == [10**400]


@pytest.mark.parametrize("name", ["avg", "min", "max", "time-average"])
@pytest.mark.parametrize(("value", "kinds"), [("text", "texts"), (b"{}", "structured values")])
def test_unsuitable(name: str, value: Any, kinds: str) -> None:
    """Of texts and structured values there is only the first, the last and the count."""
    rows: list[Row] = [(1, GOOD, 1), (value, GOOD, 2)]
    with pytest.raises(Unsuitable, match=kinds):
        aggregated(name, 10, rows)
    assert [aggregated(one, 10, rows).values for one in ("first", "last", "count")] == [[1], [value], [2]]


def test_rows_that_were_not_read() -> None:
    """An interval whose rows did not all come is left to the next request."""
    aggregator = Aggregator(Aggregate("count", 10), 0, END, 100, None)
    found = aggregator.over([series([(1, GOOD, 1), (1, GOOD, 12), (1, GOOD, 14)]), series([], resume_ns=15)])
    assert (list(found.rows()), found.resume_ns) == ([(1, GOOD, 0)], 10)
