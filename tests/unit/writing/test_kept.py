"""How values are written, from one run to the next: what is kept of an earlier run is enough to write."""

import asyncio

import pytest
from inprocess import MOTOR, SPEED, TEMPERATURE, InProcess
from writes import pressed, put

from bridge.config import WriteSettings
from bridge.state.database import Database
from bridge.state.templates import TABLE, TemplateFile
from bridge.uns import Message
from bridge.writing import kept
from bridge.writing.kept import KeptTemplates

WRITES = WriteSettings(enabled=True, allow=(f"{MOTOR}/#",), echo_timeout=0.1)
COMMANDED = WriteSettings(enabled=True, allow=("#",), topic="{topic}/set", echo_timeout=0.1)


def keeping(bridge: InProcess) -> KeptTemplates:
    assert bridge.context.writer is not None
    return bridge.context.writer.kept


def noted(bridge: InProcess) -> dict[str, Message]:
    """What is not written yet, by topic; it is written now."""
    found = [message for some in keeping(bridge).new() for message in some]
    keeping(bridge).wrote(found)
    return {message.topic: message for message in found}


def later_run(messages: dict[str, Message], writes: WriteSettings = WRITES) -> tuple[InProcess, list[str]]:
    """A bridge whose elements have been put back, and the topics that it does not need."""
    bridge = InProcess(writes=writes)
    bridge.press()  # not through the flow: nothing has come
    return bridge, keeping(bridge).restore(messages.values())


def test_what_may_be_written() -> None:
    """Of elements that may be written the last message, once; and again when there is a newer one."""
    bridge = pressed(WRITES)
    assert noted(bridge).keys() == {SPEED, f"{MOTOR}/current"}
    assert noted(bridge) == {}
    bridge.pass_time(1)
    bridge.publish(SPEED, 6)
    bridge.publish(TEMPERATURE, 6)
    assert {topic: one.payload for topic, one in noted(bridge).items()} == {SPEED: b"6"}


def test_a_later_run_writes() -> None:
    """In the shape of the earlier run, although nothing has come; what came of itself is newer."""
    first = pressed(WRITES)
    first.ingest(Message(SPEED, b'{"value":5,"unit":"rpm"}', 1, retain=True, properties={"by": "plc"}))
    bridge, gone = later_run(noted(first))
    assert gone == []
    assert put(bridge, SPEED, 7) == (0, "")
    (written,) = bridge.published
    assert (written.payload, written.retain, written.properties) == (b'{"value":7,"unit":"rpm"}', True, {"by": "plc"})
    bridge.pass_time(1)
    bridge.publish(SPEED, 8)
    assert put(bridge, SPEED, 9) == (0, "")
    assert bridge.published[-1].payload == b"9"


def test_commands() -> None:
    """The last command on a topic of its own is kept with it."""
    first = pressed(COMMANDED)
    first.ingest(Message(f"{SPEED}/set", b'{"to":5}'))
    messages = noted(first)
    assert messages[f"{SPEED}/set"].payload == b'{"to":5}'
    bridge, _ = later_run(messages, COMMANDED)
    assert bridge.context.writer is not None
    assert bridge.context.writer.templates.of(f"{SPEED}/set") is not None


def test_what_nobody_needs() -> None:
    """Of elements that are gone, or may not be written any more, nothing is kept."""
    messages = noted(pressed(WRITES))
    messages["acme/gone"] = Message("acme/gone", b"1")
    bridge, gone = later_run(messages, WriteSettings(enabled=True, allow=(SPEED,), echo_timeout=0.1))
    assert sorted(gone) == ["acme/gone", f"{MOTOR}/current"]
    assert put(bridge, SPEED, 7) == (0, "")


def test_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a size nothing more is kept; what a file that is lost had counts no more."""
    monkeypatch.setattr(kept, "MAX_BYTES", len(SPEED) + 1)
    bridge = pressed(WriteSettings(enabled=True, allow=(SPEED,), echo_timeout=0.1))
    assert noted(bridge).keys() == {SPEED}
    bridge.pass_time(1)
    bridge.publish(SPEED, 66)
    assert noted(bridge) == {}
    bridge.pass_time(1)
    bridge.publish(SPEED, 7)
    assert noted(bridge).keys() == {SPEED}
    keeping(bridge).forget_file()
    assert noted(bridge).keys() == {SPEED}


def test_the_file(tmp_path) -> None:
    """What was written is read as it was; what nobody needs goes; a topic that no encoding has is left out."""
    database = Database(tmp_path)
    database.open()
    first = pressed(WriteSettings(enabled=True, allow=("#",), echo_timeout=0.1))
    first.ingest(Message(SPEED, b"\xff\x00", 1, retain=True, properties={"by": "plc"}))
    first.ingest(Message("acme/\ud800", b"1"))
    asyncio.run(TemplateFile(keeping(first), database).save())
    bridge = InProcess(writes=WRITES)
    bridge.press()
    file = TemplateFile(keeping(bridge), database)
    found = {message.topic: message for message in file.read()}
    assert TEMPERATURE in found
    assert "acme/\ud800" not in found
    one = found[SPEED]
    assert (one.payload, one.retain, one.properties, one.replayed) == (b"\xff\x00", True, {"by": "plc"}, True)
    file.restore([*found.values()])
    asyncio.run(file.save())
    assert [key for key, _ in database.read(TABLE)] == [f"{MOTOR}/current", SPEED]
    database.close()


def test_without_writing(tmp_path) -> None:
    """Where nothing may be written nothing is read, nor written."""
    file = TemplateFile(None, Database(tmp_path))
    assert file.read() == []
    file.restore([])
    file.forget_file()
    asyncio.run(file.save())
    assert list(tmp_path.iterdir()) == []
