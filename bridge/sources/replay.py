"""A recorded capture as a source: one JSON object a line, in order of arrival, plain or gzipped.

A line has `topic`, `payload` (text) or `payload_b64`, and optionally `retain`, `qos` and `user_properties` (a
list of name and value); other keys are ignored, `t` too: replay is as fast as it is consumed, and the time of
receipt is the time of reading.
"""

import asyncio
import gzip
import logging
import time
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self, cast

import msgspec

from bridge.errors import StartError
from bridge.sources.base import MAX_BATCH, Batch, Health
from bridge.uns import Message

log = logging.getLogger("bridge.replay")

LOGGED = 20  # bad lines that are told one by one; a file of another format would have nothing else


class _Line(msgspec.Struct):
    topic: str
    payload: str | None = None
    payload_b64: bytes | None = None  # msgspec decodes base64
    retain: bool = False
    qos: Literal[0, 1, 2] = 0
    user_properties: list[tuple[str, str]] = []

    def message(self, received_ns: int) -> Message:
        """The message as it arrived. Raises `ValueError` unless there is exactly one payload."""
        if (self.payload is None) == (self.payload_b64 is None):
            raise ValueError("either payload or payload_b64 must be there")
        payload = self.payload.encode() if self.payload is not None else self.payload_b64
        properties = dict(self.user_properties) or None
        return Message(
            self.topic,
            payload or b"",
            self.qos,
            self.retain,
            received_ns,
            replayed=False,
            properties=properties,
        )


class ReplaySource:
    """A `Source` that ends after the last line. Lines that are no message are counted, logged and skipped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._decoder = msgspec.json.Decoder(_Line)
        self._line = 0
        self._skipped = 0
        self._since_ns = time.time_ns()
        self._last_ns = 0
        self._stopped = False

    async def __aenter__(self) -> Self:
        """Open the file. Raises `StartError` if that fails."""
        try:
            plain = self._path.open("rb")
        except OSError as error:
            raise StartError(f"{self._path}: cannot be read: {error.strerror}") from error
        self._file = cast("BinaryIO", gzip.GzipFile(fileobj=plain)) if self._path.suffix == ".gz" else plain
        self._plain = plain
        self._since_ns = time.time_ns()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; `batches` ends."""
        if self._file is not None:
            self._file.close()
            self._plain.close()
            self._file = None
            self._since_ns = time.time_ns()

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield what the file holds. Raises `StartError` where it is damaged."""
        while self._file is not None and not self._stopped:
            messages, ended = await asyncio.to_thread(self._read, self._file)
            if messages:
                yield Batch(messages)
            if ended:
                return

    def stop(self) -> None:
        """Read no further."""
        self._stopped = True

    def health(self) -> Health:
        """Connected means open; lines that are no message count as undecodable."""
        return Health(connected=self._file is not None, since_ns=self._since_ns, undecodable=self._skipped)

    def _read(self, file: BinaryIO) -> tuple[list[Message], bool]:
        """The next messages, at most a batch, and whether the file has ended."""
        messages: list[Message] = []
        for _ in range(MAX_BATCH):
            try:
                line = file.readline()
            except (OSError, EOFError, zlib.error, ValueError) as error:
                raise StartError(f"{self._path}: cannot be read after line {self._line}: {error}") from error
            if not line:
                return messages, True
            self._line += 1
            if line.strip() and (message := self._message(line)):
                messages.append(message)
        return messages, False

    def _message(self, line: bytes) -> Message | None:
        self._last_ns = max(time.time_ns(), self._last_ns + 1)
        try:
            return self._decoder.decode(line).message(self._last_ns)
        except (msgspec.DecodeError, ValueError) as error:
            self._skipped += 1
            if self._skipped <= LOGGED:
                log.warning("%s: line %d is no message: %s", self._path, self._line, error)
            return None
