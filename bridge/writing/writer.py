"""Writes, from the request to the value that has come back.

Each element's write goes through these steps, and stops with a reason at the first that fails: it is there and seen; it
may be written, by configuration and by the principal; the value fits the type; its payload reads back as the value; the
broker has taken it; the value has come back through our own subscription within the echo timeout. The last step
looks at messages, not at what the model makes of them: a value that was there before comes back all the same.

Writes on one topic happen one after the other, others side by side.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import tzinfo
from typing import Protocol

from msgspec import Struct

from bridge.access import Caller
from bridge.config import WriteSettings
from bridge.engine import Engine
from bridge.errors import BadRequest, Forbidden, NotBuilt, NotFound, RequestError, Unavailable
from bridge.sources.base import NotDelivered
from bridge.space import Node
from bridge.uns import Json, Message, Quality, Reading, Rejected
from bridge.uns.moments import SECOND
from bridge.uns.routing import is_sparkplug
from bridge.uns.sparkplug_commands import UNFIT
from bridge.writing.audit import Attempt, Audit
from bridge.writing.shaping import Read, Wanted, quality_of, same, says, shape
from bridge.writing.targets import Filters, Part, command_topic, parts
from bridge.writing.templates import Templates

AT_ONCE = 100  # writes under way
ROOM = 10.0  # seconds that a request may take beside the echo of its last write
EDGE = "spBv1.0"  # where those wait whose value an edge node tells
MAX_PARTS = 1_000  # messages of one composed value

_TOO_MANY = Unavailable("not tried: the request reached its limit of time; ask for the rest in another one")


class Deliver(Protocol):
    """`MqttSource.deliver`."""

    async def __call__(self, message: Message, timeout: float) -> None: ...  # noqa: ASYNC109


class Asked(Struct, frozen=True):
    """One update of a request. `time_ns` None: now."""

    element_id: str
    value: Json
    quality: Quality | None = None
    time_ns: int | None = None


class _Echo(Struct):
    """Somebody who waits for a value to come back. Without `read` the element itself shows it: a message of an edge
    node may be read only once.
    """

    wanted: Wanted
    read: Read | None
    came: "asyncio.Future[None]"
    since_ns: int
    last: Json = None  # what came instead
    is_other: bool = False


class Writer:
    """`deliver` publishes and waits for the broker. `now_ns` is the wall clock."""

    def __init__(
        self,
        engine: Engine,
        deliver: Deliver,
        settings: WriteSettings,
        zone: tzinfo,
        audit: Audit | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.templates = Templates()
        self.outcomes = {"ok": 0, "refused": 0, "failed": 0}
        self._engine = engine
        self._deliver = deliver
        self._settings = settings
        self._filters = Filters(settings.allow, settings.deny)
        self._zone = zone
        self._audit = audit
        self._now_ns = now_ns
        self._room = asyncio.Semaphore(AT_ONCE)
        self._busy: dict[str, asyncio.Lock] = {}  # by topic
        self._echoes: dict[str, list[_Echo]] = {}  # by the topic of the message that is waited for

    # --- messages ----------------------------------------------------------------------------------------------------

    def heard(self, messages: Sequence[Message]) -> None:
        """A batch has come."""
        if not self._echoes:
            self.templates.note(messages)
            return
        self.templates.note([message for message in messages if not self._echoed(message)])
        for echo in self._echoes.get(EDGE, ()):
            self._look_at(echo)

    def _look_at(self, echo: _Echo) -> None:
        """An edge node may have told."""
        node = self._engine.space.by_topic.get(echo.wanted.topic)
        if node is None or node.received_ns < echo.since_ns:
            return
        echo.last, echo.is_other = node.value, True
        if same(node.value, echo.wanted.value) and not echo.came.done():
            echo.came.set_result(None)

    def _echoed(self, message: Message) -> bool:
        """Whether it is what somebody waits for: that shows how we have written, not how the topic is written."""
        found = False
        for echo in self._echoes.get(message.topic, ()):
            reading = echo.read(message) if echo.read is not None else None
            if not isinstance(reading, Reading) or message.replayed:
                continue
            echo.last, echo.is_other = reading.value, True
            if says(reading, echo.wanted):
                found = True
                if not echo.came.done():
                    echo.came.set_result(None)
        return found

    # --- requests ----------------------------------------------------------------------------------------------------

    async def write(self, caller: Caller, asked: Sequence[Asked]) -> list[RequestError | None]:
        """What became of each: None where the value has come back."""
        deadline = time.monotonic() + ROOM + self._settings.echo_timeout
        tasks: dict[str, list[int]] = {}
        for index, one in enumerate(asked):
            tasks.setdefault(one.element_id, []).append(index)  # those of one element in their order
        outcomes: list[RequestError | None] = [None] * len(asked)

        async def some(indices: Iterable[int]) -> None:
            for index in indices:
                async with self._room:
                    outcomes[index] = await self._one(caller, asked[index], deadline)

        await asyncio.gather(*map(some, tasks.values()))
        return outcomes

    async def _one(self, caller: Caller, asked: Asked, deadline: float) -> RequestError | None:
        node = self._engine.space.nodes.get(asked.element_id)
        error: RequestError | None = None
        if time.monotonic() > deadline:
            error = _TOO_MANY
        elif node is None or not caller.sight.reads(node):
            error = NotFound("no such element")
        if error is not None or node is None:
            self._note(caller, asked.element_id, asked.value, "", error)
            return error
        try:
            await self._parts(caller, node, asked, deadline)
        except RequestError as why:
            return why
        return None

    async def _parts(self, caller: Caller, node: Node, asked: Asked, deadline: float) -> None:
        """All messages of one update. Raises `RequestError`, of what is composed with what became of each part."""
        try:
            todo = self._todo(caller, node, asked)
        except RequestError as error:
            self._note(caller, node.id, asked.value, "", error)
            raise
        failures: list[tuple[Part, RequestError]] = []
        for part in todo:
            try:
                if time.monotonic() > deadline:
                    raise _TOO_MANY
                await self._part(caller, part, asked)
            except RequestError as error:
                failures.append((part, error))
        if failures:
            raise _joined(node, len(todo), failures)

    def _todo(self, caller: Caller, node: Node, asked: Asked) -> list[Part]:
        """What is to be published, all of it checked before anything is."""
        space = self._engine.space
        time_ns = asked.time_ns or self._now_ns()
        quality_of(asked.value, asked.quality)
        if node in space.own and same(asked.value, node.vqt(space.zone)[0]):
            return []  # the bridge's own elements are not for clients to change, and this changes nothing
        todo = list(parts(node, asked.value, caller.sight, time_ns, self._engine.router.policies, space.zone))
        if len(todo) > MAX_PARTS:
            raise BadRequest(f"value: {len(todo)} parts, at most {MAX_PARTS} are written at once; write them apart")
        for part in todo:
            self._filters.check(part.node)
            if not caller.may_write(part.node.topic):
                raise Forbidden(f"elementId: {caller.name} may not write {part.asked.id}")
        return todo

    async def _part(self, caller: Caller, part: Part, asked: Asked) -> None:
        """One message. Raises `RequestError`."""
        topic = ""
        node = part.node
        old = part.asked.vqt(self._zone)[0]
        outcome: RequestError | None = None
        try:
            message, wanted, read = self._message(part, asked)
            topic = message.topic
            async with self._alone(topic):
                await self._publish(message, wanted, read)
        except RequestError as error:
            outcome = error
            raise
        finally:
            self._note(caller, part.asked.id, part.value if node is part.asked else asked.value, topic, outcome, old)

    def _message(self, part: Part, asked: Asked) -> tuple[Message, Wanted, Read | None]:
        node, space, router = part.node, self._engine.space, self._engine.router
        if is_sparkplug(node.topic):
            return self._command(part, asked)
        came_on = space.raw_topics.get(node.id, node.topic)
        policy = router.policies.of(came_on)
        command = command_topic(policy.write_to or self._settings.topic, came_on)
        template = self.templates.of(came_on)
        if template is None:
            raise Unavailable(
                f"elementId: nothing has come on {came_on} since the bridge started, so it is not known how values are "
                "written there; try again when something has"
            )
        # A reading that is older than the present one would not show.
        time_ns = asked.time_ns or max(self._now_ns(), node.time_ns + SECOND // 1_000)
        wanted = Wanted(node.topic, part.value, quality_of(part.value, asked.quality), time_ns)
        read = node.reader or router.reader(came_on)
        payload = shape(self._like(command, template), wanted, read, policy, space.zone)
        retain = {"always": True, "never": False}.get(self._settings.retain, template.retain)
        properties = template.properties if command == came_on else None
        return Message(command, payload, self._settings.qos, retain, properties=properties), wanted, read

    def _command(self, part: Part, asked: Asked) -> tuple[Message, Wanted, None]:
        """A Sparkplug metric is set by its edge node, which tells its new value."""
        now_ns, topic = self._now_ns(), part.node.topic
        made = self._engine.router.sparkplug_command(topic, part.value, now_ns)
        if made is UNFIT:
            raise BadRequest(f"value: {part.node.id}: {UNFIT.detail}")
        if isinstance(made, Rejected):
            raise NotBuilt(f"elementId: {part.node.id}: {made.detail}")
        return made, Wanted(topic, part.value, quality_of(part.value, asked.quality), now_ns), None

    def _like(self, command: str, template: Message) -> Message:
        """Commands are written as the last one was, if it was one of that shape; else as values are."""
        last = self.templates.of(command) if command != template.topic else None
        if last is None:
            return template
        return Message(template.topic, last.payload, properties=template.properties)

    async def _publish(self, message: Message, wanted: Wanted, read: Read | None) -> None:
        settings, came = self._settings, asyncio.get_running_loop().create_future()
        echo = _Echo(wanted, read, came, self._now_ns())
        place = self._engine.space.raw_topics.get(wanted.topic, wanted.topic) if read is not None else EDGE
        waiting = self._echoes.setdefault(place, [])
        waiting.append(echo)
        try:
            await self._deliver(message, settings.echo_timeout)
            async with asyncio.timeout(settings.echo_timeout):
                await echo.came
        except NotDelivered as why:
            raise Unavailable(f"not written: {why}") from None
        except TimeoutError:
            raise Unavailable(self._unconfirmed(echo)) from None
        finally:
            waiting.remove(echo)
            if not waiting:
                self._echoes.pop(place, None)

    def _unconfirmed(self, echo: _Echo) -> str:
        seconds = f"{self._settings.echo_timeout:g} s"
        if not echo.is_other:
            return f"the broker has taken it, but nothing has come back within {seconds}"
        shown = str(echo.last)[:80]
        return f"the broker has taken it, but within {seconds} something else has come back: {shown}"

    @asynccontextmanager
    async def _alone(self, topic: str) -> AsyncIterator[None]:
        lock = self._busy.setdefault(topic, asyncio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked() and self._busy.get(topic) is lock:
                del self._busy[topic]

    def _note(
        self, caller: Caller, ident: str, new: Json, topic: str, error: RequestError | None, old: Json = None
    ) -> None:
        kind = "ok" if error is None else "failed" if error.status >= Unavailable.status else "refused"
        self.outcomes[kind] += 1
        if self._audit is not None:
            outcome = "ok" if error is None else str(error)
            who = (caller.name, caller.address, caller.request_id)
            self._audit.note(Attempt(self._now_ns(), *who, ident, topic, old, new, outcome))


def _joined(node: Node, count: int, failures: Sequence[tuple[Part, RequestError]]) -> RequestError:
    """One reason for what is composed; the status is that of the first part that failed."""
    first = failures[0][1]
    if count == 1:
        return first
    told = "; ".join(f"{part.asked.id}: {error}" for part, error in failures[:5])
    more = f"; and {len(failures) - 5} more" if len(failures) > 5 else ""
    return type(first)(f"{count - len(failures)} of {count} parts of {node.id} were written; not: {told}{more}")
