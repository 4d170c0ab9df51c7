"""Recipes: what is to be read of which rows to tell an element's history.

Nodes belong to the event loop, and rows are read in a thread of the store's. So what nodes know is written down first,
in the loop; a recipe never changes, whatever becomes of the nodes. An alias has the recipe of its target.
"""

from datetime import tzinfo
from typing import TypeAlias

from msgspec import Struct

from bridge.space import Field, Node
from bridge.space.owned.views import Alias
from bridge.space.sight import EVERYTHING, Sight
from bridge.uns.envelope import Plan


class Plain(Struct, frozen=True):
    """Rows as they are kept."""

    element_id: str


class Projected(Struct, frozen=True):
    """A field's rows from the payloads of its owner."""

    owner_id: str
    path: tuple[str, ...]
    plan: Plan | None
    zone: tzinfo

    @property
    def tells_time(self) -> bool:
        """Whether the field's rows lie at times of its own, not at its owner's."""
        return self.plan is not None and self.plan.time is not None


Leaf: TypeAlias = Plain | Projected


class Composed(Struct, frozen=True):
    """Rows composed of those of the nearest parts with payloads of their own, the leaves.

    `tree` names them: (name, index of the leaf), or (name, tree) of a part that is composed itself.
    """

    leaves: tuple[Leaf, ...]
    tree: "Tree"


Tree: TypeAlias = tuple[tuple[str, "int | Tree"], ...]
Recipe: TypeAlias = Plain | Projected | Composed


def recipe_of(node: Node, zone: tzinfo, sight: Sight = EVERYTHING) -> Recipe:
    """Of what is seen. To be called where nodes may be read: in the event loop."""
    if isinstance(node, Alias):
        return recipe_of(node.target, zone, sight)
    if _is_composed(node, sight):
        leaves: list[Leaf] = []
        tree = _tree(node, zone, leaves, sight)
        return Composed(tuple(leaves), tree)
    return _leaf(node, zone)


def _is_composed(node: Node, sight: Sight) -> bool:
    """A payload that is not seen is none."""
    return node.is_composed or not sight.reads(node)


def width(recipe: Recipe) -> int:
    """Values in one row: of a composed one, as many as it has leaves."""
    return max(1, len(recipe.leaves)) if isinstance(recipe, Composed) else 1


def _leaf(node: Node, zone: tzinfo) -> Leaf:
    if isinstance(node, Field):
        return Projected(node.owner.id, node.path(), node.plan, zone)
    return Plain(node.id)


def _tree(node: Node, zone: tzinfo, leaves: list[Leaf], sight: Sight) -> Tree:
    """The names below a composed element; the leaves are added to `leaves`."""
    named: list[tuple[str, int | Tree]] = []
    for part in sight.components(node):
        if _is_composed(part, sight):
            named.append((part.name, _tree(part, zone, leaves, sight)))
        else:
            leaves.append(_leaf(part, zone))
            named.append((part.name, len(leaves) - 1))
    return tuple(named)
