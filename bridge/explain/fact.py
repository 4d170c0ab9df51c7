"""A fact about an element: what is so, and why. `said` is JSON that people can read, too."""

from collections.abc import Iterator
from typing import TypeAlias

from msgspec import Struct

from bridge.uns import Json


class Fact(Struct, frozen=True, omit_defaults=True):
    """For example `Fact("JSON")`, `Fact("Good", "the payload does not doubt its value")`."""

    said: Json
    why: str = ""


Facts: TypeAlias = Iterator[tuple[str, Fact]]  # each with its name; in the order in which they are told
