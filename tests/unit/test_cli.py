"""The command line: exit codes, one line an error, nothing secret."""

import subprocess
import sys
import tomllib
from types import ModuleType

import pytest

from bridge import __version__, logs
from bridge.cli import main
from bridge.config import PASSWORD_VARIABLE, Settings, load
from bridge.errors import BridgeError, StartError


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    """No secret from outside, and the process's logging stays as it is."""
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
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
        pytest.param(["demo", "--broker", "mqtt://u:hunter2@x"], id="credentials"),
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
