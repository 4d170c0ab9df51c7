"""Which reader takes the messages of a topic: decided once for each topic, by its name alone (inference.md A and H).

A reader is a function from a message to its reading, its readings, or why there is none. Most topics share the plain
decoder; Sparkplug has its own, commands are not values, and topics with a policy get a decoder that follows it.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from typing import Any, TypeAlias

from bridge.uns import vda5050
from bridge.uns.databus import is_write
from bridge.uns.decoder import Decoder, Shared
from bridge.uns.message import Hint, Json, Message, Reading, Rejected
from bridge.uns.policy import PLAIN, Policies, Policy
from bridge.uns.ruled import RuledDecoder, reading_terms
from bridge.uns.sparkplug import SparkplugDecoder
from bridge.uns.sparkplug_rebirths import Rebirths

Reader: TypeAlias = Callable[[Message], Reading | list[Reading] | Rejected]

MAX_BIRTH = 4 * 1024 * 1024  # bytes of a Sparkplug payload: without its birth, a whole edge node is unreadable
MAX_REMEMBERED = 50_000  # topics without an element of their own whose readers are remembered

# Levels that end a topic which asks for something, and levels below which everything does (inference.md H).
COMMANDS = frozenset({"set", "get", "cmd", "cmnd", "command", "request"})
COMMAND_TREES = frozenset({"command", "cmnd", "cmd"})

DEVICE_LEVEL = 4  # levels of a device's topic: spBv1.0/group/node/device

COMMAND = Rejected("command", "a command is not a value")
IGNORED = Rejected("ignored", "left out by a rule")


class Router:
    """`zone` is taken for times that name none; `max_payload` is in bytes."""

    def __init__(self, policies: Policies | None = None, zone: tzinfo = UTC, max_payload: int = 262_144) -> None:
        self.policies = policies or Policies()
        self._zone = zone
        self.max_payload = max_payload
        self._shared = Shared()
        plain = Decoder(zone, max_payload, shared=self._shared).read
        self._by_terms: dict[tuple[Any, ...], Reader] = {reading_terms(PLAIN): plain}
        self._by_policy: dict[int, Reader] = {id(PLAIN): plain}  # by identity: policies are shared and stay
        self._sparkplug = SparkplugDecoder()
        self._sparkplug_reader: Reader = self._read_sparkplug
        self._remembered: dict[str, Reader] = {}

    @property
    def sparkplug_stats(self) -> Mapping[str, int]:
        """Counters of Sparkplug's session layer: gaps, unknown aliases, foreign deaths …"""
        return self._sparkplug.stats

    @property
    def rebirths(self) -> Rebirths:
        """Sparkplug's edge nodes whose births are wanted, because their data make no sense without."""
        return self._sparkplug.rebirths

    def sparkplug_command(self, topic: str, value: Json, now_ns: int) -> Message | Rejected:
        """The message that asks an edge node to set a metric; `topic` is its element's."""
        return self._sparkplug.command(topic, value, now_ns)

    @property
    def batch_stats(self) -> Mapping[str, int]:
        """Counters of what was left out of batches."""
        return self._shared.stats

    @property
    def remembered(self) -> int:
        """Topics whose readers are remembered here, because no element keeps them."""
        return len(self._remembered)

    def read(self, message: Message) -> Reading | list[Reading] | Rejected:
        """What a message says; for topics whose reader is not kept with their element."""
        reader = self._remembered.get(message.topic)
        if reader is None:
            reader = self.reader(message.topic)
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[message.topic] = reader
        return reader(message)

    def reader(self, topic: str) -> Reader:
        """The reader of a topic."""
        policy = self.policies.of(topic)
        if policy.use == "ignore":
            return _ignored
        if policy.use == "command" or (not policy.use and is_command(topic)):
            return _command
        if is_sparkplug(topic):
            return self._sparkplug_reader
        return self._by_policy.get(id(policy)) or self._follow(policy)

    def hand_over(self, topic: str) -> Reader:
        """The reader of a topic, for its element to keep from now on."""
        return self._remembered.pop(topic, None) or self.reader(topic)

    def is_part(self, topic: str) -> bool | None:
        """What Sparkplug tells: groups, nodes and devices are things, what lies below in metric names are parts."""
        if not topic.startswith("spBv1.0/"):
            return None
        levels = topic.split("/")
        if len(levels) == DEVICE_LEVEL:
            return not self._sparkplug.is_device(levels[1], levels[2], levels[3])
        return len(levels) > DEVICE_LEVEL

    def hint(self, topic: str) -> Hint | None:
        """The type of an instance of a Sparkplug template, or of a vehicle."""
        return self._sparkplug.templates.hint(topic) or vda5050.hint(topic)

    def _follow(self, policy: Policy) -> Reader:
        """The one of all policies that read alike, the plain one where nothing is said about reading."""
        terms = reading_terms(policy)
        reader = self._by_terms.get(terms)
        if reader is None:
            reader = self._by_terms[terms] = RuledDecoder(policy, self._zone, self.max_payload, self._shared).read
        self._by_policy[id(policy)] = reader
        return reader

    def _read_sparkplug(self, message: Message) -> Reading | list[Reading] | Rejected:
        if len(message.payload) > max(self.max_payload, MAX_BIRTH):
            return Rejected("payload-size", f"{len(message.payload)} bytes")
        return self._sparkplug.read(message)


def is_sparkplug(topic: str) -> bool:
    """All below `spBv1.0` is Sparkplug's or wrong; `STATE/host` is of its version 2, deeper topics are anyone's."""
    return topic.startswith("spBv1.0/") or (topic.startswith("STATE/") and topic.count("/") == 1)


def is_command(topic: str) -> bool:
    """Whether a topic's name says that it asks for something, rather than tell a value."""
    levels = topic.lower().split("/")
    if len(levels) < 2 or is_sparkplug(topic):
        return False
    if levels[-1] in COMMANDS or not COMMAND_TREES.isdisjoint(levels[:-1]):
        return True
    return is_write(topic) or vda5050.is_command(topic)


def _ignored(_: Message) -> Rejected:
    return IGNORED


def _command(_: Message) -> Rejected:
    return COMMAND
