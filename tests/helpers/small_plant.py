"""A small plant whose every value is known: for what a page shows of it, to the letter."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bridge.uns import Message

HALL = "acme/site1/mixing/hall1"
LINE = "acme/site1/packaging/line1"
VATS = ("vat01", "vat02", "vat03")
VAT = f"{HALL}/vat01"
TEMPERATURE = f"{VAT}/process/temperature"  # 60.0 to 65.9 in a minute of history; the last one is 65.9 °C, Good
LEVEL = f"{VAT}/process/level"  # a bare 70.5: no unit, no time of its own, so Uncertain
BAD = f"{HALL}/vat03/process/temperature"  # no value, Bad
SETPOINT = f"{VAT}/setpoints/target"  # may be written
FILLER = f"{LINE}/filler01"
STATE = f"{FILLER}/state"  # "Running"
COUNT = f"{FILLER}/count"  # larger than a double holds exactly
RECIPE = f"{FILLER}/recipe"  # a document
ALARM = f"{FILLER}/alarm"  # false
SAMPLES = f"{FILLER}/samples"  # a list
EXACT = 9_007_199_254_740_993  # 2**53 + 1
HOSTILE = "<img src=x onerror=alert(1)>"  # as a part of a topic, and as a value
HOSTILE_NOTE = f"acme/site1/lab/{HOSTILE}/note"
END = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)  # of the history
READINGS = 60  # of the first vat's temperature, a second apart
RECIPE_VALUE = {"name": "Lemonade", "speed": 12.5, "steps": {"mix": 30, "fill": True}}


def envelope(value: object, *, at: datetime = END, unit: str = "°C", quality: str = "Good") -> bytes:
    """A value with its own time, unit and quality."""
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"timestamp": stamp, "value": value, "unit": unit, "quality": quality}).encode()


def messages() -> Iterator[Message]:
    """All that the plant publishes, in order: retained; what has no time of its own comes once more, live."""
    yield from (Message(topic, payload, 1, retain=True) for topic, payload in (*_measured(), *_LIVE))
    yield from (Message(topic, payload, 1) for topic, payload in _LIVE)


_LIVE = (
    (STATE, b'"Running"'),
    (COUNT, str(EXACT).encode()),
    (RECIPE, json.dumps(RECIPE_VALUE).encode()),
    (ALARM, b"false"),
    (SAMPLES, b"[1.5, 2.5, 3.5]"),
    (HOSTILE_NOTE, json.dumps(HOSTILE).encode()),
)


def _measured() -> Iterator[tuple[str, bytes]]:
    for number, vat in enumerate(VATS):
        yield f"{HALL}/{vat}/process/temperature", envelope(60.0 + number, at=END - timedelta(minutes=5))
        yield f"{HALL}/{vat}/process/level", str(70.5 + number).encode()
        yield f"{HALL}/{vat}/setpoints/target", envelope(64.0)
    yield BAD, envelope(None, quality="Bad")
    for number in range(READINGS):
        yield TEMPERATURE, envelope(round(60 + number / 10, 1), at=END - timedelta(seconds=READINGS - 1 - number))
