"""What a source hands over, and what decoding makes of it."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from msgspec import Struct

Json: TypeAlias = Any  # whatever strict JSON can say: None, bool, int, finite float, str, list, dict with str keys
Quality: TypeAlias = Literal["Good", "Uncertain", "Bad", "GoodNoData"]

GOOD: Quality = "Good"
UNCERTAIN: Quality = "Uncertain"
BAD: Quality = "Bad"
NO_DATA: Quality = "GoodNoData"


class Message(Struct):
    """One MQTT publication as it arrived.

    `retain` is the flag as published (MQTT 5 *retain as published*) where the broker tells it. `replayed` is true
    when this is the broker's stored copy, sent because we subscribed: its age is unknown. `received_ns` is
    nanoseconds since 1970 UTC. `properties` holds MQTT 5 user properties (CloudEvents attributes among them).
    """

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    received_ns: int = 0
    replayed: bool = False
    properties: Mapping[str, str] | None = None


class Reading(Struct):
    """One value of one data point: the VQT that a payload says, before anything is remembered.

    `topic` is the data point's topic; for Sparkplug it is the topic that its metric path stands for. `time_ns` is
    the payload's own time (ns since 1970 UTC) or None where it has none: then the time of receipt counts.
    `value` is None exactly when `quality` is Bad or GoodNoData. `shape` is hashable and equal for payloads of the
    same structure; the address space looks at a value's structure only when its shape is new for the node.
    """

    topic: str
    value: Json
    quality: Quality
    shape: object
    time_ns: int | None = None
    unit: str | None = None
    description: str | None = None
    attributes: Mapping[str, Json] | None = None  # envelope keys beside value, time, quality and unit
    binary: bool = False  # the value is base64 of bytes that are not UTF-8
    malformed: bool = False  # looks like JSON but is not: the text itself is the value
    deleted: bool = False  # an empty retained payload: the data point's value is gone
    historical: bool = False  # belongs into history only
    transient: bool = False  # an event, not to be kept as the current value
    hint: "Hint | None" = None  # what the payload itself calls its kind
    declared: type | None = None  # without a value: the Python type that its publisher says it will have, if scalar
    raw_topic: str | None = None  # of the message, where `topic` is derived from it


class Hint(Struct, frozen=True):
    """What a payload says about its own type (inference.md F.1): a name, maybe a namespace, id at the source, version.

    `declared` are JSON Schema annotations of the whole value: `minimum`, `maximum`.
    """

    name: str = ""
    namespace: str = ""
    source_id: str = ""
    version: str = ""
    label: str = ""  # the element's own name for people
    declared: Mapping[str, Json] | None = None


class Rejected(Struct, frozen=True):
    """Why a message gave no reading. `reason` is a short fixed word that counters are labelled with."""

    reason: str
    detail: str = ""
