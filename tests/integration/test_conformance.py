"""The conformance checker against a bridge with the simulated plant; `BRIDGE_CHECKER` says where the checker is."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bridge_process import BridgeProcess

from bridge.demo import TEMPERATURE
from mosquitto import Mosquitto

pytestmark = pytest.mark.integration

CHECKER = Path(os.environ.get("BRIDGE_CHECKER", Path(__file__).parents[3] / "shared" / "tools" / "i3x_check.py"))
PATIENCE_S = 240.0  # for all checks; they take about half a minute
GROUPS = {"--changing": "live", "--writes": "write"}  # checks that an option adds
STORY_S = 30.0  # until the plant has told of every machine


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of a bridge whose plant is running."""
    if not CHECKER.is_file():
        pytest.skip(f"the conformance checker is not at {CHECKER}; set BRIDGE_CHECKER to where it is")
    directory = tmp_path_factory.mktemp("conformance")
    broker = Mosquitto(directory / "mosquitto")
    broker.start()
    command = [sys.executable, "-m", "bridge.sources.plant", "--broker", broker.url, "--protocol", "5"]
    plant = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        sections = {"model": {"discovery_window": 2.0}, "writes": {"enabled": True, "allow": ["#"]}}
        with BridgeProcess(directory / "bridge", broker.url, sections) as bridge:
            bridge.wait_for(lambda: bridge.metrics()["bridge_model_settled"] == 1.0, STORY_S)
            yield f"http://127.0.0.1:{bridge.port}/v1"
            assert "Traceback" not in bridge.log, bridge.log
    finally:
        plant.kill()
        plant.wait()
        broker.stop()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param([], id="at rest"),
        pytest.param(["--changing", TEMPERATURE], id="live delivery"),
        pytest.param(["--writes"], id="writes"),
    ],
)
def test_conformance(base_url: str, options: list[str]) -> None:
    """No check fails, and nothing optional is left out."""
    run = subprocess.run(
        [sys.executable, str(CHECKER), base_url, *options],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    told = run.stdout + run.stderr
    failed = [line for line in told.splitlines() if line.startswith("FAIL")]
    assert failed == [], "\n".join(failed)
    assert run.returncode == 0, told
    assert "verdict: Full" in told, told
    assert re.search(r"^[1-9]\d* passed, 0 failed", told, re.MULTILINE), told
    for option in GROUPS.keys() & set(options):
        assert not re.search(rf"^SKIP rul-{GROUPS[option]}", told, re.MULTILINE), told
