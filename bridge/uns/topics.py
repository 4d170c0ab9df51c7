"""Topic names, topic filters, and the element ids that stand for them.

An element id is the topic itself, with the few characters that break clients percent-encoded; the mapping is
injective and reversible for every legal topic (design.md, "Decisions"). `#` cannot occur in a topic, so
`topic#/json/pointer` names a part inside a payload and `namespaceUri#TypeName` a type, and nothing collides; a `#`
in a key (or in a topic that no broker accepts) is encoded.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import unquote

RESERVED_IDS = frozenset({"HasParent", "HasChildren", "HasComponent", "ComponentOf"})

# The level before a leading slash. U+0000 is illegal in topics, so no topic has this id.
EMPTY_PREFIX_ID = "%00"
_MUST_ENCODE = frozenset('%,"\\#')
_INNER = r"-A-Za-z0-9_./:@$&'()*+;=!~<>?\[\]^`{|}"
_PLAIN = re.compile(f"[{_INNER}](?:[{_INNER} ]*[{_INNER}])?")  # the common case: nothing to encode


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def encode(text: str) -> str:
    """Percent-encode what may not stand in an element id: `% , " \\`, non-printable characters and outer blanks."""
    if _PLAIN.fullmatch(text):
        return text
    inner_start, inner_end = len(text) - len(text.lstrip()), len(text.rstrip())
    return "".join(
        _percent(c) if c in _MUST_ENCODE or not c.isprintable() or not inner_start <= i < inner_end else c
        for i, c in enumerate(text)
    )


def element_id(topic: str) -> str:
    """The element id of a topic (or of a topic's prefix); `topic_of` undoes it."""
    if not topic:
        return EMPTY_PREFIX_ID
    if topic in RESERVED_IDS:
        return _percent(topic[0]) + topic[1:]
    return encode(topic)


def field_id(owner_id: str, path: Sequence[str]) -> str:
    """The element id of a field: the owner's id, `#`, and the RFC 6901 JSON pointer, encoded like a topic."""
    pointer = "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)
    return f"{owner_id}#{encode(pointer)}"


def topic_of(ident: str) -> str:
    """The topic that an element id stands for (of a field: its owner's topic)."""
    owner = ident.partition("#")[0]
    return "" if owner == EMPTY_PREFIX_ID else unquote(owner, errors="surrogatepass")


def pointer_of(ident: str) -> tuple[str, ...]:
    """The keys of a field's JSON pointer; empty for anything that is not a field."""
    _, mark, pointer = ident.partition("#")
    if not mark:
        return ()
    return tuple(
        key.replace("~1", "/").replace("~0", "~") for key in unquote(pointer, errors="surrogatepass").split("/")[1:]
    )


def display_name(level: str) -> str:
    """A level's name for people: printable and never blank."""
    if not level:
        return "(empty)"
    name = level if level.isprintable() else "".join(c if c.isprintable() else _percent(c) for c in level)
    return name.strip() or "(blank)"


def prefixes(topic: str) -> Iterable[str]:
    """All proper prefixes of a topic, the root's first: `a/b/c` → `a`, `a/b`."""
    at = topic.find("/")
    while at >= 0:
        yield topic[:at]
        at = topic.find("/", at + 1)


def matches(pattern: str, topic: str) -> bool:
    """Whether a topic filter covers a topic name, or all that a narrower filter covers.

    `$` topics are not covered by leading wildcards (MQTT 5, section 4.7.2).
    """
    if topic.startswith("$") and pattern[:1] in "+#":
        return False
    wanted, levels = pattern.split("/"), topic.split("/")
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(levels) or levels[index] == "#" or level not in ("+", levels[index]):
            return False
    return len(wanted) == len(levels)


def overlap(one: str, other: str) -> bool:
    """Whether some topic is covered by both of two topic filters."""
    for first, second in ((one, other), (other, one)):
        if first.startswith("$") and second[:1] in "+#":
            return False
    ours, theirs = one.split("/"), other.split("/")
    for mine, yours in zip(ours, theirs, strict=False):
        if "#" in (mine, yours):
            return True
        if mine != yours and "+" not in (mine, yours):
            return False
    shorter = min(len(ours), len(theirs))
    rest = ours[shorter:] or theirs[shorter:]
    return not rest or rest == ["#"]  # which covers the level above it, too


def matches_pattern(pattern: str, topic: str) -> bool:
    """Like `matches`; a level of the pattern may also hold `*`, which is any number of characters: `vat*`."""
    if "*" not in pattern:
        return matches(pattern, topic)
    if topic.startswith("$") and pattern[:1] in "+#":
        return False
    wanted, levels = pattern.split("/"), topic.split("/")
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(levels) or not (level == "+" or globbed(level).fullmatch(levels[index])):
            return False
    return len(wanted) == len(levels)


@lru_cache(maxsize=4_096)
def globbed(level: str) -> re.Pattern[str]:
    """A level of a pattern in which `*` is any number of characters."""
    return re.compile(".*".join(map(re.escape, level.split("*"))), re.DOTALL)
