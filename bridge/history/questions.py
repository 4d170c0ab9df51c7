"""What one request asks of each element, and how it is answered in the store's thread: read, reduced, rendered.

Nothing here knows nodes or the event loop; a `Recipe` says what an element's rows are made of.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TypeAlias

from msgspec import Raw, Struct

from bridge.errors import BadRequest, Unavailable
from bridge.history.aggregates import ANY_KIND, Aggregate, Aggregator, Unsuitable
from bridge.history.allowance import Allowance, sizes_of
from bridge.history.base import CHUNK, Reader, Series, Unreadable
from bridge.history.changes import Changes, changes
from bridge.history.reading import before, last_ns, pieces
from bridge.history.recipes import Composed, Recipe, width
from bridge.history.rendering import encoded
from bridge.history.thinning import Thin, Thinner

Reduction: TypeAlias = Aggregate | Changes | Thin


class Asked(Struct, frozen=True):
    """An element whose history is asked for, as it was when the request came."""

    element_id: str
    is_composition: bool
    recipe: Recipe


class Answer(Struct, frozen=True):
    """`values` is the JSON array of the standard."""

    values: Raw
    resume_ns: int | None = None


NOTHING = Raw(b"[]")


class Question(Struct, frozen=True):
    """Times are nanoseconds since 1970 UTC, both ends inclusive; `limit` is of rows, or intervals, an element."""

    start_ns: int
    end_ns: int
    limit: int
    allowance: Allowance
    reduction: Reduction | None = None

    @property
    def unanswered(self) -> Answer:
        """For an element that nothing is left for."""
        return Answer(NOTHING, self.start_ns)

    def some(self, reader: Reader, asked: Sequence[Asked], since: int) -> list[Answer]:
        """Answers for the elements from an index on: at least one, and as many as fit into a turn.

        Raises `RequestError`.
        """
        answers: list[Answer] = []
        for one in islice(asked, since, None):
            answers.append(self._answer(reader, one))
            if self.allowance.turn_over:
                break
        return answers

    def _answer(self, reader: Reader, asked: Asked) -> Answer:
        allowance = self.allowance
        if allowance.used_up or (allowance.served and allowance.late):
            return self.unanswered
        try:
            found = self._reduced(reader, asked)
        except Unreadable as why:
            raise Unavailable(f"history of {asked.element_id} cannot be read: {why}") from None
        found = allowance.charge(found, width(asked.recipe))
        if found.resume_ns == self.start_ns and not allowance.served:
            raise Unavailable(self._too_slow())
        return Answer(encoded(found), found.resume_ns)

    def _reduced(self, reader: Reader, asked: Asked) -> Series:
        recipe, allowance = asked.recipe, self.allowance
        match self.reduction:
            case Aggregate(name):
                if isinstance(recipe, Composed) and name not in ANY_KIND:
                    raise _unsuitable(name, asked, "values made of its parts'", "; ask for its parts one by one")
                held = before(reader, recipe, self.start_ns, allowance)
                aggregator = Aggregator(self.reduction, self.start_ns, self.end_ns, self._room(1), held)
                try:
                    return aggregator.over(self._pieces(reader, recipe, CHUNK))
                except Unsuitable as kinds:
                    raise _unsuitable(name, asked, str(kinds)) from None
            case Thin(max_points):
                thinner = Thinner(min(max_points, self.limit), allowance.bytes, last_ns(reader, recipe, self.end_ns))
                return thinner.over(self._pieces(reader, recipe, CHUNK))
            case Changes():
                limit = self._room(width(recipe))
                return _first(changes(self._pieces(reader, recipe, CHUNK)), limit, allowance.bytes)
            case None:
                limit = self._room(width(recipe))
                return _first(self._pieces(reader, recipe, limit), limit, allowance.bytes)

    def _pieces(self, reader: Reader, recipe: Recipe, wanted: int) -> Iterable[Series]:
        return pieces(reader, recipe, self.start_ns, self.end_ns, self.allowance, wanted)

    def _room(self, values: int) -> int:
        """Rows of so many values that an element may have. One value a row is let through: it is cheap."""
        return self.limit if values == 1 else max(1, min(self.limit, self.allowance.values // values))

    def _too_slow(self) -> str:
        why = f"what it is made of cannot be read within {self.allowance.seconds:g} s, which is [api] query_timeout"
        if isinstance(self.reduction, Aggregate):
            return f"interval: not one interval is complete: {why}; a shorter interval may do"
        return why


def _first(found: Iterable[Series], limit: int, size: int) -> Series:
    """The first rows, `limit` at most; nothing more is read once they are too large."""
    rows = Series([], [], [])
    for piece in found:
        if piece.times and (len(rows) == limit or size <= 0):
            rows.resume_ns = piece.times[0]
            break
        part = piece.cut(limit - len(rows))
        rows.times += part.times
        rows.values += part.values
        rows.qualities += part.qualities
        rows.resume_ns = part.resume_ns
        if part.resume_ns is not None:
            break
        size -= sum(sizes_of(part.values))
    return rows


def _unsuitable(name: str, asked: Asked, kinds: str, remedy: str = "") -> BadRequest:
    possible = ", ".join(ANY_KIND)
    return BadRequest(
        f"aggregate: {name} needs numbers or booleans, and {asked.element_id} has {kinds}; "
        f"possible are {possible}{remedy}"
    )
