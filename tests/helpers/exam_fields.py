"""Exams: fields of made-up message kinds, and payloads that fill them in.

Kinds of one domain draw from the same words, so that they look alike without being the same; most fields may be null,
some are left out now and then.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

NULLABLE = 0.4  # share of the fields that are null now and then
OPTIONAL = 0.1  # share of those that are left out now and then
_GONE = 0.35  # how often

_TEXTS = ("name", "status", "kind", "type", "description", "region", "operator", "unit", "reason", "source", "class",
          "category", "country", "mode", "state", "comment", "url", "level", "code", "ref", "id", "number")  # fmt: skip
_TIMES = ("timestamp", "time", "at", "date", "from", "until")
_WHOLE = ("count", "total", "rank", "age", "priority", "index", "size")
_FLAGS = ("is", "has", "active", "valid", "enabled", "cancelled", "acknowledged")


@dataclass(frozen=True)
class Field:
    """A key of a payload. `inner`: fields of the object, or of the objects of the list, that it holds."""

    key: str
    nullable: bool = False
    optional: bool = False
    inner: tuple["Field", ...] = ()
    listed: bool = False


def pick(source: random.Random, words: Sequence[str], count: int) -> list[str]:
    """So many different words, in a stable order."""
    chosen = set(source.sample(words, min(count, len(words))))
    return [word for word in words if word in chosen]


def fields(source: random.Random, required: Iterable[str], others: Iterable[str]) -> tuple[Field, ...]:
    """Fields of one message kind."""
    made = [Field(key, source.random() < NULLABLE, source.random() < OPTIONAL) for key in others]
    return (*(Field(key) for key in required), *made)


def styled(made: Iterable[Field], style: str) -> tuple[Field, ...]:
    """The same fields with keys in `snake` or `camel` case."""
    return tuple(
        Field(_camel(f.key) if style == "camel" else f.key, f.nullable, f.optional, styled(f.inner, style), f.listed)
        for f in made
    )


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word.capitalize() for word in rest)


def fill(source: random.Random, made: Iterable[Field], known: dict[str, Any], second: int) -> dict[str, Any]:
    """A payload: `known` values where there are some, else values that fit the keys; `second` makes times advance."""
    payload: dict[str, Any] = {}
    for f in made:
        if f.optional and source.random() < _GONE:
            continue
        if f.key in known:
            payload[f.key] = known[f.key]
        elif f.nullable and source.random() < _GONE:
            payload[f.key] = None
        elif f.listed:
            payload[f.key] = [fill(source, f.inner, {}, second) for _ in range(source.randrange(3))]
        elif f.inner:
            payload[f.key] = fill(source, f.inner, {}, second)
        else:
            payload[f.key] = _value(source, f.key, second)
    return payload


def _value(source: random.Random, key: str, second: int) -> Any:
    words = _words(key)
    if words[0] in _FLAGS or words[-1] in _FLAGS:
        return source.random() < 0.5
    if words[-1] in _TIMES:
        return f"2027-01-15T07:{second // 60 % 60:02}:{second % 60:02}Z"
    if words[-1] in _TEXTS:
        return f"{words[-1]} {source.randrange(1_000)}"
    if words[-1] in _WHOLE:
        return source.randrange(1_000)
    return round(source.random() * 500, 2)


def _words(key: str) -> list[str]:
    spaced = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)
    return spaced.strip("_").split("_")
