"""Which topics are wanted: the filters to subscribe to, and the ones to leave out."""

from collections.abc import Sequence

from bridge.uns.topics import matches

TOPICS_REMEMBERED = 100_000  # decisions kept; about 20 MB. Beyond it they are all made again, 2 µs each
_SHARED = "$share/"  # $share/GROUP/FILTER: the members of a group get each message once (MQTT 5, section 4.8.2)


def essential(filters: Sequence[str]) -> tuple[str, ...]:
    """The filters without those that others cover: a broker may send a message once for each that matches."""
    distinct = tuple(dict.fromkeys(filters))
    return tuple(f for f in distinct if not any(matches(other, f) for other in distinct if other != f))


def plain(pattern: str) -> str:
    """A filter without the group of a shared subscription."""
    return pattern.split("/", 2)[2] if pattern.startswith(_SHARED) and pattern.count("/") > 1 else pattern


class Topics(dict[bytes, str | None]):
    """Topic bytes → topic name, None for a topic that is not wanted; decided once a topic, bounded.

    The broker may send more than was asked for: a resumed session keeps subscriptions that the configuration
    no longer has. `undecodable` counts publications whose topic is not legal UTF-8.
    """

    __slots__ = ("_exclude", "_wanted", "undecodable")

    def __init__(self, wanted: Sequence[str], exclude: Sequence[str]) -> None:
        super().__init__()
        self._wanted = tuple(map(plain, wanted))
        self._exclude = tuple(exclude)
        self.undecodable = 0

    def __missing__(self, raw: bytes) -> str | None:
        try:
            topic = raw.decode()
        except UnicodeDecodeError:
            self.undecodable += 1
            return None
        if len(self) >= TOPICS_REMEMBERED:
            self.clear()
        decision = topic if self._is_wanted(topic) else None
        self[raw] = decision
        return decision

    def copies(self, topic: str) -> int:
        """How many of the wanted filters match a topic: as often may the broker send its stored copy."""
        return sum(matches(pattern, topic) for pattern in self._wanted)

    def _is_wanted(self, topic: str) -> bool:
        return self.copies(topic) > 0 and not any(matches(pattern, topic) for pattern in self._exclude)
