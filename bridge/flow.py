"""The way of a batch through the daemon: from the source into the core, from there into history, and, once that is
safe, back to the broker as an acknowledgement. Readers and subscribers do not wait for the disk.

When history is behind, batches of QoS 0, which nobody keeps, go on into the core and not into history: what is current
stays current, and the loss is counted. What the broker keeps for us is taken all the same, because it sends only so
much without an acknowledgement; where a broker sends more, it has to wait when history is full.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from bridge.engine import EVERYTHING_NS, Change, Engine
from bridge.history import History
from bridge.ledger import Entry, Ledger, Tally
from bridge.sources import Batch, Source
from bridge.uns import Message


class Flow:
    """`ledger` knows where every message is; `hear` gets each batch, once elements show what came."""

    def __init__(
        self, engine: Engine, history: History, hear: Callable[[Sequence[Message]], None] | None = None
    ) -> None:
        self.ledger = Ledger()
        self._engine = engine
        self._history = history
        self._hear = hear
        self._tally = Tally(engine)
        self._unsafe: deque[int] = deque()  # when the first message was received, of each batch that is not safe

    @property
    def safe_ns(self) -> int:
        """Time of receipt up to which all that was taken is on the disk; of later readings the broker may send some
        again. Where the clock has stepped back it is the earlier one.
        """
        return min(self._unsafe) - 1 if self._unsafe else EVERYTHING_NS

    async def run(self, source: Source) -> None:
        """Until the source ends. Raises what `batches` raises."""
        async for batch in source.batches():
            if batch.waiting and self._history.full:
                await self._history.caught_up()
            self.take(batch)

    def take(self, batch: Batch) -> list[Change]:
        """One batch; the changes that it made."""
        changes = self._engine.ingest(batch.messages)
        if self._hear is not None:
            self._hear(batch.messages)
        entry = self.ledger.enter(len(batch.messages), self._tally.outcome())
        if self._history.behind and not batch.waiting:
            self.ledger.shed(entry)
            batch.done()
        else:
            self._unsafe.append(min((message.received_ns for message in batch.messages), default=EVERYTHING_NS + 1))
            self._history.append(changes, partial(self._safe, entry, batch), haste=batch.waiting > 0)
        return changes

    def _safe(self, entry: Entry, batch: Batch) -> None:
        self._unsafe.popleft()  # batches become safe in the order in which they were taken
        self.ledger.settle(entry)
        batch.done()
