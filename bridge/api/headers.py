"""What answers tell browsers beyond their content.

Data is not stored unless it comes with a tag, or says itself how long it is good. A page runs scripts from files of
this server only, asks this server only unless it brings a policy of its own, and is shown in no other page. Swagger UI
sets styles of elements, and has pictures as data.
"""

from collections.abc import Sequence
from typing import TypeAlias

Raw: TypeAlias = Sequence[tuple[bytes, bytes]]

_NOSNIFF = (b"x-content-type-options", b"nosniff")
_NOT_STORED = (_NOSNIFF, (b"cache-control", b"no-store"))
_OWN_LIFETIME = (b"etag", b"cache-control")
POLICY = "content-security-policy"
_PAGE = (
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),  # for browsers that do not know frame-ancestors
)
# A browser that has seen this asks for nothing of this host without TLS, on any port. On a machine that serves other
# things as well a day is long enough; who wants more has a proxy that says so.
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=86400")


def policy(other: str = "") -> str:
    """What a page may do; `other` is an origin that it may ask beside this server."""
    asks = f"'self' {other}".rstrip()
    return (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        f"font-src 'self'; connect-src {asks}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


_POLICY = (POLICY.encode(), policy().encode())


def dressed(said: Raw, own: Raw) -> list[tuple[bytes, bytes]]:
    """The headers of an answer with `own`, and with those that all answers, and all pages, have."""
    lives, is_page, has_policy = False, False, False
    for name, value in said:
        if name in _OWN_LIFETIME:
            lives = True
        elif name == b"content-type" and value.startswith(b"text/html"):
            is_page = True
        elif name == _POLICY[0]:
            has_policy = True
    headers = [*said, *own, _NOSNIFF] if lives else [*said, *own, *_NOT_STORED]
    if is_page:
        headers += _PAGE if has_policy else (_POLICY, *_PAGE)
    return headers
