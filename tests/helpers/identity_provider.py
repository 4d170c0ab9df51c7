"""An identity provider on this machine: real HTTP or HTTPS, real keys, real signatures."""

import datetime as dt
import functools
import ipaddress
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from bridge.config.access import OidcSettings

DISCOVERY, KEYS = "/.well-known/openid-configuration", "/keys"
NOW = 1_790_000_000.0
AUDIENCE = "i3x-bridge"

_MAKERS: dict[str, Callable[[], Any]] = {
    "RS256": lambda: rsa.generate_private_key(65_537, 2_048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "weak": lambda: rsa.generate_private_key(65_537, 1_024),
}


def private_key(kind: str, number: int = 0) -> Any:
    """A key for an algorithm, made once, because RSA takes its time; each number is another one."""
    return _made(kind, number)


@functools.cache
def _made(kind: str, _: int) -> Any:
    return _MAKERS[kind]()


def public_jwk(kind: str, kid: str | None, number: int = 0, **more: Any) -> dict[str, Any]:
    """The public part as the provider shows it."""
    algorithm = "RS256" if kind == "weak" else kind
    public = private_key(kind, number).public_key()
    shown = jwt.get_algorithm_by_name(algorithm).to_jwk(public, as_dict=True)
    shown.pop("key_ops", None)
    return shown | ({} if kid is None else {"kid": kid}) | {"use": "sig"} | more


class IdentityProvider:
    """Serves what `answers` has for a path: an object, or bytes as they are. `asked` counts requests by path.

    `delay` is waited for before an answer, `pause` after each byte of one; `status` of other than 200 has a body too.
    """

    def __init__(self, certificate: tuple[Path, Path] | None = None) -> None:
        self.asked: Counter[str] = Counter()
        self.delay, self.pause, self.status = 0.0, 0.0, 200
        self.headers: dict[str, str] = {}
        self._certificate = certificate
        self._closing = threading.Event()
        self.start(0)
        scheme, host = ("https", "localhost") if certificate else ("http", "127.0.0.1")
        self.issuer = f"{scheme}://{host}:{self.port}"
        self.answers: dict[str, Any] = {DISCOVERY: {"issuer": self.issuer, "jwks_uri": self.issuer + KEYS}}
        self.show(public_jwk("RS256", "first"))

    def start(self, port: int) -> None:
        self._closing.clear()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        if self._certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def show(self, *keys: dict[str, Any]) -> None:
        """These are the provider's keys from now on."""
        self.answers[KEYS] = {"keys": list(keys)}

    def settings(self, **more: Any) -> OidcSettings:
        return OidcSettings.model_validate({"issuer": self.issuer, "audience": [AUDIENCE]} | more)

    def claims(self, **more: Any) -> dict[str, Any]:
        """Those of a good token; None takes one away."""
        good = {"iss": self.issuer, "aud": AUDIENCE, "sub": "alice", "iat": NOW - 10, "exp": NOW + 600}
        return {name: value for name, value in (good | more).items() if value is not None}

    def token(
        self, kind: str = "RS256", kid: str | None = "first", number: int = 0, algorithm: str = "", **claims: Any
    ) -> str:
        """Signed with a key of a kind, under the name that the provider may show it."""
        headers = {} if kid is None else {"kid": kid}
        key = private_key(kind, number)
        return jwt.encode(self.claims(**claims), key, algorithm or kind, headers)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider._answer(self)

            def log_message(self, *args: Any) -> None:
                pass

        return Handler

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.partition("?")[0]
        self.asked[path] += 1
        self._closing.wait(self.delay)
        told = self.answers.get(path)
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        status = 404 if told is None else self.status
        whole = f"HTTP/1.0 {status} So\r\nContent-Type: application/json\r\n{head}\r\n".encode() + body
        try:
            for part in [whole] if not self.pause else [whole[at : at + 1] for at in range(len(whole))]:
                handler.wfile.write(part)
                if self._closing.wait(self.pause):
                    return
        except OSError:
            pass  # the other side has heard enough


def make_certificate(folder: Path, host: str = "localhost") -> tuple[Path, Path]:
    """A certificate that vouches for itself, and its key."""
    key, name = private_key("ES256", 99), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    begin = dt.datetime.fromtimestamp(time.time() - 3_600, dt.UTC)
    names: list[x509.GeneralName] = [x509.DNSName(host)]
    if host == "localhost":
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / f"{host}.crt", folder / f"{host}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private
