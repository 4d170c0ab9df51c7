"""S7: from headers to a principal: tokens, API keys, passwords; and everything else is refused alike."""

import asyncio
import base64
import os
import resource
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.access import tokens
from bridge.access.authenticator import REFUSAL, Authenticator
from bridge.access.editing import editing
from bridge.access.failures import FIRST_DELAY, Failures
from bridge.access.principal import Principal
from bridge.access.store import AccessStore, KeptPrincipal, KeptToken, load
from bridge.errors import ConfigError, Unauthorized

PASSWORD = "correct horse battery"
NOW = datetime(2026, 11, 28, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Door:
    """An access file with scada, who has a token, and alice, who has a password."""

    def __init__(self, directory: Path, most: int = 1_000) -> None:
        self.path = directory / "access.toml"
        self.clock = Clock()
        self.token = tokens.new_token()
        with editing(self.path) as found:
            kept = KeptToken(id=self.token.id, hash=self.token.hash, created=NOW)
            found.principal["scada"] = KeptPrincipal(read=["acme/#"], write=[], token=[kept])
            found.principal["alice"] = KeptPrincipal(read=["#"], write=["#"], admin=True, password=HASH)
        self.store = AccessStore(self.path, self.clock)
        self.failures = Failures(most, self.clock)
        self.authenticator = Authenticator(self.store, "X-API-Key", self.failures, now=self.clock)

    def ask(self, *headers: tuple[str, bytes], address: str = "192.0.2.1") -> Principal:
        raw = [(name.lower().encode(), value) for name, value in headers]
        return asyncio.run(self.authenticator.principal(raw, address))

    def later(self, seconds: float = 2.0) -> None:
        self.clock.now += seconds


HASH = tokens.hash_password(PASSWORD)


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setattr("bridge.access.failures.FIRST_DELAY", 0.0)
    return Door(tmp_path)


def basic(name: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{name}:{password}".encode())


def test_ways_in(door):
    """Bearer, bare, API key, Basic with a token, Basic with a password; the scheme in any case."""
    text = door.token.text.encode()
    ways = [
        ("Authorization", b"Bearer " + text), ("Authorization", b"bearer  " + text), ("Authorization", text),
        ("X-API-Key", text), ("Authorization", basic("scada", door.token.text)),
    ]  # fmt: skip
    assert [door.ask(way).name for way in ways] == ["scada"] * len(ways)
    found = door.ask(("Authorization", basic("alice", PASSWORD)))
    assert (found.name, found.read, found.write, found.admin) == ("alice", ("#",), ("#",), True)


TOKEN = '[[principal.{}.token]]\nid = "{}"\nhash = "{}"\ncreated = 2026-11-28T03:00:00Z\n'
WRONG = {
    "none": [],
    "empty": [("Authorization", b"")],
    "no token": [("Authorization", b"Bearer ")],
    "wrong": [("Authorization", b"Bearer i3x_000000000000_" + b"A" * 43)],
    "megabyte": [("Authorization", b"Bearer " + b"A" * 1_000_000)],
    "not ASCII": [("Authorization", "Bearer gehéim".encode())],
    "not UTF-8": [("Authorization", b"Bearer \xff\xfe\x00")],
    "scheme": [("Authorization", b"Digest abc")],
    "scheme alone": [("Authorization", b"Basic")],
    "not base64": [("Authorization", b"Basic ???")],
    "base64 of nothing": [("Authorization", b"Basic ")],
    "no colon": [("Authorization", b"Basic " + base64.b64encode(b"alice"))],
    "not UTF-8 inside": [("Authorization", b"Basic " + base64.b64encode(b"\xff:\xff"))],
    "unknown name": [("Authorization", basic("bob", PASSWORD))],
    "wrong password": [("Authorization", basic("alice", "guess"))],
    "no password": [("Authorization", basic("scada", "guess"))],
    "looks like a JWT": [("Authorization", b"Bearer a.b.c")],
}


@pytest.mark.parametrize("headers", [pytest.param(value, id=key) for key, value in WRONG.items()])
def test_all_that_is_wrong_is_refused_alike(door, headers):
    """One text, whatever is wrong."""
    with pytest.raises(Unauthorized) as caught:
        door.ask(*headers)
    assert str(caught.value) == REFUSAL
    assert caught.value.status == 401


def test_another_ones_token(door):
    """A token is no password of somebody else; two credentials at once are none."""
    with pytest.raises(Unauthorized):
        door.ask(("Authorization", basic("alice", door.token.text)))
    with pytest.raises(Unauthorized):
        door.ask(("Authorization", door.token.text.encode()), ("X-API-Key", door.token.text.encode()))


def test_only_the_secret_counts(door):
    """The id with any other secret is nothing."""
    for text in (door.token.text[:-1] + ("A" if door.token.text[-1] != "A" else "B"), door.token.text + "A"):
        with pytest.raises(Unauthorized):
            door.ask(("Authorization", text.encode()))


def test_a_token_that_has_expired(door):
    """It is refused from that moment on, and so is a stream that was opened with it."""
    with editing(door.path) as found:
        found.principal["scada"].token[0].expires = datetime.now(UTC) + timedelta(seconds=0.3)
    door.later()
    principal = door.ask(("X-API-Key", door.token.text.encode()))
    assert door.authenticator.still_good(principal) == principal
    time.sleep(0.35)
    with pytest.raises(Unauthorized):
        door.ask(("X-API-Key", door.token.text.encode()))
    assert door.authenticator.still_good(principal) is None


def test_revoked_without_a_restart(door):
    """Within a second: the token, and what was opened with it; a change of filters shows in open streams."""
    principal = door.ask(("X-API-Key", door.token.text.encode()))
    with editing(door.path) as found:
        found.principal["scada"].read = ["acme/line2/#"]
    door.later()
    changed = door.authenticator.still_good(principal)
    assert changed is not None
    assert changed.read == ("acme/line2/#",)
    with editing(door.path) as found:
        found.principal["scada"].token = []
    assert door.ask(("X-API-Key", door.token.text.encode())).name == "scada"  # looked at once a second
    door.later()
    assert door.authenticator.still_good(principal) is None
    with pytest.raises(Unauthorized):
        door.ask(("X-API-Key", door.token.text.encode()))


def test_a_password_that_was_right_is_remembered(door, monkeypatch):
    """The second request costs no hashing; a changed password counts at once all the same."""
    header = ("Authorization", basic("alice", PASSWORD))
    compared = 0
    compare = tokens.is_password_of

    def counted(password: bytes, kept: str | None) -> bool:
        nonlocal compared
        compared += 1
        return compare(password, kept)

    monkeypatch.setattr(tokens, "is_password_of", counted)
    for _ in range(100):
        door.ask(header)
    assert compared == 1
    with editing(door.path) as found:
        found.principal["alice"].password = tokens.hash_password("another one, longer")
    door.later()
    with pytest.raises(Unauthorized):
        door.ask(header)


def test_a_changed_password_ends_what_the_old_one_opened(door):
    """A stream of somebody who knows only the old one is over; one that was opened with the new one is not."""
    former = door.ask(("Authorization", basic("alice", PASSWORD)))
    assert door.authenticator.still_good(former) == former
    with editing(door.path) as found:
        found.principal["alice"].password = tokens.hash_password("another one, longer")
    door.later()
    assert door.authenticator.still_good(former) is None
    latter = door.ask(("Authorization", basic("alice", "another one, longer")))
    assert door.authenticator.still_good(latter) == latter


def test_a_password_that_is_changed_while_it_is_checked(door, monkeypatch):
    """It is not remembered as right."""
    check = tokens.is_password_of

    def slow(password: bytes, kept: str | None) -> bool:
        with editing(door.path) as found:
            found.principal["alice"].password = tokens.hash_password("another one, longer")
        door.later()
        return check(password, kept)

    monkeypatch.setattr(tokens, "is_password_of", slow)
    with pytest.raises(Unauthorized):
        door.ask(("Authorization", basic("alice", PASSWORD)))
    monkeypatch.setattr(tokens, "is_password_of", check)
    with pytest.raises(Unauthorized):
        door.ask(("Authorization", basic("alice", PASSWORD)))


def test_the_same_password_again(door):
    """Who signs in with it is let in at once, though it is kept in another way now."""
    door.ask(("Authorization", basic("alice", PASSWORD)))
    with editing(door.path) as found:
        found.principal["alice"].password = tokens.hash_password(PASSWORD)
    door.later()
    assert door.ask(("Authorization", basic("alice", PASSWORD))).name == "alice"
    assert door.authenticator.logins["failed"] == 0


def test_who_was_right_goes_on_while_others_guess(tmp_path, monkeypatch):
    """From the same address, and after the file has changed for somebody else."""
    monkeypatch.setattr("bridge.access.failures.FIRST_DELAY", 0.0)
    door = Door(tmp_path, most=2)
    alice = ("Authorization", basic("alice", PASSWORD))
    door.ask(alice)
    for _ in range(3):
        with pytest.raises(Unauthorized):
            door.ask(("X-API-Key", b"guess"))
    assert door.ask(alice).name == "alice"
    with editing(door.path) as found:
        found.principal["scada"].read = ["acme/line2/#"]
    door.later()
    assert door.ask(alice).name == "alice"


def test_an_unknown_name_takes_as_long_as_a_wrong_password():
    """Who may come in cannot be found out with a clock."""

    def took(kept: str | None) -> float:
        started = time.perf_counter()
        assert not tokens.is_password_of(b"guess", kept)
        return time.perf_counter() - started

    assert min(took(None) for _ in range(3)) > min(took(HASH) for _ in range(3)) / 2


def test_guesses_in_the_log(door, caplog):
    """A line a minute for each address, of IPv6 for each network, until it is quiet; never what was tried."""
    for last in range(200):
        for prefix in ("192.0.2", "2001:db8::5"):
            separator = ":" if ":" in prefix else "."
            with pytest.raises(Unauthorized):
                door.ask(("X-API-Key", b"guess"), address=f"{prefix}{separator}{last}")
    assert len(caplog.records) <= 60
    assert sum("2001:db8" in line for line in caplog.messages) == 1
    door.later(61)
    caplog.clear()
    for address in ("198.51.100.1", "198.51.100.2"):
        with pytest.raises(Unauthorized):
            door.ask(("X-API-Key", b"guess"), address=address)
    assert "wrong credentials from 198.51.100.1" in caplog.messages
    assert "wrong credentials from 198.51.100.2" in caplog.messages
    assert "guess" not in caplog.text


def test_guesses_are_slowed_down_and_end(tmp_path):
    """Each failure of an address waits longer; after so many passwords are not looked at, and a time is told."""
    door = Door(tmp_path, most=3)
    took = []
    for _ in range(3):
        started = time.perf_counter()
        with pytest.raises(Unauthorized):
            door.ask(("X-API-Key", b"guess"))
        took.append(time.perf_counter() - started)
    assert all(delay >= FIRST_DELAY * 2**number for number, delay in enumerate(took))
    with pytest.raises(Unauthorized) as caught:
        door.ask(("Authorization", basic("alice", PASSWORD)))  # right, but not looked at
    assert (str(caught.value), 1 <= (caught.value.retry_after or 0) <= 60) == (REFUSAL, True)
    assert (door.authenticator.logins["failed"], door.authenticator.logins["refused"]) == (3, 1)
    with pytest.raises(Unauthorized):
        door.ask(("X-API-Key", b"guess"), address="192.0.2.2")  # others are not concerned
    assert door.ask(("X-API-Key", door.token.text.encode())).name == "scada"  # and who has a token is not either
    door.later(61)
    with pytest.raises(Unauthorized):
        door.ask(("X-API-Key", b"guess"))


def test_none_at_all_is_no_guess(door):
    """A client that has not signed in yet is not slowed down."""
    for _ in range(2_000):
        with pytest.raises(Unauthorized):
            door.ask()
    assert door.authenticator.logins["failed"] == 0


def test_ipv6_counts_by_network(tmp_path, monkeypatch):
    """A host has billions of addresses in its /64."""
    monkeypatch.setattr("bridge.access.failures.FIRST_DELAY", 0.0)
    door = Door(tmp_path, most=2)
    for last in range(2):
        with pytest.raises(Unauthorized):
            door.ask(("X-API-Key", b"guess"), address=f"2001:db8::{last:x}")
    with pytest.raises(Unauthorized) as caught:
        door.ask(("X-API-Key", b"guess"), address="2001:db8::ffff")
    assert caught.value.retry_after is not None


def test_the_file_is_private(door):
    """Written for its owner alone; one that everybody can read is refused."""
    assert stat.S_IMODE(door.path.stat().st_mode) == 0o600
    assert door.token.text[-43:] not in door.path.read_text()
    assert PASSWORD not in door.path.read_text()
    assert [path.name for path in door.path.parent.iterdir() if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
    for mode in (0o644, 0o602):  # who could write it could let themselves in
        door.path.chmod(mode)
        with pytest.raises(ConfigError, match="must not be open to everyone: chmod o-rw"):
            load(door.path)


def test_a_file_that_is_put_right_counts_again(door):
    """Also where only its mode was wrong; the problem is over then."""
    door.ask(("X-API-Key", door.token.text.encode()))
    with editing(door.path) as found:
        found.principal["scada"].token = []
    door.path.chmod(0o644)
    door.later()
    assert door.ask(("X-API-Key", door.token.text.encode())).name == "scada"
    assert "chmod o-rw" in (door.store.problem or "")
    door.path.chmod(0o600)
    door.later()
    with pytest.raises(Unauthorized):
        door.ask(("X-API-Key", door.token.text.encode()))
    assert door.store.problem is None


def test_a_file_that_could_not_be_read_is_tried_again(door, caplog):
    """What kept it from being read may go without a change of the file, such as too many open files; one line tells."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, descriptors[1]))
    try:
        for _ in range(3):
            assert door.store.known.principals == {}
            door.later()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, descriptors)
    assert "Too many open files" in (door.store.problem or "")
    assert caplog.text.count("Too many open files") == 1
    assert set(door.store.known.principals) == {"scada", "alice"}
    assert door.store.problem is None


def test_a_pipe_is_no_access_file(tmp_path):
    """To open it would wait for ever."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ConfigError, match="must be a regular file"):
        load(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("[principal", "not TOML", id="syntax"),
        pytest.param("a = " + "[" * 100_000, "not TOML", id="nesting"),
        pytest.param("[principal.a]\nread = [\"a/#/b\"]\n", "principal.a.read.0: must be an MQTT filter", id="filter"),
        pytest.param(
            "[principal.a]\nraed = []\n",
            "principal.a.raed: is no key here: there are read, write, admin, password and token",
            id="unknown key",
        ),
        pytest.param(
            '[principal.a]\npassword = "secret123"\n',
            "principal.a.password: must be what `bridge token password` writes",
            id="password in the clear",
        ),
        pytest.param(
            '[principal.a]\npassword = "$argon2secret123"\n',
            "principal.a.password: must be what `bridge token password` writes",
            id="no hash after all",
        ),
        pytest.param(
            TOKEN.format("a", "0" * 12, "secret123"),
            "principal.a.token.0.hash: must be what `bridge token new` writes",
            id="token in the clear",
        ),
        pytest.param(
            TOKEN.format("a", "0" * 12, "sha256:" + "0" * 64) + TOKEN.format("b", "0" * 12, "sha256:" + "1" * 64),
            "principal b: token 000000000000 is a's, too: make one with `bridge token new`",
            id="token of two",
        ),
        pytest.param("[principal.anonymous]\nread = []\n", "of those who do not sign in", id="reserved name"),
        pytest.param('[principal."oidc:x"]\nread = []\n', "without ':'", id="a provider's name"),
    ],
)  # fmt: skip
def test_a_broken_file_leaves_things_as_they_were(door, caplog, text, told):
    """While it runs the last good one counts, and the problem is told, without what is in the file."""
    door.ask(("X-API-Key", door.token.text.encode()))
    door.path.write_text(text)
    door.path.chmod(0o600)
    door.later()
    assert door.ask(("X-API-Key", door.token.text.encode())).name == "scada"
    assert told in (door.store.problem or "")
    assert "secret123" not in (door.store.problem or "") + caplog.text
    assert caplog.text.count("access file: ") == 1


def test_a_file_that_has_gone_lets_nobody_in(door):
    """Closed, not open."""
    door.ask(("X-API-Key", door.token.text.encode()))
    door.path.unlink()
    door.later()
    with pytest.raises(Unauthorized):
        door.ask(("X-API-Key", door.token.text.encode()))
    assert "nobody can sign in" in (door.store.problem or "")


def test_a_file_that_comes_and_goes_where_none_was(tmp_path):
    """Nobody was in it: a broken one is told until it has gone."""
    clock = Clock()
    store = AccessStore(tmp_path / "access.toml", clock)
    assert (store.known.principals, store.problem) == ({}, None)
    (tmp_path / "access.toml").write_text("[principal")
    (tmp_path / "access.toml").chmod(0o600)
    clock.now += 2
    assert store.known.principals == {}
    assert "not TOML" in (store.problem or "")
    (tmp_path / "access.toml").unlink()
    clock.now += 2
    assert (store.known.principals, store.problem) == ({}, None)


def test_editors_wait_for_each_other(tmp_path):
    """Two commands at the same time both count."""
    path = tmp_path / "access.toml"

    def add(number: int) -> None:
        with editing(path) as found:
            time.sleep(0.01)
            found.principal[f"p{number}"] = KeptPrincipal(read=["#"], write=[])

    async def both() -> Any:
        return await asyncio.gather(*(asyncio.to_thread(add, number) for number in range(8)))

    asyncio.run(both())
    assert len(load(path).principal) == 8
