"""Samples in a batch, and the profiles that find them; see `batches` for the theory."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from bridge.uns import databus
from bridge.uns.message import Json
from bridge.uns.policy import QualityProfile


class Item(Struct):
    """One sample in a batch, its parts as they stand in the document. `path` None: of the message's own topic."""

    path: str | None
    value: Json
    time: Json = None
    quality: Json = None
    unit: Json = None
    attributes: Mapping[str, Json] | None = None
    historical: bool = False


class Context(Struct, frozen=True):
    """What a profile may need to know beside the document."""

    topic: str
    types: databus.DataTypes
    named: bool  # the configuration names the profile, so that less has to fit


class Profile(Struct, frozen=True):
    """How one vendor's documents are known and taken apart. `rows`: in arrays; `suspects` gets the first object."""

    name: str
    suspects: Callable[[Mapping[str, Json]], bool]
    split: Callable[[Json, Context], Sequence[Item] | None]
    quality_as: QualityProfile = ""
    rows: bool = False
    by_itself: bool = True  # recognised without being named


def objects(value: Json) -> list[dict[str, Json]]:
    """The objects in an array; all else in it is passed over."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def name_of(value: Json) -> str:
    """A path from an id: numbers count as names; "" for what is none."""
    return value.strip() if isinstance(value, str) else str(value) if type(value) is int else ""


def without(content: Mapping[str, Json], *keys: str) -> dict[str, Json] | None:
    """The attributes of an item: what else stands beside it."""
    return {key: part for key, part in content.items() if key not in keys} or None


class Table(Struct, frozen=True):
    """A document with a list of rows under a key (or that is the list), each row one data point's sample."""

    id: str
    value: str
    time: str = ""
    quality: str = ""
    at: str = ""
    dotted: bool = False

    def split(self, document: Json, _: Context) -> list[Item] | None:
        around = document if isinstance(document, dict) else {}
        listed = objects(around.get(self.at) if self.at else document)
        if not listed or not {self.id, self.value} <= listed[0].keys():
            return None
        fallback = next((around[key] for key in ("timestamp", "Timestamp", "ts", "t") if key in around), None)
        return [
            Item(self._path(row), row.get(self.value), row.get(self.time, fallback), row.get(self.quality))
            for row in listed
        ]

    def _path(self, row: Mapping[str, Json]) -> str:
        name = name_of(row.get(self.id))
        return name.replace(".", "/") if self.dotted else name
