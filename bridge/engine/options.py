"""What the core needs to know of the configuration."""

from collections.abc import Sequence
from datetime import UTC, tzinfo

from msgspec import Struct

from bridge.space import Limits
from bridge.subscriptions import SubscriptionLimits
from bridge.uns.policy import Rule


class Options(Struct, frozen=True):
    """What the core needs to know of the configuration."""

    levels: Sequence[str] = ()
    namespace: str = ""
    aspects: Sequence[str] = ()
    discovery_window: float = 10.0  # seconds
    zone: tzinfo = UTC  # of times that name none
    future_tolerance: float = 300.0  # seconds
    max_payload: int = 262_144  # bytes
    stale_after: float = 0.0  # seconds of silence after which a value is doubted; 0 never
    broker_grace: float = 30.0  # seconds that a lost broker is forgiven
    on_death: str = "bad"  # quality of what a last will covers: "bad", "uncertain" or "keep"
    deletion: str = "keep"  # what an empty retained payload does to an element: "keep" or "remove"
    expire_after: float = 0.0  # seconds of silence after which an element is let go; 0 never
    guess_units: bool = False  # from names
    rules: Sequence[Rule] = ()  # what holds for the topics of some filters
    widen_after: float = 60.0  # seconds that a new attribute of a settled type is an extension first
    limits: Limits = Limits()
    subscriptions: SubscriptionLimits = SubscriptionLimits()
