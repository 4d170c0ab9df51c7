"""A mistake in a model file, told to a person: where it is, what is said there, and what may be."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from bridge.model.document import Attribute, Document, ElementTable, RelationshipTable, TreeTable, TypeTable
from bridge.model.lines import Place

SHOWN_CHARACTERS = 80  # of a value; enough to find it in the file
_NEAR = 0.6  # similarity that makes a suggestion
_SEVERAL = 6  # choices that are named; of more, the nearest only

_TABLES: Mapping[str, type[BaseModel]] = {
    "type": TypeTable,
    "element": ElementTable,
    "relationship": RelationshipTable,
    "tree": TreeTable,
}
_MARK = "[key]"  # what pydantic adds to the place of a key that is no good
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_EITHER: Mapping[str, str] = {
    "string_type": "must be text in quotes",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "tuple_type": "must be a list",
    "too_short": "must name at least one",
    "missing": "must be there",
}


class Mistake(Struct, frozen=True):
    """`place` leads to the value at fault, or to the table in which something is missing."""

    place: Place
    text: str


def told(errors: Iterable[ErrorDetails], document: Mapping[str, Any]) -> Iterator[Mistake]:
    """What pydantic found."""
    for error in errors:
        place = _without_marks(error["loc"], document)
        match error["type"]:
            case "extra_forbidden":
                yield Mistake(place, f"{where(place)}: unknown key; {_suggestion(str(place[-1]), _known(place[:-1]))}")
            case "missing":
                yield Mistake(place[:-1], f"{where(place)}: must be there")
            case "value_error":
                yield Mistake(place, f"{said(place, error['input'])}: {error['ctx']['error']}")
            case "literal_error":
                yield Mistake(place, f"{said(place, error['input'])}: must be {_as_toml(error['ctx']['expected'])}")
            case "model_type" | "dict_type":
                yield Mistake(place, f"{said(place, error['input'])}: must be a table")
            case kind:
                yield Mistake(place, f"{said(place, error['input'])}: {_EITHER[kind]}")


def _without_marks(loc: Place, document: Mapping[str, Any]) -> Place:
    """Only the keys and indices that are in the file: pydantic adds names of its own where there are alternatives."""
    found: list[str | int] = []
    at: Any = document
    for number, key in enumerate(loc):
        inside = isinstance(at, Mapping | list | tuple) and _has(at, key)
        if inside:
            at = at[key]
            found.append(key)
        elif number == len(loc) - 1 and isinstance(key, str) and isinstance(at, Mapping) and key != _MARK:
            found.append(key)  # what is missing
    return tuple(found)


def _has(box: Any, key: str | int) -> bool:  # noqa: ANN401 - a table or a list
    if isinstance(box, Mapping):
        return key in box
    return isinstance(key, int) and key < len(box)


def where(place: Place) -> str:
    """("type", 0, "fields", "x", "kind") → `[[type]] 1 fields.x.kind`."""
    head, *rest = place
    if head in _TABLES and rest and isinstance(rest[0], int):
        return f"[[{head}]] {rest[0] + 1} {_dotted(rest[1:])}".rstrip()
    if rest and head == "namespaces":
        return f"[{head}] {_dotted(rest)}"
    return _dotted(list(place))


def said(place: Place, value: object) -> str:
    """A place with its value, as TOML writes it."""
    return f"{where(place)} = {toml(value)}"


def _dotted(keys: list[str | int]) -> str:
    text = ""
    for key in keys:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += ("." if text else "") + (key if _BARE.fullmatch(key) else toml(key))
    return text


def toml(value: object) -> str:
    """A value on one line, shortened."""
    text = _whole(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _as_toml(choices: str) -> str:
    """Choices of plain words, as pydantic lists them."""
    return choices.replace("'", '"')


def _whole(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=not value.isprintable())
        case list() | tuple():
            return f"[{', '.join(map(_whole, value))}]"
        case dict():
            return "{…}"
        case _:
            return str(value)


def nearest(word: str, known: Iterable[str]) -> str:
    """A remedy for a word that is not known: `did you mean "Vat"?`, or what there is."""
    names = sorted(set(known))
    near = difflib.get_close_matches(word, names, n=1, cutoff=_NEAR)
    if near:
        return f"did you mean {toml(near[0])}?"
    if not names:
        return "the file has none"
    return f"known are {', '.join(map(toml, names[:_SEVERAL]))}{' …' if len(names) > _SEVERAL else ''}"


def _suggestion(word: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(word.lower(), names, n=1, cutoff=_NEAR)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"


def _known(place: Place) -> list[str]:
    """The keys that a table may have."""
    if not place:
        return _keys(Document)
    if len(place) == 2 and place[0] in _TABLES:
        return _keys(_TABLES[str(place[0])])
    return _keys(Attribute)


def _keys(table: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in table.model_fields.items()]
