"""An exam for the learner: namespaces whose right model is known, and marks for what was made of them.

An `Exam` is traffic together with its truth. Things and parts are topics of branches; a role is a kind of equipment or
of aspect, with the topics that play it; a template is a kind of message, with the topics that it is published on. What
an engineer would leave open is in none of them. Kinds are judged like clusters: whole, if all topics of one kind have
one type; pure, if no topic of another kind has it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bridge.config import Settings
from bridge.engine import Engine, Options
from bridge.space import Limits
from bridge.uns import Message
from bridge.uns.moments import SECOND

START_NS = 1_800_000_000 * SECOND  # 2027-01-15; any plausible instant would do
SETTLED_NS = 60 * SECOND
ELEMENTS = 400_000  # more than any exam has
NOTHING = "nothing"  # what the model has for a topic that did not come
_SHOWN = 4  # topics of one mistake

Kinds = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Exam:
    """See the module's text. Messages are in order; all have their time of receipt."""

    name: str
    messages: tuple[Message, ...]
    things: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()
    roles: Kinds = field(default_factory=dict)
    templates: Kinds = field(default_factory=dict)


@dataclass(frozen=True)
class Mistake:
    """`what` is one of the names of marks; `kind` is the topic, role or template that it is about."""

    what: str
    kind: str
    expected: str
    got: str
    topics: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.what}: {self.kind}: expected {self.expected}, got {self.got}: {', '.join(self.topics)}"


@dataclass(frozen=True)
class Mark:
    right: int
    of: int

    def __str__(self) -> str:
        return f"{self.right}/{self.of}"


@dataclass(frozen=True)
class Marks:
    """What is right by name: things, parts, and of roles and templates those that are whole and those that are pure."""

    by_name: Mapping[str, Mark]
    mistakes: tuple[Mistake, ...]
    types: int

    def __getitem__(self, name: str) -> int:
        return self.by_name[name].right

    def missed(self, name: str) -> int:
        return self.by_name[name].of - self.by_name[name].right


class Paper:
    """What generators write an exam on."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._messages: list[Message] = []
        self._things: set[str] = set()
        self._parts: set[str] = set()
        self._roles: dict[str, set[str]] = defaultdict(set)
        self._templates: dict[str, set[str]] = defaultdict(set)

    def say(self, topic: str, payload: str, template: str = "") -> None:
        if template:
            self._templates[template].add(topic)
        received_ns = START_NS + len(self._messages)
        self._messages.append(Message(topic, payload.encode(), received_ns=received_ns))

    def thing(self, topic: str, role: str = "") -> None:
        self._things.add(topic)
        if role:
            self._roles[role].add(topic)

    def part(self, topic: str, role: str = "") -> None:
        self._parts.add(topic)
        if role:
            self._roles[role].add(topic)

    def exam(self) -> Exam:
        return Exam(
            self._name,
            tuple(self._messages),
            frozenset(self._things),
            frozenset(self._parts),
            {name: frozenset(topics) for name, topics in self._roles.items()},
            {name: frozenset(topics) for name, topics in self._templates.items()},
        )


def sit(messages: Iterable[Message]) -> Engine:
    """A settled engine with the default configuration that has seen the messages."""
    engine = Engine(Options(aspects=Settings().model.aspects, limits=Limits(elements=ELEMENTS)))
    engine.ingest(messages)
    for later_ns in (0, SETTLED_NS):
        engine.space.arrange(START_NS + later_ns)
    return engine


def mark(exam: Exam, engine: Engine) -> Marks:
    """Compare a settled model with the truth."""
    marks: dict[str, Mark] = {}
    mistakes: list[Mistake] = []
    for name, topics, is_part in (("things", exam.things, False), ("parts", exam.parts, True)):
        wrong = list(_misplaced(engine, name, topics, is_part=is_part))
        if topics:
            marks[name] = Mark(len(topics) - len(wrong), len(topics))
        mistakes += wrong
    for name, kinds in (("roles", exam.roles), ("templates", exam.templates)):
        types = {kind: Counter(_type_of(engine, topic) for topic in topics) for kind, topics in kinds.items()}
        split = list(_split(engine, f"{name} whole", kinds, types))
        merged = list(_merged(engine, f"{name} pure", kinds, types))
        if kinds:
            marks[f"{name} whole"] = Mark(len(kinds) - len(split), len(kinds))
            marks[f"{name} pure"] = Mark(len(kinds) - len(merged), len(kinds))
        mistakes += split + merged
    return Marks(marks, tuple(mistakes), len(engine.browse.object_types()))


def _misplaced(engine: Engine, name: str, topics: frozenset[str], *, is_part: bool) -> Iterator[Mistake]:
    words = ("thing", "part")
    for topic in sorted(topics):
        node = engine.space.by_topic.get(topic)
        if node is None or node.part != is_part:
            got = NOTHING if node is None else f"{words[node.part]} {_type_of(engine, topic)} ({node.why})"
            yield Mistake(name, topic, words[is_part], got, (topic,))


def _split(engine: Engine, name: str, kinds: Kinds, types: Mapping[str, Counter[str]]) -> Iterator[Mistake]:
    for kind, found in types.items():
        if len(found) > 1:
            got = ", ".join(f"{type_id} ({count})" for type_id, count in found.most_common())
            yield Mistake(name, kind, "one type", got, _examples(engine, kinds[kind]))


def _merged(engine: Engine, name: str, kinds: Kinds, types: Mapping[str, Counter[str]]) -> Iterator[Mistake]:
    users: dict[str, list[str]] = defaultdict(list)
    for kind, found in types.items():
        for type_id in found:
            users[type_id].append(kind)
    for kind, found in types.items():
        others = {other for type_id in found for other in users[type_id]} - {kind}
        if others:
            alike = frozenset().union(*(kinds[other] for other in others))
            got = f"{', '.join(found)} shared with {', '.join(sorted(others)[:_SHOWN])} ({len(others)} others)"
            topics = _examples(engine, kinds[kind])[:1] + _examples(engine, alike)
            yield Mistake(name, kind, "types of its own", got, topics)


def _examples(engine: Engine, topics: Iterable[str]) -> tuple[str, ...]:
    """One topic of each type first."""
    by_type: dict[str, str] = {}
    for topic in sorted(topics):
        by_type.setdefault(_type_of(engine, topic), topic)
    return tuple(by_type.values())[:_SHOWN]


def _type_of(engine: Engine, topic: str) -> str:
    node = engine.space.by_topic.get(topic)
    return node.type.id if node is not None else NOTHING
