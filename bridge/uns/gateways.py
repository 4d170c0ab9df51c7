"""The batches of gateways and connectors, vendor by vendor; `batches` has the table."""

from collections.abc import Mapping

from bridge.uns import coercion, databus
from bridge.uns.items import Context, Item, Profile, Table, name_of, objects, without
from bridge.uns.message import Json


def _is_kepware(content: Mapping[str, Json]) -> bool:
    return type(content.get("values")) is list and content.keys() == {"timestamp", "values"}


def _is_kepware_row(content: Mapping[str, Json]) -> bool:
    return {"tagname", "timestamp", "value"} <= content.keys() <= {"tagname", "timestamp", "value", "quality"}


def _is_databus(content: Mapping[str, Json]) -> bool:
    listed = any(type(content.get(key)) is list for key in ("vals", "records", "connections"))
    return "seq" in content and (listed or {"val", "qc"} <= content.keys())


def _split_databus(document: Json, context: Context) -> list[Item] | None:
    """Metadata are remembered and read like any document, so that they can be browsed."""
    if not isinstance(document, dict):
        return None
    if "connections" in document:
        context.types.learn(document)
        return None
    if "val" in document:
        return [Item(None, document["val"], document.get("ts"), databus.quality(document.get("qc")))]
    bulks = objects(document.get("records")) or [document]
    rows = [(row, row.get("ts", bulk.get("ts"))) for bulk in bulks for row in objects(bulk.get("vals"))]
    return [_databus_item(row, time, context) for row, time in rows] if rows and "id" in rows[0][0] else None


def _databus_item(row: Mapping[str, Json], time: Json, context: Context) -> Item:
    ident, value = name_of(row.get("id")), row.get("val")
    data_type = context.types.of(context.topic, ident)
    if isinstance(value, str) and not databus.is_text(data_type):
        value = coercion.scalar(value, ("numbers",))
    attributes = {"dataType": data_type} if data_type else None
    return Item(ident, value, time, databus.quality(row.get("qc")), attributes=attributes)


def _is_iih(content: Mapping[str, Json]) -> bool:
    inside = content.get("datapoints")
    return isinstance(inside, dict | list)


def _split_iih(document: Json, _: Context) -> list[Item] | None:
    """Measurements may be quoted; in order of their times, so that the latest is the current one."""
    inside = document.get("datapoints") if isinstance(document, dict) else None
    samples = [inside] if isinstance(inside, dict) else objects(inside)
    if not samples or not all("Measurement" in sample and "Time" in sample for sample in samples):
        return None
    around = without(document, "datapoints") or {}
    return [_iih_item(sample, around) for sample in sorted(samples, key=lambda sample: str(sample["Time"]))]


def _iih_item(sample: Mapping[str, Json], around: Mapping[str, Json]) -> Item:
    value = sample["Measurement"]
    counted = coercion.scalar(value, ("numbers",)) if isinstance(value, str) else value
    rest = without(sample, "Measurement", "Time", "Quality_Code", "Unit") or {}
    return Item(
        None, counted, sample["Time"], sample.get("Quality_Code"), sample.get("Unit"), {**around, **rest} or None
    )


def _is_factory(content: Mapping[str, Json]) -> bool:
    return type(content.get("batch")) is list and {"timestamp", "value"} <= content.keys()


def _split_factory(document: Json, _: Context) -> list[Item] | None:
    samples = objects(document.get("batch")) if isinstance(document, dict) else []
    if not all({"timestamp", "value"} <= box.keys() for box in (document, *samples)) or not samples:
        return None
    rest = without(document, "timestamp", "value", "quality", "unit", "batch")
    return [
        Item(None, document["value"], document["timestamp"], document.get("quality"), document.get("unit"), rest),
        *(Item(None, one["value"], one["timestamp"], one.get("quality"), historical=True) for one in samples),
    ]


def _is_apis(content: Mapping[str, Json]) -> bool:
    return "messagetype" in content and type(content.get("payload")) is list


def _is_apis_row(content: Mapping[str, Json]) -> bool:
    return {"k", "v"} < content.keys() <= {"k", "v", "t", "q"}


def _split_apis_tags(document: Json, _: Context) -> list[Item] | None:
    """`t` and `q` hold for all tags, which are the other keys."""
    if not isinstance(document, dict) or "t" not in document:
        return None
    tags = without(document, "messagetype", "version", "t", "q") or {}
    return [Item(name_of(tag), value, document["t"], document.get("q")) for tag, value in tags.items()]


PROFILES: tuple[Profile, ...] = (
    Profile("kepware", _is_kepware, Table("id", "v", "t", "q", at="values", dotted=True).split),
    Profile(
        "kepware", _is_kepware_row, Table("tagname", "value", "timestamp", "quality", dotted=True).split, rows=True
    ),
    Profile("databus", _is_databus, _split_databus),
    Profile(
        "optix",
        lambda content: type(content.get("Records")) is list and "Timestamp" in content,
        Table("TagName", "Value", "Timestamp", "Quality", at="Records").split,
    ),
    Profile("iih", _is_iih, _split_iih),
    Profile("factory+", _is_factory, _split_factory),
    Profile("apis", _is_apis, Table("k", "v", "t", "q", at="payload").split, "ua"),
    Profile("apis", _is_apis_row, Table("k", "v", "t", "q").split, "ua", rows=True),
    Profile("apis", lambda content: "t" in content, _split_apis_tags, "ua", by_itself=False),
)
