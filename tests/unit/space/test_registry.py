"""Object types: when two shapes are one kind, what kinds are called, and how a kind widens."""

import pytest

from bridge.space.learning.forms import Form, names_of, similar
from bridge.space.registry import MAX_NAMESPACES, TypeRegistry
from bridge.space.shape import ANY_NUMBER, BOOLEAN, OBJECT, STRING, Shape, shape_of
from bridge.space.types import BASE_NAMESPACE, MAX_KNOWN, ObjectType
from bridge.uns import Hint

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


def form(role: str, shape: Shape | None = None, group: int = OBJECT, near: str = "Vat", **more: object) -> Form:
    return Form(SPACE, role, near, group, names=names_of(shape or Shape()), **more)  # type: ignore[arg-type]


def entered(registry: TypeRegistry, wanted: Form, *context: str) -> ObjectType:
    """The type for a form, made if there is none yet."""
    return registry.find(wanted) or registry.enter(registry.make(wanted), wanted, context)


@pytest.mark.parametrize(
    ("other", "near", "same"),
    [
        pytest.param(document("a", "b", "c", "d"), "Vat", True, id="more fields"),
        pytest.param(document("a"), "Vat", True, id="fewer fields"),
        pytest.param(shape_of({"a": "text", "b": None, "c": 1.5}), "Vat", True, id="other kinds of the same fields"),
        pytest.param(document("x", "y"), "Vat", False, id="other fields"),
        pytest.param(document("a", "b", "c"), "Pump", True, id="elsewhere, the same fields"),
        pytest.param(document("a", "b", "c", "d"), "Pump", True, id="elsewhere, one more"),
        pytest.param(document("a"), "Pump", False, id="elsewhere, far fewer"),
        pytest.param(document("a", "b", "d"), "Pump", False, id="elsewhere, another one"),
    ],
)
def test_documents_of_one_role(registry: TypeRegistry, other: Shape, near: str, same: bool) -> None:
    """Documents of one role with similar fields share a type, under other parents only with nearly the same fields."""
    first = entered(registry, form("Info", document("a", "b", "c")))
    assert (entered(registry, form("Info", other, near=near)) is first) is same


def test_what_is_inside_counts() -> None:
    """A common envelope does not make two documents alike."""
    left, right = ({"header": 1, "body": dict.fromkeys(names, 1)} for names in ("abc", "xyz"))
    assert not similar(names_of(shape_of(left)), names_of(shape_of(right)), 0.6)


def test_scalars_of_one_role(registry: TypeRegistry) -> None:
    """A role has one type for each kind of scalar; the first has the plain name, the others say what they are."""
    kinds = [entered(registry, form("Mode", group=group)) for group in (ANY_NUMBER, STRING, BOOLEAN)]
    again = [entered(registry, form("Mode", group=group, near="")) for group in (ANY_NUMBER, STRING, BOOLEAN)]
    assert [kind.name for kind in kinds] == ["Mode", "ModeText", "ModeFlag"]
    assert again == kinds


def test_qualifiers_come_from_the_context(registry: TypeRegistry) -> None:
    """Different shapes of one role are told apart by what encloses them, never by a number while there is context."""
    shapes = [document("a", "b"), document("c", "d"), document("e", "f")]
    found = [entered(registry, form("Edge", shape, composed=True), "Laser", "Cutting") for shape in shapes]
    assert [kind.name for kind in found] == ["Edge", "LaserEdge", "CuttingLaserEdge"]


def test_same_role_in_other_namespaces(registry: TypeRegistry) -> None:
    """Namespaces do not share types."""
    left, right = (Form(f"urn:{name}", "X", "", OBJECT, names=frozenset("a")) for name in "ab")
    assert (entered(registry, left).id, entered(registry, right).id) == ("urn:a#X", "urn:b#X")


def test_hints_win(registry: TypeRegistry) -> None:
    """What is called the same is of one type, whatever it looks like; version and id at the source are kept."""
    said = Hint("motor data", source_id="types/motor", version="2.1")
    found = entered(registry, form("Info", document("a"), hint=said))
    assert found is entered(registry, form("Other", document("x", "y"), near="Pump", hint=said))
    found.settle()
    assert (found.name, found.version, found.source_id) == ("MotorData", "2.0.0", "types/motor")


def test_pinned_types_stay(registry: TypeRegistry) -> None:
    """A pinned type takes nothing in and survives learning anew."""
    kind = ObjectType(SPACE, "Vat", "Vat", OBJECT)
    registry.pin(kind)
    assert not kind.widen(document("a"), FIELDS)
    registry.clear()
    assert registry.pinned("Vat") is registry.by_id[kind.id] is kind


def test_learnt_anew_versions_rise(registry: TypeRegistry) -> None:
    """Versions of provisional types begin with 0 and rise where a type is not what it was; a settled one is 1.0.0."""
    versions = []
    for names in ("a", "a", "ab"):
        registry.clear()
        entered(registry, form("Info", document(*names))).widen(document(*names), FIELDS)
        registry.number()
        versions.append(registry.by_id[f"{SPACE}#Info"].version)
    registry.by_id[f"{SPACE}#Info"].settle()
    assert [*versions, registry.by_id[f"{SPACE}#Info"].version] == ["0.1.0", "0.1.0", "0.2.0", "1.0.0"]


def test_widening_raises_the_minor_version() -> None:
    """A type keeps its id when it widens; what is known already changes nothing."""
    kind = ObjectType(SPACE, "Info", "Info", OBJECT)
    kind.settle()
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


def test_names_that_a_type_is_known_by() -> None:
    """Forms with ever-new names are of one type once there are too many variants; it does not know all their names."""
    kind = ObjectType(SPACE, "Status", "Status", OBJECT)
    for number in range(2 * MAX_KNOWN):
        kind.admit(form("Status", document(f"k{number}")))
    assert len(kind.names) == MAX_KNOWN
