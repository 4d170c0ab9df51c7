"""Fields out of payloads, many at once: a month of one field is millions of payloads.

A decoder that knows the one place which counts skips the rest of a payload. Where payloads are of another form there,
or few, each is decoded whole instead.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import repeat
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec

from bridge.history.base import Series
from bridge.history.recipes import Projected
from bridge.space.projecting import MISSING, at_path, project
from bridge.uns import Json

_FEW = 32  # payloads for which no decoder is made
_DECODERS = 256  # kept, of a few kilobytes each
_STRUCTURED = {dict, list}
_UNCLEAR = {type(None), type(MISSING)}  # what says more than itself

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_Finder: TypeAlias = Callable[[bytes], list[Json]]  # of an array of payloads


def projected(field: Projected, chunk: Series) -> Series:
    """A field's rows, in the order of its owner's; structured values are packed."""
    found = _found(field.path, chunk.values)
    kinds = set(map(type, found))
    if field.plan is None and kinds.isdisjoint(_UNCLEAR):
        return Series(chunk.times, _packed(found, kinds), chunk.qualities)
    rows = list(map(project, found, repeat(field.plan), chunk.qualities, chunk.times, repeat(field.zone)))
    values = [row[0] for row in rows]
    return Series([row[2] for row in rows], _packed(values, set(map(type, values))), [row[1] for row in rows])


def _packed(values: list[Json], kinds: set[type]) -> list[Json]:
    if kinds.isdisjoint(_STRUCTURED):
        return values
    return [_encode(value) if type(value) in _STRUCTURED else value for value in values]


def _found(path: tuple[str, ...], payloads: Sequence[Json]) -> list[Json]:
    """What stands at a place in each payload, or `MISSING`."""
    if len(payloads) > _FEW and set(map(type, payloads)) == {bytes}:
        find = _finder(path)
        try:
            return find(b"[%b]" % b",".join(payloads)) if find is not None else _one_by_one(path, payloads)
        except msgspec.ValidationError:
            pass  # on the way to the field something is no object
    return _one_by_one(path, payloads)


def _one_by_one(path: tuple[str, ...], payloads: Sequence[Json]) -> list[Json]:
    return [at_path(_decode(one) if type(one) is bytes else one, path) for one in payloads]


@lru_cache(_DECODERS)
def _finder(path: tuple[str, ...]) -> _Finder | None:
    """None for names that a decoder cannot be made for."""
    kind: Any = Any
    default: Any = MISSING
    try:
        for key in reversed(path):
            kind = msgspec.defstruct("Box", [("inner", kind, default)], rename={"inner": key}, frozen=True)
            default = kind()
        decode = msgspec.json.Decoder(list[kind]).decode
    except ValueError:
        return None
    get = attrgetter(".".join(["inner"] * len(path)))
    return lambda payloads: list(map(get, decode(payloads)))
