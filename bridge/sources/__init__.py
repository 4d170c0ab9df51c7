"""Where messages come from. Every source implements `Source`; contract tests say what that means."""

from bridge.sources.base import Batch, Health, Source

__all__ = ["Batch", "Health", "Source"]
