"""Writes through the API, to a broker that is stood in for at its protocol: what is sent, and what is answered."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from inprocess import AXIS, MOTOR, PRESS, SPEED, TEMPERATURE, InProcess

from bridge.access import Principal
from bridge.config import WriteSettings
from bridge.sources.base import NotDelivered
from bridge.uns import Message
from bridge.uns.policy import Rule
from bridge.writing import Audit

EVERYTHING = WriteSettings(enabled=True, allow=("#",), echo_timeout=0.1)

Make = Callable[..., InProcess]


def pressed(writes: WriteSettings = EVERYTHING, **more: Any) -> InProcess:
    """A press of which every element has been heard of."""
    bridge = InProcess(writes=writes, **more)
    for topic, value in {SPEED: 5, f"{MOTOR}/current": 5.5, TEMPERATURE: 20.5, AXIS: {"x": 1, "pos": {"y": 2}}}.items():
        bridge.publish(topic, value)
    bridge.arrange()
    return bridge


def put(bridge: InProcess, ident: str, value: Any, **more: Any) -> Any:
    """The status of one update, 0 where it succeeded, and the detail."""
    (item,) = bridge.put("/objects/value", updates=[{"elementId": ident, "value": {"value": value, **more}}])["results"]
    if item["success"]:
        assert item == {"success": True, "elementId": ident, "result": None}
        return 0, ""
    return item["responseDetail"]["status"], item["responseDetail"]["detail"]


def value(bridge: InProcess, ident: str) -> Any:
    return bridge.post("/objects/value", elementIds=[ident])["results"][0]["result"]["value"]


def test_a_value():
    """It is published on its topic, at QoS 1, and is what is read afterwards."""
    bridge = pressed()
    assert put(bridge, SPEED, 7) == (0, "")
    assert [(one.topic, one.payload, one.qos, one.retain) for one in bridge.published] == [(SPEED, b"7", 1, False)]
    assert value(bridge, SPEED) == 7
    assert bridge.get("/info")["result"]["capabilities"]["update"]["current"] is True


def test_a_field():
    """The document that it is in is published with the rest as it was."""
    bridge = pressed()
    assert put(bridge, f"{AXIS}#/pos/y", 3) == (0, "")
    assert bridge.published[0].payload == b'{"x":1,"pos":{"y":3}}'


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
        f"1 of 2 parts of {PRESS} were written; not: {TEMPERATURE}: not written: "
        "the broker refused it: not authorized (135)"
    )
    assert value(bridge, SPEED) == 9


@pytest.mark.parametrize(
    ("ident", "wanted", "more", "status", "words"),
    [
        pytest.param("acme/nothing", 1, {}, 404, "no such element", id="unknown"),
        pytest.param(SPEED, "fast", {}, 400, "integer is needed", id="type"),
        pytest.param(SPEED, True, {}, 400, "integer is needed", id="a boolean is no number"),
        pytest.param(SPEED, 5, {"quality": "Bad"}, 400, "quality: a value needs", id="a value that is Bad"),
        pytest.param(SPEED, None, {"quality": "Good"}, 400, "quality: a null needs", id="a null that is Good"),
        pytest.param(SPEED, 5, {"quality": "Uncertain"}, 400, "have no way to say", id="quality without a place"),
        pytest.param(PRESS, 5, {}, 400, "composed of its parts", id="composed"),
        pytest.param(PRESS, {"valve": 5}, {}, 400, "has no part 'valve'", id="unknown part"),
        pytest.param(PRESS, {"motor": {"speed": "x"}}, {}, 400, "integer is needed", id="part of a wrong type"),
        pytest.param("acme", {"line1": 1}, {}, 400, "has no values of its own", id="folder"),
        pytest.param("$bridge/model/version", 1, {}, 403, "told by the bridge itself", id="the bridge's own"),
    ],
)  # fmt: skip
def test_refused_before_anything_is_sent(ident, wanted, more, status, words):
    """What cannot be is refused alone, with the reason, and nothing is published."""
    bridge = pressed()
    found, detail = put(bridge, ident, wanted, **more)
    assert (found, words in detail) == (status, True), detail
    assert bridge.published == []


@pytest.mark.parametrize("body", [
    pytest.param({"updates": [{"elementId": SPEED, "value": {"value": 1, "quality": "Fine"}}]}, id="quality"),
    pytest.param({"updates": [{"elementId": SPEED, "value": {"value": 1, "timestamp": "now"}}]}, id="timestamp"),
    pytest.param({"updates": [{"elementId": SPEED, "value": {}}]}, id="no value"),
    pytest.param({"updates": [{"value": {"value": 1}}]}, id="no element"),
])  # fmt: skip
def test_a_malformed_update_refuses_the_request(body):
    """400 names the field; nothing of the request is done."""
    bridge = pressed()
    body["updates"].insert(0, {"elementId": SPEED, "value": {"value": 6}})
    detail = bridge.put("/objects/value", 400, **body)["responseDetail"]["detail"]
    assert detail.startswith("updates[1]")
    assert bridge.published == []


def test_off():
    """Where writing is off it is 501, and /info says so."""
    bridge = InProcess()
    bridge.press()
    assert bridge.put("/objects/value", 501, updates=[{"elementId": SPEED, "value": {"value": 6}}])
    assert bridge.get("/info")["result"]["capabilities"]["update"]["current"] is False


def test_allow_and_deny():
    """Both are filters of elements' topics; deny wins."""
    bridge = pressed(WriteSettings(enabled=True, allow=(f"{MOTOR}/#",), deny=(f"{MOTOR}/current",), echo_timeout=0.1))
    assert put(bridge, SPEED, 6) == (0, "")
    assert put(bridge, f"{MOTOR}/current", 6.5)[0] == 403
    assert "[writes] deny" in put(bridge, f"{MOTOR}/current", 6.5)[1]
    assert "[writes] allow" in put(bridge, TEMPERATURE, 6.5)[1]
    assert put(bridge, PRESS, {"motor": {"speed": 7}, "temperature": 1.5})[0] == 403  # all or nothing
    assert [one.payload for one in bridge.published] == [b"6"]


def test_principals_write_what_they_may():
    """Readable but not theirs is 403; not readable is unknown."""
    bridge = pressed(principals={
        "x": Principal("x", read=(f"{MOTOR}/#",), write=(SPEED, TEMPERATURE)),
        "all": Principal("all", read=("#",), write=("#",)),
    })  # fmt: skip
    bridge.token = "x"
    assert put(bridge, SPEED, 6) == (0, "")
    assert put(bridge, f"{MOTOR}/current", 6.5) == (403, f"elementId: x may not write {MOTOR}/current")
    assert put(bridge, TEMPERATURE, 1.5) == (404, "no such element")
    assert put(bridge, PRESS, {"motor": {"speed": 1}}) == (404, "no such element")


def test_the_bridges_own():
    """What the bridge tells about itself takes its own value back, and no other; nothing is published."""
    bridge = pressed()
    bridge.engine.tick(bridge.now_ns, bridge.now, bridge.clock)
    ids = [one["elementId"] for one in bridge.get("/objects")["result"]]
    found = [ident for ident in ids if ident.startswith("$bridge/model")]
    assert found
    for ident in found:
        assert put(bridge, ident, value(bridge, ident)) == (0, "")
        assert put(bridge, ident, "other")[0] == 403
    assert bridge.published == []


def test_nothing_comes_back():
    """The broker has it, but nobody confirms: the answer says so."""
    bridge = pressed()
    bridge.device = lambda _: []
    assert put(bridge, SPEED, 6) == (503, "the broker has taken it, but nothing has come back within 0.1 s")


def test_something_else_comes_back():
    """A device that answers with another value has not taken ours."""
    bridge = pressed()
    bridge.device = lambda _: [Message(SPEED, b"100")]
    status, detail = put(bridge, SPEED, 600)
    assert (status, detail.endswith("something else has come back: 100")) == (503, True)


def test_the_same_value_again():
    """A value that is there already comes back like any other."""
    bridge = pressed()
    assert put(bridge, SPEED, 5) == (0, "")


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


@pytest.mark.parametrize(
    ("setting", "last", "expected"),
    [("as-published", True, True), ("as-published", False, False), ("always", False, True), ("never", True, False)],
)
def test_retain(setting, last, expected):
    """The flag is the topic's own, unless the configuration says otherwise."""
    bridge = pressed(WriteSettings(enabled=True, allow=("#",), retain=setting, qos=2, echo_timeout=0.1))
    bridge.ingest(Message(SPEED, b"5", retain=last))
    put(bridge, SPEED, 6)
    assert [(one.retain, one.qos) for one in bridge.published] == [(expected, 2)]


def test_own_writes_do_not_teach_the_shape():
    """A text that had to be quoted does not make a topic one of quoted texts."""
    bridge = pressed()
    mode = f"{PRESS}/mode"
    bridge.ingest(Message(mode, b"auto"))
    bridge.arrange()
    for text in ("5", "hand"):
        assert put(bridge, mode, text) == (0, "")
    assert [one.payload for one in bridge.published] == [b'"5"', b"hand"]


def test_a_restored_element_waits_for_its_shape():
    """Before something has come on its topic nobody knows how values are written there."""
    bridge = InProcess(writes=EVERYTHING)
    bridge.press()  # not through the flow
    status, detail = put(bridge, SPEED, 6)
    assert (status, "nothing has come on" in detail) == (503, True)


def test_many_at_once():
    """Writes to one element happen in their order, all in one answer in the order of the request."""
    bridge = pressed()
    updates = [{"elementId": SPEED, "value": {"value": number}} for number in range(50)]
    updates += [{"elementId": TEMPERATURE, "value": {"value": number + 0.5}} for number in range(50)]
    answer = bridge.put("/objects/value", updates=updates)
    assert [item["elementId"] for item in answer["results"]] == [update["elementId"] for update in updates]
    assert answer["success"] is True
    assert [one.payload for one in bridge.published if one.topic == SPEED] == [b"%d" % number for number in range(50)]


def test_audit(tmp_path: Path):
    """Each attempt is a line: who, what, old, new, outcome."""
    audit = Audit(tmp_path / "audit.jsonl", 65_536, 3)
    bridge = pressed(audit=audit)
    put(bridge, SPEED, 6)
    put(bridge, SPEED, "x")
    bridge.device = lambda _: []
    put(bridge, f"{AXIS}#/x", 7)
    put(bridge, "acme/nothing", 8)
    audit.close()
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    keys = ("principal", "elementId", "topic", "old", "new")
    told = [(*(one[key] for key in keys), one["outcome"][:20]) for one in lines]
    assert told == [
        ("anonymous", SPEED, SPEED, 5, 6, "ok"),
        ("anonymous", SPEED, "", None, "x", "value: does not fit "),
        ("anonymous", f"{AXIS}#/x", AXIS, 1, 7, "the broker has taken"),
        ("anonymous", "acme/nothing", "", None, 8, "no such element"),
    ]
    assert (tmp_path / "audit.jsonl").stat().st_mode & 0o007 == 0


def test_audit_rotates(tmp_path: Path):
    """The file stays within its bounds, the oldest lines go."""
    audit = Audit(tmp_path / "audit.jsonl", 65_536, 3)
    bridge = pressed(audit=audit)
    for _ in range(4):
        bridge.put("/objects/value", updates=[{"elementId": SPEED, "value": {"value": "x" * 900}}] * 100)
    audit.close()
    sizes = sorted(path.stat().st_size for path in tmp_path.iterdir())
    assert len(sizes) == 3
    assert max(sizes) <= 65_536


def test_a_page_of_another_origin_writes_only_where_it_is_named():
    """Where nobody signs in, a web page that somebody happens to have open cannot write."""
    body = msgspec.json.encode({"updates": [{"elementId": SPEED, "value": {"value": 6}}]})
    bridge = pressed()
    named = pressed(cors_origins=("https://hmi.example",))

    def status(which: InProcess, origin: str, host: str = "localhost:8080") -> int:
        return which.ask("PUT", "/v1/objects/value", body, origin=origin, host=host).status_code

    assert status(bridge, "https://evil.example") == 403
    assert status(bridge, "null") == 403
    assert status(bridge, "http://evil.example:8080", "evil.example:8080") == 403  # a name that points here
    assert status(bridge, "http://localhost:8080") == 200
    assert status(bridge, "http://10.0.0.5:8080", "10.0.0.5:8080") == 200
    assert status(named, "https://hmi.example") == 200
    assert bridge.ask("PUT", "/v1/objects/value", body).status_code == 200
