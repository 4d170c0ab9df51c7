"""What the daemon could not use or keep, in the log: one line a minute for each reason, with the count since the last.

Rejected messages are told as they come, with the topic of one of them; what is only counted (updates, fields, times) is
looked at by the daemon's ticker. Times are monotonic seconds.
"""

import logging
from collections.abc import Callable, Iterator

from bridge.engine import Engine
from bridge.explain import Rejections
from bridge.ledger import BEHIND, Ledger
from bridge.logs import Throttle
from bridge.space.learning.drift import Drift
from bridge.uns import Message, Rejected

QUIET = 60.0  # seconds between two lines about the same reason
TOPIC_CHARACTERS = 200  # of a topic in a line; it may have 65,535

_DROPPED = "%d updates dropped, because a queue was full: clients that sync learn of the gap; [subscriptions] queue"
_SKEWED = "%d readings came from the future and got their time of receipt: check the clocks; [model] future_tolerance"
_REFUSED = "%d times a field was not made an element; limit: [limits] %s"
_UNLINKED = {
    "relationships": "%d relationships of the model file were not made: there are too many",
    "aliases": "%d aliases of the model file were not made: there are too many",
    "places": "%d aliases of the model file have no place: another element has it; name more levels in its path",
}
_CROWDED = "%d elements let go, the longest silent of large collections; [limits] instances and elements"
_SHED = "%d messages of QoS 0 are missing in history, because the disk was behind; see /readyz"
_DRIFT = "type %s: %s (element %s)%s; all of it: /drift"
_EXPECTED = frozenset({"command", "ignored", "no-value"})  # nothing is wrong: only counted
_SETTINGS = {"new-elements": "new_per_minute"}  # reasons that are not named like the setting behind them

_log = logging.getLogger("bridge.daemon")


class Losses:
    """See the module's text."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.rejections = Rejections()  # the last of each topic, for whoever asks
        self._lines = Throttle(QUIET)
        self._told: dict[str, tuple[float, int]] = {}  # line → when it was last told, and the total then

    def rejected(self, message: Message, why: Rejected) -> None:
        """Tell of a message that could not be used, if it is time for a line about its reason."""
        self.rejections.note(message, why)
        if why.reason in _EXPECTED:
            return
        left_out = self._lines.admit(why.reason, self._clock())
        if left_out is None:
            return
        topic, detail = message.topic[:TOPIC_CHARACTERS], why.detail or why.reason
        more = f"; {left_out} more like it since the last line" if left_out else ""
        _log.warning("rejected (%s): topic %r: %s%s", why.reason, topic, detail, more)

    def look(self, engine: Engine, ledger: Ledger) -> None:
        """Tell what has been counted since the last line of its kind, and how floods of rejections ended."""
        now = self._clock()
        for reason, left_out in self._lines.overdue(now):
            _log.warning("rejected (%s): %d more since the last line", reason, left_out)
        for text, total in _totals(engine, ledger):
            at, told = self._told.get(text, (now - QUIET, 0))
            if total > told and now - at >= QUIET:
                _log.warning(text, total - told)
                self._told[text] = (now, total)
        self._look_at_drift(engine.space.registry.drift, now)

    def _look_at_drift(self, drift: Drift, now: float) -> None:
        """Settled types were widened or exceeded: which one last, by what and where, and how often since."""
        at, told = self._told.get(_DRIFT, (now - QUIET, 0))
        if drift.latest is None or drift.total <= told or now - at < QUIET:
            return
        event, more = drift.latest, drift.total - told - 1
        text = f"; {more} more changes of types since the last line" if more else ""
        _log.warning(_DRIFT, event.type_id, event.what, event.element_id[:TOPIC_CHARACTERS], text)
        self._told[_DRIFT] = (now, drift.total)


def _totals(engine: Engine, ledger: Ledger) -> Iterator[tuple[str, int]]:
    """The line for each count, with a place for the number, and the count since the start."""
    yield _DROPPED, engine.subscriptions.dropped_total
    yield _SHED, ledger.rejected[BEHIND]
    yield _SKEWED, engine.counters.skewed
    yield _CROWDED, engine.space.removal.removed["crowded"]
    for reason, total in engine.space.refused.items():
        yield _REFUSED.replace("%s", _SETTINGS.get(reason, reason)), total
    for reason, total in engine.space.links.refused.items():
        yield _UNLINKED[reason], total
