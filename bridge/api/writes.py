"""Current values that clients write (i3x-1.0.md sections 4, 8 and 10)."""

from starlette.responses import Response

from bridge.access import Caller
from bridge.api.answers import bulk, done, failed
from bridge.api.context import Context
from bridge.api.requests import ValueUpdate, ValueUpdates, instant
from bridge.errors import NotBuilt
from bridge.writing import Asked


class Writes:
    """The answer waits until each value has come back, or could not."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def write(self, caller: Caller, body: ValueUpdates) -> Response:
        writer = self._context.writer
        if writer is None:
            raise NotBuilt("this server does not write values; /info says update.current: false")
        caller.check_page()
        updates = self._context.checked(body.updates, "updates")
        self._context.refresh()
        outcomes = await writer.write(caller, [_asked(at, update) for at, update in enumerate(updates)])
        return bulk(
            [
                done(update.elementId, None) if error is None else failed(update.elementId, error)
                for update, error in zip(updates, outcomes, strict=True)
            ]
        )


def _asked(at: int, update: ValueUpdate) -> Asked:
    """Raises `BadRequest`."""
    record = update.value
    time_ns = instant(f"updates[{at}].value.timestamp", record.timestamp) if record.timestamp is not None else None
    return Asked(update.elementId, record.value, record.quality, time_ns)
