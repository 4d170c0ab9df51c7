"""One bridge a directory: two that write one state would each undo what the other has written."""

import fcntl
import logging
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from bridge.errors import StartError

NAME = "bridge.lock"

_log = logging.getLogger("bridge.state")


class Lock:
    """Held from `take` until `release`, or until the process ends, however it does. The file itself says nothing."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / NAME
        self._descriptor: int | None = None

    def take(self) -> Self:
        """Raises `StartError` where another bridge holds it. A directory that cannot be written to is no reason not to
        start: then it is not held.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            _log.warning("%s: cannot be locked: %s; see to it that no other bridge uses it", self.path, error.strerror)
            return self
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise StartError(
                f"another bridge uses the directory {self.path.parent}; stop it, or set another [state] directory"
            ) from None
        except OSError as error:  # a network file system without locks, say
            os.close(descriptor)
            _log.warning("%s: cannot be locked: %s; see to it that no other bridge uses it", self.path, error.strerror)
            return self
        self._descriptor = descriptor
        return self

    def release(self) -> None:
        """Again does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
