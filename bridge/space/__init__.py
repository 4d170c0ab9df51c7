"""The address space: elements, hierarchy and composition, types and namespaces, last values."""

from bridge.space.limits import Limits
from bridge.space.node import Change, Field, Node, Vqt
from bridge.space.space import AddressSpace
from bridge.space.types import ObjectType

__all__ = ["AddressSpace", "Change", "Field", "Limits", "Node", "ObjectType", "Vqt"]
