"""A bridge in the test's own process with elements of every kind, that can be written, too: what is published comes
back at once, as from a broker.
"""

from typing import Any

import recordings
from inprocess import AXIS, CURRENT, PRESS, SPEED, TEMPERATURE, InProcess

from bridge.config.writing import WriteSettings
from bridge.uns import Message
from bridge.uns.sparkplug_wire import CLASSES, DataType

HOSTILE = (
    "hostile/../etc", "hostile//empty", "/hostile/slash", "hostile/%2f", "hostile/ blank ", 'hostile/"quoted"',
    "hostile/\u2028line", "hostile/\u202eright to left", "hostile/a\\b", "hostile/<script>alert(1)</script>",
    "hostile/{braces}", "hostile/ünï", "hostile/🏭", "hostile/a,b;c=d&e?f", "HasParent",
)  # fmt: skip


class World(InProcess):
    """Presses, what gateways and plants publish, payloads that are hard to read, Sparkplug, topics that are strange."""

    def __init__(self, **more: Any) -> None:
        super().__init__(writes=WriteSettings(enabled=True, allow=("#",), echo_timeout=0.1), **more)
        self.press()
        for name in recordings.own_files():
            self.ingest(*recordings.messages(recordings.path_of(name)))
        self.ingest(*(Message(topic, b"1.5", received_ns=self.now_ns) for topic in HOSTILE))
        self._sparkplug()
        for topic, value in {SPEED: 5, CURRENT: 5.5, TEMPERATURE: 20.5, AXIS: {"x": 1, "pos": {"y": 2}}}.items():
            self.publish(topic, value)
        self.publish(f"{PRESS}/state", "RUNNING")
        self.arrange()
        self.idents = [one["elementId"] for one in self.engine.browse.objects()]

    def _sparkplug(self) -> None:
        birth = CLASSES["Payload"](seq=0, timestamp=self.now_ns // 1_000_000)
        birth.metrics.add(name=b"Level", alias=7, datatype=DataType.Int32, int_value=5)
        birth.metrics.add(name=b"Motor/Running", datatype=DataType.Boolean, boolean_value=True)
        payload = bytes(birth.SerializeToString())
        self.ingest(Message("spBv1.0/Plant/NBIRTH/Edge 1", payload, received_ns=self.now_ns))
