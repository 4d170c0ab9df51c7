"""History as the standard tells it: of an element, of a field of its payload, of what its parts compose.

A field's rows are projected from the payloads of its owner. A composed element's rows are the parts' merged by time:
one row for each instant at which a part changed, the others as they were then. All are cut at limits, of rows and of
bytes, and say where to resume: a query that starts there gives what was left out, nothing twice.

Packed values of an element's own rows go into the answer as they are; only what is projected or composed is unpacked.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import tzinfo
from heapq import merge
from itertools import groupby
from typing import Any, TypeAlias

from msgspec import Raw, Struct

from bridge.history.base import History, Row, Rows, unpacked, weight
from bridge.space import Field, Node
from bridge.space.browse import Budget, vqt_answer
from bridge.space.node import compose, descendants
from bridge.space.owned.views import Alias
from bridge.uns import NO_DATA
from bridge.uns.moments import render

_NOTHING: Row = (None, NO_DATA, 0)
_EVER = 2**63 - 1  # ns: the year 2262
_WHOLE = 1_000_000  # rows: more than one element ever holds in memory
_TURN = 0.005  # seconds of work before others get their turn
MAX_BYTES = 64 * 1024 * 1024  # of values in one answer: with its copies on the way out a quarter of a gigabyte

_Entry: TypeAlias = tuple[int, int, Row]  # time, index of the part, the part's row


class Cut(Struct, frozen=True):
    """An element whose rows did not all fit."""

    element_id: str
    resume_ns: int

    def __str__(self) -> str:
        return f"{self.element_id}: resume with startTime {render(self.resume_ns)}"


class Allowance:
    """What one request may still take: values (of a composed row, as many as it has parts), bytes of structured
    values and texts, and time in seconds.
    """

    def __init__(self, values: int, size: int, seconds: float, clock: Callable[[], float]) -> None:
        self.values = values
        self.bytes = size
        self._clock = clock
        self._turn = clock()
        self._until = self._turn + seconds

    @property
    def turn_over(self) -> bool:
        return self._clock() - self._turn > _TURN

    async def others(self) -> None:
        """Give other requests and messages their turn, when it is time."""
        if self.turn_over:
            await asyncio.sleep(0)
            self._turn = self._clock()

    @property
    def used_up(self) -> bool:
        return self.values <= 0 or self.bytes <= 0 or self._turn > self._until

    def within(self, found: Rows) -> Rows:
        """Charge rows; those beyond the bytes that are left are cut off, the first one never."""
        for at, row in enumerate(found.rows):
            if at and self.bytes <= 0:
                found = _cut(found.rows, at)
                break
            self.bytes -= weight(row)
        self.values -= len(found.rows)
        return found


class HistoryAnswers:
    """One request: its range, and what it has cut so far."""

    def __init__(
        self, historian: "Historian", start_ns: int, end_ns: int, max_depth: int, budget: Budget, allowance: Allowance
    ) -> None:
        self.cuts: list[Cut] = []
        self._historian = historian
        self._start_ns = start_ns
        self._end_ns = end_ns
        self._max_depth = max_depth
        self._budget = budget
        self._allowance = allowance

    async def answer(self, node: Node) -> dict[str, Any]:
        """The HistoricalValueResult of the standard."""
        composition = node.is_composition
        found: dict[str, Any] = {"isComposition": composition, "values": await self._values(node)}
        if composition and self._max_depth != 1:
            parts = list(self._budget.limited(descendants(node, self._max_depth)))
            found["components"] = {
                part.id: {"isComposition": part.is_composition, "values": await self._values(part)} for part in parts
            }
        return found

    async def _values(self, node: Node) -> list[dict[str, Any]]:
        await self._allowance.others()
        if self._allowance.used_up:
            self.cuts.append(Cut(node.id, self._start_ns))
            return []
        found = self._historian.rows(node, self._start_ns, self._end_ns, self._allowance)
        if found.resume_ns is not None:
            self.cuts.append(Cut(node.id, found.resume_ns))
        return [vqt_answer(*_told(row)) for row in found.rows]


class Historian:
    """Reads one history for the elements of one space: at most `limit` rows an element, `max_values` and `max_bytes`
    a request.
    """

    def __init__(
        self, history: History, zone: tzinfo, limit: int, max_values: int = 200_000, max_bytes: int = MAX_BYTES
    ) -> None:
        self._history = history
        self._zone = zone
        self._limit = limit
        self._max_values = max_values
        self._max_bytes = max_bytes

    def allowance(self, seconds: float, clock: Callable[[], float]) -> Allowance:
        return Allowance(self._max_values, self._max_bytes, seconds, clock)

    def query(self, start_ns: int, end_ns: int, max_depth: int, budget: Budget, allowance: Allowance) -> HistoryAnswers:
        return HistoryAnswers(self, start_ns, end_ns, max_depth, budget, allowance)

    def rows(self, node: Node, start_ns: int, end_ns: int, allowance: Allowance) -> Rows:
        """An element's rows within a range, ascending, both ends inclusive."""
        if isinstance(node, Alias):
            return self.rows(node.target, start_ns, end_ns, allowance)
        if node.is_composed:
            return self._composed(node, start_ns, end_ns, allowance)
        if not isinstance(node, Field):
            return allowance.within(self._history.query(node.id, start_ns, end_ns, self._limit))
        if node.plan is None:
            found = allowance.within(self._history.query(node.owner.id, start_ns, end_ns, self._limit))
            return Rows(list(self._projected(node, found.rows)), found.resume_ns)
        rows = [row for row in self._own_times(node, allowance) if start_ns <= row[2] <= end_ns][: self._limit + 1]
        allowance.values -= len(rows)
        return _cut(rows, self._limit)

    def _own_times(self, field: Field, allowance: Allowance) -> list[Row]:
        """All rows of a field that tells times of its own, which need not lie where its owner's lie."""
        found = self._history.query(field.owner.id, 0, _EVER, _WHOLE)
        allowance.bytes -= sum(map(weight, found.rows))
        by_time = {row[2]: row for row in self._projected(field, found.rows)}
        return [by_time[time_ns] for time_ns in sorted(by_time)]

    def _projected(self, field: Field, rows: Iterable[Row]) -> Iterator[Row]:
        """A field's rows from its owner's, one by one: what a payload holds beside the field is not kept."""
        return (field.project_from(*unpacked(row), self._zone) for row in rows)

    def _composed(self, node: Node, start_ns: int, end_ns: int, allowance: Allowance) -> Rows:
        leaves = list(_leaves(node))
        limit = max(1, min(self._limit, allowance.values // max(1, len(leaves))))
        found = [self._history.query(leaf.id, start_ns, end_ns, limit) for leaf in leaves]
        complete = min((one.resume_ns for one in found if one.resume_ns is not None), default=None)
        before = [self._history.before(leaf.id, start_ns) or _NOTHING for leaf in leaves]
        weights = [weight(row) for row in before]
        state = {leaf.id: unpacked(row) for leaf, row in zip(leaves, before, strict=True)}
        rows: list[Row] = []
        resume = complete
        for time_ns, changed in groupby(_merged(one.rows for one in found), key=lambda entry: entry[0]):
            if complete is not None and time_ns >= complete:
                break
            if len(rows) == limit or (rows and allowance.bytes <= 0):
                resume = time_ns
                break
            for _, index, row in changed:
                state[leaves[index].id] = unpacked(row)
                weights[index] = weight(row)
            value, quality, _ = _compose(node, state)
            rows.append((value, quality, time_ns))
            allowance.bytes -= sum(weights)
        allowance.values -= len(rows) * len(leaves)
        return Rows(rows, resume)


def _told(row: Row) -> Row:
    """A row as an answer holds it: a packed value is JSON already."""
    return (Raw(row[0]), row[1], row[2]) if type(row[0]) is bytes else row


def _cut(rows: list[Row], limit: int) -> Rows:
    return Rows(rows[:limit], rows[limit][2]) if len(rows) > limit else Rows(rows)


def _leaves(node: Node) -> Iterator[Node]:
    """What a composed element's value is made of in the end: its nearest parts with payloads of their own."""
    for part in node.components():
        if part.is_composed:
            yield from _leaves(part)
        else:
            yield part


def _compose(node: Node, state: dict[str, Row]) -> Row:
    """A composed element's value at one instant, given that of each leaf."""
    return compose(
        [
            (part.name, _compose(part, state) if part.is_composed else state.get(part.id, _NOTHING))
            for part in node.components()
        ],
        0,
    )


def _merged(lists: Iterable[list[Row]]) -> Iterator[_Entry]:
    """All rows in the order of time, taken one by one: mostly a limit ends it early."""
    return merge(*(_entries(index, rows) for index, rows in enumerate(lists)), key=lambda entry: entry[:2])


def _entries(index: int, rows: list[Row]) -> Iterator[_Entry]:
    return ((row[2], index, row) for row in rows)
