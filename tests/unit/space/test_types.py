"""Object types: when two shapes are one kind, what kinds are called, and how a kind widens."""

import pytest

from bridge.space.shape import ANY_NUMBER, BOOLEAN, OBJECT, STRING, Shape, shape_of
from bridge.space.types import BASE_NAMESPACE, MAX_NAMESPACES, ObjectType, TypeRegistry, similar

SPACE = "urn:uns:plant"
FIELDS = 256


@pytest.fixture
def registry() -> TypeRegistry:
    return TypeRegistry("", FIELDS)


def document(*names: str) -> Shape:
    return shape_of(dict.fromkeys(names, 1))


@pytest.mark.parametrize(
    ("left", "right", "threshold", "alike"),
    [
        pytest.param("abc", "abc", 1.0, True, id="equal"),
        pytest.param("ab", "abcdef", 0.6, True, id="one holds the other"),
        pytest.param("abcd", "abce", 0.6, True, id="3 of 5 names"),
        pytest.param("abc", "abd", 0.6, False, id="2 of 4 are below 0.6"),
        pytest.param("abc", "abd", 0.5, True, id="2 of 4 are 0.5"),
        pytest.param("abc", "xyz", 0.5, False, id="nothing in common"),
    ],
)
def test_similar(left: str, right: str, threshold: float, alike: bool) -> None:
    """Two sets of names are one kind if one holds the other or they mostly agree."""
    assert similar(left, right, threshold) is similar(right, left, threshold) is alike


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param(document("a", "b", "c", "d"), True, id="more fields"),
        pytest.param(document("a"), True, id="fewer fields"),
        pytest.param(shape_of({"a": "text", "b": None, "c": 1.5}), True, id="other kinds of the same fields"),
        pytest.param(document("x", "y"), False, id="other fields"),
    ],
)
def test_documents_of_one_role(registry: TypeRegistry, other: Shape, same: bool) -> None:
    """Documents of one role with similar fields share a type; a conflict of kinds never forks it."""
    first = registry.for_value(SPACE, "Info", document("a", "b", "c"), OBJECT, ())
    first.widen(document("a", "b", "c"), FIELDS)
    assert (registry.for_value(SPACE, "Info", other, OBJECT, ()) is first) is same


def test_scalars_of_one_role(registry: TypeRegistry) -> None:
    """A role has one type for each kind of scalar; the first has the plain name, the others say what they are."""
    kinds = [
        registry.for_value(SPACE, "Mode", Shape(group), group, ("Vat",)) for group in (ANY_NUMBER, STRING, BOOLEAN)
    ]
    again = [registry.for_value(SPACE, "Mode", Shape(group), group, ()) for group in (ANY_NUMBER, STRING, BOOLEAN)]
    assert [kind.name for kind in kinds] == ["Mode", "ModeText", "ModeFlag"]
    assert again == kinds


def test_qualifiers_come_from_the_context(registry: TypeRegistry) -> None:
    """Different shapes of one role are told apart by what encloses them, never by a number while there is context."""
    shapes = [document("a", "b"), document("c", "d"), document("e", "f")]
    found = [registry.for_parts(SPACE, "Edge", shape, ("Laser", "Cutting")).widen(shape, FIELDS) for shape in shapes]
    names = [kind.name for kind in registry.by_id.values() if kind.role == "Edge"]
    assert found == [True] * 3
    assert names == ["Edge", "LaserEdge", "CuttingLaserEdge"]


def test_same_role_in_other_namespaces(registry: TypeRegistry) -> None:
    """Namespaces do not share types."""
    shape = document("a")
    assert registry.for_value("urn:a", "X", shape, OBJECT, ()).id == "urn:a#X"
    assert registry.for_value("urn:b", "X", shape, OBJECT, ()).id == "urn:b#X"


def test_widening_raises_the_minor_version() -> None:
    """A type keeps its id when it widens; what is known already changes nothing."""
    kind = ObjectType(SPACE, "Info", "Info", OBJECT)
    steps = [kind.widen(shape, FIELDS) for shape in (document("a"), document("a"), document("a", "b"))]
    described = kind.describe()
    assert steps == [True, False, True]
    assert (described["elementId"], described["version"]) == (f"{SPACE}#Info", "1.2.0")
    assert list(described["schema"]["properties"]) == ["a", "b"]  # type: ignore[index]


def test_unit_of_a_type() -> None:
    """The unit stands in the schema while all elements that name one agree."""
    kind = ObjectType(SPACE, "Temperature", "Temperature", ANY_NUMBER)
    kind.widen(shape_of(20.5), FIELDS)
    kind.units.add("°C")
    assert kind.schema() == {"type": "number", "unit": "°C"}
    kind.units.add("K")
    assert kind.schema() == {"type": "number"}


@pytest.mark.parametrize(
    ("fixed", "root", "has_levels", "uri"),
    [
        pytest.param("", "acme", True, "urn:uns:acme", id="from the root's name"),
        pytest.param("", "Werk Süd/1", True, "urn:uns:Werk%20S%C3%BCd%2F1", id="encoded"),
        pytest.param("", "acme", False, "urn:uns", id="a single topic is no namespace"),
        pytest.param("", "", True, "urn:uns", id="an empty level is none"),
        pytest.param("https://acme.example/types", "x", True, "https://acme.example/types", id="configured"),
    ],
)
def test_namespace(fixed: str, root: str, has_levels: bool, uri: str) -> None:
    """Types live in a namespace derived from the topic root, or in the configured one; it is listed."""
    registry = TypeRegistry(fixed, FIELDS)
    assert registry.namespace_of(root, has_levels) == uri
    assert uri in [row["uri"] for row in registry.namespaces()]
    assert BASE_NAMESPACE in [row["uri"] for row in registry.namespaces()]


def test_namespaces_are_bounded(registry: TypeRegistry) -> None:
    """Ever new roots do not make ever new namespaces."""
    uris = {registry.namespace_of(f"root{number}", has_levels=True) for number in range(10 * MAX_NAMESPACES)}
    assert len(uris) <= MAX_NAMESPACES + 1
    assert {row["uri"] for row in registry.namespaces()} >= uris


def test_folder_looks_like_a_folder(registry: TypeRegistry) -> None:
    """Clients draw a folder where the source type says so."""
    assert "FolderType" in registry.folder.source_id
    assert registry.unknown.describe()["schema"] == {"type": "object"}
