"""Who a client is behind reverse proxies. Their word counts only where they are named in the configuration.

`X-Forwarded-For` is read from its end: each proxy adds whom it got the request from, so that the last address that is
no trusted proxy is the client, and whatever stands before it is the client's own invention. `Forwarded` (RFC 7239) is
not read: a proxy that knows one of the two headers passes the other on as the client has written it.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeAlias

Headers: TypeAlias = Iterable[tuple[bytes, bytes]]
IsTrusted: TypeAlias = Callable[[str], bool]

_LONGEST = 64  # characters of an address with its port; IPv6 with a zone fits
_SCHEMES = ("http", "https")


def trust(networks: Sequence[str]) -> IsTrusted:
    """Whether an address is in one of some networks."""
    known = [ip_network(network) for network in networks]

    @lru_cache(maxsize=1_024)
    def is_trusted(address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in known)

    return is_trusted


def client_of(peer: str, headers: Headers, is_trusted: IsTrusted) -> tuple[str, str | None]:
    """The client's address, and the scheme that it has used where a proxy tells. `peer` is who has connected."""
    if not is_trusted(peer):
        return peer, None
    passed: list[str] = []
    scheme: str | None = None
    for name, value in headers:
        if name == b"x-forwarded-for":
            passed += value.decode("latin-1").split(",")
        elif name == b"x-forwarded-proto":
            scheme = value.decode("latin-1").rpartition(",")[2].strip().lower()
    address = peer
    for text in reversed(passed):
        found = _address(text)
        if found is None:  # somebody writes what is no address: whoever comes after is the last that we know
            break
        address = found
        if not is_trusted(address):
            break
    return address, scheme if scheme in _SCHEMES else None


def plain(address: str) -> str:
    """An IPv4 address that has come through an IPv6 socket (::ffff:10.1.2.3) as what it is; others as they are."""
    if ":" not in address:
        return address
    try:
        found = ip_address(address)
    except ValueError:
        return address
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


def _address(text: str) -> str | None:
    """`192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`; None for all else."""
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return plain(str(ip_address(text)))
    except ValueError:
        return None
