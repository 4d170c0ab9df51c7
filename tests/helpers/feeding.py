"""Feeding an engine by hand: topics and JSON values in, what clients see out."""

import json
from collections.abc import Mapping
from typing import Any, Self

from bridge.engine import Engine, Options
from bridge.space import Node
from bridge.space.browse import Budget
from bridge.space.learning.remembered import Memory
from bridge.space.learning.snapshot import Snapshot
from bridge.uns import Message
from bridge.uns.moments import SECOND

NOW_NS = 1_800_000_000 * SECOND  # 2027-01-15T08:00:00Z
NOW = "2027-01-15T08:00:{:02d}.000Z"  # with the seconds after that
SETTLED_S = 60.0
COMPONENTS = 1_000


def idents(engine: Engine) -> list[str]:
    """Ids of all elements that topics made, in the order of their making; the bridge's own are left out."""
    own = {node.id for node in engine.space.own}
    return [ident for ident in engine.space.nodes if ident not in own]


class Feed:
    """An engine with a clock that stands still until it is moved."""

    def __init__(self, options: Options | None = None, **more: Any) -> None:
        self.engine = Engine(options or Options(**more))
        self.browse = self.engine.browse
        self.seconds = 0.0

    def take(self, values: Mapping[str, Any], **flags: Any) -> Self:
        """One message for each topic; a value that is not bytes is published as JSON."""
        self.engine.ingest(
            [
                Message(
                    topic,
                    value if isinstance(value, bytes) else json.dumps(value).encode(),
                    received_ns=NOW_NS + int(self.seconds * SECOND),
                    **flags,
                )
                for topic, value in values.items()
            ]
        )
        return self

    def arrange(self) -> Self:
        """Place what has grown."""
        now_ns = NOW_NS + int(self.seconds * SECOND)
        self.engine.space.arrange(now_ns)
        return self

    def settle(self) -> Self:
        """Let the discovery window pass."""
        self.arrange()
        self.seconds += SETTLED_S
        self.arrange()
        assert not self.engine.space.young
        return self

    def node(self, ident: str) -> Node:
        return self.engine.space.nodes[ident]

    def object(self, ident: str) -> dict[str, Any]:
        found = self.browse.object(ident, metadata=True)
        assert found is not None, f"no element {ident}"
        return found

    def value(self, ident: str, max_depth: int = 1) -> dict[str, Any]:
        found = self.browse.value(ident, max_depth, Budget(COMPONENTS))
        assert found is not None, f"no element {ident}"
        return found

    def type(self, ident: str) -> dict[str, Any]:
        found = self.browse.object_type(self.node(ident).type.id)
        assert found is not None, f"the type of {ident} is not listed"
        return found

    def parts(self) -> set[str]:
        """Ids of everything that is a part, fields left out."""
        return {ident for ident in idents(self.engine) if self.node(ident).part and "#" not in ident}


def at_once(steps: Snapshot) -> Memory:
    """A snapshot without pauses."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            memory: Memory = done.value
            return memory
