"""Writes, from the request to the value that has come back.

Each update goes through these steps, and stops with a reason at the first that fails: the element is there and seen; it
may be written, by configuration and by the principal; the value fits the type; there is a payload that reads as the
value; the broker has taken it; the value has come back within the echo timeout. Of what is composed, all parts pass the
steps before the broker's, before the first part is sent.

Writes of one element's payload happen one after the other, in the order of the request; others side by side.
"""

import asyncio
import time
from asyncio import Task
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import tzinfo
from itertools import islice
from typing import Protocol, TypeAlias

from msgspec import Struct, field

from bridge.access import Caller
from bridge.config import WriteSettings
from bridge.engine import Engine
from bridge.errors import BadRequest, Forbidden, NotFound, RequestError, Unavailable
from bridge.sources.base import NotDelivered
from bridge.space import Node
from bridge.space.projecting import MISSING
from bridge.uns import Json, Message
from bridge.writing.audit import Attempt, Audit
from bridge.writing.echoes import Echo, Echoes, Outgoing
from bridge.writing.kept import KeptTemplates
from bridge.writing.making import Maker
from bridge.writing.shaping import quality_of, same
from bridge.writing.targets import Asked, Filters, Part, parts
from bridge.writing.templates import Templates

AT_ONCE = 100  # writes under way
ROOM = 10.0  # seconds that a request may take beside the echo of its last write
MAX_PARTS = 1_000  # messages of one composed value
MAX_MESSAGES = 10_000  # of one request, some 10 MB while they wait
TURN = 0.01  # seconds of checking, until others get their turn
NAMED = 5  # parts that an answer names

_LATE = "not tried: the request reached its limit of time; ask for the rest in another one"

_Work: TypeAlias = "Task[RequestError | None]"


class Deliver(Protocol):
    """`MqttSource.deliver`."""

    async def __call__(self, message: Message, timeout: float) -> None: ...  # noqa: ASYNC109


class _Request(Struct):
    """What updates of one request share. `deadline` is of the loop's clock, `turn` of the performance counter."""

    caller: Caller
    deadline: float
    left: int = MAX_MESSAGES
    turn: float = field(default_factory=time.perf_counter)

    async def others(self) -> None:
        if time.perf_counter() > self.turn + TURN:
            await asyncio.sleep(0)
            self.turn = time.perf_counter()


class _Begun(Struct, frozen=True):
    """An update whose messages are on their way."""

    node: Node
    todo: Sequence[Part]
    works: Sequence[_Work]

    def outcome(self) -> RequestError | None:
        results = [(part, work.result()) for part, work in zip(self.todo, self.works, strict=True)]
        failures = [(part, error) for part, error in results if error is not None]
        return _joined(self.node, len(self.todo), failures) if failures else None


class _Queue(Struct):
    """Who writes one element's payload, and who waits to."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Writer:
    """`deliver` publishes and waits for the broker. `now_ns` is the wall clock, `future_tolerance` in seconds."""

    def __init__(
        self,
        engine: Engine,
        deliver: Deliver,
        settings: WriteSettings,
        zone: tzinfo,
        audit: Audit | None = None,
        now_ns: Callable[[], int] = time.time_ns,
        future_tolerance: float = 300.0,
    ) -> None:
        self.outcomes = {"ok": 0, "refused": 0, "failed": 0}
        self._maker = Maker(engine, settings, now_ns, future_tolerance)
        self._echoes = Echoes()
        self._engine = engine
        self._deliver = deliver
        self._patience = settings.echo_timeout
        self._filters = Filters(settings.allow, settings.deny)
        self.kept = KeptTemplates(engine.space, self._maker.templates, self._filters, self._maker.command_of)
        self._zone = zone
        self._audit = audit
        self._now_ns = now_ns
        self._room = asyncio.Semaphore(AT_ONCE)
        self._queues: dict[str, _Queue] = {}  # by topic

    @property
    def templates(self) -> Templates:
        return self._maker.templates

    def heard(self, messages: Sequence[Message]) -> None:
        """A batch has come, and elements show it."""
        self.templates.note(self._echoes.hear(messages))

    async def write(self, caller: Caller, asked: Sequence[Asked]) -> list[RequestError | None]:
        """What became of each: None where the value has come back."""
        deadline = asyncio.get_running_loop().time() + ROOM + self._patience
        request = _Request(caller, deadline)
        async with asyncio.TaskGroup() as tasks:
            begun = [await self._begin(tasks, request, one) for one in asked]
        return [one.outcome() if isinstance(one, _Begun) else one for one in begun]

    # --- before anything is sent --------------------------------------------------------------------------------------

    async def _begin(self, tasks: asyncio.TaskGroup, request: _Request, asked: Asked) -> _Begun | RequestError:
        """Check an update and send its messages on their way, or the reason why not."""
        await request.others()
        try:
            node = self._engine.space.nodes.get(asked.element_id)
            if node is None or not request.caller.sight.reads(node):
                raise NotFound("no such element")
            todo = self._todo(request, node, asked)
            if len(todo) > 1:
                await self._try(request, todo, asked)
        except RequestError as error:
            self._note(request.caller, asked.element_id, None, asked.value, "", error)
            return error
        works = [tasks.create_task(self._part(request, part, asked), name="write") for part in todo]
        return _Begun(node, todo, works)

    def _todo(self, request: _Request, node: Node, asked: Asked) -> list[Part]:
        """What is to be published, by what may be."""
        space, caller = self._engine.space, request.caller
        quality_of(asked.value, asked.quality)
        if node in space.own and same(asked.value, node.vqt(space.zone)[0]):
            return []  # the bridge's own elements are not for clients to change, and this changes nothing
        todo = list(islice(parts(node, asked.value, caller.sight), MAX_PARTS + 1))
        if len(todo) > MAX_PARTS:
            raise BadRequest(
                f"value: {node.id} has more than {MAX_PARTS} parts that would be written; write them apart"
            )
        for part in todo:
            self._filters.check(part.node)
            if not caller.may_write(part.node.topic):
                raise Forbidden(f"elementId: {caller.name} may not write {part.element.id}")
        request.left -= len(todo)
        if request.left < 0:
            raise Unavailable(f"not tried: a request takes {MAX_MESSAGES} messages; ask for the rest in another one")
        return todo

    async def _try(self, request: _Request, todo: Sequence[Part], asked: Asked) -> None:
        """Each part of what is composed has a payload. Raises `RequestError`."""
        for part in todo:
            await request.others()
            try:
                self._maker.outgoing(part, asked)
            except RequestError as error:
                raise type(error)(f"nothing was written: {part.element.id}: {error}") from None

    # --- one message --------------------------------------------------------------------------------------------------

    async def _part(self, request: _Request, part: Part, asked: Asked) -> RequestError | None:
        """Why it failed, if it did."""
        topic, old = "", None
        error: RequestError | None = Unavailable("broken off")  # unless it comes to an end
        try:
            async with self._turn(part.node.topic, request.deadline):
                old = part.element.vqt(self._zone)[0]
                out = self._maker.outgoing(part, asked)
                topic = out.message.topic
                await self._publish(out)
            error = None
        except RequestError as why:
            error = why
        finally:
            self._note(request.caller, part.element.id, old, part.value, topic, error)
        return error

    async def _publish(self, out: Outgoing) -> None:
        with self._echoes.expected(out) as echo:
            try:
                await self._deliver(out.message, self._patience)
                if out.settled():
                    return
                async with asyncio.timeout(self._patience):
                    await echo.came
            except NotDelivered as why:
                raise Unavailable(f"{'perhaps ' if why.sent else ''}not written: {why}") from None
            except TimeoutError:
                raise Unavailable(self._unconfirmed(echo)) from None

    def _unconfirmed(self, echo: Echo) -> str:
        seconds = f"{self._patience:g} s"
        if echo.last is MISSING:
            return f"the broker has taken it, but nothing has come back within {seconds}"
        return f"the broker has taken it, but within {seconds} something else has come back: {str(echo.last)[:80]}"

    @asynccontextmanager
    async def _turn(self, topic: str, deadline: float) -> AsyncIterator[None]:
        """Alone with a topic, and not too many at once. Raises `Unavailable` where that would take too long."""
        if asyncio.get_running_loop().time() >= deadline:
            raise Unavailable(_LATE)
        queue = self._queues.setdefault(topic, _Queue())
        queue.users += 1
        try:
            async with AsyncExitStack() as stack:
                try:
                    async with asyncio.timeout_at(deadline):
                        await stack.enter_async_context(queue.lock)
                        await stack.enter_async_context(self._room)
                except TimeoutError:
                    raise Unavailable(_LATE) from None
                yield
        finally:
            queue.users -= 1
            if not queue.users:
                del self._queues[topic]

    def _note(self, caller: Caller, ident: str, old: Json, new: Json, topic: str, error: RequestError | None) -> None:
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
    told = "; ".join(f"{part.element.id}: {error}" for part, error in failures[:NAMED])
    more = f"; and {len(failures) - NAMED} more" if len(failures) > NAMED else ""
    return type(first)(
        f"{count - len(failures)} of {count} parts of {node.id} are known to be written; not: {told}{more}"
    )
