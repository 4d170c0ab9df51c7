"""The way of one connection's bytes into the inbox: packets, wanted topics, stored copies, receipt times."""

import time

from bridge.sources import wire
from bridge.sources.filters import Topics
from bridge.sources.mqtt_burst import Burst
from bridge.sources.mqtt_inbox import NO_RECEIPT, Inbox, Receipt
from bridge.uns import Message

# Messages read at once get times 1 µs apart, so that none looks like another's duplicate; whole microseconds are what
# clients' date types can hold.
STEP_NS = 1_000
AHEAD_NS = 10_000_000  # how far this may run ahead of the clock


class Intake:
    """Takes the bytes of a turn of the event loop and gives back the packets that are no publications."""

    def __init__(self, topics: Topics, inbox: Inbox, *, properties: bool) -> None:
        """`properties` is true for MQTT 5."""
        self._topics = topics
        self._inbox = inbox
        self._properties = properties
        self._splitter = wire.Splitter(self._publish)
        self._now, self._now_ns = time.monotonic(), 0
        self._unwanted: list[Receipt] = []
        self.burst = Burst(topics.copies, flag_suffices=not properties)
        self.delivered = False  # whether any message was wanted

    @property
    def full(self) -> bool:
        """Whether to stop reading until the consumer has taken something."""
        return self._inbox.full

    def feed(self, data: bytes) -> bytes:
        """Take bytes; what is returned are the other packets. Raises `wire.Malformed`."""
        self._now = time.monotonic()  # asked once for many messages
        now_ns = time.time_ns() // STEP_NS * STEP_NS
        if not now_ns <= self._now_ns < now_ns + AHEAD_NS:  # else the last turn's numbering goes on
            self._now_ns = now_ns
        try:
            return self._splitter.feed(data)
        finally:
            self._inbox.wake()

    def unwanted(self) -> list[Receipt]:
        """What to acknowledge at once, because nobody will take it; empty when asked again."""
        receipts, self._unwanted = self._unwanted, []
        return receipts

    def _publish(self, first: int, body: bytes) -> None:
        raw, payload, qos, retain, mid, pairs = wire.publication(first, body, properties=self._properties)
        receipt = Receipt(mid, qos) if qos else NO_RECEIPT
        topic = self._topics[raw]
        if topic is None:
            self._unwanted.append(receipt)
            return
        replayed = retain and self.burst.stored(topic, self._now)
        self._now_ns += STEP_NS
        self._inbox.put(Message(topic, payload, qos, retain, self._now_ns, replayed, pairs), receipt)
        self.delivered = True
