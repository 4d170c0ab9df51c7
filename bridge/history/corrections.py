"""Corrections: records that clients put into history, which stores take like late readings.

They change no current value, and no type learns from them: what does not fit its element's type is refused. A record
belongs to the element that had the payload: a field's is refused with the name of that element, a composed element's is
divided among its parts, and an alias stands for its target.
"""

from collections.abc import Iterator

from msgspec import Struct

from bridge.errors import BadRequest, Forbidden
from bridge.space import Change, Field, Node
from bridge.space.conforming import misfit
from bridge.space.owned.views import Alias
from bridge.space.space import RESERVED
from bridge.uns import BAD, GOOD, NO_DATA, Json, Quality
from bridge.uns.moments import SECOND, render

LATEST_NS = 2**63 - 1  # the year 2262: stores count in 64 bits
_EMPTY = (BAD, NO_DATA)
_NAMED = 5  # parts that a message names


class Span(Struct, frozen=True):
    """Times that are taken, in ns, both ends inclusive: no later than payloads are believed, no older than is kept."""

    oldest_ns: int = 0
    newest_ns: int = LATEST_NS


EVER = Span()


def span(now_ns: int, future_tolerance: float, keep_age: float) -> Span:
    """What is taken now; tolerance and age in seconds, an age of 0 is for ever."""
    ahead, age = (int(min(seconds, LATEST_NS // SECOND) * SECOND) for seconds in (future_tolerance, keep_age))
    return Span(max(0, now_ns - age) if age else 0, min(LATEST_NS, now_ns + ahead))


def corrections(node: Node, value: Json, quality: Quality | None, time_ns: int, taken: Span = EVER) -> list[Change]:
    """The changes that a record is. Without a quality it is Good, or GoodNoData where null. Raises `RequestError`."""
    target = _target(node)
    if quality is None:
        quality = NO_DATA if value is None else GOOD
    if (value is None) != (quality in _EMPTY):
        told = "a null needs Bad or GoodNoData" if value is None else "a value needs Good or Uncertain"
        raise BadRequest(f"quality: {told}")
    _check_time(time_ns, taken)
    if target.is_composed:
        return [Change(*row, quality, time_ns, late=True) for row in _divided(target, value)]
    _check(target, value)
    return [Change(target, value, quality, time_ns, late=True)]


def _check_time(time_ns: int, taken: Span) -> None:
    if not 0 <= time_ns <= LATEST_NS:
        raise BadRequest("timestamp: must lie between 1970 and 2262")
    if time_ns > taken.newest_ns:
        raise BadRequest(f"timestamp: lies in the future; taken is up to {render(taken.newest_ns)} now")
    if time_ns < taken.oldest_ns:
        raise BadRequest(f"timestamp: is older than what is kept, which is from {render(taken.oldest_ns)} on now")


def _target(node: Node) -> Node:
    """The element that is meant, if it can be written."""
    while isinstance(node, Alias):
        node = node.target
    if node.id == RESERVED or node.id.startswith(f"{RESERVED}/"):
        raise Forbidden(f"elementId: {node.id} is told by the bridge itself and cannot be written")
    if isinstance(node, Field):
        owner = node.owner.id
        raise BadRequest(f"elementId: {node.id} is a field; its history is in that of {owner}, to be written there")
    if not node.reported and not node.is_composed:
        raise BadRequest(f"elementId: {node.id} has no values of its own; write those of the elements below it")
    return node


def _divided(node: Node, value: Json) -> Iterator[tuple[Node, Json]]:
    """Which part gets what. A null is one of all parts; a part that is null in an object stays as it is."""
    parts = {part.name: part for part in node.components()}
    if value is None:
        value = dict.fromkeys(name for name, part in parts.items() if part.reported or part.is_composed)
    elif not isinstance(value, dict):
        raise BadRequest(f"value: {node.id} is composed of its parts; an object of their values is needed")
    else:
        if strange := value.keys() - parts.keys():
            raise BadRequest(f"value: {node.id} has no part {min(strange)!r}; it has {_few(parts)}")
        value = {name: own for name, own in value.items() if own is not None}
    for name, own in value.items():
        part = _target(parts[name])
        if part.is_composed:
            yield from _divided(part, own)
        else:
            _check(part, own)
            yield part, own


def _few(names: dict[str, Node]) -> str:
    return ", ".join([*list(names)[:_NAMED], *(["…"] if len(names) > _NAMED else [])])


def _check(node: Node, value: Json) -> None:
    """Values have to fit the type; of an element whose values have been of several kinds, one of its types."""
    why = misfit(value, node.type.schema()) if value is not None else None
    others = (node.types or {}).values()
    if why is not None and all(misfit(value, kind.schema()) is not None for kind in others):
        raise BadRequest(f"value: does not fit type {node.type.id} of {node.id}: {why}")
