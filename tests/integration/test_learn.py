"""`bridge learn` as a process: from a broker, from a recording, and what it refuses."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import recordings
import tomli_w
from bridge_process import BridgeProcess
from invariants import faults
from recordings import Publisher
from views import HttpView

from bridge.model import load
from bridge.uns import Message
from mosquitto import HOST, Mosquitto, free_port

pytestmark = pytest.mark.integration

CLEAN, FAILURE, USAGE, NOT_STARTED = range(4)  # exit codes

COMMAND_S = 30.0  # for a command that ends by itself
PLANT = {
    f"acme/{site}/mixing/vat0{number}/{part}": value
    for site in ("north", "south")
    for number in (1, 2)
    for part, value in {"level": 5.5, "state": "idle"}.items()
}
VATS = '[[element]]\nmatch = "acme/+/mixing/vat*"\ntype = "Vat"\npart = false\n'


def learn(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bridge", "learn", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )


def configured(directory: Path, url: str) -> str:
    path = directory / "uns.toml"
    path.write_text(tomli_w.dumps({"mqtt": {"url": url, "client_id": "the-daemon"}}))
    return str(path)


def names(directory: Path) -> list[str]:
    """What is in a directory, hidden files too."""
    return [path.name for path in directory.iterdir()]


def fill(broker: Mosquitto) -> None:
    """Retained, so that whoever comes later hears of it."""
    publisher = Publisher(broker.port)
    publisher.publish([Message(topic, json.dumps(value).encode(), 1, retain=True) for topic, value in PLANT.items()])
    publisher.close()


def test_from_a_broker(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """It listens for the time that was asked for, as a client of its own, and writes a file that loads."""
    fill(mosquitto)
    began = time.monotonic()
    done = learn("--config", configured(tmp_path, mosquitto.url), "--for", "2s", "-o", "model.toml", cwd=tmp_path)
    assert (done.returncode, time.monotonic() - began >= 2) == (CLEAN, True), done.stderr
    assert VATS in (tmp_path / "model.toml").read_text()
    assert [rule.said["type"] for rule in load(tmp_path / "model.toml").rules() if "type" in rule.said]
    assert "the-daemon" not in mosquitto.log
    assert "from 8 messages" in done.stderr + done.stdout


def test_interrupted(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """SIGINT ends the listening; what has come so far is written."""
    fill(mosquitto)
    config = configured(tmp_path, mosquitto.url)
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", "learn", "--config", config, "--for", "1h", "-o", "model.toml"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + COMMAND_S
        while "learn-" not in mosquitto.log and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)  # for the retained messages to come
        process.send_signal(signal.SIGINT)
        assert process.wait(COMMAND_S) == CLEAN
    finally:
        process.kill()
        process.communicate()
    assert VATS in (tmp_path / "model.toml").read_text()


def test_nothing_came(tmp_path: Path) -> None:
    """Without a broker nothing is written, and it is said why."""
    config = configured(tmp_path, f"mqtt://{HOST}:{free_port()}")
    done = learn("--config", config, "--for", "1s", cwd=tmp_path)
    assert done.returncode == FAILURE
    assert "nothing came that a model could be learnt from: broker" in done.stderr
    assert names(tmp_path) == ["uns.toml"]


@pytest.mark.parametrize("name", recordings.own_files())
def test_from_a_recording(tmp_path: Path, name: str) -> None:
    """A recorded file gives the same file each time; one that is there is replaced only when that is asked for."""
    recording, output = str(recordings.path_of(name)), tmp_path / "model.toml"
    first = learn("--from", recording, "-o", str(output), cwd=tmp_path)
    assert first.returncode == CLEAN, first.stderr
    written = output.read_text()
    output.write_text("mine")
    refused = learn("--from", recording, "-o", str(output), cwd=tmp_path)
    assert (refused.returncode, output.read_text()) == (USAGE, "mine")
    assert refused.stderr == f"{output}: exists already; --force replaces it\n"
    again = learn("--from", recording, "-o", str(output), "--force", cwd=tmp_path)
    assert (again.returncode, output.read_text()) == (CLEAN, written)
    assert names(tmp_path) == ["model.toml"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        pytest.param(["--for", "soon"], USAGE, "'soon': must be a time such as 90s, 10m or 2h", id="time"),
        pytest.param(["--for", "0s"], USAGE, "'0s': must be a time", id="no time"),
        pytest.param(["--for", "9s", "--from", "x"], USAGE, "not allowed with argument", id="both sources"),
        pytest.param(["--from", "missing.jsonl"], NOT_STARTED, "missing.jsonl: cannot be read", id="no recording"),
        pytest.param(["-o", "there/model.toml"], USAGE, "there is no directory that can be written to", id="no place"),
        pytest.param(["-o", ".", "--force"], USAGE, ".: exists already; it is no file", id="a directory"),
    ],
)
def test_refusals(tmp_path: Path, arguments: list[str], code: int, told: str) -> None:
    """What cannot work is told before anybody listens."""
    done = learn(*arguments, cwd=tmp_path)
    assert (done.returncode, told in done.stderr) == (code, True), done.stderr
    assert names(tmp_path) == []


MODEL = """\
format = 1
[namespaces]
"urn:acme" = "Acme"
[[type]]
name = "Tank"
kind = "object"
parts = true
[type.fields]
level = "number"
[[element]]
match = "acme/+/mixing/vat*"
type = "Tank"
[[element]]
match = "acme/+/mixing/press*"
type = "Tank"
[[tree]]
path = "Tanks/{site} {vat}"
element = "acme/{site}/mixing/{vat}"
"""


def test_model_file_is_pinned(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """A daemon with a model file serves what the file says, soundly, and tells what of it is not there."""
    fill(mosquitto)
    (tmp_path / "model.toml").write_text(MODEL)
    sections = {"model": {"file": str(tmp_path / "model.toml"), "discovery_window": 0.5}}
    with BridgeProcess(tmp_path / "bridge", mosquitto.url, sections) as bridge:
        bridge.wait_for(lambda: bridge.received >= len(PLANT))
        bridge.wait_for(lambda: "no element yet for [[element]] 2 match = acme/+/mixing/press*" in bridge.log)
        view = HttpView(bridge.client)
        kinds = {row["elementId"]: row["typeElementId"] for row in view.objects()}
        assert kinds["acme/north/mixing/vat01"] == kinds["$views/Tanks/north vat01"] == "urn:acme#Tank"
        assert view.value("$views/Tanks/north vat01")["value"] == {"level": 5.5, "state": "idle"}
        assert faults(view) == []


def test_mistakes_in_a_model_file_are_told(tmp_path: Path) -> None:
    """`bridge check` and `bridge run` refuse a model file with mistakes, line by line."""
    (tmp_path / "model.toml").write_text(MODEL.replace('type = "Tank"', 'type = "Tonk"'))
    (tmp_path / "uns.toml").write_text(tomli_w.dumps({"model": {"file": "model.toml"}, "api": {"port": 0}}))
    for command in ("check", "run"):
        done = subprocess.run(
            [sys.executable, "-m", "bridge", command, "--config", "uns.toml"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        assert done.returncode == USAGE
        assert [line.partition(": ")[2] for line in done.stderr.splitlines()] == [
            f'line {line}: [[element]] {number} type = "Tonk": no such type; did you mean "Tank"?'
            for number, line in ((1, 12), (2, 15))
        ]
