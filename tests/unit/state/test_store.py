"""The file: all of it or the one before, and what cannot be used is put aside."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bridge.space.learning.remembered import Memory
from bridge.state.document import FORMAT, Header, Unusable
from bridge.state.store import KEPT_BROKEN, NAME, Store

EMPTY = Memory({}, [], {}, {}, [])

# Writes for ever, each time another root, as fast as it can.
WRITER = """
import sys
from pathlib import Path
from bridge.space.learning.remembered import Memory
from bridge.state.document import Header
from bridge.state.store import Store
store, number = Store(Path(sys.argv[1])), 0
while True:
    number += 1
    store.write(Header(1, "x", str(number), "f"), Memory({str(n): "x" for n in range(20_000)}, [], {}, {}, []))
    print(number, flush=True)
"""


def header(saved: str = "now") -> Header:
    return Header(FORMAT, "1.2.3", saved, "f00")


def test_nothing_yet(tmp_path: Path) -> None:
    """A directory that is not there is made, and holds no model."""
    assert Store(tmp_path / "a" / "b").read() is None
    assert (tmp_path / "a" / "b").is_dir()


def test_last_one_counts(tmp_path: Path) -> None:
    """A file takes the place of the one before, and nothing else is left behind."""
    store = Store(tmp_path)
    for saved in ("before", "now"):
        size = store.write(header(saved), EMPTY)
    assert store.read() == (header("now"), EMPTY)
    assert [(path.name, path.stat().st_size) for path in tmp_path.iterdir()] == [(NAME, size)]


def test_killed_while_it_writes(tmp_path: Path) -> None:
    """SIGKILL at any moment leaves a whole file, the old one or the new one."""
    for delay in (0.0, 0.003, 0.01, 0.02):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            done = int(process.stdout.readline())
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            done = max([done, *map(int, process.stdout.read().split())])
        found = Store(tmp_path).read()
        assert found is not None
        assert int(found[0].saved) in (done, done + 1)
        assert len(found[1].roots) == 20_000


def test_unusable_is_put_aside(tmp_path: Path) -> None:
    """People find the file under another name; of many, only the latest are kept."""
    for number in range(KEPT_BROKEN + 2):
        store = Store(tmp_path)
        store.path.write_bytes(b"%d" % number)
        with pytest.raises(Unusable):
            store.read()
        store.put_aside(f"2026112{number}T000000Z")
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [b"2", b"3", b"4"]


def test_put_aside_in_this_run_stays(tmp_path: Path) -> None:
    """What this run has put aside is neither deleted nor overwritten by it."""
    store = Store(tmp_path)
    for number in range(KEPT_BROKEN + 2):
        store.path.write_bytes(b"%d" % number)
        store.put_aside("20261128T000000Z")
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [b"0", b"1", b"2", b"3", b"4"]


def test_empty_files_take_nobodys_place(tmp_path: Path) -> None:
    """However many empty files are put aside, those that hold something stay."""
    for number in range(KEPT_BROKEN * 3):
        store = Store(tmp_path)
        store.path.write_bytes(b"" if number else b"whole")
        store.put_aside(f"2026112{number}T000000Z")
    assert b"whole" in [path.read_bytes() for path in tmp_path.iterdir()]
    assert len(list(tmp_path.iterdir())) == 2


def test_no_room_to_write(tmp_path: Path) -> None:
    """The old file stays where a new one cannot be written."""
    store = Store(tmp_path)
    store.write(header("before"), EMPTY)
    (tmp_path / f"{NAME}.part").mkdir()
    with pytest.raises(IsADirectoryError):
        store.write(header("now"), EMPTY)
    assert store.read() == (header("before"), EMPTY)
