"""`bridge run` as a process: start, faults of the broker, what it logs, how it ends."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from bridge_process import BridgeProcess
from recordings import SAVES_SELDOM, Publisher
from views import HttpView

from bridge.uns import Message
from mosquitto import HOST, Mosquitto

pytestmark = pytest.mark.integration

CLEAN, FAILURE, USAGE, NOT_STARTED = range(4)  # exit codes

ENDS_S = 5.0  # from SIGTERM to the end
ENDS_AT_ONCE_S = 1.0  # from a second signal
HEALS_S = 31.0  # from the broker's return to data again
NOTICES_S = 5.0  # from a broker's death, which closes the connection, to 503
COMMAND_S = 20.0  # for a command that ends by itself
STREAMS = 20
BAD = 100_000
BAD_S = 120.0  # for so many to be taken in
BAD_LINES = 10  # of log for so many bad messages of a few kinds
TOPIC = "plant/line1/temperature"


def message(value: object, topic: str = TOPIC, *, retain: bool = False) -> Message:
    payload = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Message(topic, payload, 1, retain)


@contextlib.contextmanager
def publishing(broker: Mosquitto) -> Iterator[Publisher]:
    publisher = Publisher(broker.port)
    try:
        yield publisher
    finally:
        publisher.close()


def publish(broker: Mosquitto, *batch: Message) -> None:
    with publishing(broker) as publisher:
        publisher.publish(batch)


def command(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bridge", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )


@pytest.fixture
def make_bridge(tmp_path: Path) -> Iterator[Callable[..., BridgeProcess]]:
    """Make bridges, not started; gone at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda url, **sections: stack.enter_context(
            contextlib.closing(BridgeProcess(tmp_path / "bridge", url, sections))
        )


@pytest.fixture
def bridge(make_bridge: Callable[..., BridgeProcess], mosquitto: Mosquitto) -> BridgeProcess:
    """A bridge that reads from a broker and knows one value."""
    found = make_bridge(mosquitto.url)
    found.start()
    found.wait_for(found.ready)
    publish(mosquitto, message(20.5))
    found.wait_for(lambda: found.received == 1)
    return found


# --- the end ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def streams(bridge: BridgeProcess, count: int) -> Iterator[list[Iterator[bytes]]]:
    """What open streams send, on subscriptions that have sent their first event."""
    with contextlib.ExitStack() as stack:
        found = []
        for number in range(count):
            client = {"clientId": f"client{number}"}
            made = bridge.client.post("/v1/subscriptions", json=client).json()["result"]
            ident = client | {"subscriptionId": made["subscriptionId"]}
            bridge.client.post("/v1/subscriptions/register", json=ident | {"elementIds": [TOPIC]}).raise_for_status()
            stream = stack.enter_context(
                bridge.client.stream("POST", "/v1/subscriptions/stream", json=ident, timeout=10.0)
            )
            sent = stream.iter_raw()
            assert next(sent).startswith(b"data: [")
            found.append(sent)
        yield found


def test_sigterm_ends_in_order(bridge: BridgeProcess, mosquitto: Mosquitto) -> None:
    """With open streams and subscriptions SIGTERM ends with 0 in time; broken streams tell clients to come back."""
    assert bridge.process is not None
    with streams(bridge, STREAMS) as opened:
        asked = time.monotonic()
        bridge.signal(signal.SIGTERM)
        assert bridge.process.wait(ENDS_S) == CLEAN
        assert time.monotonic() - asked < ENDS_S
        for sent in opened:
            with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
                list(sent)
    assert [line for line in bridge.log.splitlines() if " ERROR " in line or "Traceback" in line] == []
    assert "stopped; 1 messages received" in bridge.log


def test_sigint_ends_in_order_too(bridge: BridgeProcess) -> None:
    """Ctrl-C is as good as SIGTERM."""
    assert bridge.process is not None
    bridge.signal(signal.SIGINT)
    assert bridge.process.wait(ENDS_S) == CLEAN
    assert "Traceback" not in bridge.log


def test_second_signal_ends_at_once(bridge: BridgeProcess) -> None:
    """While open requests hold up the end, a second signal does not wait for them."""
    assert bridge.process is not None
    body = b'{"elementIds": ["x"]}'
    with contextlib.ExitStack() as stack:
        for _ in range(5):  # requests whose bodies never end
            half = stack.enter_context(socket.create_connection((HOST, bridge.port)))
            head = f"POST /v1/objects/value HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body) + 100}\r\n\r\n"
            half.sendall(head.encode() + body)
        time.sleep(0.2)
        bridge.signal(signal.SIGTERM)
        bridge.wait_for(lambda: "stopping" in bridge.log)
        time.sleep(0.2)
        assert bridge.process.poll() is None, "nothing held up the end, so this proves nothing"
        bridge.signal(signal.SIGTERM)
        assert bridge.process.wait(ENDS_AT_ONCE_S) in (CLEAN, FAILURE)
    assert "Traceback" not in bridge.log


def test_half_requests_do_not_hold_up_the_end(bridge: BridgeProcess) -> None:
    """One signal is enough: requests that never end are given up in time."""
    assert bridge.process is not None
    with socket.create_connection((HOST, bridge.port)) as half:
        half.sendall(b"POST /v1/objects/value HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        time.sleep(0.2)
        bridge.signal(signal.SIGTERM)
        assert bridge.process.wait(ENDS_S + 1.0) == CLEAN


# --- the start -------------------------------------------------------------------------------------------------------


def test_port_taken(tmp_path: Path) -> None:
    """A port that somebody has is one line that names it, and exit code 3."""
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "uns.toml").write_text(f'[mqtt]\nurl = "mqtt://{HOST}:1"\n[api]\nport = {port}\n')
        ended = command("run", "--config", "uns.toml", cwd=tmp_path)
    assert ended.returncode == NOT_STARTED
    (line,) = ended.stderr.splitlines()
    assert f"{HOST}:{port}" in line
    assert "in use" in line


def test_cautions_are_told_once(tmp_path: Path) -> None:
    """A setting that gives something away is one line in the log of `bridge run`."""
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "uns.toml").write_text(f'[mqtt]\nurl = "mqtts://{HOST}:1"\ninsecure = true\n[api]\nport = {port}\n')
        ended = command("run", "--config", "uns.toml", cwd=tmp_path)
    caution, end = ended.stderr.splitlines()
    assert "insecure = true" in caution
    assert "in use" in end


@pytest.mark.parametrize("name", ["run", "check"])
def test_bad_configuration(tmp_path: Path, name: str) -> None:
    """Each mistake is one exact line, and the exit code is 2."""
    (tmp_path / "uns.toml").write_text('[api]\nport = "x"\n[mqtt]\nurll = "mqtt://localhost"\n')
    ended = command(name, "--config", "uns.toml", cwd=tmp_path)
    assert ended.returncode == USAGE
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 2
    assert all(any(key in line for key in ("port", "urll")) for line in ended.stderr.splitlines())


def test_check_prints_what_is_in_effect(tmp_path: Path) -> None:
    """`bridge check` prints every setting as loadable TOML, without the password, and starts nothing."""
    (tmp_path / "secret").write_text("hunter2-of-the-plant\n")
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "uns.toml").write_text('[mqtt]\nusername = "u"\npassword_file = "secret"\n[api]\nport = 8123\n')
    ended = command("check", "--config", "uns.toml", cwd=tmp_path)
    assert ended.returncode == CLEAN
    shown = tomllib.loads(ended.stdout)
    assert (shown["api"]["port"], shown["mqtt"]["username"]) == (8123, "u")
    assert "hunter2" not in ended.stdout + ended.stderr


def test_broker_absent_at_start(
    make_bridge: Callable[..., BridgeProcess], make_mosquitto: Callable[..., Mosquitto]
) -> None:
    """Without a broker the process lives and says what is wrong; when the broker appears, data flows."""
    broker = make_mosquitto()
    bridge = make_bridge(broker.url)
    bridge.start()
    answer = bridge.client.get("/readyz")
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert answer.json()["ready"] is False
    bridge.wait_for(lambda: str(broker.port) in "".join(bridge.client.get("/readyz").json()["reasons"]))
    assert [row["elementId"] for row in bridge.client.get("/v1/objects?root=true").json()["result"]] == ["$bridge"]
    broker.start()
    bridge.wait_for(bridge.ready, HEALS_S)
    assert bridge.status("/livez") == httpx.codes.OK
    publish(broker, message(20.5))
    bridge.wait_for(lambda: bridge.received == 1)
    assert HttpView(bridge.client).value(TOPIC)["value"] == 20.5
    assert bridge.stop() == CLEAN


def test_explain(bridge: BridgeProcess, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """`bridge explain` asks the running daemon: for an element, and for a message that could not be used."""
    publish(mosquitto, message(1, "plant/line1/set"))
    bridge.wait_for(lambda: bridge.received == 2)
    for topic, told in ((TOPIC, "codec"), ("plant/line1/set", "reason: command")):
        ended = command("explain", topic, "--url", f"http://127.0.0.1:{bridge.port}", cwd=tmp_path)
        assert (ended.returncode, ended.stderr) == (CLEAN, "")
        assert told in ended.stdout
    assert command("explain", "x", "--url", f"http://127.0.0.1:{bridge.port}", cwd=tmp_path).returncode == FAILURE


# --- the broker's faults ---------------------------------------------------------------------------------------------


def test_broker_killed_and_back(bridge: BridgeProcess, mosquitto: Mosquitto) -> None:
    """A killed broker makes the bridge not ready, last values are served meanwhile, and it heals by itself."""
    view = HttpView(bridge.client)
    mosquitto.kill()
    bridge.wait_for(lambda: bridge.status("/readyz") == httpx.codes.SERVICE_UNAVAILABLE, NOTICES_S)
    assert bridge.client.get("/readyz").json()["reasons"] != []
    assert bridge.status("/livez") == httpx.codes.OK
    assert view.value(TOPIC)["value"] == 20.5
    assert [row["elementId"] for row in view.objects()][:4] == ["plant", "plant/line1", TOPIC, "$bridge"]
    mosquitto.start()
    bridge.wait_for(bridge.ready, HEALS_S)
    before = bridge.received
    publish(mosquitto, message(21.5))
    bridge.wait_for(lambda: bridge.received > before)
    assert view.value(TOPIC)["value"] == 21.5
    assert bridge.metrics()["bridge_source_reconnects_total"] >= 1
    assert bridge.stop() == CLEAN
    assert "Traceback" not in bridge.log


def test_end_while_the_broker_is_away(bridge: BridgeProcess, mosquitto: Mosquitto) -> None:
    """SIGTERM ends in time while the bridge waits for its broker."""
    mosquitto.kill()
    bridge.wait_for(lambda: not bridge.ready(), NOTICES_S)
    assert bridge.process is not None
    bridge.signal(signal.SIGTERM)
    assert bridge.process.wait(ENDS_S) == CLEAN


# --- the log ---------------------------------------------------------------------------------------------------------


def test_quiet_in_steady_state(bridge: BridgeProcess, mosquitto: Mosquitto) -> None:
    """No line for a message, a request, a new element, a subscription or a client that leaves."""
    before = bridge.log
    with publishing(mosquitto) as publisher:
        for number in range(20):
            publisher.publish(
                [message(value, f"plant/line{value}/temperature") for value in range(number, number + 50)]
            )
            for path in ("/v1/objects", "/v1/info", "/metrics", "/readyz", "/nowhere", "/v1/objects?root=maybe"):
                bridge.client.get(path)
            bridge.client.post("/v1/objects/value", json={"elementIds": [TOPIC, "unknown"]})
            bridge.client.post("/v1/objects/value", content=b"{")
    with streams(bridge, 3), socket.create_connection((HOST, bridge.port)) as half:
        half.sendall(b"GET /v1/info HTTP/1.1\r\nHo")
    bridge.wait_for(lambda: bridge.received == 1_001)
    assert bridge.log[len(before) :] == ""


def test_bad_messages_are_counted_not_told(
    make_bridge: Callable[..., BridgeProcess], make_mosquitto: Callable[..., Mosquitto]
) -> None:
    """100,000 bad messages of several kinds: a few lines, exact counts, and the next good one is taken."""
    broker = make_mosquitto(*SAVES_SELDOM)
    broker.start()
    bridge = make_bridge(broker.url)
    bridge.start()
    bridge.wait_for(bridge.ready)
    publish(broker, message(20.5))
    kinds = [
        message(b'{"value": 1, "ti'),
        message(1, "/".join("abcdefghijklmnopqrstuvwxyz" * 2)),
        message(1, "x" * 2_000),
        message(b"[" * 1_000 + b"]" * 1_000, "deep"),
        message(b"not protobuf", "spBv1.0/group/NDATA/node"),
    ]
    before = bridge.log
    rows = 1_000
    with publishing(broker) as publisher:
        for _ in range(0, BAD, rows):
            publisher.publish(kinds * (rows // len(kinds)))
        publisher.publish([message(99.5)])
    bridge.wait_for(lambda: bridge.received == BAD + 2, BAD_S)
    bridge.wait_for(lambda: bridge.metrics()["bridge_messages_unacknowledged"] == 0)  # the last one is on the disk
    told = bridge.metrics()
    rejected = {name: count for name, count in told.items() if name.startswith("bridge_messages_rejected_total")}
    assert set(rejected.values()) == {BAD / len(kinds)}
    assert told['bridge_messages_total{outcome="rejected"}'] == BAD
    assert told['bridge_messages_total{outcome="stored"}'] == 2
    assert HttpView(bridge.client).value(TOPIC)["value"] == 99.5
    status = bridge.client.get("/status").json()
    assert len(status["rejected"]) == len(status["messages"]["rejected"]) == len(kinds)
    assert (status["messages"]["received"], status["broker"]["protocol"]) == (BAD + 2, "MQTT 5")
    assert status["connections"] > 0
    lines = bridge.log[len(before) :].splitlines()
    assert len(kinds) <= len(lines) <= BAD_LINES
    assert max(map(len, lines)) < 1_000


@pytest.mark.parametrize(
    "topic",
    [
        pytest.param("a/\u2028/b", id="line separator"),
        pytest.param("a/\u202e/b", id="right to left"),
        pytest.param("../../etc/passwd", id="dots"),
        pytest.param("%0d%0aX-Injected: 1", id="encoded line end"),
        pytest.param('a/"quoted", and\\slashed', id="quotes"),
        pytest.param("a/%2f/b", id="encoded slash"),
        pytest.param("//", id="empty levels"),
        pytest.param("data: x", id="looks like an event"),
        pytest.param("HasChildren", id="reserved"),
        pytest.param("a" * 1_000, id="long"),
    ],
)
def test_hostile_topics(bridge: BridgeProcess, mosquitto: Mosquitto, topic: str) -> None:
    """Any topic that the broker takes is listed, read and told in one line at most; ids round-trip through JSON."""
    before = bridge.log
    publish(mosquitto, message(7, topic), message(b"{", topic))
    bridge.wait_for(lambda: bridge.received == 3)
    view = HttpView(bridge.client)
    (row,) = [row for row in view.objects() if row["metadata"]["system"]["topic"] == topic]
    assert view.value(row["elementId"])["value"] == 7
    assert len(bridge.log[len(before) :].splitlines()) == 1
