"""Patterns: the fewest that say of each topic what was decided about it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.patterns import patterns
from bridge.uns.topics import matches_pattern


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        pytest.param({"a/vat01": 1}, ["a/vat01"], id="one name stays"),
        pytest.param({"a/vat01": 1, "a/vat02": 1}, ["a/vat*"], id="numbered names share their stem"),
        pytest.param({"a/vat01": 1, "a/tank1": 1}, ["a/+"], id="other names do not"),
        pytest.param({"a/x/vat1": 1, "b/y/vat2": 1}, ["+/+/vat*"], id="level by level"),
        pytest.param({"a/vat1": 1, "a/vat2": 1, "b/vat1": 2}, ["a/vat*", "b/vat1"], id="another decision elsewhere"),
        pytest.param(
            {"n/vat1/t": 1, "n/vat2/t": 1, "s/vat1/t": 1, "s/vat2/t": 1, "s/tank1/t": 2, "n/tank1/t": 2},
            ["+/tank1/t", "+/vat*/t"],
            id="split where the decision parts",
        ),
        pytest.param(
            {"a/vat1": 1, "a/vatican": 2, "a/vat2": 1}, ["a/vat1", "a/vat2", "a/vatican"], id="a stem too far"
        ),
        pytest.param({"a/1": 1, "a/2": 1, "a/x": 2}, ["a/1", "a/2", "a/x"], id="names that are numbers have no stem"),
        pytest.param({"a": 1, "a/b": 1}, ["a", "a/b"], id="each depth by itself"),
        pytest.param({"$own/a": 1, "x/a": 1}, ["$own/a", "x/a"], id="no wildcard covers a reserved root"),
        pytest.param({"a//b": 1, "a/c/b": 1}, ["a/+/b"], id="empty levels"),
        pytest.param({"a*1/b": 1, "a*2/b": 1, "a1/b": 2}, ["a*2/b", "a1/b"], id="a star that would cover others"),
    ],
)
def test_generalises(decisions: dict[str, int], expected: list[str]) -> None:
    """One name is literal, one stem a star, others a plus, as far as nothing else is covered."""
    assert [pattern for pattern, _ in patterns(decisions)] == expected


LEVELS = st.sampled_from(["vat1", "vat2", "tank1", "x", "", "7", "vatican"])
TOPICS = st.lists(LEVELS, min_size=1, max_size=4).map("/".join)


@settings(max_examples=300, deadline=None)
@given(decisions=st.dictionaries(TOPICS, st.integers(0, 2), max_size=25))
def test_says_exactly_what_was_decided(decisions: dict[str, int]) -> None:
    """Every topic is covered by patterns of its own decision, and by no other."""
    found = patterns(decisions)
    for topic, decision in decisions.items():
        said = {decisions[example] for pattern, example in found if matches_pattern(pattern, topic)}
        assert said == {decision}


def test_is_quick() -> None:
    """A thousand machines of one kind are a handful of patterns."""
    decisions = {
        f"acme/site{site}/hall{hall}/vat{vat}/{part}": part
        for site in range(10)
        for hall in range(10)
        for vat in range(10)
        for part in ("level", "heat", "state")
    }
    assert len(patterns(decisions)) == 3
