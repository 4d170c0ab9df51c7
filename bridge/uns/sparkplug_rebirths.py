"""Rebirth requests: which edge nodes to ask for their births, and how often (Sparkplug's `Node Control/Rebirth`).

A node is *wanted* while it sends data that no birth of its session has explained. Its next birth settles that, and so
does its death: nobody is there to be asked. The answer to a request is all births of the node and its devices, for
which node and network pay. So requests are bounded, and a node that still sends unexplained data after a request (its
births are incomplete, or requests do not reach it) is asked ever more seldom. Times are monotonic seconds.
"""

from collections import deque
from typing import NamedTuple, TypeAlias

from bridge.uns.message import Message
from bridge.uns.sparkplug_wire import CLASSES, DataType

EdgeNode: TypeAlias = tuple[str, str]  # group, name

MAX_WANTED = 10_000  # edge nodes; as many as the decoder knows at most
MAX_A_MINUTE = 100  # requests: after a start a plant is complete within minutes, and its births come spread out
MINUTE = 60.0
FIRST_WAIT = 60.0  # until the same node may be asked again; doubled with every request,
LONGEST_WAIT = 3_600.0  # up to this. After twice the wait it begins anew, so no more nodes are kept than two hours give

_REBIRTH = b"Node Control/Rebirth"


class _Asked(NamedTuple):
    at: float
    wait: float


class Rebirths:
    """See the module's text. `requested` counts what `due` has given."""

    def __init__(self) -> None:
        self.requested = 0
        self._wanted: dict[EdgeNode, None] = {}  # in the order in which they came
        self._asked: dict[EdgeNode, _Asked] = {}
        self._recent: deque[float] = deque()  # when requests of the last minute were made

    def want(self, edge: EdgeNode) -> None:
        """There are data of this node that no birth has explained."""
        if len(self._wanted) < MAX_WANTED:
            self._wanted[edge] = None

    def settle(self, edge: EdgeNode) -> None:
        """The node was born, or has died."""
        self._wanted.pop(edge, None)

    def due(self, now: float) -> list[EdgeNode]:
        """The nodes to ask now. Whoever was asked lately is passed over until more of its data are unexplained; who
        only comes after too many others stays wanted.
        """
        if not self._wanted:
            return []
        self._forget(now)
        found: list[EdgeNode] = []
        for edge in list(self._wanted):
            if len(self._recent) >= MAX_A_MINUTE:
                break
            del self._wanted[edge]
            if self._may_ask(edge, now):
                self._note(edge, now)
                found.append(edge)
        return found

    def _may_ask(self, edge: EdgeNode, now: float) -> bool:
        asked = self._asked.get(edge)
        return asked is None or now >= asked.at + asked.wait

    def _note(self, edge: EdgeNode, now: float) -> None:
        before = self._asked.get(edge)
        wait = FIRST_WAIT if before is None else min(2 * before.wait, LONGEST_WAIT)
        self._asked[edge] = _Asked(now, wait)
        self._recent.append(now)
        self.requested += 1

    def _forget(self, now: float) -> None:
        while self._recent and now >= self._recent[0] + MINUTE:
            self._recent.popleft()
        self._asked = {edge: asked for edge, asked in self._asked.items() if now < asked.at + 2 * asked.wait}


def request(edge: EdgeNode, now_ns: int) -> Message:
    """The command that asks an edge node for its births: QoS 0 and not retained, as the specification demands."""
    group, name = edge
    payload = CLASSES["Payload"](timestamp=now_ns // 1_000_000)
    payload.metrics.add(name=_REBIRTH, timestamp=payload.timestamp, datatype=DataType.Boolean, boolean_value=True)
    return Message(f"spBv1.0/{group}/NCMD/{name}", payload.SerializeToString(), received_ns=now_ns)
