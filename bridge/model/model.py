"""The model that a file holds, and what it does to an address space.

`rules` go to the engine, behind the configuration's; `pin` gives the space the types, namespaces, relationships and
trees, before the first message.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bridge.model.document import Document, ElementTable, RelationshipTable
from bridge.model.schemas import schema
from bridge.space import AddressSpace
from bridge.space.owned.pins import PinnedType
from bridge.space.owned.relations import Relation, Relations
from bridge.space.owned.templates import Template
from bridge.space.owned.views import Tree, Views
from bridge.space.types import BASE_NAMESPACE
from bridge.uns.patterns import Patterns
from bridge.uns.policy import Rule

_SAID = ("type", "namespace", "part", "name", "description", "unit", "quality_profile", "use")  # as in a `Policy`


class Model:
    """See the module's text."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._only = next(iter(document.namespaces)) if len(document.namespaces) == 1 else ""
        self._types = {(table.namespace or self._only, table.name): table for table in document.type}

    @property
    def levels(self) -> Sequence[str]:
        """Names of the hierarchy's levels; the configuration's come before."""
        return self._document.levels

    def rules(self) -> list[Rule]:
        """What the file says about elements, as rules for their topics."""
        return [Rule((table.match,), self._said(table)) for table in self._document.element]

    def _said(self, table: ElementTable) -> dict[str, Any]:
        said = {key: value for key in _SAID if (value := getattr(table, key)) is not None}
        if table.type is not None:
            said["namespace"] = table.namespace or self._namespace_of(table.type)
        if table.hide:
            said["use"] = "ignore"
        return said

    def _namespace_of(self, name: str) -> str:
        return next(uri for uri, known in self._types if known == name)

    def pin(self, space: AddressSpace) -> None:
        """Give a space without elements what the file declares."""
        document = self._document
        space.registry.titles |= document.namespaces
        for kind in self._pinned():
            space.registry.pin(kind)
        if document.relationship:
            space.watchers.append(Relations(space.links, [self._relation(space, one) for one in document.relationship]))
        if document.tree:
            trees = [Tree(tuple(one.path.split("/")), Template(one.element)) for one in document.tree]
            space.watchers.append(Views(space, trees))

    def _pinned(self) -> Iterator[PinnedType]:
        for (uri, name), table in self._types.items():
            kind = PinnedType(uri, name, schema(table), version=table.version, composed=table.parts)
            kind.description = table.description
            kind.source_id = table.source_type or name
            yield kind

    @staticmethod
    def _relation(space: AddressSpace, table: RelationshipTable) -> Relation:
        kind = space.links.register(table.namespace or BASE_NAMESPACE, table.name, table.reverse)
        return Relation(kind, Template(table.source), Template(table.target))

    # --- what has not come yet ---------------------------------------------------------------------------------------

    def unseen(self, space: AddressSpace) -> list[str]:
        """What the file names and no element is there for, a line each: mistyped, or not published yet."""
        topics = list(space.by_topic)  # at once: this may take long, and run beside the event loop
        return [*self._unmatched(topics), *self._unbound(topics)]

    def _unmatched(self, topics: Iterable[str]) -> Iterator[str]:
        tables = self._document.element
        patterns = Patterns((table.match, number) for number, table in enumerate(tables))
        seen = {number for topic in topics for number in patterns.covering(topic)}
        hidden = Patterns((table.match, number) for number, table in enumerate(tables) if table.hide)
        for number, table in enumerate(tables):
            if number not in seen and not any(hidden.covering(table.match)):  # what is hidden never comes
                yield f"[[element]] {number + 1} match = {table.match}"

    def _unbound(self, topics: Iterable[str]) -> Iterator[str]:
        templates = {
            **{
                f"[[relationship]] {number} {end} = {text}": Template(text)
                for number, table in enumerate(self._document.relationship, 1)
                for end, text in (("from", table.source), ("to", table.target))
            },
            **{
                f"[[tree]] {number} element = {table.element}": Template(table.element)
                for number, table in enumerate(self._document.tree, 1)
            },
        }
        for place, template in templates.items():
            if not any(template.bind(topic) is not None for topic in topics):
                yield place
