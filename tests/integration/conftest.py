"""Fixtures with real brokers, and helpers that several tests share, importable by name."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SHARED = (TESTS / "helpers", TESTS / "unit" / "sources")
sys.path[:0] = [str(path) for path in SHARED if str(path) not in sys.path]

from mosquitto import Mosquitto  # noqa: E402 - found through the line above


@pytest.fixture
def anyio_backend() -> str:
    """Tests marked with anyio run on asyncio."""
    return "asyncio"


@pytest.fixture
def make_mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Make brokers with lines of configuration of their own; not started, stopped at the end."""
    made: list[Mosquitto] = []

    def make(*extra: str, anonymous: bool = True) -> Mosquitto:
        made.append(Mosquitto(tmp_path / f"mosquitto{len(made)}", extra, anonymous=anonymous))
        return made[-1]

    yield make
    for broker in made:
        broker.stop()


@pytest.fixture
def mosquitto(make_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """A running broker on a free port that lets everybody in and loses nothing."""
    broker = make_mosquitto()
    broker.start()
    return broker
