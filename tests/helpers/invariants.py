"""What must hold for every address space at every moment, whatever was published (i3X 1.0).

`faults(view)` reads a whole space through a `View`: over HTTP, or straight from an engine. It gives one line for each
broken promise, none for a sound space.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import json_schema

from bridge.uns.topics import element_id, field_id, pointer_of, topic_of

Row = dict[str, Any]

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
WITH_VALUE, WITHOUT_VALUE = {"Good", "Uncertain"}, {"Bad", "GoodNoData"}
PARENTAL = ("HasParent", "ComponentOf")
ALIAS_OF = "urn:i3x-bridge#relationship/AliasOf"
VQT = ("value", "quality", "timestamp")
_OPEN = {"properties": {}, "additionalProperties": {}, "items": {}}  # says nothing about what is inside
FORBIDDEN_IN_IDS = set(',"\\')
MOST_FAULTS = 20  # told; a broken rule breaks for many elements at once


class View(Protocol):
    """The exploratory questions of i3X, answered with plain dicts."""

    def namespaces(self) -> Sequence[Row]: ...
    def object_types(self) -> Sequence[Row]: ...
    def relationship_types(self) -> Sequence[Row]: ...
    def objects(self) -> Sequence[Row]:
        """All objects with metadata."""
        ...

    def related(self, ids: Sequence[str]) -> Sequence[Sequence[Row]]: ...
    def values(self, ids: Sequence[str], max_depth: int) -> Sequence[Row]: ...


class Space:
    """A whole space, read once."""

    def __init__(self, view: View) -> None:
        self.namespaces = view.namespaces()
        self.types = {row["elementId"]: row for row in view.object_types()}
        self.type_count = len(view.object_types())
        self.relationships = {row["elementId"]: row for row in view.relationship_types()}
        self.rows = view.objects()
        self.objects: dict[str, Row] = {row["elementId"]: row for row in self.rows}
        ids = list(self.objects)
        self.related = dict(zip(ids, view.related(ids), strict=True))
        self.values = dict(zip(ids, view.values(ids, 1), strict=True))
        self.deep = dict(zip(ids, view.values(ids, 0), strict=True))

    def edges(self) -> set[tuple[str, str, str]]:
        return {
            (ident, row["sourceRelationship"], row["object"]["elementId"])
            for ident, rows in self.related.items()
            for row in rows
        }


def faults(view: View) -> list[str]:
    """The first broken promises of a space; empty when it is sound."""
    space = Space(view)
    found: list[str] = []
    for check in (_registry, _identity, _objects, _edges, _components, _values):
        found += [f"{check.__name__[1:]}: {text}" for text in check(space)]
        if len(found) > MOST_FAULTS:
            return [*found[:MOST_FAULTS], f"… and {len(found) - MOST_FAULTS} more"]
    return found


def _repeated(names: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    return {name for name in names if name in seen or seen.add(name)}  # type: ignore[func-returns-value]


def _registry(space: Space) -> Iterator[str]:
    """Namespaces, types and relationship types are unique, complete and refer to each other."""
    uris = [row["uri"] for row in space.namespaces]
    if not uris or _repeated(uris):
        yield f"namespaces {uris} are none or repeated"
    if space.type_count != len(space.types):
        yield "type ids are repeated"
    for ident, row in [*space.types.items(), *space.relationships.items()]:
        if row["namespaceUri"] not in uris:
            yield f"{ident}: namespace {row['namespaceUri']} is not listed"
        if not row["displayName"]:
            yield f"{ident}: no displayName"
    for ident, row in space.types.items():
        yield from (f"{ident}: {text}" for text in json_schema.faults(row["schema"]))
    for ident, row in space.relationships.items():
        if space.relationships.get(row["reverseOf"], {}).get("reverseOf") != ident:
            yield f"{ident}: is not the reverse of its reverse"
    if missing := {"HasParent", "HasChildren", "HasComponent", "ComponentOf"} - space.relationships.keys():
        yield f"relationship types {missing} are missing"


def _identity(space: Space) -> Iterator[str]:
    """One id space; ids are trimmed, printable and stand for exactly one topic or field."""
    if repeated := _repeated([row["elementId"] for row in space.rows] + [*space.types, *space.relationships]):
        yield f"ids {sorted(repeated)[:5]} are repeated"
    for ident, row in space.objects.items():
        if not ident or ident != ident.strip() or not ident.isprintable() or FORBIDDEN_IN_IDS & set(ident):
            yield f"id {ident!r} is not trimmed, printable and free of forbidden characters"
        if alias_of := row["metadata"]["relationships"].get(ALIAS_OF):
            yield from _alias(space, row, alias_of)
            continue
        system = row["metadata"]["system"]
        topic, path = system["topic"], tuple(system.get("path", ()))
        again = field_id(element_id(topic), path) if path else element_id(topic)
        if again != ident or topic_of(ident) != topic or pointer_of(ident) != path:
            yield f"id {ident!r} is not the one of topic {topic!r}, path {path}"


def _alias(space: Space, row: Row, targets: Sequence[str]) -> Iterator[str]:
    """An alias has one target, an id that no message may have made, and reads as its target."""
    ident, target = row["elementId"], targets[0]
    if len(targets) != 1 or not ident.startswith("$views/"):
        yield f"{ident}: is an alias of {targets}"
    if row["typeElementId"] != space.objects[target]["typeElementId"]:
        yield f"{ident}: is of another type than {target}"
    if row["isComposition"] or any(space.values[ident][key] != space.values[target][key] for key in VQT):
        yield f"{ident}: reads {space.values[ident]!r:.100}, {target} {space.values[target]!r:.100}"


def _objects(space: Space) -> Iterator[str]:
    """Types are listed, parents resolve, names can be shown."""
    for ident, row in space.objects.items():
        kind = space.types.get(row["typeElementId"])
        if kind is None:
            yield f"{ident}: type {row['typeElementId']} is not listed"
        elif row["metadata"]["typeNamespaceUri"] != kind["namespaceUri"]:
            yield f"{ident}: namespace differs from its type's"
        if row["parentId"] is not None and row["parentId"] not in space.objects:
            yield f"{ident}: parent {row['parentId']} does not exist"
        if not row["displayName"].strip() or not row["displayName"].isprintable():
            yield f"{ident}: displayName {row['displayName']!r} cannot be shown"
    if space.objects and all(row["parentId"] is not None for row in space.objects.values()):
        yield "there is no root"


def _edges(space: Space) -> Iterator[str]:
    """Every edge is found from both ends; parentId, isComposition and metadata say the same as the edges."""
    edges = space.edges()
    reverse = {name: row["reverseOf"] for name, row in space.relationships.items()}
    for source, name, target in edges:
        if name not in reverse:
            yield f"{source}: relationship {name} is not registered"
        elif (target, reverse[name], source) not in edges:
            yield f"{source} {name} {target} has no reverse"
    for ident, row in space.objects.items():
        told: dict[str, list[str]] = defaultdict(list)
        for edge in space.related[ident]:
            told[edge["sourceRelationship"]].append(edge["object"]["elementId"])
        parents = [other for name in PARENTAL for other in told.get(name, ())]
        if parents != ([row["parentId"]] if row["parentId"] is not None else []):
            yield f"{ident}: parentId {row['parentId']}, but edges to {parents}"
        if row["isComposition"] != bool(told.get("HasComponent")):
            yield f"{ident}: isComposition {row['isComposition']}, components {told.get('HasComponent')}"
        if row["metadata"]["relationships"] != told:
            yield f"{ident}: metadata.relationships differ from the edges"


def _components(space: Space) -> Iterator[str]:
    """A deep read holds exactly the descendants by HasComponent, each as it reads alone."""
    below: dict[str, list[str]] = defaultdict(list)
    for source, name, target in space.edges():
        if name == "HasComponent":
            below[source].append(target)
    for ident, deep in space.deep.items():
        expected = set(_descendants(ident, below))
        given = deep.get("components")
        if (given is not None) != bool(expected) or set(given or ()) != expected:
            yield f"{ident}: components differ from the descendants {sorted(expected)[:3]} …"
            continue
        if "components" in space.values[ident]:
            yield f"{ident}: components although maxDepth is 1"
        for other, vqt in (given or {}).items():
            if vqt != {key: space.values[other][key] for key in ("value", "quality", "timestamp")}:
                yield f"{ident}: component {other} reads {vqt!r:.100}, alone {space.values[other]!r:.100}"


def _descendants(ident: str, below: Mapping[str, list[str]]) -> Iterator[str]:
    for part in below.get(ident, ()):
        yield part
        yield from _descendants(part, below)


def _values(space: Space) -> Iterator[str]:
    """Null goes with Bad and GoodNoData and only with them; a value conforms to its type, extensions are declared."""
    for ident, found in space.values.items():
        value, quality = found["value"], found["quality"]
        if quality not in (WITHOUT_VALUE if value is None else WITH_VALUE):
            yield f"{ident}: {value!r:.60} is {quality}"
        if not TIMESTAMP.fullmatch(found["timestamp"]):
            yield f"{ident}: timestamp {found['timestamp']!r}"
        row = space.objects[ident]
        kind = space.types.get(row["typeElementId"])
        if kind is None:
            continue
        extra = _extra(value, kind["schema"])
        wrong = json_schema.violations(value, kind["schema"]) if value is not None and not extra else ()
        yield from (f"{ident} of {kind['elementId']}: {text}" for text in wrong)
        said = set(row["metadata"]["schemaExtensions"] or ())
        if value is None:
            extra = said  # of a source that is gone, or of parts without values: judged by what was said last
        if row["isExtended"] != bool(extra) or said != extra:
            yield f"{ident}: isExtended {row['isExtended']}, extensions {sorted(said)}, undeclared {sorted(extra)}"


def _extra(value: Any, schema: Mapping[str, Any]) -> set[str]:
    """Attributes at the top of a value that its type does not declare, or declares otherwise; of a scalar, `value`."""
    if value is None or next(json_schema.violations(value, {**schema, **_OPEN}), None) is not None:
        return set() if value is None else {"value"}
    if not isinstance(value, dict):
        return set() if next(json_schema.violations(value, schema), None) is None else {"value"}
    declared, others = schema.get("properties") or {}, schema.get("additionalProperties")
    if not declared and others is None:
        return set()
    inner = {key: declared.get(key, others) for key in value}
    return {
        key
        for key, found in inner.items()
        if found is None or next(json_schema.violations(value[key], found), None) is not None
    }
