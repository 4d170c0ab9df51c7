"""Writes of fields, of composed values, and through command topics: which messages come of them."""

import json
from typing import Any

from inprocess import AXIS, MOTOR, PRESS, SPEED, TEMPERATURE, InProcess
from writes import EVERYTHING, pressed, put, value

from bridge.config import WriteSettings
from bridge.sources.base import NotDelivered
from bridge.uns import Message
from bridge.uns.policy import Rule


def test_a_field():
    """The document that it is in is published with the rest as it was."""
    bridge = pressed()
    assert put(bridge, f"{AXIS}#/pos/y", 3) == (0, "")
    assert bridge.published[0].payload == b'{"x":1,"pos":{"y":3}}'


def test_what_looks_like_a_time_and_is_none():
    """It stays as it is, also after a document that would be read as an envelope was refused: nothing is learnt."""
    bridge = pressed()
    odd = f"{PRESS}/odd"
    bridge.publish(odd, {"value": 1, "time": "12:30"})
    bridge.arrange()
    assert put(bridge, odd, {"value": 1, "time": "2026-09-21T14:13:20Z"})[0] == 400
    assert put(bridge, f"{odd}#/value", 2) == (0, "")
    assert value(bridge, odd) == {"value": 2, "time": "12:30"}


def test_two_fields_of_one_document():
    """The second is written into what the first has made, so neither is lost."""
    bridge = pressed()
    updates = [{"elementId": f"{AXIS}#{path}", "value": {"value": 7}} for path in ("/x", "/pos/y")]
    assert bridge.put("/objects/value", updates=updates)["success"]
    assert value(bridge, AXIS) == {"x": 7, "pos": {"y": 7}}


def test_a_field_that_is_an_envelope():
    """Its own time and quality are set anew; the document around it stays."""
    bridge = pressed()
    drive = f"{PRESS}/drive"
    bridge.publish(drive, {"rpm": {"value": 5, "quality": "BAD", "timestamp": 1_700_000_000_000}, "on": True})
    bridge.publish(drive, {"rpm": {"value": 6, "quality": "GOOD", "timestamp": 1_700_000_000_000}, "on": True})
    bridge.arrange()
    bridge.publish(drive, {"rpm": {"value": 6, "quality": "BAD", "timestamp": 1_700_000_000_000}, "on": True})
    assert put(bridge, f"{drive}#/rpm", 8) == (0, "")
    document = json.loads(bridge.published[0].payload)
    assert document == {"rpm": {"value": 8, "quality": "GOOD", "timestamp": document["rpm"]["timestamp"]}, "on": True}
    assert document["rpm"]["timestamp"] == bridge.now_ns // 1_000_000
    assert value(bridge, f"{drive}#/rpm") == 8


def test_a_field_without_a_value():
    """A null goes into the document; that is no reason for the whole of it to have no data."""
    bridge = pressed()
    assert put(bridge, f"{AXIS}#/x", None, quality="GoodNoData") == (0, "")
    assert bridge.published[0].payload == b'{"x":null,"pos":{"y":2}}'
    assert put(bridge, f"{AXIS}#/x", None, quality="Bad")[0] == 400


def test_a_composed_value():
    """It is written part by part; a part that is null or left out stays as it is."""
    bridge = pressed()
    assert put(bridge, PRESS, {"motor": {"speed": 9, "current": None}, "axis": {"x": 4, "pos": {"y": 2}}}) == (0, "")
    assert {one.topic: one.payload for one in bridge.published} == {SPEED: b"9", AXIS: b'{"x":4,"pos":{"y":2}}'}


def test_each_part_that_fails_is_named():
    """The others are written all the same."""
    bridge = pressed()

    def refuse(message: Message) -> list[Message]:
        if message.topic == TEMPERATURE:
            raise NotDelivered("the broker refused it: not authorized (135)")
        return [message]

    bridge.device = refuse
    status, detail = put(bridge, PRESS, {"motor": {"speed": 9}, "temperature": 30.5})
    assert status == 503
    assert detail == (
        f"1 of 2 parts of {PRESS} are known to be written; not: {TEMPERATURE}: not written: "
        "the broker refused it: not authorized (135)"
    )
    assert value(bridge, SPEED) == 9


def test_what_has_gone_without_an_answer():
    """It may have been written: the answer does not say that it was not."""
    bridge = pressed()

    def unanswered(message: Message) -> list[Message]:
        raise NotDelivered("the broker did not acknowledge it within 5 s", sent=True)

    bridge.device = unanswered
    expected = 503, "perhaps not written: the broker did not acknowledge it within 5 s"
    assert put(bridge, TEMPERATURE, 30.5) == expected


def test_all_parts_can_be_written_before_one_is():
    """Where one part has no way to be said, the others are not sent either."""
    bridge = pressed()
    bridge.publish(f"{MOTOR}/torque", {"value": 1.5, "quality": "GOOD"})
    bridge.arrange()
    status, detail = put(bridge, MOTOR, {"torque": 2.5, "speed": 9}, quality="Uncertain")
    assert (status, detail.startswith(f"nothing was written: {SPEED}: value: messages")) == (400, True)
    assert bridge.published == []


def test_a_value_of_very_many_parts():
    """It is refused whole; nobody waits for thousands of messages."""
    bridge = InProcess(writes=EVERYTHING)
    bridge.ingest(*(Message(f"{PRESS}/many/p{number}", b"1") for number in range(1_001)))
    bridge.arrange()
    status, detail = put(bridge, f"{PRESS}/many", dict.fromkeys((f"p{number}" for number in range(1_001)), 2))
    assert (status, "more than 1000 parts" in detail) == (400, True)
    assert bridge.published == []


def test_command_topics():
    """The command goes to its topic, in the shape of the last one there; the echo is the state."""
    bridge = pressed(
        WriteSettings(enabled=True, allow=("#",), topic="{topic}/set", echo_timeout=0.1),
        rules=[Rule(("acme/line1/press1/temperature",), {"write_to": "cmd/{2+}"})],
    )
    bridge.device = lambda message: [Message(SPEED, b"8")]
    assert put(bridge, SPEED, 8) == (0, "")
    bridge.ingest(Message(f"{SPEED}/set", b'{"value":1}'))
    assert put(bridge, SPEED, 8) == (0, "")
    bridge.device = lambda message: [Message(TEMPERATURE, message.payload)]
    assert put(bridge, TEMPERATURE, 9.5) == (0, "")
    assert [(one.topic, one.payload) for one in bridge.published] == [
        (f"{SPEED}/set", b"8"),
        (f"{SPEED}/set", b'{"value":8}'),
        ("cmd/line1/press1/temperature", b"9.5"),
    ]


def commanded(**writes: Any) -> InProcess:
    """A press whose axis listens to commands; its document changes all the time."""
    bridge = pressed(WriteSettings(enabled=True, allow=("#",), echo_timeout=0.1, **{"topic": "{topic}/set", **writes}))

    def answer(message: Message) -> list[Message]:
        said = json.loads(message.payload)
        return [Message(AXIS, json.dumps({"x": said["x"], "pos": {"y": 99}}).encode())]

    bridge.device = answer
    return bridge


def test_a_field_by_command():
    """The field confirms it, whatever else is in the document that comes back."""
    bridge = commanded()
    assert put(bridge, f"{AXIS}#/x", 7) == (0, "")
    assert (bridge.published[0].topic, bridge.published[0].payload) == (f"{AXIS}/set", b'{"x":7,"pos":{"y":2}}')


def test_commands_that_name_only_what_changes():
    """Where the last command was a part of the document, ours is."""
    bridge = commanded()
    bridge.ingest(Message(f"{AXIS}/set", b'{"x":3}'))
    assert put(bridge, f"{AXIS}#/x", 7) == (0, "")
    assert bridge.published[0].payload == b'{"x":7}'


def test_levels_that_there_are_not():
    """Elements whose topics lack a level do not share a command topic."""
    bridge = commanded(topic="cmd/{9+}")
    status, detail = put(bridge, SPEED, 7)
    assert (status, "it has no {9+}" in detail) == (501, True)
    assert bridge.published == []
