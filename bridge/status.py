"""`/status`: how the bridge is, as one document for a page that shows it. Like `/metrics` it counts nothing itself.
Beside the numbers it has examples: messages that were rejected, elements that are silent, and who subscribes.

Counts speak of everything. Examples name topics and show payloads, so they are those that the admin who asks may read.
Times are RFC 3339, spans are seconds.
"""

import time
from collections.abc import Callable, Mapping
from itertools import count, islice
from typing import Any, TypeAlias

from msgspec import Struct

from bridge.api import Readiness
from bridge.config import Settings
from bridge.engine import Engine
from bridge.explain import Rejections
from bridge.history import History, MemoryHistory
from bridge.ledger import Ledger
from bridge.listening import Server
from bridge.sources import Source
from bridge.space.liveness import Why
from bridge.space.sight import Sight
from bridge.uns.moments import SECOND, render
from bridge.writing import Writer

MOST = 100  # examples of each list
LOOKS = 10_000  # for each reason to doubt, at elements that the admin who asks may not read: some 10 ms

Told: TypeAlias = Mapping[str, Any]


class Status(Struct, kw_only=True):
    """Reads the running daemon."""

    version: str
    settings: Settings
    engine: Engine
    ledger: Ledger
    history: History
    source: Source
    rejections: Rejections
    readiness: Callable[[], Readiness]
    writer: Writer | None = None
    server: Server | None = None  # made after us: its pages show what we tell
    started_ns: int = 0
    started: float = 0.0  # monotonic

    def __post_init__(self) -> None:
        self.started_ns, self.started = time.time_ns() // SECOND * SECOND, time.monotonic()

    def tell(self, sight: Sight) -> Told:
        """As somebody may know it who sees so much."""
        found = self.readiness()
        return {
            "version": self.version,
            "startedAt": render(self.started_ns),
            "uptime": int(time.monotonic() - self.started),
            "ready": found.ready,
            "reasons": found.reasons,
            "broker": self._broker(),
            "messages": self._messages(),
            "rejected": self._rejected(sight),
            "elements": self._elements(),
            "stale": self._stale(sight),
            "types": self._types(),
            "history": self._history(),
            "subscriptions": self._subscriptions(),
            "connections": self.server.door.connections if self.server is not None else 0,
            "writes": dict(self.writer.outcomes) if self.writer is not None else {},
            "limits": self._limits(),
        }

    def _broker(self) -> Told:
        said, health = self.settings.mqtt, self.source.health()
        return {
            "url": said.url,  # the configuration lets no credentials into it
            "connected": health.connected,
            "since": _time(health.since_ns),
            "reconnects": health.reconnects,
            "sessionsLost": health.sessions_lost,
            "protocol": health.protocol or None,
            "topics": said.topics,
            "problem": "; ".join(health.problems) or None,
        }

    def _messages(self) -> Told:
        ledger = self.ledger
        return {
            "received": ledger.received,
            "stored": ledger.stored,
            "duplicate": ledger.duplicate,
            "rejected": dict(sorted(ledger.rejected.items())),
            "unacknowledged": ledger.unacknowledged,
        }

    def _rejected(self, sight: Sight) -> list[Told]:
        return [
            {
                "reason": one.why.reason,
                "topic": topic,
                "payload": one.excerpt(),
                "size": one.size,
                "detail": one.why.detail,
                "at": _time(one.received_ns),
            }
            for topic, one in self.rejections.examples(sight.covers)[:MOST]
        ]

    def _elements(self) -> Told:
        doubts = self.engine.liveness
        total = len(self.engine.space.nodes)
        return {
            "total": total,
            "stale": doubts.stale,
            "dead": doubts.dead,
            "lost": doubts.lost,
            "unconfirmed": doubts.unconfirmed,
        }

    def _stale(self, sight: Sight) -> list[Told]:
        """The dead first, then the silent, then those that nobody has confirmed since the broker was away, then those
        of which only the broker's stored copy is known.
        """
        found: dict[Why, list[Told]] = {"dead": [], "stale": [], "lost": [], "unconfirmed": []}
        looks = {why: count() for why in found}
        for why, node in self.engine.liveness.doubted(
            MOST, lambda why, node: next(looks[why]) < LOOKS and sight.reads(node)
        ):
            times = {"since": _time(node.doubt_ns), "timestamp": _time(node.time_ns)}
            found[why].append({"elementId": node.id, "why": why, **times})
        return [one for some in found.values() for one in some][:MOST]

    def _types(self) -> Told:
        space = self.engine.space
        return {
            "total": len(space.registry.by_id),
            "revision": space.revision,
            "settled": not space.young,
            "driftEvents": space.registry.drift.total,
        }

    def _history(self) -> Told:
        history, figures = self.history, self.history.figures()
        return {
            "backend": "memory" if isinstance(history, MemoryHistory) else "sqlite",
            "rows": history.rows,
            "bytes": figures.bytes,
            "pending": figures.unwritten,
            "writable": figures.problem is None,
            "problem": figures.problem,
            "evicted": history.evicted,
            "keepAge": self.settings.history.keep_age or None,
        }

    def _subscriptions(self) -> Told:
        found = self.engine.subscriptions
        some = [
            {
                "displayName": one.display_name,
                "clientId": one.client_id,  # never its id, with which whoever knows it could read
                "owner": one.owner or None,
                "items": len(one.items),
                "queued": one.queue.held,
                "streaming": one.stream is not None,
            }
            for one in islice(found.each(), MOST)
        ]
        return {
            "total": len(found),
            "streams": found.streams,
            "items": found.items,
            "queued": found.queued,
            "dropped": found.dropped_total,
            "list": some,
        }

    def _limits(self) -> Told:
        """The settings that the numbers above come up against; None: any number."""
        said = self.settings
        in_memory = isinstance(self.history, MemoryHistory)
        return {
            "elements": said.limits.elements,
            "historyRows": said.history.rows_total if in_memory else said.history.keep_rows or None,
            "historyBytes": None if in_memory else said.history.keep_bytes or None,
            "subscriptions": said.subscriptions.max,
            "queued": said.subscriptions.queue_total,
            "streams": said.stream.max_open,
            "connections": said.connections.max,
        }


def _time(ns: int) -> str | None:
    return render(ns) if ns else None


__all__ = ["Status"]
