"""How a settled type grows: new attributes are shown as extensions first, and taken in when they stay.

A type that clients know does not change with every oddity. An attribute that a settled type does not declare makes its
element extended (`isExtended`, `schemaExtensions`); if some element still shows it after `patience_ns`, the type takes
it in with a new minor version, else it is forgotten. Everything else widens at once, because a value must conform to
its type: another kind of a known attribute, and what is new further inside. A type is young for a while after it was
made; then it takes in all that comes.
"""

from collections.abc import Iterator

from msgspec import Struct

from bridge.space.extended import said_value
from bridge.space.learning.drift import Drift
from bridge.space.node import Node
from bridge.space.shape import OBJECT, Shape
from bridge.space.types import ObjectType
from bridge.uns import Json

MAX_PENDING = 10_000  # attributes; beyond, they stay extensions
_WITNESSES = 8  # elements looked at for an attribute that may have gone again


class _Pending(Struct):
    kind: ObjectType
    key: str
    since_ns: int
    shape: Shape
    nodes: dict[str, Node]


class Extensions:
    """`patience_ns` until an attribute is taken in; 0 takes all in at once."""

    def __init__(self, drift: Drift, patience_ns: int, max_fields: int) -> None:
        self._drift = drift
        self._patience_ns = patience_ns
        self._max_fields = max_fields
        self._pending: dict[tuple[str, str], _Pending] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def clear(self) -> None:
        self._pending.clear()

    def admit(self, kind: ObjectType, shape: Shape, node: Node, now_ns: int) -> bool:
        """Let a type take in a shape of one of its elements; whether it has changed."""
        fresh = self._withheld(kind, shape, now_ns)
        if not fresh:
            return self._widen(kind, shape, node, now_ns)
        for key in fresh:
            self._hold(kind, key, (shape.properties or {})[key], node, now_ns)
        known = Shape(shape.kinds)
        known.unbounded, known.items = shape.unbounded, shape.items
        known.properties = {key: part for key, part in (shape.properties or {}).items() if key not in fresh}
        return self._widen(kind, known, node, now_ns)

    def admit_part(self, kind: ObjectType, name: str, shape: Shape, node: Node, now_ns: int) -> bool:
        """The same for one attribute, a part of a composed element."""
        whole = Shape(OBJECT)
        whole.properties = {name: shape}
        return self.admit(kind, whole, node, now_ns)

    def _withheld(self, kind: ObjectType, shape: Shape, now_ns: int) -> list[str]:
        """Attributes of a shape that a settled type does not take in yet."""
        known = kind.shape.properties
        if not known or not shape.properties or kind.pinned or not self._patience_ns or now_ns < kind.young_until_ns:
            return []
        return [key for key in shape.properties if key not in known] if len(known) < self._max_fields else []

    def _widen(self, kind: ObjectType, shape: Shape, node: Node, now_ns: int) -> bool:
        if not kind.widen(shape, self._max_fields):
            return False
        if now_ns >= kind.young_until_ns and not kind.pinned:
            self._drift.note(kind.id, "widened to take in a new kind of value", node.id, now_ns)
        return True

    def _hold(self, kind: ObjectType, key: str, shape: Shape, node: Node, now_ns: int) -> None:
        pending = self._pending.get((kind.id, key))
        if pending is None:
            if len(self._pending) >= MAX_PENDING:
                return
            pending = self._pending[kind.id, key] = _Pending(kind, key, now_ns, Shape(), {})
            self._drift.note(kind.id, f"shows the new attribute {key!r}", node.id, now_ns)
        pending.shape.merge(shape, self._max_fields)
        if len(pending.nodes) < _WITNESSES:
            pending.nodes[node.id] = node

    def ripen(self, now_ns: int) -> bool:
        """Take in what has stayed long enough, forget what has gone; whether anything has changed."""
        due = [(place, found) for place, found in self._pending.items() if now_ns - found.since_ns >= self._patience_ns]
        values: dict[str, Json] = {}  # of witnesses, each composed once
        for place, found in due:
            del self._pending[place]
            witness = next(_showing(found, values), None)
            if witness is None:
                self._drift.note(found.kind.id, f"the attribute {found.key!r} has gone again", "", now_ns)
                continue
            declared = found.kind.shape.property(found.key, self._max_fields)
            if declared is not None:
                declared.merge(found.shape, self._max_fields)
                found.kind.widened += 1
                self._drift.note(found.kind.id, f"widened by the attribute {found.key!r}", witness.id, now_ns)
        return bool(due)


def _showing(pending: _Pending, values: dict[str, Json]) -> Iterator[Node]:
    """Elements whose last value has the attribute."""
    for node in pending.nodes.values():
        if node.id not in values:
            values[node.id] = said_value(node)
        value = values[node.id]
        if isinstance(value, dict) and pending.key in value:
            yield node
