"""Of a provider's discovery document, what a page needs to send people there and to get tokens for them.

The names are those of the document (OpenID Connect Discovery 1.0, section 3; RFC 8414), as libraries want them.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, structs

from bridge.access.oidc_fetch import ProviderError
from bridge.config import rules

_METHOD = "S256"  # of PKCE (RFC 7636); who lists none may take it all the same


class Metadata(Struct, frozen=True, omit_defaults=True):
    """`end_session_endpoint` "": not told."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    end_session_endpoint: str = ""
    authorization_response_iss_parameter_supported: bool = False  # RFC 9207
    id_token_signing_alg_values_supported: tuple[str, ...] = ()

    @property
    def token_origin(self) -> str:
        """Where the page asks for tokens, as a Content-Security-Policy names it."""
        return _origin(self.token_endpoint)


class _Methods(Struct):
    code_challenge_methods_supported: tuple[str, ...] = (_METHOD,)


def metadata(document: Mapping[str, Any], issuer: str) -> Metadata:
    """Raises `ProviderError`, without the document's address."""
    try:
        found = msgspec.convert({**document, "issuer": issuer}, Metadata)
        methods = msgspec.convert(document, _Methods).code_challenge_methods_supported
    except msgspec.ValidationError as error:
        raise ProviderError(str(error)) from None
    for name in ("authorization_endpoint", "token_endpoint"):
        if not _is_safe(getattr(found, name), issuer):
            raise ProviderError(f"its {name} {rules.HTTPS_RULE}")
    if _METHOD not in methods:
        raise ProviderError(f"it does not take {_METHOD} (PKCE)")
    if found.end_session_endpoint and not _is_safe(found.end_session_endpoint, issuer):
        return structs.replace(found, end_session_endpoint="")
    return found


def _is_safe(url: str, issuer: str) -> bool:
    """Encrypted, unless the provider itself is on this machine and is not; fit for a header."""
    try:
        rules.document(url)
        rules.origin(_origin(url))
    except ValueError:
        return False
    return url.startswith("https:") or issuer.startswith("http:")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
