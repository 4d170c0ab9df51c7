"""The facade of the core."""

from bridge.engine.core import Engine
from bridge.engine.intake import Counters
from bridge.engine.notes import EVERYTHING_NS, ElementNote
from bridge.engine.options import Options
from bridge.engine.recall import Restored
from bridge.space import Change

__all__ = ["EVERYTHING_NS", "Change", "Counters", "ElementNote", "Engine", "Options", "Restored"]
