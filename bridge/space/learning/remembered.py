"""What is remembered of a model from one run to the next: its types, and what was decided about elements.

Element ids follow from topics, but types and places were learnt from all that came in the first seconds of a run, and
what comes in the first seconds of the next one may be less. So a model goes on with what it knew: `snapshot` notes it
down as a `Memory`, and `Remembered` gives it back. An element that returns has its place and its types as soon as it is
made; one that does not return is not shown, for nothing is known of its value, but is noted again.

Noted are branches, and elements whose type cannot be found again by name: those of scalar values mostly can. What the
messages say anyhow (values, units, names for people) is left to them.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from bridge.space.learning.placing import Usage
from bridge.space.learning.vocabulary import Vocabulary
from bridge.space.node import Field, Node
from bridge.space.shape import Shape
from bridge.space.types import BASE_NAMESPACE, GROUPS, ObjectType

if TYPE_CHECKING:
    from bridge.space.learning.learner import Learner
    from bridge.space.space import AddressSpace

KEPT_DAYS = 90  # that an element may stay away, and a type unused: longer than a revision of the plant
MAX_ABSENT = 100_000  # elements that have not returned, the latest first: some 20 MB; orders never return


class ShapeNote(Struct, frozen=True, omit_defaults=True):
    """A shape, as plain data."""

    kinds: int
    properties: dict[str, "ShapeNote"] | None = None
    items: "ShapeNote | None" = None
    members: "ShapeNote | None" = None
    unbounded: bool = False


class TypeNote(Struct, frozen=True, omit_defaults=True):
    """A type. `called` is what payloads call it, if they do; `words` are names of vocabularies, None an open one."""

    namespace: str
    name: str
    role: str
    group: int
    shape: ShapeNote
    seen: int  # the last day (since 1970) on which an element was of it
    called: str = ""
    composed: bool = False
    source_id: str = ""
    major: int = 1
    widened: int = 0
    young_until_ns: int = 0
    names: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    limits: dict[str, Any] | None = None
    words: tuple[str | None, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.namespace}#{self.name}"


class Place(Struct, frozen=True, omit_defaults=True):
    """What was decided about an element. `children`: with so many it was no collection; 0: it could be none."""

    seen: int  # the last day on which the element was there
    types: tuple[str, ...] = ()
    part: bool = False
    why: str = ""
    item_role: str | None = None
    children: int = 0


class Memory(Struct, frozen=True):
    """All of it. `usage` is of names of branches (see `placing`); `words` are vocabularies by name: None is open, and
    without words it is undecided.
    """

    roots: dict[str, str]  # topic root → namespace
    types: list[TypeNote]
    usage: Usage
    words: dict[str, list[str] | None]
    places: list[tuple[Place, list[str]]]  # with the ids of the elements


class Remembered:
    """What an earlier run knew. `made` gives each element that returns what was decided about it."""

    def __init__(self, space: "AddressSpace", learner: "Learner") -> None:
        self._space = space
        self._learner = learner
        self._places: dict[str, Place] = {}  # of elements that have not returned yet
        self._seen: dict[str, int] = {}  # type id → day

    def __contains__(self, ident: str) -> bool:
        return ident in self._places

    def __len__(self) -> int:
        return len(self._places)

    def fill(self, memory: Memory) -> None:
        """Before anything has come. Raises `ValueError` for a type that cannot be; then nothing has changed."""
        known = {kind.id for kind in self._space.registry.brought}
        notes = {note.id: note for note in memory.types if note.namespace != BASE_NAMESPACE and note.id not in known}
        words = {name: _vocabulary(said) for name, said in memory.words.items()}
        kinds = [(_type(note, words), note.called) for note in notes.values()]
        self._learner.resume(memory.usage, words)
        for kind, called in kinds:
            self._space.registry.restore(kind, called)
        self._space.registry.roots.update(memory.roots)
        self._seen = {ident: note.seen for ident, note in notes.items()}
        self._places = {ident: place for place, idents in memory.places for ident in idents}

    def made(self, node: Node) -> None:
        """An element has returned, perhaps."""
        place = self._places.pop(node.id, None) if self._places else None
        if place is None:
            return
        by_id = self._space.registry.by_id
        kinds = [by_id[ident] for ident in place.types if ident in by_id]
        if not isinstance(node, Field):
            node.part, node.why, node.decided = place.part and node.parent is not None, place.why, True
            node.item_role = place.item_role
            if place.children:
                self._learner.was_no_collection(node, place.children)
        for kind in kinds:
            self._give(node, kind)
        if node.types:
            _expect(node, kinds[0])

    def _give(self, node: Node, kind: ObjectType) -> None:
        if kind.composed:
            node.type = kind
            return
        node.types = {**(node.types or {}), kind.group: kind}
        node.shape = node.shape or _maps(kind.shape)
        if kind.declared:
            self._learner.bounds.remember(node, kind.declared)

    def gone(self, node: Node) -> None:
        """It has been here in this run: what is known of it is kept elsewhere."""

    def absent(self, today: int) -> Iterator[tuple[str, Place]]:
        """Elements that have not returned and may still do so."""
        found = [(ident, place) for ident, place in self._places.items() if today - place.seen <= KEPT_DAYS]
        found.sort(key=lambda row: -row[1].seen)
        yield from found[:MAX_ABSENT]

    def seen(self, kind: ObjectType, today: int) -> int:
        """When a type was last in use, if it is not now."""
        return self._seen.get(kind.id, today)


def _expect(node: Node, kind: ObjectType) -> None:
    """Until its own payload comes, an element that had one has no value: not that of its parts either."""
    node.type, node.reported, node.time_ns = kind, True, node.created_ns


# --- giving back -----------------------------------------------------------------------------------------------------


def _type(note: TypeNote, words: Mapping[str, Vocabulary]) -> ObjectType:
    if note.group not in GROUPS:
        raise ValueError(f"type {note.id}: no kind has the number {note.group}")
    kind = ObjectType(
        note.namespace, note.name, note.role, note.group, source_id=note.source_id, composed=note.composed
    )
    kind.shape = _shape(note.shape)
    kind.major, kind.widened, kind.young_until_ns = note.major, note.widened, note.young_until_ns
    kind.names, kind.contexts, kind.units = frozenset(note.names), set(note.contexts), set(note.units)
    if not note.composed:
        kind.limit(note.limits)
    for name in note.words:
        vocabulary = (words.get(name) if name is not None else None) or _vocabulary(None)
        kind.vocabularies[id(vocabulary)] = vocabulary
    return kind


def _shape(note: ShapeNote) -> Shape:
    shape = Shape(note.kinds)
    if note.properties is not None:
        shape.properties = {key: _shape(part) for key, part in note.properties.items()}
    shape.items = _shape(note.items) if note.items is not None else None
    shape.members = _shape(note.members) if note.members is not None else None
    shape.unbounded = note.unbounded
    return shape


def _maps(shape: Shape) -> Shape | None:
    """Where a type has maps, and nothing else: what its elements show there are members, from the first on."""
    properties = {key: inner for key, part in (shape.properties or {}).items() if (inner := _maps(part)) is not None}
    items = _maps(shape.items) if shape.items is not None else None
    if not properties and items is None and shape.members is None:
        return None
    found = Shape()
    found.properties, found.items = properties or None, items
    found.members = Shape() if shape.members is not None else None
    return found


def _vocabulary(words: list[str] | None) -> Vocabulary:
    found = Vocabulary()
    found.open, found.words = words is None, dict.fromkeys(words or ())
    found.declared = bool(words)
    return found
