"""Reading by recipe: any element's rows as ascending pieces, whatever they are made of.

A field's rows are projected from the payloads of its owner. A composed element's rows are the leaves' merged by time:
one row for each instant at which a leaf changed, the others as they were then. Structured values are packed, as they
are in every series.

A piece with `resume_ns` is the last one although there is more: all rows before that time have come. It comes when the
time of a request is over, but never before the first piece.

A field may tell a time of its own. Its rows then lie in later payloads, `LAG` at most, or in slightly earlier ones.
"""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

import msgspec
from msgspec import Raw

from bridge.history.allowance import Allowance
from bridge.history.base import Reader, Row, Series, first
from bridge.history.projection import projected
from bridge.history.recipes import Composed, Leaf, Plain, Projected, Recipe, Tree
from bridge.space.node import compose
from bridge.space.projecting import FUTURE_NS
from bridge.uns import NO_DATA
from bridge.uns.moments import SECOND

LAG = 86_400 * SECOND  # a field's own time that is further behind its payload's is no news: it is not looked for
_ROUND = 65_536  # rows of all leaves that are read before they are composed
_PIECE = 256  # rows projected or composed between two looks at the clock
_EVER = 2**63 - 1  # ns: the year 2262, the last that stores count
_NOTHING: Row = (None, NO_DATA, 0)

_Entry: TypeAlias = tuple[int, int, Row]  # time, index of the leaf, the leaf's row

_encode = msgspec.json.Encoder().encode
_when = itemgetter(0)
_order = itemgetter(0, 1)


def pieces(
    reader: Reader, recipe: Recipe, start_ns: int, end_ns: int, allowance: Allowance, wanted: int
) -> Iterator[Series]:
    """All rows of a range, both ends inclusive. `wanted`: so many rows will be enough, as far as is known."""
    match recipe:
        case Composed():
            return _in_time(_composed(reader, recipe, start_ns, end_ns, allowance, wanted), allowance)
        case _:
            return _in_time(_leaf(reader, recipe, start_ns, end_ns, allowance), allowance)


def before(reader: Reader, recipe: Recipe, time_ns: int, allowance: Allowance) -> Row | None:
    """The last row earlier than a time."""
    match recipe:
        case Plain(element_id):
            return reader.before(element_id, time_ns)
        case Projected():
            return _before_projected(reader, recipe, time_ns, allowance)
        case Composed(leaves, tree):
            rows = [before(reader, leaf, time_ns, allowance) for leaf in leaves]
            if not any(rows):
                return None
            value, quality, latest = _compose(tree, [_embedded(row or _NOTHING) for row in rows])
            return _packed(value), quality, latest


def last_ns(reader: Reader, recipe: Recipe, end_ns: int) -> int:
    """About when the last row of a range lies; 0 where there is none. A field's own times are not looked at."""
    match recipe:
        case Composed(leaves):
            return max((last_ns(reader, leaf, end_ns) for leaf in leaves), default=0)
        case Plain(element_id) | Projected(element_id):
            row = reader.before(element_id, end_ns)
            return row[2] if row is not None else 0


def _in_time(found: Iterable[Series], allowance: Allowance) -> Iterator[Series]:
    """Pieces until the time is over; the first one always comes."""
    some = False
    for piece in found:
        if some and piece.times and allowance.late:
            yield Series([], [], [], piece.times[0])
            return
        yield piece
        some = some or bool(piece.times)
        if piece.resume_ns is not None:
            return


# --- elements with payloads, and fields of those ----------------------------------------------------------------------


def _leaf(reader: Reader, leaf: Leaf, start_ns: int, end_ns: int, allowance: Allowance) -> Iterator[Series]:
    if isinstance(leaf, Plain):
        return reader.chunks(leaf.element_id, start_ns, end_ns)
    if leaf.tells_time:
        return _own_times(reader, leaf, start_ns, end_ns, allowance)
    return _projected(leaf, reader.chunks(leaf.owner_id, start_ns, end_ns))


def _projected(field: Projected, payloads: Iterable[Series]) -> Iterator[Series]:
    """In small pieces, so that the clock is looked at in between."""
    for chunk in payloads:
        for at in range(0, len(chunk), _PIECE):
            yield projected(field, _part(chunk, at))


def _own_times(reader: Reader, field: Projected, start_ns: int, end_ns: int, allowance: Allowance) -> Iterator[Series]:
    """Rows in the order of the field's own times. What lies `LAG` behind the payload at hand is complete."""
    pending: dict[int, Row] = {}
    complete = start_ns  # before it nothing more can come
    some = False
    for chunk in reader.chunks(field.owner_id, start_ns - FUTURE_NS, min(end_ns + LAG, _EVER)):
        for at in range(0, len(chunk), _PIECE):
            payloads = _part(chunk, at)
            for row, said_ns in zip(projected(field, payloads).rows(), payloads.times, strict=True):
                if start_ns <= row[2] <= end_ns and said_ns - row[2] <= LAG:
                    pending[row[2]] = row
            complete = max(complete, payloads.times[-1] - LAG)
            if some and allowance.late:
                yield _due(pending, complete, complete)
                return
            some = True
        if pending and min(pending) < complete:
            yield _due(pending, complete)
    yield _due(pending, end_ns + 1)


def _due(pending: dict[int, Row], until_ns: int, resume_ns: int | None = None) -> Series:
    """Take out what lies before a time."""
    due = sorted(time_ns for time_ns in pending if time_ns < until_ns)
    return _series([pending.pop(time_ns) for time_ns in due], resume_ns)


def _before_projected(reader: Reader, field: Projected, time_ns: int, allowance: Allowance) -> Row | None:
    found = reader.before(field.owner_id, time_ns)
    if not field.tells_time:
        return next(projected(field, _series([found])).rows()) if found is not None else None
    since_ns = (found[2] if found is not None else time_ns) - LAG  # a row that is no news may lie earlier still
    last = None
    for piece in _own_times(reader, field, since_ns, time_ns - 1, allowance):
        last = (piece.values[-1], piece.qualities[-1], piece.times[-1]) if piece.times else last
    return last


# --- composed elements ------------------------------------------------------------------------------------------------


def _composed(
    reader: Reader, recipe: Composed, start_ns: int, end_ns: int, allowance: Allowance, wanted: int
) -> Iterator[Series]:
    """Round by round, so that never more than a round's rows of the leaves are in memory."""
    leaves = recipe.leaves
    share = max(1, min(wanted, _ROUND // max(1, len(leaves))))
    state = [_embedded(before(reader, leaf, start_ns, allowance) or _NOTHING) for leaf in leaves]
    while True:
        found = [first(pieces(reader, leaf, start_ns, end_ns, allowance, share), share) for leaf in leaves]
        complete = min((one.resume_ns for one in found if one.resume_ns is not None), default=None)
        yield from _merged(recipe.tree, state, found, complete)
        if complete is None:
            return
        if allowance.late:
            yield Series([], [], [], complete)
            return
        start_ns = complete


def _merged(tree: Tree, state: list[Row], found: list[Series], until_ns: int | None) -> Iterator[Series]:
    """The composed rows of one round, before a time; `state` follows."""
    rows: list[Row] = []
    entries = merge(*(_entries(index, one) for index, one in enumerate(found)), key=_order)
    for time_ns, changed in groupby(entries, key=_when):
        if until_ns is not None and time_ns >= until_ns:
            break
        for _, index, row in changed:
            state[index] = _embedded(row)
        value, quality, _ = _compose(tree, state)
        rows.append((_packed(value), quality, time_ns))
        if len(rows) == _PIECE:
            yield _series(rows)
            rows = []
    if rows:
        yield _series(rows)


def _entries(index: int, one: Series) -> Iterator[_Entry]:
    return ((row[2], index, row) for row in one.rows())


def _compose(tree: Tree, state: list[Row]) -> Row:
    """A composed element's value at one instant, given that of each leaf."""
    return compose([(name, state[at] if isinstance(at, int) else _compose(at, state)) for name, at in tree], 0)


# --- values -----------------------------------------------------------------------------------------------------------


def _series(rows: list[Row], resume_ns: int | None = None) -> Series:
    return Series([row[2] for row in rows], [row[0] for row in rows], [row[1] for row in rows], resume_ns)


def _part(chunk: Series, at: int) -> Series:
    part = slice(at, at + _PIECE)
    return Series(chunk.times[part], chunk.values[part], chunk.qualities[part])


def _packed(value: object) -> object:
    return _encode(value) if isinstance(value, dict | list) else value


def _embedded(row: Row) -> Row:
    """A row whose value can stand inside a composed one: what is packed goes on as it is."""
    return (Raw(row[0]), row[1], row[2]) if type(row[0]) is bytes else row
