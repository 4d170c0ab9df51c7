"""The registry of object types and namespaces: what the address space has learnt about kinds of things.

Types are found by id, by role, by form and by what calls them by name. Beyond a limit, values share the types of one
common role: names that never repeat do not make types for ever.
"""

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from bridge.space import names
from bridge.space.learning.drift import Drift
from bridge.space.learning.forms import Form, alike
from bridge.space.shape import ANY_NUMBER, ARRAY, BINARY, BOOLEAN, OBJECT, STRING, Shape
from bridge.space.types import BASE_NAMESPACE, I3X_NAMESPACE, UNS_NAMESPACE, ObjectType
from bridge.uns import Hint

MAX_NAMESPACES = 100  # more roots than that are no namespaces but topics; they share one
MAX_TYPES = 5_000  # more kinds than that are names that never repeat; their values share the kinds of one role
COMMON_ROLE = "Value"
MAX_VARIANTS = 128  # shapes of one role that are told apart; more is a role without a shape
MAX_FORMS = 50_000  # whose types are remembered; a large plant has some thousands

_SUFFIX = {
    ANY_NUMBER: "Number",
    STRING: "Text",
    BOOLEAN: "Flag",
    OBJECT: "Record",
    ARRAY: "List",
    BINARY: "Bytes",
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
        of_sort = [kind for kind in known if kind.is_of_sort(form)]
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
        found = next((one for one in known if one.is_of_sort(form)), None)
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
