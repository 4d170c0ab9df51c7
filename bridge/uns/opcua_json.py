"""OPC UA's JSON encodings (OPC 10000-6 and -14) as batches: PubSub messages, OPC Publisher's samples, Azure's assets.

A field is a data value (`Value`, `SourceTimestamp`, `StatusCode` and the like), a variant (`Type`, `Body`), or the bare
value. A StatusCode is missing where it is Good; where it is Bad, the value may be missing.
"""

from collections.abc import Iterator, Mapping

from bridge.uns.items import Context, Item, Profile, name_of, objects, without
from bridge.uns.message import Json

_DATA_VALUE = frozenset(
    {"Value", "UaType", "StatusCode", "Status"}
    | {"SourceTimestamp", "SourcePicoseconds", "ServerTimestamp", "ServerPicoseconds"}
)
_AZURE_FIELD = frozenset({"Value", "SourceTimestamp", "StatusCode"})
_VARIANT = {"Type", "Body"}
_IDENTIFIERS = ("s=", "i=", "g=", "b=")  # how the identifier of a NodeId begins


def _is_pubsub(content: Mapping[str, Json]) -> bool:
    return isinstance(content.get("Messages"), list | dict) and not {"MessageId", "MessageType"}.isdisjoint(content)


def _is_dataset(content: Mapping[str, Json]) -> bool:
    """A message of one writer without the frame of a network message."""
    return type(content.get("Payload")) is dict and not {"DataSetWriterId", "DataSetWriterName"}.isdisjoint(content)


def _split_pubsub(document: Json, context: Context) -> list[Item] | None:
    """Writers of one network message are told apart by a level of their own."""
    messages = document.get("Messages", document) if isinstance(document, dict) else document
    messages = [messages] if isinstance(messages, dict) else objects(messages)
    framed = [message for message in messages if isinstance(message.get("Payload"), dict)]
    if not framed:
        return None
    several = len({str(message.get("DataSetWriterId")) for message in framed}) > 1
    return [item for message in framed for item in _fields(message, _writer(message, context.topic, several=several))]


def _writer(message: Mapping[str, Json], topic: str, *, several: bool) -> str:
    """A name is a level unless it is the topic's last, so that paths do not hang on what happens to be sent together;
    a bare number is one only where it must.
    """
    name = name_of(message.get("DataSetWriterName"))
    if name and topic.rpartition("/")[2] == name:
        return ""
    if not name and several:
        name = name_of(message.get("DataSetWriterId"))
    return f"{name}/" if name else ""


def _fields(message: Mapping[str, Json], prefix: str) -> Iterator[Item]:
    for name, field in message["Payload"].items():
        yield _item(
            prefix + name_of(name) if name_of(name) else "", field, message.get("Timestamp"), message.get("Status")
        )


def _item(path: str, field: Json, time: Json = None, status: Json = None) -> Item:
    """`time` and `status` hold for what has none of its own."""
    if not _is_data_value(field):
        return Item(path, _bare(field), time, status)
    time = field.get("SourceTimestamp") or field.get("ServerTimestamp") or time
    return Item(path, _bare(field.get("Value")), time, field.get("StatusCode", field.get("Status", status)))


def _is_data_value(field: Json) -> bool:
    return isinstance(field, dict) and field.keys() <= _DATA_VALUE and ("Value" in field or "StatusCode" in field)


def _bare(value: Json) -> Json:
    return value["Body"] if isinstance(value, dict) and value.keys() == _VARIANT else value


def _is_sample(content: Mapping[str, Json]) -> bool:
    named = "NodeId" in content and not {"EndpointUrl", "ApplicationUri"}.isdisjoint(content)
    return named and type(content.get("Value")) is dict


def _split_samples(document: Json, _: Context) -> list[Item] | None:
    samples = [document] if isinstance(document, dict) else objects(document)
    if not samples or not all("NodeId" in sample and _is_data_value(sample.get("Value")) for sample in samples):
        return None
    return [_sample(sample) for sample in samples]


def _sample(sample: Mapping[str, Json]) -> Item:
    path = name_of(sample.get("DisplayName")) or _identifier(name_of(sample["NodeId"]))
    item = _item(path, sample["Value"], sample.get("Timestamp"), sample.get("Status"))
    item.attributes = without(sample, "DisplayName", "Value")
    return item


def _identifier(node_id: str) -> str:
    """A NodeId without its namespace: `nsu=http://…;s=StepUp` is `StepUp`."""
    last = node_id.rpartition(";")[2]
    return last[2:] if last.startswith(_IDENTIFIERS) else last


def _is_azure(content: Mapping[str, Json]) -> bool:
    return bool(content) and set(map(type, content.values())) == {dict}


def _split_azure(document: Json, context: Context) -> list[Item] | None:
    """Key frames hold all fields, delta frames those that have changed: the others keep their values."""
    if not isinstance(document, dict) or not document:
        return None
    for field in document.values():
        is_unmistakable = isinstance(field, dict) and "SourceTimestamp" in field and field.keys() <= _AZURE_FIELD
        if not is_unmistakable and not (context.named and _is_data_value(field)):
            return None
    return [_item(name_of(name), field) for name, field in document.items()]


PROFILES: tuple[Profile, ...] = (
    Profile("pubsub", _is_pubsub, _split_pubsub, "ua"),
    Profile("pubsub", _is_dataset, _split_pubsub, "ua"),
    Profile("pubsub", _is_dataset, _split_pubsub, "ua", rows=True),
    Profile("publisher", _is_sample, _split_samples, "ua"),
    Profile("publisher", _is_sample, _split_samples, "ua", rows=True),
    Profile("aio", _is_azure, _split_azure, "ua"),
)
