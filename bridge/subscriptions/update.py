"""An update: one reading of one element, on its way to whoever monitors it."""

import re

import msgspec

from bridge.uns import Json, Quality
from bridge.uns.moments import render

_encode = msgspec.json.Encoder().encode
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


class Update:
    """Immutable, and shared by all subscriptions that it goes to. `time_ns` is nanoseconds since 1970 UTC."""

    __slots__ = ("_json", "element_id", "quality", "time_ns", "value")

    def __init__(self, element_id: str, value: Json, quality: Quality, time_ns: int) -> None:
        self.element_id = element_id
        self.value = value
        self.quality = quality
        self.time_ns = time_ns
        self._json: bytes | None = None

    def json(self) -> bytes:
        """The update as JSON in ASCII, so that no client can split a character; built once, however many take it."""
        if self._json is None:
            self._json = _ascii(
                _encode(
                    {
                        "elementId": self.element_id,
                        "value": self.value,
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
