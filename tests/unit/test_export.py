"""`bridge history`: rows as CSV and JSON lines, of elements and fields; times as people type them."""

import asyncio
import csv
import io
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import msgspec
import pytest

from bridge.config import load
from bridge.engine import Engine, Options
from bridge.errors import BridgeError, ConfigError
from bridge.export import (
    EARLIEST,
    LATEST,
    TIME_RULE,
    Wanted,
    export,
    info_text,
    moment,
    new_file,
    path_of,
)
from bridge.history import Row, Series
from bridge.history.rows import pieces
from bridge.history.sqlite import SqliteHistory
from bridge.uns import Message
from bridge.uns.moments import SECOND, parse_request

NOW = 1_790_000_000 * SECOND  # 2026-09-21T14:13:20Z
BIG = 2**64 + 1

STRUCTURE = b'{"a":{"b/c":[1,2]},"x":18446744073709551617}'
VALUES: list[Any] = [1, 1.5, BIG, True, None, "", 'a "b", c\r\nd', "ü\r", STRUCTURE]
ROWS: list[Row] = [(value, "Bad" if value is None else "Good", NOW + at) for at, value in enumerate(VALUES)]


class Kept:
    """An archive of rows in memory, in pieces of two."""

    damage: Sequence[str] = ()

    def __init__(self, rows: dict[str, list[Row]]) -> None:
        self._rows = rows

    def info(self) -> dict[str, Any]:
        return {"rows": 9, "bytes_per_row": 2.125, "oldest": NOW, "newest": None}

    def elements(self) -> Iterator[tuple[str, int]]:
        return ((ident, len(rows)) for ident, rows in self._rows.items())

    def chunks(self, element_id: str, start_ns: int, end_ns: int) -> Iterator[Series]:
        return pieces([row for row in self._rows.get(element_id, []) if start_ns <= row[2] <= end_ns], 2)


class Output:
    """A stream that keeps what was written, and how often it was opened."""

    def __init__(self) -> None:
        self.opened = 0
        self.text = ""

    @contextmanager
    def __call__(self) -> Iterator[TextIO]:
        self.opened += 1
        stream = io.StringIO(newline="")
        yield stream
        self.text = stream.getvalue()


PLANT = Kept({"plant/press": ROWS, **{f"plant/mixer/{n}": ROWS[:1] for n in range(9, 1, -1)}, "plants": ROWS[:1]})


def exported(wanted: Wanted, archive: Kept = PLANT) -> str:
    """What an export writes."""
    output = Output()
    export(archive, wanted, output)
    return output.text


def test_csv() -> None:
    """Texts as they are, whatever is in them; nothing for null; numbers and structures as exact JSON."""
    text = exported(Wanted("plant/press"))
    header, *lines = csv.reader(io.StringIO(text, newline=""))
    expected = ["1", "1.5", str(BIG), "true", "", "", 'a "b", c\r\nd', "ü\r", STRUCTURE.decode()]
    assert header == ["timestamp", "value", "quality"]
    assert [value for _, value, _ in lines] == expected
    assert [parse_request(at) for at, _, _ in lines] == [row[2] for row in ROWS]
    assert lines[4] == ["2026-09-21T14:13:20.000000004Z", "", "Bad"]


def test_jsonl() -> None:
    """One object a line, values exactly as they came."""
    lines = [json.loads(line) for line in exported(Wanted("plant/press", form="jsonl")).splitlines()]
    assert lines[0] == {
        "elementId": "plant/press",
        "timestamp": "2026-09-21T14:13:20.000Z",
        "value": 1,
        "quality": "Good",
    }
    plain = [json.loads(value) if isinstance(value, bytes) else value for value in VALUES]
    assert [line["value"] for line in lines] == plain
    assert [type(line["value"]) for line in lines] == list(map(type, plain))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        pytest.param(EARLIEST, LATEST, 9, id="all"),
        pytest.param(NOW + 2, NOW + 6, 5, id="both ends"),
        pytest.param(NOW + 3, NOW + 3, 1, id="an instant"),
        pytest.param(EARLIEST, NOW, 1, id="until"),
        pytest.param(NOW + 100, LATEST, 0, id="none"),
    ],
)
def test_range(start: int, end: int, expected: int) -> None:
    """Both ends are included, rows are counted, and a time without rows gives the header alone."""
    output = Output()
    assert export(PLANT, Wanted("plant/press", start, end), output) == expected
    header, *lines = csv.reader(io.StringIO(output.text, newline=""))
    assert header == ["timestamp", "value", "quality"]
    assert [parse_request(at) for at, _, _ in lines] == [row[2] for row in ROWS if start <= row[2] <= end]


def packed(value: Any) -> bytes:
    return msgspec.json.encode(value)


def test_field() -> None:
    """A field has its owner's rows by path; what is not there is null with GoodNoData, or Bad as its owner is."""
    rows: list[Row] = [
        (packed({"a": {"b/c": 5}}), "Good", NOW),
        (packed({"a": {"b/c": {"d": 1}}}), "Uncertain", NOW + 1),
        (packed({"a": {"b/c": None}}), "Good", NOW + 2),
        (packed({"a": [1]}), "Good", NOW + 3),
        (7, "Good", NOW + 4),
        (None, "Bad", NOW + 5),
    ]
    text = exported(Wanted("plant/press#/a/b~1c", form="jsonl"), Kept({"plant/press": rows}))
    lines = [json.loads(line) for line in text.splitlines()]
    assert {line["elementId"] for line in lines} == {"plant/press#/a/b~1c"}
    expected = [(5, "Good"), ({"d": 1}, "Uncertain"), *[(None, "GoodNoData")] * 3, (None, "Bad")]
    assert [(line["value"], line["quality"]) for line in lines] == expected
    table = exported(Wanted("plant/press#/a/b~1c"), Kept({"plant/press": rows}))
    assert [value for _, value, _ in csv.reader(io.StringIO(table, newline=""))][1:4] == ["5", '{"d":1}', ""]


@pytest.mark.parametrize(
    ("ident", "told"),
    [
        pytest.param("plant", "plant: has no rows of its own; below it: plant/mixer/2, plant/mixer/3, plant/mixer/4, "
                     "plant/mixer/5, plant/mixer/6 and more", id="more than five"),
        pytest.param("plant/mixer/2/x", "plant/mixer/2/x: has no rows", id="nothing below"),
        pytest.param("plan", "plan: has no rows", id="half a level"),
        pytest.param("plant/mixer#/a", "plant/mixer: has no rows of its own; below it: plant/mixer/2, plant/mixer/3, "
                     "plant/mixer/4, plant/mixer/5, plant/mixer/6 and more", id="field of a composed one"),
    ],
)  # fmt: skip
def test_no_rows(ident: str, told: str) -> None:
    """An element without rows is a failure that names what is below it, and leaves no file behind."""
    output = Output()
    with pytest.raises(BridgeError) as caught:
        export(PLANT, Wanted(ident), output)
    assert str(caught.value) == told
    assert output.opened == 0


@pytest.mark.parametrize(
    ("ident", "told"),
    [
        pytest.param("plant/#", "plant/#: wildcards are not possible; name one element", id="all below"),
        pytest.param("#", "#: wildcards are not possible; name one element", id="all"),
        pytest.param("plant/+/2", "plant/+/2: wildcards are not possible; name one element", id="a level"),
        pytest.param("plant/+#/a", "plant/+#/a: wildcards are not possible; name one element", id="a level, a field"),
        pytest.param("plant/press#a",
                     "plant/press#a: a field is named with its path, such as plant/press#/a", id="no slash"),
        pytest.param("plant/press#",
                     "plant/press#: a field is named with its path, such as plant/press#/a/b", id="no path"),
    ],
)  # fmt: skip
def test_not_one_element(ident: str, told: str) -> None:
    """What names no single element, or half a field, is a mistake that says so."""
    output = Output()
    with pytest.raises(ConfigError) as caught:
        export(PLANT, Wanted(ident), output)
    assert caught.value.mistakes == (told,)
    assert output.opened == 0


@pytest.mark.parametrize("start", [NOW, NOW + 3], ids=["all", "later"])
def test_no_such_field(start: int) -> None:
    """A field that no payload of the range had is a failure, and nothing is written."""
    rows: list[Row] = [
        (1, "Good", NOW),
        (packed({"a": {"b": 2}}), "Good", NOW + 1),
        (packed({"x": 1}), "Good", NOW + 4),
    ]
    output = Output()
    for field in ("y", "a/c", "x/y") if start == NOW else ("a", "a/b"):
        with pytest.raises(BridgeError) as caught:
            export(Kept({"speed": rows}), Wanted(f"speed#/{field}", start), output)
        assert str(caught.value) == f"no field {field} in the payloads of speed"
    assert output.opened == 0
    assert export(Kept({"speed": rows}), Wanted("speed#/x", start), output) == (3 if start == NOW else 1)


def test_a_field_that_was_null() -> None:
    """A field that was there as null is one; where the range has no rows at all there is nothing wrong with it."""
    kept = Kept({"speed": [(packed({"x": None}), "Good", NOW)]})
    assert exported(Wanted("speed#/x"), kept).splitlines()[1].endswith(",,GoodNoData")
    assert exported(Wanted("speed#/y", NOW + 1), kept) == "timestamp,value,quality\r\n"


def test_five_below_are_all() -> None:
    """Where all are named there are no more."""
    with pytest.raises(BridgeError, match=r"below it: a/1, a/2$"):
        exported(Wanted("a"), Kept({"a/2": ROWS, "a/1": ROWS}))


def test_rows_are_written_as_they_are_read() -> None:
    """No more than a piece is in memory: the first rows are out before the last ones are read."""
    written: list[int] = []
    stream = io.StringIO()

    class Slow(Kept):
        def chunks(self, element_id: str, start_ns: int, end_ns: int) -> Iterator[Series]:
            for piece in super().chunks(element_id, start_ns, end_ns):
                written.append(stream.getvalue().count("\n"))
                yield piece

    @contextmanager
    def output() -> Iterator[TextIO]:
        yield stream

    export(Slow({"a": ROWS}), Wanted("a", form="jsonl"), output)
    assert written == [0, 2, 4, 6, 8]


def test_reversed_range() -> None:
    """A range that ends before it begins is a mistake."""
    with pytest.raises(ConfigError) as caught:
        exported(Wanted("plant/press", NOW + 1, NOW))
    (told,) = caught.value.mistakes
    assert told == "--from 2026-09-21T14:13:20.000000001Z: must not be after --to 2026-09-21T14:13:20.000Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-09-21T14:13:20Z", NOW, id="RFC 3339"),
        pytest.param("2026-09-21T16:13:20.5+02:00", NOW + SECOND // 2, id="offset"),
        pytest.param("2026-09-21", NOW - (14 * 3600 + 13 * 60 + 20) * SECOND, id="date"),
        pytest.param("-90s", NOW - 90 * SECOND, id="seconds"),
        pytest.param("-1.5m", NOW - 90 * SECOND, id="minutes"),
        pytest.param("-1h", NOW - 3_600 * SECOND, id="hours"),
        pytest.param("-7d", NOW - 7 * 86_400 * SECOND, id="days"),
        pytest.param("-2w", NOW - 14 * 86_400 * SECOND, id="weeks"),
        pytest.param("-999999999w", EARLIEST, id="before all times"),
        pytest.param("0001-01-01", EARLIEST, id="before a file's times"),
        pytest.param("9999-12-31", LATEST, id="after a file's times"),
    ],
)
def test_moment(text: str, expected: int) -> None:
    """An instant, a date, or so long ago; what no file can hold is its edge."""
    assert moment(text, NOW) == expected


@pytest.mark.parametrize(
    "text",
    ["", "now", "1h", "-1", "-1y", "-²h", "2026-02-30", "2026-09-21T14:13:20", "2026-9-1", "-1h\n", "1790000000"],
)
def test_no_moment(text: str) -> None:
    """Anything else is told what is allowed."""
    with pytest.raises(ValueError, match="must be a time") as caught:
        moment(text, NOW)
    assert str(caught.value) == f"{text!r}: {TIME_RULE}"


def test_info() -> None:
    """One fact a line, instants as such; or JSON with the numbers as they are."""
    assert info_text(PLANT, as_json=False).splitlines() == [
        "rows           9",
        "bytes per row  2.12",
        "oldest         2026-09-21T14:13:20.000Z",
        "newest         none",
    ]
    assert json.loads(info_text(PLANT, as_json=True)) == PLANT.info()


def test_where_the_file_is(tmp_path: Path) -> None:
    """In the state directory; where it is not, the path and the remedy are told."""
    config = tmp_path / "a.toml"
    config.write_text('[state]\ndirectory = "kept"\n')
    with pytest.raises(BridgeError) as caught:
        path_of(load(config, {}, keeps=False))
    assert str(caught.value).startswith(f"{tmp_path}/kept/history.sqlite: there is no such file; --config FILE")
    assert [path.name for path in tmp_path.iterdir()] == ["a.toml"]
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/history.sqlite").write_bytes(b"")
    assert path_of(load(config, {}, keeps=False)) == tmp_path / "kept/history.sqlite"


def test_nothing_kept(tmp_path: Path) -> None:
    """With history in memory only the running bridge can tell."""
    config = tmp_path / "a.toml"
    config.write_text('[history]\nbackend = "memory"\n[state]\ndirectory = ""\n')
    with pytest.raises(BridgeError, match="in the memory of the running bridge"):
        path_of(load(config, {}, keeps=False))


def test_memory_although_there_is_a_directory(tmp_path: Path) -> None:
    """History that is configured to be in memory is no missing file; one of earlier times is read."""
    config = tmp_path / "a.toml"
    config.write_text('[history]\nbackend = "memory"\n[state]\ndirectory = "kept"\n')
    settings = load(config, {}, keeps=False)
    with pytest.raises(BridgeError) as caught:
        path_of(settings)
    told = '[history] backend = "memory": history is in the memory of the running bridge, which answers'
    assert str(caught.value) == told
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/history.sqlite").write_bytes(b"")
    assert path_of(settings) == tmp_path / "kept/history.sqlite"


@pytest.mark.parametrize("replace", [False, True])
def test_new_file_is_a_directory(tmp_path: Path, *, replace: bool) -> None:
    """A directory is not replaced, and said to be one."""
    with pytest.raises(ConfigError) as caught, new_file(tmp_path, replace=replace):
        pass
    assert caught.value.mistakes == (f"{tmp_path}: is a directory; name a file in it",)


def test_new_file_on_a_full_disk() -> None:
    """What is written at last fails, too, in the system's own words."""
    full = r"^/dev/full: cannot be written, or not all of it: No space left on device$"
    with pytest.raises(BridgeError, match=full), new_file(Path("/dev/full"), replace=True) as stream:
        stream.write("a")


def test_new_file(tmp_path: Path) -> None:
    """A file that is there is replaced only where that is said; one that cannot be written is named."""
    path = tmp_path / "a.csv"
    for text in ("first", "second"):
        with new_file(path, replace=text == "second") as stream:
            stream.write(f"{text}\r\n")
        assert path.read_bytes() == f"{text}\r\n".encode()
    with pytest.raises(ConfigError) as caught, new_file(path, replace=False):
        pass
    assert caught.value.mistakes == (f"{path}: exists already; --force replaces it",)
    assert path.read_bytes() == b"second\r\n"
    with pytest.raises(BridgeError, match=r"nowhere/a.csv: cannot be written, or not all of it: No such file"):
        new_file(tmp_path / "nowhere/a.csv", replace=True).__enter__()


# --- a real file ------------------------------------------------------------------------------------------------------

SECONDS = 3_000  # rows: more than a block holds


async def _keep(path: Path, meanwhile: Callable[[], None]) -> None:
    """A history with a number and a document for each second; `meanwhile` it is open."""
    history = SqliteHistory(path)
    history.open()
    history.start()
    settled = asyncio.Event()
    engine = Engine(Options())
    for at in range(SECONDS):
        messages = [
            Message("plant/press/speed", b"%.1f" % (at * 0.5), received_ns=NOW + at * SECOND),
            Message("plant/press/state", packed({"a": {"b": at}, "t": "ü,"}), received_ns=NOW + at * SECOND),
        ]
        history.append(engine.ingest(messages), settled.set if at == SECONDS - 1 else None)
    await asyncio.wait_for(settled.wait(), 10)
    await asyncio.to_thread(meanwhile)
    assert await history.close(10)


@pytest.fixture(params=["beside a bridge", "without one"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Callable[[list[str]], None]], None]:
    """Runs something with the arguments that name a real file, while it is open or afterwards."""
    config = tmp_path / "a.toml"
    config.write_text('[state]\ndirectory = "state"\n')
    arguments = ["--config", str(config)]
    path = tmp_path / "state/history.sqlite"

    def run(what: Callable[[list[str]], None]) -> None:
        beside = request.param == "beside a bridge"
        asyncio.run(_keep(path, partial(what, arguments) if beside else lambda: None))
        if not beside:
            what(arguments)

    return run


def _bridge(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "bridge", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, check=False, timeout=60)


def test_a_real_file(kept: Callable[[Callable[[list[str]], None]], None]) -> None:
    """All that was committed comes out, exactly, whether a bridge has the file open or not."""

    def look(arguments: list[str]) -> None:
        speed = _bridge("history", "export", "plant/press/speed", "--format", "jsonl", *arguments)
        lines = [json.loads(line) for line in speed.stdout.splitlines()]
        assert (speed.returncode, speed.stderr) == (0, b"")
        assert [line["value"] for line in lines] == [at * 0.5 for at in range(SECONDS)]
        assert [parse_request(line["timestamp"]) for line in lines] == [NOW + at * SECOND for at in range(SECONDS)]
        field = _bridge("history", "export", "plant/press/state#/a/b", "--to", "2026-09-21T14:13:22Z", *arguments)
        assert [line.split(b",")[1] for line in field.stdout.splitlines()] == [b"value", b"0", b"1", b"2"]
        info = json.loads(_bridge("history", "info", "--json", *arguments).stdout)
        assert (info["rows"], info["elements"]) == (2 * SECONDS, 2)
        assert (info["oldest"], info["newest"]) == (NOW, NOW + (SECONDS - 1) * SECOND)
        composed = _bridge("history", "export", "plant/press", *arguments)
        told = b"plant/press: has no rows of its own; below it: plant/press/speed, plant/press/state\n"
        assert (composed.returncode, composed.stdout, composed.stderr) == (1, b"", told)

    kept(look)


def test_a_reader_who_has_seen_enough(tmp_path: Path) -> None:
    """`bridge history export … | head` ends without a word on standard error."""
    asyncio.run(_keep(tmp_path / "bridge-data/history.sqlite", lambda: None))
    command = [sys.executable, "-m", "bridge", "history", "export", "plant/press/state"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as export:
        assert export.stdout is not None
        assert export.stderr is not None
        assert export.stdout.readline() == b"timestamp,value,quality\r\n"
        export.stdout.close()
        assert export.stderr.read() == b""
    assert export.returncode == 1


def _export_all(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bridge", "history", "export", "plant/press/speed", *arguments]


def test_a_full_disk_behind_standard_output(tmp_path: Path) -> None:
    """`bridge history export … > /dev/full` is told in one line, however little there is to write."""
    asyncio.run(_keep(tmp_path / "bridge-data/history.sqlite", lambda: None))
    for argv in ([], ["--to", "2026-09-21T14:13:21Z"]):
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                _export_all(*argv), cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False, timeout=60
            )
        told = b"standard output: cannot be written, or not all of it: No space left on device\n"
        assert (done.returncode, done.stderr) == (1, told)


def _spoil(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as file, file:
        assert file.execute(statement).rowcount > 0


def test_what_is_damaged_is_left_out(tmp_path: Path) -> None:
    """Rows that can be read come out, what is missing is told, and the exit code is 1."""
    path = tmp_path / "bridge-data/history.sqlite"
    asyncio.run(_keep(path, lambda: None))
    entries = _entries(path)
    _spoil(path, f"UPDATE log SET checksum = checksum + 1 WHERE number = {entries[len(entries) // 2]}")
    done = _bridge("history", "export", "plant/press/speed", "--format", "jsonl", cwd=tmp_path)
    values = [json.loads(line)["value"] for line in done.stdout.splitlines()]
    assert 0 < len(values) < SECONDS
    assert values == sorted(values)
    assert (done.returncode, done.stderr.decode()) == (
        1,
        "plant/press/speed: damaged entries of the log: 1; some of the newest rows, of any element, may be missing\n",
    )
    info = _bridge("history", "info", cwd=tmp_path)
    assert (info.returncode, b"damaged log entries      1\n" in info.stdout) == (0, True)


def test_nothing_but_damage(tmp_path: Path) -> None:
    """Where no row can be read that is told, and not that there are none in this time."""
    path = tmp_path / "bridge-data/history.sqlite"
    asyncio.run(_keep(path, lambda: None))
    _spoil(path, "UPDATE log SET rows = x'00'")
    done = _bridge("history", "export", "plant/press/speed", cwd=tmp_path)
    first, second = done.stderr.decode().splitlines()
    assert first.startswith("plant/press/speed: damaged entries of the log: ")
    assert second == "plant/press/speed: has no rows"
    assert (done.returncode, done.stdout) == (1, b"")


def _entries(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as file:
        return [number for (number,) in file.execute("SELECT number FROM log ORDER BY number")]


@pytest.mark.parametrize("command", [["info"], ["export", "a"]], ids=["info", "export"])
def test_an_empty_file(tmp_path: Path, command: list[str]) -> None:
    """A database with nothing in it holds no history."""
    (tmp_path / "bridge-data").mkdir()
    (tmp_path / "bridge-data/history.sqlite").write_bytes(b"")
    done = _bridge("history", *command, cwd=tmp_path)
    told = f"{tmp_path}/bridge-data/history.sqlite: holds no history\n"
    assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", told)


@pytest.mark.parametrize("command", [["info"], ["export", "a"]], ids=["info", "export"])
def test_a_file_that_is_none(tmp_path: Path, command: list[str]) -> None:
    """What is no history of ours is told in one line."""
    (tmp_path / "bridge-data").mkdir()
    (tmp_path / "bridge-data/history.sqlite").write_bytes(b"garbage" * 1_000)
    done = _bridge("history", *command, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(f"{tmp_path}/bridge-data/history.sqlite: ")
