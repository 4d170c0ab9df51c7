"""The bridge as a real process on a free port, with its log at hand."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import tomli_w

from mosquitto import HOST, free_port

START_S = 30.0  # until the API answers: two busy cores need a few seconds for the imports alone
STOP_S = 15.0
PATIENCE_S = 10.0

_SAMPLE = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>[^}]*)\})? (?P<number>\S+)$", re.MULTILINE)


class BridgeProcess:
    """`python -m bridge run --config FILE`; a context manager that leaves no process behind.

    `sections` are the configuration, by section and key, `tables` those of which there may be several; url and port
    are filled in.
    """

    def __init__(
        self,
        directory: Path,
        broker_url: str,
        sections: Mapping[str, Mapping[str, Any]] | None = None,
        tables: Mapping[str, list[Mapping[str, Any]]] | None = None,
    ) -> None:
        self.port = free_port()
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        config: dict[str, dict[str, Any]] = {name: dict(keys) for name, keys in (sections or {}).items()}
        config["mqtt"] = {"url": broker_url, **config.get("mqtt", {})}
        config["api"] = {"port": self.port, **config.get("api", {})}
        self.config = directory / "uns.toml"
        self.config.write_text(tomli_w.dumps({**config, **(tables or {})}))
        self.client = httpx.Client(base_url=f"http://{HOST}:{self.port}", timeout=30.0)
        self._log = directory / "bridge.log"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def spawn(self) -> "subprocess.Popen[bytes]":
        """Start the process and wait for nothing."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bridge", "run", "--config", str(self.config)],
                cwd=self.directory,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self.process

    def start(self) -> None:
        """Start and wait until the API answers."""
        self.spawn()
        self.wait_for(lambda: self.status("/livez") == httpx.codes.OK, START_S)

    def status(self, path: str) -> int | None:
        """The status of a GET, None where nobody answers."""
        try:
            return self.client.get(path).status_code
        except httpx.TransportError:
            return None

    def command(self, *words: str) -> str:
        """`bridge …` beside it, with its configuration; what that prints. Fails where it does."""
        line = [sys.executable, "-m", "bridge", *words, "--config", str(self.config)]
        ran = subprocess.run(line, cwd=self.directory, capture_output=True, text=True, timeout=START_S, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    def ready(self) -> bool:
        """Whether data flows."""
        return self.status("/readyz") == httpx.codes.OK

    def wait_for(self, condition: Callable[[], object], patience: float = PATIENCE_S) -> None:
        """Wait until something is true. Fails with the log when it takes too long or the process ends."""
        deadline = time.monotonic() + patience
        while not condition():
            ended = self.process is not None and self.process.poll() is not None
            assert not ended, f"the bridge ended:\n{self.log}"
            assert time.monotonic() < deadline, f"not within {patience} s; the log:\n{self.log}"
            time.sleep(0.05)

    def metrics(self) -> dict[str, float]:
        """Sample → number; a sample with labels is named `name{key="value"}`."""
        text = self.client.get("/metrics").text
        return {
            f"{found['name']}{{{found['labels']}}}" if found["labels"] else found["name"]: float(found["number"])
            for found in _SAMPLE.finditer(text)
        }

    @property
    def received(self) -> int:
        """Messages taken from the broker so far."""
        return int(self.metrics()["bridge_messages_received_total"])

    @property
    def log(self) -> str:
        """All that it has logged."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        assert self.process is not None
        return self.process.wait(STOP_S)

    def close(self) -> None:
        """Make sure that the process is gone."""
        self.client.close()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
