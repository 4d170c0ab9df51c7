"""What is known about the connection: for `health()`, and for the log.

Each change appears once in the log; a connection that comes and goes, at most once a minute for each reason.
"""

import logging
import time
from collections.abc import Mapping

from paho.mqtt.reasoncodes import ReasonCode

from bridge.logs import Throttle
from bridge.sources.base import Health

log = logging.getLogger("bridge.mqtt")

REMIND_S = 60.0  # between lines about a broker that stays away, or goes again and again, for one reason

_FORGOTTEN = "forgotten"  # the throttle's name for a lost session: no reason of an outage is one word


class Status:
    """The connection's state in words. Written by the source's task only."""

    def __init__(self, broker: str) -> None:
        self._broker = broker
        self._connected = False
        self._since_ns = time.time_ns()
        self._out_since = time.monotonic()
        self._problem: str | None = f"broker {broker}: not connected yet"
        self._filter_problems: tuple[str, ...] = ()
        self._throttle = Throttle(REMIND_S)
        self._told = False  # whether this outage has a line; without one its end has none either
        self._rival_told = False
        self._connects = 0
        self.sessions_lost = 0
        self._resumed = False
        self._version = ""

    def connected(self, version: str, *, resumed: bool) -> None:
        """Connected and subscribed."""
        if self._connects and not resumed:
            self.sessions_lost += 1
            self._warn(_FORGOTTEN, f"broker {self._broker} had forgotten our session: what came meanwhile is lost")
        if self._told or not self._connects:
            after = f" after {time.monotonic() - self._out_since:.0f} s" if self._told else ""
            session = "session resumed" if resumed else "new session"
            log.info("connected to broker %s%s (%s, %s)", self._broker, after, version, session)
        self._connects += 1
        self._resumed = resumed
        self._version = version
        self._problem = None
        self._told = False
        self._turn(connected=True)

    def answered(self, wanted_qos: int, answers: Mapping[str, ReasonCode]) -> None:
        """What the broker said to each filter."""
        problems = []
        for pattern, code in answers.items():
            if code.is_failure:
                problems.append(f"filter {pattern!r} refused by the broker: {str(code).lower()}")
            elif code.value < wanted_qos:
                problems.append(f"filter {pattern!r} granted with QoS {code.value} instead of {wanted_qos}")
        for problem in problems:
            if problem not in self._filter_problems:
                log.error("%s", problem)
        self._filter_problems = tuple(problems)

    def down(self, reason: str) -> None:
        """Not connected (any more), for a reason that goes behind the broker's name."""
        now = time.monotonic()
        self._problem = f"broker {self._broker} {reason}"
        if self._connected:
            self._out_since = now
            self._turn(connected=False)
        away = now - self._out_since
        if self._warn(reason, self._problem + (f" (away for {away:.0f} s)" if away >= REMIND_S else "")):
            self._told = True

    def rival(self, problem: str | None) -> None:
        """What is known about another client with our client id; a sentence is logged once while there is one."""
        if problem is not None and not self._rival_told:
            log.warning("broker %s: %s", self._broker, problem)
        self._rival_told = problem is not None

    def closed(self) -> None:
        """We disconnected."""
        self._problem = None
        self._turn(connected=False)

    def health(self, *, undecodable: int, rival: str | None) -> Health:
        """A snapshot."""
        problems = tuple(text for text in (self._problem, rival) if text) + self._filter_problems
        return Health(
            connected=self._connected,
            since_ns=self._since_ns,
            problems=problems,
            reconnects=max(0, self._connects - 1),
            undecodable=undecodable,
            sessions_lost=self.sessions_lost,
            resumed=self._resumed,
            protocol=self._version,
        )

    def _warn(self, reason: str, text: str) -> bool:
        """Log a warning, if it is time for a line about its reason; whether it was."""
        left_out = self._throttle.admit(reason, time.monotonic())
        if left_out is None:
            return False
        log.warning("%s%s", text, f"; {left_out} more like it since the last line" if left_out else "")
        return True

    def _turn(self, *, connected: bool) -> None:
        self._connected = connected
        self._since_ns = time.time_ns()
