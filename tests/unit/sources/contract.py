"""What every source must do; `bridge.sources.base` says it in words. Subclass and give it a way to make a source."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from itertools import pairwise

import pytest

from bridge.sources import Batch, Source
from bridge.sources.base import MAX_BATCH
from bridge.uns import Message

PATIENCE_S = 20.0
MANY = 2 * MAX_BATCH + 100


def numbered(count: int, qos: int = 1) -> list[Message]:
    """Messages that tell their order."""
    return [Message(f"plant/line{n % 7}/m{n % 3}", f"{n}".encode(), qos) for n in range(count)]


async def collect(source: Source, count: int) -> list[Batch]:
    """Take batches, each done at once, until so many messages are there."""
    batches: list[Batch] = []
    async with asyncio.timeout(PATIENCE_S):
        async for batch in source.batches():
            batches.append(batch)
            batch.done()
            if sum(len(b.messages) for b in batches) >= count:
                break
    return batches


def messages(batches: Sequence[Batch]) -> list[Message]:
    """All messages of some batches."""
    return [message for batch in batches for message in batch.messages]


@pytest.mark.anyio
class SourceContract:
    """A subclass offers `offering`: a source, entered, and messages on their way to it."""

    def offering(self, sent: Sequence[Message]) -> AbstractAsyncContextManager[Source]:
        """A source to which these messages come, in this order."""
        raise NotImplementedError

    async def test_order(self) -> None:
        """Messages come in order of arrival, none missing, none twice."""
        async with self.offering(numbered(MANY)) as source:
            got = messages(await collect(source, MANY))
        assert [m.payload for m in got] == [f"{n}".encode() for n in range(MANY)]

    async def test_batches(self) -> None:
        """Batches are neither empty nor larger than MAX_BATCH, and form by themselves under load."""
        async with self.offering(numbered(MANY)) as source:
            batches = await collect(source, MANY)
        sizes = [len(b.messages) for b in batches]
        assert min(sizes) > 0
        assert max(sizes) <= MAX_BATCH
        assert len(sizes) < MANY / 4

    async def test_content(self) -> None:
        """Topic, payload, QoS and user properties arrive as sent; the time of receipt is now."""
        before = time.time_ns()
        sent = Message("Münster/Linie 1", b"\x00\xff{", 1, properties={"ce_type": "a", "b": "µ"})
        async with self.offering([sent]) as source:
            (got,) = messages(await collect(source, 1))
        assert (got.topic, got.payload, got.qos) == (sent.topic, sent.payload, sent.qos)
        assert not got.retain
        assert not got.replayed
        assert dict(got.properties or {}) == dict(sent.properties or {})
        assert before <= got.received_ns <= time.time_ns()

    async def test_no_properties(self) -> None:
        """Without user properties, `properties` is None."""
        async with self.offering(numbered(1)) as source:
            (got,) = messages(await collect(source, 1))
        assert got.properties is None

    async def test_received_differs(self) -> None:
        """No two messages have the same time of receipt: a history would take one for a duplicate."""
        async with self.offering(numbered(MANY)) as source:
            times = [m.received_ns for m in messages(await collect(source, MANY))]
        assert len(set(times)) == MANY
        assert times == sorted(times)

    async def test_suspends(self) -> None:
        """Other tasks get their turn between full batches."""
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with self.offering(numbered(MANY)) as source:
            task = asyncio.create_task(others())
            seen = []
            async with asyncio.timeout(PATIENCE_S):
                async for batch in source.batches():
                    seen.append(turns)
                    batch.done()
                    if len(batch.messages) < MAX_BATCH and len(seen) > 2:
                        break
            task.cancel()
        assert all(later > earlier for earlier, later in pairwise(seen))

    async def test_done_twice(self) -> None:
        """Calling `done` again, or after the source was closed, does nothing."""
        async with self.offering(numbered(3)) as source:
            batches = await collect(source, 3)
            batches[0].done()
        for batch in batches:
            batch.done()

    async def test_stop(self) -> None:
        """Once it is stopped it gives what has arrived, which can still be done, and ends."""
        async with self.offering(numbered(MANY)) as source:
            taken: list[Batch] = []
            async with asyncio.timeout(PATIENCE_S):
                async for batch in source.batches():
                    taken.append(batch)
                    source.stop()
            got = messages(taken)
            assert [m.payload for m in got] == [f"{n}".encode() for n in range(len(got))]
            for batch in taken:
                assert batch.waiting in (0, len(batch.messages))
                batch.done()

    async def test_ends_when_closed(self) -> None:
        """After closing, `batches` ends, and health says not connected."""
        async with self.offering(numbered(1)) as source:
            await collect(source, 1)
            assert source.health().connected
        async with asyncio.timeout(PATIENCE_S):
            rest = [batch async for batch in source.batches()]
        assert rest == []
        assert not source.health().connected

    async def test_leaves_no_task(self) -> None:
        """A closed source leaves no task behind."""
        before = asyncio.all_tasks()
        async with self.offering(numbered(1)) as source:
            await collect(source, 1)
        assert asyncio.all_tasks() - before == set()
