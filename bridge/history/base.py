"""The `History` protocol: append what changed, query a range, keep within bounds.

A row is a value-quality-timestamp; rows of an element ascend by time, and one time holds one row: a later arrival at
the same time replaces the earlier one. Elements are named by the id of the node that had the payload; fields and
composed elements are answered from their owners' and parts' rows (`bridge.history.answers`).

A structured value is a row's value as JSON bytes, *packed*: most are only passed on. No other value is `bytes`.
"""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import msgspec
from msgspec import Struct

from bridge.space import Change, Vqt

Row: TypeAlias = Vqt

_decode = msgspec.json.Decoder().decode


class Rows(Struct):
    """Rows in ascending order. `resume_ns` is set where a limit cut: the time of the first row left out."""

    rows: list[Row]
    resume_ns: int | None = None


class History(Protocol):
    """See the module's text. Times are nanoseconds since 1970 UTC, both ends inclusive."""

    def append(self, changes: Sequence[Change]) -> None: ...

    def query(self, element_id: str, start_ns: int, end_ns: int, limit: int) -> Rows:
        """The first rows of a range, `limit` at most."""
        ...

    def before(self, element_id: str, time_ns: int) -> Row | None:
        """The last row earlier than a time."""
        ...

    @property
    def rows(self) -> int:
        """Rows held."""
        ...

    @property
    def evicted(self) -> int:
        """Rows dropped so far to stay within bounds."""
        ...


def unpacked(row: Row) -> Row:
    """A row with its value as it came."""
    return (_decode(row[0]), row[1], row[2]) if type(row[0]) is bytes else row


def weight(row: Row) -> int:
    """Bytes of a row's value, where they can be many; characters of a text."""
    return len(row[0]) if type(row[0]) in _SIZED else 0


_SIZED = (bytes, str)
