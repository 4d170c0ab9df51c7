"""Elements by words, for a box that somebody types into: each word has to occur in the element's name for people, its
id, the name or the id of its type, its unit or its description, as far as they are seen. Case does not matter.

Nothing is kept for it: a search looks at each element once, in slices as large as the caller likes. Elements may come
and go in between. What comes after the search has begun is not found, what has gone is no result.
"""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from bridge.space.browse import Answer, Browser
from bridge.space.node import Node
from bridge.space.sight import Sight
from bridge.space.space import AddressSpace
from bridge.space.types import ObjectType
from bridge.uns.policy import PLAIN

EQUAL, BEGINS, HAS, OTHER = range(4)  # how well the whole query fits an element's name for people; the best first
_MANY = 1_000  # results beyond the limit, until those that are too many are left out

_Place: TypeAlias = tuple[int, int, str]  # how well it fits, length of the id, id: in the order of results


class Search:
    """One search: `look` at elements, then ask for the `results`."""

    def __init__(self, space: AddressSpace, browser: Browser, query: str, limit: int, sight: Sight) -> None:
        self.total = 0  # elements found; those that have gone since are taken off by `results`
        words = query.casefold().split()
        self._whole = " ".join(words)
        self._words = tuple(dict.fromkeys(words))
        self._space = space
        self._browser = browser
        self._limit = limit
        self._sight = sight
        self._kinds: dict[ObjectType, str] = {}
        self._best: list[_Place] = []
        self._last: _Place | None = None  # what comes after it is no result any more

    def look(self, nodes: Iterable[Node]) -> None:
        """Look at some more elements."""
        for node in nodes:
            if self._fits(node) and self._space.nodes.get(node.id) is node:
                self.total += 1
                self._keep(node)

    def results(self) -> Iterator[Answer]:
        """The best, as objects with unit and path."""
        for _, _, ident in sorted(self._best)[: self._limit]:
            node = self._space.nodes.get(ident)
            if node is None or not self._sight.sees(node):
                self.total -= 1
            else:
                yield self._result(node)

    def _result(self, node: Node) -> Answer:
        browser, sight = self._browser, self._sight
        path, above = [], node.parent
        while above is not None:
            path.append({"elementId": above.id, "displayName": browser.title_of(above, sight)})
            above = above.parent
        unit, _ = browser.said_of(node, sight)
        return {**browser.describe(node, sight=sight), "unit": unit, "path": path[::-1]}

    # --- does it fit, and how well -----------------------------------------------------------------------------------

    def _fits(self, node: Node) -> bool:
        """The cheap questions first: most elements are none of those that are looked for. What is not seen is asked for
        the words that it would show, and whether it is seen at the end.
        """
        sight = self._sight
        kind = node.type if sight.everything else self._browser.type_of(node, sight)
        names = self._kinds.get(kind) or self._names(kind)
        ident, said = node.id.casefold(), None
        for word in self._words:
            if word in ident or word in names:
                continue
            if said is None:
                said = self._said(node)
            if word not in said:
                return False
        return sight.sees(node)

    def _names(self, kind: ObjectType) -> str:
        """Of a type. No word goes over a line break."""
        found = self._kinds[kind] = f"{kind.name}\n{kind.id}".casefold()
        return found

    def _said(self, node: Node) -> str:
        """What an element is called, as far as its id does not say so, and what is said of it."""
        is_plain = node.policy is PLAIN and node.unit is node.description is node.label is None
        if is_plain and node.name and node.name in node.id:
            return ""
        unit, told = self._browser.said_of(node, self._sight)
        return f"{self._browser.title_of(node, self._sight)}\n{unit or ''}\n{told or ''}".casefold()

    def _keep(self, node: Node) -> None:
        """Among the best, if it is one of them."""
        place = (self._rank(node), len(node.id), node.id)
        if self._last is not None and place > self._last:
            return
        self._best.append(place)
        if len(self._best) >= self._limit + _MANY:
            self._best.sort()
            del self._best[self._limit :]
            self._last = self._best[-1]

    def _rank(self, node: Node) -> int:
        name = self._browser.title_of(node, self._sight).casefold()
        if name == self._whole:
            return EQUAL
        if name.startswith(self._whole):
            return BEGINS
        return HAS if self._whole in name else OTHER


__all__ = ["Search"]
