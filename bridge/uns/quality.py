"""Qualities as payloads say them → the four of i3X (inference.md section D)."""

import re

from bridge.uns.message import BAD, GOOD, NO_DATA, UNCERTAIN, Json, Quality

_UA_UNCERTAIN, _UA_BAD = 0x4000_0000, 0x8000_0000  # OPC 10000-4, 7.39: severity in the two highest bits
_DA_UNCERTAIN, _DA_GOOD, _DA_END = 64, 192, 256  # OPC DA: quality in the two highest bits of a byte
_STALE = 500  # Sparkplug's and Ignition's code for a stale value
_ONE = 1  # "1 = good" is a convention of its own; as an OPC DA code it is not in use
LONGEST_WORD = 64  # characters; longer texts are no quality

_WORDS: tuple[tuple[str, Quality], ...] = (  # prefixes, in this order, in lower case without `_`, `-` and blanks
    ("goodnodata", NO_DATA), ("good", GOOD), ("ok", GOOD), ("true", GOOD), ("uncertain", UNCERTAIN),
    ("stale", UNCERTAIN), ("questionable", UNCERTAIN), ("bad", BAD), ("error", BAD), ("notconnected", BAD),
    ("disconnected", BAD), ("invalid", BAD), ("fail", BAD), ("false", BAD),
)  # fmt: skip
_TIDY = str.maketrans("", "", "_- ")
_DECIMAL = re.compile(r"\s*-?\d+\s*", re.ASCII)
_HEXADECIMAL = re.compile(r"\s*0x[\da-f]+\s*", re.ASCII | re.IGNORECASE)


def from_ua(code: int) -> Quality:
    """An OPC UA StatusCode by its severity bits. Negative: the same 32 bits, read as a signed number; always Bad."""
    if 0 <= code < _UA_UNCERTAIN:
        return GOOD
    return UNCERTAIN if _UA_UNCERTAIN <= code < _UA_BAD else BAD


def from_code(code: int) -> Quality:
    """An integer without a declared meaning: OPC DA bytes, Sparkplug's 500, UA status codes."""
    if code >= _UA_UNCERTAIN:
        return from_ua(code)
    if code == _ONE or _DA_GOOD <= code < _DA_END:
        return GOOD
    return UNCERTAIN if _DA_UNCERTAIN <= code < _DA_GOOD or code == _STALE else BAD


def _from_word(text: str, *, ua: bool) -> Quality | None:
    if len(text) > LONGEST_WORD:
        return None
    base = 10 if _DECIMAL.fullmatch(text) else 16 if _HEXADECIMAL.fullmatch(text) else 0
    if base:
        code = int(text, base)
        return from_ua(code) if ua else from_code(code)
    word = text.translate(_TIDY).lower()
    return next((quality for prefix, quality in _WORDS if word.startswith(prefix)), None)


def _from_status(status: dict[str, Json]) -> Quality | None:
    """OPC UA's JSON: `{"Code": 2150891520, "Symbol": "BadSensorFailure"}`. A Good status may be without members."""
    symbol, code = status.get("Symbol"), status.get("Code")
    said = _from_word(symbol, ua=True) if type(symbol) is str else None
    if said is None and type(code) is int:
        return from_ua(code)
    return said


def parse(value: Json, *, ua: bool = False) -> Quality | None:
    """The quality that a payload's field says, or None where it says none. `ua`: the key is a statusCode."""
    match value:
        case bool():
            return GOOD if value else BAD
        case int():
            return from_ua(value) if ua else from_code(value)
        case float() if value.is_integer():
            return parse(int(value), ua=ua)
        case str():
            return _from_word(value, ua=ua)
        case dict():
            return _from_status(value)
        case _:
            return None
