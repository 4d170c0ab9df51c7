"""Finding value, time, quality and unit in a JSON object (inference.md section B).

A `Plan` says which key plays which part. It depends on key names and on the kinds of values only, so it is found once
for each signature and then looked up. Keys whose name is ambiguous (`t` may be a time or a temperature) are decided by
their value, once for each topic.
"""

from collections.abc import Mapping
from datetime import tzinfo

from msgspec import Struct

from bridge.uns import moments
from bridge.uns.message import Json

Signature = tuple[tuple[str, ...], tuple[type, ...]]

VALUE_KEYS = ("value", "val", "measurement", "v")
TIME_KEYS = ("timestamp", "ts", "t", "time", "timestampms", "datetime", "sourcetimestamp", "tst")
QUALITY_KEYS = ("quality", "q", "qc", "qualitycode", "statuscode", "good", "success")
UNIT_KEYS = ("unit", "units", "uom", "engunit", "unitsofmeasure", "unitofmeasurement", "unitsabbreviation")
METADATA_KEYS = frozenset(
    {
        "name",
        "tagname",
        "id",
        "source",
        "description",
        "metadata",
        "datatype",
        "type",
        "seq",
        "version",
        "batch",
        "model",
        "path",
        "lc",
    }
    | {"servertimestamp", "receivedat", "sourcepicoseconds", "serverpicoseconds"}
)
NEST_KEYS = ("datapoint", "datapoints")
_WEAK_VALUE = "v"  # also a voltage: a value only beside a time or a quality
_SURE_TIMES = frozenset(
    {"timestamp", "timestampms", "datetime", "sourcetimestamp", "tst"}
)  # a time even when one does not parse
_SURE_KINDS = (str, int, float, type(None))


class Plan(Struct, frozen=True):
    """Which key is what. `value` None: the whole object is the value (and `time`, if any, is also data in it)."""

    value: str | None = None
    time: str | None = None
    quality: str | None = None
    unit: str | None = None
    description: str | None = None
    others: tuple[str, ...] = ()
    quality_is_ua: bool = False
    nested: str | None = None  # the key under which the envelope lies


def normal(key: str) -> str:
    """Key names are compared in lower case without `_` and `-`."""
    return key.lower().replace("_", "").replace("-", "")


def plan(content: Mapping[str, Json], zone: tzinfo) -> Plan:
    """The plan for an object, judged by its names and, where a name is ambiguous, by its values."""
    names: dict[str, str] = {}
    for key in content:
        names.setdefault(normal(key), key)
    time = _time_key(names, content, zone)
    quality = next(
        (names[n] for n in QUALITY_KEYS if n in names and not isinstance(content[names[n]], list)), None
    )
    values = [names[n] for n in VALUE_KEYS if n in names and (n != _WEAK_VALUE or time or quality)]
    if len(values) != 1 or len(names) != len(content):
        return _nested(names, content, zone) or Plan(time=time)
    return _leaf(values[0], time, quality, names, content) or Plan(time=time)


def _time_key(names: Mapping[str, str], content: Mapping[str, Json], zone: tzinfo) -> str | None:
    """The first time key whose value is a plausible instant; else a sure name, if its value could be one."""
    present = [name for name in TIME_KEYS if name in names]
    for name in present:
        if moments.parse(content[names[name]], zone) is not None:
            return names[name]
    return next(
        (names[n] for n in present if n in _SURE_TIMES and isinstance(content[names[n]], _SURE_KINDS)), None
    )


def _leaf(
    value: str, time: str | None, quality: str | None, names: Mapping[str, str], content: Mapping[str, Json]
) -> Plan | None:
    unit = next((names[n] for n in UNIT_KEYS if n in names and isinstance(content[names[n]], str)), None)
    roles = {value, time, quality, unit}
    others = tuple(key for key in content if key not in roles)
    unknown = [key for key in others if normal(key) not in METADATA_KEYS]
    if unknown and not (time and (quality or unit)) and not _wraps(content[value]):
        return None
    description = names.get("description")
    return Plan(
        value=value, time=time, quality=quality, unit=unit, others=others,
        description=description if isinstance(content.get(description or ""), str) else None,
        quality_is_ua=quality is not None and normal(quality) == "statuscode",
    )  # fmt: skip


def _wraps(value: Json) -> bool:
    """Whether a value is an envelope of its own, as in `{"Value": {"Value": 1, "SourceTimestamp": …}, …}`."""
    return (
        isinstance(value, dict)
        and sum(normal(key) in VALUE_KEYS[:3] for key in value) == 1
        and len(value) > 1
    )


def _nested(names: Mapping[str, str], content: Mapping[str, Json], zone: tzinfo) -> Plan | None:
    """One level of nesting: `{"datapoints": {…}}` or an array of one."""
    for name in NEST_KEYS:
        if name in names:
            inner = unwrap(content[names[name]])
            if isinstance(inner, dict) and plan(inner, zone).value is not None:
                return Plan(nested=names[name], others=tuple(key for key in content if key != names[name]))
    return None


def unwrap(value: Json) -> Json:
    """An array of one object is that object."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def is_ambiguous(signature: Signature) -> bool:
    """Whether the plan depends on values, not on the signature alone: a name that may be a time, an object inside."""
    found = {normal(key): kind for key, kind in zip(*signature, strict=True)}
    weak_time = any(name in found for name in TIME_KEYS if name not in _SURE_TIMES)
    inner = any(name in found for name in NEST_KEYS) or any(found.get(name) is dict for name in VALUE_KEYS)
    return weak_time or inner
