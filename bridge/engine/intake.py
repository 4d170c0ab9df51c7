"""The way of a message into the core: from what it says to what has changed.

Every received message is counted exactly once: `received = stored + duplicate + rejected` (reliability.md; nothing is
unacknowledged inside the core). A reading that is older than the current value belongs to history only; the same again
is a duplicate; a time too far ahead is not believed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct, structs

from bridge.engine.former import shown_first
from bridge.engine.notes import ElementNote
from bridge.engine.options import Options
from bridge.space import AddressSpace, Change, Node
from bridge.space.learning.vocabulary import Vocabulary
from bridge.space.leaving.departures import Departures
from bridge.space.liveness import Liveness
from bridge.space.merging import merge
from bridge.uns import GOOD, UNCERTAIN, Message, Reading, Rejected
from bridge.uns.moments import SECOND
from bridge.uns.payload import structure
from bridge.uns.routing import Router

_DUPLICATE = Rejected("duplicate")
_MALFORMED = Rejected("malformed-json", "looks like JSON, is not; the last value stays")
_NO_VALUE = Rejected("no-value", "a state or a birth without values")


class Counters(Struct):
    """Messages by outcome, and what was noticed about them."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    late: int = 0  # readings older than the current value; among the stored
    skewed: int = 0  # readings from the future, taken at the time of receipt


class Intake:
    """`rejected` counts messages by reason; `on_rejected` hears of each; `received_ns` is when the last one came.

    `on_birth` may be set to hear of each Sparkplug birth: what data messages mean is only said there; `on_first` to
    hear of each element, by its id, that has its first reading, or its first since it had gone.
    """

    def __init__(
        self,
        options: Options,
        space: AddressSpace,
        router: Router,
        liveness: Liveness,
        departures: Departures,
        on_rejected: Callable[[Message, Rejected], None] | None,
    ) -> None:
        self.counters = Counters()
        self.rejected: Counter[str] = Counter()
        self.received_ns = 0
        self.on_birth: Callable[[Message], None] | None = None
        self.on_first: Callable[[str], None] | None = None
        self._space = space
        self._router = router
        self._liveness = liveness
        self._departures = departures
        self._tolerance = options.future_tolerance
        self._near_ns = int(_least_tolerance(options) * SECOND)
        self._on_rejected = on_rejected

    def take(self, messages: Iterable[Message]) -> list[Change]:
        """Take a batch; the changes it made, in order. Never raises for what a message holds."""
        changes: list[Change] = []
        counters, by_topic, read = self.counters, self._space.by_topic, self._router.read
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
        if changes:
            self.received_ns = message.received_ns
        return changes

    @property
    def balance(self) -> int:
        """Messages that were received but have no outcome: always 0."""
        counters = self.counters
        return counters.received - counters.stored - counters.duplicate - sum(self.rejected.values())

    def _reject(self, message: Message, why: Rejected) -> None:
        self.rejected[why.reason] += 1
        if self._on_rejected is not None:
            self._on_rejected(message, why)

    def _take_all(self, readings: Sequence[Reading], message: Message, changes: list[Change]) -> Rejected | None:
        """Several readings of one message: it is stored if one of them is, else what the last of them is."""
        if self.on_birth is not None and is_birth(message.topic):
            self.on_birth(message)
        outcome: Rejected | None = _NO_VALUE
        stored = False
        for reading in readings:
            outcome = self._take(reading, message, changes)
            stored = stored or outcome is None
        return None if stored else outcome

    def _take(self, reading: Reading, message: Message, changes: list[Change]) -> Rejected | None:
        """One reading: None where it was stored, else why not."""
        node = self._space.by_topic.get(reading.topic)
        if node is None:
            found = self._make(reading, message.received_ns)
            if isinstance(found, Rejected):
                return found
            node = found
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
            self._liveness.heard(node, changes, replayed=message.replayed)
        else:
            changes.append(Change(node, reading.value, quality, time_ns))
        if node.listener is not None:
            node.listener(node, reading, changes)
        return None

    def put_back(self, reading: Reading, note: ElementNote) -> Rejected | None:
        """Give an element its last reading of an earlier run: like any other, but nobody is told and nothing counts."""
        node = self._space.by_topic.get(reading.topic)
        if node is None:
            found = self._make(reading, note.created_ns or note.received_ns)
            if isinstance(found, Rejected):
                return found
            node = found
        if note.former is not None:
            value = shown_first(note.value, note.former)
            earlier = structs.replace(reading, value=value, shape=structure(value), binary=False)
            self._fits(node, earlier, note.received_ns)
        misfit = self._fits(node, reading, note.received_ns)
        if misfit is not None:
            return misfit
        node.value, node.quality, node.time_ns = note.value, note.quality, note.time_ns
        node.said_ns, node.received_ns, node.attributes = note.said_ns, note.received_ns, note.attributes
        self._liveness.put_back(node, note.standing, unconfirmed=note.unconfirmed, gone=note.gone)
        if node.listener is not None:
            node.listener(node, reading, [])
        return None

    def _make(self, reading: Reading, received_ns: int) -> Node | Rejected:
        """The element of a topic that nothing has been heard of yet."""
        if reading.deleted:
            return _DUPLICATE
        found = self._space.ensure(reading.topic, received_ns)
        if isinstance(found, Node) and reading.raw_topic is not None:
            self._space.raw_topics[found.id] = reading.raw_topic
        return found

    def _is_too_far(self, node: Node, ahead_ns: int) -> bool:
        """Whether a time that is so far ahead of its receipt is not believed."""
        said = self._router.policies.of(node.topic).future_tolerance
        return ahead_ns > int((self._tolerance if said is None else said) * SECOND)

    def _first_report(self, node: Node, received_ns: int) -> None:
        """A node gets a payload of its own: what is decided once for each topic is decided now."""
        self._space.first_report(node)
        node.policy = self._router.policies.of(node.topic)
        node.reader = self._router.hand_over(node.topic)
        self._space.descriptions.reported(node)
        self._liveness.begin(node, received_ns)
        self._departures.begin(node, received_ns)
        if self.on_first is not None:
            self.on_first(node.id)

    def _fits(self, node: Node, reading: Reading, received_ns: int) -> Rejected | None:
        """Let the space look at what is new about a reading; why it is not to be taken, if so."""
        space = self._space
        if reading.value is not None:
            shape = bytes if reading.binary else reading.shape  # base64 is a string, but of another type
            if shape is not node.shape_now and shape != node.shape_now:
                if reading.malformed and not _may_be_text(node):
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
            self._space.emptied(node)
        if reading.deleted:
            self._departures.deleted(node)
        if reading.declared is not None and node.shape is None:
            self._space.declared(node, reading.declared, received_ns)

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
            self._space.recall(node, reading.value, shape, received_ns, binary=reading.binary)
        changes.append(Change(node, reading.value, reading.quality, time_ns, late=True))
        return None

    def _confirmed(self, node: Node, changes: list[Change]) -> Rejected:
        """The same again is no news, but it may end a doubt."""
        if node.doubt:
            self._liveness.confirm(node, changes)
        return _DUPLICATE


def is_birth(topic: str) -> bool:
    """Whether a message on a topic is a Sparkplug birth certificate."""
    return topic.startswith("spBv1.0/") and topic.split("/", 3)[2:3] in (["NBIRTH"], ["DBIRTH"])


def _says_the_same(node: Node, reading: Reading) -> bool:
    """Whether a reading repeats a node's value and quality; 1, 1.0 and true are three values."""
    same = reading.value == node.value and reading.quality == node.quality
    return same and type(reading.value) is type(node.value)


def _least_tolerance(options: Options) -> float:
    """Seconds that are not too far ahead for any topic."""
    said = [rule.said.get("future_tolerance") for rule in options.rules]
    tolerances: list[float] = [options.future_tolerance, *(seconds for seconds in said if seconds is not None)]
    return min(tolerances)


def _may_be_text(node: Node) -> bool:
    """Whether what looks like JSON and is not may be a text after all, such as a line of a log: where nothing is known
    of a node, or that it says text.
    """
    last = node.shape_now
    return node.shape is None or last is str or type(last) is Vocabulary
