"""Declared limits: `minimum`, `maximum` and `enum` that somebody has said of an element, and whether it keeps to them.

They stand in the schema of a type as long as all of its elements declare the same ones, and all values are within: a
value always conforms to its type, and a sensor does not care what was planned for it. The first value outside takes
them out for good.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from bridge.space.learning.drift import Drift
from bridge.space.node import Change, Node
from bridge.space.types import ObjectType
from bridge.uns import Json, Reading

Bounds: TypeAlias = Mapping[str, Json]


class BoundsWatch:
    """`declared` are limits by element id; `changed` is called when a type has lost its limits."""

    def __init__(self, drift: Drift, declared: Mapping[str, Bounds]) -> None:
        self.changed: Callable[[], None] = lambda: None
        self._drift = drift
        self._declared = declared
        self._watched: set[str] = set()
        self._remembered: dict[str, Bounds] = {}  # as of an earlier run, until somebody declares them again

    def join(self, kind: ObjectType, node: Node) -> None:
        """An element is of a type: its limits, or that it has none, count for the type."""
        bounds = self._of(node)
        kind.limit(bounds)
        if bounds is not None and node.id not in self._watched:
            self._watched.add(node.id)
            node.listen(self._heard)
        if bounds is not None and node.value is not None and not within(node.value, bounds):
            kind.limit(None)

    def remember(self, node: Node, bounds: Bounds) -> None:
        """An element had these limits in an earlier run."""
        self._remembered[node.id] = bounds

    def forget(self, node: Node) -> None:
        """An element has gone: one of the same id is watched anew."""
        self._watched.discard(node.id)
        self._remembered.pop(node.id, None)

    def _of(self, node: Node) -> Bounds | None:
        own = node.hint.declared if node.hint is not None else None
        return own or self._declared.get(node.id) or self._remembered.get(node.id)

    def _heard(self, node: Node, reading: Reading, _: list[Change]) -> None:
        bounds, kind = self._of(node), node.type
        if reading.value is None or not kind.declared or bounds is None or within(reading.value, bounds):
            return
        kind.limit(None)
        kind.widened += 1
        self._drift.note(
            kind.id, f"{reading.value!r:.40} is beyond what was declared: {dict(bounds)}", node.id, node.time_ns
        )
        self.changed()


def within(value: Json, bounds: Bounds) -> bool:
    """Whether a value keeps to limits; those that do not concern its kind do not count."""
    if "enum" in bounds and value not in bounds["enum"]:
        return False
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    least, most = bounds.get("minimum"), bounds.get("maximum")
    return (least is None or value >= least) and (most is None or value <= most)
