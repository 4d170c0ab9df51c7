"""The shapes of answers, for the OpenAPI document only: answers themselves are built as plain dicts for speed."""

from typing import Any, Literal

from pydantic import BaseModel, Field

Quality = Literal["Good", "Uncertain", "Bad", "GoodNoData"]


class ErrorDetail(BaseModel):
    title: str
    status: int
    detail: str


class ErrorEnvelope(BaseModel):
    success: Literal[False]
    responseDetail: ErrorDetail


class QueryCapabilities(BaseModel):
    history: bool


class UpdateCapabilities(BaseModel):
    current: bool
    history: bool


class SubscribeCapabilities(BaseModel):
    stream: bool


class Capabilities(BaseModel):
    query: QueryCapabilities
    update: UpdateCapabilities
    subscribe: SubscribeCapabilities


class ServerInfo(BaseModel):
    specVersion: str
    serverVersion: str
    serverName: str
    capabilities: Capabilities


class Namespace(BaseModel):
    uri: str
    displayName: str


class ObjectType(BaseModel):
    elementId: str
    displayName: str
    namespaceUri: str
    sourceTypeId: str
    version: str | None
    schema_: dict[str, Any] = Field(alias="schema", description="JSON Schema of the values of this type.")
    related: dict[str, Any] | None


class RelationshipType(BaseModel):
    elementId: str
    displayName: str
    namespaceUri: str
    relationshipId: str
    reverseOf: str


class Metadata(BaseModel):
    description: str | None
    typeNamespaceUri: str
    sourceTypeId: str
    relationships: dict[str, list[str]]
    schemaExtensions: dict[str, Any] | None
    system: dict[str, Any]


class Object(BaseModel):
    elementId: str
    displayName: str
    typeElementId: str
    parentId: str | None
    isComposition: bool
    isExtended: bool
    metadata: Metadata | None = Field(default=None, description="Only with includeMetadata.")


class RelatedObject(BaseModel):
    sourceRelationship: str = Field(description="Element id of the relationship type, seen from the requested object.")
    object: Object


class Vqt(BaseModel):
    value: Any = Field(description="Null exactly when the quality is Bad or GoodNoData.")
    quality: Quality
    timestamp: str


class CurrentValue(Vqt):
    isComposition: bool
    components: dict[str, Vqt] | None = Field(
        default=None, description="Only of compositions, with maxDepth other than 1."
    )


class Historical(BaseModel):
    isComposition: bool
    values: list[Vqt]


class HistoricalValue(Historical):
    components: dict[str, Historical] | None = Field(
        default=None, description="Only of compositions, with maxDepth other than 1."
    )


class CreatedSubscription(BaseModel):
    clientId: str
    subscriptionId: str
    displayName: str | None


class MonitoredObject(BaseModel):
    elementId: str
    maxDepth: int


class SubscriptionDetail(BaseModel):
    subscriptionId: str
    displayName: str | None
    monitoredObjects: list[MonitoredObject]


class SyncUpdate(Vqt):
    elementId: str


class SyncBatch(BaseModel):
    sequenceNumber: int
    updates: list[SyncUpdate]


class Nothing(BaseModel):
    """The result is null."""
