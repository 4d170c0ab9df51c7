"""Signing in at the provider, from the page: what the page has to know. It is a public client, and has no secret."""

from typing import Any
from urllib.parse import urlsplit

from bridge.access.oidc_provider import Provider
from bridge.config.access import OidcSettings


class Login:
    """The page's login, where [oidc] client_id names the page."""

    def __init__(self, settings: OidcSettings, provider: Provider) -> None:
        self._settings = settings
        self._provider = provider

    async def token_origin(self) -> str:
        """Whom the page asks for tokens; "" while that is not known. Who comes back from the provider when we have just
        started waits for its first answer: without the origin their page could not redeem the code.
        """
        known = await self._provider.first_heard()
        return known.token_origin if known is not None else ""

    async def told(self) -> dict[str, Any]:
        """`metadata` None: the provider does not say how; the log says why."""
        settings = self._settings
        return {
            "name": settings.name or urlsplit(settings.issuer).hostname,
            "clientId": settings.client_id,
            "scopes": settings.scopes,
            "metadata": await self._provider.ways_in(),
        }
