"""`bridge explain`: asks a running daemon, or learns from a recorded file first and then asks itself."""

import asyncio
import json
import time
from pathlib import Path
from typing import cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from bridge.assembly import model_of, new_engine
from bridge.config import Settings
from bridge.engine import Engine
from bridge.errors import BridgeError, NotFound
from bridge.explain import Explainer, Explanation, Rejections
from bridge.sources.replay import ReplaySource

PATIENCE = 10.0  # seconds for a daemon's answer; a busy one answers within one
_MOST = 16 * 1024 * 1024  # bytes of an answer; an explanation has some thousand
_opener = build_opener(ProxyHandler({}))  # a bridge is nearby: a proxy to the internet would not find it


def ask_daemon(url: str, topic: str, token: str = "") -> Explanation:
    """`url` is the daemon's, without a path; `token` where it wants one.

    Raises `BridgeError` for what it refuses, and where there is none.
    """
    address = f"{url.rstrip('/')}/explain?{urlencode({'topic': topic})}"
    try:
        request = Request(address, headers={"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310
        with _opener.open(request, timeout=PATIENCE) as answer:
            return cast("Explanation", json.loads(answer.read(_MOST)))
    except HTTPError as error:
        with error:
            raise BridgeError(f"{topic}: {_refusal(error)}") from None
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise BridgeError(f"no bridge answers on {url}: {reason}; --url says where it listens") from None


def _refusal(error: HTTPError) -> str:
    try:
        return str(json.loads(error.read(_MOST))["responseDetail"]["detail"])
    except (ValueError, KeyError, TypeError):
        return f"status {error.code}; is this a bridge?"


def ask_recording(path: Path, topic: str, settings: Settings) -> Explanation:
    """Raises `StartError` where the file cannot be read, `NotFound` where the topic is not in it."""
    rejections = Rejections()
    engine, options = new_engine(settings, model_of(settings), rejections.note)
    asyncio.run(_learn(path, engine))
    engine.space.arrange(time.time_ns())
    found = Explainer(engine, options, rejections).explain(topic)
    if found is None:
        raise NotFound(f"{topic}: not in {path}, nor is anything below it")
    return found


async def _learn(path: Path, engine: Engine) -> None:
    async with ReplaySource(path) as source:
        async for batch in source.batches():
            engine.ingest(batch.messages)
