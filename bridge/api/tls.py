"""HTTPS in the server itself: the certificate and key that the configuration names, in one TLS context for as long as
the server runs.

When the files change, new ones are tried on a context of their own first, so that a pair that does not fit, half
written or broken, costs nothing: the old one stays in use. Connections that are open keep what they began with.
Certificate and key are often replaced one after the other: they are read once nothing has changed between two looks.
"""

import logging
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from bridge.config import TlsSettings
from bridge.errors import StartError

SOON = timedelta(days=14)  # a warning before the end; most authorities renew a month before
AGAIN = timedelta(days=1)  # between two warnings

# With TLS 1.2: keys that are made for one connection, and ciphers that authenticate. TLS 1.3 has no others.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_AT_ONCE = datetime.min.replace(tzinfo=UTC)

_log = logging.getLogger("bridge.tls")


class UnusableError(Exception):
    """A pair of files that cannot be used; the text tells which, and why."""


class Certificates:
    """Certificate and key of `context`. `failures` counts pairs that could not be used, `expires` is in UTC."""

    def __init__(self, said: TlsSettings) -> None:
        """Raises `StartError`."""
        if said.cert_file is None or said.key_file is None:
            raise StartError("[tls] cert_file and key_file are needed")
        self._files = (said.cert_file, said.key_file)
        self._warn_at = _AT_ONCE
        self.failures = 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = _VERSIONS[said.min_version]
        self.context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        self.context.set_ciphers(_CIPHERS)
        self.context.set_alpn_protocols(["http/1.1"])
        self._used = self._settling = self._stamp()
        try:
            self.expires = self._load()
        except UnusableError as error:
            raise StartError(str(error)) from None
        self._warn(datetime.now(UTC))

    def reload_if_changed(self) -> bool:
        """To be called about once a second; whether others are in use now. Never raises."""
        stamp = self._stamp()
        settled, self._settling = stamp == self._settling, stamp
        loaded = settled and stamp != self._used and self._reload(stamp)
        self._warn(datetime.now(UTC))
        return loaded

    def _reload(self, stamp: tuple[object, ...]) -> bool:
        self._used = stamp  # a pair that cannot be used is not tried again before it changes
        try:
            self.expires = self._load()
        except UnusableError as error:
            self.failures += 1
            _log.error("%s; the old certificate stays in use", error)
            return False
        self._warn_at = _AT_ONCE
        _log.info("%s is in use now, valid until %s UTC", self._files[0], f"{self.expires:%Y-%m-%d %H:%M}")
        return True

    def _load(self) -> datetime:
        """When it ends. Raises `UnusableError`."""
        certificate, key = self._files
        expires = _expiry(certificate)
        _check_private(key)
        for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self.context):
            _use(context, certificate, key)
        return expires

    def _stamp(self) -> tuple[object, ...]:
        """Differs when one of the files does."""
        found: list[object] = []
        for path in self._files:
            try:
                status = path.stat()
            except OSError:
                found.append(None)
            else:
                found.append((status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode))
        return tuple(found)

    def _warn(self, now: datetime) -> None:
        if now < self._warn_at or now < self.expires - SOON:
            return
        self._warn_at = now + AGAIN
        said = "has expired" if now >= self.expires else "expires soon"
        _log.warning("[tls] cert_file %s %s: %s UTC", self._files[0], said, f"{self.expires:%Y-%m-%d %H:%M}")


def _expiry(path: Path) -> datetime:
    """When the first certificate of a file, which is the server's own, ends. Raises `UnusableError`."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0].not_valid_after_utc
    except OSError as error:
        raise UnusableError(f"[tls] cert_file {path}: {error.strerror}") from None
    except ValueError:
        raise UnusableError(f"[tls] cert_file {path}: must hold certificates in PEM, the server's own first") from None


def _check_private(path: Path) -> None:
    """Raises `UnusableError`."""
    try:
        is_open = path.stat().st_mode & stat.S_IROTH
    except OSError as error:
        raise UnusableError(f"[tls] key_file {path}: {error.strerror}") from None
    if is_open:
        raise UnusableError(f"[tls] key_file {path}: must not be readable by everyone: chmod o-r")


def _use(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Raises `UnusableError`."""
    asked: list[bool] = []

    def no_password() -> str:  # without it OpenSSL asks at the terminal, and waits
        asked.append(True)
        return ""

    try:
        context.load_cert_chain(certificate, key, no_password)
    except ssl.SSLError as error:
        if asked:
            told = f"key_file {key}: must not be encrypted"
        elif error.reason == "KEY_VALUES_MISMATCH":
            told = f"key_file {key}: is not the key of {certificate}"
        else:
            told = f"key_file {key}: must hold the key of {certificate} in PEM ({error.reason or error})"
        raise UnusableError(f"[tls] {told}") from None
    except (OSError, ValueError) as error:
        raise UnusableError(f"[tls] key_file {key}: {getattr(error, 'strerror', None) or error}") from None
