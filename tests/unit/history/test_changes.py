"""Changes only: what is left out said the same as the row before."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from bridge.history.base import Series
from bridge.history.changes import changes
from bridge.uns import GOOD, NO_DATA, UNCERTAIN, Quality

ROWS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from([1, 1.0, True, "1", Raw(b'{"a":1}'), Raw(b'{"a":2}')]), st.sampled_from([GOOD, UNCERTAIN])
        ),
        st.just((None, NO_DATA)),
    ),
    max_size=20,
)


def says(row: tuple[object, Quality]) -> tuple[str, Quality]:
    value = row[0]
    return f"{type(value)} {bytes(value) if isinstance(value, Raw) else value}", row[1]


@given(ROWS, st.integers(1, 6))
@settings(max_examples=500, deadline=None)
def test_changes(rows: list[tuple[object, Quality]], size: int) -> None:
    """The first row of each run, however the rows are cut into pieces."""
    timed = [(*row, time_ns) for time_ns, row in enumerate(rows)]
    pieces = [timed[at : at + size] for at in range(0, len(timed), size)]
    found = changes(
        Series([row[2] for row in piece], [row[0] for row in piece], [row[1] for row in piece]) for piece in pieces
    )
    kept = [row for piece in found for row in piece.rows()]
    runs = [next(run) for _, run in itertools.groupby(timed, key=lambda row: says(row[:2]))]
    assert [(says(row[:2]), row[2]) for row in kept] == [(says(row[:2]), row[2]) for row in runs]


def test_cut() -> None:
    """Where the rows were cut it is told where to resume, although nothing of the last piece has changed."""
    pieces = [Series([1, 2], ["a", "b"], [GOOD, GOOD]), Series([3], ["b"], [GOOD], 4)]
    assert [(piece.values, piece.resume_ns) for piece in changes(pieces)] == [(["a", "b"], None), ([], 4)]
