"""Current values and history."""

from collections.abc import Awaitable, Sequence

import msgspec
from starlette.responses import Response

from bridge.access import Caller
from bridge.api.answers import Item, bulk, done, failed, missing, partial
from bridge.api.context import Context
from bridge.api.requests import HistoryQuery, ValueQuery, instant
from bridge.errors import BadRequest, RequestError, Unavailable
from bridge.history.aggregates import Aggregate
from bridge.history.allowance import Cut
from bridge.history.answers import HistoryAnswers
from bridge.history.changes import Changes
from bridge.history.intervals import REMEDY
from bridge.history.questions import Reduction
from bridge.history.thinning import Thin
from bridge.space import Node
from bridge.space.browse import Budget
from bridge.space.sight import Sight

_FIRST_NS, _LAST_NS = 0, 2**63 - 1  # 1970 to 2262: no record lies outside, and stores count in 64 bits
_TOO_MUCH = Unavailable("the request reached the limit of time or size for one answer; ask for the rest in another one")
_encode = msgspec.json.Encoder().encode
_CUTS_NAMED = 20  # elements named in one 206; the others resume the same way


class Values:
    """Reads."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def current(self, caller: Caller, body: ValueQuery) -> Response | Awaitable[Response]:
        """A single element is answered at once, without the care that many need."""
        ids = self._context.checked(body.elementIds)
        budget = Budget(self._context.limits.max_components)
        if body.maxDepth != 1:
            self._context.refresh()  # what belongs to a composition has to be in its place
        if len(ids) > 1:
            return self._many(ids, body.maxDepth, budget, caller.sight)
        items = [self._current(ident, body.maxDepth, budget, caller.sight) for ident in ids]
        return bulk(items, self._too_many_components() if budget.cut else None)

    async def _many(self, ids: Sequence[str], depth: int, budget: Budget, sight: Sight) -> Response:
        """Each element once, however often it is named; others get their turn in between. What is beyond the limits
        fails, item by item: no client takes it for a value.
        """
        allowance = self._context.historian.allowance(self._context.limits.query_timeout, self._context.now)
        built: dict[str, Item] = {}
        items: list[Item] = []
        for ident in ids:
            item = built.get(ident)
            if item is None and not allowance.used_up:
                item = built[ident] = _packed(self._current(ident, depth, budget, sight))
                if allowance.turn_over:
                    await allowance.others()
            if item is None or allowance.bytes <= 0:
                item = failed(ident, _TOO_MUCH)
            elif type(item.get("result")) is msgspec.Raw:
                allowance.bytes -= len(memoryview(item["result"]))
            items.append(item)
        return bulk(items, self._too_many_components() if budget.cut else None)

    def _current(self, ident: str, depth: int, budget: Budget, sight: Sight) -> Item:
        found = self._context.engine.browse.value(ident, depth, budget, sight=sight)
        return done(ident, found) if found is not None else missing(ident)

    async def history(self, caller: Caller, body: HistoryQuery) -> Response:
        """Element by element; other requests and messages get their turn in between."""
        ids = self._context.checked(body.elementIds)
        start_ns, end_ns = instant("startTime", body.startTime), instant("endTime", body.endTime)
        if start_ns > end_ns:
            raise BadRequest(f"startTime: {body.startTime[:40]} is after endTime {body.endTime[:40]}")
        start_ns, end_ns = min(max(start_ns, _FIRST_NS), _LAST_NS), max(min(end_ns, _LAST_NS), _FIRST_NS - 1)
        limits, historian, nodes = self._context.limits, self._context.historian, self._context.engine.space.nodes
        budget = Budget(limits.max_components)
        allowance = historian.allowance(limits.query_timeout, self._context.now)
        query = historian.query(start_ns, end_ns, body.maxDepth, budget, allowance, _reduction(body), caller.sight)
        items = [await self._past(ident, nodes.get(ident), query, caller.sight) for ident in ids]
        return bulk(items, _incomplete(query.cuts) or (self._too_many_components() if budget.cut else None))

    @staticmethod
    async def _past(ident: str, node: Node | None, query: HistoryAnswers, sight: Sight) -> Item:
        if node is None or not sight.sees(node):
            return missing(ident)
        try:
            return done(ident, await query.answer(node))
        except RequestError as error:
            return failed(ident, error)

    def _too_many_components(self) -> Item:
        return partial(f"more than {self._context.limits.max_components} components; ask with a smaller maxDepth")


def _packed(item: Item) -> Item:
    """A composition's result as JSON already: it is encoded within its own turn, and its size is known."""
    result = item.get("result")
    if result is not None and result["isComposition"]:
        item["result"] = msgspec.Raw(_encode(result))
    return item


def _incomplete(cuts: Sequence[Cut]) -> Item | None:
    if not cuts:
        return None
    more = f" (and {len(cuts) - _CUTS_NAMED} more elements)" if len(cuts) > _CUTS_NAMED else ""
    return partial(f"more records than one answer holds; {'; '.join(map(str, cuts[:_CUTS_NAMED]))}{more}")


def _reduction(body: HistoryQuery) -> Reduction | None:
    """What is asked for instead of all rows. Raises `BadRequest`."""
    said = [name for name in ("aggregate", "maxPoints", "onlyChanges") if getattr(body, name)]
    if len(said) > 1:
        raise BadRequest(f"{said[-1]}: not together with {said[0]}; leave one of the two out")
    if body.aggregate is not None:
        if body.interval is None:
            raise BadRequest(f"interval: is required with aggregate; {REMEDY}")
        return Aggregate(body.aggregate, body.interval)
    if body.interval is not None:
        raise BadRequest("interval: belongs to an aggregate; name one in aggregate, or leave interval out")
    if body.onlyChanges:
        return Changes()
    return Thin(body.maxPoints) if body.maxPoints is not None else None
