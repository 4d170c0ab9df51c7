"""The last message of each topic that could not be used: enough of it to see why. Old ones make room for new ones.

Of each reason the last few topics are kept beside, so that a flood of one kind leaves the others to be seen.
"""

from codecs import getincrementaldecoder
from collections import OrderedDict
from collections.abc import Callable
from itertools import chain
from typing import Any

from msgspec import Struct

from bridge.uns import Message, Rejected
from bridge.uns.moments import render

MAX_TOPICS = 1_000  # a broken gateway has hundreds of topics; whoever looks, looks at the latest
SHOWN_BYTES = 200  # of a payload: the beginning tells what it is
EXAMPLES = 5  # topics of one reason that are shown
MAX_REASONS = 50  # that have examples; there are about twenty
_Decoder = getincrementaldecoder("utf-8")
_TOPIC_CHARACTERS = 1_024  # of a topic, which may have 65,535


class Rejection(Struct, frozen=True):
    """`beginning` is the payload's, `size` all of its bytes, `times` how often since the topic was first noted."""

    why: Rejected
    beginning: bytes
    size: int
    received_ns: int
    times: int

    def excerpt(self) -> str:
        """The beginning as one line of text: blanks for line breaks, U+FFFD for what is no text and for what is not
        shown, such as characters that change the direction of writing.
        """
        is_whole = self.size == len(self.beginning)
        text = _Decoder("replace").decode(self.beginning, is_whole)  # else it may be cut within a character
        return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)

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
        self._by_reason: dict[str, OrderedDict[str, Rejection]] = {}

    def __len__(self) -> int:
        return len(self._by_topic)

    def note(self, message: Message, why: Rejected) -> None:
        topic, payload = message.topic[:_TOPIC_CHARACTERS], message.payload
        known = self._by_topic.pop(topic, None)
        if known is None and len(self._by_topic) >= MAX_TOPICS:
            self._by_topic.popitem(last=False)
        times = known.times + 1 if known is not None else 1
        rejection = Rejection(why, payload[:SHOWN_BYTES], len(payload), message.received_ns, times)
        self._by_topic[topic] = rejection
        self._exemplify(topic, rejection)

    def _exemplify(self, topic: str, rejection: Rejection) -> None:
        examples = self._by_reason.get(rejection.why.reason)
        if examples is None:
            if len(self._by_reason) >= MAX_REASONS:
                return
            examples = self._by_reason[rejection.why.reason] = OrderedDict()
        if examples.pop(topic, None) is None and len(examples) >= EXAMPLES:
            examples.popitem(last=False)
        examples[topic] = rejection

    def examples(self, shows: Callable[[str], bool]) -> list[tuple[str, Rejection]]:
        """The last few of each reason with their topics, as far as those are shown; the newest first."""
        found = chain.from_iterable(one.items() for one in self._by_reason.values())
        shown = ((topic, rejection) for topic, rejection in found if shows(topic))
        return sorted(shown, key=lambda one: one[1].received_ns, reverse=True)

    def of(self, topic: str) -> Rejection | None:
        return self._by_topic.get(topic[:_TOPIC_CHARACTERS])
