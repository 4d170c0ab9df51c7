"""The command line: exit codes, one line an error, nothing secret."""

import gzip
import json
import os
import re
import shlex
import subprocess
import sys
import time
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType
from urllib.parse import parse_qs, urlsplit

import pytest

from bridge import __version__, cli, logs
from bridge.cli import main
from bridge.config import PASSWORD_VARIABLE, STATE_VARIABLE, Settings, load
from bridge.errors import BridgeError, StartError
from bridge.history import Unreadable
from bridge.history.rows import pieces
from bridge.history.sqlite import database as history_database
from bridge.state import database as state_database
from bridge.state import lock, store


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    """No secret and no place from outside, and the process's logging stays as it is."""
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    monkeypatch.delenv(STATE_VARIABLE, raising=False)
    monkeypatch.setattr(logs, "configure", lambda *_: None)


@pytest.fixture
def served(monkeypatch):
    """A daemon in place of the real one: notes its settings and does what the test wants."""
    daemon = ModuleType("bridge.daemon")
    daemon.seen, daemon.outcome = [], 0

    def serve(settings):
        daemon.seen.append(settings)
        if isinstance(daemon.outcome, BaseException):
            raise daemon.outcome
        return daemon.outcome

    daemon.serve = serve
    monkeypatch.setitem(sys.modules, "bridge.daemon", daemon)
    return daemon


def write(path, text):
    """A file with this text."""
    path.write_text(text)
    return path


def test_version(capsys):
    """`--version` tells the distribution's version."""
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"bridge {__version__}\n"


def test_help_reads_well(capsys):
    """`--help` names each command, gives examples and the exit codes, and fits a terminal."""
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    told = capsys.readouterr().out
    assert caught.value.code == 0
    for part in (
        "run ",
        "demo ",
        "check ",
        "learn ",
        "explain ",
        "history ",
        "bridge run --config config/uns.toml",
        "2 usage or configuration",
    ):
        assert part in told
    assert max(map(len, told.splitlines())) <= 100


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param([], id="no command"),
        pytest.param(["fly"], id="unknown command"),
        pytest.param(["run", "--log-format", "xml"], id="unknown format"),
        pytest.param(["demo", "--port", "-1"], id="negative port"),
        pytest.param(["demo", "--port", "65536"], id="port beyond 16 bits"),
        pytest.param(["demo", "--port", "²"], id="not a digit"),
        pytest.param(["demo", "--broker", "http://x"], id="not a broker"),
        pytest.param(["explain"], id="nothing to explain"),
        pytest.param(["explain", "a", "--url", "file:///etc/passwd"], id="not an address"),
        pytest.param(["explain", "a", "--url", "http://x", "--from", "y"], id="two places"),
        pytest.param(["demo", "--broker", "mqtt://u:hunter2@x"], id="credentials"),
        pytest.param(["history"], id="nothing about history"),
        pytest.param(["history", "export"], id="nothing to export"),
        pytest.param(["history", "export", "a", "--from", "yesterday"], id="not a time"),
        pytest.param(["history", "export", "a", "--from", "-1y"], id="not a unit of time"),
        pytest.param(["history", "export", "a", "--to", "2026-02-30"], id="not a day"),
        pytest.param(["history", "export", "a", "--format", "xlsx"], id="not a format"),
    ],
)
def test_wrong_usage(argv, capsys):
    """Wrong usage ends with 2 and says so on standard error, without echoing credentials."""
    with pytest.raises(SystemExit) as caught:
        main(argv)
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (2, "")
    assert "error:" in err
    assert "hunter2" not in err


def test_check_prints_what_is_in_effect(tmp_path, capsys):
    """`check` prints a configuration file to the same effect and exits with 0."""
    path = write(tmp_path / "a.toml", '[api]\nport = 9\n[mqtt]\ntopics = ["a/#"]\n[model]\nlevels = ["Sité"]\n')
    assert main(["check", "--config", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert load(write(tmp_path / "b.toml", out), {}) == load(path, {})
    assert tomllib.loads(out)["api"]["port"] == 9


def test_check_without_a_file(capsys):
    """Without a file `check` prints the defaults."""
    assert main(["check"]) == 0
    assert Settings.model_validate(tomllib.loads(capsys.readouterr().out)) == Settings()


def test_check_tells_mistakes(tmp_path, monkeypatch, capsys):
    """One line for each mistake on standard error, nothing else, exit code 2."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.toml", "[api]\nport = -1\nhots = 1\n")
    assert main(["check", "--config", "a.toml"]) == 2
    assert capsys.readouterr() == (
        "",
        "a.toml: [api] port = -1: must be a whole number from 0 to 65535\n"
        "a.toml: [api] hots: unknown key; did you mean host?\n",
    )


def test_check_shows_no_secret(tmp_path, monkeypatch, capsys):
    """Of a password `check` says only that there is one."""
    path = write(tmp_path / "a.toml", '[mqtt]\nurl = "mqtt://far"\nusername = "u"\n')
    monkeypatch.setenv(PASSWORD_VARIABLE, "hunter2")
    assert main(["check", "--config", str(path)]) == 0
    out, err = capsys.readouterr()
    assert "hunter2" not in out + err
    assert "# password: (set)\n" in out
    assert err == "warning: [mqtt] url: the password travels unencrypted; mqtts:// or wss:// protects it\n"


@pytest.mark.parametrize("code", [0, 1, 3])
def test_run_returns_the_daemons_code(served, code):
    """`run` serves the settings and ends with the daemon's exit code."""
    served.outcome = code
    assert main(["run"]) == code
    assert served.seen == [Settings()]


def test_run_takes_its_file_and_the_command_line_wins(served, tmp_path):
    """Logging is as the command line says; the rest is as the file says."""
    path = write(tmp_path / "a.toml", '[api]\nport = 0\n[log]\nformat = "json"\nlevel = "error"\n')
    assert main(["run", "--config", str(path), "--log-level", "debug"]) == 0
    (settings,) = served.seen
    assert (settings.api.port, settings.log.format, settings.log.level) == (0, "json", "debug")


def test_run_with_a_mistake_starts_nothing(served, tmp_path, capsys):
    """A wrong configuration ends `run` with 2 before anything starts."""
    assert main(["run", "--config", str(tmp_path / "none.toml")]) == 2
    assert served.seen == []
    assert capsys.readouterr().err == f"{tmp_path}/none.toml: cannot be read: No such file or directory\n"


@pytest.mark.parametrize(
    ("outcome", "code", "told"),
    [
        pytest.param(StartError("port 8080 is taken"), 3, "could not start: port 8080 is taken", id="start"),
        pytest.param(BridgeError("no more"), 1, "no more", id="other"),
        pytest.param(ZeroDivisionError("oh"), 1, "ended by a fault in the bridge", id="fault"),
    ],
)
def test_run_tells_why_it_ended(served, caplog, outcome, code, told):
    """An error is one log event and an exit code, never a traceback out of the program."""
    served.outcome = outcome
    assert main(["run"]) == code
    assert [record.getMessage() for record in caplog.records] == [told]


def test_run_interrupted_early(served):
    """Ctrl-C before the daemon listens to signals is a failure without a traceback."""
    served.outcome = KeyboardInterrupt()
    assert main(["run"]) == 1


def test_demo(monkeypatch):
    """`demo` hands over the port and the broker."""
    module = ModuleType("bridge.demo")
    module.run_demo = lambda port, broker_url: port if broker_url == "mqtt://b:1" else -1
    monkeypatch.setitem(sys.modules, "bridge.demo", module)
    assert main(["demo", "--port", "7", "--broker", "mqtt://b:1"]) == 7
    assert main(["demo"]) == -1


def test_as_a_process(tmp_path):
    """The program exits with the code: `python -m bridge` on a bad file ends with 2 and one line."""
    path = write(tmp_path / "a.toml", "[log]\nlevel = 5\n")
    command = [sys.executable, "-m", "bridge", "run", "--config", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    line = f'{path}: [log] level = 5: must be "debug", "info", "warning" or "error"\n'
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)


LINES = """{"topic": "plant/press1/speed", "payload": "{\\"value\\": 5, \\"timestamp\\": 1790000000000}"}
{"topic": "plant/press1/set", "payload": "1"}
"""


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzipped"])
def test_explain_from_a_recording(tmp_path, capsys, packed):
    """`explain --from` learns from a file and tells one fact a line."""
    path = tmp_path / ("a.jsonl.gz" if packed else "a.jsonl")
    path.write_bytes(gzip.compress(LINES.encode()) if packed else LINES.encode())
    assert main(["explain", "plant/press1/speed", "--from", str(path)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].split() == ["topic", "plant/press1/speed"]
    assert ["place", "part", "of", "plant/press1"] in [line.split()[:4] for line in told]
    assert main(["explain", "plant/press1/set", "--from", str(path)]) == 0
    assert "reason: command" in capsys.readouterr().out


def test_explain_follows_the_configuration(tmp_path, capsys):
    """Limits and levels of a file hold for a recording, too; `--json` gives what `/explain` gives."""
    recording = write(tmp_path / "a.jsonl", LINES)
    config = write(tmp_path / "a.toml", "[limits]\npayload = 5\n")
    argv = ["explain", "plant/press1/speed", "--from", str(recording), "--config", str(config), "--json"]
    assert main(argv) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["elementId"] is None
    assert found["facts"]["rejected"]["said"]["reason"] == "payload-size"


def test_explain_what_is_not_there(tmp_path, caplog):
    """An unknown topic is a failure in one line, a file that cannot be read could not start."""
    recording = write(tmp_path / "a.jsonl", LINES)
    assert main(["explain", "nobody", "--from", str(recording)]) == 1
    assert main(["explain", "nobody", "--from", str(tmp_path / "none.jsonl")]) == 3
    first, second = [record.getMessage() for record in caplog.records]
    assert first == f"nobody: not in {recording}, nor is anything below it"
    assert "cannot be read" in second


class Daemon(BaseHTTPRequestHandler):
    """Answers like a bridge that knows one topic, or like something else."""

    def do_GET(self):
        """The one topic, an envelope for another, plain text elsewhere."""
        parts = urlsplit(self.path)
        topic = parse_qs(parts.query)["topic"][0]
        if parts.path != "/explain":
            self._say(404, b"not a bridge")
        elif topic == "a b/ü":
            self._say(200, json.dumps({"topic": topic, "elementId": topic, "facts": {}}).encode())
        else:
            self._say(404, b'{"success": false, "responseDetail": {"detail": "nobody has published"}}')

    def _say(self, status, body):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing on standard error."""


@pytest.fixture
def daemon():
    """The address of a `Daemon`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Daemon) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_explain_asks_the_daemon(daemon, capsys, caplog):
    """`explain --url` tells what the running bridge says, its refusals in one line."""
    assert main(["explain", "a b/ü", "--url", f"{daemon}/"]) == 0
    assert capsys.readouterr().out == "topic    a b/ü\nelement  a b/ü\n"
    assert main(["explain", "nobody", "--url", daemon]) == 1
    assert main(["explain", "nobody", "--url", f"{daemon}/elsewhere"]) == 1
    told = [record.getMessage() for record in caplog.records]
    assert told == ["nobody: nobody has published", "nobody: status 404; is this a bridge?"]


@pytest.mark.parametrize("host", [pytest.param("127.0.0.1", id="loopback"), pytest.param("0.0.0.0", id="all networks")])
def test_explain_asks_the_configured_daemon(daemon, tmp_path, capsys, host):
    """Without `--url`, the daemon that runs with the same configuration is asked."""
    config = tmp_path / "uns.toml"
    config.write_text(f'[api]\nhost = "{host}"\nport = {urlsplit(daemon).port}\n')
    assert main(["explain", "a b/ü", "--config", str(config)]) == 0
    assert capsys.readouterr().out == "topic    a b/ü\nelement  a b/ü\n"


def test_explain_without_a_daemon(caplog):
    """Where no bridge answers, it is told what to do."""
    assert main(["explain", "a", "--url", "http://127.0.0.1:1"]) == 1
    (record,) = caplog.records
    assert record.getMessage().startswith("no bridge answers on http://127.0.0.1:1: ")
    assert "--url" in record.getMessage()


def test_a_reader_who_has_seen_enough_is_no_fault():
    """`bridge check | head -0` ends without a word on standard error."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "bridge", "check"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False, timeout=30)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


class Archive:
    """Stands for the history file: a press with two rows, the second of them a minute ago."""

    damage = ()

    def __init__(self, path):
        self.rows = [(1, "Good", 5), ("ü", "Uncertain", time.time_ns() - 60 * 10**9)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Nothing to close."""

    def info(self):
        return {"rows": 2, "oldest": 5}

    def elements(self):
        yield "plant/press", 2

    def chunks(self, element_id, start_ns, end_ns):
        if element_id == "broken":
            raise Unreadable("a block of rows is damaged")
        rows = self.rows if element_id == "plant/press" else []
        return pieces([row for row in rows if start_ns <= row[2] <= end_ns])


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The configuration of a bridge that has kept something, and runs somewhere else."""
    module = ModuleType("bridge.history.sqlite.archive")
    module.Archive = Archive
    monkeypatch.setitem(sys.modules, module.__name__, module)
    (tmp_path / "state").mkdir()
    write(tmp_path / "state/history.sqlite", "")
    return str(write(tmp_path / "a.toml", '[state]\ndirectory = "state"\n'))


OLD, NEW = "1970-01-01T00:00:00.000000005Z,1,Good", ",ü,Uncertain"


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        pytest.param([], [OLD, NEW], id="all"),
        pytest.param(["--from", "-1h"], [NEW], id="the last hour"),
        pytest.param(["--from=-1h", "--to", "-1s"], [NEW], id="until a second ago"),
        pytest.param(["--to", "2000-01-01"], [OLD], id="until a date"),
        pytest.param(["--from", "1970-01-01T00:00:00Z", "--to", "-1d"], [OLD], id="between"),
    ],
)
def test_history_export(kept, capsys, argv, expected):
    """`history export` writes the rows of a time to standard output, and nothing else."""
    assert main(["history", "export", "plant/press", "--config", kept, *argv]) == 0
    out, err = capsys.readouterr()
    header, *lines = out.split("\r\n")
    assert header == "timestamp,value,quality"
    assert [line.endswith(end) for line, end in zip(lines, [*expected, ""], strict=True)] == [True] * len(lines)
    assert err == ""


def test_history_export_into_a_file(kept, tmp_path, capsys):
    """`-o` writes a file, which replaces another one only with `--force`."""
    path = tmp_path / "press.jsonl"
    argv = ["history", "export", "plant/press", "--format", "jsonl", "-o", str(path), "--config", kept]
    assert main(argv) == 0
    assert main(argv) == 2
    assert main([*argv, "--force", "--from", "-1h"]) == 0
    assert capsys.readouterr() == ("", f"{path}: exists already; --force replaces it\n")
    (line,) = path.read_bytes().splitlines()
    assert (json.loads(line)["value"], json.loads(line)["elementId"]) == ("ü", "plant/press")


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        pytest.param(["plant"], 1, "plant: has no rows of its own; below it: plant/press", id="composed"),
        pytest.param(["nobody"], 1, "nobody: has no rows", id="unknown"),
        pytest.param(
            ["plant/press", "--from", "-1s"],
            0,
            "plant/press: no rows in this time; bridge history info tells which there are",
            id="nothing lately",
        ),
        pytest.param(["plant/#"], 2, None, id="wildcard"),
        pytest.param(["broken"], 1, "{}/state/history.sqlite: a block of rows is damaged", id="damaged"),
    ],
)
def test_history_export_of_nothing(kept, tmp_path, caplog, argv, code, told):
    """Why there is nothing is told in one line."""
    assert main(["history", "export", *argv, "--config", kept]) == code
    assert [record.getMessage() for record in caplog.records] == ([told.format(tmp_path)] if told else [])


def test_history_export_of_damaged_rows(kept, caplog, capsys, monkeypatch):
    """What can be read is written, what cannot is told, a line for each kind, and the exit code is 1."""
    monkeypatch.setattr(Archive, "damage", ("damaged blocks: 1", "damaged entries of the log: 2"))
    assert main(["history", "export", "plant/press", "--config", kept]) == 1
    assert capsys.readouterr().out.count("\r\n") == 3
    told = ["plant/press: damaged blocks: 1", "plant/press: damaged entries of the log: 2"]
    assert [record.getMessage() for record in caplog.records] == told


def test_history_export_into_a_directory(kept, tmp_path, capsys):
    """`-o` with a directory says that it is one, with `--force`, too."""
    argv = ["history", "export", "plant/press", "-o", str(tmp_path), "--config", kept]
    assert (main(argv), main([*argv, "--force"])) == (2, 2)
    assert capsys.readouterr().err == f"{tmp_path}: is a directory; name a file in it\n" * 2


def test_full_disk(tmp_path):
    """A command whose output the disk has no room for says so in one line."""
    command = [sys.executable, "-m", "bridge", "check"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False, timeout=30)
    told = b"standard output: cannot be written, or not all of it: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, told)


def test_history_export_of_a_reversed_range(kept, capsys):
    """A range that ends before it begins is wrong usage."""
    assert main(["history", "export", "plant/press", "--from", "-1h", "--to", "-2h", "--config", kept]) == 2
    assert "must not be after --to" in capsys.readouterr().err


def test_history_info(kept, capsys):
    """`history info` tells what the file holds, for people or for programs."""
    assert main(["history", "info", "--config", kept]) == 0
    assert main(["history", "info", "--config", kept, "--json"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("rows    2\noldest  1970-01-01T00:00:00.000000005Z\n{")
    assert json.loads(out[out.index("{") :]) == {"rows": 2, "oldest": 5}


@pytest.mark.parametrize("command", [["history", "info"], ["history", "export", "a"]], ids=["info", "export"])
def test_history_without_a_file(tmp_path, monkeypatch, caplog, command):
    """Where nothing was kept, the path is told; nothing is made."""
    monkeypatch.chdir(tmp_path)
    assert main(command) == 1
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{tmp_path}/bridge-data/history.sqlite: there is no such file; ")
    assert list(tmp_path.iterdir()) == []


def test_asking_needs_no_directory(tmp_path, monkeypatch):
    """`check`, `learn` and `explain` make no state directory; only `check` wants one that can be written."""
    monkeypatch.chdir(tmp_path)
    recording = write(tmp_path / "a.jsonl", LINES)
    config = write(tmp_path / "a.toml", '[state]\ndirectory = "a.jsonl/state"\n')
    assert main(["check"]) == 0
    assert main(["check", "--config", str(config)]) == 2
    assert main(["explain", "plant/press1", "--from", str(recording), "--config", str(config)]) == 0
    argv = ["learn", "--from", str(recording), "--config", str(config), "-o", "model.toml"]
    assert main(argv) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "a.toml", "model.toml"]


def test_documented_commands_are_understood():
    """Each `bridge` command of docs/operation.md has the options that it is shown with."""
    text = (Path(__file__).parents[2] / "docs/operation.md").read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    lines = re.findall(r"^\S*bridge ((?:check|history) .*)$", blocks, re.MULTILINE)
    assert len(lines) == 4
    for line in lines:
        arguments = cli._parser().parse_args(cli._joined(shlex.split(line)))
        assert callable(arguments.command)


def test_documented_files_are_the_real_ones():
    """docs/operation.md names each file of the state directory as it is called, and puts it into its table."""
    text = (Path(__file__).parents[2] / "docs/operation.md").read_text(encoding="utf-8")
    table = set(re.findall(r"^\| `([\w.]+)` \|", text, re.MULTILINE))
    assert table == {module.NAME for module in (store, state_database, lock, history_database)}
