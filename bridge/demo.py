"""The demo: a broker and a simulated plant as child processes, the bridge in the foreground.

The children hold the read end of a pipe of ours as their standard input and end when it closes, so they go
with us even when we are killed.
"""

import importlib.util
import logging
import select
import subprocess
import sys
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from bridge.config import Settings, mistakes
from bridge.errors import ConfigError, StartError
from bridge.sources.broker import free_port

logger = logging.getLogger("bridge.demo")

MACHINE = "acme/riverside/mixing/hall1/vat01"
TEMPERATURE = f"{MACHINE}/process/temperature"

BROKER, PLANT = "bridge.sources.broker", "bridge.sources.plant"
EMBEDDED_PROTOCOL = "3.1.1"  # all that the embedded broker speaks

READY_TIMEOUT = 20.0  # seconds for a child to start; a small machine with a cold disk takes about 3
END_TIMEOUT = 5.0  # seconds for a child to say goodbye before it is killed
SESSION_EXPIRY = 60  # seconds; a demo that has ended must not fill somebody's broker with a day of messages
# A demo leaves nothing behind.
_NOTHING_KEPT = {"history": {"backend": "memory"}, "state": {"directory": ""}}


class Child:
    """One Python module as a process that ends with us; a death of its own is logged."""

    def __init__(self, name: str, module: str, *arguments: str) -> None:
        self.name = name
        self._command = [sys.executable, "-m", module, "--with-parent", *arguments]
        self._ending = False

    def __enter__(self) -> Self:
        # A session of its own: Ctrl-C in the terminal reaches only the bridge, which then ends us in order.
        self.process = subprocess.Popen(  # noqa: S603 (our own modules)
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        self._watcher = threading.Thread(target=self._watch, name=f"watch {self.name}", daemon=True)
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending = True
        self.process.terminate()
        try:
            self.process.wait(END_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._watcher.join()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def first_line(self) -> str:
        """What the child says once it is ready; `StartError` if it dies or says nothing in time."""
        output = self.process.stdout
        if output is not None and select.select([output], [], [], READY_TIMEOUT)[0]:
            line = output.readline().decode().strip()
            if line:
                return line
        raise StartError(f"{self.name} did not start within {READY_TIMEOUT:.0f} s")

    def _watch(self) -> None:
        code = self.process.wait()
        if not self._ending:
            logger.error("%s has ended by itself with code %d; restart the demo", self.name, code)


def run_demo(port: int, broker_url: str | None) -> int:
    """Run until SIGINT or SIGTERM; the bridge's exit code.

    `port` 0 is any free one; `broker_url` names a broker to use instead of the embedded one. Raises
    `ConfigError` when one of them cannot be, `StartError` when the port is taken or a child does not start.
    """
    from bridge.daemon import serve

    settings_of(port, broker_url or "")  # a mistake is told before anything starts
    if free_port(port) != port and port:
        raise StartError(f"port {port} is taken or not allowed; choose another one with --port")
    port = port or free_port(0)
    with ExitStack() as children:
        url = broker_url or children.enter_context(_broker()).first_line()
        protocol = "auto" if broker_url else EMBEDDED_PROTOCOL
        plant = Child("the simulated plant", PLANT, "--broker", url, "--protocol", protocol)
        children.enter_context(plant)
        sys.stdout.write(welcome(port, url, datetime.now(UTC)))
        sys.stdout.flush()
        audit = None
        if not broker_url:  # what is written to somebody's own broker is for them to say, in a configuration
            audit = Path(children.enter_context(TemporaryDirectory(prefix="bridge-demo-"))) / "audit.jsonl"
        return serve(settings_of(port, url, protocol, audit))


def settings_of(port: int, url: str, protocol: str = "auto", audit: Path | None = None) -> Settings:
    """The bridge's settings for this demo; an empty `url` is one that is not known yet. With an audit log, clients may
    write.
    """
    mqtt = {"client_id": f"bridge-demo-{port}", "session_expiry": SESSION_EXPIRY, "protocol": protocol}
    if url:
        mqtt["url"] = url
    writes = {"enabled": True, "allow": ["#"], "audit_file": str(audit)} if audit is not None else {}
    try:
        return Settings.model_validate({"mqtt": mqtt, "api": {"port": port}, "writes": writes, **_NOTHING_KEPT})
    except ValidationError as error:
        raise ConfigError([f"demo: {line}" for line in mistakes.lines(error.errors())]) from error


def welcome(port: int, url: str, now: datetime) -> str:
    """What a newcomer can open and type."""
    base = f"http://localhost:{port}/v1"
    put = f"curl -X PUT -H 'Content-Type: application/json' {base}/objects"
    post = f"curl -H 'Content-Type: application/json' {base}/objects"
    start, end = (f"{now + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}" for hours in (-1, 24))
    return f"""
A simulated plant publishes to {url}; the bridge serves it as i3X 1.0.

  Open   http://localhost:{port}/       (the API's documentation: /docs)
  i3X    {base}

Try, in another terminal (the roots; a machine with all its parts; a temperature since an hour ago; a temperature
written, which the plant overwrites within seconds; writing needs the demo's own broker):

  curl '{base}/objects?root=true'
  {post}/value -d '{{"elementIds":["{MACHINE}"],"maxDepth":0}}'
  {post}/history -d '{{"elementIds":["{TEMPERATURE}"],"startTime":"{start}","endTime":"{end}"}}'
  {put}/value -d '{{"updates":[{{"elementId":"{TEMPERATURE}","value":{{"value":61.5}}}}]}}'

The plant has a few faults on purpose. scale01 sends payloads that are cut short: the log tells about them, once a
minute, and the last good value stays. The mixers' temperature probes send NaN now and then: null, quality Bad.

Ctrl-C ends the demo.

"""


def _broker() -> Child:
    if importlib.util.find_spec("amqtt") is None:
        raise StartError("no embedded broker: pip install 'i3x-bridge[demo]', or name a broker with --broker")
    return Child("the demo broker", BROKER)
