"""History as the standard tells it: of an element, of a field of its payload, of what its parts compose.

In the event loop the nodes tell what is to be read (`recipes`); in the store's thread it is read (`reading`), reduced
where that is asked for (`aggregates`, `changes`, `thinning`) and rendered to JSON (`rendering`): the loop never waits.
Answers are cut at limits, of rows, bytes and time, and say where to resume: a query that starts there gives what was
left out, nothing twice.
"""

from collections.abc import Callable, Sequence
from datetime import tzinfo
from functools import partial
from typing import Any

from bridge.history.allowance import Allowance, Cut
from bridge.history.base import History
from bridge.history.questions import Answer, Asked, Question, Reduction
from bridge.history.recipes import recipe_of
from bridge.space import Node
from bridge.space.browse import Budget
from bridge.space.sight import EVERYTHING, Sight

MAX_BYTES = 64 * 1024 * 1024  # of values in one answer: with its copies on the way out a quarter of a gigabyte


class Historian:
    """Reads one history for the elements of one space: at most `limit` rows an element, `max_values` and `max_bytes`
    a request.
    """

    def __init__(
        self, history: History, zone: tzinfo, limit: int, max_values: int = 200_000, max_bytes: int = MAX_BYTES
    ) -> None:
        self.history = history
        self.zone = zone
        self._limit = limit
        self._max_values = max_values
        self._max_bytes = max_bytes

    def allowance(self, seconds: float, clock: Callable[[], float]) -> Allowance:
        return Allowance(self._max_values, self._max_bytes, seconds, clock)

    def query(
        self,
        start_ns: int,
        end_ns: int,
        max_depth: int,
        budget: Budget,
        allowance: Allowance,
        reduction: Reduction | None = None,
        sight: Sight = EVERYTHING,
    ) -> "HistoryAnswers":
        question = Question(start_ns, end_ns, self._limit, allowance, reduction)
        return HistoryAnswers(self, question, max_depth, budget, sight)


class HistoryAnswers:
    """One request: what it asks, and what it has cut so far."""

    def __init__(self, historian: Historian, question: Question, max_depth: int, budget: Budget, sight: Sight) -> None:
        self.cuts: list[Cut] = []
        self._historian = historian
        self._question = question
        self._max_depth = max_depth
        self._budget = budget
        self._sight = sight

    async def answer(self, node: Node) -> dict[str, Any]:
        """The HistoricalValueResult of the standard; its values are JSON already. Raises `RequestError`."""
        nodes = [node]
        listed = self._sight.is_composition(node) and self._max_depth != 1
        if listed:
            nodes += self._budget.limited(self._sight.descendants(node, self._max_depth))
        asked = await self._asked(nodes)
        own, *parts = [
            {"isComposition": one.is_composition, "values": answer.values}
            for one, answer in zip(asked, await self._answers(asked), strict=True)
        ]
        if listed:
            own["components"] = {one.element_id: part for one, part in zip(asked[1:], parts, strict=True)}
        return own

    async def _asked(self, nodes: Sequence[Node]) -> list[Asked]:
        """What nodes have to tell, before they change; others get their turn in between."""
        asked = []
        for node in nodes:
            asked.append(
                Asked(node.id, self._sight.is_composition(node), recipe_of(node, self._historian.zone, self._sight))
            )
            await self._question.allowance.others()
        return asked

    async def _answers(self, asked: Sequence[Asked]) -> list[Answer]:
        """One for each, a turn's worth at a time."""
        question = self._question
        answers: list[Answer] = []
        while len(answers) < len(asked) and not question.allowance.used_up:
            answers += await self._historian.history.ask(partial(question.some, asked=asked, since=len(answers)))
            await question.allowance.others()
        answers += [question.unanswered] * (len(asked) - len(answers))
        for one, answer in zip(asked, answers, strict=True):
            if answer.resume_ns is not None:
                self.cuts.append(Cut(one.element_id, answer.resume_ns))
        return answers
