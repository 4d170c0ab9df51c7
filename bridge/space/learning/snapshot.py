"""Noting down what is to be remembered of a settled model (see `remembered`), a slice at a time.

A large model takes longer to note than messages should wait. So whoever asks for a snapshot takes it in steps, and the
model may grow in between: what is new meanwhile may be in it or not, but every type that it names is.
"""

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from bridge.space import names
from bridge.space.learning.remembered import KEPT_DAYS, Memory, Place, ShapeNote, TypeNote
from bridge.space.node import Field, Node
from bridge.space.shape import ARRAY, OBJECT, Shape
from bridge.space.types import BASE_NAMESPACE, ObjectType

if TYPE_CHECKING:
    from bridge.space.learning.learner import Learner
    from bridge.space.space import AddressSpace

SLICE = 1_000  # elements that are noted without a pause: a few milliseconds
_TYPES_SLICE = 50  # types likewise; some have hundreds of properties

Snapshot: TypeAlias = Generator[None, None, Memory]


def snapshot(space: "AddressSpace", learner: "Learner", today: int) -> Snapshot:
    """A pause after each slice; elements first, then types. `today` is the number of days since 1970."""
    noting = _Noting(space, learner, today)
    own = {node.id for node in space.own}
    places: defaultdict[Place, list[str]] = defaultdict(list)
    for number, node in enumerate(list(space.nodes.values()), 1):
        place = noting.place(node) if node.id not in own else None
        if place is not None:
            places[place].append(node.id)
        if not number % SLICE:
            yield
    for ident, place in list(space.remembered.absent(today)):
        if ident not in space.nodes:
            places[place].append(ident)
            noting.use(place)
    yield
    types = []
    for number, kind in enumerate(list(space.registry.by_id.values()), 1):
        note = noting.type(kind)
        if note is not None:
            types.append(note)
        if not number % _TYPES_SLICE:
            yield
    return Memory(dict(space.registry.roots), types, learner.placing.usage(), noting.words(), list(places.items()))


class _Noting:
    """Notes single elements and types; `_used` are the days on which types were in use."""

    def __init__(self, space: "AddressSpace", learner: "Learner", today: int) -> None:
        self._space = space
        self._learner = learner
        self._today = today
        self._used: dict[str, int] = {}
        self._called = space.registry.called()
        self._plain = set(_first_of_each_sort(space.registry.by_id.values(), self._called))
        self._words = {id(vocabulary): name for name, vocabulary in learner.vocabularies.items()}

    def place(self, node: Node) -> Place | None:
        """What there is to note about an element; most have nothing."""
        types: tuple[str, ...] = ()
        for kind in dict.fromkeys((node.type, *(node.types or {}).values())):  # that of the present value first
            if not _is_brought(kind):
                self._used[kind.id] = self._today
                if not self._can_be_found(kind, node):
                    types = (*types, kind.id)
        if isinstance(node, Field):
            return Place(self._today, types) if types else None
        if not node.decided or not (types or node.children or self._is_special(node)):
            return None
        return Place(self._today, types, node.part, node.why, node.item_role, _could_collect(node))

    def _is_special(self, leaf: Node) -> bool:
        """Whether an element without children has the place of a branch: it may have had some."""
        return (leaf.part, leaf.why) != self._learner.placing.decide_leaf(leaf)

    def _can_be_found(self, kind: ObjectType, node: Node) -> bool:
        """Whether the type follows from the name of an element and the kind of its value."""
        if kind.group in (OBJECT, ARRAY) or kind.declared or kind.id not in self._plain or node.children:
            return False
        silent = node.value is None and not isinstance(node, Field)
        return not silent and kind.role == self._learner.role(node)

    def use(self, place: Place) -> None:
        for ident in place.types:
            self._used[ident] = max(place.seen, self._used.get(ident, 0))

    def type(self, kind: ObjectType) -> TypeNote | None:
        """Nothing of types that the bridge or a model file brings, and of those that nothing has been of for long."""
        seen = self._used.get(kind.id) or self._space.remembered.seen(kind, self._today)
        if _is_brought(kind) or self._today - seen > KEPT_DAYS:
            return None
        return TypeNote(
            kind.namespace,
            kind.name,
            kind.role,
            kind.group,
            _shape_note(kind.shape),
            seen,
            called=self._called.get(kind.id, ""),
            composed=kind.composed,
            source_id=kind.source_id,
            major=kind.major,
            widened=kind.widened,
            young_until_ns=kind.young_until_ns,
            names=tuple(sorted(kind.names)),
            contexts=tuple(sorted(kind.contexts)),
            units=tuple(sorted(kind.units)),
            limits=dict(kind.declared) if kind.declared else None,
            words=tuple(self._words.get(ident) for ident in kind.vocabularies),
        )

    def words(self) -> dict[str, list[str] | None]:
        found = self._learner.vocabularies.items()
        return {name: None if one.open else list(one.words) if one.declared else [] for name, one in found}


def _is_brought(kind: ObjectType) -> bool:
    return kind.pinned or kind.namespace == BASE_NAMESPACE


def _first_of_each_sort(kinds: Iterable[ObjectType], called: Mapping[str, str]) -> Iterator[str]:
    """Ids of the types that values of a role get if nothing else tells."""
    met = set()
    for kind in kinds:
        sort = kind.namespace, kind.role, kind.group, kind.shape.unbounded
        if sort not in met and not kind.composed and kind.id not in called:
            met.add(sort)
            yield kind.id


def _could_collect(node: Node) -> int:
    """How many children a branch has, if fewer of them could look like a collection."""
    if node.item_role is not None or not node.children:
        return 0
    documents = (child.shape is not None and bool(child.shape.properties) for child in node.children.values())
    return len(node.children) if names.is_plural(node.name) or any(documents) else 0


def _shape_note(shape: Shape) -> ShapeNote:
    properties, items, members = shape.properties, shape.items, shape.members
    return ShapeNote(
        shape.kinds,
        {key: _shape_note(part) for key, part in properties.items()} if properties is not None else None,
        _shape_note(items) if items is not None else None,
        _shape_note(members) if members is not None else None,
        shape.unbounded,
    )
