"""A real broker, the bridge as a real process, and the figures that each test shows: a table at the end."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HELPERS = str(Path(__file__).parents[1] / "helpers")
if HELPERS not in sys.path:
    sys.path.insert(0, HELPERS)

from bridge_process import BridgeProcess  # noqa: E402 - found through the line above
from recordings import SAVES_SELDOM  # noqa: E402 - the same

from mosquitto import Mosquitto  # noqa: E402 - the same

STATE = "state"  # directory of a bridge's state, beside its configuration

Figures = Callable[..., None]


@pytest.fixture
def anyio_backend() -> str:
    """Tests marked with anyio run on asyncio."""
    return "asyncio"


@pytest.fixture
def make_mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Make brokers with lines of configuration of their own; not started, stopped at the end."""
    made: list[Mosquitto] = []

    def make(*extra: str) -> Mosquitto:
        made.append(Mosquitto(tmp_path / f"mosquitto{len(made)}", extra))
        return made[-1]

    yield make
    for broker in made:
        broker.stop()


@pytest.fixture
def mosquitto(make_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """A running broker that loses nothing as long as it is not killed, and does not write with each message."""
    broker = make_mosquitto(*SAVES_SELDOM)
    broker.start()
    return broker


@pytest.fixture
def make_bridge(tmp_path: Path) -> Iterator[Callable[..., BridgeProcess]]:
    """Make bridges, not started; gone at the end. Each keeps its state in its own directory."""
    with contextlib.ExitStack() as stack:

        def make(url: str, name: str = "bridge", **sections: Any) -> BridgeProcess:
            directory = tmp_path / name
            given = {"model": {"discovery_window": 1.0}, "state": {"directory": str(directory / STATE)}}
            made = BridgeProcess(directory, url, {**given, **sections})
            return stack.enter_context(contextlib.closing(made))

        yield make


@pytest.fixture
def figures(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Figures:
    """Note figures down: they come in the report, on standard output and in the table at the end."""

    def note(**named: object) -> None:
        for name, figure in named.items():
            shown = f"{figure:.1f}" if isinstance(figure, float) else figure
            record_property(name, shown)
            print(f"{request.node.name}: {name} = {shown}")  # noqa: T201 - what pytest -s shows

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line of figures for each test that has some."""
    reports = [one for kind in ("passed", "failed") for one in terminalreporter.stats.get(kind, [])]
    rows = [one for one in reports if one.user_properties and one.when == "call" and "/faults/" in one.nodeid]
    if rows:
        terminalreporter.section("figures")
    for one in sorted(rows, key=lambda one: str(one.nodeid)):
        name = one.nodeid.rpartition("/")[2]
        told = ", ".join(f"{key} {value}" for key, value in one.user_properties)
        terminalreporter.write_line(f"{'' if one.passed else 'FAILED '}{name} ({one.duration:.0f} s): {told}")
