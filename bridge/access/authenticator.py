"""From the headers of a request to a principal.

Taken are a bearer token, a bare token without a scheme (as some clients send it), an API key in a header of its own,
HTTP Basic with a password or a token, and tokens of an identity provider. Whatever is wrong gets the same answer.

A password that has been right is remembered for as long as it is the same, so that a client that sends it with each
request costs a look-up; and so that it goes on working when others behind its address guess.
"""

import asyncio
import base64
import binascii
import hmac
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from bridge.access import tokens
from bridge.access.failures import Failures, network
from bridge.access.principal import Principal
from bridge.access.store import AccessStore, KeptToken, is_good, password_credential
from bridge.errors import Unauthorized
from bridge.logs import Throttle

REFUSAL = "sign in: a bearer token, an API key, or a user name and password is needed"
REMEMBERED = 10_000  # passwords that were right
AT_ONCE = 2  # passwords that are checked side by side: each takes 50 ms of a core and 64 MiB

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
_log = logging.getLogger("bridge.access")


class Provider(Protocol):
    """`bridge.access.oidc.Oidc`."""

    async def principal(self, token: str) -> Principal | None: ...
    def still_good(self, principal: Principal) -> Principal | None: ...


class Authenticator:
    """`key_header` carries API keys. `logins` counts by outcome."""

    def __init__(
        self,
        store: AccessStore,
        key_header: str,
        failures: Failures,
        provider: Provider | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.logins: Counter[str] = Counter({"ok": 0, "failed": 0, "refused": 0})
        self._store = store
        self._key_header = key_header.lower().encode("ascii")
        self._failures = failures
        self._provider = provider
        self._now = now
        self._secret = secrets.token_bytes(32)
        self._right: dict[bytes, str] = {}  # passwords that were right, as a keyed hash, and how they were kept
        self._checking = asyncio.Semaphore(AT_ONCE)
        self._lines = Throttle()

    async def principal(self, headers: Headers, address: str) -> Principal:
        """Who asks. Raises `Unauthorized`, always with the same text; with a time for an address that guesses."""
        credentials = self._credentials(headers)
        if not credentials:
            raise Unauthorized(REFUSAL)
        found = await self._known(credentials[0], address) if len(credentials) == 1 else None
        if found is None:
            raise Unauthorized(REFUSAL, await self._refuse(address))
        self.logins["ok"] += 1
        return found

    def still_good(self, principal: Principal) -> Principal | None:
        """The same principal with what they may do now; None where they have to sign in again."""
        if principal.expires is not None and principal.expires <= time.time():
            return None
        if principal.credential.startswith("oidc/"):
            return self._provider.still_good(principal) if self._provider is not None else None
        return self._store.still_good(principal)

    def _credentials(self, headers: Headers) -> list[tuple[bytes, bytes]]:
        """Scheme in lower case, and what follows; more than one is none."""
        found: list[tuple[bytes, bytes]] = []
        for name, value in headers:
            if name == b"authorization":
                scheme, blank, rest = value.strip().partition(b" ")
                found.append((scheme.lower(), rest.strip()) if blank else (b"", scheme))
            elif name == self._key_header:
                found.append((b"", value.strip()))
        return found

    async def _known(self, credential: tuple[bytes, bytes], address: str) -> Principal | None:
        scheme, text = credential
        match scheme:
            case b"" | b"bearer":
                return self._of_token(text) or await self._of_provider(text)
            case b"basic":
                return await self._of_basic(text, address)
            case _:
                return None

    def _of_token(self, text: bytes, name: str | None = None) -> Principal | None:
        """The owner of one of our own tokens; with a name only if it is theirs."""
        parts = tokens.parsed(text)
        if parts is None:
            return None
        owner, kept = self._store.known.tokens.get(parts[0]) or ("", None)
        if kept is None or not tokens.is_secret_of(parts[1], kept.hash) or not is_good(kept):
            return None
        return self._store.principal(owner, f"token/{kept.id}", _end(kept)) if name in (None, owner) else None

    async def _of_provider(self, text: bytes) -> Principal | None:
        if self._provider is None or text.count(b".") != 2 or not text.isascii():
            return None
        return await self._provider.principal(text.decode("ascii"))

    async def _of_basic(self, text: bytes, address: str) -> Principal | None:
        try:
            name_bytes, colon, password = base64.b64decode(text, validate=True).partition(b":")
            name = name_bytes.decode()
        except (binascii.Error, ValueError):
            return None
        if not colon or len(password) > tokens.MAX_PASSWORD:
            return None
        if tokens.parsed(password) is not None:
            return self._of_token(password, name)
        return await self._of_password(name, password, address)

    async def _of_password(self, name: str, password: bytes, address: str) -> Principal | None:
        key = hmac.digest(self._secret, name.encode() + b"\0" + password, "sha256")
        hashed = self._kept_password(name)
        if hashed is None or self._right.get(key) != hashed:
            async with self._checking:
                if self._failures.wait(address) is not None:
                    return None
                hashed = self._kept_password(name)
                is_right = await asyncio.to_thread(tokens.is_password_of, password, hashed)
            if hashed is None or not is_right:
                return None
            if len(self._right) >= REMEMBERED:
                self._right.clear()
            self._right[key] = hashed
        return self._of_right_password(key, name)

    def _kept_password(self, name: str) -> str | None:
        kept = self._store.known.principals.get(name)
        return kept.password if kept is not None else None

    def _of_right_password(self, key: bytes, name: str) -> Principal | None:
        """None where it has been changed since it was found right, even while it was checked."""
        kept = self._store.known.principals.get(name)
        if kept is None or kept.password != self._right[key]:
            del self._right[key]
            return None
        return self._store.principal(name, password_credential(kept))

    async def _refuse(self, address: str) -> int | None:
        """Wrong: count it, tell it now and then, and let whoever tries wait. Seconds, where it is no use to go on."""
        wait = self._failures.wait(address)
        self.logins["failed" if wait is None else "refused"] += 1
        self._log_wrong(network(address))
        await self._failures.failed(address)
        return wait

    def _log_wrong(self, origin: str) -> None:
        now = self._now()
        for other, count in self._lines.overdue(now):
            _log.warning("wrong credentials from %s: %d more since the last line", other, count)
        left_out = self._lines.admit(origin, now)
        if left_out is not None:
            more = f"; {left_out} more since the last line" if left_out else ""
            _log.warning("wrong credentials from %s%s", origin, more)


def _end(token: KeptToken) -> float | None:
    return token.expires.timestamp() if token.expires is not None else None
