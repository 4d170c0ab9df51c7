"""Corrections: records that clients put into history, which stores take like late readings.

They change no current value, and no type learns from them: what does not fit its element's type is refused. A record
belongs to the element that had the payload: a field's is refused with the name of that element, a composed element's is
divided among its parts, and an alias stands for its target.
"""

from msgspec import Struct

from bridge.errors import BadRequest
from bridge.space import Change, Field, Node
from bridge.space.dividing import check, divided, target
from bridge.space.sight import EVERYTHING, Sight
from bridge.uns import BAD, GOOD, NO_DATA, Json, Quality
from bridge.uns.moments import SECOND, render

LATEST_NS = 2**63 - 1  # the year 2262: stores count in 64 bits
_EMPTY = (BAD, NO_DATA)


class Span(Struct, frozen=True):
    """Times that are taken, in ns, both ends inclusive: no later than payloads are believed, no older than is kept."""

    oldest_ns: int = 0
    newest_ns: int = LATEST_NS


EVER = Span()


def span(now_ns: int, future_tolerance: float, keep_age: float) -> Span:
    """What is taken now; tolerance and age in seconds, an age of 0 is for ever."""
    ahead, age = (int(min(seconds, LATEST_NS // SECOND) * SECOND) for seconds in (future_tolerance, keep_age))
    return Span(max(0, now_ns - age) if age else 0, min(LATEST_NS, now_ns + ahead))


def corrections(
    node: Node,
    value: Json,
    quality: Quality | None,
    time_ns: int,
    taken: Span = EVER,
    sight: Sight = EVERYTHING,
) -> list[Change]:
    """The changes that a record is. Without a quality it is Good, or GoodNoData where null. Raises `RequestError`."""
    found = _target(node)
    if quality is None:
        quality = NO_DATA if value is None else GOOD
    if (value is None) != (quality in _EMPTY):
        told = "a null needs Bad or GoodNoData" if value is None else "a value needs Good or Uncertain"
        raise BadRequest(f"quality: {told}")
    _check_time(time_ns, taken)
    if found.is_composed:
        return [Change(*row, quality, time_ns, late=True) for row in divided(found, value, sight)]
    check(found, value)
    return [Change(found, value, quality, time_ns, late=True)]


def _check_time(time_ns: int, taken: Span) -> None:
    if not 0 <= time_ns <= LATEST_NS:
        raise BadRequest("timestamp: must lie between 1970 and 2262")
    if time_ns > taken.newest_ns:
        raise BadRequest(f"timestamp: lies in the future; taken is up to {render(taken.newest_ns)} now")
    if time_ns < taken.oldest_ns:
        raise BadRequest(f"timestamp: is older than what is kept, which is from {render(taken.oldest_ns)} on now")


def _target(node: Node) -> Node:
    """The element that is meant, if its history can be written."""
    found = target(node)
    if isinstance(found, Field):
        owner = found.owner.id
        raise BadRequest(f"elementId: {found.id} is a field; its history is in that of {owner}, to be written there")
    return found
