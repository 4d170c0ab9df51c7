"""VDA 5050, the interface of automated guided vehicles: `uagv/v2/<manufacturer>/<serial number>/<subject>`.

The fleet's control publishes orders and instant actions, which ask for something; the vehicle publishes all else.
"""

from bridge.uns.message import Hint

_ROOT = "uagv/"
_SLASHES = 3  # in the topic of a vehicle
_COMMANDS = frozenset({"order", "instantActions"})
_VEHICLE = Hint("AGV")


def is_command(topic: str) -> bool:
    """Whether a topic asks a vehicle to do something."""
    return topic.startswith(_ROOT) and topic.count("/") == _SLASHES + 1 and topic.rpartition("/")[2] in _COMMANDS


def hint(topic: str) -> Hint | None:
    """What a vehicle is, whoever has made it."""
    return _VEHICLE if topic.startswith(_ROOT) and topic.count("/") == _SLASHES else None
