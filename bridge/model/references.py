"""What the tables of a model file say about each other: that all they name is there, once, and fits.

Works on the parsed file, so that mistakes here and in single values are told together. What is of the wrong kind is
left to the checks of single values.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bridge.model.document import Table, implied
from bridge.model.lines import Place
from bridge.model.mistakes import Mistake, nearest, said, toml, where
from bridge.space.browse import REVERSE
from bridge.space.owned.templates import placeholders
from bridge.space.owned.views import ALIAS_OF, HAS_ALIAS
from bridge.space.types import BASE_NAMESPACE, I3X_NAMESPACE

_STRUCTURES = {"fields": "object", "map": "object", "items": "array"}
_NUMBERS = {"number", "integer"}
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "bytes": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "any": (str, bool, int, float),
}
_TAKEN = {*REVERSE, ALIAS_OF, HAS_ALIAS}


def broken(document: Mapping[str, Any]) -> Iterator[Mistake]:
    """All mistakes of this sort."""
    uris = set(_table(document.get("namespaces")))
    names = [_identity(table, uris) for _, table in _each(document, "type")]
    for place, table in _each(document, "type"):
        yield from _type(place, table, uris, names)
    for place, table in _each(document, "element"):
        yield from _element(place, table, uris, names)
    yield from _relationships(document, uris)
    for place, table in _each(document, "tree"):
        yield from _tree(place, table)
    for uri in uris & {BASE_NAMESPACE, I3X_NAMESPACE}:
        yield Mistake(("namespaces", uri), f"{where(('namespaces', uri))}: is not the file's to name")


def _each(document: Mapping[str, Any], key: str) -> Iterator[tuple[Place, Table]]:
    found = document.get(key)
    for index, table in enumerate(found if isinstance(found, list) else ()):
        if isinstance(table, dict):
            yield (key, index), table


def _table(found: object) -> Table:
    return found if isinstance(found, dict) else {}


def _identity(table: Table, uris: set[str]) -> tuple[str, str]:
    """Namespace and name of a type; the only namespace of a file need not be told."""
    return str(table.get("namespace", next(iter(uris)) if len(uris) == 1 else "")), str(table.get("name", ""))


# --- types -----------------------------------------------------------------------------------------------------------


def _type(place: Place, table: Table, uris: set[str], names: Sequence[tuple[str, str]]) -> Iterator[Mistake]:
    identity = _identity(table, uris)
    yield from _namespace(place, table, uris, needed=True)
    if "name" in table and names.index(identity) != place[1]:
        yield Mistake(
            (*place, "name"), f"{said((*place, 'name'), table['name'])}: is there already, {_first(names, identity)}"
        )
    if table.get("parts") is True and table.get("kind") != "object":
        yield Mistake((*place, "parts"), f'{said((*place, "parts"), True)}: needs kind = "object"')
    yield from _structure(place, table)


def _first(names: Sequence[tuple[str, str]], identity: tuple[str, str]) -> str:
    return f"as [[type]] {names.index(identity) + 1}"


def _namespace(place: Place, table: Table, uris: set[str], *, needed: bool) -> Iterator[Mistake]:
    uri = table.get("namespace")
    if uri is None:
        if needed and len(uris) != 1:
            yield Mistake(place, f"{where((*place, 'namespace'))}: must be there, because [namespaces] has {len(uris)}")
    elif isinstance(uri, str) and uri not in uris:
        at = (*place, "namespace")
        yield Mistake(at, f"{said(at, uri)}: no such namespace; {nearest(uri, uris)}")


def _structure(place: Place, table: Table) -> Iterator[Mistake]:
    """A type or an attribute: what it says beside its kind must go with it."""
    found = table.get("kind", implied(table))
    several = found if isinstance(found, list) else [found]
    kinds = {kind for kind in several if isinstance(kind, str)}
    for key, kind in _STRUCTURES.items():
        if key in table and kind not in kinds:
            yield Mistake((*place, key), f'{where((*place, key))}: needs kind = "{kind}"')
    if "fields" in table and "map" in table:
        yield Mistake((*place, "map"), f"{where((*place, 'map'))}: must not stand beside fields")
    yield from _bounds(place, table, kinds)
    for key, inner in _table(table.get("fields")).items():
        if isinstance(inner, dict):
            yield from _structure((*place, "fields", key), inner)
    for key in ("items", "map"):
        if isinstance(table.get(key), dict):
            yield from _structure((*place, key), table[key])


def _bounds(place: Place, table: Table, kinds: set[str]) -> Iterator[Mistake]:
    for key in ("minimum", "maximum"):
        if key in table and not kinds & _NUMBERS:
            yield Mistake((*place, key), f'{said((*place, key), table[key])}: needs kind = "number" or "integer"')
    least, most = table.get("minimum"), table.get("maximum")
    if isinstance(least, int | float) and isinstance(most, int | float) and least > most:
        yield Mistake((*place, "minimum"), f"{said((*place, 'minimum'), least)}: must be at most maximum")
    allowed = {type_ for kind in kinds for type_ in _KINDS.get(kind, ())}
    words = table.get("enum")
    for index, word in enumerate(words if isinstance(words, list) else ()):
        if type(word) not in allowed:
            at = (*place, "enum", index)
            yield Mistake(at, f"{said(at, word)}: must be of the kind {' or '.join(sorted(kinds))}")


# --- elements --------------------------------------------------------------------------------------------------------


def _element(place: Place, table: Table, uris: set[str], names: Sequence[tuple[str, str]]) -> Iterator[Mistake]:
    yield from _namespace(place, table, uris, needed=False)
    if not table.keys() - {"match"}:
        yield Mistake(place, f"{where(place)}: must say something beside match")
    if table.get("hide") is True and "use" in table:
        yield Mistake((*place, "use"), f"{said((*place, 'use'), table['use'])}: must not stand beside hide = true")
    if "namespace" in table and "type" not in table:
        yield Mistake((*place, "namespace"), f"{where((*place, 'namespace'))}: must come with type")
    name = table.get("type")
    if isinstance(name, str):
        yield from _named_type((*place, "type"), name, table.get("namespace"), names)


def _named_type(place: Place, name: str, uri: object, names: Sequence[tuple[str, str]]) -> Iterator[Mistake]:
    found = sorted({namespace for namespace, known in names if known == name})
    if not found:
        yield Mistake(place, f"{said(place, name)}: no such type; {nearest(name, (known for _, known in names))}")
    elif uri is None and len(found) > 1:
        yield Mistake(place, f"{said(place, name)}: is in several namespaces: say namespace = {' or '.join(found)}")
    elif uri is not None and uri not in found:
        yield Mistake(place, f"{said(place, name)}: no such type in that namespace; it is in {' and '.join(found)}")


# --- relationships and trees -----------------------------------------------------------------------------------------


def _relationships(document: Mapping[str, Any], uris: set[str]) -> Iterator[Mistake]:
    reverses: dict[tuple[str, str], str] = {}
    for place, table in _each(document, "relationship"):
        yield from _namespace(place, table, uris, needed=False)
        uri = str(table.get("namespace", BASE_NAMESPACE))
        pair = [table.get(key) for key in ("name", "reverse")]
        for key, one, other in zip(("name", "reverse"), pair, reversed(pair), strict=True):
            if not isinstance(one, str) or not isinstance(other, str):
                continue
            at = (*place, key)
            if one in _TAKEN:
                yield Mistake(at, f"{said(at, one)}: is the name of a relationship that there is already")
            elif (known := reverses.setdefault((uri, one), other)) != other:
                yield Mistake(at, f"{said(at, one)}: has the reverse {toml(known)} elsewhere; it can have only one")


def _tree(place: Place, table: Table) -> Iterator[Mistake]:
    path, element = table.get("path"), table.get("element")
    if not isinstance(path, str) or not isinstance(element, str):
        return
    try:
        wanted, bound = placeholders(path), placeholders(element)
    except ValueError:
        return
    unknown = [name for name, _ in Counter(wanted).items() if name not in bound]
    if unknown:
        at = (*place, "path")
        yield Mistake(at, f"{said(at, path)}: {{{unknown[0]}}} is not in element; {nearest(unknown[0], bound)}")
