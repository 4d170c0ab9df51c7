"""Telling the broker's stored copies from live messages.

A subscription makes the broker send what it has stored, all at once and each marked *retain*. With MQTT
3.1.1 nothing else bears that mark. With MQTT 5 we ask for *retain as published* (section 3.3.1.3), so live
messages bear it too, and only the time tells: stored copies come in one burst around the SUBACK, once for
each filter that matches.
"""

import math
from collections.abc import Callable

QUIET_S = 1.0  # without a stored copy: the burst is over
LONGEST_S = 30.0  # a plant whose live messages all say retain would prolong the burst for ever


class Burst:
    """One connection's burst of stored copies. Times are monotonic seconds."""

    def __init__(self, copies: Callable[[str], int], *, flag_suffices: bool) -> None:
        """`copies` tells how many subscriptions match a topic; `flag_suffices` is true for MQTT 3.1.1."""
        self._copies = copies
        self._flag_suffices = flag_suffices
        self._until = self._latest = -math.inf
        self._seen: dict[str, int] = {}

    def expect(self) -> None:
        """We are about to subscribe: copies may come even before the SUBACK (section 3.8.4)."""
        self._until = self._latest = math.inf

    def subscribed(self, now: float) -> None:
        """The SUBACK is here."""
        self._until, self._latest = now + QUIET_S, now + LONGEST_S

    def stored(self, topic: str, now: float) -> bool:
        """Whether a message that arrived with *retain* is a stored copy."""
        if self._flag_suffices:
            return True
        if now >= self._until:
            self._seen.clear()
            return False
        count = self._seen.get(topic, 0) + 1
        self._seen[topic] = count
        if count > self._copies(topic):
            return False
        self._until = min(max(self._until, now + QUIET_S), self._latest)
        return True
