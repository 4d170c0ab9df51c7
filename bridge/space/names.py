"""Names: the role that a topic level plays, and the name a person would give its type."""

import re
from functools import lru_cache

from bridge.uns.topics import display_name

_NUMBERED = re.compile(r"^(?P<stem>.*?[^\W\d_].*?)(?:[-_ .#]*\d+)+$", re.DOTALL)
_INDEX = re.compile(r"\d{1,3}", re.ASCII)
_IDENTITY = re.compile(r"\d+|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}", re.ASCII)
_WORD = re.compile(r"[^\W_]+")

MAX_NAME = 80  # characters of a type's name


def stem(name: str) -> str:
    """A level's name without its numeric suffix: `vat01` → `vat`, `robot_weld_05` → `robot_weld`, `Line 1` → `Line`."""
    found = _NUMBERED.match(name)
    return found["stem"].rstrip("-_ .#") or name if found else name


def is_numbered(name: str) -> bool:
    return stem(name) != name or is_identity(name)


def is_index(name: str) -> bool:
    """A short index level: `0`, `1`, `12`."""
    return _INDEX.fullmatch(name) is not None


def is_identity(name: str) -> bool:
    """A name that says which one, not what: a number, a UUID, a long hexadecimal."""
    return _IDENTITY.fullmatch(name) is not None


def type_name(role: str) -> str:
    """`robot_weld` → `RobotWeld`, `LaserPower` → `LaserPower`, `Temperature °C` → `TemperatureC`."""
    words = _WORD.findall(role)
    return "".join(word[0].upper() + word[1:] for word in words)[:MAX_NAME] or "Item"


def is_plural(name: str) -> bool:
    """An English plural, near enough: `sites`, `passports`."""
    return len(name) > 3 and name[-1:] in "sS" and name[-2:].lower() not in ("ss", "us", "is")


def item(collection: str) -> str:
    """What one member of a collection is: `orders` → `Order`, `Inventory` → `InventoryItem`."""
    whole = type_name(stem(collection)) if collection else "Item"
    if whole == "Item":
        return whole
    return whole[:-1] if is_plural(whole) else f"{whole}Item"


@lru_cache(maxsize=65_536)
def role(name: str, parent: str) -> str:
    """What kind of thing a level names: its stem as a type name; where it only says which one, its parent's item."""
    if not is_identity(name) and (found := type_name(stem(name))) != "Item":
        return found
    return item(parent)


def words(name: str) -> str:
    """A name for people; empty for the empty name."""
    return display_name(name) if name else ""
