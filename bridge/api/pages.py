"""What lies outside `/v1`: health, metrics and the documentation page, which works without internet."""

from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bridge.api.answers import Json
from bridge.api.context import Context

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
      url: "v1/openapi.json", dom_id: "#documentation", deepLinking: true, displayRequestDuration: true, tryItOutEnabled: true
    });
  </script>
</body>
</html>
"""
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # the Prometheus text format


def routes(context: Context) -> list[BaseRoute]:
    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        found = context.readiness()
        return Json({"ready": found.ready, "reasons": found.reasons}, 200 if found.ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(context.metrics(), media_type=_METRICS_TYPE)

    async def docs(_: Request) -> Response:
        return HTMLResponse(_DOCS)

    async def index(_: Request) -> Response:
        return RedirectResponse("docs")

    static = Path(str(files("swagger_ui"))) / "static"
    return [
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/docs", docs),
        Mount("/docs/static", StaticFiles(directory=static)),
        Route("/", index),
    ]
