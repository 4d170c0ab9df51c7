"""Nodes: the elements of the address space, one for each topic, each prefix of a topic and each field of a payload.

A `Node` keeps the last value-quality-timestamp of its topic. A node without a payload of its own but with parts has a
composed value, built when it is read (design.md, "Composed values"). A `Field` keeps nothing: it is projected from
the payload of its owner.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import tzinfo
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from bridge.space.projecting import MISSING, at_path, project
from bridge.space.shape import Shape
from bridge.uns import BAD, GOOD, NO_DATA, UNCERTAIN, Hint, Json, Quality, Reading
from bridge.uns.envelope import Plan
from bridge.uns.policy import PLAIN, Policy

if TYPE_CHECKING:
    from bridge.space.types import ObjectType
    from bridge.uns.routing import Reader

Vqt: TypeAlias = tuple[Json, Quality, int]  # value, quality, nanoseconds since 1970 UTC
Judged: TypeAlias = tuple[Vqt, bool]  # a value, and whether it is Uncertain only because nothing in it is confirmed yet
Listener: TypeAlias = Callable[["Node", Reading, "list[Change]"], None]

# Reasons to doubt the last value, whatever quality it came with; `liveness` sets them. A live reading removes them all.
UNCONFIRMED = 1  # the broker's stored copy without a time of its own: nobody knows how old it is
STALE = 2  # nothing came for longer than `stale_after`
LOST = 4  # the broker was away: something newer may have been missed
DEAD = 8  # a last will or a status topic says that the source is gone: Bad
ABSENT = 16  # the same, where the configuration wants no more than Uncertain


class Node:
    """One element. `part` says that it is a component of its parent; without a parent it is a root."""

    __slots__ = (
        "attributes",
        "children",
        "created_ns",
        "decided",
        "description",
        "doubt",
        "doubt_ns",
        "fields",
        "hint",
        "id",
        "item_role",
        "label",
        "listener",
        "name",
        "parent",
        "part",
        "policy",
        "quality",
        "reader",
        "received_ns",
        "reported",
        "said_levels",
        "said_ns",
        "shape",
        "shape_now",
        "time_ns",
        "topic",
        "type",
        "types",
        "unit",
        "value",
        "why",
    )

    def __init__(
        self, ident: str, topic: str, name: str, parent: "Node | None", type_: "ObjectType", now_ns: int
    ) -> None:
        self.id = ident
        self.topic = topic
        self.name = name
        self.parent = parent
        self.type = type_
        self.part = False
        self.decided = False  # its place (part or thing) is settled and will not change
        self.children: dict[str, Node] | None = None
        self.fields: dict[str, Field] | None = None
        self.reported = False  # has had a payload of its own
        self.value: Json = None
        self.quality: Quality = NO_DATA
        self.time_ns = 0
        self.said_ns = 0  # the time that the payload itself named; 0 where it named none to be believed
        self.received_ns = 0
        self.created_ns = now_ns
        self.item_role: str | None = None  # of a collection: the role that its children play
        self.shape: Shape | None = None  # everything its own values have looked like
        self.shape_now: object = None  # structure of the last value that was not null; `bytes`: it is base64
        self.types: dict[int, ObjectType] | None = None  # by root kind, once its values have been of several kinds
        self.unit: str | None = None
        self.description: str | None = None
        self.attributes: Mapping[str, Json] | None = None
        self.label: str | None = None  # a name for people that differs from the level's
        self.hint: Hint | None = None  # what its payloads call their kind
        self.said_levels = 0  # levels of its topic, as bits from the first, that its documents say, too
        self.why = ""  # the rule that made it a part or a thing
        self.reader: Reader | None = None  # of messages on exactly this topic; None: not decided yet
        self.listener: Listener | None = None  # hears of each reading that was taken
        self.policy: Policy = PLAIN
        self.doubt = 0  # reasons not to trust the last value any more: bits, see below
        self.doubt_ns = 0  # since when

    def listen(self, listener: Listener) -> None:
        """Let one more hear of each reading that is taken."""
        former = self.listener
        self.listener = listener if former is None else _both(former, listener)

    def components(self) -> "Iterator[Node]":
        """The parts of this element: fields of its payload, then parts below its topic."""
        if self.fields:
            yield from self.fields.values()
        if self.children:
            for child in self.children.values():
                if child.part:
                    yield child

    def things(self) -> "Iterator[Node]":
        """The independent elements below this one."""
        if self.children:
            for child in self.children.values():
                if not child.part:
                    yield child

    @property
    def is_composition(self) -> bool:
        if self.fields:
            return True
        return self.children is not None and any(child.part for child in self.children.values())

    @property
    def is_composed(self) -> bool:
        """Whether the value is made of the parts' values."""
        return not self.reported and self.is_composition

    def raw(self) -> Json:
        """The payload's value, which fields are projected from."""
        return self.value

    def said(self) -> Vqt:
        """The last reading as it came."""
        return self.value, self.quality, self.time_ns

    def doubted(self) -> Vqt:
        """The last reading with its doubts: Bad where the source is gone, else Uncertain at best."""
        if not self.doubt:
            return self.said()
        if self.doubt & DEAD and self.quality != BAD:
            return None, BAD, max(self.time_ns, self.doubt_ns)
        return self.value, UNCERTAIN if self.quality == GOOD else self.quality, self.time_ns

    def vqt(self, zone: tzinfo) -> Vqt:
        """The current value, its quality and its time. Null goes with Bad and GoodNoData, and only with them."""
        if self.reported:
            return self.doubted()
        return self.judged(zone)[0]

    def judged(self, zone: tzinfo) -> Judged:
        """The current value, and whether it is Uncertain only because nothing in it has been confirmed yet."""
        if self.reported:
            return self.vqt(zone), self.doubt == UNCONFIRMED and self.quality == GOOD
        parts = [(part.name, part.judged(zone)) for part in self.components()]
        return judged_together(parts, self.created_ns)


class Field(Node):
    """An element inside a structured payload; `name` is its key, `parent` the enclosing field or the owner."""

    __slots__ = ("owner", "plan")

    def __init__(self, ident: str, name: str, parent: Node, owner: Node, type_: "ObjectType", now_ns: int) -> None:
        super().__init__(ident, owner.topic, name, parent, type_, now_ns)
        self.owner = owner
        self.plan: Plan | None = None  # set where the field is an envelope of its own
        self.part = True
        self.decided = True
        self.reported = True

    def path(self) -> tuple[str, ...]:
        """The keys that lead from the owner's payload to this field."""
        keys, at = [], self
        while isinstance(at, Field):
            keys.append(at.name)
            at = at.parent  # type: ignore[assignment]  # a field always has a parent
        return tuple(reversed(keys))

    def raw(self) -> Json:
        box = self.parent.raw() if self.parent is not None else None
        return box.get(self.name, MISSING) if type(box) is dict else MISSING

    def vqt(self, zone: tzinfo) -> Vqt:
        _, quality, time_ns = self.owner.doubted()
        return self.project(MISSING if quality == BAD else self.raw(), quality, time_ns, zone)

    def project(self, raw: Json, quality: Quality, time_ns: int, zone: tzinfo) -> Vqt:
        """This field's VQT, given what the owner's payload holds at its place and the owner's quality and time."""
        return project(raw, self.plan, quality, time_ns, zone)

    def project_from(self, payload: Json, quality: Quality, time_ns: int, zone: tzinfo) -> Vqt:
        """The same from a whole payload of the owner, an old one say."""
        return self.project(at_path(payload, self.path()), quality, time_ns, zone)


class Change(Struct):
    """A reading that was new for its node. `late`: older than the current value, so that it belongs to history only.

    `doubt`: no reading but a change of what is thought of the last one, so that history has it already.
    """

    node: Node
    value: Json
    quality: Quality
    time_ns: int
    late: bool = False
    doubt: bool = False


def judged_together(parts: Iterable[tuple[str, Judged]], never_ns: int) -> Judged:
    """What parts compose: see `compose`."""
    named: list[tuple[str, Vqt]] = []
    unconfirmed: set[str] = set()
    for name, (vqt, only_unconfirmed) in parts:
        named.append((name, vqt))
        if only_unconfirmed:
            unconfirmed.add(name)
    rest = (quality for name, (_, quality, _) in named if name not in unconfirmed)
    only = bool(unconfirmed) and all(quality == NO_DATA for quality in rest)
    return compose(named, never_ns, unconfirmed), only


def compose(parts: list[tuple[str, Vqt]], never_ns: int, unconfirmed: Collection[str] = ()) -> Vqt:
    """The object of the parts' values: the worst quality, but not worse than Uncertain while any part has a value, and
    the latest time. All parts Bad is null/Bad; nothing reported yet is null/GoodNoData at `never_ns`.

    `unconfirmed` parts are Uncertain only because nothing but the broker's stored copy has come since we subscribed. A
    nameplate is published once, and a machine that reports is alive: beside a Good part they count as Good.
    """
    value, latest = {}, 0
    some = bad = good = doubtful = False
    for name, (part, quality, time_ns) in parts:
        value[name] = part
        latest = max(latest, time_ns)
        if part is not None:
            some = True
        if quality == GOOD:
            good = True
        elif quality == BAD:
            bad = True
        elif quality == UNCERTAIN and name not in unconfirmed:
            doubtful = True
    if some:
        certain = not (bad or doubtful) and (good or not unconfirmed)
        return value, GOOD if certain else UNCERTAIN, latest
    return None, BAD if bad else NO_DATA, latest or never_ns


def _both(first: Listener, second: Listener) -> Listener:
    def hear(node: Node, reading: Reading, changes: list[Change]) -> None:
        first(node, reading, changes)
        second(node, reading, changes)

    return hear


def subtree(root: Node) -> Iterator[Node]:
    """An element and all below it: parents before children, fields before what lies below the topic."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed([*(node.fields or {}).values(), *(node.children or {}).values()])


def topic_tree(root: Node) -> Iterator[Node]:
    """An element and all below its topic, without fields: what has readings of its own, and what groups it."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        if node.children:
            waiting += node.children.values()


def descendants(node: Node, max_depth: int) -> Iterator[Node]:
    """All components down to `max_depth` levels, this one's own counted (1: none, 0: all), each once, owners first."""
    if max_depth == 1:
        return
    for part in node.components():
        yield part
        yield from descendants(part, max_depth - 1 if max_depth else 0)
