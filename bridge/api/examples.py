"""For the OpenAPI document: a body for each operation that works on every bridge, and which answer leads to which
request (links, OpenAPI 3.1 section 4.8.20).
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

_ELEMENT = "$bridge/model/elements"  # what every bridge tells about itself
_SPAN = {"startTime": "2026-01-15T12:00:00Z", "endTime": "2026-01-16T12:00:00Z"}
_MINE = {"clientId": "dashboard-7", "subscriptionId": "as createSubscription answered"}
_RECORD = {"value": 23.5, "quality": "Good", "timestamp": "2026-01-15T12:00:00Z"}

# By operation.
BODIES: Mapping[str, Mapping[str, Any]] = {
    "queryObjectTypesById": {"elementIds": ["urn:i3x-bridge#Count"]},
    "queryRelationshipTypesById": {"elementIds": ["HasComponent"]},
    "listObjectsById": {"elementIds": [_ELEMENT], "includeMetadata": True},
    "queryRelatedObjects": {"elementIds": [_ELEMENT], "relationshipType": "HasParent"},
    "queryLastKnownValues": {"elementIds": [_ELEMENT], "maxDepth": 1},
    "updateObjectValues": {"updates": [{"elementId": "plant/line1/setpoint", "value": {"value": 23.5}}]},
    "queryHistoricalValues": {"elementIds": [_ELEMENT], **_SPAN, "aggregate": "avg", "interval": "5m"},
    "updateObjectHistory": {"updates": [{"elementId": "plant/line1/setpoint", "value": _RECORD}]},
    "createSubscription": {"clientId": "dashboard-7", "displayName": "Line 1"},
    "listSubscriptions": {"clientId": "dashboard-7", "subscriptionIds": ["as createSubscription answered"]},
    "deleteSubscriptions": {"clientId": "dashboard-7", "subscriptionIds": ["as createSubscription answered"]},
    "registerMonitoredItems": {**_MINE, "elementIds": [_ELEMENT], "maxDepth": 1},
    "removeMonitoredItems": {**_MINE, "elementIds": [_ELEMENT]},
    "syncSubscription": {**_MINE, "lastSequenceNumber": 1},
    "streamSubscription": _MINE,
}


class Link(Struct, frozen=True):
    """What an answer says that another operation's body or parameter wants; the rest is the client's to say."""

    operation: str
    about: str
    body: Mapping[str, Any] | None = None
    parameters: Mapping[str, str] | None = None

    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = {"operationId": self.operation, "description": self.about}
        if self.body is not None:
            found["requestBody"] = self.body
        if self.parameters is not None:
            found["parameters"] = self.parameters
        return found


_LISTED = {"elementIds": ["$response.body#/result/0/elementId"]}
_CREATED = {"clientId": "$response.body#/result/clientId", "subscriptionId": "$response.body#/result/subscriptionId"}
_CREATED_IDS = {"clientId": _CREATED["clientId"], "subscriptionIds": [_CREATED["subscriptionId"]]}
_SAME = {"clientId": "$request.body#/clientId", "subscriptionId": "$request.body#/subscriptionId"}

# By operation, of its answer with status 200.
LINKS: Mapping[str, Mapping[str, Link]] = {
    "getNamespaces": {
        "types": Link("getObjectTypes", "Types of a namespace.", None,
                      {"namespaceUri": "$response.body#/result/0/uri"}),
    },
    "getObjectTypes": {
        "type": Link("queryObjectTypesById", "A type that was listed.", _LISTED),
        "objects": Link("getObjects", "Objects of a type.", None,
                        {"typeElementId": "$response.body#/result/0/elementId"}),
    },
    "getRelationshipTypes": {"type": Link("queryRelationshipTypesById", "A type that was listed.", _LISTED)},
    "getObjects": {
        "object": Link("listObjectsById", "An object that was listed.", _LISTED),
        "related": Link("queryRelatedObjects", "What it is related to.", _LISTED),
        "value": Link("queryLastKnownValues", "Its value.", _LISTED),
        "history": Link("queryHistoricalValues", "Its past values; say from when to when.", _LISTED),
    },
    "createSubscription": {
        "register": Link("registerMonitoredItems", "Monitor elements; say which.", _CREATED),
        "sync": Link("syncSubscription", "What is pending.", _CREATED),
        "stream": Link("streamSubscription", "What is pending, and what comes.", _CREATED),
        "show": Link("listSubscriptions", "What it monitors.", _CREATED_IDS),
        "delete": Link("deleteSubscriptions", "Delete it.", _CREATED_IDS),
    },
    "registerMonitoredItems": {
        "sync": Link("syncSubscription", "Their values.", _SAME),
        "stream": Link("streamSubscription", "Their values as they come.", _SAME),
        "unregister": Link("removeMonitoredItems", "Monitor them no more.",
                           {**_SAME, "elementIds": "$request.body#/elementIds"}),
    },
    "syncSubscription": {
        "acknowledge": Link("syncSubscription", "Acknowledge a batch, and take what came since.",
                            {**_SAME, "lastSequenceNumber": "$response.body#/result/0/sequenceNumber"}),
    },
}  # fmt: skip
