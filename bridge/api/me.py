"""Outside the standard: `GET /me` tells who asks, and what they may do, so that a page offers nothing that is refused.

Of what the configuration lets be written only those filters are told that meet what the caller may read: any other
might name what is hidden.
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from bridge.access import ANYONE, Caller
from bridge.api.answers import Json
from bridge.api.context import Context
from bridge.uns.topics import overlap


class Me:
    def __init__(self, context: Context) -> None:
        self._is_writable = context.writer is not None
        self._writes = context.writes

    def tell(self, caller: Caller, _: Request) -> Response:
        who = caller.principal
        return Json(
            {
                "name": who.name,
                "signedIn": who is not ANYONE,
                "admin": who.admin,
                "read": who.read,
                "write": who.write,
                "readsEverything": caller.sight.everything,
                "writes": {
                    "enabled": self._is_writable,
                    "allow": self._told(self._writes.allow, caller),
                    "deny": self._told(self._writes.deny, caller),
                },
            }
        )

    def _told(self, filters: Sequence[str], caller: Caller) -> Sequence[str]:
        if not self._is_writable:
            return ()
        if caller.sight.everything:
            return filters
        return [one for one in filters if any(overlap(one, other) for other in caller.principal.read)]
