"""The facade of the core."""

from bridge.engine.core import Engine
from bridge.engine.intake import Counters
from bridge.engine.options import Options
from bridge.space import Change

__all__ = ["Change", "Counters", "Engine", "Options"]
