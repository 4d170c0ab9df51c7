"""Sparkplug commands: a metric's value as a DCMD or NCMD for the edge node that owns it (Sparkplug 3.0, 6.4.21 f.).

The metric is called by the alias that its birth gave it, else by its name, with the data type of the birth. What the
type cannot say is refused: a value is written as it would be read. QoS 0 and not retained, as is demanded.
"""

from typing import Final

from bridge.uns import moments
from bridge.uns.message import Json, Message, Rejected
from bridge.uns.sparkplug_births import Births, Scope
from bridge.uns.sparkplug_tags import Tag
from bridge.uns.sparkplug_values import value_of
from bridge.uns.sparkplug_wire import CLASSES, DataType, Wire

_BITS: Final[dict[int, int]] = {
    DataType.Int8: 8, DataType.Int16: 16, DataType.Int32: 32, DataType.UInt8: 8, DataType.UInt16: 16,
    DataType.UInt32: 32,
}  # fmt: skip
_LONG = frozenset({DataType.Int64, DataType.UInt64})
_TEXTS = frozenset({DataType.String, DataType.Text, DataType.UUID})
_KNOWN = _LONG | _TEXTS | _BITS.keys() | {DataType.Boolean, DataType.Float, DataType.Double, DataType.DateTime}

UNKNOWN = Rejected("sparkplug-unborn", "no birth of its edge node has named this metric since the bridge started")
UNTOLD = Rejected("sparkplug-type", "commands with values of its data type are not built")
UNFIT = Rejected("sparkplug-value", "its data type cannot say this value")


def command(births: Births, topic: str, value: Json, now_ns: int) -> Message | Rejected:
    """The message that asks for a value; `topic` is the metric's element's."""
    _, group, name, *rest = topic.split("/")
    node = births.node(group, name)
    if node is None or not rest:
        return UNKNOWN
    scope: Scope | None = node.devices.get(rest[0])
    found = _find(scope, topic) if scope is not None else None
    where = f"spBv1.0/{group}/DCMD/{name}/{rest[0]}"
    if scope is None or found is None:
        scope, where = node.own, f"spBv1.0/{group}/NCMD/{name}"
        found = _find(scope, topic)
    if found is None:
        return UNKNOWN
    metric_name, tag = found
    alias = next((number for number, one in scope.aliases.items() if one is tag), None)
    called = {"name": metric_name} if alias is None else {"alias": alias}  # never both (6.4.7, aliases)
    payload = CLASSES["Payload"](timestamp=now_ns // 1_000_000)
    metric = payload.metrics.add(**called, timestamp=payload.timestamp, datatype=tag.datatype)
    if not _set(metric, tag.datatype, value):
        return UNFIT if tag.datatype in _KNOWN else UNTOLD
    return Message(where, payload.SerializeToString(), received_ns=now_ns)


def _find(scope: Scope, topic: str) -> tuple[bytes, Tag] | None:
    """Members of template instances are not found: a command for one would be for the whole instance."""
    found = (item for item in scope.tags.items() if item[1].topic == topic and item[1].members is None)
    return next(found, None) if scope.born else None


def _set(metric: Wire, datatype: int, value: Json) -> bool:
    """Whether the metric has the value now, as it will be read."""
    try:
        field = _assign(metric, datatype, value)
    except (ValueError, TypeError, OverflowError):  # protobuf's, of what does not fit its fields
        return False
    return field is not None and bool(value_of(metric, field, datatype) == value)


def _assign(metric: Wire, datatype: int, value: Json) -> str | None:
    match value:
        case bool():
            if datatype != DataType.Boolean:
                return None
            metric.boolean_value = value
            return "boolean_value"
        case int() if datatype in _BITS:
            metric.int_value = value & ((1 << _BITS[datatype]) - 1)
            return "int_value"
        case int() if datatype in _LONG:
            metric.long_value = value & ((1 << 64) - 1)
            return "long_value"
        case int() | float() if datatype == DataType.Float:
            metric.float_value = value
            return "float_value"
        case int() | float() if datatype == DataType.Double:
            metric.double_value = value
            return "double_value"
        case str() if datatype in _TEXTS:
            metric.string_value = value.encode()
            return "string_value"
        case str() if datatype == DataType.DateTime and (ns := moments.parse_request(value)) is not None:
            metric.long_value = ns // 1_000_000 & ((1 << 64) - 1)
            return "long_value"
    return None
