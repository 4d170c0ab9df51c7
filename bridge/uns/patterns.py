"""Many patterns at once: which of them cover a topic, without trying each one.

A learnt model holds hundreds of patterns, and each new topic asks which of them apply. The patterns form a tree, level
by level, as topics do; a topic follows its own levels down, and the wildcards beside them.
"""

import re
from collections.abc import Iterable

from bridge.uns.topics import globbed


class _Level:
    """What patterns with the same beginning go on with."""

    __slots__ = ("any", "below", "ends", "globs", "names")

    def __init__(self) -> None:
        self.names: dict[str, _Level] = {}
        self.globs: dict[str, tuple[re.Pattern[str], _Level]] = {}
        self.any: _Level | None = None  # `+`
        self.ends: list[int] = []
        self.below: list[int] = []  # `#`

    def follow(self, level: str) -> "_Level":
        """The place behind one more level of a pattern, made where it is missing."""
        if level == "+":
            self.any = self.any or _Level()
            return self.any
        if "*" in level:
            return self.globs.setdefault(level, (globbed(level), _Level()))[1]
        return self.names.setdefault(level, _Level())

    def behind(self, name: str, *, wild: bool) -> "Iterable[_Level]":
        """The places that a topic's level leads to. `wild`: `+` counts."""
        if (named := self.names.get(name)) is not None:
            yield named
        if wild and self.any is not None:
            yield self.any
        for glob, place in self.globs.values():
            if glob.fullmatch(name):
                yield place


class Patterns:
    """Patterns with numbers; they match like `bridge.uns.topics.matches_pattern`."""

    def __init__(self, patterns: Iterable[tuple[str, int]]) -> None:
        self._root = _Level()
        for pattern, number in patterns:
            self._add(pattern, number)

    def _add(self, pattern: str, number: int) -> None:
        place = self._root
        for level in pattern.split("/"):
            if level == "#":
                place.below.append(number)
                return
            place = place.follow(level)
        place.ends.append(number)

    def covering(self, topic: str) -> tuple[int, ...]:
        """The numbers of the patterns that cover a topic, ascending, each once."""
        levels = topic.split("/")
        wild = not topic.startswith("$")
        found = set(self._root.below) if wild else set()
        places = [self._root]
        for depth, name in enumerate(levels):
            places = [after for place in places for after in place.behind(name, wild=wild or depth > 0)]
            for place in places:
                found.update(place.below)
        for place in places:
            found.update(place.ends)
        return tuple(sorted(found))
