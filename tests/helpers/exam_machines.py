"""An exam of message kinds as machines and business systems publish them: `status`, of what the level before says.

Families of messages belong to one machine or one business object (`PumpStatus`, `PumpAlarm`, `PumpConfig`; `Order`,
`OrderLine`) and share a head. Machines publish below their own level, business systems either below the name of the
message or below the identity of what it is about.
"""

import json
import random
from collections.abc import Sequence

from exam import Exam, Paper
from exam_fields import Field, fields, fill, pick

_HEADS = {  # house style → fields that all messages of a machine have
    "plain": ("id", "timestamp"),
    "named": ("id", "timestamp", "name", "description"),
    "nested": ("header", "timestamp"),
}
_HEADER = (Field("message_id"), Field("sent_at"), Field("source"), Field("sequence_number", nullable=True))
_MACHINES = ("pump", "valve", "mixer", "conveyor", "robot", "oven", "chiller", "boiler", "press", "filler", "labeler",
             "palletizer", "agv", "extruder", "furnace", "dryer", "compressor", "scale", "tank", "cnc")  # fmt: skip
_KINDS = {  # last level → fields that such messages often have
    "status": ("status", "mode", "is_running", "is_faulted", "uptime_total", "active_recipe_name", "operator_name"),
    "event": ("event_code", "event_type", "severity_level", "reason", "duration", "previous_state", "correlation_id"),
    "alarm": ("alarm_code", "severity_level", "acknowledged", "raised_at", "cleared_at", "priority", "alarm_class"),
    "telemetry": (
        "temperature",
        "pressure",
        "speed",
        "current",
        "power",
        "vibration",
        "torque",
        "flow",
        "level_percent",
    ),
    "config": ("firmware_number", "serial_number", "max_speed", "max_temperature", "location_name", "maker_name"),
    "state": ("state", "sub_state", "entered_at", "previous_state", "state_index", "is_blocked"),
    "maintenance": ("last_service_date", "next_service_date", "running_hours", "technician_name", "has_warranty"),
    "energy": ("active_energy", "reactive_energy", "power_factor", "peak_power", "tariff_code", "cost"),
}
_OBJECTS = ("order", "order-line", "batch", "shipment", "inspection", "work-instruction", "material", "lot", "recipe",
            "downtime", "shift", "employee", "tool", "product", "purchase-order", "invoice", "genealogy",
            "sample", "deviation", "schedule")  # fmt: skip
_FACTS = ("status", "quantity", "unit", "due_date", "customer_name", "product_code", "line_ref", "priority", "comment",
          "created_at", "updated_at", "operator_name", "site_code", "weight", "cost", "is_urgent",
          "scrap_count")  # fmt: skip
_PLACES = ("site1/area1", "site1/area2", "site2/area1")


class House:
    """Writes all messages of one company."""

    def __init__(self, seed: int) -> None:
        self._source = random.Random(seed)
        self.paper = Paper("machines")
        self._second = 0

    def machine(self, name: str) -> None:
        """Some kinds of messages of a machine that stands in several places."""
        source = self._source
        head = _HEADS[source.choice(list(_HEADS))]
        units = [f"acme/{place}/{name}-{101 + number}" for place in _PLACES for number in range(source.randint(1, 2))]
        for unit in units:
            self.paper.thing(unit, name)
        for kind in pick(source, list(_KINDS), source.randint(4, 8)):
            own = pick(source, _KINDS[kind], source.randint(3, 6)) + [
                f"{name}_{word}" for word in ("rating", "index", "code")[: source.randint(1, 3)]
            ]
            made = self._with_head(head, own)
            for unit in units:
                self._publish(f"{unit}/{kind}", made, f"{name}.{kind}", unit.rpartition("/")[2])

    def business_object(self, name: str) -> None:
        """An object and messages about it; either the name of the message is the last level, or the identity is."""
        source = self._source
        ids_last = source.random() < 0.5
        word = name.replace("-", "_")
        for suffix in ("", *pick(source, ("-status", "-event", "-plan", "-result"), source.randint(1, 3))):
            own = [
                f"{word}_number",
                *pick(source, _FACTS, source.randint(4, 8)),
                *([f"{word}{suffix.replace('-', '_')}_code"] if suffix else []),
            ]
            made = self._with_head(("id", "timestamp"), own)
            for number in source.sample(range(10_000, 99_999), source.randint(3, 6)):
                identity = f"{name[:2].upper()}-{number}"
                place = f"acme/{source.choice(('site1', 'site2'))}/erp"
                topic = (
                    f"{place}/{name}{suffix}/{identity}" if ids_last else f"{place}/{name}/{identity}/{name}{suffix}"
                )
                self._publish(topic, made, f"{name}{suffix}", identity)

    def _with_head(self, head: Sequence[str], own: Sequence[str]) -> tuple[Field, ...]:
        made = fields(self._source, head, own)
        return tuple(Field("header", inner=_HEADER) if one.key == "header" else one for one in made)

    def _publish(self, topic: str, made: tuple[Field, ...], template: str, identity: str) -> None:
        for _ in range(self._source.randint(1, 3)):
            self._second += 1
            payload = fill(self._source, made, {"id": identity}, self._second % 3_000)
            self.paper.say(topic, json.dumps(payload), template)


def machines(seed: int = 20) -> Exam:
    """Twenty machines with four to eight kinds of messages each, and twenty business objects with two to four."""
    house = House(seed)
    for name in _MACHINES:
        house.machine(name)
    for name in _OBJECTS:
        house.business_object(name)
    return house.paper.exam()
