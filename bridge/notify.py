"""What systemd is told about us: the datagrams of sd_notify(3), sent without its library.

A service of `Type=notify` counts as started when it says READY=1; with `WatchdogSec=` it is killed, and started again,
when it has not said WATCHDOG=1 for so long. Where there is no `$NOTIFY_SOCKET` nobody listens and nothing is sent.

Nothing here stops or delays the daemon: a datagram that cannot be sent is counted, and the first one is told.
"""

import asyncio
import logging
import os
import re
import socket
from collections.abc import Mapping

SOCKET_VARIABLE = "NOTIFY_SOCKET"
INTERVAL_VARIABLE = "WATCHDOG_USEC"
PID_VARIABLE = "WATCHDOG_PID"  # whom the watchdog watches; a child inherits the variables of its parent

PATIENCE = 0.05  # seconds that a full queue of the listener's may hold up the event loop
STATUS_CHARACTERS = 500  # of the line in `systemctl status`; systemd takes 4,096 bytes of assignments

_MICROSECONDS = 1_000_000  # in a second
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")  # a line end would begin another assignment

_log = logging.getLogger("bridge.notify")


class Notifier:
    """`address` is that of a datagram socket, `None` for nobody; `failures` counts what could not be sent.

    `watchdog_interval` is in seconds, `None` where no watchdog watches us.
    """

    def __init__(self, address: str | None, watchdog_interval: float | None = None) -> None:
        self.watchdog_interval = watchdog_interval if address is not None else None
        self.failures = 0
        self._address = address
        self._status = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], pid: int | None = None) -> "Notifier":
        """As systemd tells us; `pid` is ours, where it is not that of this process."""
        return cls(_address(environ), _interval(environ, os.getpid() if pid is None else pid))

    @property
    def ping_every(self) -> float | None:
        """Seconds between two pings: half the interval, as sd_watchdog_enabled(3) recommends."""
        return None if self.watchdog_interval is None else self.watchdog_interval / 2

    def ready(self, status: str = "") -> None:
        """Started: what waits for us may start, too."""
        self._send("READY=1", status)

    def status(self, text: str) -> None:
        """The line in `systemctl status`, when it is another one than before."""
        if text and text != self._status:
            self._send("", text)

    def stopping(self, status: str = "") -> None:
        """On the way out: from now on the time limit is that of the stop."""
        self._send("STOPPING=1", status)

    def watchdog(self) -> None:
        """Still alive."""
        self._send("WATCHDOG=1")

    async def pulse(self) -> None:
        """Say so for ever, for as long as the event loop goes round; at once over where nobody watches."""
        while self.ping_every is not None:
            self.watchdog()
            await asyncio.sleep(self.ping_every)

    def _send(self, assignment: str, status: str = "") -> None:
        if self._address is None:
            return
        lines = [assignment] if assignment else []
        if status:
            lines.append(f"STATUS={_CONTROL.sub(' ', status)[:STATUS_CHARACTERS]}")
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(PATIENCE)
                sender.sendto("\n".join(lines).encode(errors="replace"), self._address)
        except OSError as error:
            self._failed(lines[0], error)
        else:
            self._status = status or self._status

    def _failed(self, line: str, error: OSError) -> None:
        self.failures += 1
        if self.failures == 1:
            _log.debug("$%s: %s cannot be sent: %s; not told again", SOCKET_VARIABLE, line, error)


def _address(environ: Mapping[str, str]) -> str | None:
    """A path, or a name in the abstract namespace, which begins with a null byte; other families are not for us."""
    said = environ.get(SOCKET_VARIABLE, "")
    if not said:
        return None
    if said[0] not in "/@" or len(said) == 1 or not hasattr(socket, "AF_UNIX"):
        _log.debug("$%s = %r: not a path and not an abstract name; nobody is notified", SOCKET_VARIABLE, said)
        return None
    return f"\0{said[1:]}" if said[0] == "@" else said


def _interval(environ: Mapping[str, str], pid: int) -> float | None:
    said, watched = environ.get(INTERVAL_VARIABLE, ""), environ.get(PID_VARIABLE, "")
    if not re.fullmatch(r"[0-9]{1,19}", said) or not int(said) or watched not in ("", str(pid)):
        return None
    return int(said) / _MICROSECONDS
