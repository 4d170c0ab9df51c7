"""Forms: what is compared when two elements might be of one type (inference.md F.2 and F.3).

A form says what an element looks like and where: role, what it belongs to, root kind, and for objects the names of its
properties down to some levels. Elements of one form are of one type. Forms of one role are of one type when they are
alike; how much they must have in common depends on how much else says so. Under parents of one kind, the same name
means the same thing, and a few properties more or less are optional. Elsewhere the same name often means something
else (`status` of a pump, `status` of an order): then all but the same properties are another type.
"""

from collections.abc import Collection, Iterator
from functools import lru_cache

from msgspec import Struct

from bridge.space.shape import OBJECT, Shape
from bridge.uns import Hint

NAMED_LEVELS = 3  # of properties that are compared: a common envelope around different contents must not hide them
MAX_NAMES = 256  # of one form

# Jaccard index of the names from which two forms of a role are alike, under the same kind of parent and elsewhere.
THINGS = 0.25, 0.5  # equipment: its name says what it is
PARTS = 0.5, 0.75
DOCUMENTS = 0.6, 0.85
_HELD = 0.6  # elsewhere, one that holds all names of the other must not be much larger either


class Form(Struct, frozen=True):
    """`near` is the role of what the element belongs to; `mapped`: its properties are members, their names no names."""

    namespace: str
    role: str
    near: str
    group: int
    composed: bool = False
    thing: bool = False
    opaque: bool = False
    mapped: bool = False
    names: frozenset[str] = frozenset()
    hint: Hint | None = None


def names_of(shape: Shape) -> frozenset[str]:
    """Property names of an object's shape with their paths, in at most `NAMED_LEVELS` levels."""
    if not shape.properties:
        return frozenset()
    found: list[str] = []
    _collect(shape, "", NAMED_LEVELS, found)
    return frozenset(found[:MAX_NAMES])


def _collect(shape: Shape, prefix: str, levels: int, found: list[str]) -> None:
    inner = shape.items if shape.items is not None and shape.properties is None else shape
    for key in sorted(inner.properties or ()):
        found.append(prefix + key)
        if levels > 1 and len(found) < MAX_NAMES:
            _collect((inner.properties or {})[key], f"{prefix}{key}/", levels - 1, found)


def like(left: frozenset[str], right: frozenset[str], enough: float, held: float) -> bool:
    """Whether two forms agree: a Jaccard index of `enough`, or `held` where one has all names of the other."""
    if left and right and left.isdisjoint(right):
        return False  # most of what is compared where names never repeat; the outermost names always count
    ours, theirs, common = compared(left, right)
    union = ours + theirs - common
    return common >= enough * union or (common == min(ours, theirs) and common >= held * union)


def compared(left: frozenset[str], right: frozenset[str]) -> tuple[int, int, int]:
    """How many names two forms have, and in common. What is inside a property does not count where the other has never
    shown the inside of it: an empty array, or null, fits everything.
    """
    if left != right:
        left, right = _without_unseen(left, right), _without_unseen(right, left)
    return len(left), len(right), len(left & right)


def _without_unseen(names: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    bare = _bare(other)
    if bare.isdisjoint(_boxes(names)):
        return names  # nothing is to be left out: nearly always so, and asked often where many forms are new
    return frozenset(name for name in names if "/" not in name or bare.isdisjoint(_enclosing(name)))


@lru_cache(maxsize=512)
def _boxes(names: frozenset[str]) -> frozenset[str]:
    """What anything is inside of."""
    return frozenset(box for name in names if "/" in name for box in _enclosing(name))


@lru_cache(maxsize=512)
def _bare(names: frozenset[str]) -> frozenset[str]:
    """Those that nothing is inside of."""
    return names - {name.rpartition("/")[0] for name in names}


def _enclosing(name: str) -> Iterator[str]:
    at = name.rfind("/")
    while at > 0:
        yield name[:at]
        at = name.rfind("/", 0, at)


def alike(form: Form, names: frozenset[str], contexts: Collection[str]) -> bool:
    """Whether a form is of the type that has these property names, found so far under these kinds of parents."""
    if form.group != OBJECT or not names or not form.names:
        return True
    near, elsewhere = THINGS if form.thing else PARTS if form.composed else DOCUMENTS
    if form.near in contexts:
        return like(form.names, names, near, held=0.0)
    return like(form.names, names, elsewhere, held=min(_HELD, elsewhere))


def similar(fields: Collection[str], known: Collection[str], threshold: float) -> bool:
    """Whether two sets of names are one kind: one holds the other, or they mostly agree (Jaccard index)."""
    left, right = len(fields), len(known)
    common = sum(name in known for name in fields) if left <= right else sum(name in fields for name in known)
    return common >= min(left, right) or common >= threshold * (left + right - common)
