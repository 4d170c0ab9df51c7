"""Current values and history."""

from collections.abc import Sequence

from starlette.responses import Response

from bridge.api.answers import Item, bulk, done, missing, partial
from bridge.api.context import Context
from bridge.api.requests import HistoryQuery, HistoryUpdates, ValueQuery, ValueUpdates
from bridge.errors import BadRequest, NotBuilt
from bridge.history.answers import Cut
from bridge.space.browse import Budget
from bridge.uns.moments import parse_request

_FIRST_NS, _LAST_NS = 0, 2**63 - 1  # 1970 to 2262: no record lies outside, and stores count in 64 bits
_CUTS_NAMED = 20  # elements named in one 206; the others resume the same way


class Values:
    """Reads; the two writes answer 501 until writing is built."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def current(self, body: ValueQuery) -> Response:
        ids = self._context.checked(body.elementIds)
        budget = Budget(self._context.limits.max_components)
        browse, depth = self._context.engine.browse, body.maxDepth
        items: list[Item] = []
        for ident in ids:
            found = browse.value(ident, depth, budget)
            items.append(done(ident, found) if found is not None else missing(ident))
        return bulk(items, self._too_many_components() if budget.cut else None)

    async def history(self, body: HistoryQuery) -> Response:
        """Element by element; other requests and messages get their turn in between."""
        ids = self._context.checked(body.elementIds)
        start_ns, end_ns = _instant("startTime", body.startTime), _instant("endTime", body.endTime)
        if start_ns > end_ns:
            raise BadRequest(f"startTime: {body.startTime[:40]} is after endTime {body.endTime[:40]}")
        start_ns, end_ns = max(start_ns, _FIRST_NS), min(end_ns, _LAST_NS)
        limits, historian, nodes = self._context.limits, self._context.historian, self._context.engine.space.nodes
        budget = Budget(limits.max_components)
        allowance = historian.allowance(limits.query_timeout, self._context.now)
        query = historian.query(start_ns, end_ns, body.maxDepth, budget, allowance)
        items: list[Item] = []
        for ident in ids:
            node = nodes.get(ident)
            items.append(done(ident, await query.answer(node)) if node is not None else missing(ident))
        return bulk(items, _incomplete(query.cuts) or (self._too_many_components() if budget.cut else None))

    def _too_many_components(self) -> Item:
        return partial(f"more than {self._context.limits.max_components} components; ask with a smaller maxDepth")

    def write_current(self, _: ValueUpdates) -> Response:
        raise NotBuilt("this server does not write values; /info says update.current: false")

    def write_history(self, _: HistoryUpdates) -> Response:
        raise NotBuilt("this server does not write history; /info says update.history: false")


def _incomplete(cuts: Sequence[Cut]) -> Item | None:
    if not cuts:
        return None
    more = f" (and {len(cuts) - _CUTS_NAMED} more elements)" if len(cuts) > _CUTS_NAMED else ""
    return partial(f"more records than one answer holds; {'; '.join(map(str, cuts[:_CUTS_NAMED]))}{more}")


def _instant(name: str, text: str) -> int:
    """Raises `BadRequest`."""
    ns = parse_request(text)
    if ns is None:
        raise BadRequest(f"{name}: {text[:40]!r} is no RFC 3339 time with Z or an offset, such as 2026-01-15T12:00:00Z")
    return ns
