"""What lies outside `/v1`: the explorer page, health, metrics, diagnosis and the documentation page. All of it works
without internet.
"""

from importlib.resources import files
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from bridge.access import Caller
from bridge.api import explorer
from bridge.api.answers import Json
from bridge.api.context import Context
from bridge.api.diagnose import Diagnose
from bridge.api.gate import Gate, Needs, Way
from bridge.api.me import Me
from bridge.api.operations import Handler
from bridge.api.search import Searches
from bridge.errors import NotFound, WrongMethod

_DOCS = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>i3x-bridge: API documentation</title>
  <link rel="icon" type="image/svg+xml" href="web/icon.svg">
  <link rel="stylesheet" href="docs/static/swagger-ui.css">
  <link rel="stylesheet" href="web/style.css">
  <link rel="stylesheet" href="web/docs.css">
</head>
<body>
  <header class="top">
    <a class="brand" href="./"><img src="web/icon.svg" alt="">bridge</a>
    <nav class="tabs" aria-label="Views">
      <a href="./#/plant">Plant</a><a href="./#/types">Types</a><a href="./#/trend">Trend</a>
      <a href="./#/health">Health</a><a href="./#/explain">Explain</a><a href="docs" aria-current="page">API</a>
    </nav>
  </header>
  <main id="documentation"></main>
  <script src="docs/static/swagger-ui-bundle.js"></script>
  <script src="docs/start.js"></script>
</body>
</html>
"""
_START = """document.documentElement.dataset.scheme = localStorage.getItem("bridge.scheme") ?? "";
SwaggerUIBundle({
  url: "v1/openapi.json",
  dom_id: "#documentation",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: true,
  tryItOutEnabled: true
});
"""  # a file of its own: the page's policy lets no script in a page run
_ASK = "sign in as an admin to see why"
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # the Prometheus text format


def handlers(context: Context, gate: Gate) -> dict[str, tuple[Handler, Needs]]:
    """Path → what a GET of it answers, and what that needs."""

    async def readyz(_: Caller, request: Request) -> Response:
        """Reasons name the broker and topics: they are for whoever runs the bridge."""
        found = context.readiness()
        reasons = found.reasons
        if reasons and not await gate.knows_admin(request.scope):
            reasons = (_ASK,)
        return Json({"ready": found.ready, "reasons": reasons}, 200 if found.ready else 503)

    async def login(*_: object) -> Response:
        """How the page sends people to the identity provider; it asks before anybody has signed in."""
        return Json({"provider": await provider.told() if provider is not None else None})

    async def page(_: Caller, request: Request) -> Response:
        return explorer.page(request, await provider.token_origin() if provider is not None else "")

    provider = context.login
    diagnose, docs = Diagnose(context), of_docs(context)
    metrics: Needs = "nothing" if "metrics" in context.public else "admin"
    return {
        "/explain": (diagnose.explain, "whole"),
        "/drift": (diagnose.drift, "whole"),
        "/me": (Me(context).tell, "read"),
        "/search": (Searches(context).find, "read"),
        "/status": (lambda caller, _: Json(context.status(caller.sight)), "admin"),
        "/livez": (lambda *_: PlainTextResponse("ok\n"), "nothing"),
        "/readyz": (readyz, "nothing"),
        "/metrics": (lambda *_: Response(context.metrics(), media_type=_METRICS_TYPE), metrics),
        "/docs": (lambda *_: HTMLResponse(_DOCS), docs),
        "/docs/start.js": (lambda *_: Response(_START, media_type="text/javascript"), docs),
        "/docs/": (lambda *_: RedirectResponse("../docs"), docs),  # the links are relative, for proxies with a prefix
        "/login": (login, "nothing"),
        "/": (page, "nothing"),
    }


def of_docs(context: Context) -> Needs:
    """What the documentation needs; it tells nothing of the plant."""
    return "nothing" if "docs" in context.public else "read"


def mounts(context: Context) -> dict[str, Way]:
    """Who answers below a path."""
    return {_DOCS_STATIC: Way(_STATIC, of_docs(context)), explorer.PREFIX: Way(explorer.serve, "nothing")}


class Files:
    """The files of a folder below a path; what is not there is refused with the standard's envelope."""

    def __init__(self, path: str, folder: Path) -> None:
        self._path = path.rstrip("/")
        self._files = StaticFiles(directory=folder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._files({**scope, "root_path": self._path}, receive, send)
        except HTTPException as error:
            if error.status_code == 405:
                raise WrongMethod(f"{scope['method']} is not allowed here; allowed are GET, HEAD") from None
            raise NotFound("no such file") from None


_DOCS_STATIC = "/docs/static/"
_STATIC = Files(_DOCS_STATIC, Path(str(files("swagger_ui"))) / "static")
