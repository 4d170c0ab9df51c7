"""A bridge that writes, to a broker that is stood in for at its protocol; and writes through its API."""

from typing import Any

from inprocess import AXIS, MOTOR, SPEED, TEMPERATURE, InProcess

from bridge.config import WriteSettings

EVERYTHING = WriteSettings(enabled=True, allow=("#",), echo_timeout=0.1)


def pressed(writes: WriteSettings = EVERYTHING, **more: Any) -> InProcess:
    """A press of which every element has been heard of."""
    bridge = InProcess(writes=writes, **more)
    for topic, value in {SPEED: 5, f"{MOTOR}/current": 5.5, TEMPERATURE: 20.5, AXIS: {"x": 1, "pos": {"y": 2}}}.items():
        bridge.publish(topic, value)
    bridge.arrange()
    return bridge


def put(bridge: InProcess, ident: str, value: Any, **more: Any) -> Any:
    """The status of one update, 0 where it succeeded, and the detail."""
    (item,) = bridge.put("/objects/value", updates=[{"elementId": ident, "value": {"value": value, **more}}])["results"]
    if item["success"]:
        assert item == {"success": True, "elementId": ident, "result": None}
        return 0, ""
    return item["responseDetail"]["status"], item["responseDetail"]["detail"]


def value(bridge: InProcess, ident: str) -> Any:
    return bridge.post("/objects/value", elementIds=[ident])["results"][0]["result"]["value"]
