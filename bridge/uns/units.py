"""Engineering units: the source's own text, and the UNECE Recommendation 20 code where it is known.

Units are taken only from what a payload says (inference.md section I); guessing from names is wrong too often, so that
`guess` is for those who ask for it. So is guessing a unit from its text: what means two things (`C`, `gal`, `ton`) has
no code here.
"""

import re
import unicodedata
from collections.abc import Mapping

# By symbol, compatibility-normalised: "m³" is "m3", both micro signs and both ohms are one, "℃" is "°C". Case counts:
# "mbar" is not "Mbar".
_SYMBOLS: dict[str, str] = {
    "°C": "CEL", "degC": "CEL", "deg C": "CEL", "°F": "FAH", "degF": "FAH", "deg F": "FAH", "K": "KEL",
    "bar": "BAR", "mbar": "MBR", "Pa": "PAL", "kPa": "KPA", "MPa": "MPA", "hPa": "A97", "psi": "PS",
    "inHg": "F79", "mmHg": "HN",
    "m": "MTR", "mm": "MMT", "cm": "CMT", "km": "KMT", "μm": "4H", "nm": "C45", "in": "INH", "ft": "FOT",
    "mm2": "MMK", "cm2": "CMK", "m2": "MTK", "km2": "KMK", "mm3": "MMQ", "cm3": "CMQ", "dm3": "DMQ", "m3": "MTQ",
    "l": "LTR", "L": "LTR", "ml": "MLT", "mL": "MLT", "hl": "HLT", "hL": "HLT",
    "kg": "KGM", "g": "GRM", "mg": "MGM", "t": "TNE", "lb": "LBR",
    "s": "SEC", "ms": "C26", "μs": "B98", "min": "MIN", "h": "HUR", "d": "DAY",
    "Hz": "HTZ", "kHz": "KHZ", "MHz": "MHZ", "GHz": "A86", "1/min": "C94", "1/s": "C97",
    "V": "VLT", "mV": "2Z", "kV": "KVT", "A": "AMP", "mA": "4K", "kA": "B22", "Ah": "AMH",
    "W": "WTT", "kW": "KWT", "MW": "MAW", "GW": "A90", "VA": "D46", "kVA": "KVA", "MVA": "MVA",
    "var": "D44", "kvar": "KVR",
    "Wh": "WHR", "kWh": "KWH", "MWh": "MWH", "GWh": "GWH", "J": "JOU", "kJ": "KJO", "MJ": "3B",
    "Ω": "OHM", "kΩ": "B49", "MΩ": "B75", "S/m": "D10", "mS/cm": "H61", "μS/cm": "G42",
    "F": "FAR", "μF": "4O", "pF": "4T", "T": "D33", "mT": "C29",
    "N": "NEW", "kN": "B47", "lbf": "C78", "kgf": "B37", "Nm": "NU", "N·m": "NU", "kNm": "B48", "N/mm2": "C56",
    "m/s": "MTS", "mm/s": "C16", "m/min": "2X", "mm/min": "H81", "km/h": "KMH", "ft/s": "FS", "ft/min": "FR",
    "m/s2": "MSK", "°/s": "E96",
    "m3/h": "MQH", "m3/s": "MQS", "m3/min": "G53", "m3/d": "G52",
    "l/min": "L2", "L/min": "L2", "l/h": "E32", "L/h": "E32",
    "l/s": "G51", "L/s": "G51", "ml/min": "41", "mL/min": "41",
    "kg/h": "E93", "kg/min": "F31", "kg/s": "KGS", "t/h": "E18",
    "%": "P1", "dB": "2N", "lx": "LUX", "lm": "LUM", "pH": "Q30", "mol": "C34", "cP": "C7", "mPa·s": "C24", "cSt": "4C",
    "°": "DD", "rad": "C81", "mrad": "C25",
    "kg/m3": "KMQ", "g/cm3": "23", "g/l": "GL", "g/L": "GL", "mg/l": "M1", "mg/L": "M1",
    "μg/m3": "GQ", "mg/m3": "GP", "mg/kg": "NA",
    "W/m2": "D54",
}  # fmt: skip

# By name, whatever its case.
_NAMES: dict[str, str] = {
    "celsius": "CEL", "fahrenheit": "FAH", "kelvin": "KEL", "percent": "P1", "ppm": "59", "rpm": "RPM",
    "ohm": "OHM", "lux": "LUX",
    "sec": "SEC", "second": "SEC", "seconds": "SEC", "minute": "MIN", "minutes": "MIN", "hour": "HUR", "hours": "HUR",
    "day": "DAY", "days": "DAY", "deg": "DD", "degrees": "DD", "pcs": "H87", "pieces": "H87", "each": "EA", "psi": "PS",
    "volts": "VLT", "amps": "AMP", "watts": "WTT", "hertz": "HTZ", "kwh": "KWH",
}  # fmt: skip

MAX_UNIT = 32  # characters; longer texts are no units
MAX_WORDS = 4  # "cubic metres per hour"; more is a sentence

_NO_UNIT = re.compile(r"[-+]?[\d.,]+(?:[eE][-+]?\d+)?|(?i:true|false|null|none|nan|n/a)|-+")

# What names end with where they name a unit, in lower case; a pair of words is joined by a slash.
_ENDINGS: Mapping[str, str] = {
    "celsius": "°C", "degc": "°C", "fahrenheit": "°F", "degf": "°F", "kelvin": "K",
    "pct": "%", "percent": "%", "percentage": "%", "rpm": "rpm", "hz": "Hz", "khz": "kHz",
    "hertz": "Hz", "mpm": "m/min", "m/min": "m/min", "mps": "m/s", "m/s": "m/s", "mm/s": "mm/s", "mm/min": "mm/min",
    "kmh": "km/h", "km/h": "km/h", "kw": "kW", "kwh": "kWh", "wh": "Wh", "kva": "kVA", "kvar": "kvar",
    "watt": "W", "watts": "W",
    "volt": "V", "volts": "V", "mv": "mV", "amp": "A", "amps": "A", "ampere": "A", "amperes": "A", "ma": "mA",
    "mbar": "mbar", "kpa": "kPa", "mpa": "MPa", "hpa": "hPa", "psi": "psi", "psig": "psig",
    "mm": "mm", "cm": "cm", "kg": "kg", "kg/h": "kg/h", "kgh": "kg/h", "ml": "ml", "liters": "l", "litres": "l",
    "lpm": "l/min", "l/min": "l/min", "l/h": "l/h", "gpm": "gpm", "m3": "m³", "m3h": "m³/h", "m3/h": "m³/h",
    "ms": "ms", "msec": "ms", "sec": "s", "secs": "s", "seconds": "s", "minutes": "min", "mins": "min",
    "hours": "h", "hrs": "h", "days": "d", "degrees": "°",
}  # fmt: skip

# Endings that mean many things, and the words beside which they mean this.
_TEMPERATURE = frozenset({"temp", "temperature", "tmp", "dewpoint"})
_PRESSURE = frozenset({"pressure", "press", "vacuum"})
_DURATION = frozenset({"time", "duration", "cycletime", "uptime", "downtime", "runtime", "elapsed"})
_WEAK: Mapping[str, tuple[str, frozenset[str]]] = {
    "c": ("°C", _TEMPERATURE),
    "f": ("°F", _TEMPERATURE),
    "k": ("K", _TEMPERATURE),
    "bar": ("bar", _PRESSURE),
    "pa": ("Pa", _PRESSURE),
    "s": ("s", _DURATION),
    "h": ("h", _DURATION),
    "v": ("V", frozenset({"voltage", "volt"})),
    "a": ("A", frozenset({"current"})),
    "w": ("W", frozenset({"power", "consumption"})),
    "m": ("m", frozenset({"length", "distance", "height", "depth"})),
    "g": ("g", frozenset({"weight", "mass"})),
    "l": ("l", frozenset({"volume"})),
    "n": ("N", frozenset({"force"})),
    "nm": ("Nm", frozenset({"torque"})),
    "deg": ("°", frozenset({"angle", "rotation", "tilt", "heading"})),
}

_NO_GUESS = frozenset({"per", "timestamp", "epoch"})  # of a ratio the name tells half; of an instant, nothing

_BREAK = re.compile(r"[\s_.-]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def rec20(unit: str) -> str | None:
    """The UNECE Rec 20 common code of a unit's text, or None where it is not known for certain."""
    symbol = unicodedata.normalize("NFKC", unit)
    return _SYMBOLS.get(symbol) or _NAMES.get(symbol.lower())


def clean(unit: object) -> str | None:
    """A unit's text as it stands in the payload, or None if this is none: a number, a placeholder, a sentence."""
    if not isinstance(unit, str):
        return None
    text = unit.strip()
    if not 0 < len(text) <= MAX_UNIT or not text.isprintable() or _NO_UNIT.fullmatch(text):
        return None
    return text if len(text.split()) <= MAX_WORDS else None


def guess(name: str) -> str | None:
    """The unit that an element's name ends with: `ConsumptionKW`, `fill_pct`, `Temp_C`. None where that is not certain.

    A unit alone is no guess: `Minutes` may be those of a clock, `bar` a place to drink.
    """
    words = [word for word in _BREAK.split(name) if word]
    if words and words[-1].lower() not in _ENDINGS:
        words = [part for word in words for part in _HUMP.split(word)]
    lower = [word.lower() for word in words]
    if not _NO_GUESS.isdisjoint(lower):
        return None
    if len(lower) > 2 and (unit := _ENDINGS.get("/".join(lower[-2:]))) is not None:
        return unit
    if len(lower) < 2:
        return None
    weak = _WEAK.get(lower[-1])
    if weak is not None:
        return weak[0] if any(word in weak[1] for word in lower[:-1]) else None
    return _ENDINGS.get(lower[-1])
