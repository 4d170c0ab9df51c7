"""The ASGI application: the table of paths, middleware, and the one place where errors become envelopes.

No path of the standard has parameters, so that one look-up in a dictionary finds who answers.
"""

import logging
from collections.abc import Mapping
from typing import TypeAlias

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.access import LOCAL
from bridge.api import pages
from bridge.api.answers import Json, error_body, refusal
from bridge.api.compression import GzipMiddleware
from bridge.api.context import Context
from bridge.api.diagnose import Diagnose, Trial
from bridge.api.gate import CALLER, Gate, Way
from bridge.api.openapi import document
from bridge.api.operations import Handler, Operation, operations
from bridge.api.requests import Body, read
from bridge.api.stream import Streams
from bridge.errors import NotFound, RequestError, WrongMethod

_PREFIX = "/v1"

Table: TypeAlias = dict[str, dict[str, Way]]  # path → method → who answers, and who may ask

_log = logging.getLogger("bridge.api")


def build(context: Context) -> tuple[ASGIApp, Streams]:
    """The application, and its streams, which whoever stops the server has to close."""
    gate = Gate(context.engine, context.identify, context.cors_origins)
    streams = Streams(context, gate)
    api = Api(table(context, gate, streams), pages.mounts(context), gate)
    return _for_browsers(GzipMiddleware(api), context), streams


def table(context: Context, gate: Gate, streams: Streams) -> Table:
    """All paths and methods; what lies below the mounts is beside it."""
    found: Table = {}
    rows = operations(context)
    for row in rows:
        app = _endpoint(row, context.limits.max_body) or streams
        found.setdefault(_PREFIX + row.path, {})[row.method] = Way(app, row.needs)
    openapi = document(rows, context.version, guarded=context.identify is not None, key_header=context.key_header)
    for path, (handler, needs) in pages.handlers(context, gate).items():
        found[path] = {"GET": Way(Page(handler), needs)}
    found[f"{_PREFIX}/openapi.json"] = {"GET": Way(Page(lambda *_: Json(openapi)), pages.of_docs(context))}
    found["/explain"]["POST"] = Way(Endpoint(Diagnose(context).attempt, Trial, context.limits.max_body), "whole")
    for methods in found.values():
        if "GET" in methods:
            methods["HEAD"] = methods["GET"]  # the server leaves the body out
    return found


def _endpoint(row: Operation, max_body: int) -> ASGIApp | None:
    """None is the stream, which is an endpoint of its own."""
    if row.handler is None:
        return None
    return Page(row.handler) if row.body is None else Endpoint(row.handler, row.body, max_body)


def _for_browsers(app: ASGIApp, context: Context) -> ASGIApp:
    """CORS for requests that tell an origin; what all the others would pay for it is saved."""
    cors = CORSMiddleware(
        app,
        allow_origins=list(context.cors_origins),
        allow_methods=["GET", "POST", "PUT"],
        allow_headers=["*"],
        expose_headers=["ETag", "Retry-After", "X-Request-ID"],
        allow_private_network=True,  # a bridge is on a private network; who may ask is said by the origins
        max_age=600,
    )

    async def choose(scope: Scope, receive: Receive, send: Send) -> None:
        tells_origin = any(name == b"origin" for name, _ in scope.get("headers", ()))
        await (cors if tells_origin else app)(scope, receive, send)

    return choose


class Endpoint:
    """The body as a model, one question, the answer. A handler that may take long is a coroutine, and gives others
    their turn; all others answer at once.
    """

    def __init__(self, handler: Handler, model: type[Body], max_body: int) -> None:
        self._handler = handler
        self._model = model
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._handler(scope[CALLER], await read(scope, receive, self._model, self._max_body))
        if not isinstance(answer, Response):
            answer = await answer
        await answer(scope, receive, send)


class Page:
    """What a GET answers."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._handler(scope.get(CALLER, LOCAL), Request(scope, receive))
        if not isinstance(answer, Response):
            answer = await answer
        await answer(scope, receive, send)


class Api:
    """Finds who answers, asks the gate, and turns what is raised into envelopes. `mounts`: who answers below a path."""

    def __init__(self, table: Table, mounts: Mapping[str, Way], gate: Gate) -> None:
        self._table = table
        self._mounts = mounts
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            way = self._find(scope["path"], scope["method"])
            await self._gate.admit(scope, way.needs)
            await way.app(scope, receive, send)
        except RequestError as error:
            await refusal(error)(scope, receive, send)
        except Exception:  # noqa: BLE001 - the last resort: whatever it is, the client gets an envelope
            _log.exception("%s %s failed", scope["method"], scope["path"])
            text = "the server made a mistake; its log says more"
            await error_body(500, "Internal Server Error", text)(scope, receive, send)

    def _find(self, path: str, method: str) -> Way:
        methods = self._table.get(path)
        if methods is not None:
            return methods.get(method) or Way(_another_method(method, ", ".join(methods)), "nothing")
        for prefix, way in self._mounts.items():
            if path.startswith(prefix):
                return way
        return Way(refusal(NotFound("no such path; the API lies under /v1, its documentation at /docs")), "nothing")


def _another_method(method: str, allowed: str) -> Response:
    if method == "OPTIONS":
        return Response(status_code=204, headers={"allow": allowed})
    answer = refusal(WrongMethod(f"{method} is not allowed here; allowed are {allowed}"))
    answer.headers["allow"] = allowed
    return answer
