"""The last message on each topic, which shows in what shape values are published there.

Only where writing is on. Messages are remembered as they are, without a copy; the oldest go when all together take too
much, and what is written on such a topic has to wait until somebody has published there again.
"""

from collections.abc import Iterable

from bridge.uns import Message

MAX_BYTES = 256 * 1024 * 1024  # of topics and payloads, about
LARGEST = 256 * 1024  # bytes of one payload; nobody writes larger ones value by value
_OVERHEAD = 300  # bytes of a message beside them


class Templates:
    """Messages by topic."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._last: dict[str, Message] = {}

    def note(self, messages: Iterable[Message]) -> None:
        """Take note of a batch."""
        last = self._last
        for message in messages:
            payload = message.payload
            if not payload or len(payload) > LARGEST:
                continue  # a value that was taken away shows no shape
            former = last.get(message.topic)
            self._bytes += len(payload) - len(former.payload) if former is not None else _weight(message)
            last[message.topic] = message
        while self._bytes > self._max_bytes:
            oldest = next(iter(last))
            self._bytes -= _weight(last.pop(oldest))

    def of(self, topic: str) -> Message | None:
        return self._last.get(topic)


def _weight(message: Message) -> int:
    return len(message.topic) + len(message.payload) + _OVERHEAD
