"""Names: what a level's name says about its role, and what a person would call its type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.space import names


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        pytest.param("vat01", "vat", id="digits"),
        pytest.param("robot_weld_05", "robot_weld", id="underscore"),
        pytest.param("cnc-001", "cnc", id="hyphen"),
        pytest.param("Line 1", "Line", id="blank"),
        pytest.param("Tag#7", "Tag", id="number sign"),
        pytest.param("DPP-20260101-00042", "DPP", id="two numbers"),
        pytest.param("Ofen 1", "Ofen", id="foreign word"),
        pytest.param("ライン1", "ライン", id="not Latin"),
        pytest.param("LaserPower", "LaserPower", id="no number"),
        pytest.param("3phase", "3phase", id="number in front"),
        pytest.param("007", "007", id="number only"),
        pytest.param("", "", id="empty"),
    ],
)
def test_stem(name: str, stem: str) -> None:
    """The stem is the name without its numeric suffix; a name without letters is its own stem."""
    assert names.stem(name) == stem


@pytest.mark.parametrize(
    ("name", "numbered", "index", "identity"),
    [
        pytest.param("vat01", True, False, False, id="stem and number"),
        pytest.param("0", True, True, True, id="index"),
        pytest.param("999", True, True, True, id="longest index"),
        pytest.param("1000", True, False, True, id="number too long for an index"),
        pytest.param("123e4567-e89b-12d3-a456-426614174000", True, False, True, id="UUID"),
        pytest.param("deadbeefdeadbeef", True, False, True, id="long hexadecimal"),
        pytest.param("deadbeef", False, False, False, id="a word of hexadecimal letters"),
        pytest.param("٣", False, False, False, id="digits of other scripts are letters to us"),
        pytest.param("temperature", False, False, False, id="word"),
        pytest.param("", False, False, False, id="empty"),
    ],
)
def test_what_a_name_is(name: str, numbered: bool, index: bool, identity: bool) -> None:
    """A name is numbered, an index, an identity, or a word."""
    assert (names.is_numbered(name), names.is_index(name), names.is_identity(name)) == (numbered, index, identity)


@pytest.mark.parametrize(
    ("role", "name"),
    [
        pytest.param("robot_weld", "RobotWeld", id="snake case"),
        pytest.param("bearing-temperature", "BearingTemperature", id="kebab case"),
        pytest.param("LaserPower", "LaserPower", id="camel case stays"),
        pytest.param("OEE", "OEE", id="acronym stays"),
        pytest.param("Temperature °C", "TemperatureC", id="signs go"),
        pytest.param("<script>", "Script", id="markup goes"),
        pytest.param("$ref", "Ref", id="no JSON Schema keyword"),
        pytest.param("温度", "温度", id="not Latin"),
        pytest.param("", "Item", id="empty"),
        pytest.param("--", "Item", id="signs only"),
        pytest.param("x" * 500, "X" + "x" * 79, id="cut"),
    ],
)
def test_type_name(role: str, name: str) -> None:
    """A type is called what a person would call it."""
    assert names.type_name(role) == name


@pytest.mark.parametrize(
    ("collection", "member"),
    [
        pytest.param("orders", "Order", id="plural"),
        pytest.param("Machines", "Machine", id="capital plural"),
        pytest.param("Inventory", "InventoryItem", id="collective"),
        pytest.param("Status", "StatusItem", id="not a plural: us"),
        pytest.param("chassis", "ChassisItem", id="not a plural: is"),
        pytest.param("press", "PressItem", id="not a plural: ss"),
        pytest.param("", "Item", id="no name"),
    ],
)
def test_member_of_a_collection(collection: str, member: str) -> None:
    """One of many is named in the singular."""
    assert names.item(collection) == member


@pytest.mark.parametrize(
    ("name", "parent", "role"),
    [
        pytest.param("vat01", "mixroom", "Vat", id="its own stem"),
        pytest.param("0", "Parameter", "ParameterItem", id="an index: one of its parent's"),
        pytest.param("123e4567-e89b-12d3-a456-426614174000", "orders", "Order", id="a UUID"),
        pytest.param("4711", "", "Item", id="a number at the root"),
        pytest.param("umh.v1.acme.cnc-001._raw.operational", "", "Operational", id="levels between dots"),
        pytest.param("a.b.c.pump07.", "", "Pump", id="a dot at the end"),
        pytest.param("a.b.c", "", "ABC", id="few dots"),
        pytest.param("a.b.c.d", "plant", "ABCD", id="dots in a level"),
        pytest.param("....", "", "Item", id="nothing but dots"),
    ],
)
def test_role(name: str, parent: str, role: str) -> None:
    """A name that only says which one takes its role from its parent."""
    assert names.role(name, parent) == role


@pytest.mark.parametrize(
    ("name", "word"),
    [
        pytest.param("ProdConsumedCount", "Count", id="camel case"),
        pytest.param("prod_consumed_count", "count", id="snake case"),
        pytest.param("OPCServer2", "Server", id="acronym in front, number behind"),
        pytest.param("Parameter", "Parameter", id="one word"),
        pytest.param("MotorID", "MotorID", id="an abbreviation at the end"),
        pytest.param("", "", id="empty"),
        pytest.param("__", "__", id="no word"),
    ],
)
def test_last_word(name: str, word: str) -> None:
    """A compound is what its last word says."""
    assert names.last_word(name) == word


@given(st.text())
def test_any_name_has_a_printable_role(name: str) -> None:
    """Whatever a level is called, its type has a short printable name without separators."""
    role = names.role(name, name)
    assert 0 < len(role) <= names.MAX_NAME + len("Item")
    assert role.isprintable()
    assert not set('#/%,"\\ ') & set(role)
