"""The kinds of machine in the simulated plant: invented vendors and numbers, the conventions of the field."""

from collections.abc import Iterator
from random import Random
from typing import ClassVar

from bridge.sources.plant_machines import Machine, Point, Producer, notice
from bridge.sources.plant_signals import (
    Counter,
    Drift,
    Phases,
    bare,
    cut_short,
    enveloped,
    frame,
    instant,
    not_a_number,
    short,
    stamped,
)
from bridge.uns import Json

PRODUCTS = ("Cola Classic", "Cola Zero", "Orange Soda", "Ginger Ale", "Iced Tea Lemon")


class Vat(Machine):
    """A heated vat that fills, heats, holds, drains and is cleaned; envelopes with units."""

    vendor, model = "Kesselbau Nord", "HT 5000"
    cycle: ClassVar = (
        ("Filling", 150),
        ("Heating", 200),
        ("Holding", 300),
        ("Draining", 120),
        ("Cleaning", 90),
    )
    targets: ClassVar = {
        "Filling": 18.0,
        "Heating": 78.0,
        "Holding": 78.0,
        "Draining": 55.0,
        "Cleaning": 65.0,
    }  # °C
    flows: ClassVar = {"Filling": 0.6, "Draining": -0.75}  # % of the volume a second

    def __init__(self, topic: str, random: Random, number: int) -> None:
        self.phases = Phases(random, self.cycle, index=random.randrange(len(self.cycle)))
        self.temperature = Drift(random, self.targets[self.phases.name], 0.05, tau=90.0)
        self.pressure = Drift(random, 1.6, 0.01, tau=30.0, low=0.0)
        self.ph = Drift(random, 4.1, 0.004, tau=300.0, low=0.0, high=14.0)
        self.jacket = Drift(random, 20.0, 0.08, tau=40.0)
        self.agitator = Drift(random, 0.0, 0.4, tau=10.0, low=0.0)
        self.level = 50.0
        self.batch = 4_000 + 100 * number
        super().__init__(topic, random, number)

    def parts(self) -> Iterator[Point]:
        random = self.random
        yield Point("process/temperature", self.temperature.read, enveloped(random, "°C"))
        yield Point("process/pressure", lambda: self.pressure.read(3), enveloped(random, "bar"))
        yield Point("process/level", lambda: round(self.level, 1), enveloped(random, "%"))
        yield Point("process/ph", self.ph.read, every=2.0)
        yield Point("process/agitator_speed", lambda: self.agitator.read(1), every=0.5)
        yield Point("jacket/temperature", self.jacket.read, enveloped(random, "°C"))
        yield Point("jacket/valve", lambda: round(100.0 * self._heating()), enveloped(random, "%"))
        yield notice("process/phase", lambda: self.phases.name)
        yield notice("process/inlet_open", lambda: self.phases.name == "Filling")
        yield notice("batch", self._batch)

    def run(self, seconds: float) -> None:
        if self.phases.advance(seconds, self.now) and self.phases.name == "Filling":
            self.batch += 1
        self.temperature.target = self.targets[self.phases.name]
        self.jacket.target = 20.0 + 75.0 * self._heating()
        self.agitator.target = 90.0 if self.phases.name in ("Heating", "Holding") else 0.0
        self.level = min(max(self.level + self.flows.get(self.phases.name, 0.0) * seconds, 2.0), 98.0)
        for signal in (self.temperature, self.pressure, self.ph, self.jacket, self.agitator):
            signal.advance(seconds)

    def _heating(self) -> float:
        """How far the steam valve is open, 0 to 1: a proportional controller."""
        return min(max((self.temperature.target - self.temperature.value) / 10.0, 0.0), 1.0)

    def _batch(self) -> Json:
        syrup = 380 + self.batch % 7 * 10
        return {
            "batch_id": f"B{self.batch}",
            "recipe": PRODUCTS[self.batch % len(PRODUCTS)],
            "ingredients": [{"name": "water", "litres": 4_500 - syrup}, {"name": "syrup", "litres": syrup}],
        }


class Mixer(Machine):
    """A mixer whose gateway writes bare scalars; its temperature probe sometimes says NaN."""

    vendor, model = "Rotaflux", "MX 22"

    def __init__(self, topic: str, random: Random, number: int) -> None:
        self.phases = Phases(random, (("running", 260.0), ("stopped", 60.0)))
        self.speed = Drift(random, 1_450.0, 2.0, tau=8.0, low=0.0)
        self.temperature = Drift(random, 61.0, 0.05, tau=240.0)
        self.vibration = Drift(random, 1.8, 0.05, tau=20.0, low=0.05)
        self.cycles = Counter(random.randrange(20_000, 900_000))
        super().__init__(topic, random, number)

    def parts(self) -> Iterator[Point]:
        yield Point("motor/speed", lambda: self.speed.read(0))
        yield Point("motor/torque", lambda: round(0.031 * self.speed.value + 2.0, 2))
        yield Point("motor/current", lambda: round(0.012 * self.speed.value + 1.1, 2))
        yield Point("motor/temperature", self.temperature.read, not_a_number(self.random, 0.02))
        yield Point("vibration/rms", lambda: self.vibration.read(3), every=0.5)
        yield Point("vibration/spectrum", self._spectrum, every=5.0)
        yield Point("cycles", lambda: self.cycles.value, every=10.0)
        yield notice("running", lambda: self.phases.name == "running")

    def run(self, seconds: float) -> None:
        if self.phases.advance(seconds, self.now) and self.phases.name == "running":
            self.cycles.advance(1.0, 1.0)
        running = self.phases.name == "running"
        self.speed.target, self.temperature.target = (1_450.0, 61.0) if running else (0.0, 24.0)
        self.vibration.target = 1.8 if running else 0.1
        for signal in (self.speed, self.temperature, self.vibration):
            signal.advance(seconds)

    def _spectrum(self) -> list[float]:
        return [round(self.vibration.value / (band + 1) * self.random.uniform(0.8, 1.2), 4) for band in range(8)]


class Filler(Producer):
    """A bottle filler."""

    vendor, model, nominal = "Abfüll Union", "FX 12", 240.0

    def __init__(self, topic: str, random: Random, number: int) -> None:
        self.weight = Drift(random, 502.0, 0.3, tau=5.0)
        self.bowl = Drift(random, 71.0, 0.2, tau=40.0, low=0.0, high=100.0)
        super().__init__(topic, random, number)

    def parts(self) -> Iterator[Point]:
        yield from super().parts()
        yield Point("fill/weight", self.weight.read, enveloped(self.random, "g"))
        yield Point("fill/bowl_level", lambda: self.bowl.read(1), short)
        yield Point("fill/nozzles", self._nozzles, every=5.0)

    def run(self, seconds: float) -> None:
        super().run(seconds)
        self.weight.advance(seconds)
        self.bowl.advance(seconds)

    def _nozzles(self) -> list[float]:
        return [round(self.weight.value + self.random.gauss(0.0, 0.4), 2) for _ in range(12)]


class Labeler(Producer):
    """A labeler that uses up its film."""

    vendor, model, nominal = "Etikett & Söhne", "LB 7", 240.0
    reel = 1_200.0  # m of film on a full reel

    def __init__(self, topic: str, random: Random, number: int) -> None:
        self.film = self.reel * random.random()
        self.glue = Drift(random, 152.0, 0.15, tau=120.0)
        self.lot = 2_200 + number
        super().__init__(topic, random, number)

    def parts(self) -> Iterator[Point]:
        yield from super().parts()
        yield Point("film/remaining", lambda: round(self.film, 1), enveloped(self.random, "m"))
        yield Point("glue/temperature", lambda: self.glue.read(1), short)
        yield notice("label/lot", lambda: f"L-{self.lot:05d}")

    def run(self, seconds: float) -> None:
        super().run(seconds)
        self.glue.advance(seconds)
        self.film -= self.speed.value / 60.0 * 0.18 * seconds  # 18 cm a label
        if self.film <= 0.0:
            self.film, self.lot = self.reel, self.lot + 1


class Palletizer(Producer):
    """A palletizer: an arm with a position, pallets with layers."""

    vendor, model, nominal = "Stapelwerk", "PZ 400", 10.0
    cases, layers = 12, 6  # cases a layer, layers a pallet

    def __init__(self, topic: str, random: Random, number: int) -> None:
        self.axes = {axis: Drift(random, 500.0, 120.0, tau=2.0, low=0.0, high=1_200.0) for axis in "xyz"}
        super().__init__(topic, random, number)

    def parts(self) -> Iterator[Point]:
        yield from super().parts()
        yield Point("arm/position", lambda: {axis: drift.read(1) for axis, drift in self.axes.items()}, stamped)
        yield notice("pallet/layer", lambda: self.good.value // self.cases % self.layers + 1)
        yield notice("pallet/id", lambda: f"PAL-{self.good.value // (self.cases * self.layers):08d}")

    def run(self, seconds: float) -> None:
        super().run(seconds)
        for drift in self.axes.values():
            drift.advance(seconds)


class Cnc(Producer):
    """A milling machine that tells its motion twice a second, over a radio link that drops now and then."""

    vendor, model, nominal = "Zerspanwerk Süd", "VM 650", 2.0
    online_for = 400.0

    def __init__(self, topic: str, random: Random, number: int) -> None:
        self.spindle = Drift(random, 8_000.0, 15.0, tau=4.0, low=0.0)
        self.load = Drift(random, 42.0, 2.0, tau=6.0, low=0.0, high=120.0)
        self.axes = {axis: Drift(random, 0.0, 40.0, tau=3.0, low=-325.0, high=325.0) for axis in "xyz"}
        super().__init__(topic, random, number)

    def parts(self) -> Iterator[Point]:
        yield from super().parts()
        yield Point("motion", self._motion, stamped, every=0.5)
        yield Point("axis_load", self._axis_load)
        yield notice("program", lambda: f"O{1_000 + self.good.value // 25 % 40}.nc")
        yield notice("tool", self._tool)

    def run(self, seconds: float) -> None:
        super().run(seconds)
        running = self.phases.name == "Execute"
        self.spindle.target, self.load.target = (8_000.0, 42.0) if running else (0.0, 0.0)
        for drift in (self.spindle, self.load, *self.axes.values()):
            drift.advance(seconds)

    def _motion(self) -> Json:
        return {
            "spindle": {"speed": self.spindle.read(0), "load": self.load.read(1)},
            "position": {axis: drift.read(3) for axis, drift in self.axes.items()},
            "coolant": self.phases.name == "Execute",
            "collision": False,
        }

    def _axis_load(self) -> list[float]:
        return [round(self.load.value * share, 1) for share in (0.35, 0.3, 0.5)]

    def _tool(self) -> Json:
        used = self.good.value % 200
        return {"number": self.good.value // 200 % 24 + 1, "name": "end mill 10 mm", "worn": used > 150}


class Meter(Machine):
    """A power meter: three phases, energy, and a pulse counter beyond what a double can hold exactly."""

    vendor, model = "Ampère Instruments", "PM 3"
    pulses_per_kwh = 10_000

    def __init__(self, topic: str, random: Random, number: int) -> None:
        self.power = Drift(random, 140.0 + 60.0 * (number % 3), 3.0, tau=120.0, low=1.0)
        self.volts = [Drift(random, 230.0, 0.3, tau=60.0) for _ in range(3)]
        self.factor = Drift(random, 0.93, 0.003, tau=60.0, low=0.5, high=1.0)
        self.pulses = Counter(2**53 + random.randrange(1, 10**12) * 2 + 1)
        self.energy = float(random.randrange(100_000, 900_000))
        super().__init__(topic, random, number)

    def parts(self) -> Iterator[Point]:
        yield Point("power", lambda: self.power.read(1), enveloped(self.random, "kW"))
        yield Point("energy", lambda: round(self.energy, 3), enveloped(self.random, "kWh"), every=5.0, retain=True)
        yield Point("voltage", lambda: [volt.read(1) for volt in self.volts])
        yield Point("current", self._current)
        yield Point("power_factor", lambda: self.factor.read(3), every=2.0)
        yield Point("pulses", lambda: self.pulses.value)

    def run(self, seconds: float) -> None:
        for drift in (self.power, self.factor, *self.volts):
            drift.advance(seconds)
        used = self.power.value * seconds / 3_600.0
        self.energy += used
        self.pulses.advance(used, self.pulses_per_kwh)

    def _current(self) -> list[float]:
        share = self.power.value * 1_000.0 / 3.0 / self.factor.value
        return [round(share / volt.value, 2) for volt in self.volts]


class Climate(Machine):
    """A battery-powered climate sensor of an area: one document now and then."""

    vendor, model = "Luftikus", "TH 1"

    def __init__(self, topic: str, random: Random, number: int) -> None:
        self.temperature = Drift(random, 21.5, 0.02, tau=900.0)
        self.humidity = Drift(random, 46.0, 0.1, tau=900.0, low=0.0, high=100.0)
        self.battery = 100.0 - random.random() * 60.0
        super().__init__(topic, random, number)

    def parts(self) -> Iterator[Point]:
        yield Point("air", self._air, stamped, every=10.0, retain=True)

    def run(self, seconds: float) -> None:
        self.temperature.advance(seconds)
        self.humidity.advance(seconds)
        self.battery = max(self.battery - seconds * 1e-5, 0.0)

    def _air(self) -> Json:
        return {
            "temperature": self.temperature.read(1),
            "humidity": self.humidity.read(0),
            "battery": round(self.battery),
        }


class Scale(Machine):
    """An old floor scale: payloads that end in the middle, undecoded frames, a plug that falls out."""

    vendor, model = "Waagen Huber", "FS 87"
    online_for, offline_for = 50.0, 8.0

    def __init__(self, topic: str, random: Random, number: int) -> None:
        self.weight = Drift(random, 612.0, 4.0, tau=30.0, low=0.0)
        super().__init__(topic, random, number)

    def parts(self) -> Iterator[Point]:
        yield Point("weight", lambda: self.weight.read(1), cut_short(self.random, 0.08, enveloped(self.random, "kg")))
        yield Point("frame", self.weight.read, frame, every=10.0)

    def run(self, seconds: float) -> None:
        self.weight.advance(seconds)


class Orders(Machine):
    """The order desk of a line: which order runs, what it asks for, how far it is."""

    vendor, model = "Planwerk", "MES 9"

    def __init__(self, topic: str, random: Random, number: int, *, counts: Counter) -> None:
        self.counts, self.start = counts, counts.value
        self.order, self.quantity, self.released = 70_000 + 1_000 * number, 6_000, 0.0
        super().__init__(topic, random, number)

    def parts(self) -> Iterator[Point]:
        yield notice("order", self._order)
        yield Point("produced", lambda: self.counts.value - self.start, bare, every=5.0, qos=1)
        yield notice("shift", lambda: ("night", "early", "late")[int(self.now // 28_800) % 3])

    def run(self, seconds: float) -> None:  # noqa: ARG002 (its progress is the filler's)
        self.released = self.released or self.now
        if self.counts.value - self.start >= self.quantity:
            self.order, self.start, self.released = self.order + 1, self.counts.value, self.now

    def _order(self) -> Json:
        return {
            "order_id": f"PO-{self.order}",
            "product": PRODUCTS[self.order % len(PRODUCTS)],
            "quantity": self.quantity,
            "priority": self.order % 3 + 1,
            "released_at": instant(self.released),
            "due_at": instant(self.released + 7_200.0),
        }
