"""R16 and R17: starts and stops leave nothing open, and a restart forgets nothing."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bridge_process import BridgeProcess
from known_messages import KnownPublisher, Series, everything_in
from views import HttpView
from watch import Watch

from mosquitto import Mosquitto

pytestmark = pytest.mark.integration

HELPERS = Path(__file__).parents[1] / "helpers"
SLACK = 2  # descriptors and threads more than after the first cycle
CYCLE_S = 20.0
TOPICS = 20
WRITTEN_BEHIND_S = 3.0  # a crash may cost what happened so shortly before

Client = dict[str, str]


@pytest.mark.parametrize("cycles", [5, pytest.param(50, marks=pytest.mark.long)])
def test_r16_cycles(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None], cycles: int
) -> None:
    """Start and stop leave no descriptor and no thread behind, with history and state on disk."""
    bridge, series = make_bridge(mosquitto.url), Series()
    bridge.start()
    bridge.wait_for(bridge.ready)
    KnownPublisher(mosquitto.port, series).publish(500)
    bridge.wait_for(lambda: bridge.received >= 500)
    assert bridge.stop() == 0
    command = [sys.executable, str(HELPERS / "cycles.py"), str(bridge.config), str(bridge.port), str(cycles)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=bridge.directory, timeout=cycles * CYCLE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    codes, descriptors, threads = zip(*json.loads(done.stdout), strict=True)
    figures(
        cycles=cycles,
        descriptors=f"{descriptors[0]} -> {descriptors[-1]}",
        threads=f"{threads[0]} -> {threads[-1]}",
    )
    assert set(codes) == {0}
    assert descriptors[-1] <= descriptors[0] + SLACK
    assert threads[-1] <= threads[0] + SLACK
    bridge.start()
    found = everything_in(bridge, series)
    assert found.sound, found


class Clients:
    """Subscriptions over HTTP, one of each client, each to two of the elements."""

    def __init__(self, bridge: BridgeProcess, series: Series) -> None:
        self._http = bridge.client
        self._series = series
        self.made: list[Client] = []

    def ask(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        answer = self._http.post(f"/v1/subscriptions{path}", json=body)
        return answer.status_code, answer.json()

    def make(self, count: int) -> None:
        for number in range(count):
            client = {"clientId": f"client{number}"}
            made = self.ask("", client | {"displayName": f"of {number}"})[1]["result"]
            owner = client | {"subscriptionId": made["subscriptionId"]}
            ids = [self._series.topic(number), self._series.topic(number + 1)]
            assert self.ask("/register", owner | {"elementIds": ids})[1]["success"]
            self.made.append(owner)

    def sync(self, owner: Client, acknowledge: int | None = None) -> tuple[int, list[Any]]:
        more = {} if acknowledge is None else {"lastSequenceNumber": acknowledge}
        status, told = self.ask("/sync", owner | more)
        assert told["success"], told
        return status, told["result"]

    def shown(self) -> list[Any]:
        """What `list` tells of each."""
        found = []
        for owner in self.made:
            body = {"clientId": owner["clientId"], "subscriptionIds": [owner["subscriptionId"]]}
            (item,) = self.ask("/list", body)[1]["results"]
            found.append(item.get("result", item))
        return found


def values(bridge: BridgeProcess, series: Series) -> list[tuple[Any, str, str]]:
    """Of each element: value, quality, timestamp; nothing where there is no such element."""
    items = bridge.client.post("/v1/objects/value", json={"elementIds": series.elements}).json()["results"]
    rows = [item["result"] for item in items if item["success"]]
    return [(row["value"], row["quality"], row["timestamp"]) for row in rows]


def model(bridge: BridgeProcess) -> list[Any]:
    """Elements, with types and places, and the types."""
    view = HttpView(bridge.client)
    keys = ("elementId", "displayName", "typeElementId", "parentId", "isComposition")
    rows = [[row[key] for key in keys] for row in view.objects() if not row["elementId"].startswith("$bridge")]
    return [sorted(map(str, rows)), sorted(str(row) for row in view.object_types())]


def prepared(bridge: BridgeProcess, broker: Mosquitto, series: Series, count: int) -> tuple[Clients, KnownPublisher]:
    """Subscriptions with a batch acknowledged, a batch unacknowledged (every other one), and updates pending."""
    publisher = KnownPublisher(broker.port, series)
    bridge.start()
    bridge.wait_for(bridge.ready)
    publisher.publish(TOPICS * 5)
    bridge.wait_for(lambda: bridge.received >= TOPICS * 5)
    bridge.wait_for(lambda: bridge.metrics()["bridge_model_settled"] == 1)
    clients = Clients(bridge, series)
    clients.make(count)
    for owner in clients.made:
        assert [batch["sequenceNumber"] for batch in clients.sync(owner)[1]] == [1]
    publisher.publish(TOPICS * 2)
    bridge.wait_for(lambda: bridge.received >= TOPICS * 7)
    for owner in clients.made[::2]:
        assert [batch["sequenceNumber"] for batch in clients.sync(owner, 1)[1]] == [2]
    publisher.publish(TOPICS * 2)
    bridge.wait_for(lambda: bridge.received >= TOPICS * 9)
    bridge.wait_for(lambda: bridge.metrics()["bridge_messages_unacknowledged"] == 0)
    return clients, publisher


SIZES = [50, pytest.param(1_000, marks=pytest.mark.long)]


@pytest.mark.parametrize("count", SIZES)
def test_r17_restart(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None], count: int
) -> None:
    """After an orderly restart all is there: subscriptions with their items and names, the unacknowledged batches under
    their numbers, what was pending, the model, the last values.
    """
    series, bridge = Series(topics=TOPICS), make_bridge(mosquitto.url)
    clients, publisher = prepared(bridge, mosquitto, series, count)
    shown, known, last = clients.shown(), model(bridge), values(bridge, series)
    before = time.monotonic()
    assert bridge.stop() == 0
    stopped = time.monotonic()
    bridge.start()
    started = time.monotonic()
    bridge.wait_for(bridge.ready)
    with Watch(bridge.port) as watch:
        bridge.wait_for(lambda: values(bridge, series) == last)
        assert model(bridge) == known
        assert clients.shown() == shown
        publisher.publish(TOPICS)
        bridge.wait_for(lambda: bridge.received >= TOPICS)
        figures(subscriptions=count, stop_s=stopped - before, start_s=started - stopped)
        for number, owner in enumerate(clients.made):
            status, batches = clients.sync(owner)
            assert status == 200, f"{owner}: {batches}"
            ids = {series.topic(number), series.topic(number + 1)}
            expected = [value for value in range(len(series.stamps)) if series.topic(value) in ids]
            new = [value for value in expected if value >= TOPICS * 5]
            assert [batch["sequenceNumber"] for batch in batches] == ([2, 3] if number % 2 == 0 else [1, 2])
            got = {update["value"] for batch in batches for update in batch["updates"]}  # a doubt may repeat one
            known_before = [] if number % 2 == 0 else expected[-len(new) - len(ids) : -len(new)]
            assert sorted(got) == [*known_before, *new]
        found = everything_in(bridge, series)
    assert found.sound, found
    watch.check()


@pytest.mark.parametrize("count", SIZES)
def test_r17_killed(
    mosquitto: Mosquitto, make_bridge: Callable[..., BridgeProcess], figures: Callable[..., None], count: int
) -> None:
    """After a kill the subscriptions are there, and what their clients miss is a real gap: no number comes twice, and
    unless everything arrives the answer is 206. The model and the last values are there too.
    """
    series, bridge = Series(topics=TOPICS), make_bridge(mosquitto.url)
    clients, publisher = prepared(bridge, mosquitto, series, count)
    shown, known, last = clients.shown(), model(bridge), values(bridge, series)
    time.sleep(WRITTEN_BEHIND_S)
    bridge.signal(signal.SIGKILL)
    assert bridge.process is not None
    bridge.process.wait()
    killed = time.monotonic()
    bridge.start()
    started = time.monotonic()
    bridge.wait_for(bridge.ready)
    told = gaps = 0
    with Watch(bridge.port) as watch:
        bridge.wait_for(lambda: [row[0] for row in values(bridge, series)] == [row[0] for row in last])
        assert model(bridge) == known
        assert clients.shown() == shown
        publisher.publish(TOPICS)
        bridge.wait_for(lambda: bridge.received >= TOPICS)
        time.sleep(WRITTEN_BEHIND_S)
        for number, owner in enumerate(clients.made):
            status, batches = clients.sync(owner)
            seen = 2 if number % 2 == 0 else 1
            got = {update["value"] for batch in batches for update in batch["updates"]}
            ids = {series.topic(number), series.topic(number + 1)}
            owed = {value for value in range(TOPICS * 5, len(series.stamps)) if series.topic(value) in ids}
            newest = {value for value in owed if value >= TOPICS * 9}
            assert newest <= got, "what came after the restart"
            complete = owed <= got
            assert status == (200 if complete else 206), f"{status}: {owed - got} are missing"
            numbers = [batch["sequenceNumber"] for batch in batches]
            assert complete or min(numbers) > seen, "a number that the client knows with other updates"
            gaps += status == 206
            told += clients.sync(owner, numbers[-1])[0] == 200
        found = everything_in(bridge, series)
    figures(subscriptions=count, gaps=gaps, start_s=started - killed, lost=found.lost, duplicates=found.duplicates)
    assert told == count, "after its acknowledgement a gap is not told any more"
    assert found.sound, found
    watch.check()
