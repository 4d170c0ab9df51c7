"""The routing table: every operation of the standard, with what it takes, what it gives and who answers."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct
from pydantic import BaseModel
from starlette.responses import Response

from bridge.access import Caller
from bridge.api import requests as bodies
from bridge.api import shapes
from bridge.api.context import Context
from bridge.api.corrections import Corrections
from bridge.api.explore import Explore
from bridge.api.gate import Needs
from bridge.api.subscribe import Subscribe
from bridge.api.values import Values
from bridge.api.writes import Writes

# Of who asks, and the body, or the request where there is none.
Handler: TypeAlias = Callable[[Caller, Any], Response | Awaitable[Response]]
Kind = Literal["single", "list", "bulk", "bulk-list", "stream"]


class Parameter(Struct, frozen=True):
    """A query parameter."""

    name: str
    kind: Literal["string", "boolean"]
    about: str


class Operation(Struct, frozen=True):
    """One row of the table. `body` None: a GET, whose handler takes the request itself."""

    method: Literal["GET", "POST", "PUT"]
    path: str
    name: str
    about: str
    group: str
    kind: Kind
    result: type[BaseModel]
    body: type[bodies.Body] | None = None
    handler: Handler | None = None  # None: the stream, an ASGI endpoint of its own
    parameters: Sequence[Parameter] = ()
    key: str = "elementId"
    partial: bool = False  # may answer 206
    needs: Needs = "read"
    tagged: bool = False  # has an entity tag, and may answer 304


_NAMESPACE = Parameter("namespaceUri", "string", "Only those of this namespace.")
_OBJECT_FILTERS = (
    Parameter("typeElementId", "string", "Only objects of this type."),
    Parameter("includeMetadata", "boolean", "With metadata: description, relationships, unit, topic."),
    Parameter("root", "boolean", "Only objects without a parent."),
)


def operations(context: Context) -> list[Operation]:
    """In the order of the documentation page."""
    explore, values, subscribe = Explore(context), Values(context), Subscribe(context)
    corrections, writes = Corrections(context), Writes(context)
    return [
        Operation("GET", "/info", "getInfo", "What this server is and can do", "Info", "single", shapes.ServerInfo,
                  handler=explore.info, needs="nothing"),
        Operation("GET", "/namespaces", "getNamespaces", "Namespaces of types and relationship types", "Explore",
                  "list", shapes.Namespace, handler=explore.namespaces, tagged=True),
        Operation("GET", "/objecttypes", "getObjectTypes", "Object types", "Explore", "list", shapes.ObjectType,
                  handler=explore.object_types, parameters=(_NAMESPACE,), tagged=True),
        Operation("POST", "/objecttypes/query", "queryObjectTypesById", "Object types by id", "Explore", "bulk",
                  shapes.ObjectType, bodies.TypesQuery, explore.query_object_types),
        Operation("GET", "/relationshiptypes", "getRelationshipTypes", "Relationship types", "Explore", "list",
                  shapes.RelationshipType, handler=explore.relationship_types, parameters=(_NAMESPACE,), tagged=True),
        Operation("POST", "/relationshiptypes/query", "queryRelationshipTypesById", "Relationship types by id",
                  "Explore", "bulk", shapes.RelationshipType, bodies.RelationshipTypesQuery,
                  explore.query_relationship_types),
        Operation("GET", "/objects", "getObjects", "Objects, parents before children", "Explore", "list", shapes.Object,
                  handler=explore.objects, parameters=_OBJECT_FILTERS, tagged=True),
        Operation("POST", "/objects/list", "listObjectsById", "Objects by id", "Explore", "bulk", shapes.Object,
                  bodies.ObjectsQuery, explore.list_objects),
        Operation("POST", "/objects/related", "queryRelatedObjects", "Edges of objects, hierarchy included", "Explore",
                  "bulk-list", shapes.RelatedObject, bodies.RelatedQuery, explore.related),
        Operation("POST", "/objects/value", "queryLastKnownValues", "Current values", "Values", "bulk",
                  shapes.CurrentValue, bodies.ValueQuery, values.current, partial=True),
        Operation("PUT", "/objects/value", "updateObjectValues", "Write current values: published, and confirmed "
                  "by the value that comes back (501: writing is off)", "Values", "bulk", shapes.Nothing,
                  bodies.ValueUpdates, writes.write, needs="write"),
        Operation("POST", "/objects/history", "queryHistoricalValues", "Values within a time range; also aggregates "
                  "of intervals, or thinned for a chart", "Values", "bulk", shapes.HistoricalValue, bodies.HistoryQuery,
                  values.history, partial=True),
        Operation("PUT", "/objects/history", "updateObjectHistory", "Create or replace records (501: history "
                  "is not writable)", "Values", "bulk", shapes.Nothing, bodies.HistoryUpdates, corrections.write,
                  needs="write"),
        Operation("POST", "/subscriptions", "createSubscription", "Create a subscription", "Subscriptions", "single",
                  shapes.CreatedSubscription, bodies.CreateSubscription, subscribe.create),
        Operation("POST", "/subscriptions/list", "listSubscriptions", "Subscriptions by id", "Subscriptions", "bulk",
                  shapes.SubscriptionDetail, bodies.SubscriptionIds, subscribe.show, key="subscriptionId"),
        Operation("POST", "/subscriptions/delete", "deleteSubscriptions", "Delete subscriptions", "Subscriptions",
                  "bulk", shapes.Nothing, bodies.SubscriptionIds, subscribe.delete, key="subscriptionId"),
        Operation("POST", "/subscriptions/register", "registerMonitoredItems", "Monitor elements", "Subscriptions",
                  "bulk", shapes.Nothing, bodies.Register, subscribe.register),
        Operation("POST", "/subscriptions/unregister", "removeMonitoredItems", "Stop monitoring elements",
                  "Subscriptions", "bulk", shapes.Nothing, bodies.Unregister, subscribe.unregister),
        Operation("POST", "/subscriptions/sync", "syncSubscription", "Acknowledge, and take what is pending",
                  "Subscriptions", "list", shapes.SyncBatch, bodies.Sync, subscribe.sync, partial=True),
        Operation("POST", "/subscriptions/stream", "streamSubscription", "Server-sent events: arrays of updates",
                  "Subscriptions", "stream", shapes.SyncUpdate, bodies.OpenStream),
    ]  # fmt: skip
