"""Blocks: what is packed comes back exactly, and damage is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.history.base import Series, Unreadable
from bridge.history.sqlite.codec import pack, unpack
from bridge.uns import BAD, GOOD, NO_DATA, UNCERTAIN

SECOND = 1_000_000_000
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from([b'{"a":[1,2.5,"x"]}', b"[]", b'{"n":123456789012345678901234567890}']),
)
ROWS = st.lists(st.tuples(VALUES, st.sampled_from([GOOD, UNCERTAIN, BAD, NO_DATA])), min_size=1, max_size=40)
TIMES = st.integers(-(2**62), 2**62)


def exactly(series: Series) -> list[tuple[object, ...]]:
    """1, 1.0 and true are three values, and so are 0.0 and -0.0."""
    return [(type(value), repr(value), quality, time_ns) for value, quality, time_ns in series.rows()]


@given(ROWS, TIMES, st.lists(st.integers(1, 10**18), min_size=40, max_size=40), st.sampled_from([1, 1_000, SECOND]))
def test_round_trip(rows: list, start_ns: int, steps: list[int], unit: int) -> None:
    """Whatever the values, qualities and distances in time are, they come back as they were."""
    times = [start_ns]
    for step in steps[: len(rows) - 1]:
        times.append(times[-1] + max(1, step // unit * unit % 10**16))
    series = Series(times, [row[0] for row in rows], [row[1] for row in rows])
    assert exactly(unpack(times[0], pack(series))) == exactly(series)


@pytest.mark.parametrize("step", [1, 999, 1_000, 255 * SECOND, 256 * SECOND, 2**40 * SECOND // 1_000, 2**62])
def test_steps(step: int) -> None:
    """Each unit and each width of differences, at its edges."""
    series = Series([5, 5 + step], [1, 2], [GOOD, BAD])
    assert unpack(5, pack(series)) == series


def test_small() -> None:
    """A minute of a number each second takes a few bytes a row."""
    times = list(range(0, 600 * SECOND, SECOND))
    series = Series(times, [round(20 + at % 7 / 10, 1) for at in range(600)], [GOOD] * 600)
    assert len(pack(series)) < 2 * 600


def test_damage() -> None:
    """Each flipped byte is noticed, never told as a value; so is an end that is missing."""
    data = pack(Series([1, 2, 3], [1.5, "two", b'{"three":3}'], [GOOD, BAD, GOOD]))
    for at in range(len(data)):
        broken = bytearray(data)
        broken[at] ^= 0xFF
        with pytest.raises(Unreadable):
            unpack(1, bytes(broken))
        with pytest.raises(Unreadable):
            unpack(1, data[:at])
    with pytest.raises(Unreadable):
        unpack(2, data)
