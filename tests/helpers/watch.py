"""Looks at a bridge from another process all the time that a fault lasts: is it alive, quick, and do its books balance?

`Watch` starts this file as a script: `watch.py PORT [ELEMENT]`. It asks `/livez` every 20 ms and measures how long the
answers take (a stalled event loop shows), `/metrics` four times a second (the invariant of the message counters must
hold in each), `/readyz` ten times a second, and the value of an element. It prints what it has seen as JSON when its
standard input ends. A bridge that is down is no fault: that is for the test to know.
"""

import contextlib
import http.client
import json
import re
import selectors
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HOST = "127.0.0.1"
PING_S, READY_S, SCRAPE_S, VALUE_S = 0.02, 0.1, 0.25, 0.2
ANSWER_S = 10.0
STOP_S = 15.0
SHOWN = 5  # violations and errors told

_SAMPLE = re.compile(r"^(bridge_\w+(?:\{[^}]*\})?) (\S+)$", re.MULTILINE)
_RECEIVED, _UNACKNOWLEDGED = "bridge_messages_received_total", "bridge_messages_unacknowledged"
_OUTCOMES = tuple(f'bridge_messages_total{{outcome="{name}"}}' for name in ("stored", "duplicate", "rejected"))


def imbalance(told: dict[str, float]) -> str | None:
    """What is wrong with the books: received = stored + duplicate + rejected + unacknowledged."""
    missing = [name for name in (_RECEIVED, _UNACKNOWLEDGED, *_OUTCOMES) if name not in told]
    if missing:
        return f"not in /metrics: {', '.join(missing)}"
    known = sum(told[name] for name in _OUTCOMES) + told[_UNACKNOWLEDGED]
    return None if told[_RECEIVED] == known else f"received {told[_RECEIVED]:.0f}, accounted for {known:.0f}"


class Seen:
    """What the script has seen."""

    def __init__(self, port: int, element: str | None) -> None:
        self._port = port
        self._element = element
        self._link: http.client.HTTPConnection | None = None
        self.pings: list[tuple[float, float]] = []  # when, and seconds of the answer
        self.scrapes = self.away = self.errors = 0
        self.violations: list[str] = []
        self.wrong: list[str] = []
        self.ready: list[tuple[float, int, list[str]]] = []  # when it changed, status, reasons
        self.qualities: list[tuple[float, str]] = []  # when it changed
        self.most: dict[str, float] = {}  # the largest of each sample

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes] | None:
        """None where nobody answers."""
        try:
            if self._link is None:
                self._link = http.client.HTTPConnection(HOST, self._port, timeout=ANSWER_S)
            self._link.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = self._link.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.away += 1
            if self._link is not None:
                self._link.close()
            self._link = None
            return None

    def ping(self) -> None:
        start = time.monotonic()
        answer = self.ask("GET", "/livez")
        if answer is not None:
            self.pings.append((start, time.monotonic() - start))
            self._check("/livez", *answer)

    def scrape(self) -> None:
        answer = self.ask("GET", "/metrics")
        if answer is None:
            return
        self._check("/metrics", *answer)
        told = {name: float(number) for name, number in _SAMPLE.findall(answer[1].decode())}
        self.scrapes += 1
        for name, number in told.items():
            self.most[name] = max(number, self.most.get(name, number))
        wrong = imbalance(told)
        if wrong is not None:
            self.violations.append(wrong)

    def readiness(self) -> None:
        answer = self.ask("GET", "/readyz")
        if answer is not None and (not self.ready or self.ready[-1][1] != answer[0]):
            self.ready.append((time.monotonic(), answer[0], json.loads(answer[1])["reasons"]))

    def value(self) -> None:
        if self._element is None:
            return
        answer = self.ask("POST", "/v1/objects/value", json.dumps({"elementIds": [self._element]}).encode())
        if answer is None:
            return
        self._check("/v1/objects/value", *answer)
        item = json.loads(answer[1])["results"][0]
        if not item["success"]:
            self.errors += 1
            self.wrong.append(str(item)[:200])
        elif not self.qualities or self.qualities[-1][1] != item["result"]["quality"]:
            self.qualities.append((time.monotonic(), item["result"]["quality"]))

    def _check(self, path: str, status: int, body: bytes) -> None:
        if status != http.HTTPStatus.OK:
            self.errors += 1
            self.wrong.append(f"{path}: {status} {body[:100]!r}")


def watch(port: int, element: str | None) -> dict[str, Any]:
    """Until standard input ends."""
    seen = Seen(port, element)
    jobs = [(seen.ping, PING_S), (seen.readiness, READY_S), (seen.scrape, SCRAPE_S), (seen.value, VALUE_S)]
    due = [0.0 for _ in jobs]
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        while not selector.select(PING_S / 4):
            for index, (act, every) in enumerate(jobs):
                if time.monotonic() >= due[index]:
                    act()
                    due[index] = time.monotonic() + every
    fields = vars(seen).items()
    return {name: found for name, found in fields if not name.startswith("_")}


class Watch:
    """A context manager; what was seen is there when it has ended."""

    def __init__(self, port: int, element: str | None = None) -> None:
        self._arguments = [str(port), *([element] if element else [])]
        self._told: dict[str, Any] = {}

    def __enter__(self) -> Self:
        command = [sys.executable, str(Path(__file__).resolve()), *self._arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._told = json.loads(self._process.communicate(timeout=STOP_S)[0] or b"{}")
        finally:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()

    @property
    def scrapes(self) -> int:
        return int(self._told["scrapes"])

    @property
    def ready(self) -> list[tuple[float, int, list[str]]]:
        return [(when, status, reasons) for when, status, reasons in self._told["ready"]]

    @property
    def qualities(self) -> list[tuple[float, str]]:
        return [(when, quality) for when, quality in self._told["qualities"]]

    def most(self, name: str) -> float:
        """The largest that a sample of /metrics has been."""
        return float(self._told["most"].get(name, 0.0))

    def latency_ms(self, share: float = 1.0, start: float = 0.0, end: float = float("inf")) -> float:
        """How long `/livez` took at most, for this share of the requests made in a time (monotonic seconds)."""
        found = sorted(took for when, took in self._told["pings"] if start <= when <= end)
        assert found, "nobody answered /livez"
        return found[min(len(found) - 1, int(len(found) * share))] * 1_000

    def check(self) -> None:
        """The books balanced whenever they were looked at, and nothing failed."""
        assert self._told["scrapes"] > 0, "nobody answered /metrics"
        violations = self._told["violations"]
        assert not violations, f"{len(violations)} of {self.scrapes} scrapes: {violations[:SHOWN]}"
        assert not self._told["errors"], self._told["wrong"][:SHOWN]


if __name__ == "__main__":
    print(json.dumps(watch(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)))  # noqa: T201 - a script
