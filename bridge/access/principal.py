"""Principals: people and programs by name, with what they may do."""

from msgspec import Struct

from bridge.space.sight import ALL
from bridge.uns.topics import matches


class Principal(Struct, frozen=True):
    """`read` and `write` are MQTT topic filters; `admin` may see what is told about the bridge itself.

    `expires` is when the credential ends, in seconds since 1970 UTC; `credential` names it, never the secret itself.
    """

    name: str
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    admin: bool = False
    expires: float | None = None
    credential: str = ""

    def may_write(self, topic: str) -> bool:
        return any(pattern == ALL or matches(pattern, topic) for pattern in self.write)


ANYONE = Principal("anonymous", (ALL,), (ALL,), admin=True)  # where nobody has to say who they are
