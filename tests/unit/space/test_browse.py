"""What the address space tells clients: objects, edges, metadata, units, extensions, values."""

from typing import Any

import pytest
from feeding import NOW, Feed, idents

from bridge.space import Limits
from bridge.space.browse import REVERSE, Budget
from bridge.uns.policy import Rule

ASPECTS = ("edge",)
FOLDER = "urn:i3x-bridge#Folder"


@pytest.fixture
def plant() -> Feed:
    """A machine with an aspect, a document and a thing below it."""
    return (
        Feed(aspects=ASPECTS)
        .take(
            {
                "plant/vat1/edge/temperature": {
                    "value": 20.5,
                    "unit": "°C",
                    "description": "Bearing",
                    "sensor": "PT100",
                    "timestamp": "2027-01-15T08:00:00Z",
                },
                "plant/vat1/info": {"serial": "S1", "built": {"year": 2020}},
                "plant/vat1/pump1/edge/speed": 3,
            }
        )
        .arrange()
    )


def test_object(plant: Feed) -> None:
    """Every key of the standard, with metadata when asked."""
    plain = {
        "elementId": "plant/vat1/edge",
        "displayName": "edge",
        "typeElementId": "urn:uns:plant#Edge",
        "parentId": "plant/vat1",
        "isComposition": True,
        "isExtended": False,
    }
    assert plant.browse.object("plant/vat1/edge") == plain
    assert plant.object("plant/vat1/edge") == plain | {
        "metadata": {
            "description": None,
            "typeNamespaceUri": "urn:uns:plant",
            "sourceTypeId": "Edge",
            "relationships": {"ComponentOf": ["plant/vat1"], "HasComponent": ["plant/vat1/edge/temperature"]},
            "schemaExtensions": None,
            "system": {"topic": "plant/vat1/edge"},
        }
    }


def test_unit_is_told_three_times(plant: Feed) -> None:
    """In the schema of the type, in metadata.system with its UNECE code, and in the description for people."""
    ident = "plant/vat1/edge/temperature"
    metadata = plant.object(ident)["metadata"]
    assert metadata["description"] == "Bearing [°C]"
    assert (metadata["system"]["unit"], metadata["system"]["unitCode"]) == ("°C", "CEL")
    assert plant.type(ident)["schema"] == {"type": "number", "unit": "°C"}


def test_attributes_of_a_leaf(plant: Feed) -> None:
    """Envelope keys that are neither value, time, quality nor unit are kept beside the value."""
    system = plant.object("plant/vat1/edge/temperature")["metadata"]["system"]
    assert system["attributes"] == {"description": "Bearing", "sensor": "PT100"}
    assert plant.value("plant/vat1/edge/temperature")["value"] == 20.5


@pytest.mark.parametrize(
    ("unit", "description", "code"),
    [
        pytest.param("°C", "t [°C]", "CEL", id="known"),
        pytest.param("tool_number", "t [tool_number]", None, id="not a unit of measure"),
        pytest.param("  bar ", "t [bar]", "BAR", id="trimmed"),
        pytest.param("", None, None, id="empty"),
        pytest.param("x" * 65, None, None, id="too long for a unit"),
    ],
)
def test_units(unit: str, description: str | None, code: str | None) -> None:
    """The source's own text is kept, a code is added where it is known."""
    feed = Feed().take({"t": {"value": 1, "unit": unit, "timestamp": "2027-01-15T08:00:00Z"}})
    metadata = feed.object("t")["metadata"]
    assert (metadata["description"], metadata["system"].get("unitCode")) == (description, code)


def test_unit_conflict() -> None:
    """Elements of one type with different units keep their own; the type names none."""
    feed = Feed().take({f"p/m{number}/temp": {"value": 1.5, "unit": unit} for number, unit in ((1, "°C"), (2, "K"))})
    feed.arrange()
    assert [feed.object(f"p/m{number}/temp")["metadata"]["system"]["unit"] for number in (1, 2)] == ["°C", "K"]
    assert feed.type("p/m1/temp") == feed.type("p/m2/temp")
    assert feed.type("p/m1/temp")["schema"] == {"type": "number"}


def test_unit_of_a_field() -> None:
    """A field that is an envelope with a unit has it like any data point."""
    feed = Feed().take({"p/m1": {"flow": {"value": 1.5, "unit": "m³/h"}, "on": True}}).arrange()
    assert feed.object("p/m1#/flow")["metadata"]["system"].get("unit") == "m³/h"
    assert feed.type("p/m1#/flow")["schema"] == {"type": "number", "unit": "m³/h"}


def test_roots(plant: Feed) -> None:
    """Roots have no parent; a folder's source type says FolderType."""
    root, own = plant.browse.objects(root=True, metadata=True)
    assert own["elementId"] == "$bridge"
    assert (root["elementId"], root["parentId"], root["typeElementId"]) == ("plant", None, FOLDER)
    assert "FolderType" in root["metadata"]["sourceTypeId"]


def test_objects_of_a_type(plant: Feed) -> None:
    """The type filter combines with the others."""
    assert [row["elementId"] for row in plant.browse.objects("urn:uns:plant#Edge")] == ["plant/vat1/edge"]
    assert [row["elementId"] for row in plant.browse.objects(FOLDER)] == ["plant", "$bridge"]
    assert plant.browse.objects("urn:uns:plant#Edge", root=True) == []
    assert plant.browse.objects("no such type") == []


@pytest.mark.parametrize(
    ("relationship", "expected"),
    [
        pytest.param(
            None,
            [
                ("HasParent", "plant"),
                ("HasComponent", "plant/vat1/edge"),
                ("HasComponent", "plant/vat1/info"),
                ("HasChildren", "plant/vat1/pump1"),
            ],
            id="all",
        ),
        pytest.param(
            "HasComponent", [("HasComponent", "plant/vat1/edge"), ("HasComponent", "plant/vat1/info")], id="parts"
        ),
        pytest.param("HasChildren", [("HasChildren", "plant/vat1/pump1")], id="things"),
        pytest.param("ComponentOf", [], id="none such"),
        pytest.param("Bogus", [], id="unknown"),
    ],
)
def test_related(plant: Feed, relationship: str | None, expected: list[tuple[str, str]]) -> None:
    """Edges are named as seen from the requested object; a filter leaves the others out."""
    found = plant.browse.related("plant/vat1", relationship)
    assert found is not None
    assert [(row["sourceRelationship"], row["object"]["elementId"]) for row in found] == expected


def test_relationship_types() -> None:
    """The four of the standard, each the reverse of its reverse."""
    rows = Feed().browse.relationship_types()
    assert {row["elementId"]: row["reverseOf"] for row in rows} == REVERSE
    assert [Feed().browse.relationship_type(row["elementId"]) for row in rows] == rows
    assert Feed().browse.relationship_types("urn:other") == []


@pytest.mark.parametrize("ask", ["object", "related", "object_type", "relationship_type"])
def test_unknown_ids(plant: Feed, ask: str) -> None:
    """Unknown ids give nothing, never an exception."""
    for ident in ("nothing", "", "#", "plant/vat1#/x", "HasParent#", "plant\0"):
        assert getattr(plant.browse, ask)(ident) is None
        assert plant.browse.value(ident, 0, Budget(1)) is None


def test_extension() -> None:
    """Attributes that a type cannot declare make the object extended, with exactly their schema; the others are not."""
    feed = Feed(limits=Limits(fields=2)).take({"p/m1/info": {"a": 1, "b": 2}, "p/m2/info": {"a": 1, "b": 2, "c": "x"}})
    feed.arrange()
    assert (feed.object("p/m1/info")["isExtended"], feed.object("p/m2/info")["isExtended"]) == (False, True)
    metadata = feed.object("p/m2/info")["metadata"]
    assert metadata["schemaExtensions"] == {"c": {"type": ["string", "null"]}}
    assert metadata["system"]["topic"] == "p/m2/info"
    assert feed.value("p/m2/info")["value"] == {"a": 1, "b": 2, "c": "x"}


@pytest.mark.parametrize(
    ("depth", "components"),
    [
        pytest.param(1, None, id="alone"),
        pytest.param(2, {"d#/a"}, id="two levels"),
        pytest.param(0, {"d#/a", "d#/a/b"}, id="all"),
    ],
)
def test_value(depth: int, components: set[str] | None) -> None:
    """Components are a flat map, present on compositions when the depth is not 1."""
    found = Feed().take({"d": {"a": {"b": 1}}}).value("d", depth)
    expected: dict[str, Any] = {
        "isComposition": True,
        "value": {"a": {"b": 1}},
        "quality": "Good",
        "timestamp": NOW.format(0),
    }
    assert {key: found[key] for key in expected} == expected
    assert (set(found["components"]) if "components" in found else None) == components


def test_leaf_has_no_components() -> None:
    """A leaf says nothing about components, whatever the depth."""
    assert "components" not in Feed().take({"d": 1}).value("d", 0)


def test_budget() -> None:
    """What an answer leaves out is known: never cut silently."""
    feed = Feed().take({"d": {f"k{number}": number for number in range(10)}})
    for allowed, cut in ((10, False), (9, True), (0, True)):
        budget = Budget(allowed)
        found = feed.browse.value("d", 0, budget)
        assert found is not None
        assert (len(found["components"]), budget.cut) == (allowed, cut)


def test_names_can_be_shown() -> None:
    """Display names are printable and never blank."""
    feed = Feed().take({"a//b": 1, " ": 1, "a/\t": 1, "a/x y": 1})
    shown = {row["elementId"]: row["displayName"] for row in feed.browse.objects()}
    shown = {ident: shown[ident] for ident in idents(feed.engine)}
    assert shown == {"a": "a", "a/": "(empty)", "a//b": "b", "%20": "(blank)", "a/%09": "%09", "a/x y": "x y"}


def test_published_topic() -> None:
    """An element whose place is not its topic tells the topic that its messages have."""
    feed = Feed(rules=[Rule(["umh.v1.*"], {"separators": "."})]).take({"umh.v1.acme.speed": 7}).arrange()
    system = feed.object("umh/v1/acme/speed")["metadata"]["system"]
    assert (system["topic"], system["publishedTopic"]) == ("umh/v1/acme/speed", "umh.v1.acme.speed")
    assert "publishedTopic" not in feed.object("umh/v1")["metadata"]["system"]
