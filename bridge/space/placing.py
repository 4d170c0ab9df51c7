"""Part or thing: which elements are components of what is above them (inference.md G).

What is configured, or known from the protocol, comes first; then the rules in the order of the page. Each decision
leaves its reason on the node (`why`), for people who ask how it came about.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice

from bridge.space import conventions, names
from bridge.space.forms import similar
from bridge.space.lore import Lore
from bridge.space.node import Node
from bridge.space.roles import Roles
from bridge.uns.policy import Policies

_COMMON_PARENTS = 3  # rule 4: a name under so many kinds of parents is an aspect
_SIMILAR_CHILDREN = 0.5  # rule 5: Jaccard index of the children's names
_FEW_BRANCHES = 1  # rule 7: an aspect may hold one more; a machine has several
_MAX_SIBLINGS_COMPARED = 50  # siblings looked at for a similar one; in a large collection the first few tell


class Placing:
    """Decides `part` and `why` of nodes; `aspects` are words that say what is told about a thing."""

    def __init__(self, roles: Roles, aspects: Iterable[str], policies: Policies, lore: Lore) -> None:
        self._roles = roles
        self._aspects = frozenset(aspect.casefold() for aspect in aspects)
        self._policies = policies
        self._lore = lore
        self._parents: dict[str, set[str]] = defaultdict(set)  # name of a branch → roles of its parents (rule 4)
        self._uses: dict[str, int] = defaultdict(int)  # name of a branch → how often it occurs (rule 7)

    def clear(self) -> None:
        self._parents.clear()
        self._uses.clear()

    def place_leaves(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            if not node.children and not node.decided:
                told = self._told(node)
                if told is not None:
                    node.part, node.why = told
                elif self._roles.is_level(node):
                    node.part, node.why = False, "a configured level"
                else:
                    node.part, node.why = node.parent is not None, "a data point (G.1)"
                node.decided = True

    def place_branches(self, branches: Sequence[Node]) -> None:
        """Parents come before children in `branches`; decided are the children first."""
        for node in branches:
            if node.parent is not None and not node.decided and not names.is_numbered(node.name):
                self._parents[node.name].add(self._roles.role(node.parent))
                self._uses[node.name] += 1
        for node in reversed(branches):
            if not node.decided or (node.part and any(node.things())):
                node.part, node.why = self._decide(node)
                node.decided = True

    def _decide(self, node: Node) -> tuple[bool, str]:
        if node.parent is None:
            return False, "a root"
        return self._told(node) or self._by_rules(node)

    def _told(self, node: Node) -> tuple[bool, str] | None:
        """What the configuration, the protocol or a data contract says."""
        if node.parent is None:
            return None
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
        return (True, "inside a data contract") if _below_contract(node) else None

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
            return True, f"the same name under {_COMMON_PARENTS} kinds of parents or more (G.4)"
        if numbered:
            return False, "a numbered name (G.5)"
        if _has_twin(node):
            return False, "a sibling with similar children (G.5)"
        if node.name.startswith("_") or node.name.casefold() in self._aspects:
            return True, "an aspect word (G.6)"
        inner = sum(1 for child in children if child.children)
        if self._uses[node.name] > 1 and inner <= _FEW_BRANCHES and inner < len(children):
            return True, "recurs with little but data points (G.7)"
        return False, "nothing says that it is a part (G.7)"


def _below_contract(node: Node) -> bool:
    above = node.parent
    while above is not None:
        if names.is_contract(above.name):
            return True
        above = above.parent
    return False


def _has_twin(node: Node) -> bool:
    """Whether a sibling has a similar set of children: then both are machines of a kind, not aspects."""
    own = node.children or {}
    siblings = islice((node.parent.children or {}).values(), _MAX_SIBLINGS_COMPARED) if node.parent is not None else ()
    return any(
        other is not node and other.children and len(own) > 1 and similar(own, other.children, _SIMILAR_CHILDREN)
        for other in siblings
    )
