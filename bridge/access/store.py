"""The access file: who may come in, and what they may do. Written by `bridge token`, and by hand.

    [principal.scada]
    read = ["acme/#"]
    write = ["acme/+/setpoints/#"]
    admin = false
    password = "$argon2id$…"

    [[principal.scada.token]]
    id = "3f9a…"
    hash = "sha256:…"
    created = 2026-11-28T03:00:00Z
    expires = 2027-11-28T03:00:00Z

It is looked at about once a second, and read again when it has changed. One that cannot be used leaves things as they
were, is told, and tried again; one that has gone lets nobody in. No secret is in it, only hashes; it must not be open
to others all the same.
"""

import hashlib
import logging
import os
import stat
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from msgspec import Struct
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from bridge.access import tokens
from bridge.access.principal import ANYONE, Principal
from bridge.config import rules
from bridge.errors import ConfigError

NAME = "access.toml"  # in the state directory
LOOK_S = 1.0  # seconds between looks at the file
_UNKNOWN = "unknown"  # how the file looks that has not been read
OPEN_TO_ALL = stat.S_IROTH | stat.S_IWOTH  # who could write it could let themselves in

_log = logging.getLogger("bridge.access")

Filters = Annotated[list[Annotated[str, AfterValidator(rules.mqtt_filter)]], Field(default_factory=list)]


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class KeptToken(_Kept):
    """One token; its secret is nowhere."""

    id: Annotated[str, AfterValidator(tokens.kept_id)]
    hash: Annotated[str, AfterValidator(tokens.kept_hash)]
    created: AwareDatetime
    expires: AwareDatetime | None = None
    note: str = ""


class KeptPrincipal(_Kept):
    """What somebody may do, and how they are known."""

    read: Filters
    write: Filters
    admin: bool = False
    password: Annotated[str, AfterValidator(tokens.kept_password)] | None = None
    token: list[KeptToken] = Field(default_factory=list)


class AccessFile(_Kept):
    """All of the file."""

    principal: dict[str, KeptPrincipal] = Field(default_factory=dict)


class Known(Struct, frozen=True):
    """What is looked up: principals, and tokens by id with whose they are."""

    principals: Mapping[str, KeptPrincipal]
    tokens: Mapping[str, tuple[str, KeptToken]]


class AccessStore:
    """The file as it is now; without a path nobody is in it. `clock` is in monotonic seconds."""

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self.problem: str | None = None  # why the file cannot be used, for readiness
        self._clock = clock
        self._looked = -LOOK_S
        self._stamp: object = None
        self._known = Known({}, {})

    @property
    def known(self) -> Known:
        """As of the last second."""
        now = self._clock()
        if now - self._looked >= LOOK_S:
            self._looked = now
            self._look()
        return self._known

    def principal(self, name: str, credential: str = "", expires: float | None = None) -> Principal | None:
        """What somebody may do now."""
        kept = self.known.principals.get(name)
        if kept is None:
            return None
        return Principal(name, tuple(kept.read), tuple(kept.write), kept.admin, expires, credential)

    def still_good(self, principal: Principal) -> Principal | None:
        """The same principal with what they may do now; None where the credential is not good any more."""
        kept = self.known.principals.get(principal.name)
        kind, _, ident = principal.credential.partition("/")
        if kept is None or (kind == "token" and all(one.id != ident or _is_over(one) for one in kept.token)):
            return None
        if kind == "password" and principal.credential != password_credential(kept):
            return None
        return self.principal(principal.name, principal.credential, principal.expires)

    def _look(self) -> None:
        path, stamp = self.path, _stamp_of(self.path)
        if path is None or (stamp == self._stamp and stamp != _UNKNOWN):
            return
        try:
            found = load(path)
        except ConfigError as error:  # tried again at the next look: what keeps us from reading may go by itself
            self._stamp = _UNKNOWN
            self._tell(f"access file: {error}", "; what was good before counts")
            return
        self._stamp = stamp
        has_gone = stamp is None and self._known.principals
        self._tell(f"access file {path} has gone: nobody can sign in" if has_gone else None)
        by_id = {one.id: (name, one) for name, kept in found.principal.items() for one in kept.token}
        self._known = Known(found.principal, by_id)

    def _tell(self, problem: str | None, consequence: str = "") -> None:
        """Once for as long as it is the same."""
        if problem is not None and problem != self.problem:
            _log.error("%s%s", problem, consequence)
        self.problem = problem


def password_credential(kept: KeptPrincipal) -> str:
    """Names the password that somebody has now: another one gets another name, although it may be the same word."""
    return f"password/{hashlib.sha256((kept.password or '').encode()).hexdigest()[:16]}"


def _is_over(token: KeptToken) -> bool:
    return token.expires is not None and token.expires <= datetime.now(UTC)


def is_good(token: KeptToken) -> bool:
    return not _is_over(token)


def _stamp_of(path: Path | None) -> object:
    """None only where there is no file: one that cannot be looked at may have somebody in it."""
    if path is None:
        return None
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError:
        return _UNKNOWN
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino  # ctime: its mode has changed


def load(path: Path) -> AccessFile:
    """Empty where there is none. Raises `ConfigError`: file, principal, key and what is allowed."""
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for its writer
            raise ConfigError([f"{path}: must be a regular file"])
        with path.open("rb") as stream:
            if os.name == "posix" and os.fstat(stream.fileno()).st_mode & OPEN_TO_ALL:
                raise ConfigError([f"{path}: must not be open to everyone: chmod o-rw"])
            raw = tomllib.load(stream)
    except FileNotFoundError:
        return AccessFile()
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except (ValueError, RecursionError) as error:  # TOML's, of bytes that are no text, of a thousand brackets
        raise ConfigError([f"{path}: not TOML: {error}"]) from None
    try:
        found = AccessFile.model_validate(raw)
    except ValidationError as error:
        raise ConfigError([f"{path}: {_told(one)}" for one in error.errors(include_url=False)]) from None
    if mistakes := [f"{path}: {line}" for line in _mistakes(found)]:
        raise ConfigError(mistakes)
    return found


def _told(error: Any) -> str:  # noqa: ANN401 - pydantic's own
    where = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"{where}: is no key here: there are {_KEYS[len(error['loc'])]}"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"


def _keys(kind: type[BaseModel]) -> str:
    *first, last = kind.model_fields
    return f"{', '.join(first)} and {last}"


# What may stand at each depth: the file, a principal, a token.
_KEYS = {1: "[principal.NAME] tables only", 3: _keys(KeptPrincipal), 5: _keys(KeptToken)}


def _mistakes(found: AccessFile) -> Iterator[str]:
    """Those that one value alone does not show."""
    owners: dict[str, str] = {}
    for name, kept in found.principal.items():
        if problem := name_problem(name):
            yield f"principal {name!r}: {problem}"
        for token in kept.token:
            if (owner := owners.setdefault(token.id, name)) != name:
                yield f"principal {name}: token {token.id} is {owner}'s, too: make one with `bridge token new`"


def name_problem(name: str) -> str | None:
    """Why somebody cannot be called so."""
    if not name.strip() or not name.isprintable() or len(name) > 256 or ":" in name:
        return "must be a printable name of at most 256 characters without ':'"
    if name == ANYONE.name:
        return "is the name of those who do not sign in"
    return None
