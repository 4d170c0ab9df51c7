"""What elements have beyond their types: `isExtended` and `schemaExtensions`.

An element is judged by what was said last, not by what is thought of it now, and equipment by the parts that it has: a
source that dies, or a value that is doubted, changes nothing that a listing of the model tells.
"""

from collections.abc import Iterator
from datetime import UTC

from bridge.space.node import Field, Node
from bridge.space.owned.pins import PinnedType
from bridge.space.shape import Schema, extensions
from bridge.uns import GOOD, Json


def extensions_of(node: Node) -> Schema:
    """Attributes of the last value that the type does not declare."""
    if isinstance(node.type, PinnedType):
        return node.type.misfits(said_value(node))
    declared = node.type.shape.properties
    if not declared or node.type.shape.members is not None or (isinstance(node, Field) and node.plan is not None):
        return {}
    if node.is_composed and all(part.name in declared for part in node.components()):
        return {}
    return extensions(said_value(node), declared)


def said_value(node: Node) -> Json:
    """The last value as it was said; of what is made of parts, the object of theirs."""
    if isinstance(node, Field):
        return node.project(node.raw(), GOOD, node.time_ns, UTC)[0]
    if node.reported or not node.is_composition:
        return node.value
    found = {part.name: said_value(part) for part in node.components()}
    return found if any(value is not None for value in found.values()) else None


def is_extended_by(node: Node) -> bool:
    """Whether the value that a node has now may make some element an extended one: it, or a field of it, or what it is
    part of, where that is of a pinned type.
    """
    if node.part and node.parent is not None and concerns_pinned(node.parent):
        return True
    return any(map(extensions_of, _with_fields(node)))


def _with_fields(node: Node) -> Iterator[Node]:
    yield node
    for field in (node.fields or {}).values():
        yield from _with_fields(field)


def concerns_pinned(node: Node) -> bool:
    """Whether an element, or something that it is part of, is of a pinned type: that takes nothing in."""
    at: Node | None = node
    while at is not None:
        if at.type.pinned:
            return True
        at = at.parent if at.part else None
    return False
