"""The file format of a remembered model: gzip of JSON lines, the first of which says what the others are.

`zcat` shows it. Each of the other lines is an object with some types, some elements, or what names mean. Whether all
of it is there, gzip's checksum tells.
"""

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from bridge.space.learning.placing import Usage
from bridge.space.learning.remembered import Memory, Place, TypeNote

FORMAT = 1
MAX_BYTES = 256 * 1024 * 1024  # unpacked; a model of 250,000 topics has some 20 MB
_LEVEL = 6  # of compression
_IDS = 1_000  # in one line
_TYPES = 100


class Unusable(Exception):
    """Bytes that are no model of this format; the text says why."""


class Header(Struct, frozen=True):
    """`bridge` is the version that wrote it, `saved` when, `fingerprint` that of its configuration."""

    format: int
    bridge: str
    saved: str
    fingerprint: str


class _Line(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    roots: dict[str, str] = {}
    types: list[TypeNote] = []
    usage: Usage = {}
    words: dict[str, list[str] | None] = {}
    places: list[tuple[Place, list[str]]] = []


def packed(header: Header, memory: Memory) -> bytes:
    """A model as the bytes of a file."""
    encoder = msgspec.json.Encoder()
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_LEVEL, mtime=0) as zipped:
        for line in (header, *_lines(memory)):
            zipped.write(encoder.encode(line) + b"\n")
    return file.getvalue()


def _lines(memory: Memory) -> Iterator[_Line]:
    yield _Line(roots=memory.roots, usage=memory.usage, words=memory.words)
    for start in range(0, len(memory.types), _TYPES):
        yield _Line(types=memory.types[start : start + _TYPES])
    some: list[tuple[Place, list[str]]] = []
    count = 0
    for place, idents in memory.places:
        for start in range(0, len(idents), _IDS):
            some.append((place, idents[start : start + _IDS]))
            count += len(some[-1][1])
            if count >= _IDS:
                yield _Line(places=some)
                some, count = [], 0
    if some:
        yield _Line(places=some)


def unpacked(data: bytes) -> tuple[Header, Memory]:
    """The model in the bytes of a file. Raises `Unusable`."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            text = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Unusable(f"not gzip, or not all of it: {error}") from None
    if len(text) > MAX_BYTES:
        raise Unusable(f"more than {MAX_BYTES} bytes")
    first, *lines = text.splitlines() or [b""]
    try:
        version = msgspec.json.decode(first, type=dict[str, msgspec.Raw]).get("format", msgspec.Raw(b"0"))
        if bytes(version) != b"%d" % FORMAT:
            raise Unusable(f"format {bytes(version).decode()}, this version reads {FORMAT}")
        return msgspec.json.decode(first, type=Header), _memory(
            msgspec.json.Decoder(_Line).decode(line) for line in lines
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unusable(f"not a model: {error}") from None


def _memory(lines: Iterable[_Line]) -> Memory:
    memory = Memory({}, [], {}, {}, [])
    for line in lines:
        memory.roots.update(line.roots)
        memory.types.extend(line.types)
        memory.usage.update(line.usage)
        memory.words.update(line.words)
        memory.places.extend(line.places)
    return memory
