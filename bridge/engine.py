"""The facade of the core: messages in, changes out; every question about the present that the API asks.

Synchronous and single-threaded: a question sees the whole state between two batches, so answers are consistent
without locks. The core has no clock: `now_ns` (nanoseconds since 1970 UTC) and `now` (monotonic seconds) are arguments.

Every received message is counted exactly once: `received = stored + duplicate + rejected` (reliability.md; nothing is
unacknowledged inside the core).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, tzinfo

from msgspec import Struct

from bridge.space import AddressSpace, Change, Limits, Node
from bridge.space.browse import Browser
from bridge.space.learner import Learner
from bridge.space.node import UNCONFIRMED
from bridge.space.types import TypeRegistry
from bridge.subscriptions import SubscriptionLimits, Subscriptions
from bridge.uns import GOOD, UNCERTAIN, Message, Reading, Rejected
from bridge.uns.moments import SECOND
from bridge.uns.policy import Policies, Rule
from bridge.uns.routing import Router

_ARRANGE_SHARE = 20  # arranging may take one part in so many of the time, so that a growing space stays responsive


class Options(Struct, frozen=True):
    """What the core needs to know of the configuration."""

    levels: Sequence[str] = ()
    namespace: str = ""
    aspects: Sequence[str] = ()
    discovery_window: float = 10.0  # seconds
    zone: tzinfo = UTC  # of times that name none
    future_tolerance: float = 300.0  # seconds
    max_payload: int = 262_144  # bytes
    rules: Sequence[Rule] = ()  # what holds for the topics of some filters
    limits: Limits = Limits()
    subscriptions: SubscriptionLimits = SubscriptionLimits()


class Counters(Struct):
    """Messages by outcome, and what was noticed about them."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    late: int = 0  # readings older than the current value; among the stored
    skewed: int = 0  # readings from the future, taken at the time of receipt


class Engine:
    """See the module's text. `rejected` counts messages by reason; `on_rejected` hears of each with its topic."""

    def __init__(self, options: Options, on_rejected: Callable[[Message, Rejected], None] | None = None) -> None:
        zone = options.zone
        policies = Policies(options.rules)
        registry = TypeRegistry(options.namespace, options.limits.fields)
        learner = Learner(registry, options.levels, options.aspects, options.limits.fields, policies)
        self.space = AddressSpace(registry, learner, options.limits, zone, int(options.discovery_window * SECOND))
        self.browse = Browser(self.space)
        self.subscriptions = Subscriptions(self.space.nodes, zone, options.subscriptions)
        self.router = Router(policies, zone, options.max_payload)
        self.counters = Counters()
        self.rejected: Counter[str] = Counter()
        self._tolerance_ns = int(options.future_tolerance * SECOND)
        self._on_rejected = on_rejected
        self._arrange_after = 0.0

    # --- messages in -----------------------------------------------------------------------------------------------

    def ingest(self, messages: Iterable[Message]) -> list[Change]:
        """Take a batch; the changes it made, in order. Never raises for what a message holds."""
        changes: list[Change] = []
        counters, by_topic, read = self.counters, self.space.by_topic, self.router.read
        for message in messages:
            counters.received += 1
            known = by_topic.get(message.topic)
            reading = read(message) if known is None or known.reader is None else known.reader(message)
            outcome: Rejected | None
            if isinstance(reading, Reading):
                outcome = self._take(reading, message, changes)
            elif isinstance(reading, list):
                outcome = self._take_all(reading, message, changes)
            else:
                outcome = reading
            if outcome is None:
                counters.stored += 1
            elif outcome is _DUPLICATE:
                counters.duplicate += 1
            else:
                self._reject(message, outcome)
        if changes and self.space.unarranged and not self.space.young:
            self.space.arrange(message.received_ns)  # little is new: place it before anybody hears of it
        if len(self.subscriptions):
            self._notify(changes)
        return changes

    def _reject(self, message: Message, why: Rejected) -> None:
        self.rejected[why.reason] += 1
        if self._on_rejected is not None:
            self._on_rejected(message, why)

    def _take_all(self, readings: Sequence[Reading], message: Message, changes: list[Change]) -> Rejected | None:
        """Several readings of one message: it is stored if one of them is, else what the last of them is."""
        outcome: Rejected | None = _NO_VALUE
        stored = False
        for reading in readings:
            outcome = self._take(reading, message, changes)
            stored = stored or outcome is None
        return None if stored else outcome

    def _take(self, reading: Reading, message: Message, changes: list[Change]) -> Rejected | None:
        """One reading: None where it was stored, else why not."""
        node = self.space.by_topic.get(reading.topic)
        if node is None:
            found = _DUPLICATE if reading.deleted else self.space.ensure(reading.topic, message.received_ns)
            if isinstance(found, Rejected):
                return found
            node = found
        received_ns, quality = message.received_ns, reading.quality
        said_ns = time_ns = reading.time_ns or 0
        doubt = 0
        if not said_ns:
            time_ns = received_ns
            if message.replayed:
                doubt = UNCONFIRMED
        elif time_ns > received_ns + self._tolerance_ns:
            said_ns, time_ns = 0, received_ns
            self.counters.skewed += 1
            if quality is GOOD:
                quality = UNCERTAIN
        elif said_ns <= node.said_ns and (said_ns < node.said_ns or _says_the_same(node, reading)):
            return self._take_late(node, reading, time_ns, changes)
        if reading.historical or reading.transient:
            return self._take_late(node, reading, time_ns, changes)
        if not self._fits(node, reading, received_ns):
            return _MALFORMED
        node.value, node.quality, node.time_ns = reading.value, quality, time_ns
        node.said_ns, node.received_ns, node.attributes = said_ns, received_ns, reading.attributes
        node.doubt = doubt
        changes.append(Change(node, reading.value, quality, time_ns) if not doubt else Change(node, *node.doubted()))
        if node.listener is not None:
            node.listener(node, reading, changes)
        return None

    def _first_report(self, node: Node) -> None:
        """A node gets a payload of its own: what is decided once for each topic is decided now."""
        self.space.first_report(node)
        node.policy = self.router.policies.of(node.topic)
        node.reader = self.router.reader(node.topic)

    def _fits(self, node: Node, reading: Reading, received_ns: int) -> bool:
        """Let the space look at what is new about a reading; False where it is a damaged version of what it was."""
        space = self.space
        if reading.value is not None:
            shape = bytes if reading.binary else reading.shape  # base64 is a string, but of another type
            if shape is not node.shape_now and shape != node.shape_now:
                if reading.malformed and node.shape is not None:
                    return False
                if not node.reported:
                    self._first_report(node)
                space.show(node, reading.value, shape, received_ns, binary=reading.binary)
        elif not node.reported:
            self._first_report(node)
        if reading.unit is not None and reading.unit != node.unit:
            space.set_unit(node, reading.unit)
        if reading.description is not None:
            node.description = reading.description
        return True

    def _take_late(self, node: Node, reading: Reading, time_ns: int, changes: list[Change]) -> Rejected | None:
        """Not newer than the current value: the same again is a duplicate, anything else belongs to history only."""
        if time_ns == node.said_ns and _says_the_same(node, reading):
            return _DUPLICATE
        self.counters.late += 1
        changes.append(Change(node, reading.value, reading.quality, time_ns, late=True))
        return None

    def _notify(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if not change.late:
                self.subscriptions.changed(change.node, change.value, change.quality, change.time_ns)
        self.subscriptions.flush()

    # --- time passes -----------------------------------------------------------------------------------------------

    def tick(self, now_ns: int, now: float, clock: Callable[[], float]) -> None:
        """About once a second: arrange what has grown, settle the model, delete deserted subscriptions."""
        self.arrange(now_ns, now, clock)
        self.subscriptions.sweep(now)

    def arrange(self, now_ns: int, now: float, clock: Callable[[], float]) -> None:
        """Let the learner place what has grown, unless it has just taken more than its share of the time."""
        if (self.space.unarranged or self.space.young) and now >= self._arrange_after:
            self.space.arrange(now_ns)
            took = clock() - now
            self._arrange_after = now + took * _ARRANGE_SHARE

    # --- invariants ------------------------------------------------------------------------------------------------

    @property
    def balance(self) -> int:
        """Messages that were received but have no outcome: always 0."""
        counters = self.counters
        return counters.received - counters.stored - counters.duplicate - sum(self.rejected.values())


def _says_the_same(node: Node, reading: Reading) -> bool:
    """Whether a reading repeats a node's value and quality; 1, 1.0 and true are three values."""
    same = reading.value == node.value and reading.quality == node.quality
    return same and type(reading.value) is type(node.value)


_DUPLICATE = Rejected("duplicate")
_MALFORMED = Rejected("malformed-json", "looks like JSON, is not; the last value stays")
_NO_VALUE = Rejected("no-value", "a command, a state or a birth without values")

__all__ = ["Change", "Counters", "Engine", "Options"]
