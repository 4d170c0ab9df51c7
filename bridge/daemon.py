"""Wiring, and the order of start and stop: run → startup → loop → shutdown.

One event loop on one thread. The HTTP server starts first, so that `/livez` answers while the broker is still looked
for; the source is read by one task; a ticker arranges the model and sweeps subscriptions. At a signal: no more
messages are taken, the batch at hand is finished, streams are broken (clients come back), the server closes.
"""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import time
from collections.abc import Callable, Iterator

import uvicorn
from msgspec import Struct

from bridge import __version__
from bridge.api import ApiLimits, Context, Readiness, build
from bridge.api.connection import HttpProtocol
from bridge.api.stream import Streams
from bridge.config import Settings, cautions
from bridge.engine import Engine, Options
from bridge.errors import StartError
from bridge.history import History, MemoryHistory
from bridge.history.answers import Historian
from bridge.losses import Losses
from bridge.metrics import BridgeCollector, exposition
from bridge.sources import Source
from bridge.sources.mqtt import MqttSource
from bridge.space import Limits
from bridge.subscriptions import SubscriptionLimits

TICK = 1.0  # seconds between looks at the model and the subscriptions
SHUTDOWN = 4  # seconds that open requests may take at the end; all in all a stop takes at most 5
GC_THRESHOLDS = (50_000, 20, 20)  # a model is millions of long-lived objects; the default looks at them all the time
_LISTEN_BACKLOG = 2048

_log = logging.getLogger("bridge.daemon")


def serve(settings: Settings) -> int:
    """Run until SIGINT or SIGTERM; 0 after a clean stop, 1 after one in haste. Raises `StartError`."""
    for caution in cautions(settings):
        _log.warning("%s", caution)
    with contextlib.closing(_listen(settings.api.host, settings.api.port)) as listener:
        code = 1  # a second signal cancels everything: then something was left unfinished
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                code = runner.run(_Daemon(settings, listener).run())
        except* StartError as group:
            raise group.exceptions[0] from None
        except* asyncio.CancelledError:
            pass
        return code


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not on this platform
        return None
    return uvloop.new_event_loop


def _listen(host: str, port: int) -> socket.socket:
    """Raises `StartError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_LISTEN_BACKLOG)
    except OSError as error:
        listener.close()
        where = f"{host}:{port}"
        raise StartError(f"cannot listen on {where}: {error.strerror or error}; set [api] host and port") from None
    return listener


def engine_options(settings: Settings) -> Options:
    """What the core needs to know of the settings."""
    model, limits, subscriptions = settings.model, settings.limits, settings.subscriptions
    return Options(
        levels=model.levels,
        namespace=model.namespace,
        aspects=model.aspects,
        discovery_window=model.discovery_window,
        zone=model.time_zone,
        future_tolerance=model.future_tolerance,
        max_payload=limits.payload,
        limits=Limits(limits.elements, limits.new_per_minute, limits.topic, limits.levels, limits.fields, limits.depth),
        subscriptions=SubscriptionLimits(
            subscriptions.max, subscriptions.queue, subscriptions.queue_total, subscriptions.ttl
        ),
    )


class _Server(uvicorn.Server):
    """Signals are the daemon's: it stops in its own order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Parts(Struct, frozen=True):
    engine: Engine
    history: History
    source: Source
    server: _Server
    streams: Streams


class _Daemon:
    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings = settings
        self._listener = listener
        self._losses = Losses(time.monotonic)
        self._stopping = asyncio.Event()

    # --- startup ---------------------------------------------------------------------------------------------------

    def _assemble(self) -> _Parts:
        settings = self._settings
        engine = Engine(engine_options(settings), self._losses.rejected)
        history = MemoryHistory(settings.history.rows_per_element, settings.history.rows_total)
        source = MqttSource(settings.mqtt)
        collector = BridgeCollector(engine, history, source, __version__)
        api, stream = settings.api, settings.stream
        context = Context(
            engine=engine,
            historian=Historian(history, settings.model.time_zone, api.max_rows),
            limits=ApiLimits(
                max_body=api.max_body,
                max_ids=api.max_ids,
                query_timeout=api.query_timeout,
                stream_keep_alive=stream.keep_alive,
                stream_send_timeout=stream.send_timeout,
                max_streams=stream.max_open,
            ),
            now=time.monotonic,
            readiness=lambda: readiness(source),
            metrics=lambda: exposition(collector),
            refresh=lambda: engine.arrange(time.time_ns(), time.monotonic(), time.monotonic),
            version=__version__,
            cors_origins=api.cors_origins,
        )
        app, streams = build(context)
        config = uvicorn.Config(
            app,
            http=HttpProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_graceful_shutdown=SHUTDOWN,
            timeout_keep_alive=75,
            backlog=_LISTEN_BACKLOG,
        )
        return _Parts(engine, history, source, _Server(config), streams)

    # --- loop ------------------------------------------------------------------------------------------------------

    async def run(self) -> int:
        gc.set_threshold(*GC_THRESHOLDS)
        parts = self._assemble()
        logging.getLogger("uvicorn.error").addFilter(_not_about_broken_streams)
        with self._signals():
            async with asyncio.TaskGroup() as tasks:
                server = tasks.create_task(parts.server.serve(sockets=[self._listener]), name="http")
                ticker = tasks.create_task(self._tick(parts.engine), name="ticker")
                reader = tasks.create_task(self._read(parts), name="source")
                host, port = self._listener.getsockname()[:2]
                shown = f"[{host}]" if ":" in host else host
                _log.info(
                    "version %s listens on http://%s:%d (API: /v1, documentation: /docs)",
                    __version__,
                    shown,
                    port,
                )
                await self._stopping.wait()
                await self._shutdown(parts, reader, ticker, server)
        return 0

    async def _read(self, parts: _Parts) -> None:
        """Messages into the core, changes into history; a batch is done when both have it."""
        async with parts.source as source:
            async for batch in source.batches():
                parts.history.append(parts.engine.ingest(batch.messages))
                batch.done()
                if self._stopping.is_set():
                    return

    async def _tick(self, engine: Engine) -> None:
        """Keep the model in order; once it is settled, spare the garbage collector from going through it again."""
        frozen = False
        while True:
            await asyncio.sleep(TICK)
            engine.tick(time.time_ns(), time.monotonic(), time.monotonic)
            self._losses.look(engine)
            if not frozen and not engine.space.young:
                gc.collect()
                gc.freeze()
                frozen = True

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
        ticker: asyncio.Task[None],
        server: asyncio.Task[None],
    ) -> None:
        ticker.cancel()
        reader.cancel()
        await asyncio.wait([reader], timeout=SHUTDOWN)
        parts.streams.close()
        parts.server.should_exit = True
        await asyncio.wait([server])
        counters = parts.engine.counters
        _log.info("stopped; %d messages received, %d stored", counters.received, counters.stored)


def readiness(source: Source) -> Readiness:
    """Ready while the broker is connected and takes our subscriptions."""
    health = source.health()
    reasons = health.problems if health.problems or health.connected else ("the broker is not connected",)
    return Readiness(health.connected and not health.problems, tuple(reasons))


def _not_about_broken_streams(record: logging.LogRecord) -> bool:
    """A response that ends incomplete is how a stream is broken on purpose (`bridge.api.stream`)."""
    return "without completing response" not in record.getMessage()


__all__ = ["engine_options", "readiness", "serve"]
