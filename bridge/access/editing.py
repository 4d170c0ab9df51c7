"""Changes to the access file, by one editor at a time. Whoever reads it sees it as before or as after them.

`bridge token` may be root while the daemon is not, and has to read what root has written. So files belong to whom their
directory belongs. They are given away by their descriptors: a path in another's directory may be a link by then.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tomli_w

from bridge.access.store import AccessFile, load
from bridge.errors import ConfigError

_TITLE = "# Who may come in, and what they may do. `bridge token` writes this; secrets are kept as hashes.\n\n"


@contextmanager
def editing(path: Path) -> Iterator[AccessFile]:
    """The file, to be changed, and written at the end. Raises `ConfigError`."""
    try:
        path = Path(os.path.realpath(path))  # what a link leads to, rather than the link
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_name(f".{path.name}.lock")):
            found = load(path)
            yield found
            _write(path, found)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be written: {error.strerror}"]) from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _give_away(descriptor, path.parent)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, content: AccessFile) -> None:
    """Whole or not at all. Owner and group stay; the mode too, without what is open to everyone."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as stream:  # noqa: PTH123 - of a descriptor
        stream.write(_TITLE + tomli_w.dumps(content.model_dump(exclude_none=True)))
        stream.flush()
        like = path if path.exists() else path.parent
        _give_away(descriptor, like)
        if like is path:
            os.fchmod(descriptor, like.stat().st_mode & 0o660)
        os.fsync(descriptor)
    new.replace(path)


def _give_away(descriptor: int, like: Path) -> None:
    """To the owner of something else. Only root can, and not what has another name elsewhere: it may be root's own."""
    there, own = like.stat(), os.fstat(descriptor)
    if os.geteuid() == 0 and own.st_nlink == 1 and (own.st_uid, own.st_gid) != (there.st_uid, there.st_gid):
        os.fchown(descriptor, there.st_uid, there.st_gid)
