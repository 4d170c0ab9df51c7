"""The fewest patterns that say of each topic what was decided about it, and of none what was not.

All topics with one decision and of one depth become one pattern, level by level: one name stays as it is, names that
differ in their number become `vat*`, others `+`. Where that would cover a topic with another decision, the topics are
split at the level that parts them best, and each share tries again; in the end a topic stands for itself. Only one with
a `*` in its name may stand for others as well: then it is left out.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TypeAlias

from bridge.space import names
from bridge.uns.topics import globbed

Levels: TypeAlias = tuple[str, ...]
Group: TypeAlias = list[Levels]

_ANY = "+"


def patterns(decisions: Mapping[str, Hashable]) -> list[tuple[str, str]]:
    """Topics with what was decided about them → patterns, sorted, each with one topic that it covers."""
    groups: dict[tuple[Hashable, int, str], Group] = defaultdict(list)
    by_depth: dict[int, list[tuple[Levels, Hashable]]] = defaultdict(list)
    for topic, decision in decisions.items():
        levels = tuple(topic.split("/"))
        reserved = levels[0] if topic.startswith("$") else ""  # no wildcard at the front covers it
        groups[decision, len(levels), reserved].append(levels)
        by_depth[len(levels)].append((levels, decision))
    found: list[tuple[str, str]] = []
    for (decision, depth, _), group in groups.items():
        others = [levels for levels, other in by_depth[depth] if other != decision]
        found += [("/".join(pattern), "/".join(share[0])) for pattern, share in _covering(sorted(group), others)]
    return sorted(found)


def _covering(group: Group, others: Sequence[Levels]) -> Iterator[tuple[Levels, Group]]:
    """Patterns that cover a group and none of the others, each with its share of the group."""
    pattern = _merged(group)
    foreign = _covered(pattern, others)
    if not foreign:
        yield pattern, group
        return
    for share in _split(group, foreign):
        yield from _covering(share, foreign)


def _merged(group: Group) -> Levels:
    return tuple(_level(set(level)) for level in zip(*group, strict=True))


def _level(found: set[str]) -> str:
    if len(found) == 1:
        return next(iter(found))
    stems = {names.stem(name) for name in found}
    stem = next(iter(stems))
    return f"{stem}*" if len(stems) == 1 and stem and "*" not in stem else _ANY


def _covered(pattern: Levels, topics: Sequence[Levels]) -> list[Levels]:
    """Those of the topics, all as deep as the pattern, that it covers."""
    found: Sequence[Levels] = topics
    reserved = pattern[0] == _ANY
    for depth, level in enumerate(pattern):
        if level != _ANY:
            covers = _glob(level) if "*" in level else level.__eq__
            found = [topic for topic in found if covers(topic[depth])]
    return [topic for topic in found if not (reserved and topic[0].startswith("$"))]


def _glob(level: str) -> Callable[[str], object]:
    return globbed(level).fullmatch


def _split(group: Group, foreign: Sequence[Levels]) -> list[Group]:
    """The shares at the level, and by stems or names, that leave least covered by mistake, in the fewest shares."""
    best: tuple[int, int] | None = None
    chosen: list[Group] = []
    for depth in range(len(group[0])):
        for key in (names.stem, str):
            shares = _shares(group, depth, key)
            if len(shares) == 1:
                continue
            left = sum(len(_covered(_merged(share), foreign)) for share in shares)
            if best is None or (left, len(shares)) < best:
                best, chosen = (left, len(shares)), shares
    return chosen


def _shares(group: Group, depth: int, key: Callable[[str], str]) -> list[Group]:
    found: dict[str, Group] = defaultdict(list)
    for levels in group:
        found[key(levels[depth])].append(levels)
    return list(found.values())
