"""What every reading promises to the rooms above, as assertions."""

import json

from bridge.uns import BAD, NO_DATA, Reading
from bridge.uns.payload import encodable, structure


def assert_sound(reading: Reading) -> None:
    """Null exactly where the quality says so, strict JSON of plain kinds, and a shape that is the value's structure."""
    assert (reading.value is None) is (reading.quality in (BAD, NO_DATA))
    assert reading.shape == structure(reading.value)
    hash(reading.shape)
    for part in (reading.value, reading.attributes):
        assert encodable(part)
        assert_plain(part)
    assert reading.unit is None or reading.unit != ""
    assert type(reading.description) in (str, type(None))
    assert reading.time_ns is None or type(reading.time_ns) is int


def assert_plain(value: object) -> None:
    """Strict JSON of plain kinds: no subclass, no non-finite number anywhere."""
    json.dumps(value, allow_nan=False)
    waiting = [value]
    while waiting:
        part = waiting.pop()
        assert type(part) in (type(None), bool, int, float, str, list, dict)
        waiting += part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
