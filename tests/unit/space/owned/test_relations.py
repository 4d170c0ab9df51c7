"""Relationships by pattern: found from both ends, whatever comes first."""

from itertools import permutations

import invariants
import pytest
from feeding import Feed
from views import EngineView

from bridge.space.owned import relations
from bridge.space.owned.relations import Links, Relation, Relations
from bridge.space.owned.templates import Template

FED_BY, FEEDS = "urn:test#relationship/FedBy", "urn:test#relationship/Feeds"
VAT, OTHER, SKID = "acme/north/mixing/hall1/vat01", "acme/south/mixing/hall1/vat01", "acme/north/cip/skid01"


def related(feed: Feed, ident: str) -> list[tuple[str, str]]:
    rows = feed.browse.related(ident) or []
    return [(row["sourceRelationship"], row["object"]["elementId"]) for row in rows if "#" in row["sourceRelationship"]]


def plant(source: str, target: str, reverse: str = "Feeds") -> Feed:
    feed = Feed()
    space = feed.engine.space
    space.registry.titles["urn:test"] = "Test"
    kind = space.links.register("urn:test", "FedBy", reverse)
    space.watchers.append(Relations(space.links, [Relation(kind, Template(source), Template(target))]))
    return feed


@pytest.mark.parametrize("topics", list(permutations([VAT, OTHER, SKID])))
def test_joins_where_names_agree(topics: tuple[str, ...]) -> None:
    """The skid of the same site and number feeds the vat, in any order of arrival; the space stays sound."""
    feed = plant("acme/{site}/mixing/{hall}/vat{n}", "acme/{site}/cip/skid{n}")
    for topic in topics:
        feed.take({f"{topic}/level": 1}).arrange()
    assert related(feed, VAT) == [(FED_BY, SKID)]
    assert related(feed, SKID) == [(FEEDS, VAT)]
    assert related(feed, OTHER) == []
    assert feed.object(VAT)["metadata"]["relationships"][FED_BY] == [SKID]
    assert invariants.faults(EngineView(feed.engine)) == []


def test_names_of_one_side_match_any() -> None:
    """A name that stands on one side only does not bind: every skid of the site feeds the vat."""
    feed = plant("acme/{site}/mixing/+/vat*", "acme/{site}/cip/{skid}")
    feed.take({VAT: 1, SKID: 1, "acme/north/cip/skid02": 1, "acme/south/cip/skid02": 1})
    assert related(feed, VAT) == [(FED_BY, SKID), (FED_BY, "acme/north/cip/skid02")]


def test_symmetric() -> None:
    """A relationship may be its own reverse; nothing is related to itself."""
    feed = plant("acme/{site}/cip/+", "acme/{site}/cip/+", reverse="FedBy")
    feed.take({SKID: 1, "acme/north/cip/skid02": 1})
    assert related(feed, SKID) == [(FED_BY, "acme/north/cip/skid02")]
    assert related(feed, "acme/north/cip/skid02") == [(FED_BY, SKID)]
    assert invariants.faults(EngineView(feed.engine)) == []


def test_types_are_registered() -> None:
    """Both directions are listed beside the standard's own, each the reverse of the other, and can be asked for."""
    feed = plant("a/{x}", "b/{x}")
    listed = {row["elementId"]: row["reverseOf"] for row in feed.browse.relationship_types()}
    assert listed.items() >= {FED_BY: FEEDS, FEEDS: FED_BY, "HasParent": "HasChildren"}.items()
    assert [row["displayName"] for row in feed.browse.relationship_types("urn:test")] == ["Feeds", "FedBy"]
    assert (feed.browse.relationship_type(FED_BY) or {})["relationshipId"] == "FedBy"


def test_what_is_gone_is_related_to_nothing() -> None:
    """An element that goes takes its edges along; one of the same topic is joined again."""
    feed = plant("acme/{site}/mixing/+/vat{n}", "acme/{site}/cip/skid{n}").take({VAT: 1, SKID: 1})
    watcher = feed.engine.space.watchers[-1]
    assert isinstance(watcher, Relations)
    watcher.gone(feed.node(SKID))
    assert related(feed, VAT) == []
    watcher.made(feed.node(SKID))
    assert related(feed, VAT) == [(FED_BY, SKID)]


def test_edges_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates without a common name join everything with everything, up to a limit; the rest is counted."""
    monkeypatch.setattr(relations, "MAX_LINKS", 3)
    feed = plant("a/+", "b/+").take({f"{root}/{number}": 1 for root in "ab" for number in range(3)})
    links: Links = feed.engine.space.links
    assert sum(len(related(feed, f"a/{number}")) for number in range(3)) == 3
    assert links.refused["relationships"] == 6
