"""A provider's public keys (JWKS, RFC 7517), each with what it may verify.

Which algorithm a key is for is a matter of the key, never of the token: so a public key is no HMAC secret, and an RSA
key verifies nothing that claims to be signed with a curve. What cannot be used is left out: encryption keys, secrets,
weak and broken keys.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from jwt.algorithms import AllowedPublicKeys, ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import PyJWTError
from msgspec import Struct

from bridge.access.oidc_fetch import ProviderError

MAX_KEYS = 100
LEAST_RSA_BITS = 2_048  # RFC 7518, 3.3

_RSA = frozenset(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"))
_FITTING: Mapping[tuple[str, str], frozenset[str]] = {  # key type, curve → algorithms
    ("RSA", ""): _RSA,
    ("EC", "P-256"): frozenset(("ES256",)),
    ("EC", "P-384"): frozenset(("ES384",)),
    ("EC", "P-521"): frozenset(("ES512",)),
    ("OKP", "Ed25519"): frozenset(("EdDSA",)),
    ("OKP", "Ed448"): frozenset(("EdDSA",)),
}
_READERS = {"RSA": RSAAlgorithm.from_jwk, "EC": ECAlgorithm.from_jwk, "OKP": OKPAlgorithm.from_jwk}


class Key(Struct, frozen=True):
    """`print` names the key by its content, whatever the provider calls it."""

    kid: str | None
    algorithms: frozenset[str]
    public: AllowedPublicKeys
    print: str


class _Jwk(Struct):
    """A member of the set. Of a private key, which must not be there, only the public part is read."""

    kty: str
    kid: str | None = None
    alg: str | None = None
    use: str | None = None
    key_ops: list[str] | None = None
    crv: str = ""
    n: str = ""
    e: str = ""
    x: str = ""
    y: str = ""


def read(document: Mapping[str, Any]) -> tuple[Key, ...]:
    """The usable keys of a set, at least one. Raises `ProviderError`."""
    members = document.get("keys")
    if not isinstance(members, list):
        raise ProviderError('no "keys", as a JSON web key set has')
    if len(members) > MAX_KEYS:
        raise ProviderError(f"{len(members)} keys; at most {MAX_KEYS} are looked at")
    found = tuple(key for member in members if (key := _key(member)) is not None)
    if not found:
        raise ProviderError(f"none of its {len(members)} keys can verify a token")
    return found


def pick(keys: Sequence[Key], kid: str | None, algorithm: str) -> Key | None:
    """The key that a token names; without a name, the only one that fits."""
    fitting = [key for key in keys if algorithm in key.algorithms and kid in (None, key.kid)]
    return None if not fitting or (kid is None and len(fitting) > 1) else fitting[0]


def is_known(keys: Iterable[Key], kid: str | None) -> bool:
    """Whether asking the provider again would tell nothing new."""
    return any(kid in (None, key.kid) for key in keys)


def _key(member: object) -> Key | None:
    try:
        jwk = msgspec.convert(member, _Jwk)
        algorithms = _FITTING.get((jwk.kty, jwk.crv), frozenset()) & _meant(jwk)
        if not algorithms:
            return None
        public = _READERS[jwk.kty]({name: value for name, value in _material(jwk).items() if value})
        weak = jwk.kty == "RSA" and getattr(public, "key_size", 0) < LEAST_RSA_BITS
    except (msgspec.ValidationError, PyJWTError, ValueError, UnsupportedAlgorithm):
        return None
    return None if weak else Key(jwk.kid, algorithms, public, _print(jwk))  # type: ignore[arg-type]  # no private part


def _meant(jwk: _Jwk) -> frozenset[str]:
    """The algorithms that the provider lets the key be used with; all, where it says nothing."""
    for_signatures = jwk.use in (None, "sig") and (jwk.key_ops is None or "verify" in jwk.key_ops)
    if not for_signatures:
        return frozenset()
    return frozenset((jwk.alg,)) if jwk.alg is not None else frozenset().union(*_FITTING.values())


def _material(jwk: _Jwk) -> dict[str, str]:
    return {"kty": jwk.kty, "crv": jwk.crv, "n": jwk.n, "e": jwk.e, "x": jwk.x, "y": jwk.y}


def _print(jwk: _Jwk) -> str:
    return hashlib.sha256(msgspec.json.encode(_material(jwk))).hexdigest()[:16]
