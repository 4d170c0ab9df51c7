"""Records that clients put into history (i3x-1.0.md sections 4 and 10)."""

import asyncio
import time
from collections.abc import Sequence
from typing import TypeAlias

from starlette.responses import Response

from bridge.access import Caller
from bridge.api.answers import Item, bulk, done, failed, missing
from bridge.api.context import Context
from bridge.api.requests import HistoryUpdate, HistoryUpdates, instant
from bridge.errors import Forbidden, NotBuilt, RequestError, Unavailable
from bridge.history.corrections import corrections, span
from bridge.space import Change
from bridge.writing import Attempt

_Made: TypeAlias = list[Change] | RequestError | None  # changes, or why not; None: no such element

_LATE = Unavailable("taken, but not yet on the disk; it may still be kept, and may be written again")


class Corrections:
    """The answer waits until the store has what was written safe."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def write(self, caller: Caller, body: HistoryUpdates) -> Response:
        if not self._context.history_writable:
            raise NotBuilt("this server does not write history; /info says update.history: false")
        caller.check_page()
        updates = self._context.checked(body.updates, "updates")
        times = [instant(f"updates[{at}].value.timestamp", one.value.timestamp) for at, one in enumerate(updates)]
        made = await self._made(caller, updates, times)
        safe = await self._kept([change for one in made if isinstance(one, list) for change in one])
        items = [_item(update.elementId, one, safe=safe) for update, one in zip(updates, made, strict=True)]
        self._note(caller, items, updates)
        return bulk(items)

    def _note(self, caller: Caller, items: Sequence[Item], updates: Sequence[HistoryUpdate]) -> None:
        audit, now_ns = self._context.audit, time.time_ns()
        if audit is None:
            return
        who = (caller.name, caller.address, caller.request_id)
        for item, update in zip(items, updates, strict=True):
            outcome = "ok" if item["success"] else item["responseDetail"]["detail"]
            record = update.value.model_dump()
            audit.note(Attempt(now_ns, *who, update.elementId, "", None, record, outcome, "history"))

    async def _made(self, caller: Caller, updates: Sequence[HistoryUpdate], times: Sequence[int]) -> list[_Made]:
        """What becomes of each update. Others get their turn in between."""
        context, nodes = self._context, self._context.engine.space.nodes
        allowance = context.historian.allowance(context.limits.query_timeout, context.now)
        taken = span(time.time_ns(), context.future_tolerance, context.keep_age)
        made: list[_Made] = []
        for update, time_ns in zip(updates, times, strict=True):
            node, record = nodes.get(update.elementId), update.value
            if node is None or not caller.sight.reads(node):
                made.append(None)
                continue
            try:
                changes = corrections(node, record.value, record.quality, time_ns, taken, caller.sight)
                made.append(_permitted(caller, changes))
            except RequestError as error:
                made.append(error)
            await allowance.others()
        return made

    async def _kept(self, changes: Sequence[Change]) -> bool:
        """Whether the store has them safe in time."""
        if not changes:
            return True
        kept = asyncio.get_running_loop().create_future()

        def settled() -> None:
            if not kept.done():
                kept.set_result(None)

        self._context.historian.history.append(changes, settled)
        try:
            await asyncio.wait_for(kept, self._context.limits.query_timeout)
        except TimeoutError:
            return False
        return True


def _permitted(caller: Caller, changes: list[Change]) -> list[Change]:
    """Raises `Forbidden` where any of it is not theirs to write."""
    for change in changes:
        if not caller.may_write(change.node.topic):
            raise Forbidden(f"{caller.name} may not write {change.node.id}")
    return changes


def _item(ident: str, made: _Made, *, safe: bool) -> Item:
    match made:
        case None:
            return missing(ident)
        case RequestError():
            return failed(ident, made)
        case _:
            return done(ident, None) if safe else failed(ident, _LATE)
