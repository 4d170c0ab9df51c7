"""Forms that agree: what is quick says what the definition says."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.space.learning.forms import compared, like

PATHS = st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=3).map("/".join)
NAMES = st.frozensets(PATHS, max_size=8)
# As forms have them: whatever is inside of something comes with that.
WHOLE = NAMES.map(lambda names: names | {box for name in names for box in boxes(name)})


def boxes(name: str) -> list[str]:
    """All that a property is inside of."""
    keys = name.split("/")
    return ["/".join(keys[:count]) for count in range(1, len(keys))]


def seen(names: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """Without what is inside of a property of which the other has never shown the inside."""
    bare = {name for name in other if not any(one.rpartition("/")[0] == name for one in other)}
    return frozenset(name for name in names if not any(box and box in bare for box in boxes(name)))


@given(NAMES, NAMES)
@settings(max_examples=2_000, deadline=None)
def test_compared(left: frozenset[str], right: frozenset[str]) -> None:
    """Counted is what both could have shown."""
    ours, theirs = (left, right) if left == right else (seen(left, right), seen(right, left))
    assert compared(left, right) == (len(ours), len(theirs), len(ours & theirs))


@given(WHOLE, WHOLE, st.sampled_from([0.25, 0.6, 0.85]), st.sampled_from([0.0, 0.6]))
@settings(max_examples=2_000, deadline=None)
def test_like(left: frozenset[str], right: frozenset[str], enough: float, held: float) -> None:
    """The Jaccard index, or one that holds the other."""
    ours, theirs, common = compared(left, right)
    union = ours + theirs - common
    held_by_one = common == min(ours, theirs) and common >= held * union
    assert like(left, right, enough, held) == (common >= enough * union or held_by_one)
