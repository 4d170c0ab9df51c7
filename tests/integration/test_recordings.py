"""Recorded traffic through a real broker into a real bridge: every promise of i3X holds for what comes out."""

from collections.abc import Iterator
from pathlib import Path

import invariants
import pytest
import recordings
import strict_json
from bridge_process import BridgeProcess
from views import HttpView

from bridge.space.versions import VERSION_ID
from mosquitto import Mosquitto

pytestmark = pytest.mark.integration

WINDOW_S = 1.0  # of discovery: short, so that the settled model is seen as well
TRAFFIC_S = 60.0  # for a whole recording to arrive; the largest has 38,000 messages
SETTLED_S = 15.0
ALL_TIME = ("2000-01-01T00:00:00Z", "2099-12-31T00:00:00Z")
MOST_READS = 8  # of a whole space, until it holds still meanwhile
SOME = 200  # elements whose history is read
NEVER_LOGGED = ("Traceback", "Error:", " ERROR ", " FATAL ", "Exception")
MOST_LINES = 30  # of log for a start, a connection and some lines about what was rejected

NAMES = [*recordings.shared_folders(), *recordings.own_files()]
NO_SHARED = pytest.param(
    "", marks=pytest.mark.skip(reason=f"no recordings at {recordings.SHARED}: set BRIDGE_FIXTURES")
)


class Replay:
    """One recording, published; the bridge that got it; what it should have received."""

    def __init__(self, bridge: BridgeProcess, published: int) -> None:
        self.bridge = bridge
        self.published = published
        self.view = HttpView(bridge.client)

    def faults(self) -> list[str]:
        """Broken promises, seen in a whole read during which the model did not change."""
        for _ in range(MOST_READS):
            before = self._model()
            found = invariants.faults(self.view)
            if self._model() == before:
                return found
        raise AssertionError(f"the model still changes after {MOST_READS} reads, with no new messages")

    def _model(self) -> tuple[float, object]:
        """The model's revision, and what its element tells, which follows within a second."""
        told = self.bridge.client.post("/v1/objects/value", json={"elementIds": [VERSION_ID]}).json()
        return self.bridge.metrics()["bridge_model_revision"], told


@pytest.fixture(scope="module", params=NAMES if recordings.shared_folders() else [*NAMES, NO_SHARED])
def replay(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """A bridge that has received a whole recording."""
    traffic = [m for m in recordings.messages(recordings.path_of(request.param)) if recordings.publishable(m.topic)]
    directory: Path = tmp_path_factory.mktemp("replay")
    broker = Mosquitto(directory / "broker", recordings.SAVES_SELDOM)
    broker.start()
    try:
        with BridgeProcess(directory / "bridge", broker.url, {"model": {"discovery_window": WINDOW_S}}) as bridge:
            bridge.wait_for(bridge.ready)
            publisher = recordings.Publisher(broker.port)
            publisher.publish(traffic)
            publisher.close()
            bridge.wait_for(lambda: bridge.received >= len(traffic), TRAFFIC_S)
            yield Replay(bridge, len(traffic))
            assert bridge.stop() == 0
    finally:
        broker.stop()


def test_every_message_is_counted_once(replay: Replay) -> None:
    """What was published was received, and received = stored + duplicate + rejected + unacknowledged."""
    told = replay.bridge.metrics()
    outcomes = [told[f'bridge_messages_total{{outcome="{name}"}}'] for name in ("stored", "duplicate", "rejected")]
    unacknowledged = told["bridge_messages_unacknowledged"]
    assert told["bridge_messages_received_total"] == replay.published == sum(outcomes) + unacknowledged


def test_space_is_sound(replay: Replay) -> None:
    """Types listed, edges reversible, values conforming, ids exact; while the model is young and when it is settled."""
    assert replay.faults() == []
    replay.bridge.wait_for(lambda: replay.bridge.metrics()["bridge_model_settled"] == 1, SETTLED_S)
    assert replay.faults() == []


def test_history_is_sound(replay: Replay) -> None:
    """History of any element, composed and projected ones too, ascends in time; null goes with Bad and GoodNoData."""
    rows = replay.view.objects()
    some = [row["elementId"] for row in rows[:: max(1, len(rows) // SOME)]]
    for ident, found in zip(some, replay.view.history(some, *ALL_TIME), strict=True):
        times = [row["timestamp"].rstrip("Z") for row in found["values"]]  # with more digits where they differ by less
        assert times == sorted(set(times)), ident
        assert all((row["value"] is None) == (row["quality"] in ("Bad", "GoodNoData")) for row in found["values"]), (
            ident
        )


def test_every_listing_is_strict_json(replay: Replay) -> None:
    """Every type by id and every object by id are what the listings said."""
    view, client = replay.view, replay.bridge.client
    for path, rows in (("/v1/objecttypes/query", view.object_types()), ("/v1/objects/list", view.objects())):
        body = {"elementIds": [row["elementId"] for row in rows], "includeMetadata": True}
        if path.endswith("query"):
            del body["includeMetadata"]
        answer = strict_json.parse(client.post(path, json=body).content)
        assert [item["result"] for item in answer["results"]] == rows


def test_log_is_short_and_clean(replay: Replay) -> None:
    """No exception, no error, and no line for each message."""
    log = replay.bridge.log
    assert [line for line in log.splitlines() if any(word in line for word in NEVER_LOGGED)] == []
    assert len(log.splitlines()) <= MOST_LINES
