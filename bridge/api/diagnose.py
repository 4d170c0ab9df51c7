"""Outside the standard: how a topic became an element, what a payload would become, and what types were not made for.

`GET /explain?topic=…` takes a topic or an element id; `POST /explain` takes a payload and stores nothing; `GET /drift`
tells what happened to settled types. Answers are plain JSON, errors come in the standard's envelope.
"""

import time
from typing import Annotated

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from bridge.access import Caller
from bridge.api.answers import Json
from bridge.api.context import Context
from bridge.api.requests import Body
from bridge.errors import BadRequest, NotFound

_LONGEST_TOPIC = 65_535  # bytes in MQTT, hence never more characters
_Topic = Annotated[str, StringConstraints(min_length=1, max_length=_LONGEST_TOPIC)]


class Trial(Body):
    """A message that somebody might publish; `properties` are MQTT 5 user properties."""

    topic: _Topic
    payload: str
    properties: dict[str, str] = Field(default_factory=dict)


class Diagnose:
    def __init__(self, context: Context) -> None:
        self._context = context

    def explain(self, _: Caller, request: Request) -> Response:
        topic = request.query_params.get("topic")
        if not topic:
            raise BadRequest("topic: is required, a topic or an element id")
        self._context.refresh()
        found = self._context.explainer.explain(topic)
        if found is None:
            raise NotFound("nobody has published on this topic, or below it")
        return Json(found)

    def attempt(self, _: Caller, body: Trial) -> Response:
        payload = body.payload.encode("utf-8", "surrogatepass")
        return Json(self._context.explainer.trial(body.topic, payload, body.properties or None, time.time_ns()))

    def drift(self, _: Caller, __: Request) -> Response:
        return Json(self._context.explainer.drift())
