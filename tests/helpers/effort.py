"""CPU time of a piece of work, as far as that can be told on a machine that does other things too."""

import gc
import time
from collections.abc import Callable


def cpu_s(work: Callable[[], object], times: int = 3) -> float:
    """The least CPU time of this thread that `work` takes, in seconds, of so many times.

    The garbage of everything that ran before in this process is not collected meanwhile: that is no cost of the work.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        return min(_once(work) for _ in range(times))
    finally:
        if enabled:
            gc.enable()


def _once(work: Callable[[], object]) -> float:
    started = time.thread_time()
    work()
    return time.thread_time() - started
