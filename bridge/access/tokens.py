"""Tokens and passwords: how they are made, kept and compared.

A token is `i3x_ID_SECRET`: the id finds it, the secret has 256 random bits, so that one round of SHA-256 keeps it safe.
Passwords are chosen by people: they are kept as argon2id, which is slow on purpose.
"""

import hashlib
import hmac
import re
import secrets

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct

PREFIX = "i3x"
_ID_BYTES, _SECRET_BYTES = 6, 32
_TOKEN = re.compile(rb"i3x_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_SCHEME = "sha256:"
_KEPT_ID, _KEPT_HASH = re.compile(r"[0-9a-f]{12}"), re.compile(_SCHEME + r"[0-9a-f]{64}")
MAX_PASSWORD = 1_024  # bytes

_hasher = PasswordHasher()
_NOBODY = _hasher.hash(secrets.token_hex(16))  # what a password of an unknown name is compared with


class NewToken(Struct, frozen=True):
    """`text` is shown once; what is kept is the other two."""

    id: str
    text: str
    hash: str


def new_token() -> NewToken:
    ident, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    return NewToken(ident, f"{PREFIX}_{ident}_{secret}", hashed(secret.encode()))


def hashed(secret: bytes) -> str:
    return _SCHEME + hashlib.sha256(secret).hexdigest()


def parsed(token: bytes) -> tuple[str, bytes] | None:
    """Id and secret; None for what is no token of ours."""
    found = _TOKEN.fullmatch(token)
    return (found[1].decode("ascii"), found[2]) if found else None


def is_secret_of(secret: bytes, kept: str) -> bool:
    """In the same time, right or wrong."""
    return hmac.compare_digest(hashed(secret).encode(), kept.encode())


def kept_id(text: str) -> str:
    """For the access file; as are the next two. Raises `ValueError`."""
    if not _KEPT_ID.fullmatch(text):
        raise ValueError("must be what `bridge token new` writes: 12 digits 0-9 and a-f")
    return text


def kept_hash(text: str) -> str:
    if not _KEPT_HASH.fullmatch(text):
        raise ValueError('must be what `bridge token new` writes: "sha256:" and 64 digits, never the token itself')
    return text


def kept_password(text: str) -> str:
    try:
        extract_parameters(text)
    except InvalidHashError:
        raise ValueError("must be what `bridge token password` writes: a hash, never the password itself") from None
    return text


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def is_password_of(password: bytes, kept: str | None) -> bool:
    """Slow, about 50 ms: for a thread. Of nobody (None) as slow, and always wrong."""
    try:
        _hasher.verify(kept or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None
