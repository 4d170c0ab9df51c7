"""What is known about a topic beside its names and payloads: where it belongs, and what it is called."""

from typing import Protocol

from bridge.uns import Hint


class Lore(Protocol):
    """Asked once for each element; `None`: nothing is known."""

    def is_part(self, topic: str) -> bool | None:
        """Whether the element of a topic is a part of the one above it: Sparkplug tells devices from metrics."""

    def hint(self, topic: str) -> Hint | None:
        """The type of a topic that has no payload of its own: an instance of a Sparkplug template."""


class NoLore:
    """Nothing is known."""

    def is_part(self, topic: str) -> bool | None:  # noqa: ARG002 - the protocol's
        return None

    def hint(self, topic: str) -> Hint | None:  # noqa: ARG002 - the protocol's
        return None
