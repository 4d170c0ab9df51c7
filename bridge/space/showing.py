"""What elements show: values whose structure is new for their node, and the fields in them.

Called only when the structure of a value differs from the node's last one, so it may take its time. It lets the node's
shape grow, lets its type follow, makes an element of each field of an object, and lets the types of everything that the
value is part of know.

A map keyed by ids is a value, not a bunch of attributes: its members are no elements.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import tzinfo
from itertools import islice

from bridge.space.extended import concerns_pinned
from bridge.space.learning.learner import Learner
from bridge.space.learning.vocabulary import Vocabulary
from bridge.space.limits import Limits
from bridge.space.node import Field, Node
from bridge.space.registry import TypeRegistry
from bridge.space.shape import ANY_STRING, ARRAY, BINARY, OBJECT, STRING, Shape, is_plain, kind_of, plain
from bridge.space.types import ObjectType, group_of
from bridge.uns import Json
from bridge.uns.decoder import field_plan
from bridge.uns.ruled import field_terms
from bridge.uns.topics import field_id

_MAX_SAID = 64  # values of a document that are compared with its topic; who it is about comes early

MakeField = Callable[[Field], None]


class Showing:
    """`room` says why a field of a node may not be made, or None; `made` takes a new field into the space; `drop` gives
    up the fields of a node that has turned out to be a map.

    `refused` counts fields that were not made elements, by the limit that said so.
    """

    def __init__(
        self,
        learner: Learner,
        registry: TypeRegistry,
        limits: Limits,
        zone: tzinfo,
        room: Callable[[Node, int], str | None],
        made: MakeField,
        unit: Callable[[Node, str], None],
        drop: Callable[[Node], None],
    ) -> None:
        self.refused: Counter[str] = Counter()
        self._learner = learner
        self._registry = registry
        self._limits = limits
        self._zone = zone
        self._room = room
        self._made = made
        self._set_unit = unit
        self._drop = drop

    def show(self, node: Node, value: Json, shape: object, now_ns: int, *, binary: bool) -> bool:
        """Take note of a value (not null); whether something that clients can see has changed."""
        if type(node.shape_now) is Vocabulary and shape is str:
            return self._hear(node, node.shape_now, value, now_ns)
        was = node.shape_now
        node.shape_now = shape
        kind = BINARY if binary else kind_of(value)
        whole, grown = self._observe(node, value, kind)
        followed = self._follow(node, kind, now_ns, grown=grown)
        if kind == OBJECT:
            node.said_levels |= said_levels(node.topic, value)
            late = self.refused["new-elements"]
            self._show_fields(node, node, whole, value, now_ns, grown=grown)
            if self.refused["new-elements"] > late:
                node.shape_now = None  # look again at the next message: the rate is limited, not the number
        elif kind == STRING:
            self._listen(node, value)
        if grown:
            self._learner.include(node, now_ns)
        return grown or followed or (kind == OBJECT and was is not None) or concerns_pinned(node)

    def expect(self, node: Node, kind: int, now_ns: int) -> None:
        """Give a node that has shown nothing yet the type of values of one scalar kind."""
        node.shape = plain(kind)
        node.type = self._learner.classify(node, kind, now_ns)
        self._learner.include(node, now_ns)

    def recall(self, node: Node, value: Json, shape: object, now_ns: int, *, binary: bool) -> bool:
        """Let types learn of a value (not null) that is older than the present one; whether they did."""
        if type(node.shape_now) is Vocabulary and shape is str:
            return self._hear(node, node.shape_now, value, now_ns)
        kind = BINARY if binary else kind_of(value)
        whole, grown = self._observe(node, value, kind)
        if grown:
            self._remember_type(node, kind, now_ns)
            if kind == OBJECT:
                self._recall_fields(node, whole, value, now_ns)
            self._learner.include(node, now_ns)
        return (kind == STRING and self._learner.vocabulary(node).hear(value)) or grown

    def _observe(self, node: Node, value: Json, kind: int) -> tuple[Shape, bool]:
        """Widen a node's shape; what it is now, and whether anything was new. While it is scalar it is a shared one."""
        shape = node.shape if node.shape is not None else plain(0)
        scalar = kind not in (ARRAY, OBJECT)
        fits = shape.kinds & (ANY_STRING if kind == BINARY else kind)
        if is_plain(shape):
            shape = node.shape = plain(shape.kinds | kind) if scalar else Shape(shape.kinds)
        elif scalar:
            shape.kinds |= kind
        return shape, not fits if scalar else shape.observe(value, self._limits.fields, self._limits.depth)

    # --- words -------------------------------------------------------------------------------------------------------

    def _listen(self, node: Node, word: str) -> None:
        """From now on each text of this element is looked at, as long as its words may be a vocabulary."""
        vocabulary = self._learner.vocabulary(node)
        vocabulary.hear(word)
        if not vocabulary.open:
            node.shape_now = vocabulary

    def _hear(self, node: Node, vocabulary: Vocabulary, word: str, now_ns: int) -> bool:
        changed = vocabulary.hear(word)
        if vocabulary.open:
            node.shape_now = str
        if changed:
            self._learner.vocabulary_grew(node, word, now_ns)
        return changed

    # --- types -------------------------------------------------------------------------------------------------------

    def _follow(self, node: Node, kind: int, now_ns: int, *, grown: bool) -> bool:
        """Let a node's type follow the root kind of its value: a leaf's type declares one kind."""
        group, present = group_of(kind), node.type
        learnt = self.is_learnt(node)
        if present.group == group and not grown and learnt:
            return False
        known = node.types.get(group) if node.types else None
        if known is None or grown:
            known = self._learner.classify(node, kind, now_ns)
        if learnt:
            self._note_type(node, known, group, now_ns)
        if node.types is not None and node.types.keys() == {group}:
            node.types = None  # an earlier run knew it; from now on the element has it
        if known is present:
            return False
        node.type = known
        return True

    def _remember_type(self, node: Node, kind: int, now_ns: int) -> None:
        """A node has had values of this kind: their type is one of its types, though not that of its present value."""
        known = self._learner.classify(node, kind, now_ns)
        if self.is_learnt(node):
            self._note_type(node, known, group_of(kind), now_ns)
        else:
            node.type = known

    def _note_type(self, node: Node, known: ObjectType, group: int, now_ns: int) -> None:
        """Keep a type beside that of the present value, where they are of different kinds."""
        present = node.type
        if present.group == group or present.pinned:
            return
        if group not in (node.types or ()):
            self._learner.disagrees(node, present, now_ns)
        node.types = {present.group: present, **(node.types or {}), group: known}

    def is_learnt(self, node: Node) -> bool:
        kind = node.type
        return not kind.composed and kind is not self._registry.unknown and kind is not self._registry.folder

    # --- fields ------------------------------------------------------------------------------------------------------

    def _show_fields(self, owner: Node, box: Node, shape: Shape, value: Json, now_ns: int, *, grown: bool) -> None:
        if shape.members is not None:
            self._drop(box)
            return
        for key, part in value.items():
            field = box.fields.get(key) if box.fields else None
            if field is None:
                field = self._make_field(owner, box, key, now_ns)
                if field is None:
                    continue
            if part is not None:
                self._show_field(owner, field, shape, part, now_ns, grown=grown)

    def _show_field(self, owner: Node, field: Field, shape: Shape, part: Json, now_ns: int, *, grown: bool) -> None:
        field.plan = field_plan(part, self._zone, field_terms(owner.policy))
        if field.plan is not None:
            if field.plan.unit is not None:
                self._set_unit(field, part[field.plan.unit])
            part = part[field.plan.value]
            if part is None:
                return
            if field.shape is None:
                field.shape = Shape()
            grown = field.shape.observe(part, self._limits.fields, self._limits.depth)
        else:
            field.shape = (shape.properties or {}).get(field.name)
        if field.shape is None:
            return
        kind = kind_of(part)
        self._follow(field, kind, now_ns, grown=grown)
        if kind == OBJECT and field.plan is None and len(field.path()) < self._limits.depth - 1:
            self._show_fields(owner, field, field.shape, part, now_ns, grown=grown)

    def _recall_fields(self, box: Node, shape: Shape, value: Json, now_ns: int) -> None:
        """The fields that a document has at present learn of what an older one had at their places."""
        if shape.members is not None:
            self._drop(box)
            return
        for key, field in (box.fields or {}).items():
            part, known = value.get(key), (shape.properties or {}).get(key)
            if part is None or known is None or field.plan is not None:
                continue
            field.shape, kind = known, kind_of(part)
            self._remember_type(field, kind, now_ns)
            if kind == OBJECT:
                self._recall_fields(field, known, part, now_ns)

    def _make_field(self, owner: Node, box: Node, key: str, now_ns: int) -> Field | None:
        refusal = self._room(box, now_ns)
        if refusal is not None:
            self.refused[refusal] += 1
            return None
        path = (*box.path(), key) if isinstance(box, Field) else (key,)
        field = Field(field_id(owner.id, path), key, box, owner, self._registry.unknown, now_ns)
        if box.fields is None:
            box.fields = {}
        box.fields[key] = field
        self._made(field)
        return field


def said_levels(topic: str, document: Mapping[str, Json]) -> int:
    """Which levels of a topic a document says, too: those say which one it is about, `{"station": "north", …}`."""
    said = {str(part).casefold() for part in islice(_scalars(document), _MAX_SAID)}
    levels = topic.casefold().split("/")
    return sum(1 << depth for depth, level in enumerate(levels[:-1]) if level in said)


def _scalars(document: Mapping[str, Json]) -> Iterator[str | int]:
    """Texts and whole numbers in a document and the objects in it."""
    for part in document.values():
        if type(part) is str or type(part) is int:
            yield part
        elif type(part) is dict:
            yield from (inner for inner in part.values() if type(inner) is str or type(inner) is int)
