"""`GET /me`: who asks, and what they may do."""

from typing import Any

import pytest
from inprocess import InProcess, checked

from bridge.access import Principal
from bridge.config import WriteSettings

WRITES = WriteSettings(enabled=True, allow=("acme/+/sp", "other/secret/#"), deny=("acme/line9/#", "other/valve"))
OFF = {"enabled": False, "allow": [], "deny": []}
PRINCIPALS = {
    "scada": Principal("scada", read=("acme/#",), write=("acme/+/sp",)),
    "whole": Principal("whole", read=("#",), admin=True),
    "mute": Principal("mute", write=("acme/#",)),
    "nobody": Principal("nobody"),
}


def told(bridge: InProcess, token: str = "") -> Any:
    bridge.token = token
    return checked(bridge.ask("GET", "/me"), 200)


def test_a_principal() -> None:
    """By name, with their filters; of the configuration only what meets what they may read."""
    assert told(InProcess(principals=PRINCIPALS, writes=WRITES), "scada") == {
        "name": "scada",
        "signedIn": True,
        "admin": False,
        "read": ["acme/#"],
        "write": ["acme/+/sp"],
        "readsEverything": False,
        "writes": {"enabled": True, "allow": ["acme/+/sp"], "deny": ["acme/line9/#"]},
    }


def test_who_reads_everything() -> None:
    """They are told all of what the configuration lets be written."""
    found = told(InProcess(principals=PRINCIPALS, writes=WRITES), "whole")
    assert (found["admin"], found["readsEverything"]) == (True, True)
    assert found["writes"] == {"enabled": True, "allow": list(WRITES.allow), "deny": list(WRITES.deny)}


@pytest.mark.parametrize("token", ["mute", "nobody"])
def test_who_reads_nothing(token: str) -> None:
    """Who is known gets an answer, whatever they may do; nothing that they cannot see is in it."""
    found = told(InProcess(principals=PRINCIPALS, writes=WRITES), token)
    assert (found["name"], found["read"], found["readsEverything"]) == (token, [], False)
    assert found["writes"] == {"enabled": True, "allow": [], "deny": []}


def test_writing_is_off() -> None:
    """Filters that are configured say nothing while writing is off."""
    assert told(InProcess(principals=PRINCIPALS), "whole")["writes"] == OFF


def test_nobody_signs_in(bridge: InProcess) -> None:
    """Whoever asks may do everything."""
    assert told(bridge) == {
        "name": "anonymous",
        "signedIn": False,
        "admin": True,
        "read": ["#"],
        "write": ["#"],
        "readsEverything": True,
        "writes": OFF,
    }


def test_strangers() -> None:
    """The usual 401, with the challenge."""
    bridge = InProcess(principals=PRINCIPALS)
    answer = bridge.ask("GET", "/me")
    checked(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer ")
