"""Parts and things, and the types of equipment (inference.md F and G)."""

from typing import Any

import pytest
from feeding import Feed

WIDEN_AFTER = 60.0  # seconds; the default
ASPECTS = ("edge", "status", "oee", "info")


def learnt(*topics: str, levels: tuple[str, ...] = (), **values: Any) -> Feed:
    """The arranged model of some topics that all say 1."""
    return Feed(levels=levels, aspects=ASPECTS).take(dict.fromkeys(topics, 1) | values).arrange()


def each(template: str, **names: list[str]) -> list[str]:
    """The template for every name of one place: `each("vat{n}/level", n=["1", "2"])`."""
    ((key, found),) = names.items()
    return [template.replace(f"{{{key}}}", name) for name in found]


# --- G. part or thing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topics", "element", "part"),
    [
        pytest.param(["a/b"], "a/b", True, id="1 data leaf: part"),
        pytest.param(["a"], "a", False, id="1 a leaf without a parent has nothing to be part of"),
        pytest.param(["m/axis/0/pos"], "m/axis/0", True, id="2 short index with leaves only: part"),
        pytest.param(["m/axis/0/pos", "m/axis/1/pos"], "m/axis", True, id="2 an array of them: part"),
        pytest.param(["m/axis/1234/pos"], "m/axis/1234", False, id="2 no short index"),
        pytest.param(["m/axis/0/motor1/pos"], "m/axis/0", False, id="2 an index with things below"),
        pytest.param(
            ["a/edge/pump1/x", "a/edge/pump2/x"], "a/edge", False, id="3 contains things, even an aspect word"
        ),
        pytest.param(
            [*each("a/{m}/diag/x", m=["mill1", "saw1", "vat1"])],
            "a/mill1/diag",
            True,
            id="4 under three kinds of parents: part",
        ),
        pytest.param(
            [*each("a/{m}/diag1/x", m=["mill1", "saw1", "vat1"])], "a/mill1/diag1", False, id="4 not if numbered"
        ),
        pytest.param(["a/vat1/x"], "a/vat1", False, id="5 numbered: thing"),
        pytest.param(
            ["a/mixer/x", "a/mixer/y", "a/filler/x", "a/filler/y"], "a/mixer", False, id="5 similar sibling: thing"
        ),
        pytest.param(["a/edge/x", "a/edge/y"], "a/edge", True, id="6 aspect word: part"),
        pytest.param(["a/Edge/x", "a/Edge/y"], "a/Edge", True, id="6 in any case"),
        pytest.param(["a/_raw/x", "a/_raw/y"], "a/_raw", True, id="6 leading underscore: part"),
        pytest.param(["a/m1/drive/x", "a/m2/drive/x"], "a/m1/drive", True, id="7 recurs with leaves only: part"),
        pytest.param(["a/m1/drive/x"], "a/m1/drive", False, id="7 else thing"),
        pytest.param(["a/m1/drive/sub/x", "a/m2/drive/sub/x"], "a/m1/drive/sub", True, id="7 the innermost recurs"),
    ],
)
def test_part_or_thing(topics: list[str], element: str, part: bool) -> None:
    """The rules of section G, in their order."""
    feed = learnt(*topics)
    assert feed.node(element).part is part
    assert (feed.object(element)["metadata"]["relationships"].keys() & {"ComponentOf"} != set()) is part


@pytest.mark.parametrize(
    ("levels", "parts"),
    [
        pytest.param((), {"acme/site/line1/edge", "acme/site/line1/edge/x", "acme/site/note"}, id="inferred"),
        pytest.param(
            ("Enterprise", "Site", "Line"),
            {"acme/site/line1/edge", "acme/site/line1/edge/x"},
            id="deeper than the levels",
        ),
        pytest.param(
            ("Enterprise",),
            {"acme/site", "acme/site/line1", "acme/site/line1/edge", "acme/site/line1/edge/x", "acme/site/note"},
            id="one level: all below is composition",
        ),
        pytest.param(("A", "B", "C", "D", "E", "F"), set(), id="more levels than there are"),
    ],
)
def test_levels(levels: tuple[str, ...], parts: set[str]) -> None:
    """Configured levels say where equipment ends and composition begins, whatever the names look like."""
    assert learnt("acme/site/line1/edge/x", "acme/site/note", levels=levels).parts() == parts


def test_levels_name_types() -> None:
    """Equipment at a level has the level's name as its role."""
    feed = learnt("acme/berlin/edge/x", "acme/paris/edge/x", levels=("Enterprise", "Site"))
    assert {feed.type(ident)["displayName"] for ident in ("acme/berlin", "acme/paris")} == {"Site"}


def test_leaf_becomes_branch() -> None:
    """A data point may get children later: it keeps its value, its id and, once settled, its place."""
    feed = learnt("a/m1/robot").settle()
    feed.take({"a/m1/robot/speed": 2}).arrange()
    assert feed.node("a/m1/robot").part
    assert feed.value("a/m1/robot")["value"] == 1
    assert feed.object("a/m1/robot")["isComposition"]


def test_settled_places_stay() -> None:
    """Once the discovery window is over, new neighbours do not move what is there, and new branches are judged."""
    feed = learnt("a/mixer/x", "a/mixer/y").settle()
    before = {row["elementId"]: row for row in feed.browse.objects()}
    feed.take(dict.fromkeys(["a/filler/x", "a/filler/y", "a/vat7/edge/x"], 1)).arrange()
    after = {row["elementId"]: row for row in feed.browse.objects()}
    assert before.items() <= after.items()
    assert "a/vat7/edge" in feed.parts()
    assert "a/vat7" not in feed.parts()


def test_young_places_are_provisional() -> None:
    """While the model is young a better picture moves things: the second machine shows that the first is one."""
    feed = learnt("a/m1/drive/x")
    assert "a/m1/drive" not in feed.parts()
    feed.take({"a/m2/drive/x": 1}).arrange()
    assert {"a/m1/drive", "a/m2/drive"} <= feed.parts()


# --- F. types --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        pytest.param("edge/a edge/b", "edge/a edge/b", True, id="same parts"),
        pytest.param("edge/a edge/b", "edge/a", True, id="a subset"),
        pytest.param("a b c", "a b d", True, id="half of the parts in common"),
        pytest.param("a b c", "a x y", False, id="less than half"),
    ],
)
def test_equipment_of_one_role(left: str, right: str, same: bool) -> None:
    """F.3: machines of one role with compatible parts share a type, others of that role get a qualified name."""
    topics = [f"site/hall/vat1/{tail}" for tail in left.split()] + [f"site/hall/vat2/{tail}" for tail in right.split()]
    feed = learnt(*topics)
    names = [feed.type(f"site/hall/vat{number}")["displayName"] for number in (1, 2)]
    assert (names[0] == names[1]) is same
    assert "Vat" in names


@pytest.mark.parametrize(
    ("topic", "name"),
    [
        pytest.param("plant/hall/vat01", "Vat", id="number dropped"),
        pytest.param("plant/hall/robot_weld_05", "RobotWeld", id="words joined"),
        pytest.param("plant/hall/LaserPower", "LaserPower", id="as it is"),
        pytest.param("plant/hall/Line 1", "Line", id="blank"),
    ],
)
def test_names_a_person_would_give(topic: str, name: str) -> None:
    """F.5: a type is named after its role."""
    feed = learnt(f"{topic}/edge/x", f"{topic}/edge/y")
    assert feed.type(topic)["displayName"] == name


def test_indexed_members_of_compounds() -> None:
    """Numbered members of `ProdConsumedCount` and `ProdDefectiveCount` are counts alike; other shapes are others."""
    alike = [f"p/m/{name}/0/{part}" for name in ("ProdConsumedCount", "ProdDefectiveCount") for part in "xyz"]
    feed = learnt(*alike, "p/m/StartCount/0/u", "p/m/StartCount/0/v", "p/m/Parameter/0/x", "p/m/Parameter/0/y")
    found = [feed.type(f"p/m/{name}/0")["displayName"] for name in ("ProdConsumedCount", "ProdDefectiveCount")]
    assert found == ["CountItem"] * 2
    assert feed.type("p/m/StartCount/0")["displayName"] not in found
    assert feed.type("p/m/Parameter/0")["displayName"] == "ParameterItem"


def test_qualifier_from_the_context() -> None:
    """F.5: two shapes of one role are told apart by what they belong to; the larger one has the plain name."""
    feed = learnt(
        *each("p/laser1/edge/{t}", t=["power", "speed", "focus"]), *each("p/press1/edge/{t}", t=["force", "angle"])
    )
    assert feed.type("p/laser1/edge")["displayName"] == "Edge"
    assert feed.type("p/press1/edge")["displayName"] == "PressEdge"


@pytest.mark.parametrize(
    ("topics", "collection", "name"),
    [
        pytest.param(
            each("p/orders/{o}", o=["ACME-X", "BOLT-Y", "NUT-Z"]), "p/orders", "Order", id="documents, plural"
        ),
        pytest.param(
            each("p/Inventory/{o}", o=["steel", "glass", "wood"]), "p/Inventory", "InventoryItem", id="documents"
        ),
    ],
)
def test_collections(topics: list[str], collection: str, name: str) -> None:
    """F.2: most children are alike and their names tell which one: instances of one type, whatever they are called."""
    feed = Feed().take({topic: {"qty": 1, "place": "A"} for topic in topics}).arrange()
    assert {feed.type(topic)["displayName"] for topic in topics} == {name}
    feed.settle().take({f"{collection}/late": {"qty": 2, "place": "B"}}).arrange()
    assert feed.type(f"{collection}/late")["displayName"] == name


def test_many_of_one_role_are_a_map() -> None:
    """F.4: a part with ever new members declares what any member holds, not their names."""
    feed = learnt(*[f"p/m1/edge/metric_{number}" for number in range(20)])
    schema = feed.type("p/m1/edge")["schema"]
    assert schema == {"type": "object", "additionalProperties": {"type": ["integer", "null"]}}


def test_conflict_widens_and_never_forks() -> None:
    """F.4: another kind of a field makes a union in the same type."""
    feed = Feed().take({"p/m1/info": {"a": 1, "b": 2}, "p/m2/info": {"a": "n/a", "b": 2}}).arrange()
    assert feed.type("p/m1/info") == feed.type("p/m2/info")
    assert feed.type("p/m1/info")["schema"]["properties"]["a"] == {"type": ["string", "integer", "null"]}


def test_late_field_is_an_extension_first() -> None:
    """F.4: a field that comes later is an extension, then widens the type for all its elements; the id stays."""
    feed = Feed().take({"p/m1/info": {"a": 1}, "p/m2/info": {"a": 1}}).settle()
    before = feed.type("p/m1/info")
    feed.take({"p/m2/info": {"a": 1, "b": True}}).arrange()
    shown = feed.object("p/m2/info")
    assert (shown["isExtended"], shown["metadata"]["schemaExtensions"]) == (True, {"b": {"type": ["boolean", "null"]}})
    assert feed.type("p/m1/info") == before
    feed.seconds += WIDEN_AFTER
    after = feed.arrange().type("p/m1/info")
    assert (before["elementId"], feed.node("p/m2/info").type.id) == (after["elementId"], after["elementId"])
    assert after["schema"]["properties"]["b"] == {"type": ["boolean", "null"]}
    assert (before["version"], after["version"], feed.object("p/m2/info")["isExtended"]) == ("1.0.0", "1.1.0", False)


def test_passing_oddity_widens_nothing() -> None:
    """F.4: an attribute that has gone again when its time comes is forgotten; both are drift."""
    feed = Feed().take({"p/m1/info": {"a": 1}}).settle()
    before = feed.type("p/m1/info")
    feed.take({"p/m1/info": {"a": 1, "oops": 1}}).take({"p/m1/info": {"a": 2}})
    feed.seconds += WIDEN_AFTER
    assert feed.arrange().type("p/m1/info") == before
    assert [event["what"] for row in feed.engine.space.registry.drift.report() for event in row["events"]] == [
        "the attribute 'oops' has gone again",
        "shows the new attribute 'oops'",
    ]


def test_new_part_of_a_machine_is_an_extension_first() -> None:
    """F.4 for equipment: a part that a settled type does not know extends its machine until it has stayed."""
    feed = learnt("p/m1/x", "p/m2/x").settle()
    feed.take({"p/m1/y": 2.5}).arrange()
    assert (feed.object("p/m1")["isExtended"], feed.object("p/m2")["isExtended"]) == (True, False)
    feed.seconds += WIDEN_AFTER
    assert feed.arrange().type("p/m2")["schema"]["properties"]["y"] == {"type": ["number", "null"]}
    assert feed.object("p/m1")["isExtended"] is False


def test_type_of_a_new_machine_is_young() -> None:
    """A type that is made after the model has settled takes all in at once, for as long as the model was young."""
    feed = learnt("p/m1/x").settle()
    feed.take({"p/oven7/heat": 1}).arrange().take({"p/oven7/door": True}).arrange()
    assert set(feed.type("p/oven7")["schema"]["properties"]) == {"heat", "door"}


def test_parts_shape_what_they_belong_to() -> None:
    """A part that shows something new widens the types of all that it is part of, at once."""
    feed = learnt("p/m1/edge/x", "p/m1/edge/y").settle()
    feed.take({"p/m1/edge/x": 1.5})
    inner = feed.type("p/m1")["schema"]["properties"]["edge"]["properties"]["x"]
    assert inner == {"type": ["number", "null"]}


def test_churn_makes_no_types() -> None:
    """Ever new instances of a kind, after settling too, make elements but no types."""
    feed = Feed(aspects=ASPECTS).take({f"p/orders/ORD-{n:04d}/status": "OPEN" for n in range(10)}).settle()
    before = len(feed.browse.object_types())
    feed.take({f"p/orders/ORD-{n:04d}/status": "OPEN" for n in range(10, 200)}).arrange()
    assert len(feed.browse.object_types()) == before


# --- maps ------------------------------------------------------------------------------------------------------------


def keyed(*ids: str) -> dict[str, Any]:
    return {"p/m1/zones": {"at": 1, "zones": {ident: {"t": 20.5} for ident in ids}}}


@pytest.mark.parametrize(
    "payloads",
    [
        pytest.param([("S-001", "S-002"), ("S-001", "S-003")], id="one for another"),
        pytest.param([("S-001", "S-002", "S-003"), ("S-002",)], id="fewer"),
        pytest.param([("S-002",), ("S-001", "S-002")], id="more"),
    ],
)
def test_objects_keyed_by_ids_are_maps(payloads: list[tuple[str, ...]]) -> None:
    """Keys that are ids and keep changing make a map: declared for any key, and no elements, whatever the order."""
    for order in (payloads, payloads[::-1]):
        feed = Feed()
        for ids in order:
            feed.take(keyed(*ids))
        feed.settle()
        schema = feed.type("p/m1/zones")["schema"]["properties"]["zones"]
        assert list(schema["additionalProperties"]["properties"]) == ["t"]
        assert [ident for ident in feed.engine.space.nodes if ident.startswith("p/m1/zones#/zones/")] == []


@pytest.mark.parametrize(
    "payloads",
    [
        pytest.param([("S-001", "S-002"), ("S-001", "S-002")], id="keys that stay"),
        pytest.param([("axis1", "axis2"), ("axis1",)], id="parts with short numbers"),
        pytest.param([("S-001", "T-002"), ("S-001",)], id="two kinds of names"),
    ],
)
def test_attributes_are_no_map(payloads: list[tuple[str, ...]]) -> None:
    """Keys that stay, or only count parts, are attributes."""
    feed = Feed()
    for ids in payloads:
        feed.take(keyed(*ids))
    assert feed.settle().type("p/m1/zones")["schema"]["properties"]["zones"].keys() == {"type", "properties"}


def test_namespaces_of_payloads_are_fit_for_ids() -> None:
    """What a payload calls its namespace becomes part of ids: what breaks clients is percent-encoded."""
    feed = Feed().take({"p/m1/info": {"$namespace": 'https://x/y,z#q "/Machine/v1.0', "a": 1}}).arrange()
    assert feed.node("p/m1/info").type.namespace == "https://x/y%2Cz%23q %22/Machine/v1.0"


@pytest.mark.parametrize(
    "value", [pytest.param(1, id="number"), pytest.param({"a": 1}, id="document"), pytest.param("x", id="text")]
)
def test_late_types_begin_with_their_first_version(value: Any) -> None:
    """A type that is made after the model has settled is 1.0.0: what it was made with has not widened it."""
    feed = Feed().take({"plant/old": True}).settle()
    feed.take({"plant/line/fresh": value})
    assert [feed.type(ident)["version"] for ident in ("plant/line/fresh", "plant/line")] == ["1.0.0", "1.0.0"]
