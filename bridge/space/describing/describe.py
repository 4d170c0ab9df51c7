"""Elements that describe others: one data point spread over several topics (inference.md H).

An element whose name follows a convention is a *source*: each of its readings says facts (a unit, a description, a name
for people, limits) about other elements. What all sources say is kept by the id of the described element, so that it
does not matter which of the two comes first, and a source that says something else, or nothing any more, changes what
it said before. What the described element's own payload, or the configuration, says about it always wins.

Sources are ordinary elements all the same. They describe, and so they are not described: there are no chains.

Nothing is ever searched: a source names the ids that it may describe, and only the few siblings of one data point are
looked at together, when there is a new one.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge.space.describing import conventions, facts
from bridge.space.describing.conventions import Convention, Said
from bridge.space.describing.facts import NOTHING, Facts
from bridge.space.node import Change, Field, Node
from bridge.space.shape import ANY_NUMBER, ARRAY, NULL, STRING
from bridge.uns import Json, Reading
from bridge.uns.topics import topic_of

if TYPE_CHECKING:
    from bridge.space.space import AddressSpace


class Descriptions:
    """All that is said about the elements of a space; `limits_of` are the declared limits by element id."""

    def __init__(self, space: "AddressSpace", limits_of: dict[str, facts.Limits]) -> None:
        self.limits_of = limits_of
        self._space = space
        self._conventions: dict[str, Convention] = {}  # of each source
        self._told: dict[str, Said] = {}  # by source
        self._about: dict[str, dict[str, Facts]] = {}  # by described element, then by source
        self._given: dict[str, Facts] = {}  # what described elements have from here
        self._points: set[str] = set()  # ids of branches in which a sibling describes others
        self._plain: dict[str, str] = {}  # ids under which some elements are described as well
        self._qualified: dict[str, list[str]] = {}  # the other way round
        self._last: dict[str, object] = {}  # by source: by what to tell that it says the same again

    def sources_of(self, ident: str) -> list[str]:
        """Ids of the elements that say something about an element."""
        return list(self._said_about(ident))

    def given(self, ident: str, is_read: Callable[[str], bool]) -> Facts:
        """What an element has from others, where not all of their topics are read."""
        found = self._given.get(ident, NOTHING)
        return NOTHING if not found or all(is_read(topic_of(one)) for one in self._said_about(ident)) else found

    # --- the space changes -------------------------------------------------------------------------------------------

    def made(self, node: Node) -> None:
        """There is a new element, perhaps one that was described before it came."""
        if isinstance(node, Field):
            self._describe(node)
            return
        plain = conventions.plain_id(node)
        if plain is not None:
            self._plain[node.id] = plain
            self._qualified.setdefault(plain, []).append(node.id)
        self._describe(node)
        if node.parent is not None and node.parent.id in self._points:
            self._grow_point(node.parent)

    def reported(self, node: Node) -> None:
        """An element has its first payload, and its policy: does it describe others?"""
        convention = conventions.convention_of(node)
        if convention is not None and node.id not in self._conventions:
            self._conventions[node.id] = convention
            node.listen(self._heard)
            if node.parent is not None and conventions.is_point_word(node.name):
                self._points.add(node.parent.id)
        self._describe(node)

    def shown(self, node: Node, value: Json) -> None:
        """An element's value has a new structure: take up what others say about fields that it may have now."""
        self._describe(node)
        if type(value) is dict and not conventions.DOCUMENT_UNITS.keys().isdisjoint(value):
            source = _document(node)
            if source not in self._told and node.policy.use != "value":
                self._told[source] = {}
                node.listen(self._heard_document)

    def gone(self, node: Node) -> None:
        self.forget(node)

    def forget(self, node: Node) -> None:
        """An element is removed: it says nothing any more. What others say about it waits for its return."""
        for source in (node.id, _document(node)):
            self._tell(source, {})
            self._told.pop(source, None)
            self._last.pop(source, None)
        self._conventions.pop(node.id, None)
        self._given.pop(node.id, None)
        self.limits_of.pop(node.id, None)
        self._points.discard(node.id)
        plain = self._plain.pop(node.id, None)
        if plain is not None:
            self._qualified[plain].remove(node.id)
            if not self._qualified[plain]:
                del self._qualified[plain]

    # --- what sources say --------------------------------------------------------------------------------------------

    def _heard(self, node: Node, _: Reading, __: list[Change]) -> None:
        said = node.value
        if type(said) is str and not node.attributes:  # some repeat it with each value that they describe
            if self._last.get(node.id) == said:
                return
            self._last[node.id] = said
        else:
            self._last.pop(node.id, None)
        self._listen(node)
        hanging = conventions.HANGS_ON.get(node.name)
        if hanging is not None and node.parent is not None and node.parent.children is not None:
            other = node.parent.children.get(hanging)
            if other is not None:
                self._listen(other)

    def _listen(self, source: Node) -> None:
        convention = self._conventions.get(source.id)
        if convention is not None:
            self._tell(source.id, convention(source))

    def _heard_document(self, node: Node, _: Reading, __: list[Change]) -> None:
        if type(node.value) is not dict:
            return
        source = _document(node)
        state = (node.shape_now, *map(node.value.get, conventions.DOCUMENT_UNITS))
        if self._last.get(source) != state:
            self._last[source] = state
            self._tell(source, conventions.of_fields(node))

    def _grow_point(self, parent: Node) -> None:
        """A branch has a new child: its value has come, or what was one data point is more now."""
        children = parent.children or {}
        if len(children) > conventions.MAX_POINT:
            self._points.discard(parent.id)
        for child in list(children.values()):
            if conventions.is_point_word(child.name):
                self._listen(child)

    def _tell(self, source: str, said: Said) -> None:
        """A source says this, and no longer what it said before."""
        said = {ident: one for ident, one in said.items() if one}
        before = self._told.get(source, {})
        if said == before:
            return
        self._told[source] = said
        for ident in before.keys() - said.keys():
            del self._about[ident][source]
        for ident, one in said.items():
            self._about.setdefault(ident, {})[source] = one
        for ident in before.keys() | said.keys():
            for name in (ident, *self._qualified.get(ident, ())):
                if (described := self._space.nodes.get(name)) is not None:
                    self._apply(described)
            if not self._about[ident]:
                del self._about[ident]

    # --- what described elements have --------------------------------------------------------------------------------

    def _describe(self, node: Node) -> None:
        if node.id in self._about or (node.id in self._plain and self._plain[node.id] in self._about):
            self._apply(node)

    def _said_about(self, ident: str) -> dict[str, Facts]:
        """By source, under both names that an element may be described by."""
        return {**self._about.get(self._plain.get(ident, ""), {}), **self._about.get(ident, {})}

    def _apply(self, node: Node) -> None:
        """Give an element what is said about it, where it has nothing of its own."""
        about = {} if node.id in self._conventions else self._said_about(node.id)
        said = facts.merge(_bearable(node, one) for _, one in sorted(about.items()))
        given = self._given.get(node.id, NOTHING)
        before = node.unit, node.description, node.label, self.limits_of.get(node.id)
        unit, own_unit = _settle(node.unit, given.unit, said.unit)
        node.description, own_description = _settle(node.description, given.description, said.description)
        node.label, own_label = _settle(node.label, given.label, said.label)
        if unit != node.unit:
            node.unit = None
            self._space.set_unit(node, unit or "")
        if said.limits is not None:
            self.limits_of[node.id] = said.limits
        else:
            self.limits_of.pop(node.id, None)
        self._given[node.id] = Facts(own_unit, own_description, own_label, said.limits)
        if before != (node.unit, node.description, node.label, said.limits):
            self._space.revision += 1


def _settle(present: str | None, given: str | None, said: str | None) -> tuple[str | None, str | None]:
    """What an element has from now on, and what of it comes from here: not what it has from elsewhere."""
    return (said, said) if present in (None, given) else (present, None)


def _bearable(node: Node, said: Facts) -> Facts:
    """The part of what is said that an element can bear: units and limits belong to values, and to certain ones."""
    kinds = node.shape.kinds & ~NULL if node.shape is not None else 0
    if said.of_value and kinds and not kinds & (ANY_NUMBER | STRING):
        return NOTHING
    fits = kinds & (ANY_NUMBER | ARRAY | STRING) or not kinds if said.sure else kinds & (ANY_NUMBER | ARRAY)
    if node.reported and fits:
        return said
    return Facts(description=said.description, label=said.label)


def _document(node: Node) -> str:
    """What a document is called as a source of facts about its fields; its own id stands for itself."""
    return f"{node.id}#"
