"""`bridge history`: what the history file holds, and the rows of one element as CSV or JSON lines.

The file is only read, whether a daemon runs or not, and rows are written as they are read: an export takes as little
memory as its longest block. There is no address space here, so a field of a payload is found by its path, without what
the daemon knows about it (a time of its own, say), and a composed element has no rows: its parts have.
"""

import csv
import heapq
import json
import re
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Literal, Protocol, TextIO, TypeAlias

import msgspec
from msgspec import Raw, Struct

from bridge.config import Settings
from bridge.errors import BridgeError, ConfigError
from bridge.history import Row, Series, Unreadable
from bridge.history.sqlite.database import NAME
from bridge.uns import BAD, NO_DATA, Json
from bridge.uns.moments import SECOND, parse_request, render
from bridge.uns.topics import pointer_of

Format: TypeAlias = Literal["csv", "jsonl"]

EARLIEST, LATEST = -(2**63), 2**63 - 1  # what a time in the file can be: ns from 1677 to 2262
SHOWN = 5  # elements below one that has no rows
TIME_RULE = "must be a time such as 2026-01-31T08:00:00Z, a date (its beginning in UTC), or -1h, -7d (s m h d w)"

_COLUMNS = ("timestamp", "value", "quality")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_AGO = re.compile(r"-(\d{1,9}(?:\.\d{1,3})?)([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_TIMES = frozenset(("oldest", "newest"))  # facts about a file that are instants, in ns

_NOWHERE = object()  # what a payload without a field has there

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Archive(Protocol):
    """A history file that is only read, without what of it is damaged. All raise `Unreadable` where it cannot be."""

    def info(self) -> Mapping[str, Any]:
        """What it holds: rows, bytes, elements, oldest and newest (ns), …"""
        ...

    def elements(self) -> Iterator[tuple[str, int]]:
        """The ids that have rows, and how many."""
        ...

    def chunks(self, element_id: str, start_ns: int, end_ns: int) -> Iterator[Series]:
        """Rows in ascending pieces, both ends inclusive, without what is damaged. One such iterator at a time."""
        ...

    @property
    def damage(self) -> Sequence[str]:
        """What the last `chunks` had to leave out, a sentence for each kind."""
        ...


class Wanted(Struct, frozen=True):
    """What to export. Both ends are inclusive, in ns since 1970 UTC."""

    element_id: str
    start_ns: int = EARLIEST
    end_ns: int = LATEST
    form: Format = "csv"


# --- the file ---------------------------------------------------------------------------------------------------------


@contextmanager
def opened(settings: Settings) -> Iterator[Archive]:
    """The history file of a configuration. Raises `BridgeError` where there is none or it cannot be read."""
    from bridge.history.sqlite.archive import Archive as SqliteArchive

    path = path_of(settings)
    try:
        with SqliteArchive(path) as archive:
            yield archive
    except (Unreadable, sqlite3.Error) as error:
        raise BridgeError(f"{path}: {error}") from None


def path_of(settings: Settings) -> Path:
    """Where the history file is. Raises `BridgeError` where there is none."""
    directory = settings.state.directory
    if directory is None:
        raise BridgeError("[state] directory is empty: history is in the memory of the running bridge, which answers")
    path = directory / NAME
    if not path.is_file() and settings.history.backend == "memory":
        raise BridgeError('[history] backend = "memory": history is in the memory of the running bridge, which answers')
    if not path.is_file():
        hint = "--config FILE, or [state] directory in it, says where the daemon keeps it"
        raise BridgeError(f"{path}: there is no such file; {hint}")
    return path


def info_text(archive: Archive, *, as_json: bool) -> str:
    """What a file holds, one fact a line."""
    found = archive.info()
    if as_json:
        return json.dumps(found, indent=2)
    width = max(map(len, found), default=0)
    return "\n".join(f"{name.replace('_', ' '):{width}}  {_fact(name, value)}" for name, value in found.items())


def _fact(name: str, value: object) -> str:
    if value is None:
        return "none"
    if name in _TIMES and isinstance(value, int):
        return render(value)
    return f"{value:.2f}" if isinstance(value, float) else str(value)


# --- times ------------------------------------------------------------------------------------------------------------


def moment(text: str, now_ns: int) -> int:
    """An instant that a person types. Raises `ValueError` with what is allowed."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return max(EARLIEST, now_ns - round(float(ago[1]) * 1_000) * _SECONDS[ago[2]] * (SECOND // 1_000))
    found = parse_request(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text)
    if found is None:
        raise ValueError(f"{text!r}: {TIME_RULE}")
    return max(EARLIEST, min(found, LATEST))


# --- rows out ---------------------------------------------------------------------------------------------------------


def export(archive: Archive, wanted: Wanted, output: Callable[[], AbstractContextManager[TextIO]]) -> int:
    """Write the rows, and count them; the output is opened once it is known that the element has some at all, and a
    field that it has been in one of them. Raises `BridgeError` where not, `ConfigError` for a range that ends before
    it begins, and for what names no single element.
    """
    _check(wanted)
    owner, path = wanted.element_id.partition("#")[0], pointer_of(wanted.element_id)
    if path:
        with _chunks(archive, owner, wanted) as found:
            _must_have_field(found, wanted.element_id)
    with _chunks(archive, owner, wanted) as found:
        first = next(found, None)
        if first is None:
            _must_have_rows(archive, owner)
        with output() as stream:
            return _written(_writer(wanted, stream), chain([first] if first is not None else [], found), path)


def _check(wanted: Wanted) -> None:
    ident = wanted.element_id
    owner, mark, pointer = ident.partition("#")
    if ident == "#" or ident.endswith("/#") or "+" in owner.split("/"):
        raise ConfigError([f"{ident}: wildcards are not possible; name one element"])
    if mark and not pointer.startswith("/"):
        raise ConfigError([f"{ident}: a field is named with its path, such as {owner}#/{pointer or 'a/b'}"])
    if wanted.start_ns > wanted.end_ns:
        raise ConfigError([f"--from {render(wanted.start_ns)}: must not be after --to {render(wanted.end_ns)}"])


@contextmanager
def _chunks(archive: Archive, owner: str, wanted: Wanted) -> Iterator[Iterator[Series]]:
    found = archive.chunks(owner, wanted.start_ns, wanted.end_ns)
    try:
        yield filter(len, found)
    finally:
        if isinstance(found, Generator):  # it looks into the file, which is closed before a generator is collected
            found.close()


def _must_have_field(chunks: Iterator[Series], ident: str) -> None:
    """Some payload must have had it; an element without any rows is another matter."""
    path, some = pointer_of(ident), False
    for series in chunks:
        some = True
        if any(_at(value, path) is not _NOWHERE for value in series.values):
            return
    if some:
        owner, _, pointer = ident.partition("#/")
        raise BridgeError(f"no field {pointer} in the payloads of {owner}")


def _written(write: Callable[[Iterator[Row]], None], chunks: Iterable[Series], path: Sequence[str]) -> int:
    count = 0
    for series in chunks:
        count += len(series)
        write(projected(series, path) if path else series.rows())
    return count


def _must_have_rows(archive: Archive, ident: str) -> None:
    """An element that has none may be a composed one: then its parts are named."""
    below: list[str] = []
    for known, _ in archive.elements():
        if known == ident:
            return
        if known.startswith(f"{ident}/"):
            below = heapq.nsmallest(SHOWN + 1, [*below, known])
    if not below:
        raise BridgeError(f"{ident}: has no rows")
    more = " and more" if len(below) > SHOWN else ""
    raise BridgeError(f"{ident}: has no rows of its own; below it: {', '.join(below[:SHOWN])}{more}")


def projected(series: Series, path: Sequence[str]) -> Iterator[Row]:
    """The rows of a field: what its owner's payloads held at a path, nothing where there was none."""
    for value, quality, time_ns in series.rows():
        found = _at(value, path)
        if found is None or found is _NOWHERE:
            yield None, BAD if quality == BAD else NO_DATA, time_ns
        else:
            yield found, quality, time_ns


def _at(value: Json, path: Sequence[str]) -> Any:  # noqa: ANN401 - a JSON value, or _NOWHERE
    found = _decode(value) if type(value) is bytes else value
    for key in path:
        if type(found) is not dict or key not in found:
            return _NOWHERE
        found = found[key]
    return found


def _writer(wanted: Wanted, stream: TextIO) -> Callable[[Iterator[Row]], None]:
    if wanted.form == "csv":
        rows = csv.writer(stream)  # RFC 4180: lines end in CR LF, so that either of them is quoted in a text
        rows.writerow(_COLUMNS)
        return lambda found: rows.writerows(map(_cells, found))
    ident = wanted.element_id
    return lambda found: stream.writelines(_line(ident, row) for row in found)


def _cells(row: Row) -> tuple[str, str, str]:
    value, quality, time_ns = row
    return render(time_ns), _cell(value), quality


def _cell(value: Json) -> str:
    """Text as it is, nothing for null, everything else as JSON."""
    kind = type(value)
    if kind is str:
        return str(value)
    return "" if value is None else (value if kind is bytes else _encode(value)).decode()


def _line(ident: str, row: Row) -> str:
    value, quality, time_ns = row
    told = {
        "elementId": ident,
        "timestamp": render(time_ns),
        "value": Raw(value) if type(value) is bytes else value,
        "quality": quality,
    }
    return f"{_encode(told).decode()}\n"


@contextmanager
def new_file(path: Path, *, replace: bool) -> Iterator[TextIO]:
    """A file to write into. Raises `ConfigError` where there is one already, or a directory, `BridgeError` where it
    cannot be written: what is in it then is not all.
    """
    if path.is_dir():
        raise ConfigError([f"{path}: is a directory; name a file in it"])
    try:
        with path.open("w" if replace else "x", encoding="utf-8", newline="") as stream:
            yield stream
    except FileExistsError:
        raise ConfigError([f"{path}: exists already; --force replaces it"]) from None
    except OSError as error:
        raise BridgeError(f"{path}: cannot be written, or not all of it: {error.strerror}") from None
