"""Whether whoever asks has to say who they are: decided once, at the start, and never less strict afterwards."""

import time
from pathlib import Path

from bridge.access.authenticator import Authenticator
from bridge.access.failures import Failures
from bridge.access.oidc import Oidc
from bridge.access.store import NAME, AccessStore
from bridge.config import Settings
from bridge.config.rules import is_loopback
from bridge.errors import StartError

_REMEDY = (
    'make a principal with `bridge token new NAME --read "#"`, name an identity provider in [oidc], '
    'or let everybody in with [auth] mode = "off"'
)


def access_path(settings: Settings) -> Path | None:
    """Where the access file is, or would be."""
    directory = settings.state.directory
    return settings.auth.file or (directory / NAME if directory is not None else None)


class Access:
    """What the daemon needs to know: `authenticator` None: nobody has to sign in."""

    def __init__(self, store: AccessStore | None, oidc: Oidc | None, authenticator: Authenticator | None) -> None:
        self.store = store
        self.oidc = oidc
        self.authenticator = authenticator

    @property
    def problem(self) -> str | None:
        """For readiness: something that keeps people out."""
        if self.store is None or self.authenticator is None:
            return None
        _ = self.store.known  # looks at the file, at most once a second
        return self.store.problem


def access_of(settings: Settings) -> Access:
    """Raises `StartError` for an access file that cannot be used, and where nobody could sign in."""
    said, path = settings.auth, access_path(settings)
    if said.mode == "off":
        return Access(None, None, None)
    store = AccessStore(path) if path is not None else None
    oidc = Oidc(settings.oidc, settings.grant) if settings.oidc.issuer else None
    principals = store.known.principals if store is not None else {}
    if store is not None and store.problem is not None:
        raise StartError(store.problem)
    if not principals and oidc is None:
        if said.mode == "on":
            raise StartError(f'[auth] mode = "on", but nobody could sign in: {_REMEDY}')
        if settings.proxy.trusted:
            raise StartError(f"[proxy] trusted: everybody who comes through it could read: {_REMEDY}")
        if not is_loopback(settings.api.host):
            raise StartError(f'[api] host = "{settings.api.host}": everybody who reaches it could read: {_REMEDY}')
        return Access(None, None, None)
    failures = Failures(said.failures, time.monotonic)
    store = store or AccessStore(None)
    return Access(store, oidc, Authenticator(store, said.key_header, failures, oidc))


def hindrance(settings: Settings) -> str | None:
    """Why the daemon would not start with these settings, as far as signing in goes."""
    try:
        access_of(settings)
    except StartError as error:
        return f"the daemon does not start: {error}"
    return None
