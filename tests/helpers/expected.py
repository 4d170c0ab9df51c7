"""Recorded plants as clients see them once the model has settled, to hold against what an engineer expects of them.

Each folder of recordings has a table of expectations. A test says which row of it it stands for: `@row("umh", 3)`. Its
id then holds `umh-3`, by which the rows that hold are counted (`scripts/bench expected`).
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
import recordings

from bridge.config import Settings
from bridge.engine import Change, Engine, Options
from bridge.space import Node
from bridge.uns import Message, Rejected
from bridge.uns.moments import SECOND, parse
from bridge.uns.policy import Rule

RECEIVED_NS = parse("2026-11-21T00:00:00Z") or 0  # shortly after the recordings were made
SETTLED_S = 60

Value = tuple[Any, str]  # value and quality


def row(folder: str, number: int, pending: str = "") -> pytest.MarkDecorator:
    """A test of one row of a folder's table; it gets the settled `plant`. `pending`: why it does not hold yet."""
    marks = [pytest.mark.xfail(reason=pending, strict=False)] if pending else []
    return pytest.mark.parametrize("plant", [pytest.param(folder, id=f"{folder}-{number}", marks=marks)], indirect=True)


def times(*texts: str) -> list[int]:
    """RFC 3339 times in ns since 1970 UTC."""
    return [parse(text) or 0 for text in texts]


class Plant:
    """A recording, or the first `count` messages of it, taken in by an engine whose model has settled since."""

    def __init__(self, folder: str, count: int | None = None, **options: Any) -> None:
        self.engine = Engine(Options(aspects=Settings().model.aspects, **options), self._refuse)
        self.refused: list[tuple[str, str]] = []  # topic and reason
        self.changes: list[Change] = []
        traffic = list(recordings.messages(recordings.path_of(folder)))[:count]
        for number, message in enumerate(traffic):
            message.received_ns = RECEIVED_NS + number
        self.traffic: Sequence[Message] = traffic
        self.changes = self.engine.ingest(traffic)
        self.pass_time(0)
        self.pass_time(SETTLED_S)
        assert not (self.topics and self.engine.space.young)

    def _refuse(self, message: Message, why: Rejected) -> None:
        self.refused.append((message.topic, why.reason))

    def pass_time(self, seconds: float) -> None:
        """Let the engine know that it is so many seconds after the recording."""
        self.engine.tick(RECEIVED_NS + int(seconds * SECOND), seconds, lambda: 0.0)

    # --- elements ----------------------------------------------------------------------------------------------------

    @property
    def topics(self) -> set[str]:
        """Topics of all elements."""
        return set(self.engine.space.by_topic)

    def __contains__(self, topic: str) -> bool:
        return topic in self.engine.space.by_topic

    def __getitem__(self, topic: str) -> Node:
        return self.engine.space.by_topic[topic]

    def field(self, ident: str) -> Node:
        """An element by its id: a field of a document, say."""
        return self.engine.space.nodes[ident]

    def matching(self, pattern: str) -> list[Node]:
        """All elements whose topics match; at least one."""
        found = [node for topic, node in self.engine.space.by_topic.items() if re.fullmatch(pattern, topic)]
        assert found, f"no topic is {pattern}"
        return found

    def things(self, pattern: str) -> int:
        """How many elements match, which must all be things."""
        found = self.matching(pattern)
        assert [node.topic for node in found if node.part] == []
        return len(found)

    def parts(self, pattern: str) -> int:
        """How many elements match, which must all be parts."""
        found = self.matching(pattern)
        assert [node.topic for node in found if not node.part] == []
        return len(found)

    def shown(self, topic: str) -> dict[str, Any]:
        """The element as a client gets it, with its metadata."""
        found = self.engine.browse.object(self[topic].id, metadata=True)
        assert found is not None
        return found

    # --- types -------------------------------------------------------------------------------------------------------

    def types(self, pattern: str) -> set[str]:
        """Ids of the types of all elements that match."""
        return {node.type.id for node in self.matching(pattern)}

    def names(self, pattern: str) -> set[str]:
        """Names of the types of all elements that match."""
        return {node.type.name for node in self.matching(pattern)}

    def type(self, topic: str) -> dict[str, Any]:
        """The type of an element as a client gets it."""
        found = self.engine.browse.object_type(self[topic].type.id)
        assert found is not None
        return found

    def schema(self, topic: str) -> dict[str, Any]:
        return self[topic].type.schema()

    def kind(self, topic: str) -> Any:
        """The root type of an element's schema."""
        return self.schema(topic).get("type")

    # --- values ------------------------------------------------------------------------------------------------------

    def value(self, topic: str) -> Value:
        found = self[topic].vqt(self.engine.space.zone)
        return found[0], found[1]

    def time(self, topic: str) -> int:
        return self[topic].vqt(self.engine.space.zone)[2]

    def arrived(self, topic: str) -> bool:
        """Whether the time of the value is the time of its arrival."""
        return self.time(topic) == self[topic].received_ns

    def unit(self, topic: str) -> str | None:
        """The unit of an element, which must be the one of its type."""
        assert self.schema(topic).get("unit") == self[topic].unit
        return self[topic].unit

    def attributes(self, topic: str) -> dict[str, Any]:
        return dict(self[topic].attributes or {})

    def heard(self, topic: str) -> list[Value]:
        """Every value that became the current one, in order."""
        return [(c.value, c.quality) for c in self.changes if c.node.topic == topic and not c.late]

    def heard_at(self, topic: str) -> list[tuple[Any, int]]:
        """Every value that became the current one, with its time."""
        return [(c.value, c.time_ns) for c in self.changes if c.node.topic == topic and not c.late]

    def late(self, topic: str) -> list[tuple[Any, int]]:
        """Values with their times that went into history only."""
        return [(c.value, c.time_ns) for c in self.changes if c.node.topic == topic and c.late]

    def commands(self) -> set[str]:
        """Topics whose messages were taken for commands."""
        return {topic for topic, reason in self.refused if reason == "command"}


@cache
def settled(folder: str) -> Plant:
    """A whole recording with the default configuration; made once."""
    return Plant(folder)


def ruled(folder: str, *topics: str, **said: Any) -> Plant:
    """A whole recording with a rule for some topics."""
    return Plant(folder, rules=[Rule(topics, said)])
