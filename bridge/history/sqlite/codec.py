"""Blocks: some rows of one element as bytes, and back.

Times are differences in the coarsest unit that all of them are multiples of, as narrow integers; values are a JSON
array, which holds integers of any size, decimals and structures exactly and, compressed, takes no more than binary
numbers do (a float of five digits two bytes, one of seventeen digits nine). A header says how, and a checksum of all,
the first time included, whether it is as it was.
"""

import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import gcd
from struct import Struct

import msgspec

from bridge.history.base import Series, Unreadable
from bridge.uns import BAD, GOOD, NO_DATA, UNCERTAIN, Json, Quality

ROWS = 1_024  # of a block at most: enough for good compression, little to read in vain
QUALITIES: tuple[Quality, ...] = (GOOD, UNCERTAIN, BAD, NO_DATA)  # stored as their index: only ever add at the end
INDEX: dict[Quality, int] = {quality: index for index, quality in enumerate(QUALITIES)}

_FORMAT = 1
_HEADER = Struct("<BBBBI")  # format, unit as a power of ten, bytes of a difference, quality of all, rows
_CHECKSUM = Struct("<I")  # between the header and the body; of the first time, the header and the body
_START = Struct("<q")
_MIXED = 255  # instead of the quality of all: each row has one of its own
_PACKED = 128  # added to the format: some values are structured, and stay JSON when read
_LEVEL = 1  # of compression: higher ones save some percent for several times the work
_UNITS = (9, 6, 3, 0)  # powers of ten: seconds, milliseconds, microseconds, nanoseconds
_WIDTHS = (("B", 1), ("H", 2), ("I", 4), ("Q", 8))
_CODES = {width: code for code, width in _WIDTHS}

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_decode_raw = msgspec.json.Decoder(list[msgspec.Raw]).decode
_STRUCTURED = b"{["


def pack(series: Series) -> bytes:
    """The rows, at least one, as a block. Its first time is kept beside it."""
    exponent, width, steps = _steps(series.times)
    quality, column = _qualities(series.qualities)
    structured = bytes in set(map(type, series.values))
    values = [msgspec.Raw(value) if type(value) is bytes else value for value in series.values] if structured else None
    body = zlib.compress(b"".join((steps, column, _encode(values or series.values))), _LEVEL)
    kind = _FORMAT | _PACKED if structured else _FORMAT
    header = _HEADER.pack(kind, exponent, width, quality, len(series))
    return header + _checksum(series.times[0], header, body) + body


def _checksum(start_ns: int, header: bytes, body: bytes) -> bytes:
    return _CHECKSUM.pack(zlib.crc32(body, zlib.crc32(header, zlib.crc32(_START.pack(start_ns)))))


def unpack(start_ns: int, data: bytes) -> Series:
    """The rows of a block that begins at a time. Raises `Unreadable`."""
    header, body = data[: _HEADER.size], data[_HEADER.size + _CHECKSUM.size :]
    if data[_HEADER.size : _HEADER.size + _CHECKSUM.size] != _checksum(start_ns, header, body):
        raise Unreadable("a block of rows is damaged")
    kind, exponent, width, quality, count = _HEADER.unpack(header)
    if kind & ~_PACKED != _FORMAT:
        raise Unreadable("a block of rows is of a later version")
    plain = zlib.decompress(body)
    at = width * (count - 1)
    steps = array(_CODES[width], plain[:at])
    unit = 10**exponent
    times = list(accumulate(steps if unit == 1 else map(unit.__mul__, steps), initial=start_ns))
    if quality == _MIXED:
        qualities = [QUALITIES[index] for index in plain[at : at + count]]
        at += count
    else:
        qualities = [QUALITIES[quality]] * count
    return Series(times, _values(plain[at:], packed=bool(kind & _PACKED)), qualities)


def _values(text: bytes, *, packed: bool) -> list[Json]:
    if not packed:
        found: list[Json] = _decode(text)
        return found
    raws = map(bytes, _decode_raw(text))
    return [raw if raw[0] in _STRUCTURED else _decode(raw) for raw in raws]


def _steps(times: Sequence[int]) -> tuple[int, int, bytes]:
    """The unit, the width and the bytes of the differences between ascending times."""
    steps = [later - earlier for earlier, later in pairwise(times)]
    common = gcd(*steps)
    exponent = next(power for power in _UNITS if not common % 10**power)
    if exponent:
        steps = list(map((10**exponent).__rfloordiv__, steps))
    longest = max(steps, default=0)
    code, width = next((code, width) for code, width in _WIDTHS if longest >> (8 * width) == 0)
    return exponent, width, array(code, steps).tobytes()


def _qualities(qualities: Sequence[Quality]) -> tuple[int, bytes]:
    first = qualities[0]
    if qualities.count(first) == len(qualities):
        return INDEX[first], b""
    return _MIXED, bytes(map(INDEX.__getitem__, qualities))
