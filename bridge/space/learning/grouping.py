"""Grouping: which documents of one role are of one type, all seen together (inference.md F.3).

Topics with the same last level may be one thing told by many (`status` of 40 pumps) or many things that are called the
same (`forecast` of 30 services). The topic tells which. A level says *which one* when it is a number or an id, or when
the document itself says the same (`{"station": "north", …}` below `north`); the others say *what*. Documents whose
topics differ only in which one are told by one source, and their differences are optional fields. What was found to be
one there is compared with its neighbours in the tree, then with the rest of the namespace, each time more strictly; the
fields of all documents of a group count, so that what is optional has mostly been seen by then.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice, product
from typing import TypeAlias

from msgspec import Struct

from bridge.space import names
from bridge.space.learning.forms import Form, compared, like, similar
from bridge.space.node import Field, Node
from bridge.space.shape import Shape

Member: TypeAlias = tuple[Node, Shape]
Pair: TypeAlias = frozenset[str]
Alike: TypeAlias = Callable[[frozenset[str], frozenset[str]], bool]

_SHARE = 0.6  # of the smaller one's fields that two groups of one source have in common

MAX_GROUPS = 128  # of one role; more is a role without a shape
MAX_FORMS = 512  # sets of field names of one role that are compared; more will not come down to so few groups
_NEIGHBOURHOODS = 3, 4  # levels up to what neighbours have in common

_SIMILAR = 0.5  # Jaccard index of the children's names of two instances
_MAX_WORDS = 50  # that are looked at; in a large collection the first few tell

_WHICH = "*"


class Group(Struct, eq=False):
    """Documents that are of one type. `roles` are those of their parents, as far as these tell anything; `collections`
    are the words for what their parents are instances of.
    """

    form: Form
    names: frozenset[str]
    roles: set[str]
    collections: set[str]
    members: list[Member]
    first: Node  # the one with the smallest id: what decides between equals

    def join(self, other: "Group") -> None:
        self.names |= other.names
        self.roles |= other.roles
        self.collections |= other.collections
        self.members += other.members
        self.first = min(self.first, other.first, key=_id)


def grouped(forms: Mapping[Form, Sequence[Member]], role_above: Callable[[Node], str]) -> list[Group]:
    """The documents of one role in groups; `role_above` is the role of a node's parent, "" where it tells nothing."""
    levels = Levels()
    groups = [_one(form, *member, role_above, levels) for form, members in forms.items() for member in members]
    if len({form.names for form in forms}) > MAX_FORMS:
        return _all_in_one(sorted(groups, key=_rank))
    rivals = {pair for group in groups for pair in _rivals(group.first, levels)}
    fine = partial(levels.source, coarse=False)
    groups = _together(groups, lambda group: (fine(group.first), group.names), _of_one_source, rivals)
    groups = _together(groups, lambda group: fine(group.first), _of_one_source, rivals)
    groups = _together(groups, lambda group: levels.source(group.first, coarse=True), _neighbours, rivals)
    for height in _NEIGHBOURHOODS:
        groups = _together(groups, partial(_neighbourhood, height=height, levels=levels), _neighbours, rivals)
    found = _merged(groups, _anywhere, _of_one_role, rivals)
    return found if len(found) <= MAX_GROUPS else _all_in_one(found)


def _one(form: Form, node: Node, shape: Shape, role_above: Callable[[Node], str], levels: "Levels") -> Group:
    role, which = role_above(node), levels.instance(node)
    collection = which.parent.name if which is not None and which.parent is not None else ""
    return Group(
        form, form.names, {role} if role else set(), {collection} if collection else set(), [(node, shape)], node
    )


def _together(
    groups: Iterable[Group], place: Callable[[Group], Hashable], alike: Alike, rivals: set[Pair]
) -> list[Group]:
    """The groups of each place as one where they are alike."""
    places: dict[Hashable, list[Group]] = defaultdict(list)
    for group in groups:
        places[place(group)].append(group)
    return [group for found in places.values() for group in _merged(found, alike, alike, rivals)]


class _Found:
    """Groups by the first keys of their fields. Without one in common, none is alike: so few have to be compared."""

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self._places: dict[Group, int] = {}
        self._by_key: dict[str, set[int]] = defaultdict(set)

    def add(self, group: Group) -> None:
        self._places[group] = len(self.groups)
        self.groups.append(group)
        self.note(group, group.names)

    def note(self, group: Group, names: Iterable[str]) -> None:
        """A group has these fields."""
        place = self._places[group]
        for key in _first_keys(names):
            self._by_key[key].add(place)

    def candidates(self, group: Group) -> Sequence[Group]:
        """Those that may be alike, in the order of their coming. Without fields, all may: such groups come last."""
        if not group.names:
            return self.groups
        places = set[int]().union(*(self._by_key.get(key, ()) for key in _first_keys(group.names)))
        return [self.groups[place] for place in sorted(places)]


def _first_keys(names: Iterable[str]) -> set[str]:
    return {name.partition("/")[0] for name in names}


def _merged(groups: Sequence[Group], alike: Alike, of_one_role: Alike, rivals: set[Pair]) -> list[Group]:
    """Groups that are alike as one; those with the most fields first, which hold what is optional."""
    if len(groups) == 1:
        return list(groups)
    found = _Found()
    for group in sorted(groups, key=_rank):
        for known in found.candidates(group):
            if rivals and any(frozenset(pair) in rivals for pair in product(group.collections, known.collections)):
                continue
            judge = of_one_role if group.roles & known.roles else alike
            if judge(group.names, known.names):
                known.join(group)
                found.note(known, group.names)
                break
        else:
            found.add(group)
    return found.groups


def _of_one_source(left: frozenset[str], right: frozenset[str]) -> bool:
    """A group with many options is not to push further options out, so the smaller one decides."""
    ours, theirs, common = compared(left, right)
    return common >= _SHARE * min(ours, theirs)


# From next to each other to anywhere in the namespace; under parents of one role less is asked for.
_neighbours: Alike = partial(like, enough=0.75, held=0.5)
_of_one_role: Alike = partial(like, enough=0.7, held=0.5)
_anywhere: Alike = partial(like, enough=0.9, held=0.8)


def _all_in_one(groups: Sequence[Group]) -> list[Group]:
    """Not one after the other: each would copy what all before it have."""
    return [
        Group(
            groups[0].form,
            frozenset().union(*(group.names for group in groups)),
            set().union(*(group.roles for group in groups)),
            set().union(*(group.collections for group in groups)),
            [member for group in groups for member in group.members],
            min((group.first for group in groups), key=_id),
        )
    ]


def _rank(group: Group) -> tuple[int, int, str]:
    """Most fields first, which hold what is optional."""
    return -len(group.names), -len(group.members), group.first.id


# --- what topics tell ------------------------------------------------------------------------------------------------


class Levels:
    """What the levels of topics say: what something is, or which one. Looked at once for each branch."""

    def __init__(self) -> None:
        self._is_which: dict[str, bool] = {}

    def source(self, node: Node, *, coarse: bool) -> tuple[str, ...]:
        """The levels above a node, without what says which one. Numbered names keep their stem.

        `coarse`: not even that, where they are said, too, or stand among names that say which one.
        """
        owner = node.owner if isinstance(node, Field) else node
        found: list[str] = [names.stem(owner.name)] if owner is not node else []
        at, depth = owner.parent, owner.topic.count("/") - 1
        while at is not None:
            found.append(self._what(at, said=bool(owner.said_levels >> depth & 1), coarse=coarse))
            at, depth = at.parent, depth - 1
        return tuple(found)

    def _what(self, node: Node, *, said: bool, coarse: bool) -> str:
        if names.is_numbered(node.name) and not names.is_identity(node.name):
            loose = coarse and (said or self._is_among(node))
            return _WHICH if loose else names.stem(node.name) + _WHICH
        return _WHICH if said or self._is_among(node) else node.name

    def instance(self, node: Node) -> Node | None:
        """What a node belongs to, if that has no name of its own but an id: `4711` in `outage/4711/resolved`."""
        parent = node.parent
        if parent is None or parent.parent is None or isinstance(node, Field):
            return None
        if names.is_numbered(parent.name) and not names.is_identity(parent.name):
            return None
        said = node.said_levels >> (node.topic.count("/") - 1) & 1
        return parent if said or self._is_among(parent) else None

    def _is_among(self, node: Node) -> bool:
        """Whether a branch is an id, or stands beside ids that hold the same: `kafura` beside `3393371`."""
        known = self._is_which.get(node.id)
        if known is None:
            known = self._is_which[node.id] = names.is_identity(node.name) or _is_beside_ids(node)
        return known


def _is_beside_ids(node: Node) -> bool:
    if node.parent is None or not node.children:
        return False
    siblings = islice((node.parent.children or {}).values(), _MAX_WORDS)
    return any(
        other.children and names.is_identity(other.name) and similar(node.children, other.children, _SIMILAR)
        for other in siblings
        if other is not node
    )


def _rivals(node: Node, levels: Levels) -> Iterator[Pair]:
    """Words that tell different things of the same instance: `outage/4711` and `congestion/4711`."""
    which = levels.instance(node)
    if which is not None and which.parent is not None and which.parent.parent is not None:
        word = which.parent
        for other in islice((which.parent.parent.children or {}).values(), _MAX_WORDS):
            if other is not word and which.name in (other.children or ()):
                yield frozenset((word.name, other.name))


def _neighbourhood(group: Group, height: int, levels: Levels) -> tuple[str, Pair]:
    """Where a group is at home; only instances of an id may be of the same thing although their parents differ."""
    at: Node | None = group.first
    for _ in range(height):
        at = at.parent if at is not None else None
    home = at if at is not None and at.parent is not None else group.first  # all the namespace is no neighbourhood
    return home.id, frozenset(group.roles if levels.instance(group.first) is None else ())


def _id(node: Node) -> str:
    return node.id
