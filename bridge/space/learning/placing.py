"""Part or thing: which elements are components of what is above them (inference.md G).

What is configured, or known from the protocol, comes first; then the rules in the order of the page. Each decision
leaves its reason on the node (`why`), for people who ask how it came about.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TypeAlias

from msgspec import Struct, structs

from bridge.space import names
from bridge.space.describing import conventions
from bridge.space.learning.forms import similar
from bridge.space.learning.lore import Lore
from bridge.space.learning.roles import Roles
from bridge.space.node import Node
from bridge.uns.policy import Policies

_COMMON_PARENTS = 3  # rule 4: a name under so many kinds of parents is an aspect
_COMMON = f"the same name under {_COMMON_PARENTS} kinds of parents or more (G.4)"
_SIMILAR_CHILDREN = 0.5  # rule 5: Jaccard index of the children's names
_FEW_BRANCHES = 1  # rule 7: an aspect may hold one more; a machine has several
_MAX_SIBLINGS_COMPARED = 50  # siblings looked at for a similar one; in a large collection the first few tell


class Uses(Struct):
    """All branches of one name: what one has not shown yet another may have."""

    number: int = 0
    branches: int = 0  # the most that one holds
    has_points: bool = False

    def count(self, branch: Node) -> None:
        children = (branch.children or {}).values()
        inner = sum(1 for child in children if child.children)
        self.number += 1
        self.branches = max(self.branches, inner)
        self.has_points = self.has_points or inner < len(children)

    @property
    def look_like_an_aspect(self) -> bool:
        return self.number > 1 and self.has_points and self.branches <= _FEW_BRANCHES


Usage: TypeAlias = dict[str, tuple[Uses, list[str]]]


class Placing:
    """Decides `part` and `why` of nodes; `aspects` are words that say what is told about a thing."""

    def __init__(self, roles: Roles, aspects: Iterable[str], policies: Policies, lore: Lore) -> None:
        self._roles = roles
        self._aspects = frozenset(aspect.casefold() for aspect in aspects)
        self._policies = policies
        self._lore = lore
        self._parents: dict[str, set[str]] = defaultdict(set)  # name of a branch → roles of its parents (rule 4)
        self._uses: dict[str, Uses] = defaultdict(Uses)  # by the name of a branch (rule 7)

    def clear(self) -> None:
        self._parents.clear()
        self._uses.clear()

    def place_leaves(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            if not node.children and not node.decided:
                node.part, node.why = self.decide_leaf(node)
                node.decided = True

    def place_branches(self, branches: Sequence[Node]) -> None:
        """Parents come before children in `branches`; decided are the children first."""
        for node in branches:
            if not node.decided:
                self.note(node)
        for node in reversed(branches):
            if not node.decided or (node.part and any(node.things())):
                node.part, node.why = self._decide(node)
                node.decided = True

    def note(self, branch: Node) -> None:
        """Take note of where a branch of this name is: that tells about others of the same name."""
        if branch.parent is not None and not names.is_numbered(branch.name):
            self._parents[branch.name].add(self._roles.role(branch.parent))
            self._uses[branch.name].count(branch)

    def usage(self) -> Usage:
        """What is known of names: how branches of each are made, and below which roles they are."""
        found: Usage = {}
        for name, uses in self._uses.items():
            found[name] = structs.replace(uses), sorted(self._parents[name])[:_COMMON_PARENTS]
        return found

    def restore(self, usage: Usage) -> None:
        """What an earlier run has seen counts as well."""
        for name, (uses, roles) in usage.items():
            self._uses[name] = structs.replace(uses)
            self._parents[name].update(roles)

    def decide_leaf(self, node: Node) -> tuple[bool, str]:
        """Whether an element with nothing below it is a part, and why."""
        if node.parent is None:
            return False, "a configured level" if self._roles.is_level(node) else "a data point (G.1)"
        return self._told(node) or (True, "a data point (G.1)")

    def _decide(self, node: Node) -> tuple[bool, str]:
        if node.parent is None:
            return False, "a root"
        return self._told(node) or self._by_rules(node)

    def _told(self, node: Node) -> tuple[bool, str] | None:
        """What the configuration, the protocol or a data contract says about a node that is no root."""
        if self._policies and (said := self._policies.of(node.topic).part) is not None:
            return said, "configured"
        known = self._lore.is_part(node.topic)
        if known is not None:
            return known, "known from Sparkplug"
        if self._roles.levels_of(node):
            is_level = self._roles.is_level(node)
            return not is_level, "a configured level" if is_level else "deeper than the configured levels"
        if names.is_contract(node.name):
            return True, "a data contract"
        return (True, "inside a data contract") if _is_below_contract(node.topic) else None

    def _by_rules(self, node: Node) -> tuple[bool, str]:
        children = (node.children or {}).values()
        has_things = any(not child.part for child in children)
        leaves_only = not any(child.children for child in children)
        if node.reported and all(child.name.startswith("$") for child in children):
            return True, "a data point with attributes (G.1)"
        if leaves_only and conventions.is_point(node):
            return True, "a data point spread over several topics (G.1)"
        if names.is_index(node.name) and leaves_only:
            return True, "a short index with data points only (G.2)"
        if all(names.is_index(child.name) and child.part for child in children):
            return True, "an array of short indices (G.2)"
        if has_things:
            return False, "contains things (G.3)"
        numbered = names.is_numbered(node.name)
        if not numbered and len(self._parents[node.name]) >= _COMMON_PARENTS:
            return True, _COMMON
        if numbered:
            return False, "a numbered name (G.5)"
        if _has_twin(node):
            return False, "a sibling with similar children (G.5)"
        if node.name.startswith("_") or node.name.casefold() in self._aspects:
            return True, "an aspect word (G.6)"
        if self._uses[node.name].look_like_an_aspect:
            return True, "recurs with little but data points (G.7)"
        return False, "nothing says that it is a part (G.7)"


def _is_below_contract(topic: str) -> bool:
    """Asked of every element, so most are told apart by a look at the text alone."""
    return ("/_" in topic or topic.startswith("_")) and any(map(names.is_contract, topic.split("/")[:-1]))


def _has_twin(node: Node) -> bool:
    """Whether a sibling has a similar set of children: then both are machines of a kind, not aspects."""
    own = node.children or {}
    siblings = islice((node.parent.children or {}).values(), _MAX_SIBLINGS_COMPARED) if node.parent is not None else ()
    return any(
        other is not node and other.children and len(own) > 1 and similar(own, other.children, _SIMILAR_CHILDREN)
        for other in siblings
    )
