"""The last readings of an earlier run: noting them down, and putting them back before anything comes.

What is put back goes the way of a message (see `intake`), in the order in which it was received, so that all that
hears of readings has heard of it: types and fields are there, and a status topic that said offline covers what had
reported before. It counts nowhere, and nobody is told: it is no news. Since something newer may have been missed,
everything is LOST until the broker is there (see `liveness`).

A history may know of newer readings than the notes do, after a crash. Those win. A row that is Bad without a value may
be no reading at all but a death: it counts only where no status topic says that the source is gone.
"""

from collections.abc import Iterable, Iterator, Mapping
from zlib import crc32

import msgspec
from msgspec import Struct

from bridge.engine.former import former
from bridge.engine.intake import Intake
from bridge.engine.notes import ElementNote, unnoted
from bridge.space import AddressSpace, Node, Vqt
from bridge.space.liveness import Liveness
from bridge.space.node import ABSENT, DEAD, UNCONFIRMED
from bridge.uns import BAD, Message, Rejected
from bridge.uns.payload import TooDeep
from bridge.uns.policy import Policy
from bridge.uns.routing import Router, is_command
from bridge.uns.ruled import reading_terms
from bridge.uns.topics import topic_of

SLICE = 1_000  # elements that are noted without a pause: a few milliseconds
_NEVER = -(1 << 63)  # nanoseconds: earlier than any time


class Restored(Struct, frozen=True):
    """How many elements have their last readings again, how many of them from history, and the ids of those that have
    not.
    """

    count: int
    from_history: int
    left_out: list[str]


class Recall:
    """Notes and puts back the elements of one engine."""

    def __init__(self, space: AddressSpace, router: Router, liveness: Liveness, intake: Intake) -> None:
        self._space = space
        self._router = router
        self._liveness = liveness
        self._intake = intake
        self._terms: dict[int, int] = {}  # by the policy's identity: policies are shared and stay

    # --- noting ------------------------------------------------------------------------------------------------------

    def notes(self, since_ns: int) -> Iterator[list[ElementNote]]:
        """All elements that have reported since a time of receipt, in slices; messages may come in between."""
        nodes = list(self._space.by_topic.values())
        for start in range(0, len(nodes), SLICE):
            yield [
                self._note(node)
                for node in nodes[start : start + SLICE]
                if node.received_ns >= since_ns and node.reader is not None and node.reported
            ]

    def _note(self, node: Node) -> ElementNote:
        raw_topic = self._space.raw_topics.get(node.id)
        return ElementNote(
            node.id,
            node.value,
            node.quality,
            node.time_ns,
            node.said_ns,
            node.received_ns,
            node.created_ns,
            self._terms_of(raw_topic or node.topic),
            node.shape_now is bytes and node.value is not None,
            bool(node.doubt & UNCONFIRMED),
            bool(node.doubt & (DEAD | ABSENT)),
            self._liveness.standing(node),
            raw_topic,
            node.unit if not node.policy.unit else None,
            node.description,
            node.attributes,
            node.hint,
            (former(node, node.value) or None) if node.fields else None,
        )

    def _terms_of(self, topic: str) -> int:
        policy = self._router.policies.of(topic)
        found = self._terms.get(id(policy))
        if found is None:
            found = self._terms[id(policy)] = _digest(policy)
        return found

    # --- putting back ------------------------------------------------------------------------------------------------

    def births(self, births: Iterable[Message]) -> None:
        """Let Sparkplug's aliases mean again what the births of an earlier run said. Their readings are old."""
        for message in births:
            self._router.read(message)

    def put_back(
        self, notes: Iterable[ElementNote], newer: Mapping[str, Vqt], removed: Mapping[str, int], now_ns: int
    ) -> Restored:
        """See `Engine.restore`."""
        known = {note.ident: note for note in notes}
        deaths: dict[str, ElementNote] = {}
        from_history: dict[str, None] = {}
        for ident, row in newer.items():
            if ident not in known and row[2] <= removed.get(ident, _NEVER):
                continue
            note = self._newer(ident, known.get(ident), row, now_ns)
            if note is not None:
                from_history[ident] = None
                (deaths if note.value is None and note.quality == BAD else known)[ident] = note
        left_out: dict[str, None] = {}
        for some in (known, deaths):
            for note in sorted(some.values(), key=_received):
                if not self._put_back(note, is_death=some is deaths):
                    left_out[note.ident] = None
        for note in known.values():
            self._complete(note)
        restored = sum(node.reader is not None for node in self._space.by_topic.values())
        return Restored(restored, len(from_history.keys() - left_out.keys()), list(left_out))

    def _newer(self, ident: str, note: ElementNote | None, row: Vqt, now_ns: int) -> ElementNote | None:
        """What a row of history says that its element's note does not."""
        if ident.startswith("$") or "#" in ident or (note is not None and row[2] <= note.time_ns):
            return None
        value = msgspec.json.decode(row[0]) if type(row[0]) is bytes else row[0]
        vqt = (value, row[1], row[2])
        if note is not None:
            return note.followed_by(vqt, now_ns)
        topic = topic_of(ident)
        return None if self._is_unread(topic) else unnoted(ident, vqt, self._terms_of(topic), now_ns)

    def _put_back(self, note: ElementNote, *, is_death: bool) -> bool:
        """Whether the element has its reading again."""
        topic = topic_of(note.ident)
        if note.terms != self._terms_of(note.raw_topic or topic):
            return False
        known = self._space.by_topic.get(topic)
        if is_death and known is not None and self._liveness.gone_by(known):
            return True  # that is its death; what it said before stays
        try:
            reading = note.reading(topic)
        except TooDeep:
            return False
        return not isinstance(self._intake.put_back(reading, note), Rejected)

    def _is_unread(self, topic: str) -> bool:
        """Whether messages on a topic give no readings, as it is configured now."""
        use = self._router.policies.of(topic).use
        return use in ("ignore", "command") or (not use and is_command(topic))

    def _complete(self, note: ElementNote) -> None:
        """What it said of itself, where nobody else has said the same; since when it and what is above are there."""
        node = self._space.nodes.get(note.ident)
        if node is None or node.reader is None:
            return
        node.created_ns = note.created_ns or node.created_ns
        above = node.parent
        while above is not None and above.created_ns > node.created_ns:
            above.created_ns = node.created_ns
            above = above.parent
        if note.unit is not None and note.unit != node.unit:
            self._space.set_unit(node, note.unit)
        if note.description is not None and note.description != node.description:
            node.description = note.description


def _received(note: ElementNote) -> int:
    return note.received_ns


def _digest(policy: Policy) -> int:
    """The same for policies that make the same of every payload, from run to run."""
    terms = [sorted(term) if isinstance(term, frozenset) else str(term) for term in reading_terms(policy)]
    use = policy.use if policy.use in ("value", "command", "ignore") else ""  # says whether a topic is read at all
    return crc32(repr((use, terms)).encode("utf-8", "surrogatepass"))
