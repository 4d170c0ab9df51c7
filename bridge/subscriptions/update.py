"""An update: one reading of one element, on its way to whoever monitors it."""

import re
from typing import Any

import msgspec

from bridge.subscriptions.notes import UpdateNote
from bridge.uns import Json, Quality
from bridge.uns.moments import render

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_STRUCTURED = (dict, list)
_BASE = 200  # bytes: the update itself, a number, its place in a queue
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


class Update:
    """Immutable, and shared by all subscriptions that it goes to. `time_ns` is nanoseconds since 1970 UTC.

    A structured value is kept as JSON only: a fraction of the memory, and its size is known. `size` is about the bytes
    that the update takes, `holders` how many queues hold it (theirs to count). `initial` marks the value that an
    element had when it was registered.
    """

    __slots__ = ("_json", "_value", "element_id", "holders", "initial", "quality", "size", "time_ns")

    def __init__(self, element_id: str, value: Json, quality: Quality, time_ns: int, *, initial: bool = False) -> None:
        self.element_id = element_id
        self.quality = quality
        self.time_ns = time_ns
        self.initial = initial
        self.holders = 0
        self.size = _BASE
        self._value = value
        self._json: bytes | None = None
        if type(value) in _STRUCTURED:
            self.size += len(self.json())
            self._value = None
        elif type(value) is str:
            self.size += len(value)

    def note(self) -> UpdateNote:
        """As plain data: a structured value in the JSON of the whole update, which is there already."""
        is_structured = self.size > _BASE and self._value is None
        whole = self.json().decode("ascii") if is_structured else None
        return UpdateNote(self.element_id, self.quality, self.time_ns, self.initial, self._value, whole)

    @classmethod
    def noted(cls, note: UpdateNote) -> "Update":
        """The same update again, in no queue yet."""
        update = cls(note.element_id, note.value, note.quality, note.time_ns, initial=note.initial)
        if note.whole is not None:
            update._json = note.whole.encode("ascii")
            update.size += len(note.whole)
        return update

    @property
    def value(self) -> Json:
        if self._value is None and self._json is not None:
            told: dict[str, Any] = _decode(self._json)
            return told["value"]
        return self._value

    def json(self) -> bytes:
        """The update as JSON in ASCII, so that no client can split a character; built once, however many take it."""
        if self._json is None:
            self._json = _ascii(
                _encode(
                    {
                        "elementId": self.element_id,
                        "value": self._value,
                        "quality": self.quality,
                        "timestamp": render(self.time_ns),
                    }
                )
            )
        return self._json


def _ascii(text: bytes) -> bytes:
    return text if text.isascii() else _NOT_ASCII.sub(_escape, text.decode()).encode("ascii")


def _escape(found: re.Match[str]) -> str:
    """A character as JSON escapes: two of them (a surrogate pair) beyond the basic plane."""
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{int.from_bytes(units[i : i + 2]):04x}" for i in range(0, len(units), 2))
