"""What values were: the `History` protocol, its stores, and answers to history requests."""

from bridge.history.base import History, Reader, Row, Series, Unreadable
from bridge.history.memory import MemoryHistory

__all__ = ["History", "MemoryHistory", "Reader", "Row", "Series", "Unreadable"]
