"""Sparkplug B messages → readings (Sparkplug 3.0; inference.md sections A and D).

An edge node's births say what its aliases mean, its deaths end all its values; `sparkplug_births` holds that
state and tells its rules. A metric's topic is `spBv1.0/group/node[/device]/metric name`: the message type is
no level of it, and each member of a template instance is a data point of its own below the metric.

Sequence numbers are counted, never enforced: in production duplicates and gaps carry valid data. What no birth has
explained makes the births of its node wanted: `rebirths`.
"""

from collections import Counter
from collections.abc import Iterable

from bridge.uns.message import BAD, Json, Message, Reading, Rejected
from bridge.uns.sparkplug_births import Births, Node, Scope
from bridge.uns.sparkplug_commands import command
from bridge.uns.sparkplug_metrics import BD_SEQ, Arrival, MetricReader
from bridge.uns.sparkplug_rebirths import Rebirths
from bridge.uns.sparkplug_tags import Tag, instant, reading_of
from bridge.uns.sparkplug_templates import Templates
from bridge.uns.sparkplug_wire import Wire, parse

_LEVELS = {"NBIRTH": 4, "NDATA": 4, "NDEATH": 4, "NCMD": 4, "DBIRTH": 5, "DDATA": 5, "DDEATH": 5, "DCMD": 5}
_COMMANDS = frozenset({"NCMD", "DCMD"})
_COMMAND = Rejected("command", "a command is not a value")
_LIMIT = Rejected("sparkplug-limit", "too many edge nodes and devices")


class SparkplugDecoder:
    """Reads every Sparkplug message of one namespace in order of arrival. `read` never raises.

    `stats` counts what is accepted or passed over without being an error of the whole message: `state`,
    `command` and `cleared` (messages without values), `seq-gap`, `seq-duplicate`, `foreign-death`,
    `unknown-alias`, `unknown-metric`, `unreadable-value`, `metric-limit`, `alias-limit`, `template-limit`.
    """

    def __init__(self) -> None:
        self.stats: Counter[str] = Counter()
        self.rebirths = Rebirths()
        self._births = Births()
        self._metrics = MetricReader(self._births, self.stats)

    @property
    def templates(self) -> Templates:
        """Definitions of templates, and the types of their instances."""
        return self._metrics.templates

    def is_device(self, group: str, node: str, name: str) -> bool:
        """Whether a device of this name has been born at an edge node; else it is a folder of the node's metrics."""
        known = self._births.node(group, node)
        return known is not None and name in known.devices

    def command(self, topic: str, value: Json, now_ns: int) -> Message | Rejected:
        """The message that asks an edge node to set a metric."""
        return command(self._births, topic, value, now_ns)

    def read(self, message: Message) -> list[Reading] | Rejected:
        """The readings of one message: for a birth or a death one for each data point that it covers."""
        levels = message.topic.split("/")
        if levels[0] == "STATE" or (len(levels) == 3 and levels[1] == "STATE"):
            self.stats["state"] += 1
            return []
        kind = levels[2] if len(levels) > 2 else ""
        if len(levels) != _LEVELS.get(kind):
            return Rejected("sparkplug-topic", "not group/type/node[/device] of a known message type")
        if kind in _COMMANDS:
            self.stats["command"] += 1
            return _COMMAND
        if message.retain and not message.payload:
            self.stats["cleared"] += 1  # someone tidied up a retained message
            return []
        payload = parse(message.payload)
        if isinstance(payload, Rejected):
            return payload
        device = levels[4] if len(levels) == 5 else None
        time_ns, received_ns, replayed = instant(payload.timestamp), message.received_ns, message.replayed
        return self._dispatch(Arrival(kind, levels[1], levels[3], device, payload, time_ns, received_ns, replayed))

    def _dispatch(self, arrival: Arrival) -> list[Reading] | Rejected:
        match arrival.kind:
            case "NBIRTH" | "DBIRTH":
                return self._birth(arrival)
            case "NDEATH":
                return self._node_death(arrival)
            case "DDEATH":
                return self._device_death(arrival)
            case _:
                return self._data(arrival)

    def _birth(self, arrival: Arrival) -> list[Reading] | Rejected:
        node, scope = self._make(arrival)
        if node is None or scope is None:
            return _LIMIT
        if scope is node.own:  # a new session: its devices wait for their own births
            for waiting in node.devices.values():
                self._births.end(waiting)
            node.bd_seq, node.seq, node.clock_ns = _bd_seq(arrival.payload), None, 0
            self.rebirths.settle((arrival.group, arrival.node))
        self._hear(node, arrival)
        former = self._births.begin(scope)
        readings = self._metrics.read(arrival, scope, former)
        # A birth names every metric there is: one that it leaves out has no source any more.
        gone = [tag for name, tag in former.items() if name not in scope.tags]
        return readings + _ended(gone, arrival.time_ns)

    def _data(self, arrival: Arrival) -> list[Reading] | Rejected:
        payload = arrival.payload
        node = self._births.node(arrival.group, arrival.node)
        if node is not None:
            self._hear(node, arrival)
        scope = _scope(node, arrival.device)
        if scope is None:
            if not any(metric.name and metric.datatype for metric in payload.metrics):
                return self._unborn(arrival)
            _, scope = self._make(arrival)
        if scope is None:
            return _LIMIT
        readings = self._metrics.read(arrival, scope)
        if self._metrics.unexplained:
            self._want_birth(arrival)
        return readings if readings or scope.born else self._unborn(arrival)

    def _unborn(self, arrival: Arrival) -> list[Reading] | Rejected:
        """Data whose aliases no birth has explained; a message without metrics needs none."""
        if not arrival.payload.metrics:
            return []
        self._want_birth(arrival)
        return Rejected("sparkplug-unborn", f"{arrival.group}/{arrival.node}/{arrival.device or ''}".rstrip("/"))

    def _want_birth(self, arrival: Arrival) -> None:
        if not arrival.replayed:
            self.rebirths.want((arrival.group, arrival.node))

    def _node_death(self, arrival: Arrival) -> list[Reading]:
        """The last will of one session ends that session only: a later one may have begun meanwhile."""
        node = self._births.node(arrival.group, arrival.node)
        session = _bd_seq(arrival.payload)
        if node is not None and session is not None and node.bd_seq is not None and session != node.bd_seq:
            self.stats["foreign-death"] += 1
            return []
        self.rebirths.settle((arrival.group, arrival.node))
        if node is None:
            return []
        died_ns = node.died_at(arrival.time_ns, arrival.received_ns)
        readings: list[Reading] = []
        for scope in (node.own, *node.devices.values()):
            self._births.end(scope)
            readings += _ended(scope.tags.values(), died_ns)
        return readings

    def _device_death(self, arrival: Arrival) -> list[Reading]:
        node = self._births.node(arrival.group, arrival.node)
        scope = _scope(node, arrival.device)
        if node is None or scope is None:
            return []
        self._hear(node, arrival)
        self._births.end(scope)
        return _ended(scope.tags.values(), arrival.time_ns)

    def _make(self, arrival: Arrival) -> tuple[Node | None, Scope | None]:
        node = self._births.make_node(arrival.group, arrival.node)
        if node is None:
            return None, None
        device = arrival.device
        return node, node.own if device is None else self._births.make_device(node, device)

    def _hear(self, node: Node, arrival: Arrival) -> None:
        """Follow the node's sequence number (0–255, Sparkplug 3.0, 6.4.6) and its clock."""
        if arrival.payload.HasField("seq"):
            seq, last = arrival.payload.seq, node.seq
            if seq == last:
                self.stats["seq-duplicate"] += 1
            elif last is not None and seq != (last + 1) & 0xFF:
                self.stats["seq-gap"] += 1
            node.seq = seq
        if arrival.time_ns is not None:
            node.clock_ns, node.heard_ns = arrival.time_ns, arrival.received_ns


def _scope(node: Node | None, device: str | None) -> Scope | None:
    if node is None:
        return None
    return node.own if device is None else node.devices.get(device)


def _bd_seq(payload: Wire) -> int | None:
    """The session's number. Publishers disagree about its data type: any integer will do."""
    for metric in payload.metrics:
        if metric.name == BD_SEQ:
            field = metric.WhichOneof("value")
            return getattr(metric, field) if field in ("int_value", "long_value") else None
    return None


def _ended(tags: Iterable[Tag], ended_ns: int | None) -> list[Reading]:
    """Bad for every data point, never older than the value that it ends."""
    readings = []
    for tag in tags:
        for leaf in tag.leaves():
            leaf.time_ns = max(ended_ns or 0, leaf.time_ns or 0) or None
            readings.append(reading_of(leaf, None, BAD, leaf.time_ns))
    return readings
