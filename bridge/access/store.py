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
were, and is told; one that has gone lets nobody in. No secret is in it, only hashes; it must not be readable by others
all the same.
"""

import fcntl
import logging
import os
import stat
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import tomli_w
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from bridge.access.principal import ANYONE, Principal
from bridge.config import rules
from bridge.errors import ConfigError

NAME = "access.toml"  # in the state directory
LOOK_S = 1.0  # seconds between looks at the file

_log = logging.getLogger("bridge.access")

Filters = Annotated[list[Annotated[str, AfterValidator(rules.mqtt_filter)]], Field(default_factory=list)]


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class KeptToken(_Kept):
    """One token; its secret is nowhere."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    hash: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    created: AwareDatetime
    expires: AwareDatetime | None = None
    note: str = ""


class KeptPrincipal(_Kept):
    """What somebody may do, and how they are known."""

    read: Filters
    write: Filters
    admin: bool = False
    password: Annotated[str, Field(pattern=r"^\$argon2")] | None = None
    token: list[KeptToken] = Field(default_factory=list)


class AccessFile(_Kept):
    """All of the file."""

    principal: dict[str, KeptPrincipal] = Field(default_factory=dict)


class Known(BaseModel):
    """What is looked up: principals, and tokens by id with whose they are."""

    principals: Mapping[str, KeptPrincipal]
    tokens: Mapping[str, tuple[str, KeptToken]]


class AccessStore:
    """The file as it is now; without a path nobody is in it. `clock` is in monotonic seconds."""

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self.problem: str | None = None  # why the file cannot be used, for readiness
        self.changes = 0  # times that it was read
        self._clock = clock
        self._looked = -LOOK_S
        self._stamp: object = None
        self._known = Known(principals={}, tokens={})

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
        if kind == "password" and kept.password is None:
            return None
        return self.principal(principal.name, principal.credential, principal.expires)

    def _look(self) -> None:
        path, stamp = self.path, _stamp_of(self.path)
        if path is None or stamp == self._stamp:
            return
        self._stamp = stamp
        self.changes += 1
        try:
            found = load(path)
        except ConfigError as error:
            self.problem = f"access file: {error}"
            _log.error("%s; what was good before counts", self.problem)
            return
        self.problem = None if stamp is not None else f"access file {path} has gone: nobody can sign in"
        if self.problem is not None:
            _log.error("%s", self.problem)
        tokens = {one.id: (name, one) for name, kept in found.principal.items() for one in kept.token}
        self._known = Known(principals=found.principal, tokens=tokens)


def _is_over(token: KeptToken) -> bool:
    return token.expires is not None and token.expires <= datetime.now(UTC)


def is_good(token: KeptToken) -> bool:
    return not _is_over(token)


def _stamp_of(path: Path | None) -> object:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    if found is None:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def load(path: Path) -> AccessFile:
    """Empty where there is none. Raises `ConfigError`: file, principal, key and what is allowed."""
    try:
        with path.open("rb") as stream:
            if os.name == "posix" and os.fstat(stream.fileno()).st_mode & stat.S_IROTH:
                raise ConfigError([f"{path}: must not be readable by everyone: chmod o-r"])
            raw = tomllib.load(stream)
    except FileNotFoundError:
        return AccessFile()
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except ValueError as error:  # TOML's, and of bytes that are no text
        raise ConfigError([f"{path}: not TOML: {error}"]) from None
    try:
        found = AccessFile.model_validate(raw)
    except ValidationError as error:
        raise ConfigError([f"{path}: {_told(one)}" for one in error.errors(include_url=False)]) from None
    if mistakes := [f"{path}: {line}" for line in _names(found)]:
        raise ConfigError(mistakes)
    return found


def _told(error: Any) -> str:  # noqa: ANN401 - pydantic's own
    where = ".".join(map(str, error["loc"]))
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"


def _names(found: AccessFile) -> Iterator[str]:
    for name in found.principal:
        if problem := name_problem(name):
            yield f"principal {name!r}: {problem}"


def name_problem(name: str) -> str | None:
    """Why somebody cannot be called so."""
    if not name.strip() or not name.isprintable() or len(name) > 256 or ":" in name:
        return "must be a printable name of at most 256 characters without ':'"
    if name == ANYONE.name:
        return "is the name of those who do not sign in"
    return None


@contextmanager
def editing(path: Path) -> Iterator[AccessFile]:
    """The file, to be changed, and written at the end. One editor at a time. Raises `ConfigError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.with_name(f".{path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found = load(path)
            yield found
            _write(path, found)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be written: {error.strerror}"]) from None


def _write(path: Path, content: AccessFile) -> None:
    """Whole or not at all. Its owner stays; a new one is its directory's: the daemon has to read what root writes."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    told = content.model_dump(exclude_none=True)
    text = "# Who may come in, and what they may do. `bridge token` writes this; secrets are kept as hashes.\n\n"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:  # noqa: PTH123
        stream.write(text + tomli_w.dumps(told))
        stream.flush()
        os.fsync(stream.fileno())
    if os.name == "posix":
        like = path if path.exists() else path.parent
        former = like.stat()
        if os.geteuid() == 0 and former.st_uid != 0:
            os.chown(new, former.st_uid, former.st_gid)
        if like is path:
            new.chmod(former.st_mode & 0o770)
    new.replace(path)
