"""What elements say about others: units, descriptions, names for people and limits, read from texts and documents.

Nothing here knows an element; `describe` finds out who is meant. What is not plausible is left out: wrong is worse
than absent. Key names are compared in lower case without `_` and `-`, as in envelopes.
"""

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct, structs

from bridge.uns import Json, units
from bridge.uns.envelope import UNIT_KEYS, VALUE_KEYS, normal

Limits = Mapping[str, Json]  # JSON Schema annotations: `minimum`, `maximum`, `enum`

MAX_TEXT = 1_000  # characters of a description; more is a document
MAX_LABEL = 120  # characters of a name for people
MAX_CHOICES = 100  # values that an element may be declared to take

UNIT_WORDS = frozenset({*UNIT_KEYS, "eu", "engunits", "engineeringunit", "engineeringunits", "unitofmeas"})
DESCRIPTION_WORDS = frozenset({"description", "desc"})
LOW_WORDS = frozenset({"englow", "eulow", "rangemin"})  # not `Min`: that may be the least that was measured
HIGH_WORDS = frozenset({"enghigh", "euhigh", "rangemax"})

_DESCRIPTIONS = ("description", "desc", "documentation", "tooltip")  # in a document, the best first
_LABELS = ("displayname", "label", "friendlyname")
_LOWS = (*sorted(LOW_WORDS), "minimum", "min")
_HIGHS = (*sorted(HIGH_WORDS), "maximum", "max")

_FIELD = re.compile(  # a template that picks one field and changes at most its form
    r"\{\{-?\s*value_json(?P<path>(?:\.\w+|\[\s*'[^']+'\s*\]|\[\s*\"[^\"]+\"\s*\])+)"
    r"(?:\s*\|\s*(?:float|int|round|default|is_defined)(?:\([^()]*\))?)*\s*-?\}\}"
)
_KEY = re.compile(r"\.(\w+)|\[\s*'([^']+)'\s*\]|\[\s*\"([^\"]+)\"\s*\]")
_WHOLE = re.compile(r"\{\{-?\s*value(?:\s*\|\s*(?:float|int|round)(?:\([^()]*\))?)*\s*-?\}\}")


class Facts(Struct, frozen=True):
    """What one element says about another. `sure`: it is meant for certain, so that a text may have a unit, too."""

    unit: str | None = None
    description: str | None = None
    label: str | None = None
    limits: Limits | None = None
    sure: bool = True
    of_value: bool = False  # meant for the value alone: says nothing about an element that turns out to be a document

    def __bool__(self) -> bool:
        return (self.unit, self.description, self.label, self.limits) != (None, None, None, None)


NOTHING = Facts()


class Discovery(Struct, frozen=True):
    """What a Home Assistant discovery document describes: a topic, or a field of the documents on it."""

    topic: str
    path: tuple[str, ...]
    facts: Facts


def merge(said: Iterable[Facts]) -> Facts:
    """Of several, for each fact the first that says it."""
    found = list(said)
    declared: dict[str, Json] = {}
    for facts in reversed(found):
        declared |= facts.limits or {}
    return Facts(
        _first(facts.unit for facts in found),
        _first(facts.description for facts in found),
        _first(facts.label for facts in found),
        consistent(declared),
    )


def text(value: Json, longest: int = MAX_TEXT) -> str | None:
    """A text that people may read, or None if this is none."""
    if type(value) is not str:
        return None
    found = " ".join(value.split())
    return found if 0 < len(found) <= longest and found.isprintable() else None


def label(value: Json) -> str | None:
    return text(value, MAX_LABEL)


def of_document(content: Mapping[str, Json]) -> Facts:
    """What a document of properties says: `engUnit`, `documentation`, `engLow` …"""
    named: dict[str, Json] = {}
    for key, value in content.items():
        named.setdefault(normal(key), value)
    return Facts(
        _first(units.clean(named[name]) for name in sorted(UNIT_WORDS) if name in named),
        _first(text(named[name]) for name in _DESCRIPTIONS if name in named),
        _first(label(named[name]) for name in _LABELS if name in named),
        limits(
            next((named[name] for name in _LOWS if name in named), None),
            next((named[name] for name in _HIGHS if name in named), None),
        ),
    )


def _first(found: Iterable[str | None]) -> str | None:
    return next((one for one in found if one is not None), None)


def limits(low: Json, high: Json) -> Limits | None:
    """The limits that are set by what are numbers of the two."""
    said = {"minimum": low, "maximum": high}
    return consistent({name: limit for name, limit in said.items() if type(limit) in (int, float)})


def consistent(said: Limits) -> Limits | None:
    """Limits without those that contradict each other: equal ones mean that nobody has set them."""
    if "minimum" in said and "maximum" in said and said["minimum"] >= said["maximum"]:
        said = {name: limit for name, limit in said.items() if name == "enum"}
    return said or None


def of_format(kind: Json, said: Json) -> Limits | None:
    """Homie's `$format`, given its `$datatype`: `min:max` (also `min:max:step`), or the values of an enumeration."""
    if type(said) is not str:
        return None
    if kind == "enum":
        choices = list(dict.fromkeys(choice.strip() for choice in said.split(",")))
        return {"enum": choices} if 0 < len(choices) <= MAX_CHOICES and all(choices) else None
    low, colon, rest = said.partition(":")
    if kind not in ("float", "integer") or not colon:
        return None
    return limits(_number(low), _number(rest.partition(":")[0]))


def _number(said: str) -> int | float | None:
    try:
        number = float(said)
    except ValueError:
        return None
    if not -1e300 < number < 1e300:  # also infinities and NaN: no limits
        return None
    return int(number) if number.is_integer() else number


def of_discovery(content: Mapping[str, Json]) -> Discovery | None:
    """What Home Assistant is told about a topic; None where it is told nothing about one, or of a computed value."""
    topic = _one(content, "state_topic", "stat_t")
    if topic is None:
        return None
    base = content.get("~")
    if type(base) is str:
        topic = base + topic[1:] if topic.startswith("~") else topic[:-1] + base if topic.endswith("~") else topic
    path = _path(_one(content, "value_template", "val_tpl"))
    if path is None:
        return None
    return Discovery(
        topic,
        path,
        Facts(
            units.clean(_one(content, "unit_of_measurement", "unit_of_meas")),
            text(_one(content, "device_class", "dev_cla")),
            label(content.get("name")),
        ),
    )


def _one(content: Mapping[str, Json], name: str, short: str) -> str | None:
    said = content.get(name, content.get(short))
    return said if type(said) is str else None


def _path(template: str | None) -> tuple[str, ...] | None:
    """The keys that a template follows; empty for the whole value, None for what is more than picking a field."""
    if template is None or _WHOLE.fullmatch(template.strip()):
        return ()
    found = _FIELD.fullmatch(template.strip())
    return tuple("".join(keys) for keys in _KEY.findall(found["path"])) if found else None


def of_leaf(found: Discovery) -> Facts | None:
    """The same for the topic's own element, if what is picked may be the value of an envelope, which has no fields."""
    if len(found.path) == 1 and normal(found.path[0]) in VALUE_KEYS:
        return structs.replace(found.facts, of_value=True)
    return None
