"""Engine, history and API without a daemon: messages go straight in, and the clock stands still until it is moved."""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any

import httpx
import msgspec
import strict_json
from msgspec import structs

from bridge.access import Principal
from bridge.api import ApiLimits, Context, Readiness, build
from bridge.config import WriteSettings
from bridge.engine import Engine, Options
from bridge.errors import Unauthorized
from bridge.explain import Explainer, Rejections
from bridge.flow import Flow
from bridge.history import History, MemoryHistory
from bridge.history.answers import Historian
from bridge.sources import Batch
from bridge.space import Change, Limits
from bridge.subscriptions import Subscription, SubscriptionLimits
from bridge.uns import Message
from bridge.uns.policy import Rule
from bridge.writing import Audit, Writer

START_NS = 1_790_000_000_000_000_000  # 2026-09-21T14:13:20Z
SECOND = 1_000_000_000
LEVELS = ("Enterprise", "Line", "Machine")  # what is deeper is part of the machine

PRESS = "acme/line1/press1"
SPEED, CURRENT, MOTOR = f"{PRESS}/motor/speed", f"{PRESS}/motor/current", f"{PRESS}/motor"
TEMPERATURE, AXIS = f"{PRESS}/temperature", f"{PRESS}/axis"
PARTS = {AXIS, f"{AXIS}#/x", f"{AXIS}#/pos", f"{AXIS}#/pos/y", MOTOR, CURRENT, SPEED, TEMPERATURE}

_names = itertools.count()


class InProcess:
    """`now` is the monotonic clock in seconds, `now_ns` the wall clock."""

    def __init__(
        self,
        *,
        subscriptions: SubscriptionLimits | None = None,
        limits: ApiLimits | None = None,
        rows: int = 10_000,
        values: int = 200_000,
        rows_per_element: int = 10_000,
        cors_origins: Sequence[str] = ("*",),
        tick: float = 0.0,
        history_writable: bool = True,
        principals: Mapping[str, Principal] | None = None,
        public: Sequence[str] = ("docs", "metrics"),
        writes: WriteSettings | None = None,
        audit: Audit | None = None,
        rules: Sequence[Rule] = (),
        history: History | None = None,
        login: Any = None,
    ) -> None:
        self.principals = principals
        self.token = ""
        self.now = 1_000.0
        self.now_ns = START_NS
        self.ready = Readiness(ready=True)
        self._tick = tick  # seconds that each look at the clock takes
        options = Options(
            levels=LEVELS,
            namespace="urn:test",
            discovery_window=0.0,
            limits=Limits(),
            rules=tuple(rules),
            subscriptions=subscriptions or SubscriptionLimits(),
        )
        rejections = Rejections()
        self.engine = Engine(options, rejections.note)
        self.history: History = history or MemoryHistory(rows_per_element, 1_000_000)
        self.published: list[Message] = []
        self.device: Callable[[Message], Sequence[Message]] = lambda message: [message]
        writer = Writer(self.engine, self._deliver, writes, UTC, audit, lambda: self.now_ns) if writes else None
        self._hear = writer.heard if writer is not None else None
        self.flow = Flow(self.engine, self.history, self._hear)
        self.context = Context(
            engine=self.engine,
            historian=Historian(self.history, UTC, rows, values),
            explainer=Explainer(self.engine, options, rejections),
            limits=limits or ApiLimits(),
            now=self.clock,
            readiness=lambda: self.ready,
            metrics=lambda: b"# metrics\n",
            status=lambda _: {"version": "1.2.3"},
            refresh=self.arrange,
            version="1.2.3",
            cors_origins=cors_origins,
            history_writable=history_writable,
            identify=self._identify if principals is not None else None,
            still_good=self._still_good,
            login=login,
            public=public,
            writer=writer,
            writes=writes or WriteSettings(),
            audit=audit,
        )
        self.app, self.streams = build(self.context)

    # --- who asks ----------------------------------------------------------------------------------------------------

    async def _identify(self, headers: Iterable[tuple[bytes, bytes]], _: str) -> Principal:
        """A bearer token is the key of `principals`."""
        found = (self.principals or {}).get(dict(headers).get(b"authorization", b"").decode().removeprefix("Bearer "))
        if found is None:
            raise Unauthorized("sign in")
        return found

    def _still_good(self, principal: Principal) -> Principal | None:
        if self.principals is None:
            return principal
        return next((one for one in self.principals.values() if one.name == principal.name), None)

    # --- writing -----------------------------------------------------------------------------------------------------

    async def _deliver(self, message: Message, timeout: float) -> None:  # noqa: ASYNC109
        """The broker has it; what `device` makes of it comes back. A device may raise `NotDelivered`."""
        self.published.append(message)
        await asyncio.sleep(0)  # others get their turn, as with a real broker
        back = self.device(message)
        self.now_ns += SECOND // 1_000
        if back:
            self.ingest(*(structs.replace(one, received_ns=self.now_ns) for one in back))

    # --- time and messages -------------------------------------------------------------------------------------------

    def clock(self) -> float:
        self.now += self._tick
        return self.now

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.now_ns += int(seconds * SECOND)

    def arrange(self) -> None:
        self.now += 1  # the engine arranges only now and then
        self.engine.arrange(self.now_ns, self.now, lambda: self.now)

    def publish(self, topic: str, value: Any, time_ns: int | None = None) -> list[Change]:
        """One message with a JSON payload; with a time it is an envelope."""
        payload = value if time_ns is None else {"value": value, "timestamp": time_ns}
        return self.ingest(Message(topic, msgspec.json.encode(payload), received_ns=self.now_ns))

    def ingest(self, *messages: Message) -> list[Change]:
        """One batch, as the daemon takes it."""
        return self.flow.take(Batch(messages))

    def press(self) -> None:
        """A press composed of a motor (composed too), a temperature and a structured axis; nothing is in history."""
        for topic, value in {SPEED: 5, CURRENT: 5.5, TEMPERATURE: 20.5, AXIS: {"x": 1, "pos": {"y": 2}}}.items():
            self.engine.ingest([Message(topic, msgspec.json.encode(value), received_ns=self.now_ns)])
        self.arrange()
        self.flow = Flow(self.engine, self.history, self._hear)
        self.pass_time(1)

    # --- requests ----------------------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, content: bytes = b"", **headers: str) -> httpx.Response:
        """One request, as raw as it gets; names of headers are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            named.setdefault("authorization", f"Bearer {self.token}")
        return asyncio.run(self._ask(httpx.Request(method, f"http://bridge{path}", content=content, headers=named)))

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        answer = await transport.handle_async_request(request)
        await answer.aread()
        answer.request = request
        return answer

    async def answer(self, method: str, path: str, body: Any) -> httpx.Response:
        """One request within a running loop."""
        return await self._ask(httpx.Request(method, f"http://bridge{path}", content=msgspec.json.encode(body)))

    def post(self, path: str, status: int = 200, **body: Any) -> Any:
        """The answer to a POST; it must have the status and be strict JSON."""
        return checked(self.ask("POST", f"/v1{path}", msgspec.json.encode(body)), status)

    def put(self, path: str, status: int = 200, **body: Any) -> Any:
        return checked(self.ask("PUT", f"/v1{path}", msgspec.json.encode(body)), status)

    def get(self, path: str, status: int = 200) -> Any:
        return checked(self.ask("GET", f"/v1{path}"), status)

    # --- subscriptions -----------------------------------------------------------------------------------------------

    def subscribe(self, *idents: str, max_depth: int = 1) -> Subscription:
        """A subscription, straight from the engine."""
        found = self.engine.subscriptions.create(f"client{next(_names)}", None, self.now)
        for ident in idents:
            self.engine.subscriptions.register(found, ident, max_depth)
        return found

    def sync(
        self, subscription: Subscription, acknowledged: int | None = None
    ) -> list[tuple[int, list[tuple[str, Any]]]]:
        """Number, and (id, value) of each update, of each batch."""
        batches = self.engine.subscriptions.sync(subscription, acknowledged, self.now)
        return [(one.number, [(update.element_id, update.value) for update in one.updates]) for one in batches]

    def fresh(self, subscription: Subscription) -> list[tuple[str, Any]]:
        """What came since the last call; everything is acknowledged."""
        batches = self.sync(subscription)
        self.engine.subscriptions.sync(subscription, -1, self.now)
        return [update for _, updates in batches for update in updates]


def owner(subscription: Subscription) -> Mapping[str, str]:
    """What a request of the client that owns a subscription says."""
    return {"clientId": subscription.client_id, "subscriptionId": subscription.id}


def checked(answer: httpx.Response, status: int) -> Any:
    """The body, which must be strict JSON; an error comes in the standard's envelope."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = strict_json.parse(answer.content)
    if status >= 400:
        assert body.keys() == {"success", "responseDetail"}
        assert body["success"] is False
        assert body["responseDetail"].keys() == {"title", "status", "detail"}
        assert body["responseDetail"]["status"] == status
        assert body["responseDetail"]["detail"]
    return body
