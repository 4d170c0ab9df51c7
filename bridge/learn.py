"""`bridge learn`: listens to a broker for a while, or reads a recorded file, and writes what it has learnt.

The model stays young all the time and is arranged and settled at the end, so that all that came counts alike. A model
file that the configuration names is not looked at: what is written is what the bridge would infer by itself.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import structs

from bridge import model
from bridge.assembly import engine_options
from bridge.config import MqttSettings, Settings
from bridge.engine import Engine
from bridge.errors import BridgeError, ConfigError
from bridge.sources import Source
from bridge.sources.mqtt import MqttSource
from bridge.sources.replay import ReplaySource
from bridge.uns.moments import SECOND

_YOUNG = 10 * 365 * 86_400.0  # seconds: longer than anybody listens

_log = logging.getLogger("bridge.learn")


def learn(settings: Settings, recording: Path | None, seconds: float, output: Path, *, replace: bool) -> None:
    """Raises `ConfigError` where the output cannot be written, `StartError` where a recording cannot be read, and
    `BridgeError` where nothing came.
    """
    _check(output, replace=replace)
    engine = Engine(structs.replace(engine_options(settings), discovery_window=_YOUNG))
    source: Source = ReplaySource(recording) if recording is not None else MqttSource(_guest(settings.mqtt))
    problems = asyncio.run(_listen(source, engine, None if recording is not None else seconds))
    if not engine.space.by_topic:
        raise BridgeError(f"nothing came that a model could be learnt from{': ' if problems else ''}{problems}")
    _settle(engine)
    document = model.learnt(engine.space, settings.model.levels)
    _write(output, model.text(document))
    _log.info("%s: %s", output, _told(engine, document))


def _settle(engine: Engine) -> None:
    """Place all that has come, then let the discovery window pass."""
    now_ns = time.time_ns()
    for later in (0.0, _YOUNG):
        engine.space.arrange(now_ns + int(later * SECOND))


def _told(engine: Engine, document: Mapping[str, Any]) -> str:
    said = f"{len(document['type'])} types and {len(document['element'])} patterns for"
    return f"{said} {len(engine.space.by_topic)} elements, from {engine.counters.received} messages"


def _guest(settings: MqttSettings) -> MqttSettings:
    """A client of its own that leaves nothing behind: a daemon with the same settings may be connected."""
    return settings.model_copy(update={"client_id": f"learn-{secrets.token_hex(6)}", "session_expiry": 0})


# --- listening -------------------------------------------------------------------------------------------------------


async def _listen(source: Source, engine: Engine, seconds: float | None) -> str:
    """Take messages until the source ends, the time is over or somebody interrupts; what the source complains of."""
    async with source:
        reading = asyncio.create_task(_read(source, engine), name="learn")
        with _until_interrupted(reading):
            await asyncio.wait([reading], timeout=seconds)
        problems = "; ".join(source.health().problems)
        if not reading.done():
            reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
    return problems


async def _read(source: Source, engine: Engine) -> None:
    async for batch in source.batches():
        engine.ingest(batch.messages)
        batch.done()


@contextlib.contextmanager
def _until_interrupted(task: "asyncio.Task[None]") -> Iterator[None]:
    """SIGINT and SIGTERM end the listening; what has come so far is written."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


# --- writing ---------------------------------------------------------------------------------------------------------


def _check(output: Path, *, replace: bool) -> None:
    """Better told before a minute of listening than after it."""
    if output.exists() and not (replace and output.is_file()):
        remedy = "--force replaces it" if output.is_file() else "it is no file"
        raise ConfigError([f"{output}: exists already; {remedy}"])
    if not os.access(output.parent, os.W_OK):
        raise ConfigError([f"{output}: cannot be written: {output.parent} is no directory that can be written to"])


def _write(output: Path, text: str) -> None:
    """All of it or nothing: a model file that is in use is never half there."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=output.parent, prefix=f".{output.name}.", delete=False
    ) as file:
        file.write(text)
    written = Path(file.name)
    written.chmod(0o644)
    written.replace(output)
