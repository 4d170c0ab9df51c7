"""What a field's value is, given what the payload of its owner holds at its place: pure, for payloads new and old."""

from datetime import tzinfo
from typing import TypeAlias

from bridge.uns import BAD, GOOD, NO_DATA, UNCERTAIN, Json, Quality
from bridge.uns.decoder import field_reading
from bridge.uns.envelope import Plan
from bridge.uns.moments import SECOND

Projection: TypeAlias = tuple[Json, Quality, int]  # value, quality, nanoseconds since 1970 UTC

FUTURE_NS = 300 * SECOND  # a field's own time that is further ahead of its payload's is not believed
MISSING = object()  # the payload does not have the field


def project(raw: Json, plan: Plan | None, quality: Quality, time_ns: int, zone: tzinfo) -> Projection:
    """A field's VQT; `raw` is what stands at its place, `quality` and `time_ns` are those of the whole payload."""
    if raw is MISSING or raw is None:
        return None, BAD if quality == BAD else NO_DATA, time_ns
    if plan is not None and type(raw) is dict:
        value, own, own_time = field_reading(raw, plan, zone)
        if own_time is not None and own_time > time_ns + FUTURE_NS:
            own_time, own = None, UNCERTAIN if own == GOOD else own
        worst = UNCERTAIN if own == GOOD and quality == UNCERTAIN else own
        return value, worst, own_time or time_ns
    return raw, quality, time_ns


def at_path(payload: Json, path: tuple[str, ...]) -> Json:
    """What stands at a place in a payload; `MISSING` where there is no such place."""
    for key in path:
        payload = payload.get(key, MISSING) if type(payload) is dict else MISSING
    return payload
