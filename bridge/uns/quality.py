"""Qualities as payloads say them → the four of i3X (inference.md section D).

What a number means can be declared: `da` OPC DA's byte, `ua` OPC UA's StatusCode (also the meaning of a key with that
name), `one-is-good`, `zero-is-good` (an error number). Without it, the number itself tells most of them apart.
"""

import re
from collections.abc import Callable

from bridge.uns.message import BAD, GOOD, NO_DATA, UNCERTAIN, Json, Quality
from bridge.uns.policy import QualityProfile

_UA_UNCERTAIN, _UA_BAD = 0x4000_0000, 0x8000_0000  # OPC 10000-4, 7.39: severity in the two highest bits
_DA_UNCERTAIN, _DA_RESERVED, _DA_GOOD, _DA_END = 64, 128, 192, 256  # OPC DA: in the two highest bits of a byte
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


def from_da(code: int) -> Quality:
    """An OPC DA quality: its lower byte counts, the upper one is the vendor's."""
    byte = code % _DA_END
    if code < 0 or byte < _DA_UNCERTAIN:
        return BAD
    return GOOD if byte >= _DA_GOOD else UNCERTAIN if byte < _DA_RESERVED else BAD


def _from_error(code: int) -> Quality:
    return BAD if 0 < code < _UA_UNCERTAIN else from_ua(code)


_CODES: dict[QualityProfile, Callable[[int], Quality]] = {
    "": from_code, "da": from_da, "ua": from_ua, "zero-is-good": _from_error,
    "one-is-good": lambda code: GOOD if code == _ONE else BAD,
}  # fmt: skip


def _from_word(text: str, meaning: QualityProfile) -> Quality | None:
    if len(text) > LONGEST_WORD:
        return None
    base = 10 if _DECIMAL.fullmatch(text) else 16 if _HEXADECIMAL.fullmatch(text) else 0
    if base:
        return _CODES[meaning](int(text, base))
    word = text.translate(_TIDY).lower()
    return next((quality for prefix, quality in _WORDS if word.startswith(prefix)), None)


def _from_status(status: dict[str, Json]) -> Quality | None:
    """OPC UA's JSON: `{"Code": 2150891520, "Symbol": "BadSensorFailure"}`. A Good status may be without members."""
    symbol, code = status.get("Symbol"), status.get("Code")
    said = _from_word(symbol, "ua") if type(symbol) is str else None
    if said is None and type(code) is int:
        return from_ua(code)
    return said


def parse(value: Json, meaning: QualityProfile = "") -> Quality | None:
    """The quality that a payload's field says, or None where it says none. `meaning` is that of numbers."""
    match value:
        case bool():
            return GOOD if value is (meaning != "zero-is-good") else BAD
        case int():
            return _CODES[meaning](value)
        case float() if value.is_integer():
            return _CODES[meaning](int(value))
        case str():
            return _from_word(value, meaning)
        case dict():
            return _from_status(value)
        case _:
            return None
