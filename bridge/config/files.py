"""Files that settings name: they must be there, readable, and secrets must not be open to everyone."""

import errno
import os
import stat
from pathlib import Path

from pydantic import ValidationInfo

SECRET_BYTES = 65_535  # nothing longer fits into MQTT's CONNECT


def readable(value: object, info: ValidationInfo) -> Path | None:
    """A file that can be read; a relative path starts at the configuration file's directory.

    Without a configuration file it starts at the current directory.
    """
    if value is None:
        return None
    wanted = "must be a file that can be read"
    path = _absolute(value, info, "must be the path of a file", wanted)
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
        if regular:  # opening a pipe would wait for its writer
            path.open("rb").close()
    except OSError as error:
        raise ValueError(f"{wanted}: {error.strerror}") from None
    if not regular:
        raise ValueError("must be a regular file")
    return path


def optional(value: object, info: ValidationInfo) -> Path | None:
    """A readable file, or "" for none."""
    return None if value == "" else readable(value, info)


def directory(value: object, info: ValidationInfo) -> Path | None:
    """A directory that can be written, or made; "" for none. It is not made here: to look changes nothing.

    Who keeps nothing there (`keeps` of the context) may not be allowed to write, such as an operator who asks.
    """
    if value is None or value == "":
        return None
    wanted = "must be a directory that can be written"
    path = _absolute(value, info, "must be the path of a directory", wanted)
    if not (info.context or {}).get("keeps", False):
        return path
    try:
        there = next(place for place in (path, *path.parents) if place.exists())
    except OSError as error:
        raise ValueError(f"{wanted}: {error.strerror}") from None
    if not there.is_dir():
        raise ValueError(f"{wanted}: {os.strerror(errno.ENOTDIR)}")
    if not os.access(there, os.W_OK | os.X_OK):
        is_read_only = os.statvfs(there).f_flag & os.ST_RDONLY
        raise ValueError(f"{wanted}: {os.strerror(errno.EROFS if is_read_only else errno.EACCES)}")
    return path


def place(value: object, info: ValidationInfo) -> Path | None:
    """Where a file is, or will be; "" for its default place."""
    if value is None or value == "":
        return None
    return _absolute(value, info, "must be the path of a file", "must be the path of a file")


def _absolute(value: object, info: ValidationInfo, kind: str, wanted: str) -> Path:
    """A path from where the configuration file is."""
    if not isinstance(value, str | Path) or not str(value) or "\0" in str(value):
        raise ValueError(kind)
    start: Path = (info.context or {}).get("directory", Path())
    try:
        return (start / Path(value).expanduser()).absolute()
    except RuntimeError:  # pathlib's word for "~stranger"
        raise ValueError(f"{wanted}: No such user") from None


def private(value: object, info: ValidationInfo) -> Path | None:
    """A readable file that not every user of the machine can read."""
    path = readable(value, info)
    if path is not None and os.name == "posix" and path.stat().st_mode & stat.S_IROTH:
        raise ValueError("must not be readable by everyone: chmod o-r")
    return path


def holds_secret(value: object, info: ValidationInfo) -> Path | None:
    """A private file with a password in it."""
    path = private(value, info)
    if path is not None:
        secret(path)
    return path


def secret(path: Path) -> str:
    """The text of a secret file, without the newline that editors put at its end."""
    with path.open("rb") as stream:
        raw = stream.read(SECRET_BYTES + 1)
    try:
        text = raw.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("must hold UTF-8 text") from None
    if not text or len(raw) > SECRET_BYTES:
        raise ValueError(f"must hold a password of 1 to {SECRET_BYTES} bytes")
    return text
