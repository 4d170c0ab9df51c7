"""Object types and namespaces: the registry of what the address space has learnt about kinds of things.

A type belongs to a namespace and has one root kind; its shape only widens, which raises its minor version. Ids are
`namespaceUri#TypeName` and never change once the model is settled (design.md, "Decisions").
"""

from collections.abc import Collection, Iterable, Sequence
from urllib.parse import quote

from bridge.space import names
from bridge.space.shape import ANY_NUMBER, ARRAY, BINARY, BOOLEAN, OBJECT, STRING, Schema, Shape

I3X_NAMESPACE = "https://cesmii.org/i3x"  # where the standard's own relationship types live
BASE_NAMESPACE = "urn:i3x-bridge"  # types that the bridge brings along
UNS_NAMESPACE = "urn:uns"
MAX_NAMESPACES = 100  # more roots than that are no namespaces but topics; they share one

GROUPS = (
    ANY_NUMBER,
    STRING,
    BOOLEAN,
    OBJECT,
    ARRAY,
    BINARY,
)  # one leaf type each; in the order in which they get the plain name
_SUFFIX = {
    ANY_NUMBER: "Number",
    STRING: "Text",
    BOOLEAN: "Flag",
    OBJECT: "Record",
    ARRAY: "List",
    BINARY: "Bytes",
}

MAX_TYPES = 5_000  # more kinds than that are names that never repeat; their values share the kinds of one role
COMMON_ROLE = "Value"
MAX_VARIANTS = 16  # shapes of one role that are told apart; more is a role without a shape
_SIMILAR_FIELDS = 0.6  # Jaccard index from which two payloads of one role are one type (inference.md F.3)
_SIMILAR_PARTS = 0.5  # the same for the parts of equipment


def group_of(kind: int) -> int:
    """The root kind that a leaf type of such values has."""
    return next(group for group in GROUPS if group & kind)


class ObjectType:
    """A kind of element: its names, its shape, and how often the shape has widened."""

    __slots__ = (
        "composed",
        "group",
        "id",
        "name",
        "namespace",
        "role",
        "shape",
        "source_id",
        "units",
        "widened",
    )

    def __init__(
        self, namespace: str, name: str, role: str, group: int, *, source_id: str = "", composed: bool = False
    ) -> None:
        self.id = f"{namespace}#{name}"
        self.namespace = namespace
        self.name = name
        self.role = role
        self.group = group
        self.source_id = source_id or name
        self.composed = composed  # its values are composed of parts
        self.shape = Shape(group if group != ANY_NUMBER else 0)
        self.units: set[str] = set()
        self.widened = 0

    @property
    def unit(self) -> str | None:
        """The engineering unit, if all elements of this type that name one name the same."""
        return next(iter(self.units)) if len(self.units) == 1 else None

    def widen(self, shape: Shape, max_fields: int) -> bool:
        changed = self.shape.merge(shape.only(self.group), max_fields)
        self.widened += changed
        return changed

    def schema(self) -> Schema:
        """JSON Schema of values of this type; the root has one plain type (i3x-1.0.md section 3)."""
        schema = self.shape.schema() or {"type": "object"}
        unit = self.unit
        return {**schema, "unit": unit} if unit is not None else schema

    def describe(self) -> dict[str, object]:
        """The ObjectTypeResponse of the standard."""
        return {
            "elementId": self.id,
            "displayName": self.name,
            "namespaceUri": self.namespace,
            "sourceTypeId": self.source_id,
            "version": f"1.{self.widened}.0",
            "schema": self.schema(),
            "related": None,
        }


def similar(fields: Collection[str], known: Collection[str], threshold: float) -> bool:
    """Whether two sets of names are one kind: one holds the other, or they mostly agree (Jaccard index)."""
    left, right = len(fields), len(known)
    common = sum(name in known for name in fields) if left <= right else sum(name in fields for name in known)
    return common >= min(left, right) or common >= threshold * (left + right - common)


class TypeRegistry:
    """All types, by id and by (namespace, role)."""

    def __init__(self, namespace: str, max_fields: int) -> None:
        self._fixed_namespace = namespace
        self._max_fields = max_fields
        self.by_id: dict[str, ObjectType] = {}
        self._by_role: dict[tuple[str, str], list[ObjectType]] = {}
        self._roots: dict[str, str] = {}
        self.folder = ObjectType(BASE_NAMESPACE, "Folder", "", OBJECT, source_id="FolderType")
        self.unknown = ObjectType(BASE_NAMESPACE, "UnknownType", "", OBJECT)
        self.clear()

    def clear(self) -> None:
        """Forget what was learnt; namespaces stay."""
        self._by_role.clear()
        self.by_id = {kind.id: kind for kind in (self.folder, self.unknown)}

    def namespace_of(self, root: str, has_levels: bool) -> str:
        """The namespace for types below a root topic level: configured, or derived from the root's name."""
        if self._fixed_namespace:
            return self._fixed_namespace
        uri = self._roots.get(root)
        if uri is None:
            if not has_levels or not root or len(self._roots) >= MAX_NAMESPACES:
                self._roots.setdefault("", UNS_NAMESPACE)
                return UNS_NAMESPACE
            uri = self._roots[root] = f"{UNS_NAMESPACE}:{quote(root, safe='')}"
        return uri

    def namespaces(self) -> list[dict[str, str]]:
        """Every namespace that a type or relationship type may name, with a name for people."""
        found = {I3X_NAMESPACE: "i3X", BASE_NAMESPACE: "bridge"}
        for root, uri in self._roots.items():
            found[uri] = names.words(root) or "UNS"
        if self._fixed_namespace:
            found[self._fixed_namespace] = self._fixed_namespace.rstrip("/").rpartition("/")[2] or self._fixed_namespace
        return [{"uri": uri, "displayName": name} for uri, name in found.items()]

    def for_value(self, namespace: str, role: str, shape: Shape, group: int, context: Iterable[str]) -> ObjectType:
        """The type for values of one root kind: one for each role and kind, for objects one for each kind of shape."""
        if len(self.by_id) >= MAX_TYPES:
            role = COMMON_ROLE
        known = [
            kind
            for kind in self._by_role.get((namespace, role), ())
            if kind.group == group and not kind.composed and kind.shape.unbounded == shape.unbounded
        ]
        found = self._best(known, shape, _SIMILAR_FIELDS) if group == OBJECT else next(iter(known), None)
        return found or self._add(namespace, role, group, context, composed=False)

    def for_parts(self, namespace: str, role: str, shape: Shape, context: Iterable[str]) -> ObjectType:
        """The type for equipment whose value is made of these parts."""
        if len(self.by_id) >= MAX_TYPES:
            role = COMMON_ROLE
        known = [kind for kind in self._by_role.get((namespace, role), ()) if kind.composed]
        return self._best(known, shape, _SIMILAR_PARTS) or self._add(namespace, role, OBJECT, context, composed=True)

    def _best(self, known: Sequence[ObjectType], shape: Shape, threshold: float) -> ObjectType | None:
        """The first type that fits; where a role has too many already, the first of its sort all the same."""
        found = next((kind for kind in known if self._fits(kind, shape, threshold)), None)
        if found is None and len(known) >= MAX_VARIANTS:
            return next((kind for kind in known if (kind.shape.members is None) == (shape.members is None)), None)
        return found

    @staticmethod
    def _fits(kind: ObjectType, shape: Shape, threshold: float) -> bool:
        known = kind.shape.properties or {}
        if kind.shape.members is not None or shape.members is not None:
            return kind.shape.members is not None and shape.members is not None
        return not known or similar(shape.properties or (), known, threshold)

    def _add(self, namespace: str, role: str, group: int, context: Iterable[str], *, composed: bool) -> ObjectType:
        for name in self._candidates(role, group, context):
            if f"{namespace}#{name}" not in self.by_id:
                break
        kind = ObjectType(namespace, name, role, group, composed=composed)
        self.by_id[kind.id] = kind
        self._by_role.setdefault((namespace, role), []).append(kind)
        return kind

    @staticmethod
    def _candidates(plain: str, group: int, context: Iterable[str]) -> Iterable[str]:
        """Names a person would give, the plain one first: `Edge`, `LaserEdge`, `CuttingLaserEdge` …"""
        yield plain
        if group != OBJECT:
            yield plain + _SUFFIX[group]
        name = plain
        for role in context:
            name = role + name
            yield name
        number = 2
        while True:  # context exhausted: two shapes of one role in the very same place
            yield f"{plain}Variant{number}"
            number += 1
