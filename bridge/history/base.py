"""The `History` protocol: append what changed, ask what was, keep within bounds.

A row is a value-quality-timestamp; rows of an element ascend by time, and one time holds one row: a later arrival at
the same time replaces the earlier one. Elements are named by the id of the node that had the payload; fields and
composed elements are answered from their owners' and parts' rows (`bridge.history.answers`).

A structured value is a row's value as JSON bytes, *packed*: most are only passed on. No other value is `bytes`.

Whoever asks gets a `Reader` in a thread of the store's, so that neither messages nor other requests wait for it.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from bridge.space import Change, Vqt
from bridge.uns import BAD, Json, Quality

Row: TypeAlias = Vqt
T = TypeVar("T")

CHUNK = 4_096  # rows of one chunk at most; what is read in vain when a limit ends a query

_decode = msgspec.json.Decoder().decode


class Series(Struct):
    """Rows as columns of the same length, ascending by time (nanoseconds since 1970 UTC).

    `resume_ns` is set where a limit cut: the time of the first row left out.
    """

    times: list[int]
    values: list[Json]
    qualities: list[Quality]
    resume_ns: int | None = None

    def __len__(self) -> int:
        return len(self.times)

    def rows(self) -> Iterator[Row]:
        return zip(self.values, self.qualities, self.times, strict=True)

    def cut(self, count: int) -> "Series":
        """The first rows; where there are more, they say where to resume."""
        if count >= len(self.times):
            return self
        return Series(self.times[:count], self.values[:count], self.qualities[:count], self.times[count])


class Reader(Protocol):
    """What was, as of now. Times are nanoseconds since 1970 UTC, both ends inclusive."""

    def chunks(self, element_id: str, start_ns: int, end_ns: int) -> Iterator[Series]:
        """All rows of a range, in ascending pieces that are read when they are asked for. Raises `Unreadable`."""
        ...

    def before(self, element_id: str, time_ns: int) -> Row | None:
        """The last row earlier than a time. Raises `Unreadable`."""
        ...


class Unreadable(Exception):
    """Rows are there but cannot be read; the text says why."""


class Figures(Struct, frozen=True):
    """What a store tells about itself, for health and metrics; all but `problem` since the start, or as of now."""

    problem: str | None = None  # why rows cannot be written, if so
    unwritten: int = 0  # rows that are in memory only, and are to go to the disk
    bytes: int = 0  # that the rows take, about
    repeated: int = 0  # rows that took the place of one at the same time
    commits: int = 0
    commit_seconds: float = 0.0
    failures: int = 0  # attempts to write that failed, and were made again
    problems: int = 0  # files, or parts of them, that could not be used


class History(Protocol):
    """See the module's text. Everything is called from one thread, the event loop's where there is one."""

    def append(
        self, changes: Sequence[Change], settled: Callable[[], None] | None = None, *, haste: bool = True
    ) -> None:
        """Take rows in. They are found at once; `settled` is called from the event loop when all that was appended so
        far is safe. With `haste` somebody waits for that, else it may take a moment.
        """
        ...

    def ask(self, question: Callable[[Reader], T]) -> Awaitable[T]:
        """Let a question be answered from the rows. What it raises comes back."""
        ...

    @property
    def behind(self) -> bool:
        """Whether more rows wait for the disk than should: who can do without had better not append."""
        ...

    @property
    def full(self) -> bool:
        """Whether so many more wait that nobody should append before it has `caught_up`."""
        ...

    async def caught_up(self) -> None:
        """Wait until it is not `full`."""
        ...

    @property
    def rows(self) -> int:
        """Rows held."""
        ...

    @property
    def evicted(self) -> int:
        """Rows dropped so far to stay within bounds."""
        ...

    def figures(self) -> Figures: ...

    def start(self) -> None:
        """Begin to write, from within the event loop."""
        ...

    async def flush(self, patience: float) -> bool:
        """Wait until all that was appended is safe, for so many seconds at most; whether it is."""
        ...

    async def close(self, patience: float) -> bool:
        """The same, and then end: nothing is appended or asked any more."""
        ...


def first(chunks: Iterable[Series], limit: int) -> Series:
    """The first rows of all chunks, `limit` at most."""
    found = Series([], [], [])
    for chunk in chunks:
        room = limit - len(found)
        if not room and chunk.times:
            found.resume_ns = chunk.times[0]
            break
        part = chunk.cut(room)
        found.times += part.times
        found.values += part.values
        found.qualities += part.qualities
        found.resume_ns = part.resume_ns
        if part.resume_ns is not None:
            break
    return found


def is_row(change: Change) -> bool:
    """Whether a change belongs into history: a doubt does not, the reading itself is there already; only that a source
    had gone is new.
    """
    return not change.doubt or change.quality == BAD


def unpacked(row: Row) -> Row:
    """A row with its value as it came."""
    return (_decode(row[0]), row[1], row[2]) if type(row[0]) is bytes else row


def weight(row: Row) -> int:
    """Bytes of a row's value, where they can be many; characters of a text."""
    return len(row[0]) if type(row[0]) in _SIZED else 0


_SIZED = (bytes, str)
