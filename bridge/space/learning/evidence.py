"""Evidence: what tells the type of an element, as the form by which it is found.

What is said about the type comes first: a pinned type, a hint in its payload, a template, a versioned data contract.
Then counts what the element is called, where it is, and what it looks like.
"""

from bridge.space import names
from bridge.space.learning.forms import Form, names_of
from bridge.space.learning.lore import Lore
from bridge.space.learning.roles import Roles
from bridge.space.node import Field, Node
from bridge.space.registry import TypeRegistry
from bridge.space.shape import OBJECT, Shape
from bridge.space.types import ObjectType
from bridge.uns import Hint
from bridge.uns.policy import Policies
from bridge.uns.topics import encode

_BREAKS_IDS = frozenset(',"\\#')  # a namespace is part of the ids of its types
_NO_NAMES: frozenset[str] = frozenset()


class Evidence:
    """Asked for each element and each root kind of its values."""

    def __init__(self, registry: TypeRegistry, roles: Roles, policies: Policies, lore: Lore) -> None:
        self._registry = registry
        self._roles = roles
        self._policies = policies
        self._lore = lore

    def pinned(self, node: Node) -> ObjectType | None:
        """The type of a model file that the configuration names for a node."""
        if not self._policies or isinstance(node, Field):
            return None
        said = self._policies.of(node.topic)
        return self._registry.pinned(said.type, said.namespace) if said.type else None

    def of_value(self, node: Node, own: Shape, group: int) -> Form:
        """The form of a node's values of one root kind, which look like `own`."""
        namespace, hint = self._said(node)
        role = self._roles.role(node)
        if group != OBJECT:
            return Form(namespace, role, "", group, opaque=own.unbounded, hint=hint)
        return Form(
            namespace, role, self._roles.near(node), group, opaque=own.unbounded, mapped=own.members is not None,
            names=_NO_NAMES if hint is not None else names_of(own), hint=hint,
        )  # fmt: skip

    def of_parts(self, node: Node, shape: Shape) -> Form:
        """The form of a piece of equipment, whose parts make up this shape."""
        namespace, hint = self._said(node)
        mapped = shape.members is not None
        parts = _NO_NAMES if mapped or hint is not None else frozenset(shape.properties or ())
        return Form(
            namespace, self._roles.role(node), self._roles.near(node), OBJECT,
            composed=True, thing=not node.part, mapped=mapped, names=parts, hint=hint,
        )  # fmt: skip

    def _said(self, node: Node) -> tuple[str, Hint | None]:
        """The namespace of a node's types, and what calls them by a name."""
        namespace, hint = self._roles.namespace(node), self._hint(node)
        if hint is None:
            return namespace, None
        said = hint.namespace if _BREAKS_IDS.isdisjoint(hint.namespace) else encode(hint.namespace)
        own = Hint(hint.name, said, hint.source_id, hint.version) if hint.name else None
        return said or namespace, own

    def _hint(self, node: Node) -> Hint | None:
        """What is said about a node's type: configured, in its payload, or known from the protocol."""
        if isinstance(node, Field):
            return None
        if self._policies:
            said = self._policies.of(node.topic)
            if said.type or said.namespace:
                return Hint(said.type, said.namespace)
        if node.hint is not None or node.reported:
            return node.hint
        return _contract(node) or self._lore.hint(node.topic)


def _contract(node: Node) -> Hint | None:
    """A versioned data contract of the UMH, or equipment that consists of one (or of several versions of one)."""
    own = names.contract(node.name)
    if own is not None:
        return Hint(f"{own[0]}V{own[1]}", source_id=node.name, version=own[1])
    found = {name: known for name in node.children or () if (known := names.contract(name)) is not None}
    if not found or len({name for name, _ in found.values()}) > 1 or any(node.things()):
        return None
    oldest = min(found, key=lambda name: (int(found[name][1]), name))
    return Hint(found[oldest][0], source_id=oldest, version=found[oldest][1])
