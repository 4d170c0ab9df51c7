"""The plans of one decoder: made once for each signature, and for each topic where a signature does not tell all."""

from collections.abc import Callable

from bridge.uns import envelope
from bridge.uns.envelope import Plan
from bridge.uns.message import Json

MAX_REMEMBERED = 32_000_000  # bytes, roughly, of signatures; more than that are keys that never repeat
KEY_COSTS = 64  # bytes of a remembered key beside its characters, roughly


class Plans:
    """`make` makes the plan of an object."""

    def __init__(self, make: Callable[[dict[str, Json]], Plan]) -> None:
        self._make = make
        self._known: dict[tuple[object, ...], Plan] = {}
        self._weight = 0  # bytes in `_known`, roughly

    def of(self, topic: str, content: dict[str, Json]) -> Plan:
        """The plan of an object that came on a topic."""
        signature: envelope.Signature = *content, *map(type, content.values())
        plan = self._known.get(signature)
        if plan is None:
            plan = self._remember(signature, self._make(content))
        return plan if not plan.hangs_on else self._by_values(topic, signature, content, plan.hangs_on)

    def _by_values(self, topic: str, signature: envelope.Signature, content: dict[str, Json], hangs_on: str) -> Plan:
        """Names that were once a time stay one on this topic; what is inside the value is part of the question."""
        boxes = [part for part in content.values() if type(part) is dict] if hangs_on == "value" else []
        asked = (topic, *signature, *map(envelope.signature_of, boxes))
        plan = self._known.get(asked)
        if plan is None:
            plan = self._make(content)
            if plan.value is not None or hangs_on == "value":
                self._remember(asked, plan)
        return plan

    def _remember(self, asked: tuple[object, ...], plan: Plan) -> Plan:
        weight = weigh(asked)
        self._weight += weight
        if self._weight > MAX_REMEMBERED:
            self._known.clear()
            self._weight = weight
        self._known[asked] = plan
        return plan


def weigh(part: object) -> int:
    """Bytes, roughly, that a signature or a part of it takes."""
    if isinstance(part, tuple):
        return KEY_COSTS + sum(map(weigh, part))
    return KEY_COSTS + len(part) if isinstance(part, str) else 0
