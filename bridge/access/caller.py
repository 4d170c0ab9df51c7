"""Who asks: a principal, from where, and what of the address space they see."""

from msgspec import Struct

from bridge.access.principal import ANYONE, Principal
from bridge.space.sight import EVERYTHING, Sight


class Caller(Struct, frozen=True):
    """`address` is the client's, `request_id` what its answer and the log call the request."""

    principal: Principal
    sight: Sight
    address: str = ""
    request_id: str = ""

    @property
    def name(self) -> str:
        return self.principal.name

    def may_write(self, topic: str) -> bool:
        return self.principal.may_write(topic)


LOCAL = Caller(ANYONE, EVERYTHING)
