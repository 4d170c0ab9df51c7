"""Namespaces, object types, relationship types and objects: the exploratory half of the standard."""

from starlette.requests import Request
from starlette.responses import Response

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

    def info(self, _: Request) -> Response:
        capabilities = {
            "query": {"history": True},
            "update": {"current": False, "history": self._context.history_writable},
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

    def namespaces(self, request: Request) -> Response:
        self._context.refresh()
        return self._tags.by_revision(request, lambda: success(self._browse.namespaces()))

    def object_types(self, request: Request) -> Response:
        self._context.refresh()
        namespace = request.query_params.get("namespaceUri")
        return self._tags.by_revision(request, lambda: success(self._browse.object_types(namespace)))

    def query_object_types(self, body: TypesQuery) -> Response:
        self._context.refresh()
        ids = self._context.checked(body.elementIds)
        return bulk([self._item(ident, self._browse.object_type(ident), "object type") for ident in ids])

    def relationship_types(self, request: Request) -> Response:
        namespace = request.query_params.get("namespaceUri")
        return self._tags.by_revision(request, lambda: success(self._browse.relationship_types(namespace)))

    def query_relationship_types(self, body: RelationshipTypesQuery) -> Response:
        ids = self._context.checked(body.elementIds)
        return bulk([self._item(ident, self._browse.relationship_type(ident), "relationship type") for ident in ids])

    def objects(self, request: Request) -> Response:
        self._context.refresh()
        root, metadata = flag(request, "root"), flag(request, "includeMetadata")
        kind = request.query_params.get("typeElementId")
        if metadata:  # it tells when something was received, which is no change of the model
            return self._tags.by_body(request, success(self._browse.objects(kind, root=root, metadata=True)))
        return self._tags.by_revision(request, lambda: success(self._browse.objects(kind, root=root)))

    def list_objects(self, body: ObjectsQuery) -> Response:
        self._context.refresh()
        ids = self._context.checked(body.elementIds)
        return bulk([self._item(ident, self._browse.object(ident, metadata=body.includeMetadata)) for ident in ids])

    def related(self, body: RelatedQuery) -> Response:
        self._context.refresh()
        ids = self._context.checked(body.elementIds)
        kind, metadata = body.relationshipType, body.includeMetadata
        return bulk([self._item(ident, self._browse.related(ident, kind, metadata=metadata)) for ident in ids])

    @staticmethod
    def _item(ident: str, found: object, kind: str = "element") -> Item:
        return done(ident, found) if found is not None else missing(ident, kind)
