"""Topics that tell whether a source is there: last wills, availability, connection states (inference.md H).

The name of the last level makes a topic a candidate, and its values decide: as soon as one is outside the vocabulary of
being there or not, the topic is ordinary data for ever. What looks alike must not be mistaken. The `state` of a machine
is data unless it says exactly `online` or `offline`; the availability of OEE is a number that may well begin with 0, so
0 means nothing before 1 was said; and a value with an engineering unit never is a status.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from bridge.uns import Json, Reading
from bridge.uns.policy import Policy
from bridge.uns.routing import is_sparkplug

Verdict: TypeAlias = Literal["online", "offline", "unsaid", "foreign"]

_ONLINE: Verdict = "online"
_OFFLINE: Verdict = "offline"
_EXACT: dict[str, Verdict] = {"online": _ONLINE, "offline": _OFFLINE}
# Homie 3 `$state`, VDA 5050 `connectionState` and what last wills commonly say, in lower case.
_WORDS: dict[str, Verdict] = _EXACT | {
    **dict.fromkeys(("connected", "available", "alive", "init", "ready", "alert", "sleeping", "hibernating"), _ONLINE),
    **dict.fromkeys(("disconnected", "unavailable", "dead", "lost", "connectionbroken"), _OFFLINE),
}
_FLAGS: dict[str, Verdict] = _WORDS | {"true": _ONLINE, "false": _OFFLINE}
_KEYS = ("state", "status", "connectionState", "connected", "online")  # of documents


class Meaning(Struct, frozen=True):
    """What the values of a level may be: words, in any case; `flags`: booleans, 0 and 1 too; `exact`: as they are, and
    in a document nothing beside.
    """

    words: Mapping[str, Verdict]
    flags: bool = False
    exact: bool = False


_FLAGGED, _WORDED = Meaning(_FLAGS, flags=True), Meaning(_WORDS)
_LEVELS: Mapping[str, Meaning] = {
    **dict.fromkeys(("lwt", "availability", "online", "connection"), _FLAGGED),
    **dict.fromkeys(("$state", "status"), _WORDED),
    "state": Meaning(_EXACT, exact=True),
}


class Status:
    """What one topic has said so far. `declared`: the configuration says that it is one, so that nothing is foreign."""

    __slots__ = ("_declared", "_meaning", "_seen_one")

    def __init__(self, meaning: Meaning, *, declared: bool) -> None:
        self._meaning = meaning
        self._declared = declared
        self._seen_one = declared

    def hear(self, reading: Reading) -> Verdict:
        """What a reading says about the source; null says nothing."""
        if reading.value is None:
            return "unsaid"
        verdict: Verdict = "foreign" if reading.unit is not None else self._verdict(reading.value)
        return "unsaid" if verdict == "foreign" and self._declared else verdict

    def _verdict(self, value: Json) -> Verdict:
        meaning = self._meaning
        if type(value) is dict:
            keys = [key for key in _KEYS if key in value]
            if len(keys) != 1 or (meaning.exact and len(value) > 1):
                return "foreign"
            value = value[keys[0]]
        if type(value) is str:
            return meaning.words.get(value if meaning.exact else value.strip().lower(), "foreign")
        if not meaning.flags or type(value) not in (bool, int) or value not in (0, 1):
            return "foreign"
        self._seen_one = self._seen_one or value == 1
        if value:
            return _ONLINE
        return _OFFLINE if type(value) is bool or self._seen_one else "unsaid"


def status_of(topic: str, policy: Policy) -> Status | None:
    """The status that a topic's values may be, by its name or because a rule says so. Sparkplug has its own deaths."""
    if policy.use == "status":
        return Status(_FLAGGED, declared=True)
    meaning = _LEVELS.get(topic.rpartition("/")[2].lower())
    if meaning is None or policy.use or is_sparkplug(topic):
        return None
    return Status(meaning, declared=False)
