"""What survives a restart, in files below `[state] directory`: the learnt model, last values, subscriptions."""

from bridge.state.fingerprint import fingerprint
from bridge.state.keeper import Keeper
from bridge.state.lock import Lock
from bridge.state.state import StateKeeper
from bridge.state.store import Store

__all__ = ["Keeper", "Lock", "StateKeeper", "Store", "fingerprint"]
