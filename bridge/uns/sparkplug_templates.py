"""Templates: what their definitions say, and which topics are instances of them (Sparkplug 3.0, 6.4.10).

A definition comes with a node's birth and is known by its name within the group. An instance has no value of its own,
its members have; so its type is told here, by its topic. What is told is looked up when it is asked for, so that it
does not matter whether the definition or the instance came first.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from msgspec import Struct

from bridge.uns.message import Hint
from bridge.uns.sparkplug_values import name_of
from bridge.uns.sparkplug_wire import TYPE_NAMES, Wire

MAX_TEMPLATES = 1_000  # definitions
MAX_MEMBERS = 1_000  # of a definition
MAX_INSTANCES = 100_000  # topics; with the fewest members an instance can have, more fill the address space

DEFINITIONS = "_types_/"
_NAMESPACE = "urn:uns:spBv1.0"


class Template(Struct, frozen=True):
    """A template's definition: data type names by member (a nested template's own name) and by parameter.

    `source_id` is the name as published, `_types_/Filler` say.
    """

    source_id: str
    version: str | None
    members: Mapping[str, str]
    parameters: Mapping[str, str]


class _Instance(Struct, frozen=True):
    group: str
    ref: str
    version: str


class Templates:
    """All that is known. A method that would exceed a limit gives False and changes nothing."""

    def __init__(self) -> None:
        self.by_name: dict[tuple[str, str], Template] = {}  # by group, and the name without `_types_/`
        self._instances: dict[str, _Instance] = {}

    def define(self, group: str, source_id: str, definition: Wire) -> bool:
        """Take over a definition, in the place of an earlier one."""
        key = group, source_id.removeprefix(DEFINITIONS)
        full = len(self.by_name) >= MAX_TEMPLATES and key not in self.by_name
        if full or len(definition.metrics) + len(definition.parameters) > MAX_MEMBERS:
            return False
        self.by_name[key] = _template_of(definition, source_id)
        return True

    def add_instance(self, topic: str, group: str, ref: str, version: str) -> bool:
        """Take note of an instance; a later birth may say that it is one of another template."""
        if len(self._instances) >= MAX_INSTANCES and topic not in self._instances:
            return False
        self._instances[topic] = _Instance(group, ref, version)
        return True

    def hint(self, topic: str) -> Hint | None:
        """The type of an instance; None where a topic is none. A group is the namespace of its templates."""
        found = self._instances.get(topic)
        if found is None:
            return None
        template = self.by_name.get((found.group, found.ref))
        return Hint(
            found.ref,
            f"{_NAMESPACE}:{quote(found.group, safe='')}",
            template.source_id if template is not None else DEFINITIONS + found.ref,
            (template.version if template is not None else None) or found.version,
        )

    def definitions(self) -> Iterator[tuple[str, Template]]:
        """Each definition with its group, whether there are instances of it or not."""
        for (group, _), template in self.by_name.items():
            yield group, template


def _template_of(definition: Wire, source_id: str) -> Template:
    return Template(
        source_id,
        name_of(definition.version) or None,
        {name_of(member.name): _type_name(member) for member in definition.metrics},
        {name_of(part.name): TYPE_NAMES.get(part.type, "Unknown") for part in definition.parameters},
    )


def _type_name(member: Wire) -> str:
    """A member's data type; of a nested template its name."""
    ref = member.template_value.template_ref if member.HasField("template_value") else b""
    return name_of(ref).removeprefix(DEFINITIONS) if ref else TYPE_NAMES.get(member.datatype, "Unknown")
