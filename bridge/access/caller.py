"""Who asks: a principal, from where, and what of the address space they see."""

from msgspec import Struct

from bridge.access.principal import ANYONE, Principal
from bridge.errors import Forbidden
from bridge.space.sight import EVERYTHING, Sight


class Caller(Struct, frozen=True):
    """`address` is the client's, `request_id` what its answer and the log call the request."""

    principal: Principal
    sight: Sight
    address: str = ""
    request_id: str = ""
    page: str = ""  # the origin of a web page that may not write, as nobody has to sign in

    @property
    def name(self) -> str:
        return self.principal.name

    @property
    def owner(self) -> str:
        """Whose subscriptions are theirs; "" where nobody has to say who they are."""
        return "" if self.principal is ANYONE else self.principal.name

    def check_page(self) -> None:
        """Raises `Forbidden` for a page that may not write."""
        if self.page:
            raise Forbidden(
                f"origin: nobody has to sign in here, so web pages may write only from origins that [api] cors_origins "
                f"names; {self.page[:80]} is none of them"
            )

    def may_write(self, topic: str) -> bool:
        return self.principal.may_write(topic)


LOCAL = Caller(ANYONE, EVERYTHING)
