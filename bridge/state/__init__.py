"""What survives a restart: the learnt model, in a file below `[state] directory`."""

from bridge.state.fingerprint import fingerprint
from bridge.state.keeper import Keeper
from bridge.state.store import Store

__all__ = ["Keeper", "Store", "fingerprint"]
