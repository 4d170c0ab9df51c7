# ruff: noqa: T201 - a command line prints
"""CPU time for each message inside the core, without network or processes: where the time of `ingest` goes.

Lists of messages are fed to `Engine.ingest` in batches as a source makes them. Columns: decoding the JSON alone (the
floor), the decoder, the engine, the engine and the memory history (what the daemon does), the same with every element
in a subscription whose events are built.
"""

import base64
import cProfile
import gc
import gzip
import json
import pstats
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

sys.path.pop(0)  # this folder, whose http.py would hide the library's
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import msgspec
from bench.kit.feed import Clock, envelope, topics
from bench.kit.report import Mark, Report, options

from bridge.api.stream import next_event
from bridge.daemon import GC_THRESHOLDS
from bridge.engine import Engine, Options
from bridge.history import MemoryHistory
from bridge.sources.base import MAX_BATCH
from bridge.uns import Message
from bridge.uns.decoder import Decoder

PASSES = 20  # over all topics in one round
WARM_PASSES = 3
COLUMNS = ("json", "decoder", "engine", "+ history", "+ subscriber")
CPU_MARK = Mark(30.0)  # µs an envelope: the mark of the whole daemon, of which this is a part
_HISTORY = (
    1_000,
    200_000,
)  # rows of one element and of all: full after a few rounds, as in a long-lived daemon
MANY = 10_000  # topics that a space grows by
_SHOWN = 15  # functions of a profile
_MS = 1_000_000  # ns

Take = Callable[[Sequence[Message]], object]


class Traffic:
    """A kind of messages: each call of `batches` makes new ones, later than all before."""

    def __init__(self, name: str, names: Sequence[str], payload: Callable[[str, int], bytes]) -> None:
        self.name = name
        self._names = names
        self._payload = payload
        self._clock = Clock()
        self._number = 0

    def batches(self, passes: int) -> list[list[Message]]:
        messages: list[Message] = []
        for _ in range(passes):
            stamp = self._clock.stamp()
            for name in self._names:
                self._number += 1
                messages.append(Message(name, self._payload(stamp, self._number), received_ns=time.time_ns()))
        return [messages[at : at + MAX_BATCH] for at in range(0, len(messages), MAX_BATCH)]


def bare_number(_: str, number: int) -> bytes:
    return b"%d.%d" % (number, number % 10)


def document(stamp: str, number: int) -> bytes:
    """A machine's state as one object: eleven fields on two levels, about 250 bytes."""
    axes = ",".join(f'"{axis}":{{"position":{number % 997}.25,"load":{number % 101}}}' for axis in "xyz")
    return (
        f'{{"timestamp":"{stamp}","state":"RUNNING","program":"O{number % 9}","parts":{number},'
        f'"spindle":{{"speed":{number % 12_000},"load":{number % 100}.5,"on":true}},"axes":{{{axes}}}}}'
    ).encode()


def generated() -> list[Traffic]:
    return [
        Traffic("envelopes of 80 bytes", topics("plant"), envelope),
        Traffic("bare numbers", topics("plant"), bare_number),
        Traffic("documents", topics("plant"), document),
    ]


class Recording:
    """Recorded messages, one JSON object a line (`topic`, `payload` or `payload_b64`), played again and again."""

    def __init__(self, path: Path) -> None:
        self.name = path.parent.name if path.name.startswith("capture.") else path.name
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as lines:
            self._rows = [self._row(json.loads(line)) for line in lines if line.strip()]

    @staticmethod
    def _row(said: dict[str, str]) -> tuple[str, bytes]:
        coded = said.get("payload_b64")
        return said["topic"], base64.b64decode(coded) if coded else said.get("payload", "").encode("utf-8", "replace")

    def batches(self, passes: int) -> list[list[Message]]:
        messages = [Message(*row, received_ns=time.time_ns()) for _ in range(passes) for row in self._rows]
        return [messages[at : at + MAX_BATCH] for at in range(0, len(messages), MAX_BATCH)]


def columns(traffic: Traffic | Recording, passes: int) -> Iterator[tuple[str, Take]]:
    """What each column does with a batch; engines are warm: every node and type is known."""
    yield "json", _decode_json
    yield "decoder", _read(Decoder())
    yield "engine", warm_engine(traffic, passes).ingest
    keeping, history = warm_engine(traffic, passes), MemoryHistory(*_HISTORY)
    yield "+ history", lambda batch: history.append(keeping.ingest(batch))
    yield "+ subscriber", _subscribed(warm_engine(traffic, passes), MemoryHistory(*_HISTORY))


def _decode_json(batch: Sequence[Message]) -> None:
    decode = msgspec.json.decode
    for message in batch:
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            decode(message.payload)


def _read(decoder: Decoder) -> Take:
    def take(batch: Sequence[Message]) -> None:
        for message in batch:
            decoder.read(message)

    return take


def warm_engine(traffic: Traffic | Recording, passes: int) -> Engine:
    """An engine that has seen the traffic and has settled."""
    engine = Engine(Options())
    for _ in range(passes):
        for batch in traffic.batches(1):
            engine.ingest(batch)
    later = time.time_ns() + 60_000 * _MS
    engine.space.arrange(later)
    return engine


def _subscribed(engine: Engine, history: MemoryHistory) -> Take:
    """All elements with a payload in one subscription, whose stream is read empty after each batch."""
    subscriptions = engine.subscriptions
    made = subscriptions.create("bench", None, 0.0)
    for node in list(engine.space.by_topic.values()):
        if node.reported:
            subscriptions.register(made, node.id, 1)
    stream = subscriptions.open_stream(made, lambda: None)

    def take(batch: Sequence[Message]) -> None:
        history.append(engine.ingest(batch))
        while next_event(subscriptions, stream):
            pass

    return take


def timed(take: Take, batches: Sequence[Sequence[Message]]) -> float:
    """CPU µs a message."""
    start = time.process_time_ns()
    for batch in batches:
        take(batch)
    return (time.process_time_ns() - start) / sum(map(len, batches)) / 1_000


def learning(report: Report, rounds: int) -> None:
    """What growing costs: a topic's first message with all that it makes, and the learner's placing of it."""
    first, arranged = report.row("a topic's first message"), report.row("its arrangement")
    for _ in range(rounds):
        engine, batches = Engine(Options()), Traffic("", topics("plant", MANY), envelope).batches(1)
        first.add("engine", timed(engine.ingest, batches))
        start = time.process_time_ns()
        engine.space.arrange(time.time_ns())
        arranged.add("engine", (time.process_time_ns() - start) / MANY / 1_000)


def profile(traffic: Traffic | Recording, passes: int) -> None:
    """Print where the time of the engine and the history goes."""
    engine, history = warm_engine(traffic, WARM_PASSES), MemoryHistory(*_HISTORY)
    batches = traffic.batches(passes)
    profiler = cProfile.Profile()
    profiler.enable()
    for batch in batches:
        history.append(engine.ingest(batch))
    profiler.disable()
    print(f"\n{traffic.name}: {sum(map(len, batches)):,} messages")
    pstats.Stats(profiler).sort_stats("tottime").print_stats(_SHOWN)


def main() -> None:
    parser = options("CPU time for each message inside the core.", seconds=None, rounds=5)
    parser.add_argument("--profile", action="store_true", help="print the top functions instead")
    parser.add_argument("--passes", type=int, default=PASSES, help="messages for each topic in a round")
    parser.add_argument(
        "--capture", type=Path, nargs="*", default=[], metavar="FILE", help="recordings to feed as well"
    )
    asked = parser.parse_args()
    gc.set_threshold(*GC_THRESHOLDS)  # as the daemon does
    kinds: list[Traffic | Recording] = [*generated(), *map(Recording, asked.capture)]
    if asked.profile:
        for traffic in kinds:
            profile(traffic, asked.passes)
        return
    report = Report(f"core: CPU µs a message in batches of {MAX_BATCH}; medians of {asked.rounds} rounds", COLUMNS)
    for traffic in kinds:
        row = report.row(traffic.name, CPU_MARK if traffic is kinds[0] else None)
        work = list(columns(traffic, WARM_PASSES))
        for _ in range(asked.rounds):
            for name, take in work:
                row.add(name, timed(take, traffic.batches(asked.passes)))
    learning(report, asked.rounds)
    report.finish(asked.json)


if __name__ == "__main__":
    main()
