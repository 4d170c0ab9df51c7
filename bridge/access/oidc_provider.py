"""The provider's keys: fetched, kept, and fetched again.

- They are good for `keys_for`; `run` fetches before that, so that nobody waits. Without `run`, whoever asks later does.
- While the provider does not answer, the old ones are used, for a day or `keys_for`, whichever is longer; then there
  are none. Nobody waits for a provider that is known to be away, unless there is no key at all.
- A token that names an unknown key makes us ask, at most every 30 s. Whatever the reason: one fetch at a time, and all
  who need it wait for the same one.
- Where people sign in through the page, its endpoints are fetched with the keys, and kept for as long as we run.

Times are monotonic seconds.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from bridge.access import oidc_fetch, oidc_keys
from bridge.access.oidc_fetch import ProviderError, Visit
from bridge.access.oidc_keys import Key
from bridge.access.oidc_metadata import Metadata, metadata
from bridge.config.access import OidcSettings

UNKNOWN_KEY_S = 30.0  # between fetches because of unknown keys, which anybody can name
AWAY_S = 5.0  # between fetches while there is no key that is fresh
OLD_S = 86_400.0  # that keys are used for while the provider is away
EARLY = 0.8  # of `keys_for`, after which `run` fetches

DISCOVERY = "/.well-known/openid-configuration"  # OpenID Connect Discovery 1.0, section 4

_log = logging.getLogger("bridge.access.oidc")


class _Found(Struct, frozen=True):
    """What a visit brings home; `flaw` is why nobody can sign in through the page."""

    keys: tuple[Key, ...]
    metadata: Metadata | None = None
    flaw: str = ""


class Provider:
    """See the module's text. `metadata` is there once it was told, and only where the page has a login."""

    def __init__(self, settings: OidcSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self.problem = ""  # what is wrong with the provider, for a person
        self.metadata: Metadata | None = None
        self._flaw = ""
        self._settings = settings
        self._clock = clock
        self._keys: tuple[Key, ...] = ()
        self._fetched = self._tried = -float("inf")
        self._fetch: asyncio.Task[None] | None = None  # under way

    async def run(self) -> None:
        """Keep the keys fresh, for ever."""
        while True:
            await self._renew()
            await asyncio.sleep(UNKNOWN_KEY_S if self.problem else self._settings.keys_for * EARLY)

    @property
    def at_hand(self) -> tuple[Key, ...]:
        """The keys, without waiting: the same object as long as they are the same keys."""
        if self._keys and self._clock() - self._fetched > max(OLD_S, self._settings.keys_for):
            self._keys = ()
        return self._keys

    async def keys(self) -> tuple[Key, ...]:
        """The same, fetched first if it is time; none while there are none. Raises nothing."""
        now = self._clock()
        if self._keys and now - self._fetched < self._settings.keys_for:
            return self._keys
        if now - self._tried >= AWAY_S:
            self._begin()
        if self._fetch is not None and not (self.at_hand and self.problem):
            await self._renew()
        return self.at_hand

    async def newer(self) -> tuple[Key, ...]:
        """The keys for a token that names none that we know. Raises nothing."""
        if self._fetch is not None or self._clock() - self._tried >= UNKNOWN_KEY_S:
            await self._renew()
        return self.at_hand

    async def ways_in(self) -> Metadata | None:
        """The metadata, asked for if it is not there and it is time. Raises nothing."""
        if self.metadata is None and (self._fetch is not None or self._clock() - self._tried >= AWAY_S):
            await self._renew()
        return self.metadata

    async def first_heard(self) -> Metadata | None:
        """The metadata, waited for only where the provider has neither answered nor failed yet. Raises nothing."""
        if self.metadata is None and not (self.problem or self._flaw):
            await self._renew()
        return self.metadata

    async def _renew(self) -> None:
        await asyncio.shield(self._fetch or self._begin())  # who gives up takes the fetch from nobody else

    def _begin(self) -> "asyncio.Task[None]":
        if self._fetch is None:
            self._tried = self._clock()
            self._fetch = asyncio.create_task(self._ask(), name="oidc keys")
        return self._fetch

    async def _ask(self) -> None:
        try:
            found = await oidc_fetch.visit(self._settings.ca_file, self._look)
        except ProviderError as error:
            self._tell(str(error))
            return
        finally:
            self._fetch = None
        self._fetched = self._clock()
        if _content(found.keys) != _content(self._keys):
            self._keys = found.keys
            _log.info("keys of %s: %d", self._settings.issuer, len(found.keys))
        self.metadata = found.metadata or self.metadata
        if found.flaw and found.flaw != self._flaw:
            _log.warning("nobody can sign in through the page: %s", found.flaw)
        self._flaw = found.flaw
        self._tell("")

    def _look(self, visit: Visit) -> _Found:
        """In the thread: the keys, wherever they are, and the endpoints, if anybody needs them."""
        url = self._settings.jwks_url
        discovered = None if url else self._discovered(visit)
        keys = self._keys_at(visit, url or _jwks_uri(discovered, self._place))
        if not self._settings.client_id:
            return _Found(keys)
        try:
            return _Found(keys, self._metadata_in(discovered or self._discovered(visit)))
        except ProviderError as error:
            return _Found(keys, flaw=str(error))

    def _metadata_in(self, discovered: Mapping[str, Any]) -> Metadata:
        try:
            return metadata(discovered, self._settings.issuer)
        except ProviderError as error:
            raise ProviderError(f"{self._place}: {error}") from None

    @staticmethod
    def _keys_at(visit: Visit, url: str) -> tuple[Key, ...]:
        document = visit.document(url)
        try:
            return oidc_keys.read(document)
        except ProviderError as error:
            raise ProviderError(f"{visit.shown}: {error}") from None

    @property
    def _place(self) -> str:
        return self._settings.issuer.removesuffix("/") + DISCOVERY

    def _discovered(self, visit: Visit) -> Mapping[str, Any]:
        document = visit.document(self._place)
        told, issuer = document.get("issuer"), self._settings.issuer
        if told != issuer:
            raise ProviderError(f"{self._place}: its issuer is {str(told)[:200]!r}; [oidc] issuer must be the same")
        return document

    def _tell(self, problem: str) -> None:
        if problem and problem != self.problem:
            so = "old keys are used for now" if self.at_hand else "its tokens are refused"
            _log.warning("%s; %s", problem, so)
        if self.problem and not problem:
            _log.info("%s answers again", self._settings.issuer)
        self.problem = problem


def _jwks_uri(discovered: Mapping[str, Any] | None, place: str) -> str:
    url = (discovered or {}).get("jwks_uri")
    if not isinstance(url, str) or not url:
        raise ProviderError(f"{place}: it has no jwks_uri")
    return url


def _content(keys: tuple[Key, ...]) -> set[tuple[str | None, str, frozenset[str]]]:
    return {(key.kid, key.print, key.algorithms) for key in keys}
