"""The way of a batch: acknowledged when its rows are safe, not before; what waits or is left out is counted."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import msgspec
import pytest
from inprocess import SPEED, InProcess

from bridge.engine import EVERYTHING_NS
from bridge.flow import Flow
from bridge.history import MemoryHistory
from bridge.ledger import BEHIND
from bridge.sources import Batch
from bridge.space import Change
from bridge.uns import Message


class Disk(MemoryHistory):
    """A store whose disk takes what it has when the test says so."""

    def __init__(self) -> None:
        super().__init__(100, 1_000)
        self.hasty: list[bool] = []
        self.is_behind = self.is_full = False
        self._waiting: list[Callable[[], None]] = []
        self._room = asyncio.Event()

    def append(
        self, changes: Sequence[Change], settled: Callable[[], None] | None = None, *, haste: bool = True
    ) -> None:
        super().append(changes)
        self.hasty.append(haste)
        if settled is not None:
            self._waiting.append(settled)

    def commit(self) -> None:
        for settled in self._waiting:
            settled()
        self._waiting.clear()

    @property
    def behind(self) -> bool:
        return self.is_behind or self.is_full

    @property
    def full(self) -> bool:
        return self.is_full

    async def caught_up(self) -> None:
        await self._room.wait()

    def make_room(self) -> None:
        self.is_behind = self.is_full = False
        self._room.set()


class Broker:
    """A source with some batches; `acknowledged` are the numbers of those that are done."""

    def __init__(self, *kept: bool) -> None:
        self.acknowledged: list[int] = []
        self._kept = kept

    def _batches(self) -> Iterator[Batch]:
        for number, kept in enumerate(self._kept):
            payload = msgspec.json.encode({"value": number, "timestamp": 1_790_000_000_000 + number})
            messages = [Message(SPEED, payload, int(kept), received_ns=number + 1)]
            yield Batch(messages, lambda number=number: self.acknowledged.append(number), int(kept))

    async def batches(self) -> AsyncIterator[Batch]:
        for batch in self._batches():
            yield batch


@pytest.fixture
def disk() -> Disk:
    return Disk()


def flowing(disk: Disk) -> Flow:
    return Flow(InProcess().engine, disk)


def run(flow: Flow, broker: Broker) -> None:
    asyncio.run(flow.run(broker))  # type: ignore[arg-type]  # of a source only batches are taken here


def test_acknowledged_when_safe(disk: Disk) -> None:
    """Nothing is acknowledged or counted as stored before the disk has it; then everything is, in order."""
    flow, broker = flowing(disk), Broker(True, True, False)
    run(flow, broker)
    ledger = flow.ledger
    assert (ledger.received, ledger.stored, ledger.unacknowledged, broker.acknowledged) == (3, 0, 3, [])
    assert ledger.balance == 0
    disk.commit()
    assert (ledger.stored, ledger.unacknowledged, broker.acknowledged) == (3, 0, [0, 1, 2])
    assert ledger.balance == 0


def test_safe_up_to(disk: Disk) -> None:
    """Safe is what was received before the first message that is not on the disk yet, and everything where all are."""
    flow = flowing(disk)
    assert flow.safe_ns == EVERYTHING_NS
    run(flow, Broker(True))
    disk.commit()
    assert flow.safe_ns == EVERYTHING_NS
    for received_ns in (20, 30, 10):
        flow.take(Batch([Message(SPEED, b"%d" % received_ns, 1, received_ns=received_ns)], waiting=1))
    assert flow.safe_ns == 9  # the clock has stepped back
    disk.commit()
    assert flow.safe_ns == EVERYTHING_NS


def test_shed_holds_nothing_up(disk: Disk) -> None:
    """What goes into no history is not waited for."""
    disk.is_behind = True
    flow = flowing(disk)
    run(flow, Broker(False))
    assert flow.safe_ns == EVERYTHING_NS


def test_haste(disk: Disk) -> None:
    """The disk makes haste for what the broker keeps, because it keeps only so much; for QoS 0 nobody waits."""
    run(flowing(disk), Broker(True, False))
    assert disk.hasty == [True, False]


def test_behind(disk: Disk) -> None:
    """While the disk is behind, what nobody keeps goes on into the core but not into history, and is counted; what the
    broker keeps is taken.
    """
    disk.is_behind = True
    flow, broker = flowing(disk), Broker(False, True, False)
    run(flow, broker)
    disk.commit()
    assert (disk.rows, broker.acknowledged) == (1, [0, 2, 1])
    assert (flow.ledger.stored, flow.ledger.rejected) == (1, {BEHIND: 2})
    assert flow.ledger.balance == 0


def test_full_waits(disk: Disk) -> None:
    """What the broker keeps is not taken while history is full, and nothing is lost."""

    async def work() -> None:
        disk.is_full = True
        flow, broker = flowing(disk), Broker(False, True, True)
        task = asyncio.create_task(flow.run(broker))  # type: ignore[arg-type]
        await asyncio.sleep(0.01)
        assert (flow.ledger.received, disk.rows) == (1, 0)
        disk.make_room()
        await task
        disk.commit()
        assert (flow.ledger.stored, disk.rows, broker.acknowledged) == (2, 2, [0, 1, 2])

    asyncio.run(work())
