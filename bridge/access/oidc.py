"""Principals from an identity provider's tokens: JWTs (RFC 7519) that the provider signed for us.

A token is good if one of the provider's keys signed it with an algorithm that is allowed for that key, and issuer,
audience and times fit. Whether it is an access token or an ID token is not told apart: the audience decides. Principals
are called `oidc:` and what the name claim says; they expire when the token does, the leeway included.

Good tokens are remembered by their hash until they end or the provider's keys change, so a client that sends its token
with each request costs a look-up. Why a token is refused is counted, and told to the log; nobody else learns it.
"""

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jwt
import msgspec
from jwt import exceptions as faults
from msgspec import Struct, structs

from bridge.access import oidc_claims, oidc_keys
from bridge.access.oidc_keys import Key
from bridge.access.oidc_login import Login
from bridge.access.oidc_provider import Provider
from bridge.access.principal import Principal
from bridge.config.access import GrantSettings, OidcSettings
from bridge.logs import Throttle

MAX_TOKEN = 16 * 1024  # characters; tokens that list many groups have some thousands
REMEMBERED = 10_000  # tokens

# What a token is refused for.
REASONS = {
    "too-large": f"longer than {MAX_TOKEN} characters",
    "malformed": "not a JWT that can be read",
    "algorithm": "signed with an algorithm that [oidc] algorithms does not name, or not for its key",
    "no-keys": "the provider's keys are not there",
    "unknown-key": "signed with a key that the provider does not show",
    "signature": "the signature is wrong",
    "issuer": "another issuer than [oidc] issuer",
    "audience": "for none of [oidc] audience",
    "expired": "expired",
    "not-yet": "not valid yet: are the clocks right?",
    "name": "[oidc] name_claim is not there, or no name",
}

_FAULTS: Mapping[type[faults.PyJWTError], str] = {
    faults.InvalidSignatureError: "signature",
    faults.InvalidAlgorithmError: "algorithm",
    faults.InvalidIssuerError: "issuer",
    faults.InvalidAudienceError: "audience",
}
_MISSING = {"iss": "issuer", "aud": "audience"}

_log = logging.getLogger("bridge.access.oidc")


class _Refused(Exception):
    """`str()` is one of `REASONS`."""


class _Header(Struct):
    alg: str
    kid: str | None = None
    crit: Any = None  # extensions that must be understood; we know none


class Oidc:
    """See the module's text. `now` is in seconds since 1970 UTC, `clock` in monotonic seconds."""

    def __init__(
        self,
        settings: OidcSettings,
        grants: Sequence[GrantSettings],
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.reasons: Counter[str] = Counter()  # why tokens were refused
        self._settings = settings
        self._grants = tuple(grants)
        self._now = now
        self._clock = clock
        self._provider = Provider(settings, clock)
        self.login = Login(settings, self._provider) if settings.client_id else None
        self._keys: tuple[Key, ...] = ()  # that the remembered ones are good with
        self._known: dict[bytes, Principal] = {}
        self._lines = Throttle()

    @property
    def problem(self) -> str:
        """What is wrong with the provider, for whoever asks whether we are ready; else ""."""
        return f"identity provider: {self._provider.problem}" if self._provider.problem else ""

    async def run(self) -> None:
        """Keep the provider's keys fresh, for ever; without it, tokens that come too late wait for them."""
        await self._provider.run()

    async def principal(self, token: str) -> Principal | None:
        """Whom a token is of; None for one that is not good."""
        try:
            return await self._principal(token)
        except _Refused as error:
            self._count(str(error))
            return None

    def still_good(self, principal: Principal) -> Principal | None:
        """A principal of ours as long as their token has not ended, and the provider still shows its key."""
        _, _, key = principal.credential.rpartition("/")[0].partition("/")
        is_shown = any(key == known.print for known in self._provider.at_hand)
        return principal if is_shown and self._now() < (principal.expires or 0) else None

    async def _principal(self, token: str) -> Principal:
        header, digest = _looked_at(token)
        if header.alg not in self._settings.algorithms:
            raise _Refused("algorithm")
        keys = await self._provider.keys()
        if keys is not self._keys:
            self._keys = keys
            self._known.clear()
        found = self._known.get(digest)
        if found is None:
            found = self._verified(token, await self._key(header, keys), digest)
            self._remember(digest, found)
        elif self._now() >= (found.expires or 0):
            del self._known[digest]
            raise _Refused("expired")
        return found

    async def _key(self, header: _Header, keys: Sequence[Key]) -> Key:
        found = oidc_keys.pick(keys, header.kid, header.alg)
        if found is None and keys and not oidc_keys.is_known(keys, header.kid):
            keys = await self._provider.newer()
            found = oidc_keys.pick(keys, header.kid, header.alg)
        if found is None:
            known = oidc_keys.is_known(keys, header.kid)
            raise _Refused(("algorithm" if known else "unknown-key") if keys else "no-keys")
        return found

    def _verified(self, token: str, key: Key, digest: bytes) -> Principal:
        claims = self._claims(token, key)
        leeway = self._settings.leeway
        if reason := oidc_claims.untimely(claims, self._now(), leeway):
            raise _Refused(reason)
        name = oidc_claims.name(claims, self._settings.name_claim)
        if name is None:
            raise _Refused("name")
        return structs.replace(
            oidc_claims.granted(name, claims, self._grants),
            expires=claims["exp"] + leeway,
            credential=f"oidc/{key.print}/{digest.hex()[:16]}",
        )

    def _claims(self, token: str, key: Key) -> dict[str, Any]:
        """Signature, issuer and audience by the library; times by us, whose clock can be set."""
        try:
            return jwt.decode(
                token,
                key.public,
                algorithms=[name for name in self._settings.algorithms if name in key.algorithms],
                issuer=self._settings.issuer,
                audience=self._settings.audience,
                options={"require": ["exp"], "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except faults.MissingRequiredClaimError as error:
            reason = _MISSING.get(error.claim, "malformed")
        except faults.PyJWTError as error:
            reason = _FAULTS.get(type(error), "malformed")
        except (ValueError, RecursionError):
            reason = "malformed"
        raise _Refused(reason)

    def _remember(self, digest: bytes, principal: Principal) -> None:
        if self._keys is not self._provider.at_hand:
            return  # verified with keys that have changed meanwhile; the next request begins anew
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[digest] = principal

    def _count(self, reason: str) -> None:
        self.reasons[reason] += 1
        left_out = self._lines.admit(reason, self._clock())
        if left_out is None:
            _log.debug("token refused: %s", REASONS[reason])
            return
        more = f"; {left_out} more since the last line" if left_out else ""
        _log.info("token refused: %s%s", REASONS[reason], more)


def _looked_at(token: str) -> tuple[_Header, bytes]:
    """The header, and the hash of the whole."""
    if len(token) > MAX_TOKEN:
        raise _Refused("too-large")
    first, *others = token.split(".")
    try:
        raw = token.encode("ascii")
        header = msgspec.json.decode(jwt.utils.base64url_decode(first), type=_Header)
    except (ValueError, RecursionError):
        raise _Refused("malformed") from None
    if len(others) != 2 or header.crit is not None:
        raise _Refused("malformed")
    return header, hashlib.sha256(raw).digest()
