"""Signing in at the daemon: real HTTP, `bridge token` beside it, and how it refuses (S7)."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import i3x
import pytest
from bridge_process import BridgeProcess

from mosquitto import Mosquitto

pytestmark = pytest.mark.integration

PASSWORD = "correct-horse-battery"
LINE1, LINE2 = "acme/line1/press1/speed", "acme/line2/press1/speed"
SECTIONS = {
    "auth": {"mode": "on"},
    "writes": {"enabled": True, "allow": ["acme/#"]},
    "model": {"discovery_window": 0.5},
}


def command(directory: Path, *words: str, text: str = "") -> str:
    """`bridge token …` beside the daemon; standard output."""
    run = subprocess.run(
        [sys.executable, "-m", "bridge", "token", *words, "--config", "uns.toml"],
        cwd=directory, input=text, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return run.stdout.strip()


@pytest.fixture
def bridge(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[BridgeProcess]:
    directory = tmp_path / "bridge"
    directory.mkdir()
    made = BridgeProcess(directory, mosquitto.url, SECTIONS)
    command(directory, "new", "keeper", "--read", "#", "--admin")
    with made:
        yield made


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def publish(mosquitto: Mosquitto, **values: int) -> None:
    for line, value in values.items():
        what = ("-q", "1", "-r", "-t", f"acme/{line}/press1/speed", "-m", str(value))
        subprocess.run(["mosquitto_pub", "-p", str(mosquitto.port), *what], check=True, timeout=10)


def status(bridge: BridgeProcess, path: str, headers: dict[str, str]) -> int:
    return bridge.client.get(path, headers=headers).status_code


def test_a_principals_day(bridge: BridgeProcess, mosquitto: Mosquitto) -> None:
    """Made beside the running daemon, used in every way that clients know, changed and revoked without a restart."""
    directory = bridge.directory
    publish(mosquitto, line1=5, line2=6)
    token = command(directory, "new", "scada", "--read", "acme/line1/#", "--write", "acme/line1/#")
    bridge.wait_for(lambda: status(bridge, "/v1/objects", bearer(token)) == 200)
    command(directory, "password", "scada", text=f"{PASSWORD}\n")
    basic = base64.b64encode(f"scada:{PASSWORD}".encode()).decode()
    ways = [bearer(token), {"Authorization": token}, {"X-API-Key": token}, {"Authorization": f"Basic {basic}"}]
    bridge.wait_for(lambda: [status(bridge, "/v1/objects", way) for way in ways] == [200] * 4)

    def ids() -> list[str]:
        listed = bridge.client.get("/v1/objects", headers=bearer(token)).json()["result"]
        return [one["elementId"] for one in listed]

    bridge.wait_for(lambda: LINE1 in ids())
    assert [ident for ident in ids() if "line2" in ident] == []
    with i3x.Client(f"http://127.0.0.1:{bridge.port}/v1", token=token) as client:
        assert client.get_value(LINE1).value == 5
    write = {"updates": [{"elementId": ident, "value": {"value": 9}} for ident in (LINE1, LINE2)]}
    results = bridge.client.put("/v1/objects/value", json=write, headers=bearer(token)).json()["results"]
    assert [one["success"] for one in results] == [True, False]
    assert results[1]["responseDetail"]["status"] == 404

    mine = {"clientId": "c"}
    made = bridge.client.post("/v1/subscriptions", json=mine, headers=bearer(token)).json()["result"]
    mine["subscriptionId"] = made["subscriptionId"]
    bridge.client.post("/v1/subscriptions/register", json={**mine, "elementIds": [LINE1]}, headers=bearer(token))
    with bridge.client.stream("POST", "/v1/subscriptions/stream", json=mine, headers=bearer(token)) as stream:
        events = stream.iter_raw()
        next(events)
        command(directory, "revoke", "scada")
        with pytest.raises(httpx.RemoteProtocolError):
            for _ in events:
                pass
    assert {status(bridge, "/v1/objects", way) for way in ways} == {401}


def test_refused_alike(bridge: BridgeProcess) -> None:
    """S7: no, wrong, empty, huge and strange credentials: 401 with one body; a token in the query is none."""
    token = command(bridge.directory, "new", "scada", "--read", "#")
    bridge.wait_for(lambda: status(bridge, "/v1/objects", bearer(token)) == 200)
    asked = [
        ("/v1/objects", {}),
        ("/v1/objects", bearer("wrong")),
        ("/v1/objects", {"Authorization": ""}),
        ("/v1/objects", {"Authorization": "Digest x"}),
        ("/v1/objects", {b"Authorization": "Bearer gehéim".encode()}),
        ("/v1/objects", bearer("A" * 1_000_000)),
        (f"/v1/objects?token={token}&access_token={token}", {}),
    ]
    answers = [bridge.client.get(path, headers=headers) for path, headers in asked]
    assert {(one.status_code, one.text) for one in answers} == {(401, answers[0].text)}
    assert {one.headers["www-authenticate"] for one in answers} == {'Bearer realm="i3x-bridge"'}
    assert bridge.client.get("/v1/info").status_code == 200
    assert bridge.client.get("/readyz").json()["reasons"] in ([], ["sign in as an admin to see why"])


def test_explain_asks_with_a_token(bridge: BridgeProcess, mosquitto: Mosquitto) -> None:
    """`bridge explain` takes it from the environment; without one the daemon's refusal is what it says."""
    publish(mosquitto, line1=5)
    token = command(bridge.directory, "new", "ops", "--read", "#")
    bridge.wait_for(lambda: status(bridge, f"/explain?topic={LINE1}", bearer(token)) == 200)

    def explain(**more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bridge", "explain", LINE1, "--config", "uns.toml"],
            cwd=bridge.directory, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **more},
        )  # fmt: skip

    refused = explain()
    assert (refused.returncode, "sign in" in refused.stderr) == (1, True)
    assert explain(BRIDGE_TOKEN=token).returncode == 0
