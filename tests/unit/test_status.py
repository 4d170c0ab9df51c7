"""/status: numbers that are read where they are kept, and examples that the admin who asks may read."""

from typing import Any

import msgspec
import pytest
from inprocess import PRESS, SPEED, TEMPERATURE, InProcess, owner

from bridge.api import Readiness
from bridge.config import Settings, WriteSettings
from bridge.explain import Rejections
from bridge.sources.base import Health
from bridge.space.sight import Sight
from bridge.status import LOOKS, MOST, Status
from bridge.uns import Message, Rejected

EVERYTHING = ("#",)
NOW = "2026-09-21T14:13:21.000Z"
SETTINGS = Settings.model_validate({"state": {"directory": ""}, "history": {"backend": "memory"}})


class Quiet:
    """A source of which only the health is asked."""

    def __init__(self, **said: Any) -> None:
        self._health = Health(**{"connected": True, "since_ns": 0, "reconnects": 3, "sessions_lost": 1, **said})

    def health(self) -> Health:
        return self._health


class Watched(InProcess):
    """A bridge that tells of itself."""

    def __init__(self, source: Quiet | None = None, settings: Settings = SETTINGS, **more: Any) -> None:
        super().__init__(**more)
        self.rejections = Rejections()
        self.press()
        self.status = Status(
            version="1.2.3",
            settings=settings,
            engine=self.engine,
            ledger=self.flow.ledger,
            history=self.history,
            source=source or Quiet(),  # type: ignore[arg-type]  # see Quiet
            rejections=self.rejections,
            readiness=lambda: self.ready,
            writer=self.context.writer,
        )

    def told(self, *filters: str) -> Any:
        """As JSON, as an admin sees it who may read these."""
        return msgspec.json.decode(msgspec.json.encode(self.status.tell(self.engine.sight(filters or EVERYTHING))))


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_the_bridge(watched: Watched) -> None:
    """Version, since when, and whether data flows, with the reasons why not."""
    told = watched.told()
    assert (told["version"], told["ready"], told["reasons"]) == ("1.2.3", True, [])
    assert told["startedAt"].endswith(".000Z")
    assert 0 <= told["uptime"] < 60
    watched.ready = Readiness(ready=False, reasons=("the broker is not connected",))
    told = watched.told()
    assert (told["ready"], told["reasons"]) == (False, ["the broker is not connected"])


def test_broker() -> None:
    """How the connection is; what is not known is null."""
    assert Watched().told()["broker"] == {
        "url": "mqtt://localhost:1883",
        "connected": True,
        "since": None,
        "reconnects": 3,
        "sessionsLost": 1,
        "protocol": None,
        "topics": ["#"],
        "problem": None,
    }
    away = Quiet(connected=False, since_ns=1_790_000_001_000_000_000, problems=("a", "b"), protocol="MQTT 5")
    told = Watched(away).told()["broker"]
    assert (told["connected"], told["since"], told["protocol"], told["problem"]) == (False, NOW, "MQTT 5", "a; b")


def test_messages_balance(watched: Watched) -> None:
    """Every message is somewhere, as in /metrics."""
    watched.publish(SPEED, 1, watched.now_ns)
    watched.publish(SPEED, 1, watched.now_ns)
    watched.ingest(Message(SPEED, b"x" * 300_000, received_ns=watched.now_ns))
    assert watched.told()["messages"] == {
        "received": 3,
        "stored": 1,
        "duplicate": 1,
        "rejected": {"payload-size": 1},
        "unacknowledged": 0,
    }


def test_rejected(watched: Watched) -> None:
    """Examples of what could not be used, the newest first, as text that is safe to show."""
    size, json = Rejected("payload-size", "300 bytes"), Rejected("malformed-json", "no end")
    watched.rejections.note(Message("acme/a", b'{"a":\n\x00\xff\xe2\x80\xae"', received_ns=watched.now_ns - 1), json)
    watched.rejections.note(Message("acme/b", b"y" * 300, received_ns=watched.now_ns), size)
    first, second = watched.told()["rejected"]
    assert first == {
        "reason": "payload-size",
        "topic": "acme/b",
        "payload": "y" * 200,
        "size": 300,
        "detail": "300 bytes",
        "at": NOW,
    }
    assert (second["topic"], second["payload"]) == ("acme/a", '{"a": \ufffd\ufffd\ufffd"')


def test_many_rejected(watched: Watched) -> None:
    """They are bounded, whatever came."""
    for number in range(10_000):
        watched.rejections.note(Message(f"t{number}", b"x"), Rejected(f"r{number % 100}"))
    assert len(watched.told()["rejected"]) == MOST


def test_elements(watched: Watched) -> None:
    """How many there are, and how many are silent, dead or lost; who they are, and since when."""
    watched.publish(f"{PRESS}/LWT", "offline")
    told = watched.told()
    assert told["elements"] == {
        "total": len(watched.engine.space.nodes),
        "stale": 0,
        "dead": 4,
        "lost": 0,
        "unconfirmed": 0,
    }
    assert {one["elementId"] for one in told["stale"]} >= {SPEED, TEMPERATURE}
    speed = next(one for one in told["stale"] if one["elementId"] == SPEED)
    assert speed == {"elementId": SPEED, "why": "dead", "since": NOW, "timestamp": "2026-09-21T14:13:20.000Z"}


def test_unconfirmed(watched: Watched) -> None:
    """What only the broker's stored copy tells is counted and named, until something comes."""
    maker = f"{PRESS}/nameplate/maker"
    watched.ingest(Message(maker, b'"ACME"', retain=True, replayed=True, received_ns=watched.now_ns))
    told = watched.told()
    assert told["elements"]["unconfirmed"] == 1
    assert [(one["elementId"], one["why"]) for one in told["stale"]] == [(maker, "unconfirmed")]
    watched.publish(maker, "ACME Ltd")
    told = watched.told()
    assert (told["elements"]["unconfirmed"], told["stale"]) == (0, [])


def test_examples_are_of_what_is_read(watched: Watched) -> None:
    """An admin who may not read everything is told the numbers, and no topic or payload that they may not read."""
    watched.publish(f"{PRESS}/LWT", "offline")
    for topic in ("acme/line2/secret", SPEED):
        watched.rejections.note(Message(topic, b"{", received_ns=watched.now_ns), Rejected("malformed-json"))
    told = watched.told(SPEED)
    assert [one["elementId"] for one in told["stale"]] == [SPEED]
    assert [one["topic"] for one in told["rejected"]] == [SPEED]
    assert told["elements"]["dead"] == 4
    nothing = watched.status.tell(watched.engine.sight(()))
    assert (nothing["stale"], nothing["rejected"]) == ([], [])


def test_very_many_that_are_not_read(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not looked at more of them than takes a moment."""
    watched.publish(f"{PRESS}/LWT", "offline")
    looks = []
    monkeypatch.setattr("bridge.status.LOOKS", 2)
    monkeypatch.setattr(Sight, "reads", lambda _, node: looks.append(node) is not None)
    assert watched.status.tell(Sight(("a",)))["stale"] == []
    assert len(looks) == 2 < LOOKS


def test_types(watched: Watched) -> None:
    """How far the model is."""
    space = watched.engine.space
    space.registry.drift.note("a", "b", "c", 0)
    assert watched.told()["types"] == {
        "total": len(space.registry.by_id),
        "revision": space.revision,
        "settled": not space.young,
        "driftEvents": 1,
    }


def test_history(watched: Watched) -> None:
    """What it holds, whether it can be written, and its bounds."""
    watched.publish(SPEED, 1)
    told = watched.told()
    assert told["history"] == {
        "backend": "memory",
        "rows": 1,
        "bytes": watched.history.figures().bytes,
        "pending": 0,
        "writable": True,
        "problem": None,
        "evicted": 0,
        "keepAge": None,
    }
    assert (told["limits"]["historyRows"], told["limits"]["historyBytes"]) == (1_000_000, None)


def test_subscriptions(watched: Watched) -> None:
    """Who subscribes, and what waits for them; never the id, with which whoever knows it could read."""
    found = watched.subscribe(PRESS, max_depth=0)
    watched.engine.subscriptions.open_stream(found, lambda: None)
    told = watched.told()["subscriptions"]
    (one,) = told.pop("list")
    assert told == {"total": 1, "streams": 1, "items": 1, "queued": 9, "dropped": 0}
    assert one == {
        "displayName": None,
        "clientId": owner(found)["clientId"],
        "owner": None,
        "items": 1,
        "queued": 9,
        "streaming": True,
    }
    assert found.id not in str(watched.told())


def test_many_subscriptions(watched: Watched) -> None:
    """All are counted, some are named."""
    for _ in range(MOST + 1):
        watched.subscribe(SPEED)
    told = watched.told()["subscriptions"]
    assert (told["total"], len(told["list"])) == (MOST + 1, MOST)


def test_writes() -> None:
    """Outcomes where writing is on."""
    assert Watched().told()["writes"] == {}
    on = Watched(writes=WriteSettings(enabled=True, allow=("#",)))
    assert on.told()["writes"] == {"ok": 0, "refused": 0, "failed": 0}


def test_limits(watched: Watched) -> None:
    """What the numbers come up against."""
    assert watched.told()["limits"] == {
        "elements": 500_000,
        "historyRows": 1_000_000,
        "historyBytes": None,
        "subscriptions": 1_000,
        "queued": 1_000_000,
        "streams": 1_000,
        "connections": SETTINGS.connections.max,
    }
    assert watched.told()["connections"] == 0
