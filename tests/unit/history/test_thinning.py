"""Thinning: never more rows than asked for, and the line still looks the same."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.history.base import Row, Series
from bridge.history.thinning import Thinner
from bridge.uns import BAD, GOOD

PLENTY = 10**9  # bytes


def series(rows: Sequence[Row], resume_ns: int | None = None) -> Series:
    return Series([row[2] for row in rows], [row[0] for row in rows], [row[1] for row in rows], resume_ns)


def cut(rows: Sequence[Row], size: int) -> list[Series]:
    return [series(rows[at : at + size]) for at in range(0, len(rows), size)]


def thinned(rows: Sequence[Row], most: int, size: int = 1_000, hint: int = 0) -> list[Row]:
    return list(Thinner(most, PLENTY, hint).over(cut(rows, size)).rows())


def rows_of(values: Sequence[Any]) -> list[Row]:
    return [(value, BAD if value is None else GOOD, at * 7) for at, value in enumerate(values)]


def by_hand(rows: Sequence[Row], length: int) -> Iterator[Row]:
    """What buckets of a length keep."""
    buckets: dict[int, list[Row]] = {}
    for row in rows:
        buckets.setdefault((row[2] - rows[0][2]) // length, []).append(row)
    kept = {row[2]: row for row in (rows[0], rows[-1])}
    for bucket in buckets.values():
        gaps = [row for row in bucket if row[0] is None]
        some = [row for row in bucket if row[0] is not None]
        if some and all(isinstance(row[0], int | float) for row in some):
            some = [min(some, key=lambda row: row[0]), max(some, key=lambda row: row[0])]
        kept |= {row[2]: row for row in (*some[:1], *some[-1:], *gaps[:1])}
    return (kept[time_ns] for time_ns in sorted(kept))


VALUES = st.lists(
    st.one_of(st.integers(-9, 9), st.floats(-9, 9), st.booleans(), st.none(), st.sampled_from(["a", b"{}"])),
    max_size=120,
)
NUMBERS = st.lists(st.one_of(st.integers(-9, 9), st.floats(-9, 9), st.none()), max_size=120)


@settings(deadline=None, max_examples=300)
@given(st.one_of(VALUES, NUMBERS), st.integers(2, 40), st.integers(1, 30), st.integers(0, 1_000))
def test_any_rows(values: list[Any], most: int, size: int, hint: int) -> None:
    """At most so many rows, each as it was, in order, the first and the last among them; few come back unchanged."""
    rows = rows_of(values)
    found = thinned(rows, most, size, hint)
    if len(rows) <= most:
        assert found == rows
        return
    assert len(found) <= most
    assert (found[0], found[-1]) == (rows[0], rows[-1])
    assert found == [row for row in rows if row in found]
    if most >= 5 and None in values:
        assert any(row[0] is None for row in found)


@settings(deadline=None, max_examples=300)
@given(st.one_of(VALUES, NUMBERS), st.integers(5, 30), st.integers(1, 30))
def test_by_hand(values: list[Any], most: int, size: int) -> None:
    """What is kept is exactly what buckets of some length keep, joined or not."""
    rows = rows_of(values)
    thinner = Thinner(most, PLENTY)
    found = list(thinner.over(cut(rows, size)).rows())
    if len(rows) > most:
        lengths = [thinner._length * together for together in range(1, 10 * len(rows) + 2)]
        assert any(found == list(by_hand(rows, length)) for length in lengths)


@pytest.mark.parametrize("hint", [0, 70_000], ids=["unknown end", "known end"])
def test_close_to_what_is_asked_for(hint: int) -> None:
    """Of many rows at least half as many come as were asked for, and no peak is lost."""
    values = [float(at % 101) for at in range(10_000)]
    values[5_555] = 1_000.0
    rows = rows_of(values)
    found = thinned(rows, 100, hint=hint)
    assert 50 <= len(found) <= 100
    assert (1_000.0, GOOD, 5_555 * 7) in found


def test_large_values() -> None:
    """However large the values, no more than may be held is kept of them."""
    rows = rows_of([b"x" * 1_000] * 5_000)
    found = Thinner(30, 20_000).over(cut(rows, 20))
    assert 5_000 < sum(map(len, found.values)) <= 22_000
    assert (found.times[-1], found.resume_ns) == (rows[-1][2], None)


def test_few_but_large() -> None:
    """Fewer rows than asked for that are too large are cut, not thinned."""
    rows = rows_of([b"x" * 1_000] * 100)
    found = Thinner(1_000, 5_000).over(cut(rows, 10))
    assert list(found.rows()) == rows[:10]
    assert found.resume_ns == rows[9][2] + 1


def test_cut_rows() -> None:
    """Where the rows were cut it is told where to resume."""
    rows = rows_of(list(range(50)))
    found = Thinner(10, PLENTY).over([*cut(rows, 10), series([], resume_ns=999)])
    assert found.resume_ns == 999
    assert len(found) <= 10
