"""The simulated plant: two sites of an imaginary drinks maker, and the loop that publishes them over MQTT.

`Plant` is a pure generator: given a seeded `Random` and a sequence of times, it always says the same. The
publisher below adds the clock and the network; `python -m bridge.sources.plant --broker mqtt://…` runs it.
"""

import argparse
import asyncio
import logging
import ssl
import sys
import time
from collections.abc import Iterable, Iterator
from random import Random
from urllib.parse import urlsplit

import aiomqtt

from bridge.sources.broker import MQTT_PORT, stop_event
from bridge.sources.plant_kinds import (
    Climate,
    Cnc,
    Filler,
    Labeler,
    Meter,
    Mixer,
    Orders,
    Palletizer,
    Scale,
    Vat,
)
from bridge.sources.plant_machines import Machine, Publication

logger = logging.getLogger("bridge.plant")

LAYOUT: tuple[tuple[str, type[Machine]], ...] = (
    ("acme/riverside/mixing/hall1/vat01", Vat),
    ("acme/riverside/mixing/hall1/vat02", Vat),
    ("acme/riverside/mixing/hall1/vat03", Vat),
    ("acme/riverside/mixing/hall1/mixer01", Mixer),
    ("acme/riverside/mixing/hall1/mixer02", Mixer),
    ("acme/riverside/packaging/line1/filler01", Filler),
    ("acme/riverside/packaging/line1/labeler01", Labeler),
    ("acme/riverside/packaging/line1/palletizer01", Palletizer),
    ("acme/riverside/packaging/line2/filler02", Filler),
    ("acme/riverside/packaging/line2/labeler02", Labeler),
    ("acme/riverside/utilities/power/meter01", Meter),
    ("acme/riverside/utilities/power/meter02", Meter),
    ("acme/riverside/warehouse/dock1/scale01", Scale),
    ("acme/riverside/mixing/hall1/climate01", Climate),
    ("acme/riverside/warehouse/dock1/climate01", Climate),
    ("acme/hillcrest/mixing/hall1/vat01", Vat),
    ("acme/hillcrest/mixing/hall1/mixer01", Mixer),
    ("acme/hillcrest/packaging/line1/filler01", Filler),
    ("acme/hillcrest/machining/cell1/cnc01", Cnc),
    ("acme/hillcrest/machining/cell1/cnc02", Cnc),
    ("acme/hillcrest/machining/cell2/cnc03", Cnc),
    ("acme/hillcrest/machining/cell1/climate01", Climate),
    ("acme/hillcrest/utilities/power/meter01", Meter),
)
GATEWAY_STATUS = "acme/gateway/status"  # the publisher's own; the broker says "offline" for us if we vanish

DEFAULT_PORTS = {"mqtt": MQTT_PORT, "mqtts": 8883, "ws": 80, "wss": 443}
TICK = 0.1  # seconds between two steps: publications trickle as in a real plant instead of coming in one burst
RECONNECT = 2.0  # seconds between two attempts to reach the broker
ANSWER_TIMEOUT = 5.0  # seconds for an acknowledgement
DEFAULT_SEED = 1


class Plant:
    """All machines; `step(now)` is what they publish until `now` (seconds since 1970 UTC), retained first."""

    def __init__(self, random: Random, speed: float = 1.0) -> None:
        self.speed = speed
        self._random = random
        self._machines: list[Machine] = [kind(topic, random, n) for n, (topic, kind) in enumerate(LAYOUT, start=1)]
        for machine in tuple(self._machines):
            if isinstance(machine, Filler):
                line = machine.topic.rpartition("/")[0]
                self._machines.append(Orders(f"{line}/mes", random, len(self._machines), counts=machine.good))
        self._before: float | None = None
        self._known = False  # whether the broker was told the retained data

    def reconnected(self) -> None:
        """The next step says everything retained again: the broker may have forgotten it."""
        self._known = False

    def _announce(self, now: float) -> Iterator[Publication]:
        self._known = True
        yield Publication(GATEWAY_STATUS, b"online", retain=True, qos=1)
        for machine in self._machines:
            yield from machine.announce(now)

    def step(self, now: float) -> Iterator[Publication]:
        """The publications since the last step; time that runs backwards stands still."""
        if self._before is None:
            self._before = now
            for machine in self._machines:
                machine.begin(now)
        if not self._known:
            yield from self._announce(now)
        seconds = max(now - self._before, 0.0)
        self._before = now
        for machine in self._machines:
            yield from machine.step(seconds, now, self.speed)

    def farewell(self) -> Iterator[Publication]:
        """What an orderly end says: every machine is offline."""
        for machine in self._machines:
            yield machine.status("offline")
        yield Publication(GATEWAY_STATUS, b"offline", retain=True, qos=1)


async def publish(plant: Plant, url: str, protocol: str, stop: asyncio.Event) -> None:
    """Publishes until `stop`; a lost broker is waited for.

    `protocol` is "5", "3.1.1" or "auto": 5, and after each refusal the other one.
    """
    versions = {"5": [aiomqtt.ProtocolVersion.V5], "3.1.1": [aiomqtt.ProtocolVersion.V311]}.get(
        protocol, [aiomqtt.ProtocolVersion.V5, aiomqtt.ProtocolVersion.V311]
    )
    while not stop.is_set():
        refused = True
        try:
            async with _client(url, versions[0]) as client, asyncio.TaskGroup() as tasks:
                refused = False
                lost = tasks.create_task(_until_lost(client), name="until lost")
                await _run(plant, client, stop)
                lost.cancel()
        except* aiomqtt.MqttError as errors:
            if not stop.is_set():
                logger.warning("no broker at %s: %s", url, errors.exceptions[0])
            if refused:
                versions = [*versions[1:], versions[0]]
            await _pause(stop, RECONNECT)


async def _until_lost(client: aiomqtt.Client) -> None:
    """Nothing is subscribed, so this only raises `MqttError`, at once, when the connection is lost."""
    async for _ in client.messages:
        continue


def _client(url: str, version: aiomqtt.ProtocolVersion) -> aiomqtt.Client:
    parts = urlsplit(url)
    encrypted, websocket = parts.scheme in ("mqtts", "wss"), parts.scheme in ("ws", "wss")
    return aiomqtt.Client(
        parts.hostname or "localhost",
        parts.port or DEFAULT_PORTS.get(parts.scheme, MQTT_PORT),
        transport="websockets" if websocket else "tcp",
        websocket_path=(parts.path or "/mqtt") if websocket else None,
        tls_context=ssl.create_default_context() if encrypted else None,
        protocol=version,
        timeout=ANSWER_TIMEOUT,
        will=aiomqtt.Will(GATEWAY_STATUS, b"offline", qos=1, retain=True),
    )


async def _run(plant: Plant, client: aiomqtt.Client, stop: asyncio.Event) -> None:
    plant.reconnected()
    while not stop.is_set():
        await _send(client, plant.step(time.time()))
        await _pause(stop, TICK)
    await _send(client, plant.farewell())


async def _send(client: aiomqtt.Client, publications: Iterable[Publication]) -> None:
    for topic, payload, retain, qos in publications:
        await client.publish(topic, payload, qos=qos, retain=retain)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def simulate(options: argparse.Namespace) -> int:
    """The plant with the clock and the network, until SIGTERM or SIGINT."""
    stop = stop_event(with_parent=options.with_parent)
    await publish(Plant(Random(options.seed), options.speed), options.broker, options.protocol, stop)  # noqa: S311
    return 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bridge.sources.plant", description="A simulated plant over MQTT.")
    parser.add_argument("--broker", default=f"mqtt://localhost:{MQTT_PORT}", help="where to publish (mqtt://host:port)")
    parser.add_argument("--protocol", choices=("auto", "5", "3.1.1"), default="auto")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="the same seed tells the same story")
    parser.add_argument("--speed", type=float, default=1.0, help="times as many messages a second")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input closes")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # the client's own; losses are told above
    return asyncio.run(simulate(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
