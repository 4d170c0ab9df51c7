"""Who a client is behind proxies: only those that are named are believed, and no client can pose as another."""

import pytest

from bridge.api.proxies import client_of, plain, trust

PROXY, CLIENT = "10.0.0.1", "192.0.2.7"
TRUSTED = trust(["10.0.0.0/24", "127.0.0.1", "::1", "fd00::/8"])
FOR, PROTO = b"x-forwarded-for", b"x-forwarded-proto"


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        pytest.param(PROXY, [(FOR, b"192.0.2.7")], (CLIENT, None), id="one proxy"),
        pytest.param(PROXY, [(FOR, b"192.0.2.7, 10.0.0.2")], (CLIENT, None), id="two proxies"),
        pytest.param(PROXY, [(FOR, b"192.0.2.7"), (FOR, b"10.0.0.2")], (CLIENT, None), id="in two lines"),
        pytest.param(PROXY, [(FOR, b"1.1.1.1, 192.0.2.7")], (CLIENT, None), id="what the client itself says"),
        pytest.param(PROXY, [(FOR, b"10.0.0.9, 192.0.2.7, 10.0.0.2")], (CLIENT, None), id="a client poses as a proxy"),
        pytest.param(CLIENT, [(FOR, b"127.0.0.1"), (PROTO, b"https")], (CLIENT, None), id="no proxy"),
        pytest.param("10.0.1.1", [(FOR, b"127.0.0.1")], ("10.0.1.1", None), id="another network"),
        pytest.param("", [(FOR, b"127.0.0.1")], ("", None), id="no peer"),
        pytest.param(PROXY, [], (PROXY, None), id="says nothing"),
        pytest.param(PROXY, [(FOR, b"")], (PROXY, None), id="says nothing in a header"),
        pytest.param(PROXY, [(FOR, b"10.0.0.3, 10.0.0.2")], ("10.0.0.3", None), id="the client is a proxy"),
        pytest.param(PROXY, [(FOR, b"1.1.1.1, unknown")], (PROXY, None), id="unknown"),
        pytest.param(PROXY, [(FOR, b"1.1.1.1, evil.example, 10.0.0.2")], ("10.0.0.2", None), id="a name"),
        pytest.param(PROXY, [(FOR, b"\xff\x00, \r\n")], (PROXY, None), id="garbage"),
        pytest.param(PROXY, [(FOR, b"9" * 100_000)], (PROXY, None), id="long"),
        pytest.param(PROXY, [(FOR, b"192.0.2.7:4711")], (CLIENT, None), id="with a port"),
        pytest.param(PROXY, [(FOR, b"[2001:db8::1]:4711")], ("2001:db8::1", None), id="IPv6 with a port"),
        pytest.param(PROXY, [(FOR, b"[2001:DB8::1]")], ("2001:db8::1", None), id="IPv6 in brackets"),
        pytest.param(PROXY, [(FOR, b"2001:db8:0:0::1")], ("2001:db8::1", None), id="IPv6"),
        pytest.param(PROXY, [(FOR, b"::ffff:192.0.2.7")], (CLIENT, None), id="IPv4 in IPv6"),
        pytest.param("fd00::5", [(FOR, b"192.0.2.7")], (CLIENT, None), id="a proxy with IPv6"),
        pytest.param(PROXY, [(b"forwarded", b"for=1.1.1.1;proto=https")], (PROXY, None), id="Forwarded is not read"),
        pytest.param(PROXY, [(PROTO, b"https")], (PROXY, "https"), id="scheme"),
        pytest.param(PROXY, [(PROTO, b"http, HTTPS")], (PROXY, "https"), id="the last scheme"),
        pytest.param(PROXY, [(PROTO, b"javascript")], (PROXY, None), id="no scheme"),
    ],
)
def test_client(peer: str, headers: list[tuple[bytes, bytes]], expected: tuple[str, str | None]) -> None:
    """The last address that is no proxy's is the client's; whatever cannot be understood is nobody's."""
    assert client_of(peer, headers, TRUSTED) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("192.0.2.7", "192.0.2.7", id="IPv4"),
        pytest.param("::ffff:192.0.2.7", "192.0.2.7", id="IPv4 in IPv6"),
        pytest.param("2001:db8::1", "2001:db8::1", id="IPv6"),
        pytest.param("not:an:address", "not:an:address", id="something else"),
    ],
)
def test_plain(address: str, expected: str) -> None:
    """One client has one address, whichever socket it came through."""
    assert plain(address) == expected
