"""`/metrics`: what the daemon counts, in the Prometheus text format. Nothing is counted twice: values are read from
the engine, the history and the source when they are asked for.
"""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bridge.access.entry import Access
from bridge.engine import Engine
from bridge.history import History
from bridge.ledger import Ledger
from bridge.listening import Server
from bridge.sources import Source
from bridge.state import StateKeeper
from bridge.writing import Audit, Writer


class BridgeCollector(Collector):
    """Reads the running daemon."""

    def __init__(
        self,
        engine: Engine,
        ledger: Ledger,
        history: History,
        source: Source,
        version: str,
        keeper: StateKeeper | None = None,
        writer: Writer | None = None,
        audit: Audit | None = None,
        access: Access | None = None,
    ) -> None:
        self._engine = engine
        self._ledger = ledger
        self._history = history
        self._source = source
        self._version = version
        self._keeper = keeper
        self._writer = writer
        self._audit = audit
        self._access = access
        self.server: Server | None = None  # made after us: its pages show what we collect

    def collect(self) -> Iterator[Metric]:
        yield from self._messages()
        yield from self._model()
        yield from self._subscriptions()
        yield from self._broker()
        yield from self._of_history()
        outcomes = self._writer.outcomes if self._writer is not None else {}
        yield _counters("bridge_writes", "Attempts to write current values, by outcome.", "outcome", outcomes)
        unaudited = self._audit.failures if self._audit is not None else 0
        yield _counter("bridge_audit_failures", "Lines that the audit log could not take.", unaudited)
        authenticator = self._access.authenticator if self._access is not None else None
        about = "Credentials that were right (ok), wrong (failed), or not looked at after too many failures (refused)."
        yield _counters("bridge_logins", about, "outcome", authenticator.logins if authenticator is not None else {})
        oidc = self._access.oidc if self._access is not None else None
        about = "Tokens of the identity provider that were refused, by reason."
        yield _counters("bridge_oidc_refused", about, "reason", oidc.reasons if oidc is not None else {})
        if self.server is not None:
            yield from self._connections(self.server)
        problems = self._keeper.problems if self._keeper is not None else 0
        yield _counter(
            "bridge_state_problems",
            "Files of the state, or parts of them, that could not be used or written.",
            problems,
        )
        build = GaugeMetricFamily("bridge_build_info", "The version that runs.", labels=["version"])
        build.add_metric([self._version], 1)
        yield build

    @staticmethod
    def _connections(server: Server) -> Iterator[Metric]:
        yield _gauge("bridge_connections", "Open connections of clients.", server.door.connections)
        yield _counters("bridge_connections_cut", "Connections that were cut, by reason.", "reason", server.door.cut)
        if server.certificates is not None:
            about = "When the server's certificate ends, in seconds since 1970 UTC."
            yield _gauge("bridge_tls_expires", about, server.certificates.expires.timestamp())
            about = "New certificates that could not be used."
            yield _counter("bridge_tls_failures", about, server.certificates.failures)

    def _messages(self) -> Iterator[Metric]:
        counters, ledger = self._engine.counters, self._ledger
        yield _counter("bridge_messages_received", "Messages taken from the broker.", ledger.received)
        outcomes = {
            "stored": ledger.stored,
            "duplicate": ledger.duplicate,
            "rejected": sum(ledger.rejected.values()),
        }
        about = "Messages by outcome; with those that are unacknowledged their sum is what was received."
        yield _counters("bridge_messages", about, "outcome", outcomes)
        about = "Messages that are not safe on the disk yet; the broker keeps those of QoS 1 and 2."
        yield _gauge("bridge_messages_unacknowledged", about, ledger.unacknowledged)
        yield _counters("bridge_messages_rejected", "Rejected messages by reason.", "reason", ledger.rejected)
        yield _counter(
            "bridge_readings_late",
            "Readings older than the current value, kept in history only.",
            counters.late,
        )
        yield _counter(
            "bridge_readings_skewed",
            "Readings from the future, taken at their time of receipt.",
            counters.skewed,
        )
        yield _counters(
            "bridge_sparkplug", "Sparkplug sessions by event.", "event", self._engine.router.sparkplug_stats
        )
        yield _counter(
            "bridge_sparkplug_rebirths_requested",
            "Requests to edge nodes to send their births again.",
            self._engine.router.rebirths.requested,
        )
        left_out = self._engine.router.batch_stats
        yield _counters("bridge_batches_left_out", "Items of batches left out, by reason.", "reason", left_out)

    def _of_history(self) -> Iterator[Metric]:
        history, figures = self._history, self._history.figures()
        yield _gauge("bridge_history_rows", "Rows held in history.", history.rows)
        yield _gauge("bridge_history_bytes", "Bytes that they take, about.", figures.bytes)
        yield _gauge("bridge_history_pending_rows", "Rows that are not on the disk yet.", figures.unwritten)
        yield _gauge("bridge_history_writable", "0 while rows cannot be written.", figures.problem is None)
        yield _counter("bridge_history_evicted", "Rows dropped to stay within bounds.", history.evicted)
        about = "Rows that took the place of one at the same time, as far as that was noticed when they came."
        yield _counter("bridge_history_repeated", about, figures.repeated)
        yield _counter("bridge_history_commits", "Groups of rows written.", figures.commits)
        yield _counter("bridge_history_commit_seconds", "Seconds that writing them took.", figures.commit_seconds)
        about = "Attempts to write rows that failed and were made again."
        yield _counter("bridge_history_failures", about, figures.failures)
        about = "History files, or parts of them, that could not be used."
        yield _counter("bridge_history_problems", about, figures.problems)

    def _model(self) -> Iterator[Metric]:
        space = self._engine.space
        yield _gauge("bridge_elements", "Elements of the address space.", len(space.nodes))
        yield _counters(
            "bridge_fields_refused", "Times a field was not made an element, by limit.", "reason", space.refused
        )
        yield _gauge("bridge_types", "Object types.", len(space.registry.by_id))
        yield _counter(
            "bridge_types_widened",
            "Events of /drift: a settled type was exceeded or widened.",
            space.registry.drift.total,
        )
        yield _gauge("bridge_model_revision", "Rises with every change of the model.", space.revision)
        yield _gauge("bridge_model_settled", "1 once the discovery window is over.", not space.young)
        yield _counters(
            "bridge_elements_removed", "Elements that were let go, by reason.", "reason", space.removal.removed
        )
        doubts = self._engine.liveness
        yield _gauge("bridge_elements_stale", "Elements that have been silent for too long.", doubts.stale)
        yield _gauge("bridge_elements_dead", "Elements whose source is offline, as a last will says.", doubts.dead)
        yield _gauge("bridge_elements_lost", "Elements unconfirmed since the broker was away.", doubts.lost)
        yield _gauge(
            "bridge_elements_unconfirmed",
            "Elements of which only the broker's stored copy is known, without a time of its own.",
            doubts.unconfirmed,
        )

    def _subscriptions(self) -> Iterator[Metric]:
        found = self._engine.subscriptions
        yield _gauge("bridge_subscriptions", "Open subscriptions.", len(found))
        yield _gauge("bridge_streams", "Open streams.", found.streams)
        yield _gauge("bridge_monitored_items", "Monitored items.", found.items)
        yield _gauge("bridge_updates_queued", "Updates waiting in subscriptions.", found.queued)
        yield _counter("bridge_updates_dropped", "Updates lost because a queue was full.", found.dropped_total)
        yield _counter("bridge_updates_streamed", "Updates taken by streams.", found.delivered_total)

    def _broker(self) -> Iterator[Metric]:
        health = self._source.health()
        yield _gauge("bridge_source_connected", "1 while the broker is connected.", health.connected)
        yield _counter("bridge_source_reconnects", "Connections after the first.", health.reconnects)
        yield _counter(
            "bridge_source_sessions_lost",
            "Connects at which the broker had forgotten us.",
            health.sessions_lost,
        )
        yield _counter("bridge_source_undecodable", "Messages whose topic was not UTF-8.", health.undecodable)


def exposition(collector: Collector) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return generate_latest(registry)


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)


def _counter(name: str, about: str, value: float) -> Metric:
    return CounterMetricFamily(name, about, value=value)


def _counters(name: str, about: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, about, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
