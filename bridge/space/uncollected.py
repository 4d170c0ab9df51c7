"""Work that makes very many objects at once: the garbage collector would look through them again and again."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Collecting garbage meanwhile costs more than the work itself and finds nothing: little is left, or all is."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
