"""The ASGI application: routes, middleware, and the one place where errors become envelopes."""

import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from bridge.api import pages
from bridge.api.answers import Json, error_body, refusal
from bridge.api.context import Context
from bridge.api.openapi import document
from bridge.api.operations import Operation, operations
from bridge.api.requests import read
from bridge.api.stream import Streams
from bridge.errors import RequestError

_PREFIX = "/v1"
_GZIP_LEVEL = 5  # a third of the time of level 9 for 1 % more bytes
_TITLES = {404: "Not Found", 405: "Method Not Allowed"}

_log = logging.getLogger("bridge.api")


class Endpoint:
    """An ASGI endpoint: the body as a model (or the request itself), one question (a long one gives others their turn), the answer."""

    def __init__(self, operation: Operation, max_body: int) -> None:
        assert operation.handler is not None  # noqa: S101 - the stream has an endpoint of its own
        self._handler = operation.handler
        self._model = operation.body
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        asked = request if self._model is None else await read(request, self._model, self._max_body)
        answer = self._handler(asked)
        if not isinstance(answer, Response):
            answer = await answer
        await answer(scope, receive, send)


def build(context: Context) -> tuple[Starlette, Streams]:
    """The application, and its streams, which whoever stops the server has to close."""
    table = operations(context)
    streams = Streams(context)
    routes: list[BaseRoute] = []
    for row in table:
        endpoint = streams if row.handler is None else Endpoint(row, context.limits.max_body)
        routes.append(Route(_PREFIX + row.path, endpoint, methods=[row.method]))
    openapi = document(table, context.version)

    async def openapi_json(_: Request) -> Response:
        return Json(openapi)

    routes.append(Route(f"{_PREFIX}/openapi.json", openapi_json))
    app = Starlette(
        routes=[*routes, *pages.routes(context)],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=list(context.cors_origins),
                allow_methods=["GET", "POST", "PUT"],
                allow_headers=["*"],
                max_age=600,
            ),
            Middleware(GZipMiddleware, minimum_size=0, compresslevel=_GZIP_LEVEL),
        ],
        exception_handlers={RequestError: _refused, HTTPException: _lost, Exception: _failed},
    )
    app.router.redirect_slashes = False
    return app, streams


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)  # noqa: S101 - registered for nothing else
    return refusal(error)


async def _lost(request: Request, error: Exception) -> Response:
    """Starlette's own refusals: unknown paths and wrong methods."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        text = f"{request.method} is not allowed here"
    elif status == 404:
        text = "no such path; the API lies under /v1, its documentation at /docs"
    else:
        text = str(getattr(error, "detail", ""))
    answer = error_body(status, _TITLES.get(status, "Error"), text)
    if isinstance(error, HTTPException) and error.headers:
        answer.headers.update(error.headers)
    return answer


async def _failed(request: Request, error: Exception) -> Response:
    """A mistake of ours: logged whole, told to nobody."""
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_body(500, "Internal Server Error", "the server made a mistake; its log says more")
