"""The MQTT source against real brokers."""

import asyncio
import gc
import logging
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any
from urllib.parse import urlsplit

import pytest
from certificates import Authority
from contract import SourceContract, collect, messages, numbered
from publisher import publish, until

from bridge.config import MqttSettings
from bridge.errors import StartError
from bridge.sources import Batch, Source
from bridge.sources.mqtt import MqttSource
from bridge.uns import Message
from mosquitto import HOST, Mosquitto, free_port

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


def settings(broker: Mosquitto, **more: Any) -> MqttSettings:
    """Settings for a broker: everything, QoS 1, a client id of the test's own."""
    return MqttSettings(**({"url": broker.url, "topics": ("#",), "client_id": "bridge-test"} | more))


@asynccontextmanager
async def connected(broker: Mosquitto, **more: Any) -> AsyncIterator[MqttSource]:
    """A source that has connected and subscribed."""
    async with MqttSource(settings(broker, **more)) as source:
        await until(lambda: source.health().connected)
        yield source


async def quiet(source: Source, seconds: float = 0.3) -> list[Message]:
    """What comes within some time; nothing is done."""
    got: list[Message] = []
    try:
        async with asyncio.timeout(seconds):
            async for batch in source.batches():
                got += batch.messages
    except TimeoutError:
        pass
    return got


def mosquitto_pub(*arguments: str) -> None:
    """Publish with mosquitto's own client, MQTT 3.1.1."""
    subprocess.run(["mosquitto_pub", *arguments], check=True)


def payloads(got: Iterable[Message]) -> list[bytes]:
    """Just the payloads."""
    return [message.payload for message in got]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
class TestContract(SourceContract):
    """The MQTT source does what a source must, with either version."""

    @pytest.fixture(autouse=True)
    def _broker(self, mosquitto: Mosquitto, version: str) -> None:
        self.broker = mosquitto
        self.version = version

    @asynccontextmanager
    async def offering(self, sent: Sequence[Message]) -> AsyncIterator[Source]:
        """The messages, published while the source was away, so that all of them come at once."""
        async with connected(self.broker, protocol=self.version):
            pass
        await publish(self.broker.url, sent)
        async with connected(self.broker, protocol=self.version) as source:
            yield source

    async def test_content(self, version: str) -> None:
        """As in the contract; MQTT 3.1.1 has no user properties."""
        if version == "5":
            await super().test_content()


# Acknowledgement


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_redelivery(mosquitto: Mosquitto, qos: int, version: str) -> None:
    """What was taken but not done comes again after a restart; what was done does not."""
    async with connected(mosquitto, qos=qos, protocol=version) as source:
        await publish(mosquitto.url, [Message("a", b"done", qos)])
        await collect(source, 1)
        await publish(mosquitto.url, [Message("a", b"1", qos), Message("b", b"2", qos)])
        assert payloads(await quiet(source)) == [b"1", b"2"]
    async with connected(mosquitto, qos=qos, protocol=version) as source:
        again = messages(await collect(source, 2))
        assert payloads(again) == [b"1", b"2"]
        assert [message.qos for message in again] == [qos, qos]
    async with connected(mosquitto, qos=qos, protocol=version) as source:
        assert await quiet(source) == []


@pytest.mark.parametrize("qos", [1, 2])
async def test_receive_maximum(mosquitto: Mosquitto, qos: int) -> None:
    """No more than `receive_maximum` messages are on their way; the rest comes as batches are done."""
    async with connected(mosquitto, receive_maximum=10, qos=qos) as source:
        await publish(mosquitto.url, numbered(100, qos))
        first = await quiet(source)
        assert len(first) == 10
    async with connected(mosquitto, receive_maximum=10, qos=qos) as source:
        assert payloads(messages(await collect(source, 100))) == payloads(numbered(100))


async def test_done_after_reconnect(mosquitto: Mosquitto) -> None:
    """A batch of a connection that has gone is not acknowledged on the new one: packet ids are reused."""
    async with connected(mosquitto) as source:
        await publish(mosquitto.url, numbered(3))
        batches = source.batches()
        old = await anext(batches)
        mosquitto.stop()
        await until(lambda: not source.health().connected)
        mosquitto.start()
        new = await anext(batches)
        assert new.messages[0].payload == old.messages[0].payload
        old.done()
        await asyncio.sleep(0.2)
    async with connected(mosquitto) as source:
        assert payloads(messages(await collect(source, 3))) == payloads(numbered(3))


# Sessions and outages


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_offline_messages(mosquitto: Mosquitto, version: str) -> None:
    """The broker keeps 1,000 messages while we are away, and none is taken for a stored copy."""
    async with connected(mosquitto, protocol=version):
        pass
    await publish(mosquitto.url, numbered(1000))
    async with connected(mosquitto, protocol=version) as source:
        got = messages(await collect(source, 1000))
    assert payloads(got) == payloads(numbered(1000))
    assert not any(message.replayed for message in got)


async def test_broker_appears(make_mosquitto: Callable[..., Mosquitto], caplog: pytest.LogCaptureFixture) -> None:
    """An absent broker is no fault: it is told once, and used when it appears."""
    broker = make_mosquitto()
    with caplog.at_level(logging.INFO):
        async with MqttSource(settings(broker)) as source:
            await asyncio.sleep(2)
            (problem,) = source.health().problems
            assert problem.startswith(f"broker {HOST}:{broker.port} refuses connections")
            broker.start()
            await until(lambda: source.health().connected)
            assert source.health().problems == ()
            await publish(broker.url, numbered(1))
            assert len(messages(await collect(source, 1))) == 1
    levels = [record.levelname for record in caplog.records if record.name.startswith("bridge")]
    assert levels == ["WARNING", "INFO"]


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_broker_restarts(mosquitto: Mosquitto, how: str, caplog: pytest.LogCaptureFixture) -> None:
    """A restart of the broker in mid-stream loses nothing and is told with one line each way."""
    sent = numbered(2000)
    got: set[bytes] = set()
    with caplog.at_level(logging.INFO):
        async with connected(mosquitto) as source:

            async def consume() -> None:
                async for batch in source.batches():
                    got.update(payloads(batch.messages))
                    batch.done()

            task = asyncio.create_task(consume())
            await publish(mosquitto.url, sent[:1000])
            getattr(mosquitto, how)()
            await until(lambda: not source.health().connected)
            mosquitto.start()
            await until(lambda: source.health().connected)
            await publish(mosquitto.url, sent[1000:])
            await until(lambda: len(got) == len(sent))
            health = source.health()
            task.cancel()
    assert (health.reconnects, health.sessions_lost) == (1, 0)
    told = [record.levelname for record in caplog.records if record.name.startswith("bridge")]
    assert told[:1] == ["INFO"]
    assert told[-1:] == ["INFO"]
    assert 1 <= told.count("WARNING") <= 2  # the loss, and perhaps that the port is closed


async def test_session_lost(make_mosquitto: Callable[..., Mosquitto]) -> None:
    """A reconnect that finds no session is counted as a gap, and everything is subscribed again."""
    broker = make_mosquitto()
    broker.start()
    async with connected(broker) as source:
        broker.stop()
        await until(lambda: not source.health().connected)
        for file in (broker.directory / "store").iterdir():
            file.unlink()
        broker.start()
        await until(lambda: source.health().connected)
        assert source.health().sessions_lost == 1
        await publish(broker.url, numbered(1))
        assert len(messages(await collect(source, 1))) == 1


async def test_silent_broker(mosquitto: Mosquitto) -> None:
    """A broker that does not answer any more is noticed after about twice the keep-alive."""
    async with connected(mosquitto, keep_alive=1) as source:
        mosquitto.freeze()
        await until(lambda: not source.health().connected, 6)
        mosquitto.kill()
        mosquitto.start()
        await until(lambda: source.health().connected)


async def test_close_while_connecting(make_mosquitto: Callable[..., Mosquitto]) -> None:
    """Closing does not wait for a broker that takes connections but never answers."""
    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: writers.append(writer), HOST, 0)
    url = f"mqtt://{HOST}:{server.sockets[0].getsockname()[1]}"
    async with server, asyncio.timeout(3):
        async with MqttSource(settings(make_mosquitto(), url=url)) as source:
            await until(lambda: bool(writers))
            await asyncio.sleep(0.2)
            assert not source.health().connected
        writers[0].close()
        await writers[0].wait_closed()


# Stored copies


def stored_and_live(got: Sequence[Message]) -> list[tuple[bytes, bool, bool]]:
    """What the test about stored copies looks at."""
    return [(message.payload, message.retain, message.replayed) for message in got]


@pytest.mark.parametrize(
    ("version", "live"),
    [
        pytest.param("5", (b"live", True, False), id="5: retain as published"),
        pytest.param("3.1.1", (b"live", False, False), id="3.1.1: the flag says stored"),
    ],
)
async def test_replayed(mosquitto: Mosquitto, version: str, live: tuple[bytes, bool, bool]) -> None:
    """Stored copies are marked as replayed, live messages that say retain are not, even right after."""
    await publish(mosquitto.url, [Message("a", b"stored", 1, retain=True)])
    async with connected(mosquitto, protocol=version) as source:
        (stored,) = stored_and_live(messages(await collect(source, 1)))
        assert stored == (b"stored", True, True)
        await publish(mosquitto.url, [Message("a", b"live", 1, retain=True)])
        assert stored_and_live(messages(await collect(source, 1))) == [live]


async def test_new_process_gets_stored_copies(mosquitto: Mosquitto) -> None:
    """A process starts without values: it gets the stored copies, though the broker resumes its session."""
    await publish(mosquitto.url, [Message("a", b"stored", 1, retain=True)])
    for _ in range(2):
        async with connected(mosquitto) as source:
            assert stored_and_live(messages(await collect(source, 1))) == [(b"stored", True, True)]
            assert await quiet(source) == []


# Filters


async def test_overlapping_filters(mosquitto: Mosquitto) -> None:
    """Filters that others cover bring nothing twice."""
    async with connected(mosquitto, topics=("plant/#", "plant/+/a", "plant/#", "other")) as source:
        await publish(mosquitto.url, [Message("plant/1/a", b"1", 1), Message("other", b"2", 1)])
        assert payloads(await quiet(source)) == [b"1", b"2"]


async def test_exclude(mosquitto: Mosquitto) -> None:
    """Excluded topics are left out, and acknowledged so that they do not stay in flight."""
    async with connected(mosquitto, exclude=("+/secret/#",), receive_maximum=5) as source:
        sent = [Message("plant/secret/x", b"no", 1) for _ in range(20)] + [Message("plant/open", b"yes", 1)]
        await publish(mosquitto.url, sent)
        assert payloads(await quiet(source)) == [b"yes"]
    async with connected(mosquitto, topics=("plant/#",)) as source:
        assert payloads(await quiet(source)) == [b"yes"]


async def test_narrowed_filters(mosquitto: Mosquitto) -> None:
    """A filter that was taken out of the configuration brings nothing, though the session still has it."""
    async with connected(mosquitto, topics=("plant/#",)):
        pass
    async with connected(mosquitto, topics=("plant/a/#",)) as source:
        await publish(mosquitto.url, [Message("plant/b", b"no", 1), Message("plant/a/x", b"yes", 1)])
        assert set(payloads(await quiet(source))) == {b"yes"}  # once for each subscription


# Refusals


async def test_bad_credentials(
    make_mosquitto: Callable[..., Mosquitto], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused credentials are told with the remedy; no other version is tried, and the source goes on trying."""
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "bridge", "right"], check=True)  # noqa: ASYNC221
    passwords.chmod(0o644)
    broker = make_mosquitto(f"password_file {passwords}", anonymous=False)
    broker.start()
    async with MqttSource(settings(broker, username="bridge", password="wrong")) as source:
        await until(lambda: "refuses user" in source.health().problems[0])
        await asyncio.sleep(0.5)
        assert source.health().problems == (
            f"broker {HOST}:{broker.port} refuses user 'bridge': not authorized; "
            "check [mqtt] username and password_file",
        )
    assert broker.log.count("New connection") == 1 + 1  # the probe of `start`, and one attempt
    assert "wrong" not in caplog.text
    async with connected(broker, username="bridge", password="right") as source:
        assert source.health().problems == ()


async def test_takeover(mosquitto: Mosquitto) -> None:
    """Of two sources with one client id the one that was taken over three times stops with the reason."""
    async with connected(mosquitto) as first, connected(mosquitto) as second:

        async def consume(source: MqttSource) -> None:
            async for batch in source.batches():
                batch.done()

        tasks = [asyncio.create_task(consume(source)) for source in (first, second)]
        done, waiting = await asyncio.wait(tasks, timeout=40, return_when=asyncio.FIRST_COMPLETED)
        (loser,) = done
        with pytest.raises(StartError, match=r"another client took over our session, 3 x in a minute.*client_id"):
            loser.result()
        winner = second if loser is tasks[0] else first
        await until(lambda: winner.health().connected)
        assert any("client_id" in problem for problem in winner.health().problems)
        for task in waiting:
            task.cancel()


async def test_takeover_guessed(mosquitto: Mosquitto) -> None:
    """With MQTT 3.1.1 the broker does not tell; several short-lived connections are reported, and no reason to stop."""
    async with connected(mosquitto, protocol="3.1.1") as source:
        for _ in range(3):
            await until(lambda: source.health().connected, 20)
            since, port = source.health().since_ns, str(mosquitto.port)
            await asyncio.to_thread(mosquitto_pub, "-p", port, "-i", "bridge-test", "-t", "x", "-m", "1")
            await until(lambda since=since: source.health().since_ns != since)  # it may be back already
        assert any("perhaps another client" in problem for problem in source.health().problems)
        await until(lambda: source.health().connected, 20)


# Transports


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities, a certificate for localhost, one for another host and one for a client."""
    folder = tmp_path_factory.mktemp("tls")

    def run(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    for ca in ("ca", "other-ca"):
        run("req", "-x509", *ec, "-keyout", f"{ca}.key", "-out", f"{ca}.pem", "-subj", f"/CN={ca}")
    for name, host in (("server", "localhost"), ("stranger", "elsewhere.example"), ("client", "bridge")):
        run("req", *ec[:-2], "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={host}")
        (folder / "san").write_text(f"subjectAltName=DNS:{host}\n")
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "san")
        run("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signing)
    for key in folder.glob("*.key"):
        key.chmod(0o600)
    return folder


def tls_lines(folder: Path, name: str = "server", *more: str, protocol: str = "mqtt") -> tuple[str, ...]:
    """A listener with TLS on the broker's port."""
    return (
        f"listener {{port}} {HOST}",
        f"protocol {protocol}",
        f"cafile {folder}/ca.pem",
        f"certfile {folder}/{name}.pem",
        f"keyfile {folder}/{name}.key",
        *more,
    )


@pytest.mark.parametrize("scheme", ["mqtts", "wss"])
async def test_tls(make_mosquitto: Callable[..., Mosquitto], certificates: Path, scheme: str) -> None:
    """With the right authority and host name TLS works, over TCP and over WebSocket, for large messages too."""
    lines = tls_lines(certificates, protocol="websockets" if scheme == "wss" else "mqtt")
    broker = make_mosquitto(*lines, "listener {ws_port} 127.0.0.1")
    broker.start()
    more = {"url": f"{scheme}://localhost:{broker.port}", "ca_file": certificates / "ca.pem"}
    async with connected(broker, **more) as source:
        sent = [*numbered(1000), Message("large", random.randbytes(100_000), 1), *numbered(10)]
        publishing = asyncio.create_task(publish(f"mqtt://{HOST}:{broker.ws_port}", sent))
        assert payloads(messages(await collect(source, len(sent)))) == payloads(sent)
        await publishing


async def test_websocket(make_mosquitto: Callable[..., Mosquitto]) -> None:
    """A WebSocket carries small and large messages."""
    broker = make_mosquitto("listener {port} 127.0.0.1", "listener {ws_port} 127.0.0.1", "protocol websockets")
    broker.start()
    async with connected(broker, url=f"ws://{HOST}:{broker.ws_port}/mqtt") as source:
        sent = [*numbered(1000), Message("large", random.randbytes(100_000), 1), *numbered(10)]
        publishing = asyncio.create_task(publish(broker.url, sent))
        assert payloads(messages(await collect(source, len(sent)))) == payloads(sent)
        await publishing


@pytest.mark.parametrize(
    ("server", "more", "problem"),
    [
        pytest.param("server", {"ca_file": "other-ca.pem"}, "certificate that is not accepted", id="wrong authority"),
        pytest.param("server", {}, "certificate that is not accepted", id="authority unknown to the system"),
        pytest.param("stranger", {"ca_file": "ca.pem"}, "Hostname mismatch", id="wrong host"),
    ],
)
async def test_tls_refused(
    make_mosquitto: Callable[..., Mosquitto],
    certificates: Path,
    server: str,
    more: dict[str, str],
    problem: str,
) -> None:
    """A certificate of the wrong authority or for another host is refused, with the reason."""
    broker = make_mosquitto(*tls_lines(certificates, server))
    broker.start()
    files = {key: certificates / name for key, name in more.items()}
    async with MqttSource(settings(broker, url=f"mqtts://localhost:{broker.port}", **files)) as source:
        await until(lambda: problem in source.health().problems[0])
        assert not source.health().connected


async def test_tls_expired(make_mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> None:
    """A broker whose certificate has expired is not talked to, and the reason says so; unless told not to look."""
    authority = Authority(tmp_path)
    old = authority.issue(days=-0.1)
    broker = make_mosquitto(f"listener {{port}} {HOST}", f"certfile {old.cert}", f"keyfile {old.key}")
    broker.start()
    more = {"url": f"mqtts://localhost:{broker.port}", "ca_file": authority.ca}
    async with MqttSource(settings(broker, **more)) as source:
        await until(lambda: any("expired" in problem for problem in source.health().problems))
        assert not source.health().connected
    async with connected(broker, **more, insecure=True):
        pass


async def test_tls_insecure(
    make_mosquitto: Callable[..., Mosquitto], certificates: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Only when told so explicitly any certificate will do, and then there is a warning."""
    broker = make_mosquitto(*tls_lines(certificates, "stranger"))
    broker.start()
    async with connected(broker, url=f"mqtts://localhost:{broker.port}", insecure=True):
        assert "certificate is not checked" in caplog.text


async def test_client_certificate(make_mosquitto: Callable[..., Mosquitto], certificates: Path) -> None:
    """A broker that wants a client certificate gets ours; without one the reason is told."""
    broker = make_mosquitto(*tls_lines(certificates, "server", "require_certificate true"))
    broker.start()
    more = {"url": f"mqtts://localhost:{broker.port}", "ca_file": certificates / "ca.pem"}
    ours = {"cert_file": certificates / "client.pem", "key_file": certificates / "client.key"}
    async with connected(broker, **more, **ours):
        pass
    async with MqttSource(settings(broker, **more)) as source:
        await until(lambda: "TLS" in source.health().problems[0])
        assert "[mqtt] cert_file" in source.health().problems[0]


@pytest.mark.parametrize("scheme", ["mqtt", "mqtts"])
async def test_wrong_scheme(make_mosquitto: Callable[..., Mosquitto], certificates: Path, scheme: str) -> None:
    """TLS where the broker speaks none, or none where it does, is told as what it may be."""
    broker = make_mosquitto(*(tls_lines(certificates) if scheme == "mqtt" else ()))
    broker.start()
    async with MqttSource(settings(broker, url=f"{scheme}://localhost:{broker.port}")) as source:
        await until(lambda: "has [mqtt] url the right scheme" in source.health().problems[0])


@pytest.mark.parametrize(
    ("name", "problem"),
    [pytest.param("foreign", "unknown ca", id="authority"), pytest.param("old", "certificate expired", id="expired")],
)
async def test_client_certificate_refused(
    make_mosquitto: Callable[..., Mosquitto], tmp_path: Path, name: str, problem: str
) -> None:
    """A client certificate that the broker does not take is told with the broker's reason, and where to look."""
    ours = Authority(tmp_path)
    server = ours.issue()
    issued = (
        Authority(tmp_path / "foreign").issue("bridge")
        if name == "foreign"
        else ours.issue("bridge", name="old", days=-1)
    )
    lines = (f"listener {{port}} {HOST}", f"cafile {ours.ca}", f"certfile {server.cert}", f"keyfile {server.key}")
    broker = make_mosquitto(*lines, "require_certificate true")
    broker.start()
    more = {"url": f"mqtts://localhost:{broker.port}", "ca_file": ours.ca}
    files = {"cert_file": issued.cert, "key_file": issued.key}
    async with MqttSource(settings(broker, **more, **files)) as source:
        await until(lambda: problem in source.health().problems[0])
        assert "check [mqtt] cert_file and key_file" in source.health().problems[0]


async def test_unusable_certificate(certificates: Path) -> None:
    """A file that is no certificate ends the start with its name."""
    broken = certificates / "ca.key"
    with pytest.raises(StartError, match=r"\[mqtt\] ca_file .*ca\.key: cannot be used"):
        await MqttSource(MqttSettings(url="mqtts://localhost:1", ca_file=broken)).__aenter__()


async def test_mute_broker() -> None:
    """amqtt knows 3.1.1 only, and waits for the rest of a CONNECT of version 5: it is served with 3.1.1."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge.sources.broker", "--port", str(free_port()), stdout=PIPE, stderr=DEVNULL
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    try:
        async with MqttSource(MqttSettings(url=url, client_id="bridge-test")) as source:
            await until(lambda: source.health().connected)
            port = str(urlsplit(url).port)
            await asyncio.to_thread(mosquitto_pub, "-p", port, "-t", "a/b", "-m", "1", "-q", "1")
            (got,) = messages(await collect(source, 1))
            assert (got.topic, got.payload, got.qos) == ("a/b", b"1", 1)
    finally:
        process.terminate()
        await process.wait()


# Housekeeping


def descriptors() -> int:
    """How many are open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_leaves_nothing_open(mosquitto: Mosquitto) -> None:
    """Cycles of start and stop leave no descriptor and no task."""
    async with connected(mosquitto):
        pass
    gc.collect()
    before = descriptors(), asyncio.all_tasks()
    for _ in range(10):
        async with connected(mosquitto) as source:
            assert source.health().connected
    gc.collect()
    assert (descriptors(), asyncio.all_tasks()) == before


async def test_slow_consumer(mosquitto: Mosquitto) -> None:
    """Without a consumer the inbox stays bounded, though QoS 0 knows no receive maximum; then all of it comes."""
    count = 20_000
    async with connected(mosquitto, qos=0) as source:
        await publish(mosquitto.url, [Message("a", b"x" * 200, 0) for _ in range(count)])
        await asyncio.sleep(0.3)
        assert len(source._inbox._messages) < 5_000
        batches: list[Batch] = await collect(source, count)
        assert sum(len(batch.messages) for batch in batches) == count
