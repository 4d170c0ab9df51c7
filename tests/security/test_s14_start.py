"""S14: the bridge listens on this machine only, and beyond it not without authentication, unless told so."""

from pathlib import Path
from typing import Any

import pytest

from bridge.access.editing import editing
from bridge.access.entry import access_of
from bridge.access.store import KeptPrincipal
from bridge.cli import main
from bridge.config import Settings, cautions
from bridge.errors import StartError


def settings(tmp_path: Path, **sections: Any) -> Settings:
    return Settings.model_validate({"state": {"directory": str(tmp_path)}, **sections})


def somebody(tmp_path: Path) -> None:
    with editing(tmp_path / "access.toml") as found:
        found.principal["scada"] = KeptPrincipal(read=["#"], write=[])


def test_the_default_is_this_machine():
    """127.0.0.1, and nobody has to sign in."""
    found = Settings()
    assert found.api.host == "127.0.0.1"
    assert access_of(found).authenticator is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "bridge.plant.example"])
def test_others_are_refused(tmp_path, host):
    """The reason names the setting, and the ways out."""
    with pytest.raises(StartError) as caught:
        access_of(settings(tmp_path, api={"host": host}))
    for word in (f'[api] host = "{host}"', "bridge token new", "[oidc]", '[auth] mode = "off"'):
        assert word in str(caught.value)


def test_others_come_through_a_proxy(tmp_path):
    """Who names a proxy lets others in, on this machine's own address too."""
    proxy = {"trusted": ["127.0.0.1"]}
    with pytest.raises(StartError, match=r"\[proxy\] trusted: everybody who comes through it could read"):
        access_of(settings(tmp_path, proxy=proxy))
    assert access_of(settings(tmp_path, proxy=proxy, auth={"mode": "off"})).authenticator is None
    somebody(tmp_path)
    assert access_of(settings(tmp_path, proxy=proxy)).authenticator is not None


def test_the_daemon_does_not_start(tmp_path, monkeypatch, capsys, caplog):
    """Exit code 3, before anything listens."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "uns.toml").write_text('[api]\nhost = "0.0.0.0"\nport = 0\n')
    assert main(["run", "--config", "uns.toml"]) == 3
    assert "everybody who reaches it could read" in capsys.readouterr().err + caplog.text


def test_said_explicitly(tmp_path):
    """Then everybody may come in, and a caution says so."""
    found = settings(tmp_path, api={"host": "0.0.0.0"}, auth={"mode": "off"})
    assert access_of(found).authenticator is None
    assert any("whoever reaches" in line for line in cautions(found))


def test_somebody_can_sign_in(tmp_path):
    """With a principal it starts, and everybody has to."""
    somebody(tmp_path)
    assert access_of(settings(tmp_path, api={"host": "0.0.0.0"})).authenticator is not None


def test_an_access_file_counts_on_this_machine_too(tmp_path):
    """Who has made principals wants them to be asked for; off is off all the same."""
    somebody(tmp_path)
    assert access_of(settings(tmp_path)).authenticator is not None
    assert access_of(settings(tmp_path, auth={"mode": "off"})).authenticator is None


def test_on_without_anybody(tmp_path):
    """Nobody could ever come in: that is a mistake."""
    with pytest.raises(StartError, match="nobody could sign in"):
        access_of(settings(tmp_path, auth={"mode": "on"}))


def test_a_broken_file_is_no_open_door(tmp_path):
    """It does not start, rather than without authentication."""
    (tmp_path / "access.toml").write_text("[principal")
    (tmp_path / "access.toml").chmod(0o600)
    oidc = {"issuer": "https://id.example", "audience": ["bridge"]}
    for others in ({}, {"oidc": oidc}):
        with pytest.raises(StartError, match="not TOML"):
            access_of(settings(tmp_path, **others))


def test_a_file_that_cannot_be_looked_at_is_no_missing_file(tmp_path):
    """Whatever keeps us from knowing who is in it: a directory that is closed to us, or a link that leads nowhere."""
    (tmp_path / "access.toml").symlink_to("access.toml")
    with pytest.raises(StartError, match=r"access\.toml: cannot be read: Too many levels of symbolic links"):
        access_of(settings(tmp_path))


def test_an_identity_provider_is_enough(tmp_path):
    """No access file is needed then."""
    oidc = {"issuer": "https://id.example", "audience": ["bridge"]}
    assert access_of(settings(tmp_path, api={"host": "0.0.0.0"}, oidc=oidc)).authenticator is not None


def test_check_tells(tmp_path, monkeypatch, capsys):
    """`bridge check` says beforehand what would keep the daemon from starting."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "uns.toml").write_text('[api]\nhost = "0.0.0.0"\n')
    assert main(["check", "--config", "uns.toml"]) == 0
    assert "warning: the daemon does not start" in capsys.readouterr().err
