"""The tree of elements: how it grows, what bounds it, and what makes its revision rise."""

from collections.abc import Callable

import invariants
import pytest
from feeding import Feed, idents
from views import EngineView

from bridge.space import Limits
from bridge.uns import Rejected


@pytest.mark.parametrize(
    ("topic", "ids"),
    [
        pytest.param("a", ["a"], id="one level"),
        pytest.param("a/b/c", ["a", "a/b", "a/b/c"], id="every prefix"),
        pytest.param("/a", ["%00", "/a"], id="leading slash"),
        pytest.param("a/", ["a", "a/"], id="trailing slash"),
        pytest.param("//", ["%00", "/", "//"], id="empty levels only"),
        pytest.param(" ", ["%20"], id="blank"),
        pytest.param("a,b/c d", ["a%2Cb", "a%2Cb/c d"], id="comma and inner blank"),
        pytest.param("HasParent", ["%48asParent"], id="reserved"),
        pytest.param("a/\u2028/b", ["a", "a/%E2%80%A8", "a/%E2%80%A8/b"], id="line separator"),
    ],
)
def test_every_prefix_is_an_element(topic: str, ids: list[str]) -> None:
    """A topic makes its own element and one for each of its prefixes; the raw topic is kept."""
    feed = Feed().take({topic: 1}).arrange()
    assert idents(feed.engine) == ids
    assert feed.object(ids[-1])["metadata"]["system"]["topic"] == topic


@pytest.mark.parametrize(
    "topics",
    [
        pytest.param(["acme/x", "ACME/x"], id="case"),
        pytest.param(["acme/\u00e9", "acme/e\u0301"], id="composed and decomposed"),
        pytest.param(["a/b", "a/b/", "/a/b", "a//b"], id="empty levels"),
        pytest.param(["a%2Fb", "a/b"], id="encoded slash"),
        pytest.param(["a b", "a  b", " a b", "a b "], id="blanks"),
        pytest.param(["a,b", "a%2Cb"], id="encoded comma"),
    ],
)
def test_distinct_topics_stay_distinct(topics: list[str]) -> None:
    """No two topics share an element."""
    feed = Feed().take({topic: number for number, topic in enumerate(topics)})
    assert [feed.engine.space.by_topic[topic].value for topic in topics] == list(range(len(topics)))
    assert len(idents(feed.engine)) == len(feed.engine.space.by_topic)


def test_siblings_are_sorted() -> None:
    """Listings do not depend on the order of arrival: parents first, then by name."""
    feed = Feed().take({"b/2": 1, "b/10": 1, "a": 1, "b": {"y": 1, "x": 1}}).arrange()
    listed = [row["elementId"] for row in feed.browse.objects()]
    assert listed[:6] == ["a", "b", "b#/y", "b#/x", "b/10", "b/2"]
    assert listed[6] == "$bridge", "the bridge's own come last"


def test_known_topics_do_not_count_against_the_limit() -> None:
    """A full space refuses new topics whole: no half of their path is left behind."""
    feed = Feed(limits=Limits(elements=3))
    feed.take({"a/b": 1, "c/d": 1, "e": 1})
    assert idents(feed.engine) == ["a", "a/b", "e"]


def test_refusal_changes_nothing() -> None:
    """`ensure` beyond a limit gives the reason, and the revision stays."""
    feed = Feed(limits=Limits(levels=2)).take({"a/b": 1})
    space = feed.engine.space
    before = space.revision
    refused = space.ensure("a/b/c", 0)
    assert isinstance(refused, Rejected)
    assert (refused.reason, space.revision, len(space.by_topic)) == ("topic-levels", before, 2)


@pytest.mark.parametrize(
    ("change", "rises"),
    [
        pytest.param(lambda feed: feed.take({"a": 2}), False, id="a new value"),
        pytest.param(lambda feed: feed.take({"a": None}), False, id="null"),
        pytest.param(lambda feed: feed.arrange(), False, id="arranging what is arranged"),
        pytest.param(lambda feed: feed.take({"b": 1}), True, id="a new element"),
        pytest.param(lambda feed: feed.take({"a": 2.5}), True, id="a wider type"),
        pytest.param(lambda feed: feed.take({"a": "x"}), True, id="another type"),
        pytest.param(lambda feed: feed.take({"a": {"value": 1, "unit": "bar"}}), True, id="a unit"),
        pytest.param(lambda feed: feed.take({"a": {"f": 1}}), True, id="a field"),
    ],
)
def test_revision(change: Callable[[Feed], object], rises: bool) -> None:
    """The revision rises with every change that a client browsing the space could see, and with nothing else."""
    feed = Feed().take({"a": 1}).settle()
    before = feed.engine.space.revision
    change(feed)
    assert (feed.engine.space.revision > before) is rises


def test_switching_between_known_types_is_seen() -> None:
    """An element whose value turns back to a kind it has had shows another type: the revision tells."""
    feed = Feed().take({"a": 1}).take({"a": "x"}).settle()
    before = feed.engine.space.revision
    feed.take({"a": 2})
    assert feed.engine.space.revision > before


@pytest.mark.parametrize(
    ("quiet", "busy", "young"),
    [
        pytest.param(9, 0, True, id="not yet quiet long enough"),
        pytest.param(10, 0, False, id="quiet for the window"),
        pytest.param(1, 28, True, id="busy"),
        pytest.param(1, 31, False, id="busy for three windows: settled all the same"),
    ],
)
def test_discovery_window(quiet: int, busy: int, young: bool) -> None:
    """The model settles when nothing new has come for the window, at the latest after three."""
    feed = Feed(discovery_window=10.0).take({"first": 1}).arrange()
    for second in range(1, busy + 1):
        feed.seconds = second
        feed.take({f"t{second}": 1}).arrange()
    feed.seconds = busy + quiet
    feed.arrange()
    assert feed.engine.space.young is young


@pytest.mark.parametrize(
    ("deep", "shallow"),
    [
        pytest.param({"b": {"a": [False]}}, [0], id="an array"),
        pytest.param({"b": {"a": {"x": False}}}, {"x": {"y": 1}}, id="an object"),
    ],
)
def test_opaque_values_conform(deep: object, shallow: object) -> None:
    """A value too deep to be modelled still conforms to its type, whatever its role is elsewhere."""
    feed = Feed(limits=Limits(depth=3)).take({"plant": deep, "a": shallow})
    assert invariants.faults(EngineView(feed.engine)) == []
    assert invariants.faults(EngineView(feed.arrange().engine)) == []


def test_empty_space_stays_young() -> None:
    """The window begins with the first element, not with the process."""
    feed = Feed(discovery_window=10.0)
    feed.seconds = 1_000
    feed.arrange().take({"a": 1}).arrange()
    assert feed.engine.space.young
