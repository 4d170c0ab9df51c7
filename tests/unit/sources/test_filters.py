"""Which topics are wanted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources import filters
from bridge.sources.filters import Topics, essential
from bridge.uns.topics import matches

level = st.sampled_from(["a", "b", "", "$a", "+"])
patterns = st.builds(
    lambda levels, rest: "/".join([*levels, *rest]) or "#",
    st.lists(level, max_size=3),
    st.sampled_from([[], ["#"]]),
)
topics = st.lists(st.sampled_from(["a", "b", "", "$a", "c"]), min_size=1, max_size=4).map("/".join).filter(bool)


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("#", "a/b", True),
        ("#", "+/b/#", True),
        ("#", "$SYS/#", False),
        ("+/b", "$SYS/b", False),
        ("a/#", "a", True),
        ("a/#", "a/+/c", True),
        ("a/+", "a/#", False),
        ("a/+", "a/b", True),
        ("a/+", "a/+", True),
        ("a/b", "a/+", False),
        ("a/+/c", "a/b", False),
        ("$share/g/#", "$share/g/a", True),
        ("#", "$share/g/#", False),
    ],
)
def test_covers(wide: str, narrow: str, expected: bool) -> None:
    """A filter covers another one if it matches all that the other matches."""
    assert matches(wide, narrow) is expected


@given(patterns, patterns, topics)
def test_covers_means_matches(wide: str, narrow: str, topic: str) -> None:
    """Whatever the covered filter matches, the covering one matches too."""
    if matches(wide, narrow) and matches(narrow, topic):
        assert matches(wide, topic)


@given(st.lists(patterns, min_size=1, max_size=5), topics)
def test_essential_loses_nothing(wanted: list[str], topic: str) -> None:
    """Without the covered filters the same topics are matched, and no remaining filter covers another one."""
    kept = essential(wanted)
    assert any(matches(p, topic) for p in kept) == any(matches(p, topic) for p in wanted)
    assert not any(matches(a, b) for a in kept for b in kept if a != b)


def test_essential_order() -> None:
    """Filters keep their order, the first of equals stays."""
    assert essential(["b", "a/+", "b", "a/1", "c/#", "c"]) == ("b", "a/+", "c/#")


def test_topics() -> None:
    """A topic is wanted if a filter matches it and no excluded one does; shared subscriptions too."""
    decided = Topics(["plant/#", "$share/group/line/+"], ["plant/secret/#"])
    names = [b"plant/a", b"plant/secret/a", b"other", b"line/1", b"line/1/2"]
    assert [decided[name] for name in names] == ["plant/a", None, None, "line/1", None]


def test_undecodable() -> None:
    """A topic that is not UTF-8 is not wanted, and counted each time."""
    decided = Topics(["#"], [])
    assert [decided[b"a/\xff"], decided[b"a/\xff"], decided[b"\xed\xa0\x80"]] == [None, None, None]
    assert decided.undecodable == 3


def test_same_name() -> None:
    """The name of a topic is one object, so that dictionaries hash it once."""
    decided = Topics(["#"], [])
    assert decided[b"plant/a"] is decided[bytes(bytearray(b"plant/a"))]


def test_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many topics come, no more than the bound are remembered."""
    monkeypatch.setattr(filters, "TOPICS_REMEMBERED", 10)
    decided = Topics(["#"], [])
    for number in range(1000):
        assert decided[str(number).encode()] == str(number)
        assert len(decided) <= 10
