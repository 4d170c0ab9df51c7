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
from bridge.space.learning.learner import Learner
from bridge.space.leaving.departures import Departures
from bridge.space.liveness import Liveness
from bridge.space.merging import merge
from bridge.space.owned.given import Given
from bridge.space.registry import TypeRegistry
from bridge.space.versions import Versions
from bridge.subscriptions import SubscriptionLimits, Subscriptions
from bridge.uns import GOOD, UNCERTAIN, Message, Reading, Rejected
from bridge.uns.moments import SECOND
from bridge.uns.policy import Policies, Rule
from bridge.uns.routing import Router

# A look of the learner at everything takes seconds in a large space, so it rests after each: many times as long as the
# look took, so that a growing space stays responsive; only as long as that where a young model is not loading; and not
# at all when the last of what the broker has stored seems to have come.
_REST = 20
_SHORT_REST = 1


class Options(Struct, frozen=True):
    """What the core needs to know of the configuration."""

    levels: Sequence[str] = ()
    namespace: str = ""
    aspects: Sequence[str] = ()
    discovery_window: float = 10.0  # seconds
    zone: tzinfo = UTC  # of times that name none
    future_tolerance: float = 300.0  # seconds
    max_payload: int = 262_144  # bytes
    stale_after: float = 0.0  # seconds of silence after which a value is doubted; 0 never
    broker_grace: float = 30.0  # seconds that a lost broker is forgiven
    on_death: str = "bad"  # quality of what a last will covers: "bad", "uncertain" or "keep"
    deletion: str = "keep"  # what an empty retained payload does to an element: "keep" or "remove"
    expire_after: float = 0.0  # seconds of silence after which an element is let go; 0 never
    guess_units: bool = False  # from names
    instances: int = 10_000  # members of one collection, before the oldest are let go
    rules: Sequence[Rule] = ()  # what holds for the topics of some filters
    widen_after: float = 60.0  # seconds that a new attribute of a settled type is an extension first
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
        self.router = Router(policies, zone, options.max_payload)
        learner = Learner(
            registry,
            options.levels,
            options.aspects,
            options.limits.fields,
            policies,
            lore=self.router,
            widen_after_ns=int(options.widen_after * SECOND),
            youth_ns=int(options.discovery_window * SECOND),
            guess_units=options.guess_units,
        )
        self.space = AddressSpace(registry, learner, options.limits, zone, int(options.discovery_window * SECOND))
        if policies:
            self.space.watchers.insert(0, Given(self.space, policies))
        self.versions = Versions(self.space)
        self.browse = Browser(self.space)
        self.subscriptions = Subscriptions(self.space.nodes, zone, options.subscriptions, self.space.links.aliases)
        self.liveness = Liveness(self.space.by_topic, options.stale_after, options.broker_grace, options.on_death)
        self.departures = Departures(self.space, options.deletion, options.expire_after, options.instances)
        self.space.removal.is_monitored = self.subscriptions.is_monitored
        self.space.removal.forget = self.liveness.forget
        self.counters = Counters()
        self.rejected: Counter[str] = Counter()
        self._tolerance = options.future_tolerance
        self._near_ns = int(_least_tolerance(options) * SECOND)
        self._on_rejected = on_rejected
        self._arranged = 0.0  # when the learner's last look was over, in monotonic seconds
        self._look_took = 0.0  # seconds

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
        if changes and self.space.unarranged and not self.space.provisional:
            self.space.arrange(message.received_ns)  # little is new: place it before anybody hears of it
        if len(self.subscriptions):
            self._notify(changes)
        self.departures.carry_out()
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
            if reading.raw_topic is not None:
                self.space.raw_topics[node.id] = reading.raw_topic
        received_ns, quality = message.received_ns, reading.quality
        said_ns = time_ns = reading.time_ns or 0
        if not said_ns:
            time_ns = received_ns
            if message.replayed and node.reported and _says_the_same(node, reading):
                return self._confirmed(node, changes)
        elif time_ns > received_ns + self._near_ns and self._is_too_far(node, time_ns - received_ns):
            said_ns, time_ns = 0, received_ns
            self.counters.skewed += 1
            if quality is GOOD:
                quality = UNCERTAIN
        elif said_ns <= node.said_ns and (said_ns < node.said_ns or _says_the_same(node, reading)):
            return self._take_late(node, reading, time_ns, received_ns, changes)
        if reading.historical or reading.transient:
            return self._take_late(node, reading, time_ns, received_ns, changes)
        misfit = self._fits(node, reading, received_ns)
        if misfit is not None:
            return misfit
        node.value, node.quality, node.time_ns = reading.value, quality, time_ns
        node.said_ns, node.received_ns, node.attributes = said_ns, received_ns, reading.attributes
        if node.doubt or message.replayed:
            self.liveness.heard(node, changes, replayed=message.replayed)
        else:
            changes.append(Change(node, reading.value, quality, time_ns))
        if node.listener is not None:
            node.listener(node, reading, changes)
        return None

    def _is_too_far(self, node: Node, ahead_ns: int) -> bool:
        """Whether a time that is so far ahead of its receipt is not believed."""
        said = self.router.policies.of(node.topic).future_tolerance
        return ahead_ns > int((self._tolerance if said is None else said) * SECOND)

    def _first_report(self, node: Node, received_ns: int) -> None:
        """A node gets a payload of its own: what is decided once for each topic is decided now."""
        self.space.first_report(node)
        node.policy = self.router.policies.of(node.topic)
        node.reader = self.router.hand_over(node.topic)
        self.space.descriptions.reported(node)
        self.liveness.begin(node, received_ns)
        self.departures.begin(node, received_ns)

    def _fits(self, node: Node, reading: Reading, received_ns: int) -> Rejected | None:
        """Let the space look at what is new about a reading; why it is not to be taken, if so."""
        space = self.space
        if reading.value is not None:
            shape = bytes if reading.binary else reading.shape  # base64 is a string, but of another type
            if shape is not node.shape_now and shape != node.shape_now:
                if reading.malformed and node.shape is not None:
                    return _MALFORMED
                if node.reader is None:
                    self._first_report(node, received_ns)
                    if reading.hint is not None:
                        space.hinted(node, reading.hint)  # so that no type is made for what is said to be of another
                elif node.policy.merge == "deep":
                    shape = merge(node, reading)
                space.show(node, reading.value, shape, received_ns, binary=reading.binary)
        elif not node.reported and reading.deleted:
            return _DUPLICATE
        else:
            self._take_null(node, reading, received_ns)
        if reading.hint is not None and reading.hint is not node.hint and reading.hint != node.hint:
            space.hinted(node, reading.hint)
        if reading.unit is not None and reading.unit != node.unit:
            space.set_unit(node, reading.unit)
        if reading.description is not None:
            node.description = reading.description
        return None

    def _take_null(self, node: Node, reading: Reading, received_ns: int) -> None:
        """There is no value: nothing is shown, but what was shown before may be gone, or a kind be declared."""
        if node.reader is None:
            self._first_report(node, received_ns)
        elif node.value is not None:
            self.space.emptied(node)
        if reading.deleted:
            self.departures.deleted(node)
        if reading.declared is not None and node.shape is None:
            self.space.declared(node, reading.declared, received_ns)

    def _take_late(
        self, node: Node, reading: Reading, time_ns: int, received_ns: int, changes: list[Change]
    ) -> Rejected | None:
        """Not newer than the current value: the same again is a duplicate, anything else belongs to history only, where
        it conforms to its type as well.
        """
        if time_ns == node.said_ns and _says_the_same(node, reading):
            return self._confirmed(node, changes)
        self.counters.late += 1
        shape = bytes if reading.binary else reading.shape
        if reading.value is not None and shape != node.shape_now and node.reported and not reading.malformed:
            self.space.recall(node, reading.value, shape, received_ns, binary=reading.binary)
        changes.append(Change(node, reading.value, reading.quality, time_ns, late=True))
        return None

    def _confirmed(self, node: Node, changes: list[Change]) -> Rejected:
        """The same again is no news, but it may end a doubt."""
        if node.doubt:
            self.liveness.confirm(node, changes)
        return _DUPLICATE

    def _notify(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if not change.late:
                self.subscriptions.changed(change.node, change.value, change.quality, change.time_ns)
        self.subscriptions.flush()

    # --- time passes -----------------------------------------------------------------------------------------------

    def tick(self, now_ns: int, now: float, clock: Callable[[], float]) -> list[Change]:
        """About once a second: arrange what has grown, settle the model, delete deserted subscriptions; and doubt what
        has been silent for too long: the changes that this makes. While `behind`, another tick is due soon.
        """
        self.arrange(now_ns, now, clock)
        changes = [*self.liveness.tick(now_ns), *self.versions.update(now_ns)]
        if len(self.subscriptions):
            self._notify(changes)
        self.subscriptions.sweep(now)
        self.departures.tick(now_ns)
        return changes

    @property
    def behind(self) -> bool:
        """Whether the last tick has left something to do."""
        return self.liveness.behind or self.departures.behind

    def broker_lost(self, now_ns: int) -> None:
        """The source has no broker: once the grace time is over, `tick` doubts everything."""
        self.liveness.broker_lost(now_ns)

    def broker_back(self, *, session_kept: bool) -> None:
        """The source has its broker again; `session_kept`: nothing was missed, so `tick` ends these doubts."""
        self.liveness.broker_back(session_kept=session_kept)

    def arrange(self, now_ns: int, now: float, clock: Callable[[], float]) -> None:
        """Let the learner place what has grown, unless it rests from its last look."""
        space, was_loading = self.space, self.space.growth.loading
        space.growth.look(space.size, now_ns)
        if was_loading and not space.growth.loading:
            self._look_took = 0.0
        rest = _SHORT_REST if space.young and not space.growth.loading else _REST
        if (space.unarranged or space.provisional) and now - self._arranged >= rest * self._look_took:
            space.arrange(now_ns)
            self._arranged = clock()
            self._look_took = self._arranged - now

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


def _least_tolerance(options: Options) -> float:
    """Seconds that are not too far ahead for any topic."""
    said = [rule.said.get("future_tolerance") for rule in options.rules]
    tolerances: list[float] = [options.future_tolerance, *(seconds for seconds in said if seconds is not None)]
    return min(tolerances)


_DUPLICATE = Rejected("duplicate")
_MALFORMED = Rejected("malformed-json", "looks like JSON, is not; the last value stays")
_NO_VALUE = Rejected("no-value", "a command, a state or a birth without values")

__all__ = ["Change", "Counters", "Engine", "Options"]
