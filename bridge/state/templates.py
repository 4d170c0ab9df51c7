"""How values are published on topics that may be written, from one run to the next: the last message of each.

Written now and then, as last values are: see `writing.kept`, whose they are.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from bridge.state.database import Database, Row
from bridge.state.document import Unusable
from bridge.uns import Message

TABLE = "templates"

_Kept = tuple[bool, int, Mapping[str, str] | None, bytes]  # retain flag, time of receipt, properties, payload
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Kept).decode


class Keeping(Protocol):
    """Whose templates are written."""

    def new(self) -> Iterator[list[Message]]: ...

    def wrote(self, messages: Iterable[Message]) -> None: ...

    def forget_file(self) -> None: ...

    def restore(self, messages: Iterable[Message]) -> list[str]: ...


class TemplateFile:
    """A table of the file of all state. What fails raises as in `Database`."""

    def __init__(self, kept: Keeping | None, database: Database) -> None:
        self._kept = kept
        self._database = database
        self._gone: list[str] = []  # topics that nobody needs any more

    def read(self) -> list[Message]:
        """Those that were written. Raises `Unusable`."""
        if self._kept is None:
            return []
        return [_message(*row) for row in self._database.read(TABLE)]

    def restore(self, messages: Sequence[Message]) -> None:
        """Go on with them, once the elements are there."""
        if self._kept is not None and messages:
            self._gone = self._kept.restore(messages)

    def forget_file(self) -> None:
        """What was written is gone."""
        self._gone = []
        if self._kept is not None:
            self._kept.forget_file()

    async def save(self) -> None:
        """Write what is new; messages may come in between."""
        if self._kept is None:
            return
        for messages in self._kept.new():
            rows = [row for row in map(_row, messages) if row is not None]
            if rows or self._gone:
                await asyncio.to_thread(self._write, rows, self._gone)
                self._gone = []
            self._kept.wrote(messages)
            await asyncio.sleep(0)

    def _write(self, rows: Iterable[Row], gone: Iterable[str]) -> None:
        with self._database.writing() as writing:
            writing.delete(TABLE, gone)
            writing.put(TABLE, rows)


def _row(message: Message) -> Row | None:
    """None for a topic that no encoding has."""
    try:
        message.topic.encode()
        said = message.retain, message.received_ns, message.properties, message.payload
        return message.topic, _encode(said)
    except ValueError:
        return None


def _message(topic: str, data: bytes) -> Message:
    try:
        retain, received_ns, properties, payload = _decode(data)
    except msgspec.MsgspecError as error:
        raise Unusable(f"a row of {TABLE} is damaged: {error}") from None
    return Message(topic, payload, 0, retain, received_ns, replayed=True, properties=properties)
