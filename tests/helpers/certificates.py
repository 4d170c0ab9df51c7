"""Certificates of an authority of their own: good ones, expired ones, and such for another host."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from msgspec import Struct

NAMES = ("localhost", "127.0.0.1")


class Pair(Struct, frozen=True):
    """The files of a certificate and its key."""

    cert: Path
    key: Path


class Authority:
    """Writes what it issues into a folder. `ca` is its own certificate, for clients."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.ca = folder / "ca.crt"
        self._ca.cert_pem.write_to_path(self.ca)

    def issue(self, *names: str, name: str = "server", days: float = 365.0) -> Pair:
        """A certificate for some hosts that ends after so many days, with a key that its owner alone can read."""
        end = datetime.now(UTC) + timedelta(days=days)
        begin = min(datetime.now(UTC), end) - timedelta(days=1)
        issued = self._ca.issue_cert(*(names or NAMES), not_before=begin, not_after=end)
        pair = Pair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        pair.key.unlink(missing_ok=True)
        pair.key.touch(mode=0o600)
        issued.private_key_pem.write_to_path(pair.key)
        pair.cert.write_bytes(b"".join(one.bytes() for one in issued.cert_chain_pems))
        return pair

    def trusted(self) -> ssl.SSLContext:
        """For a client that trusts this authority alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._ca.configure_trust(context)
        return context
