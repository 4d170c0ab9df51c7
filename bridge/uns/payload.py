"""Bytes → a JSON value (inference.md section A). Nothing here knows what the value means.

Documented outcomes, one for each kind of payload (`decode`):

- Strict JSON is taken as it is: integers exactly up to `MAX_DIGITS` digits; of duplicate keys the last wins.
- A byte order mark, blanks and line ends around it are taken off.
- JSON that holds NaN, ±Infinity, 1e999 or a longer integer is a `Loose` (a float where it is a bare number) with those
  as non-finite floats; callers make them null.
- What begins with `{` or `[` and is no JSON is `Malformed`, its text: truncated, trailing data, a trailing comma,
  control characters, half of a surrogate pair.
- Any other UTF-8 is `Text`, trimmed: `23,5`, `007`, `True`, `0x1F`, blanks only.
- With a NUL byte, or where it is no UTF-8, it is `Binary`: base64.
- Nesting deeper than `MAX_NESTING` raises `TooDeep`: our own answers, which wrap the value, could not be encoded.
"""

import base64
import json
import math
import re
from collections.abc import Iterator
from itertools import chain

import msgspec

from bridge.uns.message import Json, Rejected

MAX_NESTING = 128  # levels; real payloads stay below 20, encoders give up at about 250
MAX_DIGITS = 300  # of an integer: the largest that other JSON readers can still hold as a double

# The spellings that languages and PLC gateways give to a lost number. `INF` and `Inf` alone are log levels as well.
_NOT_NUMBERS = frozenset(
    {
        "NaN",
        "nan",
        "NAN",
        "-nan",
        "-NaN",
        "Infinity",
        "-Infinity",
        "+Infinity",
        "inf",
        "-inf",
        "+inf",
        "+Inf",
        "-Inf",
    }
    | {"-INF", "+INF", "infinity", "-infinity"}
)
_LONGEST_NOT_NUMBER = max(map(len, _NOT_NUMBERS))

_FIRST_BYTES = frozenset(b'{["-0123456789tfn \t\r\n')  # of JSON; anything else need not be tried
_SCALAR = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null", re.ASCII)

_LARGE = 2 * MAX_NESTING  # bytes; a shorter document is neither too deep nor holds too long an integer
_STEP = MAX_DIGITS // 3  # so that every longer run of digits shows as three digits in each _STEP-th byte
_SAMPLED_RUN = re.compile(rb"\d{3}")
_RUN = re.compile(rb"\d{%d}" % (MAX_DIGITS + 1))
_RUN_IN_TEXT = re.compile(_RUN.pattern.decode(), re.ASCII)

MAX_ITEMS = 64  # of an array whose structure is looked into; more of the same teach nothing
_MAY_HOLD = frozenset({float, dict, list})  # kinds that are, or in which there may be, non-finite floats

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
    """A JSON document that held numbers that JSON or a double cannot hold; those are non-finite floats in it."""

    __slots__ = ("value",)

    def __init__(self, value: dict[str, Json] | list[Json]) -> None:
        self.value = value


class Binary(str):
    """Base64 of a payload that is not text."""

    __slots__ = ()


def _integer(digits: str) -> float:
    return int(digits) if len(digits.lstrip("-")) <= MAX_DIGITS else math.nan


_decode_strict = msgspec.json.Decoder().decode
_decode_lenient = json.JSONDecoder(parse_constant=lambda _: math.nan).decode
_decode_long = json.JSONDecoder(parse_constant=lambda _: math.nan, parse_int=_integer).decode  # ten times slower


def decode(payload: bytes) -> Json:
    """The value of a payload that is not empty, by the table above. Raises `TooDeep`."""
    if payload[0] not in _FIRST_BYTES:
        return _decode_text(payload)
    try:
        value = _decode_strict(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_text(payload)
    except RecursionError:
        raise TooDeep from None
    return value if len(payload) <= _LARGE else _decode_large(payload, value)


def _decode_large(payload: bytes, value: Json) -> Json:
    """Only a large document can be too deep or hold too long an integer: neither costs a small one anything."""
    if payload.count(b"{") + payload.count(b"[") > MAX_NESTING and _is_too_deep(value):
        raise TooDeep
    if _SAMPLED_RUN.search(payload[::_STEP]) and _RUN.search(payload):
        return _decode_text(payload)
    return value


def _decode_text(payload: bytes) -> Json:
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        return _binary(payload)
    if "\0" in text:
        return _binary(payload)
    text = text.removeprefix("\ufeff").strip()
    if text in _NOT_NUMBERS:
        return math.nan
    if text.startswith(("{", "[")):
        return _decode_document(text, Malformed)
    if text.startswith('"') or _SCALAR.fullmatch(text):
        return _decode_document(text, Text)
    return Text(text)


def _decode_document(text: str, otherwise: type[Text]) -> Json:
    """Once more, as Python and JavaScript publishers write JSON: with NaN and Infinity."""
    try:
        value = _decode_long(text) if _RUN_IN_TEXT.search(text) else _decode_lenient(text)
    except ValueError:
        return otherwise(text)
    except RecursionError:
        raise TooDeep from None
    if _is_too_deep(value):
        raise TooDeep
    if not encodable(value):
        return otherwise(text)
    return Loose(value) if isinstance(value, dict | list) else value


def _is_too_deep(value: Json) -> bool:
    """Level by level, so that depth costs no recursion."""
    boxes: list[Json] = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_NESTING - 1):
        boxes = [part for part in _inside(boxes) if part and (type(part) is dict or type(part) is list)]
        if not boxes:
            return False
    return any(type(part) is dict or type(part) is list for part in _inside(boxes))


def _inside(boxes: list[Json]) -> Iterator[Json]:
    return chain.from_iterable([box.values() if type(box) is dict else box for box in boxes])


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
    """Whether a scalar stands for a number that JSON cannot say: NaN, ±Infinity or one of their names."""
    kind = type(value)
    if kind is float:
        return not math.isfinite(value)
    return kind is str and len(value) <= _LONGEST_NOT_NUMBER and value in _NOT_NUMBERS


def scrub(value: Json) -> Json:
    """The same value with null for every non-finite float."""
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else None
    if kind is dict:
        return (
            {key: scrub(part) for key, part in value.items()} if _MAY_HOLD & set(map(type, value.values())) else value
        )
    if kind is list:
        return [scrub(part) for part in value] if _MAY_HOLD & set(map(type, value)) else value
    return value


def _check_depth(value: Json, depth: int) -> None:
    """Raises `TooDeep`; what is not looked into must be encodable all the same."""
    parts = value.values() if type(value) is dict else value if type(value) is list else ()
    if parts and depth >= MAX_NESTING:
        raise TooDeep
    for part in parts:
        if type(part) is dict or type(part) is list:
            _check_depth(part, depth + 1)


def structure(value: Json, depth: int = 0) -> object:
    """A hashable that is equal for values of the same structure: key names, kinds, and for arrays the set of kinds and
    the structures of the first `MAX_ITEMS`.

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
            for part in value[MAX_ITEMS:]:
                _check_depth(part, depth + 1)
            return list, kinds_in, frozenset([structure(part, depth + 1) for part in value[:MAX_ITEMS]])
        return list, kinds_in
    return kind
