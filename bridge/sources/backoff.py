"""How long to wait before the next attempt to connect, in seconds; jitter spreads many clients."""

import random
from collections.abc import Callable

BASE = 1.5  # the longest wait grows by half with each failure,
LONGEST_S = 30.0  # up to this: a broker that comes back is found within it
HOPELESS_S = (15.0, 30.0)  # after a refusal that only a person can change


class Backoff:
    """Counts failures. `uniform(low, high)` draws the wait."""

    def __init__(self, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._uniform = uniform
        self._failures = 0
        self._range = (0.0, 0.0)  # the first attempt need not wait

    def wait(self) -> float:
        """Seconds to wait now."""
        return self._uniform(*self._range)

    def failed(self, *, hopeless: bool = False) -> None:
        """An attempt failed, or a connection was of no use; `hopeless`: it will not get better by itself."""
        self._failures += 1
        self._range = HOPELESS_S if hopeless else (0.0, min(LONGEST_S, BASE ** min(self._failures, 100)))

    def worked(self) -> None:
        """A connection was of use: begin anew."""
        self._failures = 0
        self._range = (0.0, 1.0)
