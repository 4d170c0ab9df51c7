"""Virtual trees: elements once more, under another hierarchy, without new data.

A tree says for which elements (a template) there is an alias, and where: folders and the alias's own name are filled
with what the template's names stand for. Aliases and their folders lie below `$views`, where no message may lead; they
are neither learnt nor counted against the limit of elements. An alias is of its target's type, reads as its target at
every moment, and is no composition: its parts are found at its target, which `AliasOf` leads to.

Where two elements ask for the same place, the one with the smaller topic has it, in whatever order they come.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from bridge.space.node import Node, Vqt
from bridge.space.owned.relations import LinkType
from bridge.space.owned.templates import Template, filled
from bridge.space.types import BASE_NAMESPACE
from bridge.uns.topics import element_id

if TYPE_CHECKING:
    from bridge.space.space import AddressSpace

VIEWS = "$views"
ALIAS_OF, HAS_ALIAS = "AliasOf", "HasAlias"
MAX_ALIASES = 100_000  # about 50 MB
_ROOT_NAME = "views"  # for people


class Tree(Struct, frozen=True):
    """`path` are levels below the root of all trees, the last one for the alias; its names are those of `element`."""

    path: tuple[str, ...]
    element: Template


class Alias(Node):
    """An element at another place. What it does not have itself it has from its target."""

    __slots__ = ("target",)

    def __init__(self, ident: str, name: str, parent: Node, target: Node) -> None:
        # Nothing else is set: slots without a value are looked up in the target.
        self.id = ident
        self.name = name
        self.parent = parent
        self.target = target
        self.part = False
        self.decided = True
        self.why = "an alias"
        self.children = None
        self.fields = None
        self.label = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a node has
        return getattr(object.__getattribute__(self, "target"), name)

    def vqt(self, zone: tzinfo) -> Vqt:
        return self.target.vqt(zone)


class ViewFolder(Node):
    """A folder of a virtual tree; its elements come in the order of their names."""

    __slots__ = ()

    def things(self) -> Iterator[Node]:
        children = self.children or {}
        return (children[name] for name in sorted(children))


class Views:
    """All virtual trees of a space; hears of each element that is new or gone."""

    def __init__(self, space: "AddressSpace", trees: Sequence[Tree]) -> None:
        self._space = space
        self._count = 0
        self._kind: LinkType = space.links.register(BASE_NAMESPACE, ALIAS_OF, HAS_ALIAS)
        self._by_levels: dict[int | None, list[Tree]] = defaultdict(list)
        for tree in trees:
            self._by_levels[tree.element.levels].append(tree)

    def made(self, node: Node) -> None:
        """Give a new element its aliases."""
        for tree in self._concerned(node):
            bound = tree.element.bind(node.topic)
            if bound is not None:
                self._place(tree, bound, node)

    def gone(self, node: Node) -> None:
        """Forget the aliases of an element, and folders that nothing is left in."""
        for alias in self._space.links.aliases.pop(node.id, ()):
            self._space.links.disconnect(alias)
            self._remove(alias)
            self._count -= 1

    def _concerned(self, node: Node) -> Iterator[Tree]:
        yield from self._by_levels.get(node.topic.count("/") + 1, ())
        yield from self._by_levels.get(None, ())

    def _place(self, tree: Tree, bound: Mapping[str, str], target: Node) -> None:
        if self._count >= MAX_ALIASES:
            self._space.links.refused["aliases"] += 1
            return
        *folders, name = (filled(level, bound) for level in tree.path)
        parent = self._folder([VIEWS], _ROOT_NAME, None)
        for depth, level in enumerate(folders, 1):
            if isinstance(parent, Alias):
                break
            parent = self._folder([VIEWS, *folders[:depth]], level, parent)
        if isinstance(parent, Alias):  # something of another tree is where a folder should be
            self._space.links.refused["places"] += 1
            return
        self._alias(element_id("/".join([VIEWS, *folders, name])), name, parent, target)

    def _folder(self, levels: list[str], name: str, parent: Node | None) -> Node:
        """The element at a place, made as a folder where there is none."""
        topic = "/".join(levels)
        known = self._space.nodes.get(element_id(topic))
        if known is not None:
            return known
        folder = ViewFolder(element_id(topic), topic, name, parent, self._space.registry.folder, 0)
        folder.decided, folder.why = True, "a folder of a view"
        self._enter(folder)
        return folder

    def _alias(self, ident: str, name: str, parent: Node, target: Node) -> None:
        links, known = self._space.links, self._space.nodes.get(ident)
        if known is not None:
            links.refused["places"] += 1
            if not isinstance(known, Alias) or known.target.topic <= target.topic:
                return
            links.disconnect(known)
            links.aliases[known.target.id].remove(known)
            known.target = target
        else:
            self._count += 1
            known = Alias(ident, name, parent, target)
            self._enter(known)
        links.aliases.setdefault(target.id, []).append(known)
        links.connect(known, self._kind, target)

    def _enter(self, node: Node) -> None:
        space = self._space
        space.nodes[node.id] = node
        space.own[node] = None
        if node.parent is not None:
            node.parent.children = node.parent.children or {}
            node.parent.children[node.name] = node

    def _remove(self, node: Node) -> None:
        space, at = self._space, node
        while not at.children:
            del space.nodes[at.id]
            del space.own[at]
            if at.parent is None:
                return
            (at.parent.children or {}).pop(at.name, None)
            at = at.parent
