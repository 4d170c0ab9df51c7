# ruff: noqa: T201 - a command line prints
"""Queries in a large store: 50 million rows over 10,000 elements, asked over HTTP of a running bridge.

The store is written as the bridge writes it, without the weeks that it would take to come in: one element in a hundred
has a reading each second for some days, all others have fewer, so that all rows are as many as wanted. The time of an
answer is from the first byte of the request to the last byte of the answer, transport and all; each query goes to
another element. The floor is the time that the JSON of so many records takes to make when they are in memory already.
"""

import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median

sys.path.pop(0)  # this folder, whose http.py would hide the library's
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from http.client import HTTPConnection

import msgspec
from bench.kit.common import HOST, Bridge, workshop
from bench.kit.feed import topics
from bench.kit.report import Mark, Report, Row, options

from bridge.history.base import Series
from bridge.history.sqlite import NAME
from bridge.history.sqlite.archive import Archive
from bridge.history.sqlite.codec import ROWS, pack
from bridge.history.sqlite.database import open_to_write
from bridge.history.sqlite.log import encoded_row
from bridge.uns import GOOD
from bridge.uns.moments import SECOND, render

ELEMENTS = 10_000
DENSE = 100  # one in so many has a reading each second
DAYS = 3
DAY = 86_400
START_NS = 1_790_000_000 * SECOND  # 2026-09-21
MARKS = {"10,000 points": Mark(20.0), "a day at 1 Hz": Mark(150.0)}  # ms
REPEAT = 12  # elements asked in one round
_EXTRA = "max_rows = 100000\n"
_TEMPLATES = 8  # value curves: what is random is costly to make

Element = tuple[int, str, int, int]  # number, id, seconds between readings, readings


def elements(rows: int) -> Iterator[Element]:
    names = topics("plant", ELEMENTS)
    dense = len(range(0, ELEMENTS, DENSE))
    few = max(1, (rows - dense * DAYS * DAY) // (ELEMENTS - dense))
    for number, name in enumerate(names):
        if number % DENSE == 0:
            yield number + 1, name, 1, DAYS * DAY
        else:
            yield number + 1, name, max(1, DAYS * DAY // few), few


def curve(seed: int) -> list[float]:
    """A temperature, say: two decimals."""
    noise, value, found = random.Random(seed), 50.0, []
    for _ in range(ROWS):
        value += noise.gauss(0, 0.2)
        found.append(round(value, 2))
    return found


def build(path: Path, rows: int) -> int:
    """The file; how many rows it has."""
    curves = [curve(seed) for seed in range(_TEMPLATES)]
    total = 0
    with closing(open_to_write(path)) as file:
        file.execute("PRAGMA synchronous = OFF")
        file.execute("BEGIN")
        for key, name, step, count in elements(rows):
            file.execute("INSERT INTO element (key, id) VALUES (?, ?)", (key, name))
            file.executemany(
                "INSERT INTO block (element, start, end, count, data) VALUES (?, ?, ?, ?, ?)",
                blocks(key, step, count, curves),
            )
            last_ns = START_NS + (count - 1) * step * SECOND
            row = encoded_row((curves[0][0], GOOD, last_ns))
            file.execute("UPDATE element SET last_ns = ?, last = ? WHERE key = ?", (last_ns, row, key))
            total += count
        file.execute("COMMIT")
    return total


def blocks(
    key: int, step: int, count: int, curves: Sequence[list[float]]
) -> Iterator[tuple[int, int, int, int, bytes]]:
    for at in range(0, count, ROWS):
        length = min(ROWS, count - at)
        times = [START_NS + (at + index) * step * SECOND for index in range(length)]
        values = curves[(key + at // ROWS) % _TEMPLATES][:length]
        yield key, times[0], times[-1], length, pack(Series(times, values, [GOOD] * length))


def ask(bridge: Bridge, ident: str, first: int, last: int, **more: object) -> tuple[float, int]:
    """Milliseconds and points of one answer; seconds are counted from the start."""
    asked = {"elementIds": [ident], "startTime": at(first), "endTime": at(last), **more}
    connection = HTTPConnection(HOST, bridge.port, timeout=60)
    connection.connect()
    body = json.dumps(asked)
    start = time.perf_counter()
    connection.request("POST", "/v1/objects/history", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    data = answer.read()
    took = 1_000 * (time.perf_counter() - start)
    connection.close()
    if answer.status not in (200, 206):
        bridge.child.fail(f"answers {answer.status}: {data[:200]!r}")
    return took, data.count(b'"timestamp"')


def floor(points: int) -> float:
    """Milliseconds to encode so many records that are in memory."""
    records = [{"value": 50.25, "quality": GOOD, "timestamp": "2026-09-21T13:33:20.000Z"} for _ in range(points)]
    start = time.perf_counter()
    msgspec.json.encode(records)
    return 1_000 * (time.perf_counter() - start)


def at(second: int) -> str:
    return render(START_NS + second * SECOND)


def round_of(bridge: Bridge, rows: dict[str, Row], dense: Sequence[str], noise: random.Random) -> dict[str, int]:
    """One query of each kind for some elements; points of each kind."""
    points: dict[str, int] = {}
    for ident in noise.sample(list(dense), REPEAT):
        first = noise.randrange(DAY)
        queries = {
            "100 points": (first, first + 99, {}),
            "10,000 points": (first, first + 9_999, {}),
            "a day at 1 Hz": (first, first + DAY - 1, {}),
            "3 days as 1,000 points": (0, DAYS * DAY, {"maxPoints": 1_000}),
            "3 days, average of an hour": (0, DAYS * DAY, {"aggregate": "avg", "interval": 3_600}),
        }
        for name, (start, end, more) in queries.items():
            took, points[name] = ask(bridge, ident, start, end, **more)
            rows[name].add("bridge", took)
            rows[name].add("json", floor(points[name]))
    start_s = time.perf_counter()
    bridge.get("/livez")
    rows["/livez, the fixed cost"].add("bridge", 1_000 * (time.perf_counter() - start_s))
    return points


def main() -> None:
    parser = options("Queries in a large store.", seconds=None, rounds=5)
    parser.add_argument("--rows", type=int, default=50_000_000, help="in the store")
    asked = parser.parse_args()
    report = Report(
        f"history: ms an answer, {REPEAT} elements a round, all of {asked.rounds} rounds", ["json", "bridge"]
    )
    names = ["100 points", "10,000 points", "a day at 1 Hz", "3 days as 1,000 points", "3 days, average of an hour"]
    rows = {name: report.row(name, MARKS.get(name)) for name in [*names, "/livez, the fixed cost"]}
    with workshop() as shop:
        path = shop.path / "bridge" / NAME
        path.parent.mkdir()
        start = time.monotonic()
        total = build(path, asked.rows)
        print(f"{total:,} rows written in {time.monotonic() - start:.0f} s, {path.stat().st_size / 2**20:,.0f} MiB")
        with Archive(path) as archive:
            print(
                f"{archive.info()['bytes_per_row_in_blocks']:.2f} bytes a row in blocks, "
                f"{path.stat().st_size / total:.2f} in the file"
            )
        start = time.monotonic()
        bridge = shop.bridge(shop.broker(), extra="", api=_EXTRA)
        print(f"started and ready after {time.monotonic() - start:.1f} s")
        dense = [name for number, name in enumerate(topics("plant", ELEMENTS)) if number % DENSE == 0]
        noise = random.Random(1)
        for _ in range(asked.rounds):
            points = round_of(bridge, rows, dense, noise)
    report.finish(asked.json)
    print("points: " + ", ".join(f"{name}: {count:,}" for name, count in points.items()))
    for name in names:
        found = sorted(rows[name].rounds["bridge"])
        print(f"{name}: median {median(found):.1f} ms, p95 {found[int(0.95 * (len(found) - 1))]:.1f} ms")


if __name__ == "__main__":
    main()
