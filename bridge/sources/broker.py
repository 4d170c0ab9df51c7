"""The demo's own MQTT broker: amqtt on the loopback interface, in a process of its own.

`python -m bridge.sources.broker` prints its address on standard output once it listens, then serves until
SIGTERM, SIGINT or, with `--with-parent`, until its standard input closes. It speaks MQTT 3.1.1 only, lets
everybody in, keeps nothing on disk and costs some 0.4 ms of CPU a message: enough to look at, not to run a
plant on. A process of its own keeps that cost away from the event loop that serves HTTP.
"""

import argparse
import asyncio
import contextlib
import logging
import signal
import socket
import sys

from bridge.errors import StartError

HOST = "127.0.0.1"  # nobody else: the broker asks for no password
MQTT_PORT = 1883  # where MQTT tools look first


def free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else a port that the system picks."""
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port left a minute ago is free
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise StartError(f"no free TCP port on {HOST}")


def stop_event(*, with_parent: bool) -> asyncio.Event:
    """An event that SIGTERM, SIGINT or, if asked, the end of standard input sets.

    A parent that holds the other end of standard input need not be alive to end us: a crash closes it too.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if with_parent:
        loop.add_reader(sys.stdin.fileno(), _parent_gone, loop, stop)
    return stop


def _parent_gone(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    loop.remove_reader(sys.stdin.fileno())  # an end of file stays readable for ever
    stop.set()


async def serve(port: int, *, with_parent: bool) -> int:
    """Run the broker until told to stop; 0, or `StartError` when it cannot listen."""
    from amqtt.broker import Broker
    from amqtt.errors import BrokerError

    stop = stop_event(with_parent=with_parent)
    port = free_port(port)
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    try:
        await broker.start()
    except BrokerError as error:
        raise StartError(f"the demo broker cannot listen on {HOST}:{port}: {error}") from error
    sys.stdout.write(f"mqtt://{HOST}:{port}\n")
    sys.stdout.flush()
    await stop.wait()
    await broker.shutdown()
    return 0


def quieten() -> None:
    """amqtt logs each packet, and its own internals when a client just leaves: nothing for a newcomer."""
    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bridge.sources.broker", description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=MQTT_PORT, help="preferred port; another one if it is taken")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input closes")
    options = parser.parse_args()
    quieten()
    try:
        return asyncio.run(serve(options.port, with_parent=options.with_parent))
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return 3


if __name__ == "__main__":
    sys.exit(main())
