"""Subscriptions: create, list, delete, register, unregister and sync. The stream has a module of its own."""

from collections.abc import Callable, Sequence

import msgspec
from starlette.responses import Response

from bridge.access import Caller
from bridge.api.answers import Item, bulk, done, failed, partial, success
from bridge.api.context import Context
from bridge.api.requests import CreateSubscription, Register, SubscriptionIds, Sync, Unregister
from bridge.errors import BadRequest, NotFound, TooMany
from bridge.subscriptions import Gap, Subscription


class Subscribe:
    """Everything but the stream. A subscription of another client does not exist for this one."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._all = context.engine.subscriptions

    def create(self, caller: Caller, body: CreateSubscription) -> Response:
        made = self._all.create(body.clientId, body.displayName, self._context.now(), caller.owner, caller.sight)
        return success({"clientId": made.client_id, "subscriptionId": made.id, "displayName": made.display_name})

    def show(self, caller: Caller, body: SubscriptionIds) -> Response:
        return bulk(self._each(caller, body, _shown))

    def delete(self, caller: Caller, body: SubscriptionIds) -> Response:
        return bulk(self._each(caller, body, self._all.delete))

    def _each(self, caller: Caller, body: SubscriptionIds, act: Callable[[Subscription], object]) -> list[Item]:
        items: list[Item] = []
        for ident in self._context.checked(body.subscriptionIds, "subscriptionIds"):
            try:
                items.append(done(ident, act(self._all.get(body.clientId, ident, caller.owner)), "subscriptionId"))
            except NotFound as error:
                items.append(failed(ident, error, "subscriptionId"))
        return items

    def register(self, caller: Caller, body: Register) -> Response:
        self._context.refresh()
        subscription = self._all.get(body.clientId, body.subscriptionId, caller.owner)
        return self._elements(body, lambda ident: self._all.register(subscription, ident, body.maxDepth))

    def unregister(self, caller: Caller, body: Unregister) -> Response:
        subscription = self._all.get(body.clientId, body.subscriptionId, caller.owner)
        return self._elements(body, lambda ident: self._all.unregister(subscription, ident))

    def _elements(self, body: Register | Unregister, act: Callable[[str], None]) -> Response:
        items: list[Item] = []
        for ident in self._context.checked(body.elementIds):
            try:
                act(ident)
                items.append(done(ident, None))
            except (NotFound, TooMany) as error:
                items.append(failed(ident, error))
        self._all.flush()
        return bulk(items)

    def sync(self, caller: Caller, body: Sync) -> Response:
        """Unacknowledged batches; 206 while gaps are not acknowledged."""
        subscription = self._all.get(body.clientId, body.subscriptionId, caller.owner)
        if subscription.stream is not None:
            raise BadRequest("subscriptionId: a stream of this subscription is open; close it before calling sync")
        batches = self._all.sync(subscription, body.lastSequenceNumber, self._context.now())
        result = [
            {"sequenceNumber": batch.number, "updates": [msgspec.Raw(update.json()) for update in batch.updates]}
            for batch in batches
        ]
        return success(result, _told(subscription.queue.gaps))


def _shown(found: Subscription) -> Item:
    monitored = [{"elementId": item.ident, "maxDepth": item.max_depth} for item in found.monitored()]
    return {"subscriptionId": found.id, "displayName": found.display_name, "monitoredObjects": monitored}


def _told(gaps: Sequence[Gap]) -> Item | None:
    if not gaps:
        return None
    numbers = ", ".join(str(gap.first) if gap.first == gap.last else f"{gap.first} to {gap.last}" for gap in gaps)
    lost = [gap.lost for gap in gaps if gap.lost is not None]
    told = [f"{sum(lost)} updates were dropped, the oldest first"] if lost else []
    if len(lost) < len(gaps):
        told.append("the server stopped without notice, and an unknown number of updates is lost")
    return partial(
        f"{'; '.join(told)}; missing sequence numbers: {numbers}; "
        f"acknowledge {gaps[-1].last} or later to go on without them"
    )
