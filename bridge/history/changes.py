"""Changes only: rows that say something else than the row before. Of what mostly says the same (states, switches) few.

The first row of a range always comes: what held before it is not looked at. An answer that was cut may begin anew with
what the one before it ended with.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from bridge.history.base import Series


class Changes(Struct, frozen=True):
    """Ask for these instead of all rows."""


def changes(found: Iterable[Series]) -> Iterator[Series]:
    """Ascending pieces of rows without repetitions; `1`, `1.0` and `true` are different values. Where they were cut,
    these are cut there, too.
    """
    said: tuple[object, object, object] | None = None
    for piece in found:
        kept = Series([], [], [], piece.resume_ns)
        for value, quality, time_ns in piece.rows():
            says = (value, type(value), quality)
            if says != said:
                kept.values.append(value)
                kept.qualities.append(quality)
                kept.times.append(time_ns)
                said = says
        yield kept
