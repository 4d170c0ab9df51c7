"""Exams: factories as they publish themselves, level by level, one bare value a topic.

Three plants after the pattern of a public virtual factory: a beverage maker with aspects in two or three levels below
every asset, a glass maker with aspects of one level and utilities of another vendor, and a biotech plant whose units
have tags with suffixes instead of levels. Names and numbers are made up.
"""

import json
import random
from collections.abc import Mapping, Sequence

from exam import Exam, Paper

Aspects = Mapping[str, Sequence[str]]  # path of an aspect below its asset → names of its leaves

_IDENTITY: Aspects = {
    "node/assetidentifier": (
        "assetid", "assetname", "displayname", "assetpath", "assettypename", "parentassetid", "sortorder",
    ),
}  # fmt: skip
_METRIC: Aspects = {
    "metric": ("oee", "availability", "performance", "quality"),
    "metric/input": (
        "countinfeed", "countoutfeed", "countdefect", "rateactual", "ratestandard", "timerunning", "timeidle",
        "timedownplanned", "timedownunplanned",
    ),
}  # fmt: skip
_STATE: Aspects = {"processdata/state": ("code", "name", "type", "duration")}
_COUNTS: Aspects = {"processdata/count": ("infeed", "outfeed", "defect"), "processdata/rate": ("instant",)}
_PROCESS: Aspects = {"processdata/process": ("temperature", "flowrate", "weight")}
_ORDER: Aspects = {
    "workorder": ("workorderid", "workordernumber", "quantitytarget", "quantityactual", "quantitydefect", "uom"),
    "workorder/lotnumber": ("lotnumber", "lotnumberid"),
    "workorder/lotnumber/item": ("itemid", "itemname", "itemclass", "bottlesize", "labelvariant", "packcount"),
}
_PLACE = _IDENTITY | _METRIC  # sites and areas
_LINE = _IDENTITY | _METRIC | _STATE | _COUNTS | _ORDER
_MACHINE = _IDENTITY | _METRIC | _STATE | _COUNTS
_VESSEL = _IDENTITY | _METRIC | _STATE | _PROCESS | _ORDER
_MANUAL = _IDENTITY | _METRIC | _STATE

_BOTTLING = (  # area, line, its machines with their aspects; how many lines at each site, and machines in each
    ("fillerproduction", "fillingline", {"washer": _MACHINE, "filler": _MACHINE, "caploader": _MACHINE}, (3, 2, 1), ()),
    ("liquidprocessing", "mixroom", {"vat": _VESSEL}, (1, 1, 1), (4, 2, 1)),
    ("liquidprocessing", "tankstorage", {"tank": _VESSEL}, (1, 1, 1), (6, 3, 2)),
    ("packaging", "labelerline", {"labeler": _MACHINE, "packager": _MACHINE, "sealer": _MACHINE}, (4, 2, 1), ()),
    (
        "palletizing",
        "palletizer",
        {"robot": _MACHINE, "pallet01": _MANUAL, "pallet02": _MANUAL, "wrapper": _MANUAL},
        (2, 1, 0),
        (),
    ),
    ("palletizing", "palletizermanual", {"workstation": _MANUAL}, (4, 2, 1), ()),
)
_STATES = ("Running", "Idle", "CIP", "Planned Downtime", "Unplanned Downtime", "Blocked")
_TEXTS = ("name", "type", "uom", "assetname", "displayname", "assettypename", "itemname", "itemclass")


class Beverages:
    """Three sites; the third is small and tells less of everything."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._paper = Paper("beverages")
        self._assets = 0

    def exam(self) -> Exam:
        for name in ("Node/assetidentifier/assetname", "Metric/oee"):
            self._paper.say(f"Enterprise B/{name}", self._value(name))
        for site in range(3):
            place = f"Enterprise B/Site{site + 1}"
            self._asset(place, "site", _PLACE, site)
            for area in sorted({row[0] for row in _BOTTLING}):
                self._asset(f"{place}/{area}", area, _PLACE, site)
            for area, line, machines, lines, each in _BOTTLING:
                for number in range(1, lines[site] + 1):
                    count = each[site] if each else 0
                    self._line(f"{place}/{area}/{line}{number:02}", line, machines, count, site)
        return self._paper.exam()

    def _line(self, topic: str, role: str, machines: Mapping[str, Aspects], count: int, site: int) -> None:
        self._asset(topic, role, _LINE, site)
        for machine, aspects in machines.items():
            kind = machine.rstrip("0123456789")
            for name in [f"{machine}{number:02}" for number in range(1, count + 1)] or [machine]:
                self._asset(f"{topic}/{name}", kind, aspects, site)

    def _asset(self, topic: str, role: str, aspects: Aspects, site: int) -> None:
        self._assets += 1
        self._paper.thing(topic, role)
        for aspect, leaves in aspects.items():
            if site == 2 and aspect.endswith("item"):
                continue  # the small site does not know its items
            levels = aspect.split("/")
            for depth in range(1, len(levels) + 1):
                self._paper.part(f"{topic}/{'/'.join(levels[:depth])}")
            for leaf in leaves:
                if leaf == leaves[0] or self._random.random() > (0.15 if site == 2 else 0.03):
                    self._paper.say(f"{topic}/{aspect}/{leaf}", self._value(leaf))

    def _value(self, leaf: str) -> str:
        if leaf in _TEXTS or leaf.endswith(("name", "number", "path")):
            return self._random.choice(_STATES) if leaf in ("name", "type") else f"Text {self._assets}"
        if leaf.startswith(("count", "time", "quantity")) or leaf.endswith(("id", "code", "order", "count")):
            return str(self._random.randrange(1, 90_000))
        return f"{self._random.random():.4f}" if self._random.random() < 0.95 else "0"


_GLASS = {  # area → machine → aspect → leaves
    "BatchHouse": {
        **{f"Silo{n:02}": {"Status": ("Level", "Material"), "edge": ("raw_level_sensor", "level_transmitter_ma")}
           for n in range(1, 5)},
        "BatchMixer": {"Status": ("BatchWeight", "MixTime"), "State": ("StateCurrent", "StateReason"),
                       "edge": ("raw_motor_status", "load_cell_mv")},
        "BatchCharger": {"Status": ("FeedRate",), "State": ("StateCurrent", "StateReason"),
                         "edge": ("raw_motor_status", "belt_speed_hz")},
    },
    "HotEnd": {
        "Furnace": {"Status": ("Temperature", "Pressure", "GlassLevel"), "State": ("StateCurrent", "StateReason"),
                    "edge": ("zone1_thermocouple_mv", "zone2_thermocouple_mv", "zone3_thermocouple_mv")},
        "Forehearth": {"Status": ("Temperature", "Zone1Temperature", "Zone2Temperature"),
                       "edge": ("zone1_thermocouple_mv", "zone2_thermocouple_mv")},
        "ISMachine": {"Status": ("GobWeight", "MoldTemperature", "Speed"), "State": ("StateCurrent", "StateReason"),
                      "edge": ("gob_sensor_raw", "mold_thermocouple_mv")},
    },
    "ColdEnd": {
        "Lehr": {"Status": ("Temperature", "ConveyorSpeed"), "State": ("StateCurrent", "StateReason"),
                 "edge": ("belt_speed_hz", "zone1_thermocouple_mv")},
        "Inspector": {"Status": ("PassCount", "RejectCount"), "State": ("StateCurrent", "StateReason"),
                      "edge": ("camera_status", "defect_count")},
        "Palletizer": {"Status": ("PalletCount", "LayerCount"), "State": ("StateCurrent", "StateReason"),
                       "edge": ("raw_motor_status", "gripper_pressure_raw")},
    },
}  # fmt: skip
_UTILITIES = {
    "Compressors": (("Compressor 1", "Compressor 2"), {"Discharge pressure": "psi", "Motor current": "A"}),
    "Air Dryers": (("Airtek SC400 Air Dryer",), {"Dewpoint": "°F", "Inlet temperature": "°F"}),
    "Electrical Panels": (
        ("Panel H23", "Panel L23", "Panel L24"),
        {"Phase A Current": "A", "Phase B Current": "A", "Phase C Current": "A", "Real Power": "kW"},
    ),
}


def glass(seed: int = 1) -> Exam:
    """Four lines of one site, and the utilities of the building, where each measurement has a sibling with its unit."""
    numbers, paper = random.Random(seed), Paper("glass")
    for line in (f"Enterprise A/Dallas/Line {number}" for number in range(1, 5)):
        paper.thing(line, "Line")
        paper.part(f"{line}/OEE", "OEE")
        for leaf in ("Availability", "Performance", "Quality", "OEE"):
            paper.say(f"{line}/OEE/{leaf}", f"{numbers.random():.3f}")
        for area, machines in _GLASS.items():
            paper.thing(f"{line}/{area}")
            for machine, aspects in machines.items():
                topic = f"{line}/{area}/{machine}"
                paper.thing(topic, machine.rstrip("0123456789"))
                for aspect, leaves in aspects.items():
                    paper.part(f"{topic}/{aspect}")
                    for leaf in leaves:
                        text = leaf in ("Material", "StateReason")
                        paper.say(f"{topic}/{aspect}/{leaf}", "Sand" if text else f"{numbers.random() * 900:.2f}")
    for category, (machines_, measured) in _UTILITIES.items():
        for machine in machines_:
            topic = f"Enterprise A/opto22/Utilities/{category}/{machine}"
            paper.thing(topic, category)
            for name, unit in measured.items():
                paper.part(f"{topic}/{name}")
                paper.say(f"{topic}/{name}/Value", f"{numbers.random() * 100:.1f}")
                paper.say(f"{topic}/{name}/Units", unit)
    return paper.exam()


_TAGS = {  # unit → instrument → suffixes of its tags
    "sub": {"TIC-250-001": "PV_Celsius SP_Celsius ACTIVE MODE START DESC EU",
            "TIC-250-002": "PV_Celsius SP_Celsius MODE",
            "FIC-250-001": "PV_SLPM SP_SLPM ACTIVE MODE DESC EU", "FIC-250-002": "PV_SLPM SP_SLPM MODE",
            "SIC-250-002": "PV_RPM SP_RPM ACTIVE STATUS DESC", "AIC-250-001": "PV_Percent SP_Percent DESC EU",
            "AIC-250-003": "PV_pH SP_pH DESC", "WI-250-001": "PV_kg DESC EU"},
    "sum": {"TIC-501-001": "PV_Celsius SP_Celsius MODE", "SIC-501-001": "PV_RPM SP_RPM STATUS", "WI-501-001": "PV_kg"},
    "tff": {"FI-300-001": "PV_LPM", "PI-300-001": "PV_psig", "PI-300-002": "PV_psig", "SIC-300-001": "PV_RPM SP_RPM"},
    "chrom": {"CHR01": "AT001 AT003 FT001 PT002 PT003 V001 V004 PHASE"},
}  # fmt: skip
_CONTROLLERS = {"SUB250": ("TIC", "TIC", "FIC", "FIC", "SIC", "AIC", "AIC"), "SUM500": ("TIC", "SIC", "SIC")}
_LOOPS = {
    "TIC": ("PV", "SP", "MODE", "OUT"),
    "FIC": ("PV", "SP", "MODE", "TOTAL"),
    "SIC": ("PV", "SP", "STATUS"),
    "AIC": ("PV", "SP", "CALIBRATED"),
}


def biotech(seed: int = 1) -> Exam:
    """Units with flat tags, and the same controllers once more as envelopes below another vendor's tree."""
    numbers, paper = random.Random(seed), Paper("biotech")
    for unit, instruments in _TAGS.items():
        paper.thing(f"Enterprise C/{unit}")
        for instrument, suffixes in instruments.items():
            for suffix in suffixes.split():
                text = suffix in ("MODE", "STATUS", "DESC", "EU", "PHASE")
                paper.say(
                    f"Enterprise C/{unit}/{instrument}_{suffix}", "AUTO" if text else f"{numbers.random() * 99:.2f}"
                )
    for unit, kinds in _CONTROLLERS.items():
        place = f"Enterprise C/aveva/bioreactor/{unit}"
        paper.thing(place)
        for number, kind in enumerate(kinds, 1):
            topic = f"{place}/controllers/{kind}-{unit[3:]}-{number:03}"
            paper.thing(topic, kind)
            for leaf in _LOOPS[kind]:
                value = "AUTO" if leaf in ("MODE", "STATUS") else round(numbers.random() * 99, 2)
                said = {"quality": "Good", "timestamp": "2027-01-15T07:59:00Z", "value": value, "unit": ""}
                paper.say(f"{topic}/{leaf}", json.dumps(said))
    return paper.exam()


def beverages(seed: int = 1) -> Exam:
    """See `Beverages`."""
    return Beverages(seed).exam()
