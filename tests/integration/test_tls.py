"""HTTPS in the server, with real handshakes: what is spoken, who is believed, and new files on the way."""

import logging
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from certificates import Authority, Pair
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from inprocess import SPEED, InProcess
from pydantic import ValidationError
from raw_http import request
from served import HOST, Served, read_all, wait_until

from bridge.api.tls import Certificates
from bridge.config import TlsSettings
from bridge.errors import StartError

GET = request("GET", "/livez")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def make_served(authority: Authority) -> Iterator[Callable[..., Served]]:
    """Servers with a certificate; stopped at the end."""
    made: list[Served] = []

    def make(pair: Pair | None = None, **said: str) -> Served:
        files = pair or authority.issue()
        bridge = InProcess()
        bridge.press()
        served = Served(bridge.app, {"tls": {"cert_file": files.cert, "key_file": files.key, **said}})
        made.append(served)
        return served.__enter__()

    yield make
    for one in made:
        one.__exit__(None, None, None)


def serial(connection: socket.socket) -> int:
    """Of the certificate that a client got."""
    assert isinstance(connection, ssl.SSLSocket)
    found = connection.getpeercert(binary_form=True)
    assert found is not None
    return x509.load_der_x509_certificate(found).serial_number


def serial_of(pair: Pair) -> int:
    return x509.load_pem_x509_certificate(pair.cert.read_bytes()).serial_number


def settings(pair: Pair, **said: str) -> TlsSettings:
    return TlsSettings.model_validate({"cert_file": pair.cert, "key_file": pair.key, **said})


# --- what is spoken ---------------------------------------------------------------------------------------------------


def test_the_whole_api(make_served: Callable[..., Served], authority: Authority) -> None:
    """A client that trusts the authority gets its answer, which tells browsers to stay with https."""
    served = make_served()
    with httpx.Client(base_url=f"https://localhost:{served.port}", verify=authority.trusted()) as client:
        answer = client.post("/v1/objects/value", json={"elementIds": [SPEED]})
    assert answer.json()["results"][0]["result"]["value"] == 5
    assert answer.headers["strict-transport-security"] == "max-age=86400"


@pytest.mark.parametrize(
    ("least", "offered", "expected"),
    [
        pytest.param("1.2", ssl.TLSVersion.TLSv1_1, None, id="1.1 of 1.2"),
        pytest.param("1.2", ssl.TLSVersion.TLSv1_2, "TLSv1.2", id="1.2 of 1.2"),
        pytest.param("1.2", ssl.TLSVersion.TLSv1_3, "TLSv1.3", id="1.3 of 1.2"),
        pytest.param("1.3", ssl.TLSVersion.TLSv1_2, None, id="1.2 of 1.3"),
        pytest.param("1.3", ssl.TLSVersion.TLSv1_3, "TLSv1.3", id="1.3 of 1.3"),
    ],
)
def test_versions(
    make_served: Callable[..., Served],
    authority: Authority,
    least: str,
    offered: ssl.TLSVersion,
    expected: str | None,
) -> None:
    """No version older than the one that is said is spoken."""
    served, context = make_served(min_version=least), authority.trusted()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that 1.1 is old is what this is about
        context.minimum_version = context.maximum_version = offered
    context.set_ciphers("ALL:@SECLEVEL=0")  # else OpenSSL itself does not offer 1.1
    if expected is None:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            served.connect(context)
        wait_until(lambda: served.cut("handshake") == 1)
    else:
        with served.connect(context) as connection:
            assert connection.version() == expected  # type: ignore[attr-defined]  # a socket with TLS


@pytest.mark.parametrize("cipher", ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA"])
def test_weak_ciphers(make_served: Callable[..., Served], authority: Authority, cipher: str) -> None:
    """No cipher is agreed on that encrypts and authenticates one after the other."""
    served, context = make_served(), authority.trusted()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{cipher}:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        served.connect(context)


def test_no_renegotiation(authority: Authority) -> None:
    """A client cannot make the server do the costly part again and again, nor learn from compressed sizes."""
    options = Certificates(settings(authority.issue())).context.options
    assert ssl.OP_NO_RENEGOTIATION in options
    assert ssl.OP_NO_COMPRESSION in options


def test_a_client_that_would_rather_speak_http_2(make_served: Callable[..., Served], authority: Authority) -> None:
    """ALPN agrees on HTTP/1.1."""
    served, context = make_served(), authority.trusted()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with served.connect(context) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"  # type: ignore[attr-defined]  # a socket with TLS


@pytest.mark.parametrize(
    ("names", "days", "of_another", "told"),
    [
        pytest.param(("localhost",), 365, True, "unable to get local issuer", id="authority"),
        pytest.param(("localhost",), -1, False, "certificate has expired", id="expired"),
        pytest.param(("other.example",), 365, False, "Hostname mismatch", id="host"),
    ],
)
def test_a_careful_client_refuses(
    make_served: Callable[..., Served],
    authority: Authority,
    tmp_path: Path,
    names: tuple[str, ...],
    days: float,
    of_another: bool,
    told: str,
) -> None:
    """A client finds out that a certificate is of another authority, over, or of another host; the server goes on."""
    issuing = Authority(tmp_path / "another") if of_another else authority
    served = make_served(issuing.issue(*names, days=days))
    with pytest.raises(httpx.ConnectError, match=told):
        httpx.get(f"https://localhost:{served.port}/livez", verify=authority.trusted())
    with httpx.Client(verify=False) as careless:
        assert careless.get(f"https://localhost:{served.port}/livez").text == "ok\n"


# --- files that cannot be used ----------------------------------------------------------------------------------------


def encrypted(pair: Pair) -> None:
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    kind = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    pair.key.write_bytes(key.private_bytes(*kind, serialization.BestAvailableEncryption(b"secret")))


BREAK: dict[str, tuple[Callable[[Pair], object], str]] = {
    "garbage certificate": (
        lambda pair: pair.cert.write_text("garbage"),
        "cert_file {cert}: must hold certificates in PEM, the server's own first",
    ),
    "garbage key": (lambda pair: pair.key.write_text("garbage"), "key_file {key}: must hold the key of {cert} in PEM"),
    "encrypted key": (encrypted, "key_file {key}: must not be encrypted"),
    "gone": (lambda pair: pair.key.unlink(), "key_file {key}: No such file or directory"),
    "open": (lambda pair: pair.key.chmod(0o644), "key_file {key}: must not be readable by everyone: chmod o-r"),
}


@pytest.mark.parametrize("name", BREAK)
def test_unusable(authority: Authority, name: str) -> None:
    """Files that cannot be used are refused at the start, by name and with the reason; no password is asked for."""
    pair = authority.issue()
    said = settings(pair)
    change, told = BREAK[name]
    change(pair)
    with pytest.raises(StartError) as caught:
        Certificates(said)
    assert str(caught.value).startswith("[tls] " + told.format(cert=pair.cert, key=pair.key))


def test_a_pair_that_does_not_fit(authority: Authority) -> None:
    """So is the key of another certificate."""
    one, other = authority.issue(name="one"), authority.issue(name="other")
    with pytest.raises(StartError) as caught:
        Certificates(settings(Pair(one.cert, other.key)))
    assert str(caught.value) == f"[tls] key_file {other.key}: is not the key of {one.cert}"


def test_an_open_key_is_no_setting(authority: Authority) -> None:
    """A key that everybody may read is refused with the configuration already."""
    pair = authority.issue()
    pair.key.chmod(0o644)
    with pytest.raises(ValidationError, match="must not be readable by everyone"):
        settings(pair)


@pytest.mark.parametrize(
    ("days", "told"),
    [
        pytest.param(365, [], id="fresh"),
        pytest.param(15, [], id="two weeks and more"),
        pytest.param(13, ["expires soon"], id="soon"),
        pytest.param(-1, ["has expired"], id="over"),
    ],
)
def test_the_end_is_told(authority: Authority, caplog: pytest.LogCaptureFixture, days: float, told: list[str]) -> None:
    """The log warns two weeks before a certificate ends, and after; once, however often is looked."""
    certificates = Certificates(settings(authority.issue(days=days)))
    for _ in range(5):
        certificates.reload_if_changed()
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * len(told)
    assert all(text in message for text, message in zip(told, caplog.messages, strict=True))


# --- new files --------------------------------------------------------------------------------------------------------


def reload(served: Served) -> bool:
    """As the daemon's ticker does: a first look sees the change, the second that it is over."""
    certificates = served.server.certificates
    assert certificates is not None
    return served.call(lambda: (certificates.reload_if_changed(), certificates.reload_if_changed())[1])


def test_reload_under_load(make_served: Callable[..., Served], authority: Authority) -> None:
    """New connections get the new certificate; those that are open go on, and no request fails."""
    pair = authority.issue()
    served, old = make_served(pair), serial_of(pair)
    failed: list[Exception] = []
    over = threading.Event()

    def ask() -> None:
        try:
            while not over.is_set():
                served.talk(request("GET", "/livez", b"", "Connection: close"), authority.trusted())
        except Exception as error:  # noqa: BLE001 - whatever it is
            failed.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    with served.connect(authority.trusted()) as kept:
        kept.sendall(GET)
        assert kept.recv(4_096).startswith(b"HTTP/1.1 200")
        for _ in range(5):
            new = serial_of(authority.issue())
            assert reload(served)
            with served.connect(authority.trusted()) as fresh:
                assert (serial(kept), serial(fresh)) == (old, new)
        kept.sendall(GET)
        assert kept.recv(4_096).startswith(b"HTTP/1.1 200")
    over.set()
    asking.join()
    assert failed == []


@pytest.mark.parametrize("name", BREAK)
def test_broken_files_change_nothing(
    make_served: Callable[..., Served], authority: Authority, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """The old pair stays, the log says once why, it is counted; when the files are right again they are taken."""
    pair = authority.issue()
    served, old = make_served(pair), serial_of(pair)
    certificates = served.server.certificates
    assert certificates is not None
    authority.issue()
    BREAK[name][0](pair)
    assert not reload(served)
    assert not reload(served)
    with served.connect(authority.trusted()) as connection:
        assert serial(connection) == old
    assert certificates.failures == 1
    assert [record.levelname for record in caplog.records if record.name == "bridge.tls"] == ["ERROR"]
    new = serial_of(authority.issue())
    assert reload(served)
    with served.connect(authority.trusted()) as connection:
        assert serial(connection) == new


def test_half_of_a_pair(make_served: Callable[..., Served], authority: Authority, tmp_path: Path) -> None:
    """A certificate that is there before its key is waited for, and no fault."""
    pair = authority.issue()
    served = make_served(pair)
    certificates = served.server.certificates
    assert certificates is not None
    new = Authority(tmp_path / "new").issue()
    pair.cert.write_bytes(new.cert.read_bytes())
    assert not served.call(certificates.reload_if_changed)
    pair.key.write_bytes(new.key.read_bytes())
    assert not served.call(certificates.reload_if_changed)
    assert served.call(certificates.reload_if_changed)
    assert certificates.failures == 0


def test_stop_during_handshakes(make_served: Callable[..., Served]) -> None:
    """Clients that never finish their handshake do not hold up the end."""
    served = make_served()
    held = [socket.create_connection((HOST, served.port), 5) for _ in range(10)]
    wait_until(lambda: served.call(lambda: served.server.door.connections) == 10)
    served.server.should_exit = True
    assert [read_all(connection) for connection in held] == [b""] * 10
    for connection in held:
        connection.close()
