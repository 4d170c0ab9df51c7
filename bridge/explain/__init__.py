"""How topics became elements: for people who wonder, and for whoever writes rules."""

from bridge.explain.explainer import Explainer, Explanation
from bridge.explain.rejections import Rejections

__all__ = ["Explainer", "Explanation", "Rejections"]
