"""The file that a model is kept in: written all or not at all, and put aside where it cannot be used."""

import os
import threading
from collections.abc import Iterable
from pathlib import Path

from bridge.space.learning.remembered import Memory
from bridge.state.document import Header, Unusable, packed, unpacked

NAME = "model.json.gz"
SIDE_FILES = ("-wal", "-shm")  # what SQLite has beside a file
KEPT_BROKEN = 3  # files put aside: enough to see what happened, not enough to fill a disk


class Store:
    """A directory, which is made when it is needed. What fails raises `OSError`."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / NAME
        self._part = directory / f"{NAME}.part"
        self._writing = threading.Lock()  # two that write at once would mix their bytes
        self._aside: list[Path] = []  # files put aside

    def read(self) -> tuple[Header, Memory] | None:
        """The model that was written last; None where there is none. Raises `Unusable`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        return unpacked(data)

    def write(self, header: Header, memory: Memory) -> int:
        """All of it or nothing, whatever happens meanwhile; the number of bytes."""
        data = packed(header, memory)
        with self._writing:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            self._part.replace(self.path)
            _sync(self.path.parent)
        return len(data)

    def put_aside(self, now: str) -> Path:
        """Keep a file that cannot be used under another name."""
        aside = put_aside(self.path, now, self._aside)
        self._aside.append(aside)
        return aside


def put_aside(path: Path, now: str, spared: Iterable[Path] = ()) -> Path:
    """Keep a file under another name, for people to look at; the oldest of many go, with what belongs to them, but for
    those that are spared. An empty file takes nobody's place.
    """
    aside = _unused(path.with_name(f"{path.name}.broken-{now}"))
    path.replace(aside)
    broken = sorted(path.parent.glob(f"{path.name}.broken-*"))
    files = [one for one in broken if not one.name.endswith(SIDE_FILES)]
    kept = {aside, *spared, *[one for one in files if one.stat().st_size][-KEPT_BROKEN:]}
    names = {f"{one.name}{suffix}" for one in kept for suffix in ("", *SIDE_FILES)}
    for old in broken:
        if old.name not in names:
            old.unlink()
    return aside


def _unused(path: Path) -> Path:
    """A name that no file has: nothing that was put aside is overwritten."""
    found, number = path, 1
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}.{number}")
    return found


def _sync(directory: Path) -> None:
    """The new name of a file is on the disk only when its directory is."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


__all__ = ["Header", "Store", "Unusable"]
