"""Whether a value fits the schema of a type, and if not, where and why: for what clients want to write.

Strict, over the subset of JSON Schema that types are told in (`bridge.space.shape`, and what model files may say): 1.0
is no integer, and true is no number.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from bridge.space.shape import Schema
from bridge.uns import Json

_encode = msgspec.json.Encoder().encode

_NAMES = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
_ALSO = {"integer": "number"}  # what a kind may be called, too
_LOOSELY = {"integer": "number", "number": "integer"}  # where whole numbers were all that has been seen so far
_SHOWN = 40  # characters of a value that a message quotes
_WORDS = 8  # words of an enumeration that a message quotes


def misfit(value: Json, schema: Schema, *, loosely: bool = False) -> str | None:
    """Where a value does not fit and what would, or None where it does: `pos.y: 'a' is a string, number is needed`.

    `loosely`: an integer that is needed may be any number.
    """
    return next(_misfits(value, schema, "", _LOOSELY if loosely else _ALSO), None)


def _misfits(value: Json, schema: Schema, path: str, also: Mapping[str, str]) -> Iterator[str]:
    said, kind = schema.get("type"), _NAMES[type(value)]
    allowed: Sequence[str] = [said] if isinstance(said, str) else said or ()
    if allowed and kind not in allowed and also.get(kind) not in allowed:
        yield f"{_at(path)}{_shown(value)} is of type {kind}, {' or '.join(allowed)} is needed"
    elif value is None:
        return
    elif isinstance(value, dict):
        yield from _in_object(value, schema, path, also)
    elif isinstance(value, list):
        inner = schema.get("items", {})
        for index, part in enumerate(value):
            yield from _misfits(part, inner, f"{path}[{index}]", also)
    else:
        yield from _out_of_bounds(value, schema, path)


def _in_object(value: Mapping[str, Json], schema: Schema, path: str, also: Mapping[str, str]) -> Iterator[str]:
    """Attributes that a type does not declare are what makes an element an extended one; they are let in."""
    declared, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    for key, part in value.items():
        yield from _misfits(part, declared.get(key, others), f"{path}.{key}" if path else key, also)


def _out_of_bounds(value: Json, schema: Schema, path: str) -> Iterator[str]:
    words, least, most = schema.get("enum"), schema.get("minimum"), schema.get("maximum")
    if words is not None and value not in words:
        more = ", …" if len(words) > _WORDS else ""
        yield f"{_at(path)}{_shown(value)} is none of {', '.join(map(_shown, words[:_WORDS]))}{more}"
    if isinstance(value, str):
        if schema.get("contentEncoding") == "base64" and not _is_base64(value):
            yield f"{_at(path)}{_shown(value)} is not base64"
    elif not isinstance(value, bool) and least is not None and value < least:
        yield f"{_at(path)}{_shown(value)} is less than {least}"
    elif not isinstance(value, bool) and most is not None and value > most:
        yield f"{_at(path)}{_shown(value)} is more than {most}"


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _at(path: str) -> str:
    return f"{path}: " if path else ""


def _shown(value: Json) -> str:
    """As JSON has it, as far as words go; of a long one the beginning."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    text = _encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
