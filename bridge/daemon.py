"""Wiring, and the order of start and stop: run → startup → loop → shutdown.

One event loop on one thread; history has threads of its own. What the last run has kept is read first, then the HTTP
server starts, so that `/livez` answers while the broker is still looked for; the source is read by one task; a ticker
arranges the model and sweeps subscriptions. At a signal: no more messages are taken, those that have come are written
and acknowledged, streams are broken (clients come back), the server closes, the state is written.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from msgspec import Struct

from bridge import __version__, listening
from bridge.access.entry import Access, access_of
from bridge.api import ApiLimits, Context, Readiness, build
from bridge.api.stream import Streams
from bridge.assembly import model_of, new_engine
from bridge.config import Settings, cautions
from bridge.engine import Engine, Options
from bridge.errors import StartError
from bridge.explain import Explainer
from bridge.flow import Flow
from bridge.history import History, MemoryHistory
from bridge.history.answers import Historian
from bridge.history.sqlite import NAME, Keep, SqliteHistory
from bridge.losses import Losses
from bridge.metrics import BridgeCollector, exposition
from bridge.notify import Notifier
from bridge.sources import Source
from bridge.sources.mqtt import MqttSource
from bridge.sources.rebirth import RebirthRequests
from bridge.state import Lock, StateKeeper, fingerprint
from bridge.status import Status
from bridge.uns.moments import SECOND
from bridge.writing import Audit, Writer

TICK = 1.0  # seconds between looks at the model and the subscriptions
CATCH_UP = 0.02  # the same while a tick has left work: requests and messages get their turn in between
UNSEEN = 20  # lines about a model file that names what is not there
DRAIN = 1.5  # seconds for what has come to be taken in, written and acknowledged
CLOSE_HISTORY = 1.0  # seconds for its file to be closed
GC_THRESHOLDS = (50_000, 20, 20)  # a model is millions of long-lived objects; the default looks at them all the time

AUDIT = "audit.jsonl"  # in the state directory

_log = logging.getLogger("bridge.daemon")


def serve(settings: Settings) -> int:
    """Run until SIGINT or SIGTERM; 0 after a clean stop, 1 after one in haste. Raises `StartError`."""
    for caution in cautions(settings):
        _log.warning("%s", caution)
    with contextlib.closing(listening.listen(settings.api.host, settings.api.port)) as listener:
        code = 1  # a second signal cancels everything: then something was left unfinished
        try:
            with _alone(settings), asyncio.Runner(loop_factory=_loop_factory()) as runner:
                code = runner.run(_Daemon(settings, listener).run())
        except* StartError as group:
            raise group.exceptions[0] from None
        except* asyncio.CancelledError:
            pass
        return code


def _alone(settings: Settings) -> contextlib.AbstractContextManager[object]:
    """Two bridges would each undo what the other keeps. Raises `StartError`."""
    directory = settings.state.directory
    return contextlib.nullcontext() if directory is None else Lock(directory).take()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not on this platform
        return None
    return uvloop.new_event_loop


class _Parts(Struct, frozen=True):
    engine: Engine
    flow: Flow
    history: History
    source: Source
    server: listening.Server
    streams: Streams
    rebirths: RebirthRequests | None  # where we may publish them
    keeper: StateKeeper | None  # where there is a directory for it
    audit: Audit | None  # where writing is on


class _Daemon:
    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings = settings
        self._listener = listener
        self._model = model_of(settings)
        self._access = access_of(settings)
        self._losses = Losses(time.monotonic)
        self._stopping = asyncio.Event()
        self._notifier = Notifier.from_environment(os.environ)
        self._sessions_lost = 0  # as of when the broker was last there
        self._ahead_ns = 0  # how far the wall clock was ahead of the steady one at the last tick; 0: not known

    # --- startup ---------------------------------------------------------------------------------------------------

    def _assemble(self) -> _Parts:
        settings = self._settings
        engine, options = new_engine(settings, self._model, self._losses.rejected)
        history = self._history()
        source = MqttSource(settings.mqtt)
        audit = self._audit()
        writer = self._writer(engine, source, audit) if audit is not None else None
        flow = Flow(engine, history, writer.heard if writer is not None else None)
        keeper = self._keeper(engine, options, history, flow, writer)
        collector = BridgeCollector(
            engine, flow.ledger, history, source, __version__, keeper, writer, audit, self._access
        )
        status = Status(
            version=__version__,
            settings=settings,
            engine=engine,
            ledger=flow.ledger,
            history=history,
            source=source,
            rejections=self._losses.rejections,
            readiness=lambda: readiness(source, history, audit, self._access),
            writer=writer,
        )
        context = self._context(engine, options, history, collector, status, writer, audit)
        app, streams = build(context)
        rebirths = RebirthRequests(engine.router.rebirths, source) if settings.mqtt.rebirth else None
        server = collector.server = status.server = listening.server(app, settings)
        return _Parts(engine, flow, history, source, server, streams, rebirths, keeper, audit)

    def _context(
        self,
        engine: Engine,
        options: Options,
        history: History,
        collector: BridgeCollector,
        status: Status,
        writer: Writer | None,
        audit: Audit | None,
    ) -> Context:
        settings = self._settings
        api, stream, authenticator = settings.api, settings.stream, self._access.authenticator
        return Context(
            engine=engine,
            historian=Historian(history, settings.model.time_zone, api.max_rows),
            explainer=Explainer(engine, options, self._losses.rejections),
            limits=ApiLimits(
                max_body=api.max_body,
                max_ids=api.max_ids,
                query_timeout=api.query_timeout,
                stream_keep_alive=stream.keep_alive,
                stream_send_timeout=stream.send_timeout,
                max_streams=stream.max_open,
            ),
            now=time.monotonic,
            readiness=status.readiness,
            metrics=lambda: exposition(collector),
            status=status.tell,
            refresh=lambda: engine.arrange(time.time_ns(), time.monotonic(), time.monotonic),
            version=__version__,
            cors_origins=api.cors_origins,
            history_writable=settings.history.writable,
            future_tolerance=settings.model.future_tolerance,
            keep_age=settings.history.keep_age,
            key_header=settings.auth.key_header,
            public=settings.auth.public,
            identify=authenticator.principal if authenticator is not None else None,
            still_good=authenticator.still_good if authenticator is not None else None,
            login=self._access.oidc.login if self._access.oidc is not None else None,
            writer=writer,
            writes=settings.writes,
            audit=audit,
        )

    def _writer(self, engine: Engine, source: MqttSource, audit: Audit) -> Writer:
        writes, tolerance = self._settings.writes, self._settings.model.future_tolerance
        return Writer(engine, source.deliver, writes, engine.space.zone, audit, future_tolerance=tolerance)

    def _audit(self) -> Audit | None:
        """Where writing is on. Raises `StartError`."""
        said, directory = self._settings.writes, self._settings.state.directory
        path = said.audit_file or (directory / AUDIT if directory is not None else None)
        if not said.enabled or path is None:
            return None
        try:
            return Audit(path, said.audit_bytes, said.audit_files)
        except OSError as error:
            raise StartError(f"[writes] audit_file {path}: {error.strerror}") from None

    def _history(self) -> MemoryHistory | SqliteHistory:
        """Raises `StartError`."""
        said, directory = self._settings.history, self._settings.state.directory
        if said.backend == "memory" or directory is None:
            return MemoryHistory(said.rows_per_element, said.rows_total)
        keep = Keep(int(said.keep_age * SECOND), said.keep_rows, said.keep_bytes)
        history = SqliteHistory(directory / NAME, keep)
        history.open()
        return history

    def _keeper(
        self,
        engine: Engine,
        options: Options,
        history: MemoryHistory | SqliteHistory,
        flow: Flow,
        writer: Writer | None,
    ) -> StateKeeper | None:
        """Whoever keeps the state; the engine goes on with the one that was kept."""
        directory = self._settings.state.directory
        if directory is None:
            return None
        told = fingerprint(options, self._settings.model.file)
        templates = writer.kept if writer is not None else None
        keeper = StateKeeper(directory, engine, told, safe_ns=lambda: flow.safe_ns, templates=templates)
        keeper.restore(history.latest() if isinstance(history, SqliteHistory) else {})
        return keeper

    # --- loop ------------------------------------------------------------------------------------------------------

    async def run(self) -> int:
        gc.set_threshold(*GC_THRESHOLDS)
        parts = self._assemble()
        parts.history.start()
        with self._signals():
            async with self._kept(parts), asyncio.TaskGroup() as tasks:
                server = tasks.create_task(parts.server.serve(sockets=[self._listener]), name="http")
                ticker = tasks.create_task(self._tick(parts), name="ticker")
                reader = tasks.create_task(self._read(parts), name="source")
                others = [ticker, tasks.create_task(self._notifier.pulse(), name="watchdog")]
                if parts.keeper is not None:
                    others.append(tasks.create_task(parts.keeper.run(), name="state"))
                if self._access.oidc is not None:
                    others.append(tasks.create_task(self._access.oidc.run(), name="identity-provider"))
                self._announce()
                await self._stopping.wait()
                await self._shutdown(parts, reader, server, others)
        return 0

    @contextlib.asynccontextmanager
    async def _kept(self, parts: _Parts) -> AsyncIterator[None]:
        """A fault that ends the daemon costs nothing that could be kept; a second signal does not wait for that."""
        try:
            yield
        except BaseException:
            if not self._stopping.is_set():
                await parts.history.close(CLOSE_HISTORY)
                if parts.keeper is not None:
                    await parts.keeper.close()
            raise

    def _announce(self) -> None:
        address = listening.address(self._listener, encrypted=self._settings.tls.cert_file is not None)
        _log.info("version %s listens on %s (page: /, API: /v1, documentation: /docs)", __version__, address)
        _log.info("state and history: %s", self._settings.state.directory or "in memory only")
        self._notifier.ready("looks for the broker")

    async def _read(self, parts: _Parts) -> None:
        """Until the source ends or is stopped; then what has come is written and acknowledged."""
        async with parts.source as source:
            await parts.flow.run(source)
            await parts.history.flush(DRAIN)

    async def _tick(self, parts: _Parts) -> None:
        """Keep the model in order; once it is settled, spare the garbage collector from going through it again."""
        engine = parts.engine
        frozen = False
        while True:
            await asyncio.sleep(CATCH_UP if engine.behind else TICK)
            now_ns = time.time_ns()
            self._look_at_clock(engine, now_ns)
            self._look_at_broker(parts, now_ns)
            parts.history.append(engine.tick(now_ns, time.monotonic(), time.monotonic))
            if parts.server.certificates is not None:
                parts.server.certificates.reload_if_changed()
            parts.streams.look_again()
            self._losses.look(engine, parts.flow.ledger)
            self._notifier.status(
                "; ".join(readiness(parts.source, parts.history, parts.audit, self._access).reasons) or "ready"
            )
            if parts.rebirths is not None:
                parts.rebirths.look(time.monotonic(), time.time_ns())
            if not frozen and not engine.space.provisional:
                await self._tell_unseen(engine)
                gc.collect()
                gc.freeze()
                frozen = True

    async def _tell_unseen(self, engine: Engine) -> None:
        """What the model file names and nobody has published: mistyped, or still to come."""
        unseen = await asyncio.to_thread(self._model.unseen, engine.space) if self._model is not None else []
        for line in unseen[:UNSEEN]:
            _log.info("model file: no element yet for %s", line)
        if len(unseen) > UNSEEN:
            _log.info("model file: and for %d more", len(unseen) - UNSEEN)

    def _look_at_clock(self, engine: Engine, now_ns: int) -> None:
        """Tell the core of a clock that was put forward: that is no silence."""
        before, self._ahead_ns = self._ahead_ns, now_ns - time.monotonic_ns()
        if before and self._ahead_ns - before > SECOND:
            engine.liveness.clock_stepped(self._ahead_ns - before)

    def _look_at_broker(self, parts: _Parts, now_ns: int) -> None:
        """Tell the core whether data can come, and whether some was missed."""
        health = parts.source.health()
        if health.connected:
            kept = health.resumed and health.sessions_lost == self._sessions_lost and self._settings.mqtt.qos > 0
            parts.engine.broker_back(session_kept=kept)
            self._sessions_lost = health.sessions_lost
        else:
            parts.engine.broker_lost(now_ns)

    # --- shutdown --------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _stop(self, number: int) -> None:
        """The first signal stops in order, the second at once."""
        if self._stopping.is_set():
            _log.warning("stopping at once")
            for task in asyncio.all_tasks():
                task.cancel()
            return
        _log.info("stopping (%s)", signal.Signals(number).name)
        self._stopping.set()

    async def _shutdown(
        self,
        parts: _Parts,
        reader: asyncio.Task[None],
        server: asyncio.Task[None],
        others: Sequence[asyncio.Task[None]],
    ) -> None:
        self._notifier.stopping()
        for task in others:
            task.cancel()
        parts.source.stop()
        await asyncio.wait([reader], timeout=DRAIN)
        reader.cancel()
        await asyncio.wait([reader])
        parts.streams.close()
        parts.server.should_exit = True
        await asyncio.wait([server])
        written = await parts.history.close(CLOSE_HISTORY)
        if parts.keeper is not None:
            await parts.keeper.close()
        if parts.audit is not None:
            await asyncio.to_thread(parts.audit.close)
        ledger = parts.flow.ledger
        if not written:
            _log.warning("history was not written to the end; the broker sends again what it keeps for us")
        _log.info("stopped; %d messages received, %d stored", ledger.received, ledger.stored)


def readiness(source: Source, history: History, audit: Audit | None = None, access: Access | None = None) -> Readiness:
    """Ready while the broker is connected and takes our subscriptions, history and the audit log can be written, and
    whoever may come in can.
    """
    health, problem = source.health(), history.figures().problem
    reasons = list(health.problems if health.problems or health.connected else ("the broker is not connected",))
    if problem is not None:
        reasons.append(f"history {problem}")
    elif history.behind:
        reasons.append("history is behind: the disk is slower than the messages")
    if audit is not None and audit.problem is not None:
        reasons.append(audit.problem)
    if access is not None and access.problem is not None:
        reasons.append(access.problem)
    return Readiness(not reasons, tuple(reasons))


__all__ = ["readiness", "serve"]
