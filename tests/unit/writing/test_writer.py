"""Writes through the API, to a broker that is stood in for at its protocol: what is sent, and what is answered."""

import asyncio
import json
from itertools import islice
from typing import Any

import msgspec
import pytest
import recordings
from inprocess import MOTOR, PRESS, SPEED, TEMPERATURE, InProcess
from msgspec import structs
from writes import EVERYTHING, pressed, put, value

from bridge.access import Principal
from bridge.config import WriteSettings
from bridge.uns import Message, moments


def test_a_value():
    """It is published on its topic, at QoS 1, and is what is read afterwards."""
    bridge = pressed()
    assert put(bridge, SPEED, 7) == (0, "")
    assert [(one.topic, one.payload, one.qos, one.retain) for one in bridge.published] == [(SPEED, b"7", 1, False)]
    assert value(bridge, SPEED) == 7
    assert bridge.get("/info")["result"]["capabilities"]["update"]["current"] is True


def test_a_first_fraction():
    """Whole numbers so far are no promise: 60.0 is published as 60 by many; the type takes it in when it comes back."""
    bridge = pressed()
    assert put(bridge, SPEED, 60.5) == (0, "")
    assert (bridge.published[-1].payload, value(bridge, SPEED)) == (b"60.5", 60.5)
    assert bridge.engine.space.nodes[SPEED].type.schema()["type"] == "number"


def test_a_pinned_integer():
    """What the owner of the model has written down holds."""
    bridge = pressed()
    bridge.engine.space.nodes[SPEED].type.pinned = True
    assert put(bridge, SPEED, 60.5)[0] == 400
    assert bridge.published == []


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


def test_the_value_counts():
    """A device that takes the value and doubts it for a while has taken it."""
    bridge = pressed()
    bridge.publish(TEMPERATURE, {"value": 1.5, "quality": "GOOD"})
    bridge.device = lambda _: [Message(TEMPERATURE, b'{"value": 3.5, "quality": "UNCERTAIN"}')]
    assert put(bridge, TEMPERATURE, 3.5) == (0, "")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        pytest.param(-60, "timestamp: before that of the present value", id="past"),
        pytest.param(301, "timestamp: more than 300 s ahead of now", id="future"),
        pytest.param(5, "", id="a little ahead"),
    ],
)
def test_times_in_requests(seconds, words):
    """They become the payload's, where that has one; what would not show is refused."""
    bridge = pressed()
    bridge.publish(TEMPERATURE, 1.5, bridge.now_ns // 1_000_000)
    wanted_ns = bridge.now_ns + seconds * 1_000_000_000
    detail = put(bridge, TEMPERATURE, 2.5, timestamp=moments.render(wanted_ns))[1]
    assert detail[: len(words)] == words
    assert bool(words) is bool(detail)
    expected = [] if words else [{"value": 2.5, "timestamp": wanted_ns // 1_000_000}]
    assert [json.loads(one.payload) for one in bridge.published] == expected


def test_the_same_value_again():
    """A value that is there already comes back like any other."""
    bridge = pressed()
    assert put(bridge, SPEED, 5) == (0, "")


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


def test_right_after_a_subscription():
    """Our own retained message is what came back, also where it is taken for a stored copy; another's copy is not."""
    bridge = pressed()
    bridge.device = lambda message: [Message(SPEED, message.payload, retain=True, replayed=True)]
    assert put(bridge, SPEED, 6) == (0, "")
    bridge.device = lambda message: [Message(SPEED, b"7.0", retain=True, replayed=True)]
    assert put(bridge, SPEED, 7)[0] == 503


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


def test_requests_take_turns():
    """Writes of several requests to one element do not overtake each other, whenever they come."""
    bridge = pressed()

    async def ask(number: int) -> Any:
        for _ in range(number // 10 * 5):
            await asyncio.sleep(0)
        body = {"updates": [{"elementId": SPEED, "value": {"value": number}}]}
        return await bridge.answer("PUT", "/v1/objects/value", body)

    async def ask_all() -> list[Any]:
        return await asyncio.gather(*map(ask, range(50)))

    def answer(message: Message) -> list[Message]:
        assert bridge.published[-1] is message  # nobody has published meanwhile
        return [message]

    bridge.device = answer
    assert all(answer.json()["success"] for answer in asyncio.run(ask_all()))
    assert [one.payload for one in bridge.published] == [b"%d" % number for number in range(50)]
    assert value(bridge, SPEED) == 49


@pytest.mark.parametrize("name", [*recordings.own_files(), *recordings.shared_folders()])
def test_recorded_elements_take_their_own_values(name: str):
    """Each element that is Good, fields and composed ones too, can be written what it shows; or it is said why not."""
    bridge = InProcess(writes=EVERYTHING)
    bridge.device = lambda message: [] if message.topic.startswith("spBv1.0/") else [message]
    recorded = islice(recordings.messages(recordings.path_of(name)), 3_000)
    bridge.ingest(*(structs.replace(message, received_ns=bridge.now_ns) for message in recorded))
    bridge.arrange()
    idents = [one["elementId"] for one in bridge.get("/objects")["result"]][:500]
    shown = {one["elementId"]: one["result"] for one in bridge.post("/objects/value", elementIds=idents)["results"]}
    good = {ident: one["value"] for ident, one in shown.items() if one["quality"] == "Good"}
    updates = [{"elementId": ident, "value": {"value": one}} for ident, one in good.items()]
    if not updates:
        pytest.skip("nothing of it is Good")
    answers = bridge.put("/objects/value", updates=updates)["results"]
    refused = [one["responseDetail"]["status"] for one in answers if not one["success"]]
    assert set(refused) <= {403, 501}  # $SYS; gateways' batches, some of Sparkplug's types
    assert len(refused) < len(good) / 5


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
