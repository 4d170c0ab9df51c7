"""Documents that come in parts, as from UMH `_historian`: `merge = "deep"` puts each into the last one.

Merging asks for no look at documents of the structure that the whole has already: such a one replaces all of it.
"""

from bridge.space.node import Node
from bridge.uns import Json, Reading
from bridge.uns.payload import structure

MAX_KEYS = 1_000  # of one object: keys that never repeat would let it grow for ever, so then the part replaces it


def merge(node: Node, reading: Reading) -> object:
    """Put a reading's document into the element's last one, key by key; the structure of the whole."""
    if type(reading.value) is dict and type(node.value) is dict:
        reading.value = merged(node.value, reading.value)
        reading.shape = structure(reading.value)
    return reading.shape


def merged(last: Json, part: Json) -> Json:
    """What is in `part`, and of `last` what is not; arrays are values like any other. Both stay as they are."""
    if type(last) is not dict or type(part) is not dict:
        return part
    whole = last | {key: merged(last.get(key), value) for key, value in part.items()}
    return whole if len(whole) <= MAX_KEYS else part
