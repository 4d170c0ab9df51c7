"""Noticing another client with our client id: each connect of one makes the broker throw out the other."""

from collections import deque

WINDOW_S = 60.0
FATAL = 3  # times taken over within the window: somebody must yield, and it is us
SHORT_S = 10.0  # a connection that ends sooner may have been taken over


class Rivals:
    """Remembers takeovers. Times are monotonic seconds.

    MQTT 5 brokers say "session taken over". MQTT 3.1.1 brokers just close the connection, so there it is a
    guess after several short-lived connections: reported, but never a reason to give up.
    """

    def __init__(self, client_id: str) -> None:
        self._client_id = client_id
        self._known: deque[float] = deque()
        self._guessed: deque[float] = deque()

    def taken_over(self, now: float) -> bool:
        """The broker said that another client took our session over; true if that is once too often."""
        self._known.append(now)
        return self._recent(self._known, now) >= FATAL

    def closed(self, now: float, lasted: float) -> None:
        """The broker closed the connection after so many seconds without telling why."""
        if lasted < SHORT_S:
            self._guessed.append(now)
            self._recent(self._guessed, now)

    def problem(self, now: float) -> str | None:
        """What to tell the operator."""
        remedy = f"client id {self._client_id!r}: give each one its own [mqtt] client_id"
        if times := self._recent(self._known, now):
            return f"another client took over our session, {times} x in a minute; it uses the same {remedy}"
        if self._recent(self._guessed, now) >= FATAL:
            return f"connections end after a few seconds, perhaps another client uses the same {remedy}"
        return None

    @staticmethod
    def _recent(times: deque[float], now: float) -> int:
        while times and times[0] <= now - WINDOW_S:
            times.popleft()
        return len(times)
