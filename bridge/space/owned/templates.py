"""Templates: topic patterns whose levels hold names for what they stand for, `acme/{site}/mixing/{hall}/vat{n}`.

A name stands for one or more characters within a level, and for the same ones wherever it comes again. `+`, `*` and
`#` mean what they mean in any pattern.
"""

import re
from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TOKEN = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}|\*")

MALFORMED = "must hold braces only around names of letters, digits and _, such as {site}"


def placeholders(text: str) -> tuple[str, ...]:
    """The names in a template, in order, each once. Raises `ValueError` for braces around anything else."""
    if re.search(r"[{}]", _PLACEHOLDER.sub("", text)):
        raise ValueError(MALFORMED)
    return tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))


def filled(text: str, bound: Mapping[str, str]) -> str:
    """A template with what its names stand for."""
    return _PLACEHOLDER.sub(lambda found: bound[found[1]], text)


class Template:
    """`names` are what it binds; `levels` how many a topic must have, None for any number. Raises `ValueError`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names = placeholders(text)
        levels = text.split("/")
        self.levels = None if levels[-1] == "#" else len(levels)
        self._wild_start = text[:1] in ("+", "#")
        self._pattern = re.compile(self._source(levels), re.DOTALL)

    def bind(self, topic: str) -> Mapping[str, str] | None:
        """What each name stands for in a topic; None for a topic that the template does not cover."""
        if self._wild_start and topic.startswith("$"):
            return None
        found = self._pattern.fullmatch(topic)
        return found.groupdict() if found is not None else None

    @staticmethod
    def _source(levels: list[str]) -> str:
        seen: set[str] = set()
        if levels == ["#"]:
            return ".*"
        open_end = levels[-1] == "#"
        parts = [_level(level, seen) for level in (levels[:-1] if open_end else levels)]
        return "/".join(parts) + ("(?:/.*)?" if open_end else "")


def _level(level: str, seen: set[str]) -> str:
    if level == "+":
        return "[^/]*"
    source, at = "", 0
    for found in _TOKEN.finditer(level):
        source += re.escape(level[at : found.start()]) + _source_of(found[0], seen)
        at = found.end()
    return source + re.escape(level[at:])


def _source_of(wild: str, seen: set[str]) -> str:
    if wild == "*":
        return "[^/]*"
    name = wild[1:-1]
    if name in seen:
        return f"(?P={name})"
    seen.add(name)
    return f"(?P<{name}>[^/]+)"
