"""Names: the role that a topic level plays, and the name a person would give its type."""

import re
from functools import lru_cache

from bridge.uns.topics import display_name

_NUMBERED = re.compile(r"^(?P<stem>.*?[^\W\d_].*?)(?:[-_ .#]*\d+)+$", re.DOTALL)
_INDEX = re.compile(r"\d{1,3}", re.ASCII)
_IDENTITY = re.compile(r"\d+|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}", re.ASCII)
_WORD = re.compile(r"[^\W_]+")
_CODE = re.compile(
    r"[-_ .#][^\W\d_]\d+$"
)  # a letter and a number behind other words: `SIEMENS-S7` is no seventh of its kind
_HEXADECIMAL = re.compile(
    r"[-_](?:0x[0-9a-fA-F]+|(?=[a-fA-F]*\d)[0-9a-fA-F]{6,})$", re.ASCII
)  # an address or serial number
_CONTRACT = re.compile(r"_(?:raw|local|historian|analytics)|_(?P<name>[a-z][a-z0-9-]*)_v(?P<version>\d{1,4})", re.ASCII)

_LONG_NUMBER = 3  # digits; shorter numbers count parts that stay
_KEY = re.compile(r"\D{0,32}?\d{3,}", re.ASCII | re.DOTALL)

_COMPOUND = re.compile(r"[\W_]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD_LENGTH = 3  # letters; what is shorter at the end (`MotorID`, `AxisX`) says which one

_DOTTED = 3  # dots in a name that is a whole path; fewer are a version or a file

MAX_NAME = 80  # characters of a type's name


@lru_cache(maxsize=16_384)
def stem(name: str) -> str:
    """A level's name without its numeric suffix: `vat01` → `vat`, `robot_weld_05` → `robot_weld`, `Line 1` → `Line`."""
    name = _HEXADECIMAL.sub("", name) or name
    found = None if _CODE.search(name) else _NUMBERED.match(name)
    return found["stem"].rstrip("-_ .#") or name if found else name


def is_numbered(name: str) -> bool:
    return stem(name) != name or is_identity(name)


def is_contract(name: str) -> bool:
    """A data contract of the UMH: what is below it is a path inside of what is above it."""
    return name.startswith("_") and _CONTRACT.fullmatch(name) is not None


def contract(name: str) -> tuple[str, str] | None:
    """Name and version of a versioned contract: `_pump_v1` → (`Pump`, `1`)."""
    found = _CONTRACT.fullmatch(name) if name.startswith("_") else None
    if found is None or found["version"] is None:
        return None
    return type_name(found["name"]), str(int(found["version"]))


def is_index(name: str) -> bool:
    """A short index level: `0`, `1`, `12`."""
    return _INDEX.fullmatch(name) is not None


def is_identity(name: str) -> bool:
    """A name that says which one, not what: a number, a UUID, a long hexadecimal."""
    return _IDENTITY.fullmatch(name) is not None


def is_key(name: str) -> bool:
    """A key that stands for one of many, which come and go: `S-001`, `4711`, a UUID; not `axis1`."""
    return _KEY.fullmatch(name) is not None or (is_identity(name) and len(name) >= _LONG_NUMBER)


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


@lru_cache(maxsize=4_096)
def last_word(name: str) -> str:
    """What a compound is: `ProdConsumedCount` → `Count`; the whole name where it is none."""
    words = [word for word in _COMPOUND.split(stem(name)) if word]
    return words[-1] if words and len(words[-1]) >= _WORD_LENGTH else name


@lru_cache(maxsize=65_536)
def role(name: str, parent: str) -> str:
    """What kind of thing a level names: its stem as a type name; where it only says which one, its parent's item.

    A topic without levels may hold them all the same, between dots: then the last of them counts.
    """
    if not parent and name.count(".") >= _DOTTED:
        name = name.rstrip(".").rpartition(".")[2]
    if not is_identity(name) and (found := type_name(stem(name))) != "Item":
        return found
    return item(parent)


def words(name: str) -> str:
    """A name for people; empty for the empty name."""
    return display_name(name) if name else ""
