"""Answers to history requests: whose rows an element's history is made of.

A field's rows are projected from its owner's. A composed element's rows are its parts' rows merged in time: one row
for each instant at which a part changed, the others as they were then. All are cut at a limit, and say where to resume.
"""

from collections.abc import Iterable, Iterator
from datetime import tzinfo
from itertools import groupby
from typing import Any

from msgspec import Struct

from bridge.history.base import History, Row, Rows
from bridge.space import Field, Node
from bridge.space.browse import Budget, vqt_answer
from bridge.space.node import compose, descendants
from bridge.uns import NO_DATA
from bridge.uns.moments import render

_NOTHING: Row = (None, NO_DATA, 0)


class Cut(Struct, frozen=True):
    """An element whose rows did not all fit."""

    element_id: str
    resume_ns: int

    def __str__(self) -> str:
        return f"{self.element_id}: resume with startTime {render(self.resume_ns)}"


class HistoryAnswers:
    """One request: its range, and what it has cut so far. At most `max_rows` rows in all of its answers."""

    def __init__(self, historian: "Historian", start_ns: int, end_ns: int, max_depth: int, budget: Budget) -> None:
        self._historian = historian
        self._start_ns = start_ns
        self._end_ns = end_ns
        self._max_depth = max_depth
        self._rows_left = historian.max_rows
        self.budget = budget
        self.cuts: list[Cut] = []
        self.exhausted = False  # time or rows are used up: what follows is empty, and told so

    def answer(self, node: Node) -> dict[str, Any]:
        """The HistoricalValueResult of the standard."""
        composition = node.is_composition
        found: dict[str, Any] = {"isComposition": composition, "values": self._values(node)}
        if composition and self._max_depth != 1:
            found["components"] = {
                part.id: {"isComposition": part.is_composition, "values": self._values(part)}
                for part in self.budget.limited(descendants(node, self._max_depth))
            }
        return found

    def _values(self, node: Node) -> list[dict[str, Any]]:
        if self.exhausted:
            self.cuts.append(Cut(node.id, self._start_ns))
            return []
        found = self._historian.rows(node, self._start_ns, self._end_ns)
        if found.resume_ns is not None:
            self.cuts.append(Cut(node.id, found.resume_ns))
        self._rows_left -= len(found.rows)
        self.exhausted = self._rows_left <= 0
        return [vqt_answer(*row) for row in found.rows]


class Historian:
    """Reads one history for the elements of one space: at most `limit` rows an element, `max_rows` a request."""

    def __init__(self, history: History, zone: tzinfo, limit: int, max_rows: int = 200_000) -> None:
        self._history = history
        self._zone = zone
        self._limit = limit
        self.max_rows = max_rows

    def query(self, start_ns: int, end_ns: int, max_depth: int, budget: Budget) -> HistoryAnswers:
        return HistoryAnswers(self, start_ns, end_ns, max_depth, budget)

    def rows(self, node: Node, start_ns: int, end_ns: int) -> Rows:
        """An element's rows within a range, ascending, both ends inclusive."""
        if isinstance(node, Field):
            return self._projected(node, start_ns, end_ns)
        if node.is_composed:
            return self._composed(node, start_ns, end_ns)
        return self._history.query(node.id, start_ns, end_ns, self._limit)

    def _projected(self, field: Field, start_ns: int, end_ns: int) -> Rows:
        found = self._history.query(field.owner.id, start_ns, end_ns, self._limit)
        by_time = {row[2]: row for row in (field.project_from(*row, self._zone) for row in found.rows)}
        rows = [by_time[time_ns] for time_ns in sorted(by_time) if start_ns <= time_ns <= end_ns]
        return Rows(rows, found.resume_ns)

    def _composed(self, node: Node, start_ns: int, end_ns: int) -> Rows:
        parts = list(node.components())
        found = [self.rows(part, start_ns, end_ns) for part in parts]
        resume = min((one.resume_ns for one in found if one.resume_ns is not None), default=None)
        state = [self._before(part, start_ns) for part in parts]
        rows: list[Row] = []
        for time_ns, changed in groupby(_merged(one.rows for one in found), key=lambda entry: entry[0]):
            if resume is not None and time_ns >= resume:
                break
            if len(rows) == self._limit:
                return Rows(rows, time_ns)
            for _, index, row in changed:
                state[index] = row
            value, quality, _ = compose([(part.name, row) for part, row in zip(parts, state, strict=True)], time_ns)
            rows.append((value, quality, time_ns))
        return Rows(rows, resume)

    def _before(self, node: Node, time_ns: int) -> Row:
        """What an element's value was just before a time."""
        if isinstance(node, Field):
            row = self._history.before(node.owner.id, time_ns)
            return node.project_from(*row, self._zone) if row is not None else _NOTHING
        if node.is_composed:
            return compose([(part.name, self._before(part, time_ns)) for part in node.components()], 0)
        return self._history.before(node.id, time_ns) or _NOTHING


def _merged(lists: Iterable[list[Row]]) -> Iterator[tuple[int, int, Row]]:
    entries = [(row[2], index, row) for index, rows in enumerate(lists) for row in rows]
    entries.sort(key=lambda entry: entry[:2])
    return iter(entries)
