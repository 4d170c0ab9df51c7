"""What the simulated plant's machines are built of: signals that move plausibly, and ways of writing values.

A signal is advanced by the seconds that passed and read at any time; it knows no clock. A writer turns a
value and the time in seconds since 1970 UTC into a payload, one for each convention common in the field.
"""

import json
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from bridge.uns import Json

Writer = Callable[[Json, float], bytes]

QUALITIES = ("Good", "Uncertain", "Bad")
QUALITY_WEIGHTS = (0.994, 0.004, 0.002)  # a sensor that drifts, a wire that is loose
COUNTER_WRAP = 2**64  # counters of real controllers are unsigned 64-bit


@dataclass
class Drift:
    """A measured quantity: pulled to `target` with time constant `tau` seconds, shaken by `noise` per √s."""

    random: Random
    target: float
    noise: float
    tau: float = 60.0
    low: float = -math.inf
    high: float = math.inf
    value: float = math.nan

    def __post_init__(self) -> None:
        if math.isnan(self.value):
            self.value = self.target

    def advance(self, seconds: float) -> None:
        pull = (self.target - self.value) * -math.expm1(-seconds / self.tau)
        shake = self.random.gauss(0.0, self.noise * math.sqrt(seconds))
        self.value = min(max(self.value + pull + shake, self.low), self.high)

    def read(self, digits: int = 2) -> float:
        return round(self.value, digits)


@dataclass
class Counter:
    """A whole number that only rises, by `rate` a second on average; starts anywhere in 64 bits."""

    value: int
    fraction: float = 0.0

    def advance(self, seconds: float, rate: float) -> int:
        """How many were added."""
        whole, self.fraction = divmod(self.fraction + rate * seconds, 1.0)
        self.value = (self.value + int(whole)) % COUNTER_WRAP
        return int(whole)


@dataclass
class Phases:
    """A state that stays a while, then becomes the next: (name, mean seconds) in the order of the cycle."""

    random: Random
    cycle: Sequence[tuple[str, float]]
    index: int = 0
    left: float = field(init=False)
    since: float | None = None  # seconds since 1970 UTC

    def __post_init__(self) -> None:
        self.left = self._dwell() * self.random.random()  # machines of a kind do not march in step

    @property
    def name(self) -> str:
        return self.cycle[self.index][0]

    def advance(self, seconds: float, now: float) -> bool:
        """True when another state was entered."""
        if self.since is None:
            self.since = now
        self.left -= seconds
        if self.left > 0:
            return False
        self.index = (self.index + 1) % len(self.cycle)
        self.left, self.since = self._dwell(), now
        return True

    def _dwell(self) -> float:
        return self.cycle[self.index][1] * self.random.uniform(0.5, 1.5)


def instant(seconds: float) -> str:
    """RFC 3339 in UTC, to the millisecond: 2026-03-01T12:00:00.250Z."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=round(seconds * 1000))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def document(value: Json) -> bytes:
    """A value as JSON in UTF-8, strict: NaN raises ValueError."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def bare(value: Json, _now: float) -> bytes:
    """The value alone: text as it is, anything else as JSON."""
    return value.encode() if isinstance(value, str) else document(value)


def stamped(value: Json, now: float) -> bytes:
    """A document that carries its own time in milliseconds beside its fields."""
    return document({"timestamp_ms": round(now * 1000), **value})


def enveloped(random: Random, unit: str) -> Writer:
    """Value, ISO time, quality word and unit; the quality is sometimes not Good; Bad has no value."""

    def write(value: Json, now: float) -> bytes:
        quality = random.choices(QUALITIES, QUALITY_WEIGHTS)[0]
        kept = None if quality == "Bad" else value
        return document({"value": kept, "timestamp": instant(now), "quality": quality, "unit": unit})

    return write


def short(value: Json, now: float) -> bytes:
    """Short keys and the quality code of OPC DA, as gateways write them; 192 is Good."""
    return document({"v": value, "q": 192, "t": round(now * 1000)})


def not_a_number(random: Random, share: float) -> Writer:
    """A bare number whose sensor says NaN in `share` of its readings, as some drivers do."""

    def write(value: Json, now: float) -> bytes:
        return b"NaN" if random.random() < share else bare(value, now)

    return write


def cut_short(random: Random, share: float, whole: Writer) -> Writer:
    """What `whole` writes, but `share` of the payloads end in the middle: a buffer that is too small."""

    def write(value: Json, now: float) -> bytes:
        payload = whole(value, now)
        return payload[: random.randrange(1, len(payload))] if random.random() < share else payload

    return write


def frame(value: Json, now: float) -> bytes:
    """A fieldbus frame that nobody decoded: bytes that are no text."""
    return b"\xff\x02" + struct.pack(">fI", value, int(now)) + b"\x03\xfe"
