"""A model at work: what its file says wins over what is inferred, and never drifts."""

from typing import Any

import invariants
import pytest
from feeding import Feed
from views import EngineView

from bridge.model import Model, parse
from bridge.uns.policy import Policies, Rule

FILE = """\
format = 1
levels = ["Enterprise", "Site"]

[namespaces]
"urn:acme" = "Acme Corp."

[[type]]
name = "Tank"
version = "2.1.0"
description = "Holds milk"
kind = "object"
parts = true
[type.fields]
level = { kind = "number", unit = "%" }
state = "string"

[[type]]
name = "Heat"
kind = "number"
unit = "K"

[[type]]
name = "Lot"
kind = "object"
[type.fields]
id = "string"
size = "integer"

[[element]]
match = "acme/+/mixing/vat*"
type = "Tank"
part = false
name = "Storage tank"
description = "Milk for the day"

[[element]]
match = "acme/+/mixing/vat*/heat"
type = "Heat"
part = true
unit = "K"

[[element]]
match = "acme/+/mixing/vat*/lot"
type = "Lot"

[[element]]
match = "acme/+/mixing/vat*/secret/#"
hide = true

[[element]]
match = "acme/+/mixing/vat9/level"
quality_profile = "one-is-good"
use = "value"

[[relationship]]
name = "FedBy"
reverse = "Feeds"
from = "acme/{site}/mixing/vat{n}"
to = "acme/{site}/cip/skid{n}"

[[tree]]
path = "Tanks/{site} {vat}"
element = "acme/{site}/mixing/{vat}"
"""
VAT, SKID = "acme/north/mixing/vat1", "acme/north/cip/skid1"
VALUES = {f"{VAT}/level": 5, f"{VAT}/state": "idle", f"{VAT}/heat": 293.5, f"{SKID}/flow": 7}


@pytest.fixture
def model() -> Model:
    return parse(FILE, "model.toml")


@pytest.fixture
def feed(model: Model) -> Feed:
    found = Feed(rules=model.rules())
    model.pin(found.engine.space)
    return found


def test_rules(model: Model) -> None:
    """Elements become rules for their topics; a type goes with its namespace, what is hidden is ignored."""
    assert model.rules() == [
        Rule(
            ("acme/+/mixing/vat*",),
            {
                "type": "Tank",
                "namespace": "urn:acme",
                "part": False,
                "name": "Storage tank",
                "description": "Milk for the day",
            },
        ),
        Rule(("acme/+/mixing/vat*/heat",), {"type": "Heat", "namespace": "urn:acme", "part": True, "unit": "K"}),
        Rule(("acme/+/mixing/vat*/lot",), {"type": "Lot", "namespace": "urn:acme"}),
        Rule(("acme/+/mixing/vat*/secret/#",), {"use": "ignore"}),
        Rule(("acme/+/mixing/vat9/level",), {"quality_profile": "one-is-good", "use": "value"}),
    ]
    assert Policies(model.rules()).of(f"{VAT}/heat").unit == "K"
    assert model.levels == ("Enterprise", "Site")


def test_types_are_there_before_any_message(model: Model, feed: Feed) -> None:
    """Types and namespaces of the file are listed from the start, as the file says."""
    tank = feed.browse.object_type("urn:acme#Tank") or {}
    assert (tank["version"], tank["schema"]["description"]) == ("2.1.0", "Holds milk")
    assert tank["schema"]["properties"]["level"] == {"type": ["number", "null"], "unit": "%"}
    assert {"uri": "urn:acme", "displayName": "Acme Corp."} in feed.browse.namespaces()
    assert len(model.unseen(feed.engine.space)) == 7


def test_file_wins_over_inference(feed: Feed) -> None:
    """Type, place, name, description and unit are the file's."""
    feed.take(VALUES | {f"{VAT}/heat": {"value": 293.5, "unit": "°C", "timestamp": "2027-01-15T08:00:00Z"}}).settle()
    vat, heat = feed.object(VAT), feed.object(f"{VAT}/heat")
    assert (vat["typeElementId"], vat["displayName"]) == ("urn:acme#Tank", "Storage tank")
    assert vat["metadata"]["description"] == "Milk for the day"
    assert (heat["typeElementId"], heat["metadata"]["system"]["unit"]) == ("urn:acme#Heat", "K")
    assert invariants.faults(EngineView(feed.engine)) == []


@pytest.mark.parametrize(
    ("values", "ident", "extensions"),
    [
        pytest.param(VALUES, VAT, {"heat"}, id="an undeclared part"),
        pytest.param({f"{VAT}/level": "high", f"{VAT}/state": "x"}, VAT, {"level"}, id="a part of another kind"),
        pytest.param({f"{VAT}/heat": "hot"}, f"{VAT}/heat", {"value"}, id="a scalar of another kind"),
        pytest.param({f"{VAT}/heat": {"a": 1}}, f"{VAT}/heat", {"value"}, id="a document for a scalar"),
        pytest.param({f"{VAT}/lot": {"id": "L", "size": 5}}, f"{VAT}/lot", None, id="all as declared"),
        pytest.param({f"{VAT}/lot": {"id": "L", "by": "me"}}, f"{VAT}/lot", {"by"}, id="an undeclared attribute"),
        pytest.param({f"{VAT}/lot": {"id": 5, "size": None}}, f"{VAT}/lot", {"id"}, id="an attribute of another kind"),
        pytest.param({f"{VAT}/lot": 5}, f"{VAT}/lot", {"value"}, id="a scalar for a document"),
    ],
)
def test_excess_is_an_extension(feed: Feed, values: dict[str, Any], ident: str, extensions: set[str] | None) -> None:
    """What a value has beyond its pinned type is told, attribute by attribute, for good; the type stays as it is."""
    before = feed.browse.object_type(feed.engine.space.registry.by_id["urn:acme#Tank"].id)
    feed.take(values).settle()
    feed.seconds += 3_600
    feed.take(values).arrange()
    row = feed.object(ident)
    assert row["typeElementId"] in ("urn:acme#Tank", "urn:acme#Heat", "urn:acme#Lot")
    assert row["isExtended"] is (extensions is not None)
    assert set(row["metadata"]["schemaExtensions"] or ()) == (extensions or set())
    assert feed.browse.object_type("urn:acme#Tank") == before
    assert invariants.faults(EngineView(feed.engine)) == []


def test_hidden_topics_make_no_elements(feed: Feed) -> None:
    """What is hidden is refused like anything that a rule leaves out."""
    feed.take(VALUES | {f"{VAT}/secret/recipe": "x"}).settle()
    assert f"{VAT}/secret" not in feed.engine.space.nodes
    assert feed.engine.rejected["ignored"] == 1


def test_relationships_and_trees(feed: Feed) -> None:
    """Both are there as soon as the elements are, the alias under the name that its tree gives it."""
    feed.take(VALUES).settle()
    found = feed.object(VAT)["metadata"]["relationships"]
    assert found["urn:i3x-bridge#relationship/FedBy"] == [SKID]
    assert found["urn:i3x-bridge#relationship/HasAlias"] == ["$views/Tanks/north vat1"]
    assert feed.object("$views/Tanks/north vat1")["displayName"] == "north vat1"
    assert feed.object("$views/Tanks/north vat1")["isExtended"] is True
    assert feed.value("$views/Tanks/north vat1")["value"] == {"heat": 293.5, "level": 5, "state": "idle"}


def test_unseen(model: Model, feed: Feed) -> None:
    """What the file names and nobody has published is told; what is hidden never comes."""
    feed.take(VALUES).settle()
    assert model.unseen(feed.engine.space) == [
        "[[element]] 3 match = acme/+/mixing/vat*/lot",
        "[[element]] 5 match = acme/+/mixing/vat9/level",
    ]
    empty = Feed().engine.space
    assert model.unseen(empty)[-3:] == [
        "[[relationship]] 1 from = acme/{site}/mixing/vat{n}",
        "[[relationship]] 1 to = acme/{site}/cip/skid{n}",
        "[[tree]] 1 element = acme/{site}/mixing/{vat}",
    ]


def test_what_another_table_hides_is_not_missed() -> None:
    """A table that was learnt before its elements were hidden is not told as waiting for them."""
    model = parse(
        'format = 1\n[[element]]\nmatch = "acme/line*/oee"\npart = true\n'
        '[[element]]\nmatch = "acme/+/oee"\nhide = true\n',
        "model.toml",
    )
    assert model.unseen(Feed().engine.space) == []


def test_types_of_one_name_in_two_namespaces() -> None:
    """An element names the namespace where a type's name does not tell."""
    model = parse(
        'format = 1\n[namespaces]\n"urn:a" = "A"\n"urn:b" = "B"\n'
        '[[type]]\nname = "X"\nnamespace = "urn:a"\nkind = "number"\n'
        '[[type]]\nname = "X"\nnamespace = "urn:b"\nkind = "number"\n'
        '[[element]]\nmatch = "p/one"\ntype = "X"\nnamespace = "urn:a"\n'
        '[[element]]\nmatch = "p/two"\ntype = "X"\nnamespace = "urn:b"\n',
        "model.toml",
    )
    feed = Feed(rules=model.rules())
    model.pin(feed.engine.space)
    feed.take({"p/one": 1, "p/two": 2, "p/three": 3}).settle()
    kinds = [feed.object(f"p/{name}")["typeElementId"] for name in ("one", "two", "three")]
    assert kinds == ["urn:a#X", "urn:b#X", "urn:uns:p#Three"]


def test_later_tables_win() -> None:
    """Key by key, a later table overrules an earlier one."""
    model = parse(
        'format = 1\n[[element]]\nmatch = "p/#"\nname = "All"\nunit = "K"\n'
        '[[element]]\nmatch = "p/one"\nname = "One"\n',
        "model.toml",
    )
    policy = Policies(model.rules()).of("p/one")
    assert (policy.name, policy.unit) == ("One", "K")
