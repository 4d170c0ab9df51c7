"""Where a write goes: which topic, with which value, for an element, a field of one, or the parts of one."""

import re
from collections.abc import Iterator

from msgspec import Struct

from bridge.errors import Forbidden, NotBuilt
from bridge.space import Field, Node
from bridge.space.dividing import check, divided, target
from bridge.space.sight import Sight
from bridge.uns import Json, Quality
from bridge.uns.topics import matches

_PLACEHOLDER = re.compile(r"\{(\w+\+?)\}")


class Asked(Struct, frozen=True):
    """One update of a request. `time_ns` None: now."""

    element_id: str
    value: Json
    quality: Quality | None = None
    time_ns: int | None = None


class Part(Struct, frozen=True):
    """One message to come: the value of one element that has values of its own, or of a field of one."""

    element: Node
    value: Json

    @property
    def node(self) -> Node:
        """Whose payload it is."""
        return self.element.owner if isinstance(self.element, Field) else self.element


class Filters:
    """What the configuration lets be written, by the topics of elements."""

    def __init__(self, allow: tuple[str, ...], deny: tuple[str, ...]) -> None:
        self._allow, self._deny = allow, deny

    def check(self, node: Node) -> None:
        """Raises `Forbidden`."""
        if any(matches(pattern, node.topic) for pattern in self._deny):
            raise Forbidden(f"elementId: {node.id} must not be written: [writes] deny")
        if not any(matches(pattern, node.topic) for pattern in self._allow):
            raise Forbidden(f"elementId: {node.id} is none of what may be written: [writes] allow")


def parts(node: Node, value: Json, sight: Sight) -> Iterator[Part]:
    """What has to be published for a value: one message, or of what is composed one for each part.

    Raises `RequestError`.
    """
    found = target(node)
    if found.is_composed or not sight.reads(found):
        for one, own in divided(found, value, sight, widening=True):
            yield Part(one, own)
    else:
        check(found, value, widening=True)
        yield Part(found, value)


def command_topic(template: str, topic: str) -> str:
    """The topic that a template makes of an element's: see [writes] topic.

    Raises `NotBuilt` where it asks for levels that there are not: several elements would share one topic.
    """
    levels = topic.split("/")

    def fill(found: re.Match[str]) -> str:
        match found[1]:
            case "topic":
                return topic
            case "parent":
                text = "/".join(levels[:-1])
            case "name":
                text = levels[-1]
            case word if word.endswith("+"):
                text = "/".join(levels[int(word[:-1]) - 1 :])
            case word:
                text = "".join(levels[int(word) - 1 : int(word)])
        if not text:
            raise NotBuilt(f"elementId: {template} makes no command topic of {topic}: it has no {found[0]}")
        return text

    return _PLACEHOLDER.sub(fill, template)
