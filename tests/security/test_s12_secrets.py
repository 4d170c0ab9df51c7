"""S12: no secret is in anything that the bridge says: neither those it was given, nor what others try as one. Files
that all may read are refused: tests/unit/test_config.py and tests/unit/access.
"""

import base64
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import tomli_w
import trustme
from bridge_process import BridgeProcess

from mosquitto import HOST, Mosquitto

pytestmark = pytest.mark.integration

BROKER_PASSWORD = "hunter2-of-the-plant"
PASSWORD = "correct horse battery staple"
TRIED = ("wr0ng-t0ken-of-somebody", "wr0ng passw0rd of somebody", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2lnbmVk")
BODY = b'{"elementIds": ["plant/a"]}'
COMMAND_S = 30.0


class Guarded:
    """A bridge with every kind of secret that it can have, at work, which tells all that it would ever tell."""

    def __init__(self, place: Path) -> None:
        self.place = place
        passwords = place / "passwords"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "bridge", BROKER_PASSWORD], check=True)
        passwords.chmod(0o600)
        self.broker = Mosquitto(place / "mosquitto", (f"password_file {passwords}",), anonymous=False)
        self.secret("broker.secret", BROKER_PASSWORD.encode())
        authority = trustme.CA()
        issued = authority.issue_cert(HOST)
        self.key = issued.private_key_pem.bytes().decode()
        (place / "cert.pem").write_bytes(b"".join(one.bytes() for one in issued.cert_chain_pems))
        self.secret("key.pem", issued.private_key_pem.bytes())
        self.bridge = BridgeProcess(
            place,
            self.broker.url,
            {
                "mqtt": {"username": "bridge", "password_file": "broker.secret"},
                "tls": {"cert_file": "cert.pem", "key_file": "key.pem"},
                "auth": {"mode": "on", "public": ["docs", "metrics"]},
                "writes": {"enabled": True, "allow": ["#"]},
                "log": {"level": "debug"},
            },
        )
        self.told: list[str] = []
        self.token = self.command("token", "new", "maker", "--read", "#", "--write", "#", "--admin").strip()
        self.command("token", "password", "maker", said=PASSWORD)
        authority.cert_pem.write_to_path(str(place / "ca.pem"))
        self.bridge.client.close()
        self.bridge.client = httpx.Client(
            base_url=f"https://{HOST}:{self.bridge.port}",
            verify=ssl.create_default_context(cafile=str(place / "ca.pem")),
        )

    def secret(self, name: str, content: bytes) -> None:
        path = self.place / name
        path.touch(mode=0o600)
        path.write_bytes(content)

    def command(self, *words: str, said: str = "") -> str:
        """What a command prints; but for a new token it is among what is told."""
        ended = subprocess.run(
            [sys.executable, "-m", "bridge", *words, "--config", self.bridge.config],
            cwd=self.place, input=said, capture_output=True, text=True, timeout=COMMAND_S,
        )  # fmt: skip
        if words[:2] != ("token", "new"):
            self.told.append(ended.stdout)
        self.told.append(ended.stderr)
        return ended.stdout

    def ask(self, method: str, path: str, content: bytes = b"", **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.bridge.client.request(method, path, content=content, headers=named)
        self.told += [answer.text, repr(answer.headers)]
        return answer.status_code

    def start(self) -> None:
        self.broker.start()
        self.bridge.start()
        self.bridge.wait_for(self.bridge.ready)

    def close(self) -> None:
        self.bridge.close()
        self.broker.stop()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    found = Guarded(tmp_path_factory.mktemp("guarded"))
    try:
        found.start()
        yield found
    finally:
        found.close()


def basic(name: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


def test_no_secret_is_told(guarded: Guarded) -> None:
    """At the level of debugging, after good and bad attempts of every kind, a broken access file and a lost broker."""
    good = (f"Bearer {guarded.token}", guarded.token, basic("maker", PASSWORD), basic("maker", guarded.token))
    for credential in good:
        assert guarded.ask("POST", "/v1/objects/value", BODY, authorization=credential) == 200
    assert guarded.ask("POST", "/v1/objects/value", BODY, x_api_key=guarded.token) == 200
    token, password, jwt = TRIED
    for wrong in (f"Bearer {token}", basic("maker", password), f"Bearer {jwt}", basic(password, token)):
        assert guarded.ask("POST", "/v1/objects/value", BODY, authorization=wrong) == 401  # later each time: few do
    for name in ("token", "access_token", "api_key"):
        assert guarded.ask("GET", f"/v1/objects?{name}={guarded.token}") in (401, 429)
    head = f"Bearer {guarded.token}"
    write = b'{"updates": [{"elementId": "plant/a", "value": {"value": 1}}]}'
    guarded.ask("PUT", "/v1/objects/value", write, authorization=head)
    for path in ("/metrics", "/readyz", "/explain?topic=plant/a", "/drift", "/v1/openapi.json", "/docs", "/v1/nowhere",
                 "/me", "/search?q=plant"):  # fmt: skip
        guarded.ask("GET", path, authorization=head)
    assert guarded.ask("GET", "/status", authorization=head) == 200
    guarded.command("check")
    guarded.command("token", "list")
    broken = guarded.place / "bad.toml"
    broken.write_text(tomli_w.dumps({"mqtt": {"password": BROKER_PASSWORD}, "auth": {"token": guarded.token}}))
    told = subprocess.run(
        [sys.executable, "-m", "bridge", "check", "--config", broken], capture_output=True, text=True, cwd=guarded.place
    )
    access = next(guarded.place.rglob("access.toml"))
    hashes = [part.strip('"') for part in access.read_text().split() if part.startswith(('"sha256:', '"$argon2'))]
    assert len(hashes) == 2
    with access.open("a") as file:
        file.write(f'\nbroken = {{ "{PASSWORD}" {guarded.token}')
    guarded.bridge.wait_for(lambda: guarded.ask("GET", "/readyz", authorization=head) == 503)
    assert any("access.toml" in one for one in guarded.told)
    guarded.broker.stop()
    guarded.bridge.wait_for(
        lambda: "broker" in guarded.bridge.client.get("/readyz", headers={"x-api-key": guarded.token}).text
    )
    guarded.bridge.stop()
    everything = "\n".join([*guarded.told, told.stdout, told.stderr, guarded.bridge.log])
    inner = guarded.token.rpartition("_")[2]
    secrets = [BROKER_PASSWORD, PASSWORD, guarded.token, inner, *TRIED, *hashes, *guarded.key.split("\n")[1:3]]
    secrets += [base64.b64encode(f"maker:{one}".encode()).decode() for one in (PASSWORD, guarded.token)]
    assert "Traceback" not in everything
    assert [one for one in secrets if one in everything] == []
