"""Traffic for property tests: few topics and names, so that they meet; every kind of payload, so that they clash."""

import json
from typing import Any

from hypothesis import strategies as st

from bridge.uns import Message
from bridge.uns.moments import SECOND

START_NS = 1_800_000_000 * SECOND  # 2027-01-15; any plausible instant would do

LEVELS = [
    "plant",
    "line1",
    "line2",
    "edge",
    "Status",
    "0",
    "1",
    "",
    " ",
    "a%b",
    'q"',
    "temperature",
    "orders",
    "x,y",
    "é",
]
KEYS = [
    "value",
    "timestamp",
    "t",
    "v",
    "q",
    "quality",
    "unit",
    "name",
    "x",
    "y",
    "a/b",
    "a~b",
    "",
    "%",
    "$ref",
    "n1",
    "n2",
]
UNITS = ["°C", "bar", "", " kg "]
TIMES_MS = [START_NS // 1_000_000 + offset for offset in (-3_600_000, -1_000, 0, 1, 1_000, 86_400_000)]

topics = st.lists(st.sampled_from(LEVELS), min_size=1, max_size=4).map("/".join).filter(bool)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from([0.5, -0.0, 2**53 + 1, 10**30, 1e300]),
    st.sampled_from(["Good", "Bad", "192", "ON", "ø", ""]),
    st.sampled_from(TIMES_MS),
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)


def _envelope(value: Any, time_ms: int | None, quality: Any, unit: str | None) -> dict[str, Any]:
    parts = {"value": value, "timestamp": time_ms, "quality": quality, "unit": unit}
    return {key: part for key, part in parts.items() if part is not None or key == "value"}


envelopes = st.builds(
    _envelope,
    documents,
    st.none() | st.sampled_from(TIMES_MS),
    st.sampled_from([None, None, "Good", "Bad", "Uncertain", 192, 64, 0, True]),
    st.none() | st.sampled_from(UNITS),
)
payloads = st.one_of(
    (documents | envelopes).map(lambda value: json.dumps(value).encode()),
    st.sampled_from(
        [b"", b"   ", b"NaN", b"1e999", b"{", b'{"value": NaN, "x": 1}', b"\xff\xfe", b"007", b"ON", b'"\\ud800"']
    ),
    st.binary(max_size=8),
)
batches = st.lists(
    st.lists(st.builds(Message, topics, payloads, retain=st.booleans(), replayed=st.booleans()), max_size=12),
    max_size=5,
)
