"""Where in a TOML file a value stands: parsers give line numbers for faulty syntax only.

The file has been parsed already, so only what looks like a header or a key is looked for: `[[element]]` the third
time, the header of one of its tables, then the key below it. Lines inside of multi-line texts are left out. What is
written on one line (inline tables) has the line of its outermost key.
"""

import re
import tomllib
from collections import defaultdict
from typing import TypeAlias

Place: TypeAlias = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)(.+?)\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:"(?:\\.|[^"\\])*"|'[^']*'|[A-Za-z0-9_-]+|\s*\.\s*)+?)\s*=""")
_QUOTES = re.compile(r'"""|\'\'\'')


class Lines:
    """Places in a document → line numbers, counted from 1."""

    def __init__(self, text: str) -> None:
        self._of: dict[Place, int] = {}
        self._counts: dict[Place, int] = defaultdict(int)
        self._table: Place = ()
        quotes: str | None = None
        for number, line in enumerate(text.split("\n"), 1):
            if quotes is None:
                self._read(line, number)
            quotes = _inside(line, quotes)

    def of(self, place: Place) -> int | None:
        """The line of a place, or of the nearest one around it."""
        while place:
            if (line := self._of.get(place)) is not None:
                return line
            place = place[:-1]
        return None

    def _read(self, line: str, number: int) -> None:
        if header := _HEADER.fullmatch(line):
            self._table = self._opened(_keys(header[2]), array=header[1] == "[[")
            self._note(self._table, number)
        elif key := _KEY.match(line):
            self._note((*self._table, *_keys(key[1])), number)

    def _note(self, place: Place, number: int) -> None:
        for depth in range(1, len(place) + 1):
            self._of.setdefault(place[:depth], number)

    def _opened(self, keys: Place, *, array: bool) -> Place:
        """The place of a header's table: below an array of tables it belongs to the last of them."""
        place: Place = ()
        for depth, key in enumerate(keys, 1):
            place = (*place, key)
            if array and depth == len(keys):
                self._counts[place] += 1
            if place in self._counts:
                place = (*place, self._counts[place] - 1)
        return place


def _keys(dotted: str) -> Place:
    """`type.fields."a b"` → its keys; nothing for what only looked like keys."""
    try:
        found: object = tomllib.loads(f"{dotted} = 0")
    except ValueError:
        return ()
    keys: list[str | int] = []
    while isinstance(found, dict):
        key, found = next(iter(found.items()))
        keys.append(key)
    return tuple(keys)


def _inside(line: str, quotes: str | None) -> str | None:
    """The quotes of the multi-line text that a line ends in, given those that it begins in."""
    for found in _QUOTES.finditer(line):
        if quotes is None:
            quotes = found[0]
        elif quotes == found[0]:
            quotes = None
    return quotes
