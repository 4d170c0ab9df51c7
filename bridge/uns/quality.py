"""Qualities as payloads say them → the four of i3X (inference.md section D)."""

from collections.abc import Callable

from bridge.uns.message import BAD, GOOD, NO_DATA, UNCERTAIN, Json, Quality

_UA_UNCERTAIN, _UA_BAD = 0x4000_0000, 0x8000_0000  # OPC 10000-4, 7.39: severity in the two highest bits
_WORDS: tuple[tuple[str, Quality], ...] = (  # matched as prefixes, in this order
    ("goodnodata", NO_DATA), ("good", GOOD), ("ok", GOOD), ("uncertain", UNCERTAIN), ("stale", UNCERTAIN),
    ("questionable", UNCERTAIN), ("bad", BAD), ("error", BAD), ("not_connected", BAD),
)  # fmt: skip


def from_ua(code: int) -> Quality:
    """An OPC UA StatusCode by its severity bits."""
    return GOOD if code < _UA_UNCERTAIN else UNCERTAIN if code < _UA_BAD else BAD


def from_code(code: int) -> Quality:
    """An integer without a declared meaning: OPC DA bytes, Sparkplug's 500, UA status codes."""
    if code < 0 or code >= _UA_UNCERTAIN:
        return from_ua(code & 0xFFFF_FFFF)
    if code == 1 or 192 <= code <= 255:
        return GOOD
    if 64 <= code < 192 or code == 500:
        return UNCERTAIN
    return BAD


def _from_word(text: str) -> Quality | None:
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 12:
        return from_code(int(text))
    if text[:2].lower() == "0x":
        try:
            return from_code(int(text, 16))
        except ValueError:
            return None
    lowered = text.lower()
    return next((quality for prefix, quality in _WORDS if lowered.startswith(prefix)), None)


def parse(value: Json, *, ua: bool = False) -> Quality | None:
    """The quality that a payload's field says, or None where it says none. `ua`: the key is a statusCode."""
    match value:
        case bool():
            return GOOD if value else BAD
        case int():
            return from_ua(value & 0xFFFF_FFFF) if ua else from_code(value)
        case float() if value.is_integer():
            return parse(int(value), ua=ua)
        case str():
            return _from_word(value)
        case {"Symbol": str(symbol)}:
            return _from_word(symbol)
        case {"Code": int(code)}:
            return from_ua(code & 0xFFFF_FFFF)
        case {}:
            return GOOD if ua else None  # OPC UA's JSON encoding omits a Good status's members
        case _:
            return None


Profile = Callable[[Json], Quality | None]
