"""Sparkplug rebirth requests, sent: all that the bridge ever publishes, and only where `[mqtt] rebirth` allows it.

At QoS 0 the broker does not tell whether we may publish, and some end the connection of a client that may not
(mosquitto 2.0.11 is one of them). So when a connection ends soon after a request, none is made for a while, and for a
longer one if that happens again: losing the connection is worse than values that wait for the next birth.
"""

import logging

from bridge.logs import Throttle
from bridge.sources.base import Publishing
from bridge.uns.sparkplug_rebirths import EdgeNode, Rebirths, request

SUSPECT = 10.0  # seconds: a connection that ends so soon after a request may have ended because of it
PAUSE = 600.0  # seconds without requests after that, doubled when it happens again: other causes would have passed
LONGEST_PAUSE = 86_400.0  # seconds; a broker that is to allow it now would be expected to notice within a day
QUIET = 60.0  # seconds between two lines about requests
NAME_CHARACTERS = 200  # of an edge node in a line; it may have 65,535

_LINE = "requests"  # the throttle's name for them
_ENDED = (
    "the connection ended %.0f s after a Sparkplug rebirth request: no more of them for %.0f minutes; "
    "may the bridge publish to spBv1.0/+/NCMD/+? If not, set [mqtt] rebirth = false"
)

_log = logging.getLogger("bridge.mqtt")


class RebirthRequests:
    """See the module's text. To be looked at about once a second; `now` is in monotonic seconds."""

    def __init__(self, rebirths: Rebirths, source: Publishing) -> None:
        self._rebirths = rebirths
        self._source = source
        self._last: tuple[float, int] | None = None  # when the last request was made, and the connection's number
        self._resume = 0.0  # when requests may be made again
        self._pause = PAUSE
        self._lines = Throttle(QUIET)

    def look(self, now: float, now_ns: int) -> None:
        """Ask whom it is time to ask."""
        health = self._source.health()
        if self._last is not None and (not health.connected or health.reconnects != self._last[1]):
            self._ended(now - self._last[0], now)
            self._last = None
        for _, left_out in self._lines.overdue(now):
            _log.info("asked %d more Sparkplug edge nodes for their births since the last line", left_out)
        if not health.connected or now < self._resume:
            return
        for edge in self._rebirths.due(now):
            message = request(edge, now_ns)
            if self._source.publish(message):
                self._last = now, health.reconnects
                self._tell(edge, now)

    def _ended(self, since: float, now: float) -> None:
        if since > SUSPECT:
            self._pause = PAUSE
            return
        _log.warning(_ENDED, since, self._pause / 60)
        self._resume = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _tell(self, edge: EdgeNode, now: float) -> None:
        left_out = self._lines.admit(_LINE, now)
        if left_out is not None:
            name = "/".join(edge)[:NAME_CHARACTERS]
            more = f"; {left_out} more since the last line" if left_out else ""
            _log.info("asked Sparkplug edge node %r for its births, which explain its data%s", name, more)
