"""The provider's keys: fetched, kept, and fetched again.

- They are good for `keys_for`; `run` fetches before that, so that nobody waits. Without `run`, whoever asks later does.
- While the provider does not answer, the old ones are used, for a day or `keys_for`, whichever is longer; then there
  are none. Nobody waits for a provider that is known to be away, unless there is no key at all.
- A token that names an unknown key makes us ask, at most every 30 s. Whatever the reason: one fetch at a time, and all
  who need it wait for the same one.

Times are monotonic seconds.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from bridge.access import oidc_fetch, oidc_keys
from bridge.access.oidc_fetch import ProviderError, Visit
from bridge.access.oidc_keys import Key
from bridge.config.access import OidcSettings

UNKNOWN_KEY_S = 30.0  # between fetches because of unknown keys, which anybody can name
AWAY_S = 5.0  # between fetches while there is no key that is fresh
OLD_S = 86_400.0  # that keys are used for while the provider is away
EARLY = 0.8  # of `keys_for`, after which `run` fetches

DISCOVERY = "/.well-known/openid-configuration"  # OpenID Connect Discovery 1.0, section 4

_log = logging.getLogger("bridge.access.oidc")


class Provider:
    """See the module's text."""

    def __init__(self, settings: OidcSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self.problem = ""  # what is wrong with the provider, for a person
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
        if _content(found) != _content(self._keys):
            self._keys = found
            _log.info("keys of %s: %d", self._settings.issuer, len(found))
        self._tell("")

    def _look(self, visit: Visit) -> tuple[Key, ...]:
        """In the thread: the keys, wherever they are."""
        url = self._settings.jwks_url or self._discovered(visit)
        document = visit.document(url)
        try:
            return oidc_keys.read(document)
        except ProviderError as error:
            raise ProviderError(f"{visit.shown}: {error}") from None

    def _discovered(self, visit: Visit) -> str:
        issuer = self._settings.issuer
        place = issuer.removesuffix("/") + DISCOVERY
        document = visit.document(place)
        told, url = document.get("issuer"), document.get("jwks_uri")
        if told != issuer:
            raise ProviderError(f"{place}: its issuer is {str(told)[:200]!r}; [oidc] issuer must be the same")
        if not isinstance(url, str) or not url:
            raise ProviderError(f"{place}: it has no jwks_uri")
        return url

    def _tell(self, problem: str) -> None:
        if problem and problem != self.problem:
            so = "old keys are used for now" if self.at_hand else "its tokens are refused"
            _log.warning("%s; %s", problem, so)
        if self.problem and not problem:
            _log.info("%s answers again", self._settings.issuer)
        self.problem = problem


def _content(keys: tuple[Key, ...]) -> set[tuple[str | None, str, frozenset[str]]]:
    return {(key.kid, key.print, key.algorithms) for key in keys}
