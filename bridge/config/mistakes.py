"""What pydantic found, told to a person: one line a mistake with the key, the value and what is allowed.

A line never shows a secret: credentials in a URL are blanked out, and of an unknown key (a mistyped
`pasword`) only the name is told.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from types import NoneType
from typing import Literal, TypeAlias, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bridge.config.section import Allowed
from bridge.config.settings import Settings

SHOWN_CHARACTERS = 80  # of a value; enough to find it in the file
NEAR, VERY_NEAR = 0.6, 0.8  # similarity that makes a suggestion: within the section, and in another one

Key: TypeAlias = str | int
Sections: TypeAlias = Mapping[str, Mapping[str, FieldInfo]]

# What people write because other programs call it so: word → our key in the same section.
SYNONYMS: Mapping[str, Mapping[str, str]] = {
    "mqtt": dict.fromkeys(("host", "port", "broker", "server", "address"), "url"),
    "api": dict.fromkeys(("bind", "address", "listen"), "host"),
    "rule": dict.fromkeys(("filter", "filters", "match", "pattern"), "topics"),
}
# Whole numbers that count seconds; every number with decimals does.
WHOLE_SECONDS = frozenset((("mqtt", "keep_alive"), ("mqtt", "session_expiry")))

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?) *([a-z]+)", re.ASCII | re.IGNORECASE)
_SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3_600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 604_800),
}
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_CREDENTIALS = re.compile(r"^(\w+://)?.*@", re.DOTALL)


def lines(errors: Iterable[ErrorDetails]) -> Iterator[str]:
    """Each error in words, without the file's name."""
    for error in errors:
        yield from _told(error)


def _told(error: ErrorDetails) -> Iterator[str]:
    where, value = error["loc"], error["input"]
    match error["type"]:
        case "extra_forbidden":
            yield f"{_place(where)}: {_unknown(where, value)}"
        case "conflicts":
            for key, allowed in error["ctx"]["found"].items():
                *sections, last = key.split(".")
                yield f"{_place((*where, *sections, last))}{_given(value, sections, last)}: {allowed}"
        case "value_error":
            yield f"{_place(where)} = {_toml(value)}: {error['ctx']['error']}"
        case "missing":
            yield f"{_place(where)}: missing; {_allowed(where)}"
        case _ if len(where) == 1:
            kind = "tables" if where[0] in _arrays() else "a section"
            yield f"{_place(where)} = {_toml(value)}: must be {kind}, {_title(str(where[0]))}"
        case _ if len(where) == 2 and isinstance(where[1], int):
            yield f"{_place(where)} = {_toml(value)}: must be a table, {_title(str(where[0]))}"
        case _:
            yield f"{_place(where)} = {_toml(value)}: {_allowed(where)}{_in_seconds(where, value)}"


def _given(value: object, sections: Iterable[str], key: str) -> str:
    """What a key was set to, if it was."""
    for section in sections:
        value = value.get(section) if isinstance(value, Mapping) else None
    return f" = {_toml(value[key])}" if isinstance(value, Mapping) and key in value else ""


def _place(where: tuple[Key, ...]) -> str:
    """("mqtt", "topics", 0) → `[mqtt] topics[0]`; ("rule", 1, "topics", 0) → `[[rule]] 2 topics[0]`."""
    section, *rest = (str(key) if _BARE.fullmatch(str(key)) else _quoted(str(key)) for key in where)
    if not rest:
        return section
    title = _title(section)
    if isinstance(where[1], int):
        title, rest = f"{title} {where[1] + 1}", rest[1:]
    key, *indices = rest or [""]
    return f"{title} {key}".rstrip() + "".join(f"[{index}]" for index in indices)


def _title(section: str) -> str:
    """How a section begins."""
    return f"[[{section}]]" if section in _arrays() else f"[{section}]"


def _toml(value: object) -> str:
    """A value as TOML writes it, on one line, shortened, without credentials."""
    text = _whole(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _whole(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _quoted(_CREDENTIALS.sub(r"\1…@", value))
        case list() | tuple():
            return f"[{', '.join(map(_whole, value))}]"
        case dict():
            return "{…}"
        case _:
            return str(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable()).replace("\x7f", "\\u007f")


def _arrays() -> frozenset[str]:
    """Sections of which there may be any number."""
    return frozenset(name for name, field in Settings.model_fields.items() if get_origin(field.annotation) is tuple)


def _sections() -> Sections:
    arrays = _arrays()
    models = {
        name: get_args(field.annotation)[0] if name in arrays else field.annotation
        for name, field in Settings.model_fields.items()
    }
    return {name: cast("type[BaseModel]", model).model_fields for name, model in models.items()}


def _unknown(where: tuple[Key, ...], value: object) -> str:
    sections, word = _sections(), str(where[-1])
    titles = [_title(name) for name in sections]
    if len(where) > 1:
        section = str(where[0])
        near = SYNONYMS.get(section, {}).get(word.lower()) or _nearest(word, sections[section], NEAR)
        return f"unknown key; {_suggestion(near or _elsewhere(word, sections), sections[section])}"
    if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
        near = _nearest(word, sections, NEAR)
        return f"unknown section; {_suggestion(near and _title(near), titles)}"
    return f"a key outside any section; {_suggestion(_elsewhere(word, sections), titles)}"


def _elsewhere(word: str, sections: Sections) -> str | None:
    found = (
        f"{_title(section)} {near}"
        for cutoff in (1.0, VERY_NEAR)
        for section, known in sections.items()
        if (near := _nearest(word, known, cutoff))
    )
    return next(found, None)


def _nearest(word: str, known: Iterable[str], cutoff: float) -> str | None:
    return next(iter(difflib.get_close_matches(word.lower(), known, n=1, cutoff=cutoff)), None)


def _suggestion(near: str | None, known: Iterable[str]) -> str:
    return f"did you mean {near}?" if near else f"known are {', '.join(known)}"


def _allowed(where: tuple[Key, ...]) -> str:
    """What the field's type and bounds say it may be."""
    section, *rest = where
    key, *indices = rest[1:] if section in _arrays() else rest
    field = _present(_sections()[str(section)][str(key)])
    told = next((mark for mark in field.metadata if isinstance(mark, Allowed)), None)
    if indices:
        field = FieldInfo.from_annotation(get_args(field.annotation)[0])
    return told or f"must be {_kind(field)}{_range(field)}"


def _in_seconds(where: tuple[Key, ...], value: object) -> str:
    """Of a length of time, that it is in seconds; of one in another unit, how many."""
    section, *rest = where
    key = str((rest[1:] if section in _arrays() else rest)[0])
    field = _present(_sections()[str(section)][key])
    if field.annotation is not float and (section, key) not in WHOLE_SECONDS:
        return ""
    meant = _meant(value)
    least, most = _bounds(field)
    if meant is None or (least is not None and meant < least) or (most is not None and meant > most):
        return ", in seconds"
    return f", in seconds, such as {meant}"


def _meant(value: object) -> int | None:
    """The whole seconds of a text such as "90d"."""
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    unit = _SECONDS.get(found[2].lower()) if found is not None else None
    return round(float(found[1]) * unit) if found is not None and unit is not None else None


def _present(field: FieldInfo) -> FieldInfo:
    """What a field is where it is there: without None, which TOML cannot say."""
    arms = [arm for arm in get_args(field.annotation) if arm is not NoneType]
    is_optional = NoneType in get_args(field.annotation)
    return FieldInfo.from_annotation(arms[0]) if is_optional else field


def _kind(field: FieldInfo) -> str:
    kind = field.annotation
    if get_origin(kind) is Literal:
        return _either(get_args(kind))
    if get_origin(kind) is tuple:
        return 'a list of texts, such as ["a", "b"]'
    words: dict[object, str] = {bool: "true or false", int: "a whole number", float: "a number"}
    return words.get(kind, "text in quotes")


def _range(field: FieldInfo) -> str:
    least, most = _bounds(field)
    if least is None:
        return ""
    return f" of at least {least}" if most is None else f" from {least} to {most}"


def _bounds(field: FieldInfo) -> tuple[float | None, float | None]:
    least = next((mark.ge for mark in field.metadata if hasattr(mark, "ge")), None)
    most = next((mark.le for mark in field.metadata if hasattr(mark, "le")), None)
    return least, most


def _either(choices: tuple[object, ...]) -> str:
    *first, last = map(_whole, choices)
    return f"{', '.join(first)} or {last}"
