"""Conventions: which elements one of a certain name describes, and what it says about them (inference.md H).

`convention_of` decides by the name alone. A convention is a function from the describing element to what it says,
by the ids of those that it may mean; whether they exist is not its business.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec import structs

from bridge.space.describing import facts
from bridge.space.describing.facts import Facts
from bridge.space.node import Node
from bridge.uns import databus, units
from bridge.uns.envelope import normal
from bridge.uns.topics import element_id, field_id

Said: TypeAlias = dict[str, Facts]  # by the id of the described element
Convention: TypeAlias = Callable[[Node], Said]

MAX_POINT = 24  # siblings; a larger branch is no single data point

# What an element says hangs on this sibling, too: the format on the data type.
HANGS_ON = {"$datatype": "$format"}

_SUFFIX = re.compile(r"(?P<stem>.+)(?P<mark>[-_.])(?P<word>EU|UNITS?|DESC|DESCRIPTION)", re.IGNORECASE | re.DOTALL)
_SUFFIXES = ("PV", "pv", "VALUE", "Value", "value")  # of what is described
_QUALIFIED = re.compile(r"(?P<plain>.+[-_.](?:PV|VALUE))[-_.][^-_.]+", re.IGNORECASE | re.DOTALL)
_PROPS = ".props"  # Ignition's UNS transmitter
_VALUE_TREE = {"Metadata": "Value", "MetaData": "Value", "metadata": "value", "METADATA": "VALUE"}
_DISCOVERY_LEVELS = 4  # prefix, component, object, `config`

# Of the siblings that make up one data point: its value; what counts something; and what else belongs to it.
_VALUES = frozenset({"value", "val", "pv", "processvalue", "presentvalue", "currentvalue"})
_COUNTS = frozenset({"count", "acccount"})
_SAYING = facts.UNIT_WORDS | facts.DESCRIPTION_WORDS | facts.LOW_WORDS | facts.HIGH_WORDS | {"name"}
_BESIDE = _SAYING | {
    *("id", "index", "type", "datatype", "format", "quality", "status", "timestamp", "time", "min", "max", "source"),
}

# Tasmota: keys of a document that hold a unit, its fields that have this unit, and what the short texts stand for.
DOCUMENT_UNITS: Mapping[str, frozenset[str]] = {
    "TempUnit": frozenset({"Temperature", "DewPoint", "HeatIndex"}),
    "PressureUnit": frozenset({"Pressure", "SeaPressure"}),
}
_TASMOTA = {"C": "°C", "F": "°F"}
_MAX_DEPTH = 4  # levels of such a document in which fields are looked for


def convention_of(node: Node) -> Convention | None:
    """How an element describes others; None for the many that do not, and for those that may not."""
    name, use = node.name, node.policy.use
    if node.parent is None or use == "value":
        return None
    if name.startswith("$"):
        return _homie if name in _HOMIE else None
    if is_point_word(name):
        return _point
    if name.endswith(_PROPS) and name != _PROPS:
        return _properties
    if _SUFFIX.fullmatch(name):
        return _suffixed
    levels = node.topic.split("/")
    if name == "config" and len(levels) >= _DISCOVERY_LEVELS:
        return _discovery
    if databus.is_metadata(node.topic):
        return _data_points
    if not _VALUE_TREE.keys().isdisjoint(levels):
        return _parallel
    return _forced if use == "metadata" else None


# --- below what is described -----------------------------------------------------------------------------------------


def _homie_format(node: Node) -> Facts:
    """The format means what the data type makes of it."""
    kind = ((node.parent.children if node.parent is not None else None) or {}).get("$datatype")
    return Facts(limits=facts.of_format(kind.value, node.value)) if kind is not None else facts.NOTHING


_HOMIE: Mapping[str, Callable[[Node], Facts]] = {
    "$unit": lambda node: Facts(unit=units.clean(node.value)),
    "$name": lambda node: Facts(label=facts.label(node.value)),
    "$format": _homie_format,
    "$datatype": lambda _: facts.NOTHING,
}


def _homie(node: Node) -> Said:
    """`$unit` and its like describe the property (or node, or device) that they lie below."""
    return {node.parent.id: _HOMIE[node.name](node)} if node.parent is not None else {}


def _forced(node: Node) -> Said:
    """A topic that only the configuration calls metadata is about its parent."""
    return {node.parent.id: _properties_of(node)} if node.parent is not None else {}


# --- beside what is described ----------------------------------------------------------------------------------------


def is_point_word(name: str) -> bool:
    """Whether elements of this name describe their siblings, where these are one data point."""
    return normal(name) in _SAYING


def _point(node: Node) -> Said:
    """One of the siblings that make up a data point: `Units` beside `Value`, `Name` beside `Count`."""
    parent, word = node.parent, normal(node.name)
    if parent is None:
        return {}
    values, is_point = _values_of(parent)
    if word in facts.UNIT_WORDS:
        unit = units.clean(node.value)
        if not is_point and word == "unit" and unit is not None and units.rec20(unit) is None:
            return {}  # a unit of the plant, likely
        return {value.id: Facts(unit=unit, sure=_is_forced(node)) for value in values}
    if not is_point:
        return {}
    if word == "name":
        return {parent.id: Facts(label=facts.label(node.value))}
    if word in facts.DESCRIPTION_WORDS:
        return {one.id: Facts(description=facts.text(node.value)) for one in (parent, *values)}
    low, high = (node.value, None) if word in facts.LOW_WORDS else (None, node.value)
    return {value.id: Facts(limits=facts.limits(low, high)) for value in values}


def is_point(node: Node) -> bool:
    """Whether all that lies below an element are the value and the attributes of one data point."""
    children = node.children or {}
    if not 1 < len(children) <= MAX_POINT or any(child.children for child in children.values()):
        return False
    words = {normal(name) for name in children}
    return bool(words & (_VALUES | _COUNTS)) and words <= _VALUES | _COUNTS | _BESIDE


def _values_of(parent: Node) -> tuple[list[Node], bool]:
    """The values that may be meant by what stands beside them, and whether the branch is a data point for certain.

    It is one where a child is called its value, or where all that is no attribute counts something. A branch that
    holds just one thing beside the unit may be one.
    """
    children = parent.children or {}
    if len(children) > MAX_POINT:
        return [], False
    named = {normal(name): child for name, child in sorted(children.items())}
    values = [child for word, child in named.items() if word in _VALUES]
    if values:
        return values, True
    others = {word: child for word, child in named.items() if word not in _BESIDE}
    if others and others.keys() <= _COUNTS:
        return list(others.values()), True
    return (list(others.values()) if len(others) == 1 else []), False


def _suffixed(node: Node) -> Said:
    """`X_EU` and `X_DESC` are about `X_PV`, `X_VALUE` or plain `X`."""
    found = _SUFFIX.fullmatch(node.name)
    if found is None:
        return {}
    if found["word"].upper().startswith("DESC"):
        said = Facts(description=facts.text(node.value))
    else:
        said = Facts(unit=units.clean(node.value), sure=_is_forced(node))
    stem, mark = found["stem"], found["mark"]
    return {_sibling(node, name): said for name in (stem, *(f"{stem}{mark}{suffix}" for suffix in _SUFFIXES))}


def plain_id(node: Node) -> str | None:
    """Of `X_PV_Celsius` the id of `X_PV`: what is said about that is meant for it, too."""
    found = _QUALIFIED.fullmatch(node.name)
    return _sibling(node, found["plain"]) if found is not None else None


def _properties(node: Node) -> Said:
    """`X.props` is about `X`."""
    return {_sibling(node, node.name.removesuffix(_PROPS)): _properties_of(node)}


def _sibling(node: Node, name: str) -> str:
    return element_id(f"{node.topic.removesuffix(node.name)}{name}")


def _is_forced(node: Node) -> bool:
    return node.policy.use == "metadata"


# --- elsewhere -------------------------------------------------------------------------------------------------------


def _parallel(node: Node) -> Said:
    """`…/Metadata/…` is about the topic that has `Value` in its place."""
    levels = node.topic.split("/")
    at = next(index for index, level in enumerate(levels) if level in _VALUE_TREE)
    levels[at] = _VALUE_TREE[levels[at]]
    return {element_id("/".join(levels)): _properties_of(node)} if type(node.value) is dict or node.attributes else {}


def _discovery(node: Node) -> Said:
    """Home Assistant's discovery is about the topic that the document names, or a field there."""
    found = facts.of_discovery(node.value) if type(node.value) is dict else None
    if found is None:
        return {}
    owner = element_id(found.topic)
    if not found.path:
        return {owner: found.facts}
    leaf = facts.of_leaf(found)
    return {field_id(owner, found.path): found.facts, **({owner: leaf} if leaf is not None else {})}


def _data_points(node: Node) -> Said:
    """A databus connector's metadata are about the data points on other topics, which are named by their ids."""
    return {
        element_id(f"{topic}/{ident}"): structs.replace(
            facts.of_document(definition), label=facts.label(definition.get("name"))
        )
        for topic, ident, definition in databus.definitions(node.value)
    }


def _properties_of(node: Node) -> Facts:
    """What a document of properties says, also where some of its keys made it an envelope; a text is a description."""
    if type(node.value) is dict:
        return facts.of_document(node.value)
    if node.attributes:
        return facts.of_document({"unit": node.unit, "description": node.description, **node.attributes})
    return Facts(description=facts.text(node.value))


def of_fields(node: Node) -> Said:
    """What a document with the units of its fields in one place says about these fields."""
    said: Said = {}
    for key, names in DOCUMENT_UNITS.items():
        unit = units.clean(node.value.get(key)) if type(node.value) is dict else None
        if unit is not None:
            _name_units(node, names, Facts(unit=_TASMOTA.get(unit, unit)), said, _MAX_DEPTH)
    return said


def _name_units(box: Node, names: frozenset[str], one: Facts, said: Said, depth: int) -> None:
    for name, field in (box.fields or {}).items():
        if name in names:
            said[field.id] = one
        elif depth > 1:
            _name_units(field, names, one, said, depth - 1)
