"""What the routes work with: the engine, history, limits, and what the daemon knows beyond the standard."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct

from bridge.access import Principal
from bridge.access.oidc_login import Login
from bridge.api.gate import Identify
from bridge.config import WriteSettings
from bridge.engine import Engine
from bridge.errors import TooLarge
from bridge.explain import Explainer
from bridge.history.answers import Historian
from bridge.space.sight import Sight
from bridge.writing import Audit, Writer

T = TypeVar("T")
StillGood: TypeAlias = Callable[[Principal], Principal | None]


class ApiLimits(Struct, frozen=True):
    """reliability.md, "Defaults"."""

    max_body: int = 8 * 1024 * 1024  # bytes
    max_ids: int = 100_000  # ids in one request
    max_components: int = 500_000  # components in one answer: those of a whole space at its limit
    query_timeout: float = 5.0  # seconds for one request of history or of many values
    stream_keep_alive: float = 5.0  # seconds between comments on a silent stream
    stream_send_timeout: float = 10.0  # seconds that a stream's reader may not read
    max_streams: int = 1_000


class Readiness(Struct, frozen=True):
    """Whether data flows; `reasons` are sentences for an operator, empty when ready."""

    ready: bool
    reasons: tuple[str, ...] = ()


class Context(Struct, frozen=True):
    """Handed to every route. `now` is a monotonic clock in seconds."""

    engine: Engine
    historian: Historian
    explainer: Explainer
    limits: ApiLimits
    now: Callable[[], float]
    readiness: Callable[[], Readiness]
    metrics: Callable[[], bytes]
    status: Callable[[Sight], Mapping[str, Any]]  # of the bridge, for an admin who sees so much of the space
    refresh: Callable[[], None]  # arrange what has grown before a listing shows it
    version: str
    cors_origins: Sequence[str] = ("*",)
    history_writable: bool = False  # whether clients may put records into history
    future_tolerance: float = 300.0  # seconds ahead of now that such a record may lie
    keep_age: float = 0.0  # seconds that rows are kept; 0 for ever
    identify: Identify | None = None  # tells who asks; None: nobody has to say
    still_good: StillGood | None = None  # what somebody may do now whose stream is open; gives None: nothing any more
    key_header: str = "X-API-Key"  # where API keys are looked for
    login: Login | None = None  # at the identity provider, in the page
    public: Sequence[str] = ("docs", "metrics")  # pages that are open to everybody
    writer: Writer | None = None  # None: writing is off
    writes: WriteSettings = WriteSettings()  # what may be written where it is on
    audit: Audit | None = None  # hears of each attempt to write

    def checked(self, ids: list[T], name: str = "elementIds") -> list[T]:
        """Raises `TooLarge` where a request names too many."""
        if len(ids) > self.limits.max_ids:
            raise TooLarge(f"{name}: {len(ids)} ids, at most {self.limits.max_ids} in one request; ask in several")
        return ids
