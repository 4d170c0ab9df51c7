"""Virtual trees: elements once more, under another hierarchy, always as they are at home."""

from datetime import UTC
from itertools import permutations
from typing import Any

import invariants
import pytest
from feeding import NOW_NS, Feed
from inprocess import CURRENT, TEMPERATURE, InProcess
from views import EngineView

from bridge.space.owned import views
from bridge.space.owned.templates import Template
from bridge.space.owned.views import Alias, Tree, Views
from bridge.uns.moments import SECOND

VAT, OTHER = "acme/north/mixing/hall1/vat01", "acme/south/mixing/hall1/vat01"
PLACE, SOUTH = "$views/By kind/Vats/north vat01", "$views/By kind/Vats/south vat01"
ALIAS_OF, HAS_ALIAS = "urn:i3x-bridge#relationship/AliasOf", "urn:i3x-bridge#relationship/HasAlias"
BY_KIND = Tree(("By kind", "Vats", "{site} {vat}"), Template("acme/{site}/mixing/+/{vat}"))


def plant(*trees: Tree, **options: Any) -> Feed:
    feed = Feed(**options)
    feed.engine.space.watchers.append(Views(feed.engine.space, trees or (BY_KIND,)))
    return feed


def filled() -> Feed:
    levels = {f"{topic}/{part}": number for topic in (VAT, OTHER) for number, part in enumerate(("level", "heat"))}
    return plant().take(levels).settle()


def test_alias_is_its_target() -> None:
    """Type, value, quality and time are the target's at every moment; it is no composition, its own name is shown."""
    feed = filled()
    row, value = feed.object(PLACE), feed.value(PLACE)
    assert row["typeElementId"] == feed.object(VAT)["typeElementId"]
    assert (row["displayName"], row["isComposition"], row["parentId"]) == (
        "north vat01",
        False,
        "$views/By kind/Vats",
    )
    assert value == feed.value(VAT) | {"isComposition": False}
    feed.take({f"{VAT}/level": 77})
    assert feed.value(PLACE)["value"] == {"heat": 1, "level": 77}
    assert feed.value(PLACE, max_depth=0).get("components") is None


def test_alias_leads_to_its_target() -> None:
    """`AliasOf` and its reverse are listed, and found from both ends."""
    feed = filled()
    assert feed.object(PLACE)["metadata"]["relationships"] == {"HasParent": ["$views/By kind/Vats"], ALIAS_OF: [VAT]}
    assert feed.object(VAT)["metadata"]["relationships"][HAS_ALIAS] == [PLACE]
    assert {row["elementId"] for row in feed.browse.relationship_types()} >= {ALIAS_OF, HAS_ALIAS}


def test_folders_are_browsed_from_a_root_of_their_own() -> None:
    """The trees have one root; folders and aliases come in the order of their names."""
    feed = filled()
    roots = [row["elementId"] for row in feed.browse.objects(root=True)]
    below = [row["object"]["elementId"] for row in feed.browse.related("$views/By kind/Vats", "HasChildren") or []]
    assert "$views" in roots
    assert feed.object("$views")["displayName"] == "views"
    assert below == [PLACE, SOUTH]


def test_space_is_sound_with_views() -> None:
    """All that holds for every address space holds with aliases in it, before anything is arranged too."""
    feed = plant().take({f"{VAT}/level": 1, f"{OTHER}/level": {"deep": [1]}})
    assert invariants.faults(EngineView(feed.engine)) == []
    feed.settle().take({f"{VAT}/new": "x"}).arrange()
    assert invariants.faults(EngineView(feed.engine)) == []


@pytest.mark.parametrize(
    "topics", list(permutations(["acme/n/mixing/h1/v", "acme/n/mixing/h2/v", "acme/n/mixing/h3/v"]))
)
def test_smaller_topic_has_the_place(topics: tuple[str, ...]) -> None:
    """Where several elements ask for one place, the same one has it in whatever order they come; that is counted."""
    feed = plant()
    for topic in topics:
        feed.take({topic: topic})
    assert feed.value("$views/By kind/Vats/n v")["value"] == "acme/n/mixing/h1/v"
    assert [feed.object(topic)["metadata"]["relationships"].get(HAS_ALIAS) for topic in sorted(topics)] == [
        ["$views/By kind/Vats/n v"],
        None,
        None,
    ]
    assert feed.engine.space.links.refused["places"] == 2
    assert invariants.faults(EngineView(feed.engine)) == []


def test_folder_where_an_alias_is() -> None:
    """An alias has nothing below it: what another tree wants there has no place."""
    feed = plant(Tree(("A", "{x}"), Template("a/{x}")), Tree(("A", "{x}", "{y}"), Template("a/{x}/{y}")))
    feed.take({"a/one/two": 1})
    assert feed.engine.space.links.refused["places"] == 1
    assert invariants.faults(EngineView(feed.engine)) == []


def test_names_are_encoded_like_all_ids() -> None:
    """Whatever a level holds, the id of its alias has no forbidden character."""
    feed = plant(Tree(("All", "{x}"), Template("a/{x}"))).take({'a/x,"y" ': 1})
    assert feed.value("$views/All/x%2C%22y%22%20")["value"] == 1


def test_messages_cannot_lead_into_views() -> None:
    """A message on a topic of that name is refused: nobody can pose as an alias."""
    feed = filled().take({PLACE: 5, "$views/x": 1})
    assert feed.engine.rejected["reserved"] == 2
    assert feed.value(PLACE) == feed.value(VAT) | {"isComposition": False}


def test_what_is_gone_has_no_alias() -> None:
    """An element that goes takes its aliases along, and folders that nothing is left in."""
    feed = filled()
    watcher = feed.engine.space.watchers[-1]
    assert isinstance(watcher, Views)
    watcher.gone(feed.node(VAT))
    assert PLACE not in feed.engine.space.nodes
    watcher.gone(feed.node(OTHER))
    assert [ident for ident in feed.engine.space.nodes if ident.startswith("$views")] == []
    assert invariants.faults(EngineView(feed.engine)) == []


def test_aliases_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a limit are counted, not made."""
    monkeypatch.setattr(views, "MAX_ALIASES", 1)
    feed = plant().take({VAT: 1, OTHER: 1})
    assert feed.engine.space.links.refused["aliases"] == 1
    assert SOUTH not in feed.engine.space.nodes


def test_updates_go_to_the_alias() -> None:
    """A subscription to an alias hears of each change of its target, leaf or composed, under the alias's id."""
    bridge = InProcess()
    trees = [Tree(("All", "{x}"), Template("acme/line1/{x}")), Tree(("Leaf",), Template(TEMPERATURE))]
    bridge.engine.space.watchers.append(Views(bridge.engine.space, trees))
    bridge.publish(TEMPERATURE, 1)
    bridge.publish(CURRENT, 2)
    bridge.arrange()
    subscription = bridge.subscribe("$views/All/press1", "$views/Leaf")
    assert bridge.fresh(subscription) == [
        ("$views/All/press1", {"motor": {"current": 2}, "temperature": 1}),
        ("$views/Leaf", 1),
    ]
    bridge.publish(TEMPERATURE, 3)
    assert sorted(bridge.fresh(subscription)) == [
        ("$views/All/press1", {"motor": {"current": 2}, "temperature": 3}),
        ("$views/Leaf", 3),
    ]
    bridge.publish(CURRENT, 4)
    assert bridge.fresh(subscription) == [("$views/All/press1", {"motor": {"current": 4}, "temperature": 3})]


def test_history_is_the_targets() -> None:
    """History of an alias is answered from its target's rows."""
    bridge = InProcess()
    bridge.engine.space.watchers.append(Views(bridge.engine.space, [Tree(("Leaf",), Template("acme/a/b"))]))
    for value in (1, 2):
        bridge.publish("acme/a/b", value)
        bridge.pass_time(1)
    times = {"startTime": "2000-01-01T00:00:00Z", "endTime": "2100-01-01T00:00:00Z"}
    found = bridge.post("/objects/history", elementIds=["$views/Leaf", "acme/a/b"], **times)["results"]
    assert [row["value"] for row in found[0]["result"]["values"]] == [1, 2]
    assert found[0]["result"] == found[1]["result"]


def test_alias_reads_its_target_directly() -> None:
    """An alias keeps nothing: what it does not have itself it has from its target."""
    alias = filled().node(SOUTH)
    assert isinstance(alias, Alias)
    assert alias.vqt(UTC) == alias.target.vqt(UTC)
    assert (alias.topic, alias.created_ns) == (OTHER, NOW_NS)
    assert alias.created_ns % SECOND == 0
