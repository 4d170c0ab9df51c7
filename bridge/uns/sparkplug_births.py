"""What birth certificates declared: edge nodes, their devices, and the metrics of each.

An edge node and each of its devices is a `Scope`. A scope is *born* from its birth certificate to its death,
or to the next birth of its node. Only while it is born do its aliases mean anything; its metrics by name are
kept beyond that, so that a death covers them all and the next birth finds their times. Only `Births` adds and
removes; everything is bounded.
"""

from msgspec import Struct, field

from bridge.uns.sparkplug_tags import Tag
from bridge.uns.sparkplug_wire import TYPE_NAMES

MAX_SCOPES = 10_000  # edge nodes and devices; the largest published plants have some thousand
MAX_ALIASES = 100_000  # of one scope
MAX_HIDDEN = 100  # aliases of a scope beyond its metrics: bdSeq and the controls have them too
MAX_TAGS = 250_000  # in all, half as many as the address space has elements by default; about 1 KiB each
MAX_NAME = 1_024  # bytes of a metric's name, as long as a topic may be


class Scope(Struct):
    """An edge node or a device. `topic` is where its metrics hang; `size` counts tags, members too."""

    topic: str
    born: bool = False
    tags: dict[bytes, Tag] = field(default_factory=dict)
    aliases: dict[int, Tag] = field(default_factory=dict)
    size: int = 0


class Node(Struct):
    """An edge node's session: whose death counts (`bd_seq`), the last `seq`, its clock beside ours."""

    own: Scope
    devices: dict[str, Scope] = field(default_factory=dict)
    bd_seq: int | None = None
    seq: int | None = None
    clock_ns: int = 0  # the time of its last payload, ns since 1970 UTC; 0: it tells none
    heard_ns: int = 0  # when we received that payload

    def died_at(self, said_ns: int | None, received_ns: int) -> int | None:
        """When the node died, on its own clock; None if it tells no time.

        A death certificate is a last will, written when the node connected, so its time is usually older than
        the data that followed and would make the death older than the values it ends.
        """
        if not self.clock_ns:
            return None
        if said_ns is not None and said_ns >= self.clock_ns:
            return said_ns
        return self.clock_ns + max(0, received_ns - self.heard_ns)


class Births:
    """All that is known. A method that would exceed a limit gives None (or False) and changes nothing."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[str, str], Node] = {}
        self._scopes = 0
        self._tags = 0

    def node(self, group: str, name: str) -> Node | None:
        return self._nodes.get((group, name))

    def make_node(self, group: str, name: str) -> Node | None:
        node = self._nodes.get((group, name))
        if node is None and self._scopes < MAX_SCOPES:
            self._scopes += 1
            node = self._nodes[group, name] = Node(Scope(f"spBv1.0/{group}/{name}"))
        return node

    def make_device(self, node: Node, name: str) -> Scope | None:
        scope = node.devices.get(name)
        if scope is None and self._scopes < MAX_SCOPES:
            self._scopes += 1
            scope = node.devices[name] = Scope(f"{node.own.topic}/{name}")
        return scope

    def begin(self, scope: Scope) -> dict[bytes, Tag]:
        """A birth: the scope starts empty. Gives the tags it had before."""
        former = scope.tags
        self._tags -= scope.size
        scope.born, scope.tags, scope.aliases, scope.size = True, {}, {}, 0
        return former

    def make_tag(self, scope: Scope, tags: dict[bytes, Tag], name: bytes, topic: str, datatype: int) -> Tag | None:
        """A new tag in `tags`: the scope's own or those of a template instance in it."""
        if self._tags >= MAX_TAGS or len(name) > MAX_NAME:
            return None
        self._tags += 1
        scope.size += 1
        known = TYPE_NAMES.get(datatype)
        tag = tags[name] = Tag(topic, datatype, {"dataType": known} if known else {})
        return tag

    def set_alias(self, scope: Scope, alias: int, tag: Tag) -> bool:
        """Whether there was room for it."""
        if len(scope.aliases) >= min(MAX_ALIASES, scope.size + MAX_HIDDEN):
            return False
        scope.aliases[alias] = tag
        return True

    def end(self, scope: Scope) -> None:
        """A death, or the node's next birth: until its own next birth the scope's aliases mean nothing."""
        scope.born = False
        scope.aliases = {}
