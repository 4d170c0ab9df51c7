"""Who may pass: each path and method of the table says what it needs, and the gate looks at it before anything is read.

- `nothing`: open to everybody.
- `read`: whoever is known. What they see is a matter of their filters; who sees nothing gets empty answers.
- `write`: whoever may write something. What, is asked for each element.
- `whole`: whoever may read everything, because the answer speaks of everything.
- `admin`: what is told about the bridge itself.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from msgspec import Struct
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Scope

from bridge.access import ANYONE, Caller, Principal
from bridge.engine import Engine
from bridge.errors import Forbidden, Unauthorized
from bridge.space.sight import Sight

Needs = Literal["nothing", "read", "write", "whole", "admin"]
Identify: TypeAlias = Callable[[Sequence[tuple[bytes, bytes]], str], Awaitable[Principal]]  # headers, client's address

CALLER = "bridge.caller"  # in the scope of each request that the gate has let in
REQUEST_ID = "bridge.request_id"  # put there by the outermost layer
_LOOKS = 10_000  # principals whose sight is remembered; of the others subscriptions are looked through again


class Way(Struct, frozen=True):
    """Who answers, and who may ask."""

    app: ASGIApp
    needs: Needs


class Gate:
    """`identify` tells who asks, and raises `Unauthorized`; None: nobody has to say.

    `origins` are the web origins that the configuration names.
    """

    def __init__(self, engine: Engine, identify: Identify | None, origins: Sequence[str]) -> None:
        self._engine = engine
        self._identify = identify
        self._origins = frozenset(origins) - {"*"}
        self._looks: dict[str, Sight] = {}  # by owner of subscriptions

    async def admit(self, scope: Scope, needs: Needs) -> None:
        """Raises `RequestError`."""
        if needs == "nothing":
            return
        address, page = _address(scope), ""
        if self._identify is None:
            principal = ANYONE
            page = self._strange_page(Headers(scope=scope)) if needs == "write" else ""
        else:
            principal = await self._identify(scope["headers"], address)
        caller = Caller(principal, self.look(principal), address, scope.get(REQUEST_ID, ""), page)
        _check(caller, needs)
        scope[CALLER] = caller

    async def knows_admin(self, scope: Scope) -> bool:
        """Whether an open path may say more: it asks for no credentials, and counts wrong ones."""
        if self._identify is None:
            return True
        try:
            return (await self._identify(scope["headers"], _address(scope))).admin
        except Unauthorized:
            return False

    def look(self, principal: Principal) -> Sight:
        """What a principal sees now; their subscriptions see the same from now on."""
        sight = self._engine.sight(principal.read)
        if principal is not ANYONE and self._looks.get(principal.name) is not sight:
            if len(self._looks) >= _LOOKS:
                self._looks.clear()
            self._looks[principal.name] = sight
            self._engine.subscriptions.look_again(principal.name, sight)
        return sight

    def _strange_page(self, headers: Headers) -> str:
        """The origin of a page that may not write. Where nobody signs in, any web page that somebody on this machine
        has open could write, too. Browsers tell whose page it is: ours is one of an address, or of this machine, which
        no other page can pose as (a name can be made to point here).
        """
        origin = headers.get("origin")
        if origin is None or origin in self._origins:
            return ""
        parts = urlsplit(origin)
        return "" if parts.netloc == headers.get("host") and _is_address(parts.hostname or "") else origin


def _check(caller: Caller, needs: Needs) -> None:
    match needs:
        case "write" if not caller.principal.write:
            raise Forbidden(f"{caller.name} may not write")
        case "whole" if not caller.sight.everything:
            raise Forbidden(f"{caller.name} may not read everything, which this speaks of")
        case "admin" if not caller.principal.admin:
            raise Forbidden(f"{caller.name} is no admin")


def _address(scope: Scope) -> str:
    """The client's; "" where it is not known."""
    return scope["client"][0] if scope.get("client") else ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True
