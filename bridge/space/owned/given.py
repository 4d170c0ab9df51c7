"""What the configuration says about an element itself: kept with it from the moment that it is made.

Name and description are shown instead of what payloads say (`browse`), the unit takes the place of any other.
"""

from typing import TYPE_CHECKING

from bridge.space.node import Node
from bridge.uns.policy import Policies

if TYPE_CHECKING:
    from bridge.space.space import AddressSpace


class Given:
    """Hears of each new element."""

    def __init__(self, space: "AddressSpace", policies: Policies) -> None:
        self._space = space
        self._policies = policies

    def made(self, node: Node) -> None:
        node.policy = self._policies.of(node.topic)
        if node.policy.unit:
            self._space.set_unit(node, node.policy.unit)

    def gone(self, node: Node) -> None:
        """It is kept nowhere else."""
