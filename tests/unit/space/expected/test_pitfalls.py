"""Traps of names, trees and collections: one row each, in the order of the table."""

import unicodedata

from expected import Plant, row, ruled
from feeding import Feed

from bridge.space import Limits
from bridge.uns.topics import element_id

FOLDER = "pitfalls"
PLANT = "acme/plant"
PUMPS = f"{PLANT}/line3/pump0[1-6]"


@row(FOLDER, 1)
def test_branch_and_leaf(plant: Plant) -> None:
    """A line and its robot have values of their own, and elements below them."""
    assert plant.value(f"{PLANT}/line1") == ({"name": "Line 1", "oee": 0.81}, "Good")
    assert plant.value(f"{PLANT}/line1/robot") == ("RUNNING", "Good")
    relations = plant.shown(f"{PLANT}/line1/robot")["metadata"]["relationships"]
    listed = {ident for idents in relations.values() for ident in idents}
    assert {f"{PLANT}/line1/robot/speed", f"{PLANT}/line1/robot/joint"} <= listed


@row(FOLDER, 2)
def test_empty_levels(plant: Plant) -> None:
    """Empty levels tell topics apart; ids are unique, nothing shown is blank."""
    values = {"/leading/slash/temp": 1, "trailing/slash/temp/": 2, "double//slash/temp": 3, "//": 4}
    assert {topic: plant.value(topic)[0] for topic in values} == values
    shown = [plant.shown(topic) for topic in plant.topics]
    assert len({one["elementId"] for one in shown}) == len(shown)
    for one in shown:
        assert one["elementId"] == one["elementId"].strip()
        assert one["elementId"]
        assert one["displayName"].strip()


@row(FOLDER, 3)
def test_blanks(plant: Plant) -> None:
    """Ids and names are printable, whatever the topic is."""
    for topic in (" ", "acme/tab\there/x", "acme/tab\there"):
        assert plant.shown(topic)["elementId"].isprintable()
        assert plant.shown(topic)["displayName"].isprintable()
    assert plant.value(" ") == (1, "Good")


@row(FOLDER, 4)
def test_look_alikes(plant: Plant) -> None:
    """Case and the normal form of a letter (the recording has only one of them) tell topics apart."""
    assert (plant.value("acme/CASE/x")[0], plant.value("acme/case/x")[0]) == (1, 2)
    forms = [unicodedata.normalize(form, "acme/é/x") for form in ("NFC", "NFD")]
    fed = Feed().take({forms[0]: 1, forms[1]: 2}).settle()
    assert [fed.value(element_id(form))["value"] for form in forms] == [1, 2]


@row(FOLDER, 5)
def test_long_topics(plant: Plant) -> None:
    """A topic of 500 characters is taken; one of 42 levels is cut by a limit that counts, or taken by a wider one."""
    (deep,) = (message.topic for message in plant.traffic if message.topic.count("/") == 41)
    assert (deep, "topic-levels") in plant.refused
    assert plant.engine.rejected["topic-levels"] == 1
    assert [topic for topic in plant.topics if len(topic) >= 500]


@row(FOLDER, 6)
def test_odd_names(plant: Plant) -> None:
    """Names that mean something elsewhere are plain names here."""
    for name in ("__proto__", "..", "<script>", "null"):
        assert plant.value(f"acme/{name}/x") == (1, "Good")
        assert plant.shown(f"acme/{name}")["displayName"] == name


@row(FOLDER, 7)
def test_drift(plant: Plant) -> None:
    """Whatever came before, the last value is served by the same element, and the drift is noted."""
    topic = "pitfalls/drift/mixed"
    assert [value for value, _ in plant.heard(topic)] == [1, 2, 3.5, 4, 5, "abc", True, None, 6, [1, 2], 7]
    assert plant.value(topic) == (7, "Good")
    assert plant[topic].id == topic


@row(FOLDER, 7)
def test_drift_diagnostic(plant: Plant) -> None:
    """A data point whose values are of several kinds is noted."""
    assert plant.engine.space.registry.drift.of(plant["pitfalls/drift/mixed"].type.id)


@row(FOLDER, 8)
def test_integer_then_float(plant: Plant) -> None:
    """Integers and fractions are numbers."""
    assert plant.kind("pitfalls/drift/int_then_float") == "number"


@row(FOLDER, 40)
def test_commands(plant: Plant) -> None:
    """What asks for something makes no elements; a setpoint is a value."""
    asked = {f"{PLANT}/line2/pump/cmd/start", f"{PLANT}/line2/pump/speed/set"}
    assert plant.commands() == asked
    assert not asked & plant.topics
    assert plant.value(f"{PLANT}/line2/pump/speed/SP") == (20, "Good")


@row(FOLDER, 41)
def test_orders(plant: Plant) -> None:
    """Sixty orders are of one type, and a limit bounds how many there are."""
    assert len(plant.matching(f"{PLANT}/orders/ORD-[0-9]+")) == 60
    assert len(plant.types(f"{PLANT}/orders/ORD-[0-9]+")) == 1
    bounded = Plant(FOLDER, limits=Limits(elements=150))
    assert len(bounded.topics) <= 150
    assert bounded.engine.rejected["elements"]


@row(FOLDER, 41)
def test_bounded_collection(plant: Plant) -> None:
    """A limit of its own bounds how many members a collection keeps: the latest."""
    assert len(plant.matching(f"{PLANT}/orders/ORD-[0-9]+")) == 60
    crowded = Plant(FOLDER, limits=Limits(instances=20))
    crowded.pass_time(700)  # none goes that spoke in the last ten minutes
    kept = crowded.matching(f"{PLANT}/orders/ORD-[0-9]+")
    assert {node.topic for node in kept} == {f"{PLANT}/orders/ORD-{number:06}" for number in range(40, 60)}


@row(FOLDER, 42)
def test_telemetry(plant: Plant) -> None:
    """Six pumps share a type with an optional field; values of a wrong kind do not split it."""
    assert len(plant.types(PUMPS)) == 1
    assert len(plant.types(f"{PUMPS}/telemetry")) == 1
    properties = plant.schema(f"{PLANT}/line3/pump01/telemetry")["properties"]
    assert any(name.startswith("vibration") for name in properties)
    assert "required" not in plant.schema(f"{PLANT}/line3/pump01/telemetry")


@row(FOLDER, 43)
def test_another_type(plant: Plant) -> None:
    """A valve that shares some fields with the pumps is of another type."""
    assert plant.names(f"{PLANT}/line3/valve01") == {"Valve"}
    assert not plant.types(f"{PLANT}/line3/valve01/telemetry") & plant.types(f"{PUMPS}/telemetry")


@row(FOLDER, 44)
def test_siblings(plant: Plant) -> None:
    """Unit and description in topics beside a value are the value's."""
    header = f"{PLANT}/utilities/air/header/Value"
    assert plant.unit(header) == "bar"
    assert "Header pressure" in plant.shown(header)["metadata"]["description"]
    assert plant.unit(f"{PLANT}/bio/AIC-250-001_PV") == "%"
    assert "Dissolved oxygen" in plant.shown(f"{PLANT}/bio/AIC-250-001_PV")["metadata"]["description"]


@row(FOLDER, 45)
def test_binary(plant: Plant) -> None:
    """What is not UTF-8 is base64 and says so; text that would parse as something else is text."""
    for name in ("random", "latin1", "utf16", "png", "gzip_json", "float32_le", "utf8_lone_surrogate", "cbor"):
        assert plant.schema(f"pitfalls/bin/{name}") == {"type": "string", "contentEncoding": "base64"}
        assert plant.value(f"pitfalls/bin/{name}")[1] == "Good"
    assert plant.value("pitfalls/bin/float32_le")[0] == "AAC8QQ=="
    assert plant.schema("pitfalls/bin/b64_text") == {"type": "string"}
    assert plant.value("pitfalls/bin/looks_sparkplug_text") == (55.49, "Good")


@row(FOLDER, 46)
def test_big_document(plant: Plant) -> None:
    """A document up to the maximum size is taken; beyond it, it is counted."""
    assert len(plant.value("pitfalls/big/doc")[0]["rows"]) > 1_000
    small = Plant(FOLDER, max_payload=100_000)
    assert ("pitfalls/big/doc", "payload-size") in small.refused


@row(FOLDER, 38)
def test_delete_and_return(plant: Plant) -> None:
    """A deleted value is gone, or its element is; the id is the same when it comes back."""
    topic = f"{PLANT}/line2/sensor1"
    assert [value for value, _ in plant.heard(topic)] == [1, None, 2, None]
    assert plant[topic].id == topic
    removed = ruled(FOLDER, topic, deletion="remove")
    assert removed[topic].id == topic
    assert 2 in [value for value, _ in removed.heard(topic)]


@row(FOLDER, 39)
def test_offline(plant: Plant) -> None:
    """A last will makes what is beside it Bad; nothing outside of it."""
    assert plant.value(f"{PLANT}/line2/sensor1") == (None, "Bad")
    assert plant.value(f"{PLANT}/line1/robot/speed")[1] == "Good"
    assert plant.value(f"{PLANT}/line2/status") == ("offline", "Good")
