"""The document: what a model file may say, one frozen model a table; each key with what it may be.

The names are those of the file. What the tables say about each other (a type that an element names, say) is checked in
`references`.
"""

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from bridge.config import rules
from bridge.config.section import Section
from bridge.space.owned.templates import placeholders

FORMAT = 1
INITIAL = "1.0.0"  # version of a type that does not say one

Kind: TypeAlias = Literal["object", "array", "string", "number", "integer", "boolean", "bytes", "any"]
RootKind: TypeAlias = Literal["object", "array", "string", "number", "integer", "boolean", "bytes"]

NAME_RULE = 'must be a name: printable, not blank, without / # , " and backslash'
URI_RULE = 'must be an absolute URI without "#" and ",", such as "https://example.com/plant"'
VERSION_RULE = 'must be a version such as "1.3.0"'
PATTERN_RULE = 'must be a topic pattern: "+" a whole level, "*" any characters in one, "#" the whole last level'
PATH_RULE = 'must be levels separated by "/", none of them blank, such as "By kind/Vats/{vat}"'

_NAME = re.compile(r'[^/#,"\\]+')
_VERSION = re.compile(r"\d{1,6}\.\d{1,6}\.\d{1,6}", re.ASCII)


def name(text: str) -> str:
    """The name of a type or relationship: it becomes part of an id."""
    if not _NAME.fullmatch(text) or not text.isprintable() or text != text.strip():
        raise ValueError(NAME_RULE)
    return text


def uri(text: str) -> str:
    """The URI that types and relationships live under."""
    try:
        found = rules.namespace(text)
    except ValueError:
        found = ""
    if not found:
        raise ValueError(URI_RULE)
    return found


def version(text: str) -> str:
    """Major, minor and patch."""
    if not _VERSION.fullmatch(text):
        raise ValueError(VERSION_RULE)
    return text


def pattern(text: str) -> str:
    """A filter in which a level may also hold `*`."""
    try:
        return rules.mqtt_filter(text)
    except ValueError:
        raise ValueError(PATTERN_RULE) from None


def template(text: str) -> str:
    """A pattern with names in braces."""
    placeholders(text)
    pattern(text)
    return text


def path(text: str) -> str:
    """Where an alias lies: levels with names in braces."""
    placeholders(text)
    if not text.isprintable() or not all(level.strip() for level in text.split("/")):
        raise ValueError(PATH_RULE)
    return text


def plain_text(text: str) -> str:
    """A text for people."""
    if not text.strip():
        raise ValueError("must not be blank; leave the key out instead")
    return text


def spelled_out(value: object) -> object:
    """`x = "number"` and `x = ["number", "string"]` are short for `x = { kind = … }`; what has fields is an object."""
    if isinstance(value, str | list):
        return {"kind": value}
    return {"kind": implied(value), **value} if isinstance(value, dict) else value


def implied(table: Mapping[str, Any]) -> str:
    """The kind of an attribute that does not say it."""
    if "fields" in table or "map" in table:
        return "object"
    return "array" if "items" in table else "any"


def listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def number(value: object) -> object:
    """As it is written: 5 is not 5.0."""
    if type(value) not in (int, float) or not math.isfinite(value):  # type: ignore[arg-type]  # a number by then
        raise ValueError("must be a number")
    return value


def word(value: object) -> object:
    """A value that an attribute may have."""
    if type(value) not in (str, int, float, bool):
        raise ValueError("must be text, a number, true or false")
    return value


Number: TypeAlias = Annotated[int | float, PlainValidator(number)]
Words: TypeAlias = Annotated[
    tuple[Annotated[str | int | float | bool, PlainValidator(word)], ...], Field(strict=False, min_length=1)
]
Name: TypeAlias = Annotated[str, AfterValidator(name)]
Uri: TypeAlias = Annotated[str, AfterValidator(uri)]
Text: TypeAlias = Annotated[str, AfterValidator(plain_text)]
Pattern: TypeAlias = Annotated[str, AfterValidator(pattern)]
Version: TypeAlias = Annotated[str, AfterValidator(version)]
Path: TypeAlias = Annotated[str, AfterValidator(path)]
Template: TypeAlias = Annotated[str, AfterValidator(template)]
Levels: TypeAlias = Annotated[tuple[Text, ...], Field(strict=False)]
Inner: TypeAlias = Annotated["Attribute", BeforeValidator(spelled_out)]


class Attribute(Section):
    """[type.fields.NAME]: an attribute of a structured value, or what all items or members are."""

    kind: Annotated[tuple[Kind, ...], BeforeValidator(listed), Field(strict=False, min_length=1)]
    unit: Text | None = None
    description: Text | None = None
    minimum: Number | None = None
    maximum: Number | None = None
    enum: Words | None = None
    fields: Mapping[str, Inner] | None = None
    items: Inner | None = None
    map: Inner | None = None  # what any key may hold


class TypeTable(Section):
    """[[type]]: a kind of elements. `parts`: its value is made of the parts' values, as equipment's is."""

    name: Name
    namespace: Uri | None = None  # needed only where the file has several
    version: Version = INITIAL
    description: Text | None = None
    source_type: Text | None = None  # what the source calls it
    kind: RootKind
    parts: bool = False
    unit: Text | None = None
    minimum: Number | None = None
    maximum: Number | None = None
    enum: Words | None = None
    fields: Mapping[str, Inner] | None = None
    items: Inner | None = None
    map: Inner | None = None


class ElementTable(Section):
    """[[element]]: what is decided about the elements of a pattern; later tables win, key by key."""

    match: Pattern
    type: Name | None = None
    namespace: Uri | None = None
    part: bool | None = None
    name: Text | None = None
    description: Text | None = None
    unit: Text | None = None
    quality_profile: Literal["da", "ua", "one-is-good", "zero-is-good"] | None = None
    use: Literal["value", "command", "status", "metadata"] | None = None
    hide: bool | None = None


class RelationshipTable(Section):
    """[[relationship]]: elements of `source` are NAME of those of `target` for which the names in both agree."""

    name: Name
    reverse: Name
    namespace: Uri | None = None
    source: Template = Field(alias="from")
    target: Template = Field(alias="to")


class TreeTable(Section):
    """[[tree]]: an alias at `path` for each element that a template covers."""

    path: Path
    element: Template


class Document(Section):
    """The whole file."""

    format: Literal[1]
    levels: Levels = ()
    namespaces: Mapping[Uri, Text] = Field(default_factory=dict)
    type: Annotated[tuple[TypeTable, ...], Field(strict=False)] = ()
    element: Annotated[tuple[ElementTable, ...], Field(strict=False)] = ()
    relationship: Annotated[tuple[RelationshipTable, ...], Field(strict=False)] = ()
    tree: Annotated[tuple[TreeTable, ...], Field(strict=False)] = ()


Table: TypeAlias = Mapping[str, Any]
Attribute.model_rebuild()
