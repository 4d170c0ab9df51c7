"""Writes of Sparkplug metrics: the command that an edge node gets, and the data with which it confirms."""

from typing import Any

import pytest
from inprocess import InProcess

from bridge.config import WriteSettings
from bridge.uns import Message
from bridge.uns.sparkplug_values import value_of
from bridge.uns.sparkplug_wire import CLASSES, DataType

NODE, DEVICE = "spBv1.0/Plant1/EN1", "spBv1.0/Plant1/EN1/Filler"
METRICS: dict[str, tuple[DataType, str, Any]] = {
    "Speed": (DataType.Int32, "int_value", 100),
    "Offset": (DataType.Int16, "int_value", 5),
    "Count": (DataType.UInt64, "long_value", 7),
    "Level": (DataType.Float, "float_value", 0.5),
    "Weight": (DataType.Double, "double_value", 1.25),
    "Running": (DataType.Boolean, "boolean_value", False),
    "Recipe": (DataType.String, "string_value", b"cola"),
    "Since": (DataType.DateTime, "long_value", 1_790_000_000_000),
    "Settings/Mode": (DataType.String, "string_value", b"auto"),
    "Blob": (DataType.Bytes, "bytes_value", b"\x00\x01"),
}
WANTED = {
    "Speed": -5, "Offset": -300, "Count": 2**63 + 1, "Level": 0.21, "Weight": 2.5, "Running": True, "Recipe": "käse",
    "Since": "2026-11-28T00:00:00.000Z", "Settings/Mode": "hand",
}  # fmt: skip


class EdgeNode:
    """Does what commands say, unless `obeys` is off; its birth gives metrics aliases, its data use them."""

    def __init__(self, bridge: InProcess) -> None:
        self.commands: list[Message] = []
        self.obeys = True
        self._seq = 1
        bridge.device = self._command
        node = CLASSES["Payload"](timestamp=bridge.now_ns // 1_000_000, seq=0)
        node.metrics.add(name=b"bdSeq", datatype=DataType.Int64, long_value=0)
        node.metrics.add(name=b"Uptime", datatype=DataType.Int64, long_value=1)
        birth = CLASSES["Payload"](timestamp=bridge.now_ns // 1_000_000, seq=1)
        for alias, (name, (kind, field, value)) in enumerate(METRICS.items(), 10):
            birth.metrics.add(name=name.encode(), alias=alias, datatype=kind, **{field: value})
        bridge.ingest(
            Message("spBv1.0/Plant1/NBIRTH/EN1", node.SerializeToString(), received_ns=bridge.now_ns),
            Message("spBv1.0/Plant1/DBIRTH/EN1/Filler", birth.SerializeToString(), received_ns=bridge.now_ns),
        )
        bridge.arrange()

    def _command(self, message: Message) -> list[Message]:
        self.commands.append(message)
        if not self.obeys:
            return []
        asked = CLASSES["Payload"].FromString(message.payload)
        self._seq += 1
        told = CLASSES["Payload"](timestamp=asked.timestamp, seq=self._seq)
        metric = asked.metrics[0]
        of_device = message.topic.startswith("spBv1.0/Plant1/DCMD/")
        field = metric.WhichOneof("value")
        named = {"alias": metric.alias} if of_device else {"name": metric.name}
        told.metrics.add(datatype=metric.datatype, **named, **{field: getattr(metric, field)})
        topic = "spBv1.0/Plant1/DDATA/EN1/Filler" if of_device else "spBv1.0/Plant1/NDATA/EN1"
        return [Message(topic, told.SerializeToString())]


@pytest.fixture
def bridge() -> InProcess:
    return InProcess(writes=WriteSettings(enabled=True, allow=("#",), echo_timeout=0.1))


def put(bridge: InProcess, ident: str, value: Any) -> tuple[int, str]:
    (item,) = bridge.put("/objects/value", updates=[{"elementId": ident, "value": {"value": value}}])["results"]
    return (0, "") if item["success"] else (item["responseDetail"]["status"], item["responseDetail"]["detail"])


def current(bridge: InProcess, ident: str) -> Any:
    return bridge.post("/objects/value", elementIds=[ident])["results"][0]["result"]["value"]


@pytest.mark.parametrize("name", WANTED)
def test_each_data_type(bridge, name):
    """The command calls the metric by its birth's alias, with its type; the value reads back exactly."""
    edge = EdgeNode(bridge)
    assert put(bridge, f"{DEVICE}/{name}", WANTED[name]) == (0, "")
    (command,) = edge.commands
    assert (command.topic, command.qos, command.retain) == ("spBv1.0/Plant1/DCMD/EN1/Filler", 0, False)
    (metric,) = CLASSES["Payload"].FromString(command.payload).metrics
    kind, field, _ = METRICS[name]
    called = (metric.HasField("name"), metric.alias, metric.datatype, metric.WhichOneof("value"))
    assert called == (False, 10 + list(METRICS).index(name), kind, field)
    assert value_of(metric, field, kind) == WANTED[name]
    assert current(bridge, f"{DEVICE}/{name}") == WANTED[name]


def test_a_metric_of_the_node_itself(bridge):
    """It goes to the node."""
    edge = EdgeNode(bridge)
    assert put(bridge, f"{NODE}/Uptime", 9) == (0, "")
    assert [command.topic for command in edge.commands] == ["spBv1.0/Plant1/NCMD/EN1"]


def test_all_of_a_device(bridge):
    """A device is composed of its metrics: a command for each that is named."""
    edge = EdgeNode(bridge)
    assert put(bridge, DEVICE, {"Speed": 1, "Running": True, "Recipe": None}) == (0, "")
    assert len(edge.commands) == 2


def test_an_edge_node_that_does_not_obey(bridge):
    """A command that was sent is no value: the answer says that nothing has come back."""
    edge = EdgeNode(bridge)
    edge.obeys = False
    status, detail = put(bridge, f"{DEVICE}/Speed", 1)
    assert (status, "nothing has come back" in detail) == (503, True)
    assert current(bridge, f"{DEVICE}/Speed") == 100


def test_a_value_that_it_has_already(bridge):
    """Edge nodes report by exception: nothing comes back for what does not change, and nothing has to."""
    edge = EdgeNode(bridge)
    edge.obeys = False
    assert put(bridge, f"{DEVICE}/Speed", 100) == (0, "")
    assert len(edge.commands) == 1


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        pytest.param("Offset", 70_000, 400, id="beyond the type"),
        pytest.param("Speed", "fast", 400, id="another kind"),
        pytest.param("Blob", "AAE=", 501, id="a type without commands"),
        pytest.param("Since", "yesterday", 400, id="no time"),
    ],
)
def test_what_the_type_cannot_say(bridge, name, value, status):
    """Nothing is sent that would be read as something else."""
    edge = EdgeNode(bridge)
    assert put(bridge, f"{DEVICE}/{name}", value)[0] == status
    assert edge.commands == []


def test_after_the_death_there_is_nobody_to_ask(bridge):
    """Until the next birth nobody knows what the metric is called."""
    edge = EdgeNode(bridge)
    death = CLASSES["Payload"](timestamp=bridge.now_ns // 1_000_000 + 1_000)
    bridge.ingest(Message("spBv1.0/Plant1/DDEATH/EN1/Filler", death.SerializeToString(), received_ns=bridge.now_ns))
    assert put(bridge, f"{DEVICE}/Speed", 1)[0] == 501
    assert edge.commands == []
