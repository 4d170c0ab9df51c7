"""Messages that carry several data points, or several samples of one: gateways' batches, by profile.

A profile knows one vendor's documents: `suspects` tells by key names and kinds alone, once for each signature, whether
a document may be one; `split` takes it apart, or finds that it is none and gives None: then it is read as any other.
What it gives are `Item`s; each becomes a reading on the topic `message's topic/item's path`, so the message's own
topic has no value, it is made of its parts. Unmistakable documents are recognised by themselves, the last
form of `apis` only where the configuration names it.

| Profile | Document | Path of an item |
|---|---|---|
| kepware | `{"timestamp", "values": [{id, v, q, t}]}`, `[{tagname, timestamp, value}]` | id, split at "." |
| databus | `{"seq", "vals": [{id, qc, ts, val}]}`, `{"seq", "records": [{ts, vals}]}` | id |
| optix | `{"Timestamp", "Records": [{TagName, Value}]}` | TagName |
| apis | `{"messagetype", "t", "payload": [{k, v, t, q}]}`, `[{k, v, t, q}]`, `{"t", "q", Tag1: 43}` | k; the key |
| iih | `{"datapoints": [{Measurement, Quality_Code, Time}]}`, or one object | none: samples of one data point |
| factory+ | `{"timestamp", "value", "batch": [{timestamp, value}]}` | none: further samples, for the history |
| pubsub | `{"Messages": [{"Payload": {field: {Value, SourceTimestamp, StatusCode}}}]}` | field |
| publisher | `{"NodeId", "EndpointUrl", "DisplayName", "Value": {Value, SourceTimestamp}}`, or an array | DisplayName |
| aio | `{field: {Value, SourceTimestamp}}` | field |
"""

from collections.abc import Mapping

from bridge.uns import gateways, opcua_json
from bridge.uns.items import Profile
from bridge.uns.message import Json

MAX_ITEMS = 10_000  # of one message; what is beyond is counted, not read

AUTO, NONE = "auto", "none"

_PROFILES = gateways.PROFILES + opcua_json.PROFILES


def suspect(content: Mapping[str, Json], wanted: str = AUTO, *, rows: bool = False) -> Profile | None:
    """The profile whose document an object may be (with `rows`: an array of such objects), by its signature.

    `wanted` is a profile's name, then it is tried on every document, "auto" for any that is unmistakable, or "none".
    """
    found = None
    for profile in _PROFILES:
        is_wanted = profile.by_itself if wanted == AUTO else profile.name == wanted
        if is_wanted and profile.rows is rows:
            if profile.suspects(content):
                return profile
            found = profile
    return None if wanted == AUTO else found
