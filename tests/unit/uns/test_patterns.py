"""Many patterns at once say the same as each one alone."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.uns.patterns import Patterns
from bridge.uns.topics import matches_pattern

NAMES = st.sampled_from(["acme", "vat01", "vat02", "vat", "", "$SYS", "a*b", "axxb"])
TOPICS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
LEVELS = st.sampled_from(["acme", "vat*", "*", "*1", "+", "", "$SYS", "a*b", "vat01"])
PATTERNS = st.builds(
    lambda levels, end: "/".join([*levels, *end]),
    st.lists(LEVELS, min_size=1, max_size=4),
    st.sampled_from([[], ["#"]]),
) | st.just("#")


@settings(max_examples=500, deadline=None)
@given(patterns=st.lists(PATTERNS, max_size=8), topic=TOPICS)
def test_says_what_each_pattern_says(patterns: list[str], topic: str) -> None:
    """Exactly those patterns cover a topic that match it, in their order."""
    expected = tuple(number for number, pattern in enumerate(patterns) if matches_pattern(pattern, topic))
    assert Patterns((pattern, number) for number, pattern in enumerate(patterns)).covering(topic) == expected


def test_number_of_several_patterns() -> None:
    """A number that several patterns have counts once."""
    assert Patterns([("acme/#", 3), ("acme/+", 3), ("+/vat*", 1)]).covering("acme/vat01") == (1, 3)
