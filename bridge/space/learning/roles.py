"""Roles: what an element is, as far as names and neighbours tell (inference.md F.2), and where its types live."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from bridge.space import names
from bridge.space.learning.forms import names_of, similar
from bridge.space.node import Field, Node
from bridge.space.registry import TypeRegistry
from bridge.uns.policy import Policies

_COLLECTION = 3  # one and at least two like it
_SIMILAR = 0.6  # documents of a collection whose name or members' names say that it is one
_SAME = 0.8  # documents that only their likeness makes a collection
_SMALL = 64  # children; a larger branch that is no collection yet will not become one


class Roles:
    """`levels` are names of hierarchy levels; a policy may name others for its topics."""

    def __init__(self, registry: TypeRegistry, levels: Sequence[str], policies: Policies) -> None:
        self._registry = registry
        self._levels = tuple(levels)
        self._policies = policies
        self._branches: Counter[str] = Counter()  # how often a branch has a name
        self._places: dict[str, set[str]] = defaultdict(set)  # name of a document → names of what holds it, at most two

    def levels_of(self, node: Node) -> Sequence[str]:
        """The configured names of the levels above and at a node."""
        own = self._policies.of(node.topic).levels if self._policies else None
        return self._levels if own is None else own

    def is_level(self, node: Node) -> bool:
        levels = self.levels_of(node)
        return bool(levels) and node.topic.count("/") < len(levels)

    def namespace(self, node: Node) -> str:
        root = node
        while root.parent is not None:
            root = root.parent
        return self._registry.namespace_of(root.name, bool(root.children))

    def role(self, node: Node) -> str:
        """The configured name of its level, what its collection holds, or its own name without the number."""
        if (self._levels or self._policies) and not isinstance(node, Field) and self.is_level(node):
            return names.type_name(self.levels_of(node)[node.topic.count("/")])
        parent = node.parent
        if parent is None:
            return names.role(node.name, "")
        if node.children and names.is_index(node.name):
            return parent.item_role or names.item(names.last_word(parent.name))
        return parent.item_role or names.role(node.name, parent.name)

    def near(self, node: Node) -> str:
        """The role of what a node belongs to."""
        return self.role(node.parent) if node.parent is not None else ""

    def telling(self, node: Node) -> str:
        """The role of what a node belongs to, if its name tells one: it is numbered, or found in several places."""
        parent = node.parent
        if parent is None or names.is_identity(parent.name):
            return ""
        if names.is_numbered(parent.name) or self._branches[parent.name] > 1:
            return self.role(parent)
        return ""

    def context(self, node: Node) -> Iterator[str]:
        """Roles of what encloses a node, nearest first: qualifiers for its type's name."""
        above = node.parent
        while above is not None:
            yield self.role(above)
            above = above.parent

    # --- collections -------------------------------------------------------------------------------------------------

    def clear(self) -> None:
        self._places.clear()
        self._branches.clear()

    def note_places(self, nodes: Iterable[Node]) -> None:
        """Take note of which names elements have, and where: a name in many places is a role, no identity."""
        for node in nodes:
            document = node.shape is not None and node.shape.properties
            if not (node.children or document) or names.is_numbered(node.name):
                continue  # nobody asks for numbered names, and there is no end of them
            if node.children:
                self._branches[node.name] += 1
            if node.parent is not None and document:
                places = self._places[node.name]
                if len(places) < 2:
                    places.add(node.parent.name)

    def find_collections(self, branches: Iterable[Node]) -> None:
        """Say of each branch what it holds, where it is a collection and that is not known yet."""
        for node in branches:
            if node.item_role is None and len(node.children or ()) <= _SMALL:
                node.item_role = self._item_role(node)

    def _item_role(self, node: Node) -> str | None:
        """What a collection holds: most of its children are alike, and their names tell which one, not what."""
        children = list((node.children or {}).values())
        if len(children) < _COLLECTION or len({names.stem(child.name) for child in children}) == 1:
            return None
        plural = names.is_plural(node.name)
        documents = [child for child in children if child.shape is not None and child.shape.properties]
        if self._is_collection(documents, children, plural=plural):
            return names.item(node.name)
        branches = [child.children for child in children if child.children and not child.reported] if plural else []
        return names.item(node.name) if _alike(branches, len(children), _SIMILAR) else None

    def _is_collection(self, documents: Sequence[Node], children: Sequence[Node], *, plural: bool) -> bool:
        if 2 * sum(self._is_role(child) for child in documents) > len(documents):
            return False
        numbered = 2 * sum(names.is_numbered(child.name) for child in documents) > len(documents)
        shapes = [names_of(child.shape) for child in documents if child.shape is not None]
        return _alike(shapes, len(children), _SIMILAR if plural and numbered else _SAME)

    def _is_role(self, node: Node) -> bool:
        """Whether documents of this name lie in other places too."""
        return not names.is_numbered(node.name) and len(self._places[node.name]) > 1


def _alike(found: Sequence[Collection[str]], children: int, threshold: float) -> bool:
    """Whether enough of the children are like the first."""
    first: Collection[str] = next(iter(found), ())
    count = sum(similar(first, other, threshold) for other in found)
    return count >= _COLLECTION and 2 * count >= children
