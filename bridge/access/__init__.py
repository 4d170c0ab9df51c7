"""Who asks, and what they may do. `principal` and `caller` are what everybody else knows of it."""

from bridge.access.caller import LOCAL, Caller
from bridge.access.principal import ANYONE, Principal

__all__ = ["ANYONE", "LOCAL", "Caller", "Principal"]
