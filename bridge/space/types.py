"""Object types: kinds of elements.

A type belongs to a namespace and has one root kind; its shape only widens, which raises its minor version. Ids are
`namespaceUri#TypeName` and never change once the model is settled (design.md, "Decisions"). A pinned type comes from a
model file and never changes at all.
"""

from collections.abc import Mapping
from functools import cache

from msgspec import structs

from bridge.space.learning.forms import Form, alike
from bridge.space.learning.vocabulary import Vocabulary, words_of
from bridge.space.shape import ANY_NUMBER, ARRAY, BINARY, BOOLEAN, OBJECT, STRING, Schema, Shape
from bridge.uns import Json

I3X_NAMESPACE = "https://cesmii.org/i3x"  # where the standard's own relationship types live
BASE_NAMESPACE = "urn:i3x-bridge"  # types that the bridge brings along
UNS_NAMESPACE = "urn:uns"
MAX_KNOWN = 4_096  # names of properties that a type is known by: each new form is compared with all of them

GROUPS = (
    ANY_NUMBER,
    STRING,
    BOOLEAN,
    OBJECT,
    ARRAY,
    BINARY,
)  # one leaf type each; in the order in which they get the plain name


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
        self.know(form.names)

    def know(self, names: frozenset[str]) -> None:
        """Elements of this type may have these properties; beyond `MAX_KNOWN` they tell nothing about it any more."""
        if len(self.names) < MAX_KNOWN and not names <= self.names:
            self.names |= names if len(names) <= MAX_KNOWN else frozenset(sorted(names)[:MAX_KNOWN])

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

    def is_of_sort(self, form: Form) -> bool:
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

    def schema(self, *, with_words: bool = True, with_unit: bool = True) -> Schema:
        """JSON Schema of values of this type; the root has one plain type (i3x-1.0.md section 3).

        `with_words`: with the enumeration and the limits that were learnt of what its elements, and others about them,
        have said.
        """
        schema = self.shape.schema() or {"type": "object"}
        words = words_of(self.vocabularies.values()) if self.vocabularies and with_words else None
        if words is not None:
            schema["enum"] = words
        if self.declared and with_words:
            schema.update(self.declared)
        unit = self.unit if with_unit else None
        return {**schema, "unit": unit} if unit is not None else schema

    def describe(self, *, with_words: bool = True, with_unit: bool = True) -> dict[str, object]:
        """The ObjectTypeResponse of the standard."""
        schema = self.schema(with_words=with_words, with_unit=with_unit)
        return {
            "elementId": self.id,
            "displayName": self.name,
            "namespaceUri": self.namespace,
            "sourceTypeId": self.source_id,
            "version": self.version,
            "schema": schema if self.description is None else {**schema, "description": self.description},
            "related": None,
        }
