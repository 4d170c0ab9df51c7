"""One bridge a directory: the second is told what to do, and the end of the first, however it comes, lets it in."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.errors import StartError
from bridge.state.lock import NAME, Lock

HOLDER = """
import sys, time
from pathlib import Path
from bridge.state import Lock
lock = Lock(Path(sys.argv[1])).take()
print("held", flush=True)
time.sleep(60)
"""


def test_second_is_told(tmp_path: Path) -> None:
    """The message names the directory and the setting; once the first has let go, the second may."""
    directory = tmp_path / "a" / "b"
    with Lock(directory).take():
        with pytest.raises(StartError) as error:
            Lock(directory).take()
        assert str(error.value) == (
            f"another bridge uses the directory {directory}; stop it, or set another [state] directory"
        )
    with Lock(directory).take():
        assert (directory / NAME).exists()


def test_released_by_kill(tmp_path: Path) -> None:
    """A process that was killed holds nothing."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(StartError):
            Lock(tmp_path).take()
        process.send_signal(signal.SIGKILL)
        process.wait()
        Lock(tmp_path).take().release()


def test_no_directory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where nothing can be written, nothing is held, and that is told; it prevents no start."""
    (tmp_path / "file").write_text("")
    lock = Lock(tmp_path / "file" / "state").take()
    assert "cannot be locked" in caplog.text
    lock.release()
    lock.release()
