"""Replaying recorded captures."""

import base64
import gzip
import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from contract import SourceContract, messages

from bridge.errors import StartError
from bridge.sources import Source
from bridge.sources.replay import LOGGED, ReplaySource
from bridge.uns import Message

pytestmark = pytest.mark.anyio


def line(message: Message) -> bytes:
    """A message as a capture has it."""
    fields: dict[str, object] = {"topic": message.topic, "retain": message.retain, "qos": message.qos}
    try:
        fields["payload"] = message.payload.decode()
    except UnicodeDecodeError:
        fields["payload_b64"] = base64.b64encode(message.payload).decode()
    if message.properties:
        fields["user_properties"] = list(message.properties.items())
    return json.dumps(fields).encode() + b"\n"


async def replayed(path: Path) -> tuple[list[Message], ReplaySource]:
    """All messages of a capture, and the source after the end."""
    async with ReplaySource(path) as source:
        return messages([batch async for batch in source.batches()]), source


class TestContract(SourceContract):
    """A replay does what a source must."""

    @pytest.fixture(autouse=True, params=["plain", "gzip"])
    def _file(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        zipped = request.param == "gzip"
        self.path = tmp_path / ("capture.jsonl.gz" if zipped else "capture.jsonl")
        self.open = gzip.open if zipped else open

    @asynccontextmanager
    async def offering(self, sent: Sequence[Message]) -> AsyncIterator[Source]:
        """The messages, in a file."""
        with self.open(self.path, "wb") as file:
            file.write(b"".join(map(line, sent)))
        async with ReplaySource(self.path) as source:
            yield source


async def test_ends(tmp_path: Path) -> None:
    """After the last line `batches` ends by itself; an empty file ends at once."""
    path = tmp_path / "capture.jsonl"
    path.write_bytes(line(Message("a", b"1")) * 3)
    assert len((await replayed(path))[0]) == 3
    path.write_bytes(b"")
    assert (await replayed(path))[0] == []


BAD = [
    pytest.param(b"nonsense", id="not JSON"),
    pytest.param(b"[]", id="no object"),
    pytest.param(b'{"payload": "1"}', id="no topic"),
    pytest.param(b'{"topic": "a"}', id="no payload"),
    pytest.param(b'{"topic": "a", "payload": "1", "payload_b64": "MQ=="}', id="two payloads"),
    pytest.param(b'{"topic": "a", "payload_b64": "%%"}', id="not base64"),
    pytest.param(b'{"topic": 1, "payload": "1"}', id="topic is a number"),
    pytest.param(b'{"topic": "a", "payload": "1", "qos": 3}', id="QoS 3"),
    pytest.param(b'{"topic": "a", "payload": "\xff"}', id="not UTF-8"),
    pytest.param(b'{"topic": "a", "payload": "1"', id="cut off"),
    pytest.param(b'{"topic": "a", "payload": "1", "user_properties": [["x"]]}', id="half a property"),
]


@pytest.mark.parametrize("bad", BAD)
async def test_bad_line(bad: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A line that is no message is counted, logged with its number and skipped."""
    path = tmp_path / "capture.jsonl"
    path.write_bytes(line(Message("a", b"1")) + bad + b"\n\n" + line(Message("a", b"2")))
    with caplog.at_level(logging.WARNING):
        got, source = await replayed(path)
    assert [m.payload for m in got] == [b"1", b"2"]
    assert source.health().undecodable == 1
    assert [record.getMessage().split(" is no message")[0] for record in caplog.records] == [f"{path}: line 2"]


async def test_many_bad_lines(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file of another format does not flood the log; the count is exact."""
    path = tmp_path / "capture.jsonl"
    path.write_bytes(b"x\n" * 1000)
    with caplog.at_level(logging.WARNING):
        got, source = await replayed(path)
    assert (got, source.health().undecodable, len(caplog.records)) == ([], 1000, LOGGED)


async def test_retained(tmp_path: Path) -> None:
    """The retain flag is kept; nothing counts as the broker's stored copy."""
    path = tmp_path / "capture.jsonl"
    path.write_bytes(line(Message("a", b"1", retain=True)))
    ((got,), _) = await replayed(path)
    assert got.retain
    assert not got.replayed


async def test_missing(tmp_path: Path) -> None:
    """A file that is not there is told by name."""
    with pytest.raises(StartError, match=r"gone\.jsonl: cannot be read: No such file"):
        await ReplaySource(tmp_path / "gone.jsonl").__aenter__()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[:-20], id="truncated"),
        pytest.param(lambda data: b"plain text, no gzip", id="no gzip"),
        pytest.param(lambda data: data[:40] + b"\xff" * 40 + data[80:], id="overwritten"),
    ],
)
async def test_damaged(damage: object, tmp_path: Path) -> None:
    """A damaged archive ends with an error that names the file, not with silence."""
    path = tmp_path / "capture.jsonl.gz"
    whole = gzip.compress(b"".join(line(Message(f"t/{n}", f"{n * n}".encode())) for n in range(2000)))
    path.write_bytes(damage(whole))
    with pytest.raises(StartError, match=r"capture\.jsonl\.gz: cannot be read after line"):
        await replayed(path)
