"""Bytes → a JSON value (inference.md section A). Nothing here knows what the value means.

Documented outcomes: strict JSON is taken as it is, integers exactly; JSON with NaN, ±Infinity or numbers beyond a
double keeps them as non-finite floats, which callers turn into null; anything else that is UTF-8 is text, trimmed;
the rest is base64. Duplicate keys: the last wins. Nesting beyond `MAX_NESTING` is refused: our own answers, which
wrap the value, could not be encoded.
"""

import base64
import json
import math

import msgspec

from bridge.uns.message import Json, Rejected

MAX_NESTING = 128  # levels; real payloads stay below 20, encoders give up at about 250
MAX_DIGITS = 300  # of an integer: the largest that other JSON readers can still hold as a double

_decode_strict = msgspec.json.Decoder().decode
_NOT_NUMBERS = frozenset({"NaN", "nan", "Infinity", "-Infinity", "+Infinity", "inf", "-inf", "+inf"})
_TOO_LARGE = 10**MAX_DIGITS

TOO_DEEP = Rejected("json-depth", f"nested deeper than {MAX_NESTING} levels")


class TooDeep(Exception):
    """The value is nested deeper than `MAX_NESTING`; never leaves this room."""


class Text(str):
    """A payload that is not JSON: its trimmed text."""

    __slots__ = ()


class Malformed(Text):
    """Text that begins like a JSON document but is none: truncated, say."""

    __slots__ = ()


class Loose:
    """A JSON document that held NaN, Infinity or a number beyond a double; those are non-finite floats in it."""

    __slots__ = ("value",)

    def __init__(self, value: Json) -> None:
        self.value = value


class Binary(str):
    """Base64 of a payload that is not text."""

    __slots__ = ()


def decode(payload: bytes) -> Json:
    """The value of a payload; a `Text`, `Malformed`, `Binary` or `Loose` where it is not strict JSON. Raises `TooDeep`."""
    try:
        return _decode_strict(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_other(payload)
    except RecursionError:
        raise TooDeep from None


def _decode_other(payload: bytes) -> Json:
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        return _binary(payload)
    if "\0" in text:
        return _binary(payload)
    text = text.removeprefix("\ufeff").strip()
    if text in _NOT_NUMBERS:
        return math.nan
    try:
        value = _decode_lenient(text)
    except ValueError:  # JSONDecodeError, too many digits
        return Malformed(text) if text[:1] in ("{", "[") else Text(text)
    except RecursionError:
        raise TooDeep from None
    if not encodable(value):
        return Text(text)
    return Loose(value) if isinstance(value, dict | list) else value


def _decode_lenient(text: str) -> Json:
    """JSON that may hold NaN and Infinity, as Python and JavaScript publishers send it."""
    return json.loads(text, parse_constant=lambda _: math.nan)


def encodable(value: Json) -> bool:
    """Whether a value can be written as UTF-8 JSON: half a surrogate pair cannot."""
    try:
        msgspec.json.encode(value)
    except (UnicodeEncodeError, ValueError, RecursionError, OverflowError):
        return False
    return True


def _binary(payload: bytes) -> Binary:
    return Binary(base64.b64encode(payload).decode("ascii"))


def is_number_lost(value: Json) -> bool:
    """Whether a scalar stands for a number that JSON cannot say: NaN, ±Infinity, their names, absurd integers."""
    kind = type(value)
    if kind is float:
        return not math.isfinite(value)
    if kind is str:
        return len(value) < 10 and value in _NOT_NUMBERS
    return kind is int and not -_TOO_LARGE < value < _TOO_LARGE


def scrub(value: Json) -> Json:
    """The same value with null wherever a number is lost."""
    match value:
        case dict():
            return {key: scrub(part) for key, part in value.items()}
        case list():
            return [scrub(part) for part in value]
        case float() | int() if not isinstance(value, bool) and is_number_lost(value):
            return None
        case _:
            return value


def structure(value: Json, depth: int = 0) -> object:
    """A hashable that is equal for values of the same structure: key names, kinds, and for arrays the set of kinds.

    Raises `TooDeep`.
    """
    kind = type(value)
    if kind is dict:
        if depth >= MAX_NESTING:
            raise TooDeep
        kinds = tuple(map(type, value.values()))
        if dict in kinds or list in kinds:
            return tuple(value), tuple([structure(part, depth + 1) for part in value.values()])
        return tuple(value), kinds
    if kind is list:
        if depth >= MAX_NESTING:
            raise TooDeep
        kinds_in = frozenset(map(type, value))
        if dict in kinds_in or list in kinds_in:
            return list, frozenset([structure(part, depth + 1) for part in value])
        return list, kinds_in
    return kind
