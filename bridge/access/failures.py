"""Failed logins, by address: each is answered later than the one before, and after too many in a minute passwords are
not looked at any more until the minute is over. Only wrong credentials count; none at all is no guess.

A token has 256 random bits: guesses at it are no danger, and it is always looked at.
"""

import asyncio
import ipaddress
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

MINUTE = 60.0
FIRST_DELAY, LONGEST_DELAY = 0.05, 1.0  # seconds; doubled with each failure
ADDRESSES = 10_000  # remembered; the one that has been quiet the longest goes
WAITING = 200  # answers that are held back at the same time; beyond, they go out at once


class _Record(Struct):
    since: float  # when the minute began
    count: int = 0


class Failures:
    """`most` in a minute are looked at. `now` is in monotonic seconds."""

    def __init__(self, most: int, now: Callable[[], float]) -> None:
        self._most = most
        self._now = now
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._waiting = 0

    def wait(self, address: str) -> int | None:
        """Seconds until passwords from an address are looked at again, where it has failed too often."""
        record = self._current(network(address))
        if record is None or record.count < self._most:
            return None
        return max(1, round(record.since + MINUTE - self._now()))

    async def failed(self, address: str) -> None:
        """Count it, and let whoever tries wait."""
        key = network(address)
        record = self._current(key)
        if record is None:
            record = self._records[key] = _Record(self._now())
            if len(self._records) > ADDRESSES:
                self._records.popitem(last=False)
        record.count += 1
        self._records.move_to_end(key)
        if self._waiting < WAITING:
            self._waiting += 1
            try:
                await asyncio.sleep(min(FIRST_DELAY * 2 ** (record.count - 1), LONGEST_DELAY))
            finally:
                self._waiting -= 1

    def _current(self, key: str) -> _Record | None:
        record = self._records.get(key)
        if record is not None and self._now() - record.since >= MINUTE:
            del self._records[key]
            return None
        return record


def network(address: str) -> str:
    """Whom failures are counted against. Of IPv6 a /64: nobody has less than that."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address
