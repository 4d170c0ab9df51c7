"""What clients want to write, divided among the elements that it belongs to, and checked against their types.

A composed element's value is divided among its parts, an alias stands for its target; what the bridge tells about
itself cannot be written. Only what is seen is spoken of.
"""

from collections.abc import Iterator, Mapping

from bridge.errors import BadRequest, Forbidden
from bridge.space.conforming import misfit
from bridge.space.node import Node
from bridge.space.owned.views import VIEWS, Alias
from bridge.space.sight import EVERYTHING, Sight
from bridge.space.space import RESERVED
from bridge.space.types import ObjectType
from bridge.uns import Json

_NAMED = 5  # parts that a message names


def target(node: Node) -> Node:
    """The element that is meant. Raises `RequestError` where it cannot be written."""
    while isinstance(node, Alias):
        node = node.target
    if node.topic.partition("/")[0] in (RESERVED, VIEWS):
        raise Forbidden(f"elementId: {node.id} is told by the bridge itself and cannot be written")
    if not node.reported and not node.is_composed:
        raise BadRequest(f"elementId: {node.id} has no values of its own; write those of the elements below it")
    return node


def divided(
    node: Node, value: Json, sight: Sight = EVERYTHING, *, widening: bool = False
) -> Iterator[tuple[Node, Json]]:
    """Which part gets what. A null is one of all parts; a part that is null in an object stays as it is. `widening` as
    in `check`.

    Raises `BadRequest`.
    """
    parts = {part.name: part for part in sight.components(node)}
    if value is None:
        value = dict.fromkeys(name for name, part in parts.items() if part.reported or part.is_composed)
    elif not isinstance(value, dict):
        raise BadRequest(f"value: {node.id} is composed of its parts; an object of their values is needed")
    else:
        if strange := value.keys() - parts.keys():
            raise BadRequest(f"value: {node.id} has no part {min(strange)!r}; it has {_few(parts)}")
        value = {name: own for name, own in value.items() if own is not None}
    for name, own in value.items():
        part = target(parts[name])
        if part.is_composed or not sight.reads(part):
            yield from divided(part, own, sight, widening=widening)
        else:
            check(part, own, widening=widening)
            yield part, own


def check(node: Node, value: Json, *, widening: bool = False) -> None:
    """Values have to fit the type; of an element whose values have been of several kinds, one of its types.

    `widening`: the value will be one of the element's. That all so far were whole numbers says little, because many
    publish 60.0 as 60: a learnt type takes in any number.

    Raises `BadRequest`.
    """
    why = _misfit(value, node.type, widening=widening) if value is not None else None
    others = (node.types or {}).values()
    if why is not None and all(_misfit(value, kind, widening=widening) is not None for kind in others):
        raise BadRequest(f"value: does not fit type {node.type.id} of {node.id}: {why}")


def _misfit(value: Json, kind: ObjectType, *, widening: bool) -> str | None:
    return misfit(value, kind.schema(), loosely=widening and not kind.pinned)


def _few(names: Mapping[str, Node]) -> str:
    return ", ".join([*list(names)[:_NAMED], *(["…"] if len(names) > _NAMED else [])])
