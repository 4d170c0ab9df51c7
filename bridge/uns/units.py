"""Engineering units: the source's own text, and the UNECE Recommendation 20 code where it is known.

Units are taken only from what a payload says (inference.md section I); guessing from names is wrong too often.
"""

_REC20: dict[str, str] = {
    "°C": "CEL", "degC": "CEL", "celsius": "CEL", "℃": "CEL", "°F": "FAH", "degF": "FAH", "fahrenheit": "FAH", "K": "KEL",
    "bar": "BAR", "mbar": "MBR", "Pa": "PAL", "kPa": "KPA", "MPa": "MPA", "hPa": "A97", "psi": "PS",
    "m": "MTR", "mm": "MMT", "cm": "CMT", "km": "KMT", "µm": "4H", "μm": "4H", "in": "INH", "ft": "FOT",
    "m²": "MTK", "m2": "MTK", "m³": "MTQ", "m3": "MTQ", "l": "LTR", "L": "LTR", "ml": "MLT", "mL": "MLT", "hl": "HLT", "hL": "HLT",
    "kg": "KGM", "g": "GRM", "mg": "MGM", "t": "TNE", "lb": "LBR",
    "s": "SEC", "sec": "SEC", "ms": "C26", "min": "MIN", "h": "HUR", "hours": "HUR", "d": "DAY",
    "Hz": "HTZ", "kHz": "KHZ", "MHz": "MHZ", "rpm": "RPM",
    "V": "VLT", "mV": "2Z", "kV": "KVT", "A": "AMP", "mA": "4K", "W": "WTT", "kW": "KWT", "MW": "MAW",
    "Wh": "WHR", "kWh": "KWH", "MWh": "MWH", "VA": "D46", "kVA": "KVA", "var": "D44", "kvar": "KVR", "J": "JOU", "kJ": "KJO",
    "Ω": "OHM", "ohm": "OHM", "S/m": "D10", "mS/cm": "H61", "N": "NEW", "kN": "B47", "Nm": "NU", "N·m": "NU",
    "m/s": "MTS", "mm/s": "C16", "m/min": "2X", "km/h": "KMH", "m/s²": "MSK", "m/s2": "MSK",
    "m³/h": "MQH", "m3/h": "MQH", "l/min": "L2", "L/min": "L2", "l/h": "E32", "L/h": "E32", "m³/s": "MQS", "kg/h": "E93", "kg/s": "KGS",
    "%": "P1", "percent": "P1", "ppm": "59", "dB": "2N", "lx": "LUX", "lm": "LUM", "pcs": "H87", "pieces": "H87", "Each": "EA", "each": "EA",
    "deg": "DD", "°": "DD", "rad": "C81", "kg/m³": "KMQ", "kg/m3": "KMQ", "W/m²": "D54", "W/m2": "D54",
}  # fmt: skip

MAX_UNIT = 64  # characters; longer texts are no units


def rec20(unit: str) -> str | None:
    """The UNECE Rec 20 common code of a unit's text, or None where it is not known for certain."""
    return _REC20.get(unit) or _REC20.get(unit.lower() if unit.isascii() and len(unit) > 3 else "")


def clean(unit: object) -> str | None:
    """A unit's text as it stands in the payload, or None if this is none."""
    if not isinstance(unit, str):
        return None
    text = unit.strip()
    return text if 0 < len(text) <= MAX_UNIT and text.isprintable() else None
