"""What every measurement needs: child processes that always end, a broker, the bridge, and their CPU time."""

import getpass
import http.client
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, Self

HOST = "127.0.0.1"
HERE = Path(__file__).resolve().parent
START_S = 20.0  # for a process to answer; generous, because other work may hold the machine
STOP_S = 5.0
POLL_S = 0.02

# Nothing may be dropped for a consumer that is slower than the publisher, and nothing costs the broker disk or delay.
_BROKER = """\
listener {port} {host}
user {user}
allow_anonymous true
persistence false
max_queued_messages 0
max_queued_bytes 268435456
set_tcp_nodelay true
log_type error
"""
_BRIDGE = """\
[mqtt]
url = "mqtt://{host}:{broker}"
topics = ["{topics}/#"]
client_id = "bench-{name}"
[api]
host = "{host}"
port = {port}
{api}[model]
discovery_window = 3
[log]
level = "warning"
[state]
directory = "{state}"
"""
_OUTCOME = re.compile(rb'^bridge_messages_total\{outcome="\w+"\} (\S+)$', re.MULTILINE)
_SETTLED = re.compile(rb"^bridge_model_settled 1", re.MULTILINE)
_SCHEDULER_CLOCK = 2  # CPUCLOCK_SCHED: user and system time of all threads, in nanoseconds


class BenchError(Exception):
    """A measurement that could not be made; one sentence."""


class Child:
    """A process of ours, with what it wrote. `line` reads its standard output."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self._process = process
        self._log = log
        self._rest = b""

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def cpu_ns(self) -> int:
        """CPU time that the process has used so far, all threads (clock_getcpuclockid(3) on Linux)."""
        return time.clock_gettime_ns((~self.pid << 3) | _SCHEDULER_CLOCK)

    def check(self) -> None:
        """Raises `BenchError` where the process has ended."""
        if self._process.poll() is not None:
            self.fail("has ended")

    def fail(self, what: str) -> NoReturn:
        """Raise `BenchError` with the end of what the process told."""
        told = self._log.read_text(errors="replace").strip().splitlines()[-12:]
        raise BenchError("\n  ".join([f"{self.name} {what}", *told]))

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def line(self, timeout: float) -> str:
        """The next line of standard output. Raises `BenchError` after `timeout` seconds."""
        pipe = self._process.stdout
        assert pipe is not None
        deadline = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    self.fail(f"said nothing for {timeout:.0f} s")
                data = os.read(pipe.fileno(), 65_536)  # what is there, past Python's own buffer
                if not data:
                    self.fail("has ended")
                self._rest += data
        first, _, self._rest = self._rest.partition(b"\n")
        return first.decode()


class Workshop:
    """Starts processes; all of them are ended, the last one first, and their directory is removed."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="bench-")
        self.path = Path(self._directory.name)
        self._running: list[subprocess.Popen[bytes]] = []
        self.children: dict[str, Child] = {}  # by name, the last one of each

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._running):
            _end(process)
        self._directory.cleanup()

    def start(self, name: str, *command: str) -> Child:
        """Raises `BenchError` where the program is not installed."""
        log = self.path / f"{len(self._running)}.log"
        with log.open("wb") as errors:
            try:
                process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=self.path
                )
            except FileNotFoundError:
                raise BenchError(f"{command[0]} is not installed") from None
        self._running.append(process)
        self.children[name] = Child(name, process, log)
        return self.children[name]

    def python(self, script: str, *arguments: str) -> Child:
        """Start a script of this folder, the helpers of the measurements beside it."""
        return self.start(script, sys.executable, str(HERE / f"{script}.py"), *arguments)

    def broker(self) -> int:
        """Start a mosquitto; its port. Raises `BenchError`."""
        port = free_port()
        config = self.path / "mosquitto.conf"
        config.write_text(_BROKER.format(port=port, host=HOST, user=getpass.getuser()))
        child = self.start("mosquitto", "mosquitto", "-c", str(config))
        wait_until(lambda: is_open(port), child, "does not listen")
        return port

    def bridge(self, broker: int, name: str = "bridge", extra: str = "", api: str = "") -> "Bridge":
        """Start the bridge as users do; the model settles sooner than by default. `extra` are more sections, `api` more
        settings of that one; what it keeps lies in a directory called like it. Raises `BenchError`.
        """
        port = free_port()
        config = self.path / f"{name}.toml"
        topics = "plant" if name == "bridge" else name
        state = self.path / name
        text = _BRIDGE.format(host=HOST, broker=broker, port=port, state=state, name=name, topics=topics, api=api)
        config.write_text(text + extra)
        child = self.start(name, sys.executable, "-m", "bridge", "run", "--config", str(config))
        bridge = Bridge(child, port)
        wait_until(lambda: is_open(port) and bridge.get("/readyz")[0] == 200, child, "does not get ready")
        return bridge


class Bridge:
    """The running daemon, and what it tells about itself."""

    def __init__(self, child: Child, port: int) -> None:
        self.child = child
        self.port = port

    def get(self, path: str) -> tuple[int, bytes]:
        return self.ask("GET", path)

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of one request on a connection of its own. Raises `BenchError`."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=START_S)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.child.fail(f"does not answer {path} ({error})")
        finally:
            connection.close()

    def received(self) -> int:
        """Messages that have an outcome."""
        return sum(int(float(count)) for count in _OUTCOME.findall(self.get("/metrics")[1]))

    def metric(self, name: str) -> float:
        """A sample without labels."""
        found = re.search(rf"^{name} (\S+)$".encode(), self.get("/metrics")[1], re.MULTILINE)
        if found is None:
            self.child.fail(f"has no metric {name}")
        return float(found[1])

    def is_settled(self) -> bool:
        """Whether the discovery window is over, so that the model is not looked at every second any more."""
        return _SETTLED.search(self.get("/metrics")[1]) is not None


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_open(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def wait_until(condition: Callable[[], bool], child: Child, otherwise: str, timeout: float = START_S) -> None:
    """Wait for something that a process should do. Raises `BenchError`."""
    deadline = time.monotonic() + timeout
    while not condition():
        child.check()
        if time.monotonic() > deadline:
            child.fail(otherwise)
        time.sleep(POLL_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def workshop() -> Iterator[Workshop]:
    """A workshop that is cleared up when the measurement is terminated as well; problems end it in one sentence."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with Workshop() as shop:
            yield shop
    except BenchError as error:
        sys.exit(f"could not measure: {error}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
