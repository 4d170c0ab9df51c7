"""Which templates a later run needs: those of elements that may be written, and of their command topics.

A machine's setpoint may have been published once, a year ago: a run that had to wait until somebody publishes it again
could not write it. What is kept shows a shape, so it may be older than the element's last value.
"""

from collections.abc import Callable, Iterable, Iterator

from bridge.errors import RequestError
from bridge.space import AddressSpace, Node
from bridge.uns import Message
from bridge.uns.routing import is_sparkplug
from bridge.writing.targets import Filters
from bridge.writing.templates import Templates

SLICE = 1_000  # elements that are looked at without a pause: a few milliseconds
MAX_BYTES = 64 * 1024 * 1024  # of topics and payloads; beyond, elements wait for a message as they did before


class KeptTemplates:
    """`command_of` is the topic on which values for a topic are written; it may be the same."""

    def __init__(
        self, space: AddressSpace, templates: Templates, filters: Filters, command_of: Callable[[str], str]
    ) -> None:
        self._space = space
        self._templates = templates
        self._filters = filters
        self._command_of = command_of
        self._written: dict[str, tuple[int, int]] = {}  # time of receipt and size of what the file has, by topic
        self._bytes = 0

    def new(self) -> Iterator[list[Message]]:
        """What is not written yet, in slices; messages may come in between."""
        nodes = list(self._space.by_topic.values())
        for start in range(0, len(nodes), SLICE):
            found = [message for node in nodes[start : start + SLICE] for message in self._of(node)]
            yield list({message.topic: message for message in found}.values())

    def _of(self, node: Node) -> Iterator[Message]:
        for topic in self._topics(node):
            message = self._templates.of(topic)
            known = self._written.get(topic)
            if message is None or (known is not None and known[0] == message.received_ns):
                continue
            if self._bytes + _size(message) - (known[1] if known is not None else 0) <= MAX_BYTES:
                yield message

    def _topics(self, node: Node) -> tuple[str, ...]:
        """On which an element's values come, and are written; none where it may not be written."""
        if node.reader is None or is_sparkplug(node.topic):
            return ()
        came_on = self._space.raw_topics.get(node.id, node.topic)
        try:
            self._filters.check(node)
            return came_on, self._command_of(came_on)
        except RequestError:
            return ()

    def wrote(self, messages: Iterable[Message]) -> None:
        """The file has these now."""
        for message in messages:
            self._bytes += _size(message) - self._written.get(message.topic, (0, 0))[1]
            self._written[message.topic] = message.received_ns, _size(message)

    def forget_file(self) -> None:
        """What was written is gone."""
        self._written.clear()
        self._bytes = 0

    def restore(self, messages: Iterable[Message]) -> list[str]:
        """Take what an earlier run has written, once its elements are there; the topics that nobody needs any more."""
        wanted = {topic for node in self._space.by_topic.values() for topic in self._topics(node)}
        kept, gone = [], []
        for message in messages:
            if message.topic in wanted:
                kept.append(message)
            else:
                gone.append(message.topic)
        self._templates.note(kept)
        self.wrote(kept)
        return gone


def _size(message: Message) -> int:
    return len(message.topic) + len(message.payload)
