"""A machine of the simulated plant: points that are due now and then, and how they become publications."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import ClassVar, NamedTuple

from bridge.sources.plant_signals import Counter, Drift, Phases, Writer, bare, instant, stamped
from bridge.uns import Json

ON_CHANGE = 0.0  # as a period: looked at in every step, published when the value is another one


class Publication(NamedTuple):
    """One MQTT publication to make."""

    topic: str
    payload: bytes
    retain: bool = False
    qos: int = 0


@dataclass
class Point:
    """One topic below a machine: what it reads, how that is written, and every how many seconds."""

    name: str
    read: Callable[[], Json]
    write: Writer = bare
    every: float = 1.0
    retain: bool = False
    qos: int = 0
    due: float = 0.0
    last: Json = None

    def start(self, now: float, random: Random) -> None:
        """Spreads the first publications over one period: a real plant has no common beat."""
        self.due = now + random.random() * self.every

    def wanted(self, now: float, speed: float) -> bool:
        """Whether to publish now; notes that it was done."""
        if self.every == ON_CHANGE:
            before, self.last = self.last, self.read()
            return bool(self.last != before)
        if now < self.due:
            return False
        period = self.every / speed
        self.due = self.due + period if now < self.due + period else now + period  # a late step is not made up for
        return True


def notice(name: str, read: Callable[[], Json], write: Writer = bare) -> Point:
    """A point that tells a change once: retained, so that late subscribers know, and with QoS 1."""
    return Point(name, read, write, every=ON_CHANGE, retain=True, qos=1)


class Machine:
    """Something with a name plate and an online/offline status; kinds add points and `run`."""

    vendor: ClassVar[str]
    model: ClassVar[str]
    online_for: ClassVar[float] = 14_400.0  # mean seconds between two losses of its connection
    offline_for: ClassVar[float] = 15.0

    def __init__(self, topic: str, random: Random, number: int) -> None:
        self.topic, self.random = topic, random
        self.now = 0.0  # seconds since 1970 UTC, of the current step
        self.serial = f"{self.model.replace(' ', '')[:4].upper()}-{2016 + number % 9}-{10_000 + 37 * number:06d}"
        self.link = Phases(random, (("online", self.online_for), ("offline", self.offline_for)))
        self.points = list(self.parts())

    def parts(self) -> Iterator[Point]:
        """The points that this kind of machine has."""
        raise NotImplementedError

    def run(self, seconds: float) -> None:
        """The physics of `seconds` seconds."""
        raise NotImplementedError

    def begin(self, now: float) -> None:
        """Sets the clock of everything that tells a time."""
        self.now = now
        self.run(0.0)
        for point in self.points:
            point.start(now, self.random)

    def announce(self, now: float) -> Iterator[Publication]:
        """Everything retained: name plate, status, and what was last said about points that tell changes."""
        plate = {"vendor": self.vendor, "model": self.model, "serial": self.serial}
        for name, text in plate.items():
            yield Publication(f"{self.topic}/asset/{name}", text.encode(), retain=True, qos=1)
        yield self.status(self.link.name)
        for point in self.points:
            if point.retain:
                point.last = point.read()
                yield self._publication(point, now)

    def status(self, word: str) -> Publication:
        return Publication(f"{self.topic}/status", word.encode(), retain=True, qos=1)

    def step(self, seconds: float, now: float, speed: float) -> Iterator[Publication]:
        """What this machine publishes after `seconds` more seconds; an unconnected one says nothing."""
        self.now = now
        self.run(seconds)
        if self.link.advance(seconds, now):
            yield self.status(self.link.name)
        if self.link.name == "offline":
            return
        for point in self.points:
            if point.wanted(now, speed):
                yield self._publication(point, now)

    def _publication(self, point: Point, now: float) -> Publication:
        payload = point.write(point.read(), now)
        return Publication(f"{self.topic}/{point.name}", payload, point.retain, point.qos)


class Producer(Machine):
    """A machine that makes pieces: PackML-like states, counters of any size, and an OEE document."""

    nominal: ClassVar[float]  # pieces a minute
    states: ClassVar[tuple[tuple[str, float], ...]] = (
        ("Execute", 240.0),
        ("Held", 12.0),
        ("Execute", 180.0),
        ("Suspended", 20.0),
        ("Execute", 300.0),
        ("Aborted", 30.0),
    )
    codes: ClassVar[dict[str, int]] = {"Execute": 6, "Held": 11, "Suspended": 5, "Aborted": 9}

    def __init__(self, topic: str, random: Random, number: int) -> None:
        self.phases = Phases(random, self.states)
        self.speed = Drift(random, self.nominal, self.nominal * 0.01, tau=20.0, low=0.0)
        self.good = Counter(random.randrange(1_000_000, 90_000_000))
        self.rejected = Counter(random.randrange(1_000, 90_000))
        self.ran, self.stood, self.made, self.spoilt = 3_600.0, 240.0, 60.0 * self.nominal, 0.6 * self.nominal
        super().__init__(topic, random, number)

    def parts(self) -> Iterator[Point]:
        yield notice("state", self._state)
        yield Point("speed", self.speed.read, every=0.5)
        yield Point("counts/good", lambda: self.good.value, every=2.0, qos=1)
        yield Point("counts/rejected", lambda: self.rejected.value, every=5.0, qos=1)
        yield Point("oee", self._oee, stamped, every=10.0)

    def run(self, seconds: float) -> None:
        self.phases.advance(seconds, self.now)
        running = self.phases.name == "Execute"
        self.speed.target = self.nominal if running else 0.0
        self.speed.advance(seconds)
        self.ran += seconds * running
        self.stood += seconds * (not running)
        self.made += self.good.advance(seconds, self.speed.value / 60.0)
        self.spoilt += self.rejected.advance(seconds, self.speed.value / 60.0 * 0.012)

    def _state(self) -> Json:
        name = self.phases.name
        since = None if self.phases.since is None else instant(self.phases.since)
        return {"code": self.codes[name], "name": name, "since": since}

    def _oee(self) -> Json:
        availability = self.ran / (self.ran + self.stood)
        performance = min(1.0, (self.made + self.spoilt) / (self.ran / 60.0 * self.nominal))
        quality = self.made / (self.made + self.spoilt)
        factors = {"availability": availability, "performance": performance, "quality": quality}
        product = {"overall": availability * performance * quality}
        return {name: round(share, 4) for name, share in (product | factors).items()}
