"""Object types and namespaces: the registry of what the address space has learnt about kinds of things.

A type belongs to a namespace and has one root kind; its shape only widens, which raises its minor version. Ids are
`namespaceUri#TypeName` and never change once the model is settled (design.md, "Decisions"). A pinned type comes from a
model file and never changes at all.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from urllib.parse import quote

from msgspec import structs

from bridge.space import names
from bridge.space.drift import Drift
from bridge.space.forms import Form, alike
from bridge.space.shape import ANY_NUMBER, ARRAY, BINARY, BOOLEAN, OBJECT, STRING, Schema, Shape
from bridge.space.vocabulary import Vocabulary, words_of
from bridge.uns import Hint, Json

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
MAX_VARIANTS = 128  # shapes of one role that are told apart; more is a role without a shape
MAX_FORMS = 50_000  # whose types are remembered; a large plant has some thousands


@cache
def group_of(kind: int) -> int:
    """The root kind that a leaf type of such values has."""
    return next(group for group in GROUPS if group & kind)


class ObjectType:
    """A kind of element: its names, its shape, and how often the shape has widened."""

    __slots__ = (
        "_is_limited",
        "composed",
        "contexts",
        "declared",
        "description",
        "fixed_version",
        "group",
        "id",
        "major",
        "name",
        "names",
        "namespace",
        "pinned",
        "role",
        "shape",
        "source_id",
        "units",
        "vocabularies",
        "widened",
        "young_until_ns",
    )

    def __init__(
        self, namespace: str, name: str, role: str, group: int, *, source_id: str = "", composed: bool = False
    ) -> None:
        self.namespace = namespace
        self.role = role
        self.group = group
        self.composed = composed  # its values are composed of parts
        self.shape = Shape(group if group != ANY_NUMBER else 0)
        self.units: set[str] = set()
        self.widened = 0
        self.major = 1
        self.pinned = False
        self.fixed_version = ""  # of a pinned type
        self.description: str | None = None
        self.contexts: set[str] = set()  # roles of what its elements belong to
        self.names: frozenset[str] = frozenset()  # of all forms that are of this type
        self.vocabularies: dict[int, Vocabulary] = {}  # of a text type, by identity
        self.declared: Mapping[str, Json] | None = None  # limits, while all elements declare the same and keep to them
        self._is_limited: bool | None = None  # None: nobody has said yet
        self.young_until_ns = 0  # until when it takes in at once what is new; 0: nobody has said yet
        self.source_id = source_id
        self.call(name)

    def call(self, name: str) -> None:
        """Give it its name, before anybody can see it."""
        self.name = name
        self.id = f"{self.namespace}#{name}"
        self.source_id = self.source_id or name

    @property
    def unit(self) -> str | None:
        """The engineering unit, if all elements of this type that name one name the same."""
        return next(iter(self.units)) if len(self.units) == 1 else None

    @property
    def version(self) -> str:
        """Semantic: 0.x.0 while the model is young, 1.0.0 once it has settled, and a minor one for each widening."""
        if self.fixed_version:
            return self.fixed_version
        return f"{self.major}.{self.widened}.0" if self.young_until_ns else f"0.{self.widened + 1}.0"

    def settle(self) -> None:
        """What was provisional counts from now on."""
        if not self.young_until_ns:
            self.young_until_ns, self.widened = 1, 0

    def admit(self, form: Form) -> None:
        """Elements of this form are of this type from now on."""
        self.contexts.add(form.near)
        self.names |= form.names

    def fits(self, form: Form) -> bool:
        """Whether elements of this form are of this type (inference.md F.3)."""
        return self._is_of_sort(form) and alike(form, self.names, self.contexts)

    def likeness(self, other: "ObjectType") -> float:
        """How much two types have in common: the Jaccard index of their names."""
        union = self.names | other.names
        return len(self.names & other.names) / len(union) if union else 1.0

    def takes(self, other: "ObjectType", form: Form) -> bool:
        """Whether a pinned type is what another one, of elements of this form, would become under its name."""
        called = form.hint.source_id if form.hint is not None else ""
        if (self.group, self.composed, self.source_id) != (form.group, form.composed, called or self.name):
            return False
        mapped = form.group == OBJECT and self.shape.members is not None
        return mapped == form.mapped and alike(structs.replace(form, names=other.names), self.names, (form.near,))

    def holds(self, form: Form) -> bool:
        """Whether a type of values can take in this form without becoming a type of another sort."""
        return (
            (self.namespace, self.group, self.composed) == (form.namespace, form.group, form.composed)
            and not self.pinned
            and (self.shape.unbounded or not form.opaque)
            and (form.group != OBJECT or self.shape.members is not None or not form.mapped)
        )

    def _is_of_sort(self, form: Form) -> bool:
        return (
            self.group == form.group
            and self.composed == form.composed
            and (form.composed or self.shape.unbounded == form.opaque)
            and (form.group != OBJECT or (self.shape.members is not None) == form.mapped)
        )

    def widen(self, shape: Shape, max_fields: int) -> bool:
        """Take in what a shape has more; a pinned type takes in nothing."""
        changed = not self.pinned and self.shape.merge(shape.only(self.group), max_fields)
        self.widened += changed
        return changed

    def limit(self, bounds: Mapping[str, Json] | None) -> None:
        """An element has these limits, or none: only what all have holds for the type."""
        if self._is_limited is None:
            self._is_limited, self.declared = bounds is not None, bounds
        elif self._is_limited and bounds != self.declared:
            self._is_limited, self.declared = False, None

    def schema(self) -> Schema:
        """JSON Schema of values of this type; the root has one plain type (i3x-1.0.md section 3)."""
        schema = self.shape.schema() or {"type": "object"}
        words = words_of(self.vocabularies.values()) if self.vocabularies else None
        if words is not None:
            schema["enum"] = words
        if self.declared:
            schema.update(self.declared)
        unit = self.unit
        return {**schema, "unit": unit} if unit is not None else schema

    def describe(self) -> dict[str, object]:
        """The ObjectTypeResponse of the standard."""
        return {
            "elementId": self.id,
            "displayName": self.name,
            "namespaceUri": self.namespace,
            "sourceTypeId": self.source_id,
            "version": self.version,
            "schema": self.schema() if self.description is None else {**self.schema(), "description": self.description},
            "related": None,
        }


class TypeRegistry:
    """All types: by id, by (namespace, role), by what calls them by name, and by form."""

    def __init__(self, namespace: str, max_fields: int) -> None:
        self._fixed_namespace = namespace
        self._max_fields = max_fields
        self.drift = Drift()
        self.by_id: dict[str, ObjectType] = {}
        self.titles: dict[str, str] = {}  # namespace → name for people, where a model file gives one
        self._by_role: dict[tuple[str, str], list[ObjectType]] = {}
        self._by_form: dict[Form, ObjectType] = {}
        self._by_hint: dict[tuple[str, str, int, bool], ObjectType] = {}
        self.roots: dict[str, str] = {}  # first topic level → namespace
        self._former: dict[str, ObjectType] = {}
        self.folder = ObjectType(BASE_NAMESPACE, "Folder", "", OBJECT, source_id="FolderType")
        self.unknown = ObjectType(BASE_NAMESPACE, "UnknownType", "", OBJECT)
        self.brought: list[ObjectType] = []  # types that the bridge or a model file brings along
        for kind in (self.folder, self.unknown):
            self.bring(kind)
        self.clear()

    def bring(self, kind: ObjectType) -> None:
        """Add a type that is never forgotten."""
        kind.settle()
        self.brought.append(kind)
        self.by_id[kind.id] = kind

    def pin(self, kind: ObjectType) -> None:
        """Add a type of a model file: it never changes."""
        kind.pinned = True
        self.bring(kind)

    def pinned(self, name: str, namespace: str = "") -> ObjectType | None:
        """The pinned type of this name; without a namespace, of any."""
        if namespace:
            known = self.by_id.get(f"{namespace}#{name}")
            return known if known is not None and known.pinned else None
        return next((kind for kind in self.brought if kind.pinned and kind.name == name), None)

    # --- learning anew -----------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Forget what was learnt, to learn it anew; namespaces stay."""
        self._former |= self.by_id
        self._by_role.clear()
        self._by_form.clear()
        self._by_hint.clear()
        self.by_id = {kind.id: kind for kind in self.brought}

    def number(self) -> None:
        """Versions after learning anew: those of the types before, risen where a type is not what it was."""
        for ident, kind in self.by_id.items():
            former = self._former.get(ident)
            if kind.young_until_ns or former is kind:
                continue
            kind.widened = 0
            if former is not None:
                kind.widened = former.widened + (former.shape.schema() != kind.shape.schema())
        self._former = {}

    # --- an earlier run ----------------------------------------------------------------------------------------------

    def called(self) -> dict[str, str]:
        """What hints call the types that they lead to, by type id."""
        return {kind.id: name for (_, name, _, _), kind in self._by_hint.items()}

    def restore(self, kind: ObjectType, called: str) -> None:
        """Make a type known again that an earlier run has settled; `called` as above, "" where no hint leads to it."""
        kind.settle()
        self.by_id[kind.id] = kind
        if called:
            self._by_hint[kind.namespace, called, kind.group, kind.composed] = kind
        else:
            self._by_role.setdefault((kind.namespace, kind.role), []).append(kind)

    # --- namespaces --------------------------------------------------------------------------------------------------

    def namespace_of(self, root: str, has_levels: bool) -> str:
        """The namespace for types below a root topic level: configured, or derived from the root's name."""
        if self._fixed_namespace:
            return self._fixed_namespace
        uri = self.roots.get(root)
        if uri is None:
            if not has_levels or not root or len(self.roots) >= MAX_NAMESPACES:
                self.roots.setdefault("", UNS_NAMESPACE)
                return UNS_NAMESPACE
            uri = self.roots[root] = f"{UNS_NAMESPACE}:{quote(root, safe='')}"
        return uri

    def namespaces(self) -> list[dict[str, str]]:
        """Every namespace that a type or relationship type may name, with a name for people."""
        found = {I3X_NAMESPACE: "i3X", BASE_NAMESPACE: "bridge"}
        for root, uri in self.roots.items():
            found[uri] = names.words(root) or "UNS"
        if self._fixed_namespace:
            found[self._fixed_namespace] = _last_word(self._fixed_namespace)
        for kind in self.by_id.values():
            if kind.namespace not in found:
                found[kind.namespace] = _last_word(kind.namespace)
        found |= self.titles
        return [{"uri": uri, "displayName": name} for uri, name in found.items()]

    # --- types -------------------------------------------------------------------------------------------------------

    def find(self, form: Form, present: ObjectType | None = None) -> ObjectType | None:
        """The type that elements of this form are of, if there is one already. An element that has a type keeps it,
        as long as it can hold the form and nothing else is said.
        """
        if form.hint is not None:
            return self._by_hint.get(_hinted(form))
        if present is not None and present.holds(form):
            present.admit(form)
            return present
        kind = self._by_form.get(form)
        if kind is None:
            kind = self.likely(self._by_role.get((form.namespace, form.role), ()), form)
            if kind is not None:
                kind.admit(form)
                self._remember(form, kind)
        return kind

    @staticmethod
    def likely(known: Iterable[ObjectType], form: Form) -> ObjectType | None:
        """Of the types of a role the first that fits; where there are too many, the first of its sort all the same."""
        of_sort = [kind for kind in known if kind._is_of_sort(form)]  # noqa: SLF001 - of this module
        found = next((kind for kind in of_sort if alike(form, kind.names, kind.contexts)), None)
        return found or (of_sort[0] if len(of_sort) >= MAX_VARIANTS else None)

    def make(self, form: Form) -> ObjectType:
        """A type for a form, without a name yet."""
        kind = ObjectType(form.namespace, "", form.role, form.group, composed=form.composed)
        kind.shape.unbounded = form.opaque and not form.composed
        if form.mapped:
            kind.shape.members = Shape()
        kind.admit(form)
        if form.hint is not None:
            kind.namespace = form.hint.namespace or form.namespace
            kind.source_id = form.hint.source_id
            kind.major = _major(form.hint.version)
        return kind

    def enter(self, kind: ObjectType, form: Form, context: Iterable[str]) -> ObjectType:
        """Give a new type its name and make it known; beyond the limit, one of the common types takes its place."""
        hint = form.hint
        if hint is None and len(self.by_id) >= MAX_TYPES:
            return self._common(kind, form)
        plain = names.type_name(hint.name) if hint is not None else kind.role
        pinned: list[ObjectType] = []
        for name in _candidates(plain, kind.group, context):
            known = self.by_id.get(f"{kind.namespace}#{name}")
            if known is None:
                break
            if known.pinned and known.takes(kind, form):
                pinned.append(known)
        if pinned:
            found = max(pinned, key=kind.likeness)
            self._remember(form, found)
            return found
        kind.call(name)
        self.by_id[kind.id] = kind
        if hint is not None:
            self._by_hint[_hinted(form)] = kind
        else:
            self._by_role.setdefault((kind.namespace, kind.role), []).append(kind)
            self._remember(form, kind)
        return kind

    def _common(self, kind: ObjectType, form: Form) -> ObjectType:
        known = self._by_role.setdefault((kind.namespace, COMMON_ROLE), [])
        found = next((one for one in known if one._is_of_sort(form)), None)  # noqa: SLF001 - of this module
        if found is None:
            kind.role = COMMON_ROLE
            name = next(
                n for n in _candidates(COMMON_ROLE, kind.group, ()) if f"{kind.namespace}#{n}" not in self.by_id
            )
            kind.call(name)
            self.by_id[kind.id] = found = kind
            known.append(found)
        self._remember(form, found)
        return found

    def _remember(self, form: Form, kind: ObjectType) -> None:
        if len(self._by_form) >= MAX_FORMS:
            self._by_form.clear()
        self._by_form[form] = kind


def _hinted(form: Form) -> tuple[str, str, int, bool]:
    hint = form.hint or Hint()
    return hint.namespace or form.namespace, names.type_name(hint.name), form.group, form.composed


def _major(version: str) -> int:
    digits = version.lstrip("vV").partition(".")[0]
    return max(int(digits), 1) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 1


def _last_word(uri: str) -> str:
    return uri.rstrip("/").replace(":", "/").rpartition("/")[2] or uri


def _candidates(plain: str, group: int, context: Iterable[str]) -> Iterator[str]:
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


__all__ = ["BASE_NAMESPACE", "I3X_NAMESPACE", "ObjectType", "TypeRegistry", "group_of"]
