"""The last Sparkplug births: without them nobody knows what the aliases of data messages mean (see `uns.sparkplug`).

Kept are the payloads as they came, one for each node and device. Only those that are not written yet are in memory.
"""

from collections.abc import Iterable

from bridge.state.database import Row, Writing
from bridge.uns import Message

TABLE = "births"
MAX_BIRTHS = 10_000  # edge nodes and devices: as many as the decoder knows
MAX_BYTES = 64 * 1024 * 1024  # of all payloads; the births of a large plant have some MB

_STAMP = 8  # bytes before the payload: when it was received, nanoseconds since 1970 UTC


class Births:
    """Hears of births; `write` puts down those that are new. The oldest go where there are too many."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}  # by topic, the oldest first
        self._bytes = 0
        self._new: dict[str, Message] = {}
        self._gone: dict[str, None] = {}

    def __bool__(self) -> bool:
        """Whether there is something to write."""
        return bool(self._new or self._gone)

    def hear(self, message: Message) -> None:
        """An empty one is somebody who tidied up a retained message."""
        if not message.payload:
            return
        topic = message.topic
        self._new[topic] = message
        self._gone.pop(topic, None)
        self._note(topic, len(message.payload))

    def forget_file(self) -> None:
        """What was written is gone."""
        self._sizes = {topic: len(message.payload) for topic, message in self._new.items()}
        self._bytes = sum(self._sizes.values())
        self._gone.clear()

    def _note(self, topic: str, size: int) -> None:
        self._bytes += size - self._sizes.pop(topic, 0)
        self._sizes[topic] = size
        while len(self._sizes) > MAX_BIRTHS or self._bytes > MAX_BYTES:
            oldest = next(iter(self._sizes))
            self._bytes -= self._sizes.pop(oldest)
            self._new.pop(oldest, None)
            self._gone[oldest] = None

    def take(self, safe_ns: int) -> tuple[list[Message], list[str]]:
        """What is new and what has gone since the last call. Those received later than `safe_ns` wait: data that come
        again after a crash may be of the birth before.
        """
        new = [message for message in self._new.values() if message.received_ns <= safe_ns]
        gone = list(self._gone)
        self._new = {topic: message for topic, message in self._new.items() if message.received_ns > safe_ns}
        self._gone = {}
        return new, gone

    def put_back(self, new: Iterable[Message], gone: Iterable[str]) -> None:
        """It could not be written; what came meanwhile is newer."""
        self._new = {message.topic: message for message in new if message.topic in self._sizes} | self._new
        self._gone = {topic: None for topic in gone if topic not in self._new} | self._gone

    def read(self, rows: Iterable[Row]) -> list[Message]:
        """Those that were written, in the order in which they were received."""
        found = [_message(*row) for row in rows]
        found.sort(key=lambda message: message.received_ns)
        for message in found:
            self._note(message.topic, len(message.payload))
        return found


def write(writing: Writing, new: Iterable[Message], gone: Iterable[str]) -> None:
    writing.delete(TABLE, gone)
    writing.put(TABLE, [(one.topic, one.received_ns.to_bytes(_STAMP, "big") + one.payload) for one in new])


def _message(topic: str, data: bytes) -> Message:
    return Message(topic, data[_STAMP:], received_ns=int.from_bytes(data[:_STAMP], "big"), replayed=True)
