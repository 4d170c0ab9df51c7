"""Compositions: what equipment is made of, as shapes of composed values (design.md, "Composed values").

A thousand machines of a kind are made of the same parts, so a shape is remembered by what it is made of: where names
and shapes of the parts are the same, it is the very same shape. So composed shapes are read and never widened.
"""

from collections.abc import Sequence

from bridge.space.learning.roles import Roles
from bridge.space.node import Node
from bridge.space.shape import OBJECT, Shape, plain

_MANY_MEMBERS = 8  # parts of one role from which they are a map keyed by their names


class Compositions:
    """The shapes of composed elements during one look at them, in which no other shape changes."""

    def __init__(self, roles: Roles, max_fields: int) -> None:
        self._roles = roles
        self._max_fields = max_fields
        self._of: dict[Node, Shape] = {}
        self._made_of: dict[tuple[object, ...], Shape] = {}

    def shape(self, node: Node) -> Shape:
        """The shape of the value that is composed of a node's parts."""
        found = self._of.get(node)
        if found is None:
            parts = {part.name: part for part in node.components()}
            shapes = [self._part(part) for part in parts.values()]
            mapped = self._is_map(node, list(parts.values()))
            made_of = mapped, *(() if mapped else parts), *map(id, shapes)
            found = self._made_of.get(made_of)
            if found is None:
                found = self._made_of[made_of] = self._map(shapes) if mapped else _object(list(parts), shapes)
            self._of[node] = found
        return found

    def _part(self, part: Node) -> Shape:
        if part.reported:
            return part.shape or plain(0)
        return self.shape(part) if part.is_composition else plain(0)

    def _is_map(self, node: Node, parts: Sequence[Node]) -> bool:
        """Whether the parts are members of a collection: then their names are no properties."""
        if node.item_role is not None or len(parts) > self._max_fields:
            return True
        return len(parts) >= _MANY_MEMBERS and len({self._roles.role(part) for part in parts}) == 1

    def _map(self, members: Sequence[Shape]) -> Shape:
        shape = Shape(OBJECT)
        shape.members = Shape()
        for member in members:
            shape.members.merge(member, self._max_fields)
        return shape


def _object(names: Sequence[str], parts: Sequence[Shape]) -> Shape:
    shape = Shape(OBJECT)
    shape.properties = dict(zip(names, parts, strict=True))
    return shape
