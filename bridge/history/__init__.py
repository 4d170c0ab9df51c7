"""What values were: the `History` protocol, its stores, and answers to history requests."""

from bridge.history.base import History, Row, Rows
from bridge.history.memory import MemoryHistory

__all__ = ["History", "MemoryHistory", "Row", "Rows"]
