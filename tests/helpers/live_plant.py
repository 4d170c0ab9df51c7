"""A bridge before the demo's simulated plant, all of it in processes of a broker of its own: for what has to move."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bridge_process import BridgeProcess
from recordings import SAVES_SELDOM

from mosquitto import Mosquitto

SETTLES_S = 60.0
STOP_S = 5.0


@contextlib.contextmanager
def live_bridge(directory: Path, speed: float = 1.0) -> Iterator[BridgeProcess]:
    """The running bridge once its model has settled; writes are allowed everywhere. `speed` is the plant's."""
    with contextlib.ExitStack() as stack:
        broker = Mosquitto(directory / "mosquitto", SAVES_SELDOM)
        broker.start()
        stack.callback(broker.stop)
        sections = {
            "model": {"discovery_window": 3.0},
            "state": {"directory": str(directory / "state")},
            "writes": {"enabled": True, "allow": ["#"], "audit_file": str(directory / "audit.jsonl")},
        }
        bridge = stack.enter_context(BridgeProcess(directory / "bridge", broker.url, sections))
        bridge.wait_for(bridge.ready)
        stack.enter_context(_plant(broker.url, speed))
        bridge.wait_for(lambda: bridge.received > 0)
        bridge.wait_for(lambda: bridge.metrics()["bridge_model_settled"] == 1, SETTLES_S)
        yield bridge


@contextlib.contextmanager
def _plant(url: str, speed: float) -> Iterator[None]:
    command = [sys.executable, "-m", "bridge.sources.plant", "--broker", url, "--speed", str(speed)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
