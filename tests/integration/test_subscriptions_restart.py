"""Subscriptions and last values of a bridge that is stopped, or killed, and started again (reliability.md R17)."""

import contextlib
import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from bridge_process import BridgeProcess
from recordings import Publisher

from bridge.uns import Message
from mosquitto import Mosquitto

pytestmark = pytest.mark.integration

SUBSCRIPTIONS = 1_000
ELEMENTS = [f"acme/hall/e{number:02}" for number in range(10)]
CLIENT = {"clientId": "peer"}


def publish(bridge: BridgeProcess, broker: Mosquitto, value: int) -> None:
    """A value for each element, which the bridge has taken in."""
    before = bridge.received
    publisher = Publisher(broker.port)
    publisher.publish([Message(topic, json.dumps(value).encode(), 1) for topic in ELEMENTS])
    publisher.close()
    bridge.wait_for(lambda: bridge.received >= before + len(ELEMENTS))


def post(bridge: BridgeProcess, path: str, **body: Any) -> httpx.Response:
    return bridge.client.post(f"/v1{path}", json=CLIENT | body)


def subscribed(bridge: BridgeProcess, count: int) -> list[str]:
    """Subscriptions to two elements each, and then some."""
    found = []
    for number in range(count):
        made = post(bridge, "/subscriptions", displayName=f"number {number}").json()["result"]["subscriptionId"]
        items = [ELEMENTS[number % len(ELEMENTS)], ELEMENTS[(number + 1) % len(ELEMENTS)]]
        assert post(bridge, "/subscriptions/register", subscriptionId=made, elementIds=items).status_code == 200
        found.append(made)
    return found


def synced(bridge: BridgeProcess, ident: str, acknowledged: int | None = None) -> tuple[int, list[Any]]:
    """The status, and number and values of each batch."""
    body = {"lastSequenceNumber": acknowledged} if acknowledged is not None else {}
    answer = post(bridge, "/subscriptions/sync", subscriptionId=ident, **body)
    batches = [
        (batch["sequenceNumber"], [(update["elementId"], update["value"]) for update in batch["updates"]])
        for batch in answer.json()["result"]
    ]
    return answer.status_code, batches


def listed(bridge: BridgeProcess, idents: Sequence[str]) -> Any:
    return post(bridge, "/subscriptions/list", subscriptionIds=list(idents)).json()["results"]


def ready(bridge: BridgeProcess, broker: Mosquitto) -> BridgeProcess:
    bridge.wait_for(bridge.ready)
    publish(bridge, broker, 0)
    return bridge


def options(directory: Path) -> dict[str, dict[str, Any]]:
    return {"model": {"discovery_window": 1.0}, "state": {"directory": str(directory)}}


def value(bridge: BridgeProcess, ident: str) -> tuple[Any, str]:
    found = bridge.client.post("/v1/objects/value", json={"elementIds": [ident]}).json()["results"][0]["result"]
    return found["value"], found["quality"]


def test_stopped(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """After an orderly stop each of 1,000 subscriptions goes on exactly where it was: what was not acknowledged is
    given again under its number, what was pending follows under the next one, and nobody sees a gap.
    """
    sections = options(tmp_path / "state")
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as first:
        idents = subscribed(ready(first, mosquitto), SUBSCRIPTIONS)
        unacknowledged = [synced(first, ident) for ident in idents]
        publish(first, mosquitto, 1)
        before = listed(first, idents)
        assert first.stop() == 0
    assert [status for status, _ in unacknowledged] == [200] * SUBSCRIPTIONS
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as again:
        again.wait_for(again.ready)
        assert listed(again, idents) == before
        publish(again, mosquitto, 2)
        for ident, (_, batches) in zip(idents, unacknowledged, strict=True):
            status, found = synced(again, ident)
            assert (status, found[: len(batches)]) == (200, batches)
            rest = found[len(batches) :]
            assert [number for number, _ in rest] == [batches[-1][0] + 1]
            monitored = {element for _, updates in batches for element, _ in updates}
            for element in monitored:
                assert [value for name, value in rest[0][1] if name == element] == [1, 2]
        assert again.metrics()["bridge_state_problems_total"] == 0


def test_nothing_published(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """After an orderly stop and start, while nothing was published, nothing is queued: retained or not, and with or
    without a time of its own, each value is that which the client knows.
    """
    sections = options(tmp_path / "state")
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as first:
        (ident,) = subscribed(ready(first, mosquitto), 1)
        publisher = Publisher(mosquitto.port)
        timed = json.dumps({"value": 7, "timestamp": time.time_ns() // 1_000_000}).encode()
        kept = [Message("acme/hall/kept", b"7", 1, retain=True), Message("acme/hall/timed", timed, 1, retain=True)]
        before = first.received
        publisher.publish(kept)
        publisher.close()
        first.wait_for(lambda: first.received >= before + 2)
        for element in ("acme", "acme/hall/kept", "acme/hall/timed"):
            post(first, "/subscriptions/register", subscriptionId=ident, elementIds=[element], maxDepth=0)
        assert synced(first, ident, synced(first, ident)[1][-1][0])[1] == []
        first.wait_for(lambda: first.metrics()["bridge_model_settled"] == 1)
        assert synced(first, ident)[1] == []
        assert first.stop() == 0
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as again:
        again.wait_for(again.ready)
        again.wait_for(lambda: value(again, ELEMENTS[0]) == (0, "Good"))
        time.sleep(3.0)
        assert synced(again, ident)[1] == []
        publish(again, mosquitto, 1)
        assert synced(again, ident)[1] != []


def test_old_time_is_there_after_a_kill(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """An element that first reported shortly before a kill is there again, although its payload's time is old."""
    sections = options(tmp_path / "state")
    old = json.dumps({"value": 5, "timestamp": (time.time_ns() // 1_000_000) - 12 * 3_600_000}).encode()
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as first:
        ready(first, mosquitto)
        first.wait_for(lambda: first.metrics()["bridge_model_settled"] == 1)
        time.sleep(2.0)
        before = first.received
        publisher = Publisher(mosquitto.port)
        publisher.publish([Message("t/m4", old, 1)])
        publisher.close()
        first.wait_for(lambda: first.received > before)
        first.wait_for(lambda: first.metrics()["bridge_messages_unacknowledged"] == 0)
        first.signal(signal.SIGKILL)
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as again:
        again.wait_for(again.ready)
        assert value(again, "t/m4")[0] == 5


def test_killed(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """After a kill the subscriptions are there; what may have been lost is a gap that each client is told until it has
    acknowledged what comes after it, no number is given twice, and the present values come anew.
    """
    sections = options(tmp_path / "state")
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as first:
        idents = subscribed(ready(first, mosquitto), 20)
        before = listed(first, idents)
        first.wait_for(lambda: first.metrics()["bridge_model_settled"] == 1)
        first.wait_for(lambda: _written(tmp_path / "state", len(idents)))
        publish(first, mosquitto, 1)
        seen = [synced(first, ident)[1][-1][0] for ident in idents]
        first.signal(signal.SIGKILL)
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as again:
        again.wait_for(again.ready)
        assert listed(again, idents) == before
        publish(again, mosquitto, 2)
        for ident, number in zip(idents, seen, strict=True):
            again.wait_for(lambda ident=ident: synced(again, ident)[1])  # type: ignore[misc]
            status, batches = synced(again, ident)
            assert status == 206
            assert batches[0][0] > number
            assert {name: value for _, updates in batches for name, value in updates} == dict.fromkeys(
                (item["elementId"] for item in before[idents.index(ident)]["result"]["monitoredObjects"]), 2
            )
            assert synced(again, ident, number)[0] == 206
            assert synced(again, ident, batches[-1][0])[0] == 200


def _written(directory: Path, subscriptions: int) -> bool:
    """Whether that many are on the disk."""
    with contextlib.closing(sqlite3.connect(directory / "state.sqlite")) as connection:
        return bool(connection.execute("SELECT count(*) FROM subscriptions").fetchone() == (subscriptions,))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes, where we may mount one."""
    mount = tmp_path / "state"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(mount)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount here")
    if done.returncode:
        pytest.skip(f"cannot mount a small file system: {done.stderr.strip()}")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


@contextlib.contextmanager
def full(directory: Path) -> Iterator[None]:
    ballast = directory / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 1):
            with contextlib.suppress(OSError):  # full, as it should be
                while True:
                    file.write(b"x" * size)
        yield
    ballast.unlink()


@pytest.mark.parametrize("orderly", [pytest.param(True, id="stopped"), pytest.param(False, id="killed")])
def test_started_on_a_full_disk(mosquitto: Mosquitto, tmp_path: Path, small_disk: Path, orderly: bool) -> None:
    """A disk that is full at the start costs nothing: values and subscriptions are there, and everything goes on by
    itself when there is room.
    """
    backend = "memory" if orderly else "sqlite"  # a history that was closed cannot be opened on a full disk
    sections = options(small_disk) | {"history": {"backend": backend}}
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as first:
        (ident,) = subscribed(ready(first, mosquitto), 1)
        first.wait_for(lambda: first.metrics()["bridge_model_settled"] == 1)
        first.wait_for(lambda: _written(small_disk, 1))
        number = synced(first, ident)[1][-1][0]
        synced(first, ident, number)
        if orderly:
            assert first.stop() == 0
        else:
            first.signal(signal.SIGKILL)
            assert first.process is not None
            first.process.wait()
    again = BridgeProcess(tmp_path / "bridge", mosquitto.url, sections)
    with full(small_disk):
        again.start()
        assert value(again, ELEMENTS[0])[0] == 0
        again.wait_for(lambda: again.metrics()["bridge_state_problems_total"] > 3)
        assert synced(again, ident) == (200 if orderly else 206, [])
    with contextlib.closing(again):
        again.wait_for(again.ready, 40.0)
        publish(again, mosquitto, 1)
        again.wait_for(lambda: synced(again, ident)[1])
        batches = synced(again, ident)[1]
        assert [first for first, _ in batches] == [number + 1] or not orderly
        assert [value for name, value in batches[-1][1] if name == ELEMENTS[0]][-1] == 1
        assert list(small_disk.glob("*.broken-*")) == []


def test_values_without_a_broker(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Last values are served although the broker is away, and say that they are doubted."""
    sections = options(tmp_path / "state")
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as first:
        ready(first, mosquitto)
        first.wait_for(lambda: first.metrics()["bridge_model_settled"] == 1)
        assert value(first, ELEMENTS[0]) == (0, "Good")
        assert first.stop() == 0
    mosquitto.stop()
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as again:
        assert value(again, ELEMENTS[0]) == (0, "Uncertain")
        mosquitto.start()
        again.wait_for(again.ready, 40.0)
        again.wait_for(lambda: value(again, ELEMENTS[0]) == (0, "Good"))


def test_two_in_one_directory(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """The second bridge does not start, and says which directory and which setting it is about."""
    sections = options(tmp_path / "state")
    with BridgeProcess(tmp_path / "one", mosquitto.url, sections):
        second = BridgeProcess(tmp_path / "two", mosquitto.url, sections)
        assert second.spawn().wait(30) == 3
        assert f"another bridge uses the directory {tmp_path / 'state'}" in second.log
        assert "[state] directory" in second.log
        second.close()
