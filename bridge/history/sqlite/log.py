"""Entries of the log: the rows of one commit as JSON, by their elements' numbers, and a checksum beside it."""

import zlib
from collections.abc import Sequence

import msgspec

from bridge.history.base import Row, Unreadable

_STRUCTURED = b"{["

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_decode_entry = msgspec.json.Decoder(list[tuple[int, tuple[msgspec.Raw, str, int]]]).decode
_decode_row = msgspec.json.Decoder(tuple[msgspec.Raw, str, int]).decode


def told(row: Row) -> Row:
    """A row as it is encoded: a packed value is JSON already."""
    return (msgspec.Raw(row[0]), row[1], row[2]) if type(row[0]) is bytes else row


def encoded(rows: Sequence[tuple[int, Row]]) -> tuple[bytes, int]:
    """Rows that are `told`, and the checksum."""
    entry = _encode(rows)
    return entry, zlib.crc32(entry)


def decoded(entry: bytes, checksum: int) -> list[tuple[int, Row]]:
    """Raises `Unreadable`."""
    if zlib.crc32(entry) != checksum:
        raise Unreadable("an entry of the log is damaged")
    try:
        return [(key, _held(row)) for key, row in _decode_entry(entry)]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"an entry of the log is damaged: {error}") from None


def encoded_row(row: Row) -> bytes:
    return _encode(told(row))


def decoded_row(text: bytes) -> Row:
    """Raises `Unreadable`."""
    try:
        return _held(_decode_row(text))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"a row is damaged: {error}") from None


def _held(row: tuple[msgspec.Raw, str, int]) -> Row:
    """As it is held in memory: a structured value is packed."""
    raw = bytes(row[0])
    return (raw if raw[0] in _STRUCTURED else _decode(raw), row[1], row[2])  # type: ignore[return-value]  # a quality
