"""Placeholder until writing is built (the lead put it here so that everybody can import the API; replace it)."""

from starlette.responses import Response

from bridge.access import Caller
from bridge.api.context import Context
from bridge.api.requests import ValueUpdates
from bridge.errors import NotBuilt


class Writes:
    def __init__(self, context: Context) -> None:
        self._context = context

    def write(self, _: Caller, __: ValueUpdates) -> Response:
        raise NotBuilt("this server does not write values; /info says update.current: false")
