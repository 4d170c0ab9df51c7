"""Relationships that neither hierarchy nor composition says: which skid feeds which vat.

`Links` keeps the edges, each once and found from both ends, and the types that they have. `Relations` makes them: a
relation pairs two templates, and each new element that one of them covers is joined with the elements that the other
one covers and for which the names in both stand for the same. Pairs are found through what these names stand for,
never by a scan, and in whatever order the elements come.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from msgspec import Struct

from bridge.space.node import Node
from bridge.space.owned.templates import Template

ID_PREFIX = "relationship/"  # between namespace and name: types of things have one without a slash
MAX_LINKS = 500_000  # about 200 MB; two templates without a common name join everything with everything


class LinkType(Struct, frozen=True):
    """A relationship type: `reverse` is the id of the type that the same edge has from its other end."""

    id: str
    name: str
    namespace: str
    reverse: str


class Links:
    """Edges by element. `refused` counts relationships, aliases and places of aliases that were not to be had.

    `aliases` are the elements that show another one at another place, by the id of that other one.
    """

    def __init__(self) -> None:
        self.types: dict[str, LinkType] = {}
        self.refused: Counter[str] = Counter()
        self.aliases: dict[str, list[Node]] = {}
        self._count = 0
        self._of: dict[str, dict[tuple[str, str], Node]] = {}  # element id → (type id, other id) → other

    def register(self, namespace: str, name: str, reverse: str) -> LinkType:
        """A type and its reverse; the same again changes nothing."""
        there, back = (f"{namespace}#{ID_PREFIX}{word}" for word in (name, reverse))
        self.types[back] = LinkType(back, reverse, namespace, there)
        self.types[there] = LinkType(there, name, namespace, back)
        return self.types[there]

    def connect(self, source: Node, kind: LinkType, target: Node) -> None:
        """Make an edge; the same again changes nothing."""
        edges = self._of.setdefault(source.id, {})
        if (kind.id, target.id) in edges:
            return
        if self._count >= MAX_LINKS:
            self.refused["relationships"] += 1
            return
        self._count += 1
        edges[kind.id, target.id] = target
        self._of.setdefault(target.id, {})[kind.reverse, source.id] = source

    def of(self, node: Node) -> Iterator[tuple[str, Node]]:
        """The edges of an element, ordered by type and other end: id of the type as seen from here, and other end."""
        edges = self._of.get(node.id)
        if edges:
            for key in sorted(edges):
                yield key[0], edges[key]

    def disconnect(self, node: Node) -> None:
        """Forget all edges of an element."""
        edges = self._of.pop(node.id, {})
        for (kind, _), other in edges.items():
            self._count -= 1
            self._of.get(other.id, {}).pop((self.types[kind].reverse, node.id), None)


class Relation(Struct, frozen=True):
    """Elements that `source` covers are `kind` of those that `target` covers, where the names in both agree."""

    kind: LinkType
    source: Template
    target: Template

    @property
    def common(self) -> tuple[str, ...]:
        return tuple(sorted(set(self.source.names) & set(self.target.names)))


class _Ends:
    """The elements at both ends of a relation, by what the common names stand for."""

    def __init__(self, relation: Relation) -> None:
        self.kind = relation.kind
        self.ends = (relation.source, relation.target)
        self._common = relation.common
        self._known: tuple[dict[tuple[str, ...], list[Node]], ...] = (defaultdict(list), defaultdict(list))

    def join(self, node: Node, end: int) -> Sequence[Node]:
        """Take note of an element at one end; the elements at the other end that it belongs to."""
        bound = self.ends[end].bind(node.topic)
        if bound is None:
            return ()
        key = tuple(bound[name] for name in self._common)
        self._known[end][key].append(node)
        return self._known[1 - end].get(key, ())

    def part(self, node: Node) -> None:
        for end, template in enumerate(self.ends):
            bound = template.bind(node.topic)
            if bound is not None:
                key = tuple(bound[name] for name in self._common)
                left = [other for other in self._known[end].pop(key, ()) if other is not node]
                if left:
                    self._known[end][key] = left


class Relations:
    """All relations; hears of each element that is new or gone."""

    def __init__(self, links: Links, relations: Sequence[Relation]) -> None:
        self._links = links
        self._by_levels: dict[int | None, list[tuple[_Ends, int]]] = defaultdict(list)
        for relation in relations:
            both = _Ends(relation)
            for end, template in enumerate(both.ends):
                self._by_levels[template.levels].append((both, end))

    def made(self, node: Node) -> None:
        """Join a new element with all that it is related to."""
        for ends, end in self._concerned(node):
            for other in tuple(ends.join(node, end)):
                source, target = (node, other) if end == 0 else (other, node)
                if source is not target:
                    self._links.connect(source, ends.kind, target)

    def gone(self, node: Node) -> None:
        """Forget an element."""
        for ends, _ in self._concerned(node):
            ends.part(node)
        self._links.disconnect(node)

    def _concerned(self, node: Node) -> Iterator[tuple[_Ends, int]]:
        yield from self._by_levels.get(node.topic.count("/") + 1, ())
        yield from self._by_levels.get(None, ())
