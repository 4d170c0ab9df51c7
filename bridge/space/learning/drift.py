"""Drift: what the settled types were not made for, and what was done about it.

Whoever widens a type, or finds that an element exceeds it, notes it here: one event for each, with the element that
gave the occasion. Only the latest are kept; `total` counts them all.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from bridge.uns.moments import render

MAX_TYPES = 1_000  # those that drifted last; more is no drift but names that never repeat
MAX_EVENTS = 20  # of one type: enough to see what keeps changing


class Event(Struct, frozen=True):
    """`what` is a sentence for people, such as "property torque was added"."""

    type_id: str
    what: str
    element_id: str
    time_ns: int  # nanoseconds since 1970 UTC

    def describe(self) -> dict[str, str]:
        return {"at": render(self.time_ns), "what": self.what, "elementId": self.element_id}


class Drift:
    """See the module's text."""

    def __init__(self) -> None:
        self.total = 0
        self.latest: Event | None = None
        self._by_type: dict[str, deque[Event]] = {}  # the type that drifted last is the last

    def note(self, type_id: str, what: str, element_id: str, now_ns: int) -> None:
        self.total += 1
        self.latest = event = Event(type_id, what, element_id, now_ns)
        events = self._by_type.pop(type_id, None)
        if events is None:
            events = deque(maxlen=MAX_EVENTS)
            if len(self._by_type) >= MAX_TYPES:
                del self._by_type[next(iter(self._by_type))]
        events.append(event)
        self._by_type[type_id] = events

    def of(self, type_id: str) -> list[Event]:
        """The events of one type that are kept, the latest first."""
        return list(reversed(self._by_type.get(type_id, ())))

    def report(self) -> list[dict[str, Any]]:
        """All types that drifted, the latest first."""
        return list(self._rows())

    def _rows(self) -> Iterator[dict[str, Any]]:
        for type_id in reversed(self._by_type):
            yield {"typeElementId": type_id, "events": [event.describe() for event in self.of(type_id)]}
