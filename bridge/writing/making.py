"""From a part of what was asked for to the message that says it, in the shape of its topic or as a Sparkplug command.

Made when it is its turn, from what the element shows then: two fields of one document that are written one after the
other both keep their values. What is tried out is read by a reader of its own: readers learn from what they read, and a
write that is refused changes nothing.
"""

from collections.abc import Callable, Iterator

from msgspec.json import Encoder, decode

from bridge.config import WriteSettings
from bridge.engine import Engine
from bridge.errors import BadRequest, NotBuilt, Unavailable
from bridge.space import Field, Node
from bridge.space.projecting import MISSING, at_path
from bridge.uns import BAD, GOOD, UNCERTAIN, Json, Message, Reading, Rejected
from bridge.uns.moments import SECOND
from bridge.uns.policy import Policy
from bridge.uns.routing import Router, is_sparkplug
from bridge.uns.sparkplug_commands import UNFIT
from bridge.writing.echoes import Outgoing
from bridge.writing.shaping import Read, Wanted, filled, quality_of, refreshed, same, shape
from bridge.writing.targets import Asked, Part, command_topic
from bridge.writing.templates import Templates

_STEP = SECOND // 1_000  # a reading that is not newer than the present one might not show

_encode = Encoder().encode


class Maker:
    """`now_ns` is the wall clock; `future_tolerance` in seconds is how far ahead a time is believed."""

    def __init__(
        self, engine: Engine, settings: WriteSettings, now_ns: Callable[[], int], future_tolerance: float
    ) -> None:
        self.templates = Templates()
        self._space = engine.space
        self._router = engine.router
        self._settings = settings
        self._now_ns = now_ns
        self._tolerance = future_tolerance

    def outgoing(self, part: Part, asked: Asked) -> Outgoing:
        """The message, of which it is sure that it reads as what is wanted. Raises `RequestError`."""
        self._check_ahead(part.node, asked)
        if is_sparkplug(part.node.topic):
            return self._command(part, asked)
        return self._published(part, asked)

    def _check_ahead(self, node: Node, asked: Asked) -> None:
        """A time that is not believed would show as now, and as uncertain."""
        said = self._router.policies.of(node.topic).future_tolerance
        tolerance = self._tolerance if said is None else said
        if asked.time_ns is not None and asked.time_ns > self._now_ns() + int(tolerance * SECOND):
            raise BadRequest(f"timestamp: more than {tolerance:g} s ahead of now")

    def command_of(self, came_on: str) -> str:
        """The topic on which values for another one are written. Raises `NotBuilt`."""
        return command_topic(self._router.policies.of(came_on).write_to or self._settings.topic, came_on)

    # --- in the topic's own shape -------------------------------------------------------------------------------------

    def _published(self, part: Part, asked: Asked) -> Outgoing:
        node = part.node
        came_on = self._space.raw_topics.get(node.id, node.topic)
        policy = self._router.policies.of(came_on)
        topic = self.command_of(came_on)
        template = self.templates.of(came_on)
        if template is None:
            raise Unavailable(
                f"elementId: nothing has come on {came_on} since the bridge started, so it is not known how values are "
                "written there; try again when something has"
            )
        time_ns = asked.time_ns or max(self._now_ns(), node.time_ns + _STEP)
        last = self.templates.of(topic) if topic != came_on else None
        wanted = self._wanted(part, asked, time_ns, last)
        trial = Router(self._router.policies, self._space.zone, self._router.max_payload).reader(came_on)
        # A command is written as the last one was, else as values are.
        like = template if last is None else Message(came_on, last.payload, properties=template.properties)
        payload = shape(like, wanted, trial, policy, self._space.zone)
        if topic == came_on and asked.time_ns is not None:
            _check_behind(node, trial(Message(came_on, payload, properties=template.properties, received_ns=time_ns)))
        retain = {"always": True, "never": False}.get(self._settings.retain, template.retain)
        properties = template.properties if topic == came_on else None
        message = Message(topic, payload, self._settings.qos, retain, properties=properties)
        return Outgoing(message, came_on, part.value, self._shown(part, node.reader or self._router.reader(came_on)))

    def _wanted(self, part: Part, asked: Asked, time_ns: int, last: Message | None) -> Wanted:
        """What the payload has to say; `last` is the last command, where commands have a topic of their own."""
        field, topic = part.element, part.node.topic
        quality = quality_of(part.value, asked.quality)
        if not isinstance(field, Field):
            return Wanted(topic, part.value, quality, time_ns)
        if part.value is None:
            if quality == BAD:
                raise BadRequest("quality: of what is in a document, a null has no data; only all of it can be Bad")
            quality = GOOD
        document = self._document(field, Wanted(topic, part.value, quality, time_ns))
        if last is not None and _is_partial(last, document):
            path = field.path()
            document = _put({}, path, at_path(document, path))
        own = field.plan is not None and field.plan.quality is not None
        return Wanted(topic, document, GOOD if own else quality, time_ns)

    def _document(self, field: Field, wanted: Wanted) -> dict[str, Json]:
        """What the owner of a field shows, with another value in it and a new time."""
        document = field.owner.raw()
        if not isinstance(document, dict) or at_path(document, field.path()[:-1]) is MISSING:
            raise NotBuilt(f"elementId: {field.id} is not in what {field.owner.id} has at present; write that one")
        policy, zone = self._router.policies.of(field.topic), self._space.zone
        document = refreshed(document, wanted.time_ns, policy, zone)
        for form in self._forms(field, at_path(document, field.path()), wanted, policy):
            made = _put(document, field.path(), form)
            value, quality, _ = field.project_from(made, GOOD, wanted.time_ns, zone)
            own = field.plan is not None and field.plan.quality is not None
            if same(value, wanted.value) and (value is None or not own or quality == wanted.quality):
                return made
        raise BadRequest(f"value: {field.id} has no way to say {_encode(wanted.value).decode()[:80]}")

    def _forms(self, field: Field, last: Json, wanted: Wanted, policy: Policy) -> Iterator[Json]:
        """A field may be an envelope of its own."""
        if field.plan is not None and isinstance(last, dict) and field.plan.value in last:
            yield from filled(last, field.plan, wanted, policy.zone or self._space.zone)
        yield wanted.value

    def _shown(self, part: Part, read: Read) -> Callable[[Message], Json]:
        element, topic, zone = part.element, part.node.topic, self._space.zone

        def shown(message: Message) -> Json:
            reading = read(message)
            if not isinstance(reading, Reading) or reading.topic != topic:
                return MISSING
            if not isinstance(element, Field):
                return reading.value
            if at_path(reading.value, element.path()) is MISSING:
                return MISSING
            return element.project_from(reading.value, reading.quality, message.received_ns, zone)[0]

        return shown

    # --- Sparkplug ----------------------------------------------------------------------------------------------------

    def _command(self, part: Part, asked: Asked) -> Outgoing:
        node, value = part.node, part.value
        if isinstance(part.element, Field):
            raise NotBuilt(f"elementId: {part.element.id} is inside a Sparkplug metric; commands set whole metrics")
        if quality_of(value, asked.quality) in (BAD, UNCERTAIN):
            raise BadRequest("quality: a Sparkplug command cannot say it")
        now_ns = self._now_ns()
        made = self._router.sparkplug_command(node.topic, value, asked.time_ns or now_ns)
        if isinstance(made, Rejected):
            refused = BadRequest if made is UNFIT else NotBuilt
            raise refused(f"elementId: {node.id} is a Sparkplug metric: {made.detail}")

        def shown(_: Message) -> Json:
            """The element itself shows it: a message of an edge node may be read only once."""
            return node.value if node.received_ns >= now_ns else MISSING

        def settled() -> bool:
            """Edge nodes report by exception: a value that they have already is not told again."""
            return node.doubted()[1] == GOOD and same(node.value, value)

        return Outgoing(made, _data_of(made.topic), value, shown, settled)


def _data_of(command_topic: str) -> str:
    """Where the data of those come who get these commands."""
    first, group, kind, rest = command_topic.split("/", 3)
    return f"{first}/{group}/{kind[0]}DATA/{rest}"


def _check_behind(node: Node, reading: object) -> None:
    """Raises `BadRequest` for what would be past, and not show."""
    if isinstance(reading, Reading) and reading.time_ns is not None and reading.time_ns < node.said_ns:
        raise BadRequest("timestamp: before that of the present value; PUT /objects/history writes what was")


def _is_partial(last: Message, document: dict[str, Json]) -> bool:
    """Whether commands name only what is to change."""
    try:
        said = decode(last.payload)
    except ValueError:
        return False
    return isinstance(said, dict) and said.keys() < document.keys()


def _put(document: Json, path: tuple[str, ...], value: Json) -> dict[str, Json]:
    """A copy of a document with something else at a place."""
    key, *rest = path
    box: dict[str, Json] = document if isinstance(document, dict) else {}
    return {**box, key: _put(box.get(key), tuple(rest), value) if rest else value}
