# ruff: noqa: T201 - a command line prints
"""What the learner makes of namespaces that it does not know, and what a model of a large plant costs.

First the marks of the exams (tests/helpers/exam*.py): how many things, parts, roles and templates there are, and how
many are right. Then, in a process of its own for each round, a plant that publishes an envelope on each topic: memory,
how long after the last message the model is arranged (with the daemon's rhythm: the learner looks about once a second,
and rests after a long look), and what later looks, new topics and known messages cost.
"""

import argparse
import gc
import json
import math
import random
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

sys.path.pop(0)  # this folder, whose http.py would hide the library's
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "helpers"))

import exam
import exam_factories
import exam_feeds
import exam_machines
from bench.kit.feed import Clock, envelope
from bench.kit.report import Mark, Report, Row, options

from bridge.config import Settings
from bridge.daemon import GC_THRESHOLDS
from bridge.engine import Engine, Options
from bridge.sources.base import MAX_BATCH
from bridge.space import Limits
from bridge.uns import Message
from bridge.uns.moments import SECOND

TOPICS = 250_000
ELEMENTS = 400_000
NEW_TOPICS = 1_000
KNOWN_MESSAGES = 100_000
TICK_S = 1.0  # the daemon's
TIMEOUT_S = 600.0  # of one round
_PAGE = resource.getpagesize()
_MB = 1_000_000

MEMORY_MARK = Mark(600)  # MB
READY_MARK = Mark(10)  # s
SHARES = {"templates whole": 500 / 507, "templates pure": 0.9}  # of all; what is not named must be all right
KNOWN_MARK = Mark(30)  # µs: the mark of the whole daemon, of which this is a part

_EXAMS = (
    exam_factories.beverages,
    exam_factories.glass,
    exam_factories.biotech,
    exam_feeds.feeds,
    exam_feeds.silent_feeds,
    exam_machines.machines,
)
_MACHINES = ("pump", "valve", "mixer", "conveyor", "robot", "oven", "chiller", "press", "filler", "labeler")
_ASPECTS = {
    "process": ("temperature", "pressure", "speed", "flow", "level"),
    "energy": ("power", "current", "voltage"),
    "status": ("state", "fault"),
}
_TAGS = tuple(f"{aspect}/{tag}" for aspect, tags in _ASPECTS.items() for tag in tags)


def plant(first: int = 0) -> Iterator[str]:
    """Topics of a plant without end: ten tags in three aspects a machine, ten machines a cell, ten cells a line …"""
    number = first
    while True:
        machine, tag = divmod(number, len(_TAGS))
        cell, unit = divmod(machine, len(_MACHINES))
        line, area = cell // 10, cell // 100
        kind = _MACHINES[unit]
        yield f"acme/site{area // 10}/area{area % 10}/line{line % 10}/cell{cell % 10}/{kind}-{unit + 101}/{_TAGS[tag]}"
        number += 1


# --- marks -----------------------------------------------------------------------------------------------------------


def marks(report: Report, mistakes: int) -> None:
    for make in _EXAMS:
        paper = make()
        found = exam.mark(paper, exam.sit(paper.messages))
        for name, one in found.by_name.items():
            row = report.row(f"{paper.name}: {name}", Mark(math.ceil(SHARES.get(name, 1.0) * one.of), at_least=True))
            row.add("there are", one.of)
            row.add("right", one.right)
        _tell(found, mistakes)


def _tell(found: exam.Marks, most: int) -> None:
    by_mark: dict[str, list[exam.Mistake]] = defaultdict(list)
    for mistake in found.mistakes:
        by_mark[mistake.what].append(mistake)
    for some in by_mark.values():
        for mistake in some[:most]:
            print(mistake)


# --- a large plant ---------------------------------------------------------------------------------------------------


@dataclass
class Watch:
    """Real time, and time that nobody waits for."""

    skipped: float = 0.0

    def now(self) -> float:
        return time.perf_counter() + self.skipped


class Plant:
    """An engine that a plant is fed to, batch by batch, and looked after as the daemon does."""

    def __init__(self, topics: int) -> None:
        limits = Limits(elements=max(ELEMENTS, topics * 2))
        self.engine = Engine(Options(aspects=Settings().model.aspects, limits=limits))
        self._watch, self._clock = Watch(), Clock()
        self._topics = topics
        self._ticked = self._watch.now()
        self._start_ns = time.time_ns()

    @property
    def now_ns(self) -> int:
        return self._start_ns + int(self._watch.now() * SECOND)

    def feed(self, first: int, count: int, *, tick: bool = True) -> float:
        """An envelope on each of so many topics; CPU seconds of the engine alone, without looks of the learner."""
        spent, names, source = 0.0, plant(first), random.Random(first)
        for start in range(0, count, MAX_BATCH):
            stamp = self._clock.stamp()
            batch = [
                Message(name, envelope(stamp, source.randrange(1 << 20)), received_ns=self.now_ns)
                for name in islice(names, min(MAX_BATCH, count - start))
            ]
            begun = time.process_time()
            self.engine.ingest(batch)
            spent += time.process_time() - begun
            if tick:
                self._tick()
        return spent

    def _tick(self) -> None:
        if self._watch.now() - self._ticked >= TICK_S:
            self._ticked = self._watch.now()
            self.engine.arrange(self.now_ns, self._watch.now(), self._watch.now)

    def until_arranged(self) -> float:
        """Seconds until everything that has come is placed."""
        begun = self._watch.now()
        while self.engine.space.unarranged:
            self._watch.skipped += max(0.0, self._ticked + TICK_S - self._watch.now())
            self._tick()
        return self._watch.now() - begun

    def look(self) -> float:
        """CPU seconds of one look of the learner at everything, as long as the model is young."""
        self.feed(self._topics, 1, tick=False)
        return self._arrange(0)

    def settle(self) -> float:
        """CPU seconds of the look with which the model settles."""
        spent = self._arrange(60 * SECOND)
        assert not self.engine.space.young
        return spent

    def _arrange(self, later_ns: int) -> float:
        begun = time.process_time()
        self.engine.space.arrange(self.now_ns + later_ns)
        return time.process_time() - begun


def measure(topics: int) -> dict[str, float]:
    """One round, in the process that is asked."""
    gc.set_threshold(*GC_THRESHOLDS)  # as the daemon does
    before = _resident()
    plant = Plant(topics)
    first = plant.feed(0, topics)
    ready = plant.until_arranged()
    look, settled = plant.look(), plant.settle()
    memory = _resident() - before
    grown = plant.feed(topics + 1, NEW_TOPICS, tick=False)
    known = plant.feed(0, min(KNOWN_MESSAGES, topics), tick=False)
    return {
        "memory, MB": memory / _MB,
        "memory at most, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MB,
        "first messages, µs each": first / topics * 1e6,
        "ready after the last message, s": ready,
        "a look at everything, s": look,
        "the look that settles, s": settled,
        f"{NEW_TOPICS:,} topics more, ms": grown * 1e3,
        "known messages, µs each": known / min(KNOWN_MESSAGES, topics) * 1e6,
    }


def _resident() -> int:
    """Bytes of memory that the process has in use now."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def large(report: Report, topics: int, rounds: int) -> None:
    told = {
        "memory, MB": MEMORY_MARK,
        "ready after the last message, s": READY_MARK,
        "known messages, µs each": KNOWN_MARK,
    }
    rows: dict[str, Row] = {}
    for _ in range(rounds):
        command = [sys.executable, str(Path(__file__).resolve()), "--child", "--topics", str(topics)]
        done = subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S)
        for name, value in json.loads(done.stdout).items():
            if name not in rows:
                rows[name] = report.row(name, told.get(name))
            rows[name].add("bridge", value)


def main() -> None:
    parser: argparse.ArgumentParser = options(
        "Marks of the learner, and what a large model costs.", seconds=None, rounds=1
    )
    parser.add_argument("--topics", type=int, default=TOPICS, help="of the large plant; 0: marks alone")
    parser.add_argument("--mistakes", type=int, default=0, help="tell so many mistakes of each mark")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(measure(asked.topics)))
        return
    graded = Report("learner: marks of the exams", ("there are", "right"))
    marks(graded, asked.mistakes)
    print(graded)
    if asked.topics:
        report = Report(f"learner: a plant of {asked.topics:,} topics; medians of {asked.rounds} rounds", ("bridge",))
        large(report, asked.topics, asked.rounds)
        report.finish(asked.json)


if __name__ == "__main__":
    main()
