"""What came from the broker and was not taken yet, in order of arrival, and what the broker waits to hear."""

import asyncio
from collections import deque
from typing import NamedTuple

from bridge.sources.base import MAX_BATCH
from bridge.uns import Message

MOST_MESSAGES = 4 * MAX_BATCH  # about 40 ms of work; beyond it the connection is not read, the broker must wait
MOST_BYTES = 32 * 1024 * 1024  # of payload; the same for few large messages


class Receipt(NamedTuple):
    """What an acknowledgement needs: the packet id, valid on one connection only, and the QoS."""

    mid: int
    qos: int


NO_RECEIPT = Receipt(0, 0)  # of a message that needs no acknowledgement, or whose connection has gone


class Inbox:
    """A queue between the connection, which puts messages in one by one, and the consumer, who takes batches.

    Not bounded by itself: whoever puts in stops when it is `full`, because what the kernel has received stays
    acknowledged by TCP only, and the broker notices.
    """

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._receipts: deque[Receipt] = deque()
        self._bytes = 0
        self._news = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether no more should be put in for now."""
        return len(self._messages) >= MOST_MESSAGES or self._bytes >= MOST_BYTES

    def put(self, message: Message, receipt: Receipt) -> None:
        """Append a message; `wake` tells the consumer, once for many."""
        self._messages.append(message)
        self._receipts.append(receipt)
        self._bytes += len(message.payload)

    def take(self) -> tuple[list[Message], list[Receipt]]:
        """The oldest messages, at most `MAX_BATCH`, and the receipts that they need."""
        count = min(len(self._messages), MAX_BATCH)
        if not count:
            self._news.clear()
            return [], []
        messages = [self._messages.popleft() for _ in range(count)]
        receipts = [self._receipts.popleft() for _ in range(count)]
        self._bytes -= sum(len(message.payload) for message in messages)
        return messages, [receipt for receipt in receipts if receipt is not NO_RECEIPT]

    def forget_receipts(self) -> None:
        """The connection has gone: the broker sends again what it was not told of, under new packet ids."""
        self._receipts = deque([NO_RECEIPT] * len(self._messages))

    def wake(self) -> None:
        """Let the consumer look again."""
        self._news.set()

    async def news(self) -> None:
        """Wait until `wake` is called; returns at once if it was since `take` found nothing."""
        await self._news.wait()
