"""Values that are waited for: whether they come back through our own subscription.

It looks at messages, not at what the model makes of them: a value that was there before comes back all the same. What
counts is the value of the element that was asked for; a device may answer in a document that has changed elsewhere.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from bridge.space.projecting import MISSING
from bridge.uns import Json, Message
from bridge.writing.shaping import same


class Outgoing(Struct, frozen=True):
    """A message that is to be published, and how it shows that it did what was wanted.

    `place` is the topic on which the value comes back; `shown` gives the element's value by a message there, `MISSING`
    where that says nothing about it. `settled` tells whether the element shows the value already and its publisher
    would not say it again.
    """

    message: Message
    place: str
    wanted: Json
    shown: Callable[[Message], Json]
    settled: Callable[[], bool] = lambda: False


class Echo(Struct):
    """Somebody who waits. `last` is what came instead, `MISSING` where nothing did."""

    out: Outgoing
    came: "asyncio.Future[None]"
    last: Json = MISSING


class Echoes:
    """All who wait, by the topic of the message that they wait for."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Echo]] = {}

    @contextmanager
    def expected(self, out: Outgoing) -> Iterator[Echo]:
        """Wait from now on."""
        echo = Echo(out, asyncio.get_running_loop().create_future())
        waiting = self._waiting.setdefault(out.place, [])
        waiting.append(echo)
        try:
            yield echo
        finally:
            waiting.remove(echo)
            if not waiting:
                self._waiting.pop(out.place, None)

    def hear(self, messages: Sequence[Message]) -> Sequence[Message]:
        """A batch has come; those of it that are not our own: these show how we write, not how a topic is written."""
        return [message for message in messages if not self._own(message)] if self._waiting else messages

    def _own(self, message: Message) -> bool:
        own = False
        for echo in self._waiting.get(message.topic, ()):
            sent = echo.out.message
            is_ours = message.payload == sent.payload and message.topic == sent.topic
            own = own or is_ours
            # Right after a subscription a retained one of ours may be taken for a stored copy.
            value = echo.out.shown(message) if is_ours or not message.replayed else MISSING
            if value is MISSING:
                continue
            if not same(value, echo.out.wanted):
                echo.last = value
            elif not echo.came.done():
                echo.came.set_result(None)
        return own
