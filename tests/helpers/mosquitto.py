"""A real mosquitto on a free port, with settings that lose nothing, to be stopped, killed and started again."""

import getpass
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

HOST = "127.0.0.1"
START_S = 5.0  # for the port to open
STOP_S = 5.0

LOSES_NOTHING = (
    "persistence true",
    "autosave_interval 1",
    "autosave_on_changes true",
    "max_queued_messages 0",
    "max_queued_bytes 268435456",
    "max_inflight_messages 0",
    "set_tcp_nodelay true",
)


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """One broker; the port and the stored state survive a restart.

    `extra` lines go into the configuration, where {port} and {ws_port} are filled in. With `listener` lines of its
    own, a broker has no default listener.
    """

    def __init__(self, directory: Path, extra: Iterable[str] = (), *, anonymous: bool = True) -> None:
        self.directory = directory
        self.port = free_port()
        self.ws_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        lines = [line.format(port=self.port, ws_port=self.ws_port) for line in extra]
        if not any(line.startswith("listener") for line in lines):
            lines.insert(0, f"listener {self.port} {HOST}")
        store = directory / "store"
        store.mkdir(parents=True, exist_ok=True)
        head = [f"user {getpass.getuser()}", f"persistence_location {store}/", *LOSES_NOTHING]
        self._config = directory / "mosquitto.conf"
        self._config.write_text("\n".join([*head, f"allow_anonymous {str(anonymous).lower()}", *lines, ""]))

    @property
    def url(self) -> str:
        """Where to connect without TLS."""
        return f"mqtt://{HOST}:{self.port}"

    def start(self) -> None:
        """Start and wait until the port is open."""
        with (self.directory / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["mosquitto", "-c", str(self._config)], stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex((HOST, self.port)) == 0:
                    return
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"mosquitto does not start:\n{self.log}")

    def stop(self) -> None:
        """Stop in order: what is stored is written."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill: what was not written yet is lost."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop the process but keep its connections: it does not answer any more."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after `freeze`."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    @property
    def log(self) -> str:
        """All that it has logged."""
        return (self.directory / "mosquitto.log").read_text(errors="replace")

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_S)
