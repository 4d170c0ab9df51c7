"""`bridge demo` as a newcomer runs it: one command, then an i3X server that answers."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from bridge.demo import MACHINE, TEMPERATURE

pytestmark = pytest.mark.integration

READY = 60.0  # seconds from the command to a server that answers; a busy machine with two cores takes about 10
END = 15.0  # seconds from SIGTERM to the end of everything


class Demo:
    """The demo as a process, its port and its output so far."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.port = free_port()
        self.output = directory / "output"
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=10.0)
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bridge", "demo", "--port", str(self.port), *options],
                cwd=directory,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def ready(self) -> bool:
        assert self.process.poll() is None, self.output.read_text()
        try:
            return self.client.get("/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def value(self, element: str) -> dict:
        answer = self.client.post("/v1/objects/value", json={"elementIds": [element], "maxDepth": 0})
        return answer.json()["results"][0]

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(END)
        finally:
            self.close()

    def close(self) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(true: Callable[[], object], within: float) -> None:
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.1)


def children(process: int) -> list[int]:
    """Process ids of the children, as the kernel knows them."""
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def gone(process: int) -> bool:
    """Whether no such process runs; a zombie that nobody waited for does not run."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = Demo(tmp_path)
    try:
        eventually(running.ready, READY)
        yield running
    finally:
        running.close()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads the children's ids from Linux's /proc")
def test_demo_serves_the_plant_and_ends(demo: Demo) -> None:
    """The demo's own curl lines work, and SIGTERM ends everything with 0 and leaves no process."""
    eventually(lambda: demo.value(TEMPERATURE)["success"], within=20.0)
    eventually(lambda: TEMPERATURE in demo.value(MACHINE)["result"].get("components", {}), within=20.0)  # a young model
    roots = demo.client.get("/v1/objects", params={"root": "true"}).json()["result"]
    machine, started = demo.value(MACHINE)["result"], children(demo.process.pid)
    times = {"startTime": "2020-01-01T00:00:00Z", "endTime": "2100-01-01T00:00:00Z"}
    history = demo.client.post("/v1/objects/history", json={"elementIds": [TEMPERATURE], **times}).json()

    assert demo.client.get("/docs").status_code == httpx.codes.OK
    assert "acme" in {root["elementId"] for root in roots}
    assert machine["isComposition"]
    assert history["results"][0]["result"]["values"]
    assert f"http://localhost:{demo.port}/v1" in demo.output.read_text()
    assert len(started) == 2
    assert demo.end() == 0
    assert all(gone(child) for child in started)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads the children's ids from Linux's /proc")
def test_killed_demo_leaves_no_process(demo: Demo) -> None:
    """Even after `kill -9` the broker and the plant end."""
    started = children(demo.process.pid)
    demo.process.kill()
    demo.process.wait()
    eventually(lambda: all(gone(child) for child in started), within=END)


def test_taken_port_is_named(tmp_path: Path) -> None:
    """A port in use ends the demo with 3 and one line that names the option to change."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "bridge", "demo", "--port", str(port)],
            cwd=tmp_path,
            capture_output=True,
            timeout=READY,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    said = ended.stderr.decode()
    assert ended.returncode == 3, said
    assert f"port {port}" in said
    assert "--port" in said
    assert len(said.splitlines()) == 1
