"""`bridge token`: what the commands print, and what is in the file afterwards."""

import io
import os

import pytest

from bridge.access import tokens
from bridge.access.store import load
from bridge.cli import main


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "bridge-data" / "access.toml"


def run(*words: str) -> int:
    return main(["token", *words])


def test_new(place, capsys):
    """The token is shown once, on standard output alone; the file has what it may do and its hash."""
    assert run("new", "scada", "--read", "acme/#", "--read", "x/+", "--write", "acme/sp", "--expires", "90d") == 0
    text = capsys.readouterr().out.strip()
    ident, secret = tokens.parsed(text.encode())
    kept = load(place).principal["scada"]
    assert (kept.read, kept.write, kept.admin) == (["acme/#", "x/+"], ["acme/sp"], False)
    assert kept.token[0].id == ident
    assert tokens.is_secret_of(secret, kept.token[0].hash)
    assert (kept.token[0].expires - kept.token[0].created).days == 90


def test_a_second_token(place, capsys):
    """The principal is known: what it may do stays."""
    run("new", "scada", "--read", "acme/#")
    assert run("new", "scada", "--note", "laptop") == 0
    kept = load(place).principal["scada"]
    assert (kept.read, len(kept.token), kept.token[1].note) == (["acme/#"], 2, "laptop")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param(("new", "scada"), 1, "say what they may do, with --read FILTER", id="new without permissions"),
        pytest.param(("new", "anonymous", "--read", "#"), 1, "of those who do not sign in", id="reserved"),
        pytest.param(("new", "a:b", "--read", "#"), 1, "without ':'", id="colon"),
        pytest.param(("new", "a", "--read", "x/#/y"), 2, "must be an MQTT filter", id="filter"),
        pytest.param(("new", "a", "--read", "#", "--expires", "soon"), 2, "12h, 90d or 52w", id="expires"),
        pytest.param(("new", "a", "--read", "#", "--note", "\udcff"), 2, "must be printable text", id="note"),
        pytest.param(("allow", "nobody", "--read", "#"), 1, "no such principal", id="allow unknown"),
        pytest.param(("revoke", "nobody"), 1, "neither the id of a token nor a principal", id="revoke unknown"),
    ],
)  # fmt: skip
def test_mistakes(place, capsys, caplog, words, code, told):
    """The message says what is wrong and what to do; nothing is written."""
    try:
        found = run(*words)
    except SystemExit as error:
        found = error.code
    assert found == code
    assert told in capsys.readouterr().err + caplog.text
    assert load(place).principal == {}


def test_allow_list_revoke(place, capsys):
    """Permissions change, tokens are listed without their secrets, and go one by one or all together."""
    run("new", "scada", "--read", "acme/#")
    text = capsys.readouterr().out.strip()
    ident, secret = tokens.parsed(text.encode())
    assert run("allow", "scada", "--write", "acme/sp/#", "--admin") == 0
    assert run("list") == 0
    shown = capsys.readouterr().out
    assert "scada: read acme/#; write acme/sp/#; admin" in shown
    assert ident in shown
    assert secret.decode() not in shown
    assert run("revoke", ident) == 0
    assert load(place).principal["scada"].token == []
    assert run("revoke", "scada") == 0
    assert load(place).principal == {}
    run("list")
    assert "nobody yet" in capsys.readouterr().out


def test_password(place, caplog, monkeypatch):
    """Taken from standard input, never from the command line; only its hash is kept."""
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert run("password", "alice", "--read", "#") == 1
    assert "at least 10 characters" in caplog.text
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    assert run("password", "alice", "--read", "#") == 0
    kept = load(place).principal["alice"]
    assert kept.password.startswith("$argon2id$")
    assert tokens.is_password_of(b"correct horse battery", kept.password)


def test_without_a_state_directory(tmp_path, monkeypatch, caplog):
    """There is no place for the file: the message names the setting."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.toml").write_text('[history]\nbackend = "memory"\n[state]\ndirectory = ""\n')
    assert run("list", "--config", "a.toml") == 1
    assert "[auth] file" in caplog.text


def test_nothing_may_be_taken_away(place):
    """Filters go as they came, without the tokens."""
    run("new", "scada", "--read", "acme/#", "--write", "acme/sp")
    assert run("allow", "scada", "--no-write") == 0
    kept = load(place).principal["scada"]
    assert (kept.read, kept.write, len(kept.token)) == (["acme/#"], [], 1)
    assert run("allow", "scada", "--no-read", "--write", "acme/sp") == 0
    kept = load(place).principal["scada"]
    assert (kept.read, kept.write) == ([], ["acme/sp"])


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        pytest.param("", "at least 10 characters", id="nothing"),
        pytest.param("ü" * 513 + "\n", "at most 1024 bytes", id="long"),
        pytest.param("correct \udcff battery\n", "must be text", id="bytes that are no text"),
    ],
)
def test_passwords_that_are_not_taken(place, caplog, monkeypatch, typed, told):
    """What could never be signed in with is refused where it is set."""
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert run("password", "alice", "--read", "#") == 1
    assert told in caplog.text
    assert not place.exists()


def test_a_password_that_cannot_be_decoded(place, caplog, monkeypatch):
    """Where the locale is strict, reading fails: it is told all the same."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"correct \xff battery\n"), "utf-8", "strict"))
    assert run("password", "alice", "--read", "#") == 1
    assert "must be text" in caplog.text


def test_the_first_principal(place, capsys):
    """A daemon that runs without asking is told about: it asks from its next start on."""
    run("new", "scada", "--read", "acme/#")
    assert "asks who comes in after its next start" in capsys.readouterr().err
    run("new", "grafana", "--read", "acme/#")
    assert "next start" not in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_written_by_root(place):
    """What root makes in the daemon's directory is the daemon's, the lock too: or it could neither read nor write."""
    place.parent.mkdir()
    os.chown(place.parent, 12_345, 12_345)
    run("new", "scada", "--read", "acme/#")
    run("new", "grafana", "--read", "acme/#")
    assert {(path.stat().st_uid, path.stat().st_gid) for path in place.parent.iterdir()} == {(12_345, 12_345)}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_what_is_somewhere_else_too_is_not_given_away(place):
    """The daemon cannot have a file of root's by putting it in the lock's place."""
    place.parent.mkdir()
    os.chown(place.parent, 12_345, 12_345)
    secret = place.parent.parent / "secret"
    secret.touch(0o600)
    os.link(secret, place.with_name(".access.toml.lock"))
    run("new", "scada", "--read", "acme/#")
    assert secret.stat().st_uid == 0


def test_a_link_stays(place):
    """What it leads to is what is written."""
    place.parent.mkdir()
    real = place.parent.parent / "elsewhere.toml"
    place.symlink_to(real)
    run("new", "scada", "--read", "acme/#")
    assert place.is_symlink()
    assert set(load(real).principal) == {"scada"}
