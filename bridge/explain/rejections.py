"""The last message of each topic that could not be used: enough of it to see why. Old ones make room for new ones."""

from collections import OrderedDict
from typing import Any

from msgspec import Struct

from bridge.uns import Message, Rejected
from bridge.uns.moments import render

MAX_TOPICS = 1_000  # a broken gateway has hundreds of topics; whoever looks, looks at the latest
SHOWN_BYTES = 200  # of a payload: the beginning tells what it is
_TOPIC_CHARACTERS = 1_024  # of a topic, which may have 65,535


class Rejection(Struct, frozen=True):
    """`beginning` is the payload's, `size` all of its bytes, `times` how often since the topic was first noted."""

    why: Rejected
    beginning: bytes
    size: int
    received_ns: int
    times: int

    def describe(self) -> dict[str, Any]:
        return {
            "reason": self.why.reason,
            "detail": self.why.detail,
            "payload": self.beginning.decode("utf-8", "backslashreplace"),
            "bytes": self.size,
            "at": render(self.received_ns),
            "times": self.times,
        }


class Rejections:
    """See the module's text."""

    def __init__(self) -> None:
        self._by_topic: OrderedDict[str, Rejection] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_topic)

    def note(self, message: Message, why: Rejected) -> None:
        topic, payload = message.topic[:_TOPIC_CHARACTERS], message.payload
        known = self._by_topic.pop(topic, None)
        if known is None and len(self._by_topic) >= MAX_TOPICS:
            self._by_topic.popitem(last=False)
        times = known.times + 1 if known is not None else 1
        self._by_topic[topic] = Rejection(why, payload[:SHOWN_BYTES], len(payload), message.received_ns, times)

    def of(self, topic: str) -> Rejection | None:
        return self._by_topic.get(topic[:_TOPIC_CHARACTERS])
