"""The i3X face: routes, request models, envelopes, the stream, OpenAPI, health and metrics."""

from bridge.api.app import build
from bridge.api.context import ApiLimits, Context, Readiness

__all__ = ["ApiLimits", "Context", "Readiness", "build"]
