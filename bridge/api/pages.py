"""What lies outside `/v1`: health, metrics, diagnosis and the documentation page, which works without internet."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from bridge.api.answers import Json
from bridge.api.context import Context
from bridge.api.diagnose import Diagnose
from bridge.errors import NotFound, WrongMethod

_DOCS = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>i3x-bridge: API documentation</title>
  <link rel="icon" type="image/png" href="docs/static/favicon-32x32.png">
  <link rel="stylesheet" href="docs/static/swagger-ui.css">
</head>
<body>
  <main id="documentation"></main>
  <script src="docs/static/swagger-ui-bundle.js"></script>
  <script>
    SwaggerUIBundle({
      url: "v1/openapi.json",
      dom_id: "#documentation",
      deepLinking: true,
      displayRequestDuration: true,
      tryItOutEnabled: true
    });
  </script>
</body>
</html>
"""
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # the Prometheus text format


def handlers(context: Context) -> dict[str, Callable[[Request], Response]]:
    """Path → what a GET of it answers."""

    def readyz(_: Request) -> Response:
        found = context.readiness()
        return Json({"ready": found.ready, "reasons": found.reasons}, 200 if found.ready else 503)

    diagnose = Diagnose(context)
    return {
        "/explain": diagnose.explain,
        "/drift": diagnose.drift,
        "/livez": lambda _: PlainTextResponse("ok\n"),
        "/readyz": readyz,
        "/metrics": lambda _: Response(context.metrics(), media_type=_METRICS_TYPE),
        "/docs": lambda _: HTMLResponse(_DOCS),
        "/docs/": lambda _: RedirectResponse("../docs"),  # the page's links are relative, for proxies with a prefix
        "/": lambda _: RedirectResponse("docs"),
    }


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
STATIC = {_DOCS_STATIC: Files(_DOCS_STATIC, Path(str(files("swagger_ui"))) / "static")}
