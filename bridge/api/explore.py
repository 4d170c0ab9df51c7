"""Namespaces, object types, relationship types and objects: the exploratory half of the standard."""

from starlette.requests import Request
from starlette.responses import Response

from bridge.access import Caller
from bridge.api.answers import Item, bulk, done, missing, success
from bridge.api.context import Context
from bridge.api.etags import Tagger
from bridge.api.requests import ObjectsQuery, RelatedQuery, RelationshipTypesQuery, TypesQuery
from bridge.errors import BadRequest

_BOOLEANS = {"true": True, "false": False}


def flag(request: Request, name: str) -> bool:
    """A boolean query parameter. Raises `BadRequest` for anything but true and false."""
    text = request.query_params.get(name, "false")
    if text not in _BOOLEANS:
        raise BadRequest(f"{name}: {text[:40]!r} is neither true nor false")
    return _BOOLEANS[text]


class Explore:
    """One synchronous question to the engine each."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._browse = context.engine.browse
        self._tags = Tagger(lambda: context.engine.space.revision)

    def info(self, _: Caller, __: Request) -> Response:
        capabilities = {
            "query": {"history": True},
            "update": {"current": self._context.writer is not None, "history": self._context.history_writable},
            "subscribe": {"stream": True},
        }
        return success(
            {
                "specVersion": "1.0",
                "serverVersion": self._context.version,
                "serverName": "i3x-bridge",
                "capabilities": capabilities,
            }
        )

    def namespaces(self, caller: Caller, request: Request) -> Response:
        self._context.refresh()
        return self._tags.by_revision(caller, request, lambda: success(self._browse.namespaces(sight=caller.sight)))

    def object_types(self, caller: Caller, request: Request) -> Response:
        self._context.refresh()
        namespace = request.query_params.get("namespaceUri")
        return self._tags.by_revision(
            caller, request, lambda: success(self._browse.object_types(namespace, sight=caller.sight))
        )

    def query_object_types(self, caller: Caller, body: TypesQuery) -> Response:
        self._context.refresh()
        ids = self._context.checked(body.elementIds)
        return bulk(
            [self._item(ident, self._browse.object_type(ident, sight=caller.sight), "object type") for ident in ids]
        )

    def relationship_types(self, caller: Caller, request: Request) -> Response:
        namespace = request.query_params.get("namespaceUri")
        return self._tags.by_revision(
            caller, request, lambda: success(self._browse.relationship_types(namespace, sight=caller.sight))
        )

    def query_relationship_types(self, caller: Caller, body: RelationshipTypesQuery) -> Response:
        ids = self._context.checked(body.elementIds)
        return bulk(
            [
                self._item(ident, self._browse.relationship_type(ident, sight=caller.sight), "relationship type")
                for ident in ids
            ]
        )

    def objects(self, caller: Caller, request: Request) -> Response:
        self._context.refresh()
        root, metadata = flag(request, "root"), flag(request, "includeMetadata")
        kind, sight = request.query_params.get("typeElementId"), caller.sight
        if metadata:  # it tells when something was received, which is no change of the model
            return self._tags.by_body(
                caller, request, success(self._browse.objects(kind, root=root, metadata=True, sight=sight))
            )
        return self._tags.by_revision(
            caller, request, lambda: success(self._browse.objects(kind, root=root, sight=sight))
        )

    def list_objects(self, caller: Caller, body: ObjectsQuery) -> Response:
        self._context.refresh()
        ids = self._context.checked(body.elementIds)
        return bulk(
            [
                self._item(ident, self._browse.object(ident, metadata=body.includeMetadata, sight=caller.sight))
                for ident in ids
            ]
        )

    def related(self, caller: Caller, body: RelatedQuery) -> Response:
        self._context.refresh()
        ids = self._context.checked(body.elementIds)
        kind, metadata = body.relationshipType, body.includeMetadata
        return bulk(
            [
                self._item(ident, self._browse.related(ident, kind, metadata=metadata, sight=caller.sight))
                for ident in ids
            ]
        )

    @staticmethod
    def _item(ident: str, found: object, kind: str = "element") -> Item:
        return done(ident, found) if found is not None else missing(ident, kind)
