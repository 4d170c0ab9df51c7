"""What the configuration says about the topics of some filters: how to read them, keep them and place them.

A `Policy` holds what is said, and its defaults where nothing is. `Policies` finds the one of a topic: all rules whose
filters cover it, later ones over earlier ones, key by key. Topics to which the same rules apply share one policy.
"""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, Literal, TypeAlias

from msgspec import Struct, structs

from bridge.uns.patterns import Patterns

Use: TypeAlias = Literal["", "value", "command", "status", "metadata", "ignore"]
QualityProfile: TypeAlias = Literal["", "da", "ua", "one-is-good", "zero-is-good"]
Coercion: TypeAlias = Literal["numbers", "booleans", "units"]


class Policy(Struct, frozen=True):
    """Empty texts and None say nothing: then what is inferred, or what holds for everything, counts."""

    # how to read
    separators: str = ""  # characters that separate levels, beside "/"
    strip: str = ""  # a prefix that is left out of the tree
    profile: str = "auto"  # of batches; see `bridge.uns.batches`
    instance: str = ""  # the payload's key (or dotted path) that names which one it is about
    value: str = ""  # keys or dotted paths of the envelope
    time: str = ""
    quality: str = ""
    unit_key: str = ""
    quality_profile: QualityProfile = ""
    time_unit: Literal["", "s", "ms", "us", "ns"] = ""
    zone: tzinfo | None = None
    coerce: frozenset[Coercion] = frozenset()
    # how to keep
    use: Use = ""
    future_tolerance: float | None = None  # seconds
    stale_after: float | None = None  # seconds; 0 never
    on_death: Literal["", "bad", "uncertain", "keep"] = ""
    merge: Literal["", "replace", "deep"] = ""
    deletion: Literal["", "keep", "remove"] = ""
    expire_after: float | None = None  # seconds; 0 never
    write_to: str = ""  # the command topic of its elements: see [writes] topic
    # how to place
    part: bool | None = None
    type: str = ""
    namespace: str = ""
    levels: tuple[str, ...] | None = None
    name: str = ""
    description: str = ""
    unit: str = ""


PLAIN = Policy()
MAX_REMEMBERED = 50_000  # topics whose policy is remembered, about 5 MB: whoever asks about one asks several times


class Rule(Struct, frozen=True):
    """Some filters and what is said about their topics: keys of `Policy`."""

    topics: Sequence[str]
    said: Mapping[str, Any]


class Policies:
    """All rules, and the policies that they add up to."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = tuple(rules)
        self._patterns = Patterns(
            (pattern, number) for number, rule in enumerate(self._rules) for pattern in rule.topics
        )
        self._known: dict[tuple[int, ...], Policy] = {(): PLAIN}
        self._of: dict[str, Policy] = {}

    def __bool__(self) -> bool:
        return bool(self._rules)

    def of(self, topic: str) -> Policy:
        """The policy of a topic, or of a prefix of topics."""
        if not self._rules:
            return PLAIN
        policy = self._of.get(topic)
        if policy is None:
            if len(self._of) >= MAX_REMEMBERED:
                self._of.clear()
            policy = self._of[topic] = self._of_rules(self._patterns.covering(topic))
        return policy

    def _of_rules(self, applies: tuple[int, ...]) -> Policy:
        policy = self._known.get(applies)
        if policy is None:
            said: dict[str, Any] = {}
            for number in applies:
                said |= self._rules[number].said
            policy = self._known[applies] = structs.replace(PLAIN, **said)
        return policy
