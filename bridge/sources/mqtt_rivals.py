"""Noticing another client with our client id: each connect of one makes the broker throw out the other.

Most MQTT 5 brokers say "session taken over". Others (mosquitto before 2.0.13) just close the connection. After some
short-lived connections we suspect a rival and look for a proof (`Marks`). MQTT 3.1.1 offers none, so there the
suspicion is reported and never a reason to give up.

A reset is what networks do, so it is no sign and nothing to report. But it is a reason to look for a proof all the
same: a broker that throws us out before it has read our acknowledgements resets the connection too.
"""

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from paho.mqtt.reasoncodes import ReasonCode

WINDOW_S = 60.0
FATAL = 3  # times taken over within the window: somebody must yield, and it is us
SUSPICIOUS = 2  # unexplained ends within the window: time to look for a proof
SHORT_S = 10.0  # a connection that ends sooner may have been taken over
MARKS = tuple(f"$bridge/mark/{number}" for number in range(8))  # two clients choose the same ones 1 x in 255


class Rivals:
    """Remembers takeovers. Times are monotonic seconds."""

    def __init__(self, client_id: str) -> None:
        self._client_id = client_id
        self._known: deque[float] = deque()
        self._guessed: deque[float] = deque()
        self._broken: deque[float] = deque()

    def taken_over(self, now: float) -> bool:
        """Another client took our session over; true if that is once too often."""
        self._known.append(now)
        return _recent(self._known, now) >= FATAL

    def ended(self, now: float, lasted: float, *, in_order: bool) -> None:
        """The connection ended after so many seconds, closed by the broker without telling why or broken."""
        if lasted < SHORT_S:
            times = self._guessed if in_order else self._broken
            times.append(now)
            _recent(times, now)

    def suspected(self, now: float) -> bool:
        """Whether to look for a proof."""
        return _recent(self._guessed, now) + _recent(self._broken, now) >= SUSPICIOUS

    def problem(self, now: float) -> str | None:
        """What to tell the operator."""
        remedy = f"client id {self._client_id!r}: give each one its own [mqtt] client_id"
        if times := _recent(self._known, now):
            return f"another client took over our session, {times} x in a minute; it uses the same {remedy}"
        if _recent(self._guessed, now) > SUSPICIOUS:
            return f"connections end after a few seconds, perhaps another client uses the same {remedy}"
        return None


class Session(Protocol):
    """What `Marks` needs of a connection."""

    async def subscribe(self, filters: Sequence[str]) -> Mapping[str, ReasonCode]: ...
    async def unsubscribe(self, filters: Sequence[str]) -> frozenset[str]: ...


class Marks:
    """A proof that somebody else uses our session, for brokers that do not tell.

    Subscriptions belong to the session (MQTT 5, section 4.1), and an UNSUBACK tells which existed (3.11.3). So a
    random choice of filters that match nothing, kept in the session, is found again unless another bridge
    has used the session meanwhile and left its own choice. Finding none, or all, proves nothing: the other one
    may have erased its choice, or the broker may not keep such subscriptions, or not tell.
    """

    def __init__(self, draw: Callable[[int, int], int] = random.randint) -> None:
        self._draw = draw
        self._written: frozenset[str] = frozenset()

    async def check(self, session: Session) -> bool:
        """Whether somebody else has been there since the last check; leaves a new mark."""
        found = await session.unsubscribe(MARKS)
        foreign = bool(self._written) and 0 < len(found) < len(MARKS) and found != self._written
        self._written = frozenset()  # unknown, should the connection end before the answer
        choice = self._draw(1, 2 ** len(MARKS) - 2)  # at least one, not all
        answers = await session.subscribe([mark for bit, mark in enumerate(MARKS) if choice >> bit & 1])
        self._written = frozenset(mark for mark, code in answers.items() if not code.is_failure)
        return foreign

    async def erase(self, session: Session) -> None:
        """Leave the session to the other one, who then has no reason to give up too."""
        await session.unsubscribe(MARKS)


def _recent(times: deque[float], now: float) -> int:
    while times and times[0] <= now - WINDOW_S:
        times.popleft()
    return len(times)
