"""What one request may still take: values, bytes and time. Whatever ends it early is told as a cut, never silent."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import accumulate

from msgspec import Struct

from bridge.history.base import Series
from bridge.uns import Json
from bridge.uns.moments import render

_TURN = 0.005  # seconds of work before others get their turn
_SIZED = frozenset((bytes, str))  # values that can be large; numbers are not weighed


class Cut(Struct, frozen=True):
    """An element whose rows did not all fit."""

    element_id: str
    resume_ns: int

    def __str__(self) -> str:
        return f"{self.element_id}: resume with startTime {render(self.resume_ns)}"


class Allowance:
    """Values (of a composed row, as many as it has parts), bytes of structured values and texts, and time in seconds.

    The event loop and the store's thread use it in turn, never at once.
    """

    def __init__(self, values: int, size: int, seconds: float, clock: Callable[[], float]) -> None:
        self.values = values
        self.bytes = size
        self.served = False  # something has been answered already
        self.seconds = seconds
        self._clock = clock
        self._turn = self._now = clock()
        self._until = self._turn + seconds

    @property
    def turn_over(self) -> bool:
        return self._clock() - self._turn > _TURN

    async def others(self) -> None:
        """Give other requests and messages their turn, when it is time."""
        if self.turn_over:
            await asyncio.sleep(0)
            self._turn = self._now = self._clock()

    @property
    def used_up(self) -> bool:
        return self.values <= 0 or self.bytes <= 0 or self._now > self._until

    @property
    def late(self) -> bool:
        """Whether the time is over, as of this moment."""
        self._now = self._clock()
        return self._now > self._until

    def charge(self, found: Series, width: int = 1) -> Series:
        """Take rows off; those beyond the bytes that are left are cut off, the first one never."""
        if sizes := sizes_of(found.values):
            sizes = list(accumulate(sizes))
            fitting = next((at for at, size in enumerate(sizes, 1) if size >= self.bytes), len(sizes))
            found = found.cut(fitting)
            self.bytes -= sizes[fitting - 1]
        self.values -= len(found) * width
        self.served = self.served or len(found) > 0
        return found


def sizes_of(values: Sequence[Json]) -> list[int]:
    """Bytes of each value, characters of a text; empty where none of them can be large."""
    if _SIZED.isdisjoint(map(type, values)):
        return []
    return [len(value) if type(value) in _SIZED else 0 for value in values]
