"""What waits to be written: the commit that gathers, and those in the writer's hands, in order.

The writer gets the next commit when it has done the one before, if anybody waits for that; when what has gathered is
large; or else in a moment. Everything here runs in the event loop.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from bridge.history.sqlite.work import Commit, Job

LAZY_S = 0.25  # until rows that nobody waits for are committed: what a crash may cost at QoS 0
COMMIT_ROWS = 5_000  # of one commit, about: 2 ms of encoding, which holds up everybody
COMMIT_BYTES = 16 * 1024 * 1024


class Outbox:
    """`put` gives a job to the writer. `rows` and `bytes` (of texts and structures) wait in all."""

    def __init__(self, put: Callable[[Job], None], generation: int) -> None:
        self.pending = Commit(generation, [], [], [], {})
        self.in_hand: deque[Commit] = deque()
        self.rows = self.bytes = 0
        self.idle = asyncio.Event()  # nothing is in the writer's hands
        self.idle.set()
        self._put = put
        self._hasty = False  # somebody waits for what is pending
        self._timer: asyncio.TimerHandle | None = None

    def grew(self, rows: int, size: int) -> None:
        """So much was put into the pending commit."""
        self.rows += rows
        self.bytes += size
        self.pending.size += size

    def go_on(self, settled: Callable[[], None] | None, *, haste: bool) -> None:
        """See to it that what is pending is written; `settled` is called when all that waits now is."""
        pending = self.pending
        if settled is not None and not (pending.rows or pending.settled or self.in_hand):
            settled()
        elif settled is not None:
            pending.settled.append(settled)
        if not pending.rows and not pending.settled:
            return
        hasty = haste and settled is not None
        if self.is_large or (hasty and not self.in_hand):
            self.hand_over()
        elif hasty:
            self._hasty = True
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LAZY_S, self.hand_over)

    @property
    def is_large(self) -> bool:
        return len(self.pending.rows) >= COMMIT_ROWS or self.pending.size >= COMMIT_BYTES

    def hand_over(self) -> None:
        """What has gathered is the writer's now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._hasty = False
        job = self.pending
        if job.rows or job.settled:
            self.pending = Commit(job.generation, [], [], [], {})
            self.idle.clear()
            self.in_hand.append(job)
            self._put(job)

    def written(self, job: Commit) -> None:
        """The writer has done one. One of a file that was given up is nobody's."""
        if not self.in_hand or self.in_hand[0] is not job:
            return
        self.in_hand.popleft()
        self.rows -= len(job.rows)
        self.bytes -= job.size
        for settled in job.settled:
            settled()
        if self._hasty and not self.in_hand:
            self.hand_over()
        if not self.in_hand:
            self.idle.set()

    def give_up(self) -> list[Callable[[], None]]:
        """Nothing of this will be written; who waits for it."""
        if self._timer is not None:
            self._timer.cancel()
        return [settled for job in (*self.in_hand, self.pending) for settled in job.settled]
