"""The facade of the core: messages in, changes out; every question about the present that the API asks.

Synchronous and single-threaded: a question sees the whole state between two batches, so answers are consistent
without locks. The core has no clock: `now_ns` (nanoseconds since 1970 UTC) and `now` (monotonic seconds) are arguments.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from bridge.engine.intake import Intake
from bridge.engine.notes import ElementNote
from bridge.engine.options import Options
from bridge.engine.recall import Recall, Restored
from bridge.engine.returning import Returning
from bridge.space import AddressSpace, Change, Field, Node, Vqt
from bridge.space.browse import Browser
from bridge.space.growth import Growth
from bridge.space.learning.learner import Learner
from bridge.space.leaving.departures import Departures
from bridge.space.liveness import Liveness
from bridge.space.owned.given import Given
from bridge.space.registry import TypeRegistry
from bridge.space.sight import Sight, Sights
from bridge.space.versions import Versions
from bridge.subscriptions import Subscriptions
from bridge.uns import Message, Rejected
from bridge.uns.moments import SECOND
from bridge.uns.policy import Policies
from bridge.uns.routing import Router

# A look of the learner at everything takes seconds in a large space, so it rests after each: many times as long as the
# look took, so that a growing space stays responsive; only as long as that where a young model is not loading; and not
# at all when the last of what the broker has stored seems to have come.
_REST = 20
_SHORT_REST = 1


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
        self._sights = Sights(lambda: self.space.revision)
        self.subscriptions.sight_of = self.sight
        self.liveness = Liveness(self.space.by_topic, options.stale_after, options.broker_grace, options.on_death)
        self.departures = Departures(self.space, options.deletion, options.expire_after)
        self.space.removal.is_monitored = self.subscriptions.is_monitored
        self.space.removal.forget = self._forget
        self._on_gone: Callable[[str, int], None] | None = None
        self._intake = Intake(options, self.space, self.router, self.liveness, self.departures, on_rejected)
        self.counters = self._intake.counters
        self.rejected = self._intake.rejected
        self._recall = Recall(self.space, self.router, self.liveness, self._intake)
        self._options = options
        self._return: Returning | None = None  # since something was put back, until what became of it is told
        self._returning = False  # what was put back waits for the broker
        self._came_back = False  # and the broker is there since the last look
        self._arranged = 0.0  # when the learner's last look was over, in monotonic seconds
        self._look_took = 0.0  # seconds

    def sight(self, filters: Sequence[str]) -> Sight:
        """What somebody sees who may read the topics of some filters; equal filters, one sight."""
        return self._sights.of(filters)

    # --- messages in -----------------------------------------------------------------------------------------------

    def ingest(self, messages: Iterable[Message]) -> list[Change]:
        """Take a batch; the changes it made, in order. Never raises for what a message holds."""
        changes = self._intake.take(messages)
        if changes and self.space.unarranged and not self.space.provisional:
            self.space.arrange(self._intake.received_ns)  # little is new: place it before anybody hears of it
        if len(self.subscriptions):
            self._notify(changes)
        self.departures.carry_out()
        return changes

    @property
    def balance(self) -> int:
        """Messages that were received but have no outcome: always 0."""
        return self._intake.balance

    def _forget(self, node: Node) -> None:
        had_reading = node.reader is not None and not isinstance(node, Field)
        gone_ns = max(node.time_ns, node.doubt_ns, self.received_ns)
        self.liveness.forget(node)
        if self._on_gone is not None and had_reading:
            self._on_gone(node.id, gone_ns)

    # --- an earlier run --------------------------------------------------------------------------------------------

    @property
    def received_ns(self) -> int:
        """When the last message came that changed something."""
        return self._intake.received_ns

    def notes(self, since_ns: int) -> Iterator[Sequence[ElementNote]]:
        """The last readings of all elements that have reported since then, in slices; messages may come in between."""
        return self._recall.notes(since_ns)

    def on_gone(self, hear: Callable[[str, int], None]) -> None:
        """Let somebody hear of each element, by its id, that has lost its reading, and of when: no row that history has
        of it is later, unless it has reported again.
        """
        self._on_gone = hear

    def on_first(self, hear: Callable[[str], None]) -> None:
        """Let somebody hear of each element, by its id, that has its first reading, or has one again."""
        self._intake.on_first = hear

    def on_birth(self, hear: Callable[[Message], None]) -> None:
        """Let somebody hear of each Sparkplug birth, to give it to `restore` in a later run."""
        self._intake.on_birth = hear

    def restore(
        self,
        notes: Iterable[ElementNote],
        now_ns: int,
        newer: Mapping[str, Vqt] = MappingProxyType({}),
        removed: Mapping[str, int] = MappingProxyType({}),
        births: Iterable[Message] = (),
    ) -> Restored:
        """Put back what was noted, before anything comes: doubted until `broker_back`, or its next reading.

        `newer` are the last rows of a history by element id (structured values as they are, or as JSON bytes): they win
        where they are newer, and make elements that have none of the `notes`, unless they are among the `removed`, with
        the time as of which they had gone, and have no row since.
        """
        options = self._options
        self._recall.births(births)
        restored = self._recall.put_back(notes, newer, removed, now_ns)
        if restored.count:
            self.liveness.resume(now_ns)
            self.departures.broker(away=True)
            self.departures.tick(now_ns)  # from then on there was nobody to hear: that is no silence
            self._returning = True
            self._return = Returning()
            self.subscriptions.on_present = self._return.told
            # A model that has not grown does not settle: so it waits for what is new until the broker is there.
            self.space.growth = Growth(int(options.discovery_window * SECOND), options.limits.new_per_minute)
        return restored

    def _notify(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if not change.late and (self._return is None or self._return.is_news(change)):
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
        if self._return is not None and self._return.is_over and not self.liveness.behind:
            self._return = self.subscriptions.on_present = None
        return changes

    @property
    def behind(self) -> bool:
        """Whether the last tick has left something to do."""
        return self.liveness.behind or self.departures.behind

    def broker_lost(self, now_ns: int) -> None:
        """The source has no broker: once the grace time is over, `tick` doubts everything."""
        self.liveness.broker_lost(now_ns)
        self.departures.broker(away=True)

    def broker_back(self, *, session_kept: bool) -> None:
        """The source has its broker again; `session_kept`: nothing was missed, so `tick` ends these doubts."""
        self.liveness.broker_back(session_kept=session_kept)
        self._came_back = self._returning
        if self._return is not None:
            self._return.is_over = True
        self.departures.broker(away=False)

    def arrange(self, now_ns: int, now: float, clock: Callable[[], float]) -> None:
        """Let the learner place what has grown, unless it rests from its last look."""
        space, was_loading = self.space, self.space.growth.loading
        if self._came_back:
            space.growth.grew(now_ns)
            self._returning = self._came_back = False
        space.growth.look(space.size, now_ns)
        if was_loading and not space.growth.loading:
            self._look_took = 0.0
        rest = _SHORT_REST if space.young and not space.growth.loading else _REST
        if (space.unarranged or space.provisional) and now - self._arranged >= rest * self._look_took:
            space.arrange(now_ns)
            self._arranged = clock()
            self._look_took = self._arranged - now
