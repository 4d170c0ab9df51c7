"""S11: the served OpenAPI document against schemathesis: all of its checks, examples, coverage, fuzzing and chains of
requests along the links. What it finds in the first seconds is looked for in each run, the rest in the long one.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
import recordings
import schemathesis
from bridge_process import BridgeProcess
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from world import World

from bridge.access import Principal
from bridge.uns.moments import parse_request
from mosquitto import HOST, Mosquitto

TOKEN = "t0k3n"
PRINCIPALS = {TOKEN: Principal("tester", read=("#",), write=("#",), admin=True)}
PHASES = ("examples", "coverage", "fuzzing", "stateful")
STREAM_S = 0.02  # that the reader of a stream stays
LONG = 40  # characters of an id that stays as it was made up

AVAILABLE = "ensure_resource_availability"

Way = tuple[str, int]  # operation and status


def config(examples: int, **more: Any) -> SchemathesisConfig:
    """All checks, deterministic. Credentials are ours: two at once would be refused."""
    return SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "headers": {"Authorization": f"Bearer {TOKEN}"},
            "continue-on-failure": True,
            "generation": {"deterministic": True, "max-examples": examples, "with-security-parameters": False},
            "phases": {name: {"enabled": True} for name in PHASES},
            **more,
        }
    )


def leaving(app: Any) -> Any:
    """The application for a client that leaves each stream after a moment: a stream has no end of its own."""

    async def asked(scope: Any, receive: Any, send: Any) -> None:
        if not scope.get("path", "").endswith("/stream"):
            await app(scope, receive, send)
            return
        started, ended = asyncio.Event(), False

        async def hear() -> Any:
            if started.is_set():
                await asyncio.sleep(STREAM_S)
                return {"type": "http.disconnect"}
            return await receive()

        async def tell(message: Any) -> None:
            nonlocal ended
            if message.get("headers") and (b"content-type", b"text/event-stream") in message["headers"]:
                started.set()
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        await app(scope, hear, tell)
        if not ended:
            await send({"type": "http.response.body", "body": b""})

    return asked


def known(idents: Sequence[str], value: Any) -> Any:
    """Most ids that were made up become ids of elements that exist, whatever else is there."""
    match value:
        case str() if len(value) < LONG:
            return idents[crc32(value.encode()) % len(idents)]
        case list():
            return [known(idents, one) for one in value]
        case dict() if isinstance(value.get("elementId"), str):
            return {**value, "elementId": known(idents, value["elementId"])}
        case _:
            return value


def in_order(body: dict[str, Any]) -> None:
    """No schema can say that one time is not after another one."""
    start, end = body.get("startTime"), body.get("endTime")
    if isinstance(start, str) and isinstance(end, str):
        first, last = parse_request(start), parse_request(end)
        if first is not None and last is not None and first > last:
            body["startTime"], body["endTime"] = end, start


def prepared(world: World, examples: int) -> Any:
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", leaving(world.app), config=config(examples))
    return asking(schema, world.idents)


def asking(schema: Any, idents: Sequence[str]) -> Any:
    """With bodies that ask for elements which exist."""

    @schema.hook
    def map_body(context: Any, body: Any) -> Any:
        if isinstance(body, dict):
            for name in {"elementIds", "updates"} & body.keys():
                body[name] = known(idents, body[name])
            in_order(body)
        return body

    return schema


def run(schema: Any) -> Iterator[str | Way]:
    """What does not hold, as texts; and how each request was answered."""
    for event in from_schema(schema).execute():
        match event:
            case events.NonFatalError(value=error) | events.FatalError(exception=error):
                yield f"schemathesis itself: {error!r}"
            case events.ScenarioFinished(recorder=recorder):
                for ident, interaction in recorder.interactions.items():
                    if interaction.response is not None:
                        yield recorder.cases[ident].value.operation.label, interaction.response.status_code
                yield from failures(recorder)


def failures(recorder: Any) -> Iterator[str]:
    for ident, checks in recorder.checks.items():
        for check in checks:
            found = check.failure_info
            if found is not None and not (
                check.name == AVAILABLE and rightly_missing(recorder, recorder.cases[ident].value)
            ):
                yield f"{check.name}: {found.failure}\n{found.code_sample}"


def rightly_missing(recorder: Any, case: Any) -> bool:
    """Whether the subscription that a request names is not there: that check looks at paths and parameters only, where
    ours are in bodies, and some bodies do not take all that the link offers.
    """
    owners = set()
    for one in recorder.interactions.values():
        content = one.response.content if one.response is not None and one.response.status_code == 200 else b""
        told = json.loads(content) if content.startswith(b"{") else {}  # streams do not
        if isinstance(told.get("result"), dict):
            owners.add((told["result"].get("clientId"), told["result"].get("subscriptionId")))
        owners -= {owner for owner in owners if owner[1] in gone(told)}
    return (case.body.get("clientId"), case.body.get("subscriptionId")) not in owners


def gone(told: dict[str, Any]) -> set[str]:
    """Ids of the subscriptions that an answer calls deleted."""
    return {one.get("subscriptionId") for one in told.get("results", ()) if one["success"] and one["result"] is None}


def judge(examples: int) -> set[Way]:
    """Nothing that any check finds. The links of subscriptions are followed once more by themselves: schemathesis
    takes a `clientId` for something that has to be made first, and begins elsewhere while it can.
    """
    world = World(principals=PRINCIPALS)
    chains = prepared(world, examples).include(tag="Subscriptions")
    for name in PHASES[:-1]:
        getattr(chains.config.phases, name).enabled = False
    told = [*run(prepared(world, examples)), *run(chains)]
    assert sorted({one for one in told if isinstance(one, str)}) == []
    return {one for one in told if not isinstance(one, str)}


def test_openapi() -> None:
    """No check fails, no operation makes the server fail, and each one was answered well."""
    ways = judge(25)
    assert [status for _, status in ways if status >= 500] == []
    assert len({label for label, status in ways if status == 200}) == 20
    assert {status for _, status in ways} >= {200, 304, 400, 401, 404, 405}


@pytest.mark.long
def test_openapi_at_length() -> None:
    """The same with many more examples."""
    judge(400)


@pytest.mark.long
@pytest.mark.integration
def test_openapi_of_the_daemon(tmp_path: Path) -> None:
    """The same over sockets, with history on a disk. Streams are read for a second."""
    broker = Mosquitto(tmp_path / "mosquitto")
    writes = {"enabled": True, "allow": ["#"], "echo_timeout": 0.5}
    said = config(60, **{"request-timeout": 1.0, "max-stream-events": 1})
    try:
        broker.start()
        with BridgeProcess(tmp_path / "bridge", broker.url, {"writes": writes, "auth": {"mode": "off"}}) as bridge:
            bridge.wait_for(bridge.ready)
            idents = told(broker, bridge)
            schema = schemathesis.openapi.from_url(f"http://{HOST}:{bridge.port}/v1/openapi.json", config=said)
            found = [one for one in run(asking(schema, idents)) if isinstance(one, str)]
            assert sorted(set(found)) == []
            assert "Traceback" not in bridge.log
    finally:
        broker.stop()


def told(broker: Mosquitto, bridge: BridgeProcess) -> list[str]:
    """Ids of all elements, once the bridge has our own recordings."""
    publisher, count = recordings.Publisher(broker.port), 0
    for name in recordings.own_files():
        batch = [one for one in recordings.messages(recordings.path_of(name)) if recordings.publishable(one.topic)]
        publisher.publish(batch)
        count += len(batch)
    publisher.close()
    bridge.wait_for(lambda: bridge.received >= count)
    return [one["elementId"] for one in bridge.client.get("/v1/objects").json()["result"]]
