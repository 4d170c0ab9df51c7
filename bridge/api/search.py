"""Outside the standard: `GET /search?q=words&limit=100`, elements by words, the best first.

A search over a large space takes some tenths of a second. It works in turns, so that requests and messages do not wait
for it; few work at the same time, and one whose client has gone on typing ends.
"""

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from bridge.access import Caller
from bridge.api.answers import Json
from bridge.api.context import Context
from bridge.errors import BadRequest
from bridge.space import Node
from bridge.space.search import Search

AT_ONCE = 2  # searches; others wait their turn
LONGEST = 200  # characters of a query
USUAL, MOST = 100, 1_000  # results of one answer
TURN = 0.004  # seconds of work, until others get their turn
_SLICE = 64  # elements between two looks at the clock
_GONE = Response(status_code=204)  # nobody reads it


class Searches:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._room = asyncio.Semaphore(AT_ONCE)

    async def find(self, caller: Caller, request: Request) -> Response:
        query, limit = _query(request), _limit(request)
        async with self._room:
            if await request.is_disconnected():
                return _GONE
            self._context.refresh()
            engine = self._context.engine
            search = Search(engine.space, engine.browse, query, limit, caller.sight)
            return await self._answer(search, list(engine.space.nodes.values()), request)

    async def _answer(self, search: Search, nodes: Sequence[Node], request: Request) -> Response:
        now = self._context.now
        turn = now()
        for start in range(0, len(nodes), _SLICE):
            search.look(nodes[start : start + _SLICE])
            if now() - turn > TURN:
                await asyncio.sleep(0)
                if await request.is_disconnected():
                    return _GONE
                turn = now()
        found = []
        for row in search.results():
            found.append(row)
            if now() - turn > TURN:
                await asyncio.sleep(0)
                turn = now()
        return Json({"total": search.total, "results": found})


def _query(request: Request) -> str:
    """Raises `BadRequest`."""
    text = request.query_params.get("q", "").strip()
    if not text:
        raise BadRequest("q: is required, the words to look for")
    if len(text) > LONGEST:
        raise BadRequest(f"q: {len(text)} characters, at most {LONGEST}")
    return text


def _limit(request: Request) -> int:
    """Raises `BadRequest`."""
    text = request.query_params.get("limit", str(USUAL))
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MOST)) else 0
    if not 1 <= number <= MOST:
        raise BadRequest(f"limit: {text[:40]!r} is no number from 1 to {MOST}")
    return number
