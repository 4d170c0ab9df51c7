"""Engineering units: the source's own text, and the UNECE Recommendation 20 code where it is known.

Units are taken only from what a payload says (inference.md section I); guessing from names is wrong too often. So is
guessing a unit from its text: what means two things (`C`, `gal`, `ton`) has no code here.
"""

import unicodedata

# By symbol, compatibility-normalised: "m³" is "m3", both micro signs and both ohms are one, "℃" is "°C". Case counts:
# "mbar" is not "Mbar".
_SYMBOLS: dict[str, str] = {
    "°C": "CEL", "degC": "CEL", "°F": "FAH", "degF": "FAH", "K": "KEL",
    "bar": "BAR", "mbar": "MBR", "Pa": "PAL", "kPa": "KPA", "MPa": "MPA", "hPa": "A97", "psi": "PS",
    "m": "MTR", "mm": "MMT", "cm": "CMT", "km": "KMT", "μm": "4H", "in": "INH", "ft": "FOT",
    "m2": "MTK", "m3": "MTQ", "l": "LTR", "L": "LTR", "ml": "MLT", "mL": "MLT", "hl": "HLT", "hL": "HLT",
    "kg": "KGM", "g": "GRM", "mg": "MGM", "t": "TNE", "lb": "LBR",
    "s": "SEC", "ms": "C26", "μs": "B98", "min": "MIN", "h": "HUR", "d": "DAY",
    "Hz": "HTZ", "kHz": "KHZ", "MHz": "MHZ", "GHz": "A86", "1/min": "C94", "1/s": "C97",
    "V": "VLT", "mV": "2Z", "kV": "KVT", "A": "AMP", "mA": "4K", "kA": "B22", "Ah": "AMH",
    "W": "WTT", "kW": "KWT", "MW": "MAW", "GW": "A90", "VA": "D46", "kVA": "KVA", "MVA": "MVA",
    "var": "D44", "kvar": "KVR",
    "Wh": "WHR", "kWh": "KWH", "MWh": "MWH", "J": "JOU", "kJ": "KJO", "MJ": "3B",
    "Ω": "OHM", "kΩ": "B49", "MΩ": "B75", "S/m": "D10", "mS/cm": "H61", "μS/cm": "G42",
    "N": "NEW", "kN": "B47", "Nm": "NU", "N·m": "NU", "kNm": "B48", "N/mm2": "C56",
    "m/s": "MTS", "mm/s": "C16", "m/min": "2X", "mm/min": "H81", "km/h": "KMH", "m/s2": "MSK", "°/s": "E96",
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

MAX_UNIT = 64  # characters; longer texts are no units


def rec20(unit: str) -> str | None:
    """The UNECE Rec 20 common code of a unit's text, or None where it is not known for certain."""
    symbol = unicodedata.normalize("NFKC", unit)
    return _SYMBOLS.get(symbol) or _NAMES.get(symbol.lower())


def clean(unit: object) -> str | None:
    """A unit's text as it stands in the payload, or None if this is none."""
    if not isinstance(unit, str):
        return None
    text = unit.strip()
    return text if 0 < len(text) <= MAX_UNIT and text.isprintable() else None
