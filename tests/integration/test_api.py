"""The API of a real bridge at a real broker: the public i3X client, HTTP as it stands on the wire, streams."""

import asyncio
import json
import resource
import statistics
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import i3x
import pytest
from bridge_process import BridgeProcess
from publisher import publish
from raw_http import RawConnection, RawStream, closed_within, request

from bridge.uns import Message
from mosquitto import Mosquitto

pytestmark = pytest.mark.integration

PRESS = "acme/line1/press1"
SPEED, AXIS = f"{PRESS}/motor/speed", f"{PRESS}/axis"
NAME = f"{PRESS}/name"
DELAYED_ACK_S = 0.04  # what an answer in two pieces waits for on Linux (tcp(7), TCP_QUICKACK)
ENDS_S = 5.0  # from SIGTERM to the end
AT_ONCE_S = 2.0  # on a busy machine, yet below the first keep-alive comment
SECTIONS = {"model": {"levels": ["Enterprise", "Line", "Machine"], "discovery_window": 0.2}}


class Plant:
    """A bridge, its broker, and an i3X client of our own that owns a few subscriptions."""

    def __init__(self, bridge: BridgeProcess, broker: Mosquitto) -> None:
        self.bridge = bridge
        self.broker = broker
        self.port = bridge.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def publish(self, *messages: tuple[str, object]) -> None:
        """Publish JSON payloads and wait until the bridge has them."""
        before = self.bridge.received
        batch = [Message(topic, json.dumps(value).encode(), qos=1) for topic, value in messages]
        asyncio.run(publish(self.broker.url, batch))
        self.bridge.wait_for(lambda: self.bridge.received >= before + len(messages))

    def post(self, path: str, status: int = 200, **body: Any) -> Any:
        answer = self.bridge.client.post(f"/v1{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def subscribe(self, *idents: str, **options: Any) -> dict[str, str]:
        """A new subscription to some elements; what its owner says in every request."""
        made = self.post("/subscriptions", clientId="tests")["result"]["subscriptionId"]
        mine = {"clientId": "tests", "subscriptionId": made}
        assert self.post("/subscriptions/register", **mine, elementIds=list(idents), **options)["success"]
        return mine


def start(directory: Path, sections: dict[str, Any]) -> Iterator[Plant]:
    directory.mkdir()
    broker = Mosquitto(directory / "mosquitto")
    broker.start()
    try:
        with BridgeProcess(directory / "bridge", broker.url, sections) as bridge:
            bridge.wait_for(bridge.ready)
            made = Plant(bridge, broker)
            made.publish((SPEED, 5), (f"{PRESS}/motor/current", 5.5), (AXIS, {"x": 1, "pos": {"y": 2}}), (NAME, "°C 𝄞"))
            bridge.wait_for(lambda: bridge.metrics()["bridge_model_settled"] == 1.0)
            yield made
            assert "Traceback" not in bridge.log, bridge.log
    finally:
        broker.stop()


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """One bridge for all tests that leave it as it is."""
    yield from start(tmp_path_factory.mktemp("api") / "plant", SECTIONS)


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Plant]:
    """A bridge of one's own that cuts slow readers after a second and has short keep-alives."""
    yield from start(tmp_path / "plant", {**SECTIONS, "stream": {"send_timeout": 1.0, "keep_alive": 0.5}})


# --- the public client ------------------------------------------------------------------------------------------------


class TestPublicClient:
    @pytest.fixture
    def client(self, plant: Plant) -> Iterator[i3x.Client]:
        with i3x.Client(plant.url) as client:
            yield client

    def test_explore(self, client: i3x.Client) -> None:
        """clients.md 1, 2, 15: it connects without warnings and walks types, relationships and the tree."""
        info = client.get_info()
        assert (info.spec_version, info.server_name) == ("1.0", "i3x-bridge")
        assert info.capabilities["subscribe"]["stream"] is True
        uris = {space.uri for space in client.get_namespaces()}
        types = {kind.element_id: kind for kind in client.get_object_types()}
        assert {kind.namespace_uri for kind in types.values()} <= uris
        assert len(client.query_object_types([*types, "nobody"])) == len(types)
        reverse = {one.element_id: one.reverse_of for one in client.get_relationship_types()}
        assert all(reverse[reverse[name]] == name for name in reverse)
        assert len(client.query_relationship_types(list(reverse))) == len(reverse)
        objects = {one.element_id: one for one in client.get_objects(include_metadata=True)}
        assert [one.element_id for one in client.get_objects(root=True)] == ["acme", "$bridge"]
        assert all(one.parent_id is None or one.parent_id in objects for one in objects.values())
        assert all(one.type_element_id in types and one.metadata is not None for one in objects.values())
        kind = objects[SPEED].type_element_id
        assert SPEED in {one.element_id for one in client.get_objects(type_element_id=kind)}
        assert client.get_object(AXIS).is_composition
        assert len(client.list_objects([SPEED, AXIS, "nobody"])) == 2

    def test_model_version(self, client: i3x.Client, plant: Plant) -> None:
        """A client that monitors the model's version hears of a new element."""
        version = "$bridge/model/version"
        assert client.get_object(version).parent_id == "$bridge/model"
        before = client.get_value(version)
        assert (type(before.value), before.quality) == (int, "Good")
        mine = plant.subscribe(version)
        (initial,) = plant.post("/subscriptions/sync", **mine)["result"]
        plant.publish(("acme/line1/press9/fresh", 1))
        plant.bridge.wait_for(lambda: client.get_value(version).value > before.value)
        number = initial["sequenceNumber"]
        (batch,) = plant.post("/subscriptions/sync", **mine, lastSequenceNumber=number)["result"]
        assert batch["updates"][-1]["value"] > before.value

    def test_related(self, client: i3x.Client) -> None:
        """The tree is found from both ends."""
        (parent,) = client.get_related_objects([AXIS], relationship_type="ComponentOf", include_metadata=True)
        assert (parent.source_relationship, parent.object.element_id) == ("ComponentOf", PRESS)
        parts = client.get_related_objects([PRESS], relationship_type="HasComponent")
        assert {one.object.element_id for one in parts} == {AXIS, f"{PRESS}/motor", NAME}

    def test_values(self, client: i3x.Client) -> None:
        """clients.md 5: values and components of one element and of many; unknown ones raise or are left out."""
        assert client.get_value(NAME).value == "°C 𝄞"
        press = client.get_value(PRESS, max_depth=0)
        assert press.components is not None
        assert press.value["axis"] == press.components[AXIS].value == {"x": 1, "pos": {"y": 2}}
        assert client.get_values([SPEED, "nobody"]).keys() == {SPEED}
        with pytest.raises(i3x.NotFoundError):
            client.get_value("nobody")

    def test_history(self, plant: Plant, client: i3x.Client) -> None:
        """clients.md 20, 24, 25: rows of a chart; without an end time a clear error."""
        topic = "acme/line1/press2/level"
        plant.publish(*[(topic, value) for value in (1.0, 2.0, 3.0)])
        now = datetime.now(UTC)
        start, end = ((now + timedelta(hours=hours)).isoformat() for hours in (-1, 1))
        found = client.get_history(topic, start_time=start, end_time=end)
        assert [row.value for row in found.values] == [1.0, 2.0, 3.0]
        assert client.get_history(PRESS, start, end, max_depth=0).values
        with pytest.raises(i3x.I3XError, match="endTime"):
            client.get_history(topic, start_time=start)

    def test_writes_are_not_supported(self, client: i3x.Client) -> None:
        """Writes that /info does not declare raise what the client has for it."""
        for write in (lambda: client.update_value(SPEED, 1), lambda: client.update_values({SPEED: 1})):
            with pytest.raises(i3x.NotSupportedError):
                write()

    def test_write_history(self, client: i3x.Client) -> None:
        """A record that the client writes is found at its time, and is not the current value."""
        client.update_history(SPEED, {"value": 1, "quality": "Good", "timestamp": "2026-01-01T00:00:00Z"})
        (row,) = client.get_history(SPEED, start_time="2026-01-01T00:00:00Z", end_time="2026-01-01T00:00:00Z").values
        assert (row.value, row.quality) == (1, "Good")
        assert not client.get_value(SPEED).timestamp.startswith("2026-01-01")

    def test_sync(self, plant: Plant, client: i3x.Client) -> None:
        """clients.md 5, 11: polling with acknowledgement."""
        ident = client.create_subscription("polling")
        assert [item["success"] for item in client.register_items(ident, [SPEED, "nobody"])] == [True, False]
        (first,) = client.sync_subscription(ident)
        assert first.sequence_number == 1
        plant.publish((SPEED, 6))
        (second,) = client.sync_subscription(ident, last_sequence_number=1)
        assert (second.sequence_number, [one.value for one in second.updates]) == (2, [6])
        assert client.sync_subscription(ident, last_sequence_number=-1) == []
        shown = client.get_subscription(ident)
        assert (shown.display_name, shown.monitored_objects) == ("polling", [{"elementId": SPEED, "maxDepth": 1}])
        assert [one.subscription_id for one in client.list_subscriptions([ident, "never"])] == [ident]
        assert client.unregister_items(ident, [SPEED])[0]["success"]
        client.unsubscribe(ident)
        with pytest.raises(i3x.NotFoundError):
            client.sync_subscription(ident)

    def test_stream(self, plant: Plant, client: i3x.Client) -> None:
        """clients.md 6, 8, 9: changes arrive by themselves; stopping hands over to sync; unsubscribing is quick."""
        changes: list[tuple[str, Any]] = []
        errors: list[Exception] = []
        seen = threading.Condition()

        def on_change(_: i3x.Client, change: Any) -> None:
            with seen:
                changes.append((change.element_id, change.value))
                seen.notify()

        client.on_value_change = on_change
        client.on_error = lambda _, error: errors.append(error)
        subscription = client.subscribe([AXIS], max_depth=0)
        with seen:
            assert seen.wait_for(lambda: len(changes) == 4, AT_ONCE_S), changes
        plant.publish((AXIS, {"x": 7, "pos": {"y": 8}}))
        with seen:
            assert seen.wait_for(lambda: len(changes) == 8, AT_ONCE_S), changes
        assert dict(changes[4:]) == {
            AXIS: {"x": 7, "pos": {"y": 8}},
            f"{AXIS}#/x": 7,
            f"{AXIS}#/pos": {"y": 8},
            f"{AXIS}#/pos/y": 8,
        }
        client.stop_stream(subscription.subscription_id)
        plant.bridge.wait_for(lambda: plant.bridge.metrics()["bridge_streams"] == 0)
        plant.publish((AXIS, {"x": 9, "pos": {"y": 8}}))
        assert len(client.sync_subscription(subscription)[0].updates) == 4
        started = time.monotonic()
        client.unsubscribe(subscription)
        assert time.monotonic() - started < AT_ONCE_S
        assert errors == []


# --- HTTP on the wire -------------------------------------------------------------------------------------------------


VALUE = request("POST", "/v1/objects/value", json.dumps({"elementIds": [SPEED]}).encode())


class TestWire:
    def test_keep_alive(self, plant: Plant) -> None:
        """clients.md 13, 23: over one connection, each answer in one piece and without delay."""
        with RawConnection(plant.port) as connection:
            took = []
            for _ in range(50):
                started = time.monotonic()
                connection.send(VALUE)
                assert connection.receive()
                assert b"\r\n\r\n" in connection.data
                assert connection.response()[0] == 200
                assert connection.data == b""
                took.append(time.monotonic() - started)
            assert statistics.median(took) < DELAYED_ACK_S

    def test_pipelining(self, plant: Plant) -> None:
        """Requests that come at once are answered in order, errors among them."""
        paths = ["/v1/info", "/v1/nowhere", "/livez", "/v1/namespaces"]
        with RawConnection(plant.port) as connection:
            connection.send(b"".join(request("GET", path) for path in paths) + VALUE)
            answers = [connection.response() for _ in range(5)]
        assert [status for status, _, _ in answers] == [200, 404, 200, 200, 200]
        assert answers[2][2] == b"ok\n"
        assert json.loads(answers[4][2])["results"][0]["elementId"] == SPEED

    def test_old_clients(self, plant: Plant) -> None:
        """HTTP/1.0 gets an answer and a closed connection."""
        with RawConnection(plant.port) as connection:
            connection.send(b"GET /v1/info HTTP/1.0\r\n\r\n")
            assert connection.response()[0] == 200
            assert not connection.receive()

    def test_head_has_no_body(self, plant: Plant) -> None:
        """HEAD sends no body, so that the next answer is read right."""
        with RawConnection(plant.port) as connection:
            connection.send(request("HEAD", "/v1/info") + request("GET", "/livez"))
            status, headers = connection.head()
            assert (status, int(headers["content-length"]) > 0) == (200, True)
            assert connection.response()[2] == b"ok\n"

    def test_not_modified_has_no_body(self, plant: Plant) -> None:
        """304 sends no body, so that the next answer is read right; browsers ask like this by themselves."""
        with httpx.Client(base_url=plant.url) as client:
            for coding in ("identity", "gzip"):
                first = client.get("/objects", headers={"accept-encoding": coding})
                named = {"accept-encoding": coding, "if-none-match": first.headers["etag"]}
                again = client.get("/objects", headers=named)
                assert (again.status_code, again.content) == (304, b"")
                assert client.get("/info").status_code == 200

    def test_slices(self, plant: Plant) -> None:
        """A request that comes byte by byte is one request."""
        with RawConnection(plant.port) as connection:
            for index in range(len(VALUE)):
                connection.send(VALUE[index : index + 1])
            assert connection.response()[0] == 200

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
            pytest.param(b"GET / HTTP/9.9\r\n\r\n", id="version"),
            pytest.param(b"POST /v1/info HTTP/1.1\r\nContent-Length: x\r\n\r\n", id="length"),
            pytest.param(b"POST /v1/info HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", id="two lengths"),
            pytest.param(b"POST /v1/objects/value HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="chunk"),
        ],
    )
    def test_not_http(self, plant: Plant, data: bytes) -> None:
        """What is no HTTP is refused and closed; the next client is served."""
        with RawConnection(plant.port) as connection:
            connection.send(data)
            while connection.receive():
                pass
            assert connection.data == b"" or connection.data.startswith(b"HTTP/1.1 400 ")
        with RawConnection(plant.port) as connection:
            connection.send(VALUE)
            assert connection.response()[0] == 200

    def test_too_large(self, plant: Plant) -> None:
        """Too large is 413, told by its length before the body is sent, or found while it comes in chunks."""
        head = "POST /v1/objects/value HTTP/1.1\r\nHost: a\r\n"
        with RawConnection(plant.port) as connection:
            connection.send(f"{head}Content-Length: 9000000\r\nExpect: 100-continue\r\n\r\n".encode())
            status, _, body = connection.response()
            assert (status, json.loads(body)["responseDetail"]["status"]) == (413, 413)
        with RawConnection(plant.port) as connection:
            connection.send(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
            for _ in range(9):
                connection.send(chunk)
            assert connection.response()[0] == 413
            connection.send(b"0\r\n\r\n" + VALUE)
            assert connection.response()[0] == 200

    def test_leaving_within_the_body(self, plant: Plant) -> None:
        """A client that leaves before its body is complete harms nobody."""
        for _ in range(20):
            with RawConnection(plant.port) as connection:
                connection.send(VALUE[:-5])
        with RawConnection(plant.port) as connection:
            connection.send(VALUE)
            assert connection.response()[0] == 200


# --- streams ----------------------------------------------------------------------------------------------------------


class TestStreams:
    def test_wire(self, plant: Plant) -> None:
        """clients.md 6, 12: exactly the bytes that clients parse, with CORS, never compressed."""
        mine = plant.subscribe(NAME)
        with RawStream(plant.port, mine, "Accept-Encoding: gzip", "Origin: null", "Accept: application/json") as stream:
            assert stream.status == 200
            assert stream.headers["content-type"] == "text/event-stream"
            assert stream.headers["access-control-allow-origin"] == "*"
            assert "content-encoding" not in stream.headers
            chunk = stream.chunk()
            assert chunk.startswith(b'data: [{"elementId":"acme/line1/press1/name","value":"\\u00b0C \\ud834\\udd1e"')
            assert chunk.endswith(b"}]\n\n")
            assert (chunk.count(b"\n"), b"\r" in chunk) == (2, False)

    def test_takeover_and_delete(self, plant: Plant) -> None:
        """clients.md 8: a second stream and deleting end a stream cleanly, at once, with nothing in it."""
        mine = plant.subscribe()
        with RawStream(plant.port, mine) as first, RawStream(plant.port, mine) as second:
            started = time.monotonic()
            assert first.chunk() == b""
            plant.post("/subscriptions/register", **mine, elementIds=[SPEED])
            assert second.event()[0]["elementId"] == SPEED
            plant.post("/subscriptions/delete", clientId="tests", subscriptionIds=[mine["subscriptionId"]])
            assert second.chunk() == b""
            assert time.monotonic() - started < AT_ONCE_S
            second.send(VALUE)
            assert second.response()[0] == 200, "the connection can be used again"

    def test_leaving(self, plant: Plant) -> None:
        """clients.md 9: after a stream is closed sync works at once; while it is open it is 400."""
        mine = plant.subscribe(SPEED)
        with RawStream(plant.port, mine) as stream:
            assert len(stream.event()) == 1
            plant.post("/subscriptions/sync", 400, **mine)
        deadline = time.monotonic() + AT_ONCE_S
        while plant.bridge.client.post("/v1/subscriptions/sync", json=mine).status_code == 400:
            assert time.monotonic() < deadline
        plant.publish((SPEED, 77))
        assert [update["value"] for update in plant.post("/subscriptions/sync", **mine)["result"][0]["updates"]] == [77]

    def test_leaving_with_a_long_queue(self, plant: Plant) -> None:
        """A client that leaves with thousands of updates queued slows nobody down."""
        topic = "acme/line1/press3/count"
        plant.publish((topic, 0))
        mine = plant.subscribe(topic)
        plant.publish(*[(topic, value) for value in range(1, 9_000)])
        stream = RawStream(plant.port, mine, receive_buffer=4_096)
        stream.close()
        slowest = 0.0
        for _ in range(20):
            started = time.monotonic()
            assert plant.bridge.status("/livez") == 200
            slowest = max(slowest, time.monotonic() - started)
        assert slowest < 1.0, "0.1 s on a machine of one's own"

    def test_queue_first_then_live(self, plant: Plant) -> None:
        """Updates of unacknowledged batches come first, then pending ones, then live ones, each once."""
        topic = "acme/line1/press4/count"
        plant.publish((topic, 0))
        mine = plant.subscribe(topic)
        plant.post("/subscriptions/sync", **mine)
        plant.publish((topic, 1))
        with RawStream(plant.port, mine) as stream:
            values = [update["value"] for update in stream.event()]
            plant.publish((topic, 2))
            values += [update["value"] for update in stream.event()]
        assert values == [0, 1, 2]

    def test_comments(self, impatient: Plant) -> None:
        """clients.md 7: a silent stream carries comments."""
        with RawStream(impatient.port, impatient.subscribe()) as stream:
            assert [stream.chunk() for _ in range(3)] == [b": keep-alive\n\n"] * 3

    def test_reader_that_does_not_read(self, impatient: Plant) -> None:
        """A reader that stops is cut off in time; memory stays bounded, healthy readers go on."""
        topic = "acme/line1/press5/waveform"
        impatient.publish((topic, "0"))
        slow, healthy = impatient.subscribe(topic), impatient.subscribe(SPEED)
        with RawStream(impatient.port, slow, receive_buffer=4_096) as stuck, RawStream(impatient.port, healthy) as good:
            assert len(good.event()) == 1
            text = "x" * 200_000
            for index in range(6):
                impatient.publish(*[(topic, f"{index}{number}{text}") for number in range(10)], (SPEED, index))
                assert good.event()[-1]["value"] == index
            assert closed_within(stuck, 3.0)
            assert impatient.bridge.metrics()["bridge_streams"] == 1
        left = impatient.post("/subscriptions/sync", **slow)["result"][0]["updates"]
        assert 0 < len(left) < 61, "what was not written is still there"

    def test_shutdown(self, impatient: Plant) -> None:
        """clients.md 8: at shutdown streams break without a final chunk, and a stuck one does not hold it up."""
        topic = "acme/line1/press5/waveform"
        impatient.publish((topic, "0"))
        with (
            RawStream(impatient.port, impatient.subscribe(topic)) as quiet,
            RawStream(impatient.port, impatient.subscribe(topic), receive_buffer=4_096),
        ):
            quiet.event()
            impatient.publish(*[(topic, "x" * 200_000) for _ in range(40)])
            started = time.monotonic()
            assert impatient.bridge.stop() == 0
            assert time.monotonic() - started < ENDS_S
            assert not quiet.ends_cleanly()


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_overflow(plant: Plant) -> None:
    """reliability.md L5: 10,500 updates, then sync: 206, the newest 10,000, the exact gap, until acknowledged."""
    topic = "acme/line1/press6/count"
    plant.publish((topic, -1))
    mine = plant.subscribe(topic)
    assert plant.post("/subscriptions/sync", **mine, lastSequenceNumber=-1)["result"] == []
    for start_at in range(0, 10_500, 1_500):
        plant.publish(*[(topic, value) for value in range(start_at, start_at + 1_500)])
    body = plant.post("/subscriptions/sync", 206, **mine)
    (batch,) = body["result"]
    assert batch["sequenceNumber"] == 2
    assert [update["value"] for update in batch["updates"]] == list(range(500, 10_500))
    assert body["responseDetail"]["detail"].startswith("500 updates were dropped")
    assert "missing sequence numbers: 1;" in body["responseDetail"]["detail"]
    assert plant.post("/subscriptions/sync", **mine, lastSequenceNumber=2)["result"] == []


def test_many_streams(plant: Plant) -> None:
    """Hundreds of streams are open at once, and all are noticed when they leave."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4_096:
        pytest.skip(f"only {hard} descriptors a process")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4_096), hard))
    owners = [plant.subscribe() for _ in range(900)]
    others = plant.bridge.metrics()["bridge_subscriptions"] - 900
    streams = [RawStream(plant.port, mine) for mine in owners]
    try:
        assert all(stream.status == 200 for stream in streams)
        assert plant.bridge.metrics()["bridge_streams"] == 900
        assert plant.bridge.status("/livez") == 200
    finally:
        for stream in streams:
            stream.close()
    plant.bridge.wait_for(lambda: plant.bridge.metrics()["bridge_streams"] == 0)
    ids = [mine["subscriptionId"] for mine in owners]
    assert plant.post("/subscriptions/delete", clientId="tests", subscriptionIds=ids)["success"]
    assert plant.bridge.metrics()["bridge_subscriptions"] == others
