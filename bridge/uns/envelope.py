"""Finding value, time, quality and unit in a JSON object (inference.md section B).

A `Plan` says which key plays which part. Nearly always it follows from the names of the keys and the kinds of their
values, their *signature*, so it is found once for each signature and then looked up. Two things are not in the
signature, and a plan that hangs on one of them says so: whether a name that may be a time (`t`, also a temperature)
holds an instant, which is decided once for each topic; and whether the value is an envelope of its own.

An object is a *leaf* if one key is its value and nothing else in it could be a value, too: all other keys are known,
or it has a time and a quality or unit, like a tag of some historian; then unknown keys are attributes. A policy can
declare which key plays a part (`Terms`): an object with a declared value key is a leaf, whatever else it holds.
"""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Literal, TypeAlias

from msgspec import Struct

from bridge.uns import hints, items, moments
from bridge.uns.message import Json
from bridge.uns.policy import QualityProfile

Signature: TypeAlias = tuple[str | type, ...]  # keys, then kinds

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
    }
    | {"model", "path", "servertimestamp", "receivedat", "sourcepicoseconds", "serverpicoseconds"}
    | {"questionable", "substituted", "annotated"}  # of the PI Web API
)
NEST_KEYS = ("datapoint", "datapoints")

_WEAK_VALUE = "v"  # also a voltage: a value only beside a time or a quality, and with nothing unknown
_SURE_TIMES = frozenset(
    {"timestamp", "timestampms", "datetime", "sourcetimestamp", "tst"}
)  # even if one does not parse
_LAST_CHANGE = "lc"  # the second time of the mqtt-smarthome convention, whose further keys are the adapter's own
_MORE_TIMES = _SURE_TIMES | {"ts", _LAST_CHANGE}  # beside the one that counts
_PARTS = frozenset({*VALUE_KEYS, *TIME_KEYS, *QUALITY_KEYS, *UNIT_KEYS, *NEST_KEYS})

_DECLARED = ("value", "timestamp", "quality", "unit")  # the names that declared keys take, by part
_RIVALS = {
    name: part
    for keys, part in zip((VALUE_KEYS, TIME_KEYS, QUALITY_KEYS, UNIT_KEYS), _DECLARED, strict=True)
    for name in keys
}

_TIME_KINDS = (str, int, float, type(None))
_QUALITY_KINDS: dict[str, tuple[type, ...]] = {  # `good` may also count parts, `q` be a flow
    "good": (bool,), "success": (bool,), "q": (bool, int, str, type(None)),
}  # fmt: skip
_ANY_QUALITY = (bool, int, float, str, dict, type(None))


class Plan(Struct, frozen=True):
    """Which key is what. `value` None: the whole object is the value (and `time`, if any, is also data in it)."""

    value: str | None = None
    time: str | None = None
    quality: str | None = None
    unit: str | None = None
    description: str | None = None
    doubt: str | None = None  # a boolean that makes a good value uncertain
    others: tuple[str, ...] = ()
    quality_as: QualityProfile = ""  # what its numbers mean
    time_unit: str = ""  # of its numbers; "": by magnitude
    nested: str | None = None  # the key under which an envelope may lie
    inner: str | None = None  # the only key, where an object lies under it: that may tell the time
    spare_times: tuple[str, ...] = ()  # of a whole object: tried where `time` is no instant
    flat: object = None  # of a whole object without objects and arrays in it: its structure
    hangs_on: Literal["", "time", "value"] = ""  # what the signature does not tell
    hint: hints.Keys | None = None  # keys that may tell of a type
    batch: items.Profile | None = None  # the profile that may take it apart
    rows: items.Profile | None = None  # the profile that may take an array of such objects apart


class Terms(Struct, frozen=True):
    """What is declared about the envelopes of some topics: keys by part, and the meaning of numbers."""

    value: str = ""
    time: str = ""
    quality: str = ""
    unit: str = ""
    instance: str = ""  # beside an envelope it makes no document of it
    quality_as: QualityProfile = ""
    time_unit: str = ""

    def names(self) -> dict[str, str]:
        """Declared keys, and the names that they take."""
        said = (self.value, self.time, self.quality, self.unit)
        return {key: name for key, name in zip(said, _DECLARED, strict=True) if key}


PLAIN_TERMS = Terms()


def normal(key: str) -> str:
    """Key names are compared in lower case without `_` and `-`."""
    return key.lower().replace("_", "").replace("-", "")


def signature_of(content: Mapping[str, Json]) -> Signature:
    return *content, *map(type, content.values())


def plan(content: Mapping[str, Json], zone: tzinfo, *, inside: bool = False, terms: Terms = PLAIN_TERMS) -> Plan:
    """The plan for an object, judged by its names and, where a name is ambiguous, by its values.

    `inside` an envelope nothing further is looked for: there is one level of nesting.
    """
    names, is_clear = _names(content, terms)
    leaf = _leaf(names, content, zone, terms, inside=inside) if is_clear else None
    if leaf is not None and leaf.value is not None:
        return leaf
    return _whole(names, content, "" if leaf is None else leaf.hangs_on)


def _names(content: Mapping[str, Json], terms: Terms) -> tuple[dict[str, str], bool]:
    """Keys by name, and whether no two of them claim one part. What a declared key is, no other key is."""
    declared = {key: name for key, name in terms.names().items() if key in content} if terms is not PLAIN_TERMS else {}
    taken = frozenset(declared.values())
    names: dict[str, str] = {}
    is_clear = True
    for key in content:
        name = declared.get(key) or normal(key)
        if taken and key not in declared and _RIVALS.get(name) in taken:
            continue
        if names.setdefault(name, key) != key:
            is_clear = is_clear and name not in _PARTS
    return names, is_clear


def _whole(names: Mapping[str, str], content: Mapping[str, Json], hangs_on: Literal["", "time", "value"]) -> Plan:
    """The object is the value."""
    times = _times(names, content)
    kinds = tuple(map(type, content.values()))
    return Plan(
        time=times[0] if times else None,
        spare_times=times[1:],
        inner=next(iter(content)) if kinds == (dict,) else None,
        nested=next((names[n] for n in NEST_KEYS if n in names and isinstance(content[names[n]], dict | list)), None),
        flat=None if dict in kinds or list in kinds else (tuple(content), kinds),
        hangs_on=hangs_on,
    )


def _times(names: Mapping[str, str], content: Mapping[str, Json]) -> tuple[str, ...]:
    return tuple(names[n] for n in TIME_KEYS if n in names and type(content[names[n]]) in _TIME_KINDS)


def _leaf(
    names: Mapping[str, str], content: Mapping[str, Json], zone: tzinfo, terms: Terms, *, inside: bool
) -> Plan | None:
    """A leaf's plan; one without a value where the values of another object of this signature may make it a leaf."""
    values = [n for n in VALUE_KEYS if n in names]
    if len(values) != 1:
        return None
    value, is_weak = names[values[0]], values[0] == _WEAK_VALUE
    times = _times(names, content)
    is_sure = not times or (len(times) == 1 and _is_sure(times[0], terms))
    time = _time(times, content, zone, terms)
    quality = _quality(names, content)
    if is_weak and not (time or quality):
        return Plan(hangs_on="" if is_sure else "time")
    unit = next((names[n] for n in UNIT_KEYS if n in names and type(content[names[n]]) in (str, type(None))), None)
    others = tuple(key for key in content if key not in (value, time, quality, unit))
    hangs_on: Literal["", "time", "value"] = "" if is_sure else "time"
    unknown = [key for key in others if not _is_known(key, beside_time=time is not None) and key != terms.instance]
    trusted = not is_weak and (quality or unit or _LAST_CHANGE in names)
    if unknown and not (time and trusted) and value != terms.value:
        if not trusted and any(not _is_known(key, beside_time=True) for key in unknown if key not in times):
            hangs_on = ""  # nor would any time make it a leaf
        if is_weak or inside or type(content[value]) is not dict:
            return Plan(hangs_on=hangs_on)
        hangs_on = "value"
        if plan(content[value], zone, inside=True).value is None:
            return Plan(hangs_on=hangs_on)
    if quality is not None and type(content[quality]) in (float, dict):
        others = (*others, quality)  # it says more than a quality can: nothing may be lost
    return Plan(
        value=value, time=time, quality=quality, unit=unit, others=others,
        description=_key_of("description", str, names, content), doubt=_key_of("questionable", bool, names, content),
        quality_as=terms.quality_as or ("ua" if quality is not None and normal(quality) == "statuscode" else ""),
        time_unit=terms.time_unit, hangs_on=hangs_on,
    )  # fmt: skip


def _is_sure(key: str, terms: Terms) -> bool:
    return key == terms.time or normal(key) in _SURE_TIMES


def _time(times: tuple[str, ...], content: Mapping[str, Json], zone: tzinfo, terms: Terms) -> str | None:
    """The first that is a plausible instant, else the first whose name leaves no doubt."""
    parse = moments.PARSERS[terms.time_unit]
    instant = next((key for key in times if parse(content[key], zone) is not None), None)
    return instant or next((key for key in times if _is_sure(key, terms)), None)


def _quality(names: Mapping[str, str], content: Mapping[str, Json]) -> str | None:
    return next(
        (
            names[n]
            for n in QUALITY_KEYS
            if n in names and type(content[names[n]]) in _QUALITY_KINDS.get(n, _ANY_QUALITY)
        ),
        None,
    )


def _is_known(key: str, *, beside_time: bool) -> bool:
    name = normal(key)
    return name in METADATA_KEYS or key.startswith("_") or (beside_time and name in _MORE_TIMES)


def _key_of(name: str, kind: type, names: Mapping[str, str], content: Mapping[str, Json]) -> str | None:
    key = names.get(name)
    return key if key is not None and type(content[key]) is kind else None


def unwrap(value: Json) -> Json:
    """An array of one object is that object."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value
